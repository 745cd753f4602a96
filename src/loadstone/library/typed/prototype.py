"""C declarations as text, for this platform: one function, one variable, or a piece of header.

The reading is done by :mod:`loadstone.headers`, without a compiler; conditionals, macros and includes are carried out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from loadstone.errors import InvalidPrototype
from loadstone.headers import read_text
from loadstone.headers.types import (
    Array,
    Complex,
    CType,
    DataDeclaration,
    Declarations,
    Enumeration,
    FunctionParameter,
    FunctionType,
    Integer,
    Pointer,
    Prototype,
    Real,
    StructMember,
    StructOrUnion,
    Void,
)

__all__ = [
    "Array",
    "CType",
    "Complex",
    "DataDeclaration",
    "Declarations",
    "Enumeration",
    "FunctionParameter",
    "FunctionType",
    "Integer",
    "Pointer",
    "Prototype",
    "Real",
    "StructMember",
    "StructOrUnion",
    "Void",
    "parse",
    "parse_data",
    "parse_header",
]


def parse(text: str) -> Prototype:
    """Understand the declaration of one function.

    Args:
        text: such as ``"double cos(double)"``, with or without the final semicolon; structs may be defined before it.

    Raises:
        InvalidPrototype: it is no C, declares no function or several, or is longer than 1 MiB. It says where.

    Pure and thread-safe.

    >>> prototype = parse("int puts(const char *s)")
    >>> prototype.name, str(prototype.parameters[0].type), str(prototype.result)
    ('puts', 'const char *', 'int')
    """
    declared = parse_header(text)
    if len(declared.functions) != 1:
        many = f"{len(declared.functions)} functions" if declared.functions else "no function"
        raise InvalidPrototype(
            text=text, reason=f"it declares {many}", advice="write it as in a header: 'int puts(const char *s)'"
        )
    return next(iter(declared.functions.values()))


def parse_data(text: str) -> DataDeclaration:
    """Understand the declaration of one variable; errors as :func:`parse`.

    >>> str(parse_data("extern char *optarg").type)
    'char *'
    """
    declared = parse_header(text)
    if len(declared.variables) != 1:
        raise InvalidPrototype(
            text=text,
            reason=f"it declares {len(declared.variables) or 'no'} variables",
            advice="write it as in a header: 'int optind'",
        )
    return next(iter(declared.variables.values()))


def parse_header(
    text: str, *, include: Sequence[str] = (), defines: Mapping[str, str | None] | None = None
) -> Declarations:
    r"""Understand a piece of header: functions, variables, structs, unions, enums, typedefs and constants.

    Args:
        text: as in a header file.
        include: directories of ``#include``, before the system's.
        defines: macros that are defined beforehand.

    Raises:
        InvalidPrototype: it is no C, or longer than 1 MiB; with the line and column in ``text``.

    >>> parse_header("#define SEEK_END 2\nenum color { RED, GREEN = 5, BLUE };").constants["BLUE"]
    6
    """
    return read_text(text, include=include, defines=defines)
