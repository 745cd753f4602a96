"""Loops that only a load that succeeds ends, with no pause and no count: a missing library keeps them busy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Confidence, FlowStep, Location, Severity
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import plays
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions, parts_of

__all__ = ["endless_tries"]

_PAUSES: Final = ("sleep", "wait", "yield", "poll", "select", "delay", "recv", "read", "accept", "next", "get", "pop")


def endless_tries(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """Each such loop of a program."""
    for unit in facts.program.units:
        for function in unit.functions:
            for loop in (s for s in every_statement(function.body) if isinstance(s, ir.Loop)):
                load = _load(facts, unit, loop)
                if load is None or _pauses(loop) or _ends_otherwise(unit, loop):
                    continue
                place = Location.lines(unit.path, loop.line)
                yield rule.no(
                    f"The loop tries {load.name} again until it succeeds, with no pause and no end.",
                    place,
                    cwe=835,
                    severity=Severity.LOW,
                    confidence=Confidence.LIKELY,
                    fix="Try so many times, with a pause between, then report the failure.",
                    why=(FlowStep(Location.lines(unit.path, load.line), "tried again", "use"),),
                    context=function.name,
                    condition=function.condition,
                )


def _load(facts: Facts, unit: ir.Unit, loop: ir.Loop) -> ir.Call | None:
    """The load that a loop waits for: in its condition, or alone in what it repeats for ever."""
    if unit.language is ir.Language.PYTHON:
        if loop.each is not None or len(loop.body.body) != 1 or not isinstance(tried := loop.body.body[0], ir.Try):
            return None
        bare = uncast(loop.condition) if loop.condition is not None else ir.Literal(loop.line, value=True)
        always = isinstance(bare, ir.Literal) and bool(bare.value)
        empty = isinstance(bare, ir.Operation) and _is_none(bare)
        silent = tried.handlers and all(_goes_round(h.body) for h in tried.handlers)
        ends = always and bool(tried.body.body) and isinstance(tried.body.body[-1], ir.Return | ir.Jump)
        found = next((c for c in calls_in(tried.body) if plays(facts, c, ApiRole.LOAD)), None)
        return found if silent and (ends or empty) and len(tried.body.body) <= _SHORT else None
    if loop.condition is None or loop.each is not None or loop.step:
        return None
    bare = uncast(loop.condition)
    fails = isinstance(bare, ir.Operation) and bare.operator in {"==", "!"} and all(map(_is_plain, bare.operands))
    calls = (e for e in expressions(loop.condition) if isinstance(e, ir.Call))
    return next((c for c in calls if plays(facts, c, ApiRole.LOAD)), None) if fails else None


def _is_none(asked: ir.Operation) -> bool:
    """``while library is None:``, ``while not library:``."""
    none = any(isinstance(o, ir.Literal) and o.value is None for o in map(uncast, asked.operands))
    return asked.operator in {"!", "not"} or (asked.operator in {"==", "is"} and none)


def _is_plain(operand: ir.Expression) -> bool:
    return isinstance(uncast(operand), ir.AssignmentExpression | ir.Literal | ir.Call | ir.Name)


def _goes_round(block: ir.Block) -> bool:
    return not any(isinstance(s, ir.Return | ir.Raise) for s in every_statement(block)) and not any(
        isinstance(s, ir.Jump) and s.kind == "break" for s in every_statement(block)
    )


def _pauses(loop: ir.Loop) -> bool:
    return any(any(word in last_word(c.name).lower() for word in _PAUSES) for c in calls_in(loop.body))


def _ends_otherwise(unit: ir.Unit, loop: ir.Loop) -> bool:
    """Whether the loop counts, leaves, or changes what it tries."""
    if unit.language is ir.Language.PYTHON:
        changes = sum(isinstance(s, ir.Assign) for s in every_statement(loop.body))
        return changes > 1 or any(isinstance(s, ir.Return | ir.Jump) for s in loop.body.body)
    leaves = (ir.Return, ir.Raise, ir.Jump, ir.Assign)
    parts = (p for s in every_statement(loop.body) for p in parts_of(s))
    return any(isinstance(s, leaves) for s in every_statement(loop.body)) or any(
        isinstance(p, ir.AssignmentExpression) or (isinstance(p, ir.Call) and last_word(p.name) in _ENDING)
        for p in parts
    )


_SHORT: Final = 2
"""Statements of an attempt: the load, and leaving the loop."""
_ENDING: Final = frozenset({"exit", "_exit", "abort", "err", "errx", "quick_exit", "fatal", "die", "ExitProcess"})
