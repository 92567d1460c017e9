# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154  # the scenario that sources this has sourced scenario.sh
#
# The walk that every package manager but apt's goes; to be sourced. Real ones, on a Debian whose dpkg is set aside, with
# a repository of three packages: hello needs libhi, other needs nobody. The scenario says
#   manager                      its name
#   make_package NAME VERSION [NEEDS]   on the host, into /srv/repo
#   publish                      makes the repository of what lies there, and has it fetched; of /srv/more as well
#   add_more                     has the repository `more` of what lies in /srv/more
#   version_of NAME              as it is installed; nothing where it is not
#   is_automatic NAME, is_held NAME
#   make_group MORE              the group `site` of one, and of two that needs libtwo; and of MORE, where that is said
#   add_by_hand NAME, remove_by_hand NAME

inside() { host_run "$manager" "$@"; }
sh() { inside sh -ec "$1"; }
site() { inside tee /run/site.yml > /dev/null; }

is() {
    local got
    got=$(version_of "$1")
    [ "$got" = "$2" ] || fail "$1 is '$got', not '$2'"
}

# aside NAME VERSION TO: a package that was made goes there.
aside() { sh "mkdir -p $3; find /srv/repo -name '$1-$2-1*' -exec mv -t $3 {} +"; }
file_of() { sh "ls /srv/files/$1-$2-1*"; }

walk_files() {
    step "a file of one's own, and what it needs from the repository"
    make_package needed 1.0
    publish
    make_package mine 1.0 needed
    aside mine 1.0 /srv/files
    make_package mine 2.0 needed
    aside mine 2.0 /srv/files
    site <<< "{name: tiny, packages: [hello, other, {name: mine, file: $(file_of mine 1.0)}]}"
    status 0 inside chaos apply -y /run/site.yml
    is mine 1.0-1
    is needed 1.0-1
    status 0 inside chaos apply -y /run/site.yml
    says "Nothing to do"

    step "a newer one, and back without it"
    site <<< "{name: tiny, packages: [hello, other, {name: mine, file: $(file_of mine 2.0)}]}"
    status 2 inside chaos plan /run/site.yml
    says "version"
    says 2.0-1
    status 0 inside chaos apply -y /run/site.yml
    is mine 2.0-1
    sh 'mv /srv/files /srv/gone'
    status 0 inside chaos rollback -y
    is mine 1.0-1
    sh 'mv /srv/gone /srv/files'

    step "a file that is broken, or of another package"
    sh "cp $(file_of mine 2.0) /srv/whole; head -c 300 /srv/whole > $(file_of mine 2.0)"
    status 1 inside chaos apply -y /run/site.yml
    says "is no whole package"
    site <<< "{name: tiny, packages: [hello, other, {name: yours, file: $(file_of mine 1.0)}]}"
    status 1 inside chaos apply -y /run/site.yml
    says "is the package mine, and not yours"
    is mine 1.0-1
}

walk_sources() {
    step "from one repository or the other, as it is said"
    make_package both 3.0
    aside both 3.0 /srv/more
    make_package both 1.0
    add_more
    publish
    local from version
    for from in more tiny; do
        [ $from = more ] && version=3.0-1 || version=1.0-1
        site <<< "{name: tiny, packages: [hello, other, {name: both, source: $from}]}"
        status 0 inside chaos apply -y /run/site.yml
        is both $version
        status 0 inside chaos apply -y /run/site.yml
        says "Nothing to do"
        status 0 inside chaos rollback -y
        is both ""
    done
    site <<< $'name: tiny\npackages: [hello, other, {name: both, source: nowhere}]'
    status 1 inside chaos apply -y /run/site.yml
    says nowhere
    is both ""
}

walk_groups() {
    step "a group comes whole, and is nothing to do then"
    make_package libtwo 1.0
    make_package one 1.0
    make_package two 1.0 libtwo
    make_package three 1.0
    make_group
    publish
    site <<< $'name: tiny\npackages: [hello, other, "@sites"]'
    status 1 inside chaos plan /run/site.yml
    says 'did you mean "@site"?'
    site <<< $'name: tiny\npackages: [hello, other, "@site"]'
    status 2 inside chaos plan /run/site.yml
    says "because of package:@site"
    status 0 inside chaos apply -y /run/site.yml
    is one 1.0-1
    is two 1.0-1
    is libtwo 1.0-1
    if [ "$manager" != zypper ] && is_automatic one; then fail "one was asked for by its group"; fi
    status 0 inside chaos apply -y /run/site.yml
    says "Nothing to do"
    status 0 inside chaos rollback -y
    is one ""
    is two ""
    status 0 inside chaos apply -y /run/site.yml
    is two 1.0-1

    step "what is new in a group comes, and what came for it leaves with it"
    if [ "$manager" != zypper ]; then # a pattern is a package, and stays at its version
        make_group three
        publish
        status 2 inside chaos plan /run/site.yml
        says "package:three"
        status 0 inside chaos apply -y /run/site.yml
        is three 1.0-1
        status 0 inside chaos apply -y /run/site.yml
        says "Nothing to do"
    fi
    site <<< $'name: tiny\npackages: [hello, other, one]'
    status 0 inside chaos apply -y /run/site.yml
    is two ""
    is three ""
    is one 1.0-1
    status 0 inside chaos rollback -y
    is two 1.0-1
    site <<< $'name: tiny\npackages: [hello, other]'
    status 0 inside chaos apply -y /run/site.yml
    is one ""
    is two ""
    is hello 1.0-1
}

