"""Is what runs as code, is rebuilt into objects or set by name the program's own, and not what somebody sends?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.travel import Arrival, Shape, SinkKind
from loadstone.review.apis import ApiRole
from loadstone.review.ir import Language
from loadstone.review.rules.arrivals import WEAK, by_sink, from_where, steps
from loadstone.review.rules.origins import begun_by, weighed
from loadstone.review.rules.outside_texts import entities, sql_statements
from loadstone.review.rules.places import ALL, at, step
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]

_SAYS: Final = {
    SinkKind.CODE: (95, "{name} runs a text from {source} as Python; taking the builtins away does not hold it."),
    SinkKind.OBJECTS: (502, "{name} builds whatever objects the bytes from {source} name, and runs what they ask for."),
    SinkKind.SOURCE: (94, "{name} takes a text from {source} for source code, which is compiled into the program."),
    SinkKind.ATTRIBUTE: (915, "{source} names the attribute that is set: any of the object's, internal ones too."),
}


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    yield from _native(rule, facts)
    yield from sql_statements(rule, facts)
    yield from entities(rule, facts)
    loading = {sink.spot.path for sink in facts.travels.sinks if sink.kind is SinkKind.LOAD}
    compiling = {u.path for u in facts.program.units if u.path in loading and _COMPILERS.search(u.text)}
    loaded = {arrival.source.spot for arrival, _ in by_sink(facts, SinkKind.LOAD)}  # told there, and once
    whole = {a.source.spot for a, free in by_sink(facts, SinkKind.LOAD) if free and a.shape is Shape.WHOLE}
    for arrival, unchecked in by_sink(facts, *_SAYS):
        told = arrival.source.spot in (whole if arrival.sink.kind is SinkKind.OBJECTS else loaded)
        if not unchecked or not _is_others(arrival) or told:
            continue
        if arrival.shape is Shape.NUMBER and arrival.sink.kind is SinkKind.SOURCE:
            continue
        if simple(arrival.sink.name).startswith("write") and arrival.sink.spot.path not in compiling:
            continue
        sink = arrival.sink
        cwe, text = _SAYS[sink.kind]
        most = Severity.MEDIUM if sink.kind is SinkKind.ATTRIBUTE or arrival.source.kind in _KEPT else Severity.HIGH
        message = text.format(name=sink.name, source=from_where(arrival))
        yield rule.no(
            message[0].upper() + message[1:] if sink.kind is SinkKind.ATTRIBUTE else message,
            at(sink.spot),
            cwe=cwe,
            severity=weighed(most, arrival.source.kind, facts, Language.PYTHON),
            why=steps(arrival, f"decides what {sink.name} does"),
            context=sink.spot.function,
            condition=sink.spot.condition,
        )


_COMPILERS: Final = re.compile(r"\b(?:gcc|g\+\+|clang|cython|cythonize|rustc|tcc)\b|[\"']cc[\"'\s]|\$CC\b")
"""Files that start a compiler, or a builder that does."""

_SENT: Final = frozenset({"network", "another process"})


def _native(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """C and C++: an interpreter inside the program runs a text, or the file of a name, that somebody sent."""
    for site in (s for s in facts.reached if s.api.role is ApiRole.CODE):
        begins = (begun_by(site, v, v.parts, _SENT) for v in sorted(site.invocations, key=repr))
        part = next((p for p in begins if p is not None), None)
        if part is not None and part.taint is not None:
            yield rule.no(
                f"{site.api.name} runs as code what was read from the {part.taint.kind} at line "
                f"{part.taint.spot.line}.",
                at(site.spot),
                cwe=94,
                fix="Run scripts of the program's own alone, and take values in as data.",
                why=(
                    step(part.taint.spot, f"read from the {part.taint.kind}", "taint"),
                    *(step(s, "passed on by this call", "call") for s in site.chain),
                    step(site.spot, f"{site.api.name} runs it", "use"),
                ),
                context=site.spot.function,
                condition=site.spot.condition,
            )


_KEPT: Final = frozenset({"file", "configuration file"})


def _is_others(arrival: Arrival) -> bool:
    """Whether somebody other than who wrote the program decides: scripts that are run whole are meant to be."""
    kind, sink = arrival.source.kind, arrival.sink
    if kind in WEAK:
        return False
    if sink.kind is SinkKind.SOURCE and simple(sink.name).startswith("write"):
        return arrival.shape is not Shape.WHOLE  # whole programs are given to be run
    if sink.kind is SinkKind.CODE and sink.name == "eval":
        return True
    return kind == "network" or (sink.kind is SinkKind.OBJECTS and kind == "file")


RULE: Final = Rule(
    id="input-run-as-code",
    question="Is what runs as code, is rebuilt into objects or set by name the program's own?",
    practice=Practice.INPUT_VALIDATION,
    cwe=95,
    severity=Severity.HIGH,
    languages=ALL,
    why=(
        "eval, exec, pickle and embedded interpreters run what they are given; a name that is set from outside "
        "reaches attributes nobody meant."
    ),
    fix="Parse a format that holds data alone (JSON, ast.literal_eval), and name what may be set.",
    bad='job = pickle.loads(request.data)\nscale = eval(request.form["scale"])\n',
    good='job = json.loads(request.data)\nscale = float(request.form["scale"])\n',
    references=(
        "https://docs.python.org/3/library/pickle.html",
        "https://cwe.mitre.org/data/definitions/95.html",
        "https://cwe.mitre.org/data/definitions/502.html",
        "https://cwe.mitre.org/data/definitions/915.html",
    ),
    answer=_answer,
)
