"""Is the one good answer of a signature check required?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts, Site
from loadstone.review.analyses.mentions import every_expression, names_in
from loadstone.review.analyses.values import Spot
from loadstone.review.analyses.words import uncast
from loadstone.review.apis import ApiRole, Success
from loadstone.review.rules.native_verdicts import verdicts_without_effect
from loadstone.review.rules.optional_proofs import proofs_that_may_be_missing
from loadstone.review.rules.places import ALL, NATIVE, at, resolve_lines, step
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.three_valued_verdicts import errors_taken_for_yes
from loadstone.review.walk import statements

__all__ = ["RULE"]


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    used = {(s.unit.path, s.function.name, s.api.name) for s in facts.of(ApiRole.VERIFY) if _is_asked(s)}
    for site in facts.reached:
        if site.api.role is ApiRole.VERIFY and site.partial_tests and not (_is_decided(site) or _is_passed_on(site)):
            spot = min(site.partial_tests)
            yield rule.no(
                f"{site.api.name} has many ways to say no; line {spot.line} refuses only one of them.",
                at(spot),
                cwe=253,
                why=(
                    step(site.spot, "the signature is checked", "acquire"),
                    step(spot, "one no is refused", "test"),
                ),
                context=spot.function,
            )
    for unit in facts.program.units:
        yield from proofs_that_may_be_missing(rule, unit)
        if unit.language in NATIVE:
            yield from verdicts_without_effect(rule, facts, unit)
    yield from _of_three(rule, facts)
    for site in facts.of(ApiRole.VERIFY):
        if site.api.raises:
            continue
        if site.is_discarded and ((site.unit.path, site.function.name, site.api.name) in used or _gives_back(site)):
            continue  # a second call of the same function gives the state of the first back
        good = {Success.ONE: "1", Success.ZERO: "0"}.get(site.api.success, "success")
        if wrong := _first_wrong(site):
            spot, test = wrong
            yield rule.no(
                f"{site.api.name} succeeds only with {good}; line {spot.line} tests {test}.",
                at(spot),
                fix=f"Accept exactly {good}.",
                why=(step(site.spot, "the signature is checked", "acquire"), step(spot, f"tests {test}", "test")),
                context=spot.function,
            )
        elif site.is_discarded or not (_is_asked(site) or _is_kept(site) or site.api.success is Success.NONE):
            yield rule.no(
                f"The answer of {site.api.name} is dropped.",
                at(site.spot),
                fix=f"Accept exactly {good}.",
                context=site.spot.function,
            )
        elif site.tests:
            yield rule.yes(
                f"{site.api.name} is required to succeed (lines {resolve_lines(site.tests)})",
                at(site.spot),
                context=site.spot.function,
            )


def _of_three(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """``if (verify(file) == 0) refuse;``: the -1 of a signature that could not be read passes."""
    for unit in (u for u in facts.program.units if u.language in NATIVE):
        for found in errors_taken_for_yes(facts, unit):
            tested = Location.lines(unit.path, found.tested)
            yield rule.no(
                f"{found.verifier} gives a negative number when it cannot verify, and line {found.tested} takes that "
                "for yes.",
                tested,
                fix="Accept exactly 1.",
                why=(
                    FlowStep(Location.lines(unit.path, found.called), "the signature is checked", "acquire"),
                    FlowStep(tested, "asks for 0 alone", "test"),
                ),
                context=found.function.name,
                condition=found.function.condition,
            )


def _first_wrong(site: Site) -> tuple[Spot, str] | None:
    """The first test that takes a no for a yes; behind a full test, what is left to tell apart are ways to say no."""
    asked = [spot for spot in site.tests if spot.function == site.spot.function]
    wrong = [(s, test) for s, test in site.wrong_tests if not any(a.path == s.path and a.line < s.line for a in asked)]
    return min(wrong, default=None)


def _is_asked(site: Site) -> bool:
    """Whether anything, however little, is made of the answer."""
    return bool(site.tests or site.partial_tests or site.wrong_tests or site.returned)


def _is_kept(site: Site) -> bool:
    """Whether the answer is put into a member that another function of the file compares."""
    members = {m.name for c in site.unit.classes if c.name == site.function.owner for m in c.members}
    stored = (
        s.target
        for s in statements(site.function.body.body)
        if isinstance(s, ir.Assign) and uncast(s.value) is site.call
    )
    names = {t.name for t in stored if isinstance(t, ir.Name | ir.Member) and t.name in members}
    return any(
        isinstance(part, ir.Operation)
        and part.operator in _COMPARES
        and any(isinstance(e, ir.Name | ir.Member) and e.name in names for e in map(uncast, part.operands))
        for function in (site.unit.functions if names else ())
        for part in every_expression(function.body)
        if function is not site.function
    )


_COMPARES: Final = frozenset({"==", "!=", "!", "<", ">", "<=", ">="})


def _is_decided(site: Site) -> bool:
    """Whether a full test of the answer decides anything: an ``if`` that only reports lets all go on."""
    reports = {
        s.line
        for s in statements(site.function.body.body)
        if isinstance(s, ir.If) and s.otherwise is None and all(isinstance(e, ir.Evaluate) for e in s.then.body)
    }
    return any(spot.function != site.spot.function or spot.line not in reports for spot in site.tests)


def _is_passed_on(site: Site) -> bool:
    """Whether only the function that gives the whole answer to its callers tests a part of it."""
    return bool(site.returned) and all(spot.function == site.spot.function for spot in site.partial_tests)


def _gives_back(site: Site) -> bool:
    """Whether the function only closes the state that a check elsewhere had opened (a holder's destructor)."""
    named = set(names_in(site.function.body))
    return "WTD_STATEACTION_CLOSE" in named and "WTD_STATEACTION_VERIFY" not in named


RULE: Final = Rule(
    id="unused-signature-result",
    question="Is the one good answer of a signature check required?",
    practice=Practice.INTEGRITY,
    cwe=347,
    severity=Severity.HIGH,
    languages=ALL,
    why="Several verifiers return 1 for valid, 0 for invalid and a negative number for an error: a test for "
    "non-zero takes an error for valid.",
    fix="Accept exactly the success value.",
    bad="if (EVP_DigestVerifyFinal(ctx, sig, len)) load();\n",
    good="if (EVP_DigestVerifyFinal(ctx, sig, len) == 1) load();\n",
    references=("https://cwe.mitre.org/data/definitions/347.html",),
    answer=_answer,
)
