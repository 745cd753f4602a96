"""Is a library found again by everything that tells it apart, its version too?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import every_expression
from loadstone.review.rules.places import ALL
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]

_LOOKUPS: Final = frozenset({"value", "find", "get", "contains", "lookup", "g_hash_table_lookup", "count"})


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for unit in facts.program.units:
        for function in unit.functions:
            yield from _function(rule, unit, function)


def _function(rule: Rule, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    names = {p.name for p in function.parameters}
    version = next((n for n in names if "version" in n.lower()), None)
    if version is None or len(names) < 2:
        return
    lookup: ir.Call | None = None
    for expression in every_expression(function.body):
        if not isinstance(expression, ir.Call):
            continue
        given = [a.name for a in expression.arguments if isinstance(a, ir.Name) and a.name in names]
        word = expression.name.rpartition("::")[2].rpartition(".")[2]
        if word in _LOOKUPS and expression.receiver is not None and given and version not in given:
            lookup = lookup or expression
        elif lookup is not None and version in given and len(given) > 1 and expression.line > lookup.line:
            yield rule.no(
                (
                    f"{function.name} looks a library up by "
                    f"{lookup.arguments[0].name if isinstance(lookup.arguments[0], ir.Name) else 'its name'} "
                    f"alone (line {lookup.line}) but makes it from {version} too (line "
                    f"{expression.line}): another version answers."
                ),
                Location.lines(unit.path, lookup.line),
                why=(
                    FlowStep(Location.lines(unit.path, lookup.line), "looked up without the version", "test"),
                    FlowStep(Location.lines(unit.path, expression.line), "made with the version", "use"),
                ),
                context=function.name,
            )
            return


RULE: Final = Rule(
    id="partial-library-identity",
    question="Is a library found again by everything that tells it apart, its version too?",
    practice=Practice.LIFECYCLE,
    cwe=706,
    severity=Severity.LOW,
    languages=ALL,
    why="A table keyed by name alone hands out version 1 to somebody who asked for version 2, and runs its code.",
    fix="Make every field that selects the file part of the key.",
    bad=(
        "Lib *find(Name name, Version version) {\n  Lib *lib = "
        "map.value(name);\n  return lib ? lib : new Lib(name, version);\n}\n"
    ),
    good="Lib *find(Name name, Version version) {\n  Lib *lib = map.value(Key(name, version));\n"
    "  return lib ? lib : new Lib(name, version);\n}\n",
    references=("https://cwe.mitre.org/data/definitions/706.html",),
    answer=_answer,
)
