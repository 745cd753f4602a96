"""Pointers with types, arrays in memory, and places for out-parameters: what a binding holds instead of ctypes objects.

A :class:`TypedPointer` is never NULL: C's NULL is None. What it points to is C's: it says nothing of how much is there,
or for how long. Once its library is closed it refuses to be used.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from loadstone.headers.types import CType, FunctionType, Integer, Pointer, StructOrUnion, Void
from loadstone.library.typed.life import Address, Life, closed

if TYPE_CHECKING:
    from loadstone.library.typed.ctypes_types import CtypesTypes
    from loadstone.library.typed.memory import Codec

__all__ = ["ArrayView", "Ref", "TypedPointer", "bytes_at", "pointer_class", "ref"]


def bytes_at(address: int, size: int, life: Life, *, const: bool = False) -> Any:
    """``size`` bytes of the process's memory from ``address`` on, as an object that lends them while it is open."""
    if not life.is_open:
        raise closed("memory", life)
    memory = _memory_type(size).from_address(address)
    memory._life_ = life
    if const:
        memory._const_ = True
    return memory


@lru_cache(maxsize=256)
def _memory_type(size: int) -> Any:
    return type("memory", (ctypes.Array,), {"_type_": ctypes.c_char, "_length_": size})


class TypedPointer(Address):
    """An address with a type: ``p[0]``, ``p[i] = v``, ``p.member`` of a struct, ``int(p)``.

    Two are equal when their addresses are. Nobody knows how many items there are: indexes are not checked.
    """

    __slots__ = ()
    __iter__ = None  # it would never end
    __contains__ = None

    kind: ClassVar[Pointer]
    types: ClassVar[CtypesTypes]
    spelled: ClassVar[str]

    def live(self) -> int:
        """The address. Raises Closed when the library has gone."""
        if not self.life.is_open:
            raise closed(f"a pointer ({self.spelled})", self.life)
        return self.address

    def __int__(self) -> int:
        return self.live()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Address) and self.address == other.address

    def __hash__(self) -> int:
        return hash(self.address)

    def __repr__(self) -> str:
        return f"<{self.spelled} {self.address:#x}{'' if self.life.is_open else ', closed'}>"

    def __reduce__(self) -> Any:
        raise TypeError(f"{self!r} cannot be copied or pickled: it is an address in this process")

    def _item(self) -> Codec:
        target = self.kind.target
        if isinstance(target, (Void, FunctionType)) or not self.types.is_complete(target):
            raise TypeError(f"{self.spelled} is opaque: what it points to is not declared")
        return self.types.codec(target)

    def _memory(self, index: int, codec: Codec) -> Any:
        return bytes_at(self.live() + index * codec.size, codec.size, self.life, const=self.kind.const)

    def __getitem__(self, index: int | slice) -> Any:
        codec = self._item()
        if isinstance(index, slice):
            if index.stop is None:
                raise ValueError("a pointer has no end: say where to stop, as in p[0:3]")
            return [self[i] for i in range(index.start or 0, index.stop, index.step or 1)]
        return codec.read(self._memory(index, codec), 0)

    def __setitem__(self, index: int, value: Any) -> None:
        if self.kind.const:
            raise TypeError(f"{self.spelled} is const: what it points to is not to be written")
        codec = self._item()
        kept = codec.write(self._memory(index, codec), 0, value)
        if kept is not None:
            self.types.keep(self.live() + index * codec.size, kept)

    @property
    def contents(self) -> Any:
        """What it points to: ``p[0]``."""
        return self[0]

    @contents.setter
    def contents(self, value: Any) -> None:
        self[0] = value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or not isinstance(self.kind.target, StructOrUnion):
            raise AttributeError(f"{self.spelled} has no {name!r}")
        return getattr(self[0], name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "contents":
            object.__setattr__(self, name, value)
        elif not isinstance(self.kind.target, StructOrUnion):
            raise AttributeError(f"{self.spelled} has no {name!r}")
        elif self.kind.const:
            raise TypeError(f"{self.spelled} is const: what it points to is not to be written")
        else:
            setattr(self[0], name, value)


def pointer_class(kind: Pointer, types: CtypesTypes) -> type[TypedPointer]:
    """The class of pointers of one type."""
    members = {"__slots__": (), "kind": kind, "types": types, "spelled": str(kind)}
    return type(str(kind), (TypedPointer,), members)


class ArrayView:
    """An array where it lies: indexes, slices, iteration, assignment; ``raw`` are its bytes.

    Of ``char`` and wide characters ``value`` is the text up to the first zero.
    """

    __slots__ = ("__weakref__", "_codec", "_const", "_kind", "_length", "_life", "_memory", "_offset", "_types")

    def __init__(
        self, types: CtypesTypes, kind: CType, length: int, memory: Any, offset: int, *, const: bool, life: Life | None
    ) -> None:
        self._types = types
        self._kind = kind
        self._codec = types.codec(kind)
        self._length = length
        self._memory = memory
        self._offset = offset
        self._const = const
        self._life = life

    def _live(self) -> Any:
        if self._life is not None and not self._life.is_open:
            raise closed(f"an array of {self._kind}", self._life)
        return self._memory

    def _writable(self) -> None:
        if self._const:
            raise TypeError("the array is const: it is not to be written")

    @property
    def element(self) -> CType:
        """The type of one item."""
        return self._kind

    @property
    def is_const(self) -> bool:
        return self._const

    @property
    def address(self) -> int:
        """Where it begins."""
        return ctypes.addressof(ctypes.c_char.from_buffer(self._live())) + self._offset

    @property
    def nbytes(self) -> int:
        """Its size in bytes."""
        return self._length * self._codec.size

    @property
    def raw(self) -> bytes:
        """A copy of its bytes."""
        return bytes(memoryview(self._live()).cast("B")[self._offset : self._offset + self.nbytes])

    @property
    def value(self) -> Any:
        """Of characters: the text before the first zero; of anything else a list."""
        if isinstance(self._kind, Integer) and self._kind.is_char:
            return self.raw.partition(b"\0")[0]
        if isinstance(self._kind, Integer) and self._kind.is_wide:
            return "".join(self).partition("\0")[0]
        return list(self)

    @value.setter
    def value(self, new: Any) -> None:
        self._writable()
        whole = self._types.codec_of_array(self._kind, self._length, const=False)
        self._types.keep(self.address, whole.write(self._live(), self._offset, new))

    def __len__(self) -> int:
        return self._length

    def _at(self, index: int) -> int:
        if index < 0:
            index += self._length
        if not 0 <= index < self._length:
            raise IndexError(f"index {index} of an array of {self._length}")
        return self._offset + index * self._codec.size

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._length))]
        return self._codec.read(self._live(), self._at(index))

    def __setitem__(self, index: int | slice, value: Any) -> None:
        self._writable()
        if isinstance(index, slice):
            places = range(*index.indices(self._length))
            values = list(value)
            if len(values) != len(places):
                raise ValueError(f"{len(values)} values for {len(places)} places")
            for place, one in zip(places, values, strict=True):
                self[place] = one
            return
        memory, at = self._live(), self._at(index)
        kept = self._codec.write(memory, at, value)
        if kept is not None:
            self._types.keep(self.address + index * self._codec.size, kept)

    def __bytes__(self) -> bytes:
        return self.raw

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(self._length))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (ArrayView, list, tuple)) and list(self) == list(other)

    __hash__: ClassVar[None] = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{self._kind}[{self._length}]>"

    def __reduce__(self) -> Any:
        raise TypeError(f"{self!r} cannot be copied or pickled: it is memory of this process")


