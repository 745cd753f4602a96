"""Where a number is gone by: as an index, an offset, a size or the size of a block, and which end nothing compared."""

from __future__ import annotations

import re
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.rules.array_rooms import Rooms
from loadstone.review.rules.identities import NamesInSight
from loadstone.review.rules.number_origins import (
    ALLOCATES,
    CONTAINERS,
    READS_OF,
    RESERVES,
    RESULT,
    TEXTS,
    WRITES_TO,
    ReadCall,
)
from loadstone.review.rules.outside_numbers import OutsideNumber

__all__ = ["BYTES", "NumberUse", "Uses", "chain", "is_address", "leftmost", "whole_of"]

BYTES: Final = re.compile(r"\b(?:u?int8_t|char|BYTE|UCHAR|guint8|quint8|uchar|u8|byte)\b[^*]*\*\s*(?:const)?\Z")
"""Types of pointers to bytes."""

_VECTOR: Final = re.compile(r"(?:const\s+)?(?:std::)?(?:vector|span|array|deque)\s*<|(?:const\s+)?Q(?:Vector|List)\s*<")
_BEGINS: Final = frozenset({"data", "constData", "c_str"})
"""Methods that give where the bytes of their object begin."""


@dataclass(frozen=True, slots=True)
class NumberUse:
    """A number that says where or how much, at a line.

    ``how`` is index, size, offset, block, wraps or end; ``of`` the place, where it has a name; ``written`` whether
    something is stored there; ``lacks`` the end that nothing compared: upper, lower or off by one.
    """

    number: OutsideNumber
    line: int
    how: str
    of: str
    written: bool
    lacks: str


