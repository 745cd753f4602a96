"""Pointers of the system's library that are null when nothing was found or opened, and that nobody tests."""

from __future__ import annotations

from collections.abc import Iterator

from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.null_givers import GIVES, SEARCHES
from loadstone.review.rules.nullable_results import NullableResult, held_in, is_asked
from loadstone.review.rules.reads_through import read_by

__all__ = ["untested_system_pointers"]


def untested_system_pointers(facts: Facts, unit: ir.Unit) -> Iterator[NullableResult]:
    """The pointers of a file that are read through though the system may have given null."""
    for function in unit.functions:
        for statement in every_statement(function.body):
            call = _giving(facts, statement.value) if isinstance(statement, ir.Assign) else None
            target = statement.target if isinstance(statement, ir.Assign) else None
            name = held_in(target)
            if call is None or not name or is_asked(facts, function, name) or _was_sought(function, call):
                continue
            used = _first_read(function, name, statement.line)
            if used:
                yield NullableResult(function, name, call.name, statement.line, used)
        for part in every_expression(function.body):
            for given in read_by(part):
                call = _giving(facts, given)
                if call is not None and not _was_sought(function, call):
                    yield NullableResult(function, "the result", call.name, call.line, part.line)


def _giving(facts: Facts, value: ir.Expression | None) -> ir.Call | None:
    call = uncast(value)
    gives = isinstance(call, ir.Call) and call.name in GIVES and not facts.is_defined(call.name)
    return call if gives and isinstance(call, ir.Call) else None


def _first_read(function: ir.Function, name: str, after: int) -> int:
    """The first line behind another that reads through a variable."""
    parts = (e for e in every_expression(function.body) if e.line > after)
    return min((e.line for e in parts for given in read_by(e) if held_in(given) == name), default=0)


def _was_sought(function: ir.Function, call: ir.Call) -> bool:
    """Whether another search, or a literal that is searched, may tell that something is found."""
    if call.name not in SEARCHES:
        return False
    first, second = [*map(uncast, call.arguments[:2]), None, None][:2]
    if isinstance(first, ir.Literal) or (isinstance(second, ir.Literal) and second.value in {0, "\0"}):
        return True  # a known text, or the end that every text has
    sought = (c for c in calls_in(function.body) if c.name in SEARCHES or c.name in {"strlen", "strcspn", "strspn"})
    return any(other is not call and other.line <= call.line for other in sought)
