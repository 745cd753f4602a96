"""Was every path through the function followed, so that silence about it means something?"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts
from loadstone.review.rules.places import ALL
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for (spot, end_line), cuts in groupby(facts.cut, lambda cut: (cut.spot, cut.end_line)):
        yield rule.cannot_tell(
            f"{spot.function} was not followed on every path",
            Location.lines(spot.path, spot.line, end_line),
            "; ".join(cut.bound.value for cut in cuts),
            context=spot.function,
            condition=spot.condition,
        )


RULE: Final = Rule(
    id="analysis-incomplete",
    question="Was the function followed on every path?",
    practice=Practice.LIFECYCLE,
    cwe=None,
    severity=Severity.NOTE,
    languages=ALL,
    why="What is not followed is not asked about: without a word, a function cut short would look clean.",
    fix="Split the function into smaller ones, or read the rest of it yourself.",
    bad="int load_all(void) { /* hundreds of tests of separate handles in one body */ }\n",
    good="int load_all(void) { return load_codecs() && load_filters(); }\n",
    references=("https://cwe.mitre.org/data/definitions/1121.html",),
    answer=_answer,
)
