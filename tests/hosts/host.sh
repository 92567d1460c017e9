# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Throw-away Debian hosts: systemd as PID 1, D-Bus, apt, a network, half a second to boot. To be sourced.
#
#   host_impossible              prints why this machine can not boot any, and is false where it can
#   host_start NAME [OPTION...]  --no-systemd: a container without a service manager; --private: nobody to talk to
#   host_run NAME COMMAND...     runs it inside as root; output, standard input and exit status go through
#   host_reboot NAME             as if the power went and came back
#   host_stop NAME               as if the power went, and everything of it is removed
#   host_stop_all                all that this process started: for a trap
#
# Each has a network namespace of its own (so that /proc/sys/net is its own, and can be written) and reaches the world by
# slirp4netns, which changes nothing on this machine. The tree below them is made once by mmdebstrap and kept, by the list of its packages, in $host_cache. A host lies over
# it as an overlay. The program under test is in /usr/local/bin, the checkout read-only at /src.

host_checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
host_cache=${CHAOS_DEV_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/chaos-dev}
host_program=${CHAOS_PROGRAM:-$host_checkout/build/chaos}
host_packages=(systemd systemd-sysv dbus apt apt-utils ca-certificates procps iproute2 libcap2-bin acl attr e2fsprogs
    file less cron logrotate sqlite3 libstdc++6 libsolv1)
declare -A host_leader=() host_nspawn=() host_slirp=() host_options=()

host_impossible() {
    local tool
    [ "$(id -u)" = 0 ] || { echo "booting a test host needs root"; return 0; }
    for tool in systemd-nspawn mmdebstrap nsenter slirp4netns; do
        command -v "$tool" > /dev/null || { echo "$tool is not installed"; return 0; }
    done
    unshare --mount --pid --uts --ipc --net --fork true 2> /dev/null || { echo "this machine forbids namespaces"; return 0; }
    mkdir -p "$host_cache" && chmod 700 "$host_cache"
    local probe
    probe=$(mktemp -d "$host_cache/probe.XXXXXX")
    mkdir "$probe"/{lower,upper,work,root}
    if ! unshare --mount mount -t overlay overlay \
        -o "lowerdir=$probe/lower,upperdir=$probe/upper,workdir=$probe/work" "$probe/root" 2> /dev/null; then
        rm -r "$probe"
        echo "this machine forbids overlay mounts in $host_cache"
        return 0
    fi
    rm -r "$probe"
    return 1
}

# Debian's archives as this machine reaches them: mirror, proxy and what else apt was told about fetching.
host_suite() {
    # shellcheck source=/dev/null
    (. /etc/os-release && [ "${ID:-}" = debian ] && echo "${VERSION_CODENAME:-bookworm}") || echo bookworm
}

host_sources() {
    local sources
    # shellcheck disable=SC2016  # apt-get expands these
    sources=$(apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Identifier: Packages' 2> /dev/null |
        sort -u | awk -v suite="$(host_suite)" '$3 == suite || index($3, suite "-") == 1')
    echo "${sources:-deb http://deb.debian.org/debian $(host_suite) main}"
}

host_apt_settings() {
    apt-config dump | grep -E '^Acquire::(http|https|Check-|Retries|ForceIPv)' || true
}

# The path of the tree; made where it is not there yet, by whoever comes first.
host_tree() {
    local key tree
    key=$(printf '%s\n' "$(host_suite)" "${host_packages[@]}" | sha256sum | cut -c1-12)
    tree=$host_cache/tree-$(host_suite)-$key
    if [ ! -d "$tree" ]; then
        mkdir -p "$host_cache" && chmod 700 "$host_cache"
        (
            flock 9
            [ -d "$tree" ] && exit 0
            echo "making the tree of the test hosts (once, about half a minute)" >&2
            rm -rf "$tree.new"
            host_sources > "$host_cache/sources.list"
            host_apt_settings > "$host_cache/apt.conf"
            # shellcheck disable=SC2016  # $1 is mmdebstrap's
            (umask 022 && TMPDIR=$host_cache mmdebstrap --quiet --variant=minbase --format=directory \
                --include="$(IFS=,; echo "${host_packages[*]}")" --aptopt="$host_cache/apt.conf" \
                --setup-hook='mkdir -p "$1/etc/apt/auth.conf.d" && cp -a /etc/apt/auth.conf.d/. "$1/etc/apt/auth.conf.d/" 2> /dev/null || true' \
                --customize-hook='rm -f "$1/etc/resolv.conf" "$1/etc/hostname" && : > "$1/etc/machine-id"' \
                --skip=cleanup/apt/lists "$(host_suite)" "$tree.new" "$host_cache/sources.list" < /dev/null >&2) || exit 1
            mv "$tree.new" "$tree"
        ) 9> "$host_cache/lock" || return 1
    fi
    echo "$tree"
}

