"""Streams of C++: which expressions are one, and which of them keep what is written to them as a text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from loadstone.review import ir
from loadstone.review.walk import uncast

__all__ = ["is_read_from", "keeps_text", "stream_of"]

_READ: Final = ("istream", "ifstream", "stringstream", "fstream", "cin", "QTextStream", "QDataStream")
_KEEPS: Final = re.compile(r"\bw?o?stringstream\b")


def stream_of(chain: ir.Expression, operator: str) -> ir.Expression:
    """The stream that a chain of ``<<`` or ``>>`` begins with."""
    bare = uncast(chain)
    while isinstance(bare, ir.Operation) and bare.operator == operator:
        bare = uncast(bare.operands[0])
    return bare


def is_read_from(operand: ir.Expression, types: Mapping[str, str]) -> bool:
    """Whether ``operand >> word`` reads a word; ``types`` are those of the variables."""
    bare = stream_of(operand, ">>")
    name = bare.name if isinstance(bare, ir.Name | ir.Member) else ""
    return name.endswith(_READ) or any(word in types.get(name, "") for word in _READ)


def keeps_text(operand: ir.Expression, types: Mapping[str, str]) -> bool:
    """Whether ``operand << word`` puts a word behind the text that a variable has so far."""
    bare = stream_of(operand, "<<")
    return isinstance(bare, ir.Name) and bool(_KEEPS.search(types.get(bare.name, "")))
