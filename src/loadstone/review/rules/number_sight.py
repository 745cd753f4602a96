"""What one program says about numbers beyond one function: summaries, what libraries give, and what others compare."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.rules.identities import Thing, names_in_sight
from loadstone.review.rules.lookups import made_by_library
from loadstone.review.rules.number_uses import BYTES, leftmost
from loadstone.review.rules.outside_numbers import NumberOrigin, OutsideNumber, is_integer
from loadstone.review.rules.places import NATIVE
from loadstone.review.rules.system_records import SYSTEM_RECORDS
from loadstone.review.typenames import base_type, pointee
from loadstone.review.walk import expressions, kept

__all__ = ["Sight", "Summary"]

_VIEWED: Final = re.compile(
    r"\bconst\s+(?:std::)?(?:u?int8_t|unsigned char|BYTE|UCHAR|guint8|quint8|uchar|u8)\b[^*]*\*\s*\Z"
)
_BYTES: Final = re.compile(
    r"(?:vector|span|basic_string_view|array|QVector|QList)\s*<\s*(?:const\s+)?(?:std::)?"
    r"(?:u?int8_t|unsigned char|char|byte|BYTE|uchar|quint8|guint8)\b|\bQByteArray\b"
)
_ENUM: Final = re.compile(r"\benum\s+(\w+)\s*\{|\btypedef\s+enum\b[^{};]*\{[^{}]*\}\s*(\w+)\s*;")
_ORDERS: Final = frozenset({"<", "<=", ">", ">="})
_ASKS: Final = frozenset({"<", "<=", ">", ">=", "==", "!=", "%", "&"})
_UNKNOWN: Final = "?"


@dataclass(frozen=True, slots=True)
class Summary:
    """What a function gives back that somebody else chose: its result, and by parameter what it fills.

    The places are told by what follows the parameter's name: empty for ``*parameter``, ``.count`` for a member.
    ``record`` says that the result is a record that somebody else filled.
    """

    gives: OutsideNumber | None
    fills: dict[int, dict[str, OutsideNumber | NumberOrigin | None]]
    record: NumberOrigin | None = None


class Sight:
    """The native units of one program."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.program = facts.program
        self.units = [u for u in self.program.units if u.language in NATIVE]
        self.own = {id(u): {last_word(f.name): f for f in u.functions} for u in self.units}
        self._everywhere: dict[str, list[ir.Function]] = {}
        for unit in self.units:
            for function in unit.functions:
                self._everywhere.setdefault(last_word(function.name), []).append(function)
        self.summaries: dict[int, Summary] = {}
        self.shared: dict[tuple[str, Thing], OutsideNumber] = {}
        """What members and variables of a file are given that nobody compared before."""
        self.records: set[tuple[str, Thing]] = set()
        """The members that hold records which somebody else filled, and containers of such."""
        self._compared: dict[int, dict[str, list[tuple[int, str]]]] = {}

    def home(self, unit: ir.Unit, thing: Thing) -> tuple[str, Thing]:
        """A member as one program has it: two files may each have a class of one name."""
        own = any(c.name == thing.owner for c in unit.classes) and not unit.path.rpartition(".")[2].startswith("h")
        return (unit.path if own else "", thing)

    def method(self, unit: ir.Unit, owner: str, name: str) -> ir.Function | None:
        """The method of a class, where only one of this name is seen: in the file, or else in the program."""
        found = [f for f in self._everywhere.get(name, ()) if last_word(f.owner) == owner] if owner else []
        own = [f for f in unit.functions if last_word(f.owner) == owner and last_word(f.name) == name] if found else []
        found = own or found
        return found[0] if len(found) == 1 else None

    def find(self, unit: ir.Unit, name: str) -> ir.Function | None:
        """The function that a name means: of the same file, or the only one of the program."""
        own = self.own[id(unit)].get(name)
        others = self._everywhere.get(name, ())
        return own if own is not None else others[0] if len(others) == 1 and not others[0].local else None

    def foreign_names(self, unit: ir.Unit, function: ir.Function) -> frozenset[str]:
        """The variables and members that hold what a library gave."""
        return made_by_library(self.facts, unit, function)

    @cached_property
    def foreign_types(self) -> frozenset[str]:
        """The classes of the program of which a library gives one: what their members say, and give, is foreign."""
        found: set[str] = set()
        for unit in self.units:
            classes = {c.name for c in unit.classes}
            for function in unit.functions:
                names = self.foreign_names(unit, function)
                scope = names_in_sight(self.program, unit, function) if names else None
                for name in names if scope is not None else ():
                    spelled = scope.type_of(ir.Name(0, name))  # type: ignore[union-attr]
                    if "*" in spelled or "_ptr<" in spelled:
                        found.add(last_word(base_type(pointee(spelled))))
            found |= self._told_by_callbacks(unit)
            found -= found - classes - {n for u in self.units for n in (c.name for c in u.classes)}
        return frozenset(found)

    def _told_by_callbacks(self, unit: ir.Unit) -> set[str]:
        """The classes that a library hands to the functions it is given: ``run(sink, d)`` calls sink with a block."""
        named = {f.name: f for f in unit.functions}
        found: set[str] = set()
        for function in unit.functions:
            foreign = self.foreign_names(unit, function)
            for call in calls_in(function.body) if foreign else ():
                called = uncast(call.function)
                if not isinstance(called, ir.Name | ir.Member) or called.name not in foreign:
                    continue
                handed = (named.get(a.name) for a in map(uncast, call.arguments) if isinstance(a, ir.Name))
                types = (p.type for one in handed if one is not None for p in one.parameters)
                found |= {last_word(base_type(pointee(spelled))) for spelled in types if spelled.count("*") == 1}
        return found - {"void", "char"}

    @cached_property
    def enums(self) -> frozenset[str]:
        """The enumerations of the program: a number of that type is any number, whoever chose it."""
        return frozenset(one or other for u in self.units for one, other in _ENUM.findall(u.text)) - {""}

    @cached_property
    def viewed_types(self) -> frozenset[str]:
        """The classes as which bytes from outside are looked at: ``(const struct record *)(map + n)``."""
        classes = {c.name for u in self.units for c in u.classes} | SYSTEM_RECORDS.keys()
        found: set[str] = set()
        for unit in self.units:
            mapped = "mmap" in unit.words or "MapViewOfFile" in unit.words
            for function in unit.functions:
                scope = None
                for part in every_expression(function.body):
                    if not isinstance(part, ir.Cast) or "*" not in part.type:
                        continue
                    name = last_word(base_type(part.type))
                    if name not in classes or name in found or not (mapped or "const" in part.type):
                        continue
                    scope = scope or names_in_sight(self.program, unit, function)
                    if BYTES.search(scope.type_of(leftmost(part.operand))):
                        found.add(name)
        if found & SYSTEM_RECORDS.keys():  # who looks at one record of a file format hands others on
            found |= SYSTEM_RECORDS.keys()
        return frozenset(found)

    @cached_property
    def byte_members(self) -> frozenset[Thing]:
        """The members of C++ classes that are bytes to be looked at: pointers to them, and what a constructor keeps."""
        found: set[Thing] = set()
        for unit in (u for u in self.units if u.language is ir.Language.CPP):
            kept = {last_word(f.owner): _given_to(f) for f in unit.functions if last_word(f.name) == last_word(f.owner)}
            methods = {last_word(f.owner) for f in unit.functions if f.owner}
            for one in (c for c in unit.classes if c.name in methods):
                for member in one.members:
                    held = _BYTES.search(member.type) is not None and member.name in kept.get(one.name, ())
                    if held or _VIEWED.search(member.type):
                        found.add(Thing(member.name, one.name))
        return frozenset(found)

    def is_data(self, spelled: str) -> bool:
        """Whether a pointer leads to a class of plain numbers and texts: what is filled, and has no work to do."""
        members = self._members.get(last_word(base_type(spelled)))
        return members is not None and "*" in spelled and "const" not in spelled and all(map(_is_plain, members))

    @cached_property
    def _members(self) -> dict[str, tuple[str, ...]]:
        return {c.name: tuple(m.type for m in c.members) for u in self.units for c in u.classes if c.members}

    @staticmethod
    def asks(function: ir.Function) -> frozenset[str]:
        """The parameters that a function compares, or asks another function about."""
        return _asked(function)

    @staticmethod
    def bytes_of(function: ir.Function) -> frozenset[str]:
        """The parameters that are bytes to be looked at: ``const uint8_t *data``."""
        return frozenset(p.name for p in function.parameters if _VIEWED.search(p.type))

    def is_compared_elsewhere(self, unit: ir.Unit, function: ir.Function | None, thing: Thing) -> bool:
        """Whether another function of the file compares a member, or may."""
        compared = self._compared.get(id(unit))
        if compared is None:
            compared = self._compared[id(unit)] = {}
            for one in unit.functions:
                for other in self._compares(unit, one):
                    compared.setdefault(other.name, []).append((id(one), other.owner))
        return any(
            key != id(function) and (owner == thing.owner or _UNKNOWN in {owner, thing.owner})
            for key, owner in compared.get(thing.name, ())
        )

    def _compares(self, unit: ir.Unit, function: ir.Function) -> frozenset[Thing]:
        asked = [
            (part.operator, operand)
            for part in every_expression(function.body)
            if isinstance(part, ir.Operation) and part.operator in _ASKS and not _with_zero(part)
            for operand in part.operands
            if isinstance(operand, ir.Member | ir.Name | ir.Cast)
        ]
        if not asked:
            return frozenset()
        scope = names_in_sight(self.program, unit, function)
        things = (
            scope.thing(one)
            for operator, one in asked
            if operator in _ORDERS or scope.type_of(uncast(one)) not in self.enums  # one kind of several is no range
        )
        return frozenset(t for t in things if t is not None and not scope.is_local(t))


