"""A header as a namespace: functions, variables, structs, constants, each resolved when first used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from loadstone.headers.spelling import python_name, tag_name
from loadstone.headers.types import (
    CType,
    DataDeclaration,
    Declarations,
    FunctionType,
    NotTaken,
    Pointer,
    PointerConstant,
    Prototype,
    StructOrUnion,
)
from loadstone.library.typed import callback
from loadstone.library.typed.ctypes_types import CtypesTypes
from loadstone.library.typed.function import CallOptions
from loadstone.library.typed.pointers import Ref

__all__ = ["Binder", "DeclaredNames", "NamedType", "namespace"]


class Binder(Protocol):
    """Where a namespace gets its functions and variables from: a library, with the types of the header."""

    def function(self, prototype: Prototype, options: CallOptions) -> Any:
        """The function, bound."""
        ...

    def variable(self, declaration: DataDeclaration) -> Any:
        """A view of the variable."""
        ...


class NamedType:
    """A typedef of a header that is no struct: its size, and values of it.

    Called, it makes one: of a function pointer the callback, of a pointer one to an address, else a place (``ref``).
    """

    __slots__ = ("_types", "kind", "name")

    def __init__(self, name: str, kind: CType, types: CtypesTypes) -> None:
        self.name: str = name
        self.kind: CType = kind
        self._types = types

    @property
    def size(self) -> int:
        """``sizeof``, in bytes."""
        return self._types.layouts.size(self.kind)

    def __call__(self, value: Any = 0, *, on_error: Any = None) -> Any:
        kind = self.kind
        signature = kind.target if isinstance(kind, Pointer) else kind
        if isinstance(signature, FunctionType):
            made = callback.make_of(signature, value, self._types, on_error=on_error)
            self._types.note("callback", getattr(value, "__name__", self.name), made)
            return made
        if isinstance(kind, Pointer):
            return self._types.cast(kind, value)
        return Ref(value).bound(kind, self._types)

    def __or__(self, other: object) -> Any:
        return Any  # in annotations that are looked at while the program runs

    __ror__ = __or__

    def __repr__(self) -> str:
        return f"<typedef {self.kind} {self.name}>"


class _Lazy:
    """A name that is bound when it is first asked for, and then is an attribute like any other."""

    __slots__ = ("_attribute", "_make", "_name")

    def __init__(self, name: str, make: Callable[[Any, str], Any]) -> None:
        self._name = name
        self._attribute = python_name(name)
        self._make = make

    def __get__(self, names: Any, _owner: object = None) -> Any:
        if names is None:
            return self
        made = self._make(names, self._name)
        object.__setattr__(names, self._attribute, made)
        return made


class _Data:
    """A variable of the library: read as a view, written through."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, names: Any, _owner: object = None) -> Any:
        if names is None:
            return self
        views = names._loadstone_views
        view = views.get(self._name)
        return view if view is not None else views.setdefault(self._name, names._loadstone_variable(self._name))

    def __set__(self, names: Any, value: Any) -> None:
        view = self.__get__(names)
        if isinstance(view, Ref) or hasattr(type(view), "value"):
            view.value = value
        else:
            names._loadstone_assign(self._name, view, value)


