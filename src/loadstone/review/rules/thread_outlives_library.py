"""Has every thread, hook and timer that runs a library's code ended before the library is closed?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from itertools import pairwise
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.destruction_order import emptied, interfaces, library_members
from loadstone.review.rules.kept_callbacks import kept_callbacks
from loadstone.review.rules.lookups import filled_names, looked_up, plays, word
from loadstone.review.rules.places import NATIVE
from loadstone.review.rules.registrations import registrations
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.unwaited_callbacks import unwaited_callbacks
from loadstone.review.walk import expressions, parts_of

__all__ = ["RULE"]

_WAITS: Final = frozenset({"WaitForSingleObject", "WaitForSingleObjectEx", "pthread_timedjoin_np"})
_JOINS: Final = frozenset({"tryJoin", "try_join_for", "timed_join"})
"""Waits for a thread whose first argument is how long. Source: the references of Poco::Thread and Boost.Thread."""

_DETACHES: Final = frozenset({"pthread_detach", "thrd_detach"})
_FOREVER: Final = frozenset({0xFFFFFFFF, -1})


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for unit in facts.program.units:
        if unit.language not in NATIVE:
            continue
        for function in unit.functions:
            closes = [c for c in calls_in(function.body) if plays(facts, c, ApiRole.UNLOAD)]
            if closes:
                yield from _given_up(rule, unit, function, closes[-1])
                yield from _unhooked_late(rule, facts, unit, function, closes)
                yield from _started_here(rule, facts, unit, function, closes)
        yield from _registered(rule, facts, unit)
        yield from _still_called(rule, facts, unit)
        yield from _still_running(rule, facts, unit)
        yield from _detached(rule, facts, unit)
        yield from _left_running(rule, facts, unit)
        yield from _unjoined(rule, facts, unit)
        yield from _let_go(rule, facts, unit)
        yield from _ended_without_wait(rule, facts, unit)
        yield from _freed_under_itself(rule, facts, unit)


def _registered(rule: Rule, facts: Facts, unit: ir.Unit) -> Iterator[Claim]:
    """A timer, a source of a main loop or an exit handler that nothing takes back calls into the library."""
    for found in registrations(facts, unit):
        message = (
            f"{found.name} at line {found.line} registers a function of the library; nothing takes that back before "
            f"line {found.close.line} closes it."
        )
        yield _finding(rule, unit, found.closing, found.close.line, found.line, message)


def _still_called(rule: Rule, facts: Facts, unit: ir.Unit) -> Iterator[Claim]:
    """The library has put functions of its own into a table of the program, and the close leaves them there."""
    for kept in kept_callbacks(facts, unit):
        message = (
            f"{kept.container} keeps functions that the library registers (line {kept.filled}); they are still there "
            f"when line {kept.closed} closes it."
        )
        yield _finding(rule, unit, kept.function, kept.closed, kept.filled, message)


def _still_running(rule: Rule, facts: Facts, unit: ir.Unit) -> Iterator[Claim]:
    """A timer or a wait is taken back, and its callback may be running when the library goes."""
    for found in unwaited_callbacks(facts, unit):
        message = (
            f"{found.name} at line {found.line} does not wait for a callback that is running; line "
            f"{found.close.line} closes the library it calls."
        )
        yield _finding(rule, unit, found.function, found.close.line, found.line, message)


def _given_up(rule: Rule, unit: ir.Unit, function: ir.Function, close: ir.Call) -> Iterator[Claim]:
    """A wait that ends after a time, whose end by time changes nothing, and then the library goes."""
    for statement in every_statement(function.body):
        waits = [e for e in parts_of(statement) if _is_bounded_wait(e, unit)]
        leaves = isinstance(statement, ir.If) and any(_ends(s) or _waits_on(s, unit) for s in statement.then.body[-1:])
        if not waits or leaves or isinstance(statement, ir.Loop | ir.Return | ir.Assign) or close.line < statement.line:
            continue
        yield _finding(
            rule, unit, function, waits[0].line, close.line,
            "The wait for a thread may time out, and the library is closed while the thread runs in it.",
        )  # fmt: skip


def _started_here(
    rule: Rule, facts: Facts, unit: ir.Unit, function: ir.Function, closes: list[ir.Call]
) -> Iterator[Claim]:
    """``pthread_create(&t, NULL, work, NULL); dlclose(h);``: a symbol's own thread, and nothing waits for it."""
    symbols = looked_up(facts, function) | filled_names(facts, unit)
    for statement in every_statement(function.body):
        parts = [p for p in parts_of(statement) if isinstance(p, ir.Call)]
        start = next((c for c in parts if plays(facts, c, ApiRole.THREAD) and _runs(c, symbols)), None)
        if start is None:
            continue
        after = [c for c in calls_in(function.body) if c.line > start.line]
        waited = next((c.line for c in after if _waits(facts, c)), function.end_line + 1)
        failed = _where_not_started(function, statement)
        gone = next((c for c in closes if start.line < c.line <= waited and c.line not in failed), None)
        if gone is not None:
            message = f"The thread started at line {start.line} runs the library's code; nothing waits for its end."
            yield _finding(rule, unit, function, gone.line, start.line, message)
            return


