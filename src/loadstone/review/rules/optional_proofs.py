"""Signatures that are verified where there is one: what carries none passes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from loadstone.core.claims import Claim, Location
from loadstone.review import ir
from loadstone.review.analyses.mentions import every_expression, every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import calls, expressions

__all__ = ["TALKS", "VERIFIES", "proofs_that_may_be_missing"]

VERIFIES: Final = re.compile(
    r"(?i)verif|check_?sig|valid_?sig|sig\w*_?(?:ok|good|valid|check)|authentic|genuine|\bis_?signed"
    r"|(?:digest|checksum|hash|md5|sha\d+)_?(?:is)?_?(?:ok|good|match\w*|valid)\Z"
    r"|(?:check|match|same|compare)_?(?:the)?_?(?:digest|checksum|hash|sum|md5|sha\d+)\Z"
)
"""Functions that say whether something is what it should be, by their names."""

_PROOF: Final = re.compile(r"(?i)(?:\A|[^a-z])sig(?:s|_|\Z|[^a-zN])|signature|siglen|sigsize|\bmac\b|hmac|\bcert|proof")
_POLICY: Final = re.compile(r"(?i)requir|need|enforce|mandatory|policy|strict|wanted|must")
"""Words of a setting, which says whether proofs are asked for at all."""

_COUNTS: Final = frozenset({"size", "length", "count", "len", "strlen"})
_EMPTY: Final = frozenset({"empty", "isEmpty", "isNull"})


def proofs_that_may_be_missing(rule: Rule, unit: ir.Unit) -> Iterator[Claim]:
    """``if (has(signature) && !verify(data, signature)) refuse``, with the question inside, or with no refusal."""
    for function in unit.functions:
        yield from _unsigned_is_good(rule, unit, function)
        for block in _blocks(function.body):
            for number, statement in enumerate(block.body):
                if isinstance(statement, ir.If):
                    after = block.body[number + 1 :]
                    call = _asked_together(statement) or _asked_inside(statement, after)
                    if (told := _only_told(statement, after)) is not None:
                        yield rule.no(
                            f"Where {last_word(told.name)} says no that is only reported, and what follows goes on.",
                            Location.lines(unit.path, statement.line),
                            fix="Refuse what is not genuine.",
                            context=function.name,
                            condition=function.condition,
                        )
                    elif call is not None:
                        yield rule.no(
                            f"{last_word(call.name)} is called only when there is a signature: without one "
                            "everything passes.",
                            Location.lines(unit.path, statement.line),
                            fix="Refuse what carries no signature.",
                            context=function.name,
                            condition=function.condition,
                        )


_UNSIGNED: Final = re.compile(r"TRUST_E_(?:NOSIGNATURE|SUBJECT_FORM_UNKNOWN|PROVIDER_UNKNOWN)|CERT_E_UNTRUSTEDROOT")


def _unsigned_is_good(rule: Rule, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    """``rc != ERROR_SUCCESS && rc != TRUST_E_NOSIGNATURE``: WinVerifyTrust's answer for a file without a signature."""
    for part in every_expression(function.body):
        match part:
            case ir.Operation(
                operator="&&" | "||" as both,
                operands=(
                    ir.Operation(operator="==" | "!=" as one, operands=(left, good)),
                    ir.Operation(operator="==" | "!=" as other, operands=(again, bad)),
                ),
            ) if one == other == ("!=" if both == "&&" else "=="):
                names = [last_word(n) for n in (*_names(good), *_names(bad))]
                same = {*_names(left)} == {*_names(again)} != set()
                if same and any(map(_UNSIGNED.search, names)) and not all(map(_UNSIGNED.search, names)):
                    yield rule.no(
                        "A file that carries no signature, or one that nobody vouches for, is taken like a good one.",
                        Location.lines(unit.path, part.line),
                        fix="Accept ERROR_SUCCESS alone.",
                        context=function.name,
                        condition=function.condition,
                    )


def _blocks(body: ir.Block) -> Iterator[ir.Block]:
    yield body
    for statement in every_statement(body):
        match statement:
            case ir.If(then=then, otherwise=otherwise):
                yield then
                if otherwise is not None:
                    yield otherwise
            case ir.Try(body=inner) | ir.With(body=inner) | ir.Loop(body=inner):
                yield inner


def _asked_together(statement: ir.If) -> ir.Call | None:
    """``if (there && !good) leave;``."""
    condition = uncast(statement.condition)
    if not isinstance(condition, ir.Operation) or condition.operator != "&&" or not _leaves(statement.then):
        return None
    *there, last = condition.operands
    call = _refused(last)
    return call if call is not None and any(_is_there(part, call) for part in there) else None


