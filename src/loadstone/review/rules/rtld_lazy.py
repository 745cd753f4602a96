"""Does a load fail at once when a symbol is missing, and not at some later call?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.counting import Share
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts
from loadstone.review.ir import Language
from loadstone.review.rules.flags import flagged_loads
from loadstone.review.rules.places import NATIVE, at, each_api, unit_of
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """Praise only: lazy binding is a choice. ctypes always binds at once, so there is nothing to praise there."""
    flags = dict(flagged_loads(facts))
    for path, name, sites in each_api(flags):
        unit = unit_of(facts, path)
        bound = [site for site in sites if "RTLD_NOW" in flags[site]]
        if bound and unit is not None and unit.language is not Language.PYTHON:
            binds = Share(f"{name} call", "binds every symbol at once", "bind every symbol at once")
            places = tuple(at(site.spot) for site in bound)
            yield rule.yes(binds, places[0], met=len(bound), sites=len(sites), places=places[1:])


RULE: Final = Rule(
    id="rtld-lazy",
    question="Does a load fail at once when a symbol is missing?",
    practice=Practice.ERROR_HANDLING,
    cwe=754,
    severity=Severity.LOW,
    languages=NATIVE,
    why="With RTLD_LAZY a missing function ends the process at its first call, long after the load was tested.",
    fix="Pass RTLD_NOW; then the load itself fails, and dlerror names the symbol.",
    bad='void *h = dlopen("/usr/lib/libown.so.1", RTLD_LAZY);\n',
    good='void *h = dlopen("/usr/lib/libown.so.1", RTLD_NOW);\n',
    references=(
        "https://man7.org/linux/man-pages/man3/dlopen.3.html",
        "https://cwe.mitre.org/data/definitions/754.html",
    ),
    answer=_answer,
)
