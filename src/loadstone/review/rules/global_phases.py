"""Python: a library's global state that one object ends for all the others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.review import ir
from loadstone.review.analyses.bindings import Bindings
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.state import Spot
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.lookups import family
from loadstone.review.rules.places import step
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import calls

__all__ = ["always", "ended_for_all"]

_BEGINS: Final = re.compile(
    r"(?i)(?:\A|_|(?<=[a-z]))(?:init|initiali[sz]e|startup|setup)(?:_?(?:global|all|library|lib))?\Z"
)
_ENDS: Final = re.compile(
    r"(?i)(?:\A|_|(?<=[a-z]))(?:clean_?up|finali[sz]e|fini|deinit|deinitiali[sz]e|uninit|uninitiali[sz]e|terminate"
    r"|shutdown|quit)(?:_?(?:global|all|library|lib))?\Z"
)
"""Words of functions without arguments that begin and end what a library shares among its users."""

_CLOSES: Final = re.compile(
    r"(?i)\A_*(?:close|exit|del|stop|shut_?down|finali[sz]e|terminate|quit|clean_?up|tear_?down)_*\Z"
)


def ended_for_all(rule: Rule, unit: ir.Unit, bindings: Bindings) -> Iterator[Claim]:
    """What one object of many ends, though it was begun once by another class, or by the file, for all of them."""
    begun = {
        family(symbol): (function, call.line)
        for function in unit.functions
        for call, symbol in _phases(calls(function.body.body), _BEGINS, bindings, function)
    }
    for function in (f for f in unit.functions if f.owner and begun):
        for call, symbol in _phases(calls(always(function.body.body)), _ENDS, bindings, function):
            first, line = begun.get(family(symbol), (None, 0))
            own = first is not None and first.owner == function.owner
            if first is None or (own and _CLOSES.match(simple(function.name))):
                continue
            yield rule.no(
                f"{symbol} ends what line {line} began for all; {simple(function.name)} calls it for each "
                f"{function.owner}.",
                Location.lines(unit.path, call.line),
                cwe=675,
                severity=Severity.MEDIUM,
                fix="Count the users, and end it with the last one.",
                why=(
                    step(Spot(unit.path, line, first.name), "begun once", "acquire"),
                    step(Spot(unit.path, call.line, function.name), "ended for all", "release"),
                ),
                context=function.name,
            )


def _phases(
    found: Iterable[ir.Call], pattern: re.Pattern[str], bindings: Bindings, function: ir.Function
) -> Iterator[tuple[ir.Call, str]]:
    """The calls of foreign functions of such a name that are handed nothing."""
    for call in found:
        symbol = bindings.symbol(call, function.owner) or ""
        nothing = all(isinstance(bare := uncast(a), ir.Literal) and not bare.value for a in call.arguments)
        if nothing and pattern.search(symbol):
            yield call, symbol


def always(body: Iterable[ir.Statement]) -> Iterator[ir.Statement]:
    """The statements of a function that stand behind no condition."""
    for statement in body:
        match statement:
            case ir.Try(body=inner, final=final):
                yield from always(inner.body)
                yield from always(final.body if final is not None else ())
            case ir.With(body=inner):
                yield from always(inner.body)
            case ir.Assign() | ir.Evaluate() | ir.Return():
                yield statement
