"""What a call with a format only prints: a number in a log is no use of what it names. Source: C17 7.21.6.1."""

from __future__ import annotations

import re
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.words import last_word, uncast

__all__ = ["conversions", "only_printed"]

_CONVERSION: Final = re.compile(r"%[-+ #0'\d.]*(?:hh|h|ll|l|z|j|t|L)?([a-zA-Z%*])")
_TELLS: Final = re.compile(
    r"(?i)log|warn|err|debug|dbg|trace|info|notice|message|fatal|die|panic|\A(?:f|d|v|vf)?printf|print\Z"
)


def conversions(text: str) -> list[str]:
    """The letters of the conversions in a format.

    >>> conversions("%d of %5.2f%%: %s")
    ['d', 'f', 's']
    """
    return [kind for kind in _CONVERSION.findall(text) if kind != "%"]


def only_printed(call: ir.Call) -> frozenset[int]:
    """The arguments of a call that tells somebody something whose numbers it prints: ``log("closed %d", fd)``.

    Texts are read through, and a call that puts a text together makes something of the number: both are left out.
    """
    if not _TELLS.search(last_word(call.name)):
        return frozenset()
    for place, argument in enumerate(call.arguments):
        text = uncast(argument)
        if isinstance(text, ir.Literal) and isinstance(text.value, str) and "%" in text.value:
            kinds = conversions(text.value)
            return frozenset(place + 1 + n for n, kind in enumerate(kinds) if kind not in {"s", "*", "S", "n"})
    return frozenset()
