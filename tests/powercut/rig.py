# SPDX-License-Identifier: Apache-2.0
"""Power cuts: every write of a command to a disk is recorded, and the disk is made again as it was at any of them.

The disk has two partitions, the root of an image and its /var, with one order of writes. It is recorded by
qemu-storage-daemon (blklogwrites below a FUSE export below loop devices) and replayed onto copies that share what did
not change (an XFS with reflinks in memory). All of it lies in a mount namespace of the caller, and is gone with it.
"""
import ctypes
import errno
import fcntl
import os
import pathlib
import random
import signal
import struct
import subprocess
import time

MIB = 1 << 20
PAGE = 4096
FLUSH, FUA, DISCARD = 1, 2, 4
LOOP_CONFIGURE, LOOP_CTL_GET_FREE, LOOP_AUTOCLEAR = 0x4C0A, 0x4C82, 4
FICLONE = 0x40049409
# MiB of a partition, how it is made, and with which options it is mounted
FILE_SYSTEMS = {
    "ext4": (64, ["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"], ""),
    "xfs": (300, ["mkfs.xfs", "-q", "-f", "-K"], "nouuid"),
    "btrfs": (128, ["mkfs.btrfs", "-q", "-f", "-K"], "nodiscard"),
}
libc = ctypes.CDLL(None, use_errno=True)


class Impossible(Exception):
    """This machine can not do it; the text says why."""


def call(*words, **more):
    return subprocess.run([str(word) for word in words], check=True, stdin=subprocess.DEVNULL, **more)


def checked(result, what):
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def clone(source, target):
    """A copy that shares everything with its source."""
    with open(source, "rb") as old, open(target, "wb") as new:
        fcntl.ioctl(new, FICLONE, old.fileno())


def loop(path, offset=0, size=0):
    """A loop device over a part of a file, open; it goes with the last that uses it."""
    with open(path, "r+b") as file, open("/dev/loop-control", "r+b", buffering=0) as control:
        for _ in range(200):
            number = fcntl.ioctl(control, LOOP_CTL_GET_FREE)
            try:
                device = open(f"/dev/loop{number}", "r+b", buffering=0)  # pylint: disable=consider-using-with
            except OSError:
                call("mknod", "-m", "600", f"/dev/loop{number}", "b", 7, number)
                continue
            info = struct.pack("=QQQQQIIII64s64s32s2Q", 0, 0, 0, offset, size, 0, 0, 0, LOOP_AUTOCLEAR, b"", b"", b"", 0, 0)
            try:
                fcntl.ioctl(device, LOOP_CONFIGURE, struct.pack("=II", file.fileno(), 0) + info + bytes(64))
                return f"/dev/loop{number}", device
            except OSError as error:
                device.close()
                if error.errno != errno.EBUSY:  # somebody else was faster
                    raise
    raise Impossible("no loop device is to be had")


class Disk:
    """The two partitions of an image."""

    def __init__(self, kind, size=None):
        self.kind = kind
        least, self.maker, self.options = FILE_SYSTEMS[kind]
        self.part = max(size or 0, least) * MIB

    def make(self, image):
        with open(image, "wb") as file:
            file.truncate(2 * self.part)
        for index in (0, 1):
            name, device = loop(image, index * self.part, self.part)
            with device:
                call(*self.maker, name)

    def mount(self, image, place):
        """Raises OSError where a file system can not be mounted."""
        for index, where in enumerate((place, f"{place}/var")):
            name, device = loop(image, index * self.part, self.part)
            with device:
                if index:
                    os.makedirs(where, exist_ok=True)
                flags = 1024  # noatime: reading is not what is tested
                try:
                    checked(libc.mount(name.encode(), str(where).encode(), self.kind.encode(), flags, self.options.encode()),
                            f"mounting {where}")
                except OSError:
                    if index:
                        unmount(place)
                    raise

    def unmount(self, place):
        unmount(f"{place}/var")
        unmount(place)


def unmount(place):
    for _ in range(100):
        if not libc.umount2(str(place).encode(), 0):
            return
        if ctypes.get_errno() != errno.EBUSY:
            break
        time.sleep(0.02)  # a process that was killed is still going
    checked(-1, f"unmounting {place}")


class Recording:
    """What a command wrote: entries of (where, length, flags, where in the log), and marks among them."""

    def __init__(self, log):
        self.held = open(log, "rb")  # pylint: disable=consider-using-with
        self.log = f"/proc/self/fd/{self.held.fileno()}"  # the next recording has its name
        self.entries = []
        self.ends = []
        with open(log, "rb") as file:
            magic, _, _, sector = struct.unpack("<QQQI", file.read(28))
            if magic != 0x6A736677736872:
                raise Impossible("qemu-storage-daemon writes another kind of log")
            size = os.fstat(file.fileno()).st_size
            position = sector
            while position + sector <= size:
                file.seek(position)
                where, count, flags, _ = struct.unpack("<QQQQ", file.read(32))
                if not (where or count or flags):
                    break
                length = count * sector
                position += sector
                self.entries.append((where * sector, length, flags, position))
                position += 0 if flags & DISCARD else length
                self.ends.append(position)

    def before(self, mark):
        """How many entries were whole when the log had that length."""
        return sum(end <= mark for end in self.ends)

    def last_flush(self, count):
        for index in range(count - 1, -1, -1):
            if self.entries[index][2] & FLUSH:
                return index + 1
        return 0


