"""Python: what a class keeps, or has given out, of a library that one of its methods unloads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Confidence, Location, Severity
from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.bindings import Bindings
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.state import Spot
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.travel.deferred import function_named
from loadstone.review.analyses.words import uncast
from loadstone.review.apis import ApiRole, tables
from loadstone.review.rules.collector_releases import aliases, at_exit, methods_of, released_by, sure
from loadstone.review.rules.conditions import asked
from loadstone.review.rules.places import step
from loadstone.review.rules.python_shared_state import is_locked
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.use_after_close import library_of
from loadstone.review.walk import calls, expressions, kept, parts_of, statements

__all__ = ["closed_under_threads", "used_after_unload"]

_SELF: Final = "self."


@dataclass(frozen=True, slots=True)
class _Unload:
    """A method that unloads the library of an attribute."""

    method: ir.Function
    attribute: str
    line: int


def used_after_unload(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """Functions that stay in attributes, and objects that were given out, when the library goes."""
    units = [unit for unit in facts.program.units if unit.language is ir.Language.PYTHON]
    for unit in (u for u in units if "dlclose" in u.text or "FreeLibrary" in u.text):
        classes = methods_of(unit)
        yield from _of_module(rule, unit, facts.bindings[unit.path])
        for owner, methods in classes.items():
            unloads = [found for method in methods for found in _unloads(method)]
            for unload in unloads:
                yield from _stale(rule, unit, methods, unload)
                yield from _under_others(rule, unit, methods, unload)
            givers = _Givers(
                owner, tuple(unloads), dict(_children(methods, classes, unloads, facts.bindings[unit.path]))
            )
            for user in units if givers.children else ():
                yield from _outlived(rule, user, unit, givers)


def _unloads(method: ir.Function) -> Iterator[_Unload]:
    local, known = aliases(method), tables()
    for call in calls(method.body.body):
        api = known.get(call.name)
        if (api is not None and api.role is ApiRole.UNLOAD) and call.arguments:
            name = spelled(call.arguments[0])
            first, _, rest = name.partition(".")
            name = library_of(f"{local[first]}.{rest}" if first in local and rest else local.get(name, name))
            if name.startswith(_SELF):
                yield _Unload(method, name, call.line)


# Functions of the library that an attribute keeps.


def _stale(rule: Rule, unit: ir.Unit, methods: list[ir.Function], unload: _Unload) -> Iterator[Claim]:
    renewed = {spelled(s.target) for s in statements(unload.method.body.body) if isinstance(s, ir.Assign)}
    for call in calls(unload.method.body.body):
        helper = next((m for m in methods if m.name == call.name), None)
        if helper is not None:
            renewed |= {spelled(s.target) for s in sure(helper.body.body) if isinstance(s, ir.Assign)}
        if simple(call.name) in _EMPTIES:
            renewed.add(spelled(call.receiver))
    for attribute, filled in _functions_of(methods, unload.attribute).items():
        if attribute in renewed:
            continue
        noted = {name for name in renewed if name.startswith(_SELF)}
        for method in methods:
            own = method is unload.method
            body = tuple(sure(method.body.body)) if own else method.body.body
            late = (c.line for c in calls(body) if _of_holder(c) == attribute and (not own or c.line > unload.line))
            used = next(late, 0)
            if used and (own or not _asks(method, noted | {unload.attribute})):
                yield rule.no(
                    f"{attribute} keeps a function of the library in {unload.attribute}, which line {unload.line} "
                    f"unloads; {simple(method.name)} calls it.",
                    Location.lines(unit.path, used),
                    confidence=Confidence.LIKELY,
                    why=(
                        step(Spot(unit.path, filled, unload.method.owner), "the function is kept", "acquire"),
                        step(Spot(unit.path, unload.line, unload.method.name), "its library is unloaded", "release"),
                        step(Spot(unit.path, used, method.name), "called", "use"),
                    ),
                    context=method.name,
                )
                break


_EMPTIES: Final = frozenset({"clear", "pop", "popitem"})


def _of_holder(call: ir.Call) -> str:
    """The attribute that is called, or holds what is: ``self._ops["stop"]()``."""
    function = uncast(call.function)
    return spelled(function.base) if isinstance(function, ir.Item) else spelled(function)


def _functions_of(methods: list[ir.Function], library: str) -> dict[str, int]:
    """Attributes that are given a function of a library, and where."""
    found: dict[str, int] = {}
    for method in methods:
        local = {v: of for v, of in aliases(method).items() if of == library}
        local |= {of: v for v, of in _kept_as(method, library)}
        for statement in statements(method.body.body):
            target = spelled(statement.target) if isinstance(statement, ir.Assign) else ""
            if not target.startswith(_SELF) or target == library:
                continue
            for part in parts_of(statement):
                if isinstance(part, ir.Member) and part is not getattr(statement, "target", None):
                    base = spelled(part.base)
                    if base == library or base in local:
                        found.setdefault(target, statement.line)
    return found


def _kept_as(method: ir.Function, library: str) -> Iterator[tuple[str, str]]:
    """``self._lib = lib``: the attribute and the variable."""
    for statement in statements(method.body.body):
        sets = isinstance(statement, ir.Assign) and spelled(statement.target) == library
        if sets and isinstance(uncast(statement.value), ir.Name):  # type: ignore[union-attr]
            yield library, spelled(statement.value)  # type: ignore[union-attr]


def _asks(method: ir.Function, about: set[str]) -> bool:
    """Whether a condition of the method is about one of the attributes."""
    conditions = [getattr(s, "condition", None) for s in statements(method.body.body)]
    return any(spelled(part) in about for condition in conditions for part in expressions(condition))


# What runs by itself: threads, and functions at the end of the process.


def _under_others(rule: Rule, unit: ir.Unit, methods: list[ir.Function], unload: _Unload) -> Iterator[Claim]:
    """A thread of the object unloads, and another method calls the library; neither holds a lock."""
    if unload.method.name not in _threads(unit) or is_locked(unit, unload.method, unload.line):
        return
    functions = {*_functions_of(methods, unload.attribute), unload.attribute}
    for method in methods:
        for call in calls(method.body.body):
            called = spelled(call.function)
            uses = called in functions or called.startswith(f"{unload.attribute}.")
            if uses and method is not unload.method and not is_locked(unit, method, call.line):
                yield rule.no(
                    f"A thread unloads {unload.attribute} while {simple(method.name)} may be calling it; nobody holds "
                    "a lock.",
                    Location.lines(unit.path, unload.line),
                    cwe=362,
                    confidence=Confidence.LIKELY,
                    fix="Hold one lock round the calls and round the unloading.",
                    why=(
                        step(Spot(unit.path, unload.line, unload.method.name), "unloaded by a thread", "release"),
                        step(Spot(unit.path, call.line, method.name), "called with no lock held", "use"),
                    ),
                    context=unload.method.name,
                )
                return


def closed_under_threads(rule: Rule, unit: ir.Unit, bindings: Bindings) -> Iterator[Claim]:
    """A method gives a handle back that a thread of the object is using, and does not wait for the thread."""
    for methods in methods_of(unit).values():
        running = [method for method in methods if method.name in _threads(unit)]
        if found := next(_closes_under(unit, methods, running, bindings), None):
            method, call, name, used = found
            yield rule.no(
                f"{name} is given back while the thread that runs {simple(running[0].name)} may be using it "
                f"(line {used.line}).",
                Location.lines(unit.path, call.line),
                cwe=416,
                confidence=Confidence.LIKELY,
                fix="Tell the thread to end, and join it first.",
                why=(
                    step(Spot(unit.path, call.line, method.name), "given back", "release"),
                    step(Spot(unit.path, used.line, running[0].name), "used by the thread", "use"),
                ),
                context=method.name,
            )


def _closes_under(
    unit: ir.Unit, methods: list[ir.Function], running: list[ir.Function], bindings: Bindings
) -> Iterator[tuple[ir.Function, ir.Call, str, ir.Call]]:
    """The calls that give a handle back under a thread: the method, the call, the handle, and a use by the thread."""
    for method in methods if running else ():
        if method in running:
            continue
        stays = not any(simple(c.name) == "is_alive" for c in calls(method.body.body))
        ended = min((c.line for c in calls(method.body.body) if _stops(c, bounded=stays)), default=1 << 30)
        for call in (c for c in calls(method.body.body) if c.line < ended):
            name = library_of(released_by(call, bindings, method.owner))
            is_before = call.line < _first_start(method)  # no thread is there yet
            is_handle = not _is_unload(call)
            if is_before or (is_handle and _only_asks(method) and not _is_cleared(method, name)):
                continue  # what is not cleared is asked about as used after its close
            used = next((u for r in running for u in _foreign_uses(r, name, bindings)), None)
            if name.startswith(_SELF) and used is not None and not is_locked(unit, method, call.line):
                yield method, call, name, used


_STOPS: Final = re.compile(r"\A(?:cancel|shutdown|quit)\Z|(?i:stop|join|wait)")
"""Calls that end a thread."""


def _stops(call: ir.Call, *, bounded: bool) -> bool:
    """Whether a call ends a thread; ``os.path.join(...)`` and ``", ".join(...)`` only look so.

    ``bounded``: nobody asks whether the thread is there after ``join(timeout)``, which comes back all the same.
    """
    if bounded and simple(call.name) == "join" and _waits_at_most(call):
        return False
    joins_texts = call.name.startswith(("os.path.", "str.")) or isinstance(call.receiver, ir.Literal)
    return not joins_texts and bool(_STOPS.search(simple(call.name)))


def _waits_at_most(call: ir.Call) -> bool:
    limits = [*call.arguments, *(value for key, value in call.keywords if key == "timeout")]
    return any(isinstance(one := uncast(limit), ir.Literal) and one.value is not None for limit in limits)


def _is_unload(call: ir.Call) -> bool:
    api = tables().get(call.name)
    return api is not None and api.role is ApiRole.UNLOAD


_ASKS: Final = frozenset({"set", "put", "put_nowait"})


def _only_asks(method: ir.Function) -> bool:
    """``event.set()``: the thread is asked to end, and is left in its last call."""
    return any(simple(call.name) in _ASKS for call in calls(method.body.body))


def _is_cleared(method: ir.Function, name: str) -> bool:
    """Whether a method gives an attribute another value: ``self._handle = None``."""
    return any(isinstance(s, ir.Assign) and spelled(s.target) == name for s in statements(method.body.body))


_THREADS: Final = frozenset({"Thread", "Timer"})


def _first_start(method: ir.Function) -> int:
    """The line on which a method makes its first thread; 0 when it makes none."""
    return min((c.line for c in calls(method.body.body) if simple(c.name) in _THREADS), default=0)


def _foreign_uses(method: ir.Function, name: str, bindings: Bindings) -> Iterator[ir.Call]:
    for call in calls(method.body.body):
        if name and bindings.symbol(call, method.owner) is not None and not asked(method, name, bindings):
            yield from (call for argument in call.arguments[:1] if spelled(argument) == name)
            if spelled(call.function).startswith(f"{name}."):
                yield call  # a function of the library itself


@kept
def _threads(unit: ir.Unit) -> frozenset[str]:
    """What a thread of the file begins with: its target, what a pool is given, a thread's own ``run``."""
    started = {
        function_named(value, function.owner)
        for function in unit.functions
        for waited in (_waited_for(function),)
        for call in calls(function.body.body)
        if id(call) not in waited
        for value in _begun(call)
    }
    own = {f"{c.name}.run" for c in unit.classes if any(simple(base) in _THREADS for base in c.bases)}
    return frozenset(started | own)


