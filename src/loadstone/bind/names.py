"""C's names as Python's: what a module may call its functions, classes, parameters and enumerators.

C has a space of names for tags and one for everything else, and reserves other words. So a name that Python or the
module itself needs gets an underscore behind it, and a tag that is a function's name too says what it is:
``struct_stat``. The names that a header gets do not depend on the Python that writes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from loadstone.headers.spelling import name_of, python_name, tag_name
from loadstone.headers.types import Declarations, Enumeration, StructOrUnion

__all__ = ["class_name", "class_names", "enum_name", "identifier", "member_names", "unshadowed"]

# What a generated module imports, defines or calls.
_OF_THE_MODULE: Final = frozenset((
    "Any", "ArrayView", "AttributeError", "Buffer", "Callback", "Final", "HEADER_SHA256", "IntEnum", "IntFlag",
    "Library", "Memory", "Ref", "TYPE_CHECKING", "TypeAlias", "TypedPointer", "_DECLARATIONS", "_names", "annotations",
    "bool", "bytes", "callable", "complex", "float", "getattr", "globals", "hasattr", "int", "library", "str",
))  # fmt: skip
# What classes derived from int and Enum have, of any version.
_OF_ENUMS: Final = frozenset((
    "as_integer_ratio", "bit_count", "bit_length", "conjugate", "denominator", "from_bytes", "imag", "is_integer",
    "mro", "name", "numerator", "real", "to_bytes", "value",
))  # fmt: skip
_WORD: Final = re.compile(r"[^\W\d]\w*")


def identifier(name: str) -> str:
    """A name of the header as one of the module."""
    is_pythons = name.startswith("__") and name.endswith("__")  # what it means is not ours to say
    return f"{name}_" if name in _OF_THE_MODULE or is_pythons else python_name(name)


def class_names(declared: Declarations) -> Mapping[str, str]:
    """The class of every struct that is not called by its tag, by ``kind tag``: by its first typedef, or by both."""
    found = {r.key: tag_name(r, declared) for r in declared.records.values() if tag_name(r, declared) != r.tag}
    for name, kind in declared.types.items():
        if isinstance(kind, StructOrUnion):
            found.setdefault(kind.key, name)
    return found


def class_name(record: StructOrUnion, names: Mapping[str, str]) -> str:
    """What a struct is called in the module: its typedef where it has one, else its tag."""
    return identifier(record.alias or names.get(record.key) or name_of(record).rpartition(" ")[2])


def enum_name(enum: Enumeration, declared: Declarations) -> str:
    """What an enum is called in the module."""
    return identifier(enum.alias or tag_name(enum, declared))


def member_names(names: Iterable[str]) -> dict[str, str]:
    """The enumerators by their C names, as an enum can hold them: ``__x`` and ``_x_`` mean something else there."""
    found: dict[str, str] = {}
    for name in names:
        made = python_name(name)
        inner = name.strip("_")
        if inner and (name.startswith("__") or (name[0] == name[-1] == "_")):
            made = python_name(inner) if inner[0].isalpha() else f"_{inner}"
        while made in _OF_ENUMS or made in found.values():
            made += "_"
        found[name] = made
    return found


def unshadowed(annotation: str, members: Iterable[str]) -> tuple[str, set[str]]:
    """The annotation for a class body where ``members`` hide names of the module, and which it needs by another name.

    >>> unshadowed("bytes | None", ["bytes"])
    ('_type_bytes | None', {'bytes'})
    """
    hidden = set(_WORD.findall(annotation)) & set(members)
    return _WORD.sub(lambda word: f"_type_{word[0]}" if word[0] in hidden else word[0], annotation), hidden
