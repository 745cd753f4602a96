"""Can the members of an archive land only below the directory they are unpacked into?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.places import PYTHON
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import calls, expressions, parts_of, statements

__all__ = ["RULE"]

_CONFINES: Final = frozenset(
    {
        ("is_relative_to"),
        ("commonpath"),
        ("commonprefix"),
        ("normpath"),
        ("basename"),
    }
)
"""What is asked about where a member lands; that it is a plain file says nothing of its name."""


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for unit in facts.program.units:
        if unit.language is not ir.Language.PYTHON or not re.search(r"tarfile|unpack_archive|zipfile", unit.text):
            continue
        good: list[int] = []
        for function in unit.functions:
            archives = _archives(function)
            looked_at = {asked for one in (function, *_called(unit, function)) for asked in _looked_at(one)}
            yield from _by_hand(rule, unit, function, looked_at)
            for call in calls(function.body.body):
                word = simple(call.name)
                ours = call.receiver is not None and spelled(call.receiver) in archives
                unpacks = call.name == "shutil.unpack_archive"
                if not ((word in {"extractall", "extract"} and ours) or unpacks):
                    continue
                filtered = "filter" in dict(call.keywords)
                if filtered or (looked_at and not unpacks):
                    good.append(call.line)
                    continue
                yield rule.no(
                    f"{word} writes members of the archive wherever their names and links lead (path traversal).",
                    Location.lines(unit.path, call.line),
                    context=function.name,
                )
        if good:
            yield rule.yes(
                "Members of archives are confined to where they are unpacked",
                Location.lines(unit.path, good[0]),
                met=len(good),
                sites=len(good),
                places=tuple(Location.lines(unit.path, line) for line in good),
            )


def _looked_at(function: ir.Function) -> Iterator[str]:
    """What a function asks about where members land."""
    yield from {simple(call.name) for call in calls(function.body.body)} & _CONFINES
    if _asks_parents(function):
        yield "parents"
    for part in (part for s in statements(function.body.body) for part in parts_of(s)):
        match part:
            case ir.Operation(operator="==" | "!=", operands=(left, right)) if _is_plain(left, right):
                yield "plain name"
            case ir.Operation(operator="in" | "not in", operands=(ir.Literal(value=".."), _)):
                yield "parts"


def _is_plain(left: ir.Expression, right: ir.Expression) -> bool:
    """``path.name != info.filename``: a member's name is compared with its own last part."""
    names = [bare.name if isinstance(bare := uncast(side), ir.Member) else "" for side in (left, right)]
    return sorted(names) in (["filename", "name"], ["name", "name"])


def _called(unit: ir.Unit, function: ir.Function) -> Iterator[ir.Function]:
    """The functions of the file that a function calls: they may choose or judge the members it goes through."""
    called = {call.name for call in calls(function.body.body)}
    yield from (other for other in unit.functions if other.name in called and other is not function)


def _asks_parents(function: ir.Function) -> bool:
    """``root in path.parents``, whichever way round and wherever it stands."""
    return any(
        isinstance(part, ir.Operation)
        and part.operator in {"in", "not in"}
        and isinstance(uncast(part.operands[-1]), ir.Member)
        and uncast(part.operands[-1]).name == "parents"  # type: ignore[union-attr]
        for statement in statements(function.body.body)
        for part in parts_of(statement)
    )


_NAMES: Final = frozenset({"namelist", "infolist", "getmembers", "getnames"})
_OPENS: Final = frozenset({"open", "io.open", "shutil.copyfileobj"})


def _lists(call: ir.Call) -> bool:
    return simple(call.name) in _NAMES


