"""Which functions have anything to ask of their blocks: others are not walked."""

from __future__ import annotations

from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.mentions import every_expression, stores_in
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.rules.identities import names_in_sight, types_in_sight
from loadstone.review.rules.room_calls import BLOCKS, FILLS, GIVES_LENGTH, TEXT_COPIES, TOLD
from loadstone.review.walk import kept

__all__ = ["has_block", "makes_block", "mentioned", "reaches_block"]

_WRITERS: Final = TOLD.keys() | TEXT_COPIES.keys() | FILLS.keys()
_MAKERS: Final = BLOCKS.keys() | FILLS.keys() | GIVES_LENGTH.keys()
_KINDS_OF_BLOCKS: Final = ("[", "vector", "span", "array<", "string")
"""Words in the types of what leads to a block of a known size."""


@kept
def makes_block(function: ir.Function) -> bool:
    """Whether a function gives a member a block of its own making."""
    for target, _, value, _ in stores_in(function.body):
        bare, made = uncast(target), uncast(value)
        called = isinstance(made, ir.Call) and last_word(made.name) in BLOCKS
        new = isinstance(made, ir.Operation) and made.operator == "new" and len(made.operands) > 1
        if (called or new) and isinstance(bare, ir.Member | ir.Name):
            return True
    return False


@kept
def mentioned(function: ir.Function) -> frozenset[str]:
    """The names and members that a function mentions."""
    return frozenset(p.name for p in every_expression(function.body) if isinstance(p, ir.Name | ir.Member))


@kept
def reaches_block(function: ir.Function) -> bool:
    """Whether a function reaches an element or calls what writes to blocks: others have nothing to ask."""
    return any(
        isinstance(part, ir.Item)
        or (
            isinstance(part, ir.Call)
            and (last_word(part.name) in _WRITERS or isinstance(uncast(part.function), ir.Member))
        )
        for part in every_expression(function.body)
    )


def has_block(program: ir.Program, unit: ir.Unit, function: ir.Function, related: set[str]) -> bool:
    """Whether a function may lead to a block of a known size: it makes, fills, declares or mentions one."""
    names = mentioned(function)
    if names & related or names & _names_of_blocks(program, unit):
        return True
    if any(map(_is_of_blocks, names_in_sight(program, unit, function).local.values())):
        return True
    return any(
        (isinstance(part, ir.Call) and last_word(part.name) in _MAKERS)
        or (isinstance(part, ir.Operation) and part.operator == "new")
        or (isinstance(part, ir.Cast) and _is_of_blocks(part.type))
        for part in every_expression(function.body)
    )


@kept
def _names_of_blocks(program: ir.Program, unit: ir.Unit) -> frozenset[str]:
    """The variables and members in sight of a file whose types say how large they are."""
    return frozenset(name for name, spelled in types_in_sight(program, unit) if _is_of_blocks(spelled))


def _is_of_blocks(spelled: str) -> bool:
    return any(word in spelled for word in _KINDS_OF_BLOCKS)
