"""Does somebody keep every callback that a library was given? ctypes does not: what nobody holds is freed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from loadstone.core.claims import Claim, Finding, FlowStep, Location, Severity
from loadstone.core.counting import Share
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses import Facts
from loadstone.review.analyses.bindings import Bindings
from loadstone.review.analyses.foreign import is_foreign
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import calls, expressions, statements, tops

__all__ = ["RULE"]

_MADE: Final = "ctypes.CFUNCTYPE.__call__"
_KEEPS: Final = re.compile(
    r"regist|subscri|install|attach|listen|hook|handler|observ|notify|callback|signal|atexit|watch|^set_|_set_"
    r"|^on_|_on_"
    r"|add_|connect|bind|grab|monitor|track|subscribe|schedule|submit|Set[A-Z]|Add[A-Z]|_new$|_create$|_open$|start",
    re.IGNORECASE,
)
_USES_AT_ONCE: Final = re.compile(
    r"sort|search|foreach|for_each|enum|walk|iter|visit|map|scan|remove|unregist|clear", re.IGNORECASE
)
"""Words in names of functions that keep a callback, and of those that are done with it when they return."""


_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_UNDOES: Final = ("un", "de", "dis", "remove", "cancel", "stop", "drop", "del", "delete", "off")


def _is_kept(name: str, declared: Iterable[str]) -> bool:
    """Whether a function keeps what it is given: its name says so, or another function takes it back."""
    if _USES_AT_ONCE.search(name):
        return False
    return bool(_KEEPS.search(name)) or any(_undoes(other, name) for other in declared)


_ENDS: Final = re.compile(r"(?i)exit|unregist|deregist|unsubscri|detach|remove|destroy|close|terminate|shutdown|stop")


def _ended(function: ir.Function, line: int, bindings: Bindings) -> bool:
    """Whether the function itself, in a ``finally``, ends what it has registered with."""
    late = (s.final for s in statements(function.body.body) if isinstance(s, ir.Try) and s.final is not None)
    ends = (
        bindings.symbol(call, function.owner) or "" for block in late if block.line > line for call in calls(block.body)
    )
    return any(_ENDS.search(symbol) for symbol in ends)


def _undoes(other: str, name: str) -> bool:
    """``kg_unbind_all`` and ``kg_bind``, ``SnRemoveTap`` and ``SnTap``: the words of one and a word that undoes."""
    words, there = ([word.lower() for word in _WORD.findall(one)] for one in (name, other))
    return any(f"{undo}{word}" in there for undo in _UNDOES[:3] for word in words) or (
        len(there) > len(words) and set(words) < set(there) and bool(set(there) & set(_UNDOES[3:]))
    )


def _local_callbacks(unit: ir.Unit, function: ir.Function) -> dict[str, int]:
    """Variables of the function that hold a callback object, with the line they are made at."""
    found = {
        s.target.name: s.line
        for s in statements(function.body.body)
        if isinstance(s, ir.Assign)
        and isinstance(s.target, ir.Name)
        and isinstance(s.value, ir.Call)
        and _is_made(s.value)
        and s.target.name not in function.globals
    }
    for inner in unit.functions:  # made by a decorator on a function of the function
        outer, _, name = inner.name.rpartition(".")
        if outer == function.name and _MAKERS & inner.marks and not inner.owner:
            found[name] = inner.line
    return found


_MAKERS: Final = frozenset({"ctypes.CFUNCTYPE", "cffi.FFI.callback"})
"""Decorators that make a callback object of a function."""


def _is_made(call: ir.Call) -> bool:
    """``CB(f)``, ``ffi.callback(...)``, ``ffi.new_handle(x)``: what lives as long as somebody here holds it."""
    return call.name == _MADE or (
        call.name.rpartition(".")[2] in {"new_handle", "callback"}
        and "ffi" in f"{spelled(call.receiver)}.{call.name}".lower()
    )


def _is_null(made: ir.Call) -> bool:
    """``CB()``, ``CB(0)``, ``CB(None)``: the null pointer, which takes a callback away again."""
    return not made.arguments or (isinstance(made.arguments[0], ir.Literal) and not made.arguments[0].value)


_WEAK: Final = re.compile(r"weakref\.(?:WeakSet|WeakValueDictionary|ref|proxy|WeakMethod)\Z")


def _weak_holders(unit: ir.Unit) -> frozenset[str]:
    """The containers of a file that keep nothing alive, and the calls that make such a reference."""
    return frozenset(
        spelled(s.target)
        for f in unit.functions
        for s in statements(f.body.body)
        if isinstance(s, ir.Assign) and isinstance(s.value, ir.Call) and _WEAK.match(s.value.name)
    )


def _escapes(function: ir.Function, name: str, weak: frozenset[str], bindings: Bindings) -> bool:
    """Whether something that outlives the call holds the variable too: returned, stored, given to a Python function."""
    for statement in statements(function.body.body):
        match statement:
            case ir.Assign(value=value, target=ir.Name(name=kept)) if kept in function.globals and value is not None:
                if _names(value, name):
                    return True
            case ir.Return(value=value) if value is not None and _names(value, name):
                return True
            case ir.Assign(value=value, target=ir.Member() | ir.Item() as target) if (
                value is not None and _names(value, name) and not _is_weak(target, value, weak)
            ):
                return True
            case _:
                pass
        if isinstance(statement, ir.Loop) and statement.condition is None and statement.each is None:
            return True  # the function does not come back
        for top in tops(statement):
            for node in expressions(top):
                if (
                    isinstance(node, ir.Call)
                    and not is_foreign(node)
                    and not (_WEAK.match(node.name) or spelled(node.receiver) in weak)
                    and any(_names(a, name) for a in node.arguments)
                    and bindings.symbol(node, function.owner) is None
                    and not node.name.startswith("ctypes.")
                ):
                    return True
    return False


def _is_weak(target: ir.Member | ir.Item, value: ir.Expression, weak: frozenset[str]) -> bool:
    """``self._by_name[key] = callback`` of a WeakValueDictionary, ``self._ref = weakref.ref(callback)``."""
    held = isinstance(target, ir.Item) and spelled(target.base) in weak
    return held or (isinstance(value, ir.Call) and bool(_WEAK.match(value.name)))


def _behind_cast(argument: ir.Expression) -> ir.Expression:
    """``cast(CB(f), c_void_p)`` keeps ``CB(f)`` only while the value of the cast lives."""
    while isinstance(argument, ir.Call) and argument.name == "ctypes.cast" and argument.arguments:
        argument = argument.arguments[0]
    return argument


def _names(value: ir.Expression, name: str) -> bool:
    return any(isinstance(node, ir.Name) and node.name == name for node in expressions(value))


def _lost(
    rule: Rule,
    unit: ir.Unit,
    function: ir.Function,
    local: dict[str, int],
    call: ir.Call,
    argument: ir.Expression,
    bindings: Bindings,
) -> Finding | None:
    """The finding, when nobody holds the callback object any more than this call or this function."""
    symbol = bindings.symbol(call, function.owner) or ""
    argument = _behind_cast(argument)
    place = Location.lines(unit.path, call.line, call.end_line or None)
    if isinstance(argument, ir.Call) and argument.name == _MADE:
        if _is_null(argument):
            return None
        message = f"The callback object made at line {argument.line} has no owner; {symbol} keeps its address"
        steps = (FlowStep(place, f"made and given to {symbol}, then freed", "release"),)
        return rule.no(message, place, why=steps, context=function.name)
    if (
        isinstance(argument, ir.Name)
        and argument.name in local
        and not _escapes(function, argument.name, _weak_holders(unit), bindings)
    ):
        name = argument.name
        message = f"The callback object {name} lives until {function.name} returns; {symbol} keeps its address"
        why = (
            FlowStep(Location.lines(unit.path, local[name]), "made", "acquire"),
            FlowStep(place, f"given to {symbol}", "call"),
            FlowStep(Location.lines(unit.path, function.end_line), "freed", "release"),
        )
        return rule.no(message, place, why=why, context=function.name)
    return None


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for unit in facts.program.units:
        if unit.language is not ir.Language.PYTHON:
            continue
        kept: list[Location] = []
        lost = 0
        called = _called_by_symbol(unit, facts.bindings[unit.path])
        for function in unit.functions:
            local = {} if function.name == "<module>" else _local_callbacks(unit, function)
            for call in calls(function.body.body):
                symbol = facts.bindings[unit.path].symbol(call, function.owner) or ""
                alone = len(call.arguments) == 1 and not _USES_AT_ONCE.search(symbol)  # it can only be for later
                if not symbol or not (alone or _is_kept(symbol, facts.bindings[unit.path].prototypes)):
                    continue
                if _takes_back(call, called[symbol]):
                    continue
                for argument in call.arguments:
                    if isinstance(argument, ir.Name) and _ended(function, call.line, facts.bindings[unit.path]):
                        continue  # what keeps the address is ended before the function returns
                    finding = _lost(rule, unit, function, local, call, argument, facts.bindings[unit.path])
                    if finding is not None:
                        lost += 1
                        yield finding
                    elif _holds_callback(argument, unit):
                        kept.append(Location.lines(unit.path, call.line, call.end_line or None))
        if kept:
            held = "held as long as the library may call it"
            yield rule.yes(
                Share("callback", f"is {held}", f"are {held}"),
                kept[0],
                met=len(kept),
                sites=len(kept) + lost,
                places=tuple(kept[1:]),
            )


def _called_by_symbol(unit: ir.Unit, bindings: Bindings) -> dict[str, list[ir.Call]]:
    """The calls of each foreign function of a file."""
    found: dict[str, list[ir.Call]] = {}
    for function in unit.functions:
        for call in calls(function.body.body):
            found.setdefault(bindings.symbol(call, function.owner) or "", []).append(call)
    return found


def _takes_back(call: ir.Call, others: Iterable[ir.Call]) -> bool:
    """``SetHandler(CB(f), 0)`` where ``SetHandler(CB(f), 1)`` registers: a switch says which of the two is meant."""
    return any(
        _switch(call, at) is False and _switch(other, at) for at in range(len(call.arguments)) for other in others
    )


def _switch(call: ir.Call, at: int) -> bool | None:
    given = call.arguments[at] if at < len(call.arguments) else None
    return bool(given.value) if isinstance(given, ir.Literal) and given.value in (0, 1) else None


def _holds_callback(argument: ir.Expression, unit: ir.Unit) -> bool:
    """Whether the argument is a callback object held by an attribute, a module variable or a decorated function."""
    match argument:
        case ir.Member():
            return any(
                m.name == argument.name and m.type == "ctypes._CFuncPtr" for c in unit.classes for m in c.members
            )
        case ir.Name():
            decorated = any(f.name == argument.name and "ctypes.CFUNCTYPE" in f.marks for f in unit.functions)
            return decorated or any(v.name == argument.name and v.type == "ctypes._CFuncPtr" for v in unit.variables)
        case _:
            return False


RULE: Final = Rule(
    id="collected-callback",
    question="Is every callback that a library keeps also kept here?",
    practice=Practice.LIFECYCLE,
    cwe=416,
    severity=Severity.HIGH,
    languages=(ir.Language.PYTHON,),
    why=(
        "The object CFUNCTYPE makes is the code the library calls. When the last reference to it goes, that "
        "memory is "
        "given to something else, and the next call lands there."
    ),
    fix="Store it for as long as it is registered: in an attribute, or in a variable of the module.",
    bad="CB = ctypes.CFUNCTYPE(None, ctypes.c_int)\nlib.set_handler(CB(on_event))\n",
    good="CB = ctypes.CFUNCTYPE(None, ctypes.c_int)\n_handler = CB(on_event)\nlib.set_handler(_handler)\n",
    references=(
        "https://docs.python.org/3/library/ctypes.html#callback-functions",
        "https://cwe.mitre.org/data/definitions/416.html",
    ),
    answer=_answer,
)
