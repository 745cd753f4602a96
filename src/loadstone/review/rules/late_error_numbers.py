"""C and C++: the error number of a call that failed, read after another call, or asked instead of the result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.lookups import word
from loadstone.review.walk import expressions, tops

__all__ = ["LateNumber", "late_numbers", "stale_numbers"]

_CHANGES: Final = {
    "errno": frozenset(
        {"close", "fclose", "printf", "fprintf", "vfprintf", "puts", "fputs", "fflush", "perror", "syslog", "unlink"}
        | {"remove", "munmap", "dlclose", "setenv", "getenv_s", "fopen", "open", "read", "write", "malloc", "strdup"}
    ),
    "GetLastError": frozenset(
        {"CloseHandle", "FreeLibrary", "printf", "fprintf", "wprintf", "fwprintf", "DeleteFileW", "DeleteFileA"}
        | {"OutputDebugStringA", "OutputDebugStringW", "LocalFree", "UnmapViewOfFile", "FindClose", "fclose"}
    ),
}
"""Functions that may leave a number of their own. Source: errno(3); Microsoft, SetLastError: "some functions set the
last-error code on success"."""

_CONVERTS: Final = frozenset({"strtol", "strtoul", "strtoll", "strtoull", "strtod", "strtof", "strtoimax", "wcstol"})
"""Functions that leave the number alone where they work, and whose results tell nothing. Source: strtol(3)."""


@dataclass(frozen=True, slots=True)
class LateNumber:
    """What reads the number, at which line, and the call at ``between`` that may have changed it."""

    reader: str
    line: int
    name: str
    between: int


def late_numbers(function: ir.Function) -> Iterator[LateNumber]:
    """``if (fd < 0) { close(other); return -errno; }``: the number may by then be that of ``close``."""
    for statement in every_statement(function.body):
        if not isinstance(statement, ir.If):
            continue
        for reader, changes in _CHANGES.items():
            changed: ir.Call | None = None
            for inner in statement.then.body:
                if any(_reads(top, reader) for top in tops(inner)):
                    if changed is not None and not _is_handed(inner, reader):
                        yield LateNumber(reader, inner.line, changed.name, changed.line)
                    break
                if not isinstance(inner, ir.Evaluate | ir.Assign):
                    break
                called = (e for top in tops(inner) for e in expressions(top) if isinstance(e, ir.Call))
                changed = next((c for c in called if c.name in changes), changed)


def _is_handed(statement: ir.Statement, reader: str) -> bool:
    """Whether the number is given a value here: ``errno = saved``, ``SetLastError``."""
    return isinstance(statement, ir.Assign) and word(statement.target) == reader


def _reads(part: ir.Expression | None, reader: str) -> bool:
    return any(
        (isinstance(e, ir.Call) and e.name == reader) or (isinstance(e, ir.Name) and e.name == reader)
        for e in expressions(part)
    )


def stale_numbers(function: ir.Function) -> Iterator[tuple[str, int, int]]:
    """Conditions that ask the number alone of a call which need not set it: the reader, its line, that of the call."""
    yield from _stale_errno(function)
    yield from _stale_last_error(function)


def _stale_errno(function: ir.Function) -> Iterator[tuple[str, int, int]]:
    """``v = strtol(s, NULL, 10); if (errno == ERANGE)`` without ``errno = 0`` before it."""
    converted = [c.line for c in calls_in(function.body) if c.name in _CONVERTS]
    if not converted or any(
        (isinstance(s, ir.Assign) and word(s.target) == "errno")
        or any(
            isinstance(e, ir.AssignmentExpression) and word(e.target) == "errno"
            for t in tops(s)
            for e in expressions(t)
        )
        for s in every_statement(function.body)
    ):
        return
    other = [c.line for c in calls_in(function.body) if c.name not in _CONVERTS]
    for part in _conditions(function):
        before = [line for line in converted if line <= part.line]
        if before and _reads(part, "errno") and not any(max(before) < line <= part.line for line in other):
            yield "errno", part.line, max(before)


def _conditions(function: ir.Function) -> Iterator[ir.Expression]:
    for statement in every_statement(function.body):
        if isinstance(statement, ir.If):
            yield statement.condition


def _stale_last_error(function: ir.Function) -> Iterator[tuple[str, int, int]]:
    """``h = LoadLibraryW(p); if (GetLastError() != 0)``: a call that works need not set the number to zero."""
    if any(c.name == "SetLastError" for c in calls_in(function.body)):
        return
    for before, statement in _pairs(function.body):
        call = uncast(before.value) if isinstance(before, ir.Assign) else None
        if not isinstance(call, ir.Call) or not isinstance(statement, ir.If) or not isinstance(before, ir.Assign):
            continue
        bare = uncast(statement.condition)
        asked = bare.operands[0] if isinstance(bare, ir.Operation) and bare.operator == "!=" else bare
        is_number = isinstance(uncast(asked), ir.Call) and uncast(asked).name == "GetLastError"  # type: ignore[union-attr]
        if is_number and call.name and not _is_asked(function, word(before.target)):
            yield "GetLastError", statement.line, call.line


def _pairs(block: ir.Block) -> Iterator[tuple[ir.Statement, ir.Statement]]:
    for statement in (*every_statement(block), block):
        if isinstance(statement, ir.Block):
            yield from zip(statement.body, statement.body[1:], strict=False)


def _is_asked(function: ir.Function, name: str) -> bool:
    return any(
        isinstance(part, ir.Operation)
        and part.operator in {"!", "==", "!=", "&&", "||"}
        and any(word(o) == name for o in part.operands)
        for part in every_expression(function.body)
    ) or any(isinstance(s, ir.If) and word(s.condition) == name for s in every_statement(function.body))
