"""Attributes of GCC, clang, C23 and Microsoft: what changes a layout or a call is kept or refused, the rest dropped.

Source: GCC's manual, "Attribute Syntax", "Type Attributes", "Function Attributes"; Microsoft's ``__declspec``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loadstone.headers.cursor import Refused
from loadstone.headers.tokens import literal_of
from loadstone.quick_dataclass import dataclass

if TYPE_CHECKING:
    from loadstone.headers.parser import Parser

__all__ = ["CONVENTION_WORDS", "Attributes", "attributes_here", "convention_of"]

_MODES: Final = {
    "QI": 1, "byte": 1, "HI": 2, "SI": 4, "DI": 8, "TI": 16, "word": 0, "pointer": 0, "SF": 4, "DF": 8,
}  # fmt: skip
_REFUSED: Final = frozenset(
    (
        "vector_size", "ext_vector_type", "neon_vector_type", "scalar_storage_order", "address_space",
        "transparent_union", "hardbool", "bitwidth", "matrix_type", "swift_async", "preserve_access_index",
    )
)  # fmt: skip
_CONVENTIONS: Final = frozenset(
    (
        "ms_abi", "sysv_abi", "stdcall", "fastcall", "thiscall", "vectorcall", "cdecl", "regparm", "sseregparm", "pcs",
        "regcall", "pascal", "preserve_all", "preserve_most", "aarch64_vector_pcs", "interrupt", "swiftcall",
    )
)  # fmt: skip
CONVENTION_WORDS: Final = {
    f"{dashes}{word}": word
    for word in ("cdecl", "stdcall", "fastcall", "thiscall", "vectorcall", "regcall", "pascal")
    for dashes in ("__", "_")
} | {"WINAPI": "stdcall", "APIENTRY": "stdcall", "CALLBACK": "stdcall"}
"""Conventions that are written as a word."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """What one place says: ``align`` in bytes (0 for nothing), ``mode`` a size in bytes, ``convention`` a name."""

    packed: bool = False
    align: int = 0
    microsoft: bool | None = None
    mode: int | None = None
    convention: str = ""

    def __or__(self, other: Attributes) -> Attributes:
        if other is _NOTHING:
            return self
        return Attributes(
            self.packed or other.packed,
            max(self.align, other.align),
            other.microsoft if other.microsoft is not None else self.microsoft,
            other.mode if other.mode is not None else self.mode,
            other.convention or self.convention,
        )

    @staticmethod
    def named(name: str, words: list[str], number: int | None, *, pointer: int) -> Attributes:
        """One attribute by its name, the words in its parentheses and the number they come to, None for none.

        Raises:
            ValueError: it changes the layout or the call in a way that is not known here.
        """
        name = name.strip("_") if name.startswith("__") else name
        if name == "packed":
            return Attributes(packed=True)
        if name in ("aligned", "align", "alignas"):
            align = 16 if number is None else number
            if align < 0 or align & (align - 1) or align > 1 << 28:
                raise ValueError(f"an alignment of {align} is not a power of two")
            return Attributes(align=align)
        if name in ("ms_struct", "gcc_struct"):
            return Attributes(microsoft=name == "ms_struct")
        if name == "mode":
            word = words[0].strip("_") if words else ""
            if word not in _MODES:
                raise ValueError(f"the attribute mode({word}) is not supported")
            return Attributes(mode=_MODES[word] or pointer)
        if name in _CONVENTIONS:
            return Attributes(convention=f"{name}({', '.join(words)})" if words else name)
        if name in _REFUSED:
            raise ValueError(f"the attribute {name} changes the layout or the call, and is not supported")
        return _NOTHING


_NOTHING: Final = Attributes()


def convention_of(attributes: Attributes, abi_name: str) -> str:
    """The convention, empty where it is the platform's own: on x86-64 and ARM most words of 32-bit x86 mean nothing."""
    word = attributes.convention.partition("(")[0]
    processor, _, system = abi_name.partition("-")
    own = "ms_abi" if system == "windows" else "sysv_abi"
    ignored = {"stdcall", "fastcall", "thiscall", "cdecl", "pascal", "regparm", "sseregparm"}
    if word in ("cdecl", own) or (processor != "i386" and word in ignored):
        return ""
    return attributes.convention


def attributes_here(parser: Parser) -> tuple[Attributes, str]:
    """Attributes that stand here, and an ``asm`` label among them."""
    made, label = Attributes(), ""
    while True:
        text = parser.peek()
        if text in ("__attribute__", "__attribute"):
            parser.position += 1
            parser.expect("(")
            made |= _listed(parser)
            parser.expect(")")
        elif text == "__declspec":
            parser.position += 1
            made |= _listed(parser)
        elif text in ("_Alignas", "alignas"):
            parser.position += 1
            made |= Attributes.named("aligned", [], _parenthesised(parser), pointer=parser.abi.pointer)
        elif text in ("__asm__", "__asm", "asm"):
            parser.position += 1
            label = _label(parser)
        elif text == "[" and parser.peek(1) == "[":
            parser.position += 1
            made |= _listed(parser, "[", "]")
            parser.expect("]")
        elif text in CONVENTION_WORDS:
            parser.position += 1
            made |= Attributes(convention=CONVENTION_WORDS[text])
        else:
            return made, label


def _listed(parser: Parser, opening: str = "(", closing: str = ")") -> Attributes:
    """``( name, name(words), ... )``, and C23's ``[ name, vendor::name(words) ]``."""
    parser.expect(opening)
    made = Attributes()
    while not parser.take(closing):
        if parser.take(","):
            continue
        token = parser.here()
        name = parser.peek()
        parser.position += 1
        if parser.peek() == ":" and parser.peek(1) == ":":
            name = parser.peek(2)
            parser.position += 3
        words: list[str] = []
        number = None
        if parser.peek() == "(":
            start = parser.position
            if name.strip("_") in ("aligned", "align"):
                number = _parenthesised(parser)
            else:
                parser.skip_balanced()
                words = [t.text for t in parser.tokens[start + 1 : parser.position - 1] if t.text != ","]
        if not name:
            raise parser.unexpected()
        try:
            made |= Attributes.named(name, words, number, pointer=parser.abi.pointer)
        except ValueError as error:
            raise Refused(str(error), token) from error
    return made


def _parenthesised(parser: Parser) -> int:
    """An alignment in parentheses: a number, or a type's."""
    parser.expect("(")
    of_type = parser.starts_type()
    number = parser.layouts().measure(parser.type_name().type)[1] if of_type else parser.number()
    parser.expect(")")
    return number


def _label(parser: Parser) -> str:
    parser.expect("(")
    start = parser.position
    while parser.kind() == "string":
        parser.position += 1
    _, label = literal_of(parser.tokens[start : parser.position])
    parser.expect(")")
    return label.decode(errors="replace") if isinstance(label, bytes) else label
