"""What the child is to call: the steps, the role of each argument, and the job as a whole - as plain, frozen values.

The job travels to the worker process as JSON, checked there by the annotations of these classes: that worker has no
third-party module (docs/decisions/0044-values-over-process-borders.md).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from loadstone.core.plain_values import from_plain, to_plain

__all__ = [
    "NUMBERS",
    "TAKING",
    "Argument",
    "CallPlan",
    "Campaign",
    "Compare",
    "Heap",
    "Job",
    "Operand",
    "Role",
    "SharedInput",
]


class Role(StrEnum):
    """What an argument is for. An argument without a role is a reason to refuse, never to guess.

    What is passed for each is decided in :mod:`loadstone.fuzz.meaning`, from which the child, ``repro.py`` and the
    exported harness are made; a test runs all three on the same inputs. A call that gets a share of the input, or is
    fed it piece by piece, takes each for its input.
    """

    BUFFER = "buffer"  # the input, its end against a guard page
    LENGTH_OF = "length_of"  # the size of a buffer or an out area, in bytes; of a text with its NUL
    CSTRING = "cstring"  # the input as text: one NUL at its end, those inside it are 1
    INTEGER = "integer"  # from the input's end, little-endian, 8 bytes a position; where those are few, they come first
    CAPACITY_OF = "capacity_of"  # the address of a number: before each call and piece the size of an out area
    OUT = "out"  # memory the callee writes, all 0 before each call and piece
    HANDLE = "handle"  # what an earlier call of the run returned, or stored through INTO; a NULL pointer ends the run
    INTO = "into"  # where the callee stores a handle; NULL when the run begins
    RECORD = "record"  # a struct of numbers: the input, cut or filled with 0 to its size
    PATH = "path"  # the name of a file that holds the input
    FILE = "file"  # a FILE * that reads it
    DESCRIPTOR = "descriptor"  # a file descriptor that reads it
    ONE_OF = "one_of"  # one of fixed numbers, by an integer of the input
    CALLBACK = "callback"  # a function that returns 0
    CONST = "const"  # always the same number, NULL among them, or the same text


Carrier = Literal[
    "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float", "double", "pointer"
]  # fmt: skip
"""What an argument is passed as: a number of that size and sign, or an address."""

_INTEGERS: Final[Mapping[tuple[int, bool], Carrier]] = {
    (1, True): "int8", (1, False): "uint8", (2, True): "int16", (2, False): "uint16",
    (4, True): "int32", (4, False): "uint32", (8, True): "int64", (8, False): "uint64",
}  # fmt: skip


class Heap(StrEnum):
    """How the library's own heap is guarded."""

    MIXED = "mixed"  # each of the others in turn, a child at a time
    PLAIN = "plain"  # not at all
    EXACT = "exact"  # a block ends at an inaccessible page, to the byte
    ALIGNED = "aligned"  # to 16 bytes, as malloc(3) promises; the bytes between hold a pattern that is checked
    UNDER = "under"  # a block begins right behind an inaccessible page


TAKING: Final = frozenset({Role.BUFFER, Role.CSTRING, Role.RECORD, Role.PATH, Role.FILE, Role.DESCRIPTOR})
"""Roles that take the input, or a part of it where there are several of them."""

NUMBERS: Final = frozenset({Role.INTEGER, Role.LENGTH_OF, Role.CONST, Role.ONE_OF, Role.DESCRIPTOR})
"""Roles that are passed as a number of the parameter's size."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument.

    ``size`` is bytes (of an integer or an out area); ``of`` the position LENGTH_OF refers to; ``value`` the number of
    CONST or ``text`` its text, ``real`` that it is a float or a double; ``slot`` the name a HANDLE is stored under,
    by INTO or by the call's result, or the end of the name of a PATH; ``values`` are those of ONE_OF.
    """

    role: Role
    size: int = 8
    signed: bool = False
    of: int = -1
    value: int = 0
    slot: str = ""
    real: bool = False
    text: str | None = None
    values: tuple[int, ...] = ()

    @property
    def carrier(self) -> Carrier:
        """What the argument is passed as."""
        if self.real:
            return "float" if self.size == 4 else "double"
        if self.text is None and self.role in NUMBERS:
            return _INTEGERS[self.size, self.signed]
        return "pointer"


@dataclass(frozen=True, slots=True)
class CallPlan:
    """One call of the sequence.

    ``address`` is the function's virtual address in the file; ``into`` stores the result under a name; ``repeat``
    marks the calls that are fed the input piece by piece. ``returns`` is ``void``, ``int``, ``pointer`` or ``double``;
    a NULL pointer stored ``into`` a slot ends the sequence. ``shares`` says that other calls of the sequence take the
    input too, so that each gets a share of its own.
    """

    symbol: str
    address: int
    arguments: tuple[Argument, ...]
    returns: str = "int"
    into: str = ""
    repeat: bool = False
    shares: bool = False

    def area_of(self, argument: Argument) -> int | None:
        """Bytes of the out area that LENGTH_OF or CAPACITY_OF is about; None when it is about the input."""
        if not 0 <= argument.of < len(self.arguments):
            return None
        area = self.arguments[argument.of]
        return area.size if area.role is Role.OUT else None

    @property
    def takers(self) -> tuple[int, ...]:
        """The positions of the arguments that take the input, each a part of it in this order."""
        return tuple(i for i, argument in enumerate(self.arguments) if argument.role in TAKING)

    @property
    def delivered(self) -> bool:
        """Whether the input is cut, or reaches its argument otherwise than as bytes in memory."""
        takers = self.takers
        plain = all(self.arguments[i].role in (Role.BUFFER, Role.CSTRING) for i in takers)
        return len(takers) > 1 or not plain or self.shares

    @property
    def parts(self) -> int:
        """How many parts of the input a call, or a piece, takes."""
        return len(self.takers) if self.delivered else 1

    @property
    def stored(self) -> tuple[str, ...]:
        """The slots that the call stores a handle in through its arguments."""
        return tuple(a.slot for a in self.arguments if a.role is Role.INTO)


