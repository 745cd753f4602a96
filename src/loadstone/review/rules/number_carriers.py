"""What carries numbers of somebody else in C++: records, containers of records, and members that hold bytes.

A reader of a file format is mostly a class that keeps the bytes, with a method (often a template) that copies a record
out of them, and members that keep what the others go by. What a method gives is told by its summary; what a member
holds by what any method of its class puts there.
"""

from __future__ import annotations

import re
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.rules.identities import NamesInSight, Thing
from loadstone.review.rules.number_origins import READ
from loadstone.review.rules.number_sight import Sight
from loadstone.review.rules.number_uses import BYTES, leftmost
from loadstone.review.rules.outside_numbers import NumberOrigin, Numbers, OutsideNumber, is_integer
from loadstone.review.typenames import base_type, instance, pointee
from loadstone.review.walk import expressions

__all__ = ["Carriers", "instantiated", "whole_record"]

_TO_NUMBER: Final = re.compile(r"to(?:U?(?:Int|Short|LongLong)|U?Long)")
"""Methods of Qt that make a number of a text or of a value of JSON."""

_QT_TEXT: Final = re.compile(r"\bQ(?:Json\w+|Variant\w*|String(?:Ref|View)?|ByteArray)\b")
_VALUES: Final = frozenset({"value", "attribute", "text", "readLine", "section", "captured"})
_ELEMENT: Final = frozenset({"at", "front", "back", "top", "value", "data", "begin", "constData"})
_BEGINS: Final = frozenset({"data", "constData", "begin"})


