"""Is what a library says of itself compared with what the program was built for?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import Asks
from loadstone.review.rules.observed import Spans, guards, observed
from loadstone.review.rules.places import ALL
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    def compared(unit: ir.Unit) -> Spans:
        return ((g.line, g.end_line) for g in guards(facts, unit, Asks.FORM))

    def optional(unit: ir.Unit) -> Spans:
        return ((g.line, g.end_line) for g in guards(facts, unit, Asks.OPTIONAL))

    yield from observed(rule, facts, "A version, kind or size is compared before what depends on it runs", compared)
    yield from observed(
        rule, facts, ("A function that not every version has is asked for before it is called"), optional
    )


RULE: Final = Rule(
    id="compatibility-checks",
    question="Is what a library says of itself compared with what the program was built for?",
    practice=Practice.CONDITIONAL_COMPILATION,
    cwe=None,
    severity=Severity.LOW,
    languages=ALL,
    why=(
        "What #if decides for the headers a program was built with, a test must decide for the library that is there "
        "when it runs."
    ),
    fix="Compare version, size and kind first; leave out what the library does not have.",
    bad="struct api *a = get_api();\na->draw();\n",
    good="struct api *a = get_api();\nif (a->version != API_VERSION || !a->draw)\n    return -1;\na->draw();\n",
    references=("https://www.gnu.org/software/libtool/manual/html_node/Versioning.html",),
    answer=_answer,
)
