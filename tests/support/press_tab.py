#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""press_tab DIRECTORY LINE: what zsh shows of LINE when the tab is pressed twice, on a terminal of its own.

DIRECTORY holds _chaos, as it is installed. The answer is all that comes before the prompt is back.
"""
import os
import pty
import re
import select
import sys

READY = "ready>"


def read_until(terminal, mark, seconds=30):
    text = ""
    while mark not in text:
        if not select.select([terminal], [], [], seconds)[0]:
            sys.exit(f"zsh did not answer; it said: {text!r}")
        text += os.read(terminal, 4096).decode("utf-8", "replace")
    return text


def main():
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(TERM="dumb", ZDOTDIR="/nonexistent", COLUMNS="200", LINES="1000")
        os.execvp("zsh", ["zsh", "-f", "-i"])
    start = (f"unsetopt zle_bracketed_paste; fpath=({sys.argv[1]} $fpath); autoload -U compinit && compinit -u -D; "
             "LISTMAX=10000; zstyle ':completion:*' menu no; stty rows 1000 columns 200; PS1='rea''dy>'\n")
    os.write(terminal, start.encode())
    read_until(terminal, READY)
    os.write(terminal, sys.argv[2].encode() + b"\t\t")
    # The line is thrown away, and what comes then is the next prompt.
    os.write(terminal, b" end-of-it")
    shown = read_until(terminal, "end-of-it")
    os.write(terminal, b"\x03exit\n")
    os.close(terminal)
    os.waitpid(child, 0)
    print(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).replace("\r", ""))


main()
