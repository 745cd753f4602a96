"""Attributes of GCC, clang, C23 and Microsoft: what changes a layout or a call is kept or refused, the rest dropped.

Source: GCC's manual, "Attribute Syntax", "Type Attributes", "Function Attributes"; Microsoft's ``__declspec``.
"""

from __future__ import annotations

from typing import Final

from loadstone.quick_dataclass import dataclass

__all__ = ["CONVENTION_WORDS", "Attributes", "convention_of"]

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
