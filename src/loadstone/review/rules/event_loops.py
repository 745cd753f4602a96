"""Does only the event loop's own thread touch its objects, and is every task kept until it has ended?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Confidence, FlowStep, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.travel.deferred import deferred
from loadstone.review.rules.places import PYTHON
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import calls, statements

__all__ = ["RULE"]

_TASKS: Final = frozenset({"asyncio.create_task", "asyncio.ensure_future"})
_OF_LOOP: Final = frozenset({"asyncio.Event", "asyncio.Queue", "asyncio.Future", "asyncio.Condition"})
"""Objects that belong to one thread. Source: Python library reference, asyncio, "Developing with asyncio"."""

_MAKES_FUTURE: Final = "create_future"
_CHANGES: Final = frozenset({"set", "clear", "put_nowait", "get_nowait", "set_result", "set_exception", "notify_all"})
_CALLBACK: Final = "ctypes.CFUNCTYPE.__call__"


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for unit in facts.program.units:
        if unit.language is ir.Language.PYTHON and "asyncio" in unit.text:
            yield from _lost_tasks(rule, unit)
            yield from _from_other_threads(rule, unit)


def _lost_tasks(rule: Rule, unit: ir.Unit) -> Iterator[Claim]:
    """``asyncio.create_task(work())`` and nothing holds the task: it may be collected, and its error is lost."""
    for function in unit.functions:
        for statement in statements(function.body.body):
            match statement:
                case ir.Evaluate(expression=ir.Call(name=name)) if name in _TASKS:
                    yield rule.no(
                        "Nothing holds this task: it may be collected while it runs, and nobody sees what it raises.",
                        Location.lines(unit.path, statement.line),
                        cwe=391,
                        severity=Severity.LOW,
                        context=function.name,
                    )


def _from_other_threads(rule: Rule, unit: ir.Unit) -> Iterator[Claim]:
    """A method that a library calls back, or a thread runs, changes an object of the event loop."""
    own = {
        spelled(s.target)
        for f in unit.functions
        for s in statements(f.body.body)
        if isinstance(s, ir.Assign) and isinstance(s.value, ir.Call)
        if s.value.name in _OF_LOOP or simple(s.value.name) == _MAKES_FUTURE
    } - {""}
    elsewhere = dict(_run_elsewhere(unit)) if own else {}
    calls_of = {f.name: tuple(calls(f.body.body)) for f in unit.functions if f.name in elsewhere}
    for function in unit.functions if elsewhere else ():
        since = elsewhere.get(function.name)
        if since is None:
            calling = (n for n in elsewhere if any(c.name == function.name for c in calls_of.get(n, ())))
            since = elsewhere.get(next(calling, ""))
        if since is None or "async" in function.marks:
            continue
        for call in calls(function.body.body):
            name = spelled(call.receiver) if call.receiver is not None else ""
            if name in own and simple(call.name) in _CHANGES:
                yield rule.no(
                    f"{name} belongs to the event loop, and {simple(function.name)} runs in another thread: the loop "
                    "may not wake, or be broken.",
                    Location.lines(unit.path, call.line),
                    cwe=362,
                    confidence=Confidence.LIKELY,
                    why=(
                        FlowStep(Location.lines(unit.path, since), "handed to what calls it elsewhere", "call"),
                        FlowStep(Location.lines(unit.path, call.line), "changed there", "use"),
                    ),
                    context=function.name,
                )
                break


def _run_elsewhere(unit: ir.Unit) -> Iterator[tuple[str, int]]:
    """Functions that a foreign library or a thread calls, by their names, with the line that hands them on."""
    for function in unit.functions:
        for call in calls(function.body.body):
            handed = deferred(call, [*call.arguments], lambda e: e, function.owner)
            if handed is not None and not simple(call.name).startswith("call_"):
                yield handed[0], call.line
            elif call.name == _CALLBACK and call.arguments:
                first, _, rest = spelled(call.arguments[0]).partition(".")
                yield (f"{function.owner}.{rest}" if first == "self" and rest else first), call.line


RULE: Final = Rule(
    id="event-loop-misuse",
    question="Does only the event loop's thread touch its objects, and is every task kept until it has ended?",
    practice=Practice.LOCKING,
    cwe=362,
    severity=Severity.MEDIUM,
    languages=PYTHON,
    why=(
        "Events, queues and futures of asyncio take no lock; a task that nobody holds may go away in the middle of "
        "its work."
    ),
    fix="loop.call_soon_threadsafe(event.set); keep tasks in a set, and look at what they raised when they end.",
    bad="def on_frame(self, data):  # called by the library's thread\n    self.arrived.set()\n",
    good="def on_frame(self, data):\n    self.loop.call_soon_threadsafe(self.arrived.set)\n",
    references=(
        "https://docs.python.org/3/library/asyncio-dev.html#concurrency-and-multithreading",
        "https://docs.python.org/3/library/asyncio-task.html#asyncio.create_task",
        "https://cwe.mitre.org/data/definitions/362.html",
        "https://cwe.mitre.org/data/definitions/391.html",
    ),
    answer=_answer,
)
