#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What tests/e2e/solver needs beside a shell.

choose N < NAMES     N sets of one to four packages, a line each: nearly the same ones for nearly the same archive
site "NAME NAME"     the manifest that wishes them
exact PLAN           NAME=VERSION of all that a plan as JSON installs; NAME- of what it removes
judge DIRECTORY      compares N.plan with N.held (must be the same) and N.apt (is counted, and each difference told)
"""
import hashlib
import itertools
import json
import os
import re
import sys


def changes(path):
    try:
        with open(path, encoding="utf-8") as file:
            plan = json.load(file)
    except (OSError, ValueError):
        return None
    plan = plan.get("plan", plan)
    found = {}
    for change in plan.get("changes", []):
        kind, _, name = change["id"].partition(":")
        if kind != "package":
            continue
        version = [a["after"] for a in change["attributes"] if a["name"] == "version"]
        found[name] = "-" if change["action"] == "remove" else version[0] if version else None
    return {name: version for name, version in found.items() if version}


def simulated(path):
    found = {}
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError:
        return None
    for line in text.splitlines():
        if come := re.match(r"Inst (\S+) (?:\[[^\]]*\] )?\((\S+) ", line):
            found[come.group(1)] = come.group(2)
        if goes := re.match(r"(?:Remv|Purg) (\S+)", line):
            found[goes.group(1)] = "-"
    return None if re.search(r"^E: ", text, re.MULTILINE) else found


def judge(directory):
    well, same, asked, both_refuse, total = True, 0, 0, 0, 0
    for number in sorted(int(n.split(".")[0]) for n in os.listdir(directory) if n.endswith(".names")):
        base = f"{directory}/{number}"
        with open(f"{base}.names", encoding="utf-8") as file:
            names = file.read().strip()
        ours, theirs, held = changes(f"{base}.plan"), simulated(f"{base}.apt"), simulated(f"{base}.held")
        total += 1
        if not ours:
            if theirs is None or "-" in theirs.values():  # what removes others is refused without consent
                both_refuse += 1
            else:
                with open(f"{base}.said", encoding="utf-8") as file:
                    print(f"set {number} ({names}): apt would, chaos refuses: {file.read().strip()[:600]}")
                well = False
            continue
        if ours != held:
            print(f"set {number} ({names}): held to the plan, apt would do something else: "
                  f"{sorted(set(ours.items()) ^ set((held or {}).items()))}")
            well = False
        if not os.path.exists(f"{base}.apt"):
            continue
        asked += 1
        if ours == theirs:
            same += 1
        else:
            print(f"set {number} ({names}): apt by itself would choose otherwise: only chaos "
                  f"{sorted(set(ours.items()) - set((theirs or {}).items()))}, only apt "
                  f"{sorted(set((theirs or {}).items()) - set(ours.items()))}")
    print(f"{total} sets, {both_refuse} refused by both; {asked} were left to apt by itself: {same} the same")
    return well and asked > 0 and same * 4 >= asked * 3


def main():
    what = sys.argv[1]
    if what == "choose":
        names = [line.strip() for line in sys.stdin if line.strip()]
        # by their digests: a package that is new in the archive changes one of the sets, and not all
        names.sort(key=lambda name: hashlib.sha256(name.encode()).digest())
        rest = iter(names)
        for number in range(int(sys.argv[2])):
            print(" ".join(itertools.islice(rest, number % 4 + 1)))
    elif what == "site":
        print("packages: " + json.dumps(sys.argv[2].split()))
    elif what == "exact":
        found = changes(sys.argv[2]) or {}
        print(" ".join(f"{n}-" if v == "-" else f"{n}={v}" for n, v in sorted(found.items())))
    elif what == "judge":
        sys.exit(0 if judge(sys.argv[2]) else 1)


main()