class Carriers:
    """The carriers of one function."""

    def __init__(self, sight: Sight, unit: ir.Unit, function: ir.Function, scope: NamesInSight) -> None:
        self.sight = sight
        self.unit = unit
        self.function = function
        self.mine = sight.foreign_names(unit, function)
        self.scope = scope
        self.calls: dict[int, tuple[ir.Function, tuple[object, ...]]] = {}
        """The functions of the program that are called, and what each call hands over."""
        self.records: set[tuple[str, Thing]] = set()
        """The members that are given records of somebody else."""

    def record_of(self, expression: ir.Expression | None, state: Numbers) -> NumberOrigin | None:
        """Where a record came from that an expression gives."""
        bare = uncast(expression)
        while isinstance(bare, ir.Operation) and bare.operator == "deref":
            bare = uncast(bare.operands[0])
        if isinstance(bare, ir.Operation) and bare.operator == "?:":
            return self.record_of(bare.operands[1], state) or self.record_of(bare.operands[2], state)
        if isinstance(bare, ir.Operation) and bare.operator == "+" and self.is_bytes(bare):
            return NumberOrigin(bare.line, READ)
        if isinstance(bare, ir.Call):
            if id(bare) in self.calls:
                summary = self.sight.summaries.get(id(self.calls[id(bare)][0]))
                return summary.record if summary is not None else None
            moved = last_word(bare.name) == "move" and bool(bare.arguments)
            inside = bare.arguments[0] if moved else bare.receiver if last_word(bare.name) in _ELEMENT else None
            return self.record_of(inside, state) if inside is not None else None
        path = place_named(bare)
        found = (state.record_of(path) if path else None) or self.shared_record(bare)
        return found if found is None or not is_integer(self.scope.type_of(bare)) else None

    def shared_number(self, thing: Thing) -> OutsideNumber | None:
        """What a member or a variable of the file is given, here or elsewhere."""
        return self.sight.shared.get(self.sight.home(self.unit, thing)) if self.sight.shared else None

    def shared_record(self, expression: ir.Expression | None) -> NumberOrigin | None:
        """Whether a place lies in a member that holds records of somebody else."""
        bare: ir.Expression | None = uncast(expression)
        while self.sight.records and isinstance(bare, ir.Member | ir.Item | ir.Name):
            thing = self.scope.thing(bare) if isinstance(bare, ir.Member | ir.Name) else None
            if thing is not None and self.sight.home(self.unit, thing) in self.sight.records:
                return NumberOrigin(bare.line, READ)
            bare = uncast(bare.base) if not isinstance(bare, ir.Name) else None
        return None

    def is_bytes(self, expression: ir.Expression | None) -> bool:
        """Whether what an expression leads into is a member of bytes that the class was made to read."""
        if expression is None:
            return False
        bare = leftmost(expression)
        if isinstance(bare, ir.Operation) and bare.operator == "address":
            bare = uncast(bare.operands[0])
            bare = leftmost(bare.base) if isinstance(bare, ir.Item) else bare
        if isinstance(bare, ir.Call) and bare.receiver is not None and last_word(bare.name) in _BEGINS:
            bare = leftmost(bare.receiver)
        if not isinstance(bare, ir.Name | ir.Member) or not self.sight.byte_members:
            return False
        return self.scope.thing(bare) in self.sight.byte_members

    def is_view(self, value: ir.Expression | None, state: Numbers) -> bool:
        """``header = (const struct header *)(bytes + n)``: a record that lies in bytes from outside."""
        if not isinstance(value, ir.Cast) or "*" not in value.type:
            return False
        bare = uncast(value)
        first = uncast(bare.operands[0]) if isinstance(bare, ir.Operation) and bare.operator == "+" else bare
        root = place_named(first)
        known = last_word(base_type(value.type)) in self.scope.members
        return (
            known
            and bool(root)
            and BYTES.search(self.scope.type_of(first)) is not None
            and (state.record_of(root) is not None or root in self.sight.bytes_of(self.function))
        )

    def is_foreign(self, call: ir.Call) -> bool:
        """Whether foreign code is called: through what a lookup gave, or a member of a table the library has."""
        called = uncast(call.function)
        while isinstance(called, ir.Operation) and called.operator == "deref":
            called = uncast(called.operands[0])
        if isinstance(called, ir.Name):
            return called.name in self.mine
        while isinstance(called, ir.Member | ir.Item):
            if isinstance(called, ir.Member) and self.is_foreign_type(called.base):
                return True
            called = uncast(called.base)
            if isinstance(called, ir.Name | ir.Member) and called.name in self.mine:
                return True
        return False

    def is_foreign_type(self, expression: ir.Expression) -> bool:
        """Whether an expression leads to what a library gave."""
        return self.pointee(expression) in self.sight.foreign_types

    def pointee(self, expression: ir.Expression) -> str:
        """The class that a pointer leads to; empty for what is none."""
        spelled = self.scope.type_of(uncast(expression))
        return last_word(base_type(pointee(spelled))) if "*" in spelled or "_ptr<" in spelled else ""

    def is_of_others(self, expression: ir.Expression, number: OutsideNumber | None) -> bool:
        """Whether a number is one that somebody else chose, whoever compared it with what."""
        if number is not None and number.origin is not None:
            return True
        given = self.sight.viewed_types | self.sight.foreign_types
        return any(isinstance(e, ir.Member) and self.pointee(whole_record(e)) in given for e in expressions(expression))

    def asked_by(self, call: ir.Call) -> tuple[str, ...]:
        """What a function of the program is given and asks about: who looks at its result knows of these."""
        known = self.sight.find(self.unit, last_word(call.name)) if call.receiver is None else None
        asked = self.sight.asks(known) if known is not None else frozenset()
        pairs = zip(known.parameters, call.arguments, strict=False) if known is not None else ()
        return tuple(place_named(a) for p, a in pairs if p.name in asked and place_named(a))

    def is_parsed(self, call: ir.Call) -> bool:
        """Whether a number is made of a text or a value of JSON."""
        of = call.receiver
        return of is not None and _TO_NUMBER.fullmatch(last_word(call.name)) is not None and self._is_text(of)

    def _is_text(self, expression: ir.Expression) -> bool:
        """Whether it is a text or a value of Qt that a document or a user gave."""
        bare = uncast(expression)
        if isinstance(bare, ir.Call) and bare.receiver is not None:
            return last_word(bare.name) in _VALUES or self._is_text(bare.receiver)
        return bool(_QT_TEXT.search(self.scope.type_of(bare)))


def instantiated(function: ir.Function, call: ir.Call) -> str:
    """What a function returns, of a template what it returns as it is called."""
    names = next((mark.removeprefix("template ") for mark in function.marks if mark.startswith("template ")), "")
    called = call.function
    return instance(function.returns, names, called.name if isinstance(called, ir.Name | ir.Member) else "")


def whole_record(member: ir.Member) -> ir.Expression:
    """What the record is reached by that a member of a member is in: ``entry`` of ``entry->value.number``."""
    base = uncast(member.base)
    while isinstance(base, ir.Member) and not member.through:
        member, base = base, uncast(base.base)
    return base
