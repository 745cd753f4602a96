"""One name, one thing: no public class name is used twice in the package. And no function is too long to be read."""

from __future__ import annotations

import ast
from collections import defaultdict

import pytest
from tests.own_source import modules

LONGEST = 80  # lines, the docstring left out

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@pytest.fixture(scope="module")
def definitions() -> list[tuple[str, str, int | None]]:
    """Every class (no length) and function: its module, its name, its lines."""
    return [
        (home, node.name, None if isinstance(node, ast.ClassDef) else _lines(node))
        for home, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, Definition)
    ]


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[0]
    documented = ast.get_docstring(function) is not None
    docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def test_no_function_is_too_long_to_be_read_at_once(definitions: list[tuple[str, str, int | None]]) -> None:
    """One that has to be says why beside it, and is named here."""
    assert [f"{home}:{name}" for home, name, lines in definitions if (lines or 0) > LONGEST] == []


def test_no_public_class_name_stands_for_two_things(definitions: list[tuple[str, str, int | None]]) -> None:
    homes: dict[str, set[str]] = defaultdict(set)
    for home, name, lines in definitions:
        if lines is None and not name.startswith("_"):
            homes[name].add(home)
    assert len(homes) > 500
    assert {name: sorted(where) for name, where in homes.items() if len(where) > 1} == {}, "give one another name"
