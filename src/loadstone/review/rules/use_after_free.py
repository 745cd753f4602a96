"""Is a block of memory or a stream still there whenever it is used?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Confidence, Severity
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.lifetimes import Lifetime
from loadstone.review.analyses.values import Spot
from loadstone.review.rules.places import NATIVE, at, step
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]

_HAPPENED: Final = {
    "late": ("given back", "used after", 416),
    "moved": ("moved by realloc", "used at its old place", 416),
    "twice": ("given back", "given back again", 415),
}


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    told = set()
    for found in facts.lifetimes:
        event = found.event
        key = (found.unit.path, event.line, event.what == "twice")
        if event.what not in _HAPPENED or found.is_descriptor or key in told:
            continue
        told.add(key)
        yield _used(rule, found)


def _used(rule: Rule, found: Lifetime) -> Claim:
    event, name = found.event, found.function.name
    first, then, cwe = _HAPPENED[event.what]
    gone, used = (Spot(found.unit.path, line, name, found.function.condition) for line in (event.since, event.line))
    return rule.no(
        f"{event.name} is {first} at line {event.since} ({event.by}) and {then} at line {event.line}.",
        at(used),
        cwe=cwe,
        confidence=Confidence.LIKELY,
        why=(step(gone, first, "release"), step(used, then, "release" if event.what == "twice" else "use")),
        context=name,
        condition=found.function.condition,
    )


RULE: Final = Rule(
    id="use-after-free",
    question="Is memory still there whenever it is used?",
    practice=Practice.OWNERSHIP,
    cwe=416,
    severity=Severity.MEDIUM,
    languages=NATIVE,
    why="Freed memory soon holds something else: a name that is loaded, or a function that is called through it.",
    fix="Use it before it is freed, and set what points at it to NULL.",
    bad=(
        "void drop(struct plugin *p) {\n    dlclose(p->handle);\n    free(p);\n"
        '    printf("%s is gone\\n", p->name);\n}\n'
    ),
    good=(
        "void drop(struct plugin *p) {\n    dlclose(p->handle);\n"
        '    printf("%s is gone\\n", p->name);\n    free(p);\n}\n'
    ),
    references=("https://cwe.mitre.org/data/definitions/416.html", "https://cwe.mitre.org/data/definitions/415.html"),
    answer=_answer,
)
