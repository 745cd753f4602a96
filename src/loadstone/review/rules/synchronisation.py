"""Where are locks, once objects and atomics at work?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import simple, words_in
from loadstone.review.apis import ApiRole, tables
from loadstone.review.rules.observed import Spans, observed
from loadstone.review.rules.places import ALL
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import parts_of, statements

__all__ = ["RULE"]

_ROLES: Final = frozenset({ApiRole.LOCK, ApiRole.UNLOCK, ApiRole.TRY_LOCK, ApiRole.GUARD, ApiRole.ONCE})
_CALLS: Final = re.compile(
    r"(?i)mutex|(?:\A|_)(?:un)?lock(?:f|_\w+)?\Z|critical_?section|srwlock|call_?once|interlocked"
    r"|compare_?exchange|fetch_(?:add|sub|and|or)|atomic_"
    r"|cond_?(?:wait|signal|broadcast)|semaphore|\Aflock\Z|\Aacquire\Z|rwlock|lock_?(?:guard|shared)"
    r"|unique_lock|scoped_?lock"
)
_NAMES: Final = re.compile(r"(?i)(?:lock|mutex|mtx|guard|cond)s?_?\Z|\A_?(?:lock|mutex)|exclusive")
_TYPES: Final = re.compile(
    r"(?i)lock_guard|unique_lock|scoped_?lock|mutexlocker|shared_lock|readlocker|writelocker|autolock|csinglelock"
)


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    yield from observed(rule, facts, "Shared state is entered through a lock, a once object or an atomic", _sections)


def _sections(unit: ir.Unit) -> Spans:
    known = tables()
    for function in unit.functions:
        for statement in statements(function.body.body):
            match statement:
                case ir.With(items=items, line=line) if any(_is_lock(context) for context, _ in items):
                    yield line, min(statement.body.end_line, line + 3)
                case ir.Assign(type=spelled, line=line, static=static) if _TYPES.search(spelled) or (
                    static and statement.declares and isinstance(statement.value, ir.Call | ir.Operation)
                ):
                    yield line, line
            for part in parts_of(statement):
                if isinstance(part, ir.Call):
                    api = known.get(part.name)
                    if (api is not None and api.role in _ROLES) or _CALLS.search(simple(part.name)):
                        yield part.line, part.line


def _is_lock(context: ir.Expression) -> bool:
    return any(_NAMES.search(word) for word in words_in(context))


RULE: Final = Rule(
    id="synchronisation",
    question="Where are locks, once objects and atomics at work?",
    practice=Practice.LOCKING,
    cwe=None,
    severity=Severity.LOW,
    languages=ALL,
    why="Whoever reads code that several threads share has to know where they meet.",
    fix="Enter shared state through one lock, and say which state it guards.",
    bad='static void *lib;\nvoid *get(void) { return lib ? lib : (lib = dlopen("libx.so", RTLD_NOW)); }\n',
    good=(
        "static void *lib;\nstatic pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;\nvoid *get(void) {\n"
        '    pthread_mutex_lock(&lock);\n    if (!lib)\n        lib = dlopen("libx.so", RTLD_NOW);\n'
        "    pthread_mutex_unlock(&lock);\n    return lib;\n}\n"
    ),
    references=("https://cwe.mitre.org/data/definitions/667.html",),
    answer=_answer,
)
