"""From what a header declares to the text of a Python module.

The module carries the declarations as C text, and loads the library when a name of it is first used. Functions, structs
and variables are bound then, by ``Library.declare``; for type checkers the same names are declared beside it. Constants
and enums are plain Python. The text depends on the header alone: the same header gives the same bytes.
"""

from __future__ import annotations

import hashlib
import math
import os
import textwrap
from collections.abc import Iterable, Iterator, Mapping

from loadstone.bind.annotations import given, returned
from loadstone.bind.names import class_name, class_names, enum_name, identifier, member_names, unshadowed
from loadstone.errors import Unreadable
from loadstone.headers import read_header, spelling
from loadstone.headers.spelling import python_name
from loadstone.headers.types import (
    CType,
    Declarations,
    Enumeration,
    FunctionType,
    NotTaken,
    Pointer,
    PointerConstant,
    Prototype,
    StructMember,
    StructOrUnion,
)

__all__ = ["GeneratedModule", "binding"]

_WIDTH = 110


class GeneratedModule:
    """A generated module: its ``text``, and what of the header is ``not_taken``."""

    __slots__ = ("not_taken", "text")

    def __init__(self, text: str, not_taken: tuple[NotTaken, ...]) -> None:
        self.text: str = text
        self.not_taken: tuple[NotTaken, ...] = not_taken


def binding(
    path: str,
    library: str,
    version: str | None = None,
    *,
    include: Iterable[str] = (),
    defines: Mapping[str, str | None] | None = None,
) -> GeneratedModule:
    """The Python module for a header.

    Args:
        path: the header file.
        library: the name or path the module loads its functions from.
        version: of the library.
        include: directories of ``#include``, before the system's.
        defines: macros that are defined beforehand.

    Raises:
        Unreadable: there is no such header.
        InvalidPrototype: it never ends.
    """
    declared = read_header(path, include=tuple(include), defines=defines)
    functions = [f for f in declared.functions.values() if not f.type.convention]
    aliases = class_names(declared)
    records = spelling.records_in_order(_kinds(declared, functions), declared.records)
    parts = [
        _head(path, declared, library, version),
        _constants(declared),
        *(_enumeration(e, declared) for e in declared.enumerations if e.alias or e.tag),
        _carried(declared, functions, records),
        _load(library, version),
        _types(declared, functions, records, aliases),
        _not_taken(declared, os.path.dirname(path)),
    ]
    return GeneratedModule("\n\n".join(part for part in parts if part).rstrip() + "\n", declared.not_taken)


def _kinds(declared: Declarations, functions: Iterable[Prototype]) -> Iterator[CType]:
    yield from (f.type for f in functions)
    yield from (v.type for v in declared.variables.values())
    yield from (k for k in declared.types.values() if isinstance(k, StructOrUnion))
    yield from declared.defined


def _hash(files: Iterable[str]) -> str:
    """The digest of all files that belong to the header, by content alone."""
    digest = hashlib.sha256()
    for file in sorted(files, key=lambda path: (os.path.basename(path), path)):
        try:
            with open(file, "rb") as content:
                digest.update(content.read())
        except OSError as error:
            raise Unreadable(path=file, reason=error.strerror or str(error), code=error.errno) from error
    return digest.hexdigest()


def _head(path: str, declared: Declarations, library: str, version: str | None) -> str:
    name = os.path.basename(path)
    enums = {base for e in declared.enumerations if e.alias or e.tag for base in (_base(e),)}
    imports = [f"from enum import {', '.join(sorted(enums))}"] if enums else []
    number = f" {version}" if version else ""
    return "\n".join(
        [
            f'"""{name} as Python, over the library {library}{number}. Made by `loadstone bind`; not to be edited.',
            "",
            "Pointers are checked by their types; C's NULL is None, text is bytes.",
            '"""',
            "",
            "# pyright: reportUnusedClass=false, reportUnusedFunction=false",  # names that begin with _ are C's choice
            "from __future__ import annotations",
            "",
            *imports,
            "from typing import TYPE_CHECKING, Any, Final",
            "",
            "from loadstone import Library",
            "",
            f'HEADER_SHA256: Final = "{_hash(f for f in declared.files if f)}"',
            '"""Of the header and those that belong to it: when it changes, run `loadstone bind` again."""',
        ]
    )


