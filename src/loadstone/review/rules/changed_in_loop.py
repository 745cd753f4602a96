"""Containers of C++ that lose or gain elements in the very loop that goes through them.

In ``for (auto &plugin : plugins)`` a hidden iterator stands on the current element. Taking that element out, or, in a
vector or deque, any element in or out, ends the iterator; the next round reads what is not there any more. A loop that
leaves right after the change is right. Source: C++ standard, [container.reqmts], [vector.modifiers].
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import last_word
from loadstone.review.rules.lookups import word
from loadstone.review.walk import blocks, expressions, parts_of

__all__ = ["ChangedInLoop", "changed_in_loops"]

_ROW: Final = re.compile(r"(?:const\s+)?(?:std::)?(?:vector|deque)\s*<")
_NODES: Final = re.compile(r"(?:const\s+)?(?:std::)?(?:unordered_)?(?:multi)?(?:map|set|list)\s*<")
_OUT: Final = frozenset({"erase", "clear"})
_MOVES_ALL: Final = _OUT | {"push_back", "emplace_back", "insert", "emplace", "pop_back", "resize"}


@dataclass(frozen=True, slots=True)
class ChangedInLoop:
    """A container that is changed in a loop through it: where each is, and by which method of the program."""

    container: str
    loop: int
    changed: int
    function: ir.Function


def changed_in_loops(unit: ir.Unit) -> Iterator[ChangedInLoop]:
    """The loops of a file that change what they go through, and go on."""
    for function in unit.functions:
        types = _types(unit, function)
        yield from _stepped(function)
        for loop in every_statement(function.body):
            if not isinstance(loop, ir.Loop) or loop.each is None or not (container := word(loop.each[1])):
                continue
            spelled = types.get(container, "")
            is_row = bool(_ROW.match(spelled))
            if not is_row and not _NODES.match(spelled):
                continue
            current = {e.name for e in expressions(loop.each[0]) if isinstance(e, ir.Name)}
            for statement in every_statement(loop.body):
                for call in (p for p in parts_of(statement) if isinstance(p, ir.Call)):
                    if _changes(unit, function, call, container, current, is_row=is_row) and _goes_on(loop.body, call):
                        yield ChangedInLoop(container, loop.line, call.line, function)


def _stepped(function: ir.Function) -> Iterator[ChangedInLoop]:
    """``for (it = plugins.begin(); ...; ++it) plugins.erase(it);``: the step starts from an iterator that has ended."""
    for loop in (s for s in every_statement(function.body) if isinstance(s, ir.Loop) and s.step):
        stepped = {e.name for step in loop.step for e in expressions(step) if isinstance(e, ir.Name)}
        for statement in every_statement(loop.body):
            call = statement.expression if isinstance(statement, ir.Evaluate) else None
            if not isinstance(call, ir.Call) or last_word(call.name) != "erase" or call.receiver is None:
                continue
            erased = word(call.arguments[0]) if len(call.arguments) == 1 else ""
            if erased in stepped and _goes_on(loop.body, call) and not _is_set(loop.body, erased, call.line):
                yield ChangedInLoop(word(call.receiver) or "the container", loop.line, call.line, function)


def _is_set(body: ir.Block, name: str, line: int) -> bool:
    """Whether the iterator is given another place behind a line."""
    return any(isinstance(s, ir.Assign) and word(s.target) == name and s.line >= line for s in every_statement(body))


def _types(unit: ir.Unit, function: ir.Function) -> dict[str, str]:
    """The types of what a function can name: variables of the file, members of its class, its own."""
    found = {v.name: v.type for v in unit.variables}
    found.update((m.name, m.type) for c in unit.classes if c.name == last_word(function.owner) for m in c.members)
    found.update((p.name, p.type) for p in function.parameters)
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and statement.declares:
            found[word(statement.target)] = statement.type
    return found


def _changes(
    unit: ir.Unit, function: ir.Function, call: ir.Call, container: str, current: set[str], *, is_row: bool
) -> bool:
    """Whether a call ends the hidden iterator, itself or in a method of the same class."""
    about = any(isinstance(e, ir.Name) and e.name in current for a in call.arguments for e in expressions(a))
    if word(call.receiver) == container:
        name = last_word(call.name)
        return name in _MOVES_ALL if is_row else name == "clear" or (name in _OUT and about)
    mine = call.receiver is None or word(call.receiver) == "this"
    if not mine or not function.owner or not (about or is_row):
        return False
    names = _MOVES_ALL if is_row else _OUT
    methods = [f for f in unit.functions if f.owner == function.owner and last_word(f.name) == last_word(call.name)]
    return any(word(c.receiver) == container and last_word(c.name) in names for f in methods for c in calls_in(f.body))


def _goes_on(block: ir.Block, call: ir.Call) -> bool:
    """Whether the loop may take another round after a call somewhere in a block of it."""
    for number, statement in enumerate(block.body):
        if any(part is call for part in parts_of(statement)):
            return not any(map(_leaves, block.body[number:]))
        for inner in blocks(statement):
            if any(part is call for part in every_expression(inner)):
                return _goes_on(inner, call) and not any(map(_leaves, block.body[number + 1 :]))
    return True


def _leaves(statement: ir.Statement) -> bool:
    jumps = isinstance(statement, ir.Jump) and statement.kind in {"break", "goto"}
    return jumps or isinstance(statement, ir.Return | ir.Raise)
