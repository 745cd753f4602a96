"""What a process looks like while it waits for its next command, and what changed since it last did.

Read by the helper under /proc and in the child's memory: the child cannot lie about it, only change it back.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from loadstone.core.observations import ObservationKind
from loadstone.probe.linux import proc
from loadstone.probe.linux.proc import Mapping
from loadstone.probe.linux.syscalls import LIBC

__all__ = [
    "BLANK",
    "RESERVED_SIGNALS",
    "Change",
    "Snapshot",
    "changes",
    "file_key",
    "leftovers",
    "mask_changes",
    "signal_name",
    "take",
]

_ENVIRON_AT: Final = ctypes.addressof(ctypes.c_void_p.in_dll(LIBC, "environ"))
"""Where libc keeps ``environ``: the same address in every child forked from this process."""

RESERVED_SIGNALS: Final = (32, 33)
"""The C library keeps these for its threads and handles them when the first one starts (nptl(7))."""

_MAX_VARIABLES: Final = 512
_MAX_VARIABLE: Final = 4096
_MAX_SHOWN: Final = 8

Change = tuple[ObservationKind, str]


class Snapshot(NamedTuple):
    """A process at one moment. ``mapped`` holds device and inode of every mapped file, with its path."""

    status: proc.ProcessStatus
    descriptors: dict[int, str]
    directory: str
    environment: dict[bytes, bytes]
    mapped: dict[tuple[str, int], str]
    writable_code: frozenset[str]
    limits: bytes


BLANK: Final = Snapshot(proc.ProcessStatus(0, 0, 0, 0, 0, 0, 0), {}, "", {}, {}, frozenset(), b"")
"""What is seen where nothing may be looked at: compared with itself it shows no change."""


def take(process: int) -> Snapshot:
    """Look at a process. Raises OSError when it is gone."""
    mappings = proc.mappings(process)
    return Snapshot(
        status=proc.status(process),
        descriptors=proc.descriptors(process),
        directory=os.readlink(f"/proc/{process}/cwd"),
        environment=_environment(process),
        mapped={(m.device, m.inode): m.path for m in mappings if m.inode},
        writable_code=frozenset(_place(m) for m in mappings if m.rights.startswith(("rwx", "-wx"))),
        limits=proc.limits(process),
    )


def _place(mapping: Mapping) -> str:
    return mapping.path or f"anonymous memory of {mapping.end - mapping.start:,} bytes"


def file_key(device: int, inode: int) -> tuple[str, int]:
    """A file as /proc/PID/maps names it."""
    return f"{os.major(device):02x}:{os.minor(device):02x}", inode


def _environment(process: int) -> dict[bytes, bytes]:
    memory = proc.open_memory(process)
    try:
        (table,) = struct.unpack("=Q", proc.read_at(memory, _ENVIRON_AT, 8).ljust(8, b"\0"))
        raw = proc.read_at(memory, table, 8 * _MAX_VARIABLES) if table else b""
        found = {}
        for (address,) in struct.iter_unpack("=Q", raw[: len(raw) & ~7]):
            if not address:
                break
            name, _, value = proc.read_at(memory, address, _MAX_VARIABLE).partition(b"\0")[0].partition(b"=")
            found[name] = value
        return found
    finally:
        os.close(memory)


def changes(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    """What is different, for as long as it lasts; see :func:`mask_changes` and :func:`leftovers` for the rest."""
    if after.directory != before.directory:
        yield ObservationKind.CWD_CHANGED, f"the current directory became {after.directory}"
    yield from _environment_changes(before.environment, after.environment)
    if after.limits != before.limits:
        yield from _limit_changes(proc.soft_limits(before.limits), proc.soft_limits(after.limits))
    if after.status.umask != before.status.umask:
        yield ObservationKind.UMASK_CHANGED, f"umask {before.status.umask:03o} became {after.status.umask:03o}"
    for number in _bits(after.status.caught & ~before.status.caught):
        yield ObservationKind.SIGNAL_HANDLER, f"a handler for {signal_name(number)} was installed"
    for number in _bits(before.status.caught & ~after.status.caught):
        yield ObservationKind.SIGNAL_HANDLER, f"the handler for {signal_name(number)} was removed"
    for number in _bits(after.status.ignored & ~before.status.ignored):
        yield ObservationKind.SIGNAL_HANDLER, f"{signal_name(number)} is ignored"
    for place in sorted(after.writable_code - before.writable_code):
        yield ObservationKind.CODE_WRITABLE, f"writable and executable at once, and stays so: {place}"
    for number, what in sorted(before.descriptors.items()):
        if number not in after.descriptors:
            yield ObservationKind.DESCRIPTOR_CLOSED, f"descriptor {number} ({what}) was closed, which it did not open"


def _limit_changes(before: dict[str, str], after: dict[str, str]) -> Iterator[Change]:
    for name, level in after.items():
        old = before.get(name, level)
        if level != old:
            yield ObservationKind.PROCESS_CHANGED, f"the limit of {name} became {level}, from {old}"


def _environment_changes(before: dict[bytes, bytes], after: dict[bytes, bytes]) -> Iterator[Change]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        shown = os.fsdecode(name)
        if new is None:
            yield ObservationKind.ENVIRONMENT_CHANGED, f"{shown} was removed from the environment"
        else:
            verb = "added to" if old is None else "changed in"
            yield ObservationKind.ENVIRONMENT_CHANGED, f"{shown}={os.fsdecode(new)[:120]} was {verb} the environment"


def mask_changes(before: Snapshot, after: Snapshot, host: Snapshot) -> Iterator[Change]:
    """Signals that are blocked, or are no longer, since ``before``, and were not so before the library came."""
    now = after.status.blocked
    differ = (now ^ before.status.blocked) & (now ^ host.status.blocked)
    for mask, state in ((differ & now, "blocked"), (differ & ~now, "no longer blocked")):
        names = [signal_name(number) for number in _bits(mask)]
        if names:
            verb = "is" if len(names) == 1 else "are"
            yield ObservationKind.SIGNAL_MASK, f"{_some(names)} {verb} {state}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MAX_SHOWN} more" if len(names) > _MAX_SHOWN else ""
    return ", ".join(names[:_MAX_SHOWN]) + more


def leftovers(before: Snapshot, after: Snapshot, when: str) -> Iterator[Change]:
    """What was taken and not given back: descriptors and threads."""
    left = sorted(set(after.descriptors) - set(before.descriptors))
    if left:
        shown = _some([f"{number} ({after.descriptors[number]})" for number in left])
        yield ObservationKind.DESCRIPTOR_LEFT, f"still open {when}: {shown}"
    threads = after.status.threads - before.status.threads
    if threads > 0:
        yield ObservationKind.THREAD_LEFT, f"{threads} more thread{'s' if threads > 1 else ''} {when} than before"


def _bits(mask: int) -> Iterator[int]:
    return (number for number in range(1, 65) if mask >> (number - 1) & 1 and number not in RESERVED_SIGNALS)


def signal_name(number: int) -> str:
    """``SIGSEGV`` for 11; ``signal 34`` for one without a name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
