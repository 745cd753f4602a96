"""Is each lock released on every way out, once, in one order?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.core.counting import Share
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts, LockStep
from loadstone.review.analyses.mentions import calls_in
from loadstone.review.analyses.values import Spot
from loadstone.review.analyses.words import last_word
from loadstone.review.ir import Block, If, Language, Loop, Name, Switch, Unit
from loadstone.review.rules.callbacks_under_locks import called_in_turn
from loadstone.review.rules.condition_waits import lone_waits
from loadstone.review.rules.forked_children import loads_in_children
from loadstone.review.rules.idle_guards import idle_guards
from loadstone.review.rules.lock_kinds import LockKinds
from loadstone.review.rules.lock_pairs import chosen_pairs, is_given_twice, is_one_of_several
from loadstone.review.rules.lock_rings import rings
from loadstone.review.rules.own_recursion import retaken_by
from loadstone.review.rules.places import ALL, NATIVE, at, resolve_lines, step
from loadstone.review.rules.python_lock_orders import python_lock_orders
from loadstone.review.rules.released_as_other import released_as_other
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.thread_joins import joined_with_lock
from loadstone.review.rules.unguarded_throws import left_by_throws
from loadstone.review.typenames import base_type
from loadstone.review.walk import expressions

__all__ = ["RULE"]

_MAX_EXITS: Final = 8
"""Exits that leave one lock held which are shown as steps."""


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    steps = sorted(_told_apart(facts), key=lambda s: (s.spot, s.what, s.lock))
    recursive = _recursive(facts) | retaken_by(facts)
    kept = [s for s in steps if s.what == "kept"]
    dropped = {(s.lock, s.spot.function) for s in steps if s.what == "drop"}
    exits: dict[tuple[str, Spot], list[Spot]] = {}
    for one in kept:
        own = one.since is not None and one.since.function == one.spot.function
        if one.since is not None and own and (one.lock, one.spot.function) in dropped:
            exits.setdefault((one.lock, one.since), []).append(one.spot)
        elif one.since is not None and not own and (since := _taken_through(facts, steps, one)) is not None:
            exits.setdefault((one.lock, since), []).append(one.spot)
    for (lock, since), spots in exits.items():
        if _is_handed_to_caller(steps, lock, since):
            continue
        more = (
            f", and so {'does' if len(spots) == 2 else 'do'} {len(spots) - 1} more (lines {resolve_lines(spots[1:])})"
            if len(spots) > 1
            else ""
        )
        yield rule.no(
            f"The exit at line {spots[0].line} leaves {lock} held since line {since.line}{more}.",
            at(spots[0]),
            why=(
                step(since, f"{lock} is taken", "lock"),
                *(step(spot, "left without a release", "use") for spot in spots[:_MAX_EXITS]),
            ),
            context=since.function,
            condition=spots[0].condition,
        )
    yield from python_lock_orders(rule, facts, {spot for spots in exits.values() for spot in spots})
    for one in steps:
        if one.what == "again" and one.since is not None and not _reenters(recursive, one):
            yield rule.no(
                f"{one.lock} is taken again at line {one.spot.line} while it is held since line {one.since.line}.",
                at(one.via if one.via is not None and (one.lock, one.spot.function) not in dropped else one.spot),
                cwe=764,
                severity=Severity.HIGH,
                why=(step(one.since, "taken", "lock"), step(one.spot, "taken again", "lock")),
                context=one.spot.function,
            )
        elif one.what == "not held" and one.since is not None and not _is_of_own_take(steps, one):
            yield rule.no(
                (
                    f"{one.lock} is released at line {one.spot.line} though it was released "
                    f"at line {one.since.line} already."
                ),
                at(one.spot),
                cwe=765,
                why=(step(one.since, "released", "release"), step(one.spot, "released again", "release")),
                context=one.spot.function,
            )
    yield from _refused(rule, steps)
    yield from _entered_again(rule, facts, steps, recursive)
    yield from _called_back(rule, facts, steps, recursive)
    yield from _orders(rule, steps, LockKinds(facts))
    yield from _chosen(rule, facts)
    yield from lone_waits(rule, facts)
    yield from idle_guards(rule, facts)
    yield from joined_with_lock(rule, facts)
    yield from called_in_turn(rule, facts)
    yield from loads_in_children(rule, facts)
    yield from released_as_other(rule, facts)
    for unit in (u for u in facts.program.units if u.language in NATIVE):
        yield from _left_by_throws(rule, facts, unit)
    yield from _scoped(rule, steps)


def _left_by_throws(rule: Rule, facts: Facts, unit: Unit) -> Iterator[Claim]:
    """``lock.lock(); engine->run(); lock.unlock();``: an exception out of the middle leaves it held."""
    for left in left_by_throws(facts, unit):
        taken, thrown = (Location.lines(unit.path, line) for line in (left.taken, left.thrown))
        yield rule.no(
            f"{left.lock} is taken by hand, and what line {left.thrown} calls ({left.what}) may throw: it stays held.",
            taken,
            severity=Severity.MEDIUM,
            fix="std::lock_guard, which an exception ends too.",
            why=(FlowStep(taken, f"{left.lock} is taken", "lock"), FlowStep(thrown, "may throw", "use")),
            context=left.function.name,
            condition=left.function.condition,
        )


def _told_apart(facts: Facts) -> Iterator[LockStep]:
    """The steps, those left out that say of two locks with one name that they are one."""
    units = {u.path: u for u in facts.program.units}
    for one in facts.lock_steps:
        unit = units[one.spot.path]
        again = one.what == "again" and unit.language in NATIVE
        if again and is_one_of_several(unit, one) and is_given_twice(unit, one):
            yield one._replace(what="take", held=())
        elif again and (is_one_of_several(unit, one) or _is_of_two_classes(facts, one)):
            yield one._replace(what="take")
        elif one.what == "take" and one.held and unit.language in NATIVE and is_given_twice(unit, one):
            yield one._replace(held=())
        else:
            yield one


def _is_of_two_classes(facts: Facts, one: LockStep) -> bool:
    """Whether two methods mean members of one name in two classes: ``m_mutex`` of a cache and of one of its files."""
    if one.what != "again" or one.since is None:
        return False
    owners = {
        f.owner
        for u in facts.program.units
        for f in u.functions
        for spot in (one.spot, one.since)
        if (u.path, f.name) == (spot.path, spot.function)
    }
    having = {
        c.name
        for u in facts.program.units
        for c in u.classes
        if c.name in owners and any(m.name == last_word(one.lock) for m in c.members)
    }
    return len(owners) > 1 and owners == having


def _chosen(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """One lock of each of two objects, in the order in which the caller names them."""
    for unit in facts.program.units:
        for pair in chosen_pairs(facts, unit):
            held, then = (Location.lines(unit.path, line) for line in (pair.since, pair.line))
            yield rule.no(
                f"{last_word(pair.function.name)} takes the lock of {pair.held}, then that of {pair.then}; a call with "
                "the two exchanged takes them the other way round, and each waits for the other.",
                then,
                cwe=833,
                severity=Severity.MEDIUM,
                fix="Take the two in one order, by address or by number; or std::scoped_lock for both.",
                why=(FlowStep(held, f"lock of {pair.held}", "lock"), FlowStep(then, f"lock of {pair.then}", "lock")),
                context=pair.function.name,
                condition=pair.function.condition,
            )


def _refused(rule: Rule, steps: list[LockStep]) -> Iterator[Claim]:
    """A lock that was tried and not got is released all the same."""
    for one in steps:
        if one.what == "refused" and one.since is not None:
            yield rule.no(
                f"{one.lock} is released at line {one.spot.line} also where the attempt to take it at line "
                f"{one.since.line} failed: another thread holds it.",
                at(one.spot),
                cwe=832,
                fix="Release it only where the attempt succeeded.",
                why=(step(one.since, "not taken", "lock"), step(one.spot, "released", "release")),
                context=one.spot.function,
                condition=one.spot.condition,
            )


def _entered_again(rule: Rule, facts: Facts, steps: list[LockStep], recursive: set[tuple[str, str]]) -> Iterator[Claim]:
    """A function that takes a variable's lock first thing is called again with it held, by itself or what it calls."""
    units = {u.path: u for u in facts.program.units}
    told: set[tuple[str, Spot]] = set()
    for one in steps:
        if one.what != "recursion" or one.since is None or _reenters(recursive, one):
            continue
        unit = units[one.since.path]
        always = {
            s.line
            for f in unit.functions
            if f.name == one.since.function and unit.language in NATIVE
            for s in f.body.body
            if not isinstance(s, If | Loop | Switch | Block)
        }
        is_one = any(v.name == one.lock for v in unit.variables)
        if is_one and one.since.line in always and (one.lock, one.since) not in told:
            told.add((one.lock, one.since))
            yield rule.no(
                f"{one.since.function} is called again at line {one.spot.line} with {one.lock} held since line "
                f"{one.since.line}, where it takes it: it waits for itself.",
                at(one.spot),
                cwe=764,
                severity=Severity.HIGH,
                fix="Take it once, outside, and let a function of its own call itself with it held.",
                why=(
                    step(one.since, f"{one.lock} is taken", "lock"),
                    step(one.spot, f"{one.since.function} is called again", "call"),
                    step(one.since, "taken again", "lock"),
                ),
                context=one.spot.function,
                condition=one.spot.condition,
            )


