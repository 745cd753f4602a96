"""Is the foreign interface declared in one place, and hidden behind it?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import simple
from loadstone.review.apis import ApiRole, Tables, tables
from loadstone.review.rules.observed import Spans, observed
from loadstone.review.rules.places import ALL
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import parts_of, statements

__all__ = ["RULE"]

_DECLARES: Final = frozenset({"argtypes", "restype", "errcheck"})
_HANDLE: Final = re.compile(
    r"(?i)void\s*\*|HMODULE|HINSTANCE|QLibrary|GModule|SharedLibrary|shared_library|_ptr\b|lib|handle|module"
)


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    yield from observed(rule, facts, "Foreign functions get their types where they are bound", _declared)
    yield from observed(
        rule, facts, "What holds a library is private to its class or file, or cannot be copied", _hidden
    )


def _declared(unit: ir.Unit) -> Spans:
    known = tables()
    for function in unit.functions:
        for statement in statements(function.body.body):
            match statement:
                case ir.Assign(target=ir.Member(name=name), line=line) if name in _DECLARES:
                    yield line, line
                case ir.Assign(value=ir.Cast(operand=operand), line=line) if _resolves(operand, known):
                    yield line, line
            for part in parts_of(statement):
                if isinstance(part, ir.Call) and simple(part.name) in {"cdef", "import_symbol", "import_alias"}:
                    yield part.line, part.line


def _resolves(operand: ir.Expression, known: Tables) -> bool:
    while isinstance(operand, ir.Cast):
        operand = operand.operand
    if not isinstance(operand, ir.Call):
        return False
    api = known.get(operand.name)
    return api is not None and api.role is ApiRole.RESOLVE


def _hidden(unit: ir.Unit) -> Spans:
    for one in unit.classes:
        if one.copyable is False:
            yield one.line, one.line
        for member in one.members:
            if member.private and (_HANDLE.search(member.type) or _HANDLE.search(member.name)):
                yield member.line, member.line
    if unit.language is not ir.Language.PYTHON:
        for variable in unit.variables:
            if variable.local and (_HANDLE.search(variable.type) or _HANDLE.search(variable.name)):
                yield variable.line, variable.line


RULE: Final = Rule(
    id="declared-interface",
    question="Is the foreign interface declared in one place, and hidden behind it?",
    practice=Practice.ENCAPSULATION,
    cwe=None,
    severity=Severity.LOW,
    languages=ALL,
    why="An address without its type, and a handle that everybody can reach, are used wrongly sooner or later.",
    fix="Bind every function with its type in one place; keep the handle private and not copyable.",
    bad='void *lib;\nvoid go(void) { ((void (*)())dlsym(lib, "go"))(); }\n',
    good=(
        'static void *lib;\nstatic void (*go_fn)(int);\nvoid bind(void) { go_fn = (void (*)(int))dlsym(lib, "go"); }\n'
    ),
    references=(
        "https://docs.python.org/3/library/ctypes.html#specifying-the-required-argument-types-function-prototypes",
    ),
    answer=_answer,
)
