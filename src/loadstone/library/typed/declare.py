"""A piece of C header as a namespace: functions, variables, structs, constants, each resolved when first used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loadstone.library.typed import data, function
from loadstone.library.typed.ctypes_types import CtypesTypes
from loadstone.library.typed.prototype import Declarations, StructOrUnion, parse_header

if TYPE_CHECKING:
    from loadstone.library.lifetime.symbol import Handle

__all__ = ["DeclaredNames", "namespace"]


class DeclaredNames:
    """What a header declares, as attributes. Everything taken from it keeps it, and so the library, alive.

    Two threads that use a name first at the same time may bind it twice; both results are good.
    """

    def __init__(self, library: Handle, declared: Declarations, text: str) -> None:
        self._library = library
        self._declared = declared
        self._types = CtypesTypes(declared.records, text)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = self._made(name)
        # A struct or a constant stays; a bound function would be a cycle with this object, and is made anew.
        if name in self._declared.constants or isinstance(found, type):
            self.__dict__[name] = found
        return found

    def _made(self, name: str) -> Any:
        declared = self._declared
        if name in declared.functions:
            address = self._library.resolve(name).address
            return function.bind(address, declared.functions[name], owner=self, types=self._types)
        if name in declared.variables:
            return data.bind(self._library.resolve(name).address, declared.variables[name], self, self._types)
        if name in declared.constants:
            return declared.constants[name]
        if name in declared.types:
            return self._types.of(declared.types[name])
        record = next((r for r in declared.records.values() if r.tag == name), None)
        if isinstance(record, StructOrUnion):
            return self._types.of(record)
        raise AttributeError(f"the header declares no {name!r}; it declares {', '.join(dir(self)) or 'nothing'}")

    def __dir__(self) -> list[str]:
        declared = self._declared
        tags = [r.tag for r in declared.records.values() if not r.tag.startswith("(")]
        return sorted({*declared.functions, *declared.variables, *declared.constants, *declared.types, *tags})

    def __repr__(self) -> str:
        return f"<namespace of {len(dir(self))} names from {self._library!r}>"


def namespace(library: Handle, header_text: str) -> DeclaredNames:
    """Everything ``header_text`` declares, over the symbols of ``library``. Errors: those of the parser, at once."""
    return DeclaredNames(library, parse_header(header_text), header_text)
