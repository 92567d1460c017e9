# SPDX-License-Identifier: Apache-2.0
"""Counts what a program does: its instructions by callgrind, its calls of the kernel by strace.

Neither depends on what else the machine does, so two programs may be counted at the same time. callgrind of Debian 12
knows neither Landlock, without which chaos looks unguarded, nor openat2, which is then called by this process
(forward.cpp): some hundred instructions more for each file, on both sides of a comparison.
"""
import collections
import contextlib
import ctypes
import glob
import os
import re
import shutil
import socket
import struct
import subprocess
import threading

import common


class Failed(Exception):
    """What was to be counted could not be."""


SYS_OPENAT2, AT_FDCWD, OF_HOW = 437, -100, 24


def answer(channel):
    """Makes the calls that forward.cpp asks for, to the end of the conversation."""
    call = ctypes.CDLL(None, use_errno=True).syscall
    while True:
        question, directories, _, _ = socket.recv_fds(channel, 1 << 16, 1)
        if not question:
            return
        at = directories[0] if directories else AT_FDCWD
        opened = call(SYS_OPENAT2, at, question[OF_HOW:], question[:OF_HOW], OF_HOW)
        error = struct.pack("i", ctypes.get_errno())
        for directory in directories:
            os.close(directory)
        if opened < 0:
            channel.send(error)
        else:
            socket.send_fds(channel, [struct.pack("i", 0)], [opened])
            os.close(opened)


@contextlib.contextmanager
def opening():
    """The descriptor of who calls openat2 for a program."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server = threading.Thread(target=answer, args=[ours])
    server.start()
    try:
        yield theirs.fileno()
    finally:
        theirs.close()
        server.join()
        ours.close()


class Side:
    """One of the programs that are compared, with a directory and a cache of its own."""

    def __init__(self, name, program, directory):
        self.name, self.program, self.directory = name, os.path.abspath(program), directory
        self.environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": directory, "XDG_CACHE_HOME": f"{directory}/cache"}
        self.cache = f"{directory}/cache/chaos"
        os.makedirs(self.cache, mode=0o700)
        os.chmod(f"{directory}/cache", 0o700)
        said = subprocess.run([self.program, "apply", "--help"], stdout=subprocess.PIPE, text=True, check=False).stdout
        self.full = ["--full"] if "--full" in said else []  # so that it looks; older ones always do

    def run(self, words, well=(0,), under=(), at=None):
        """Its exit must be one of these; else Failed, with what it said. `at`: what its descriptor 3 is."""
        command = [*under, self.program, *words]
        # What is kept of manifests lies in /var/cache for root: each side has one of its own.
        inside = 'mount --bind "$0" /var/cache && ' if os.geteuid() == 0 else ""
        inside += 'exec "$@"' + (f" 3<&{at}" if at is not None else "")
        command = ["bash", "-c", inside, f"{self.directory}/cache", *command]
        if os.geteuid() == 0:
            command = ["unshare", "--mount", *command]
        done = subprocess.run(command, env=self.environment, cwd=self.directory, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, errors="replace", check=False, pass_fds=[at] if at is not None else [])
        if done.returncode not in well:
            raise Failed(f"{self.name} ended with {done.returncode}: {' '.join(words)}\n{done.stderr[-2000:]}")

    def instructions(self, words, well, out):
        """How many; callgrind's file stays at `out`."""
        # Nothing of its own goes to standard error, where errors of the program are to be found.
        under = ["env", f"LD_PRELOAD={common.BUILD}/bench/libforward.so", "valgrind", "--tool=callgrind", "-q",
                 f"--log-file={out}.log", f"--callgrind-out-file={out}"]
        with opening() as at:
            self.run(words, well, under, at)
        found = [int(line.split()[1]) for line in open(out, encoding="utf-8", errors="replace") if line.startswith("totals:")]
        if not found:
            raise Failed(f"callgrind counted nothing: {' '.join(words)}")
        return found[-1]

    def calls(self, words, well, out):
        """How many calls of the kernel, of it and of whatever it starts."""
        self.run(words, well, ["strace", "-f", "-c", "-U", "calls,name", "-o", out])
        totals = [line.split() for line in open(out, encoding="utf-8")]
        found = [int(fields[0]) for fields in totals if fields[1:] == ["total"]]
        if not found:
            raise Failed(f"strace counted nothing: {' '.join(words)}")
        return found[-1]


def functions(out):
    """What each function took itself, of a file of callgrind: name to instructions."""
    names, own, at, is_call = {}, collections.Counter(), "", False
    for line in open(out, encoding="utf-8", errors="replace"):
        if match := re.match(r"(c?fn)=\((\d+)\)(?: (.*))?", line):
            word, number, name = match.groups()
            if name:
                names[number] = name.rstrip("\n")
            if word == "fn":
                at = names[number]
        elif line.startswith("calls="):
            is_call = True  # the line after it is what the callee took
        elif line[0] in "+-*0123456789":
            if not is_call:
                own[at] += int(line.split()[1])
            is_call = False
    return own


def grown(base, now, most=5):
    """The functions that took so much more than before: name and instructions, most first."""
    before, after = functions(base), functions(now)
    more = {name: after[name] - before[name] for name in after if after[name] > before[name]}
    return sorted(more.items(), key=lambda item: -item[1])[:most]


class Place:
    """Where the cases find what they are about: sites that are made once a side, and roots that are made anew each time."""

    def __init__(self, side):
        self.side, self.made = side, set()

    def path(self, name):
        return f"{self.side.directory}/{name}"

    def generated(self, name, *numbers):
        """A site of bench/generate, applied: nothing is to be done."""
        if name not in self.made:
            subprocess.run([f"{common.TOP}/bench/generate", self.path(name), *map(str, numbers)], check=True)
            self.side.run(["apply", "-y", "-q", "--root", self.path(f"{name}/root"), self.path(f"{name}/site.yml")])
            self.made.add(name)

    def big(self):
        """The site of bench/site, and a root in which none of it is there."""
        if "big" not in self.made:
            subprocess.run([f"{common.TOP}/bench/site", self.path("big")], check=True)
            common.furnish(self.path("big-root"))
            self.made.add("big")

    def anew(self, files):
        """A root with so many files and a store, and a manifest that replaces them all."""
        shutil.rmtree(self.path("change"), ignore_errors=True)
        common.furnish(self.path("change/root"), files)
        common.write(self.path("change/first.yml"), "name: first\nfiles: {/srv/first: a}\n")
        common.write(self.path("change/site.yml"), "name: s\nfiles:\n" + "".join(
            f'  /srv/{number}: "the new content of {number}\\n"\n' for number in range(files)))
        self.side.run(["apply", "-y", "-q", "--root", self.path("change/root"), self.path("change/first.yml")])

    def edit(self, *names):
        for name in names:
            with open(self.path(name), "a", encoding="utf-8") as file:
                file.write("# an edit\n")

    def forget(self):
        for name in glob.glob(f"{self.side.cache}/*"):
            os.unlink(name)
