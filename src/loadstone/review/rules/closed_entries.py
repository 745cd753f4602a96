"""Entries of a table whose library is closed by hand, and that stay in the table as if nothing had happened.

``dlclose(slots[i].handle);``: unless the entry is marked, overwritten or taken out, whoever looks at the table next
calls its functions, or closes it again. A claim needs: one entry is closed (not all of them), nothing of the table nor
any other variable that outlives the function is written behind that, here or in all who call it, and another function
calls through an entry of the same table, closes one, or hands one out.
"""

from __future__ import annotations

from collections.abc import Iterator

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement, stores_in
from loadstone.review.analyses.words import MAINS, last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import calls_of, plays, word
from loadstone.review.walk import expressions

__all__ = ["ClosedEntry", "closed_entries"]

_QUIET: frozenset[str] = frozenset(
    {"find", "at", "count", "size", "begin", "end", "cend", "cbegin", "empty", "contains"}
)
"""Methods of a container that change nothing in it."""


@dataclass(frozen=True, slots=True)
class ClosedEntry:
    """An entry that is closed and stays: its table, where it is closed, and where another function uses one."""

    function: ir.Function
    table: str
    closed: int
    used: int


def closed_entries(facts: Facts, unit: ir.Unit) -> Iterator[ClosedEntry]:
    """The entries of a file's tables, of variables or of members of a class, that stay when they are closed."""
    tables = {v.name for v in unit.variables if _is_table(v.type)}
    by_class = {c.name: {m.name for m in c.members if _is_table(m.type)} for c in unit.classes}
    for function in unit.functions:
        mine = tables | by_class.get(last_word(function.owner), set())
        if not mine or last_word(function.name).startswith("~") or function.name in MAINS:
            continue
        bound = _bound(function, mine)
        for close in calls_of(facts, function, ApiRole.UNLOAD):
            subject = uncast(close.arguments[0]) if close.arguments else uncast(close.receiver)
            start = _start(subject)
            table = bound.get(start, "")
            if not table or not isinstance(subject, ir.Member | ir.Item) or _is_each(function, close):
                continue
            if _settles(facts, unit, function, close.line, {start, table}):
                continue
            callers = [f for f in unit.functions if f is not function and _called(f, function)]
            if callers and all(_settles(facts, unit, f, _called(f, function), {table}) for f in callers):
                continue
            used = next((line for f in unit.functions if f is not function and (line := _used(facts, f, table))), 0)
            if used:
                yield ClosedEntry(function, table, close.line, used)


def _is_table(spelled: str) -> bool:
    return "[" in spelled or any(word in spelled for word in ("map<", "vector<", "list<", "array<", "deque<"))


def _bound(function: ir.Function, tables: set[str]) -> dict[str, str]:
    """The tables, and local names that lead into one: iterators, references, addresses of entries."""
    found = {name: name for name in tables}
    for parameter in function.parameters:
        found.pop(parameter.name, None)
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Loop) and statement.each is not None:
            table = found.get(_start(statement.each[1]), "")
            names = {e.name for e in expressions(statement.each[0]) if isinstance(e, ir.Name)} if table else set()
            found.update(dict.fromkeys(names, table))
        if isinstance(statement, ir.Assign) and isinstance(statement.target, ir.Name):
            leads = "&" in statement.type or "*" in statement.type or _is_way_in(statement.value)
            table = found.get(_start(statement.value), "") if leads else ""
            if table:
                found.setdefault(statement.target.name, table)
            elif statement.declares:
                found.pop(statement.target.name, None)
    return found


def _is_way_in(value: ir.Expression | None) -> bool:
    bare = uncast(value)
    is_address = isinstance(bare, ir.Operation) and bare.operator == "address"
    return is_address or (
        isinstance(bare, ir.Call) and last_word(bare.name) in {"find", "begin", "back", "front", "at"}
    )


def _start(expression: ir.Expression | None) -> str:
    """The variable or member that a path starts at: ``slots`` of ``slots[i].handle``, ``it`` of ``it->second.h``."""
    bare = uncast(expression)
    while True:
        match bare:
            case ir.Member(base=ir.Name(name="this"), name=name):
                return name
            case ir.Member(base=base) | ir.Item(base=base):
                bare = uncast(base)
            case ir.Operation(operator="address" | "deref" | "+", operands=(first, *_)):
                bare = uncast(first)
            case ir.Call(receiver=receiver) if receiver is not None:
                bare = uncast(receiver)
            case ir.Name(name=name):
                return name
            case _:
                return ""


def _is_each(function: ir.Function, close: ir.Call) -> bool:
    """Whether the close stands in a loop that goes on behind it: all of the table is closed."""
    for loop in (s for s in every_statement(function.body) if isinstance(s, ir.Loop)):
        within = [*every_statement(loop.body)]
        if any(e is close for e in every_expression(loop.body)) and not any(
            s.line >= close.line
            and (isinstance(s, ir.Return) or (isinstance(s, ir.Jump) and s.kind in {"break", "goto"}))
            for s in within
        ):
            return True
    return False


def _settles(facts: Facts, unit: ir.Unit, function: ir.Function, line: int, names: set[str]) -> bool:
    """Whether behind a line something that outlives the function is written, or the table or its entry handed on."""
    own = {p.name for p in function.parameters if "*" not in p.type and "&" not in p.type}
    own |= {
        word(s.target)
        for s in every_statement(function.body)
        if isinstance(s, ir.Assign) and s.declares and "&" not in s.type and "*" not in s.type
    } - names
    for store in stores_in(function.body):
        if store.line >= line and _start(store.target) not in own:
            return True
    for call in calls_in(function.body):
        if call.line < line or plays(facts, call, ApiRole.UNLOAD, ApiRole.RESOLVE, ApiRole.LOG, ApiRole.FREE):
            continue
        if call.name == "delete":
            continue
        named = {_start(a) for a in (*call.arguments, call.receiver)}
        if named & names and last_word(call.name) not in _QUIET:
            return True
        if call.receiver is None and any(f.name == call.name or last_word(f.name) == call.name for f in unit.functions):
            return True  # the program's own: it may do it
    return False


def _called(function: ir.Function, other: ir.Function) -> int:
    """Where a function calls another; 0 where it does not."""
    return next((c.line for c in calls_in(function.body) if last_word(c.name) == last_word(other.name)), 0)


def _used(facts: Facts, function: ir.Function, table: str) -> int:
    """Where a function calls through an entry of the table, or closes one."""
    bound = _bound(function, {table})
    for call in calls_in(function.body):
        subject = call.arguments[0] if call.arguments and plays(facts, call, ApiRole.UNLOAD) else None
        through = call.function if isinstance(uncast(call.function), ir.Member) else None
        inner = uncast(through)
        if isinstance(inner, ir.Member) and isinstance(uncast(inner.base), ir.Name) and word(inner.base) == table:
            continue  # a method of the container
        if bound.get(_start(through)) == table or (subject is not None and bound.get(_start(subject)) == table):
            return call.line
    return 0
