"""Are libraries and their directories created so that only their owner can write them?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts, Invocation, Site
from loadstone.review.analyses.mentions import calls_in
from loadstone.review.analyses.travel import SinkKind
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.open_lists import open_to_all
from loadstone.review.rules.places import ALL, at
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]

_OTHERS_WRITE: Final = frozenset(
    {
        "S_IWOTH",
        "S_IRWXO",
        "S_IWGRP",
        "S_IRWXG",
        "stat.S_IWOTH",
        "stat.S_IRWXO",
        "stat.S_IWGRP",
        "stat.S_IRWXG",
        "ACCESSPERMS",
        "ALLPERMS",
        "std::filesystem::perms::all",
        "std::filesystem::perms::others_write",
        "fs::perms::all",
    }
)
_BY_ENUMERATOR: Final = frozenset({"all", "others_write", "others_all", "group_write", "WriteOther", "WriteGroup"})
"""What ``std::filesystem::perms`` and ``QFile`` call the same. Source: their references."""

_BINDS: Final = frozenset({"bind", "start_unix_server", "create_unix_server", "UnixStreamServer"})
"""Functions that make a socket with a name. Source: bind(2); Python library reference, asyncio and socketserver."""

_AT_THE_END: Final = "mode at the end"
_CODE: Final = re.compile(r"(?i)plug-?in|module|addon|extension|\blib")
_MASKED: Final = ("mkdir", "makedirs")
"""What creates: the process's mask takes from its mode, by default writing by others. Only places of code count."""
_WRITE_BITS: Final = 0o022
_ALL_WRITE: Final = 0o002
_GROUP_WRITES: Final = frozenset({"S_IWGRP", "S_IRWXG", "stat.S_IWGRP", "stat.S_IRWXG"})
_RUN_BITS: Final = 0o111
"""Bits that code has, and directories."""


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    sites = tuple(facts.of(ApiRole.PERMISSION))
    for site in sites:
        if site.api.kind == "mask" and any(_puts_back(other, site) for other in sites):
            continue
        lifted = any(_lifts_mask(other, site) for other in sites)
        if site.api.name.endswith(_MASKED) and not lifted and not (_is_for_code(site) or _is_loaded_from(facts, site)):
            continue
        loads = any(load.unit is site.unit for load in facts.of(ApiRole.LOAD)) or _is_for_code(site)
        for invocation in sorted(site.invocations, key=repr)[:1]:
            yield from _one(rule, site, invocation, loads=loads)
    yield from open_to_all(rule, facts)


def _binds_socket(site: Site) -> bool:
    """Whether the function binds a socket: what it then opens to all is what others connect to, and no library."""
    every = [*calls_in(site.function.body)]
    return any(last_word(call.name) in _BINDS and (call.arguments or call.keywords) for call in every)


def _lifts_mask(other: Site, site: Site) -> bool:
    """Whether the same file sets a mask that lets others write; one that it is handed is its caller's."""
    masks = {word for i in other.invocations for given in i.arguments[:1] for kind, word in given if kind == "constant"}
    lifts = any(isinstance(mask, int) and not mask & _ALL_WRITE for mask in masks)
    return lifts and other.api.kind == "mask" and other.spot.path == site.spot.path


def _is_for_code(site: Site) -> bool:
    """Whether the path that is made says that libraries will lie there."""
    words = (str(w) for i in site.invocations for a in i.arguments for kind, w in a if kind == "constant")
    return any(_CODE.search(word) for word in words)


def _is_loaded_from(facts: Facts, site: Site) -> bool:
    """Python: whether libraries are looked for in the directory that is made here."""
    made = next(
        (c for c, v in facts.travels.calls.values() if (v.unit.path, c.line, c.name) == (*_key(site), site.api.name)),
        None,
    )
    about = None if made is None else made.receiver if made.receiver is not None else next(iter(made.arguments), None)
    name = spelled(about).rpartition(".")[2]
    if not name:
        return False
    return any(
        sink.spot.path == site.spot.path and isinstance(origin := piece.origin, tuple) and origin[-1] == name
        for sink in facts.travels.sinks
        if sink.kind in {SinkKind.LOAD, SinkKind.DIRECTORY}
        for piece in sink.pieces
    )


def _key(site: Site) -> tuple[str, int]:
    return site.spot.path, site.spot.line


