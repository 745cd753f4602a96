"""What a declaration says before it is a type of its own, and the words that begin and qualify one.

Source: ISO C17 6.7; GCC's and Microsoft's extensions.
"""

from __future__ import annotations

from loadstone.headers.attributes import Attributes
from loadstone.headers.tokens import Token
from loadstone.headers.types import CType
from loadstone.quick_dataclass import dataclass

__all__ = ["ATTRIBUTES", "CONST", "QUALIFIERS", "RECORDS", "STORAGE", "DeclaredName", "Specifiers", "Typedef"]

STORAGE = frozenset(
    (
        "typedef", "extern", "static", "inline", "__inline", "__inline__", "_Noreturn", "_Thread_local", "__thread",
        "thread_local", "auto", "register", "constexpr", "noreturn", "__extension__", "__forceinline",
    )
)  # fmt: skip
CONST = frozenset(("const", "__const", "__const__"))
QUALIFIERS = CONST | frozenset(
    (
        "volatile", "__volatile", "__volatile__", "restrict", "__restrict", "__restrict__", "_Nullable", "_Nonnull",
        "__unaligned", "__ptr64", "__ptr32", "_Null_unspecified", "__w64", "__capability",
    )
)  # fmt: skip
ATTRIBUTES = frozenset(
    (
        "__attribute__", "__attribute", "__declspec", "_Alignas", "alignas", "__asm__", "__asm", "asm",
    )
)  # fmt: skip
RECORDS = frozenset(("struct", "union"))


@dataclass(frozen=True, slots=True)
class Typedef:
    """A named type, the alignment an attribute or ``_Atomic`` gave that name (0 for none), and whether it was that."""

    type: CType
    const: bool = False
    align: int = 0
    atomic: bool = False


@dataclass(frozen=True, slots=True)
class Specifiers:
    """What stands before the declarators."""

    type: CType
    storage: frozenset[str]
    const: bool
    attributes: Attributes
    type_align: int = 0
    atomic: bool = False


@dataclass(frozen=True, slots=True)
class DeclaredName:
    """One declarator: its name, empty for none, and its type. ``label`` is the ``asm`` name."""

    name: str
    type: CType
    const: bool
    attributes: Attributes
    label: str = ""
    token: Token | None = None
