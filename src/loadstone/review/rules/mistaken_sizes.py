"""Sizes of the wrong thing: bytes where characters are counted, characters where bytes are, of a pointer for its block.

A function that takes a size of wide text in characters is told twice or four times the room by ``sizeof``; a block of
``wcslen(s) + 1`` bytes holds half of the text; ``sizeof p`` of a pointer is the size of an address. Sources: the
Windows documentation of each function, CWE-131, CWE-467.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.rules.identities import NamesInSight
from loadstone.review.typenames import base_type
from loadstone.review.walk import expressions, kept

__all__ = ["MistakenSize", "mistaken_sizes"]

_CHARACTERS: Final = {
    **dict.fromkeys(("StringCchCopy", "StringCchCat", "StringCchPrintf", "StringCchCopyN", "StringCchCatN"), (0, 1)),
    **dict.fromkeys(("swprintf", "_snwprintf", "_sntprintf", "wcscpy_s", "wcscat_s", "_tcscpy_s", "_tcscat_s"), (0, 1)),
    **dict.fromkeys(("GetSystemDirectory", "GetWindowsDirectory", "fgetws", "_fgetts"), (0, 1)),
    **dict.fromkeys(("wcsncpy", "wcsncat", "lstrcpyn", "_tcsncpy"), (0, 2)),
    **dict.fromkeys(("GetModuleFileName", "GetEnvironmentVariable", "ExpandEnvironmentStrings"), (1, 2)),
    **dict.fromkeys(("GetModuleBaseName", "GetModuleFileNameEx", "LoadString"), (2, 3)),
    **dict.fromkeys(("GetCurrentDirectory", "GetTempPath"), (1, 0)),
    "MultiByteToWideChar": (4, 5),
    "GetFullPathName": (2, 1),
    "SearchPath": (4, 3),
    "GetWindowText": (1, 2),
}
"""Functions that are told a room in characters: the text, and the room. The ``W`` of a name is left out."""

_WIDE: Final = re.compile(r"\b(?:wchar_t|WCHAR|TCHAR|char16_t)\b")
_NARROW_COPIES: Final = frozenset({"memcpy", "memmove", "CopyMemory", "RtlCopyMemory"})
_BLOCKS: Final = {"malloc": (0,), "g_malloc": (0,), "xmalloc": (0,), "alloca": (0,), "calloc": (0, 1), "realloc": (1,)}
_SIZED: Final = {
    **dict.fromkeys(("memset", "memcpy", "memmove", "strncpy", "ZeroMemory", "memcmp", "strncmp", "bzero"), (2, 2)),
    **dict.fromkeys(("snprintf", "vsnprintf", "fgets", "strlcpy", "strlcat", "strcpy_s", "strcat_s"), (1, 1)),
    **dict.fromkeys(("read", "recv", "readlink", "pread"), (2, 2)),
    **dict.fromkeys(("ZeroMemory", "SecureZeroMemory", "bzero", "explicit_bzero"), (1, 1)),
}
"""Functions that take blocks and one size of them: how many arguments may be a block, and where the size is."""

_POINTERS: Final = re.compile(
    r"(?:typedef[^;()]*\(\s*[\w\s]*\*\s*(?=\w+\s*\))|using\s+(?=\w+\s*=))(\w+)\s*(?:\)|=[^;()]*\([^()]*\))\s*\(([^()]*)\)"
)
_COUNT: Final = re.compile(r"\bcch\w*\Z")
_WIDE_TEXT: Final = re.compile(r"\b(?:wchar_t|WCHAR|TCHAR)\s*\*|\bLPT?W?STR\b")
_LENGTHS: Final = frozenset({"wcslen", "lstrlenW", "_tcslen", "wcsnlen"})


@dataclass(frozen=True, slots=True)
class MistakenSize:
    """A size of the wrong thing, at a line."""

    line: int
    message: str
    cwe: int
    fix: str


def mistaken_sizes(scope: NamesInSight) -> Iterator[MistakenSize]:
    """The sizes of one function that are of something else than what they are taken for."""
    body = scope.function.body
    own = _own_counts(scope.unit)
    for call in calls_in(body):
        name = last_word(call.name)
        yield from _in_bytes(scope, call, name, own)
        yield from _in_characters(scope, call, name)
        for block in _beside_sizes(call, name):
            if _is_size_of_pointer(scope, call.arguments[_SIZED[name][1]], block):
                yield _of_pointer(call.line, place_named(block))
                break
    stores = [(s.target, s.value) for s in every_statement(body) if isinstance(s, ir.Assign) and s.value is not None]
    stores += [(e.target, e.value) for e in every_expression(body) if isinstance(e, ir.AssignmentExpression)]
    for target, value in stores:
        made = uncast(value)
        places = _BLOCKS.get(last_word(made.name)) if isinstance(made, ir.Call) else None
        if places is not None and isinstance(made, ir.Call):
            for size in made.arguments[places[0] : places[-1] + 1]:
                if _is_size_of_pointer(scope, size, target):
                    yield _of_pointer(made.line, place_named(target))


@kept
def _own_counts(unit: ir.Unit) -> dict[str, tuple[int, int]]:
    """The functions of a file that are told a room in characters: they hand text and room on to one that is, too.

    A pointer to a function says so by the name of its parameter: ``DWORD cch`` counts characters by Windows' custom.
    """
    found: dict[str, tuple[int, int]] = {}
    for function in unit.functions:
        names = [p.name for p in function.parameters]
        for call in calls_in(function.body):
            name = last_word(call.name)
            places = _CHARACTERS.get(name) or _CHARACTERS.get(name.removesuffix("W"))
            if places is None or len(call.arguments) <= max(places):
                continue
            given = [place_named(call.arguments[place]) for place in places]
            if all(one in names for one in given):
                found[last_word(function.name)] = (names.index(given[0]), names.index(given[1]))
    for name, listed in _POINTERS.findall(unit.text):
        parameters = [p.strip() for p in listed.split(",")]
        for place, (one, then) in enumerate(pairwise(parameters)):
            if _COUNT.search(then) and _WIDE_TEXT.search(one) and "const" not in one:
                found[name] = (place, place + 1)
    return found


def _in_bytes(
    scope: NamesInSight, call: ir.Call, name: str, own: Mapping[str, tuple[int, int]]
) -> Iterator[MistakenSize]:
    places = _CHARACTERS.get(name) or _CHARACTERS.get(name.removesuffix("W")) or own.get(name)
    if places is None:
        places = own.get(last_word(base_type(scope.type_of(uncast(call.function)))))
    if places is None or len(call.arguments) <= max(places):
        return
    text, room = call.arguments[places[0]], call.arguments[places[1]]
    of = _sized(room)
    spelled = scope.type_of(uncast(text))
    if of and of == place_named(text) and "[]" in spelled and _WIDE.search(spelled):
        yield MistakenSize(
            call.line,
            f"{name} is told the size of {of} in bytes, and counts characters: it may write behind its end.",
            131,
            "Tell it the number of characters: sizeof x / sizeof x[0], ARRAYSIZE(x).",
        )


def _in_characters(scope: NamesInSight, call: ir.Call, name: str) -> Iterator[MistakenSize]:
    block = name in _BLOCKS and len(_BLOCKS[name]) == 1 and len(call.arguments) > _BLOCKS[name][0]
    size = call.arguments[_BLOCKS[name][0]] if block else None
    if name in _NARROW_COPIES and len(call.arguments) > 2 and _WIDE.search(scope.type_of(uncast(call.arguments[0]))):
        size = call.arguments[2]
    parts = [*expressions(size)]
    counted = [p for p in parts if isinstance(p, ir.Call) and last_word(p.name) in _LENGTHS]
    scaled = any(isinstance(p, ir.Operation) and p.operator in {"*", "<<", "sizeof"} for p in parts)
    others = any(isinstance(p, ir.Call) and p not in counted for p in parts)
    if counted and not scaled and not others:
        yield MistakenSize(
            call.line,
            f"{name} is told a number of wide characters, and counts bytes.",
            131,
            "Multiply by the size of a character.",
        )


def _beside_sizes(call: ir.Call, name: str) -> list[ir.Expression]:
    """The blocks that a call takes with a size."""
    first, size = _SIZED.get(name, (0, 0))
    return list(call.arguments[:first]) if len(call.arguments) > size else []


def _sized(size: ir.Expression) -> str:
    bare = uncast(size)
    if isinstance(bare, ir.Operation) and bare.operator == "-" and len(bare.operands) == 2:
        bare = uncast(bare.operands[0])
    asked = isinstance(bare, ir.Operation) and bare.operator == "sizeof" and bool(bare.operands)
    of = uncast(bare.operands[0]) if asked and isinstance(bare, ir.Operation) else None
    return place_named(of) if isinstance(of, ir.Name | ir.Member) else ""


def _is_size_of_pointer(scope: NamesInSight, size: ir.Expression, block: ir.Expression) -> bool:
    """``sizeof p`` beside ``p``, which is a pointer to a class or a number."""
    of = _sized(size)
    spelled = scope.type_of(uncast(block))
    plain = isinstance(uncast(size), ir.Operation) and not isinstance(uncast(block), ir.Operation)
    bare = uncast(block)
    parameter = isinstance(bare, ir.Name) and any(p.name == bare.name for p in scope.function.parameters)
    pointer = (spelled.count("*") == 1 and "[" not in spelled) or (parameter and spelled.count("[") == 1)
    return bool(of) and plain and of == place_named(block) and pointer


def _of_pointer(line: int, of: str) -> MistakenSize:
    return MistakenSize(
        line, f"sizeof {of} is the size of a pointer, not of what {of} leads to.", 131, "The size of the block itself."
    )