def _asked_inside(statement: ir.If, after: Sequence[ir.Statement]) -> ir.Call | None:
    """``if (there) { if (!good) leave; }`` with no other arm, and more of the function behind it that goes well."""
    if statement.otherwise is not None or not _goes_well(after):
        return None
    for inner in statement.then.body:
        call = None
        if isinstance(inner, ir.If) and _leaves(inner.then):
            call = _refused(inner.condition)
        elif isinstance(inner, ir.Evaluate) and isinstance(inner.expression, ir.Call):
            call = inner.expression if _raises(inner.expression) else None
        if call is not None and _is_there(statement.condition, call):
            return call
    return None


TALKS: Final = re.compile(
    r"(?i)\A(?:f?printf|f?puts|perror|syslog|warnx?|print|log|info|warning|error|debug|critical|q(?:Warning|Critical)"
    r"|g_(?:warning|message|printerr)|OutputDebugString[AW]?)\Z"
)
"""Functions that say something and come back."""


def _only_told(statement: ir.If, after: Sequence[ir.Statement]) -> ir.Call | None:
    """``if (!verify(file)) fprintf(stderr, "bad");`` and on."""
    said = [s.expression for s in statement.then.body if isinstance(s, ir.Evaluate)]
    only = len(said) == len(statement.then.body) and statement.otherwise is None
    talks = bool(said) and all(isinstance(e, ir.Call) and TALKS.match(last_word(e.name)) for e in said)
    return _refused(statement.condition) if only and talks and _goes_well(after) else None


_RAISING: Final = re.compile(r"(?i)\A_?verify(?:_\w+)?\Z|\Acheck_signature\Z")


def _raises(call: ir.Call) -> bool:
    """Whether a verifier of Python is called for the exception it raises."""
    return bool(_RAISING.match(call.name.rpartition(".")[2])) and "." in call.name and "::" not in call.name


def _goes_well(after: Sequence[ir.Statement]) -> bool:
    """Whether what follows does something, and does not end in a refusal."""
    last = after[-1] if after else None
    if last is None or isinstance(last, ir.Raise):
        return False
    value = uncast(last.value) if isinstance(last, ir.Return) else None
    if isinstance(value, ir.Literal):
        return len(after) > 1 or (value.value is not None and value.value is not False)
    return True


def _refused(condition: ir.Expression) -> ir.Call | None:
    """The verifier whose no a condition is true for: ``!verify(...)``, ``verify(...) != 1``, ``verify(...) <= 0``."""
    bare = uncast(condition)
    if not isinstance(bare, ir.Operation) or bare.operator not in {"!", "!=", "==", "<=", "<"}:
        return None
    call = uncast(bare.operands[0])
    other = uncast(bare.operands[1]) if len(bare.operands) > 1 else None
    if not isinstance(call, ir.Call) or not VERIFIES.search(last_word(call.name)):
        return None
    zero = isinstance(other, ir.Literal) and not other.value
    return call if bare.operator != "==" or zero else None


def _is_there(condition: ir.Expression, call: ir.Call) -> bool:
    """Whether a condition asks if there is the proof that a verifier is given: it, its length, or its key."""
    bare = uncast(condition)
    given = {name for argument in call.arguments for name in _names(argument)} | {*_names(call.receiver)}
    match bare:
        case ir.Operation(operator="!=" | ">", operands=(left, right)) if _is_nothing(right):
            asked = left
        case ir.Operation(operator="!", operands=(inner,)):
            emptied = uncast(inner)
            if not isinstance(emptied, ir.Call) or last_word(emptied.name) not in _EMPTY:
                return False
            asked = emptied.receiver if emptied.receiver is not None else inner
        case ir.Operation(operator="in", operands=(ir.Literal(value=str(key)), _)):
            return bool(_PROOF.search(key)) and key in {
                e.value for a in call.arguments for e in expressions(a) if isinstance(e, ir.Literal)
            }
        case ir.Name() | ir.Member() | ir.Item():
            asked = bare
        case ir.Call() if last_word(bare.name) in _COUNTS:
            asked = bare
        case ir.Call(receiver=ir.Name() as asked) if last_word(bare.name) in {"exists", "is_file"}:
            pass
        case _:
            return False
    words = {*_names(asked)}
    named = " ".join(words)
    return bool(words & given) and bool(_PROOF.search(named)) and not _POLICY.search(named)


def _is_nothing(expression: ir.Expression) -> bool:
    bare = uncast(expression)
    none = isinstance(bare, ir.Literal) and not bare.value
    return none or (isinstance(bare, ir.Name) and last_word(bare.name) in {"NULL", "nullptr"})


def _names(expression: ir.Expression | None) -> Iterator[str]:
    for part in expressions(expression):
        if isinstance(part, ir.Name | ir.Member):
            yield last_word(part.name)


def _leaves(block: ir.Block) -> bool:
    """Whether a block ends in a way out."""
    last = block.body[-1] if block.body else None
    if isinstance(last, ir.Evaluate):
        return any(last_word(c.name) in {"exit", "abort", "die", "fatal", "err", "errx"} for c in calls((last,)))
    return isinstance(last, ir.Return | ir.Raise | ir.Jump)
