"""Is a library still open whenever what came from it is used?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Confidence, Severity
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts, Site, Use
from loadstone.review.apis import Role
from loadstone.review.rules.places import ALL, at, step
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]

_ALIVE: Final = {"call", "dereference", "argument", "return", "kept", "resolve"}


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for site in (s for s in facts.reached if s.api.role in {Role.RESOLVE, Role.LOAD}):
        late = sorted(
            (u for u in site.uses if u.closed is not None and u.how in _ALIVE and u.known is not False),
            key=lambda u: (u.how == "kept", u.spot),
        )
        if late:
            yield _finding(rule, site, late[0])


def _finding(rule: Rule, site: Site, use: Use) -> Claim:
    assert use.closed is not None
    symbol = site.api.role is Role.RESOLVE
    subject = (
        f"The symbol resolved at line {site.spot.line}" if symbol else f"The library opened at line {site.spot.line}"
    )
    ending = {
        "kept": f"is still reachable through {use.owner} when its function ends",
        "return": f"is returned at line {use.spot.line}",
    }.get(use.how, f"is used at line {use.spot.line}")
    kept = use.how == "kept"
    where = use.closed if kept else use.spot
    return rule.no(
        f"{subject} belongs to a library that is closed at line {use.closed.line}, and {ending}.",
        at(where),
        cwe=416 if symbol else 672,
        severity=Severity.LOW if kept else None,  # left behind: nobody was seen to use it
        confidence=Confidence.POSSIBLE if kept else Confidence.LIKELY,
        why=(
            step(site.spot, "obtained", "acquire"),
            step(use.closed, "its library is closed", "release"),
            step(use.spot, ending, "use"),
        ),
        context=use.spot.function,
        condition=use.spot.condition,
    )


RULE: Final = Rule(
    id="symbol-within-lifetime",
    code="LS-416-symbol-outlives",
    question="Is a library still open whenever what came from it is used?",
    practice=Practice.LIFECYCLE,
    cwe=416,
    severity=Severity.HIGH,
    languages=ALL,
    why="An address from a library is code and data that vanish with it; after the close the same address holds "
    "nothing, or something else.",
    fix="Let the object that uses the symbol own the library; clear the symbol on close.",
    bad='run_t run = (run_t)dlsym(h, "run");\ndlclose(h);\nrun();\n',
    good='run_t run = (run_t)dlsym(h, "run");\nif (run) run();\ndlclose(h);\n',
    references=("https://cwe.mitre.org/data/definitions/416.html", "https://cwe.mitre.org/data/definitions/672.html"),
    answer=_answer,
)