walk_upgrade() {
    step "an upgrade takes all but what a manifest says a version of, and goes back"
    site <<< $'name: tiny\npackages: {hello: , other: 1.0-1}'
    status 0 inside chaos apply -y /run/site.yml
    make_package libhi 2.0
    make_package hello 3.0 libhi
    make_package other 2.0
    publish
    is hello 1.0-1
    status 2 inside chaos upgrade --dry-run
    says 3.0-1
    is hello 1.0-1
    status 0 inside chaos upgrade -y
    says "package other stays at 1.0-1"
    is hello 3.0-1
    is libhi 2.0-1
    is other 1.0-1
    is_automatic libhi || fail "libhi came along"
    if [ "$manager" != pacman ]; then # it is kept, though no repository has it any more
        sh 'mkdir /srv/old; find /srv/repo -name "*-1.0-1*" -exec mv -t /srv/old {} +'
        publish
    fi
    status 0 inside chaos rollback -y
    is hello 1.0-1
    is libhi 1.0-1
    is_automatic libhi || fail "libhi came along"
    if [ "$manager" != pacman ]; then
        sh 'mv /srv/old/* /srv/repo/'
        publish
    fi
    status 1 inside chaos upgrade -y nonesuch
    says "package nonesuch is not installed"
    if [ "$manager" = pacman ]; then
        status 1 inside chaos upgrade -y --security-only
        says "knows no security updates"
    else
        walk_security
    fi
}

walk() {
    step "a host of $manager: dpkg's database is set aside"
    sh 'mv /var/lib/dpkg/status /var/lib/dpkg/aside; mkdir -p /srv/repo'
    make_package libhi 1.0
    make_package hello 1.0 libhi
    make_package other 1.0
    publish

    step "what is not known is an error at its place, and nothing is changed"
    site <<< $'name: tiny\npackages: [hello, nonesuch]'
    status 1 inside chaos apply -y /run/site.yml
    says nonesuch
    is hello ""

    step "installed, with what it needs, which is marked as such"
    site <<< $'name: tiny\npackages: [hello, other]'
    status 2 inside chaos plan /run/site.yml
    says libhi
    if [ "$manager" = dnf ]; then says "comes: hello needs libhi"; fi
    status 0 inside chaos apply -y /run/site.yml
    is hello 1.0-1
    is other 1.0-1
    is libhi 1.0-1
    if is_automatic hello; then fail "hello was asked for"; fi
    is_automatic libhi || fail "libhi came along"
    status 0 inside chaos apply -y /run/site.yml
    says "Nothing to do"

    step "what was removed by hand is drift, and comes back"
    remove_by_hand other
    status 2 inside chaos drift /run/site.yml
    says other
    status 0 inside chaos apply -y /run/site.yml
    is other 1.0-1

    step "what others need is not removed"
    site <<< $'name: tiny\npackages: [hello, other]\nabsent: {packages: [libhi]}'
    status 1 inside chaos apply -y /run/site.yml
    says hello
    is libhi 1.0-1
    is hello 1.0-1

    step "a version, and back"
    make_package hello 2.0 libhi
    publish
    site <<< $'name: tiny\npackages: {hello: 2.0-1, other: }'
    sh 'echo mine >> /etc/hello.conf'
    status 0 inside chaos apply -y /run/site.yml
    is hello 2.0-1
    status 0 inside chaos rollback -y
    is hello 1.0-1
    status 0 inside cat /etc/hello.conf
    says mine
    site <<< $'name: tiny\npackages: {hello: 9.9-1, other: }'
    status 1 inside chaos apply -y /run/site.yml
    says hello
    is hello 1.0-1

    step "a hold, and no hold"
    site <<< $'name: tiny\npackages: {hello: {hold: true}, other: }'
    status 0 inside chaos apply -y /run/site.yml
    is_held hello || fail "hello is not held"
    status 0 inside chaos apply -y /run/site.yml
    says "Nothing to do"
    status 0 inside chaos rollback -y
    if is_held hello; then fail "hello is still held"; fi

    step "marks"
    site <<< $'name: tiny\npackages: {hello: , other: {automatic: true}}'
    status 0 inside chaos apply -y /run/site.yml
    is_automatic other || fail "other is not marked"
    status 0 inside chaos rollback -y
    if is_automatic other; then fail "other is still marked"; fi

    step "what leaves the manifest goes, and with it what came along; what somebody needs by now stays"
    make_package theirs 1.0 libhi
    publish
    add_by_hand theirs
    site <<< $'name: tiny\npackages: [other]'
    status 0 inside chaos apply -y /run/site.yml
    is hello ""
    is libhi 1.0-1
    status 0 inside chaos rollback -y
    is hello 1.0-1
    remove_by_hand theirs
    publish # so that zypper takes note of it
    is libhi 1.0-1
    status 2 inside chaos plan /run/site.yml
    says "package:libhi  (because of package:hello"
    status 0 inside chaos apply -y /run/site.yml
    is hello ""
    is libhi ""
    status 0 inside chaos apply -y /run/site.yml
    says "Nothing to do"
    status 0 inside chaos rollback -y
    is hello 1.0-1
    is libhi 1.0-1
    is_automatic libhi || fail "libhi came along"

    walk_files
    walk_sources
    walk_groups
    walk_upgrade
}
