"""The calls of a run as this process makes them: functions found, arguments made anew for each input.

Child process only. What an argument is comes from :mod:`loadstone.fuzz.meaning`; here is how it is made in memory.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from loadstone.fuzz import meaning
from loadstone.fuzz.child.arena import GuardedArea
from loadstone.fuzz.child.blocks import BlockTable
from loadstone.fuzz.child.call_stack import CallStack
from loadstone.fuzz.child.deliver import Delivery, delivery_of
from loadstone.fuzz.child.stack import fill_below
from loadstone.fuzz.parts import cut, drawn, pieces, shares
from loadstone.fuzz.plan import Argument, CallPlan

__all__ = ["BoundCall", "InputHolder", "run_sequence"]

_RESULTS: Final = {"int": ctypes.c_int, "pointer": ctypes.c_void_p, "double": ctypes.c_double, "void": None}

_WHOLE_REGISTERS: Final = 6
_REAL_REGISTERS: Final = 8

State = dict[str, int | None]
"""The handles of a run, by slot."""
Maker = Callable[[bytes, int, State], object]
"""Makes an argument of the input, its address and the handles so far."""


class InputHolder(Protocol):
    """Where an input lies while it is called with."""

    def place(self, data: bytes, *, at_start: bool) -> int:
        """Put it there; its address."""


class BoundCall:
    """A call with its function resolved, on ``stack`` where there is one, and a maker for each argument."""

    def __init__(
        self, call: CallPlan, library: ctypes.CDLL, blocks: BlockTable, most: int, stack: CallStack | None = None
    ) -> None:
        self.address: int = ctypes.cast(getattr(library, call.symbol), ctypes.c_void_p).value or 0
        own = stack if stack and stack.top and _in_registers(call) else None
        kinds = [_ctype(a) for a in call.arguments]
        shape = ctypes.CFUNCTYPE(_RESULTS[call.returns], *kinds)
        function = shape(own.entering(self.address) if own else self.address)
        self._fill_stack = own.fill if own else fill_below
        self.call = call
        self.function = function
        self.result: object = None
        self.fill: int | None = None
        self.texts: dict[bytes, ctypes.Array[ctypes.c_char]] = {}
        self.values = meaning.values_of(call)
        self.outs: dict[int, GuardedArea] = {
            v.position: GuardedArea(v.size, blocks) for v in self.values if isinstance(v, meaning.Area)
        }
        self.stored: dict[str, ctypes.c_void_p] = {slot: ctypes.c_void_p() for slot in call.stored}
        self.callback: ctypes._FuncPointer = ctypes.CFUNCTYPE(ctypes.c_int)(lambda *_: 0)
        takers = call.takers if call.delivered else ()
        self.parts: list[Delivery] = [
            delivery_of(call.arguments[position], position, most, blocks) for position in takers
        ]
        self.given: list[int | None] = [None] * len(self.parts)
        self.makers: list[Maker] = [_MAKERS[type(value)](self, value) for value in self.values]
        plain = () if call.repeat or call.into else tuple(self.values)
        shapes: Mapping[tuple[meaning.PassedValue, ...], Callable[[int, int], object]] = {
            (meaning.InputPlace(), meaning.InputSize()): function,
            (meaning.InputPlace(),): lambda address, _: function(address),
            (meaning.InputSize(), meaning.InputPlace()): lambda address, size: function(size, address),
        }
        self.simple: Callable[[int, int], Any] | None = shapes.get(plain)

    def begin(self) -> None:
        """Nothing is left of an earlier run: no handle where one is stored."""
        for cell in self.stored.values():
            cell.value = None
        for part in self.parts:
            part.end()

    def __call__(self, data: bytes, address: int, state: State, *, at_start: bool = False) -> object:
        if self.parts:
            cuttings = cut(data, len(self.parts))
            self.given = [part.give(piece, at_start=at_start) for part, piece in zip(self.parts, cuttings, strict=True)]
        made = [make(data, address, state) for make in self.makers]
        if self.fill is not None:
            self._fill_stack(self.fill)
        self.result = result = self.function(*made)
        for slot, cell in self.stored.items():
            state[slot] = cell.value
        return result


def _in_registers(call: CallPlan) -> bool:
    """Whether no argument is passed on the stack (x86-64 psABI, 3.2.3)."""
    real = sum(argument.real for argument in call.arguments)
    return real <= _REAL_REGISTERS and len(call.arguments) - real <= _WHOLE_REGISTERS


def _ctype(argument: Argument) -> type[ctypes._SimpleCData[int] | ctypes._SimpleCData[float] | ctypes.c_void_p]:
    if argument.carrier == "pointer":
        return ctypes.c_void_p
    made: type[ctypes._SimpleCData[int] | ctypes._SimpleCData[float]] = getattr(ctypes, f"c_{argument.carrier}")
    return made


def _always(value: int | None) -> Maker:
    return lambda _data, _address, _state: value


def _part_place(bound: BoundCall, value: meaning.PartPlace) -> Maker:
    return lambda _data, _address, _state: bound.given[value.part]


def _part_size(bound: BoundCall, value: meaning.PartSize) -> Maker:
    return lambda _data, _address, _state: bound.parts[value.part].size


def _drawn(_bound: BoundCall, value: meaning.Drawn) -> Callable[[bytes, int, State], int]:
    size, signed, position = value.size, value.signed, value.position
    return lambda data, _address, _state: drawn(data, size, signed, position)


def _chosen(bound: BoundCall, value: meaning.Chosen) -> Maker:
    number, values = _drawn(bound, value.by), value.values
    return lambda data, address, state: values[number(data, address, state) % len(values)]


def _text(bound: BoundCall, value: meaning.ConstantText) -> Maker:
    kept = bound.texts.setdefault(value.data, ctypes.create_string_buffer(value.data))
    return _always(ctypes.addressof(kept))


def _area(bound: BoundCall, value: meaning.Area) -> Maker:
    return lambda _data, _address, _state: bound.outs[value.position].cleared()


def _capacity(_bound: BoundCall, value: meaning.Capacity) -> Maker:
    cell = getattr(ctypes, f"c_uint{8 * value.width}")()

    def make(_data: bytes, _address: int, _state: State) -> int:
        cell.value = value.value
        return ctypes.addressof(cell)

    return make


_MAKERS: Final[Mapping[type[meaning.PassedValue], Callable[[BoundCall, Any], Maker]]] = {
    meaning.InputPlace: lambda _bound, _value: lambda _data, address, _state: address,
    meaning.InputSize: lambda _bound, _value: lambda data, _address, _state: len(data),
    meaning.PartPlace: _part_place,
    meaning.PartSize: _part_size,
    meaning.Drawn: _drawn,
    meaning.Chosen: _chosen,
    meaning.ConstantNumber: lambda _bound, value: _always(value.value),
    meaning.ConstantText: _text,
    meaning.Area: _area,
    meaning.Capacity: _capacity,
    meaning.HeldHandle: lambda _bound, value: lambda _data, _address, state: state.get(value.slot),
    meaning.StoredHandle: lambda bound, value: _always(ctypes.addressof(bound.stored[value.slot])),
    meaning.Callback: lambda bound, _value: _always(ctypes.cast(bound.callback, ctypes.c_void_p).value),
}
"""How each kind of value is made for a call."""


def run_sequence(sequence: Sequence[BoundCall], holder: InputHolder, data: bytes, *, at_start: bool) -> object:
    """One run of the whole sequence, and the last result; repeated calls are fed the input in pieces.

    A handle that is NULL ends the run: what takes it was promised a real one.
    """
    address = holder.place(data, at_start=at_start)
    state: State = {}
    result: object = None
    left = iter(shares(data, [bound.call.parts for bound in sequence if bound.call.shares]))
    for bound in sequence:
        bound.begin()
        low, high = next(left) if bound.call.shares else (0, len(data))
        if not bound.call.repeat:
            result = bound(data[low:high], address + low, state, at_start=at_start)
        else:
            for start, stop in pieces(data[low:high], bound.call.parts):
                result = bound(data[low:high][start:stop], address + low + start, state, at_start=at_start)
        if bound.call.into:
            state[bound.call.into] = result if isinstance(result, int) else None
        if None in state.values():
            break
    return result
