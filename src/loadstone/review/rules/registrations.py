"""Functions of a library that are handed to the system or to a main loop, and that stay there when it is closed.

A registration and what takes it back are a pair of names, as in typestate. A claim needs all of these: what is
registered is a function that a lookup gave, something else in the file closes a library, and nothing in the file takes
a registration of this kind back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.destruction_order import interfaces
from loadstone.review.rules.lookups import filled_names, looked_up, word
from loadstone.review.walk import expressions

__all__ = ["Registration", "leads_into_library", "registrations"]

_PAIRS: Final = (
    (r"g_(?:timeout|idle)_add(?:_\w+)?|g_(?:io_add_watch|unix_fd_add|unix_signal_add)\w*|g_source_set_callback",
     r"g_source_(?:remove|destroy)\w*|g_clear_handle_id"),
    (r"g_signal_connect\w*", r"g_signal_handler\w*disconnect\w*|g_clear_signal_handler"),
    (r"timer_create", r"timer_delete"),
    (r"SetTimer|timeSetEvent", r"KillTimer|timeKillEvent"),
    (r"SetWindowsHookEx[AW]?|SetWinEventHook", r"UnhookWindowsHookEx|UnhookWinEvent"),
    (r"SetWindowLong(?:Ptr)?[AW]?|SubclassWindow", r"SetWindowLong(?:Ptr)?[AW]?|UnsubclassWindow|DestroyWindow"),
    (r"SetWindowSubclass", r"RemoveWindowSubclass|DestroyWindow"),
    (r"RegisterClass(?:Ex)?[AW]?", r"UnregisterClass[AW]?"),
    (r"SetConsoleCtrlHandler", r"SetConsoleCtrlHandler"),
    (r"SetUnhandledExceptionFilter", r"SetUnhandledExceptionFilter"),
    (r"RegisterServiceCtrlHandler(?:Ex)?[AW]?", r"(?!)"),
    (r"NotifyServiceStatusChange[AW]?|RegisterPowerSettingNotification|PowerRegisterSuspendResumeNotification",
     r"CloseServiceHandle|UnregisterPowerSettingNotification|PowerUnregisterSuspendResumeNotification"),
    (r"qInstallMessageHandler|qAddPostRoutine", r"qInstallMessageHandler|qRemovePostRoutine"),
    (r"(?:std::)?set_(?:terminate|new_handler|unexpected)", r"(?:std::)?set_(?:terminate|new_handler|unexpected)"),
    (r"signal|sigaction|bsd_signal|sigset", r"signal|sigaction|bsd_signal|sigset"),
    (r"CreateTimerQueueTimer|CreateThreadpoolTimer", r"DeleteTimerQueue\w*|CloseThreadpoolTimer"),
    (r"RegisterWaitForSingleObject", r"UnregisterWait(?:Ex)?"),
    (r"AddVectored\w+Handler", r"RemoveVectored\w+Handler"),
    (r"event_new|evtimer_new|event_assign|evtimer_assign|event_set", r"(?:event|evtimer)_(?:del|free)\w*"),
    (r"ev_(?:timer|io|async|signal|periodic)_init|ev_init", r"ev_\w+_stop"),
    (r"uv_(?:timer|idle|poll|async|prepare|check|signal)_(?:start|init)", r"uv_(?:\w+_stop|close)"),
    (r"sd_event_add_\w+", r"sd_event_source_\w*(?:unref|disable)\w*"),
    (r"pthread_key_create|tss_create|FlsAlloc", r"pthread_key_delete|tss_delete|FlsFree"),
    (r"atexit|on_exit|at_quick_exit|pthread_atfork|__cxa_atexit", r"(?!)"),
)  # fmt: skip
"""What registers a function to be called later, and what takes that back. Source: the manuals of these interfaces."""

_KNOWN: Final = tuple((re.compile(rf"(?:{made})\Z"), re.compile(rf"(?:{undone})\Z")) for made, undone in _PAIRS)


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
    foreign = filled_names(facts, unit)
    made = interfaces(unit)
    for function in unit.functions:
        if not any(_registers(call) for call in calls[function.name]):
            continue
        mine = foreign | looked_up(facts, function)
        starting = _callers(function, calls)
        undone = {last_word(c.name) for name, found in calls.items() if name not in starting for c in found}
        for call in calls[function.name]:
            pair = _pair(call)
            if pair is not None and (here := _closed_here(facts, function, call, pair[1])) is not None:
                if _leads_out(facts, call, function, mine):
                    yield Registration(last_word(call.name), call.line, here, function)
                continue
            if last_word(call.name) == "connect" and _is_connected(call, mine, made):
                yield from _connections(facts, unit, call, calls, starting)
            if pair is None or any(pair[1].match(word) for word in undone):
                continue
            called = _called_by_own(call, unit, foreign)
            if not called and not _leads_out(facts, call, function, mine):
                continue
            for other in unit.functions:
                close = next((c for c in calls[other.name] if _closes(facts, c)), None)
                if close is not None and other.name not in starting and not called & _set_in(other):
                    yield Registration(last_word(call.name), call.line, close, other)
                    break


def leads_into_library(facts: Facts, unit: ir.Unit, function: ir.Function, call: ir.Call) -> bool:
    """Whether what a call registers is a function of a library, or one of the program's that calls such."""
    foreign = filled_names(facts, unit)
    called = bool(_called_by_own(call, unit, foreign))
    return called or _leads_out(facts, call, function, foreign | looked_up(facts, function))