def _constants(declared: Declarations) -> str:
    enumerated = {name for e in declared.enumerations if e.alias or e.tag for name, _ in e.values}
    lines = [
        f"{identifier(name)}: Final = {_literal(value)}"
        for name, value in declared.constants.items()
        if name not in enumerated and not isinstance(value, PointerConstant) and name not in declared.functions
    ]
    return "\n".join(lines)


def _literal(value: object) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    return repr(value)


def _base(enum: Enumeration) -> str:
    """IntFlag for what is or-ed together: several single bits, not just 1 and 2, and nothing beside them."""
    values = [v for _, v in enum.values]
    bits = {v for v in values if v > 0 and v & (v - 1) == 0}
    together = sum(bits)
    flags = len(bits) > 1 and max(bits) > 2 and all(v >= 0 and v & ~together == 0 for v in values)
    sequence = len(set(values)) == max(values, default=0) - min(values, default=0) + 1
    return "IntFlag" if flags and not sequence else "IntEnum"


def _enumeration(enum: Enumeration, declared: Declarations) -> str:
    name = enum_name(enum, declared)
    members = member_names(member for member, _ in enum.values)
    doc = declared.comments.get(f"enum {enum.tag}") or declared.comments.get(name) or ""
    lines = [f"class {name}({_base(enum)}):", *_doc(doc or f"``{enum}``.", 4)]
    lines += [f"    {members[member]} = {value}" for member, value in enum.values]
    lines += [""]
    for member, value in enum.values:
        private = members[member].startswith("_")
        lines.append(f"{identifier(member)}: Final = {name}" + (f"({value})" if private else f".{members[member]}"))
    return "\n" + "\n".join(lines)


def _doc(text: str, indent: int) -> list[str]:
    """A docstring of a C comment: its first paragraph, wrapped, without what would end it."""
    first = " ".join(text.strip().split("\n\n")[0].split())[:600]
    plain = first.replace("\\", "\\\\").replace('"""', "'''").strip()
    if not plain:
        return []
    lines = textwrap.wrap(plain, _WIDTH - indent)
    lines[-1] += " " if lines[-1].endswith('"') else ""
    pad = " " * indent
    if len(lines) == 1:
        return [f'{pad}"""{lines[0]}"""']
    return [f'{pad}"""{lines[0]}', *(f"{pad}{line}" for line in lines[1:]), f'{pad}"""']


def _carried(declared: Declarations, functions: Iterable[Prototype], records: Iterable[StructOrUnion]) -> str:
    """The declarations as C text."""
    lines = [f"{record.key};" for record in records if not record.tag.startswith("(")]
    lines += [spelling.struct(record, declared.records) for record in records if record.members is not None]
    carried = [(name, kind) for name, kind in declared.types.items() if _is_carried(name, kind)]
    lines += [f"typedef {spelling.declaration(kind, name)};" for name, kind in carried]
    lines += [
        f"#define {name} (({spelling.declaration(value.type, '')}){value.address:#x})"
        for name, value in declared.constants.items()
        if isinstance(value, PointerConstant)
    ]
    lines += [spelling.variable(v) for v in declared.variables.values()]
    lines += [spelling.prototype(f) for f in functions]
    body = "\n".join(lines).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return f'_DECLARATIONS: Final = """\n{body}\n"""'


def _is_carried(name: str, kind: CType) -> bool:
    """Whether a typedef is worth a name of the module: of a struct, or of a function pointer."""
    if isinstance(kind, StructOrUnion):
        return name != kind.alias or not kind.tag.startswith("(")
    return isinstance(kind, Pointer) and isinstance(kind.target, FunctionType)


def _load(library: str, version: str | None) -> str:
    arguments = repr(library) if version is None else f"{library!r}, {version!r}"
    return "\n".join(
        [
            f"library: Final = Library({arguments})",
            '"""What the names come from; it is loaded when the first of them is used."""',
            "",
            "_names: Any = None",
            "",
            "",
            "def __getattr__(name: str) -> Any:",
            "    global _names",
            '    if name.startswith("__") and name.endswith("__"):',
            "        raise AttributeError(name)",
            "    if _names is None:",
            "        _names = library.declare(_DECLARATIONS)",
            '    found = getattr(_names, name if hasattr(_names, name) else name.removesuffix("_"))',
            "    if callable(found):",
            "        globals()[name] = found",
            "    return found",
        ]
    )


