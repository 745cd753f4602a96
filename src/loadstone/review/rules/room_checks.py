"""Whether a place that is reached lies in its block, and what is said where it may not."""

from __future__ import annotations

import re

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.rules.amounts import ZERO, Amount, least, most, of_symbol
from loadstone.review.rules.room_state import Known, Storage

__all__ = ["OutOfRoom", "named", "past_end"]


@dataclass(frozen=True, slots=True)
class OutOfRoom:
    """A place outside of its block, at a line."""

    line: int
    message: str
    cwe: int
    fix: str
    made: int = 0
    """Where the block was made, if a call did."""


def past_end(storage: Storage, upto: Amount, size: Amount, line: int, what: str, known: Known) -> OutOfRoom | None:
    """What is wrong where the bytes before ``upto`` of a block are gone to; None where nothing is known to be.

    Args:
        storage: The block.
        upto: The bytes of the block that are needed.
        size: The bytes of one element.
        line: Where that happens.
        what: The place, as people write it.
        known: What the path has compared.
    """
    largest = most(storage.room, known.ends)
    if storage.room.parts and largest is not None and (largest < 0 or (largest == 0 and upto.parts)):
        return None  # a number compared with zero tells how often a loop runs, which nothing here has counted
    over = upto.minus(storage.room)
    if not over.parts:
        worst = over.constant > 0
    else:
        whole = over.divided(size)
        asked = whole if whole is not None else over
        counted = bool(storage.room.parts) or storage.room == ZERO or over == storage.at
        worst = _may_be_over(asked, known, elements=whole is not None, counted=counted)
        worst = worst or (storage.alone and whole is not None and _is_reached(whole, known))
    if not worst:
        return None
    return OutOfRoom(
        line,
        f"{what} may go past the end of {storage.name.replace('[]', '') or 'the block'}, "
        f"which has room for {_shown(storage.room)} bytes.",
        787,
        "Compare with the room first: the last index is one less than the number of elements.",
        storage.made,
    )


def _may_be_over(over: Amount, known: Known, *, elements: bool, counted: bool) -> bool:
    """Whether there is more than room: for certain, by what is attained, or by one element, as it was compared."""
    end = most(over, known.ends)
    if end is not None and end <= 0:
        return False
    if _is_over(over, known, counted=counted):
        return True
    if elements and end is not None and most(over, known.ends, compared=True) == 1:
        return True
    before = over
    for symbol, amount in known.narrowed.items():
        factor = next((f for p, f in before.parts if p == (symbol,)), 0)
        if factor < 0:
            before = before.plus(of_symbol(symbol), -factor).plus(amount, factor)
    last = _attained(before, known)
    if before != over and not last.parts and last.constant >= 0:  # the block is as large as was left of it
        return True
    there = _attained(over, known)
    return there != over and _is_over(there, known, counted=counted)


def _attained(over: Amount, known: Known) -> Amount:
    """An amount where each number that something counts up to is as large as it gets, alone or as a factor."""
    for symbol, amount in known.attained.items():
        for product, factor in over.parts:
            if symbol in product and product.count(symbol) == 1 and factor > 0:
                rest = Amount(0, ((tuple(s for s in product if s != symbol), factor),))
                grown = amount.times(rest) if len(product) > 1 else amount.times(Amount(factor))
                if grown is not None:
                    over = over.minus(Amount(0, ((product, factor),))).plus(grown)
    return over


def _is_reached(over: Amount, known: Known) -> bool:
    """Whether more than one object of a single one is gone to, as a loop counts."""
    there = _attained(over, known)
    lowest = least(there, known.ends)
    return there != over and lowest is not None and lowest >= 0


def _is_over(over: Amount, known: Known, *, counted: bool) -> bool:
    """Whether an amount is more than zero for certain, or as soon as what the block's room counts is not empty."""
    lowest = least(over, known.ends)
    grows = counted and over.constant >= 0 and bool(over.parts) and all(factor > 0 for _, factor in over.parts)
    return lowest is not None and (lowest >= 1 or (lowest >= 0 and grows))


def named(expression: ir.Expression) -> str:
    """A place or a number as people write it."""
    bare = uncast(expression)
    if isinstance(bare, ir.Operation) and bare.operator in {"+", "-"} and len(bare.operands) == 2:
        return f"{named(bare.operands[0])} {bare.operator} {named(bare.operands[1])}"
    if isinstance(bare, ir.Operation) and bare.operator == "post":
        return named(bare.operands[0])
    if isinstance(bare, ir.AssignmentExpression):
        return named(bare.target)
    if isinstance(bare, ir.Literal):
        return str(bare.value)
    if isinstance(bare, ir.Call):
        return f"{last_word(bare.name)}({', '.join(map(named, bare.arguments))})"
    return place_named(bare).replace("[]", "") or "it"


def _shown(amount: Amount) -> str:
    """An amount as people write it."""
    words = [
        (f"{factor} * " if factor != 1 else "") + " * ".join(re.split("[#@]", s.name)[0] for s in product)
        for product, factor in amount.parts
    ]
    if amount.constant or not words:
        words.append(str(amount.constant))
    return " + ".join(words)
