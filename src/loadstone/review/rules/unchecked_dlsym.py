"""Is what a lookup gave tested before it is called or read through?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Confidence, Severity
from loadstone.core.counting import Share
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts, Site, Slot, Use
from loadstone.review.analyses.mentions import calls_in, every_statement
from loadstone.review.analyses.state import Spot
from loadstone.review.analyses.words import uncast
from loadstone.review.apis import ApiRole, Success
from loadstone.review.ir import Assign, Display, If, Language, Member, Name, Operation, Unit
from loadstone.review.rules.companions import is_companioned
from loadstone.review.rules.file_numbers import reads_headers
from loadstone.review.rules.known_null import known_nulls
from loadstone.review.rules.lookups import made_by_library
from loadstone.review.rules.null_givers import BLOCKS
from loadstone.review.rules.nullable_results import untested_pointers, untested_results
from loadstone.review.rules.places import ALL, at, in_file, resolve_lines, step
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.system_pointers import untested_system_pointers
from loadstone.review.typenames import base_type
from loadstone.review.walk import expressions

__all__ = ["RULE"]

_ROLES: Final = (ApiRole.RESOLVE, ApiRole.LOAD, ApiRole.FIND, ApiRole.BORROW, ApiRole.CANONICAL)
_THROUGH: Final = ("call", "dereference")


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    good: dict[str, list[tuple[Site, Use]]] = {}
    for site in (s for s in facts.reached if s.api.role in _ROLES and not s.api.raises):
        through = sorted(
            (u for u in site.uses if u.how in _THROUGH and (u.closed is None or u.known is False)), key=lambda u: u.spot
        )
        bad = [u for u in through if u.known is not True and not is_companioned(facts, site, u)]
        if bad and _has_verdict(site, bad[0].spot.line):
            continue
        if bad and not (site.is_inner and bad[0].spot.function == site.spot.function):
            yield _finding(rule, site, bad)
        elif through and not bad and not site.is_inner:
            good.setdefault(site.spot.path, []).append((site, through[0]))
    yield from _never_tested(rule, facts)
    yield from _null_loaded(rule, facts)
    yield from _by_table(rule, facts)
    yield from _optional_members(rule, facts)
    yield from _made_null(rule, facts)
    yield from _known_null(rule, facts)
    for pairs in good.values():
        first = pairs[0][1]
        yield rule.yes(
            Share(
                "resolved symbol",
                "is tested before it is called",
                "are tested before they are called",
                alone=True,
            ),
            at(first.spot),
            lines=resolve_lines(u.spot for _, u in pairs),
            met=len(pairs),
            sites=len(pairs),
            places=tuple(at(spot) for s, _ in pairs for spot in sorted(s.tests)[:1]),
            context=first.spot.function,
        )


def _has_verdict(site: Site, used: int) -> bool:
    """``valid = lookup(a) && lookup(b); if (!valid) return``: a variable keeps whether all was found, and decides."""
    kept = {
        s.target.name
        for s in every_statement(site.function.body)
        if isinstance(s, Assign)
        and isinstance(s.target, Name)
        and isinstance(s.value, Operation)
        and s.value.operator == "&&"
        and any(part is site.call for part in expressions(s.value))
    }
    asking = (s for s in every_statement(site.function.body) if isinstance(s, If) and site.spot.line < s.line <= used)
    return any(isinstance(e, Name) and e.name in kept for s in asking for e in expressions(s.condition))


def _never_tested(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """A symbol is kept untested in one function and called in another, and nothing ever asks whether it is there."""
    tested = {fill.slot for fill in facts.fills if fill.known is True}
    done: set[Slot] = set()
    for fill in facts.fills:
        site = facts.sites[fill.site] if fill.site is not None else None
        name = fill.slot[0].rpartition(".")[2]
        if site is None or site.api.role is not ApiRole.RESOLVE or fill.known is not None or fill.slot in tested | done:
            continue
        blind = sorted(s for s, was_tested in facts.called_slots.get(fill.slot, ()) if not was_tested)
        if not blind or name in facts.asked_in(site.spot.path) or site.api.raises or site.tests:
            continue
        done.add(fill.slot)
        yield rule.no(
            f"{name} is called at line {blind[0].line}; what {site.api.name} gave at line {site.spot.line}"
            f"{in_file(site.spot, blind[0])} was kept untested, and nothing asks whether it is null.",
            at(blind[0]),
            severity=Severity.MEDIUM,
            why=(step(site.spot, f"{site.api.name} may fail here", "acquire"), step(blind[0], "called", "use")),
            context=blind[0].function,
            condition=blind[0].condition,
        )


def _by_table(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """``*want[i].slot = dlsym(h, want[i].name)``: a table says where each result goes, and nothing tests them."""
    for site in facts.of(ApiRole.RESOLVE):
        if site.unit.language is Language.PYTHON or site.api.raises or site.tests:
            continue
        slot = _filled_by_table(site)
        if not slot or slot in facts.asked_in(site.spot.path):
            continue
        for unit in facts.program.units:
            called = (
                sorted(
                    (call.line, function, name)
                    for function in unit.functions
                    for call in calls_in(function.body)
                    if isinstance(target := uncast(call.function), Member | Name)
                    and (name := target.name) in _slots_of(site) - facts.asked_in(site.spot.path)
                )
                if unit is site.unit
                else []
            )
            if called:
                line, function, name = called[0]
                spot = Spot(unit.path, line, function.name, function.condition)
                yield rule.no(
                    f"{name} is called at line {line}; it is one of the results of {site.api.name} that line "
                    f"{site.spot.line} puts where a table says, and nothing asks whether they are there.",
                    at(spot),
                    severity=Severity.MEDIUM,
                    why=(step(site.spot, f"{site.api.name} may fail here", "acquire"), step(spot, "called", "use")),
                    context=spot.function,
                    condition=spot.condition,
                )


_HABIT: Final = 2
"""How many functions of a library's table are asked for before one that is not stands out."""


