"""Windows and Qt: security descriptors and options that let everybody write, or connect."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.rules.lookups import word
from loadstone.review.rules.places import NATIVE
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions

__all__ = ["open_to_all"]


def open_to_all(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """A security descriptor that has an access list, and the list is null: everybody may do everything."""
    for unit in facts.program.units:
        if unit.language in NATIVE:
            yield from _spelled_lists(rule, unit)
            yield from _named_lists(rule, unit)
            yield from _granted(rule, unit)
            yield from _sockets(rule, unit)
        for function in unit.functions if "SetSecurityDescriptorDacl" in unit.words else ():
            for call in calls_in(function.body):
                given = [a.value if isinstance(a, ir.Literal) else ... for a in call.arguments]
                if call.name == "SetSecurityDescriptorDacl" and len(given) > 2 and given[1] and given[2] is None:
                    yield rule.no(
                        "A NULL DACL lets everyone write what is created with it.",
                        Location.lines(unit.path, call.line),
                        severity=None if _makes_files(facts, unit, function) else Severity.LOW,
                        fix="Use the DACL of an SDDL string that lets only administrators and the service write.",
                        context=function.name,
                        condition=function.condition,
                    )


_TAKES_SECURITY: Final = {
    "CreateDirectory": 1, "CreateFile": 3, "CreateFileMapping": 1, "CreateNamedPipe": 7, "CreateProcess": 2,
    "SHCreateDirectoryEx": 2, "RegCreateKeyEx": 6, "SetFileSecurity": 2, "SetKernelObjectSecurity": 2,
}  # fmt: skip
"""What makes something that has content, and which argument says who may write it. An event or a mutex has none."""


def _makes_files(facts: Facts, unit: ir.Unit, maker: ir.Function) -> bool:
    """Whether a file that can reach a descriptor gives one to what has content; also where nobody is seen to."""
    given = 0
    for other in (u for u in facts.program.units if u is unit or last_word(maker.name) in u.words):
        for call in (c for f in other.functions for c in calls_in(f.body)):
            at = _TAKES_SECURITY.get(last_word(call.name).removesuffix("W").removesuffix("A"), -1)
            kept = uncast(call.arguments[at]) if 0 <= at < len(call.arguments) else ir.Literal(0, None)
            if not isinstance(kept, ir.Literal):
                return True
            given += bool(_HAS_NO_CONTENT.match(last_word(call.name)))
    return not given


_HAS_NO_CONTENT: Final = re.compile(r"Create(?:Event|Mutex|Semaphore|WaitableTimer)(?:Ex)?[AW]?\Z")


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
            if found is not None and not _is_for_clients(unit, found[0]):
                yield rule.no(
                    f"The security descriptor lets {found[1]} write what is created with it.",
                    Location.lines(unit.path, call.line),
                    cwe=732,
                    fix="Give write access to SYSTEM and the administrators alone.",
                    context=function.name,
                    condition=function.condition,
                )


_CREATES: Final = re.compile(
    r"Create(?:Directory|FileMapping|Service)|RegCreateKey|SHCreateDirectory|SetNamedSecurityInfo"
)
_CLIENT: Final = re.compile(r"\(A;[^;)]*;(?:G[RWX]|F[RWX])+;[^;)]*;[^;)]*;(?:BU|AU|IU)\)")


def _is_for_clients(unit: ir.Unit, entry: str) -> bool:
    """Whether an entry lets users who are known read and write a pipe, which is what its clients do."""
    pipe = any(name.startswith("CreateNamedPipe") for name in unit.words)
    return pipe and _CLIENT.fullmatch(entry) is not None and not any(map(_CREATES.match, unit.words))


def _named_lists(rule: Rule, unit: ir.Unit) -> Iterator[Claim]:
    """A constant that spells such a descriptor is handed on, in a file that makes descriptors of texts."""
    if not any(_DESCRIBES.search(name) for name in unit.words):
        return
    spelled = ((v, _ENTRY.search(_text(v.value))) for v in unit.variables)
    lists = {v.name: (v.line, m[1]) for v, m in spelled if m is not None and not _is_for_clients(unit, m[0])}
    for function in unit.functions if lists else ():
        for call in calls_in(function.body):
            given = next((name for a in call.arguments if (name := word(a)) in lists), "")
            if given:
                line, who = lists[given]
                where = Location.lines(unit.path, call.line)
                yield rule.no(
                    f"The security descriptor {given} lets {who} write what is created with it.",
                    where,
                    cwe=732,
                    fix="Give write access to SYSTEM and the administrators alone.",
                    why=(
                        FlowStep(Location.lines(unit.path, line), "the list is spelled out", "source"),
                        FlowStep(where, "handed on", "use"),
                    ),
                    context=function.name,
                    condition=function.condition,
                )


def _text(value: ir.Expression | None) -> str:
    bare = uncast(value)
    return str(bare.value) if isinstance(bare, ir.Literal) else ""


_EVERYBODY: Final = re.compile(r"(?i)\A(?:everyone|users|builtin\\users|authenticated users|interactive)\Z")
_WRITES: Final = frozenset({"GENERIC_ALL", "GENERIC_WRITE", "FILE_ALL_ACCESS", "FILE_GENERIC_WRITE", "KEY_ALL_ACCESS"})
_APPLIES: Final = re.compile(r"\A(?:SetNamedSecurityInfo|SetSecurityInfo|SetEntriesInAcl)[AW]?\Z")


def _granted(rule: Rule, unit: ir.Unit) -> Iterator[Claim]:
    """An ``EXPLICIT_ACCESS`` that grants everybody the right to write, and is applied."""
    if "EXPLICIT_ACCESS" not in unit.text:
        return
    for function in unit.functions:
        set_to = [(word(s.target), s.value) for s in every_statement(function.body) if isinstance(s, ir.Assign)]
        calls = [*calls_in(function.body)]
        built = [c for c in calls if c.name.startswith("BuildExplicitAccessWithName") and len(c.arguments) > 2]
        names = [value for target, value in set_to if target == "ptstrName"] + [c.arguments[1] for c in built]
        rights = [v for target, v in set_to if target == "grfAccessPermissions"] + [c.arguments[2] for c in built]
        everybody = any(
            isinstance(e, ir.Literal) and isinstance(e.value, str) and _EVERYBODY.match(e.value)
            for given in names
            for e in expressions(uncast(given))
        )
        writes = any(word(e) in _WRITES for given in rights for e in expressions(given))
        applied = [c for c in calls if _APPLIES.match(c.name)]
        if everybody and writes and applied:
            yield rule.no(
                "The access list lets everybody write.",
                Location.lines(unit.path, applied[-1].line),
                fix="Grant everybody the right to read and run, and writing to the administrators alone.",
                context=function.name,
                condition=function.condition,
            )


_ASKS_PEERS: Final = re.compile(r"SO_PEERCRED|getpeereid|getpeerucred|GetNamedPipeClientProcessId|ImpersonateNamedPipe")


def _sockets(rule: Rule, unit: ir.Unit) -> Iterator[Claim]:
    """``QLocalServer::WorldAccessOption`` in a file that never asks who has connected."""
    if "WorldAccessOption" not in unit.text or _ASKS_PEERS.search(unit.text):
        return
    for function in unit.functions:
        for call in calls_in(function.body):
            if last_word(call.name) == "setSocketOptions" and any(
                word(e).endswith("WorldAccessOption") for a in call.arguments for e in expressions(a)
            ):
                yield rule.no(
                    "Every user of the machine may connect to the server, and nothing asks who it is.",
                    Location.lines(unit.path, call.line),
                    severity=Severity.MEDIUM,
                    fix="UserAccessOption or GroupAccessOption, or ask for the peer's credentials.",
                    context=function.name,
                    condition=function.condition,
                )
