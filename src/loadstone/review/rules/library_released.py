"""Does every way out of a function that opened a library close it, keep it, or hand it on?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Confidence, Severity
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts, Site
from loadstone.review.analyses.state import Spot
from loadstone.review.apis import Role
from loadstone.review.rules.places import NATIVE, at, resolve_lines, step
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    kept: dict[str, list[Site]] = {}
    totals: dict[str, int] = {}
    closes = any(s.api.role is Role.UNLOAD for s in facts.sites)
    for site in (
        s
        for s in facts.reached
        if s.api.role in {Role.LOAD, Role.OPEN, Role.ALLOCATE} and s.api.owned and s.api.kind != "mapping"
    ):
        if site.unit.language not in NATIVE:
            continue
        leaking = sorted((e for e in site.exits if e.is_open and e.kind != "main"), key=lambda e: e.spot)
        inherited = {s.parent for s in facts.sites if s.api.role is Role.RESOLVE and (s.returned or s.stores)}
        outlives = facts.sites.index(site) in inherited
        if not site.is_inner and site.api.role is Role.LOAD:
            totals[site.spot.path] = totals.get(site.spot.path, 0) + 1
            if site.exits and not leaking and not site.overwritten:
                kept.setdefault(site.spot.path, []).append(site)
        if site.is_inner and any(e.spot.function == site.spot.function for e in leaking):
            continue
        released = closes if site.api.role is Role.LOAD else bool(site.closes)
        if leaking and not site.overwritten and not outlives and released and not site.wrong_tests:
            yield _leak(rule, site, leaking[0].spot, len([e for e in site.exits if not e.is_open]), len(site.exits))
        for spot in sorted(site.overwritten)[:1] if closes else ():
            yield rule.no(
                (
                    f"The handle opened at line {site.spot.line} is overwritten at line "
                    f"{spot.line} while the library is open."
                ),
                at(spot),
                why=(step(site.spot, "opened", "acquire"), step(spot, "the only copy is overwritten", "use")),
                context=spot.function,
            )
    for path, sites in kept.items():
        lines = resolve_lines(spot for s in sites for spot in (s.closes or {s.spot}))
        yield rule.yes(
            (
                f"{len(sites)} of {totals[path]} loaded libraries are closed, kept by "
                f"an owner or handed on at every exit (lines {lines})"
            ),
            at(sites[0].spot),
            met=len(sites),
            sites=totals[path],
            places=tuple(at(spot) for s in sites for spot in sorted(s.closes)),
            context=sites[0].spot.function,
        )


def _leak(rule: Rule, site: Site, exit_: object, closed: int, total: int) -> Claim:
    assert isinstance(exit_, Spot)
    what, cwe = {Role.OPEN: ("descriptor", 775), Role.ALLOCATE: ("memory", 401)}.get(site.api.role, ("library", 772))
    return rule.no(
        f"The {what} acquired at line {site.spot.line} is not released at the exit at line {exit_.line} "
        f"({closed} of {total} exits release it).",
        at(exit_ if closed else site.spot if not site.is_inner else site.chain[0]),
        cwe=cwe,
        severity=Severity.MEDIUM if closed else Severity.LOW,
        confidence=Confidence.LIKELY if closed or site.closes else Confidence.POSSIBLE,
        why=(step(site.spot, f"{site.api.name} acquires it", "acquire"), step(exit_, "left without a close", "use")),
        context=exit_.function,
        condition=exit_.condition,
    )


RULE: Final = Rule(
    id="library-released",
    code="LS-772-exit-leak",
    question="Does every way out close what was opened, keep it, or hand it on?",
    practice=Practice.LIFECYCLE,
    cwe=772,
    severity=Severity.MEDIUM,
    languages=NATIVE,
    why=(
        "A handle lost on an early return can never be closed: the library stays mapped, its count never reaches zero."
    ),
    fix="One cleanup label or an owning object.",
    bad='void *h = dlopen(p, RTLD_NOW);\nif (!h) return -1;\nif (!dlsym(h, "run")) return -2;\ndlclose(h);\n',
    good=(
        "void *h = dlopen(p, RTLD_NOW);\nif (!h) return -1;\nif (!dlsym(h, "
        '"run")) { dlclose(h); return -2; }\ndlclose(h);\n'
    ),
    references=("https://cwe.mitre.org/data/definitions/772.html", "https://cwe.mitre.org/data/definitions/775.html"),
    answer=_answer,
)
