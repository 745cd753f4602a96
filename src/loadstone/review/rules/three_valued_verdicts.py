"""Verdicts of a program's own verifiers that say yes, no, or that nothing could be verified: is an error taken for yes?

What such a function gives is read off its body, or off the comment above its declaration.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import every_expression, every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.rules.lookups import word
from loadstone.review.walk import kept

__all__ = ["ErrorTakenForYes", "errors_taken_for_yes"]

_VERIFIES: Final = re.compile(r"(?i)verif|sign(?:ature|ed)|sig_?(?:check|ok|valid)|check_?sig|trust|authentic|genuine")
_DECLARED: Final = re.compile(
    r"/\*((?:[^*]|\*(?!/)){0,2000})\*/\s*(?:[\w\s*]{1,60}?)\b([A-Za-z_]\w*)\s*\([^;{}()]*\)\s*;"
)
"""A comment and the declaration below it."""

_SAYS_ERROR: Final = re.compile(r"(?:\A|[^\w-])(?:-1|-E[A-Z]+|< ?0)\b|\bnegative\b")
_SAYS_NO: Final = re.compile(r"(?:\A|[^\w.-])0\b")
_ORDERS: Final = frozenset({"<", "<=", ">", ">="})


@dataclass(frozen=True, slots=True)
class ErrorTakenForYes:
    """A test that lets an error pass for yes: the verifier, the lines of its call and of the test."""

    function: ir.Function
    verifier: str
    called: int
    tested: int


def errors_taken_for_yes(facts: Facts, unit: ir.Unit) -> Iterator[ErrorTakenForYes]:
    """The tests of a file's functions that ask a verdict of three for one no alone."""
    verifiers = _declared(unit) | {
        last_word(f.name) for other in facts.program.units for f in other.functions if _gives_three(f)
    }
    for function in unit.functions if verifiers & unit.words else ():
        held = _held(function, verifiers)
        exact = {name for name in held if _is_asked_exactly(function, name)}
        for statement in every_statement(function.body):
            if not isinstance(statement, ir.If):
                continue
            subject = _taken_as_truth(statement.condition)
            call = subject if isinstance(subject, ir.Call) else held.get(word(subject))
            if call is not None and last_word(call.name) in verifiers and word(subject) not in exact:
                yield ErrorTakenForYes(function, last_word(call.name), call.line, statement.condition.line)


def _declared(unit: ir.Unit) -> set[str]:
    """Verifiers that are declared only, and whose comment tells of 0 and of a negative number."""
    if not any(map(_VERIFIES.search, unit.words)):
        return set()
    return {
        name
        for said, name in _DECLARED.findall(unit.text)
        if _VERIFIES.search(name) and _SAYS_ERROR.search(said) and _SAYS_NO.search(said)
    }


@kept
def _gives_three(function: ir.Function) -> bool:
    """Whether a verifier gives 0 for no, a positive number for yes and a negative one for an error."""
    if not _VERIFIES.search(last_word(function.name)) or "bool" in function.returns.lower():
        return False
    given = {
        _sign(option)
        for s in every_statement(function.body)
        if isinstance(s, ir.Return)
        for option in _options(s.value)
    }
    return {-1, 0, 1} <= given


def _options(value: ir.Expression | None) -> tuple[ir.Expression | None, ...]:
    bare = uncast(value)
    return bare.operands[1:] if isinstance(bare, ir.Operation) and bare.operator == "?:" else (bare,)


def _sign(value: ir.Expression | None) -> int | None:
    """-1, 0 or 1 as a number is negative, zero or positive; None for what is not written down. ``-EIO`` is negative."""
    bare = uncast(value)
    if isinstance(bare, ir.Literal) and isinstance(bare.value, int):
        return (bare.value > 0) - (bare.value < 0)
    if isinstance(bare, ir.Operation) and bare.operator == "-" and len(bare.operands) == 1:
        return -1
    return None


def _held(function: ir.Function, verifiers: set[str]) -> dict[str, ir.Call]:
    """The variables that hold a verdict."""
    set_: list[ir.Assign | ir.AssignmentExpression] = [
        s for s in every_statement(function.body) if isinstance(s, ir.Assign)
    ]
    within: list[ir.Assign | ir.AssignmentExpression] = [
        e for e in every_expression(function.body) if isinstance(e, ir.AssignmentExpression)
    ]
    return {
        word(one.target): value
        for one in set_ + within
        if not one.operator and isinstance(value := uncast(one.value), ir.Call) and last_word(value.name) in verifiers
    }


def _is_asked_exactly(function: ir.Function, name: str) -> bool:
    """Whether a verdict is compared with more than 0, switched over or given on: then an error has its place."""
    for part in every_expression(function.body):
        if isinstance(part, ir.Operation) and any(word(o) == name for o in part.operands):
            others = [o for o in part.operands if word(o) != name]
            if part.operator in _ORDERS or (part.operator in {"==", "!="} and any(_sign(o) != 0 for o in others)):
                return True
    return any(
        (isinstance(s, ir.Switch) and word(s.subject) == name) or (isinstance(s, ir.Return) and word(s.value) == name)
        for s in every_statement(function.body)
    )


def _taken_as_truth(condition: ir.Expression) -> ir.Expression | None:
    """What a condition takes for a yes or a no: ``v``, ``!v``, ``v == 0``, ``(v = f()) != 0``."""
    bare: ir.Expression | None = uncast(condition)
    if isinstance(bare, ir.Operation) and bare.operator == "!":
        bare = uncast(bare.operands[0])
    elif isinstance(bare, ir.Operation) and bare.operator in {"==", "!="}:
        left, right = (uncast(o) for o in bare.operands)
        bare = left if _sign(right) == 0 else right if _sign(left) == 0 else None
    return uncast(bare.target) if isinstance(bare, ir.AssignmentExpression) else bare
