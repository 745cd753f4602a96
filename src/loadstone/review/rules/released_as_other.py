"""Locks of readers and writers that are taken in one way and released in the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in
from loadstone.review.analyses.words import last_word
from loadstone.review.rules.held_regions import locked_word
from loadstone.review.rules.rule import Rule

__all__ = ["released_as_other"]

_WAYS: Final = {
    "AcquireSRWLockShared": ("take", "shared"),
    "AcquireSRWLockExclusive": ("take", "exclusive"),
    "TryAcquireSRWLockShared": ("take", "shared"),
    "TryAcquireSRWLockExclusive": ("take", "exclusive"),
    "ReleaseSRWLockShared": ("release", "shared"),
    "ReleaseSRWLockExclusive": ("release", "exclusive"),
    "g_rw_lock_reader_lock": ("take", "shared"),
    "g_rw_lock_writer_lock": ("take", "exclusive"),
    "g_rw_lock_reader_trylock": ("take", "shared"),
    "g_rw_lock_writer_trylock": ("take", "exclusive"),
    "g_rw_lock_reader_unlock": ("release", "shared"),
    "g_rw_lock_writer_unlock": ("release", "exclusive"),
    "lock_shared": ("take", "shared"),
    "try_lock_shared": ("take", "shared"),
    "unlock_shared": ("release", "shared"),
}
"""How each function takes or releases a lock. Source: their manuals; ``lock`` and ``unlock`` are those of writers."""
_PLAIN: Final = {"lock": ("take", "exclusive"), "try_lock": ("take", "exclusive"), "unlock": ("release", "exclusive")}


def released_as_other(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """The releases of a function that none of its takes of the lock fits."""
    for unit in facts.program.units:
        if unit.language is ir.Language.PYTHON or not unit.words & _WAYS.keys():
            continue
        for function in unit.functions:
            yield from _of_function(rule, unit, function)


def _of_function(rule: Rule, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    taken: dict[str, dict[str, int]] = {}
    for call in sorted(calls_in(function.body), key=lambda c: c.line):
        word = last_word(call.name)
        what, how = _WAYS.get(word) or (_PLAIN.get(word, ("", "")) if call.receiver is not None else ("", ""))
        lock = locked_word(
            call.receiver if call.receiver is not None else call.arguments[0] if call.arguments else None
        )
        if what == "take":
            taken.setdefault(lock, {})[how] = call.line
        elif what == "release" and lock in taken and how not in taken[lock]:
            (other, since), *_ = taken[lock].items()
            place = Location.lines(unit.path, call.line)
            yield rule.no(
                f"{lock} is taken {other} at line {since} and released as if it were {how}.",
                place,
                fix="Release it by the function that belongs to the one that took it.",
                why=(
                    FlowStep(Location.lines(unit.path, since), f"taken {other}", "lock"),
                    FlowStep(place, f"released as {how}", "release"),
                ),
                context=function.name,
                condition=function.condition,
            )
