"""How expressions, values and places are spelled, and what their spelling alone tells."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.mentions import children
from loadstone.review.analyses.values import (
    Constant,
    Field,
    Global,
    Initial,
    Local,
    Object,
    Place,
    PlaceAddress,
    This,
    Value,
    is_through_pointer,
    root,
)
from loadstone.review.walk import kept, last_word, uncast

__all__ = [
    "ADMINISTERED",
    "MAINS",
    "describe",
    "describe_value",
    "dotted_name",
    "error_number",
    "gives_hresult",
    "is_c_library",
    "is_constant",
    "is_inside",
    "last_word",
    "makes_file",
    "may_raise",
    "measures_text",
    "names_an_error",
    "names_own_place",
    "place_named",
    "rooted_locally",
    "terms",
    "uncast",
    "whose",
    "word_of",
]

ADMINISTERED: Final = ("/etc/", "/usr/", "/opt/", "/lib/")
"""Places that only an administrator writes to (Filesystem Hierarchy Standard)."""

MAINS: Final = frozenset({"main", "wmain", "_tmain", "wWinMain", "WinMain"})
"""Functions that a program begins with."""

_MEASURES: Final = re.compile(r"(?i)\A(?:lstrlen[aw]?|str_?n?len(?:_s)?|wcsn?len(?:_s)?|_tcsn?len|_mbslen)\Z")
"""Functions that count a text up to its end. Source: string.h, wchar.h, tchar.h, winbase.h."""

_HRESULT: Final = re.compile(
    r"\A(?:Co(?:Initialize(?:Ex|Security)?|CreateInstance(?:Ex)?|GetClassObject|GetObject|RegisterClassObject)"
    r"|Ole(?:Initialize|CreateInstance)|CLSIDFromProgID|D3D1[12]CreateDevice|CreateDXGIFactory\d?"
    r"|DirectInput8Create|SHGetFolderPath[AW])\Z"
)
"""Functions that give an HRESULT: zero, or a positive number, says that it worked. Source: Microsoft, COM reference."""

_C_LIBRARY: Final = re.compile(r"(?:/(?:usr/)?lib(?:64)?/(?:[\w-]+/)?)?lib(?:c|m|dl|pthread|rt)\.so\.\d\Z")
"""The parts of the C library, by the names that the linker knows them by. Source: gnu/lib-names.h of glibc."""

_OWN_PLACE: Final = re.compile(
    r"\A(?:HOME|USERPROFILE|XDG_\w+|APPDATA|LOCALAPPDATA|VIRTUAL_ENV|CONDA_PREFIX|TMPDIR|TMP|TEMP|PREFIX|DESTDIR)\Z"
)
"""Variables of the environment that name a place of the user's own."""

_ERRORS: Final = frozenset(errno.errorcode.values())

_OWN_MEMORY: Final = frozenset({"c_str", "data", "at"})


def is_constant(expression: ir.Expression) -> bool:
    """Whether the text says what number it is, and more than one: a number, a macro, a size, parts of such."""
    match uncast(expression):
        case ir.Literal(value=int(value)):
            return value > 1
        case ir.Name(name=name):
            return name.isupper() and name != "EOF"
        case ir.Operation(operator="sizeof"):
            return True
        case ir.Operation(operator="/" | "*", operands=operands):
            return all(map(is_constant, operands))
        case ir.Call(name=name):  # ARRAY_SIZE(table)
            return name.isupper()
    return False


def terms(expression: ir.Expression) -> Iterator[ir.Expression]:
    """What is added up in a sum, casts left out; the expression itself, where it is none."""
    bare = uncast(expression)
    if isinstance(bare, ir.Operation) and bare.operator == "+":
        for operand in bare.operands:
            yield from terms(operand)
    else:
        yield bare


@kept
def place_named(expression: ir.Expression | None) -> str:
    """What a place in memory is called in its function: ``a.b``, the elements of an array being one (``a[]``).

    ``this``, ``*``, ``&`` and the calls that give a container's own memory are left out; empty for anything else.
    """
    match uncast(expression):
        case ir.Name(name=name):
            return name if name != "this" else ""
        case ir.Member(base=base, name=name):
            start = place_named(base)
            return f"{start}.{name}" if start else name
        case ir.Item(base=base):
            return f"{place_named(base)}[]"
        case ir.Operation(operator="address" | "deref", operands=(operand,)):
            return place_named(operand)
        case ir.Call(name=name, receiver=receiver) if receiver is not None and last_word(name) in _OWN_MEMORY:
            return place_named(receiver)
    return ""


def dotted_name(expression: ir.Expression) -> str:
    """``a.b.c`` as it is written; empty when it is more than names."""
    parts: list[str] = []
    while isinstance(expression, ir.Member):
        parts.append(expression.name)
        expression = expression.base
    return ".".join([expression.name, *reversed(parts)]) if isinstance(expression, ir.Name) else ""


def word_of(expression: ir.Expression) -> str:
    """What a store puts somewhere, in a word: the function called, ``null``, ``constant``, or nothing to say."""
    bare = uncast(expression)
    if isinstance(bare, ir.Call):
        return bare.name
    if isinstance(bare, ir.Literal):
        return "null" if bare.value is None else "constant"
    return ""


