"""Plain flags that one thread asks in a loop while another sets them.

Nothing orders the two: the compiler may ask once and never again, and what was done before the flag was set need not
be seen after it (C11 5.1.2.4, C++ [intro.races]). What is volatile or atomic, or asked under a lock, is let be.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Confidence, FlowStep, Location, Severity
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.rules.lookups import word
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.shown_threads import runners

__all__ = ["polled_flags"]

_PLAIN: Final = frozenset(
    {"bool", "_Bool", "int", "unsigned", "unsigned int", "BOOL", "gboolean", "char", "static int"}
)


def polled_flags(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """The flags of C and C++ of which one side is run by a thread that the file starts."""
    for unit in (u for u in facts.program.units if u.language is not ir.Language.PYTHON):
        running = runners(facts, unit)
        kinds = _kinds(unit) if running else {}
        locked = {(a.spot.line, a.variable.rpartition(".")[2]) for a in facts.accesses if a.locks} if kinds else set()
        told: set[str] = set()
        for function in unit.functions if kinds else ():
            polling = last_word(function.name) in running
            for loop in (s for s in every_statement(function.body) if isinstance(s, ir.Loop)):
                flag = _flag(loop, kinds)
                if not flag or flag in told or (loop.line, flag) in locked or flag in _own(function):
                    continue
                setter = next(
                    (
                        (other, s.line)
                        for other in unit.functions
                        for s in every_statement(other.body)
                        if isinstance(s, ir.Assign) and word(s.target) == flag and not s.declares
                        if (s.line, flag) not in locked
                        if polling != (last_word(other.name) in running) and other is not function
                    ),
                    None,
                )
                if setter is None:
                    continue
                told.add(flag)
                other, line = setter
                place, there = Location.lines(unit.path, loop.line), Location.lines(unit.path, line)
                yield rule.no(
                    f"{flag} is asked in a loop here while {last_word(other.name)}, in another thread, sets it at "
                    f"line {line}; it is a plain variable, and no lock is held.",
                    place,
                    severity=Severity.LOW,
                    confidence=Confidence.LIKELY,
                    fix="An atomic type, or a lock and a condition.",
                    why=(FlowStep(there, "set by one thread", "store"), FlowStep(place, "asked by another", "test")),
                    context=function.name,
                    condition=function.condition,
                )


def _kinds(unit: ir.Unit) -> dict[str, str]:
    """The plain flags that functions of a file may share."""
    found = {v.name: v.type for v in unit.variables}
    for one in unit.classes:
        for member in one.members:
            found[member.name] = member.type if found.get(member.name, member.type) == member.type else ""
    return {name: kind for name, kind in found.items() if kind.replace("static ", "") in _PLAIN}


def _flag(loop: ir.Loop, kinds: dict[str, str]) -> str:
    """The flag that alone decides whether a loop goes on."""
    if loop.each is not None or loop.condition is None:
        return ""
    bare = uncast(loop.condition)
    while isinstance(bare, ir.Operation) and bare.operator in {"!", "==", "!="}:
        operands = [o for o in map(uncast, bare.operands) if not isinstance(o, ir.Literal)]
        if len(operands) != 1:
            return ""
        bare = operands[0]
    changed = any(isinstance(s, ir.Assign) and word(s.target) == word(bare) for s in every_statement(loop.body))
    return word(bare) if word(bare) in kinds and not changed else ""


def _own(function: ir.Function) -> set[str]:
    declared = (s for s in every_statement(function.body) if isinstance(s, ir.Assign) and s.declares)
    return {p.name for p in function.parameters} | {word(s.target) for s in declared}
