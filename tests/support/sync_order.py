#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# sync_order.py TRACE: whether the calls of a run, as strace -f -y wrote them, come in the order in which the protocol
# (src/rollback/store.hpp) has to make things durable. Prints what is wrong, and ends with 1.
import re
import sys

CALL = re.compile(r"^\d+ +(\w+)\((.*)\) += (-?\d+)(?:<[^>]*>)?")
calls = []
for line in open(sys.argv[1], encoding="utf-8", errors="replace"):
    found = CALL.match(line)
    if found and int(found[3]) >= 0:
        calls.append((found[1], found[2], int(found[3])))


def places(matches):
    return [i for i, call in enumerate(calls) if matches(*call)]


def in_stage(words):
    return "/stage/" in words or "/.chaos-" in words


wal_written = places(lambda name, words, _: name == "pwrite64" and "store.db-wal>" in words)
wal_synced = places(lambda name, words, _: name == "fdatasync" and "store.db-wal>" in words)
synced = places(lambda name, *_: name == "syncfs")
staged = places(lambda name, words, _: in_stage(words) and (name in ("mkdirat", "symlinkat", "write", "fchmodat", "fchownat")
                                                            or (name.startswith("openat") and "O_CREAT" in words)))
published = places(lambda name, words, _: name == "renameat2" and in_stage(words))
swept = places(lambda name, words, _: name == "unlinkat" and in_stage(words))
problems = []


def some_between(where, first, last, what):
    if not any(first < i < last for i in where):
        problems.append(what)


if not published or not swept:
    sys.exit("this trace publishes or sweeps nothing")
first_stage = min(staged + published)
written_before = [i for i in wal_written if i < first_stage]
if not written_before:
    problems.append("nothing was recorded before the first change")
else:
    some_between(wal_synced, written_before[-1], first_stage, "what is intended was not synced before the first change")
intended = max([i for i in wal_synced if i < first_stage], default=-1)
staging = [i for i in staged if i < published[0]]
if staging:
    some_between(synced, staging[-1], published[0], "what was staged was not synced before it was shown")
ends = [i for i in wal_written if i > published[-1]]
if not ends:
    problems.append("the end was not recorded")
else:
    some_between(synced, published[-1], ends[0], "what was shown was not synced before the end was recorded")
    some_between(wal_synced, ends[0], swept[0], "the end was not synced before the stage was swept")
last_words = [i for i in wal_written if i > swept[-1]]
if not last_words:
    problems.append("it was recorded as swept before it was, or not at all")
else:
    some_between(synced, swept[-1], last_words[0], "the sweep was not synced before it was recorded")
for i in synced:
    descriptor = re.match(r"(\d+)", calls[i][1])[1]
    opened = [k for k in range(i) if calls[k][0].startswith("openat") and calls[k][2] == int(descriptor)]
    if staging and i < len(calls) and (not opened or opened[-1] > intended):
        problems.append(f"syncfs by a descriptor that is younger than what was written: {calls[i][1]}")
print("\n".join(problems) if problems else f"{len(calls)} calls, {len(synced)} syncfs, {len(published)} shown")
sys.exit(1 if problems else 0)