def _by_hand(rule: Rule, unit: ir.Unit, function: ir.Function, looked_at: set[str]) -> Iterator[Claim]:
    """A file is made at a path that was put together from the name of a member."""
    if looked_at or any(call.name in _STRICT for call in calls(function.body.body)):
        return
    members: set[str] = set()
    paths: set[str] = set()
    opened = {spelled(target) for target in _opened(function)}
    listers = {simple(f.name) for f in _called(unit, function) if any(map(_lists, calls(f.body.body)))} | _NAMES
    for statement in statements(function.body.body):
        if isinstance(statement, ir.Loop) and statement.each is not None:
            target, iterable = statement.each
            listed = any(isinstance(p, ir.Call) and simple(p.name) in listers for p in expressions(iterable))
            if listed or spelled(iterable) in opened:
                members.add(spelled(target))
        match statement:
            case ir.Assign(target=ir.Name(name=name), value=value) if value is not None and _joins(value):
                if _names_member(value, members):
                    paths.add(name)
    for call in calls(function.body.body) if members else ():
        mode = call.arguments[1] if len(call.arguments) > 1 else dict(call.keywords).get("mode")
        makes = call.name in _OPENS and isinstance(mode, ir.Literal) and str(mode.value)[:1] in {"w", "x", "a"}
        place = call.arguments[0] if makes else None
        if simple(call.name) in {"write_bytes", "write_text"}:
            place = call.receiver
        if place is None:
            continue
        joined = _joins(place) and _names_member(place, members)
        if joined or spelled(place) in paths:
            yield rule.no(
                "The file is created wherever the member's name leads (path traversal).",
                Location.lines(unit.path, call.line),
                context=function.name,
            )


_STRICT: Final = frozenset({"os.path.realpath", "os.path.abspath"})


def _joins(value: ir.Expression) -> bool:
    return any(
        (isinstance(p, ir.Operation) and p.operator in {"/", "+", "format"})
        or (isinstance(p, ir.Call) and simple(p.name) in {"join", "joinpath"})
        for p in expressions(value)
    )


def _names_member(value: ir.Expression, members: set[str]) -> bool:
    return any(
        (isinstance(p, ir.Name) and p.name in members)
        or (isinstance(p, ir.Member) and p.name in {"filename", "name"} and spelled(p.base) in members)
        for p in expressions(value)
    )


def _opened(function: ir.Function) -> Iterator[ir.Expression]:
    for statement in statements(function.body.body):
        if isinstance(statement, ir.With):
            for context, target in statement.items:
                archive = any(
                    isinstance(p, ir.Call) and p.name.startswith(("tarfile.", "zipfile.")) for p in expressions(context)
                )
                if target is not None and archive:
                    yield target


def _archives(function: ir.Function) -> set[str]:
    """Variables that hold an open tar archive; zipfile confines members by itself."""
    found = set()
    for statement in statements(function.body.body):
        pairs: list[tuple[ir.Expression, ir.Expression | None]] = []
        if isinstance(statement, ir.Assign) and statement.value is not None:
            pairs = [(statement.value, statement.target)]
        elif isinstance(statement, ir.With):
            pairs = list(statement.items)
        for value, target in pairs:
            if target is not None and any(
                isinstance(part, ir.Call) and part.name.startswith("tarfile.") for part in expressions(value)
            ):
                found.add(spelled(target))
    for parameter in function.parameters:
        if parameter.type.startswith("tarfile."):
            found.add(parameter.name)
    return found


RULE: Final = Rule(
    id="zip-slip",
    question="Can the members of an archive land only below the directory they are unpacked into?",
    practice=Practice.INPUT_VALIDATION,
    cwe=22,
    severity=Severity.HIGH,
    languages=PYTHON,
    why="A member called ../../lib/x.so, or a link to one, replaces a library outside of the directory.",
    fix="Pass filter='data', or look at every member's name and kind first.",
    bad="with tarfile.open(path) as archive:\n    archive.extractall(plugins)\n",
    good='with tarfile.open(path) as archive:\n    archive.extractall(plugins, filter="data")\n',
    references=(
        "https://docs.python.org/3/library/tarfile.html#extraction-filters",
        "https://cwe.mitre.org/data/definitions/22.html",
    ),
    answer=_answer,
)
