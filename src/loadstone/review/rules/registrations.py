"""Functions of a library that are handed to the system or to a main loop, and that stay there when it is closed.

A registration and what takes it back are a pair of names, as in typestate. A claim needs all of these: what is
registered is a function that a lookup gave, something else in the file closes a library, and nothing in the file takes
a registration of this kind back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.walk import expressions

__all__ = ["Registration", "registrations"]

_PAIRS: Final = (
    (r"g_(?:timeout|idle)_add(?:_\w+)?|g_(?:io_add_watch|unix_fd_add|unix_signal_add)\w*|g_source_set_callback",
     r"g_source_(?:remove|destroy)\w*|g_clear_handle_id"),
    (r"g_signal_connect\w*", r"g_signal_handler\w*disconnect\w*|g_clear_signal_handler"),
    (r"timer_create", r"timer_delete"),
    (r"SetTimer|timeSetEvent", r"KillTimer|timeKillEvent"),
    (r"SetWindowsHookEx[AW]?|SetWinEventHook", r"UnhookWindowsHookEx|UnhookWinEvent"),
    (r"CreateTimerQueueTimer|CreateThreadpoolTimer", r"DeleteTimerQueue\w*|CloseThreadpoolTimer"),
    (r"RegisterWaitForSingleObject", r"UnregisterWait(?:Ex)?"),
    (r"AddVectored\w+Handler", r"RemoveVectored\w+Handler"),
    (r"event_new|evtimer_new|event_assign|evtimer_assign|event_set", r"(?:event|evtimer)_(?:del|free)\w*"),
    (r"ev_(?:timer|io|async|signal|periodic)_init|ev_init", r"ev_\w+_stop"),
    (r"uv_(?:timer|idle|poll|async|prepare|check|signal)_(?:start|init)", r"uv_(?:\w+_stop|close)"),
    (r"sd_event_add_\w+", r"sd_event_source_\w*(?:unref|disable)\w*"),
    (r"atexit|on_exit|at_quick_exit|pthread_atfork|__cxa_atexit", r"(?!)"),
)  # fmt: skip
"""What registers a function to be called later, and what takes that back. Source: the manuals of these interfaces."""

_KNOWN: Final = tuple((re.compile(rf"(?:{made})\Z"), re.compile(rf"(?:{undone})\Z")) for made, undone in _PAIRS)
_NOTIFIES: Final = frozenset({"sigev_notify_function"})
"""Members through which a callback is given, and not as an argument."""


@dataclass(frozen=True, slots=True)
class Registration:
    """A function of a library that somebody will call: where it was registered, and where its library is closed."""

    name: str
    line: int
    close: ir.Call
    closing: ir.Function


def registrations(facts: Facts, unit: ir.Unit) -> Iterator[Registration]:
    """The registrations of a file that outlive the library they lead into."""
    calls = {f.name: [*calls_in(f.body)] for f in unit.functions}
    foreign = {fill.slot[0].rpartition(".")[2] for fill in facts.fills if fill.spot.path == unit.path}
    for function in unit.functions:
        mine = foreign | _looked_up(facts, function)
        starting = _callers(function, calls)
        undone = {last_word(c.name) for name, found in calls.items() if name not in starting for c in found}
        for call in calls[function.name]:
            pair = next(((m, u) for m, u in _KNOWN if m.match(last_word(call.name))), None)
            if pair is None or any(pair[1].match(word) for word in undone) or not _leads_out(call, function, mine):
                continue
            for other in unit.functions:
                close = next((c for c in calls[other.name] if _closes(facts, c)), None)
                if close is not None and other.name not in starting:
                    yield Registration(last_word(call.name), call.line, close, other)
                    break


def _callers(function: ir.Function, calls: dict[str, list[ir.Call]]) -> set[str]:
    """The function that registers and all that lead to it: what they take back is a start that failed."""
    found = {function.name}
    while True:
        words = {last_word(name) for name in found}
        more = {name for name, made in calls.items() if any(last_word(c.name) in words for c in made)} - found
        if not more:
            return found
        found |= more


def _closes(facts: Facts, call: ir.Call) -> bool:
    api = facts.apis.get(call.name)
    return api is not None and api.role is ApiRole.UNLOAD


def _looked_up(facts: Facts, function: ir.Function) -> set[str]:
    """Variables and members that a lookup filled, by its result or through an argument."""
    found = set()
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and _resolves(facts, uncast(statement.value)):
            found.add(_word(statement.target))
    for call in calls_in(function.body):
        api = facts.apis.get(call.name)
        if api is not None and api.role is ApiRole.RESOLVE and api.out is not None and api.out < len(call.arguments):
            given = uncast(call.arguments[api.out])
            found.add(_word(given.operands[0]) if isinstance(given, ir.Operation) and given.operands else "")
    return found - {""}


def _resolves(facts: Facts, value: ir.Expression) -> bool:
    api = facts.apis.get(value.name) if isinstance(value, ir.Call) else None
    return api is not None and api.role is ApiRole.RESOLVE


def _word(expression: ir.Expression) -> str:
    bare = uncast(expression)
    return bare.name if isinstance(bare, ir.Name | ir.Member) else ""


def _leads_out(call: ir.Call, function: ir.Function, foreign: set[str]) -> bool:
    """Whether what is registered is a function that a lookup gave, or a member of a table of such."""
    given: list[ir.Expression] = [*call.arguments]
    if last_word(call.name) == "timer_create":
        given = [
            s.value
            for s in every_statement(function.body)
            if isinstance(s, ir.Assign)
            and s.value is not None
            and isinstance(target := uncast(s.target), ir.Member)
            and target.name in _NOTIFIES
        ]
    for argument in given:
        bare = uncast(argument)
        if isinstance(bare, ir.Name | ir.Member) and any(
            isinstance(part, ir.Name | ir.Member) and part.name in foreign for part in expressions(bare)
        ):
            return True
    return False
