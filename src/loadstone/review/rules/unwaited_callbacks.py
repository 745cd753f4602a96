"""Timers and waits of Windows that are taken back without waiting for a callback that is running.

Most of these functions take an event: with ``INVALID_HANDLE_VALUE`` they wait, with null they return at once. The
others never wait. Source: Microsoft Learn, "Using Timer Queues", UnregisterWaitEx, CloseThreadpoolTimer (Remarks).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import plays
from loadstone.review.rules.registrations import leads_into_library

__all__ = ["UnwaitedCallback", "unwaited_callbacks"]

_TAKE_BACKS: Final = {
    "UnregisterWait": ("RegisterWaitForSingleObject", None),
    "UnregisterWaitEx": ("RegisterWaitForSingleObject", 1),
    "DeleteTimerQueue": ("CreateTimerQueueTimer", None),
    "DeleteTimerQueueTimer": ("CreateTimerQueueTimer", 2),
    "DeleteTimerQueueEx": ("CreateTimerQueueTimer", 1),
    "CloseThreadpoolTimer": ("CreateThreadpoolTimer", None),
    "CloseThreadpoolWork": ("CreateThreadpoolWork", None),
    "CloseThreadpoolWait": ("CreateThreadpoolWait", None),
    "CloseThreadpoolIo": ("CreateThreadpoolIo", None),
}
"""What takes a callback back: what had set it up, and which argument is the event that says when it has ended."""

_WAITS: Final = re.compile(r"WaitFor\w+|MsgWaitFor\w+|CloseThreadpoolCleanupGroupMembers|SleepConditionVariable\w+")


@dataclass(frozen=True, slots=True)
class UnwaitedCallback:
    """A callback that may run when its library is closed: by what it was taken back, and where."""

    name: str
    line: int
    close: ir.Call
    function: ir.Function


def unwaited_callbacks(facts: Facts, unit: ir.Unit) -> Iterator[UnwaitedCallback]:
    """The functions of a file that take a callback into a library back, wait for nothing, and close the library."""
    made = _set_up(facts, unit)
    for function in unit.functions if made else ():
        calls = [*calls_in(function.body)]
        close = next((c for c in calls if plays(facts, c, ApiRole.UNLOAD)), None)
        if close is None or any(_WAITS.match(last_word(c.name)) for c in calls if c.line <= close.line):
            continue
        mine = {name for owner, name in made if owner == function.owner}
        taken = next((c for c in calls if _returns_at_once(c, mine) and c.line <= close.line), None)
        if taken is not None:
            yield UnwaitedCallback(last_word(taken.name), taken.line, close, function)


def _set_up(facts: Facts, unit: ir.Unit) -> set[tuple[str, str]]:
    """The calls that set up a callback into a library: the class that makes them, and their name."""
    known = {made for made, _ in _TAKE_BACKS.values()}
    return {
        (f.owner, name)
        for f in unit.functions
        for c in calls_in(f.body)
        if (name := last_word(c.name)) in known and leads_into_library(facts, unit, f, c)
    }


def _returns_at_once(call: ir.Call, made: set[str]) -> bool:
    set_up, event = _TAKE_BACKS.get(last_word(call.name), ("", None))
    if set_up not in made:
        return False
    if event is None:
        return True
    given = uncast(call.arguments[event]) if event < len(call.arguments) else None
    return isinstance(given, ir.Literal) and not given.value
