# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
#
# What the scenarios of a host that follows a repository share; to be sourced after scenario.sh, with $follower, the name
# of the host, and $work, a work tree on it whose origin is followed.

inside() { host_run "$follower" "$@"; }
sh() { inside sh -ec "$1"; }

# tick: what the timer does
tick() { inside chaos gitops reconcile --scheduled; }

# Until a tick that the timer began is through; a oneshot unit at work is "activating", never "active".
tick_ends() { sh 'until [ "$(systemctl show -P ActiveState chaos-pull.service)" != activating ]; do sleep 0.05; done'; }

# follow_by_hand OPTION...: enabled, and no tick comes but those that the scenario asks for: a timer whose pause is over when it
# is started fires at once. What was said is in $output.
follow_by_hand() {
    status 0 inside chaos gitops enable -y "$@" --interval 1d
    inside systemctl stop chaos-pull.timer
    inside systemctl reset-failed chaos-pull.timer # and how often it was started lately: five times in ten seconds will do
    tick_ends
}

# field NAME: of the record in $output
field() { printf '%s' "$output" | python3 -c 'import json,sys; t=sys.stdin.read(); print(json.loads(t[t.index("{"):])[sys.argv[1]])' "$1"; }

# state WANTED EXIT: what status says
state() {
    status "$2" inside chaos gitops status --json
    [ "$(field state)" = "$1" ] || fail "it is $(field state), not $1"
}

# push FILE [MESSAGE]: standard input becomes a file of the repository; prints the commit
push() {
    inside tee "$work/$1" > /dev/null
    sh "cd $work; git add -A; git commit -qm '${2:-change of $1}'; git push -q origin HEAD:main; git rev-parse HEAD"
}

content() { inside cat "$1" 2> /dev/null || echo nothing; }

# is PATH TEXT: or it fails
is() { [ "$(content "$1")" = "$2" ] || fail "$1 is not as it should be: $(content "$1"), not $2"; }

runs() { inside chaos history --json | grep -c '"run":' || true; }
