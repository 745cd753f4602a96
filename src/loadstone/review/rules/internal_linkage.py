"""Are functions, data and handles hidden from everybody who need not see them?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts
from loadstone.review.ir import Language, Unit
from loadstone.review.rules.places import ALL
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for unit in facts.program.units:
        if not any(s.unit is unit for s in facts.sites):
            continue
        yield from _functions(rule, unit)
        yield from _data(rule, unit)
        yield from _members(rule, unit)


def _functions(rule: Rule, unit: Unit) -> Iterator[Claim]:
    free = [f for f in unit.functions if not f.owner and f.name not in {"<module>", "main", "<lambda>"}]
    seen = {f.name: f for f in free}
    local = [f for f in seen.values() if f.local]
    if local:
        yield rule.yes(
            "Functions are local to the file",
            Location.lines(unit.path, local[0].line, local[0].end_line),
            met=len(local),
            sites=len(seen),
            places=tuple(Location.lines(unit.path, f.line, f.end_line) for f in local[:40]),
        )


def _data(rule: Rule, unit: Unit) -> Iterator[Claim]:
    data = {v.name: v for v in unit.variables}
    if unit.language is Language.PYTHON:
        data = {n: v for n, v in data.items() if not n.startswith("__")}
    local = [v for v in data.values() if v.local]
    if local:
        yield rule.yes(
            "Variables at file scope are local to the file",
            Location.lines(unit.path, local[0].line),
            met=len(local),
            sites=len(data),
            places=tuple(Location.lines(unit.path, v.line) for v in local[:40]),
        )


def _members(rule: Rule, unit: Unit) -> Iterator[Claim]:
    members = [m for c in unit.classes for m in c.members]
    private = [m for m in members if m.private]
    local = [c for c in unit.classes if c.local]
    if private:
        yield rule.yes(
            "Members are private to their class",
            Location.lines(unit.path, private[0].line),
            met=len(private),
            sites=len(members),
            places=tuple(Location.lines(unit.path, m.line) for m in private[:40]),
        )
    elif unit.language is Language.CPP and unit.classes:
        hidden = [c for c in unit.classes if c.local or unit.path.endswith((".cpp", ".cc", ".cxx"))]
        if hidden:
            yield rule.yes(
                "Classes are defined in the source file only",
                Location.lines(unit.path, hidden[0].line, hidden[0].end_line),
                met=len(hidden),
                sites=len(unit.classes),
                places=tuple(Location.lines(unit.path, c.line, c.end_line) for c in hidden),
            )
    del local


RULE: Final = Rule(
    id="internal-linkage",
    question="Are functions, data and handles hidden from everybody who need not see them?",
    practice=Practice.ENCAPSULATION,
    cwe=None,
    severity=Severity.NOTE,
    languages=ALL,
    why="A handle that anybody can reach can be closed by anybody.",
    fix="static, an anonymous namespace, private, a leading underscore.",
    bad="void *handle;\n",
    good="static void *handle;\n",
    references=("https://en.cppreference.com/w/c/language/storage_duration",),
    answer=_answer,
)
