# SPDX-License-Identifier: Apache-2.0
"""What is the same whatever the power is cut under: points of a recorded command, and what must hold after each."""
import os
import pathlib
import subprocess

import rig

SOURCE = pathlib.Path(os.environ.get("CHAOS_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
PROGRAM = os.environ.get("CHAOS_PROGRAM", str(SOURCE / "build/chaos"))
TOOLS = pathlib.Path(os.environ.get("CHAOS_TOOLS", SOURCE / "build/tests/support"))


class Image:
    """The mounted image, as the program and the comparison see it."""

    def __init__(self, place, scratch):
        self.place = place
        self.ignored = [scratch / "ignored", scratch / "ignored-in-var"]
        for file in self.ignored:
            file.write_text("/lost+found # the file system's\n/var # looked at by itself\n/lib/chaos # chaos' own history\n")

    def enter(self):
        """After it was mounted, and before leave()."""

    def leave(self):
        pass

    def chaos(self, *words, preload="", expect=True):
        environment = dict(os.environ)
        if preload:
            environment.update(LD_PRELOAD=str(TOOLS / "libno_sync.so"), NO_SYNC=preload)
        return self.run([PROGRAM, *words, "--root", str(self.place)], environment, expect)

    def run(self, words, environment=None, expect=True):
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", env=environment, check=False)
        if expect and done.returncode:
            raise AssertionError(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout[-2000:]}")
        return done

    def look(self):
        """All that is compared, a line a thing."""
        lines = []
        for root, ignored in zip((self.place, self.place / "var"), self.ignored):
            done = self.run([str(TOOLS / "snapshot"), str(root), str(ignored)])
            lines += [f"{root.name}: {line}" for line in done.stdout.splitlines()]
        return lines

    def is_wished(self, got, wished):
        return ageless(got) == ageless(wished)

    def is_before(self, got, before):
        return got == before

    def litter(self):
        found = [path for path in self.place.glob(".chaos-*")] + [path for path in (self.place / "var").glob(".chaos-*")]
        return found + list((self.place / "var/lib/chaos/stage").glob("*"))


def ageless(lines):
    """What a run makes is as old as the run."""
    return [" ".join(word for word in line.split(" ") if not word.startswith("mtime=")) for line in lines]


def difference(wanted, got):
    return "\n".join([f"-{line}" for line in wanted if line not in got][:12] + [f"+{line}" for line in got if line not in wanted][:12])


class Cuts:
    """Cuts at points of recorded commands; counts them, and those after which not all was as it must be."""

    def __init__(self, bench, disk, image, options):
        self.bench, self.disk, self.image, self.options = bench, disk, image, options
        self.tried = self.failed = 0

    def inside(self, image, act):
        """Does something to a disk while it is mounted."""
        self.disk.mount(image, self.bench.place)
        try:
            self.image.enter()
            try:
                return act()
            finally:
                self.image.leave()
        finally:
            self.disk.unmount(self.bench.place)

    def record(self, base, command):
        """Records a command; what there was before it and after it is in what comes back."""
        seen = {}

        def act(_, mark):
            self.image.enter()
            try:
                seen["before"] = self.image.look()
                os.sync()
                seen["from"] = mark()
                self.image.chaos(*command, preload=self.options.without_sync)
                seen["to"] = mark()
                seen["after"] = self.image.look()
            finally:
                self.image.leave()

        recording = self.bench.record(self.disk, base, act)
        seen["from"], seen["to"] = recording.before(seen["from"]), recording.before(seen["to"])
        return recording, seen

    def points(self, name, seen, recording):
        """Of the writes of the command and those right after it: how many are cut off after, and whether what was not
        flushed is torn."""
        every = range(seen["from"], min(len(recording.entries), seen["to"] + 20) + 1)
        chance = rig.chance_of(self.options.seed, self.disk.kind, name)
        all_points = [(point, torn) for point in every for torn in (False, True)]
        if not self.options.points or len(every) <= self.options.points:
            return all_points
        if self.options.until_failed:
            return chance.sample(all_points, len(all_points))
        return [(point, chance.random() < 0.5) for point in chance.sample(every, self.options.points)]

    def cut(self, name, base, command, recoveries=0):
        recording, seen = self.record(base, command)
        points = self.points(name, seen, recording)
        at_once = self.options.points if self.options.until_failed and self.options.points else len(points)
        for first in range(0, len(points), at_once):
            self.at_points(name, rig.Replay(self.bench, base, recording), seen, points[first : first + at_once])
            if self.options.until_failed and self.failed:
                return
        for number in range(recoveries):
            self.recovery(name, base, recording, seen, (number + 1) / (recoveries + 1))

    def at_points(self, name, replay, seen, points):
        # what is torn lags behind what is not: the one cut after the other, by where the replay has to be
        def order(point):
            return replay.recording.last_flush(point[0]) if point[1] else point[0]

        for point, torn in sorted(points, key=order):
            chance = rig.chance_of(self.options.seed, name, point) if torn else None
            self.tried += 1
            try:
                self.inside(replay.at(point, chance), lambda: self.holds(point >= seen["to"], seen))
            except (AssertionError, OSError) as error:
                self.failed += 1
                if self.failed <= 3 or self.options.verbose:
                    model = "torn" if torn else "prefix"
                    print(f"{self.disk.kind}, {name}, write {point} of {len(replay.recording.entries)} ({model}): {error}", flush=True)

    def holds(self, ended, seen):
        self.image.chaos("recover")
        got = self.image.look()
        if not self.image.is_wished(got, seen["after"]):
            assert not ended, "it had ended before the cut, and is not there:\n" + difference(ageless(seen["after"]), ageless(got))
            assert self.image.is_before(got, seen["before"]), "neither as before nor as wished:\n" + difference(seen["before"], got)
        litter = self.image.litter()
        assert not litter, f"litter: {litter[:5]}"
        self.image.chaos("history", "verify")

    def recovery(self, name, base, recording, seen, part):
        """A cut that leaves something to take back; and the recovery cut in its turn."""
        crashed = self.bench.images / "crashed"

        def is_half():
            is_open = self.image.chaos("recover", "--status", expect=False).returncode == 2
            return is_open and self.image.look() not in (seen["before"], seen["after"])

        begin = seen["from"] + int((seen["to"] - seen["from"]) * part)
        for point in range(begin, seen["to"]):
            rig.clone(rig.Replay(self.bench, base, recording).at(point), crashed)
            if self.inside(crashed, is_half):
                break
        else:
            print(f"note: {name}: no write after {begin} leaves anything half done")
            return
        rig.clone(rig.Replay(self.bench, base, recording).at(point), crashed)  # nobody has looked at this one
        again, there = self.record(crashed, ("recover",))
        assert self.image.is_before(there["after"], seen["before"]), f"{name}: the recovery did not take it back"
        there["before"] = there["after"]  # there is no other end
        self.at_points(f"{name}, its recovery", rig.Replay(self.bench, crashed, again), there,
                       self.points(f"{name}, recovery {point}", there, again))
