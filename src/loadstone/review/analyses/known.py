"""The functions of a program as the analyses know them, and one of them while it is being followed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.state import Spot, Value
from loadstone.review.cfg import Graph

__all__ = ["Frame", "Known", "MethodTable"]

_MAX_TWINS: Final = 3


@dataclass(frozen=True, slots=True)
class Known:
    """A function of the program with its graph and the names it declares."""

    function: ir.Function
    unit: ir.Unit
    graph: Graph
    locals: frozenset[str]
    types: Mapping[str, str]
    statics: frozenset[str]
    is_relevant: bool = True


@dataclass(frozen=True, slots=True)
class MethodTable:
    """Names of the program: functions by name, file-scope variables and class members by unit."""

    functions: Mapping[str, tuple[Known, ...]]
    variables: Mapping[str, frozenset[str]]
    members: Mapping[str, Mapping[str, str]]
    lock_variables: frozenset[str]

    def find(self, name: str, unit: ir.Unit) -> Known | None:
        """The function a name means in a unit: its own first, then the one other definition."""
        found = self.functions.get(name, ())
        own = [k for k in found if k.unit is unit]
        if own:
            return own[0]
        others = [k for k in found if not k.function.local and k.unit.language is unit.language]
        return others[0] if others and (len(others) == 1 or others[0].function.owner) else None

    def twins(self, known: Known) -> tuple[Known, ...]:
        """The same method defined for several platforms, in several files."""
        found = self.functions.get(known.function.name, ())
        elsewhere = {k.unit.path for k in found}
        return found[:_MAX_TWINS] if known.function.owner and len(elsewhere) == len(found) else (known,)


@dataclass(slots=True)
class Frame:
    """One call of a function: its number keeps its locals apart; ``chain`` is how it was reached."""

    number: int
    known: Known
    chain: tuple[Spot, ...]
    level: int
    this: Value

    def spot(self, line: int) -> Spot:
        function = self.known.function
        return Spot(self.known.unit.path, line, function.name, function.condition)
