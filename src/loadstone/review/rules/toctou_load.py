"""Is the file that was checked the file that is loaded?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Confidence, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts, Invocation, Site
from loadstone.review.analyses.mentions import (
    calls_in,
    every_expression,
    every_statement,
    members_in,
    module_value,
    names_in,
)
from loadstone.review.analyses.travel import Place, Sink, SinkKind
from loadstone.review.analyses.travel.names import PythonNames
from loadstone.review.analyses.values import Spot
from loadstone.review.analyses.words import place_named, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.opened_anew import opened_anew
from loadstone.review.rules.places import ALL, at, step
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions

__all__ = ["RULE"]

_SECURITY: Final = ("digest", "open", "canonical")


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    yield from _python(rule, facts)
    yield from opened_anew(rule, facts)
    for site in (s for s in facts.reached if s.api.role is ApiRole.LOAD):
        vain = any(word == "looked in vain" for i in site.invocations for word, _ in i.flags)
        for invocation in sorted(site.invocations, key=repr):
            by_descriptor = any(
                "/proc/self/fd" in (p.text or "") or "/dev/fd" in (p.text or "") for p in invocation.parts
            )
            if by_descriptor:
                yield rule.yes(
                    f"The file loaded at line {site.spot.line} is the one already open, named by its descriptor",
                    at(site.spot),
                    practice=Practice.INTEGRITY,
                    context=site.spot.function,
                )
            elif invocation.look is not None and site.unit.language is not ir.Language.PYTHON:
                if (vain or facts.is_cut(site)) and invocation.look[0].startswith("existence"):
                    continue
                if _decides_nothing(site.unit, invocation.look[1]):
                    continue
                yield from _by_name(rule, site, invocation)


_OWNER: Final = frozenset({"st_uid", "st_gid", "st_mode", "st_nlink", "S_ISLNK", "S_ISREG", "S_IWOTH", "S_IWGRP"})


def _decides_nothing(unit: ir.Unit, look: Spot) -> bool:
    """Whether a look asks only if a file is there, of what kind, or since when: one in its place fails or is as good.

    A look that does not follow links asks more by the kind of a file: that it is no link.
    """
    function = next((f for f in unit.functions if (unit.path, f.name) == (look.path, look.function)), None)
    if function is None:
        return False
    looking = [c for c in calls_in(function.body) if c.line == look.line]
    flags = [uncast(a) for c in looking if c.name in {"access", "faccessat", "euidaccess"} for a in c.arguments]
    if any(isinstance(f, ir.Name) and f.name == "F_OK" for f in flags):
        return True
    parts = [*every_expression(function.body)]
    if _is_never_read(looking, function):
        return True
    sorting = [] if any(c.name in _SEES_LINKS for c in looking) else [e for e in parts if _asks_kind(e)]
    about_kind = {id(e) for whole in sorting for e in expressions(whole)}
    members = {e.name for e in parts if isinstance(e, ir.Member) and e.name.startswith("st_")}
    asked = (e for e in parts if isinstance(e, ir.Member | ir.Name) and id(e) not in about_kind)
    return bool(members) and not {e.name.rpartition(".")[2] for e in asked} & _OWNER


def _is_never_read(looking: list[ir.Call], function: ir.Function) -> bool:
    """Whether nobody reads what ``stat`` filled: it was asked only whether there is a file."""
    filled = {place_named(c.arguments[1]) for c in looking if c.name in _STATS and len(c.arguments) > 1} - {""}
    declared = {id(s.target) for s in every_statement(function.body) if isinstance(s, ir.Assign) and s.declares}
    parts = [*every_expression(function.body)]
    named = sum(isinstance(e, ir.Name) and e.name in filled and id(e) not in declared for e in parts)
    stats = (c for c in parts if isinstance(c, ir.Call) and c.name in _STATS and len(c.arguments) > 1)
    return bool(filled) and named == sum(place_named(c.arguments[1]) in filled for c in stats)


_STATS: Final = frozenset({"stat", "stat64"})
_SEES_LINKS: Final = frozenset({"lstat", "lstat64", "fstatat"})
_KINDS: Final = frozenset({"S_ISREG", "S_ISDIR", "S_ISCHR", "S_ISBLK", "S_ISFIFO", "S_ISSOCK"})


def _asks_kind(expression: ir.Expression) -> bool:
    """``S_ISREG(st.st_mode)`` and ``st.st_mode & S_IFMT``: what kind of file it is, not whose."""
    if isinstance(expression, ir.Call):
        return expression.name in _KINDS
    masks = expression.operands if isinstance(expression, ir.Operation) and expression.operator == "&" else ()
    return any(isinstance(o, ir.Name) and o.name in {"S_IFMT", "_S_IFMT", "S_IFREG", "S_IFDIR"} for o in masks)


def _python(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """Python: a check of a file by its name, and a load of the same name later on."""
    found = facts.travels
    looks = [sink for sink in found.sinks if sink.kind is SinkKind.LOOK]
    loads = [sink for sink in found.sinks if sink.kind is SinkKind.LOAD]
    if not looks or not loads:
        return
    loads += [sink for sink in found.sinks if sink.kind is SinkKind.COPY]
    written = [found.came_from(sink.pieces) for sink in found.sinks if sink.kind is SinkKind.WRITE]
    for load in loads:
        places = found.came_from(load.pieces)
        for look in looks:
            common = places & found.came_from(look.pieces)
            own = any(common & made for made in written)  # the program's own copy is nobody else's to replace
            why = "" if not common or own or _later(look, load) else _checks(facts, look)
            owned = why.startswith("Owner")
            if owned and (load.kind is SinkKind.COPY or _is_fixed(found.names, common)):
                continue  # nobody but who owns the fixed place can put another file there
            if why and not _several(facts, look):
                yield rule.no(
                    f"{why} by name at line {look.spot.line}; {load.name} opens the name again at line "
                    f"{load.spot.line}.",
                    at(load.spot),
                    severity=Severity.HIGH,
                    why=(
                        step(look.spot, f"{look.name} opens or asks for the name", "test"),
                        step(load.spot, f"{load.name} opens the name anew", "use"),
                    ),
                    context=load.spot.function,
                    condition=load.spot.condition,
                )
                break


def _is_fixed(names: PythonNames, places: frozenset[Place]) -> bool:
    """Whether what was looked at comes from constants of a file alone."""
    units = {unit.path: unit for unit in names.units}
    return any(
        kind == "g" and rest[1].isupper() and module_value(units[rest[0]], rest[1]) is not None
        for kind, *rest in places
        if rest[0] in units
    )


def _later(look: Sink, load: Sink) -> bool:
    same = (look.spot.path, look.spot.function) == (load.spot.path, load.spot.function)
    return same and look.spot.line > load.spot.line


def _checks(facts: Facts, look: Sink) -> str:
    """What the function that looks at the file decides by it; empty when it is only whether it is there."""
    function = next(
        f for u in facts.program.units if u.path == look.spot.path for f in u.functions if f.name == look.spot.function
    )
    words = members_in(function.body) | {name.rpartition(".")[2] for name in names_in(function.body)}
    if look.name.rpartition(".")[2] in {"stat", "lstat"} and words & _OWNER:
        return "Owner or mode are checked"
    reads = look.name.rpartition(".")[2] in {"open", "read_bytes", "read_text"}
    roles = {api.role for call in calls_in(function.body) if (api := facts.apis.get(call.name)) is not None}
    hashes = any(call.name.startswith(("hashlib.", "hmac.")) for call in calls_in(function.body))
    return "The content is verified" if reads and (roles & {ApiRole.DIGEST, ApiRole.VERIFY} or hashes) else ""


def _several(facts: Facts, look: Sink) -> bool:
    """Whether one look serves several paths, as when a file and its directory are both checked."""
    origins = {piece.origin for piece in look.pieces}
    return sum(1 for move in facts.travels.moves if move.to in origins) > 1 and look.name.endswith(("stat", "lstat"))


def _by_name(rule: Rule, site: Site, invocation: Invocation) -> Iterator[Claim]:
    assert invocation.look is not None
    word, spot = invocation.look
    kind, _, name = word.partition(" ")
    verified = any(flag == "verified" for flag, _ in invocation.flags)
    later = spot.line > site.spot.line and spot.function == site.spot.function
    if _is_kept_open(site, name, spot):
        yield rule.yes(
            f"The file loaded at line {site.spot.line} is open since line {spot.line}, and nobody else may write it",
            at(spot),
            practice=Practice.INTEGRITY,
            places=(at(site.spot),),
            context=spot.function,
        )
        return
    if later or kind in {"check", "descriptor", "canonical"} or (kind == "open" and not verified):
        return
    strong = kind in _SECURITY or verified or bool({"compared"} & {k for k, _ in invocation.whole.checks})
    yield rule.no(
        (
            f"{name} looked at the name at line {spot.line}; {site.api.name} opens "
            f"the name again at line {site.spot.line}."
        ),
        at(site.spot),
        severity=Severity.HIGH if strong else Severity.MEDIUM,
        confidence=Confidence.LIKELY,
        why=(
            step(spot, f"{name} looks at the name", "test"),
            step(site.spot, f"{site.api.name} opens the name anew", "use"),
        ),
        context=site.spot.function,
        condition=site.spot.condition,
    )


def _is_kept_open(site: Site, name: str, opened: Spot) -> bool:
    """``CreateFile`` that shares the file for reading alone, closed after the load: Windows lets nobody write."""
    if not name.startswith("CreateFile") or (opened.path, opened.function) != (site.spot.path, site.spot.function):
        return False
    calls = [*calls_in(site.function.body)]
    call = next((c for c in calls if c.name == name and c.line == opened.line and len(c.arguments) > 2), None)
    mode = uncast(call.arguments[2]) if call is not None else None
    alone = (isinstance(mode, ir.Name) and mode.name == "FILE_SHARE_READ") or (
        isinstance(mode, ir.Literal) and mode.value in (0, 1)
    )
    return alone and any(c.name == "CloseHandle" and c.line > site.spot.line for c in calls)


RULE: Final = Rule(
    id="toctou-load",
    question="Is the file that was checked the file that is loaded?",
    practice=Practice.INTEGRITY,
    cwe=367,
    severity=Severity.MEDIUM,
    languages=ALL,
    why="TOCTOU: between a check by name and a load by name the file can be replaced: unchecked code runs.",
    fix="Open once, check the descriptor, load /proc/self/fd/N or a sealed memory file.",
    bad="if (stat(path, &st) == 0 && st.st_uid == 0)\n    h = dlopen(path, RTLD_NOW);\n",
    good=(
        "int fd = open(path, O_RDONLY);\nfstat(fd, &st);\nsnprintf(p, sizeof "
        'p, "/proc/self/fd/%d", fd);\nh = dlopen(p, RTLD_NOW);\n'
    ),
    references=("https://cwe.mitre.org/data/definitions/367.html",),
    answer=_answer,
)
