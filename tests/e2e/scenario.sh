# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034  # the scenarios use what is set here
#
# What the scenarios beside it share; to be sourced. A scenario is an executable file: exit 0 it passed, 77 it could
# not be tried here (the last line says why), anything else it failed. It stops at the first thing that is not as told.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(cd "$here/../.." && pwd)
# shellcheck source=tests/hosts/host.sh
. "$checkout/tests/hosts/host.sh"
chaos=$host_program
tools=$checkout/build/tests/support
scratch=$(mktemp -d /var/tmp/chaos-e2e.XXXXXX)

finish() {
    local status=$?
    host_stop_all
    rm -rf "$scratch"
    exit $status
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

step() { echo "--- $*"; }

skip() {
    echo "skipped: $*"
    exit 77
}

needs_host() {
    local reason
    if reason=$(host_impossible); then skip "$reason"; fi
}

needs_root() { [ "$(id -u)" = 0 ] || skip "it needs root"; }

# status WANTED COMMAND...: runs it and fails unless it ends so; its output is in $output.
output=
status() {
    local wanted=$1 got=0
    shift
    output=$("$@" 2>&1) || got=$?
    printf '%s\n' "\$ $*" "$output"
    [ "$got" = "$wanted" ] || fail "exit $got, not $wanted: $*"
}

says() {
    case $output in
        *"$1"*) ;;
        *) fail "it does not say \"$1\"" ;;
    esac
}

# snapshot HOST FILE: all of a host that rollback owes it.
snapshot() {
    host_run "$1" /src/build/tests/support/snapshot / /src/tests/support/undo_ignore.txt > "$2.files"
    host_run "$1" /src/tests/support/host_state > "$2.host"
    cat "$2.files" "$2.host" > "$2"
}

# equal BEFORE AFTER WHAT
equal() {
    diff -U0 "$1" "$2" > "$scratch/difference" && return
    grep -E '^[-+][^-+]' "$scratch/difference" | head -n 60
    fail "$3: $(grep -cE '^[-+][^-+]' "$scratch/difference") lines differ"
}