# What a killed test left behind: mounts and directories whose maker is gone.
host_reap() {
    local directory
    for directory in "$host_cache"/run/*/; do
        [ -s "$directory/owner" ] || continue # it may be written just now
        ! kill -0 "$(cat "$directory/owner")" 2> /dev/null || continue
        umount -l "$directory/root" 2> /dev/null || true # it may be unmounted already
        rm -rf "$directory"
    done
}

host_start() {
    local name=$1 tree directory option
    shift
    for option in "$@"; do
        case $option in
            --no-systemd | --private) ;;
            *) echo "host_start: unknown option $option" >&2; return 64 ;;
        esac
    done
    tree=$(host_tree) || return 1
    host_reap
    directory=$host_cache/run/$name.$$
    mkdir -p "$directory"/{upper,work,root}
    echo $$ > "$directory/owner"
    # overlayfs takes its root's mode from the upper directory
    chmod --reference="$tree" "$directory/upper"
    mount -t overlay overlay -o "lowerdir=$tree,upperdir=$directory/upper,workdir=$directory/work" "$directory/root" ||
        return 1
    host_furnish "$directory/root"
    host_options[$name]=" $* "
    host_boot "$name"
}

host_boot() {
    local name=$1 directory=$host_cache/run/$1.$$ booted=yes boot=(-b --kill-signal=SIGRTMIN+3)
    if [[ ${host_options[$name]} == *" --no-systemd "* ]]; then booted=no boot=(--as-pid2 sleep infinity); fi
    # not registered, no unit of its own: there may be no systemd on this machine
    systemd-nspawn --quiet --directory="$directory/root" --machine="${name//[^a-zA-Z0-9-]/-}" --register=no --keep-unit \
        --private-network --resolv-conf=off --bind-ro="$host_checkout:/src:norbind" --console=pipe "${boot[@]}" \
        < /dev/null > "$directory/console" 2>&1 &
    host_nspawn[$name]=$!
    if ! host_await "$name" "$booted"; then
        echo "host $name did not boot:" >&2
        tail -n 20 "$directory/console" >&2
        host_stop "$name"
        return 1
    fi
    [[ ${host_options[$name]} == *" --private "* ]] || host_connect "$name" "$directory"
}

# Ready when slirp4netns says so.
host_connect() {
    local name=$1 directory=$2 ready
    rm -f "$directory/ready"
    mkfifo "$directory/ready"
    slirp4netns --configure --mtu=65520 --ready-fd=3 "${host_leader[$name]}" tap0 \
        3> "$directory/ready" < /dev/null > "$directory/slirp" 2>&1 &
    host_slirp[$name]=$!
    read -r -n 1 ready < "$directory/ready" || true
    [ "$ready" = 1 ] || { echo "host $name has no network:" >&2; cat "$directory/slirp" >&2; return 1; }
}

# What differs from day to day is not in the kept tree: the program, and how this machine reaches the archive.
host_furnish() {
    local root=$1
    if [ -e "$host_program" ]; then
        install -D -m 755 "$host_program" "$root/usr/local/bin/chaos"
    fi
    rm -f "$root"/etc/apt/sources.list.d/*
    host_sources > "$root/etc/apt/sources.list"
    host_apt_settings > "$root/etc/apt/apt.conf.d/99machine"
    printf 'APT::Install-Recommends "false";\nAcquire::Languages "none";\n' >> "$root/etc/apt/apt.conf.d/99machine"
    printf '127.0.0.1 localhost\n127.0.1.1 debian\n' > "$root/etc/hosts"
    echo debian > "$root/etc/hostname"
    echo 'nameserver 10.0.2.3' > "$root/etc/resolv.conf" # slirp4netns forwards to this machine's resolver
}

# Until PID 1 says that it is up; a container without a service manager is up when it has its mounts.
host_await() {
    local name=$1 booted=$2 leader children child space state tries
    for ((tries = 0; tries < 600; tries++)); do
        kill -0 "${host_nspawn[$name]}" 2> /dev/null || return 1
        # what has a namespace of its own: the process that makes the host has none, and is gone a moment later
        leader='' children=()
        read -r -a children 2> /dev/null < "/proc/${host_nspawn[$name]}/task/${host_nspawn[$name]}/children" || true
        for child in "${children[@]}"; do
            space=$(readlink "/proc/$child/ns/pid") || continue
            [ "$space" = "$(readlink /proc/self/ns/pid)" ] || leader=$child
        done
        host_leader[$name]=$leader
        if [ -n "$leader" ] && host_run "$name" mountpoint -q /src 2> /dev/null; then
            [ "$booted" = yes ] || return 0
            state=$(host_run "$name" systemctl is-system-running --wait 2> /dev/null)
            case $state in running | degraded) return 0 ;; esac
        fi
        read -r -t 0.05 <> <(:) || true # nspawn has no descriptor to wait on before the bus is there
    done
    return 1
}

host_run() {
    local name=$1
    shift
    nsenter -t "${host_leader[$name]}" -m -u -i -n -p -r -w -- env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" "$@"
}

host_kill() {
    local name=$1
    if [ -n "${host_leader[$name]:-}" ]; then kill -KILL "${host_leader[$name]}" 2> /dev/null; fi
    if [ -n "${host_nspawn[$name]:-}" ]; then
        [ -e "/proc/${host_leader[$name]:-none}" ] || kill "${host_nspawn[$name]}" 2> /dev/null
        wait "${host_nspawn[$name]}" 2> /dev/null
    fi
    if [ -n "${host_slirp[$name]:-}" ]; then
        kill "${host_slirp[$name]}" 2> /dev/null
        wait "${host_slirp[$name]}" 2> /dev/null
    fi
    unset "host_leader[$name]" "host_nspawn[$name]" "host_slirp[$name]"
}

host_reboot() {
    host_kill "$1" || true
    host_boot "$1"
}

host_stop() {
    local name=$1 directory=$host_cache/run/$1.$$
    host_kill "$name" || true
    umount "$directory/root" 2> /dev/null || umount -l "$directory/root" 2> /dev/null
    rm -rf "$directory"
}

host_stop_all() {
    local name
    for name in "${!host_nspawn[@]}"; do host_stop "$name"; done
}
