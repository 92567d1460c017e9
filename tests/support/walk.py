#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""walk.py README [--accept]: runs the `$` lines of every ```console block, in order, in the current directory.

What each prints must be what stands below it, word for word, but for dates, times, durations and commits. --accept prints the
README with what was printed instead. A walk must not fail: exit status 0, or 2 where changes or drift were found.
"""
import os
import re
import subprocess
import sys

PASSING = [
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?"), "DATE"),
    (re.compile(r"\b\d+(\.\d+)? ?(ms|s|seconds?|minutes?)\b( ago)?"), "TIME"),
    (re.compile(r"\bpid \d+\b"), "pid N"),
    (re.compile(r"(\.yml) at [0-9a-f]{10}\b"), r"\1"),  # the commit, where the checkout has one
    (re.compile(r"\b[0-9a-f]{10,40}\b"), "COMMIT"),
    (re.compile(r"\bjust now\b"), "TIME"),
    (re.compile(r" +"), " "),
]


def plain(text):
    text = text.replace("/home/ann/chaos/", os.getcwd() + "/")  # where the README says that the checkout lies
    for pattern, word in PASSING:
        text = pattern.sub(word, text)
    return text.rstrip()


def run(command):
    done = subprocess.run(["bash", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout.rstrip("\n")


def walk(text):
    """Yields the lines of the text, with what was really printed; and problems."""
    inside = False
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        yield line, None
        if line.startswith("```"):
            inside = line == "```console"
            continue
        if not inside or not line.startswith("$ "):
            continue
        said = []
        while at < len(lines) and not lines[at].startswith(("```", "$ ")):
            said.append(lines[at])
            at += 1
        status, printed = run(line[2:])
        problem = None
        if status not in (0, 2):
            problem = f"exit {status}: {line}\n{printed}"
        elif plain(printed) != plain("\n".join(said)):
            problem = f"{line}\n--- the text says\n" + "\n".join(said) + f"\n--- it printed\n{printed}"
        yield printed or None, problem


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        pairs = list(walk(file.read()))
    if "--accept" in sys.argv:
        print("\n".join(line for line, _ in pairs if line is not None))
    else:
        for line, _ in pairs:
            if line is not None and line.startswith("$ "):
                print(line)
    problems = [problem for _, problem in pairs if problem]
    print("\n\n".join(problems), file=sys.stderr)
    return 1 if problems else 0


sys.exit(main())
