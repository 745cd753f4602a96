"""Loops that gather what can be loaded and pass over what cannot, so that nobody learns of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_statement
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import calls_of, plays
from loadstone.review.walk import expressions

__all__ = ["PassedOver", "passed_over"]

_SPEAKS: Final = re.compile(
    r"(?i)print|log|warn|err|report|puts\Z|fail|notif|message|msg|debug|trace|emit|die|fatal|abort|exit|record|write"
)
"""Names of calls that tell somebody. ``dlerror`` is one: whoever asks for the reason does something with it."""

_OPTIONAL: Final = re.compile(r"(?i)optional|probe|try|discover|detect|available|find|search|lookup|locate|first|best")
"""Names of functions whose purpose is to see what there is."""


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Where a failure is passed over, and the call that failed."""

    function: ir.Function
    line: int
    load: ir.Call


def passed_over(facts: Facts, unit: ir.Unit) -> Iterator[PassedOver]:
    """The failures that loops of a file pass over: neither told, nor counted, nor part of what is given back."""
    silent = {last_word(f.name) for f in unit.functions if any(calls_of(facts, f, ApiRole.LOAD)) and not _speaks(f)}
    for function in unit.functions:
        if _speaks(function) or _OPTIONAL.search(last_word(function.name)):
            continue
        for loop in (s for s in every_statement(function.body) if isinstance(s, ir.Loop)):
            ways_out = any(_is_way_out(s) for s in every_statement(loop.body))
            if not ways_out and not any(_closes(facts, s) for s in loop.body.body):
                yield from _in_loop(facts, function, loop, silent)


def _in_loop(facts: Facts, function: ir.Function, loop: ir.Loop, silent: set[str]) -> Iterator[PassedOver]:
    held: dict[str, ir.Call] = {}
    for statement in loop.body.body:
        if isinstance(statement, ir.Assign) and (call := _loading(facts, statement.value, silent)) is not None:
            held[place_named(statement.target)] = call
        elif isinstance(statement, ir.If):
            for part in expressions(statement.condition):
                inner = _loading(facts, part, silent)
                found = inner if inner is not None else held.get(place_named(part))
                if found is None:
                    continue
                last = statement.then.body[-1] if statement.then.body else None
                goes_on = isinstance(last, ir.Jump) and last.kind == "continue"
                if goes_on and statement.otherwise is None and _only_tidies(facts, statement.then):
                    yield PassedOver(function, statement.line, found)
                elif uncast(statement.condition) is part and statement.otherwise is None and _gathers(statement.then):
                    yield PassedOver(function, found.line, found)
                break


def _loading(facts: Facts, value: ir.Expression | None, silent: set[str]) -> ir.Call | None:
    call = uncast(value)
    if not isinstance(call, ir.Call):
        return None
    return call if plays(facts, call, ApiRole.LOAD) or last_word(call.name) in silent else None


def _speaks(function: ir.Function) -> bool:
    return any(_SPEAKS.search(last_word(call.name)) for call in calls_in(function.body) if call.name != "snprintf")


def _is_way_out(statement: ir.Statement) -> bool:
    """Whether a loop ends here: it looks for one that does."""
    return isinstance(statement, ir.Return | ir.Raise) or (
        isinstance(statement, ir.Jump) and statement.kind in {"break", "goto"}
    )


def _closes(facts: Facts, statement: ir.Statement) -> bool:
    """Whether a statement closes what was opened: the loop looks at libraries, it does not gather them."""
    call = uncast(statement.expression) if isinstance(statement, ir.Evaluate) else None
    return isinstance(call, ir.Call) and plays(facts, call, ApiRole.UNLOAD)


def _only_tidies(facts: Facts, block: ir.Block) -> bool:
    """Whether a block releases something and goes on, and no more."""
    return all(
        isinstance(s, ir.Evaluate)
        and isinstance(call := uncast(s.expression), ir.Call)
        and plays(facts, call, ApiRole.FREE, ApiRole.UNLOAD)
        for s in block.body[:-1]
    )


def _gathers(block: ir.Block) -> bool:
    """``all[n++] = handle``: something is kept in a table."""
    return any(isinstance(s, ir.Assign) and isinstance(uncast(s.target), ir.Item) for s in block.body)
