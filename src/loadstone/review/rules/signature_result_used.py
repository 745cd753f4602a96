"""Is the one good answer of a signature check required?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts
from loadstone.review.apis import Role, Success
from loadstone.review.rules.places import ALL, at, resolve_lines, step
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    used = {(s.unit.path, s.function.name, s.api.name) for s in facts.of(Role.VERIFY) if s.tests or s.returned}
    for site in facts.of(Role.VERIFY):
        if site.api.raises:
            continue
        if site.is_discarded and (site.unit.path, site.function.name, site.api.name) in used:
            continue  # a second call of the same function gives the state of the first back
        good = {Success.ONE: "1", Success.ZERO: "0"}.get(site.api.success, "success")
        if site.wrong_tests:
            spot, test = min(site.wrong_tests)
            yield rule.no(
                f"{site.api.name} succeeds only with {good}; line {spot.line} tests {test}.",
                at(spot),
                fix=f"Accept exactly {good}.",
                why=(step(site.spot, "the signature is checked", "acquire"), step(spot, f"tests {test}", "test")),
                context=spot.function,
            )
        elif site.is_discarded or (not site.tests and not site.returned and site.api.success is not Success.NONE):
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


RULE: Final = Rule(
    id="signature-result-used",
    code="LS-347-dropped-verify",
    question="Is the one good answer of a signature check required?",
    practice=Practice.INTEGRITY,
    cwe=347,
    severity=Severity.HIGH,
    languages=ALL,
    why="Several verifiers answer 1 for good, 0 for bad and a negative number for trouble: taking anything but zero "
    "for good accepts trouble.",
    fix="Accept exactly the success value.",
    bad="if (EVP_DigestVerifyFinal(ctx, sig, len)) load();\n",
    good="if (EVP_DigestVerifyFinal(ctx, sig, len) == 1) load();\n",
    references=("https://cwe.mitre.org/data/definitions/347.html",),
    answer=_answer,
)