class DeclaredNames:
    """What a header declares, as attributes. Each namespace is a class of its own, whose names are bound when used.

    Functions, constants and structs stay what they are; a variable is written by assignment; a name the header does not
    have is an AttributeError, to read or to write. Two threads that use a name first at the same time may bind it
    twice; both results are good, and one stays.
    """

    _loadstone: tuple[Binder, Declarations, CtypesTypes, CallOptions, Mapping[str, CallOptions]]
    _loadstone_views: dict[str, Any]

    def __init__(
        self,
        binder: Binder,
        declared: Declarations,
        types: CtypesTypes,
        options: CallOptions,
        per_function: Mapping[str, CallOptions],
    ) -> None:
        # Not through __dict__: one whose dictionary was never asked for is read faster (CPython 3.11 on).
        object.__setattr__(self, "_loadstone", (binder, declared, types, options, per_function))
        object.__setattr__(self, "_loadstone_views", {})

    def __setattr__(self, name: str, value: Any) -> None:
        if not isinstance(type(self).__dict__.get(name), _Data):
            declared: Declarations = self._loadstone[1]
            what = "cannot be assigned: it is not a variable" if name in dir(self) else "is not in the header"
            raise AttributeError(f"{name} {what}; variables are {', '.join(declared.variables) or 'none'}")  # noqa: TRY004
        super().__setattr__(name, value)

    def _loadstone_function(self, name: str) -> Any:
        binder, declared, _, options, per_function = self._loadstone
        prototype = declared.functions[name]
        chosen: CallOptions = per_function.get(name, options)
        return binder.function(prototype, chosen)

    def _loadstone_variable(self, name: str) -> Any:
        binder, declared, *_ = self._loadstone
        return binder.variable(declared.variables[name])

    def _loadstone_assign(self, name: str, view: Any, value: Any) -> None:
        """A struct is written whole."""
        _, declared, types, *_ = self._loadstone
        if "_const_" in view.__dict__:
            raise TypeError(f"{name} cannot be written: it is const")
        types.codec(declared.variables[name].type).write(view, 0, value)

    def _loadstone_constant(self, name: str) -> Any:
        _, declared, types, *_ = self._loadstone
        value = declared.constants[name]
        return types.cast(value.type, value.address) if isinstance(value, PointerConstant) else value

    def _loadstone_type(self, name: str) -> Any:
        _, declared, types, *_ = self._loadstone
        kind = declared.types.get(name) or next(r for r in declared.records.values() if name in (r.tag, _tagged(r)))
        if isinstance(kind, StructOrUnion):
            return types.record(kind) if types.is_complete(kind) else types.pointer(Pointer(kind))
        return NamedType(name, kind, types)

    def _loadstone_refused(self, name: str) -> Any:
        _, declared, *_ = self._loadstone
        found: NotTaken = (
            declared.inline.get(name)
            or declared.macros.get(name)
            or next(one for one in declared.not_taken if one.name == name)
        )
        raise AttributeError(f"{name} is declared at {found.place}, but {found.reason}")

    def __dir__(self) -> list[str]:
        return sorted(type(self).__dict__["_loadstone_names"])

    def __repr__(self) -> str:
        return f"<namespace of {len(dir(self))} names from {self._loadstone[0]!r}>"

    def __reduce__(self) -> Any:
        raise TypeError(f"{self!r} cannot be copied or pickled: it is made of addresses in this process")


def _tagged(record: StructOrUnion) -> str:
    """The name of a struct that it has whatever else is called by its tag."""
    return record.key.replace(" ", "_")


def namespace(
    binder: Binder,
    declared: Declarations,
    types: CtypesTypes,
    options: CallOptions,
    per_function: Mapping[str, CallOptions],
) -> DeclaredNames:
    """Everything ``declared`` has, over the symbols of ``binder``.

    A struct is called by its tag, and by ``struct_tag``, which is the only one where a function has its name too. A
    name that is a word of Python has an underscore behind it.
    """
    refused = [*declared.inline, *declared.macros, *(one.name for one in declared.not_taken if one.name.isidentifier())]
    members: dict[str, Any] = {name: _Lazy(name, DeclaredNames._loadstone_refused) for name in refused}
    records = [r for r in declared.records.values() if not r.tag.startswith("(")]
    tagged = {name: r for r in records for name in (_tagged(r), r.tag)}
    own = [tag_name(r, declared) for r in records if not r.tag.startswith("__")]
    shown = [*own, *declared.types, *declared.constants, *declared.variables, *declared.functions]
    members |= {name: _Lazy(name, DeclaredNames._loadstone_type) for name in [*tagged, *declared.types]}
    members |= {name: _Lazy(name, DeclaredNames._loadstone_constant) for name in declared.constants}
    members |= {name: _Data(name) for name in declared.variables}
    members |= {name: _Lazy(name, DeclaredNames._loadstone_function) for name in declared.functions}
    members |= {python_name(name): made for name, made in members.items() if python_name(name) not in members}
    members["_loadstone_names"] = frozenset(shown)
    kind: Any = type("DeclaredNames", (DeclaredNames,), members)
    made: DeclaredNames = kind(binder, declared, types, options, per_function)
    return made
