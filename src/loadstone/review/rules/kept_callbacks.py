"""Functions that a library registers with the program, and that stay in its table when the library is closed.

The program hands a function of its own to the library; that function keeps the function pointers it is given in a
container. Whoever closes a library has to take its functions out of the container first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import looked_up, plays, word
from loadstone.review.walk import expressions

__all__ = ["KeptCallback", "kept_callbacks"]

_FILLS: Final = frozenset(
    {"push_back", "emplace_back", "insert", "emplace", "append", "push", "add", "insert_or_assign"}
)


@dataclass(frozen=True, slots=True)
class KeptCallback:
    """A container that keeps functions of a library: where they are put in, and where the library is closed."""

    container: str
    filled: int
    closed: int
    function: ir.Function


def kept_callbacks(facts: Facts, unit: ir.Unit) -> Iterator[KeptCallback]:
    """The closes of a file that leave the library's functions in a container."""
    closes = [(function, close) for function in unit.functions if (close := _close(facts, function))]
    for container, filled, taker in _containers(unit) if closes else ():
        touching = {last_word(f.name) for f in unit.functions if f is not taker and _touches(f, container)}
        if not touching:
            continue
        for function, close in closes:
            if not _touches(function, container, close) and not _calls(function, touching, close):
                yield KeptCallback(container, filled, close, function)


def _containers(unit: ir.Unit) -> Iterator[tuple[str, int, ir.Function]]:
    """The containers that functions handed to a library fill, with the line and the function that does.

    A function fills a container itself, or hands what it was given to another that does: to a fixed point.
    """
    called = {last_word(c.name) for f in unit.functions for c in calls_in(f.body)}
    filling: dict[ir.Function, tuple[str, int, ir.Function]] = {}
    takers = [
        (f, given) for f in unit.functions if (given := {p.name for p in f.parameters if _is_function(unit, p.type)})
    ]
    shared = {m.name for c in unit.classes for m in c.members} | {v.name for v in unit.variables}
    while True:
        more = {
            function: filled
            for function, given in takers
            if function not in filling and (filled := _filled(function, given, shared, filling)) is not None
        }
        if not more:
            break
        filling |= more
    for function, found in filling.items():
        name = last_word(function.name)
        if name in called:
            continue
        if re.search(rf"(?:&\s*(?:\w+::)*|[{{,=(]\s*(?:\w+::)*){name}\s*[,}};)]", unit.text):
            yield found


def _filled(
    function: ir.Function, given: set[str], shared: set[str], filling: dict[ir.Function, tuple[str, int, ir.Function]]
) -> tuple[str, int, ir.Function] | None:
    """The container that a function puts one of its arguments into, or another function for it."""
    by_name = {last_word(f.name): found for f, found in filling.items()}
    local = dict(_aliases(function))
    for call in calls_in(function.body):
        parts = [p for a in call.arguments for p in expressions(a)]
        inner = [e for p in parts if isinstance(p, ir.Closure) for e in every_expression(p.function.body)]
        if not any(word(p) in given for p in (*parts, *inner)):
            continue
        into = place_named(call.receiver)
        into = local.get(into, into).replace("[]", "").rpartition(".")[2]
        if last_word(call.name) in _FILLS and into in shared:
            return into, call.line, function
        if last_word(call.name) in by_name:
            return by_name[last_word(call.name)]
    return None


def _aliases(function: ir.Function) -> Iterator[tuple[str, str]]:
    """``auto &list = m_handlers[kind];``: the other names of places in a function."""
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and statement.declares and "&" in statement.type and statement.value:
            yield word(statement.target), place_named(statement.value)


def _is_function(unit: ir.Unit, spelled: str) -> bool:
    name = spelled.removeprefix("const ").strip()
    if "(*" in spelled or "function<" in spelled:
        return True
    typedef = rf"typedef[^;]*\(\s*(?:\w+\s*)?\*\s*{name}\s*\)"
    alias = rf"using\s+{name}\s*=[^;]*(?:\(\s*(?:\w+\s*)?\*\s*\)|\bfunction\s*<)"
    return name.isidentifier() and bool(re.search(f"{typedef}|{alias}", unit.text))


def _close(facts: Facts, function: ir.Function) -> int:
    """Where a function closes a library that may have registered something: after it was called, or is known."""
    closes = [c.line for c in calls_in(function.body) if plays(facts, c, ApiRole.UNLOAD)]
    mine = looked_up(facts, function)
    if any(plays(facts, c, ApiRole.RESOLVE) for c in calls_in(function.body)):
        begun = [c.line for c in calls_in(function.body) if word(c.function) in mine]
        closes = [line for line in closes if begun and line > min(begun)]
    return max(closes, default=0)


def _touches(function: ir.Function, container: str, before: int = 1 << 30) -> bool:
    each = (s.each[1] for s in every_statement(function.body) if isinstance(s, ir.Loop) and s.each is not None)
    parts = (*every_expression(function.body), *map(uncast, each))
    return any(word(e) == container and e.line <= before for e in parts)


def _calls(function: ir.Function, names: set[str], before: int) -> bool:
    return any(last_word(c.name) in names and c.line <= before for c in calls_in(function.body))
