"""Are libraries and their directories created so that only their owner can write them?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts, Invocation, Site
from loadstone.review.analyses.mentions import calls_in
from loadstone.review.analyses.travel import SinkKind
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import last_word
from loadstone.review.apis import ApiRole
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
_CODE: Final = re.compile(r"(?i)plug-?in|module|addon|extension|\blib")
_MASKED: Final = ("mkdir", "makedirs")
"""What creates: the process's mask takes from its mode, by default writing by others. Only places of code count."""
_WRITE_BITS: Final = 0o022
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
        for invocation in sorted(site.invocations, key=repr)[:1]:
            yield from _one(rule, site, invocation)
    yield from _open_to_all(rule, facts)


def _binds_socket(site: Site) -> bool:
    """Whether the function binds a socket: what it then opens to all is what others connect to, and no library."""
    return any(last_word(call.name) == "bind" and call.arguments for call in calls_in(site.function.body))


def _open_to_all(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """A security descriptor that has an access list, and the list is null: everybody may do everything."""
    for unit in facts.program.units:
        yield from _spelled_lists(rule, unit)
        for function in unit.functions if "SetSecurityDescriptorDacl" in unit.words else ():
            for call in calls_in(function.body):
                given = [a.value if isinstance(a, ir.Literal) else ... for a in call.arguments]
                if call.name == "SetSecurityDescriptorDacl" and len(given) > 2 and given[1] and given[2] is None:
                    yield rule.no(
                        "A NULL DACL lets everyone write what is created with it.",
                        Location.lines(unit.path, call.line),
                        fix="Use the DACL of an SDDL string that lets only administrators and the service write.",
                        context=function.name,
                        condition=function.condition,
                    )


def _lifts_mask(other: Site, site: Site) -> bool:
    return other.api.kind == "mask" and other.spot.path == site.spot.path


def _is_for_code(site: Site) -> bool:
    """Whether the path that is made says that libraries will lie there."""
    words = (str(w) for i in site.invocations for a in i.arguments for kind, w in a if kind == "constant")
    return any(_CODE.search(word) for word in words)


_DESCRIBES: Final = re.compile(r"ConvertStringSecurityDescriptorToSecurityDescriptor[AW]?\Z")
_ENTRY: Final = re.compile(
    r"\(A;[^;)]*;[^;)]*(?:GA|GW|FA|FW|WD|WO|0x1[fF]01[fF]{2}|0x[14]0000000)[^;)]*;[^;)]*;[^;)]*;(WD|BU|AU|IU|AN|BG|S-1-1-0)\)"
)
"""An entry of a list in SDDL that lets everyone, or every user, write. Source: Microsoft's page on ACE strings."""


def _spelled_lists(rule: Rule, unit: ir.Unit) -> Iterator[Claim]:
    """``"D:(A;OICI;GA;;;WD)"``: a security descriptor, spelled out, that lets everyone write."""
    for function in unit.functions:
        for call in calls_in(function.body):
            given = call.arguments[0] if call.arguments and _DESCRIBES.search(call.name) else None
            found = _ENTRY.search(str(given.value)) if isinstance(given, ir.Literal) else None
            if found is not None:
                yield rule.no(
                    f"The security descriptor lets {found[1]} write what is created with it.",
                    Location.lines(unit.path, call.line),
                    cwe=732,
                    fix="Give write access to SYSTEM and the administrators alone.",
                    context=function.name,
                    condition=function.condition,
                )


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


def _one(rule: Rule, site: Site, invocation: Invocation) -> Iterator[Claim]:
    number = site.api.subject
    if number >= len(invocation.arguments):
        return
    given = invocation.arguments[number]
    names = {str(word) for kind, word in given if kind == "name"}
    bits = 0
    for kind, word in given:
        if kind == "constant" and isinstance(word, int):
            bits |= word
    if site.api.kind == "mask":
        if given == (("constant", 0),):
            yield rule.no(
                "This umask makes everything created from here on world-writable.",
                at(site.spot),
                cwe=276,
                context=site.spot.function,
            )
        return
    if bits & _WRITE_BITS or names & _OTHERS_WRITE:
        if _binds_socket(site):
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
            severity=None if bits & _RUN_BITS or _is_for_code(site) else Severity.MEDIUM,
            context=site.spot.function,
            condition=site.spot.condition,
        )
    elif bits:
        yield rule.yes(
            f"{site.api.name} leaves writing to the owner (mode {oct(bits)})", at(site.spot), context=site.spot.function
        )


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
