"""Programs that are started and waited for, and whose exit status nobody looks at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import uncast
from loadstone.review.walk import blocks

__all__ = ["unread_statuses"]

_STARTS: Final = frozenset({"posix_spawn", "posix_spawnp", "fork", "vfork"})
_BECOMES: Final = frozenset({"execl", "execlp", "execle", "execv", "execvp", "execve", "execvpe", "fexecve"})
_STATUS_AT: Final = {"waitpid": 1, "wait4": 1, "wait3": 0, "wait": 0}
"""Functions that wait for a program, and which argument gets its status. Source: their manual pages."""

_LOADS: Final = frozenset({"dlopen", "dlmopen"})


def unread_statuses(function: ir.Function) -> Iterator[tuple[int, str]]:
    """The lines of a function where a program ends whose success nobody asks for, and what is wrong."""
    called = [call.name for call in calls_in(function.body)]
    detached = called.count("fork") > 1  # the one in between is waited for, not the program
    starts = not detached and _STARTS & {*called} and (_BECOMES | {"posix_spawn", "posix_spawnp"}) & {*called}
    loaded = [call.line for call in calls_in(function.body) if call.name in _LOADS]
    for statement in every_statement(function.body):
        call = uncast(statement.expression) if isinstance(statement, ir.Evaluate) and not statement.discards else None
        if isinstance(call, ir.Call) and call.name == "system" and any(line > call.line for line in loaded):
            yield call.line, "The status of the program that system runs is dropped, and a library is loaded behind it."
    for call in calls_in(function.body) if starts else ():
        if call.name in _STATUS_AT and len(call.arguments) > _STATUS_AT[call.name]:
            kept = _kept(call.arguments[_STATUS_AT[call.name]])
            if kept is not None and _mentions(function, kept) < 2 and not _has_failed(function.body, call):
                yield call.line, f"{call.name} gives the status of the program started here, and nothing looks at it."


def _has_failed(block: ir.Block, call: ir.Call) -> bool:
    """Whether a call only cleans up, and the function says behind it, whatever it gave, that it failed."""
    for number, statement in enumerate(block.body):
        if isinstance(statement, ir.Evaluate) and uncast(statement.expression) is call:
            return any(isinstance(s, ir.Return) and _is_failure(s.value) for s in block.body[number + 1 : number + 2])
        if any(_has_failed(inner, call) for inner in blocks(statement)):
            return True
    return False


def _is_failure(value: ir.Expression | None) -> bool:
    """``-1``, ``NULL``: what says that a function failed. ``false`` and 0 may be an answer."""
    bare = uncast(value) if value is not None else None
    minus = isinstance(bare, ir.Operation) and bare.operator == "-" and len(bare.operands) == 1
    return minus or (isinstance(bare, ir.Literal) and (bare.value is None or bare.value == -1))


def _kept(argument: ir.Expression) -> str | None:
    """The variable that gets a status; empty where null says that nobody wants it, None where nobody knows."""
    bare = uncast(argument)
    if isinstance(bare, ir.Literal):
        return "" if not bare.value else None
    taken = uncast(bare.operands[0]) if isinstance(bare, ir.Operation) and bare.operator == "address" else None
    return taken.name if isinstance(taken, ir.Name) else None


def _mentions(function: ir.Function, name: str) -> int:
    """How often a function reads a variable or gives its address."""
    declared = {id(s.target) for s in every_statement(function.body) if isinstance(s, ir.Assign)}
    named = (e for e in every_expression(function.body) if isinstance(e, ir.Name) and e.name == name)
    return sum(id(e) not in declared for e in named)