def _types(
    declared: Declarations,
    functions: Iterable[Prototype],
    records: Iterable[StructOrUnion],
    aliases: Mapping[str, str],
) -> str:
    """What a type checker is told; nothing of it runs."""
    lines = [
        "",
        "if TYPE_CHECKING:",
        "    from loadstone.library import ArrayView, Ref, TypedPointer",
        "    from typing import TypeAlias  # pyright: ignore[reportUnusedImport]",
        "    from typing_extensions import Buffer",
        "",
        "    Memory = Buffer | Ref | TypedPointer | ArrayView",
        "    Callback = Any",
        "",
    ]
    seen: set[str] = set()
    hidden: set[str] = set()
    for record in records:
        name = class_name(record, aliases)
        if name.isidentifier() and name not in seen:
            seen.add(name)
            lines += [*_class(record, name, declared, aliases, hidden), ""]
    lines += [f"    _type_{word}: TypeAlias = {word}" for word in sorted(hidden)]
    for name, kind in declared.types.items():
        if isinstance(kind, Pointer) and isinstance(kind.target, FunctionType) and name not in seen:
            lines.append(f"    {identifier(name)}: Any  # {kind}")
    for name, value in declared.constants.items():
        if isinstance(value, PointerConstant):
            lines.append(f"    {identifier(name)}: Any  # {value.type} {value.address:#x}")
    lines += [f"    {identifier(v.name)}: Any  # {v.type}" for v in declared.variables.values()]
    for function in functions:
        lines += ["", *_signature(function, aliases)]
    return "\n".join(lines)


def _class(
    record: StructOrUnion, name: str, declared: Declarations, aliases: Mapping[str, str], hidden: set[str]
) -> list[str]:
    """A struct; ``hidden`` gets the names of the module that its members hide."""
    doc = declared.comments.get(record.key) or declared.comments.get(name) or ""
    if record.members is None:
        return [f"    class {name}(TypedPointer):", *_doc(doc or f"An opaque ``{record.key}``.", 8)]
    lines = [f"    class {name}:", *_doc(doc or f"``{record}``.", 8)]
    members = {python_name(m.name): returned(m.type, aliases) for m in _flat(record, declared)}
    for member, kind in [*members.items(), ("", "Any")]:
        annotation, words = unshadowed(kind, members)
        hidden |= words
        made = f"        def __init__(self, *values: {annotation}, **members: {annotation}) -> None: ..."
        lines.append(f"        {member}: {annotation}" if member else made)
    return lines


def _flat(record: StructOrUnion, declared: Declarations) -> Iterator[StructMember]:
    """The members that can be named, those of anonymous structs among them."""
    for member in declared.records.get(record.key, record).members or ():
        if member.name:
            yield member
        elif isinstance(member.type, StructOrUnion):
            yield from _flat(member.type, declared)


def _signature(one: Prototype, aliases: Mapping[str, str]) -> list[str]:
    parameters: list[str] = []
    used: set[str] = set()
    for number, parameter in enumerate(one.parameters, 1):
        name = python_name(parameter.name) if parameter.name and parameter.name not in used else f"argument_{number}"
        used.add(name)
        parameters.append(f"{name}: {given(parameter.type, aliases)}")
    parameters += ["/"] if parameters else []
    parameters += ["*more: Any"] if one.variadic else []
    head = f"    def {identifier(one.name)}({', '.join(parameters)}) -> {returned(one.result, aliases)}:"
    if len(head) > _WIDTH + 10:
        inside = "".join(f"        {parameter},\n" for parameter in parameters)
        head = f"    def {identifier(one.name)}(\n{inside}    ) -> {returned(one.result, aliases)}:"
    doc = _doc(one.doc, 8)
    return [head, *doc, "        ..."] if doc else [f"{head} ..."]


def _not_taken(declared: Declarations, folder: str) -> str:
    """What the header has and the module has not, each with file, line and reason."""
    rows = [*declared.not_taken, *declared.inline.values()]
    if not rows:
        return ""
    lines = [f"# {_beside(row.place.file, folder)}:{row.place.line}: {row.name}: {row.reason}" for row in rows]
    return "\n".join(["# Not taken:", *(" ".join(line.split())[:200] for line in lines)])


def _beside(file: str, folder: str) -> str:
    """A file by its path from the header's folder, which is the same wherever that is installed."""
    return os.path.relpath(file, folder or ".") if file else ""
