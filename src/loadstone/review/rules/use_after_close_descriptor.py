"""Is a descriptor still open whenever it is used? A closed number may be another file by then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.values import Spot
from loadstone.review.apis import ApiRole
from loadstone.review.rules.places import NATIVE, at, step
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]

_NUMBERED: Final = frozenset({"close", "CloseHandle"})
"""What releases a descriptor; streams and mappings are memory, and other rules' business."""


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for site in facts.of(ApiRole.OPEN):
        if site.api.release not in _NUMBERED:
            continue
        for use in site.uses:
            if use.closed is not None and use.how == "argument":
                opened, closed = site.spot.line, use.closed.line
                yield rule.no(
                    f"The descriptor opened at line {opened} is closed at line {closed} and used after.",
                    at(use.via or use.spot),
                    why=(
                        step(site.spot, "opened", "acquire"),
                        step(use.closed, "closed", "release"),
                        step(use.spot, "used", "use"),
                    ),
                    context=use.spot.function,
                    condition=use.spot.condition,
                )
    for found in facts.lifetimes:
        event = found.event
        if event.what == "late" and found.is_descriptor:
            gone, used = (Spot(found.unit.path, n, found.function.name) for n in (event.since, event.line))
            yield rule.no(
                f"{event.name} is closed at line {event.since} and used at line {event.line}.",
                at(used),
                why=(step(gone, "closed", "release"), step(used, "used", "use")),
                context=found.function.name,
                condition=found.function.condition,
            )


RULE: Final = Rule(
    id="use-after-close-descriptor",
    question="Is a descriptor still open whenever it is used?",
    practice=Practice.OWNERSHIP,
    cwe=910,
    severity=Severity.MEDIUM,
    languages=NATIVE,
    why="The number of a closed descriptor goes to the next file that is opened, by any thread: that one is loaded.",
    fix="Close it after the load that uses it.",
    bad='close(fd);\nsnprintf(path, sizeof path, "/proc/self/fd/%d", fd);\nh = dlopen(path, RTLD_NOW);\n',
    good='snprintf(path, sizeof path, "/proc/self/fd/%d", fd);\nh = dlopen(path, RTLD_NOW);\nclose(fd);\n',
    references=("https://cwe.mitre.org/data/definitions/910.html",),
    answer=_answer,
)