def _runs(start: ir.Call, symbols: AbstractSet[str]) -> bool:
    return any(word(argument) in symbols for argument in start.arguments)


def _where_not_started(function: ir.Function, start: ir.Statement) -> set[int]:
    """The lines that run only where a thread was not started: the test is the start's own, or of its result."""
    result = word(start.target) if isinstance(start, ir.Assign) else ""
    found: set[int] = set()
    for statement in every_statement(function.body):
        if isinstance(statement, ir.If) and statement.line >= start.line:
            names = {e.name for e in expressions(statement.condition) if isinstance(e, ir.Name)}
            if statement is start or (result and result in names):
                found |= {c.line for c in calls_in(statement.then)}
                found |= {c.line for c in calls_in(statement.otherwise)} if statement.otherwise is not None else set()
    return found


def _left_running(rule: Rule, facts: Facts, unit: ir.Unit) -> Iterator[Claim]:
    """``if (!thread.tryJoin(2000)) warn();`` in ``stop()``: the destructor closes what the thread still runs in."""
    closes = {
        f.owner: close
        for f in unit.functions
        if last_word(f.name).startswith("~")
        and (close := next((c for c in calls_in(f.body) if plays(facts, c, ApiRole.UNLOAD)), None)) is not None
        and not any(_waits(facts, c) for c in calls_in(f.body))
    }
    for function in unit.functions:
        close = closes.get(function.owner)
        if close is None or any(plays(facts, c, ApiRole.UNLOAD) for c in calls_in(function.body)):
            continue
        for statement in every_statement(function.body):
            waits = [e for e in parts_of(statement) if _is_bounded_wait(e, unit)]
            reacts = isinstance(statement, ir.If) and any(
                _ends(s) or _waits_on(s, unit) for s in every_statement(statement.then)
            )
            ended = _ended_after(unit, function) if waits else 0
            if ended and not reacts and isinstance(statement, ir.If | ir.Evaluate):
                message = (
                    f"The wait for a thread may time out; line {close.line} closes the library while the thread runs "
                    "in it."
                )
                yield _finding(rule, unit, function, waits[0].line, ended, message)


def _ended_after(unit: ir.Unit, stopping: ir.Function) -> int:
    """Where an object is ended right after it was stopped: ``it->stop(); drivers.erase(it);``, or its destructor."""
    name = last_word(stopping.name)
    for function in unit.functions:
        if function is stopping:
            continue
        calls = [*calls_in(function.body)]
        stopped = next((c.line for c in calls if last_word(c.name) == name), 0)
        own = function.owner == stopping.owner
        if stopped and own and last_word(function.name).startswith("~"):
            return stopped
        gone = (c.line for c in calls if stopped and c.line >= stopped and last_word(c.name) in _ENDS_OBJECT)
        if not own and (line := next(gone, 0)):
            return line
    return 0


_ENDS_OBJECT: Final = frozenset({"erase", "clear", "reset", "delete", "pop_back"})


def _is_bounded_wait(expression: ir.Expression, unit: ir.Unit) -> bool:
    if not isinstance(expression, ir.Call):
        return False
    joins = last_word(expression.name) in _JOINS or expression.name == "QThread::wait"
    position = 0 if joins else 1
    if not (joins or expression.name in _WAITS) or len(expression.arguments) <= position:
        return False
    limit: ir.Expression | None = uncast(expression.arguments[position])
    if isinstance(limit, ir.Name):  # a constant of the file
        limit = next((uncast(v.value) for v in unit.variables if v.name == limit.name and "const" in v.type), limit)
    return isinstance(limit, ir.Literal) and isinstance(limit.value, int) and limit.value not in {0, *_FOREVER}


def _waits_on(statement: ir.Statement, unit: ir.Unit) -> bool:
    """Whether a statement waits again, this time without a limit."""
    return any(
        isinstance(e, ir.Call)
        and (e.name in _WAITS or last_word(e.name) in {"join", "wait"})
        and not _is_bounded_wait(e, unit)
        for e in parts_of(statement)
    )


