#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""completions.py bash|zsh CHAOS: what a shell needs to complete chaos' command line, from `chaos help --json`."""
import json
import subprocess
import sys

BASH = """# bash completion for chaos
_chaos() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} command=${{COMP_WORDS[1]-}}
    if [ "$COMP_CWORD" = 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W '{names}' -- "$word")
    elif [[ $word == -* ]]; then
        local options=
        case $command in
{cases}
        esac
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}}
complete -o filenames -F _chaos chaos
"""

ZSH = """#compdef chaos
_chaos() {{
    local -a commands=(
{described}
    )
    if (( CURRENT == 2 )); then
        _describe command commands
        return
    fi
    local -a options
    case $words[2] in
{cases}
    esac
    if [[ $words[CURRENT] == -* ]]; then compadd -- $options; else _files; fi
}}
_chaos "$@"
"""


def main():
    shell, program = sys.argv[1:3]
    text = subprocess.run([program, "help", "--json"], check=True, stdout=subprocess.PIPE, text=True).stdout
    commands = json.loads(text)["commands"]
    names = [command["name"] for command in commands]
    options = {command["name"]: " ".join(command["options"]) for command in commands}
    if shell == "bash":
        cases = "\n".join(f"            {name}) options='{options[name]}' ;;" for name in names)
        print(BASH.format(names=" ".join(names), cases=cases), end="")
    else:
        described = "\n".join("        '{}:{}'".format(c["name"], c["summary"].replace("'", "’").replace(":", "\\:"))
                              for c in commands)
        cases = "\n".join(f"        {name}) options=({options[name]}) ;;" for name in names)
        print(ZSH.format(described=described, cases=cases), end="")


main()
