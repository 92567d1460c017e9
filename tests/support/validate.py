#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""validate SCHEMA MANIFEST...: whether the schema is one of JSON Schema 2020-12, and each manifest is of it.

A manifest named with - before it must not be. Exit 0 where all is so; else what is not is told.
"""
import json
import sys

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match


class Loader(yaml.SafeLoader):
    """What an editor makes of a manifest: no dates, and the tags of chaos are texts."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith("timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for tag in ("!secret", "!file"):
    Loader.add_constructor(tag, lambda loader, node: node.value)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    wrong = 0
    for name in sys.argv[2:]:
        refused = name.startswith("-")
        with open(name.removeprefix("-"), encoding="utf-8") as file:
            document = yaml.load(file, Loader)
        errors = list(validator.iter_errors(document))
        if bool(errors) == refused:
            continue
        wrong += 1
        print(name, "is of the schema, and should not be" if refused else "is not of the schema")
        for error in errors:
            best = best_match([error])
            print("   ", "/".join(map(str, best.absolute_path)), best.message[:300])

    def examples(part, where):
        """Each example is of the schema it stands in."""
        nonlocal wrong
        if isinstance(part, dict):
            for example in part.get("examples", []) if isinstance(part.get("examples"), list) else []:
                if not validator.evolve(schema={**part, "$defs": schema["$defs"]}).is_valid(example):
                    wrong += 1
                    print(where, "has an example that it refuses:", example)
            for key, value in part.items():
                examples(value, f"{where}/{key}")
        elif isinstance(part, list):
            for value in part:
                examples(value, where)

    examples(schema["$defs"], "")
    print(f"{len(sys.argv) - 2} manifests")
    sys.exit(1 if wrong else 0)


main()
