"""Does an address that is handed out keep its library open?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Settler, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.apis import ApiRole
from loadstone.review.rules.places import NATIVE, at
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]

_NAME: Final = re.compile(r"(?i)^(?:resolve(?!r)|get_?symbol|find_?symbol|lookup_?symbol|symbol)")


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    spoken = set()
    for site in facts.of(ApiRole.RESOLVE):
        if site.returned and site.unit.language in NATIVE and not site.function.local:
            spoken.add((site.unit.path, site.function.name))
            yield _open_question(rule, site.function.name, at(site.spot))
    for unit in facts.program.units:
        for function in unit.functions if unit.language in NATIVE else ():
            simple = function.name.rpartition("::")[2]
            if (
                (unit.path, function.name) not in spoken
                and _NAME.match(simple)
                and _hands_out(function)
                and not function.local
            ):
                spoken.add((unit.path, function.name))
                yield _open_question(rule, function.name, Location.lines(unit.path, function.line, function.end_line))


def _hands_out(function: ir.Function) -> bool:
    return "*" in function.returns or "Pointer" in function.returns or function.returns.endswith(("_fn", "_t"))


def _open_question(rule: Rule, function: str, location: Location) -> Claim:
    return rule.cannot_tell(
        f"{function} hands out a bare address; nothing ties it to the time its library stays open.",
        location,
        "Whether a caller uses it after the library is closed cannot be seen from here.",
        settled_by=Settler.PROBE,
        context=function,
    )


RULE: Final = Rule(
    id="symbol-outlives-library",
    question="Does an address that is handed out keep its library open?",
    practice=Practice.LIFECYCLE,
    cwe=672,
    severity=Severity.LOW,
    languages=NATIVE,
    why="A plain pointer says nothing of how long it is good; an object that holds the library does.",
    fix="Return an object that holds the library, or say in the contract who closes it and when.",
    bad="void *get_symbol(Lib *l, const char *name) { return dlsym(l->handle, name); }\n",
    good="Symbol get_symbol(std::shared_ptr<Lib> l, const char *name) { return {l, dlsym(l->handle, name)}; }\n",
    references=("https://cwe.mitre.org/data/definitions/672.html",),
    answer=_answer,
)
