# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154  # scenario.sh sets them
#
# A tree, a manifest with all that can be said of files in it, and what the tree is after it; to be sourced after
# scenario.sh. Leaves $scratch/site.yml, and with files_prepare $scratch/pristine, before and after.
cat > "$scratch/site.yml" << 'END'
name: sweep
directories:
  /srv/new: {mode: 2750}
  /srv/old: {mode: 0700}
files:
  /srv/new/made: "made\n"
  /srv/changed: {content: "new\n", mode: 0600, owner: daemon}
  /srv/mode: {mode: 0640}
  /srv/linked: "no longer of the group\n"
  /srv/attributes: "new\n"
links:
  /srv/new/link: made
  /srv/link: new/made
absent:
  files: [/srv/gone]
  links: [/srv/dead-link]
  directories: [/srv/empty]
END

# tree DIRECTORY: what the run finds, with $more further files
tree() {
    local number
    mkdir -p "$1"/{etc,srv/old,srv/empty,var/lib}
    printf 'root:x:0:0::/root:/bin/sh\ndaemon:x:1:1::/:/bin/sh\n' > "$1/etc/passwd"
    printf 'root:x:0:\ndaemon:x:1:\n' > "$1/etc/group"
    echo old > "$1/srv/changed"
    echo mode > "$1/srv/mode"
    echo shared > "$1/srv/linked"
    ln "$1/srv/linked" "$1/srv/other-name"
    echo old > "$1/srv/attributes"
    setfacl -m u:daemon:r "$1/srv/attributes"
    setfattr -n user.note -v kept "$1/srv/attributes"
    echo gone > "$1/srv/gone"
    ln -s old "$1/srv/link"
    ln -s nowhere "$1/srv/dead-link"
    for ((number = 1; number <= ${more:-0}; number++)); do echo "old $number" > "$1/srv/$number"; done
    find "$1" -exec touch -h -d '2020-01-02 03:04:05.678' {} +
}

# What a run makes is as old as that run: two of them differ in the times of new files alone.
ageless() { sed 's/ mtime=[0-9.]*//' "$1"; }
as_wished() { cmp -s <(ageless "$1") <(ageless "$scratch/after"); }
snap() { "$tools/snapshot" "$1" "$checkout/tests/support/undo_ignore.txt"; }

# litter ROOT: names of ours that a run must not leave behind
litter() { find "$1" -name '.chaos-*' -o -path '*/stage/*' | head -n 3; }

# files_prepare COMMAND...: makes the tree, and runs a command before the program's words that has it as wished.
files_prepare() {
    tree "$scratch/pristine"
    snap "$scratch/pristine" > "$scratch/before"
    cp -a "$scratch/pristine" "$scratch/whole"
    "$@" "$chaos" apply -y --jobs 2 --root "$scratch/whole" "$scratch/site.yml" || fail "the run failed by itself"
    snap "$scratch/whole" > "$scratch/after"
    ! cmp -s "$scratch/before" "$scratch/after" || fail "the run changes nothing"
}
