"""Is what comes in through the public functions checked before it is used?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import children, every_expression, every_statement
from loadstone.review.apis import Role, tables
from loadstone.review.rules.places import ALL
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]

_TESTS: Final = frozenset(
    {
        "isEmpty",
        "isNull",
        "empty",
        "endsWith",
        "startsWith",
        "contains",
        "suffix",
        "indexOf",
        "lastIndexOf",
        "length",
        "size",
        "exists",
        "strlen",
        "len",
        "isinstance",
        "completeSuffix",
        "split",
    }
)


@dataclass(frozen=True, slots=True)
class _Parameter:
    function: ir.Function
    name: str
    test: int
    use: int


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    handling = {
        (s.unit.path, s.function.name)
        for s in facts.sites
        if s.api.role in {Role.LOAD, Role.RESOLVE, Role.UNLOAD, Role.SEARCH_PATH, Role.JOIN}
    }
    for unit in facts.program.units:
        entries = [p for f in unit.functions if not f.local for p in _parameters(f, unit)]
        wanted = [p for p in entries if (unit.path, p.function.name) in handling or _is_about_names(p)]
        checked = [p for p in wanted if p.test and (not p.use or p.test <= p.use)]
        if checked:
            lines = ", ".join(str(line) for line in sorted({p.test for p in checked}))
            yield rule.yes(
                (
                    f"{len(checked)} of {len(wanted)} parameters of public functions are "
                    f"tested before their first use (lines {lines})"
                ),
                Location.lines(unit.path, min(p.test for p in checked)),
                met=len(checked),
                sites=len(wanted),
                places=tuple(Location.lines(unit.path, line) for line in sorted({p.test for p in checked})),
                context=checked[0].function.name,
            )


def _is_about_names(parameter: _Parameter) -> bool:
    return any(w in parameter.name.lower() for w in ("name", "path", "symbol", "file", "lib", "plugin", "version"))


def _parameters(function: ir.Function, unit: ir.Unit) -> Iterator[_Parameter]:
    tests, uses = _tested(function), _used(function)
    for parameter in function.parameters:
        if (
            parameter.name
            and parameter.name not in {"self", "cls", "this"}
            and not (unit.language is ir.Language.PYTHON and function.name.rpartition(".")[2].startswith("_"))
        ):
            yield _Parameter(function, parameter.name, tests.get(parameter.name, 0), uses.get(parameter.name, 0))


def _tested(function: ir.Function) -> dict[str, int]:
    """The first line at which each name is asked about."""
    found: dict[str, int] = {}
    for statement in every_statement(function.body):
        conditions: list[ir.Expression] = []
        if isinstance(statement, ir.If | ir.Loop) and statement.condition is not None:
            conditions = [statement.condition]
        elif isinstance(statement, ir.Return | ir.Evaluate | ir.Assign):
            value = statement.expression if isinstance(statement, ir.Evaluate) else statement.value
            conditions = (
                [
                    e
                    for e in _within(value)
                    if isinstance(e, ir.Operation) and e.operator in {"?:", "&&", "||", "==", "!=", "!"}
                ]
                if value is not None
                else []
            )
            conditions += (
                [
                    e
                    for e in _within(value)
                    if isinstance(e, ir.Call)
                    and e.name.rpartition("::")[2].rpartition(".")[2]
                    in _TESTS | {"assert", "Q_ASSERT", "g_return_val_if_fail", "g_return_if_fail"}
                ]
                if value is not None
                else []
            )
        for condition in conditions:
            for expression in _within(condition):
                if isinstance(expression, ir.Name):
                    found.setdefault(expression.name, expression.line)
    return found


def _used(function: ir.Function) -> dict[str, int]:
    found: dict[str, int] = {}
    known = tables()
    for expression in every_expression(function.body):
        if isinstance(expression, ir.Call) and expression.name.rpartition("::")[2].rpartition(".")[2] not in _TESTS:
            api = known.get(expression.name)
            if api is not None and api.role in {Role.TEST, Role.COMPARE, Role.ASSERTION}:
                continue
            for argument in expression.arguments:
                for inner in _within(argument):
                    if isinstance(inner, ir.Name):
                        found[inner.name] = min(found.get(inner.name, inner.line), inner.line)
    return found


def _within(expression: ir.Expression) -> Iterator[ir.Expression]:
    stack = [expression]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(children(current))


RULE: Final = Rule(
    id="parameters-checked",
    code="LS-20-parameters",
    question="Is what comes in through public functions checked before it is used?",
    practice=Practice.INPUT_VALIDATION,
    cwe=20,
    severity=Severity.LOW,
    languages=ALL,
    why=(
        "Null, empty and over-long names reach the loader sooner or later; "
        "some systems answer them with the main program."
    ),
    fix="Test for null, empty and length first.",
    bad="void *open_plugin(const char *name) { return dlopen(name, RTLD_NOW); }\n",
    good="void *open_plugin(const char *name) { return name && *name ? dlopen(name, RTLD_NOW) : NULL; }\n",
    references=("https://cwe.mitre.org/data/definitions/20.html",),
    answer=_answer,
)
