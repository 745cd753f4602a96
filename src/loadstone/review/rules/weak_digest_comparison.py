"""Is a digest compared, all of it, and as the bytes it is?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.optional_proofs import VERIFIES
from loadstone.review.rules.places import NATIVE
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions, kept, tops

__all__ = ["RULE"]

_TEXTUAL: Final = re.compile(r"\A(?:str|wcs)n?(?:case)?cmp\Z")
_BYTES: Final = re.compile(r"\b(?:uint8_t|unsigned char|u_char|BYTE|uchar|quint8|guint8)\b.*(?:\[\]|\*)")
_DIGEST: Final = re.compile(r"(?i)digest|sha\d|hash|checksum|md5|\bsum\b|mac\b|fingerprint")
_MAKES: Final = re.compile(
    r"(?i)digest|sha_?\d|md\d|checksum|fingerprint|blake|hmac|(?:check|verify|match|compare)\w*_?hash"
    r"|hash_?(?:file|final|finish|of|sum|bytes|buf|match|ok|equal)"
)
"""Names of functions that make or check a digest: ``hash`` alone is more often a table."""

_MEASURES: Final = frozenset({"size", "length", "count", "strlen"})
_ORDERS: Final = frozenset({"==", "!=", "<", "<=", ">", ">="})


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for unit in facts.program.units:
        for function in unit.functions if unit.language in NATIVE else ():
            yield from _as_text(rule, unit, function)
            yield from _by_others_length(rule, unit, function)
            yield from _too_short(rule, facts, unit, function)
            yield from _broken(rule, unit, function)
            yield from _unused(rule, facts, unit, function)


def _as_text(rule: Rule, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    """``strncmp`` of bytes ends at the first zero."""
    makes = bool(_MAKES.search(" ".join((function.name, *(c.name for c in calls_in(function.body))))))
    types = {p.name: p.type for p in function.parameters}
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and statement.declares and isinstance(statement.target, ir.Name):
            types[statement.target.name] = statement.type
    for call in every_expression(function.body):
        if not isinstance(call, ir.Call) or not _TEXTUAL.match(call.name):
            continue
        casts = [a for a in call.arguments[:2] if isinstance(a, ir.Cast) and "char" in a.type]
        named = [n for c in casts if isinstance(n := uncast(c), ir.Name) and _BYTES.search(types.get(n.name, ""))]
        if named and (makes or any(_DIGEST.search(_spelled(a)) for a in call.arguments[:2])):
            message = f"{call.name} compares bytes as text: the comparison of {named[0].name} ends at the first zero."
            yield _finding(rule, unit, function, call.line, message, "Compare all bytes with memcmp of the full size.")


def _by_others_length(rule: Rule, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    """``got.compare(0, given.size(), given)``: as many digits as the other side cares to give, none for none."""
    for call in every_expression(function.body):
        if not isinstance(call, ir.Call):
            continue
        word = last_word(call.name)
        if word == "compare" and len(call.arguments) == 3:
            length, other = uncast(call.arguments[1]), uncast(call.arguments[2])
        elif word in {"startsWith", "starts_with"} and len(call.arguments) == 1 and call.receiver is not None:
            other = uncast(call.arguments[0])
            if not isinstance(other, ir.Literal) and _DIGEST.search(_spelled(call.receiver)):
                message = f"{_spelled(call.receiver)} is only compared with the beginning that {_spelled(other)} has."
                fix = "Require the full length, then compare all of it."
                yield _finding(rule, unit, function, call.line, message, fix)
            continue
        elif word in {"strncmp", "memcmp", "strncasecmp"} and len(call.arguments) == 3:
            length, other = uncast(call.arguments[2]), uncast(call.arguments[1])
        else:
            continue
        if _is_theirs(function, length, other):
            message = (
                f"{_spelled(length)} says how much of the digest is compared, and nothing says how much it must be."
            )
            yield _finding(rule, unit, function, call.line, message, "Require the full length, then compare all of it.")
            continue
        measured = _measured(length)
        if measured is not None and _spelled(measured) == _spelled(other) and _DIGEST.search(_spelled(other)):
            message = (
                f"As much of the digest is compared as {_spelled(other)} happens to have: nothing when it is empty."
            )
            yield _finding(rule, unit, function, call.line, message, "Require the full length, then compare all of it.")


_LENGTH_AT: Final = {"strncmp": 2, "memcmp": 2, "strncasecmp": 2, "CRYPTO_memcmp": 2, "RtlCompareMemory": 2, "bcmp": 2}
_SHORTEST: Final = 16
"""Bytes of a digest that nobody can match by trying: half of what SHA-256 has (NIST SP 800-107)."""


def _too_short(rule: Rule, facts: Facts, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    """``memcmp(have, want, 4)``: a file with the same four bytes is quickly made."""
    made = _digests_of(facts, function)
    for call in calls_in(function.body):
        word = last_word(call.name)
        if word in _LENGTH_AT and len(call.arguments) == 3:
            length, compared = uncast(call.arguments[2]), call.arguments[:2]
        elif word == "compare" and call.receiver is not None and len(call.arguments) in {3, 5}:
            length, compared = uncast(call.arguments[1]), (call.receiver, call.arguments[2])
        else:
            continue
        number = length.value if isinstance(length, ir.Literal) else None
        few = isinstance(number, int) and 0 < number < _SHORTEST
        names = [_spelled(one) for one in compared]
        fixed = any(isinstance(uncast(one), ir.Literal | ir.Operation) for one in compared)
        if few and not fixed and all(names) and any(n in made or _DIGEST.search(n) for n in (*names, function.name)):
            message = f"Only {number!r} bytes of the digest are compared."
            yield _finding(rule, unit, function, call.line, message, "Compare all bytes of the digest.")


def _digests_of(facts: Facts, function: ir.Function) -> set[str]:
    """The variables that calls which make a digest are given."""
    makes = (c for c in calls_in(function.body) if _makes_digest(facts, c) or _MAKES.search(last_word(c.name)))
    return {name for call in makes for a in call.arguments if (name := _spelled(a))}


def _makes_digest(facts: Facts, call: ir.Call) -> bool:
    api = facts.apis.get(call.name)
    return (api is not None and api.role is ApiRole.DIGEST) or call.name in _digesters(facts)


@kept
def _digesters(facts: Facts) -> frozenset[str]:
    """The functions of the program that make a digest with an interface that is known."""
    return frozenset(site.function.name for site in facts.of(ApiRole.DIGEST))


_BROKEN: Final = re.compile(r"\A(?:CC_)?(MD4|MD5|SHA1|EVP_md5|EVP_sha1|EVP_md4)(?:_Final|Final)?\Z")
_EQUALS: Final = frozenset({"memcmp", "CRYPTO_memcmp", "bcmp", "strcmp", "strcasecmp", "timingsafe_bcmp"})


def _broken(rule: Rule, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    """MD5 or SHA-1 in a function that compares what it gave: two files with one digest can be made (RFC 6151)."""
    compares = any(last_word(c.name) in _EQUALS for c in calls_in(function.body))
    for call in calls_in(function.body) if compares or VERIFIES.search(last_word(function.name)) else ():
        found = _BROKEN.match(last_word(call.name))
        if found is not None:
            yield rule.no(
                f"{found[1].removeprefix('EVP_').upper()} does not tell two files apart: collisions are made at will.",
                Location.lines(unit.path, call.line),
                cwe=328,
                severity=Severity.MEDIUM,
                fix="Use SHA-256 or better.",
                context=function.name,
                condition=function.condition,
            )
            return


def _is_theirs(function: ir.Function, length: ir.Expression, other: ir.Expression) -> bool:
    """Whether the length is a member beside the digest that is compared, which nothing in the function tests."""
    beside = isinstance(length, ir.Member) and isinstance(other, ir.Member) and _DIGEST.search(other.name)
    if not beside or not isinstance(length, ir.Member) or not isinstance(other, ir.Member):
        return False
    if _spelled(length.base) != _spelled(other.base):
        return False
    orders = (e for e in every_expression(function.body) if isinstance(e, ir.Operation) and e.operator in _ORDERS)
    return not any(_spelled(o) == _spelled(length) for e in orders for o in e.operands)


def _measured(length: ir.Expression) -> ir.Expression | None:
    """What a length is the length of."""
    if not isinstance(length, ir.Call) or last_word(length.name) not in _MEASURES:
        return None
    return length.receiver if length.receiver is not None else next(iter(length.arguments), None)


def _spelled(expression: ir.Expression) -> str:
    bare = uncast(expression)
    if isinstance(bare, ir.Member):
        return f"{_spelled(bare.base)}.{bare.name}"
    if isinstance(bare, ir.Call) and bare.receiver is not None and last_word(bare.name) in {"c_str", "data"}:
        return _spelled(bare.receiver)
    return bare.name if isinstance(bare, ir.Name) else ""


def _unused(rule: Rule, facts: Facts, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    """A digest is made, kept in a variable, and only ever printed."""
    for statement in every_statement(function.body):
        value = uncast(statement.value) if isinstance(statement, ir.Assign) else None
        target = statement.target if isinstance(statement, ir.Assign) else None
        api = facts.apis.get(value.name) if isinstance(value, ir.Call) else None
        if api is None or api.role is not ApiRole.DIGEST or not isinstance(target, ir.Name):
            continue
        uses = [(s, top) for s in every_statement(function.body) for top in tops(s) if _mentions(top, target.name, s)]
        logged = [s for s, top in uses if _only_talks(top, facts)]
        if uses and len(logged) == len(uses):
            place = Location.lines(unit.path, statement.line)
            last = max((call.line for call in calls_in(function.body)), default=statement.line)
            yield rule.no(
                f"The digest in {target.name} is made and shown, and compared with nothing.",
                place,
                fix="Compare it with the one that is expected.",
                why=(
                    FlowStep(place, "the digest is made", "test"),
                    FlowStep(Location.lines(unit.path, last), "and what it was made of goes on", "use"),
                ),
                context=function.name,
                condition=function.condition,
            )


def _mentions(top: ir.Expression, name: str, statement: ir.Statement) -> bool:
    if isinstance(statement, ir.Assign) and top is statement.target:
        return False
    return any(isinstance(e, ir.Name) and e.name == name for e in expressions(top))


def _only_talks(top: ir.Expression, facts: Facts) -> bool:
    bare = uncast(top)
    api = facts.apis.get(bare.name) if isinstance(bare, ir.Call) else None
    return api is not None and api.role is ApiRole.LOG


def _finding(rule: Rule, unit: ir.Unit, function: ir.Function, line: int, message: str, fix: str) -> Claim:
    place = Location.lines(unit.path, line)
    return rule.no(message, place, fix=fix, context=function.name, condition=function.condition)


RULE: Final = Rule(
    id="weak-digest-comparison",
    question="Is a digest compared, all of it, and as the bytes it is?",
    practice=Practice.INTEGRITY,
    cwe=345,
    severity=Severity.HIGH,
    languages=NATIVE,
    why="A comparison that ends early, or that the other side may shorten, lets code pass that was never approved.",
    fix="Require the full length, and compare all bytes with the expected ones.",
    bad="if (strncmp((char *)digest, (char *)wanted, 32) == 0) load(path);\n",
    good="if (memcmp(digest, wanted, 32) == 0) load(path);\n",
    references=(
        "https://cwe.mitre.org/data/definitions/345.html",
        "https://cwe.mitre.org/data/definitions/697.html",
    ),
    answer=_answer,
)
