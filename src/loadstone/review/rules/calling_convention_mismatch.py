"""Is a callback of the library's calling convention, and a record of the kind it is read as?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts, ForeignCall, Site
from loadstone.review.analyses.mentions import every_statement
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.dll_search_path import KNOWN_DLLS
from loadstone.review.rules.format_arguments import wrong_arguments
from loadstone.review.rules.origins import constant_path
from loadstone.review.rules.places import ALL, step
from loadstone.review.rules.record_kinds import widened
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions, parts_of, statements

__all__ = ["RULE"]

_STDCALL: Final = "ctypes.WINFUNCTYPE"
_CDECL: Final = "ctypes.CFUNCTYPE"
_CASTS: Final = ("ctypes.cast", ".cast")


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    yield from _system_functions(rule, facts)
    yield from _unlike_the_rest(rule, facts)
    for unit in (u for u in facts.program.units if u.language is not ir.Language.PYTHON):
        yield from wrong_arguments(rule, unit)
    conventions = {unit.path: _conventions(unit) for unit in facts.program.units if unit.language is ir.Language.PYTHON}
    for call in facts.foreign_calls:
        yield from _convention(rule, call, conventions[call.visit.unit.path])
    for unit in facts.program.units:
        for found in widened(unit) if unit.language is ir.Language.PYTHON and "_fields_" in unit.text else ():
            yield rule.no(
                f"The record is read as {found.record}, and its {found.teller} is not asked: a shorter one is read "
                "past its end.",
                Location.lines(unit.path, found.line),
                cwe=843,
                severity=Severity.MEDIUM,
                fix="Compare kind and size before the cast.",
                context=found.function.name,
            )
    for visit in facts.travels.visits:
        if isinstance(visit.statement, ir.If):
            for line, tag in _rest_of(visit.statement):
                yield rule.no(
                    f"Whatever is not of the kind tested at line {visit.statement.line} ({tag}) is read as this "
                    f"record, "
                    "shorter ones too.",
                    Location.lines(visit.unit.path, line),
                    cwe=843,
                    severity=Severity.MEDIUM,
                    fix="Compare kind and size before each cast; leave out what is not known.",
                    context=visit.function.name,
                )


_SYSTEM: Final = KNOWN_DLLS | {
    "bcrypt", "cfgmgr32", "comctl32", "credui", "crypt32", "cryptui", "d3d11", "d3d9", "dbghelp", "dnsapi", "dwmapi",
    "dxgi", "hid", "htmlhelp", "iphlpapi", "mpr", "mscms", "msi", "msimg32", "ncrypt", "netapi32", "newdev", "pdh",
    "powrprof", "propsys", "secur32", "tbs", "urlmon", "userenv", "uxtheme", "version", "wer", "wevtapi", "wininet",
    "winhttp", "winmm", "winspool.drv", "wintrust", "winusb", "wlanapi", "wtsapi32", "xinput1_4",
}  # fmt: skip
"""DLLs of Windows itself, whose functions are WINAPI. Source: the headers of the Windows SDK."""

_CDECL_DLLS: Final = frozenset({"msvcrt", "ntdll", "dbghelp"})
_POINTER: Final = r"typedef\s[^;(]*\(([^()*]*)\*\s*(?:const\s+)?{name}\s*\)"
_CONVENTION: Final = re.compile(
    r"WINAPI|APIENTRY|CALLBACK|PASCAL|STDMETHODCALLTYPE|stdcall|NTAPI|WSAAPI|STDAPICALLTYPE|CALL"
)


def _system_functions(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """A function of Windows called through a type without ``WINAPI``: on 32 bits the stack is put right twice."""
    done = set()
    for site in facts.reached:
        if site.api.name != "GetProcAddress" or site.parent is None:
            continue
        paths = {p for i in facts.sites[site.parent].invocations if (p := constant_path(i))}
        names = {path.replace("\\", "/").rpartition("/")[2].lower().removesuffix(".dll") for path in paths}
        if not names or not names <= _SYSTEM - _CDECL_DLLS:
            continue
        kind = _type_of(site)
        found = re.search(_POINTER.format(name=re.escape(kind)), site.unit.text) if kind.isidentifier() else None
        if found is None or _CONVENTION.search(found[1]) or (site.unit.path, kind) in done:
            continue
        done.add((site.unit.path, kind))
        line = site.unit.text.count("\n", 0, found.end()) + 1
        yield rule.no(
            f"{kind} is not a WINAPI type, and what is called through it is a function of {min(names)}.dll.",
            Location.lines(site.unit.path, line),
            severity=Severity.MEDIUM,
            fix=f"Write WINAPI before the * of {kind}.",
            why=(step(site.spot, "a function of Windows is looked up", "acquire"),),
            context=site.spot.function,
        )


_ALIAS: Final = r"using\s+{name}\s*=[^;(]*\(([^()*]*)\*\s*\)"
_ENOUGH: Final = 2
"""Functions of one library with a convention, beside which one without is a slip."""


def _unlike_the_rest(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """One function of a library is called without the convention that all the others of that library have."""
    kinds: dict[tuple[str, int], dict[str, tuple[Site, int, bool]]] = {}
    for site in facts.merged:
        kind = _type_of(site) if site.api.name == "GetProcAddress" and site.parent is not None else ""
        if not kind.isidentifier():
            continue
        text, name = site.unit.text, re.escape(kind)
        found = re.search(_POINTER.format(name=name), text) or re.search(_ALIAS.format(name=name), text)
        if found is not None and site.parent is not None:
            line = text.count("\n", 0, found.start() + 1) + 1
            kinds.setdefault((site.unit.path, site.parent), {})[kind] = site, line, bool(_CONVENTION.search(found[1]))
    for (path, _), types in kinds.items():
        bare = [(kind, site, line) for kind, (site, line, has) in types.items() if not has]
        if len(bare) == 1 and len(types) - 1 >= _ENOUGH:
            kind, site, line = bare[0]
            yield rule.no(
                f"{kind} has no calling convention; the other functions of this library are called through types "
                "that have one.",
                Location.lines(path, line),
                cwe=686,
                fix=f"Write WINAPI before the * of {kind}.",
                why=(step(site.spot, "looked up in the same library", "acquire"),),
                context=site.spot.function,
            )


def _type_of(site: Site) -> str:
    """The type the result of a lookup is cast to, or the one of the variable it is put into."""
    for statement in every_statement(site.function.body):
        for part in parts_of(statement):
            if isinstance(part, ir.Cast) and uncast(part) is site.call:
                return part.type.strip()
    return ""


def _conventions(unit: ir.Unit) -> dict[str, str]:
    """The names a file gives to types of callbacks, with their convention."""
    return {
        spelled(statement.target): statement.value.name
        for function in unit.functions
        for statement in statements(function.body.body)
        if isinstance(statement, ir.Assign)
        and isinstance(statement.value, ir.Call)
        and statement.value.name in {_STDCALL, _CDECL}
    }


def _convention(rule: Rule, found: ForeignCall, conventions: dict[str, str]) -> Iterator[Claim]:
    library = found.call.name.partition(".")[2].partition(".")[0]
    if library not in {"CDLL", "WinDLL"}:
        return
    wrong = _STDCALL if library == "CDLL" else _CDECL
    for argument in found.call.arguments:
        for part in expressions(argument):
            made = part if isinstance(part, ir.Call) else _made(found.visit.function, spelled(part))
            if isinstance(made, ir.Call) and conventions.get(spelled(made.function)) == wrong:
                other = "stdcall" if wrong == _STDCALL else "cdecl"
                yield rule.no(
                    f"The callback given to {found.prototype.symbol} is {other}; functions loaded with {library} "
                    f"call {'cdecl' if wrong == _STDCALL else 'stdcall'}.",
                    Location.lines(found.visit.unit.path, found.call.line),
                    fix="Make the type of the callback with the function that goes with the loader.",
                    context=found.visit.function.name,
                )
                return


def _made(function: ir.Function, name: str) -> ir.Expression | None:
    for statement in statements(function.body.body):
        if name and isinstance(statement, ir.Assign) and spelled(statement.target) == name:
            return uncast(statement.value)
    return None


def _rest_of(statement: ir.If) -> Iterator[tuple[int, str]]:
    """Casts in an ``else`` of the very pointer whose kind the condition compared with one value."""
    if statement.otherwise is None or not _casts(statement.then):
        return
    tags = {
        spelled(base.base)
        for part in expressions(statement.condition)
        if isinstance(part, ir.Operation) and part.operator == "=="
        for base in part.operands
        if isinstance(base, ir.Member)
    }
    for line, pointer in _casts(statement.otherwise):
        if pointer and any(tag == pointer or tag.startswith(f"{pointer}.") for tag in tags):
            yield line, pointer


def _casts(block: ir.Block) -> list[tuple[int, str]]:
    """Casts that stand in a block itself, not behind another condition."""
    found = []
    for statement in block.body:
        call = uncast(statement.value) if isinstance(statement, ir.Assign) else None
        if isinstance(call, ir.Call) and call.name.endswith(_CASTS) and len(call.arguments) > 1:
            names = {spelled(argument) for argument in call.arguments} - {""}
            found += [(statement.line, name) for name in sorted(names)]
    return found


RULE: Final = Rule(
    id="calling-convention-mismatch",
    question="Is a callback of the library's calling convention, and a record of the kind it is read as?",
    practice=Practice.TYPE_DECLARATIONS,
    cwe=628,
    severity=Severity.MEDIUM,
    languages=ALL,
    why=("ctypes trusts the declaration: a wrong convention unbalances the stack, a wrong kind reads past the record."),
    fix="CFUNCTYPE with CDLL, WINFUNCTYPE with WinDLL; compare kind and size before a cast.",
    bad='lib = ctypes.CDLL("/opt/x.so")\nDone = ctypes.WINFUNCTYPE(None)\nlib.on_done(Done(done))\n',
    good='lib = ctypes.CDLL("/opt/x.so")\nDone = ctypes.CFUNCTYPE(None)\nlib.on_done(Done(done))\n',
    references=(
        "https://docs.python.org/3/library/ctypes.html#callback-functions",
        "https://cwe.mitre.org/data/definitions/628.html",
        "https://cwe.mitre.org/data/definitions/843.html",
    ),
    answer=_answer,
)
