"""Python: the second half of a pair that an exception skips: what was frozen, changed or taken stays so.

``freeze(h)``, then a call of somebody's code, then ``thaw(h)``, with no ``finally``: the code in the middle raises, and
nobody thaws. Asked where the code in the middle is a caller's: a parameter that is called, or the block of a context
manager.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location
from loadstone.review import ir
from loadstone.review.analyses.bindings import Bindings
from loadstone.review.analyses.state import Spot
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.rules.places import step
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import calls, statements

__all__ = ["skipped_ends"]

_OPPOSITES: Final = {
    "freeze": "thaw", "lock": "unlock", "begin": "end", "enter": "leave", "suspend": "resume", "disable": "enable",
    "map": "unmap", "acquire": "release", "push": "pop", "pause": "resume", "hold": "release", "claim": "release",
    "attach": "detach", "mount": "unmount", "block": "unblock", "impersonate": "revert", "grab": "ungrab",
    "inhibit": "uninhibit", "mute": "unmute", "reserve": "release", "pin": "unpin", "start": "stop",
}  # fmt: skip
"""What a name begins, and what ends it."""

_OF_PROCESS: Final = frozenset({"os.chdir", "os.fchdir", "os.umask", "os.seteuid", "os.setegid", "os.chroot"})
"""Settings of the whole process that a second call of the same function puts back. Source: the documentation of os."""

_WORD: Final = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")


def skipped_ends(rule: Rule, unit: ir.Unit, bindings: Bindings) -> Iterator[Claim]:
    """The ends of pairs in a file that an exception of a caller's code skips."""
    for function in unit.functions:
        called = {p.name for p in function.parameters}
        blocks = [function.body, *(s.body for s in statements(function.body.body) if isinstance(s, ir.With))]
        for block in blocks:
            yield from _in_block(rule, unit, function, block, called, bindings)


def _in_block(
    rule: Rule, unit: ir.Unit, function: ir.Function, block: ir.Block, called: set[str], bindings: Bindings
) -> Iterator[Claim]:
    begun: dict[tuple[str, str], int] = {}  # what ends it, and its first argument -> where it began
    foreign = 0  # the line of a caller's code
    for statement in block.body:
        compound = isinstance(statement, ir.Try | ir.Loop | ir.With | ir.Block)
        for call in calls((statement,)) if not compound else ():
            word, subject = _word(call, function, bindings), spelled(call.arguments[0]) if call.arguments else ""
            since = next((n for key, n in begun.items() if key in {(word, subject), (call.name, "")}), 0)
            if since and since < foreign <= call.line and (word or call.name in _OF_PROCESS):
                yield rule.no(
                    f"Line {since} is undone at line {call.line} only when the caller's code at line {foreign} "
                    "does not raise.",
                    Location.lines(unit.path, foreign),
                    cwe=460,
                    fix="Undo it in a finally clause.",
                    why=(
                        step(Spot(unit.path, since, function.name), "begun", "acquire"),
                        step(Spot(unit.path, foreign, function.name), "may raise", "call"),
                        step(Spot(unit.path, call.line, function.name), "not reached then", "release"),
                    ),
                    context=function.name,
                )
                return
            ends = _end_of(word)
            if ends and not isinstance(statement, ir.Return):
                begun.setdefault((ends, subject), call.line)
            elif call.name in _OF_PROCESS:
                begun.setdefault((call.name, ""), call.line)
        yields = any(call.name == "yield" for call in calls((statement,)))
        if begun and not isinstance(statement, ir.Try | ir.If) and (yields or _calls_one_of(statement, called)):
            foreign = statement.line


def _word(call: ir.Call, function: ir.Function, bindings: Bindings) -> str:
    """The name of a foreign function, its words joined with ``_``."""
    symbol = bindings.symbol(call, function.owner)
    if symbol is None:
        return ""
    return "_".join(word.lower() for word in _WORD.findall(symbol))


def _end_of(symbol: str) -> str:
    """``qb_thaw`` of ``qb_freeze``."""
    words = symbol.split("_")
    for place, word in enumerate(words):
        if word in _OPPOSITES:
            return "_".join([*words[:place], _OPPOSITES[word], *words[place + 1 :]])
    return ""


def _calls_one_of(statement: ir.Statement, names: set[str]) -> bool:
    return any(isinstance(c.function, ir.Name) and c.function.name in names for c in calls((statement,)))
