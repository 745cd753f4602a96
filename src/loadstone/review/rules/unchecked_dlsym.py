"""Is what a lookup gave tested before it is called or read through?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Confidence, Severity
from loadstone.core.counting import agreeing
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts, Site, Slot, Use
from loadstone.review.apis import ApiRole
from loadstone.review.ir import Language
from loadstone.review.rules.places import ALL, at, in_file, resolve_lines, step
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]

_ROLES: Final = (ApiRole.RESOLVE, ApiRole.LOAD, ApiRole.FIND, ApiRole.BORROW, ApiRole.CANONICAL)
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
    yield from _never_tested(rule, facts)
    yield from _null_loaded(rule, facts)
    for pairs in good.values():
        first = pairs[0][1]
        yield rule.yes(
            (
                agreeing(
                    len(pairs),
                    "resolved symbol is tested before it is called",
                    "resolved symbols are tested before they are called",
                )
                + f" (lines {resolve_lines(u.spot for _, u in pairs)})"
            ),
            at(first.spot),
            met=len(pairs),
            sites=len(pairs),
            places=tuple(at(spot) for s, _ in pairs for spot in sorted(s.tests)[:1]),
            context=first.spot.function,
        )


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
        if not blind or name in facts.asked_names or site.api.raises or site.tests:
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


def _null_loaded(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """``dlopen(NULL)`` is the program itself: a path that could not be made must not get there."""
    for site in (
        s for s in facts.reached if s.api.role is ApiRole.CANONICAL and s.unit.language is not Language.PYTHON
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
