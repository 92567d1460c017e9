# SPDX-License-Identifier: Apache-2.0
"""What the benches share: where things are, one process measured, the roots they work in, a place for what is kept."""
import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("CHAOS_BUILD", f"{TOP}/build")
CHAOS = os.environ.get("CHAOS_PROGRAM", f"{BUILD}/chaos")
ONCE = f"{BUILD}/bench/once"


def once(command, well=(0,)):
    """What one process took that must end well: milliseconds on the clock and of processors, peak memory in MB."""
    done = subprocess.run([ONCE, *command], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in well:
        sys.exit(f"failed ({done.returncode}): {' '.join(command)}")
    clock, cpu, peak = done.stdout.split()
    return float(clock), float(cpu), float(peak) / 1024


def runs_recorded(root):
    # A reader of a log would leave its files beside the store, and chaos then rightly does not believe that nothing moved.
    with sqlite3.connect(f"file:{root}/var/lib/chaos/store.db?immutable=1", uri=True) as store:
        return store.execute("SELECT count(*) FROM runs").fetchone()[0]


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def furnish(root, files=0):
    """A root in which accounts are known, and so many files in /srv, named by their number."""
    for directory in ("etc", "srv", "var/lib"):
        os.makedirs(f"{root}/{directory}")
    write(f"{root}/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
    write(f"{root}/etc/group", "root:x:0:\n")
    for number in range(files):
        with open(f"{root}/srv/{number}", "w", encoding="utf-8") as file:
            file.write(f"what was in {number} before\n")


def apart():
    """Starts again where /var/cache is our own: what is kept of the parsed manifests must not stay on this machine."""
    if os.environ.get("CHAOS_BENCH_APART") or os.geteuid() != 0:
        return
    os.environ["CHAOS_BENCH_APART"] = "1"
    inside = 'mount -t tmpfs tmpfs /var/cache && mkdir -m 700 /var/cache/chaos && exec "$@"'
    probe = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs tmpfs /var/cache"]
    if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
        os.execvp("unshare", ["unshare", "--mount", "sh", "-c", inside, "sh", sys.executable, *sys.argv])
    print("note: this machine forbids mount namespaces; parsed manifests stay in /var/cache/chaos", file=sys.stderr)


@contextlib.contextmanager
def scratch():
    """A directory on a real file system, and in it what a person without root keeps of parsed manifests."""
    for end in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(end, lambda number, _: sys.exit(128 + number))
    directory = tempfile.mkdtemp(prefix="chaos-bench.", dir="/var/tmp")
    os.environ["XDG_CACHE_HOME"] = f"{directory}/cache"
    os.mkdir(f"{directory}/cache", 0o700)
    try:
        yield directory
    finally:
        shutil.rmtree(directory)
