"""Which ``if`` asks what platform this is: Python's conditional compilation."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.frontends.python.scopes import Scope

__all__ = ["asks_platform", "conditional", "text_of"]

_ASKED: Final = frozenset(
    {
        *("sys.platform", "os.name", "platform.system", "platform.machine", "platform.architecture", "os.uname"),
        *("sys.getwindowsversion", "sysconfig.get_platform", "platform.libc_ver"),
    }
)
"""What tells the platform. Source: Python library reference, sys, os, platform."""


def asks_platform(test: ast.expr, scope: Scope) -> bool:
    """Whether the condition looks at the platform, by name or by a call."""
    return any(
        isinstance(node, (ast.Name, ast.Attribute)) and (scope.dotted(node) or "") in _ASKED for node in ast.walk(test)
    )


_MAX_NODES: Final = 60


def text_of(test: ast.expr) -> str:
    """The condition as text, short ones only: to print a tree takes as many frames as it is deep."""
    return "..." if any(i >= _MAX_NODES for i, _ in enumerate(ast.walk(test))) else ast.unparse(test)


def _end(body: list[ast.stmt]) -> int:
    return body[-1].end_lineno or body[-1].lineno


def _branches(node: ast.If) -> Iterator[ir.Branch]:
    """The arms of an ``if``/``elif``/``else`` family."""
    link: ast.If | None = node
    while link is not None:
        yield ir.Branch(link.lineno, _end(link.body), text_of(link.test), isinstance(link.body[-1], ast.Raise))
        rest = link.orelse
        if len(rest) == 1 and isinstance(rest[0], ast.If):
            link = rest[0]
            continue
        if rest:
            yield ir.Branch(rest[0].lineno, _end(rest), "", isinstance(rest[-1], ast.Raise))
        link = None


def _choice(node: ast.IfExp) -> tuple[ir.Branch, ...]:
    """``a if platform else b``: both arms are there by grammar."""
    line, end = node.lineno, node.end_lineno or node.lineno
    return ir.Branch(line, end, text_of(node.test)), ir.Branch(line, end, "")


def conditional(node: ast.If | ast.IfExp) -> ir.Conditional:
    """A platform choice with all its arms; an ``elif`` belongs to its ``if``."""
    branches = tuple(_branches(node)) if isinstance(node, ast.If) else _choice(node)
    return ir.Conditional(node.lineno, node.end_lineno or node.lineno, branches)
