#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# random_site.py SEED ROOT DIRECTORY: fills ROOT with a tree, and DIRECTORY with manifests 1.yml, 2.yml, ... to be
# applied to it one after the other, and edit.sh: what somebody does meanwhile to what no manifest names (run in ROOT).
# The same seed gives the same.
import os
import random
import socket
import subprocess
import sys

seed, root, out = int(sys.argv[1]), sys.argv[2], sys.argv[3]
chance = random.Random(seed)
places = ["/srv", "/srv/app", "/srv/app/deep er", "/etc", "/etc/app.d", "/opt/x"]
words = ["alpha", "beta", "gamma=1", "[section]", "# comment", "é ü", "tab\there", "", "x" * 200, "last"]


def real(path):
    return root + path


def text():
    kind = chance.random()
    if kind < 0.08:
        return ""
    if kind < 0.12:
        return "no newline at the end"
    if kind < 0.15:
        return "".join(f"line {n} {chance.random()}\n" for n in range(3000))
    return "".join(chance.choice(words) + "\n" for _ in range(chance.randint(1, 12)))


def mode(directory=False):
    modes = [0o755, 0o700, 0o1777, 0o2755] if directory else [0o644, 0o600, 0o640, 0o4755, 0o444, 0o2750]
    return chance.choice(modes)


def furnish(path):
    if chance.random() < 0.3:
        os.lchown(real(path), *chance.choice([(1, 1), (0, 1), (4711, 4712)]))
    if os.path.islink(real(path)):
        return
    os.chmod(real(path), mode(os.path.isdir(real(path))))
    if chance.random() < 0.25:
        os.setxattr(real(path), f"user.{chance.choice(['note', 'origin'])}", b"\x00a\xff")
    if chance.random() < 0.2:
        acl = chance.choice(["u:daemon:r", "g:daemon:rw", "u:4711:rwx,m::r"])
        subprocess.run(["setfacl", "-m", acl, real(path)], check=True)
    if chance.random() < 0.1 and os.path.isdir(real(path)):
        subprocess.run(["setfacl", "-d", "-m", "u:daemon:rwx", real(path)], check=True)
    if chance.random() < 0.1 and os.path.isfile(real(path)):
        subprocess.run(["setcap", "cap_net_raw+ep", real(path)], check=False, stderr=subprocess.DEVNULL)


def make(path):
    kind = chance.random()
    if kind < 0.55:
        with open(real(path), "w", encoding="utf-8") as file:
            file.write(text())
    elif kind < 0.62:
        with open(real(path), "wb") as file:  # sparse, and larger than what the store keeps in itself
            file.seek(chance.choice([1 << 16, 3 << 20]))
            file.write(b"end")
    elif kind < 0.75:
        os.symlink(chance.choice(["nowhere", "../etc", "a"]), real(path))
    elif kind < 0.9:
        os.mkdir(real(path))
    elif kind < 0.95:
        with open(real(path), "wb") as file:
            file.write(bytes(chance.getrandbits(8) for _ in range(600)))
    else:
        with open(real(path), "w", encoding="utf-8") as file:
            file.write(text() * 40)
    furnish(path)


for directory in [*places, "/etc/sysctl.d", "/var/lib", "/root", "/home", "/tmp", "/usr/bin"]:
    os.makedirs(real(directory), exist_ok=True)
with open(real("/etc/passwd"), "w", encoding="utf-8") as file:
    file.write("root:x:0:0::/root:/bin/sh\ndaemon:x:1:1::/:/bin/sh\nwww:x:33:33::/:/bin/sh\n")
with open(real("/etc/group"), "w", encoding="utf-8") as file:
    file.write("root:x:0:\ndaemon:x:1:\nwww:x:33:\n")
with open(real("/etc/hostname"), "w", encoding="utf-8") as file:
    file.write("before\n")
names = [f"{chance.choice(places)}/{name}" for name in ["a", "b", "c d", "e.conf", "f~", ".g", "h#", "i", "j", "k", "ö"]]
names = sorted(set(names))
there = [name for name in names if chance.random() < 0.7]
for name in there:
    make(name)
