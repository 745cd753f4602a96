"""Macros whose definition is not at hand, and what their name and their place say that they do."""

from __future__ import annotations

import re
from typing import Final

from tree_sitter import Node

from loadstone.review.frontends.c.declarators import text

__all__ = ["ended", "is_open", "is_returning_macro"]

_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_MAY_GO_ON: Final = frozenset(
    {"if", "unless", "on", "when", "not", "fail", "failed", "err", "error", "ensure", "check", "assert", "verify"}
    | {"require", "expect", "try", "handle", "key", "carriage", "before", "after"}
)
"""Words of a name that say that it returns under a condition only, or that it is about something else.

``return_val_if_reached`` always does. Source: GLib's manual on g_return_val_if_reached().
"""

_CLEANS: Final = re.compile(r"(?i)free|close|release|destroy|unref|unlock|delete")
"""Calls that give something back."""

_UNENDED: Final = re.compile(r"\)(?=\s*\})")

_HEADS: Final = frozenset({"for_statement", "for_range_loop", "while_statement", "if_statement", "switch_statement"})

_MAY_FOLLOW: Final = frozenset({"break_statement", "case_statement", "labeled_statement"})


def ended(body: str) -> str:
    """A macro's body where a macro at the end of its block, which brings its own end, has a semicolon.

    >>> ended("{ note(); GIVE_UP(1) }")
    '{ note(); GIVE_UP(1); }'
    """
    return _UNENDED.sub(");", body)


def is_open(block: Node) -> bool:
    """Whether a macro ends with a head alone, whose body is what follows the call: ``for_each(x, list)``."""
    last = block.named_children[-1] if block.named_children else None
    if last is None or last.type not in _HEADS:
        return False
    body = last.child_by_field_name("body") or last.child_by_field_name("consequence")
    return body is not None and body.type == "expression_statement" and not body.named_children


def is_returning_macro(node: Node) -> bool:
    """Whether ``trace_return_int(-1);`` leaves the function: it says return, and nothing runs behind it.

    Houses wrap ``return`` in a macro that writes a trace or ends a scope; the header that defines it need not be part
    of what is reviewed. A call that more statements follow is none of these: they would never run. ``TEST_RET(r)`` goes
    on where ``r`` is no failure; at the end of a branch that has given back what it took, it is one.
    """
    name = node.child_by_field_name("function") if node.type == "call_expression" else node
    if name is None or name.type != "identifier":
        return False
    words = {word.lower() for word in _WORD.findall(text(name))}
    if len(words) == 1 or not words & {"return", "ret"}:
        return False
    may_go_on = "ret" in words or (words & _MAY_GO_ON and "reached" not in words)
    if may_go_on and not (text(name).isupper() and _cleans_before(node)):
        return False
    behind = node.parent.next_named_sibling if node.parent is not None else None
    while behind is not None and behind.type == "comment":
        behind = behind.next_named_sibling
    return behind is None or behind.type in _MAY_FOLLOW


def _cleans_before(node: Node) -> bool:
    """Whether a branch gives something back before this, its last statement."""
    block = node.parent.parent if node.parent is not None else None
    branch = block.parent if block is not None and block.type == "compound_statement" else block
    if block is None or branch is None or branch.type not in {"if_statement", "else_clause", "case_statement"}:
        return False
    called = [one.named_children[0].child_by_field_name("function") for one in block.named_children if _is_call(one)]
    return any(name is not None and _CLEANS.search(text(name)) for name in called)


def _is_call(statement: Node) -> bool:
    inner = statement.named_children[:1] if statement.type == "expression_statement" else []
    return bool(inner) and inner[0].type == "call_expression"
