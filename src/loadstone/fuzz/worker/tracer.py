"""A traced child, x86-64 Linux: one-shot breakpoints, registers, and where it crashed. ptrace(2), proc(5).

Used by the worker process only, which has one thread and no other children: ptrace calls must come from the thread that
traces, and SIGCHLD is blocked there and waited for.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import re
import signal
import struct
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

__all__ = ["MACHINES", "ChildStop", "Traced", "Tracer", "Untraced", "go_on", "let_me_be_traced"]

MACHINES: Final = ("x86_64",)
"""Processors, as uname(2) has them, whose breakpoints and registers are known below; others are fuzzed untraced."""

_TRACEME, _PEEKUSER, _POKEUSER, _CONT, _SINGLESTEP, _GETREGS = 0, 3, 6, 7, 9, 12
_SETOPTIONS, _GETEVENTMSG, _GETSIGINFO = 0x4200, 0x4201, 0x4202
_TRACE_CLONE: Final = 1 << 3
_EXIT_KILL: Final = 1 << 20
_WALL: Final = 0x40000000  # __WALL of waitpid(2): threads too
# Offsets in struct user (sys/user.h, x86-64), bytes.
_RBP, _RIP, _RSP = 4 * 8, 16 * 8, 19 * 8
_REGISTERS = struct.Struct("<27Q")
_NAMES: Final = (
    "r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi", "", "rip",
    "", "", "rsp",
)  # fmt: skip
"""The order of struct user_regs_struct (sys/user.h); what compares nothing is not named."""
_PAGE: Final = mmap.PAGESIZE
_TRAP_SIZE: Final = 1
_ENDING_S: Final = 0.0005
_INT3: Final = 0xCC
_CALL: Final = 0xE8
_jump_in: Final = re.compile(rb"\xe9|\xff\x25", re.DOTALL).search
_return_at: Final = re.compile(rb"\xc3|\xc2|\xf3\xc3", re.DOTALL).match
_HIGHEST: Final = 1 << 47
"""Addresses of programs are below (x86-64, four levels of page tables)."""
_LONGEST_FUNCTION: Final = 1 << 16
_MAX_FRAMES: Final = 8
_STACK_WINDOW: Final = 8192

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def _ptrace(request: int, pid: int, address: int = 0, data: int = 0) -> int:
    ctypes.set_errno(0)
    value: int = _libc.ptrace(request, pid, address, data)
    if value == -1 and (code := ctypes.get_errno()):
        raise OSError(code, os.strerror(code))
    return value & 0xFFFFFFFFFFFFFFFF


def let_me_be_traced() -> None:
    """In the child: ask to be traced by the parent. Raises OSError where tracing is not allowed."""
    _ptrace(_TRACEME, 0)


def go_on(pid: int, number: int = 0) -> None:
    """Let a stopped child of ours run on, traced or not, delivering a signal if ``number`` is one."""
    try:
        _ptrace(_CONT, pid, 0, number)
    except OSError:  # nobody traces it
        os.kill(pid, signal.SIGCONT)


def _continue(thread: int, number: int = 0) -> None:
    """Let a stopped thread run on, unless it is gone by now: then its end is what is seen next."""
    try:
        _ptrace(_CONT, thread, 0, number)
    except ProcessLookupError:
        return


@dataclass(frozen=True, slots=True)
class ChildStop:
    """Why the child is not running: a signal, an exit status, or nothing yet (all None)."""

    signal: int | None = None
    exited: int | None = None
    killed_by: int | None = None

    @property
    def running(self) -> bool:
        return self == ChildStop()


class Tracer(Protocol):
    """A fuzzed child seen from outside: what a search needs of any platform.

    Where there is a debugging interface of another kind (Windows: DEBUG_PROCESS and WaitForDebugEvent; macOS: Mach
    exception ports), it goes behind these names.
    """

    pid: int

    @property
    def base(self) -> int:
        """What is added to the library's virtual addresses; 0 where it is not known."""

    def close(self) -> None:
        """Kill the child if it lives, and reap it."""

    def resume(self, number: int = 0, /) -> None:
        """Let it run on, delivering a signal if ``number`` is one."""

    def poll(self) -> ChildStop:
        """What has become of it, without waiting."""

    def hit(self) -> int | None:
        """At a trap: the virtual address of the block that was reached for the first time; None for another trap."""

    def frames(self) -> tuple[int, ...]:
        """Where in the library it stopped, innermost first, virtual addresses."""

    def arm(self, blocks: Mapping[int, int]) -> None:
        """Watch these blocks too; nothing where no block can be watched."""

    def read(self, address: int, size: int) -> bytes:
        """Bytes of its memory; fewer where it has none, or may not be looked at."""

    def fault_address(self) -> int:
        """The address it could not access; 0 where there is none."""

    def stack_pointer(self) -> int:
        """Where its stack ends; 0 where that is not known."""

    def program_counter(self) -> int:
        """The address of the instruction it stopped at; 0 where that is not known."""

    def returned_nowhere(self) -> bool:
        """Whether it stopped because a function returned to where no code is."""