class Bench:
    """A place in memory where disks are recorded and replayed; inside a mount namespace of its own."""

    def __init__(self, directory, size="20G"):
        self.top = pathlib.Path(directory)
        for tool in ("qemu-storage-daemon", "mkfs.xfs", "mkfs.ext4", "mkfs.btrfs", "fusermount3"):
            if not any(os.access(f"{path}/{tool}", os.X_OK) for path in os.environ["PATH"].split(":")):
                raise Impossible(f"{tool} is not installed")
        for device in ("/dev/fuse", "/dev/loop-control"):
            try:
                with open(device, "r+b", buffering=0):
                    pass
            except OSError as error:
                raise Impossible(f"{device}: {error.strerror}") from None
        memory, self.images, self.place = self.top / "memory", self.top / "images", self.top / "place"
        for path in (memory, self.images, self.place):
            path.mkdir()
        call("mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", memory)
        self.memory = memory
        with open(memory / "xfs", "wb") as file:
            file.truncate(16 << 30)
        call("mkfs.xfs", "-q", "-f", "-K", "-m", "reflink=1", memory / "xfs")
        name, device = loop(memory / "xfs")
        with device:
            call("mount", "-o", "noatime", name, self.images)

    def record(self, disk, base, act):
        """Mounts a copy of a disk where writes are recorded, and has act(place, mark) write; mark() says where the log is.
        The disk as it is in the end is left in LIVE."""
        live, log, export = self.images / "live", self.memory / "log", self.memory / "export"
        clone(base, live)
        log.unlink(missing_ok=True)  # an earlier recording holds its own
        for path in (log, export):
            path.write_bytes(b"")
        daemon = subprocess.Popen(["qemu-storage-daemon",
                                   "--blockdev", f"driver=file,node-name=f,filename={live},cache.no-flush=on",
                                   "--blockdev", f"driver=file,node-name=l,filename={log},cache.no-flush=on",
                                   "--blockdev", "driver=blklogwrites,node-name=lw,file=f,log=l,log-sector-size=512",
                                   "--export", f"type=fuse,id=e,node-name=lw,mountpoint={export},writable=on"],
                                  stdin=subprocess.DEVNULL)
        try:
            while export.stat().st_size != 2 * disk.part:
                if daemon.poll() is not None:
                    raise Impossible("qemu-storage-daemon can not export a disk by FUSE")
                time.sleep(0.01)
            disk.mount(export, self.place)
            try:
                act(self.place, lambda: os.stat(log).st_size)
                os.sync()
            finally:
                disk.unmount(self.place)
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait()
        return Recording(log)


class Replay:
    """A disk at one point of a recording after the other; points may only go up."""

    def __init__(self, bench, base, recording):
        self.bench, self.recording = bench, recording
        self.running, self.work = bench.images / "running", bench.images / "work"
        clone(base, self.running)
        self.done = 0
        self.log = open(recording.log, "rb")  # pylint: disable=consider-using-with

    def _write(self, file, entry, blocks=None):
        where, length, flags, position = entry
        if flags & DISCARD or not length:
            return
        self.log.seek(position)
        data = self.log.read(length)
        if blocks is None:
            os.pwrite(file, data, where)
            return
        # between pages alone: no disk tears what it says it writes at once, and no file system lives with less
        first = -where % PAGE
        for begin in [0] * bool(first) + list(range(first, length, PAGE)):
            end = min(length, first if begin < first else begin + PAGE)
            if blocks():
                os.pwrite(file, data[begin:end], where + begin)

    def at(self, count, chance=None):
        """The image as a power cut after so many writes leaves it. With a source of chance, what came after the last
        flush is there, or lost, or there in part."""
        entries = self.recording.entries
        whole = self.recording.last_flush(count) if chance else count
        running = os.open(self.running, os.O_RDWR)
        for entry in entries[self.done:whole]:
            self._write(running, entry)
        os.close(running)
        self.done = whole
        self.work.unlink(missing_ok=True)  # the last one may still be on its way out
        clone(self.running, self.work)
        if chance:
            work = os.open(self.work, os.O_RDWR)
            for entry in entries[whole:count]:
                fate = chance.random()
                if fate < 0.4 or entry[2] & FUA:
                    self._write(work, entry)
                elif fate < 0.6:
                    self._write(work, entry, lambda: chance.random() < 0.5)
            os.close(work)
        return self.work


def chance_of(*what):
    return random.Random(repr(what))