_POOLED: Final = {"submit": 0, "to_thread": 0, "run_in_executor": 1, "start_new_thread": 0, "apply_async": 0}
"""Calls that hand a function to another thread, and where they take it."""


def _waited_for(function: ir.Function) -> frozenset[int]:
    """The calls whose end is waited for at once: ``await to_thread(f)``, ``pool.submit(f).result()``."""
    found = set()
    for part in (part for s in statements(function.body.body) for part in parts_of(s)):
        match part:
            case ir.Operation(operator="await", operands=(inner,)):
                found.add(id(uncast(inner)))
            case ir.Call(receiver=ir.Call() as inner) if simple(part.name) == "result":
                found.add(id(inner))
    return frozenset(found)


def _begun(call: ir.Call) -> Iterator[ir.Expression]:
    word = simple(call.name)
    if word in _THREADS:
        yield from (value for key, value in call.keywords if key in {"target", "function"})
        yield from call.arguments[1:2]
    elif (position := _POOLED.get(word)) is not None:
        yield from call.arguments[position : position + 1]


def _of_module(rule: Rule, unit: ir.Unit, bindings: Bindings) -> Iterator[Claim]:
    """A function unloads a library of the module and leaves its name, and what runs at exit calls it."""
    late = at_exit(unit)
    for function in unit.functions:
        for call in calls(function.body.body):
            api = tables().get(call.name)
            name = spelled(call.arguments[0]).removesuffix("._handle") if call.arguments else ""
            is_unload = api is not None and api.role is ApiRole.UNLOAD
            if not is_unload or "." in name or name in function.globals or function.name in late:
                continue
            for other in (f for f in unit.functions if f.name in late and not _asks(f, {name})):
                used = next((c for c in calls(other.body.body) if spelled(c.function).startswith(f"{name}.")), None)
                if used is not None and bindings.symbol(used, other.owner) is not None:
                    yield rule.no(
                        f"{simple(function.name)} unloads {name} (line {call.line}); {simple(other.name)} calls it "
                        "when the process ends.",
                        Location.lines(unit.path, used.line),
                        why=(
                            step(Spot(unit.path, call.line, function.name), "unloaded", "release"),
                            step(Spot(unit.path, used.line, other.name), "called at exit", "use"),
                        ),
                        context=other.name,
                    )


