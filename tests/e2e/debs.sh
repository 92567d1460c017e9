# shellcheck shell=bash disable=SC2016
# SPDX-License-Identifier: Apache-2.0
#
# What the scenarios of packages share; to be sourced after scenario.sh. Packages are built on the host, and served by
# a repository of plain files there, the only one it has: nothing of this needs a network.

# packages_host NAME: boots one with an empty repository.
packages_host() {
    pk=$1
    host_start "$pk"
    inside 'rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*; mkdir -p /tmp/repo /tmp/debs
        echo "deb [trusted=yes] file:/tmp/repo ./" > /etc/apt/sources.list
        cd /tmp/repo && : > Packages && apt-get update -qq'
    host_run "$pk" install -D -m 755 /dev/stdin /tmp/deb << 'END'
#!/bin/bash
# deb NAME VERSION [FIELD: VALUE...]: with /etc/NAME.conf, /usr/share/NAME/version and what lies in /tmp/debs/NAME
# (DEBIAN/postinst, other files), into the repository.
set -e
name=$1 version=$2 tree=$(mktemp -d)
shift 2
chmod 755 "$tree"
[ ! -d "/tmp/debs/$name" ] || cp -a "/tmp/debs/$name/." "$tree"
mkdir -p "$tree/DEBIAN" "$tree/etc" "$tree/usr/share/$name/empty"
printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\nDescription: test\n' "$name" "$version" > "$tree/DEBIAN/control"
for field in "$@"; do echo "$field" >> "$tree/DEBIAN/control"; done
echo "$version" > "$tree/usr/share/$name/version"
ln -sf version "$tree/usr/share/$name/link"
[ -e "$tree/etc/$name.conf" ] || echo "made for $version" > "$tree/etc/$name.conf"
echo "/etc/$name.conf" >> "$tree/DEBIAN/conffiles"
for script in preinst postinst prerm postrm; do [ ! -e "$tree/DEBIAN/$script" ] || chmod 755 "$tree/DEBIAN/$script"; done
dpkg-deb --root-owner-group -Zgzip -b "$tree" "/tmp/repo/${name}_$version.deb" > /dev/null
rm -rf "$tree"
END
}

inside() { host_run "$pk" bash -c "$1"; }

# deb NAME VERSION...; scripts come before it, by: script NAME postinst <<< TEXT
deb() { host_run "$pk" /tmp/deb "$@"; }
script() { host_run "$pk" install -D -m 755 /dev/stdin "/tmp/debs/$1/DEBIAN/$2"; }
publish() { inside 'cd /tmp/repo && apt-ftparchive packages . > Packages 2> /dev/null && apt-get update -qq'; }

# As if the archive had gone, and apt's cache been emptied.
unplug() { inside 'rm -rf /tmp/repo.gone && mv /tmp/repo /tmp/repo.gone; rm -rf /var/lib/apt/lists/*; apt-get clean'; }
plug() { inside 'rm -rf /tmp/repo && mv /tmp/repo.gone /tmp/repo && apt-get update -qq'; }

# apply WANTED-STATUS [OPTION...]: the site on standard input.
apply() {
    local wanted=$1
    shift
    host_run "$pk" bash -c 'cat > /tmp/site.yml'
    status "$wanted" host_run "$pk" chaos apply -y "$@" /tmp/site.yml
}

is_sound() {
    status 0 host_run "$pk" dpkg --audit
    [ -z "${output//[[:space:]]/}" ] || fail "dpkg --audit has something to say"
}
version_of() { host_run "$pk" dpkg-query -W -f '${Version} ${db:Status-Abbrev}' "$1" 2> /dev/null || true; }
is_at() { [ "$(version_of "$1" | tr -d ' ')" = "$2" ] || fail "$1 is at '$(version_of "$1")', not $2"; }