class Traced:
    """One traced child and its threads.

    Invariants: ``left`` holds the breakpoints set and not hit, virtual address to first byte; ``_at`` is the thread
    that stopped last, which every look is at.
    """

    def __init__(
        self, pid: int, library: tuple[int, int], first_address: int = 0, entries: Collection[int] = ()
    ) -> None:
        """``library``: (device, inode) of the file whose code is watched; ``first_address``: its lowest virtual one.

        ``entries``: the functions that are called, whose addresses lie on the stack of who calls them.
        """
        self.pid = pid
        self.left: dict[int, int] = {}
        self._set: dict[int, int] = {}  # every one that was ever set: another thread may have hit it at the same time
        self._at = pid
        self._threads = {pid}
        self._begun = {pid}
        _ptrace(_SETOPTIONS, pid, 0, _TRACE_CLONE | _EXIT_KILL)
        self._entries = frozenset(entries)
        self._memory = os.open(f"/proc/{pid}/mem", os.O_RDWR | os.O_CLOEXEC)
        start, ranges = _mappings(pid, library)
        self.ranges: tuple[tuple[int, int], ...] = ranges
        self.base: int = start - first_address

    def close(self) -> None:
        """Kill the child if it lives, reap it, give the descriptor back."""
        os.close(self._memory)
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        while not _is_reaped(self.pid):  # its first thread is not seen to end before all others are
            for thread in _threads_of(self.pid) - {self.pid}:
                _is_reaped(thread)
            time.sleep(_ENDING_S)

    def arm(self, blocks: Mapping[int, int]) -> None:
        """Put a breakpoint on each block (virtual address to its first byte), a page of code at a time."""
        pages: dict[int, list[int]] = {}
        for address in blocks:
            pages.setdefault((address + self.base) // _PAGE, []).append(address)
        for page, inside in pages.items():
            low = page * _PAGE
            if not self.inside(low) and not self.inside(low + _PAGE - 1):
                continue
            code = bytearray(self.read(low, _PAGE))
            if len(code) < _PAGE:
                continue
            for address in inside:
                at = address + self.base - low
                if self.inside(low + at) and code[at] == blocks[address]:  # else something rewrote it: leave it alone
                    code[at] = _INT3
                    self.left[address] = self._set[address] = blocks[address]
            os.pwrite(self._memory, code, low)

    def hit(self) -> int | None:
        """At a trap: the block whose breakpoint it was, now removed, with the child set back to run it; else None."""
        address = self.program_counter() - _TRAP_SIZE - self.base
        byte = self._set.get(address)
        if byte is None:
            return None
        self.left.pop(address, None)
        os.pwrite(self._memory, bytes((byte,)), address + self.base)
        _ptrace(_POKEUSER, self._at, _RIP, address + self.base)
        return address

    def step(self) -> ChildStop:
        """Run one instruction; where that left it."""
        _ptrace(_SINGLESTEP, self._at)
        _, status = os.waitpid(self._at, _WALL)
        return _stop(status)

    def set_again(self, address: int, byte: int) -> None:
        """Put the breakpoint of a virtual address back."""
        os.pwrite(self._memory, bytes((_INT3,)), address + self.base)
        self.left[address] = self._set[address] = byte

    def registers(self) -> dict[str, int]:
        """The general registers, by their 64-bit names."""
        raw = ctypes.create_string_buffer(_REGISTERS.size)
        _ptrace(_GETREGS, self._at, 0, ctypes.addressof(raw))
        return dict(zip(_NAMES, _REGISTERS.unpack(raw.raw), strict=False))

    def read(self, address: int, size: int) -> bytes:
        """Bytes of its memory; fewer where it has none."""
        try:
            return os.pread(self._memory, size, address)
        except (OSError, OverflowError):
            return b""

    def resume(self, number: int = 0) -> None:
        """Let it run on, delivering a signal if ``number`` is one."""
        _continue(self._at, number)

    def poll(self) -> ChildStop:
        """What has become of it, without waiting: of the first of its threads that has something to say."""
        asked = [*self._threads]
        for thread in asked:  # which grows: a new thread may have stopped before we knew of it, and says so once
            try:
                found, status = os.waitpid(thread, os.WNOHANG | os.WUNTRACED | _WALL)
            except ChildProcessError:
                self._threads.discard(thread)
                continue
            if not found:
                continue
            if not os.WIFSTOPPED(status):
                self._threads.discard(thread)
                if thread == self.pid:
                    return _stop(status)
            elif status >> 16:
                asked += self._follow(thread)
            elif thread not in self._begun and os.WSTOPSIG(status) == signal.SIGSTOP:
                self._begun.add(thread)  # how a thread begins that is traced from its first instruction
                _continue(thread)
            else:
                self._at = thread
                return _stop(status)
        return ChildStop()

    def _follow(self, thread: int) -> tuple[int, ...]:
        """A thread has started another, which is traced from now on: its number, or nothing when the first is gone."""
        message = ctypes.c_ulong()
        try:
            _ptrace(_GETEVENTMSG, thread, 0, ctypes.addressof(message))
        except OSError:
            return ()
        self._threads.add(message.value)
        _continue(thread)
        return (message.value,)

    def program_counter(self) -> int:
        return _ptrace(_PEEKUSER, self._at, _RIP)

    def returned_nowhere(self) -> bool:
        """Whether the last instruction was a return to where no code is: somebody overwrote that address.

        An address that can be none leaves the processor at the return; any other is gone to, and stands right below
        the stack pointer still.
        """
        at, top = self.program_counter(), self.stack_pointer()
        if _return_at(self._read(at, 2)):
            word = self._read(top, 8)
            return len(word) == 8 and not 0 < int.from_bytes(word, "little") < _HIGHEST
        return self._read(top - 8, 8) == at.to_bytes(8, "little") and not self._runs(at)

    def _runs(self, address: int) -> bool:
        """Whether there is code at an address of the process."""
        with open(f"/proc/{self.pid}/maps", encoding="utf-8", errors="surrogateescape") as lines:
            for line in lines:
                span, flags, *_ = line.split(maxsplit=2)
                low, high = (int(part, 16) for part in span.split("-"))
                if low <= address < high:
                    return "x" in flags
        return False

    def stack_pointer(self) -> int:
        return _ptrace(_PEEKUSER, self._at, _RSP)

    def fault_address(self) -> int:
        """``si_addr`` of the signal it stopped for (sigaction(2)); 0 where the signal has none."""
        info = ctypes.create_string_buffer(128)
        _ptrace(_GETSIGINFO, self._at, 0, ctypes.addressof(info))
        return int.from_bytes(info.raw[16:24], "little")

    def frames(self) -> tuple[int, ...]:
        """Addresses of the watched library, innermost first, relative to its base.

        The program counter, then what lies on the stack and points behind a call in the library's code: a scan, so
        outer frames are likely, not certain. A return address is told as the last byte of its call, which may be the
        last instruction of its function.
        """
        found = [self.program_counter() - self.base] if self.inside(self.program_counter()) else []
        try:
            stack = os.pread(self._memory, _STACK_WINDOW, self.stack_pointer())
        except OSError:
            stack = b""
        for at in range(0, len(stack) - 7, 8):
            if len(found) >= _MAX_FRAMES:
                break
            value = int.from_bytes(stack[at : at + 8], "little")
            if found and value - self.base in self._entries:
                continue
            if self.inside(value) and self._after_call(value, found[-1] + self.base if found else 0):
                found.append(value - 1 - self.base)
        return tuple(found)

    def inside(self, address: int) -> bool:
        """Whether an address is in the library's executable mappings."""
        return any(low <= address < high for low, high in self.ranges)

    def _after_call(self, address: int, inner: int) -> bool:
        """Whether the bytes before an address are a call that may have led to ``inner`` (0: not known).

        E8 rel32, or FF /2 of two, three or six bytes. A direct call leads into the function it names, or to a jump out
        of the library; other such words were left on the stack by calls that returned long ago.
        """
        code = self._read(address - 6, 6)
        if len(code) < 6:
            return False
        if code[1] == _CALL:
            target = address + int.from_bytes(code[2:], "little", signed=True)
            return not inner or 0 <= inner - target < _LONGEST_FUNCTION or _jump_in(self._read(target, 12)) is not None
        return any(code[at] == 0xFF and code[at + 1] >> 3 & 7 == 2 for at in (0, 3, 4))

    def _read(self, address: int, size: int) -> bytes:
        try:
            return os.pread(self._memory, size, address)
        except OSError:
            return b""


class Untraced:
    """A child that may not be traced: it can be waited for and killed, and says nothing of where it was."""

    base = 0

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def close(self) -> None:
        """Kill the child if it lives, and reap it."""
        _end(self.pid)

    def resume(self, _number: int = 0) -> None:
        """Let it run on after it stopped."""
        os.kill(self.pid, signal.SIGCONT)

    def poll(self) -> ChildStop:
        """What has become of it, without waiting."""
        return _poll(self.pid)

    def hit(self) -> None:
        return None

    def arm(self, blocks: Mapping[int, int]) -> None:
        pass

    def frames(self) -> tuple[int, ...]:
        return ()

    def read(self, _address: int, _size: int) -> bytes:
        return b""

    def fault_address(self) -> int:
        return 0

    def stack_pointer(self) -> int:
        return 0

    def program_counter(self) -> int:
        return 0

    def returned_nowhere(self) -> bool:
        return False


def _is_reaped(thread: int) -> bool:
    """Whether a traced thread has ended and been waited for, now or before."""
    try:
        found, status = os.waitpid(thread, os.WNOHANG | _WALL)
    except ChildProcessError:
        return True
    return bool(found) and not os.WIFSTOPPED(status)


def _threads_of(pid: int) -> set[int]:
    try:
        return {int(name) for name in os.listdir(f"/proc/{pid}/task")}
    except OSError:
        return set()


def _poll(pid: int) -> ChildStop:
    found, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
    return _stop(status) if found else ChildStop()


def _stop(status: int) -> ChildStop:
    if os.WIFSTOPPED(status):
        return ChildStop(signal=os.WSTOPSIG(status))
    if os.WIFEXITED(status):
        return ChildStop(exited=os.WEXITSTATUS(status))
    return ChildStop(killed_by=os.WTERMSIG(status))


def _end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):
        pass


def _mappings(pid: int, library: tuple[int, int]) -> tuple[int, tuple[tuple[int, int], ...]]:
    """(load address, executable ranges) of a file in a process, by device and inode: names can lie."""
    base = 0
    ranges = []
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            span, flags, offset, device, inode, *_ = line.split(maxsplit=5)
            major, minor = (int(part, 16) for part in device.split(":"))
            if (os.makedev(major, minor), int(inode)) != library:
                continue
            low, high = (int(part, 16) for part in span.split("-"))
            if not base:
                base = low - int(offset, 16)
            if "x" in flags:
                ranges.append((low, high))
    return base, tuple(ranges)
