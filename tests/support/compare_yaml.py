#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""compare_yaml JUDGE COUNT FILE...: what chaos and libyaml make of COUNT texts, mutants of short ones and of the files.

What both read must be the same. What libyaml refuses, chaos must refuse as well, but for what is named here with its
reason. Always the same texts.
"""
import json
import random
import re
import subprocess
import sys

import yaml

SNIPPETS = [
    "a: 1\nb: 2\n", "a:\n  b: 1\n  c: [x, y]\n", "a:\n  - b\n  - c: 1\n    d: 2\n", "a: |\n  text\n   more\n\nb: >-\n  x\n  y\n",
    "a: \"x\\ty\"\nb: 'it''s'\n", "a: &x {b: 1}\nc: *x\n", "{a: 1, b: [2, 3]}\n", "- a\n- b: 1\n  c: 2\n-\n  - d\n",
    "a: # why\n  b\nc: x#y # z\n", "---\na: 1\n...\n", "a: plain\n  text\n  goes on\nb: 2\n", "a:\n- x\n- y\nb: 1\n",
    "? a\n: b\n", "a: !secret x\nb: !file y\n", "\"a\": {\"b\": [\"c\"]}\n", "a: [x,\n  y,\n]\nb: {c: 1,\n  d: 2}\n",
    "a: http://x/y?z=1\nb: x:y\nc: -1\nd: - e\n", "a: ''\nb: \"\"\nc: ~\nd: null\ne:\n", "a: >\n\n  x\n\n\n  y\nb: |+\n  z\n\n",
    "a b: c d\n\"e f\": g\n", "a:  |2\n    x\n   y\n", "a: 0644\nb: 1.20\nc: 12:30\n", "a: [ {b: c}, [d] ]\n",
]
PIECES = ["  ", " ", "\n", "- ", ": ", ":", "#", " #", "\"", "'", "[", "]", "{", "}", ",", "|", ">", "&x ", "*x", "!", "? ",
          "\t", "---\n", "...\n", "a", "x: y", "%", "@", "`", "\\", "<", "=", "~", "\n\n", "\n  ", "\n- ", "é"]
# What libyaml, a reader of YAML 1.1, refuses or reads otherwise, and YAML 1.2 has.
EXPLAINED = [
    ("a colon right before a bracket or comma ends a key", r"\S:[ ]?[,\]}]"),
    ("a text between brackets may begin with a colon", r"(?:^|[\[{,\s]):[^\s]"),
    ("a line of blanks may have tabs among them", r"(?m)^[ ]*\t[ \t]*$"),
    ("a tab may stand between a dash, or a comma, and what follows", r"[-,][ ]*\t"),
    ("a line of a folded text may begin with a tab", r"(?m)^[ ]+\t"),
    ("names of anchors may have any sign in them", r"&\w*[^\w\s]"),
    ("an anchor may be made anew", r"(?s)&(\w+).*&\1"),
    ("blanks without a line end are no line of a text", r"\n[ ]+$"),
]
# Tags, and what they would make of a value; merge keys; dates and the like are texts to both.
NOT_COMPARED = ("<<", "!", "%")


def mutants(corpus, count):
    chance = random.Random(20250717)
    for number in range(count):
        text = corpus[chance.randrange(len(corpus))]
        if len(text) > 400:
            start = chance.randrange(len(text) - 300)
            start = text.find("\n", start) + 1
            text = text[start:start + chance.randrange(50, 300)]
        for _ in range(chance.randrange(0, 4)):
            at = chance.randrange(len(text) + 1)
            what = chance.randrange(4)
            if what == 0:
                text = text[:at] + chance.choice(PIECES) + text[at:]
            elif what == 1:
                text = text[:at] + text[at + chance.randrange(1, 4):]
            elif what == 2:
                end = min(len(text), at + chance.randrange(1, 12))
                text = text[:at] + text[at:end] + text[at:]
            else:
                lines = text.split("\n")
                line = chance.randrange(len(lines))
                lines[line] = " " * chance.randrange(0, 5) + lines[line].lstrip(" ")
                text = "\n".join(lines)
        yield text


class Loader(yaml.CBaseLoader if hasattr(yaml, "CBaseLoader") else yaml.BaseLoader):
    """Every scalar is a text, and a key is there once."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if not all(isinstance(key, str) for key in keys) or len(set(keys)) < len(keys):
            raise yaml.YAMLError("keys")
        return super().construct_mapping(node, deep=True)


def plain(value):
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return None if value in ("", "~", "null", "Null", "NULL", None) else value


def theirs(text):
    try:
        documents = list(yaml.load_all(text, Loader))
    except (yaml.YAMLError, RecursionError, ValueError):
        return "no"
    return plain(documents[0]) if len(documents) == 1 else "no"


def main():
    judge, count, files = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    corpus = list(SNIPPETS)
    for name in files:
        with open(name, encoding="utf-8", errors="replace") as file:
            corpus.append(file.read())
    texts = list(mutants(corpus, count))
    asked = b"".join(b"%d\n%s" % (len(text.encode()), text.encode()) for text in texts)
    answers = subprocess.run([judge], input=asked, stdout=subprocess.PIPE, check=True).stdout.decode("utf-8", "backslashreplace").split("\n")[:-1]
    assert len(answers) == len(texts), f"{len(answers)} answers to {len(texts)} texts"
    same = both_refuse = stricter = 0
    wrong = []
    for text, answer in zip(texts, answers):
        if any(mark in text for mark in NOT_COMPARED):
            continue
        other = theirs(text)
        ours = "no" if answer.startswith("no ") else plain(json.loads(answer))
        if answer.startswith("no 0:"):
            wrong.append(("an error without a place", text, answer, other))
        elif ours == other and other != "no":
            same += 1
        elif ours == "no" and other == "no":
            both_refuse += 1
        elif ours == "no":
            stricter += 1
            if "--stricter" in sys.argv:
                print(repr(text), answer)
        elif other == "no":
            wrong.append(("libyaml refuses it", text, answer, other))
        else:
            wrong.append(("read in two ways", text, answer, other))
    explained = [any(re.search(pattern, text) for _, pattern in EXPLAINED) for _, text, _, _ in wrong]
    wrong = [one for one, known in zip(wrong, explained) if not known]
    for what, text, answer, other in wrong[:80]:
        print(f"{what}: {text!r}\n    chaos:   {answer[:200]}\n    libyaml: {json.dumps(other)[:200]}")
    print(f"note: {len(texts)} texts: {same} read alike, {both_refuse} refused by both, {stricter} by chaos alone, "
          f"{sum(explained)} as YAML 1.2 has them, {len(wrong)} to explain")
    sys.exit(1 if wrong else 0)


main()
