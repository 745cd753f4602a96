"""Where expressions are stored: the place that a name, a member or an element stands for in one call of a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from loadstone.review import ir
from loadstone.review.analyses.memory import PathMemory
from loadstone.review.analyses.program import Frame, KnownProgram
from loadstone.review.analyses.state import State
from loadstone.review.analyses.values import (
    Constant,
    Field,
    Global,
    Local,
    Object,
    Place,
    PlaceAddress,
    This,
    Unknown,
    Value,
)
from loadstone.review.analyses.words import uncast
from loadstone.review.typenames import base_type

__all__ = ["PathPlaces"]

One: TypeAlias = Callable[[ir.Expression, State, Frame], Value]


class PathPlaces:
    """Finds places. ``one`` is the value of an expression, which a pointer or an index may be."""

    def __init__(self, program: KnownProgram, memory: PathMemory, one: One) -> None:
        self.program = program
        self.memory = memory
        self._one = one

    def finder(self, state: State, frame: Frame) -> Callable[[ir.Expression], Place | None]:
        """Where expressions are stored, for parts that do not evaluate any."""
        return lambda expression: self.of(expression, state, frame)

    def of(self, expression: ir.Expression, state: State, frame: Frame, base: Value = None) -> Place | None:
        """Where an expression is stored; None when it is not a place. ``base`` saves asking for it again."""
        match expression:
            case ir.Name(name=name):
                return self.named(name, state, frame)
            case ir.Cast(operand=operand):
                return self.of(operand, state, frame)
            case ir.Member(base=inner, name=name, through=through):
                whole = self._object(inner, state, frame, base, through=through)
                return Field(whole, self._member_of(whole, name, frame))
            case ir.Item(base=inner, index=index):
                return Field(self._object(inner, state, frame, base, through=True), self._index(index, state, frame))
            case ir.Operation(operator="deref", operands=(operand,)):
                value = self._one(operand, state, frame)
                if isinstance(value, PlaceAddress):
                    return value.place
                return Field(value if value is not None else Unknown(frame.number, id(expression)), "*")
            case ir.Operation(operator="address" | "post", operands=(operand,)):
                return self.of(operand, state, frame)
            case ir.AssignmentExpression(target=target):
                return self.of(target, state, frame)
        return None

    def _member_of(self, whole: object, name: str, frame: Frame) -> str:
        """The name of a member; of a union, that of its first, for all of them are one place."""
        if not self.program.overlaid:
            return name
        return self.program.overlaid.get(base_type(self.memory.type_of(whole, frame)), name)

    def _index(self, index: ir.Expression, state: State, frame: Frame) -> object:
        """What tells an element from others: a number, or the value that the index has."""
        value = self._one(index, state, frame)
        if isinstance(value, Constant):
            return f"[{value.value}]"
        return ("[", value)

    def named(self, name: str, state: State, frame: Frame) -> Place:
        """The place a name stands for here."""
        place = frame.named.get(name) or self._named(name, frame)
        if name in frame.known.references and isinstance(place, Local):
            bound = state.env.get(place)
            if isinstance(bound, PlaceAddress):
                return bound.place
        return place

    def _named(self, name: str, frame: Frame) -> Place:
        place = self._found(name, frame)
        if not isinstance(place, Field):  # of the object whose method runs, which is another each time
            frame.named[name] = place
        return place

    def _found(self, name: str, frame: Frame) -> Place:
        known = frame.known
        if name in known.locals and name not in known.statics:
            return Local(frame.number, name)
        if name in known.statics:
            return Global(known.unit.path, f"{known.function.name}:{name}")
        if name in self.program.variables.get(known.unit.path, ()):
            return Global(known.unit.path, name)
        owner = known.function.owner
        python = known.unit.language is ir.Language.PYTHON
        if owner and not python and (name in self.program.members.get(owner, ()) or self._is_member(name, known.unit)):
            return Field(frame.this, name)
        return Global("" if python else self.program.homes.get(name, ""), name)

    def _is_member(self, name: str, unit: ir.Unit) -> bool:
        return not self.program.defines(name, unit) and name not in self.program.homes and "::" not in name

    def _object(self, base: ir.Expression, state: State, frame: Frame, value: Value = None, *, through: bool) -> object:
        """What a member is a member of. Each link of a chain is asked for once: twice would double with every link."""
        bare = uncast(base)
        if isinstance(bare, ir.Name) and (
            bare.name == "this" or (bare.name in {"self", "cls"} and frame.known.function.owner)
        ):
            return frame.this
        by_value = through or frame.known.unit.language is ir.Language.PYTHON
        place = None
        if not by_value and isinstance(bare, ir.Member | ir.Item):
            place = self.of(bare, state, frame)
            if value is None and place is not None:
                value = self.memory.load(place, state, frame, bare.line)
        if value is None:
            value = self._one(base, state, frame)
        if isinstance(value, PlaceAddress):
            return self.memory.held_in(value.place, state)
        is_object = isinstance(value, Unknown) and frame.known.unit.language is ir.Language.CPP
        if by_value or is_object or isinstance(value, Object | This):
            return value
        if place is None:
            place = self.of(base, state, frame)
        return place if place is not None else value