def _is_handed_to_caller(steps: list[LockStep], lock: str, since: Spot) -> bool:
    """Whether a function takes a lock for its caller: every way out holds it, or the caller's was dropped."""
    mine = [s for s in steps if (s.spot.path, s.spot.function) == (since.path, since.function)]
    taken = min((s.spot.line for s in mine if s.what == "take" and s.lock == lock), default=0)
    if any(s.what == "drop" and s.lock == lock and s.spot.line < taken for s in mine):
        return True
    ends = [s for s in mine if s.what == "exit" and s.spot.line >= since.line]
    return bool(ends) and all(any(held.lock == lock for held in end.held) for end in ends)


def _taken_through(facts: Facts, steps: list[LockStep], kept: LockStep) -> Spot | None:
    """Where a function calls the helper that takes a lock, of a pair of which it calls the other too, to release it."""
    assert kept.since is not None
    unit = next(u for u in facts.program.units if u.path == kept.spot.path)
    function = next((f for f in unit.functions if f.name == kept.spot.function), None)
    if function is None or unit.language not in NATIVE:
        return None
    name = last_word(kept.lock.rpartition(".")[2])
    ends = {
        last_word(s.spot.function) for s in steps if s.what == "drop" and last_word(s.lock.rpartition(".")[2]) == name
    }
    calls = [(c.line, last_word(c.name)) for c in calls_in(function.body)]
    begins = last_word(kept.since.function)
    taken = [line for line, called in calls if called == begins and line <= kept.spot.line]
    if not taken or begins in ends or not any(called in ends for _, called in calls):
        return None
    return Spot(kept.spot.path, taken[-1], function.name, function.condition)


