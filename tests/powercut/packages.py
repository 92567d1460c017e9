# SPDX-License-Identifier: Apache-2.0
"""A run with a package manager in it, in an image that chaos lives in: a Debian with apt and dpkg, entered by chroot."""
import hashlib
import os
import subprocess

import rig
from cuts import PROGRAM, SOURCE, Cuts, Image, ageless

# The first is there before and is upgraded, the second comes with it; both have scripts, configuration and an account.
CONTROL = "Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\nDepends: {needs}\nDescription: test\n"
SCRIPTS = {
    "postinst": "#!/bin/sh\nset -e\necho {version} > /var/lib/{name}.made\n"
                "grep -q ^{name}: /etc/passwd || useradd --system --no-create-home {name}\n",
    "postrm": "#!/bin/sh\nset -e\n[ \"$1\" != purge ] || rm -f /var/lib/{name}.made\n",
}
SITE = """\
name: cut
packages: {tool: 2, beside: }
files:
  /etc/tool.d/site.conf: "of the site\\n"
  /srv/large: {source: large}
directories: {/etc/tool.d: {}}
"""
REPOSITORY = "srv/repository"


def package(place, name, version, needs):
    tree = place / "tmp/tree"
    for path, text in (("DEBIAN/control", CONTROL), ("DEBIAN/conffiles", "/etc/{name}.conf\n"), ("etc/{name}.conf", "of {version}\n"),
                       ("usr/share/{name}/data", "{version}\n" * 500), *((f"DEBIAN/{name}", text) for name, text in SCRIPTS.items())):
        file = tree / path.format(name=name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.format(name=name, version=version, needs=needs))
        if file.name in SCRIPTS:
            file.chmod(0o755)
    archive = place / REPOSITORY / f"{name}_{version}_all.deb"
    rig.call("dpkg-deb", "--root-owner-group", "-Zgzip", "-b", tree, archive, stdout=subprocess.DEVNULL)
    rig.call("rm", "-r", tree)
    with open(archive.parent / "Packages", "a", encoding="utf-8") as out:
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        out.write(CONTROL.format(name=name, version=version, needs=needs) +
                  f"Filename: ./{archive.name}\nSize: {archive.stat().st_size}\nSHA256: {digest}\n\n")


def furnish(image):
    place = image.place
    rig.call("rm", "-rf", *(place / "var/lib/apt/lists").glob("*"))
    (place / REPOSITORY).mkdir(parents=True)
    for file in (place / "etc/apt/sources.list.d").glob("*"):
        file.unlink()
    (place / "etc/apt/sources.list").write_text(f"deb [trusted=yes] file:/{REPOSITORY} ./\n")
    (place / "srv/large").write_bytes(b"0123456789abcdef" * 100000)
    (place / "root/large").write_bytes(b"the new one 1234" * 90000)
    (place / "root/site.yml").write_text(SITE)
    rig.call("install", "-m", "755", PROGRAM, place / "usr/local/bin/chaos")
    rig.call("install", "-m", "755", SOURCE / "tests/support/host_state", place / "usr/local/bin/host_state")
    package(place, "tool", "1", "libc6")
    package(place, "tool", "2", "helper")
    package(place, "helper", "1", "libc6")
    package(place, "beside", "1", "libc6")
    image.inside("apt-get", "update", "-qq")
    image.inside("apt-get", "install", "-y", "-qq", "tool=1")
    image.inside("sh", "-c", "echo mine >> /etc/tool.conf")


class System(Image):
    """As the system in the image sees itself."""

    def __init__(self, place, scratch):
        super().__init__(place, scratch)
        patterns = (SOURCE / "tests/support/undo_ignore.txt").read_text().splitlines()
        self.ignored[0].write_text("\n".join(["/lost+found # the file system's", "/var # looked at by itself", *patterns]) + "\n")
        beneath = [line[len("/var"):] for line in patterns if line.startswith("/var/")]
        self.ignored[1].write_text("\n".join(["/lost+found # the file system's", *beneath]) + "\n")

    def enter(self):
        for kind, where in (("proc", "proc"), ("tmpfs", "run"), ("tmpfs", "tmp")):
            rig.call("mount", "-t", kind, kind, self.place / where)
        rig.call("mount", "--bind", "/dev", self.place / "dev")

    def leave(self):
        for where in ("dev", "tmp", "run", "proc"):
            rig.unmount(self.place / where)

    def inside(self, *words, environment=None, expect=True):
        clean = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8",
                 "DEBIAN_FRONTEND": "noninteractive", **(environment or {})}
        return self.run(["chroot", str(self.place), *words], clean, expect)

    def chaos(self, *words, preload="", expect=True):
        assert not preload, "what is entered by chroot has no preloaded library"
        return self.inside("chaos", *words, expect=expect)

    def look(self):
        lines = super().look()
        audit = self.inside("dpkg", "--audit").stdout.strip()
        assert not audit, f"dpkg --audit: {audit}"
        return lines + [f"host: {line}" for line in self.inside("host_state", expect=False).stdout.splitlines() if "sysctl" not in line]

    def is_before(self, got, before):
        # what dpkg unpacks again to go back has the time of that day, and not of the first one
        return ageless(got) == ageless(before)


class SystemCuts(Cuts):
    """The state of a package manager that was cut can only be looked at once it was repaired."""

    def recovery(self, name, base, recording, seen, part):
        crashed = self.bench.images / "crashed"
        point = seen["from"] + int((seen["to"] - seen["from"]) * part)
        rig.clone(rig.Replay(self.bench, base, recording).at(point), crashed)
        recording_of = {}

        def act(_, mark):
            self.image.enter()
            try:
                recording_of["from"] = mark()
                self.image.chaos("recover")
                recording_of["to"] = mark()
                recording_of["before"] = recording_of["after"] = self.image.look()
            finally:
                self.image.leave()

        again = self.bench.record(self.disk, crashed, act)
        for mark in ("from", "to"):
            recording_of[mark] = again.before(recording_of[mark])
        assert self.image.is_before(recording_of["after"], seen["before"]), f"{name}: the recovery did not take it back"
        self.at_points(f"{name}, its recovery", rig.Replay(self.bench, crashed, again), recording_of,
                       self.points(f"{name}, recovery {point}", recording_of, again))


def of_packages(bench, kind, options):
    disk = rig.Disk(kind, 700)
    image = System(bench.place, bench.top)
    work = SystemCuts(bench, disk, image, options)
    tree = os.environ.get("CHAOS_HOST_TREE")
    if not tree:
        raise rig.Impossible("CHAOS_HOST_TREE names no Debian to put into the image")
    base, applied = bench.images / "system", bench.images / "system-applied"
    disk.make(base)
    disk.mount(base, bench.place)
    rig.call("cp", "-a", f"{tree}/.", bench.place)  # before anything of this machine is mounted in it
    disk.unmount(bench.place)
    work.inside(base, lambda: furnish(image))
    work.cut("packages", base, ("apply", "-y", "/root/site.yml"), options.recoveries)
    rig.clone(base, applied)
    work.inside(applied, lambda: image.chaos("apply", "-y", "/root/site.yml"))
    work.cut("packages, rollback", applied, ("rollback", "-y"))
    return work
