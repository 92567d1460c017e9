#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# sync_order.py TRACE: whether the calls of a run, as strace -f -y wrote them, come in the order in which the protocol
# (src/rollback/store.hpp) has to make things durable. Prints what is wrong, and ends with 1.
import re
import sys
from typing import NamedTuple

# A call that another thread's calls came into is written in two lines: it begins in the first and ends in the second.
WHOLE = re.compile(r"(\w+)\((.*)\) += (-?\d+)(?:<[^>]*>)?")
BEGUN = re.compile(r"(\w+\(.*) <unfinished \.\.\.>$")
ENDED = re.compile(r"<\.\.\. \w+ resumed>(.*)$")


class Call(NamedTuple):
    name: str
    words: str
    got: int
    begun: int  # the line in which it begins
    ended: int  # the line in which it ends


def calls_of(lines):
    begun = {}
    for at, line in enumerate(lines):
        thread, text = line.rstrip("\n").split(maxsplit=1)
        first = at
        if half := BEGUN.match(text):
            begun[thread] = (at, half[1])
            continue
        if half := ENDED.match(text):
            first, opening = begun.pop(thread)
            text = opening + half[1]
        if (call := WHOLE.match(text)) and int(call[3]) >= 0:
            yield Call(call[1], call[2], int(call[3]), first, at)


with open(sys.argv[1], encoding="utf-8", errors="replace") as trace:
    calls = sorted(calls_of(trace), key=lambda call: call.begun)


def those(matches):
    return [call for call in calls if matches(call.name, call.words)]


def in_stage(words):
    return "/stage/" in words or "/.chaos-" in words


wal_written = those(lambda name, words: name == "pwrite64" and "store.db-wal>" in words)
wal_synced = those(lambda name, words: name == "fdatasync" and "store.db-wal>" in words)
synced = those(lambda name, _: name == "syncfs")
staged = those(lambda name, words: in_stage(words) and (name in ("mkdirat", "symlinkat", "write", "fchmodat", "fchownat")
                                                        or (name.startswith("openat") and "O_CREAT" in words)))
published = those(lambda name, words: name == "renameat2" and in_stage(words))
swept = those(lambda name, words: name == "unlinkat" and in_stage(words))
problems = []


def some_between(where, first, last, what):
    if not any(first.ended < call.begun and call.ended < last.begun for call in where):
        problems.append(what)


if not published or not swept:
    sys.exit("this trace publishes or sweeps nothing")
first_stage = min(staged + published, key=lambda call: call.begun)
written_before = [call for call in wal_written if call.begun < first_stage.begun]
if not written_before:
    problems.append("nothing was recorded before the first change")
else:
    some_between(wal_synced, written_before[-1], first_stage, "what is intended was not synced before the first change")
before_shown = [call for call in wal_written if call.begun < published[0].begun]
if before_shown:
    some_between(wal_synced, before_shown[-1], published[0], "what was recorded was not synced before it was shown")
intended = max((call.ended for call in wal_synced if call.begun < first_stage.begun), default=-1)
staging = [call for call in staged if call.begun < published[0].begun]
if staging:
    some_between(synced, staging[-1], published[0], "what was staged was not synced before it was shown")
ends = [call for call in wal_written if call.begun > published[-1].begun]
if not ends:
    problems.append("the end was not recorded")
else:
    some_between(synced, published[-1], ends[0], "what was shown was not synced before the end was recorded")
    some_between(wal_synced, ends[0], swept[0], "the end was not synced before the stage was swept")
last_words = [call for call in wal_written if call.begun > swept[-1].begun]
if not last_words:
    problems.append("it was recorded as swept before it was, or not at all")
else:
    some_between(synced, swept[-1], last_words[0], "the sweep was not synced before it was recorded")
for call in synced:
    descriptor = re.match(r"(\d+)", call.words)[1]
    opened = [other for other in calls if other.begun < call.begun and other.name.startswith("openat")
              and other.got == int(descriptor)]
    if staging and (not opened or opened[-1].begun > intended):
        problems.append(f"syncfs by a descriptor that is younger than what was written: {call.words}")
print("\n".join(problems) if problems else f"{len(calls)} calls, {len(synced)} syncfs, {len(published)} shown")
sys.exit(1 if problems else 0)
