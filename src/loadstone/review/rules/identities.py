"""What a variable or a member is, beyond its last word: the members of two structs and the locals of two are not one.

A *thing* is a name and its owner: the struct or class that has the member, the function that has the variable, or the
file. The owner of a member is found by the spelled types of what it is reached through. Where they do not tell, the
owner is unknown, and the thing may be any of that name: whoever asks whether something was compared is told yes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.mentions import every_statement
from loadstone.review.analyses.neighbours import headers_of
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.rules.system_records import SYSTEM_RECORDS
from loadstone.review.typenames import base_type, element, pointee
from loadstone.review.walk import kept

__all__ = ["NamesInSight", "Thing", "is_among", "names_in_sight", "sized_parameters", "types_in_sight"]

_UNKNOWN: Final = "?"
_SIZED: Final = re.compile(r"\b([A-Za-z_]\w*)\s*\[\s*(?:static\s+)?\w[^\]]*\]")


@dataclass(frozen=True, slots=True)
class Thing:
    """A variable or a member: its name, and the struct, function or file that has it."""

    name: str
    owner: str


def is_among(thing: Thing, others: Iterable[Thing]) -> bool:
    """Whether one of the others is the thing, or may be."""
    return any(
        other.name == thing.name and (other.owner == thing.owner or _UNKNOWN in {other.owner, thing.owner})
        for other in others
    )


def sized_parameters(unit: ir.Unit, function: ir.Function) -> frozenset[str]:
    """The parameters that are declared with a size: ``char name[32]``, ``char name[static 32]``."""
    if not any("[]" in p.type for p in function.parameters):
        return frozenset()
    lines = unit.text.split("\n")[function.line - 1 : function.body.line]
    named = _SIZED.findall("\n".join(lines).partition("{")[0])
    return frozenset(named) & {p.name for p in function.parameters}


@kept
def _members_in_sight(program: ir.Program, unit: ir.Unit) -> dict[str, dict[str, str]]:
    """The members, with their types, of the classes that a file sees."""
    near = headers_of(unit)
    seen = (u for u in program.units if u is unit or u.path.rpartition("/")[2] in near)
    return SYSTEM_RECORDS | {c.name: {m.name: m.type for m in c.members} for u in seen for c in u.classes}


@kept
def _shared(unit: ir.Unit) -> dict[str, str]:
    return {v.name: v.type for v in unit.variables}


def types_in_sight(program: ir.Program, unit: ir.Unit) -> Iterator[tuple[str, str]]:
    """The names and types of the variables of a file and of the members of the classes that it sees."""
    yield from _shared(unit).items()
    for members in _members_in_sight(program, unit).values():
        yield from members.items()


@kept
def names_in_sight(program: ir.Program, unit: ir.Unit, function: ir.Function) -> NamesInSight:
    """What names mean in a function, which several rules ask."""
    return NamesInSight(program, unit, function)


class NamesInSight:
    """What names mean in one function: its own variables, those of its file, members by the types in sight."""

    def __init__(self, program: ir.Program, unit: ir.Unit, function: ir.Function) -> None:
        self.function = function
        self.unit = unit
        self.members = _members_in_sight(program, unit)
        self.shared = _shared(unit)

    @cached_property
    def local(self) -> dict[str, str]:
        """The types of the function's parameters and variables."""
        found = {p.name: p.type for p in self.function.parameters}
        for statement in every_statement(self.function.body):
            if isinstance(statement, ir.Assign) and statement.declares and isinstance(statement.target, ir.Name):
                found.setdefault(statement.target.name, statement.type)
            each = statement.each[0] if isinstance(statement, ir.Loop) and statement.each is not None else None
            if isinstance(statement, ir.Loop) and isinstance(each, ir.Name) and statement.type:
                found.setdefault(each.name, statement.type)
        return found

    @cached_property
    def statics(self) -> frozenset[str]:
        """The static variables of the file that the function means: code of elsewhere cannot name them."""
        return frozenset(v.name for v in self.unit.variables if v.local and v.name not in self.local)

    def thing(self, expression: ir.Expression | None) -> Thing | None:
        """The variable or member that an expression is, casts, ``x++`` and ``x = y`` seen through; None for others."""
        match expression:
            case ir.Cast(operand=operand) | ir.Operation(operator="post", operands=(operand,)):
                return self.thing(operand)
            case ir.AssignmentExpression(target=target):
                return self.thing(target)
            case ir.Name(name=name):
                return Thing(name, self._home(name))
            case ir.Member(base=base, name=name):
                owner = self._class(self.type_of(base))
                return Thing(name, owner if name in self.members.get(owner, ()) else _UNKNOWN)
        return None

    def type_of(self, expression: ir.Expression | None) -> str:
        """The spelled type of a place; empty when nothing in sight tells."""
        match expression:
            case ir.Cast(type=spelled):
                return spelled
            case ir.Name(name="this"):
                return self.function.owner
            case ir.Name(name=name):
                own = self.members.get(last_word(self.function.owner), {})
                return self.local.get(name) or own.get(name) or self.shared.get(name, "")
            case ir.Member(base=base, name=name):
                return self.members.get(self._class(self.type_of(base)), {}).get(name, "")
            case ir.Item(base=base):
                return element(self.type_of(base))
            case ir.Operation(operator="deref" | "address" | "post", operands=(operand,)):
                return self.type_of(operand)
            case ir.Operation(operator="+" | "-", operands=(operand, *_)):
                return self.type_of(operand)
        return ""

    def is_array(self, expression: ir.Expression) -> bool:
        """Whether it is an array whose size its declaration says; a parameter is one only where its text has a size."""
        bare = uncast(expression)
        if isinstance(bare, ir.Name) and bare.name in self._parameters:
            return bare.name in self.sized
        return "[]" in self.type_of(bare) if isinstance(bare, ir.Name | ir.Member) else False

    @cached_property
    def sized(self) -> frozenset[str]:
        """The parameters that are declared with a size."""
        return sized_parameters(self.unit, self.function)

    @cached_property
    def _parameters(self) -> frozenset[str]:
        return frozenset(p.name for p in self.function.parameters)

    def is_local(self, thing: Thing) -> bool:
        """Whether it is a variable of the function."""
        return thing.owner == f"{self.function.name}()"

    def _home(self, name: str) -> str:
        if name in self.local:
            return f"{self.function.name}()"
        owner = last_word(self.function.owner)
        return owner if name in self.members.get(owner, ()) else self.unit.path

    @staticmethod
    def _class(spelled: str) -> str:
        return last_word(base_type(pointee(spelled)))
