"""Views of the library's memory that are used or handed out after that memory was given back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from loadstone.core.claims import Claim, Location
from loadstone.review import ir
from loadstone.review.analyses.facts import ForeignCall
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions, statements, tops

__all__ = ["views_given_back"]

_RELEASES: Final = re.compile(
    r"(?i)(?:free|release|close|destroy|delete|dispose|unmap|unref|clear|end|finish|shutdown|reset|done|recycle|requeue|give_?back|put_?back|return)\Z|(?:\A"
    r"|_)(?:free|release|destroy|dispose|unmap|delete)_"
)
_VIEWS: Final = frozenset({"from_address", "as_array", "frombuffer", "buffer", "contents", "from_buffer", "memoryview"})
_SHAPES: Final = frozenset({"reshape", "view", "cast", "ravel", "transpose", "toreadonly"})
"""Methods whose result is the same memory seen in another way; any other result of a method is a value of its own."""

_COPIES: Final = frozenset(
    {
        "copy",
        "string_at",
        "wstring_at",
        "bytes",
        "tobytes",
        "tolist",
        "list",
        "array",
        "from_buffer_copy",
        "string",
        "unpack",
        "deepcopy",
    }
)


def views_given_back(rule: Rule, unit: ir.Unit, function: ir.Function, calls: Sequence[ForeignCall]) -> Iterator[Claim]:
    """What a function does with views of memory that one of these calls gives back."""
    yield from _views(rule, unit, function, calls)
    yield from _given_out(rule, unit, function, calls)


def _views(rule: Rule, unit: ir.Unit, function: ir.Function, calls: Sequence[ForeignCall]) -> Iterator[Claim]:
    """A view of the library's memory that is used after the memory went back."""
    views: dict[str, int] = {}
    for statement in statements(function.body.body):
        if not isinstance(statement, ir.Assign) or not isinstance(statement.target, ir.Name):
            continue
        if statement.value is not None and _is_view(statement.value):
            views[statement.target.name] = statement.line
    for found in calls:
        if not views or not _RELEASES.search(found.prototype.symbol) or _is_finally(function, found.call.line):
            continue
        for name, since in views.items():
            used = _used_after(function, name, found.call.line)
            if since < found.call.line and used:
                yield rule.no(
                    f"{name} (line {since}) is a view of memory that {found.prototype.symbol} gave back at line "
                    f"{found.call.line}.",
                    Location.lines(unit.path, used),
                    cwe=672,
                    fix="Copy before the memory goes back.",
                    context=function.name,
                )


def _given_out(rule: Rule, unit: ir.Unit, function: ir.Function, calls: Sequence[ForeignCall]) -> Iterator[Claim]:
    """``try: return ffi.buffer(p, n)`` with ``finally: lib.free(p)``: the view is of memory that is gone."""
    every = [*statements(function.body.body)]
    made = {s.target.name: s.value for s in every if isinstance(s, ir.Assign) and isinstance(s.target, ir.Name)}
    for tried in (s for s in every if isinstance(s, ir.Try) and s.final is not None):
        given_back = {
            spelled(argument): found
            for found in calls
            if tried.final is not None and tried.final.line <= found.call.line <= tried.final.end_line
            if _RELEASES.search(found.prototype.symbol)
            for argument in found.call.arguments
        }
        for statement in (s for s in statements(tried.body.body) if isinstance(s, ir.Return)):
            whole = uncast(statement.value)
            value = made.get(whole.name) if isinstance(whole, ir.Name) else whole
            if value is None or not _is_view(value):
                continue
            for part in expressions(value):
                released = given_back.get(spelled(part))
                if released is not None:
                    yield rule.no(
                        f"A view of {spelled(part)} is returned, and {released.prototype.symbol} gives that memory "
                        f"back at line {released.call.line} on the way out.",
                        Location.lines(unit.path, statement.line),
                        fix="Copy before the memory goes back: bytes(...), or [:] of what ffi.buffer gives.",
                        context=function.name,
                    )
                    break


def _is_view(value: ir.Expression) -> bool:
    sliced = uncast(value)
    if isinstance(sliced, ir.Item) and isinstance(of := uncast(sliced.base), ir.Call) and of.name.endswith("buffer"):
        return False  # cffi: a slice of a buffer is bytes of its own
    names = [part.name.rpartition(".")[2] for part in expressions(value) if isinstance(part, (ir.Call, ir.Member))]
    outer = uncast(value)
    while isinstance(outer, ir.Call) and outer.name.rpartition(".")[2] in _SHAPES and outer.receiver is not None:
        outer = uncast(outer.receiver)
    if isinstance(outer, ir.Member) and outer.name not in _VIEWS:
        return False  # a number or a text of a structure is copied when it is read
    made = outer.name.rpartition(".")[2] if isinstance(outer, ir.Call) else ""
    return bool(set(names) & _VIEWS) and not set(names) & _COPIES and (not made or made in _VIEWS)


def _is_finally(function: ir.Function, line: int) -> bool:
    return any(
        isinstance(statement, ir.Try)
        and statement.final is not None
        and statement.final.line <= line <= statement.final.end_line
        for statement in statements(function.body.body)
    )


def _used_after(function: ir.Function, name: str, line: int) -> int:
    for statement in statements(function.body.body):
        if statement.line <= line or isinstance(statement, ir.Block):
            continue
        for top in tops(statement):
            if any(isinstance(part, ir.Name) and part.name == name for part in expressions(top)):
                return statement.line
    return 0
