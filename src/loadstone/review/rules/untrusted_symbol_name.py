"""Does the program choose which function of a library is called?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.foreign import COMPUTED, symbol_of
from loadstone.review.analyses.travel import SinkKind
from loadstone.review.apis import ApiRole
from loadstone.review.rules.arrivals import WEAK, by_sink, from_where, reads_lines, steps
from loadstone.review.rules.origins import weighed
from loadstone.review.rules.places import ALL, at, in_file, step
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions, parts_of

__all__ = ["RULE"]


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    yield from _native(rule, facts)
    arrivals = [*by_sink(facts, SinkKind.SYMBOL)]
    libraries = _of_libraries(facts) if arrivals else set()
    for arrival, unchecked in arrivals:
        if id(arrival.sink.call) not in libraries or arrival.source.kind in WEAK:
            continue
        spot = arrival.sink.spot
        if unchecked and any(kind == "prefix" for kind, _ in arrival.asked):
            continue  # a prefix of the program's own keeps to what it offers
        if unchecked:
            yield rule.no(
                f"The name of the function that is called comes from {from_where(arrival)}; any that the "
                f"library exports "
                "can be named, whatever its arguments are.",
                at(spot),
                why=steps(arrival, "looked up in the library"),
                context=spot.function,
            )
        else:
            check = min(arrival.checked, key=lambda c: c[1])
            yield rule.yes("The function's name is taken from a fixed set", at(check[1]), places=(at(spot),))


_SENT: Final = frozenset({"network", "another process", "file or terminal"})
_CLEARS: Final = frozenset({"allowed", "equals a constant"})


def _native(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """C and C++: what was read names the entry that is called."""
    for site in facts.reached:
        number = site.api.symbol
        if site.api.role is not ApiRole.RESOLVE or number is None or site.unit.language is ir.Language.PYTHON:
            continue
        for invocation in sorted(site.invocations, key=repr):
            pieces = [p for p in (invocation.pieces[number] if number < len(invocation.pieces) else ()) if p.text != ""]
            sent = pieces[0] if len(pieces) == 1 else None  # a prefix of the program's own keeps to what it offers
            if sent is None or sent.taint is None or sent.taint.kind not in _SENT:
                continue
            if {kind for kind, _ in sent.checks} & _CLEARS or reads_lines(facts, sent.taint.spot):
                continue
            yield rule.no(
                f"The name that {site.api.name} looks up was read at line {sent.taint.spot.line}"
                f"{in_file(sent.taint.spot, site.spot)}; any that the library exports can be named.",
                at(site.spot),
                cwe=470,
                severity=weighed(Severity.MEDIUM, sent.taint.kind, facts, site.unit.language),
                why=(
                    step(sent.taint.spot, f"read from the {sent.taint.kind}", "taint"),
                    *(step(s, "passed on by this call", "call") for s in site.chain),
                    step(site.spot, "looked up in the library", "use"),
                ),
                context=site.spot.function,
                condition=site.spot.condition,
            )
            break


def _of_libraries(facts: Facts) -> set[int]:
    """The ``getattr`` calls whose object is a library."""
    found: set[int] = set()
    for visit in facts.travels.visits:
        statement = visit.statement
        if isinstance(statement, ir.Assign) and symbol_of(statement.type) == COMPUTED and statement.value is not None:
            found.update(id(part) for part in expressions(statement.value) if isinstance(part, ir.Call))
        for part in parts_of(statement):
            if isinstance(part, ir.Call) and symbol_of(part.name) == COMPUTED:
                found.update(id(inner) for inner in expressions(part.function) if isinstance(inner, ir.Call))
    return found


RULE: Final = Rule(
    id="untrusted-symbol-name",
    question="Does the program choose which function of a library is called?",
    practice=Practice.INPUT_VALIDATION,
    cwe=20,
    severity=Severity.MEDIUM,
    languages=ALL,
    why="A library exports more than the interface somebody meant to offer; each has arguments of its own.",
    fix="Look the name up in a table of the functions that may be called.",
    bad="function = getattr(lib, sys.argv[1])\nfunction()\n",
    good="function = getattr(lib, OPERATIONS[sys.argv[1]])\nfunction()\n",
    references=("https://cwe.mitre.org/data/definitions/20.html", "https://cwe.mitre.org/data/definitions/470.html"),
    answer=_answer,
)