@dataclass(frozen=True, slots=True)
class Operand:
    """What one side of a comparison reads: ``offset + register + index * scale``, or the ``memory`` there.

    Registers by their 64-bit names, "" for none, ``base`` for where the library is loaded; without registers and
    memory it is the number ``offset``.
    """

    offset: int = 0
    register: str = ""
    index: str = ""
    scale: int = 1
    memory: bool = False


@dataclass(frozen=True, slots=True)
class Compare:
    """A comparing instruction: its virtual address, its first byte, the ``width`` compared in bytes, both sides."""

    address: int
    byte: int
    width: int
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """What to fuzz and how long: the library by path, the calls with their roles, bounds and seed.

    ``time_s`` bounds the search, in seconds; confirming what it found takes some more. ``runs`` 0 means no bound.
    ``folder`` keeps corpus and findings; "" keeps none. ``first`` ends the search at the first finding; ``jobs``
    workers share one corpus. ``hooks`` is a Python file with ``fixup``, ``check`` or ``mutate`` (see
    :mod:`loadstone.fuzz.child.hooks`), or "". ``only`` names the code whose coverage counts: functions, or ranges of
    virtual addresses as ``0x1000-0x2000``; nothing for all of it.
    """

    library: str
    prototype: str
    calls: tuple[CallPlan, ...]
    time_s: float = 60.0
    runs: int = 0
    seed: int = 0
    max_size: int = 4096
    hang_s: float = 1.0
    heap: Heap = Heap.MIXED
    seeds: tuple[bytes, ...] = ()
    words: tuple[bytes, ...] = ()
    folder: str = ""
    first: bool = False
    jobs: int = 1
    hooks: str = ""
    require: tuple[str, ...] = ()
    allow_read: tuple[str, ...] = ()
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything the worker needs: what to call, with what, watched how, for how long.

    ``blocks`` are (virtual address, first byte), ``entries`` those of them that functions begin with, in order: the
    others are watched once their function is entered; ``first_address`` is the library's lowest virtual address;
    ``heap_slots`` are the import slots of allocators, by name and virtual address; ``inputs`` to start from, or to
    replay once each in order when ``replay`` is set (``at_start``: right behind a guard page, not before one; with
    ``blocks``, to compare which of them are reached as garbage differs; ``fill``: what fresh memory and the stack
    hold then, where it is not -1). Times
    are seconds, sizes bytes. ``compares`` are looked at, and ``compare_slots`` (imports of memcmp and kin, as
    ``heap_slots``) listened to, while solving what new inputs were compared with. ``hooks`` is Python.
    ``recording`` has a guarded heap keep call stacks; ``passed`` are errors of it, by kind and place, that are told
    well enough and end no child any more; behind the input come ``slack`` bytes of 0 before the guard page, so that
    reading a little past it, where that is told well enough, ends none either. ``own_stack`` has the functions called
    on a stack of their own; ``gaps`` are bytes of the library's data that are nobody's: the object before, virtual
    address, size.
    """

    library: str
    calls: tuple[CallPlan, ...]
    blocks: tuple[tuple[int, int], ...] = ()
    entries: tuple[int, ...] = ()
    first_address: int = 0
    inputs: tuple[bytes, ...] = (b"",)
    words: tuple[bytes, ...] = ()
    seed: int = 0
    max_size: int = 4096
    time_s: float = 60.0
    runs: int = 0  # 0: as many as the time allows
    hang_s: float = 1.0
    memory: int = 384 << 20  # less than the sandbox has: what grows is told as that, not as a refusal
    heap: Heap = Heap.PLAIN
    heap_slots: tuple[tuple[str, int], ...] = ()
    compares: tuple[Compare, ...] = ()
    compare_slots: tuple[tuple[str, int], ...] = ()
    hooks: str = ""
    replay: bool = False
    recording: bool = False
    passed: tuple[tuple[str, int], ...] = ()
    at_start: bool = False
    fill: int = -1
    slack: int = 0
    own_stack: bool = True
    gaps: tuple[tuple[str, int, int], ...] = ()
    scratch: str = ""
    require: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()

    def to_json(self) -> str:
        """The job as one line of JSON."""
        return json.dumps(to_plain(self))

    @classmethod
    def from_json(cls, text: str) -> Job:
        """The inverse of :meth:`to_json`. Raises ValueError for what no parent of ours wrote."""
        return from_plain(cls, json.loads(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedInput:
    """What the parent tells a worker of another: an input, and the block that it reached first."""

    share: bytes
    block: int

    def to_json(self) -> str:
        """As one line of JSON."""
        return json.dumps(to_plain(self))

    @classmethod
    def from_json(cls, text: str) -> SharedInput:
        """The inverse of :meth:`to_json`."""
        return from_plain(cls, json.loads(text))