# Objects that were given out.


@dataclass(frozen=True, slots=True)
class _Givers:
    """A class that unloads, and its methods that give out objects of another class which call the library."""

    owner: str
    unloads: tuple[_Unload, ...]
    children: dict[str, frozenset[str]]  # the method that gives an object out -> the object's methods that call


def _children(
    methods: list[ir.Function], classes: dict[str, list[ir.Function]], unloads: list[_Unload], bindings: Bindings
) -> Iterator[tuple[str, frozenset[str]]]:
    held = {unload.attribute for unload in unloads}
    if not held or any(_ends_children(unload.method) for unload in unloads):
        return
    for method in methods:
        for call in calls(method.body.body):
            kind = classes.get(call.name, classes.get(simple(call.name), []))
            given = {spelled(argument) for argument in call.arguments}
            if kind and kind is not methods and given & (held | {"self"}):
                calling = {simple(m.name) for m in kind if _calls_library(m, bindings)}
                calling |= {
                    simple(m.name) for m in kind if any(c.name in _names(kind, calling) for c in calls(m.body.body))
                }
                if calling:
                    yield simple(method.name), frozenset(calling)


def _names(methods: list[ir.Function], words: set[str]) -> set[str]:
    return {method.name for method in methods if simple(method.name) in words}


def _calls_library(method: ir.Function, bindings: Bindings) -> bool:
    return any(bindings.symbol(call, method.owner) is not None for call in calls(method.body.body))