def _ends(statement: ir.Statement) -> bool:
    return isinstance(statement, ir.Return | ir.Jump | ir.Raise)


def _unhooked_late(
    rule: Rule, facts: Facts, unit: ir.Unit, function: ir.Function, closes: list[ir.Call]
) -> Iterator[Claim]:
    """A hook into the library is taken off after the library was closed."""
    for call in calls_in(function.body):
        if plays(facts, call, ApiRole.UNREGISTER) and call.name not in _DETACHES and closes[0].line < call.line:
            message = f"{call.name} takes the hook off only after the library it leads into was closed."
            yield _finding(rule, unit, function, closes[0].line, call.line, message)
            return


def _detached(rule: Rule, facts: Facts, unit: ir.Unit) -> Iterator[Claim]:
    """A thread that runs a library's own function is detached, nobody waits for it, and the library is closed."""
    starts = [c for f in unit.functions for c in calls_in(f.body) if plays(facts, c, ApiRole.THREAD)]
    foreign = [c for c in starts if any(isinstance(uncast(a), ir.Member) for a in c.arguments[2:3])]
    detaching = {last_word(f.name) for f in unit.functions for c in calls_in(f.body) if c.name in _DETACHES}
    joins = any(plays(facts, c, ApiRole.JOINED) for f in unit.functions for c in calls_in(f.body))
    if not foreign or not detaching or joins:
        return
    for function in unit.functions:
        called = {last_word(c.name) for c in calls_in(function.body)} | {last_word(function.name)}
        close = next((c for c in calls_in(function.body) if plays(facts, c, ApiRole.UNLOAD)), None)
        if close is not None and called & detaching:
            message = f"The thread started at line {foreign[0].line} runs the library's code; nothing joins it."
            yield _finding(rule, unit, function, close.line, close.line, message)


def _let_go(rule: Rule, facts: Facts, unit: ir.Unit) -> Iterator[Claim]:
    """``worker.detach(); libraries.clear();``: a thread object is let go of, and then what its thread may run goes."""
    threads = {m.name for c in unit.classes for m in c.members if _THREAD.search(m.type)}
    held = library_members(facts, unit) if threads else set()
    for function in unit.functions if held else ():
        let_go = [
            c.line
            for c in calls_in(function.body)
            if last_word(c.name) == "detach"
            and isinstance(t := uncast(c.receiver), ir.Name | ir.Member)
            and t.name in threads
        ]
        gone = sorted(line for name in held for line in emptied(function, name) if let_go and line > let_go[0])
        if let_go and not gone and _has_one(unit, function, held):
            gone = [function.end_line]
        if gone:
            message = f"The thread detached at line {let_go[0]} may still run what line {gone[0]} closes."
            yield _finding(rule, unit, function, gone[0], let_go[0], message)


def _has_one(unit: ir.Unit, function: ir.Function, held: set[str]) -> bool:
    """Whether a function is the destructor of a class with a member whose end closes a library."""
    owner = last_word(function.owner)
    mine = {m.name for c in unit.classes if c.name == owner for m in c.members}
    return last_word(function.name) == f"~{owner}" and bool(mine & held)


_THREAD: Final = re.compile(r"\A(?:std::|boost::)?j?thread\Z")


def _unjoined(rule: Rule, facts: Facts, unit: ir.Unit) -> Iterator[Claim]:
    """A thread whose function calls a library through memory; the object's library is closed and nobody waited yet."""
    workers = _workers(facts, unit)
    if not workers:
        return
    waiting = _waiting(facts, unit)
    methods = [f for f in unit.functions if f.owner]
    closing = {f.name for f in methods if any(plays(facts, c, ApiRole.UNLOAD) for c in calls_in(f.body))}
    members = {c.name for f in methods for c in calls_in(f.body) if _closes_member(c, closing)}
    for function in unit.functions:
        first = next(
            (c for c in calls_in(function.body) if plays(facts, c, ApiRole.UNLOAD) or _closes_member(c, closing)), None
        )
        if (
            first is None
            or last_word(function.name) in workers
            or function.name in members
            or not _is_kept(first, unit, function)
        ):
            continue  # what closes an object's library for its owner is asked about where the owner calls it
        calls = [*calls_in(function.body)]
        before = [c for c in calls if c.line <= first.line and (last_word(c.name) in waiting or _waits(facts, c))]
        starts = next((c for c in calls if plays(facts, c, ApiRole.THREAD)), None)
        ends = bool(_ENDS.search(last_word(function.name))) and starts is None
        if not before and ends and not _callers_wait(facts, unit, function):
            line = next(iter(workers.values()))
            message = f"The thread started at line {line} may still run in the library that line {first.line} closes."
            yield _finding(rule, unit, function, first.line, line, message)


