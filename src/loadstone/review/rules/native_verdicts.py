"""Verdicts of a program's own verifying functions in C and C++: dropped, only shown, or good without any proof."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.optional_proofs import TALKS, VERIFIES
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions, kept, tops

__all__ = ["verdicts_without_effect"]

_PROOF: Final = re.compile(r"(?i)\.(?:sig|asc|p7s|sha\d+|md5|sum)\b|signature|sig_?(?:path|file|name)|\bsig\b")
"""What the name of a file that proves something has in it."""

_OPENS: Final = re.compile(
    r"(?:\A|::)(?:fopen|_w?fopen|open|_open|access|_access|stat|exists|QFile|w?ifstream|is_regular_file|CreateFile[AW]?)\Z"
)
_TRUTH: Final = frozenset({"bool", "int", "BOOL", "gboolean", "_Bool"})


def verdicts_without_effect(rule: Rule, facts: Facts, unit: ir.Unit) -> Iterator[Claim]:
    """``verify(file); load(file);``, and ``if (no signature file) return true;`` in what verifies."""
    judges = _judges(facts)
    for function in unit.functions:
        yield from _good_without(rule, unit, function)
        load = next((c for c in calls_in(function.body) if _loads(facts, c)), None)
        for call in _without_effect(function, judges) if load is not None else ():
            yield rule.no(
                f"What {last_word(call.name)} found decides nothing: line {load.line if load is not None else 0} loads "
                "all the same.",
                Location.lines(unit.path, call.line),
                cwe=345,
                fix="Refuse what is not good.",
                why=(FlowStep(Location.lines(unit.path, call.line), "it is verified", "test"),),
                context=function.name,
                condition=function.condition,
            )


def _loads(facts: Facts, call: ir.Call) -> bool:
    api = facts.apis.get(call.name)
    return (api is not None and api.role in {ApiRole.LOAD, ApiRole.PATH}) or last_word(call.name) in _loaders(facts)


@kept
def _loaders(facts: Facts) -> frozenset[str]:
    """The functions of the program that load a library themselves."""
    return frozenset(last_word(site.function.name) for site in facts.of(ApiRole.LOAD))


@kept
def _judges(facts: Facts) -> frozenset[str]:
    """The functions of the program that give a verdict: they verify by their name, and return yes or no."""
    native = (u for u in facts.program.units if u.language is not ir.Language.PYTHON)
    return frozenset(f.name for unit in native for f in unit.functions if _is_judge(facts, f))


def _is_judge(facts: Facts, function: ir.Function) -> bool:
    if not VERIFIES.search(last_word(function.name)) or not {*function.returns.split()} & _TRUTH:
        return False
    apis = (facts.apis.get(call.name) for call in calls_in(function.body))
    ends = any(api is not None and api.ends for api in apis)
    ends = ends or any(isinstance(s, ir.Raise) for s in every_statement(function.body))
    given = {*_returned(function)}
    return not ends and (len(given) > 1 or "computed" in given)


def _returned(function: ir.Function) -> Iterator[object]:
    """What the returns of a function give, each constant once and everything else as one."""
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Return) and statement.value is not None:
            value = uncast(statement.value)
            yield (value.value, type(value.value)) if isinstance(value, ir.Literal) else "computed"


def _without_effect(function: ir.Function, judges: frozenset[str]) -> Iterator[ir.Call]:
    for statement in every_statement(function.body):
        call = uncast(statement.expression) if isinstance(statement, ir.Evaluate) else None
        if isinstance(call, ir.Call) and call.name in judges:
            yield call
        made = uncast(statement.value) if isinstance(statement, ir.Assign) else None
        target = statement.target if isinstance(statement, ir.Assign) else None
        if (
            isinstance(made, ir.Call)
            and made.name in judges
            and isinstance(target, ir.Name)
            and _is_shown(function, target.name, statement)
        ):
            yield made


def _is_shown(function: ir.Function, name: str, made: ir.Statement) -> bool:
    """Whether a local variable is only ever printed."""
    declared = any(
        isinstance(s, ir.Assign) and s.declares and isinstance(s.target, ir.Name) and s.target.name == name
        for s in every_statement(function.body)
    )
    uses = [
        top
        for s in every_statement(function.body)
        if s is not made
        for top in tops(s)
        if any(isinstance(e, ir.Name) and e.name == name for e in expressions(top))
    ]
    talked = [u for u in uses if isinstance(u, ir.Call) and TALKS.match(last_word(u.name))]
    return declared and len(talked) == len(uses)


def _good_without(rule: Rule, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    """``if (!(f = fopen(signature))) return 1;`` in a function that says yes with a comparison at its end."""
    last = function.body.body[-1] if function.body.body else None
    end = uncast(last.value) if isinstance(last, ir.Return) else None
    says_yes = isinstance(end, ir.Operation | ir.Call) and not (isinstance(end, ir.Operation) and end.operator == "?:")
    if not says_yes or not VERIFIES.search(last_word(function.name)):
        return
    texts = _texts(function)
    opened = ""
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and isinstance(statement.target, ir.Name):
            made = uncast(statement.value)
            if _opens_proof(made, texts):
                opened = statement.target.name
            elif statement.target.name == opened:
                opened = ""
        if not isinstance(statement, ir.If):
            continue
        asked = _missing(statement.condition)
        is_proof = isinstance(asked, ir.Name) and asked.name == opened != ""
        if (is_proof or _opens_proof(asked, texts)) and _says_good(statement.then):
            yield rule.no(
                "Where the file with the proof is missing, the answer is yes.",
                Location.lines(unit.path, statement.line),
                fix="Refuse what carries no proof.",
                context=function.name,
                condition=function.condition,
            )


def _texts(function: ir.Function) -> set[str]:
    """The variables whose text names a proof, by what is put into them."""
    found: set[str] = set()
    for statement in every_statement(function.body):
        if (
            isinstance(statement, ir.Assign)
            and isinstance(statement.target, ir.Name)
            and _names_proof(statement.value, found)
        ):
            found.add(statement.target.name)
    for call in calls_in(function.body):
        first = uncast(call.arguments[0]) if call.arguments else None
        if isinstance(first, ir.Name) and any(_names_proof(a, found) for a in call.arguments[1:]):
            found.add(first.name)
    return found


def _names_proof(value: ir.Expression | None, known: set[str]) -> bool:
    for part in expressions(value):
        if isinstance(part, ir.Literal) and isinstance(part.value, str) and _PROOF.search(part.value):
            return True
        if isinstance(part, ir.Name) and (part.name in known or _PROOF.search(part.name)):
            return True
    return False


def _opens_proof(value: ir.Expression | None, texts: set[str]) -> bool:
    bare = uncast(value)
    if not isinstance(bare, ir.Call) or not _OPENS.search(bare.name):
        return False
    return any(_names_proof(a, texts) for a in bare.arguments[:1])


def _missing(condition: ir.Expression) -> ir.Expression | None:
    """What a condition says is not there: ``!file``, ``file == NULL``, ``fd < 0``, ``access(...) != 0``."""
    bare = uncast(condition)
    if not isinstance(bare, ir.Operation) or bare.operator not in {"!", "==", "<", "!="}:
        return None
    asked = uncast(bare.operands[0])
    if isinstance(asked, ir.AssignmentExpression):
        asked = uncast(asked.value)
    if bare.operator == "!=":
        return asked if isinstance(asked, ir.Call) and last_word(asked.name) in {"access", "_access", "stat"} else None
    return asked


def _says_good(block: ir.Block) -> bool:
    last = block.body[-1] if block.body else None
    value = uncast(last.value) if isinstance(last, ir.Return) else None
    return isinstance(value, ir.Literal) and value.value in (1, True)