def _with_zero(comparison: ir.Operation) -> bool:
    """``n == 0``, ``n != 0``: says nothing of how large a number is."""
    zeros = (o for o in comparison.operands if isinstance(o, ir.Literal) and o.value == 0)
    return comparison.operator in {"==", "!="} and any(zeros)


def _given_to(made: ir.Function) -> frozenset[str]:
    """The members that a constructor fills with what it is given, or reads."""
    given = {p.name for p in made.parameters}
    streams = {"istreambuf_iterator", "read", "readAll"}
    found: set[str] = set()
    for statement in every_statement(made.body):
        if isinstance(statement, ir.Assign) and not statement.declares:
            parts = [*expressions(statement.value)]
            if any(isinstance(p, ir.Name) and p.name in given for p in parts):
                found.add(place_named(statement.target))
    for part in every_expression(made.body):
        if isinstance(part, ir.Call) and any(
            isinstance(p, ir.Call) and last_word(p.name) in streams for a in part.arguments for p in expressions(a)
        ):
            found.add(place_named(part.receiver))
    return frozenset(found)


def _is_plain(spelled: str) -> bool:
    return is_integer(spelled.replace("[]", "").strip()) or bool(re.search(r"\b(?:float|double)\b", spelled))


@kept
def _asked(function: ir.Function) -> frozenset[str]:
    names = {p.name for p in function.parameters}
    asked: list[ir.Expression] = []
    for part in every_expression(function.body):
        if isinstance(part, ir.Operation) and part.operator in _ASKS:
            asked += part.operands
        elif isinstance(part, ir.Operation) and part.operator == "?:":
            asked.append(part.operands[0])
    for statement in every_statement(function.body):
        if isinstance(statement, ir.If):
            asked.append(statement.condition)
    return frozenset(e.name for o in asked for e in expressions(o) if isinstance(e, ir.Name) and e.name in names)
