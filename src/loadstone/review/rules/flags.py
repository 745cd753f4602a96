"""The flags that a call is given in so many words: for rules that ask whether one of them is always, or never, there.

Only the call itself is read. A variable may have been given more flags on another path, so what it holds is unknown;
a constant's name, written in capitals, stands for the words it was defined as.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.facts import Facts, Site
from loadstone.review.apis import ApiRole

__all__ = ["UNKNOWN", "flagged_loads", "flags_of"]

UNKNOWN: Final = "?"
"""Stands for flags that the words do not tell."""


def flags_of(site: Site, position: int) -> frozenset[str]:
    """The flags the argument at ``position`` always has, and UNKNOWN when it may have others; none when left out."""
    arguments = site.call.arguments
    given = arguments[position] if position < len(arguments) else dict(site.call.keywords).get("mode")
    return frozenset() if given is None else _words(given, _defined(site, position))


def _defined(site: Site, position: int) -> frozenset[str]:
    pieces = (piece for i in site.invocations for part in i.arguments[position : position + 1] for piece in part)
    return frozenset(str(word).rpartition(".")[2] for kind, word in pieces if kind == "name")


def _words(given: ir.Expression, defined: frozenset[str]) -> frozenset[str]:
    match given:
        case ir.Name(name=name) | ir.Member(name=name):
            word = name.rpartition(".")[2]
            if word.startswith(("RTLD_", "O_")):
                return frozenset({word})
            return defined if word.isupper() else frozenset({UNKNOWN})
        case ir.Literal(value=0):
            return frozenset()
        case ir.Cast(operand=operand):
            return _words(operand, defined)
        case ir.Operation(operator="|" | "+", operands=operands):
            return frozenset().union(*(_words(operand, defined) for operand in operands))
        case ir.Operation(operator="?:", operands=(_, yes, no)):
            one, other = _words(yes, defined), _words(no, defined)
            return one if one == other else (one & other) | {UNKNOWN}
        case _:
            return frozenset({UNKNOWN})


def _is_program(site: Site) -> bool:
    """Whether no file is named: the main program is bound already, and its symbols are everybody's."""
    given = site.call.arguments[site.api.subject : site.api.subject + 1]
    return any(isinstance(one, ir.Literal) and not one.value for one in given)


def flagged_loads(facts: Facts) -> Iterator[tuple[Site, frozenset[str]]]:
    """Loads of files that name a flag, with those it always has; they follow the file's name (dlopen(3), ctypes)."""
    for site in facts.of(ApiRole.LOAD):
        flags = flags_of(site, site.api.subject + 1)
        if not _is_program(site) and any(word.startswith("RTLD_") for word in flags):
            yield site, flags
