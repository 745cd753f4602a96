"""What a library gives out with a type: functions, variables, namespaces, callbacks, pointers. Work of ``Library``.

Everything is told to the library's ledger, so that an unload knows of it, and shares the handle's :class:`Life`, so
that it can be closed.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

from loadstone.errors import InvalidPrototype
from loadstone.headers import read_header
from loadstone.headers.types import DataDeclaration, FunctionType, Pointer, Prototype
from loadstone.library.typed import callback as callbacks
from loadstone.library.typed import data as variables
from loadstone.library.typed import function as functions
from loadstone.library.typed.ctypes_types import CtypesTypes
from loadstone.library.typed.declare import DeclaredNames, namespace
from loadstone.library.typed.exact_arguments import guarded
from loadstone.library.typed.function import CallOptions
from loadstone.library.typed.prototype import parse, parse_data, parse_header
from loadstone.quick_dataclass import dataclass

if TYPE_CHECKING:
    from loadstone.headers.types import StructOrUnion
    from loadstone.library.lifetime.symbol import Symbol
    from loadstone.library.typed.life import Life


class TypedHandle(Protocol):
    """What is asked of a library whose names get types: :class:`loadstone.Library` is one."""

    @property
    def life(self) -> Life:
        """Whether what it gives out may be used."""
        ...

    def of_kind(self, name: str, wanted: Literal["function", "variable"], *, dependencies: bool) -> Symbol:
        """The symbol of that name, which must be of that kind."""
        ...

    def is_writable(self, address: int) -> bool:
        """Whether the memory at ``address`` may be written."""
        ...

    def note(self, kind: str, name: str, obj: object, *, closes: bool = True) -> None:
        """Tell the ledger of something that points into the library."""
        ...


__all__ = ["TypedHandle", "callback", "cast", "declare", "function", "plain_function", "types_of", "variable"]


def types_of(library: TypedHandle, records: Mapping[str, StructOrUnion], text: str) -> CtypesTypes:
    """The types of some declarations for that library."""
    return CtypesTypes(records, text, library, library.life, library.note)


def function(
    library: TypedHandle,
    prototype: Prototype | str,
    options: CallOptions,
    types: CtypesTypes | None = None,
    *,
    dependencies: bool = False,
) -> Callable[..., Any]:
    """A typed function of the library; errors as :meth:`Library.function`."""
    parsed = prototype if isinstance(prototype, Prototype) else parse(prototype)
    symbol = library.of_kind(parsed.symbol or parsed.name, "function", dependencies=dependencies)
    made = functions.bind(
        symbol.address,
        parsed,
        owner=library,
        capture_errno=options.errno,
        types=types or types_of(library, parsed.records, parsed.text),
        gil=options.gil,
        encoding=options.encoding,
        out=options.out,
        free=_freeing(library, options.free) if options.free else None,
    )
    library.note("function", symbol.name, made)
    return made


def _freeing(library: TypedHandle, name: str) -> Callable[[int], Any]:
    """The function that frees what the library allocated: its own, or that of a library it needs."""
    made: Callable[[int], Any] = function(library, f"void {name}(void *memory)", CallOptions(), dependencies=True)
    return made


def plain_function(
    library: TypedHandle, name: str, restype: Any, argtypes: Sequence[Any], *, errno: bool, dependencies: bool
) -> Callable[..., Any]:
    """A function with the caller's own ctypes types."""
    symbol = library.of_kind(name, "function", dependencies=dependencies)
    made = guarded(ctypes.CFUNCTYPE(restype, *argtypes, use_errno=errno), name, library.life)(symbol.address)
    made.owner = library
    library.note("function", symbol.name, made)
    bound: Callable[..., Any] = made
    return bound


def variable(
    library: TypedHandle,
    declaration: DataDeclaration | str,
    types: CtypesTypes | None = None,
    *,
    dependencies: bool = False,
) -> Any:
    """A view of a variable of the library; errors as :meth:`Library.data`."""
    parsed = declaration if isinstance(declaration, DataDeclaration) else parse_data(declaration)
    symbol = library.of_kind(parsed.symbol or parsed.name, "variable", dependencies=dependencies)
    view = variables.bind(
        symbol.address,
        parsed,
        library,
        types or types_of(library, parsed.records, parsed.text),
        room=symbol.size,
        writable=library.is_writable(symbol.address),
    )
    library.note("data", symbol.name, view)
    return view


@dataclass(frozen=True, slots=True)
class _Binder:
    """The functions and variables of a library, with the types of one header."""

    library: TypedHandle
    types: CtypesTypes

    def function(self, prototype: Prototype, options: CallOptions) -> Callable[..., Any]:
        return function(self.library, prototype, options, self.types)

    def variable(self, declaration: DataDeclaration) -> Any:
        return variable(self.library, declaration, self.types)

    def __repr__(self) -> str:
        return repr(self.library)


def declare(
    library: TypedHandle,
    header: str,
    options: CallOptions,
    *,
    is_file: bool,
    include: Sequence[str],
    defines: Mapping[str, str | None] | None,
    per_function: Mapping[str, CallOptions],
) -> DeclaredNames:
    """A namespace of everything a header declares; errors as :meth:`Library.declare`."""
    declared = (
        read_header(header, include=include, defines=defines)
        if is_file
        else parse_header(header, include=include, defines=defines)
    )
    types = types_of(library, declared.records, header)
    made = namespace(_Binder(library, types), declared, types, options, per_function)
    library.note("namespace", "declare", made)
    return made


def callback(library: TypedHandle, prototype: str, function: Callable[..., Any], on_error: Any) -> Any:
    """A C function pointer that calls ``function``; errors as :meth:`Library.callback`."""
    parsed = parse(prototype)
    types = types_of(library, parsed.records, parsed.text)
    made = callbacks.make(parsed, function, types=types, on_error=on_error)
    library.note("callback", getattr(function, "__name__", "callback"), made)
    return made


def cast(library: TypedHandle, text: str, value: Any, names: DeclaredNames | None) -> Any:
    """``value`` as a pointer of the type in ``text``; errors as :meth:`Library.cast`."""
    if names is not None:
        _, declared, types, *_ = names.__dict__["_loadstone"]
        kind = declared.types.get(text.removesuffix("*").strip())
        if kind is not None and text.rstrip().endswith("*"):
            return types.cast(Pointer(kind, text.lstrip().startswith("const ")), value)
    parsed = parse(f"void cast({text})")
    kind = parsed.parameters[0].type if parsed.parameters else None
    if not isinstance(kind, Pointer) or isinstance(kind.target, FunctionType):
        raise InvalidPrototype(text=text, reason="it is not a pointer type", advice="write it as in 'int *'")
    known = types_of(library, parsed.records, text)
    return known.cast(kind, value)
