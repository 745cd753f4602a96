"""Calls that are made for somebody: a function that is handed on with its arguments, to a thread or a pool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias, TypeVar

from loadstone.review import ir
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import uncast

__all__ = ["deferred", "function_named"]

_T = TypeVar("_T")
_Given: TypeAlias = tuple[str, list[_T]]

_HANDS_ON: Final = {
    "to_thread": 0,
    "submit": 0,
    "apply": 0,
    "apply_async": 0,
    "map": 0,
    "imap": 0,
    "map_async": 0,
    "starmap": 0,
    "call_soon": 0,
    "call_soon_threadsafe": 0,
    "start_new_thread": 0,
    "run_sync": 0,
    "run_in_threadpool": 0,
    "run_in_executor": 1,
    "call_later": 1,
    "Timer": 1,
}
"""Where the function stands; its arguments follow. Source: Python library reference; anyio, starlette."""

_BY_KEYWORD: Final = frozenset({"Thread", "Process"})
"""What takes ``target=`` and ``args=``."""


def deferred(call: ir.Call, given: list[_T], read: Callable[[ir.Expression], _T], owner: str) -> _Given[_T] | None:
    """The function that a call hands on, as its file names it, and what it will be called with; None for any other.

    ``given`` is what each argument of the call was read as, and ``read`` reads one more.
    """
    word = call.name.rpartition(".")[2]
    if word in _BY_KEYWORD:
        named = dict(call.keywords)
        target, args = named.get("target"), uncast(named.get("args"))
        if target is None:
            return None
        return function_named(target, owner), [read(a) for a in args.items] if isinstance(args, ir.Display) else []
    at = _HANDS_ON.get(word)
    if at is None or len(call.arguments) <= at:
        return None
    return function_named(call.arguments[at], owner), given[at + 1 :]


def function_named(function: ir.Expression, owner: str) -> str:
    """The name of a function that is not called here: ``run``, and ``Agent.run`` for ``self.run``."""
    name = spelled(function)
    first, _, rest = name.partition(".")
    return f"{owner}.{rest}" if first in {"self", "cls"} and owner and rest else name
