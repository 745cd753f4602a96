"""What an entry of a table has of its library, used or ended when the same function has closed it.

``e.loader->unload(); delete e.page;`` and ``dlclose(e.lib); e.stop();``: the handle and what came from the library are
members of one entry, so that which of them goes first can be read in one block. Also a member of the class that still
points at the object of an entry when a method takes the entry out and closes its library.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement, stores_in
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.destruction_order import interfaces
from loadstone.review.rules.lookups import filled_names, plays, symbols_of, word
from loadstone.review.walk import blocks, expressions

__all__ = ["LateEntry", "late_entries", "left_pointers"]

_UNLOADS: Final = frozenset({"unload", "unloadLibrary"})


@dataclass(frozen=True, slots=True)
class LateEntry:
    """A member of an entry that is used too late: what, where the library goes, where it is used, and by whom."""

    function: ir.Function
    name: str
    closed: int
    used: int


def late_entries(facts: Facts, unit: ir.Unit) -> Iterator[LateEntry]:
    """The entries of a file whose library is closed before what it made is ended or called."""
    filled = filled_names(facts, unit) | symbols_of(facts, unit).keys()
    made = _made_by_plug_ins(unit)
    for function in unit.functions:
        for block in (function.body, *(s for s in every_statement(function.body) if isinstance(s, ir.Block | ir.Loop))):
            body = block.body.body if isinstance(block, ir.Loop) else block.body
            yield from _in_block(facts, function, body, filled, made)


def _in_block(
    facts: Facts, function: ir.Function, body: Sequence[ir.Statement], filled: frozenset[str], made: frozenset[str]
) -> Iterator[LateEntry]:
    gone: dict[str, int] = {}
    for statement in body:
        within = ir.Block(statement.line, statement.line, (statement,))
        for store in stores_in(within):
            gone.pop(_entry(store.target) or place_named(store.target), None)
            gone.pop(place_named(store.target), None)
        for call in calls_in(within):
            entry = _closes(facts, call)
            if entry and (not blocks(statement) or _is_asked(statement, call)):
                gone[entry] = call.line
                continue
            subject = uncast(call.arguments[0]) if call.name == "delete" and call.arguments else None
            if isinstance(subject, ir.Call) and subject.receiver is not None:  # page.data()
                subject = uncast(subject.receiver)
            if (subject_of := _entry(subject)) in gone and word(subject) in made:
                yield LateEntry(function, place_named(subject), gone[subject_of], call.line)
            called = uncast(call.function)
            if call.receiver is not None and word(called) in filled and (through := _entry(called)) in gone:
                yield LateEntry(function, place_named(called), gone[through], call.line)


def _is_asked(statement: ir.Statement, call: ir.Call) -> bool:
    """Whether a condition makes a call: it is made whichever way the condition goes."""
    return isinstance(statement, ir.If) and any(part is call for part in expressions(statement.condition))


def _closes(facts: Facts, call: ir.Call) -> str:
    """The entry whose library a call closes; empty for none."""
    if not plays(facts, call, ApiRole.UNLOAD) and last_word(call.name) not in _UNLOADS:
        return ""
    return _entry(call.arguments[0] if call.arguments else call.receiver)


def _entry(expression: ir.Expression | None) -> str:
    """The place that has a member: ``e.second`` of ``e.second.lib``."""
    bare = uncast(expression)
    return place_named(bare.base) if isinstance(bare, ir.Member) else ""


def _made_by_plug_ins(unit: ir.Unit) -> frozenset[str]:
    """The members that hold what a method of a plug-in's interface made."""
    abstract = interfaces(unit)
    types = {m.name: m.type for c in unit.classes for m in c.members}
    found = set()
    for function in unit.functions:
        for store in stores_in(function.body):
            call, target = uncast(store.value), uncast(store.target)
            if not isinstance(call, ir.Call) or call.receiver is None or not isinstance(target, ir.Member):
                continue
            owner = last_word(call.name.rpartition("::")[0])
            spelled = types.get(word(call.receiver), "")
            if owner in abstract or any(name in spelled.replace("*", " ").split() for name in abstract):
                found.add(target.name)
    return frozenset(found)


def left_pointers(facts: Facts, unit: ir.Unit) -> Iterator[tuple[LateEntry, str]]:
    """``active_`` still points at the object of the entry whose library a method closes; with where it was set."""
    abstract = interfaces(unit)
    for one in unit.classes:
        methods = [f for f in unit.functions if last_word(f.owner) == one.name]
        for member in (m for m in one.members if m.type.rstrip("* ") in abstract and m.type.rstrip().endswith("*")):
            entries = {c.name for c in unit.classes for m in c.members if c is not one and m.type == member.type}
            for method in methods if entries else ():
                closed = next((c.line for c in calls_in(method.body) if _closes(facts, c)), 0)
                special = last_word(method.name) in {one.name, f"~{one.name}"}
                if not closed or special or _mentions(method, member.name) or not _is_given(methods, member.name):
                    continue
                if any(_mentions(f, member.name) for f in methods if _calls(f, method)):
                    continue
                used = next(
                    (
                        (f, e.line)
                        for f in methods
                        if f is not method
                        for e in every_expression(f.body)
                        if isinstance(e, ir.Member) and e.through and word(e.base) == member.name
                    ),
                    None,
                )
                if used is not None and _takes_out(method):
                    yield LateEntry(used[0], member.name, closed, used[1]), method.name


def _takes_out(method: ir.Function) -> bool:
    """Whether a method takes one entry out of a table."""
    return any(last_word(c.name) in {"take", "erase", "extract", "remove", "removeOne"} for c in calls_in(method.body))


def _is_given(methods: Sequence[ir.Function], member: str) -> bool:
    """Whether a method lets a member point at an object."""
    values = (uncast(s.value) for f in methods for s in stores_in(f.body) if word(s.target) == member)
    return any(not isinstance(value, ir.Literal) for value in values)


def _mentions(function: ir.Function, member: str) -> bool:
    return any(isinstance(e, ir.Name | ir.Member) and e.name == member for e in every_expression(function.body))


def _calls(function: ir.Function, other: ir.Function) -> bool:
    return function is not other and any(last_word(c.name) == last_word(other.name) for c in calls_in(function.body))