_UNSET: Final = object()


class Ref:
    """A place for one value, given where C wants a pointer to it; ``value`` is what is there.

    It takes the type of the parameter it is first given to; from then on it has that one.
    """

    __slots__ = ("__weakref__", "_first", "_kept", "codec", "kind", "memory")

    def __init__(self, first: Any = _UNSET) -> None:
        self._first = first
        self._kept: object = None
        self.kind: CType | None = None
        self.codec: Codec | None = None
        self.memory: Any = None

    def bound(self, kind: CType, types: CtypesTypes) -> Self:
        """With memory for that type. Raises TypeError when it has memory of another type already."""
        if self.kind is None:
            codec = types.codec(kind)
            memory = ctypes.create_string_buffer(codec.size)
            if self._first is not _UNSET:
                self._kept = codec.write(memory, 0, self._first)  # which may refuse it: then it has no type yet
            self.codec, self.memory, self.kind = codec, memory, kind
        elif str(self.kind) != str(kind):
            raise TypeError(f"a place for {self.kind} is given where C wants one for {kind}")
        return self

    @property
    def address(self) -> int:
        """Where it is, once it has a type."""
        return ctypes.addressof(self.memory)

    @property
    def value(self) -> Any:
        """What is there now; before the first call, what it was made with."""
        if self.codec is None:
            return None if self._first is _UNSET else self._first
        return self.codec.read(self.memory, 0)

    @value.setter
    def value(self, new: Any) -> None:
        if self.codec is None:
            self._first = new
        else:
            self._kept = self.codec.write(self.memory, 0, new)

    def __repr__(self) -> str:
        return f"<ref to {self.kind or 'what it is first given to'}: {self.value!r}>"


def ref(first: Any = _UNSET) -> Ref:
    """Make a place for one value that C writes; after the call, ``.value`` is what is there.

    Args:
        first: what is there before the call; zero by default. A type (``int``) means its zero.
    """
    return Ref(first() if isinstance(first, type) else first)
