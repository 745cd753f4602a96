"""A variable of a library, where it lies: read, written, and kept from what its type or its memory forbids."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from loadstone.errors import InvalidPrototype
from loadstone.headers.types import Array, CType, DataDeclaration, Pointer, StructOrUnion
from loadstone.library.typed.ctypes_types import CtypesTypes
from loadstone.library.typed.life import closed
from loadstone.library.typed.pointers import ArrayView, bytes_at
from loadstone.library.typed.records import make_constant

__all__ = ["Variable", "bind"]


class Variable:
    """A number, character or pointer in a library's memory. ``value`` is what is there now, and can be set.

    It compares, converts and counts as its value does; a pointer's items, members and calls go through it.
    """

    __slots__ = ("__weakref__", "_codec", "_const", "_kind", "_memory", "_name", "owner")

    def __init__(self, name: str, kind: CType, memory: Any, types: CtypesTypes, *, const: str, owner: object) -> None:
        self._name = name
        self._kind = kind
        self._memory = memory
        self._codec = types.codec(kind)
        self._const = const
        self.owner: object = owner

    @property
    def kind(self) -> CType:
        """Its type."""
        return self._kind

    def _live(self) -> Any:
        if not self._memory._life_.is_open:
            raise closed(f"the variable {self._name}", self._memory._life_)
        return self._memory

    @property
    def value(self) -> Any:
        return self._codec.read(self._live(), 0)

    @value.setter
    def value(self, new: Any) -> None:
        if self._const:
            raise TypeError(f"{self._name} cannot be written: {self._const}")
        kept = self._codec.write(self._live(), 0, new)
        if kept is not None:
            self._memory._kept_ = kept

    @property
    def contents(self) -> Any:
        """What a pointer points to."""
        return self.value.contents

    def __getitem__(self, index: Any) -> Any:
        return self.value[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        self.value[index] = value

    def __call__(self, *arguments: Any) -> Any:
        function = self.value
        if function is None:
            raise TypeError(f"{self._name} is NULL: there is nothing to call")
        return function(*arguments)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or not isinstance(self._kind, Pointer):
            raise AttributeError(f"{self._kind} {self._name} has no {name!r}")
        return getattr(self.value, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _OWN:
            object.__setattr__(self, name, value)
        elif isinstance(self._kind, Pointer) and isinstance(self._kind.target, StructOrUnion):
            setattr(self.value, name, value)
        else:
            raise AttributeError(f"{self._kind} {self._name} has no {name!r}")

    def __iter__(self) -> Iterator[Any]:
        return iter(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __index__(self) -> int:
        return operator.index(self.value)

    def __float__(self) -> float:
        return float(self.value)

    def __eq__(self, other: object) -> bool:
        return bool(self.value == (other.value if isinstance(other, Variable) else other))

    __hash__: ClassVar[None] = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return str(self.value)

    def __format__(self, spec: str) -> str:
        return format(self.value, spec)

    def __repr__(self) -> str:
        told = repr(self.value) if self._memory._life_.is_open else "closed with its library"
        return f"<{self._kind} {self._name}: {told}>"

    def __reduce__(self) -> Any:
        raise TypeError(f"the variable {self._name} cannot be copied or pickled: it is memory of this process")


_OWN = frozenset((*Variable.__slots__, "value"))


def _forwarded(word: str) -> Callable[[Variable, Any], Any]:
    work = getattr(operator, word, None)

    def apply(self: Variable, other: Any) -> Any:
        assert work is not None
        return work(self.value, other.value if isinstance(other, Variable) else other)

    return apply


def _reversed(word: str) -> Callable[[Variable, Any], Any]:
    work = getattr(operator, word)
    return lambda self, other: work(other, self.value)


for _word in ("add", "sub", "mul", "truediv", "floordiv", "mod", "and_", "or_", "xor", "lshift", "rshift", "pow"):
    setattr(Variable, f"__{_word.rstrip('_')}__", _forwarded(_word))
    setattr(Variable, f"__r{_word.rstrip('_')}__", _reversed(_word))
for _word in ("lt", "le", "gt", "ge"):
    setattr(Variable, f"__{_word}__", _forwarded(_word))


def bind(
    address: int,
    declaration: DataDeclaration,
    owner: object,
    types: CtypesTypes | None = None,
    *,
    room: int = 0,
    writable: bool = True,
) -> Any:
    """The variable at ``address``: ``.value`` of a number or pointer, indexes of an array, members of a struct.

    Reading and writing go to the library's own memory, while the library is loaded.

    Args:
        address: of the variable.
        declaration: its type.
        owner: kept alive by the view: the library.
        types: where structs of several declarations are to be the same class.
        room: the size the library gives it in bytes, 0 when it does not say.
        writable: whether its memory may be written; where not, writing is refused, whatever the declaration says.

    Raises:
        InvalidPrototype: its type is an incomplete struct, or larger than the variable is.
    """
    known = types or CtypesTypes(declaration.records, declaration.text, owner)
    kind = _sized(declaration, known, room)
    size = known.layouts.size(kind)
    if room and size > room:
        raise InvalidPrototype(
            text=declaration.text,
            reason=f"{declaration.name} has {room} bytes in the library, and {kind} has {size}",
            advice="declare it as the library was compiled",
        )
    const = "it is declared const" if declaration.const else "" if writable else "its memory is read-only"
    memory = bytes_at(address, size, known.life, const=bool(const))
    if isinstance(kind, Array):
        return ArrayView(known, kind.element, kind.length or 0, memory, 0, const=bool(const), life=known.life)
    if isinstance(kind, StructOrUnion):
        view = known.record(kind).from_buffer(memory)
        view._life_ = known.life
        if const:
            make_constant(view)
        return view
    return Variable(declaration.name, kind, memory, known, const=const, owner=owner)


def _sized(declaration: DataDeclaration, types: CtypesTypes, room: int) -> CType:
    """The type, with the length of an open array from the size of the variable."""
    kind = declaration.type
    if isinstance(kind, Array) and kind.length is None:
        size = types.layouts.size(kind.element)
        return Array(kind.element, room // size if size else 0, const=kind.const)
    return kind
