"""Python: proofs of a file that say less than the program takes them for.

A verifier of OpenSSL answers 1, 0 or a negative number; a signature covers the slice it is given; and a file that was
verified under its name is another one by the time the name is opened again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.state import Spot
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.travel.names import Routine
from loadstone.review.analyses.words import uncast
from loadstone.review.apis import ApiRole, Success, tables
from loadstone.review.rules.places import step
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.verification_off import VERIFIES
from loadstone.review.walk import calls, expressions, parts_of, statements

__all__ = ["answers_of_three", "prefixes_alone", "read_again"]

_OPENS: Final = frozenset({"open", "os.open", "io.open", "pathlib.Path.open", "pathlib.Path.read_bytes"})
_OPENING: Final = frozenset({"open", "read_bytes", "read_text"})
_DEEP: Final = 3
"""Calls between the function that is asked to verify and the one that opens the file, or compares."""

_DIGESTS: Final = re.compile(r"(?i)hashlib|sha\d{3}|hexdigest|_digest\b|blake|merkle|manifest")


# Verdicts of three values.


def answers_of_three(rule: Rule, facts: Facts, unit: ir.Unit) -> Iterator[Claim]:
    """``if not EVP_DigestVerify(...): refuse``: a negative answer is an error, and passes."""
    bindings = facts.bindings[unit.path]
    for function in unit.functions:
        verified = {
            id(call): symbol
            for call in calls(function.body.body)
            if (symbol := bindings.symbol(call, function.owner)) is not None and _is_of_three(symbol)
        }
        if not verified:
            continue
        held = {
            spelled(s.target): s.value
            for s in statements(function.body.body)
            if isinstance(s, ir.Assign) and id(uncast(s.value)) in verified
        }
        compared = {
            id(uncast(o)) if isinstance(uncast(o), ir.Call) else spelled(o)
            for s in statements(function.body.body)
            for part in parts_of(s)
            if isinstance(part, ir.Operation) and part.operator in _COMPARES and not _with_zero(part)
            for o in part.operands
        } - {""}
        for taken, line in _taken_as_truth(function):
            call = uncast(taken) if isinstance(uncast(taken), ir.Call) else uncast(held.get(spelled(taken)))
            if call is None or id(call) not in verified or {id(call), spelled(taken)} & compared:
                continue
            yield rule.no(
                f"{verified[id(call)]} gives a negative number when it cannot verify, and this takes it for yes.",
                Location.lines(unit.path, line),
                cwe=253,
                fix="Accept exactly 1.",
                context=function.name,
            )


_COMPARES: Final = frozenset({"==", "!=", "<", "<=", ">", ">="})


def _is_of_three(symbol: str) -> bool:
    api = tables().get(symbol)
    return api is not None and api.role is ApiRole.VERIFY and api.success is Success.ONE


def _with_zero(comparison: ir.Operation) -> bool:
    """``f() == 0``: asks for the plain no alone."""
    zero = any(isinstance(o, ir.Literal) and o.value == 0 for o in map(uncast, comparison.operands))
    return zero and comparison.operator in {"==", "!="}


def _taken_as_truth(function: ir.Function) -> Iterator[tuple[ir.Expression, int]]:
    """What a function takes for a yes or a no, and where: in conditions, by ``bool``, by a comparison with 0."""
    for statement in statements(function.body.body):
        asked = [c for c in (getattr(statement, "condition", None),) if c is not None]
        for part in parts_of(statement):
            if isinstance(part, ir.Call) and part.name == "bool":
                asked += part.arguments
            elif isinstance(part, ir.Operation) and part.operator == "?:":
                asked.append(part.operands[0])
            elif isinstance(part, ir.Operation) and part.operator == "!":
                asked.append(part)
        for condition in asked:
            yield from ((atom, statement.line) for atom in _atoms(condition))


def _atoms(condition: ir.Expression) -> Iterator[ir.Expression]:
    bare = uncast(condition)
    if isinstance(bare, ir.Operation) and bare.operator in {"!", "&&", "||"}:
        for operand in bare.operands:
            yield from _atoms(operand)
    elif isinstance(bare, ir.Operation) and _with_zero(bare):
        yield from (o for o in bare.operands if not isinstance(uncast(o), ir.Literal))
    else:
        yield bare


# Signatures of a part.


def prefixes_alone(rule: Rule, unit: ir.Unit) -> Iterator[Claim]:
    """``verify(data[-64:], data[:HEAD])``: what stands between is nobody's word."""
    if _DIGESTS.search(unit.text):
        return  # what is signed may hold the digest of the rest
    for function in unit.functions:
        for call in calls(function.body.body):
            if not VERIFIES.search(simple(call.name)) and not _VERIFYING.search(simple(call.name)):
                continue
            sliced = [(spelled(a.base), a.index) for a in map(uncast, call.arguments) if isinstance(a, ir.Item)]
            ends = {name for name, index in sliced if name and _is_end(index)}
            heads = {name for name, index in sliced if name and _is_head(index)}
            for name in sorted(ends & heads):
                yield rule.no(
                    f"Only the beginning of {name} is verified: what follows it can be anything.",
                    Location.lines(unit.path, call.line),
                    cwe=345,
                    fix="Verify all of it but the signature.",
                    context=function.name,
                )


