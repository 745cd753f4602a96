"""Where a number is gone by: as an index, an offset, a size or the size of a block, and which end nothing compared."""

from __future__ import annotations

import re
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.mentions import calls_in, every_statement
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
from loadstone.review.walk import kept

__all__ = ["BYTES", "NumberUse", "Uses", "chain", "is_address", "is_sizeof", "leftmost", "whole_of"]

BYTES: Final = re.compile(r"\b(?:u?int8_t|char|BYTE|UCHAR|guint8|quint8|uchar|u8|byte)\b[^*]*\*\s*(?:const)?\Z")
"""Types of pointers to bytes."""

_VECTOR: Final = re.compile(
    r"(?:static\s+)?(?:const(?:expr)?\s+)*(?:(?:std::)?(?:vector|span|array|deque|unique_ptr(?=\s*<[^<>]*\[\]))|Q(?:Vector|List))\s*<"
)
_WIDE_INDEX: Final = 0xFFFF
"""From here an index of a file is more than a container whose size nobody sees may have."""

_MOST_SHIFTED: Final = 40
_BYTE: Final = 8
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
        self,
        item: ir.Item,
        base: ir.Expression,
        number: OutsideNumber | None,
        index: ir.Expression,
        *,
        written: bool,
        outside: bool = False,
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
            wide = number.bits > 16 or (outside and number.bits > _BYTE)
            if (view or (outside and not number.counts)) and number.is_free and wide:
                self.note(number, item.line, "index", of, "upper", written=written)
            return
        if container and room is None and (sizes := self._given(of)):
            room = max(sizes)
        if number.counts and container and room is None:
            return
        if number.is_free:
            wide = container and room is None and (number.limit or 0) >= _WIDE_INDEX
            if number.limit is None or (room is not None and number.limit >= room > 1) or wide:
                self.note(number, item.line, "index", of, "upper", written=written)
        elif number.whole and number.whole == of and written and number.origin is not None and fixed:
            if room is None or self.rooms.bytes(base) == room:  # an element is a byte
                self.note(number, item.line, "end", of, "off", written=True)
        elif number.limit is not None and room is not None and number.limit >= room > 1:
            self.note(number, item.line, "index", of, "off", written=written)
        elif number.origin is not None and not number.low:
            self.note(number, item.line, "index", of, "lower", written=written)

    def _given(self, of: str) -> tuple[int, ...]:
        """The sizes that the text gives a container."""
        return _sizes(self.scope.unit).get(of.rpartition(".")[2], ())

    def offset(self, base: ir.Expression, number: OutsideNumber, line: int) -> None:
        root = leftmost(base)
        pointer = isinstance(root, ir.Name | ir.Member) and BYTES.search(self.scope.type_of(root)) is not None
        pointer |= isinstance(root, ir.Call) and root.receiver is not None and last_word(root.name) in _BEGINS
        if pointer and number.is_free and number.bits > 16 and not number.counts:
            self.note(number, line, "offset", place_named(root), "upper")
        elif number.is_free and number.origin is not None and self.scope.is_array(root):
            room = self.rooms.bytes(root)
            if number.limit is None or (room is not None and number.limit > room):
                written = "const" not in self.scope.type_of(root)
                self.note(number, line, "offset", place_named(root), "upper", written=written)

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
        elif fixed and room is not None and number.told and number.limit is None:
            self.note(number, line, "size", of, "upper", written=writes)


@kept
def _sizes(unit: ir.Unit) -> dict[str, tuple[int, ...]]:
    """The sizes that the text of a file gives containers, by their last word."""
    found: dict[str, tuple[int, ...]] = {}
    for function in unit.functions:
        for statement in every_statement(function.body):
            made = uncast(statement.value) if isinstance(statement, ir.Assign) else None
            if isinstance(made, ir.Operation) and made.operator == "new" and len(made.operands) > 1:
                made = ir.Call(made.line, "std::vector", ir.Name(made.line, ""), made.operands[1:])
            if isinstance(statement, ir.Assign) and isinstance(made, ir.Call) and made.name in CONTAINERS:
                name = last_word(place_named(statement.target).rpartition(".")[2])
                found[name] = (*found.get(name, ()), *_first_number(made))
        for call in calls_in(function.body):
            if last_word(call.name) in RESERVES and call.receiver is not None:
                name = place_named(call.receiver).rpartition(".")[2]
                found[name] = (*found.get(name, ()), *_first_number(call))
    return found


def _first_number(call: ir.Call) -> tuple[int, ...]:
    first = uncast(call.arguments[0]) if call.arguments else None
    shifted = isinstance(first, ir.Operation) and first.operator == "<<" and [uncast(o) for o in first.operands]
    if shifted and all(isinstance(o, ir.Literal) and isinstance(o.value, int) for o in shifted):
        one, by = (o.value for o in shifted)  # type: ignore[union-attr]
        return (one << by,) if by < _MOST_SHIFTED else ()  # type: ignore[operator]
    return (first.value,) if isinstance(first, ir.Literal) and isinstance(first.value, int) else ()


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


def is_sizeof(expression: ir.Expression) -> bool:
    """Whether a size is asked."""
    bare = uncast(expression)
    return isinstance(bare, ir.Operation) and bare.operator == "sizeof"
