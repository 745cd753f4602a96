"""One name, one thing: no public class name is used twice in the package. And no function is too long to be read."""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import lru_cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "src/loadstone"

# Twins that may stay for a while; the list may only get shorter.
KNOWN: frozenset[str] = frozenset()


LONGEST = 80  # lines, the docstring left out


@lru_cache(maxsize=1)
def trees() -> dict[str, ast.Module]:
    """Every module of the package, by its path."""
    return {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_bytes()) for path in PACKAGE.rglob("*.py")}


@lru_cache(maxsize=1)
def homes_of_classes() -> dict[str, set[str]]:
    homes: dict[str, set[str]] = defaultdict(set)
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].add(path)
    return homes


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[0]
    documented = ast.get_docstring(function) is not None
    docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def test_no_function_is_too_long_to_be_read_at_once() -> None:
    """One that has to be says why beside it, and is named here."""
    long = [
        f"{path}:{node.name}"
        for path, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _lines(node) > LONGEST
    ]
    assert long == []


def test_no_public_class_name_stands_for_two_things() -> None:
    twice = {name: sorted(homes) for name, homes in homes_of_classes().items() if len(homes) > 1}
    new = {name: homes for name, homes in twice.items() if name not in KNOWN}
    assert new == {}, "give one of the two another name"


def test_a_twin_that_is_gone_is_taken_off_the_list() -> None:
    homes = homes_of_classes()
    assert {name for name in KNOWN if len(homes[name]) < 2} == set()