# what nobody manages: it must be the same afterwards, or as it was edited
for name in ["/srv/other", "/etc/other.conf", "/opt/x/other"]:
    with open(real(name), "w", encoding="utf-8") as file:
        file.write(text())
    furnish(name)
os.link(real("/srv/other"), real("/srv/other-name"))
os.mkfifo(real("/srv/fifo"))
with socket.socket(socket.AF_UNIX) as sock:
    os.chdir(real("/srv"))
    sock.bind("socket")
subprocess.run(["find", root, "-exec", "touch", "-h", "-d", "2020-01-02 03:04:05.678", "{}", "+"], check=True)


def quoted(value):
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}
    return '"' + "".join(escapes.get(c, c) for c in value) + '"'


def metadata():
    out = []
    if chance.random() < 0.5:
        out.append(f"mode: 0{mode():o}")
    if chance.random() < 0.3:
        out.append("owner: " + chance.choice(["daemon", "www", "root"]))
    if chance.random() < 0.3:
        out.append("group: " + chance.choice(["daemon", "www", "root"]))
    return out


def entries(kinds):
    """What a manifest says of the names, as far as it may: a name is of one kind from then on."""
    files, directories, links, absent = [], [], [], {"files": [], "links": [], "directories": []}
    for name in names:
        kind = kinds[name]
        if chance.random() < 0.35:
            continue
        if kind == "file":
            if chance.random() < 0.2:
                absent["files"].append(quoted(name))
                gone.add(name)
                continue
            said = ([f"content: {quoted(text())}"] if chance.random() < 0.85 or name not in there or name in gone else []) + metadata()
            files.append(f"  {quoted(name)}: {{{', '.join(said)}}}" if said else f"  {quoted(name)}: {{mode: 0644}}")
        elif kind == "link":
            if chance.random() < 0.2:
                absent["links"].append(quoted(name))
                continue
            links.append(f"  {quoted(name)}: {{to: {quoted(chance.choice(['a', '/etc', 'no where']))}}}")
        elif kind == "directory":
            if chance.random() < 0.15:
                absent["directories"].append(f"{{path: {quoted(name)}, recurse: true}}")
                continue
            directories.append(f"  {quoted(name)}: {{mode: 0{mode(True):o}}}")
            if chance.random() < 0.4:
                files.append(f"  {quoted(name + '/new')}: {{content: {quoted(text())}}}")
    return files, directories, links, absent


kinds, gone = {}, set()
for name in names:
    if os.path.islink(real(name)):
        kinds[name] = "link"
    elif os.path.isdir(real(name)):
        kinds[name] = "directory"
    elif os.path.exists(real(name)):
        kinds[name] = "file"
    else:
        kinds[name] = chance.choice(["file", "file", "directory", "link"])
for number in range(1, chance.randint(2, 4)):
    files, directories, links, absent = entries(kinds)
    if chance.random() < 0.4:
        files.append(f"  /srv/new/{number}/deep: {{content: {quoted(text())}}}")
    lines = ["name: random"]
    for section, said in [("files", files), ("directories", directories), ("links", links)]:
        if said:
            lines += [f"{section}:", *said]
    if any(absent.values()):
        lines.append("absent:")
        lines += [f"  {kind}: [{', '.join(said)}]" for kind, said in absent.items() if said]
    if chance.random() < 0.3:
        lines += ["sysctl:", f"  net.core.somaxconn: {chance.randint(1000, 9000)}"]
    if chance.random() < 0.2:
        lines += [f"hostname: host{number}"]
    if chance.random() < 0.2:
        lines += ["units:", f"  job{number}.service: |", "    [Service]", "    ExecStart=/bin/true"]
    if len(lines) == 1:
        lines += ["files:", "  /srv/only: x"]
    with open(f"{out}/{number}.yml", "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
edits = ["echo edited >> srv/other", "rm etc/other.conf", "chmod 0600 opt/x/other", "echo new > etc/brand-new",
         "ln -s x srv/brand-new", "mkdir opt/brand-new", "setfattr -n user.late -v x opt/x/other"]
with open(f"{out}/edit.sh", "w", encoding="utf-8") as file:
    file.write("set -e\n" + "\n".join(chance.sample(edits, chance.randint(1, 4))) + "\n")
