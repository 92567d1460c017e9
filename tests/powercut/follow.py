# SPDX-License-Identifier: Apache-2.0
"""A tick of a host that follows a repository: after each cut the host is as it was or as wished, and the next tick goes on."""
import os

import rig
from cuts import Cuts, Image, ageless, difference

SITE = """\
name: cut
files:
  /etc/motd: "{word}\\n"
  /srv/large: {{source: large}}
  /var/srv/large: {{source: large}}
  /srv/{word}: {{source: many/7}}
"""
TICK = ("gitops", "reconcile", "--scheduled")


def commit(work, word):
    """All of the repository is another one in the next commit."""
    (work / "many").mkdir(parents=True, exist_ok=True)
    (work / "site.yml").write_text(SITE.format(word=word))
    (work / "large").write_bytes(word.encode() * 30000)
    for number in range(200):
        (work / "many" / str(number)).write_text(f"{word} {number}\n" * 40)
    for words in (("add", "-A"), ("commit", "-q", "-m", word), ("push", "-q", "origin", "HEAD:main")):
        rig.call("git", "-C", work, "-c", "user.name=t", "-c", "user.email=t@example.org", *words)


class FollowCuts(Cuts):
    """What is recovered after a boot is as it was or as wished, and the next tick has it as wished."""

    def holds(self, ended, seen):
        super().holds(ended, seen)
        self.image.chaos(*TICK)
        got = self.image.look()
        assert self.image.is_wished(got, seen["after"]), "the next tick does not go on:\n" + difference(ageless(seen["after"]), ageless(got))
        cache = self.image.place / "var/lib/chaos/gitops"
        self.image.run(["git", "-C", str(cache / "repository.git"), "fsck", "--strict"])
        left = sorted(set(os.listdir(cache)) - {"lock", "repository.git", "sight", "site", "site.commit", "state.json"})
        assert not left, f"left: {left}"
        self.image.chaos("history", "verify")


class Ticks(FollowCuts):
    """The same, and nobody says `chaos recover` before it: the tick does that as well."""

    def holds(self, ended, seen):
        self.image.chaos(*TICK)
        super().holds(True, seen)


def of_ticks(bench, kind, options):
    disk = rig.Disk(kind, 96)
    image = Image(bench.place, bench.top)
    fresh, base = bench.images / "fresh", bench.images / "followed"
    origin, work = bench.top / "infra.git", bench.top / "work"
    rig.call("git", "init", "-q", "--bare", "-b", "main", origin)
    rig.call("git", "init", "-q", "-b", "main", work)
    rig.call("git", "-C", work, "remote", "add", "origin", origin)
    disk.make(fresh)
    cuts = FollowCuts(bench, disk, image, options)
    ticks = Ticks(bench, disk, image, options)

    def furnish():
        for name in ("etc/chaos", "srv", "var/lib", "var/srv"):
            os.makedirs(bench.place / name)
        (bench.place / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
        (bench.place / "etc/group").write_text("root:x:0:\n")
        (bench.place / "etc/chaos/gitops.yml").write_text(f"url: file://{origin}\npath: site.yml\n")
        (bench.place / "etc/chaos/gitops.yml").chmod(0o600)

    cuts.inside(fresh, furnish)
    commit(work, "one")
    rig.clone(fresh, base)
    cuts.inside(base, lambda: image.chaos(*TICK))
    ticks.cut("first tick", fresh, TICK)
    commit(work, "two")
    cuts.cut("tick", base, TICK)
    ticks.cut("tick alone", base, TICK)
    ticks.tried, ticks.failed = ticks.tried + cuts.tried, ticks.failed + cuts.failed
    return ticks
