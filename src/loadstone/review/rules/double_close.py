"""Is each open library closed at most once?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.core.counting import Share
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import every_statement
from loadstone.review.analyses.values import Spot
from loadstone.review.apis import ApiRole
from loadstone.review.ir import Language, Loop
from loadstone.review.rules.copied_handles import copied_handles
from loadstone.review.rules.owner_members import owned_twice, uncounted_copies
from loadstone.review.rules.places import NATIVE, at, in_file, step
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for site in (s for s in facts.reached if s.api.role in {ApiRole.LOAD, ApiRole.ALLOCATE, ApiRole.BORROW}):
        for use in sorted(
            (u for u in site.uses if u.how == ("release") and u.closed is not None), key=lambda u: u.spot
        ):
            assert use.closed is not None
            if use.spot == use.closed and _is_in_loop(facts, use.spot) and _is_in_loop(facts, site.spot):
                continue  # one of many that a loop made, and another of them
            memory = site.api.role is ApiRole.ALLOCATE
            yield rule.no(
                f"The result of {site.api.name} at line {site.spot.line}{in_file(site.spot, use.spot)} is released at "
                f"line {use.closed.line}{in_file(use.closed, use.spot)} and again at line {use.spot.line}.",
                at(use.spot),
                cwe=415 if memory else 675,
                why=(
                    step(site.spot, f"acquired once by {site.api.name}", "acquire"),
                    step(use.closed, "released", "release"),
                    *((step(use.via, "in this call", "call"),) if use.via is not None else ()),
                    step(use.spot, "released again", "release"),
                ),
                context=use.spot.function,
                condition=use.spot.condition,
            )
    for name, again, first in facts.closed_twice:
        yield rule.no(
            f"{name or 'The handle'} is closed at line {first.line} and again at line {again.line}.",
            at(again),
            why=(step(first, "released", "release"), step(again, "released again", "release")),
            context=again.function,
            condition=again.condition,
        )
    for found in facts.lifetimes:
        event = found.event
        if event.what == "twice" and found.is_descriptor:
            first, again = (Spot(found.unit.path, n, found.function.name) for n in (event.since, event.line))
            yield rule.no(
                f"{event.name} is closed at line {event.since} ({event.by}) and again at line {event.line}.",
                at(again),
                severity=Severity.MEDIUM,
                why=(step(first, "closed", "release"), step(again, "closed again", "release")),
                context=found.function.name,
                condition=found.function.condition,
            )
    known = {(f.unit.path, f.event.line) for f in facts.lifetimes if f.event.what == "twice"}
    for name, again, first in facts.deleted_twice:
        if (again.path, again.line) in known:
            continue
        yield rule.no(
            f"{name or 'What new made'} is deleted at line {first.line}{in_file(first, again)} and again at line "
            f"{again.line}.",
            at(again),
            cwe=415,
            why=(step(first, "deleted", "release"), step(again, "deleted again", "release")),
            context=again.function,
            condition=again.condition,
        )
    yield from _copied(rule, facts)
    yield from _of_owners(rule, facts)
    for site in facts.of(ApiRole.LOAD):
        if len(site.closes) == 1 and not any(u.closed for u in site.uses):
            close = min(site.closes)
            yield rule.yes(
                Share("loaded library", "is closed once", "are closed once", "loaded libraries", alone=True),
                at(close),
                places=(at(site.spot),),
                practice=Practice.LIFECYCLE,
                context=site.spot.function,
            )


def _copied(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """Two members, or two entries of a table, hold one handle, and each is closed."""
    for unit in (u for u in facts.program.units if u.language is Language.C):
        for found in copied_handles(facts, unit):
            copied, first, again = (Location.lines(unit.path, n) for n in (found.copied, found.first, found.again))
            both = found.one if found.one == found.other else f"{found.one} and {found.other}"
            yield rule.no(
                f"{found.copier} copies one handle at line {found.copied}, and {both} are closed each "
                f"(line {found.again}): one handle twice.",
                again,
                cwe=415,
                severity=Severity.MEDIUM,
                fix="Open it once for each holder, or compare before the second close.",
                why=(
                    FlowStep(copied, "the handle is copied", "acquire"),
                    FlowStep(first, "released", "release"),
                    FlowStep(again, "released again", "release"),
                ),
                context=found.function.name,
                condition=found.function.condition,
            )


def _of_owners(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """Two owners of one handle: a base and its derived class, two smart pointers, a copy that counts nobody."""
    for unit in (u for u in facts.program.units if u.language is Language.CPP):
        every = [
            *((one, 675, f"{one.member} is closed at line {one.line} and again at line {one.ended}.")
              for one in owned_twice(facts, unit)),
            *((one, 911, f"The copy takes {one.member} and does not count itself; line {one.ended} counts one down.")
              for one in uncounted_copies(unit)),
        ]  # fmt: skip
        for found, cwe, said in every:
            here, other = (Spot(unit.path, n, found.function.name) for n in (found.line, found.ended))
            yield rule.no(
                said,
                at(here),
                cwe=cwe,
                severity=Severity.MEDIUM,
                fix="Give it one owner, or count each.",
                why=(step(here, "one owner", "acquire"), step(other, "another", "release")),
                context=found.function.name,
                condition=found.function.condition,
            )


def _is_in_loop(facts: Facts, spot: Spot) -> bool:
    """Whether a line is run round by round."""
    functions = (f for u in facts.program.units if u.path == spot.path for f in u.functions)
    bodies = (f.body for f in functions if f.name == spot.function)
    loops = (s for body in bodies for s in every_statement(body) if isinstance(s, Loop))
    return any(inner.line == spot.line for loop in loops for inner in every_statement(loop.body))


RULE: Final = Rule(
    id="double-close",
    question="Is each open library closed at most once?",
    practice=Practice.OWNERSHIP,
    cwe=675,
    severity=Severity.HIGH,
    languages=NATIVE,
    why="Handles are counted: a second close takes away the reference of another user, whose code then disappears "
    "while it runs.",
    fix="Set the handle to null after the first close, or give it one owner.",
    bad="dlclose(h);\nif (failed) dlclose(h);\n",
    good="dlclose(h);\nh = NULL;\n",
    references=("https://cwe.mitre.org/data/definitions/675.html", "https://cwe.mitre.org/data/definitions/415.html"),
    answer=_answer,
)
