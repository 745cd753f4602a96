"""Is the result of a load, a search or a lookup tested before it is used?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Severity
from loadstone.core.counting import Share
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts, Site
from loadstone.review.analyses.mentions import calls_in, every_statement
from loadstone.review.analyses.values import Spot
from loadstone.review.analyses.words import uncast
from loadstone.review.apis import ApiRole, Success
from loadstone.review.ir import Assign, Display, Function, Literal, Member, Name, Return, Unit
from loadstone.review.rules.endless_tries import endless_tries
from loadstone.review.rules.places import ALL, at, each_api, resolve_lines, step
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions, kept

__all__ = ["RULE", "is_checked"]

_ROLES: Final = (ApiRole.LOAD, ApiRole.RESOLVE, ApiRole.FIND, ApiRole.BORROW)
_TESTED_BY_READERS: Final = frozenset({"g_once_init_leave()", "g_once_init_leave_pointer()", "yield()"})
"""What hands a result to readers elsewhere, who test what they get."""

_CATCHES_FAULTS: Final = re.compile(r"\bSIGSEGV\b[\s\S]*\bsigsetjmp\b|\bsigsetjmp\b[\s\S]*\bSIGSEGV\b")

_ALWAYS_THERE: Final = frozenset({"ntdll", "kernel32", "kernelbase"})
"""The libraries that Windows maps into every process before anything of the program runs."""

_WORK: Final = frozenset({"resolve", "call", "dereference"})
_SPOILED: Final = frozenset({"call", "dereference"})


def is_checked(site: Site, facts: Facts) -> bool:
    """Whether every use of the result, on every path, comes after a test of it, or somebody else's test is certain."""
    if site.api.raises:
        return True
    if any(use.known is not True and use.how in _SPOILED for use in site.uses):
        return False
    if site.tests:
        return True
    if site.returned or {p.name for p in site.function.parameters} & set(site.stores):
        return not any(_is_used_blindly(s) for s in facts.sites if s.chain and s.spot == site.spot)
    stored = {place.rpartition(".")[2] for place in site.stores}
    return bool(stored & facts.tested_in(site.spot.path) or stored & _TESTED_BY_READERS)


def _is_used_blindly(site: Site) -> bool:
    """Whether a caller that was handed the result works with it and never tests it."""
    return not site.tests and any(use.how in _WORK and use.known is None for use in site.uses)


def _is_plainly_unchecked(site: Site, facts: Facts, spoiled: AbstractSet[Spot]) -> bool:
    """Whether nothing ever looks at the result (a call through it untested is another rule's finding)."""
    if is_checked(site, facts) or site.is_inner:
        return False
    if site.spot in spoiled or _is_the_program(site):
        return False
    if _catches_faults(site.unit):
        return False  # the fault of a null call is caught: that is a claim of its own
    stored = {place.rpartition(".")[2] for place in site.stores}
    if site.api.role is ApiRole.RESOLVE and stored and not stored & facts.called_in(site.spot.path):
        return False  # kept for others, and nothing here calls it
    handed_on = any(place.endswith("()") and facts.is_defined(place[:-2]) for place in stored)
    handed_on = handed_on or any(_returns(function, stored) for function in site.unit.functions)
    return (
        not stored & facts.asked_in(site.spot.path)
        and not handed_on
        and not (_is_yielded(site) or _is_asked_in_other_branch(site))
    )


@kept
def _catches_faults(unit: Unit) -> bool:
    return _CATCHES_FAULTS.search(unit.text) is not None


def _returns(function: Function, stored: set[str]) -> bool:
    """Whether a function of the file gives its callers what a variable keeps: they test what they get."""
    return not stored.isdisjoint(_returned(function))


@kept
def _returned(function: Function) -> frozenset[str]:
    """The variables whose values a function returns."""
    given = (uncast(s.value) for s in every_statement(function.body) if isinstance(s, Return))
    return frozenset(value.name for value in given if isinstance(value, Name))


def _names_of(site: Site) -> set[str]:
    """The variables of its function that a result is put into."""
    return _names_of_results(site.function).get(id(site.call), set())


@kept
def _names_of_results(function: Function) -> dict[int, set[str]]:
    """For each call of a function whose result is put into variables, by identity, their names."""
    names: dict[int, set[str]] = {}
    for s in every_statement(function.body):
        if isinstance(s, Assign) and isinstance(s.target, Name):
            names.setdefault(id(uncast(s.value)), set()).add(s.target.name)
    return names


def _is_yielded(site: Site) -> bool:
    """``yield wand, core``: a generator of candidates hands them to whoever iterates, who tests what he gets."""
    return not _yielded(site.function).isdisjoint(_names_of(site))


