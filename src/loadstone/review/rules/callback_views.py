"""Python: what a callback of foreign code keeps of the memory that it is lent for one call.

A pointer that a library hands to a callback is good until the callback returns. A view of it that is stored, queued or
handed to another thread is read when the library has used the memory for something else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location
from loadstone.review import ir
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.state import Spot
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.travel.deferred import function_named
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.places import step
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import calls, expressions, statements

__all__ = ["callback_views"]

_MARKS: Final = frozenset(
    {"ctypes.CFUNCTYPE", "ctypes.WINFUNCTYPE", "ctypes.PYFUNCTYPE", "cffi.FFI.callback", "cffi.FFI.def_extern"}
)
_MAKERS: Final = frozenset({"ctypes.CFUNCTYPE.__call__", "ctypes.WINFUNCTYPE.__call__", "ctypes.PYFUNCTYPE.__call__"})

_VIEWS: Final = frozenset({"from_address", "as_array", "buffer", "frombuffer", "memoryview", "cast"})
"""What gives the same memory in another form; ``contents`` of a pointer is one too. Source: ctypes, cffi, numpy."""

_SHAPES: Final = frozenset({"reshape", "view", "ravel", "transpose", "toreadonly", "cast", "asarray"})
_KEEPERS: Final = frozenset(
    {"put", "put_nowait", "append", "appendleft", "add", "insert", "setdefault", "call_soon_threadsafe", "submit"}
    | {"set_result", "send", "emit", "apply_async", "run_coroutine_threadsafe"}
)
"""Methods that keep what they are given, or hand it to another thread."""


def callback_views(rule: Rule, unit: ir.Unit) -> Iterator[Claim]:
    """The views of lent memory that the callbacks of a file keep."""
    if "CFUNCTYPE" not in unit.text and "WINFUNCTYPE" not in unit.text and "ffi" not in unit.text:
        return
    given = {
        function_named(argument, function.owner)
        for function in unit.functions
        for call in calls(function.body.body)
        if call.name in _MAKERS
        for argument in call.arguments[:1]
    }
    for function in unit.functions:
        if function.marks & _MARKS or function.name in given:
            lent = {p.name for p in function.parameters} - {"self", "cls"}
            yield from _kept(rule, unit, function, lent)


def _kept(rule: Rule, unit: ir.Unit, function: ir.Function, lent: set[str]) -> Iterator[Claim]:
    views: dict[str, int] = {}
    for statement in statements(function.body.body):
        name = _own_view(statement, function, lent, views)
        if name:
            views[name] = statement.line
            lent = lent | {name}  # frame = pointer.contents, and then frame.data
            continue
        for kept in (*_outlives(statement, function), *_handed_on(statement, unit)):
            if _is_view(kept, lent, views):
                since = views.get(spelled(kept), statement.line)
                yield rule.no(
                    "A view of memory that is lent for the time of the callback is kept, and read when the library "
                    "uses the memory for something else.",
                    Location.lines(unit.path, statement.line),
                    fix="Copy it inside the callback: bytes(view), string_at, .copy().",
                    why=(
                        step(Spot(unit.path, since, function.name), "a view of what the library lends", "acquire"),
                        step(Spot(unit.path, statement.line, function.name), "kept", "use"),
                    ),
                    context=function.name,
                )
                return


def _own_view(statement: ir.Statement, function: ir.Function, lent: set[str], views: dict[str, int]) -> str:
    """The variable of the callback's own that a view is given to; empty for anything else."""
    if not isinstance(statement, ir.Assign) or not isinstance(statement.target, ir.Name) or statement.value is None:
        return ""
    name = statement.target.name
    return name if name not in function.globals and _is_view(statement.value, lent, views) else ""


def _outlives(statement: ir.Statement, function: ir.Function) -> Iterator[ir.Expression]:
    """What a statement stores where the callback does not end it."""
    match statement:
        case ir.Assign(target=ir.Member() | ir.Item(), value=value) if value is not None:
            yield value
        case ir.Assign(target=ir.Name(name=name), value=value) if value is not None and name in function.globals:
            yield value
    if isinstance(statement, ir.Evaluate | ir.Assign):
        for call in calls((statement,)):
            if call.receiver is not None and simple(call.name) in _KEEPERS and not _is_local(call.receiver, function):
                yield from call.arguments


def _handed_on(statement: ir.Statement, unit: ir.Unit) -> Iterator[ir.Expression]:
    """What a statement hands to a function of the file that keeps it."""
    for call in calls((statement,)) if isinstance(statement, ir.Evaluate | ir.Assign) else ():
        helper = next((f for f in unit.functions if f.name == call.name), None)
        if helper is None:
            continue
        names = [p.name for p in helper.parameters if p.name not in {"self", "cls"}]
        kept = {spelled(one) for s in statements(helper.body.body) for one in _outlives(s, helper)}
        yield from (a for a, name in zip(call.arguments, names, strict=False) if name in kept)


def _is_local(receiver: ir.Expression, function: ir.Function) -> bool:
    """Whether a container is made in the callback itself."""
    name = spelled(receiver)
    return bool(name) and any(
        isinstance(s, ir.Assign) and spelled(s.target) == name and isinstance(uncast(s.value), ir.Display)
        for s in statements(function.body.body)
    )


def _is_view(value: ir.Expression, lent: set[str], views: dict[str, int]) -> bool:
    """Whether a value is memory behind a parameter, and no copy of it."""
    match uncast(value):
        case ir.Name(name=name):
            return name in views
        case ir.Display(items=items):
            return any(_is_view(item, lent, views) for item in items)
        case ir.Member(name="contents", base=base):
            return spelled(base) in lent or _is_view(base, lent, views)
        case ir.Call(name=name, arguments=arguments, receiver=receiver) as call:
            word = simple(name)
            if word in _SHAPES and receiver is not None and _is_view(receiver, lent, views):
                return True
            if word in _VIEWS and arguments:
                return _is_view(arguments[0], lent, views) or _is_about(call, lent)
    return False


def _is_about(call: ir.Call, lent: set[str]) -> bool:
    """Whether the memory a view shows is behind a parameter: itself, its address, what it points to."""
    first = call.arguments[1] if simple(call.name) == "cast" and call.receiver is not None else call.arguments[0]
    inner = [e for e in expressions(first) if isinstance(e, ir.Name)]
    copies = any(
        isinstance(e, ir.Call) and simple(e.name) in {"string_at", "bytes", "string"} for e in expressions(first)
    )
    return not copies and any(e.name in lent for e in inner)
