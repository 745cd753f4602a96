"""Files that ``ast`` refuses: the statements it cannot read are taken out, line for line, and the rest is read.

First the line of the error alone, then the statement around it: tree-sitter says where that begins and ends. What was
taken out is a gap, so that nothing is claimed about it.
"""

from __future__ import annotations

import ast
import warnings
from functools import cache
from typing import Final

import tree_sitter_python
from tree_sitter import Language, Node, Parser, Tree

from loadstone.review import ir

__all__ = ["parse_tolerant"]

_MAX_REPAIRS: Final = 40
"""Repairs of one file before the rest is given up: each costs two more parses."""

_EMPTY: Final = "nothing could be read"


@cache
def _language() -> Language:
    return Language(tree_sitter_python.language())


def _try(text: str) -> ast.Module | int:
    """The tree, or the line (from 1) where reading stopped; 0 when that is not known."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the compiler says of its literals is not our subject
            return ast.parse(text)
    except SyntaxError as error:
        return error.lineno or 0
    except (ValueError, RecursionError, MemoryError):  # a number too long, a nesting the parser's stack cannot hold
        return 0


def parse_tolerant(text: str) -> tuple[ast.Module, tuple[ir.Gap, ...]]:
    """The tree of all that can be read, and a gap for each part that cannot."""
    gaps: list[ir.Gap] = []
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        gaps.append(ir.Gap(line, line, "NUL bytes in the source"))
        text = text.replace("\0", " ")
    found = _try(text)
    if isinstance(found, ast.Module):
        return found, tuple(gaps)
    lines = text.split("\n")
    tree = Parser(_language()).parse(text.encode("utf-8", "replace"))
    for _ in range(_MAX_REPAIRS):
        if found == 0:
            break
        row = min(found, len(lines)) - 1
        for first, last in ((row, row), _statement_at(tree, row)):
            repaired = [*lines]
            _take_out(repaired, first, last)
            again = _try("\n".join(repaired))
            if isinstance(again, ast.Module) or again > found:
                break
        if repaired == lines:
            break
        lines, found = repaired, again
        gaps.append(ir.Gap(first + 1, last + 1, "not Python as this interpreter reads it"))
        if isinstance(found, ast.Module):
            return found, tuple(gaps)
    return ast.Module([], []), (*gaps, ir.Gap(1, max(1, text.count("\n") + (text[-1:] != "\n")), _EMPTY))


def _statement_at(tree: Tree, row: int) -> tuple[int, int]:
    """First and last row (from 0) of the smallest statement around ``row``: what can be taken out in one piece."""
    node: Node | None = tree.root_node.descendant_for_point_range((row, 0), (row, 1 << 16))
    if node is None:
        return row, row
    while node.parent is not None and node.parent.type not in ("block", "module"):
        node = node.parent
    if node.parent is None or node.start_point.row > row or node.end_point.row < row:
        return row, row
    return node.start_point.row, node.end_point.row


def _take_out(lines: list[str], first: int, last: int) -> None:
    """Blank the rows; the first becomes ``pass``, so that a block never ends up empty."""
    if lines[first].strip() == "pass":
        lines[first] = ""
    else:
        indent = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
        lines[first] = f"{indent}pass"
    for row in range(first + 1, last + 1):
        lines[row] = ""
