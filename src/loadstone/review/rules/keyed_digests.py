"""Python: keyed digests that nobody has to send, and comparisons of them that tell how much was right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.mentions import says
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.travel.names import Routine
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import calls, expressions, parts_of, statements

__all__ = ["about_keyed_digests"]

_MAKES: Final = re.compile(r"hmac\.(?:new|digest|HMAC)\Z")
_KEYED: Final = re.compile(r"hashlib\.blake2[bs]\Z")
_SPEAKS: Final = re.compile(r"hmac|blake2")
_GIVES: Final = frozenset({"digest", "hexdigest"})


def about_keyed_digests(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """The claims about the functions of a program that make keyed digests, or compare them."""
    routines = [r for r in facts.travels.names.routines if says(r.unit, _SPEAKS)]
    makers = {id(r.function) for r in routines if _gives_keyed(r.function)}
    for routine in routines:
        for statement in statements(routine.function.body.body):
            if isinstance(statement, ir.If):
                yield from _optional(rule, routine, statement)
            yield from _timed(rule, facts, routine, statement, makers)


def _is_made(call: ir.Call) -> bool:
    return bool(_MAKES.match(call.name)) or (bool(_KEYED.match(call.name)) and "key" in dict(call.keywords))


def _is_keyed(value: ir.Expression | None) -> bool:
    """``hmac.new(key, data, "sha256").hexdigest()``, ``hmac.digest(...)``."""
    bare = uncast(value)
    while (
        isinstance(bare, ir.Call) and bare.receiver is not None and simple(bare.name) in _GIVES and not _is_made(bare)
    ):
        bare = uncast(bare.receiver)
    return isinstance(bare, ir.Call) and _is_made(bare)


def _held(function: ir.Function) -> frozenset[str]:
    """The variables of a function that hold a keyed digest, or what makes one."""
    held: set[str] = set()
    for statement in statements(function.body.body):
        if isinstance(statement, ir.Assign) and (name := spelled(statement.target)):
            value = uncast(statement.value)
            of = spelled(value.receiver) if isinstance(value, ir.Call) and simple(value.name) in _GIVES else ""
            if _is_keyed(value) or of in held:
                held.add(name)
    return frozenset(held)


def _gives_keyed(function: ir.Function) -> bool:
    held = _held(function)
    given = [s.value for s in statements(function.body.body) if isinstance(s, ir.Return) and s.value is not None]
    return bool(given) and all(_is_keyed(value) or spelled(value) in held for value in given)


def _timed(rule: Rule, facts: Facts, routine: Routine, statement: ir.Statement, makers: set[int]) -> Iterator[Claim]:
    """``sign(body) == given``: the time it takes says how many of the first characters were right."""
    held = _held(routine.function)
    for part in parts_of(statement):
        if not isinstance(part, ir.Operation) or part.operator not in {"==", "!="}:
            continue
        if not any(_is_sent(operand, routine.function) for operand in part.operands):
            continue
        for operand in map(uncast, part.operands):
            own = facts.travels.names.called(routine, operand) if isinstance(operand, ir.Call) else []
            if _is_keyed(operand) or spelled(operand) in held or (own and all(id(r.function) in makers for r in own)):
                yield rule.no(
                    "A keyed digest is compared with ==, which ends at the first difference: its time tells a sender "
                    "how much was right.",
                    Location.lines(routine.unit.path, part.line),
                    cwe=208,
                    severity=Severity.MEDIUM,
                    fix="Compare with hmac.compare_digest.",
                    context=routine.function.name,
                )
                break


def _is_sent(operand: ir.Expression, function: ir.Function) -> bool:
    """Whether a value is what a caller gives; who compares a file of its own can be timed by nobody."""
    own = {spelled(s.target) for s in statements(function.body.body) if isinstance(s, ir.Assign)}
    name = spelled(operand)
    return name in {p.name for p in function.parameters} - own


def _optional(rule: Rule, routine: Routine, statement: ir.If) -> Iterator[Claim]:
    """``if signature: <compare, and refuse what differs>``, and nothing where there is no signature."""
    function = routine.function
    name = _asked_to_be_there(statement.condition)
    if not name or statement.otherwise is not None or name not in {p.name for p in function.parameters}:
        return
    refusing = any(
        isinstance(inner, ir.If) and _compares(inner.condition, name, _held(function)) and _refuses(inner.then)
        for inner in statements(statement.then.body)
    )
    others = [
        s
        for s in statements(function.body.body)
        if isinstance(s, ir.If) and s is not statement and not statement.line <= s.line <= statement.then.end_line
    ]
    asked = any(isinstance(p, ir.Name) and p.name == name for s in others for p in expressions(s.condition))
    after = max((s.line for s in function.body.body), default=0)
    if refusing and not asked and not (after > statement.line and _refuses(function.body)):
        yield rule.no(
            f"Where {name} is missing nothing is compared, and what was not signed passes.",
            Location.lines(routine.unit.path, statement.line),
            cwe=347,
            fix="Refuse what has no signature.",
            context=function.name,
        )


def _asked_to_be_there(condition: ir.Expression) -> str:
    """``if x:``, ``if x is not None:``: the name."""
    bare = uncast(condition)
    if isinstance(bare, ir.Operation) and bare.operator == "!=":
        other = uncast(bare.operands[1])
        bare = uncast(bare.operands[0]) if isinstance(other, ir.Literal) and other.value in {None, ""} else bare
    return bare.name if isinstance(bare, ir.Name) else ""


def _compares(condition: ir.Expression, name: str, held: frozenset[str]) -> bool:
    """Whether a condition compares a keyed digest with what was sent."""
    mentions = {part.name for part in expressions(condition) if isinstance(part, ir.Name)}
    digests = any(simple(part.name) == "compare_digest" for part in expressions(condition) if isinstance(part, ir.Call))
    return name in mentions and (digests or bool(mentions & held))


def _refuses(block: ir.Block) -> bool:
    """Whether a block ends with an exception, or with a no."""
    last = block.body[-1] if block.body else None
    given = uncast(last.value) if isinstance(last, ir.Return) and last.value is not None else None
    leaves = isinstance(last, ir.Evaluate) and any(simple(c.name) in {"exit", "abort"} for c in calls((last,)))
    return isinstance(last, ir.Raise) or leaves or (isinstance(given, ir.Literal) and not given.value)
