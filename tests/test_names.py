"""One name, one thing: no public class name is used twice in the package."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "src/loadstone"

# Twins that may stay for a while; the list may only get shorter.
KNOWN: frozenset[str] = frozenset()


def homes_of_classes() -> dict[str, set[str]]:
    homes: dict[str, set[str]] = defaultdict(set)
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].add(path.relative_to(PACKAGE).as_posix())
    return homes


def test_no_public_class_name_stands_for_two_things() -> None:
    twice = {name: sorted(homes) for name, homes in homes_of_classes().items() if len(homes) > 1}
    new = {name: homes for name, homes in twice.items() if name not in KNOWN}
    assert new == {}, "give one of the two another name"


def test_a_twin_that_is_gone_is_taken_off_the_list() -> None:
    homes = homes_of_classes()
    assert {name for name in KNOWN if len(homes[name]) < 2} == set()
