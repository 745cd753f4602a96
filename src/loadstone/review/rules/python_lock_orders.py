"""Python: locks that are left held, taken twice or in two orders, as the structure of functions shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from loadstone.core.claims import Claim, Severity
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.values import Spot
from loadstone.review.rules.places import at, step
from loadstone.review.rules.python_locks import Nesting, forgotten, nestings
from loadstone.review.rules.rule import Rule

__all__ = ["python_lock_orders"]


def python_lock_orders(rule: Rule, facts: Facts, known: set[Spot]) -> Iterator[Claim]:
    """The claims that need no path: whoever calls the functions. ``known`` is what was told already."""
    lines = {(spot.path, spot.line) for spot in known}
    for left in forgotten(facts):
        if (left.left.path, left.left.line) not in lines:
            yield rule.no(
                f"The exit at line {left.left.line} leaves {left.lock} held since line {left.taken.line}.",
                at(left.left),
                why=(
                    step(left.taken, (f"{left.lock} is taken"), ("lock")),
                    step(left.left, ("left without a release"), ("use")),
                ),
                context=left.left.function,
            )
    first: dict[tuple[str, str], Nesting] = {}
    for nested in nestings(facts):
        first.setdefault((nested.held, nested.then), nested)
    for (held, then), one in sorted(first.items(), key=lambda item: (item[1].spot, item[0])):
        other = first.get((then, held))
        if held == then:
            if not _is_reentrant(facts, one):
                yield _twice(rule, one)
        elif other is not None and held < then:
            yield _crossed(rule, *sorted((one, other), key=lambda n: n.spot))


def _is_reentrant(facts: Facts, one: Nesting) -> bool:
    name = re.escape(one.held.rpartition(".")[2].rpartition(":")[2])
    text = next(unit.text for unit in facts.program.units if unit.path == one.since.path)
    return bool(re.search(rf"\b{name}[\"']?\s*(?::[^=\n]*?)?[=:]\s*[\w.]*(?:RLock|Condition|Semaphore)\(", text))


def _twice(rule: Rule, one: Nesting) -> Claim:
    held = _shown(one.held)
    return rule.no(
        f"{held} is taken at line {one.since.line} and again at line {one.spot.line}; a Lock waits for itself.",
        at(one.since),
        cwe=764,
        severity=Severity.HIGH,
        fix="Take it once, or make it an RLock.",
        why=(step(one.since, "taken", "lock"), step(one.spot, "taken again", "lock")),
        context=one.since.function,
    )


def _crossed(rule: Rule, early: Nesting, late: Nesting) -> Claim:
    first, second = _shown(early.held), _shown(early.then)
    return rule.no(
        f"{first} is held when {second} is taken at line {early.spot.line}; line {late.spot.line} "
        f"takes them "
        "the other way round.",
        at(late.spot),
        cwe=833,
        severity=Severity.MEDIUM,
        fix="One order everywhere.",
        why=(
            step(early.since, f"{first} is taken", "lock"),
            step(early.spot, f"then {second}", "lock"),
            step(late.since, f"{second} is taken", "lock"),
            step(late.spot, f"then {first}", "lock"),
        ),
        context=late.spot.function,
    )


def _shown(lock: str) -> str:
    """A lock without its file, which the place names."""
    return lock.rpartition(":")[2]
