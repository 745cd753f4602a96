"""Pointers to the entries of a table that are copied out under its lock and used when the lock is free again.

The entries own libraries; another method, which takes the same table apart under the lock, ends an entry and closes its
library while the copy is still in use. A copy of a shared pointer keeps the entry; the bare pointer does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.rules.destruction_order import library_members
from loadstone.review.rules.lookups import word
from loadstone.review.walk import expressions, parts_of

__all__ = ["EscapedEntry", "escaped_entries"]

_GUARD: Final = re.compile(r"\b(?:lock_guard|unique_lock|scoped_lock|ScopedLock|QMutexLocker|MutexLock|CSingleLock)\b")
_ENDS: Final = frozenset({"erase", "clear", "pop_back", "pop_front", "remove", "take", "reset"})


@dataclass(frozen=True, slots=True)
class EscapedEntry:
    """A copy of pointers into a table: the table, where it is copied, where it is used, where entries end."""

    table: str
    copied: int
    used: int
    ended: int
    function: ir.Function


def escaped_entries(facts: Facts, unit: ir.Unit) -> Iterator[EscapedEntry]:
    """The copies of a file that outlive the lock they were made under."""
    tables = library_members(facts, unit)
    for function in (f for f in unit.functions if f.owner and tables):
        for number, block in enumerate(function.body.body):
            if not isinstance(block, ir.Block) or not _is_locked(block):
                continue
            for name, table, line in _copies(block, tables):
                used = next(
                    (e.line for s in function.body.body[number + 1 :] for e in _within(s) if word(e) == name), 0
                )
                ended = _ended(unit, function, table)
                if used and ended:
                    yield EscapedEntry(table, line, used, ended, function)


def _is_locked(block: ir.Block) -> bool:
    return any(isinstance(s, ir.Assign) and s.declares and _GUARD.search(s.type) for s in block.body)


def _copies(block: ir.Block, tables: set[str]) -> Iterator[tuple[str, str, int]]:
    """Bare pointers that a block puts where they outlive it: what they are kept in, the table, the line."""
    bound: dict[str, str] = {}
    own = set()
    for statement in every_statement(block):
        if isinstance(statement, ir.Loop) and statement.each is not None and word(statement.each[1]) in tables:
            bound.update(
                (e.name, word(statement.each[1])) for e in expressions(statement.each[0]) if isinstance(e, ir.Name)
            )
        if isinstance(statement, ir.Assign):
            if statement.declares:
                own.add(word(statement.target))
            table = next((word(e) for e in expressions(statement.value) if word(e) in tables), "")
            if statement.declares and table:
                bound[word(statement.target)] = table
            elif not statement.declares and (found := _bare(statement.value, bound, tables)):
                yield word(statement.target), found, statement.line
        for call in (p for p in parts_of(statement) if isinstance(p, ir.Call)):
            kept = word(call.receiver)
            if last_word(call.name) in {"push_back", "emplace_back", "append"} and kept and kept not in own | tables:
                table = next((t for a in call.arguments if (t := _bare(a, bound, tables))), "")
                if table:
                    yield kept, table, call.line


def _bare(value: ir.Expression | None, bound: dict[str, str], tables: set[str]) -> str:
    """The table whose entry a bare pointer leads to: ``entry.get()``, ``table[n].get()``, ``&table[n]``."""
    bare = uncast(value)
    is_get = isinstance(bare, ir.Call) and last_word(bare.name) == "get" and not bare.arguments
    is_address = isinstance(bare, ir.Operation) and bare.operator == "address"
    if not is_get and not is_address:
        return ""
    inside = bare.receiver if isinstance(bare, ir.Call) else bare
    names = [word(e) for e in expressions(inside)]
    return next((name if name in tables else bound[name] for name in names if name in tables or name in bound), "")


def _ended(unit: ir.Unit, function: ir.Function, table: str) -> int:
    """Where another method of the class ends entries of a table with a lock held."""
    for other in unit.functions:
        if other is function or other.owner != function.owner or last_word(other.name).startswith("~"):
            continue
        locked = any(isinstance(s, ir.Assign) and _GUARD.search(s.type) for s in every_statement(other.body))
        ends = (c.line for c in calls_in(other.body) if last_word(c.name) in _ENDS and word(c.receiver) == table)
        if locked and (line := next(ends, 0)):
            return line
    return 0


def _within(statement: ir.Statement) -> Iterator[ir.Expression]:
    return every_expression(ir.Block(statement.line, statement.line, (statement,)))