def _callers_wait(facts: Facts, unit: ir.Unit, function: ir.Function) -> bool:
    """Whether somebody of the file waits first and then calls the function that closes."""
    for other in unit.functions:
        waited = [c.line for c in calls_in(other.body) if _waits(facts, c)]
        closed = [c.line for c in calls_in(other.body) if c.receiver is None and c.name == function.name]
        if waited and closed and min(waited) <= max(closed):
            return True
    return False


def _ended_without_wait(rule: Rule, facts: Facts, unit: ir.Unit) -> Iterator[Claim]:
    """A thread of a library's own function is kept, and who closes the library deals with it, but waits too late."""
    kept = dict(pair for function in unit.functions for pair in _kept_threads(facts, function))
    for function in unit.functions if kept else ():
        calls = [*calls_in(function.body)]
        close = next((c for c in calls if plays(facts, c, ApiRole.UNLOAD)), None)
        if close is None or not _is_kept(close, unit, function) or any(plays(facts, c, ApiRole.THREAD) for c in calls):
            continue
        named = {e.name for e in every_expression(function.body) if isinstance(e, ir.Name | ir.Member)} & kept.keys()
        if named and not any(_waits(facts, c) and c.line <= close.line for c in calls):
            line = kept[min(named)]
            message = f"The thread started at line {line} may still run in the library that line {close.line} closes."
            yield _finding(rule, unit, function, close.line, line, message)


def _kept_threads(facts: Facts, function: ir.Function) -> Iterator[tuple[str, int]]:
    """The variables and members that hold a thread which runs a function that a lookup gave, and where it starts."""
    symbols = looked_up(facts, function)
    for statement in every_statement(function.body):
        for call in (p for p in parts_of(statement) if isinstance(p, ir.Call)):
            if plays(facts, call, ApiRole.THREAD) and _runs(call, symbols):
                first = uncast(call.arguments[0])
                is_out = isinstance(first, ir.Operation) and first.operator == "address"
                held = first.operands[0] if isinstance(first, ir.Operation) and is_out else None
                held = statement.target if held is None and isinstance(statement, ir.Assign) else held
                if name := word(held):
                    yield name, call.line


def _freed_under_itself(rule: Rule, facts: Facts, unit: ir.Unit) -> Iterator[Claim]:
    """``FreeLibrary(own); ExitThread(0);``: the second call lies in what the first takes out of memory.

    Source: the reference of FreeLibraryAndExitThread, which is there for this.
    """
    if "GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS" not in unit.text:
        return
    for function in unit.functions:
        for block in (function.body, *every_statement(function.body)):
            body = block.body if isinstance(block, ir.Block) else ()
            for first, second in pairwise(body):
                freed, left = _call(first), _call(second)
                if freed is None or left is None or left.name not in _EXITS or not plays(facts, freed, ApiRole.UNLOAD):
                    continue
                message = (
                    f"Line {freed.line} frees a library that this thread may run in, and line {left.line} is to be run "
                    "after it; FreeLibraryAndExitThread does both."
                )
                yield _finding(rule, unit, function, freed.line, left.line, message)


_EXITS: Final = frozenset({"ExitThread", "_endthread", "_endthreadex"})


def _call(statement: ir.Statement) -> ir.Call | None:
    whole = uncast(statement.expression) if isinstance(statement, ir.Evaluate) else None
    return whole if isinstance(whole, ir.Call) else None


def _closes_member(call: ir.Call, closing: set[str]) -> bool:
    """``m_engine.close()``: a member that is an object of the program closes its library."""
    owner, _, name = call.name.rpartition("::")
    return call.name in closing and bool(owner) and call.receiver is not None and bool(_ENDS.search(name))


_ENDS: Final = re.compile(
    r"(?i)~|stop|close|shut|free|destroy|unload|release|finish|fini|term|kill|remove|detach|disable|end|clean|dtor|delete"
)
"""Names of functions that end what was begun, when its thread may run."""


def _workers(facts: Facts, unit: ir.Unit) -> dict[str, int]:
    """Functions that threads of the file run and that call through a member or a variable, and where they start."""
    starts = [(f, c) for f in unit.functions for c in calls_in(f.body) if plays(facts, c, ApiRole.THREAD)]
    if not starts:
        return {}
    calling, made = _calling(facts, unit), interfaces(unit)
    found: dict[str, int] = {}
    for function, call in starts:
        if _waits_after(facts, unit, function, call):
            continue
        closures = _closures(function)
        for part in (p for argument in call.arguments for p in expressions(argument)):
            if isinstance(part, ir.Name) and last_word(part.name) in calling:
                found.setdefault(last_word(part.name), call.line)
            body = part if isinstance(part, ir.Closure) else closures.get(word(part))
            if body is not None and any(
                _is_slot_call(facts, c) or c.name.rpartition("::")[0] in made for c in calls_in(body.function.body)
            ):
                found.setdefault("<closure>", call.line)
    return found


