"""A process as the kernel shows it under /proc, read from outside. Source: proc(5).

Every function raises OSError when the process is gone or may not be looked at. What is read is bounded.
"""

from __future__ import annotations

import ctypes
import os
from functools import lru_cache
from typing import Final, NamedTuple

from loadstone.probe.linux.syscalls import syscall

__all__ = [
    "Mapping",
    "MemoryUse",
    "ProcessStatus",
    "Waiting",
    "children",
    "command",
    "descriptors",
    "executable",
    "held",
    "leader",
    "limits",
    "mappings",
    "memory",
    "memory_share",
    "open_memory",
    "processor_seconds",
    "read_at",
    "read_memory",
    "soft_limits",
    "status",
    "thread_name",
    "threads",
    "unusable",
    "waiting",
]

_MAX_FILE: Final = 8 << 20
_MAX_DESCRIPTORS: Final = 4096
_MAX_THREADS: Final = 4096
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_PF_EXITING: Final = 0x4
"""Of the flags in stat (linux/sched.h): set before the thread tells who joins it."""


class _Span(ctypes.Structure):
    """struct iovec."""

    _fields_ = (("start", ctypes.c_size_t), ("size", ctypes.c_size_t))


def _read(path: str) -> bytes:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts, left = [], _MAX_FILE
        while left > 0 and (piece := os.read(file, min(left, 1 << 16))):
            parts.append(piece)
            left -= len(piece)
        return b"".join(parts)
    finally:
        os.close(file)


def unusable() -> str:
    """Why /proc tells nothing of the processes that are started here, or ""."""
    try:
        named = os.readlink("/proc/self")
    except OSError:
        return "there is no /proc here, by which a library is watched and its memory and processes are counted"
    if named != str(os.getpid()):
        return "the /proc here is that of another process namespace: it shows other processes than those started here"
    return ""


class Mapping(NamedTuple):
    """One line of /proc/PID/maps; ``path`` is "" for anonymous memory, and may name what no longer exists."""

    start: int
    end: int
    rights: str
    offset: int
    device: str
    inode: int
    path: str


def mappings(process: int) -> list[Mapping]:
    """The memory map."""
    return [_mapping(line) for line in _read(f"/proc/{process}/maps").decode("utf-8", "surrogateescape").splitlines()]


@lru_cache(maxsize=2048)  # children of one helper have most lines in common
def _mapping(line: str) -> Mapping:
    span, rights, offset, device, inode, *path = line.split(maxsplit=5)
    start, _, end = span.partition("-")
    return Mapping(int(start, 16), int(end, 16), rights, int(offset, 16), device, int(inode), path[0] if path else "")


class ProcessStatus(NamedTuple):
    """/proc/PID/status in part; the signal sets are bit masks."""

    threads: int
    umask: int
    blocked: int
    ignored: int
    caught: int
    inner_id: int  # in its own process namespace
    data_peak: int  # private writable memory now, bytes


def status(process: int) -> ProcessStatus:
    """Threads, umask and signal sets."""
    fields = dict(line.split(b":", 1) for line in _read(f"/proc/{process}/status").splitlines() if b":" in line)
    return ProcessStatus(
        threads=int(fields[b"Threads"]),
        umask=int(fields.get(b"Umask", b"-1"), 8),
        blocked=int(fields[b"SigBlk"], 16),
        ignored=int(fields[b"SigIgn"], 16),
        caught=int(fields[b"SigCgt"], 16),
        inner_id=int(fields.get(b"NSpid", b"0").split()[-1]),
        data_peak=int(fields.get(b"VmData", b"0").split()[0]) << 10,
    )


def descriptors(process: int) -> dict[int, str]:
    """Open descriptors and what each refers to."""
    folder = f"/proc/{process}/fd"
    found = {}
    for name in os.listdir(folder)[:_MAX_DESCRIPTORS]:
        try:
            found[int(name)] = os.readlink(f"{folder}/{name}")
        except FileNotFoundError:
            continue
    return found


def leader(thread: int) -> int:
    """The process a thread belongs to; 0 when there is no such thread."""
    try:
        found = _read(f"/proc/{thread}/status").partition(b"\nTgid:")[2].split(maxsplit=1)
    except OSError:
        return 0
    return int(found[0]) if found else 0


def limits(process: int) -> bytes:
    """The limits of getrlimit(2), as the kernel's table of them."""
    return _read(f"/proc/{process}/limits")


def soft_limits(table: bytes) -> dict[str, str]:
    r"""The soft ones of such a table, by the kernel's words for what they limit.

    >>> soft_limits(b"Limit          Soft Limit  Hard Limit\nMax open files 64          1024       files")
    {'open files': '64'}
    """
    lines = table.decode().splitlines()
    end = lines[0].find("Soft Limit") if lines else 0
    return {line[:end].removeprefix("Max").strip(): line[end:].split()[0] for line in lines[1:]}


