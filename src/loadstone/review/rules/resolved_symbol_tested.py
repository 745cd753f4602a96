"""Is what a lookup gave tested before it is called or read through?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Confidence, Severity
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts, Site, Use
from loadstone.review.apis import Role
from loadstone.review.rules.places import ALL, at, resolve_lines, step
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]

_ROLES: Final = (Role.RESOLVE, Role.LOAD, Role.FIND, Role.BORROW, Role.CANONICAL)
_THROUGH: Final = ("call", "dereference")


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    good: dict[str, list[tuple[Site, Use]]] = {}
    for site in (s for s in facts.reached if s.api.role in _ROLES and not s.api.raises):
        through = sorted((u for u in site.uses if u.how in _THROUGH and u.closed is None), key=lambda u: u.spot)
        bad = [u for u in through if u.known is not True]
        if bad and not (site.is_inner and bad[0].spot.function == site.spot.function):
            yield _finding(rule, site, bad)
        elif through and not bad and not site.is_inner:
            good.setdefault(site.spot.path, []).append((site, through[0]))
    for pairs in good.values():
        first = pairs[0][1]
        yield rule.yes(
            (
                f"{len(pairs)} resolved symbols are tested before they are called "
                f"(lines {resolve_lines(u.spot for _, u in pairs)})"
            ),
            at(first.spot),
            met=len(pairs),
            sites=len(pairs),
            places=tuple(at(spot) for s, _ in pairs for spot in sorted(s.tests)[:1]),
            context=first.spot.function,
        )


def _finding(rule: Rule, site: Site, bad: list[Use]) -> Claim:
    failed = next((u for u in bad if u.known is False), None)
    use = failed or bad[0]
    names = site.api.name
    verb = "called" if use.how == "call" else "read through"
    how = "is known to be null" if failed is not None else "may be null"
    tested = f" (tested only at line {resolve_lines(site.tests)})" if site.tests else ""
    return rule.no(
        f"What {names} gave at line {site.spot.line} {how} when it is {verb} at line {use.spot.line}{tested}.",
        at(use.spot),
        cwe=476 if failed is not None else 690,
        confidence=Confidence.LIKELY if not site.tests else Confidence.POSSIBLE,
        why=(
            step(site.spot, f"{names} may fail here", "acquire"),
            step(use.spot, f"{verb} without a test in between", "use"),
        ),
        context=use.spot.function,
        condition=use.spot.condition,
    )


RULE: Final = Rule(
    id="resolved-symbol-tested",
    code="LS-690-call-null",
    question="Is every resolved symbol tested before it is called?",
    practice=Practice.ERROR_HANDLING,
    cwe=690,
    severity=Severity.HIGH,
    languages=ALL,
    why="A lookup that fails gives null, and a call through null ends the "
    "process or worse; which symbols a library has "
    "depends on the version that happens to be installed.",
    fix="Return or fall back before the call.",
    bad='run_t run = (run_t)dlsym(h, "run");\nrun();\n',
    good='run_t run = (run_t)dlsym(h, "run");\nif (run == NULL) return -1;\nrun();\n',
    references=("https://cwe.mitre.org/data/definitions/690.html", "https://cwe.mitre.org/data/definitions/476.html"),
    answer=_answer,
)
