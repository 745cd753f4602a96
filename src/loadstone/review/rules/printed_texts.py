"""``sprintf`` and its kin into an array of fixed size, of texts that may be longer than it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.mentions import calls_in
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.rules.own_texts import is_own_text

__all__ = ["declared_room", "printed_without_room"]

_PRINTS: Final = frozenset({"sprintf", "wsprintf", "wsprintfA", "wsprintfW", "_stprintf", "_swprintf", "vswprintf_l"})
"""Functions that print whatever room there is. Source: their manual pages."""

_CONVERSION: Final = re.compile(r"%[-+ #0]*(\*|\d*)(\.(?:\*|\d+))?(?:hh|h|ll|l|I64|I32|j|z|t|L|w)?([a-zA-Z%])")
_DECLARES: Final = re.compile(r"(?<!\bretur)[\w*,]\s*\Z")
"""What stands in a line before the name of an array that it declares."""

_TEXTS: Final = frozenset({"c_str", "data", "GetString", "constData", "toUtf8", "str", "get"})
"""Methods that give the text of an object."""


def printed_without_room(
    unit: ir.Unit, function: ir.Function, arrays: set[str], sized: frozenset[str], measured: set[str]
) -> Iterator[tuple[int, str]]:
    """The calls that print a text of any length into one of the arrays: the line, and what is wrong.

    ``sized`` are the members of any file that are arrays, ``measured`` the places whose length something asks for.
    """
    for call in calls_in(function.body):
        if last_word(call.name) not in _PRINTS or len(call.arguments) < 3:
            continue
        target, layout = place_named(call.arguments[0]), _spelled(call.arguments[1])
        if target.rpartition(".")[2] not in arrays or not isinstance(layout, ir.Literal):
            continue
        text = str(layout.value)
        kinds = [*_takes(text)]
        adds = bool(_CONVERSION.sub("", text)) or sum(kind != "*" for _, kind in kinds) > 1
        for (precision, kind), given in zip(kinds, call.arguments[2:], strict=False):
            source = _text_of(given)
            name = place_named(source)
            if kind not in "sS" or precision or not name or name in measured or _is_macro(source):
                continue
            if is_own_text(unit, function, source) or _fits_entry(unit, source, target, text):
                continue
            own = name.rpartition(".")[2] in arrays | sized
            if not own or (adds and declared_room(unit, name) == declared_room(unit, target) != ""):
                what = f"{last_word(call.name)} prints {name} into {target}, whose size is fixed"
                yield call.line, f"{what}; nothing asks how long it is."
                break


def _takes(layout: str) -> Iterator[tuple[str, str]]:
    """What a layout takes, one for each argument: the precision and the kind; ``*`` for a width or a precision."""
    for width, precision, kind in _CONVERSION.findall(layout):
        if kind != "%":
            yield from [("", "*")] * ((width == "*") + (precision == ".*"))
            yield precision, kind


_LONGEST_NAME: Final = 255
"""The bytes of the longest name in a directory. Source: NAME_MAX in limits.h, readdir(3)."""


def _fits_entry(unit: ir.Unit, source: ir.Expression, target: str, layout: str) -> bool:
    """Whether the name of a directory's entry is printed, and there is room for the longest beside the layout."""
    room = declared_room(unit, target)
    is_entry = isinstance(source, ir.Member) and source.name == "d_name"
    return is_entry and layout.count("%") == 1 and room.isdigit() and int(room) >= _LONGEST_NAME + len(layout)


def _text_of(given: ir.Expression) -> ir.Expression:
    bare = uncast(given)
    while isinstance(bare, ir.Call) and bare.receiver is not None and last_word(bare.name) in _TEXTS:
        bare = uncast(bare.receiver)
    return bare


def _spelled(layout: ir.Expression) -> ir.Expression:
    """A layout without the macro that makes it narrow or wide: ``TEXT("%s")``."""
    bare = uncast(layout)
    return uncast(bare.arguments[0]) if isinstance(bare, ir.Call) and bare.name in _EITHER_WIDTH else bare


_EITHER_WIDTH: Final = frozenset({"TEXT", "_T", "_TEXT", "__TEXT", "OLESTR"})


def _is_macro(source: ir.Expression) -> bool:
    """A name in capitals: its text is in the program."""
    return isinstance(source, ir.Name) and source.name.isupper()


def sized_by_text(unit: ir.Unit, declared: ir.Assign, name: str) -> bool:
    """Whether the length of a text is how large an array is made: ``char copy[strlen(text) + 1];``."""
    return bool(re.search(rf"\b{re.escape(name)}\s*\[[^\]]*len(?:gth)?\s*\(", unit.line_text(declared.line)))


def declared_room(unit: ir.Unit, name: str, function: ir.Function | None = None) -> str:
    """The size of an array as its declaration spells it; empty when there is none, or more than one.

    What ``function`` declares itself goes before what the rest of the file does.
    """
    own = "\n".join(map(unit.line_text, range(function.line, function.end_line + 1))) if function is not None else ""
    return _declared(own, name) or _declared(unit.text, name)


def _declared(text: str, name: str) -> str:
    last = re.escape(name.rpartition(".")[2])
    lines = re.findall(rf"^(.*)\b{last}\s*\[([^\]\n]+)\]\s*[;,=]", text, re.MULTILINE)
    found = {size for before, size in lines if _DECLARES.search(before) and "%" not in size}  # no text[9] = 0;
    return found.pop() if len(found) == 1 else ""