def _pair(call: ir.Call) -> tuple[re.Pattern[str], re.Pattern[str]] | None:
    """The names of calls that register, as this one does, and of those that take it back."""
    return next(((made, undone) for made, undone in _KNOWN if made.match(last_word(call.name))), None)


def _registers(call: ir.Call) -> bool:
    return last_word(call.name) == "connect" or _pair(call) is not None


def _called_by_own(call: ir.Call, unit: ir.Unit, foreign: AbstractSet[str]) -> set[str]:
    """``atexit(on_exit)``: what the program's own function, which is registered, calls of the library."""
    given = {last_word(word(part)) for argument in call.arguments for part in expressions(argument)}
    own = (f for f in unit.functions if last_word(f.name) in given)
    asked = (part for f in own for c in calls_in(f.body) for part in expressions(c.function))
    return {name for part in asked if (name := word(part)) in foreign}


def _set_in(function: ir.Function) -> set[str]:
    """What a function sets, to null or to another library's."""
    return {word(s.target) for s in every_statement(function.body) if isinstance(s, ir.Assign)}


def _is_connected(call: ir.Call, foreign: AbstractSet[str], made: AbstractSet[str]) -> bool:
    """``connect(timer, &QTimer::timeout, [run] { run(); })``: the lambda calls what a lookup gave, or its object."""
    inside = (a.function.body for a in call.arguments if isinstance(a, ir.Closure))
    called = [c for body in inside for c in calls_in(body)]
    return any(word(c.function) in foreign or c.name.rpartition("::")[0] in made for c in called)


def _connections(
    facts: Facts, unit: ir.Unit, call: ir.Call, calls: dict[str, list[ir.Call]], starting: set[str]
) -> Iterator[Registration]:
    """Closes of a library that leave the object alone whose signal is connected to it."""
    sender = word(call.arguments[0]) if call.arguments else ""
    kept = (s for f in unit.functions for s in every_statement(f.body) if isinstance(s, ir.Assign))
    senders = {sender} | {word(s.target) for s in kept if word(s.value) == sender and not s.declares}
    for other in unit.functions:
        close = next((c for c in calls[other.name] if _closes(facts, c)), None)
        begins = any(_gives(facts, c) for c in calls[other.name])  # what it closes was never handed out
        if close is None or other.name in starting or not sender or begins:
            continue
        before = [c for c in calls[other.name] if c.line <= close.line]
        touched = any(word(e) in senders for c in before for e in expressions(c)) or any(
            word(c.receiver) in senders or last_word(c.name) == "disconnect" for c in before
        )
        if not touched:
            yield Registration(last_word(call.name), call.line, close, other)


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


def _closed_here(facts: Facts, function: ir.Function, call: ir.Call, undone: re.Pattern[str]) -> ir.Call | None:
    """The close that every way from a registration comes to, in its own function, with nothing taken back between.

    Of the library whose symbols the function looks up: one that is closed by its name, behind the statement that the
    registration stands in.
    """
    resolving = [c for c in calls_in(function.body) if _gives(facts, c)]
    libraries = {word(argument) for c in resolving for argument in c.arguments[:1]} - {""}
    for block in (function.body, *(s for s in every_statement(function.body) if isinstance(s, ir.Block))):
        begun = False
        for statement in block.body:
            held = ir.Block(statement.line, statement.line, (statement,))
            if not begun:
                begun = any(c is call for c in calls_in(held))
                continue
            if any(undone.match(last_word(c.name)) for c in calls_in(held)):
                break
            close = uncast(statement.expression) if isinstance(statement, ir.Evaluate) else None
            ends = isinstance(close, ir.Call) and _closes(facts, close) and close.arguments
            if isinstance(close, ir.Call) and ends and word(close.arguments[0]) in libraries:
                return close
    return None


def _gives(facts: Facts, call: ir.Call) -> bool:
    api = facts.apis.get(call.name)
    return api is not None and api.role is ApiRole.RESOLVE


def _leads_out(facts: Facts, call: ir.Call, function: ir.Function, foreign: AbstractSet[str]) -> bool:
    """Whether what is registered is a function that a lookup gave, or a member of a table of such.

    It is an argument, or stands in a member of the structure whose address the call is given.
    """
    given: list[ir.Expression] = [*call.arguments]
    structures = {
        word(inner.operands[0])
        for argument in call.arguments
        if isinstance(inner := uncast(argument), ir.Operation) and inner.operator == "address"
    } - {""}
    given += [
        s.value
        for s in every_statement(function.body)
        if isinstance(s, ir.Assign)
        and s.value is not None
        and isinstance(target := uncast(s.target), ir.Member)
        and word(target.base) in structures
    ]
    for argument in given:
        bare = uncast(argument)
        if isinstance(bare, ir.Call) and _gives(facts, bare):
            return True
        if isinstance(bare, ir.Name | ir.Member) and any(
            isinstance(part, ir.Name | ir.Member) and part.name in foreign for part in expressions(bare)
        ):
            return True
    return False