def held(process: int) -> int:
    """Bytes resident, with the page tables that say where: memory may be reached by them that counts for nobody."""
    fields = dict(line.split(b":", 1) for line in _read(f"/proc/{process}/status").splitlines() if b":" in line)
    return sum(int(fields.get(name, b"0").split()[0]) << 10 for name in (b"VmRSS", b"VmPTE"))


class MemoryUse(NamedTuple):
    """Bytes resident, and bytes of private writable memory (which RLIMIT_DATA bounds)."""

    resident: int
    data: int


def memory(process: int) -> MemoryUse:
    """How much memory it has now."""
    words = _read(f"/proc/{process}/statm").split()
    return MemoryUse(int(words[1]) * _PAGE, int(words[5]) * _PAGE)


def memory_share(process: int) -> int:
    """Bytes resident, of pages in common with others its share of them (smaps_rollup); 0 where that is not told."""
    try:
        found = _read(f"/proc/{process}/smaps_rollup").partition(b"\nPss:")[2].split(maxsplit=1)
    except OSError:
        return 0
    return int(found[0]) << 10 if found else 0


def processor_seconds(process: int) -> float:
    """Processor time used so far, user and system."""
    words = _read(f"/proc/{process}/stat").rpartition(b")")[2].split()
    return (int(words[11]) + int(words[12])) / _TICKS


class Thread(NamedTuple):
    """State as one letter of proc(5) (``R`` running or ready, ``D`` waiting for a disk, ``S`` asleep), ticks it ran."""

    state: str
    ticks: int


def threads(process: int) -> dict[int, Thread]:
    """Every thread that goes on. One that ends is listed a while after it was joined, and longer where it is traced."""
    found = {}
    for name in os.listdir(f"/proc/{process}/task")[:_MAX_THREADS]:
        try:
            words = _read(f"/proc/{process}/task/{name}/stat").rpartition(b")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if not int(words[6]) & _PF_EXITING:
            found[int(name)] = Thread(words[0].decode(), int(words[11]) + int(words[12]))
    return found


class Waiting(NamedTuple):
    """What a thread that sleeps waits in: a system call's number (-1: none), its stack pointer and instruction."""

    call: int
    stack: int
    instruction: int


def waiting(process: int, thread: int) -> Waiting | None:
    """Where a thread sleeps; None when it runs."""
    words = _read(f"/proc/{process}/task/{thread}/syscall").split()
    if len(words) < 3:
        return None
    return Waiting(int(words[0]), int(words[-2], 16), int(words[-1], 16))


def thread_name(process: int, thread: int) -> str:
    """The name of a thread, which it may have chosen itself."""
    return _read(f"/proc/{process}/task/{thread}/comm").rstrip(b"\n").decode("utf-8", "surrogateescape")


def command(process: int) -> bytes:
    """The short name of the program, which also an ended process that was not yet waited for has."""
    return _read(f"/proc/{process}/stat").partition(b"(")[2].rpartition(b")")[0]


def executable(process: int) -> tuple[int, int]:
    """Device and inode of the program that runs."""
    there = os.stat(f"/proc/{process}/exe")
    return there.st_dev, there.st_ino


def children(process: int) -> list[int]:
    """Process ids of the children of every thread."""
    found = []
    for thread in os.listdir(f"/proc/{process}/task"):
        try:
            found += [int(word) for word in _read(f"/proc/{process}/task/{thread}/children").split()]
        except FileNotFoundError:
            continue
    return found


def open_memory(process: int) -> int:
    """A descriptor for :func:`read_at`; it stays with the memory it was opened on, whatever has the id later."""
    return os.open(f"/proc/{process}/mem", os.O_RDONLY | os.O_CLOEXEC)


def read_at(memory_file: int, address: int, size: int) -> bytes:
    """Up to ``size`` bytes at ``address``; fewer where the mapping ends, none where there is none."""
    try:
        return os.pread(memory_file, size, address)
    except (OSError, OverflowError):
        return b""


def read_memory(process: int, address: int, size: int) -> bytes:
    """The same for a process, or a thread of it, in one call and without a descriptor."""
    buffer = ctypes.create_string_buffer(size)
    ours, theirs = _Span(ctypes.addressof(buffer), size), _Span(address, size)
    try:
        got = syscall("process_vm_readv", process, ctypes.byref(ours), 1, ctypes.byref(theirs), 1, 0)
    except OSError:  # it reads whole pieces or nothing: the piece may end in an unmapped page
        file = open_memory(process)
        try:
            return read_at(file, address, size)
        finally:
            os.close(file)
    return buffer.raw[:got]
