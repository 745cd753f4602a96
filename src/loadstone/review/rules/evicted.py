"""Entries of a table that are closed and filled anew in one function, whoever still uses what they held.

An entry has a count of its users when some function of the file lowers it. A function that closes the library of an
entry and puts another in its place has to ask that count first, or leave that to all who call it.
"""

from __future__ import annotations

from collections.abc import Iterator

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement, members_in, stores_in
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.data_race import is_count
from loadstone.review.rules.lookups import plays
from loadstone.review.walk import expressions

__all__ = ["Evicted", "evicted"]


@dataclass(frozen=True, slots=True)
class Evicted:
    """The entry that is closed, its count, and where it is filled again."""

    function: ir.Function
    handle: str
    count: str
    closed: int
    filled: int


def evicted(facts: Facts, unit: ir.Unit) -> Iterator[Evicted]:
    """The entries that functions of a C file replace without asking who uses them."""
    lowered = {name for f in unit.functions for name in _lowered(f)}
    counted = {
        m.name: counts
        for one in unit.classes
        if (counts := {m.name for m in one.members if m.name in lowered and is_count(m.name)})
        for m in one.members
        if "*" in m.type
    }
    asking = {last_word(f.name) for f in unit.functions for name in lowered if name in _asked(f)}
    for function in unit.functions if counted else ():
        if {last_word(c.name) for c in calls_in(function.body)} & asking or last_word(function.name) in asking:
            continue
        callers = [f for f in unit.functions if any(last_word(c.name) == function.name for c in calls_in(f.body))]
        if callers and all(last_word(f.name) in asking for f in callers):
            continue
        for call in calls_in(function.body):
            given = uncast(call.arguments[0]) if call.arguments and plays(facts, call, ApiRole.UNLOAD) else None
            if not isinstance(given, ir.Member) or given.name not in counted:
                continue
            filled = next((line for line in _filled(facts, function, given) if line > call.line), 0)
            counts = counted[given.name] & members_in(function.body)
            if filled and counts:
                yield Evicted(function, place_named(given), min(counts), call.line, filled)


def _filled(facts: Facts, function: ir.Function, handle: ir.Member) -> Iterator[int]:
    """Where the member of the very entry gets what a load gives."""
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and place_named(statement.target) == place_named(handle):
            value = uncast(statement.value)
            if (isinstance(value, ir.Call) and plays(facts, value, ApiRole.LOAD)) or isinstance(value, ir.Name):
                yield statement.line


def _lowered(function: ir.Function) -> Iterator[str]:
    return (place_named(s.target).rpartition(".")[2] for s in stores_in(function.body) if s.operator == "-")


def _asked(function: ir.Function) -> frozenset[str]:
    """The members that a function decides by where it lowers none of them: the last user is another question."""
    lowered = {*_lowered(function)}
    conditions = [s.condition for s in every_statement(function.body) if isinstance(s, ir.If | ir.Loop)]
    conditions += [
        e for e in every_expression(function.body) if isinstance(e, ir.Operation) and e.operator in {"?:", "&&", "||"}
    ]
    return frozenset(
        e.name for c in conditions for e in expressions(c) if isinstance(e, ir.Member) and e.name not in lowered
    )
