"""Python: whose file it is, or whether it is a link, asked by a name that is opened anew."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import (
    calls_in,
    every_statement,
    members_in,
    module_value,
    names_in,
)
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions

__all__ = ["opened_anew"]

_STATS: Final = frozenset({"stat", "lstat"})
_LINKS: Final = frozenset({"islink", "is_symlink"})
_OWNERS: Final = frozenset({"st_uid", "st_gid"})
_OPENS: Final = frozenset({"open", "read_bytes", "read_text", "chown", "chmod"})
_BY_NUMBER: Final = frozenset({"os.fstat", "os.path.samestat", "os.path.sameopenfile"})
_RIGHTS: Final = re.compile(
    r"\b(?:set(?:e|re|res)?uid|l?chown|geteuid|SO_PEERCRED|getpwnam|getpwuid|pw_uid)\b|\broot\b"
)
"""Words of programs that have more rights than whoever gives them names."""


_PRIVATE: Final = re.compile(r"\b(?:TemporaryDirectory|mkdtemp)\(")
"""What makes a folder of the program's own: links in it are those of an archive, and stay what they are."""


def opened_anew(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """``os.stat(path).st_uid`` or ``path.is_symlink()``, and then ``open(path)``: another file by then, or a link."""
    for unit in facts.program.units:
        if unit.language is not ir.Language.PYTHON or not _RIGHTS.search(unit.text):
            continue
        for function in unit.functions:
            calls = [*calls_in(function.body)]
            if any(c.name in _BY_NUMBER for c in calls):
                continue
            private = _PRIVATE.search(unit.text) is not None
            looks = [
                (c, name) for c in calls if (name := _looked_at(function, c)) and not (private and _last(c) in _LINKS)
            ]
            for call in calls:
                name = _opened(call)
                look = next((c for c, asked in looks if asked == name and c.line < call.line), None)
                if (
                    look is None
                    or not name
                    or module_value(unit, name) is not None
                    or name in _listed(function)
                    or _set_between(function, name, look.line, call.line)
                ):
                    continue
                where, asked = Location.lines(unit.path, call.line), Location.lines(unit.path, look.line)
                yield rule.no(
                    f"{_last(look)} looked at {name} at line {look.line}; line {call.line} opens the name anew, "
                    "and whoever owns the directory may have put another file or a link there.",
                    where,
                    severity=Severity.MEDIUM,
                    fix="Open once with O_NOFOLLOW, and ask the descriptor with os.fstat.",
                    why=(FlowStep(asked, "the name is looked at", "test"), FlowStep(where, "opened anew", "use")),
                    context=function.name,
                )
                break


_LISTS: Final = frozenset({"rglob", "glob", "iterdir", "scandir", "listdir", "walk"})


def _listed(function: ir.Function) -> set[str]:
    """What a function finds in a directory that it goes through: a link there is passed over, and no name given."""
    loops = (s.each for s in every_statement(function.body) if isinstance(s, ir.Loop) and s.each is not None)
    return {
        spelled(target)
        for target, over in loops
        if any(isinstance(e, ir.Call) and _last(e) in _LISTS for e in expressions(over))
    }


def _last(call: ir.Call) -> str:
    """The name of a function or method by itself."""
    return call.name.rpartition(".")[2]


def _looked_at(function: ir.Function, call: ir.Call) -> str:
    """The file that a call asks about, where the function goes by its owner or by whether it is a link."""
    word = _last(call)
    subject = call.arguments[0] if call.name.startswith("os.") and call.arguments else call.receiver
    if word in _LINKS:
        return spelled(subject)
    if word in _STATS and {*members_in(function.body), *names_in(function.body)} & _OWNERS:
        return spelled(subject)
    return ""


def _opened(call: ir.Call) -> str:
    word = _last(call)
    flags = {e.name for a in call.arguments for e in expressions(a) if isinstance(e, ir.Name | ir.Member)}
    if word not in _OPENS or any(name.endswith("O_NOFOLLOW") for name in flags):
        return ""
    named = call.name in {"open", "io.open", "os.open", "os.chown", "os.chmod"}
    return spelled(call.arguments[0]) if named and call.arguments else spelled(call.receiver)


def _set_between(function: ir.Function, name: str, first: int, last: int) -> bool:
    """Whether the name means something else at the second line."""
    return any(
        isinstance(s, ir.Assign) and first <= s.line <= last and spelled(s.target) == name
        for s in every_statement(function.body)
    )
