"""How many bytes things have: types, elements, arrays."""

from __future__ import annotations

import re
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.mentions import says
from loadstone.review.analyses.words import place_named, uncast
from loadstone.review.rules.amounts import ONE, Amount, UnknownNumber, constant, of_symbol
from loadstone.review.rules.array_rooms import Rooms
from loadstone.review.rules.identities import NamesInSight
from loadstone.review.rules.outside_numbers import bits_of, is_integer
from loadstone.review.rules.room_state import Storage
from loadstone.review.typenames import base_type, element

__all__ = ["CONTAINER", "STRING", "Sizes"]

CONTAINER: Final = re.compile(r"(?:const\s+)?(?:std::)?(?:vector|span)\s*<[^>]*>\s*&?\Z")
STRING: Final = re.compile(r"(?:const\s+)?(?:std::)?(?:w?string(?:_view)?)\s*&?\Z")
_WIDE: Final = re.compile(r"\b(?:wchar_t|WCHAR|TCHAR|OLECHAR)\b")
_WINDOWS: Final = re.compile(r"\b(?:HMODULE|HINSTANCE|LoadLibrary|windows\.h|DWORD)\b")
_POINTER: Final = re.compile(r"\*\s*(?:const|restrict|__restrict)?\s*\Z|\[\]\Z")
_POINTER_BYTES: Final = 8
_POINTER_TYPES: Final = re.compile(r"\b(?:HMODULE|HANDLE|HINSTANCE|FARPROC|LPVOID|PVOID|LPC?W?STR|gpointer)\Z")
_FLOATS: Final = {"float": 4, "double": 8}
_ONE_BYTE: Final = re.compile(r"(?:unsigned |signed )?char|void|CHAR|bool")


class Sizes:
    """The sizes that one function can name. A struct has as many bytes as its ``sizeof``, which nobody knows."""

    def __init__(self, scope: NamesInSight, rooms: Rooms) -> None:
        self.scope = scope
        self.rooms = rooms
        self.wide = 2 if says(scope.unit, _WINDOWS) else 4

    def bytes_of(self, spelled: str) -> Amount | None:
        """The bytes of a type."""
        bare = spelled.strip().removesuffix("&").strip()
        if not bare or "auto" in bare:
            return None
        if _POINTER.search(bare) or _POINTER_TYPES.search(bare):
            return None if bare.endswith("]") else constant(_POINTER_BYTES)
        if "<" in bare:
            return None
        name = base_type(bare)
        if _WIDE.search(name):
            return constant(self.wide)
        if _ONE_BYTE.fullmatch(name):
            return ONE
        if re.search(r"\blong\b|LONG\b", name):
            return None if "long long" not in name else constant(8)
        if name in _FLOATS:
            return constant(_FLOATS[name])
        if is_integer(name):
            return constant(bits_of(name) // 8)
        return of_symbol(UnknownNumber(f"sizeof {name}", 1))

    def pointed(self, spelled: str) -> str:
        """What an element of a pointer, an array or a container is."""
        bare = spelled.strip()
        if bare.endswith("[]"):
            return bare[:-2].strip()
        if CONTAINER.match(bare):
            return element(bare.removesuffix("&").strip())
        stripped = re.sub(r"\s*(?:const|restrict)\s*\Z", "", bare)
        return stripped[:-1].strip() if stripped.endswith("*") else ""

    def sizeof(self, of: ir.Expression) -> Amount | None:
        """What ``sizeof`` of a type or an expression gives."""
        if isinstance(of, ir.Cast):
            return self.bytes_of(of.type)
        bare = uncast(of)
        if isinstance(bare, ir.Literal):
            return constant(len(bare.value) + 1) if isinstance(bare.value, str) else None
        if self.scope.is_array(bare):
            block = self.array(bare)
            return block.room if block is not None else None
        if isinstance(bare, ir.Item) or (isinstance(bare, ir.Operation) and bare.operator == "deref"):
            base = bare.base if isinstance(bare, ir.Item) else bare.operands[0]
            return self.bytes_of(self.pointed(self.scope.type_of(uncast(base))))
        spelled = self.scope.type_of(bare)
        if (
            isinstance(bare, ir.Name) and not spelled
        ):  # sizeof(DWORD): the grammar, which knows no types, sees a variable
            spelled = bare.name
        return self.bytes_of(spelled)

    def array(self, bare: ir.Expression) -> Storage | None:
        """The room of an array, by its declaration."""
        if not self.scope.is_array(bare) and "array<" not in self.scope.type_of(bare):
            return None
        elements = self.rooms.of(bare)
        spelled = self.scope.type_of(bare)
        if elements is None or elements <= 1 or spelled.count("[") > 1:
            return None
        size = self.bytes_of(self.pointed(spelled)) if "array<" not in spelled else None
        if size is None and "array<" in spelled:
            size = self.bytes_of(spelled.partition("<")[2].partition(",")[0])
        room = constant(elements).times(size) if size is not None else None
        return Storage(room, place_named(bare)) if room is not None else None