def _puts_back(other: Site, site: Site) -> bool:
    """``old = umask(0); umask(old);``: the only way to read the mask, when nothing is created in between."""
    same = (other.api.kind, other.spot.path, other.spot.function) == ("mask", site.spot.path, site.spot.function)
    return same and other.spot.line == site.spot.line + 1


def _one(rule: Rule, site: Site, invocation: Invocation, *, loads: bool) -> Iterator[Claim]:
    number = len(invocation.arguments) - 1 if site.api.kind == _AT_THE_END else site.api.subject
    if not 0 <= number < len(invocation.arguments):
        return
    given = invocation.arguments[number]
    names = {str(word) for kind, word in given if kind == "name"}
    if any(word == "remove" for rest in invocation.arguments[number + 1 :] for _, word in rest):
        return  # perm_options::remove
    bits = 0
    for kind, word in given:
        if kind == "constant" and isinstance(word, int):
            bits |= word
    if site.api.kind == "mask":
        if given == (("constant", 0),):
            socket = _binds_socket(site)
            yield rule.no(
                f"This umask lets everyone connect to the socket that {site.function.name} binds."
                if socket
                else "This umask makes everything created from here on world-writable.",
                at(site.spot),
                cwe=276,
                severity=Severity.LOW if socket else None,
                context=site.spot.function,
            )
        return
    if _is_masked(site.call.arguments[number : number + 1]):
        return
    by_name = {"permissions", "setPermissions"} & {last_word(site.api.name)}
    if bits & _WRITE_BITS or names & _OTHERS_WRITE or (by_name and names & _BY_ENUMERATOR):
        if _binds_socket(site):
            if not (bits & _ALL_WRITE or names - _GROUP_WRITES):
                return  # whom the administrator put into its group
            yield rule.no(
                f"{site.api.name} lets everyone connect to the socket that {site.function.name} binds.",
                at(site.spot),
                severity=Severity.LOW,
                fix="Let its group alone connect, or ask for the peer's credentials and refuse who may not command.",
                context=site.spot.function,
                condition=site.spot.condition,
            )
            return
        yield rule.no(
            (
                f"{site.api.name} lets others than the owner write what is loaded (mode "
                f"{oct(bits) if bits else ' | '.join(sorted(names))})."
            ),
            at(site.spot),
            severity=_how_severe(site, can_run=bool(bits & _RUN_BITS), loads=loads),
            context=site.spot.function,
            condition=site.spot.condition,
        )
    elif bits:
        yield rule.yes(
            f"{site.api.name} leaves writing to the owner (mode {oct(bits)})", at(site.spot), context=site.spot.function
        )


def _is_masked(given: tuple[ir.Expression, ...]) -> bool:
    """``status.st_mode & ACCESSPERMS``: the bits that are named take away; what is left is not seen."""
    bare = uncast(given[0]) if given else None
    return (
        isinstance(bare, ir.Operation)
        and bare.operator == "&"
        and any(isinstance(uncast(operand), ir.Member | ir.Call) for operand in bare.operands)
    )


def _how_severe(site: Site, *, can_run: bool, loads: bool) -> Severity | None:
    """Of code, or of a directory of it, it is as severe as the rule says; a configured mode is chosen by its owner."""
    modes = (i.arguments[site.api.subject] for i in site.invocations if len(i.arguments) > site.api.subject)
    if any(kind == "name" and word not in _OTHERS_WRITE and not str(word).isupper() for m in modes for kind, word in m):
        return Severity.LOW
    return None if (loads and can_run) or _is_for_code(site) else Severity.MEDIUM


RULE: Final = Rule(
    id="world-writable-library",
    question="Can only the owner write libraries and the directories they are in?",
    practice=Practice.PRIVILEGE,
    cwe=732,
    severity=Severity.HIGH,
    languages=ALL,
    why="Whoever can write a library, or a directory above it, runs code as every user who loads it.",
    fix="Tighten to 0755 for directories, 0644 for files, and check the owner.",
    bad="chmod(plugin_path, 0777);\n",
    good="chmod(plugin_path, 0644);\n",
    references=("https://cwe.mitre.org/data/definitions/732.html", "https://cwe.mitre.org/data/definitions/276.html"),
    answer=_answer,
)