@kept
def _yielded(function: Function) -> frozenset[str]:
    """The variables among what a generator yields together."""
    given = (uncast(a) for c in calls_in(function.body) if c.name == "yield" for a in c.arguments)
    return frozenset(
        p.name for value in given if isinstance(value, Display) for p in value.items if isinstance(p, Name)
    )


def _is_asked_in_other_branch(site: Site) -> bool:
    """Whether a branch of an ``#if`` that this reading of the function leaves out tests the result."""
    if not site.function.condition:
        return False
    body = "\n".join(site.unit.text.split("\n")[site.function.line - 1 : site.function.end_line])
    names = [re.escape(name) for name in _names_of(site)]
    return any(
        re.search(rf"\bif\s*\(\s*!?\s*{name}\b", body) and len(re.findall(rf"\b{name}\s*=(?!=)", body)) == 1
        for name in names
    )


def _is_the_program(site: Site) -> bool:
    """``GetModuleHandle(NULL)``, ``dlopen(NULL, ...)``, or of ``kernel32``: what is in every process cannot be missing.

    Nor can ``find_library("c")``: where it finds nothing, ``CDLL(None)`` is the program, which has the C library.
    """
    first = next(iter(site.call.arguments), None)
    given = next((e for e in expressions(first) if isinstance(e, Literal)), None)
    if site.api.role is ApiRole.FIND:
        return given is not None and given.value == "c"
    if given is None or site.api.role not in {ApiRole.BORROW, ApiRole.LOAD}:
        return False
    if given.value in (None, 0):
        return True
    return site.api.role is ApiRole.BORROW and str(given.value).lower().removesuffix(".dll") in _ALWAYS_THERE


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    yield from endless_tries(rule, facts)
    spoiled = {s.spot for s in facts.sites if any(u.how in _SPOILED and u.known is not True for u in s.uses)}
    for _, name, sites in each_api(facts.of(*_ROLES)):
        judged = [s for s in sites if not s.api.raises and s.api.success is not Success.NONE]
        good = [s for s in judged if is_checked(s, facts)]
        bad = [s for s in judged if _is_plainly_unchecked(s, facts, spoiled) and not facts.is_cut(s)]
        tested = [s for s in good if s.tests]
        if tested:
            places = tuple(at(spot) for s in tested for spot in sorted(s.tests)[:1])
            yield rule.yes(
                Share(f"{name} result", "is tested before use", "are tested before use"),
                at(tested[0].spot),
                lines=resolve_lines(s.spot for s in tested),
                met=len(good),
                sites=len(judged),
                places=places,
                context=tested[0].spot.function,
            )
        never = Share(f"{name} result", "is", "are")
        for site in bad:
            error = f" and report {site.api.error}()" if site.api.error else ""
            what = "dropped" if site.is_discarded else "used without a test"
            first = min((u.spot for u in site.uses), default=site.spot)
            severity = Severity.LOW if site.is_discarded_deliberately else None
            yield rule.no(
                f"The result of {name} is {what}; {never.of(len(bad), len(judged))} never tested in this file.",
                at(site.spot),
                fix=f"Test it{error} before going on.",
                severity=severity,
                why=(
                    step(site.spot, (f"{name} may fail here"), ("acquire")),
                    step(first, ("used as if it had not"), ("use")),
                    *_called_at(site),
                ),
                context=site.spot.function,
                condition=site.spot.condition,
            )


def _called_at(site: Site) -> Iterator[FlowStep]:
    """Where what was kept untested is called in the same file."""
    stored = {place.rpartition(".")[2] for place in site.stores if not place.endswith("()")}
    if site.api.role is not ApiRole.RESOLVE or not stored:
        return
    for function in site.unit.functions:
        for call in calls_in(function.body):
            target = uncast(call.function)
            if isinstance(target, Name | Member) and target.name in stored:
                yield step(Spot(site.unit.path, call.line, function.name), "called", "use")
                return


RULE: Final = Rule(
    id="unchecked-dlopen",
    question="Is the result of every load, search and lookup tested before it is used?",
    practice=Practice.ERROR_HANDLING,
    cwe=252,
    severity=Severity.MEDIUM,
    languages=ALL,
    why="A library that is missing is the ordinary case, not the rare one. A null handle passed on means the main "
    "program to some systems, so the wrong code answers instead of none.",
    fix="Test the result and report the system's reason before going on.",
    bad='void *h = dlopen("libz.so.1", RTLD_NOW);\nvoid *f = dlsym(h, "crc32");\n',
    good='void *h = dlopen("libz.so.1", RTLD_NOW);\nif (h == NULL) return report(dlerror());\n',
    references=(
        "https://cwe.mitre.org/data/definitions/252.html",
        "https://man7.org/linux/man-pages/man3/dlopen.3.html",
    ),
    answer=_answer,
)
