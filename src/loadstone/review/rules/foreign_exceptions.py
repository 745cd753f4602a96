"""Exceptions that a library's code throws and that outlive the library.

The type information, the destructor and often the object's ``what()`` of such an exception lie in the library: whoever
closes it inside the handler and then rethrows, or keeps the exception over the close, touches what is not there any
more. A claim needs a call of the library's own code in the ``try`` block: what the program throws itself stays.
"""

from __future__ import annotations

from collections.abc import Iterator

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import last_word
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import called_through, filled_names, looked_up, plays, word

__all__ = ["KeptException", "kept_exceptions"]


@dataclass(frozen=True, slots=True)
class KeptException:
    """An exception of a library that is used after the library was closed: where each happens."""

    closed: int
    used: int
    function: ir.Function


def kept_exceptions(facts: Facts, unit: ir.Unit) -> Iterator[KeptException]:
    """The exceptions of a file that outlive their library."""
    for function in unit.functions:
        tries = [s for s in every_statement(function.body) if isinstance(s, ir.Try) and s.handlers]
        foreign = filled_names(facts, unit) | looked_up(facts, function) if tries else set()
        for attempt in tries if foreign else ():
            if not any(called_through(c, foreign) for c in calls_in(attempt.body)):
                continue
            for handler in attempt.handlers:
                yield from _used_in_handler(facts, function, handler)
                yield from _kept_over_close(facts, function, handler)


def _used_in_handler(facts: Facts, function: ir.Function, handler: ir.Handler) -> Iterator[KeptException]:
    """``catch (const std::exception &e) { dlclose(h); report(e.what()); throw; }``."""
    close = _close(facts, handler.body, 0)
    if not close:
        return
    thrown = [s.line for s in every_statement(handler.body) if isinstance(s, ir.Raise) and s.value is None]
    named = [e.line for e in every_expression(handler.body) if handler.name and word(e) == handler.name]
    used = min((line for line in [*thrown, *named] if line > close), default=0)
    if used:
        yield KeptException(close, used, function)


def _kept_over_close(facts: Facts, function: ir.Function, handler: ir.Handler) -> Iterator[KeptException]:
    """``failed = std::current_exception(); ... dlclose(h); std::rethrow_exception(failed);``."""
    for statement in every_statement(handler.body):
        value = statement.value if isinstance(statement, ir.Assign) else None
        if not isinstance(value, ir.Call) or last_word(value.name) != "current_exception":
            continue
        kept = word(statement.target)  # type: ignore[union-attr]
        thrown = (
            c.line
            for c in calls_in(function.body)
            if last_word(c.name) == "rethrow_exception" and any(word(a) == kept for a in c.arguments)
        )
        close = _close(facts, function.body, statement.line)
        used = min((line for line in thrown if close and line > close), default=0)
        if used:
            yield KeptException(close, used, function)


def _close(facts: Facts, block: ir.Block, after: int) -> int:
    """The first line of a block behind another that closes a library."""
    return min((c.line for c in calls_in(block) if c.line > after and plays(facts, c, ApiRole.UNLOAD)), default=0)