class Uses:
    """The uses of numbers in one function, each once."""

    def __init__(self, scope: NamesInSight, rooms: Rooms) -> None:
        self.scope = scope
        self.rooms = rooms
        self.found: dict[tuple[int, str, str], NumberUse] = {}

    def note(self, number: OutsideNumber, line: int, how: str, of: str, lacks: str, *, written: bool = False) -> None:
        self.found.setdefault((line, how, number.name), NumberUse(number, line, how, of, written, lacks))

    def index(
        self, item: ir.Item, base: ir.Expression, number: OutsideNumber | None, index: ir.Expression, *, written: bool
    ) -> None:
        room = (
            self.rooms.of(base)
            if self.scope.is_array(base) or _VECTOR.match(self.scope.type_of(uncast(base)))
            else None
        )
        of = place_named(base)
        if number is None:
            constant = self.rooms.number(index)
            if (
                constant is not None
                and room is not None
                and constant >= room > 1
                and not isinstance(uncast(index), ir.Name)
            ):
                self.note(
                    OutsideNumber(str(constant), None, limit=constant), item.line, "index", of, "off", written=written
                )
            return
        fixed = self.scope.is_array(base)
        container = bool(_VECTOR.match(self.scope.type_of(uncast(base))))
        if not fixed and not container:
            spelled = self.scope.type_of(uncast(base))
            view = not number.counts and "const" in spelled and BYTES.search(spelled) is not None
            if view and number.is_free and number.bits > 16:
                self.note(number, item.line, "index", of, "upper", written=written)
            return
        if number.counts and container and room is None:
            return
        if number.is_free:
            if number.limit is None or (room is not None and number.limit >= room > 1):
                self.note(number, item.line, "index", of, "upper", written=written)
        elif number.whole and number.whole == of and written and number.origin is not None and fixed:
            if room is None or self.rooms.bytes(base) == room:  # an element is a byte
                self.note(number, item.line, "end", of, "off", written=True)
        elif number.limit is not None and room is not None and number.limit >= room > 1:
            self.note(number, item.line, "index", of, "off", written=written)
        elif number.origin is not None and not number.low:
            self.note(number, item.line, "index", of, "lower", written=written)

    def offset(self, base: ir.Expression, number: OutsideNumber, line: int) -> None:
        root = leftmost(base)
        pointer = isinstance(root, ir.Name | ir.Member) and BYTES.search(self.scope.type_of(root)) is not None
        pointer |= isinstance(root, ir.Call) and root.receiver is not None and last_word(root.name) in _BEGINS
        if pointer and number.is_free and number.bits > 16 and not number.counts:
            self.note(number, line, "offset", place_named(root), "upper")

    def gone_by(
        self, call: ir.Call, name: str, numbers: list[OutsideNumber | None], fill: ReadCall | None, *, foreign: bool
    ) -> None:
        """Sizes: of what is copied or read, and of blocks."""
        if name in ALLOCATES:
            for place in ALLOCATES[name]:
                number = numbers[place] if place < len(numbers) else None
                if number is not None:
                    self.block(number, call.line, name)
        elif (name in RESERVES and call.receiver is not None) or call.name in CONTAINERS:
            asked = numbers[0] if numbers else None
            if asked is not None:
                self.block(asked, call.line, place_named(call.receiver) or call.name)
        if foreign:
            self._told(call, numbers)
            return
        rows = [(WRITES_TO.get(name), True), (READS_OF.get(name), False)] if call.receiver is None else []
        if fill is not None and call.receiver is not None:
            rows = [((fill.target, fill.sizes), True)]
        for row, writes in rows:
            if row is None or len(call.arguments) <= max(row[0], *row[1]):
                continue
            for place in row[1]:
                number = numbers[place]
                if number is not None:
                    self._sized(call.arguments[row[0]], number, call.line, writes=writes)
        if call.name in TEXTS and len(numbers) > 1 and numbers[1] is not None:
            self._sized(call.arguments[0], numbers[1], call.line, writes=False)

    def block(self, number: OutsideNumber, line: int, of: str) -> None:
        """As much memory as a number says."""
        if number.is_free and (number.bits > 16 or number.wraps):
            self.note(number, line, "wraps" if number.wraps else "block", of, "upper")

    def _told(self, call: ir.Call, numbers: list[OutsideNumber | None]) -> None:
        """Foreign code is given an array, and beside it a number that nothing compared: it fills so much."""
        for place, number in enumerate(numbers[1:], 1):
            if number is not None and number.is_free and self.scope.is_array(uncast(call.arguments[place - 1])):
                self._sized(call.arguments[place - 1], number, call.line, writes=True)

    def _sized(self, target: ir.Expression, number: OutsideNumber, line: int, *, writes: bool) -> None:
        bare = uncast(target)
        if is_address(bare):
            bare = uncast(bare.operands[0])  # type: ignore[union-attr]
        fixed = self.scope.is_array(bare)
        room = self.rooms.bytes(bare) if fixed else None
        of = place_named(bare)
        if number.origin is None or number.counts:
            return
        if number.is_free:
            if fixed and (number.limit is None or (room is not None and number.limit > room)):
                self.note(number, line, "size", of, "upper", written=writes)
        elif not number.low and number.origin.words != RESULT:
            self.note(number, line, "size", of or "it", "lower", written=writes)
        elif fixed and room is not None and number.limit is not None and number.limit > room:
            self.note(number, line, "size", of, "off", written=writes)


def is_address(expression: ir.Expression) -> bool:
    """Whether the address of something is taken."""
    bare = uncast(expression)
    return isinstance(bare, ir.Operation) and bare.operator == "address"


def leftmost(expression: ir.Expression) -> ir.Expression:
    """What a sum or difference begins with."""
    bare = uncast(expression)
    while isinstance(bare, ir.Operation) and bare.operator in {"+", "-", ">>"} and bare.operands:
        bare = uncast(bare.operands[0])
    return bare


def chain(expression: ir.Expression, operator: str) -> list[ir.Expression]:
    """The parts of ``a && b && c``, in order."""
    found: list[ir.Expression] = []
    while isinstance(expression, ir.Operation) and expression.operator == operator and len(expression.operands) > 1:
        expression, last = expression.operands
        found.append(last)
    return [expression, *found[::-1]]


def whole_of(size: ir.Expression) -> str:
    """The place whose size is asked: ``sizeof buffer``; empty for other sizes."""
    bare = uncast(size)
    asked = isinstance(bare, ir.Operation) and bare.operator == "sizeof" and bool(bare.operands)
    return place_named(bare.operands[0]) if asked and isinstance(bare, ir.Operation) else ""
