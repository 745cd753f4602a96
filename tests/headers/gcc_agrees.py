"""What was read from a header, as assertions that gcc holds: constants, sizes, offsets, texts and prototypes."""

from __future__ import annotations

import math
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from loadstone.errors import InvalidPrototype
from loadstone.headers.abi import current
from loadstone.headers.layout import Layouts
from loadstone.headers.spelling import declaration
from loadstone.headers.types import Constant, Declarations

__all__ = ["disagreements"]

# What the types here leave out, since a call does not depend on it: volatile, what a va_list is made of, and that
# _Float32 and its kin are types of their own.
_ALIKE = (
    "-Dvolatile=", "-D__volatile__=", "-D__volatile=", "-D__builtin_va_list=void *",
    "-D_Float32=float", "-D_Float64=double", "-D_Float32x=double", "-D_Float64x=long double",
)  # fmt: skip
_OF_THE_COMPILER = frozenset(("va_list", "__gnuc_va_list", "max_align_t"))


def disagreements(
    compiler: str, path: Path, declared: Declarations, folder: Path, include: Sequence[str] = (), skip: str = "\0"
) -> list[str]:
    """The assertions about ``declared`` that gcc does not hold; names that end with ``skip`` are not asked for."""
    lines = [f'#include "{path}"', "#include <stddef.h>"]
    for name, line in _assertions(declared):
        if not name.endswith(skip):
            lines.append(line)
    (folder / "unit.c").write_text("\n".join(lines))
    words = [
        "-std=gnu2x",
        "-D_GNU_SOURCE",
        "-w",
        "-Wno-implicit-int",
        "-fsyntax-only",
        "-fmax-errors=0",
        *(f"-I{d}" for d in include),
    ]
    command = [compiler, *words, *_ALIKE, str(folder / "unit.c")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return [line for line in done.stderr.splitlines() if "error:" in line]


def _assertions(declared: Declarations) -> Iterator[tuple[str, str]]:
    """A name, and what must hold of it."""
    for name, value in declared.constants.items():
        if condition := _equals(name, value):
            yield name, f'_Static_assert({condition}, "{name}");'
    layouts = Layouts(declared.records, current())
    for name, kind in declared.types.items():
        try:
            size = layouts.size(kind)
        except InvalidPrototype:
            continue
        if name not in _OF_THE_COMPILER:
            yield name, f'_Static_assert(sizeof({name}) == {size}, "{name}");'
    yield from _records(declared, layouts)
    for name, function in declared.functions.items():
        yield name, f"typedef {declaration(function.type, f'type_of_{name}')};"
        yield name, f'_Static_assert(__builtin_types_compatible_p(__typeof__({name}), type_of_{name}), "{name}");'
    for name, variable in declared.variables.items():
        kind_of = f"kind_of_{name}"
        yield name, f"typedef {declaration(variable.type, kind_of, const=variable.const)};"
        yield name, f'_Static_assert(__builtin_types_compatible_p(__typeof__({name}), {kind_of}), "{name}");'


def _records(declared: Declarations, layouts: Layouts) -> Iterator[tuple[str, str]]:
    for record in declared.records.values():
        name = record.alias if record.tag.startswith("(") else record.key
        if not name or name in _OF_THE_COMPILER:
            continue
        layout = layouts.of(record)
        yield name, f'_Static_assert(sizeof({name}) == {layout.size}, "{name}");'
        for spot in layout.spots:
            member = spot.member.name
            if member and spot.member.bits is None:
                told = f'"{name}.{member}"'
                yield member, f"#undef {member}"  # libxml2 has macros called like members
                yield member, f"_Static_assert(offsetof({name}, {member}) == {spot.offset}, {told});"


def _equals(name: str, value: Constant) -> str:
    """The condition that C's ``name`` has this value; empty for what no assertion can hold."""
    match value:
        case float() if math.isnan(value):
            return f"({name}) != ({name})"
        case float() if math.isinf(value):
            return f"({name}) == {'-' if value < 0 else ''}__builtin_inf()"
        case float():
            return f"(double)({name}) == (double){value.hex()}"
        case int():
            suffix = "ULL" if value > 1 << 62 else "LL"
            wanted = f"{value}{suffix}" if value > -(1 << 62) else f"(-{-value - 1}LL - 1)"
            return f"(unsigned long long)({name}) == (unsigned long long){wanted}"
        case bytes():
            text = "".join(f"\\{byte:03o}" for byte in value)
            return f'sizeof({name}) == {len(value) + 1} && !__builtin_memcmp({name}, "{text}", {len(value) + 1})'
    return ""