def _ends_children(method: ir.Function) -> bool:
    """``for session in self._sessions: session.close()``, ``self._sessions.close_all()``."""
    return any(isinstance(s, ir.Loop) and any(calls(s.body.body)) for s in statements(method.body.body))


def _outlived(rule: Rule, user: ir.Unit, unit: ir.Unit, givers: _Givers) -> Iterator[Claim]:
    unloading = {simple(unload.method.name): unload for unload in givers.unloads}
    if not any(name in user.text for name in givers.children):
        return
    for function in user.functions:
        made: dict[str, tuple[str, str]] = {}  # a variable -> whose object it is, and the method that gave it
        gone: dict[str, _Unload] = {}
        lines: dict[str, int] = {}
        for statement in sure(function.body.body):
            for call in calls((statement,)):
                whose, word = spelled(call.receiver), simple(call.name)
                giver, method = made.get(whose, ("", ""))
                if giver in gone and word in givers.children[method]:
                    yield _late(rule, user, unit, function, whose, giver, lines[giver], call.line, gone[giver])
                    del made[whose]
                if whose and word in unloading:
                    gone[whose], lines[whose] = unloading[word], call.line
                if isinstance(statement, ir.Assign) and uncast(statement.value) is call and word in givers.children:
                    made[spelled(statement.target)] = whose, word
                elif isinstance(statement, ir.Assign):
                    gone.pop(spelled(statement.target), None)


def _late(
    rule: Rule,
    user: ir.Unit,
    unit: ir.Unit,
    function: ir.Function,
    name: str,
    giver: str,
    ended: int,
    used: int,
    unload: _Unload,
) -> Claim:
    return rule.no(
        f"{name} calls the library of {giver}, which was unloaded at line {ended}.",
        Location.lines(user.path, used),
        severity=Severity.HIGH,
        confidence=Confidence.LIKELY,
        fix=f"Close {name} first, or let {giver} close what it has given out.",
        why=(
            step(Spot(user.path, ended, function.name), f"{giver} ends", "call"),
            step(Spot(unit.path, unload.line, unload.method.name), "the library is unloaded", "release"),
            step(Spot(user.path, used, function.name), f"{name} calls it", "use"),
        ),
        context=function.name,
    )
