"""Copies as long as a text is, into an array of fixed size: the length was measured, and compared with nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import last_word, measures_text, place_named, uncast
from loadstone.review.rules.identities import NamesInSight
from loadstone.review.rules.printed_texts import declared_room
from loadstone.review.typenames import is_text
from loadstone.review.walk import expressions

__all__ = ["copied_by_length"]

_COPIES: Final = frozenset({"memcpy", "memmove", "wmemcpy", "strncpy", "strncat", "mempcpy", "CopyMemory"})
_SPANS: Final = frozenset({"strcspn", "strspn"})
_ORDERS: Final = frozenset({"<", "<=", ">", ">="})
_LIMITS: Final = frozenset({"min", "clamp"})
_TARGET_SOURCE_SIZE: Final = 3


def copied_by_length(names: NamesInSight, known: set[str]) -> Iterator[tuple[int, str]]:
    """The copies of a function whose size is the length of a text that nothing limits: the line, what is wrong.

    ``known`` are the parameters whose texts every caller has measured.
    """
    function = names.function
    copies = [c for c in calls_in(function.body) if last_word(c.name) in _COPIES]
    copies = [c for c in copies if len(c.arguments) == _TARGET_SOURCE_SIZE and names.is_array(c.arguments[0])]
    copies = [c for c in copies if not names.is_array(c.arguments[1])]  # no longer than an array of its own
    copies = [c for c in copies if not _is_made_to_measure(names, c.arguments[0])]
    if not copies:
        return
    limited = {*_limited(function), *known}
    lengths = dict(_lengths(function, names))
    for call in copies:
        text = _measured_by(call.arguments[2], lengths)
        size = place_named(_without_one(call.arguments[2]))
        target = place_named(call.arguments[0])
        if text and text != target and not {text, size} & limited and not text.isupper():
            said = f"{last_word(call.name)} copies all of {text} into {target}, whose size is fixed"
            yield call.line, f"{said}; nothing compares the length with it."


def _is_made_to_measure(names: NamesInSight, target: ir.Expression) -> bool:
    """Whether an array is as large as a variable of the function says: ``char copy[room];``, which is no fixed size."""
    bare = uncast(target)
    if not isinstance(bare, ir.Name) or bare.name not in names.local:
        return False
    room = declared_room(names.unit, bare.name, names.function)
    return bool(set(re.findall(r"[A-Za-z_]\w*", room)) & set(names.local))


def _lengths(function: ir.Function, names: NamesInSight) -> Iterator[tuple[str, str]]:
    """The variables that hold the length of a text and nothing else, each with the text."""
    found: dict[str, set[str]] = {}
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and isinstance(statement.target, ir.Name) and statement.value is not None:
            found.setdefault(statement.target.name, set()).add(_length_of(statement.value, names))
    for name, texts in found.items():
        if len(texts) == 1 and "" not in texts:
            yield name, texts.pop()


def _length_of(value: ir.Expression, names: NamesInSight | None = None) -> str:
    """The text whose length a value is: ``strlen(text)``, ``end - text``; empty for anything else."""
    match _without_one(value):
        case ir.Call(name=name, arguments=(text, *rest)) if measures_text(name) or last_word(name) in _SPANS:
            limited = last_word(name).endswith("nlen") and rest and _is_constant(rest[0])
            return "" if limited else place_named(text)
        case ir.Call(name=name, receiver=text) if text is not None and last_word(name) in {"size", "length"}:
            return place_named(text) if names is None or is_text(names.type_of(text)) else ""
        case ir.Operation(operator="-", operands=(end, start)) if names is not None:
            both = isinstance(uncast(end), ir.Name) and isinstance(uncast(start), ir.Name)
            return place_named(start) if both and "char *" in names.type_of(start) else ""
    return ""


def _measured_by(size: ir.Expression, lengths: dict[str, str]) -> str:
    bare = _without_one(size)
    return lengths.get(bare.name, "") if isinstance(bare, ir.Name) else _length_of(bare)


def _without_one(size: ir.Expression) -> ir.Expression:
    """A length less the one that is added for the end of the text."""
    bare = uncast(size)
    if isinstance(bare, ir.Operation) and bare.operator == "+" and len(bare.operands) == len(("length", "one")):
        first, second = (uncast(o) for o in bare.operands)
        return first if isinstance(second, ir.Literal) else bare
    return bare


def _is_constant(limit: ir.Expression) -> bool:
    bare = uncast(limit)
    sums = isinstance(bare, ir.Operation) and bare.operator in {"-", "+"} and bool(bare.operands)
    if sums and isinstance(bare, ir.Operation):
        return all(map(_is_constant, bare.operands))
    is_size = isinstance(bare, ir.Operation) and bare.operator == "sizeof"
    return is_size or isinstance(bare, ir.Literal) or (isinstance(bare, ir.Name) and bare.name.isupper())


def _limited(function: ir.Function) -> Iterator[str]:
    """The variables and the texts that a function compares with something, or sets to a limit."""
    for part in every_expression(function.body):
        orders = isinstance(part, ir.Operation) and part.operator in _ORDERS and not _is_of_zero(part)
        limits = isinstance(part, ir.Call) and (last_word(part.name).lower() in _LIMITS or _judges(part))
        for inner in expressions(part) if orders or limits else ():
            yield place_named(inner)
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and statement.operator in {"%", "&"}:
            yield place_named(statement.target)


def _is_of_zero(part: ir.Operation) -> bool:
    return any(isinstance(bare := uncast(o), ir.Literal) and not bare.value for o in part.operands)


def _judges(call: ir.Call) -> bool:
    """Whether a call may say that a text is good: ``name_ok(name)``, ``is_valid(name)``."""
    word = last_word(call.name).lower()
    return any(part in word for part in ("valid", "check", "ok", "fits", "accept", "legal", "safe"))