def _optional_members(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """``if (!t->start || !t->stop) ...; t->cancel()``: some functions of a table are asked for, and one is not."""
    for unit in (u for u in facts.program.units if u.language is Language.C):
        asked = facts.asked_in(unit.path)
        for one in unit.classes:
            functions = {m.name for m in one.members if "(*)" in m.type or m.type.endswith("(*)")}
            if len(functions & asked) < _HABIT or one.name not in _tables_looked_up(facts, unit):
                continue
            called = sorted(
                (call.line, target.name, function)
                for function in unit.functions
                for call in calls_in(function.body)
                if isinstance(target := uncast(call.function), Member) and target.name in functions - asked
            )
            for name in dict.fromkeys(name for _, name, _ in called):
                line, _, function = next(c for c in called if c[1] == name)
                spot = Spot(unit.path, line, function.name, function.condition)
                yield rule.no(
                    f"{name} of {one.name} is called at line {line} and never asked for, though "
                    f"{len(functions & asked)} others of this table are: a library may leave it out.",
                    at(spot),
                    severity=Severity.MEDIUM,
                    confidence=Confidence.POSSIBLE,
                    cwe=476,
                    context=spot.function,
                    condition=spot.condition,
                )


def _tables_looked_up(facts: Facts, unit: Unit) -> frozenset[str]:
    """The structs that a file takes from libraries: the types of what its lookups are stored in, and give."""
    spelled = {m.name: m.type for c in unit.classes for m in c.members} | {v.name: v.type for v in unit.variables}
    found = set()
    for function in unit.functions:
        own = spelled | {p.name: p.type for p in function.parameters}
        own |= {
            s.target.name: s.type
            for s in every_statement(function.body)
            if isinstance(s, Assign) and s.declares and isinstance(s.target, Name)
        }
        found |= {base_type(own.get(name, "")) for name in made_by_library(facts, unit, function)}
    return frozenset(found)


def _filled_by_table(site: Site) -> str:
    """The member of a table's entry through which a lookup's result is stored; empty where it is stored otherwise."""
    for statement in every_statement(site.function.body):
        if not isinstance(statement, Assign) or uncast(statement.value) is not site.call:
            continue
        target = uncast(statement.target)
        if isinstance(target, Operation) and target.operator == "deref":
            inner = uncast(target.operands[0])
            if isinstance(inner, Member):
                return inner.name
    return ""


def _slots_of(site: Site) -> frozenset[str]:
    """The variables and members whose addresses the tables of a function or its file list."""
    values = [s.value for s in every_statement(site.function.body) if isinstance(s, Assign) and s.declares]
    values += [v.value for v in site.unit.variables]
    listed = (e for value in values if isinstance(value, Display) for e in expressions(value))
    taken = (uncast(e.operands[0]) for e in listed if isinstance(e, Operation) and e.operator == "address")
    return frozenset(t.name for t in taken if isinstance(t, Name | Member))


def _made_null(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """What a library made, or a function of the program that gives null for a failure, is used untested."""
    handling = {s.unit.path for s in facts.of(ApiRole.LOAD, ApiRole.RESOLVE)}
    native = [u for u in facts.program.units if u.language is not Language.PYTHON]
    for unit in (u for u in native if u.path in handling or reads_headers(u)):
        first = {found.giver: found for found in reversed([*untested_results(facts, unit)])}
        pointers = {f.name: f for f in reversed([*untested_pointers(facts, unit)])}
        each = {(f.used, f.giver): f for f in untested_system_pointers(facts, unit)}
        for found in sorted(
            [*first.values(), *pointers.values(), *each.values()], key=lambda f: f.used
        ):  # one claim for each own giver
            given, used = (Spot(unit.path, n, found.function.name) for n in (found.given, found.used))
            yield rule.no(
                f"{found.name}, which {found.giver} may have given as null at line {found.given}, is used at line "
                f"{found.used}; nothing asks.",
                at(used),
                severity=Severity.LOW if found.giver in BLOCKS else Severity.MEDIUM,
                confidence=Confidence.LIKELY,
                cwe=690 if found.giver in BLOCKS else 476,
                fix="Test it, and say what failed.",
                why=(step(given, f"{found.giver} may give null", "acquire"), step(used, "used", "use")),
                context=found.function.name,
                condition=found.function.condition,
            )


def _known_null(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """``if (!module) log(module->name)``: read where it was found null, or before it is asked."""
    for unit in (u for u in facts.program.units if u.language is not Language.PYTHON):
        for found in (f for function in unit.functions for f in known_nulls(function)):
            asked, used = (Spot(unit.path, n, found.function.name) for n in (found.asked, found.used))
            told = (
                f"{found.name} is used here, and only line {found.asked} asks whether it is null."
                if found.after
                else f"{found.name} is used where line {found.asked} found it null."
            )
            yield rule.no(
                told,
                at(used),
                severity=Severity.MEDIUM,
                cwe=476,
                fix="Ask before the use.",
                why=(step(asked, "asked whether it is null", "test"), step(used, "used", "use")),
                context=found.function.name,
                condition=found.function.condition,
            )


def _null_loaded(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """``dlopen(NULL)`` is the program itself: a path that could not be made must not get there."""
    for site in (
        s
        for s in facts.reached
        if s.api.role is ApiRole.CANONICAL
        and s.api.success is Success.NON_NULL
        and s.unit.language is not Language.PYTHON
    ):
        blind = sorted(u.spot for u in site.uses if u.how == "load" and u.known is not True)
        if blind and not site.is_inner:
            yield rule.no(
                f"{site.api.name} at line {site.spot.line} may return NULL, and loading NULL opens the program itself.",
                at(blind[0]),
                severity=Severity.MEDIUM,
                why=(step(site.spot, f"{site.api.name} may fail here", "acquire"), step(blind[0], "loaded", "use")),
                context=blind[0].function,
                condition=blind[0].condition,
            )


def _finding(rule: Rule, site: Site, bad: list[Use]) -> Claim:
    failed = next((u for u in bad if u.known is False), None)
    use = failed or bad[0]
    names = site.api.name
    verb = "called" if use.how == "call" else "read through"
    how = "is known to be NULL" if failed is not None else "may be NULL"
    tested = f" (tested only at line {resolve_lines(site.tests)})" if site.tests else ""
    return rule.no(
        f"The result of {names} at line {site.spot.line} {how} when it is {verb} at line {use.spot.line}{tested}.",
        at(use.spot),
        cwe=476 if failed is not None else 690,
        severity=Severity.MEDIUM if site.tests else None,
        confidence=Confidence.LIKELY if not site.tests else Confidence.POSSIBLE,
        why=(
            step(site.spot, f"{names} may fail here", "acquire"),
            step(use.spot, f"{verb} without a test in between", "use"),
        ),
        context=use.spot.function,
        condition=use.spot.condition,
    )


RULE: Final = Rule(
    id="unchecked-dlsym",
    question="Is every resolved symbol tested before it is called?",
    practice=Practice.ERROR_HANDLING,
    cwe=690,
    severity=Severity.HIGH,
    languages=ALL,
    why="A lookup that fails returns NULL, and a call through NULL ends the "
    "process or worse; which symbols a library has "
    "depends on the version that happens to be installed.",
    fix="Return or fall back before the call.",
    bad='run_t run = (run_t)dlsym(h, "run");\nrun();\n',
    good='run_t run = (run_t)dlsym(h, "run");\nif (run == NULL) return -1;\nrun();\n',
    references=("https://cwe.mitre.org/data/definitions/690.html", "https://cwe.mitre.org/data/definitions/476.html"),
    answer=_answer,
)