def _is_of_own_take(steps: list[LockStep], one: LockStep) -> bool:
    """Whether the function has taken what it releases, and the release before was another's."""
    assert one.since is not None
    where = (one.lock, one.spot.path, one.spot.function)
    takes = (s for s in steps if s.what == "take" and (s.lock, s.spot.path, s.spot.function) == where)
    return one.since.function != one.spot.function and any(s.spot.line < one.spot.line for s in takes)


def _called_back(rule: Rule, facts: Facts, steps: list[LockStep], recursive: set[tuple[str, str]]) -> Iterator[Claim]:
    """A library is called with a lock held, and is given a function that takes the very lock."""
    taken: dict[str, list[LockStep]] = {}
    for one in steps:
        if one.what == "take":
            taken.setdefault(one.spot.function, []).append(one)
    for one in steps:
        handed = one.what.removeprefix("handed ")
        name, inner = next(
            (
                (name, step)
                for name in (_may_call(facts, handed, one.spot) if handed != one.what else ())
                for step in taken.get(name, ())
                if step.lock == one.lock or _is_given(facts, one, step)
            ),
            ("", None),
        )
        if inner is None or one.since is None or _reenters(recursive, one):
            continue
        yield rule.no(
            f"The library is called at line {one.spot.line} with {one.lock} held and may call {name}, which takes it "
            f"at line {inner.spot.line}.",
            at(one.spot),
            cwe=764,
            fix="Call the library with no lock held.",
            why=(
                step(one.since, f"{one.lock} is taken", "lock"),
                step(one.spot, f"the library gets {handed.removeprefix('&')}", "call"),
                step(inner.spot, "taken again", "lock"),
            ),
            context=one.spot.function,
            condition=one.spot.condition,
        )