_VERIFYING: Final = re.compile(r"(?i)check_?(?:seal|sig)|verif|authentic")


def _bounds(index: ir.Expression) -> tuple[ir.Expression | None, ir.Expression | None]:
    bare = uncast(index)
    if not isinstance(bare, ir.Display) or not set(bare.keys) <= {"lower", "upper"}:
        return None, None
    named = dict(zip(bare.keys, bare.items, strict=True))
    return named.get("lower"), named.get("upper")


def _is_end(index: ir.Expression) -> bool:
    """``[-64:]``: the signature at the end."""
    lower, upper = _bounds(index)
    return lower is not None and upper is None and _is_negative(lower)


def _is_head(index: ir.Expression) -> bool:
    """``[:16]``, ``[:HEADER.size]``, and not ``[:-64]``."""
    lower, upper = _bounds(index)
    plain = isinstance(uncast(upper), ir.Literal) or spelled(upper).endswith(".size") or spelled(upper).isupper()
    return lower is None and upper is not None and plain and not _is_negative(upper)


def _is_negative(bound: ir.Expression) -> bool:
    match uncast(bound):
        case ir.Literal(value=int(value)):
            return value < 0
        case ir.Operation(operator="-", operands=(_,)):
            return True
    return False


# Names that are opened again.


def read_again(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """``verify(path)``, which reads the file and compares, and then ``path.read_bytes()`` for the use."""
    names = facts.travels.names
    for routine in names.routines:
        if not any(word in routine.unit.text for word in ("ctypes", "cffi")):
            continue
        verified: dict[str, tuple[int, str]] = {}
        for statement in statements(routine.function.body.body):
            for call in (part for part in parts_of(statement) if isinstance(part, ir.Call)):
                opened = _opened(call)
                since, by = verified.get(opened, (0, ""))
                if 0 < since < call.line and not _writes(call):
                    yield _no(rule, routine, opened, since, by, call.line)
                    verified.pop(opened)
                for called in names.called(routine, call)[:1]:
                    for position, name in enumerate(called.parameters):
                        given = spelled(called.argument(call, position))
                        if given and _reads(facts, called, name, _DEEP) and _refuses(facts, called, _DEEP):
                            verified[given] = call.line, simple(called.function.name)
            if isinstance(statement, ir.Assign):
                verified.pop(spelled(statement.target), None)


def _no(rule: Rule, routine: Routine, name: str, since: int, by: str, line: int) -> Claim:
    path, context = routine.unit.path, routine.function.name
    return rule.no(
        f"{by} verified the file under this name at line {since}; {name} is opened again here, and may be another "
        "file.",
        Location.lines(path, line),
        cwe=367,
        severity=Severity.MEDIUM,
        fix="Use the bytes that were verified.",
        why=(
            step(Spot(path, since, context), "the content is verified", "test"),
            step(Spot(path, line, context), "the name is opened anew", "use"),
        ),
        context=context,
    )


def _opened(call: ir.Call) -> str:
    """The file that a call opens to read, as it is spelled."""
    if call.name in _OPENS and call.receiver is None and call.arguments:
        return spelled(call.arguments[0])
    if call.receiver is not None and simple(call.name) in _OPENING:
        return spelled(call.receiver)
    return spelled(call.arguments[0]) if call.name in _OPENS and call.arguments else ""


def _writes(call: ir.Call) -> bool:
    modes = [
        e.value
        for a in (*call.arguments, *dict(call.keywords).values())
        for e in expressions(a)
        if isinstance(e, ir.Literal)
    ]
    flags = {spelled(e) for a in call.arguments for e in expressions(a)}
    return any(isinstance(m, str) and re.fullmatch(r"[rb+]*[wax+][b+]*", m) for m in modes) or bool(
        flags & {"os.O_WRONLY", "os.O_RDWR", "os.O_CREAT"}
    )


def _reads(facts: Facts, routine: Routine, name: str, left: int) -> bool:
    """Whether a function opens the file that a parameter names, itself or through what it calls."""
    for call in calls(routine.function.body.body):
        if _opened(call) == name and not _writes(call):
            return True
        for called in facts.travels.names.called(routine, call)[:1] if left else ():
            for position, parameter in enumerate(called.parameters):
                if spelled(called.argument(call, position)) == name and _reads(facts, called, parameter, left - 1):
                    return True
    return False


def _refuses(facts: Facts, routine: Routine, left: int) -> bool:
    """Whether a function, or one it calls, verifies a signature or compares digests, and raises for a bad one."""
    bindings = facts.bindings[routine.unit.path]
    for call in calls(routine.function.body.body):
        if simple(call.name) in {"verify", "compare_digest"} and call.receiver is not None:
            return True
        if call.name.endswith(".compare_digest") or _is_of_three(bindings.symbol(call, routine.function.owner) or ""):
            return True
        for called in facts.travels.names.called(routine, call)[:1] if left else ():
            if called.function is not routine.function and _refuses(facts, called, left - 1):
                return True
    return False