def rooted_locally(place: Place) -> bool:
    """Whether a place lies inside what only this call can reach."""
    return isinstance(root(place), Local | Object) and not is_through_pointer(place)


def is_inside(place: object, start: object) -> bool:
    """Whether a place is ``start`` or lies in it."""
    current: object = place
    while True:
        if current == start:
            return True
        if isinstance(current, Field):
            current = current.base
        else:
            return False


def names_own_place(variable: str) -> bool:
    """Whether a variable of the environment says where the user's own files are.

    >>> names_own_place("HOME"), names_own_place("PLUGIN_PATH")
    (True, False)
    """
    return bool(_OWN_PLACE.match(variable))


def error_number(value: Value) -> int:
    """What ``ENOENT`` stands for; one for ``errno`` itself, whose number nobody knows; zero for anything else."""
    if not isinstance(value, Initial) or not isinstance(value.place, Global):
        return 0
    name = value.place.name
    return int(getattr(errno, name)) if name in _ERRORS else int(name == "errno")


def names_an_error(value: Value) -> bool:
    """``ERROR_MOD_NOT_FOUND``, ``ENOENT``: whatever its number, an error is not zero."""
    if not isinstance(value, Initial) or not isinstance(value.place, Global):
        return False
    name = value.place.name
    return name.startswith("ERROR_") or name in _ERRORS


@lru_cache(1 << 15)
def describe(place: object) -> str:
    """A place as people write it."""
    if isinstance(place, Local):
        return place.name
    if isinstance(place, Global):
        return place.name.rpartition(":")[2]
    if not isinstance(place, Field):
        return ""
    base = place.base
    if isinstance(base, This):
        outer = ""
    elif isinstance(base, Initial | PlaceAddress):
        outer = describe(base.place)
    else:
        outer = describe(base)
    if not isinstance(place.name, str) or place.name == "*" or place.name.startswith("["):
        return outer
    return f"{outer}.{place.name}" if outer and outer != "this" else place.name


def whose(place: Place) -> tuple[str, str]:
    """A place as people write it, and the file or the class it belongs to; members of two classes are two."""
    start = root(place)
    owner = start.unit if isinstance(start, Global) else start.owner if isinstance(start, This) else ""
    return describe(place), owner


def describe_value(value: Value) -> str:
    """What a value was read from, as people write it; empty when it was not read from a place."""
    return describe(value.place) if isinstance(value, Initial | PlaceAddress) else ""


def is_null(value: Value) -> bool:
    """Whether a value is the null pointer, for sure."""
    return isinstance(value, Constant) and value.value in (None, 0) and not isinstance(value.value, str)


def measures_text(name: str) -> bool:
    """Whether a function of this name counts the characters of a text.

    >>> measures_text("std::strlen"), measures_text("lstrlenW"), measures_text("strcspn")
    (True, True, False)
    """
    return _MEASURES.match(last_word(name)) is not None


def gives_hresult(name: str) -> bool:
    """Whether a function of this name gives an HRESULT, which is zero when it worked.

    >>> gives_hresult("CoCreateInstance"), gives_hresult("LoadLibraryW")
    (True, False)
    """
    return _HRESULT.match(name) is not None


def is_c_library(given: ir.Expression | None) -> bool:
    """Whether what a load is given is the process itself or the C library: their code has run before the load."""
    match uncast(given):
        case ir.Literal(value=value):
            return not value or (isinstance(value, str) and _C_LIBRARY.match(value) is not None)
        case ir.Call(name="ctypes.util.find_library", arguments=(ir.Literal(value="c" | "m"),)):
            return True
        case ir.Name(name="NULL" | "nullptr"):
            return True
        case ir.Operation(operator="||", operands=(first, *_)):  # find_library("c") or "libc.so.6"
            return is_c_library(first)
        case _:
            return False


_MAKES: Final = frozenset({"O_CREAT", "CREATE_ALWAYS", "CREATE_NEW", "OPEN_ALWAYS"})


def makes_file(call: ir.Call) -> bool:
    """Whether a call that opens a file makes it where it is missing: ``O_CREAT``, ``"w"``, ``CREATE_ALWAYS``."""
    modes = [*map(uncast, call.arguments[1:])]
    names = {e.name for mode in modes for e in (mode, *_operands(mode)) if isinstance(e, ir.Name)}
    texts = [e.value for e in modes[:1] if isinstance(e, ir.Literal) and isinstance(e.value, str)]
    return bool(names & _MAKES) or any(text[:1] in {"w", "a"} for text in texts)


def _operands(mode: ir.Expression) -> Iterator[ir.Expression]:
    """The flags that are or-ed together."""
    for operand in mode.operands if isinstance(mode, ir.Operation) else ():
        yield uncast(operand)
        yield from _operands(uncast(operand))


def may_raise(expression: ir.Expression) -> bool:
    """Whether evaluating an expression calls anything; what is too large to look through may."""
    stack = [expression]
    for _ in range(400):
        if not stack:
            return False
        current = stack.pop()
        if isinstance(current, ir.Call):
            return True
        stack.extend(children(current))
    return True