def _may_call(facts: Facts, handed: str, where: Spot) -> Iterator[str]:
    """The functions that a library may call which is handed a function, or the address of a table of functions."""
    if not handed.startswith("&"):
        yield handed
        return
    unit = next(u for u in facts.program.units if u.path == where.path)
    table = next((v.value for v in unit.variables if v.name == handed[1:]), None)
    inside = {e.name.rpartition("::")[2] for e in expressions(table) if isinstance(e, Name)}
    for function in unit.functions:
        if last_word(function.name) in inside:
            yield function.name
            yield from (c.name for c in calls_in(function.body))  # add(host, ...) hands on to host->add(...)


def _is_given(facts: Facts, handed: LockStep, taken: LockStep) -> bool:
    """``set(..., on_changed, c)`` with the lock of ``c`` held: what ``on_changed`` gets as its parameter is ``c``."""
    held, _, lock = handed.lock.partition(".")
    inside, _, other = taken.lock.partition(".")
    if lock != other or not lock:
        return False
    functions = {f.name: f for u in facts.program.units if u.path == handed.spot.path for f in u.functions}
    caller, called = functions.get(handed.spot.function), functions.get(taken.spot.function)
    if caller is None or called is None or all(p.name != inside for p in called.parameters):
        return False
    calls = [c for c in calls_in(caller.body) if c.line == handed.spot.line]
    return any(isinstance(a, Name) and a.name == held for c in calls for a in c.arguments)


def _orders(rule: Rule, steps: list[LockStep], kinds: LockKinds) -> Iterator[Claim]:
    """Two orders of two locks; one that is only tried is not waited for, and closes no ring."""
    edges: dict[tuple[str, str], LockStep] = {}
    for one in steps:
        if one.what == "take" and not one.tried:
            then = kinds.taken(one)
            for held in one.held:
                if (before := kinds.held(held, one)) != then:
                    edges.setdefault((before, then), one._replace(held=(held,)))
    for (first, second), one in sorted(edges.items(), key=lambda e: (e[1].spot, e[0])):
        other = edges.get((second, first))
        if other is not None and first < second:
            late, early = (one, other) if other.spot < one.spot else (other, one)
            yield rule.no(
                f"{_order(early, kinds)}; {_order(late, kinds)}.",
                at(late.spot),
                cwe=833,
                severity=Severity.MEDIUM,
                fix="One order everywhere, or lock both at once.",
                why=(
                    step(early.held[0].spot, f"{early.held[0].lock} is taken", "lock"),
                    step(early.spot, f"then {early.lock}", "lock"),
                    step(late.held[0].spot, f"{late.held[0].lock} is taken", "lock"),
                    step(late.spot, f"then {late.lock}", "lock"),
                ),
                context=late.spot.function,
            )
    ringed = [*rings(edges)]
    for ring in ringed:
        last = max(ring, key=lambda s: s.spot)
        yield rule.no(
            f"{', '.join(s.lock for s in ring)}: each is held while the next is taken, and so round "
            f"(lines {resolve_lines(s.spot for s in ring)}).",
            at(last.spot),
            cwe=833,
            severity=Severity.MEDIUM,
            fix="One order everywhere, or lock all at once.",
            why=tuple(step(s.spot, f"{s.lock} is taken with another held", "lock") for s in ring),
            context=last.spot.function,
        )
    ringed_steps = {s for ring in ringed for s in ring}
    ordered = {s for e, s in edges.items() if (e[1], e[0]) not in edges and s not in ringed_steps}
    if ordered and len(ordered) == len(set(edges.values())):
        spots = {s.spot for s in ordered}
        yield rule.yes(
            f"Locks are nested in one order (lines {resolve_lines(spots)})",
            at(min(spots)),
            met=len(spots),
            sites=len(spots),
            context=min(spots).function,
        )


def _order(one: LockStep, kinds: LockKinds) -> str:
    """Who takes what, then what: the function that holds the first calls the one that takes the second."""
    return f"{one.held[0].spot.function} takes {kinds.held(one.held[0], one)} then {kinds.taken(one)}"


