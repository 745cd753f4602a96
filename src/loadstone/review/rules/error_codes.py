"""Error codes of C++ that a call fills and nobody reads, before what the call gave is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import last_word
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import plays, word
from loadstone.review.walk import expressions

__all__ = ["UnreadCode", "unread_codes"]

_EMPTY_ON_FAILURE: Final = frozenset(
    {"canonical", "weakly_canonical", "absolute", "relative", "proximate", "read_symlink", "current_path"}
    | {"temp_directory_path"}
)
"""Functions that give an empty path when they fail. Source: C++ standard, [fs.op.funcs]."""

_ASKS: Final = frozenset({"empty", "has_filename", "is_absolute", "exists", "is_regular_file", "status"})


@dataclass(frozen=True, slots=True)
class UnreadCode:
    """What gives an empty path when it fails: its name, where it is called, and where the path is loaded."""

    name: str
    line: int
    loaded: int


def unread_codes(facts: Facts, function: ir.Function) -> Iterator[UnreadCode]:
    """The paths that a function loads though nobody has read whether there is one."""
    codes = {
        s.target.name
        for s in every_statement(function.body)
        if isinstance(s, ir.Assign) and s.declares and isinstance(s.target, ir.Name)
        if s.type.rpartition("::")[2] == "error_code"
    }
    if not codes:
        return
    mentions = [word(e) for e in every_expression(function.body)]
    for statement in every_statement(function.body):
        call = statement.value if isinstance(statement, ir.Assign) else None
        if not isinstance(call, ir.Call) or last_word(call.name) not in _EMPTY_ON_FAILURE or not call.arguments:
            continue
        code, path = word(call.arguments[-1]), word(statement.target)  # type: ignore[union-attr]
        handed = sum(
            word(a) == code and last_word(c.name) in _EMPTY_ON_FAILURE
            for c in calls_in(function.body)
            for a in c.arguments
        )
        if code not in codes or mentions.count(code) > handed + _DECLARED or _is_asked(function, path):
            continue
        loaded = next((c.line for c in calls_in(function.body) if _loads(facts, c, path)), 0)
        if loaded:
            yield UnreadCode(last_word(call.name), statement.line, loaded)


_DECLARED: Final = 1
"""The mention of a variable that declares it."""


def _is_asked(function: ir.Function, path: str) -> bool:
    """Whether a function asks anything of a path, or hands it to something that may."""
    return any(
        last_word(c.name) in _ASKS and any(word(e) == path for e in expressions(c)) for c in calls_in(function.body)
    ) or any(
        word(e) == path
        for s in every_statement(function.body)
        if isinstance(s, ir.If)
        for e in expressions(s.condition)
    )


def _loads(facts: Facts, call: ir.Call, path: str) -> bool:
    return plays(facts, call, ApiRole.LOAD) and any(word(e) == path for a in call.arguments for e in expressions(a))
