"""Python: threads that are started while the object they work on is still being made."""

from __future__ import annotations

from collections.abc import Iterator

from loadstone.core.claims import Claim, Confidence, FlowStep, Location
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import calls, parts_of, statements

__all__ = ["started_early"]


def started_early(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """``Thread(target=self.run).start()`` in ``__init__``, and ``self.jobs = {}`` behind it: ``run`` may be first."""
    for unit in facts.program.units:
        if unit.language is ir.Language.PYTHON and "Thread" in unit.text:
            for maker in unit.functions:
                if simple(maker.name) == "__init__" and maker.owner:
                    yield from _of_maker(rule, unit, maker)


def _of_maker(rule: Rule, unit: ir.Unit, maker: ir.Function) -> Iterator[Claim]:
    methods = {simple(f.name): f for f in unit.functions if f.owner == maker.owner}
    targets: dict[str, str] = {}
    started: tuple[str, int] | None = None
    before: set[str] = set()
    for statement in maker.body.body:
        if isinstance(statement, ir.Assign):
            name = spelled(statement.target)
            if started is not None and name not in before and name in _read(methods, started[0]):
                yield _claim(rule, unit, maker, started, name, statement.line)
                return
            before.add(name)
            if isinstance(statement.value, ir.Call) and (target := _target(statement.value, methods)):
                targets[name] = target
        elif started is None:
            for call in calls((statement,)):
                on = call.receiver
                direct = _target(on, methods) if isinstance(on, ir.Call) else ""
                target = direct or targets.get(spelled(on), "")
                if simple(call.name) == "start" and target:
                    started = target, call.line


def _target(call: ir.Call, methods: dict[str, ir.Function]) -> str:
    """The method of the object that a thread runs."""
    given = spelled(dict(call.keywords).get("target")) if simple(call.name) == "Thread" else ""
    owner, _, word = given.rpartition(".")
    return word if owner == "self" and word in methods else ""


def _read(methods: dict[str, ir.Function], first: str) -> set[str]:
    """The attributes that a method, and those of the object that it calls, work with."""
    found: set[str] = set()
    waiting, seen = [first], set[str]()
    while waiting:
        word = waiting.pop()
        if word in seen or word not in methods:
            continue
        seen.add(word)
        for statement in statements(methods[word].body.body):
            for part in parts_of(statement):
                if isinstance(part, ir.Member) and spelled(part.base) == "self":
                    found.add(f"self.{part.name}")
                    waiting.append(part.name)
    return found


def _claim(rule: Rule, unit: ir.Unit, maker: ir.Function, started: tuple[str, int], name: str, line: int) -> Claim:
    target, since = started
    return rule.no(
        f"{target} runs in its thread from here on, and {name}, which it uses, is made at line {line} only.",
        Location.lines(unit.path, since),
        cwe=366,
        confidence=Confidence.LIKELY,
        fix="Start the thread last.",
        why=(
            FlowStep(Location.lines(unit.path, since), "the thread is started", "call"),
            FlowStep(Location.lines(unit.path, line), f"{name} is made", "store"),
        ),
        context=maker.name,
    )
