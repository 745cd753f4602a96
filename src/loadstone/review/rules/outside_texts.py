"""Texts from outside that another reader takes for its own language: statements of SQL, entities of XML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.travel import Shape, SinkKind
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.arrivals import by_sink, from_where, steps
from loadstone.review.rules.places import at
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import calls

__all__ = ["entities", "sql_statements"]

_SQL: Final = re.compile(r"\b(?:SELECT|INSERT|UPDATE|DELETE|PRAGMA)\b")


def sql_statements(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """``db.execute(f"SELECT ... WHERE {text}")`` with a text that somebody sent."""
    speaks = {u.path for u in facts.program.units if u.language is ir.Language.PYTHON and _SQL.search(u.text)}
    for arrival, unchecked in by_sink(facts, SinkKind.SQL):
        sink = arrival.sink
        is_put_in = arrival.shape in {Shape.PART, Shape.JOINED}
        if unchecked and is_put_in and arrival.source.kind == "network" and sink.spot.path in speaks:
            yield rule.no(
                f"A text from {from_where(arrival)} becomes part of the statement that {sink.name.rpartition('.')[2]} "
                "runs.",
                at(sink.spot),
                cwe=89,
                severity=Severity.HIGH,
                fix="Bind it as a parameter.",
                why=steps(arrival, "run as a statement"),
                context=sink.spot.function,
            )


def entities(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """``XMLParser(resolve_entities=True)``: a file that is read brings others in, by name or over the network."""
    for unit in facts.program.units:
        if unit.language is not ir.Language.PYTHON or "XMLParser" not in unit.text:
            continue
        for function in unit.functions:
            for call in calls(function.body.body):
                named = dict(call.keywords)
                if call.name.endswith("etree.XMLParser") and _is(named.get("resolve_entities"), value=True):
                    yield rule.no(
                        "Entities of the document are replaced by what they name: files of this machine, and "
                        "addresses it can reach.",
                        Location.lines(unit.path, call.line),
                        cwe=611,
                        severity=Severity.MEDIUM,
                        fix="resolve_entities=False, no_network=True.",
                        context=function.name,
                    )


def _is(expression: ir.Expression | None, *, value: bool) -> bool:
    bare = uncast(expression)
    return isinstance(bare, ir.Literal) and bare.value is value
