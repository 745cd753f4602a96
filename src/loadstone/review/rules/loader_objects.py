"""Root objects of Qt's plug-in loaders: whose they are, and as what they are seen.

The loader owns the root object and deletes it when it is unloaded; a smart pointer of the program deletes it as well.
The root is a ``QObject``: where the interface lies in it only ``qobject_cast`` knows. Source: the references of
QPluginLoader::instance and QPluginLoader::unload.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.mentions import every_expression, every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.rules.lookups import word
from loadstone.review.typenames import base_type

__all__ = ["OwnedRoot", "blind_casts", "owned_roots"]

_OWNS: Final = re.compile(r"\A(?:std::)?(?:unique_ptr|shared_ptr|QSharedPointer|QScopedPointer)\b")


@dataclass(frozen=True, slots=True)
class OwnedRoot:
    """A root object that gets a second owner: where the loader gave it, and where it is given to the other."""

    name: str
    given: int
    owned: int
    function: ir.Function


def owned_roots(unit: ir.Unit) -> Iterator[OwnedRoot]:
    """The root objects of a file that are given to smart pointers."""
    members = {m.name: m.type for c in unit.classes for m in c.members}
    for function in unit.functions:
        roots = _roots(function)
        for call in (e for e in every_expression(function.body) if isinstance(e, ir.Call) and len(e.arguments) == 1):
            taken = _OWNS.match(call.name) or (last_word(call.name) == "reset" and _is_owner(call, members, function))
            line = _given(call.arguments[0], roots) if taken else 0
            if line:
                yield OwnedRoot(word(uncast(call.arguments[0])) or "The object", line, call.line, function)


def blind_casts(unit: ir.Unit) -> Iterator[tuple[ir.Function, int, str]]:
    """Casts of a root object to an interface that is no ``QObject``: the function, the line, the type."""
    plain = {c.name for c in unit.classes if not c.bases and c.methods}
    for function in unit.functions:
        roots = _roots(function)
        for cast in (e for e in every_expression(function.body) if isinstance(e, ir.Cast)):
            is_root = word(cast.operand) in roots or _is_instance(cast.operand)
            blind = "reinterpret_cast" in unit.line_text(cast.line) or "_cast<" not in unit.line_text(cast.line)
            if is_root and blind and cast.type.rstrip().endswith("*") and base_type(cast.type) in plain:
                yield function, cast.line, base_type(cast.type)


def _roots(function: ir.Function) -> dict[str, int]:
    """The variables that hold a root object, by whatever type they see it, and the line that gave it."""
    found: dict[str, int] = {}
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and statement.value is not None and not statement.operator:
            line = _given(statement.value, found)
            if line and word(statement.target):
                found[word(statement.target)] = line
    return found


def _given(value: ir.Expression, roots: dict[str, int]) -> int:
    """The line that gave the root object which an expression is; zero when it is none."""
    bare = uncast(value)
    return bare.line if _is_instance(bare) else roots.get(word(bare), 0)


def _is_instance(value: ir.Expression) -> bool:
    bare = uncast(value)
    return isinstance(bare, ir.Call) and bare.name.endswith("QPluginLoader::instance")


def _is_owner(call: ir.Call, members: dict[str, str], function: ir.Function) -> bool:
    """Whether what is reset is a smart pointer with the deleter that it has by itself."""
    types = dict(members)
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and statement.declares:
            types[word(statement.target)] = statement.type
    spelled = types.get(word(call.receiver), "")
    return bool(_OWNS.match(spelled)) and "," not in spelled
