"""Is lazy loading done once, without a window between the test and the load?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Access, Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import uncast
from loadstone.review.apis import ApiRole
from loadstone.review.ir import Language
from loadstone.review.rules.data_race import Shared, shared_state
from loadstone.review.rules.identities import names_in_sight
from loadstone.review.rules.places import ALL, at, step, unit_of
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions

__all__ = ["RULE"]


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for shared in shared_state(facts):
        yield from _double_checked(rule, shared, facts)
    told = {(s.path, s.start) for s in _lines(rule, facts)}
    for unit in facts.program.units:
        if unit.language is not Language.PYTHON:
            yield from _by_shape(rule, facts, unit, told)
    for spot in sorted(facts.threads):
        home = unit_of(facts, spot.path)
        text = home.line_text(spot.line) if home is not None else ""
        if "once" in text:
            yield rule.yes("Loading is done once, whichever thread comes first", at(spot), context=spot.function)


def _double_checked(rule: Rule, shared: Shared, facts: Facts) -> Iterator[Claim]:
    """Test, lock, test, set: the first test reads what another thread is writing."""
    if not shared.lock:
        return
    unit = unit_of(facts, shared.accesses[0].spot.path)
    if unit is None or unit.language is Language.PYTHON:
        return
    by_function: dict[str, list[Access]] = {}
    for access in shared.accesses:
        by_function.setdefault(access.spot.function, []).append(access)
    for function, accesses in sorted(by_function.items()):
        tests = _tests(unit, function, shared.variable)
        first = next((a for a in accesses if not a.is_write and not a.locks and a.spot.line in tests), None)
        inside = [a for a in accesses if any(h.lock.rpartition(".")[2] == shared.lock for h in a.locks)]
        second = next((a for a in inside if not a.is_write), None)
        written = next((a for a in inside if a.is_write), None)
        if first and second and written and first.spot.line < second.spot.line <= written.spot.line:
            yield rule.no(
                (
                    f"{shared.variable} is read outside {shared.lock} at line "
                    f"{first.spot.line} and written inside at line {written.spot.line}; it is not atomic."
                ),
                at(first.spot),
                cwe=609,
                why=(
                    step(first.spot, "read with nothing held", "test"),
                    step(second.spot, f"read again with {shared.lock} held", "test"),
                    step(written.spot, "written", "use"),
                ),
                context=function,
            )


def _tests(unit: ir.Unit, function: str, variable: str) -> set[int]:
    """The lines of a function in which something is decided by a variable: where it is only used, nothing is tested."""
    own = [f for f in unit.functions if f.name == function]
    deciding = [
        s.condition for f in own for s in every_statement(f.body) if isinstance(s, ir.If | ir.Loop) and s.condition
    ]
    deciding += [
        e
        for f in own
        for e in every_expression(f.body)
        if isinstance(e, ir.Operation) and e.operator in {"?:", "&&", "||", "!"}
    ]
    name = variable.rpartition(".")[2].rpartition(":")[2]
    named = (part for condition in deciding for part in expressions(condition))
    return {part.line for part in named if isinstance(part, ir.Name | ir.Member) and part.name == name}


def _lines(rule: Rule, facts: Facts) -> Iterator[Location]:
    """Where the accesses alone showed it."""
    for shared in shared_state(facts):
        for claim in _double_checked(rule, shared, facts):
            assert claim.location is not None
            yield claim.location


def _by_shape(rule: Rule, facts: Facts, unit: ir.Unit, told: set[tuple[str, int]]) -> Iterator[Claim]:
    """``if (!x) { lock; if (!x) x = make(); }`` of a plain pointer, whatever is made."""
    for function in unit.functions:
        scope = names_in_sight(facts.program, unit, function)
        for outer in (s for s in every_statement(function.body) if isinstance(s, ir.If)):
            tested = _tested_for_null(outer.condition)
            thing, kind = scope.thing(tested), scope.type_of(tested)
            if thing is None or scope.is_local(thing) or "*" not in kind or "tomic" in kind:
                continue
            if not _locks(facts, outer.then):
                continue
            name = thing.name
            inner = next(
                (
                    s
                    for s in every_statement(outer.then)
                    if isinstance(s, ir.If) and scope.thing(_tested_for_null(s.condition)) == thing
                ),
                None,
            )
            sets = inner is not None and any(
                isinstance(s, ir.Assign) and scope.thing(s.target) == thing for s in every_statement(inner.then)
            )
            if inner is None or not sets or (unit.path, outer.line) in told:
                continue
            yield rule.no(
                f"{name} is tested outside the lock at line {outer.line} and set inside at line {inner.line}; it is "
                "not atomic.",
                Location.lines(unit.path, outer.line),
                cwe=609,
                why=(
                    FlowStep(Location.lines(unit.path, outer.line), "read with nothing held", "test"),
                    FlowStep(Location.lines(unit.path, inner.line), "tested again and set with the lock held", "use"),
                ),
                context=function.name,
                condition=function.condition,
            )


def _tested_for_null(condition: ir.Expression) -> ir.Expression | None:
    """The variable or member that a condition asks to be null; None for anything else."""
    bare = uncast(condition)
    if not isinstance(bare, ir.Operation):
        return None
    operands = [uncast(o) for o in bare.operands]
    if bare.operator == "!" and isinstance(operands[0], ir.Name | ir.Member):
        return operands[0]
    if bare.operator == "==" and any(isinstance(o, ir.Literal) and not o.value for o in operands):
        return next((o for o in operands if isinstance(o, ir.Name | ir.Member)), None)
    return None


def _locks(facts: Facts, block: ir.Block) -> bool:
    apis = (facts.apis.get(c.name) for c in calls_in(block))
    return any(api is not None and api.role in {ApiRole.GUARD, ApiRole.LOCK} for api in apis)


RULE: Final = Rule(
    id="double-checked-locking",
    question="Is lazy loading done once, without a window between the test and the load?",
    practice=Practice.LOCKING,
    cwe=609,
    severity=Severity.MEDIUM,
    languages=ALL,
    why="A plain pointer tested outside the lock may be seen before what it points to is.",
    fix="call_once, or an atomic with acquire and release.",
    bad="if (!table) { lock(&m); if (!table) table = load(); unlock(&m); }\n",
    good="std::call_once(flag, [] { table = load(); });\n",
    references=("https://cwe.mitre.org/data/definitions/609.html",),
    answer=_answer,
)
