"""What C++ keeps longer than its library: exceptions, entries of tables, interfaces of COM, bare pointers."""

from __future__ import annotations

from collections.abc import Iterator

from loadstone.core.claims import Claim, Confidence, Severity
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in
from loadstone.review.analyses.values import Spot
from loadstone.review.apis import ApiRole
from loadstone.review.ir import Language, Unit
from loadstone.review.rules.changed_in_loop import changed_in_loops
from loadstone.review.rules.com_lifetimes import outlive_apartment
from loadstone.review.rules.escaped_entries import escaped_entries
from loadstone.review.rules.foreign_exceptions import kept_exceptions
from loadstone.review.rules.late_entries import late_entries, left_pointers
from loadstone.review.rules.lookups import plays
from loadstone.review.rules.moved_elements import moved_elements
from loadstone.review.rules.places import at, step
from loadstone.review.rules.rule import Rule

__all__ = ["outlived"]


def outlived(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """What outlives its library, each kind in turn."""
    yield from _thrown_by_library(rule, facts)
    yield from _changed_in_loop(rule, facts)
    yield from _outlives_apartment(rule, facts)
    yield from _escaped(rule, facts)
    yield from _moved(rule, facts)
    yield from _late_entries(rule, facts)


def _moved(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """A reference, a pointer or an iterator leads into a container that has changed since."""
    handling = {s.unit.path for s in facts.of(ApiRole.LOAD, ApiRole.RESOLVE, ApiRole.UNLOAD)}
    for unit in (u for u in facts.program.units if u.language is Language.CPP and u.path in handling):
        for found in moved_elements(facts.program, unit):
            taken, changed, used = (
                Spot(unit.path, n, found.function.name) for n in (found.taken, found.changed, found.used)
            )
            yield rule.no(
                f"{found.name} leads into {found.container} since line {taken.line}; line {changed.line} may move or "
                f"end its elements, and line {used.line} uses it.",
                at(used),
                severity=Severity.MEDIUM,
                confidence=Confidence.LIKELY,
                fix="Keep an index, or take it again after the change.",
                why=(step(taken, "taken", "acquire"), step(changed, "changed", "release"), step(used, "used", "use")),
                context=found.function.name,
                condition=found.function.condition,
            )


def _late_entries(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """An entry's library is closed before what it made is ended, called, or forgotten."""
    for unit in (u for u in facts.program.units if u.language is Language.CPP):
        for late in late_entries(facts, unit):
            closed, used = (Spot(unit.path, n, late.function.name) for n in (late.closed, late.used))
            yield rule.no(
                f"{late.name} is code or an object of the library that line {closed.line} closes; line {used.line} "
                "runs it all the same.",
                at(used),
                severity=Severity.MEDIUM,
                fix="End and call it first, then close the library.",
                why=(step(closed, "the library is closed", "release"), step(used, "used", "use")),
                context=late.function.name,
                condition=late.function.condition,
            )
        for left, closer in left_pointers(facts, unit):
            closed, used = Spot(unit.path, left.closed, closer), Spot(unit.path, left.used, left.function.name)
            yield rule.no(
                f"{left.name} still points at the object of the entry whose library {closer} closes at line "
                f"{closed.line}; line {used.line} uses it.",
                at(used),
                severity=Severity.MEDIUM,
                confidence=Confidence.LIKELY,
                fix=f"Set {left.name} to null where its entry is taken out.",
                why=(step(closed, "the library is closed", "release"), step(used, "used", "use")),
                context=left.function.name,
                condition=left.function.condition,
            )


def _escaped(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """Bare pointers into a table of libraries are used when its lock is free again."""
    for unit in (u for u in facts.program.units if u.language is Language.CPP):
        for found in escaped_entries(facts, unit):
            copied, used, ended = (
                Spot(unit.path, n, found.function.name) for n in (found.copied, found.used, found.ended)
            )
            yield rule.no(
                f"Pointers to entries of {found.table}, copied under its lock at line {copied.line}, are used at line "
                f"{used.line} without it; line {ended.line} may end an entry and close its library meanwhile.",
                at(used),
                severity=Severity.MEDIUM,
                confidence=Confidence.LIKELY,
                fix="Copy shared pointers, or hold the lock.",
                why=(step(copied, "copied", "acquire"), step(ended, "ended", "release"), step(used, "used", "use")),
                context=found.function.name,
                condition=found.function.condition,
            )


def _outlives_apartment(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """An interface is released by its holder at the end of a block that has shut COM down before."""
    for unit in (u for u in facts.program.units if u.language is Language.CPP):
        for function in unit.functions:
            for name, declared, left in outlive_apartment(function):
                gone, used = (Spot(unit.path, n, function.name) for n in (left, declared))
                yield rule.no(
                    f"{name} is released at the end of its block, after COM is shut down at line {left}: its server "
                    "may be unloaded by then.",
                    at(gone),
                    cwe=672,
                    severity=Severity.MEDIUM,
                    fix="Release every interface before CoUninitialize, or leave that to an object declared first.",
                    why=(step(used, "held here", "acquire"), step(gone, "COM is shut down", "release")),
                    context=function.name,
                    condition=function.condition,
                )


def _changed_in_loop(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """The table of the libraries loses an entry in the loop that goes through it."""
    for unit in (u for u in facts.program.units if u.language is Language.CPP):
        for found in changed_in_loops(unit) if _closes_any(facts, unit) else ():
            loop, changed = (Spot(unit.path, n, found.function.name) for n in (found.loop, found.changed))
            yield rule.no(
                f"{found.container} is changed at line {changed.line} in the loop through it (line {loop.line}); "
                "the next round reads an entry that is gone.",
                at(changed),
                fix="Go through it with an iterator, and go on with the one that erase gives back.",
                why=(step(changed, "an entry goes", "release"), step(loop, "the next round", "use")),
                context=found.function.name,
                condition=found.function.condition,
            )


def _closes_any(facts: Facts, unit: Unit) -> bool:
    return any(plays(facts, c, ApiRole.UNLOAD) for f in unit.functions for c in calls_in(f.body))


def _thrown_by_library(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """An exception of the library's code is rethrown, or read, when the library is closed."""
    for unit in (u for u in facts.program.units if u.language is Language.CPP):
        for kept in kept_exceptions(facts, unit):
            closed, used = (Spot(unit.path, n, kept.function.name) for n in (kept.closed, kept.used))
            yield rule.no(
                f"The exception may be of a type of the library, which line {closed.line} closes; line {used.line} "
                "uses it.",
                at(closed),
                severity=Severity.MEDIUM,
                confidence=Confidence.LIKELY,
                fix="Copy its text into one of your own types and leave the handler, then close the library.",
                why=(step(closed, "the library is closed", "release"), step(used, "the exception is used", "use")),
                context=kept.function.name,
                condition=kept.function.condition,
            )
