"""One name, one thing: no public class name is used twice in the package. And no function is too long to be read."""

from __future__ import annotations

import ast
from collections import defaultdict

from tests.own_source import parsed

LONGEST = 80  # lines, the docstring left out


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[0]
    documented = ast.get_docstring(function) is not None
    docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def test_no_function_is_too_long_to_be_read_at_once() -> None:
    """One that has to be says why beside it, and is named here."""
    long = [
        f"{path}:{node.name}"
        for path, tree in parsed().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _lines(node) > LONGEST
    ]
    assert long == []


def test_no_public_class_name_stands_for_two_things() -> None:
    homes: dict[str, set[str]] = defaultdict(set)
    for path, tree in parsed().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].add(path)
    assert len(homes) > 500
    assert {name: sorted(where) for name, where in homes.items() if len(where) > 1} == {}, "give one another name"