def _scoped(rule: Rule, steps: list[LockStep]) -> Iterator[Claim]:
    by_path: dict[str, list[LockStep]] = {}
    for one in steps:
        if one.what == "take":
            by_path.setdefault(one.spot.path, []).append(one)
    for found in by_path.values():
        scoped = {s.spot for s in found if s.scoped}
        every = {s.spot for s in found}
        dropped = {s.spot.function for s in steps if s.what == "drop"}
        balanced = {s.spot for s in found if not s.scoped and s.spot.function in dropped}
        balanced -= {s.since for s in steps if s.what == "kept" and s.since is not None}
        good = scoped | balanced
        if good:
            how = (
                "by a guard that releases them at the end of its scope"
                if scoped == good
                else "and released on every way out"
            )
            yield rule.yes(
                Share("lock", f"is taken {how}", f"are taken {how}"),
                at(min(good)),
                lines=resolve_lines(good),
                met=len(good),
                sites=len(every),
                places=tuple(at(s) for s in sorted(good)),
                context=min(good).function,
            )


def _recursive(facts: Facts) -> set[tuple[str, str]]:
    """The locks that their holder may take again, each with a file in which it means that; "" is all of C and C++."""
    found = set()
    for unit in facts.program.units:
        short = frozenset(m[2] or m[3] for m in _ALIAS.finditer(unit.text) if _is_recursive(m[1] or m[4]))
        declared = [*unit.variables, *(m for one in unit.classes for m in one.members)]
        names = {v.name for v in declared if _is_recursive(v.type) or base_type(v.type) in short}
        names |= {
            last_word(f.name) for f in unit.functions if _is_recursive(f.returns) or base_type(f.returns) in short
        }
        if "RLock" in unit.text:
            names |= {
                line.split("=")[0].strip().removeprefix("self.")
                for line in unit.text.splitlines()
                if "RLock(" in line and "=" in line
            }
        if "PTHREAD_MUTEX_RECURSIVE" in unit.text:
            names |= {s.lock for s in facts.lock_steps if s.spot.path == unit.path}
        is_python = unit.language is Language.PYTHON
        found |= {(path, name) for path in (facts.travels.names.near(unit) if is_python else ("",)) for name in names}
    return found


def _reenters(recursive: set[tuple[str, str]], one: LockStep) -> bool:
    """Whether it is such a lock, or one of a class whose own function takes it again."""
    return bool({("", one.lock), (one.spot.path, one.lock), (one.spot.path, one.spot.function)} & recursive)


def _is_recursive(spelled: str) -> bool:
    return "ecursive" in spelled or base_type(spelled) in _RECURSIVE


_ALIAS: Final = re.compile(r"\btypedef\s+([\w:]+)\s+(\w+)\s*;|\busing\s+(\w+)\s*=\s*([\w:]+)\s*;")
"""``typedef std::recursive_mutex Gate;`` and ``using Gate = std::recursive_mutex;``."""

_RECURSIVE: Final = frozenset(
    {
        *("GRecMutex", "GStaticRecMutex", "CRITICAL_SECTION", "LPCRITICAL_SECTION", "CCriticalSection"),
        *("SDL_mutex", "SDL_Mutex", "Poco::Mutex", "CRITICAL_SECTION_EX", "juce::CriticalSection"),
    }
)
"""Types of locks that their holder may take again, whatever they are made with (the manuals of Windows, GLib, SDL)."""


RULE: Final = Rule(
    id="lock-misuse",
    question="Is each lock released on every way out, once, and nested in one order?",
    practice=Practice.LOCKING,
    cwe=667,
    severity=Severity.HIGH,
    languages=ALL,
    why=(
        "A lock left behind on an error path stops every other thread for good, at the next load, far from the cause."
    ),
    fix="A scoped guard.",
    bad="pthread_mutex_lock(&m);\nif (!h) return -1;\npthread_mutex_unlock(&m);\n",
    good="std::lock_guard<std::mutex> guard(m);\nif (!h) return -1;\n",
    references=("https://cwe.mitre.org/data/definitions/667.html", "https://cwe.mitre.org/data/definitions/833.html"),
    answer=_answer,
)
