"""What each role of an argument means, in one table: the value that is passed, in every rendering of the call.

The child, ``repro.py`` and the exported harness have a row for each kind of value, which says how it is made there;
none of them asks for a role. A new role is a row of :data:`MEANINGS` here, a new kind of value a row in each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from loadstone.fuzz.plan import TAKING, CallPlan, Role

__all__ = [
    "MEANINGS",
    "Area",
    "Callback",
    "Capacity",
    "Chosen",
    "ConstantNumber",
    "ConstantText",
    "Drawn",
    "HeldHandle",
    "InputPlace",
    "InputSize",
    "PartPlace",
    "PartSize",
    "PassedValue",
    "StoredHandle",
    "takes_text",
    "values_of",
]


@dataclass(frozen=True, slots=True)
class InputPlace:
    """The address of the input, or of its piece."""


@dataclass(frozen=True, slots=True)
class InputSize:
    """The bytes of the input, or of its piece."""


@dataclass(frozen=True, slots=True)
class PartPlace:
    """What delivers a part of the input: an address, a path, a stream, a descriptor."""

    part: int


@dataclass(frozen=True, slots=True)
class PartSize:
    """What a length beside that part says."""

    part: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """A number of ``size`` bytes from the input's end, the ``position``-th 8 bytes of it."""

    size: int
    signed: bool
    position: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """One of fixed numbers: the one at a drawn number, modulo how many they are."""

    values: tuple[int, ...]
    by: Drawn


@dataclass(frozen=True, slots=True)
class ConstantNumber:
    """Always the same number."""

    value: int


@dataclass(frozen=True, slots=True)
class ConstantText:
    """The address of always the same text, to which a NUL is added."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Area:
    """The address of ``size`` bytes of 0: the callee writes there. ``position`` tells areas of one call apart."""

    position: int
    size: int


@dataclass(frozen=True, slots=True)
class Capacity:
    """The address of a number of ``width`` bytes that is ``value`` before each call and piece."""

    position: int
    width: int
    value: int


@dataclass(frozen=True, slots=True)
class HeldHandle:
    """The handle in a slot."""

    slot: str


@dataclass(frozen=True, slots=True)
class StoredHandle:
    """The address of a slot, for the callee to store a handle in."""

    slot: str


@dataclass(frozen=True, slots=True)
class Callback:
    """The address of a function that returns 0."""


PassedValue = (
    InputPlace | InputSize | PartPlace | PartSize | Drawn | Chosen | ConstantNumber | ConstantText | Area | Capacity
    | HeldHandle | StoredHandle | Callback
)  # fmt: skip


def values_of(call: CallPlan) -> list[PassedValue]:
    """What a call passes, argument by argument."""
    return [MEANINGS[argument.role](call, position) for position, argument in enumerate(call.arguments)]


def takes_text(calls: Sequence[CallPlan]) -> bool:
    """Whether the whole input is a text: one NUL at its end, no other."""
    return any(a.role is Role.CSTRING for call in calls if not call.delivered for a in call.arguments)


def _input(call: CallPlan, position: int) -> PassedValue:
    return PartPlace(call.takers.index(position)) if call.delivered else InputPlace()


def _length(call: CallPlan, position: int) -> PassedValue:
    argument = call.arguments[position]
    area = call.area_of(argument)
    if area is not None:
        return ConstantNumber(area)
    if call.delivered and argument.of in call.takers:
        return PartSize(call.takers.index(argument.of))
    return InputSize()


def _drawn(call: CallPlan, position: int) -> PassedValue:
    argument = call.arguments[position]
    return Drawn(argument.size, argument.signed, position)


def _chosen(call: CallPlan, position: int) -> PassedValue:
    argument = call.arguments[position]
    return Chosen(argument.values, Drawn(argument.size, signed=False, position=position))


def _constant(call: CallPlan, position: int) -> PassedValue:
    argument = call.arguments[position]
    if argument.text is None:
        return ConstantNumber(argument.value)
    return ConstantText(argument.text.encode("utf-8", "surrogateescape"))  # a command line need not be UTF-8


def _capacity(call: CallPlan, position: int) -> PassedValue:
    argument = call.arguments[position]
    return Capacity(position, argument.size, call.area_of(argument) or 0)


MEANINGS: Final[Mapping[Role, Callable[[CallPlan, int], PassedValue]]] = {
    **dict.fromkeys(TAKING, _input),
    Role.LENGTH_OF: _length,
    Role.INTEGER: _drawn,
    Role.ONE_OF: _chosen,
    Role.CONST: _constant,
    Role.OUT: lambda call, position: Area(position, call.arguments[position].size),
    Role.CAPACITY_OF: _capacity,
    Role.HANDLE: lambda call, position: HeldHandle(call.arguments[position].slot),
    Role.INTO: lambda call, position: StoredHandle(call.arguments[position].slot),
    Role.CALLBACK: lambda _call, _position: Callback(),
}
"""The value behind each role, by the call and the position of the argument in it."""
