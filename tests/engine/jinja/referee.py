# SPDX-License-Identifier: Apache-2.0
"""Renders every case of the corpus with Jinja2, as JSON: what chaos must agree with.

The last newline is kept and what is not defined is an error, as the manifest language says.
"""
import json
import sys

try:
    import jinja2
except ImportError:
    print("python3-jinja2 is not installed")
    sys.exit(77)

folder = sys.argv[1]
with open(folder + "/context.json", encoding="utf-8") as file:
    context = json.load(file)
answers = []
for case in json.load(sys.stdin):
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder + "/parts"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks="trim_blocks" in case["options"],
        lstrip_blocks="lstrip_blocks" in case["options"],
    )
    try:
        answers.append({"text": environment.from_string(case["text"]).render(context)})
    except Exception as error:  # whatever it is: the two must agree that there is one
        answers.append({"error": type(error).__name__ + ": " + str(error)})
json.dump(answers, sys.stdout)
