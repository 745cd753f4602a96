"""Is it one file that is loaded, wherever the program is started and whatever its search order is?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.counting import Share
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts, Invocation, Site
from loadstone.review.analyses.folding import flags_in
from loadstone.review.analyses.mentions import every_statement
from loadstone.review.analyses.travel import SinkKind
from loadstone.review.analyses.values import Spot
from loadstone.review.analyses.words import uncast
from loadstone.review.apis import ApiRole
from loadstone.review.ir import Literal, Loop, Name
from loadstone.review.rules.arrivals import CURRENT, steps
from loadstone.review.rules.origins import constant_path, is_absolute
from loadstone.review.rules.places import ALL, at, resolve_lines, step
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions

__all__ = ["KNOWN_DLLS", "RULE"]

_SAFE_FLAGS: Final = re.compile(r"LOAD_LIBRARY_SEARCH_(?:SYSTEM32|APPLICATION_DIR|DLL_LOAD_DIR|DEFAULT_DIRS|USER_DIRS)")
_DATA_FLAGS: Final = re.compile(r"LOAD_LIBRARY_AS_(?:DATAFILE|IMAGE_RESOURCE)|DONT_RESOLVE")
_SAFE_BITS: Final = 0x100 | 0x200 | 0x400 | 0x800 | 0x1000
_DATA_BITS: Final = 0x2 | 0x20 | 0x40
KNOWN_DLLS: Final = frozenset(
    [
        "advapi32",
        "clbcatq",
        "combase",
        "comdlg32",
        "coml2",
        "difxapi",
        "gdi32",
        "gdiplus",
        "imagehlp",
        "imm32",
        "kernel32",
        "kernelbase",
        "msctf",
        "msvcrt",
        "ntdll",
        "normaliz",
        "nsi",
        "ole32",
        "oleaut32",
        "psapi",
        "rpcrt4",
        "sechost",
        "setupapi",
        "shcore",
        "shell32",
        "shlwapi",
        "user32",
        "wldap32",
        "ws2_32",
    ]
)
"""DLLs that Windows maps from System32 whatever the search order is (HKLM ... Session Manager KnownDLLs)."""

_OWN_C_LIBRARY: Final = re.compile(r"(?:libc\.so\.[67]|libSystem(?:\.B)?\.dylib|libc\.dylib)\Z")
"""What every process has open already: the loader finds it by its SONAME and searches nowhere. Source: ld.so(8)."""


def _has_old_winmode(site: Site) -> bool:
    """Whether ``winmode`` is given, and not with a number that names where to look."""
    given = dict(site.call.keywords).get("winmode")
    bits, words = flags_in(given, site.unit, site.function)
    return given is not None and not bits & _SAFE_BITS and not any(map(_SAFE_FLAGS.match, words))


_API_SETS: Final = ("api-ms-win-", "ext-ms-")
"""Names of contracts, not of files: Windows knows which DLL implements each and searches nowhere (API set schema)."""


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    rights = {s.spot.path: s.spot for s in facts.of(ApiRole.PRIVILEGE)}
    defaults = {s.spot.path: s.spot for s in facts.of(ApiRole.SEARCH_FLAGS)}
    absolute: dict[str, list[Spot]] = {}
    for site in facts.reached:
        if site.api.role is not ApiRole.LOAD or site.api.kind == "module name":
            continue
        for invocation in sorted(site.invocations, key=repr):
            path = constant_path(invocation)
            cwd = next(
                (p.taint for p in invocation.parts if p.taint is not None and p.taint.kind == CURRENT),
                None,
            )
            if cwd is not None:
                yield _working_directory(rule, site, "what getcwd gave", cwd.spot)
            elif path is None and (folder := _relative_folder(invocation)):
                yield _working_directory(rule, site, f'A name in "{folder}"', None)
            elif path is None:
                yield from _bare_by_check(rule, site, invocation, defaults.get(site.spot.path))
            elif not path or _is_one_of_several(site):
                continue
            elif is_absolute(path):
                absolute.setdefault(site.spot.path, []).append(site.spot)
            elif path.lower().startswith(_API_SETS) or _OWN_C_LIBRARY.match(path):
                continue
            elif site.api.family == "Win32":
                yield from _windows(rule, site, invocation, path, defaults.get(site.spot.path))
            elif _has_old_winmode(site) and "/" not in path and "\\" not in path:
                yield rule.no(
                    f'{site.api.name}("{path}") with an old winmode searches the working directory and PATH.',
                    at(site.spot),
                    cwe=427,
                    context=site.spot.function,
                )
            elif "/" in path and not path.startswith(("@", "$")):
                yield _working_directory(rule, site, f'"{path}"', None)
            elif (privileged := rights.get(site.spot.path)) is not None and "/" not in path:
                yield rule.no(
                    (
                        f'"{path}" has no directory, so the loader\'s search order decides; '
                        f"privileges held here (line {privileged.line}) make that reachable."
                    ),
                    at(site.spot),
                    cwe=426,
                    why=(
                        step(privileged, "the program handles privileges", "test"),
                        step(site.spot, "searched for by name", "use"),
                    ),
                    context=site.spot.function,
                )
    yield from _travelled(rule, facts)
    yield from _through_ctypes(rule, facts)
    for spots in absolute.values():
        yield rule.yes(
            Share("load", "names one file by its absolute path", "name one file by its absolute path", alone=True),
            at(min(spots)),
            lines=resolve_lines(spots),
            met=len(set(spots)),
            sites=len(set(spots)),
            context=min(spots).function,
        )
    for spot in defaults.values():
        yield rule.yes("The process searches only safe directories for DLLs", at(spot), context=spot.function)


_BELOW_HERE: Final = re.compile(r"(?:\.{1,2}[/\\])*[A-Za-z0-9_][\w.-]*[/\\]|\.{1,2}[/\\]")


_PRINTED: Final = re.compile(r"%[-0-9.*]*(?:l|ll|z|h)*[sduxi]")
"""What printf puts in: a layout of another kind has no size before it, but a folder."""


def _relative_folder(invocation: Invocation) -> str:
    """The folder below the current one that a path put together here begins with; empty where it begins otherwise."""
    parts = invocation.parts
    layout = next((n for n, p in enumerate(parts) if p.text is not None and "%" in p.text), 0)
    before = parts[:layout]  # the size of the buffer, a number
    text = parts[layout].text if layout < len(parts) and not any(p.text or p.taint or p.name for p in before) else None
    if before and not _PRINTED.search(text or ""):
        return ""
    found = _BELOW_HERE.match(text) if text else None
    return found[0] if found else ""


_NO_DIRECTORY: Final = frozenset({"no /", "no \\", "bare", "characters"})
"""Checks of a name that leave no directory in it."""

_SEARCHES: Final = "search_system_folders"
"""The flag with which Boost.DLL looks for a name where the system does (shared_library_load_mode.hpp)."""


def _bare_by_check(rule: Rule, site: Site, invocation: Invocation, default: Spot | None) -> Iterator[Claim]:
    """``if (strchr(name, '/')) return; LoadLibrary(name)``: what may hold no directory is searched for."""
    piece = invocation.parts[0] if len(invocation.parts) == 1 else invocation.whole
    checked = sorted((spot for kind, spot in piece.checks if kind in _NO_DIRECTORY), key=lambda s: s.line)
    words = " ".join(str(word) for pieces in invocation.arguments[1:] for _, word in pieces)
    searched = site.api.family == "Win32" and default is None and not _SAFE_FLAGS.search(words)
    if checked and (searched or _SEARCHES in words) and not _DATA_FLAGS.search(words):
        yield rule.no(
            f"{piece.name or 'The name'} may hold no directory (line {checked[0].line}), so {site.api.name} looks for "
            "it where the system looks for libraries, and not in one place.",
            at(site.spot),
            cwe=427,
            fix="Join it to the directory it belongs in.",
            why=(step(checked[0], "a directory is refused", "test"), step(site.spot, "searched for by name", "use")),
            context=site.spot.function,
            condition=site.spot.condition,
        )


def _travelled(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """Python: the current directory, kept or handed on, and a load from it somewhere else."""
    here = {(site.spot.path, site.spot.line) for site in facts.reached if _starts_here(site)}
    for arrival in facts.travels.at(SinkKind.LOAD):
        sink = arrival.sink.spot
        if arrival.source.kind == CURRENT and not arrival.checked and (sink.path, sink.line) not in here:
            here.add((sink.path, sink.line))
            yield rule.no(
                "A directory that is searched is the current one, which whoever starts the program chooses.",
                at(sink),
                cwe=427,
                why=steps(arrival, f"loaded by {arrival.sink.name}"),
                context=sink.function,
                condition=sink.condition,
            )


_SAFE_FOR_ALL: Final = re.compile(r"SetDefaultDllDirectories|SetDllDirectory[AW]?\(\s*(?:\"\"|None|b\"\")")


def _through_ctypes(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """``kernel32.LoadLibraryW("plug.dll")`` from Python: the whole search order, whatever ctypes itself would do."""
    for found in facts.foreign_calls:
        first = found.call.arguments[0] if found.call.arguments else None
        name = first.value if isinstance(first, Literal) else None
        if found.prototype.symbol not in {"LoadLibraryA", "LoadLibraryW"} or not isinstance(name, str | bytes):
            continue
        text = name.decode("latin-1") if isinstance(name, bytes) else name
        known = text.lower().removesuffix(".dll") in KNOWN_DLLS or text.lower().startswith(_API_SETS)
        if not known and not re.search(r"[\\/]", text) and not _SAFE_FOR_ALL.search(found.visit.unit.text):
            yield rule.no(
                f"{found.prototype.symbol} is given a bare name, {text}, and searches the application's and other "
                "directories before System32.",
                Location.lines(found.visit.unit.path, found.call.line),
                cwe=427,
                fix="Use LoadLibraryExW with LOAD_LIBRARY_SEARCH flags, or an absolute path.",
                context=found.visit.function.name,
            )


def _is_one_of_several(site: Site) -> bool:
    """``for name in NAMES: load(name)``: what is seen are all the names at once, and none of them is loaded so."""
    first = uncast(site.call.arguments[0]) if site.call.arguments else None
    loops = (s for s in every_statement(site.function.body) if isinstance(s, Loop) and s.each is not None)
    taken = {part.name for loop in loops if loop.each for part in expressions(loop.each[0]) if isinstance(part, Name)}
    return isinstance(first, Name) and first.name in taken


def _starts_here(site: Site) -> bool:
    return any(p.taint is not None and p.taint.kind == CURRENT for one in site.invocations for p in one.parts)


def _working_directory(rule: Rule, site: Site, what: str, since: Spot | None) -> Claim:
    before = (step(since, "the working directory is asked for", "taint"),) if since is not None else ()
    return rule.no(
        f"{what} is found from the current directory, which whoever starts the program chooses.",
        at(site.spot),
        cwe=427,
        fix="Start from the module's own location, or give an absolute path.",
        why=(*before, step(site.spot, f"loaded by {site.api.name}", "use")),
        context=site.spot.function,
        condition=site.spot.condition,
    )


def _windows(rule: Rule, site: Site, invocation: Invocation, path: str, default: Spot | None) -> Iterator[Claim]:
    words = [
        str(word) for pieces in invocation.arguments[1:] for kind, word in pieces if kind in {("name"), ("function")}
    ]
    bits = [
        word
        for pieces in invocation.arguments[2:3]
        for kind, word in pieces
        if kind == "constant" and isinstance(word, int)
    ]
    flags = " ".join(words)
    value = bits[0] if bits else 0
    if _DATA_FLAGS.search(flags) or value & _DATA_BITS or path.lower().removesuffix(".dll") in KNOWN_DLLS:
        return
    if _SAFE_FLAGS.search(flags) or value & _SAFE_BITS:
        yield rule.yes(f"{site.api.name} searches only safe directories", at(site.spot), context=site.spot.function)
        return
    if (
        default is not None and any(word.startswith("search-flags") for word, _ in invocation.flags)
    ) or default is not None:
        return
    shown = flags or ("0" if bits else "none")
    yield rule.no(
        (
            f'{site.api.name}("{path}") with flags {shown} searches the '
            f"application's and other directories before System32."
        ),
        at(site.spot),
        cwe=427,
        fix="Pass LOAD_LIBRARY_SEARCH_SYSTEM32 (system DLL) or _DLL_LOAD_DIR with an absolute path.",
        why=(step(site.spot, "searched for by name", "use"),),
        context=site.spot.function,
        condition=site.spot.condition,
    )


RULE: Final = Rule(
    id="dll-search-path",
    question="Is it one file that is loaded, wherever the program is started?",
    practice=Practice.SEARCH_PATH,
    cwe=427,
    severity=Severity.MEDIUM,
    languages=ALL,
    why="A name without a directory, or one found from the working directory, lets whoever can write to a searched "
    "place choose the code that runs.",
    fix="Give an absolute path, or flags that leave only directories of the system.",
    bad='HMODULE m = LoadLibraryA("helper.dll");\n',
    good='HMODULE m = LoadLibraryExA("helper.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);\n',
    references=(
        "https://cwe.mitre.org/data/definitions/427.html",
        "https://cwe.mitre.org/data/definitions/426.html",
        "https://learn.microsoft.com/windows/win32/dlls/dynamic-link-library-search-order",
    ),
    answer=_answer,
)
