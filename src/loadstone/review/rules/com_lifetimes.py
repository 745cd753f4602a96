"""Rules of COM about when things end: apartments, statuses that are dropped, and servers that are still in use.

Source: Microsoft Learn, CoUninitialize (release all interfaces first), DllCanUnloadNow (S_FALSE: still in use, and no
failure), IUnknown::QueryInterface (the pointer is null when the status says failure).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.mentions import calls_in, every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.rules.lookups import word
from loadstone.review.walk import expressions, parts_of, tops

__all__ = ["dropped_interfaces", "outlive_apartment", "unloads_busy"]

_COM_POINTER: Final = re.compile(r"\b(?:C?Com(?:QI)?Ptr|com_ptr(?:_t|_nothrow|_failfast)?|_com_ptr_t)\s*<")
_LETS_GO: Final = frozenset({"Reset", "Release", "reset", "Detach", "detach", "ReleaseAndGetAddressOf", "put"})
_LEAVES: Final = frozenset({"CoUninitialize", "OleUninitialize"})


def outlive_apartment(function: ir.Function) -> Iterator[tuple[str, int, int]]:
    """Interfaces that a block releases at its end, after COM was shut down in it: the name, and both lines."""
    for block in (s for s in (function.body, *every_statement(function.body)) if isinstance(s, ir.Block)):
        held: dict[str, int] = {}
        for statement in block.body:
            if isinstance(statement, ir.Assign) and statement.declares and _COM_POINTER.search(statement.type):
                held[word(statement.target)] = statement.line
                continue
            for part in parts_of(statement):
                if isinstance(part, ir.Call) and last_word(part.name) in _LETS_GO:
                    held.pop(word(part.receiver), None)
            if isinstance(statement, ir.Assign):
                held.pop(word(statement.target), None)  # p = nullptr
            left = uncast(statement.expression) if isinstance(statement, ir.Evaluate) else None
            if isinstance(left, ir.Call) and left.name in _LEAVES:
                yield from ((name, line, statement.line) for name, line in held.items())
                held.clear()


def unloads_busy(unit: ir.Unit) -> Iterator[tuple[ir.Function, int]]:
    """``if (FAILED(canUnload())) return;``: a server that is in use answers S_FALSE, which is no failure."""
    asked = {
        word(s.target)
        for f in unit.functions
        for s in every_statement(f.body)
        if isinstance(s, ir.Assign)
        and any(isinstance(e, ir.Literal) and e.value == "DllCanUnloadNow" for e in expressions(s.value))
    } | {"DllCanUnloadNow"}
    for function in unit.functions:
        for call in calls_in(function.body):
            if last_word(call.name) not in {"FAILED", "SUCCEEDED"} or not call.arguments:
                continue
            answer = uncast(call.arguments[0])
            if isinstance(answer, ir.Call) and word(answer.function) in asked:
                yield function, call.line


def dropped_interfaces(function: ir.Function) -> Iterator[tuple[str, int, int]]:
    """``get(clsid, IID_PPV_ARGS(&p)); p->Run();``: the name, where its status is dropped, and where it is used."""
    for block in (s for s in (function.body, *every_statement(function.body)) if isinstance(s, ir.Block)):
        waiting: dict[str, int] = {}
        for statement in block.body:
            for name, line in [*waiting.items()]:
                mentioned = [e for top in tops(statement) for e in expressions(top) if word(e) == name]
                through = {id(uncast(e.base)) for e in parts_of(statement) if isinstance(e, ir.Member) and e.through}
                if mentioned:
                    del waiting[name]
                if mentioned and all(id(e) in through for e in mentioned) and not isinstance(statement, ir.If):
                    yield name, line, statement.line
            call = uncast(statement.expression) if isinstance(statement, ir.Evaluate) else None
            if isinstance(call, ir.Call) and not statement.discards:  # type: ignore[union-attr]
                waiting.update((name, call.line) for argument in call.arguments if (name := _interface(argument)))


def _interface(argument: ir.Expression) -> str:
    """The pointer that ``IID_PPV_ARGS(&p)`` is about."""
    bare = uncast(argument)
    if not isinstance(bare, ir.Call) or last_word(bare.name) != "IID_PPV_ARGS" or not bare.arguments:
        return ""
    return next((word(e) for e in expressions(bare.arguments[0]) if word(e)), "")