def _closures(function: ir.Function) -> dict[str, ir.Closure]:
    """The lambdas that a function keeps in variables: ``auto work = [this] { ... };``."""
    return {
        word(s.target): value
        for s in every_statement(function.body)
        if isinstance(s, ir.Assign) and isinstance(value := uncast(s.value), ir.Closure)
    }


def _waits_after(facts: Facts, unit: ir.Unit, function: ir.Function, start: ir.Call) -> bool:
    """Whether the function that starts a thread waits for it without a limit, whatever else it decides."""
    return any(
        _waits(facts, part) and not _is_bounded_wait(part, unit)
        for statement in function.body.body
        if statement.line > start.line and isinstance(statement, ir.Evaluate | ir.Assign)
        for part in parts_of(statement)
        if isinstance(part, ir.Call)
    )


def _calling(facts: Facts, unit: ir.Unit) -> set[str]:
    """The functions of a file that call through memory, themselves or in what they call: to a fixed point."""
    is_c = unit.language is ir.Language.C
    foreign = filled_names(facts, unit).union(*(looked_up(facts, f) for f in unit.functions))
    made = interfaces(unit)
    found = {
        last_word(f.name)
        for f in unit.functions
        if any(
            (isinstance(uncast(c.function), ir.Member | ir.Operation) and (c.receiver is None or is_c))
            or _is_slot_call(facts, c)
            or word(c.function) in foreign
            or c.name.rpartition("::")[0] in made
            for c in calls_in(f.body)
        )
    }
    while is_c:
        more = {last_word(f.name) for f in unit.functions if any(c.name in found for c in calls_in(f.body))} - found
        if not more:
            break
        found |= more
    return found


def _is_slot_call(facts: Facts, call: ir.Call) -> bool:
    """Whether a call goes through memory that a lookup filled."""
    return last_word(call.name) in facts.filled_by_calls


def _waits(facts: Facts, call: ir.Call) -> bool:
    return plays(facts, call, ApiRole.JOINED) or last_word(call.name) in {"join", "wait", "request_stop"}


def _waiting(facts: Facts, unit: ir.Unit) -> set[str]:
    """The functions of the file that wait for a thread."""
    return {last_word(f.name) for f in unit.functions if any(_waits(facts, c) for c in calls_in(f.body))}


def _is_kept(close: ir.Call, unit: ir.Unit, function: ir.Function) -> bool:
    """Whether what is closed is kept in memory: a handle that a failed start gives up is not in use yet."""
    subject = uncast(close.arguments[0]) if close.arguments else uncast(close.receiver)
    own = {p.name for p in function.parameters}
    own |= {word(s.target) for s in every_statement(function.body) if isinstance(s, ir.Assign) and s.declares}
    shared = {v.name for v in unit.variables} | {m.name for c in unit.classes for m in c.members}
    return isinstance(subject, ir.Member) or (isinstance(subject, ir.Name) and subject.name in shared - own)


def _finding(rule: Rule, unit: ir.Unit, function: ir.Function, line: int, other: int, message: str) -> Claim:
    place, second = Location.lines(unit.path, line), Location.lines(unit.path, other)
    return rule.no(
        message,
        place,
        why=(FlowStep(place, "here", "use"), FlowStep(second, "here", "release")),
        context=function.name,
        condition=function.condition,
    )


RULE: Final = Rule(
    id="thread-outlives-library",
    question="Has everything that runs a library's code ended before the library is closed?",
    practice=Practice.LIFECYCLE,
    cwe=672,
    severity=Severity.MEDIUM,
    languages=NATIVE,
    why="A thread or a hook that is still in the library when it is unmapped runs in memory that is not there.",
    fix="Wait without a limit, take hooks off first; close last.",
    bad="WaitForSingleObject(thread, 2000);\nFreeLibrary(library);\n",
    good="WaitForSingleObject(thread, INFINITE);\nFreeLibrary(library);\n",
    references=(
        "https://cwe.mitre.org/data/definitions/672.html",
        "https://cwe.mitre.org/data/definitions/416.html",
        "https://learn.microsoft.com/windows/win32/api/winuser/nf-winuser-unhookwindowshookex",
    ),
    answer=_answer,
)
