"""Do the symbols of a loaded library stay out of what later libraries are bound to?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Confidence, Severity
from loadstone.core.counting import Share
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts
from loadstone.review.rules.flags import UNKNOWN, flagged_loads
from loadstone.review.rules.places import ALL, at, each_api
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """A note, no more: some libraries are made to be global. Where the code chooses, it is no default.

    Praise is for the word RTLD_LOCAL: without either, Linux keeps symbols local and macOS does not (dlopen(3) of both).
    """
    flags = dict(flagged_loads(facts))
    for _, name, sites in each_api(flags):
        local = [s for s in sites if "RTLD_LOCAL" in flags[s] and flags[s].isdisjoint({UNKNOWN, "RTLD_GLOBAL"})]
        for site in sites:
            if "RTLD_GLOBAL" in flags[site]:
                yield rule.no(
                    f"{name} adds the library's symbols to those that every later library is bound to.",
                    at(site.spot),
                    context=site.spot.function,
                    condition=site.spot.condition,
                    confidence=Confidence.POSSIBLE,
                )
        if local:
            keeps = Share(
                f"{name} call", "keeps the symbols to the library itself", "keep the symbols to the library itself"
            )
            places = tuple(at(site.spot) for site in local)
            yield rule.yes(keeps, places[0], met=len(local), sites=len(sites), places=places[1:])


RULE: Final = Rule(
    id="rtld-global",
    question="Do the symbols of a loaded library stay out of what later libraries are bound to?",
    practice=Practice.ENCAPSULATION,
    cwe=1188,
    severity=Severity.NOTE,
    languages=ALL,
    why=(
        "With RTLD_GLOBAL the first definition loaded wins for everything loaded afterwards: two plugins with a"
        " function of the same name call each other's."
    ),
    fix="Pass RTLD_LOCAL, unless other libraries are meant to be bound to this one.",
    bad='void *h = dlopen("/usr/lib/libown.so.1", RTLD_NOW | RTLD_GLOBAL);\n',
    good='void *h = dlopen("/usr/lib/libown.so.1", RTLD_NOW | RTLD_LOCAL);\n',
    references=(
        "https://man7.org/linux/man-pages/man3/dlopen.3.html",
        "https://cwe.mitre.org/data/definitions/1188.html",
    ),
    answer=_answer,
)
