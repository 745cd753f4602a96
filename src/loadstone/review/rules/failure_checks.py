"""Is a call that failed noticed before the next step?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import Asks, simple
from loadstone.review.apis import ApiRole, tables
from loadstone.review.rules.observed import Spans, guards, observed
from loadstone.review.rules.places import ALL
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import calls, statements

__all__ = ["RULE"]

_TELLS: Final = re.compile(
    r"(?i)\A(?:strerror\w*|perror|warnx?|errx?|syslog|vsyslog|error|warning|exception|critical|fail\w*|complain"
    r"|set_?error\w*"
    r"|log_?(?:line|error|warn\w*)?|report\w*|display_?text|error_?(?:string|text|message)|g_set_error\w*"
    r"|format_?message\w*"
    r"|outputdebugstring\w*|get_?last_?error|winerror|last_?error|what|qwarning|qcritical|g_warning|g_printerr"
    r"|apr_strerror|fatal\w*)\Z"
)
_ERROR_STREAMS: Final = frozenset({"stderr", "std::cerr", "cerr", "sys.stderr"})


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    def noticed(unit: ir.Unit) -> Spans:
        yield from ((g.line, g.end_line) for g in guards(facts, unit, Asks.RESULT))

    def told(unit: ir.Unit) -> Spans:
        for function in unit.functions:
            yield from _told(function)

    yield from observed(rule, facts, "A result is tested, and what follows does not run on a bad one", noticed)
    yield from observed(rule, facts, "A failure is reported, raised or answered where it is met", told)


def _told(function: ir.Function) -> Spans:
    for statement in statements(function.body.body):
        if isinstance(statement, ir.Try):
            for handler in statement.handlers:
                if handler.body.body:
                    yield handler.line, min(handler.body.end_line, handler.line + 3)
        elif isinstance(statement, ir.Raise):
            yield statement.line, statement.line
    known = tables()
    for call in calls(function.body.body):
        api = known.get(call.name)
        reports = api is not None and api.role is ApiRole.ERROR
        to_errors = any(isinstance(a, ir.Name) and a.name in _ERROR_STREAMS for a in call.arguments)
        if reports or to_errors or _TELLS.match(simple(call.name)):
            yield call.line, call.line


RULE: Final = Rule(
    id="failure-checks",
    question="Is a call that failed noticed before the next step?",
    practice=Practice.ERROR_HANDLING,
    cwe=None,
    severity=Severity.LOW,
    languages=ALL,
    why=(
        "A failure that is noticed where it happens is an error message; one noticed later is a crash somewhere else."
    ),
    fix="Test the result in the next statement, and leave with the reason.",
    bad="struct engine *e = engine_new();\nengine_start(e);\n",
    good="struct engine *e = engine_new();\nif (!e)\n    return -1;\nengine_start(e);\n",
    references=("https://cwe.mitre.org/data/definitions/252.html",),
    answer=_answer,
)
