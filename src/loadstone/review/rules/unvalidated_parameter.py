"""Is what comes in checked before it is used?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import Asks, simple, words_in
from loadstone.review.apis import ApiRole, tables
from loadstone.review.rules.observed import Spans, guards, observed
from loadstone.review.rules.places import ALL
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import calls

__all__ = ["RULE"]

_NARROWS: Final = re.compile(
    r"\A(?:O_NOFOLLOW|O_EXCL|RESOLVE_\w+|AT_SYMLINK_NOFOLLOW|CREATE_NEW|LOAD_LIBRARY_(?:SEARCH|AS)_\w+"
    r"|MFD_ALLOW_SEALING|WTD_\w+)\Z"
)
"""Words that narrow what a call accepts."""

_ROLES: Final = frozenset({ApiRole.CANONICAL, ApiRole.VERIFY, ApiRole.COMPARE, ApiRole.SEARCH_FLAGS})
_BOUNDED: Final = frozenset(
    {("snprintf"), ("swprintf_s"), ("strlcpy"), ("fgets"), ("StringCchCopyW"), ("StringCchPrintfW"), ("min")}
)


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    def tested(unit: ir.Unit) -> Spans:
        return ((g.line, g.end_line) for g in guards(facts, unit, Asks.INPUT))

    yield from observed(rule, facts, "A value that comes in is tested, and a bad one goes no further", tested)
    yield from observed(rule, facts, "A call takes only what it should", _narrowed)


def _narrowed(unit: ir.Unit) -> Spans:
    known = tables()
    for function in unit.functions:
        for call in calls(function.body.body):
            api = known.get(call.name)
            kept = api is not None and (api.role in _ROLES or (api.role is ApiRole.TEMPORARY and api.kind == "private"))
            given = (word for a in (*call.arguments, *(v for _, v in call.keywords)) for word in words_in(a))
            if kept or simple(call.name) in _BOUNDED or any(_NARROWS.match(word) for word in given):
                yield call.line, max(call.line, call.end_line)


RULE: Final = Rule(
    id="unvalidated-parameter",
    question="Is what comes in checked before it is used?",
    practice=Practice.INPUT_VALIDATION,
    cwe=20,
    severity=Severity.LOW,
    languages=ALL,
    why=(
        "Null, empty and over-long names reach the loader sooner or later; "
        "some systems answer them with the main program."
    ),
    fix="Test for null, empty, length and characters first.",
    bad="void *open_plugin(const char *name) { return dlopen(name, RTLD_NOW); }\n",
    good="void *open_plugin(const char *name) { return name && *name ? dlopen(name, RTLD_NOW) : NULL; }\n",
    references=("https://cwe.mitre.org/data/definitions/20.html",),
    answer=_answer,
)
