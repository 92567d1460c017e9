# shellcheck shell=bash disable=SC2016
# SPDX-License-Identifier: Apache-2.0
#
# What the scenarios of runs that must be confirmed share; to be sourced after scenario.sh, with in_host, which runs a
# command on the host, as root.

# As if the time of the window that is open were over: what stands ready for that ends it, as it would.
time_is_up() {
    in_host sqlite3 /var/lib/chaos/store.db "UPDATE windows SET until = 0 WHERE state = 'open'"
    in_host systemctl start chaos-expire.service
}

# over_in SECONDS: until no window is open any more, and what ended it is through; true where it was so within these.
over_in() {
    local tries
    for ((tries = 0; tries < $1 * 5; tries++)); do
        in_host sh -c '[ ! -e /var/lib/chaos/window ] && ! pgrep -f "[r]ecover --unconfirmed"' \
            > /dev/null 2>&1 && return 0
        read -r -t 0.2 <> <(:) || true
    done
    return 1
}
