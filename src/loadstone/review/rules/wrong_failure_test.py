"""Does each test of a result ask what success really is?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.values import Spot
from loadstone.review.apis import ApiRole, Success
from loadstone.review.rules.com_lifetimes import unloads_busy
from loadstone.review.rules.com_statuses import wrong_truths
from loadstone.review.rules.failure_values import blind_tests
from loadstone.review.rules.places import ALL, NATIVE, at, step
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]

_TRUTHS: Final = {
    Success.NON_NULL: ("null", "result != NULL"),
    Success.ZERO: ("a value other than zero", "result == 0"),
    Success.NON_ZERO: ("zero", "result != 0"),
    Success.NON_NEGATIVE: ("a negative value", "result >= 0"),
    Success.ONE: ("any value but 1", "result == 1"),
    Success.NONE: ("an exception", ""),
}


_ASKED: Final = frozenset(
    {
        ApiRole.LOAD,
        ApiRole.RESOLVE,
        ApiRole.UNLOAD,
        ApiRole.BORROW,
        ApiRole.OPEN,
        ApiRole.SET_ENVIRONMENT,
        ApiRole.PRIVILEGE,
    }
)


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """A result is tested where it was given, or where a helper gave it on; the same test is told once."""
    told = set()
    for site in (s for s in facts.reached if s.api.role in _ASKED):
        fails, predicate = _TRUTHS[site.api.success]
        for spot, test in sorted(site.wrong_tests):
            if (site.spot, spot, test) in told:
                continue
            told.add((site.spot, spot, test))
            yield rule.no(
                f"{site.api.name} fails with {fails}, but line {spot.line} tests {test}.",
                at(spot),
                fix=predicate,
                why=(step(site.spot, f"{site.api.name} is called", "acquire"), step(spot, f"tests {test}", "test")),
                context=spot.function,
                condition=spot.condition,
            )
    for unit in facts.program.units:
        yield from _blind(rule, facts, unit) if unit.language in NATIVE else ()
        yield from _as_truths(rule, unit) if unit.language in NATIVE else ()
        for function, line in unloads_busy(unit) if unit.language in NATIVE else ():
            yield rule.no(
                "DllCanUnloadNow answers S_FALSE when the server is in use, which this test takes for a yes.",
                at(Spot(unit.path, line, function.name)),
                cwe=672,
                fix="Unload it only if the answer == S_OK.",
                context=function.name,
                condition=function.condition,
            )


def _as_truths(rule: Rule, unit: ir.Unit) -> Iterator[Claim]:
    """``if (!CoInitializeEx(...)) return -1``: S_OK is zero."""
    for function in unit.functions:
        for line, how in wrong_truths(unit, function):
            yield rule.no(
                f"An HRESULT is asked as a truth; {how}.",
                at(Spot(unit.path, line, function.name)),
                fix="Ask SUCCEEDED or FAILED.",
                context=function.name,
                condition=function.condition,
            )


def _blind(rule: Rule, facts: Facts, unit: ir.Unit) -> Iterator[Claim]:
    """``if (!p)`` behind mmap, ``if (rc < 0)`` behind pthread_create: what failure gives passes the test."""
    for found in blind_tests(facts, unit):
        call, test = (Spot(unit.path, line, found.function.name) for line in (found.given, found.tested))
        yield rule.no(
            f"{found.api} (line {call.line}) tells failure by {found.told}, which the test at line {test.line} passes.",
            at(test),
            fix=found.asks,
            why=(step(call, f"{found.api} is called", "acquire"), step(test, "tested", "test")),
            context=found.function.name,
            condition=found.function.condition,
        )


RULE: Final = Rule(
    id="wrong-failure-test",
    question="Does each test of a result ask what success really is?",
    practice=Practice.ERROR_HANDLING,
    cwe=253,
    severity=Severity.MEDIUM,
    languages=ALL,
    why=(
        "A test that can never see the failure reads like care and gives none: dlopen fails with NULL, never with -1."
    ),
    fix="Compare with the documented failure value.",
    bad='void *h = dlopen("libz.so.1", RTLD_NOW);\nif (h == (void *)-1) return -1;\n',
    good='void *h = dlopen("libz.so.1", RTLD_NOW);\nif (h == NULL) return -1;\n',
    references=("https://cwe.mitre.org/data/definitions/253.html",),
    answer=_answer,
)
