"""The end of a text that is written behind what was read: one past an array that the read has filled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.mentions import calls_in, every_expression, stores_in
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.rules.array_ends import PastEnd

__all__ = ["ends_behind", "stores"]

_FILLS: Final = {
    "read": (1, 2), "pread": (1, 2), "recv": (1, 2), "recvfrom": (1, 2), "SSL_read": (1, 2), "readlink": (1, 2),
    "readlinkat": (2, 3), "g_input_stream_read": (1, 2), "mq_receive": (1, 2), "fread": (0, 2), "_read": (1, 2),
}  # fmt: skip
"""Functions that give how much they wrote: which argument is the buffer, and which its size."""

_TELLS: Final = {"ReadFile": (1, 2, 3), "InternetReadFile": (1, 2, 3), "WinHttpReadData": (1, 2, 3)}
"""Functions that say through an argument how much they wrote: the buffer, its size, the count."""


def ends_behind(function: ir.Function) -> Iterator[PastEnd]:
    """``n = read(fd, text, sizeof text); text[n] = 0``: one past the end when the read filled it."""
    filled: dict[tuple[str, str], int] = {}
    for target, value, line in stores(function):
        call = uncast(value)
        if isinstance(call, ir.Call) and (places := _FILLS.get(last_word(call.name))) is not None:
            buffer, size = places
            if size < len(call.arguments):
                name = place_named(call.arguments[buffer])
                if name and _measured_whole(call.arguments[size], name):
                    filled[name, place_named(target)] = line
    for call in calls_in(function.body):
        if (told := _TELLS.get(last_word(call.name))) is not None and max(told) < len(call.arguments):
            buffer, size, count = told
            name = place_named(call.arguments[buffer])
            if name and _measured_whole(call.arguments[size], name):
                filled[name, place_named(call.arguments[count])] = call.line
    for target, value, line in stores(function) if filled else ():
        item, end = uncast(target), uncast(value)
        if not isinstance(item, ir.Item) or not isinstance(end, ir.Literal) or end.value not in ("\0", 0):
            continue
        name, index = place_named(item.base), place_named(item.index)
        if (name, index) in filled and not _is_below(function, index):
            yield PastEnd(
                line,
                f"{name} may have been filled to its last byte at line {filled[name, index]}; its end is written "
                "behind it.",
                "Read one byte less than there is room for.",
            )


def stores(function: ir.Function) -> Iterator[tuple[ir.Expression, ir.Expression, int]]:
    """What a function stores: where, what, and at which line."""
    return ((s.target, s.value, s.line) for s in stores_in(function.body) if s.value is not None and not s.operator)


def _measured_whole(size: ir.Expression, name: str) -> bool:
    bare = uncast(size)
    if not isinstance(bare, ir.Operation) or bare.operator != "sizeof":
        return False
    return any(place_named(operand) == name for operand in bare.operands)  # none of sizeof (struct header)


def _is_below(function: ir.Function, index: str) -> bool:
    """Whether something asks if the count is as large as the buffer."""
    for part in every_expression(function.body):
        if isinstance(part, ir.Operation) and part.operator in {"<", "<=", ">", ">=", "=="}:
            one, other = (uncast(o) for o in part.operands)
            for mine, limit in ((one, other), (other, one)):
                if place_named(mine) == index and not (
                    isinstance(limit, ir.Literal | ir.Operation) and _is_small(limit)
                ):
                    return True
    return False


def _is_small(limit: ir.Expression) -> bool:
    """Zero, one and minus one say whether anything was read, not how much."""
    if isinstance(limit, ir.Operation):
        return limit.operator == "-" and len(limit.operands) == 1
    return isinstance(limit, ir.Literal) and limit.value in (0, 1, -1)
