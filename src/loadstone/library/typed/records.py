"""Structs and unions as classes, laid out as the header says: a member is an attribute, wherever it lies.

The classes are ctypes structures, so that ``ctypes.sizeof`` and everything that takes a ctypes object works; their
ctypes fields are only what stands for them in a call (see ``carriers.py``). ``memory.py`` reads and writes members.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, ClassVar

from loadstone.errors import Closed
from loadstone.headers.layout import Layout, MemberPosition
from loadstone.headers.spelling import python_name
from loadstone.headers.types import Array, Enumeration, Integer, StructOrUnion
from loadstone.library.typed.carriers import stand_in
from loadstone.library.typed.memory import BitField, Codec

if TYPE_CHECKING:
    from loadstone.library.typed.ctypes_types import CtypesTypes

__all__ = ["RecordBase", "close_view", "make_constant", "record_class"]


class RecordBase(ctypes.Structure):
    """What all structs and unions have: members by position or by name, comparison, a readable form."""

    _members_: tuple[str, ...] = ()  # by their names in Python: ``class_`` for a member ``class``

    def __init__(self, /, *values: Any, **named: Any) -> None:
        super().__init__()
        if len(values) > len(self._members_):
            raise TypeError(
                f"{type(self).__name__} has {len(self._members_)} members, and {len(values)} values are given"
            )
        for name, value in zip(self._members_, values, strict=False):
            if name in named:
                raise TypeError(f"two values for {name}")
            setattr(self, name, value)
        for name, value in named.items():
            if name not in self._members_:
                raise TypeError(f"{type(self).__name__} has no member {name}; it has {', '.join(self._members_)}")
            setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._members_ and name not in ("_life_", "_kept_", "_const_"):
            raise AttributeError(f"{type(self).__name__} has no member {name}; it has {', '.join(self._members_)}")
        super().__setattr__(name, value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RecordBase):
            return False
        same = isinstance(self, type(other)) or isinstance(other, type(self))  # a constant one has a class of its own
        return same and bytes(self) == bytes(other)

    __hash__: ClassVar[None] = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._members_)
        return f"{type(self).__name__}({inside})"

    def _close_(self) -> None:
        close_view(self)

    def __reduce__(self) -> Any:
        raise TypeError(f"a {type(self).__name__} cannot be pickled: its pointers are addresses in this process")


class _Attribute:
    """A member of every record of a class."""

    __slots__ = ("codec", "const", "name", "offset")

    def __init__(self, name: str, codec: Codec, offset: int, *, const: bool) -> None:
        self.name = name
        self.codec = codec
        self.offset = offset
        self.const = const

    def __get__(self, record: Any, _owner: object = None) -> Any:
        if record is None:
            return self
        return self.codec.read(record, self.offset)

    def __set__(self, record: Any, value: Any) -> None:
        state = record.__dict__
        if "_const_" in state or (self.const and "_life_" in state):
            raise TypeError(f"the member {self.name} is const: it is not to be written")
        kept = self.codec.write(record, self.offset, value)
        if kept is not None:
            state.setdefault("_kept_", {})[self.offset] = kept


def record_class(kind: StructOrUnion, whole: StructOrUnion, layout: Layout, types: CtypesTypes) -> type[RecordBase]:
    """The class of one struct or union, whole: members that point to it look for it when they are read."""
    name = kind.alias or whole.alias or kind.tag
    fields = stand_in(whole, layout, types.layouts)
    members: dict[str, Any] = {"__doc__": f"{kind}, as declared.", "_pack_": 1, "_layout_": "ms", "_fields_": fields}
    made: Any = type(name, (RecordBase,), members)
    names: list[str] = []
    for spot in layout.spots:
        _add(made, names, spot, 0, types)
    made._members_ = tuple(names)
    made_class: type[RecordBase] = made
    return made_class


def _add(made: type[RecordBase], names: list[str], spot: MemberPosition, base: int, types: CtypesTypes) -> None:
    member = spot.member
    if not member.name and isinstance(member.type, StructOrUnion):
        for inner in types.layouts.of(member.type).spots:
            _add(made, names, inner, base + spot.offset, types)
        return
    if member.bits is not None:
        codec: Codec = _bits(spot)
        position = base
    elif isinstance(member.type, Array):
        codec = types.codec_of_array(member.type.element, member.type.length, const=member.type.const)
        position = base + spot.offset
    else:
        codec = types.codec(member.type)
        position = base + spot.offset
    attribute = _Attribute(member.name, codec, position, const=member.const)
    for name in {member.name, python_name(member.name)}:  # a word of Python is found by getattr() too
        setattr(made, name, attribute)
    names.append(python_name(member.name))


def _bits(spot: MemberPosition) -> BitField:
    kind = spot.member.type
    assert isinstance(kind, (Integer, Enumeration))
    is_bool = isinstance(kind, Integer) and kind.is_bool
    return BitField(
        spot.bit, spot.width, signed=kind.signed, is_bool=is_bool, name=f"{spot.member.name} : {spot.width}"
    )


def make_constant(view: RecordBase) -> None:
    """Let nobody write a struct that C promises not to change.

    It gets a class of its own, below the one it has, so that a pointer through which C may write does not take it
    unseen.
    """
    view._const_ = True
    kind: Any = type(view)
    made = _CONSTANT.get(kind) or _CONSTANT.setdefault(kind, type(kind)(kind.__name__, (kind,), {}))
    object.__setattr__(view, "__class__", made)


_CONSTANT: dict[type, type] = {}


def close_view(view: RecordBase) -> None:
    """Make a struct in a library's memory refuse every use. Views of its members are closed by their own entry."""
    blind = _BLIND.get(type(view))
    if blind is None:

        def refuse(_self: Any, *_: Any) -> Any:
            raise Closed(library="the library", attempted="use a struct", advice="it was closed with its library")

        members = {"__getattribute__": refuse, "__setattr__": refuse, "__repr__": lambda _: "<a struct, closed>"}
        blind = _BLIND[type(view)] = type(f"closed {type(view).__name__}", (type(view),), members)
    _withdraw(view)
    object.__setattr__(view, "__class__", blind)


def _withdraw(view: RecordBase) -> None:
    """Let the view lie in memory of its own: what asks for its bytes past its attributes must not find the library's.

    ctypes keeps where an object lies behind the object's head; that is tried on the view itself before it is relied on.
    PyPy's has a ``_buffer`` for it.
    """
    if "_buffer" in view.__dict__:
        view.__dict__["_buffer"] = type(view)().__dict__["_buffer"]
        return
    place = ctypes.c_void_p.from_address(id(view) + object.__basicsize__)
    if place.value == ctypes.addressof(view):
        own = ctypes.create_string_buffer(ctypes.sizeof(view))
        view.__dict__["_kept_"] = own
        place.value = ctypes.addressof(own)


_BLIND: dict[type, type] = {}
