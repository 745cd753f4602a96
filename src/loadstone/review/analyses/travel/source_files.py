"""Files of a Python program that a compiler reads, and those that it brings along itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, TypeGuard

from loadstone.review import ir
from loadstone.review.analyses.mentions import module_value
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import ADMINISTERED
from loadstone.review.walk import expressions, parts_of, statements

__all__ = ["is_own_file", "is_source_file", "reads_own_files"]

_SOURCE: Final = re.compile(r"\.(?:c|cc|cpp|cxx|h|hpp|pyx|pxd|rs|m)\Z")


def reads_own_files(unit: ir.Unit, parser: ir.Call) -> bool:
    """Whether all that a ``ConfigParser`` is told to read are files that the administrator, or the program, wrote."""
    every = [s for function in unit.functions for s in statements(function.body.body)]
    names = {spelled(s.target) for s in every if isinstance(s, ir.Assign) and s.value is parser} - {""}
    read = [
        call
        for statement in every
        for call in (p for p in parts_of(statement) if isinstance(p, ir.Call))
        if call.name.rpartition(".")[2] in _READS_CONFIGURATION and spelled(call.receiver) in names
    ]
    files = [file for call in read for a in call.arguments[:1] for file in (a.items if _is_list(a) else (a,))]
    return bool(files) and all(is_own_file(unit, file) for file in files)


_READS_CONFIGURATION: Final = frozenset({"read", "read_file", "read_string", "readfp"})


def _is_list(expression: ir.Expression) -> TypeGuard[ir.Display]:
    return isinstance(expression, ir.Display) and not expression.keys


def is_source_file(unit: ir.Unit, function: ir.Function, file: ir.Expression | None) -> bool:
    """Whether what is written to, ``open(build / "glue.c", "w")``, has a name that a compiler reads."""
    name = spelled(file)
    opened: list[ir.Expression | None] = [file] if isinstance(file, ir.Call) else []
    for statement in statements(function.body.body) if name else ():
        match statement:
            case ir.With(items=items):
                opened += [context for context, target in items if spelled(target) == name]
            case ir.Assign(target=target, value=value) if spelled(target) == name:
                opened.append(value)
    parts = (p for one in opened for p in _with_values(unit, function, one))
    texts = (p.value for p in parts if isinstance(p, ir.Literal) and isinstance(p.value, str))
    return any(_SOURCE.search(text) for text in texts)


def _with_values(unit: ir.Unit, function: ir.Function, expression: ir.Expression | None) -> Iterator[ir.Expression]:
    """The parts of an expression, and of what its names were given in the function or once in the file."""
    for part in expressions(expression):
        yield part
        if isinstance(part, ir.Name):
            yield from expressions(module_value(unit, part.name))
            for statement in statements(function.body.body):
                if isinstance(statement, ir.Assign) and spelled(statement.target) == part.name:
                    yield from expressions(statement.value)


def is_own_file(unit: ir.Unit, expression: ir.Expression) -> bool:
    """Whether a path starts from where the module itself is, or names a file of the system's administrator."""
    stack, seen = [expression], set[str]()
    while stack:
        for part in expressions(stack.pop()):
            if isinstance(part, ir.Literal) and str(part.value).startswith(ADMINISTERED):
                return True
            name = part.name if isinstance(part, ir.Name) else ""
            if name == "__file__" or name.startswith("importlib.resources"):
                return True
            if name and name not in seen:
                seen.add(name)
                stack += _values_of(unit, name)
    return False


def _values_of(unit: ir.Unit, name: str) -> Iterator[ir.Expression]:
    for function in (f for f in unit.functions if f.name == "<module>"):
        for statement in statements(function.body.body):
            if isinstance(statement, ir.Assign) and statement.value is not None and spelled(statement.target) == name:
                yield statement.value
