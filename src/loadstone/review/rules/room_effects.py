"""What calls do to blocks, texts and numbers: reads fill, copies write, other code changes what it can reach."""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Final

from loadstone.review import ir
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement, stores_in
from loadstone.review.analyses.words import last_word, measures_text, place_named, uncast
from loadstone.review.rules.amounts import ONE, ZERO, Amount, constant, least
from loadstone.review.rules.number_origins import LIMITS, READS
from loadstone.review.rules.outside_numbers import is_integer, is_unsigned
from loadstone.review.rules.room_calls import FILLS, GIVES_LENGTH, TEXT_COPIES, TOLD, FillCall
from loadstone.review.rules.room_checks import named
from loadstone.review.rules.room_sizes import CONTAINER, STRING
from loadstone.review.rules.room_state import Known, Storage
from loadstone.review.walk import expressions, kept

if TYPE_CHECKING:
    from loadstone.review.rules.room_values import RoomEvaluator

__all__ = ["CallEffects"]

_ASKS: Final = re.compile(r"(?i)assert|check|expect|require|verify|ensure")
"""Names of functions and macros that ask something of what they are given."""

_FEW: Final = 8
"""How many times the room of an array a size is at most that was computed of it."""

_OF_STREAMS: Final = {"read": FillCall(0, (1,), fails=False)}
"""Methods of streams that fill a block."""


class CallEffects:
    """The calls of one function."""

    def __init__(self, evaluator: RoomEvaluator, own: dict[str, ir.Function]) -> None:
        self.evaluator = evaluator
        self.held = evaluator.held
        self.scope = evaluator.scope
        self.sizes = evaluator.sizes
        self.own = own

    def result(self, call: ir.Call, known: Known) -> Amount | None:
        """The number that a call gives; what it does is done."""
        name = last_word(call.name)
        if measures_text(name) and call.arguments and call.receiver is None:
            return self.held.length(call.arguments[0], known)
        if call.receiver is not None:
            got = self._method(call, name, known)
            if got is not None:
                return got
        if call.receiver is None and not isinstance(call.function, ir.Name):
            self.evaluator.value(call.function, known)
        numbers = [self.evaluator.value(a, known) for a in call.arguments]
        if _ASKS.search(name):
            for number in numbers:
                known.compared(number)
        if name in LIMITS and len(numbers) == 2:
            result = self.held.fresh(
                name, 0 if all(n is not None and least(n, known.ends) is not None for n in numbers) else None
            )
            for number in numbers:
                if number is not None:
                    known.at_most(result.minus(number), 0)
            return result
        fill = FILLS.get(name) if name not in self.own else None
        if call.receiver is not None:
            stream = READS.search(self.scope.type_of(uncast(call.receiver))) is not None
            fill = _OF_STREAMS.get(name) if stream else None
        if fill is not None and len(call.arguments) > max(fill.target, *fill.sizes):
            return self._filled(call, fill, numbers, known)
        told = TOLD.get(name) if name not in self.own else None
        if told is not None and len(call.arguments) > max(told[:2]):
            self._written(call, call.arguments[told[0]], numbers[told[1]], known, wide=told[2], size_only=told[3])
        if name in TEXT_COPIES and len(call.arguments) > 1:
            self._copied(call, name, known)
        own = self.own.get(name) if call.receiver is None or self.scope.function.owner else None
        if own is None and self._is_through(call):
            self._told_others(call, numbers, known)
        self._after(call, own, known)
        if own is not None and is_integer(own.returns):
            result = self.held.fresh(name, 0 if is_unsigned(own.returns) else None)
            if _may_be_missing(own):
                known.odd[next(iter(result.symbols))] = f"{name} gives -1 where it finds nothing"
            return result
        if name in GIVES_LENGTH:
            place = GIVES_LENGTH[name]
            result = self.held.fresh(name, 0)
            limit = numbers[place] if place < len(numbers) else None
            if limit is not None and limit != ZERO:
                known.at_most(result.minus(limit), 0)
                known.attained[next(iter(result.symbols))] = limit
            return result
        return None

    def _method(self, call: ir.Call, name: str, known: Known) -> Amount | None:
        path = place_named(call.receiver)
        spelled = self.scope.type_of(call.receiver)
        if not path or "[]" in path or not (CONTAINER.match(spelled) or STRING.match(spelled)):
            array = self.evaluator.rooms.of(uncast(call.receiver)) if name == "size" and "array<" in spelled else None
            return constant(array) if array is not None else None
        if name in {"size", "length"}:
            return self.held.size_of(path, known)
        if name in {"push_back", "emplace_back"}:
            for argument in call.arguments:
                self.evaluator.value(argument, known)
            size = self.held.size_of(path, known).plus(ONE)
            known.values[f"{path}.size()"] = size
            return ZERO
        if name == "resize" and call.arguments:
            number = self.evaluator.value(call.arguments[0], known)
            known.values[f"{path}.size()"] = number if number is not None else self.held.fresh(f"{path}.size()", 0)
            return ZERO
        if name in {"clear", "pop_back", "erase", "assign", "append", "insert", "swap"}:
            known.values[f"{path}.size()"] = ZERO if name == "clear" else self.held.fresh(f"{path}.size()", 0)
        return None

    def _filled(self, call: ir.Call, fill: FillCall, numbers: list[Amount | None], known: Known) -> Amount | None:
        """A read: as much as it is told is written, and as much may have come."""
        size: Amount | None = ONE
        for place in fill.sizes:
            number = numbers[place]
            size = size.times(number) if size is not None and number is not None else None
        if fill.through:  # told through a pointer
            size = self.held.read(uncast(call.arguments[fill.sizes[0]]), known) if fill.sizes else None
            path = place_named(call.arguments[fill.sizes[0]])
            size = known.values.get(path)
        target = call.arguments[fill.target]
        self._written(call, target, size, known, wide=False, size_only=True)
        self.held.rewritten(place_named(target), known)
        limit = numbers[fill.sizes[-1]] if not fill.through else size
        result = self.held.fresh(last_word(call.name), None if fill.fails else 0)
        symbol = next(iter(result.symbols))
        self._after(call, None, known)
        if limit is not None:
            known.at_most(result.minus(limit), 0)
            known.attained[symbol] = limit
        if fill.fails:
            known.odd[symbol] = f"{last_word(call.name)} gives -1 when it fails"
        if fill.got is not None and fill.got < len(call.arguments):
            known.values[place_named(call.arguments[fill.got])] = result
            return None
        return result

    def _written(
        self, call: ir.Call, target: ir.Expression, size: Amount | None, known: Known, *, wide: bool, size_only: bool
    ) -> None:
        """So many bytes are written to a place."""
        block = self.evaluator.block(target, known)
        if size is not None and wide:
            size = size.times(constant(self.sizes.wide))
        name = last_word(call.name)
        if block is None and size is not None and (name in FILLS or name in GIVES_LENGTH):
            self._told_room(target, size, known)
        if block is not None and size is not None:
            self.evaluator.reached(
                block,
                block.at.plus(size),
                ONE,
                call.line,
                f"{last_word(call.name)} into {named(target)}",
                known,
                write=True,
            )
        if not size_only:
            self.held.rewritten(place_named(target), known)

    def _told_room(self, target: ir.Expression, size: Amount, known: Known) -> None:
        """``recv(fd, out, len, 0)`` of two parameters: the caller says that there is so much room."""
        bare = uncast(target)
        names = {p.name for p in self.scope.function.parameters}
        whole = not size.constant and len(size.parts) == 1 and size.parts[0][1] in {1, self.sizes.wide}
        told = {s.name for s in size.symbols}
        if isinstance(bare, ir.Name) and bare.name in names and whole and len(told) == 1 and told <= names:
            known.blocks.setdefault(bare.name, Storage(size, bare.name))

    def _copied(self, call: ir.Call, name: str, known: Known) -> None:
        """``strcpy``, ``strcat``, ``sprintf``: a text with its end."""
        wide, appends = TEXT_COPIES[name]
        target = call.arguments[0]
        path = place_named(target)
        pieces = self._pieces(call, name)
        total = (known.texts.get(path) if appends else ZERO) if pieces is not None else None
        for piece in pieces or ():
            length = constant(len(piece)) if isinstance(piece, str) else self.held.length(piece, known)
            total = total.plus(length) if total is not None and length is not None else None
        if total is not None:
            size = total.plus(ONE).times(constant(self.sizes.wide if wide else 1))
            self._written(call, target, size, known, wide=False, size_only=True)
        if path and "[]" not in path:
            known.texts[path] = total if total is not None else self.held.fresh(f"strlen({path})", 0)

    def _pieces(self, call: ir.Call, name: str) -> list[str | ir.Expression] | None:
        if not name.endswith("printf"):
            return [call.arguments[1]]
        layout = uncast(call.arguments[1])
        if not isinstance(layout, ir.Literal) or not isinstance(layout.value, str):
            return None
        if set(re.findall(r"%([^s%]|%)", layout.value)):
            return None
        texts = layout.value.split("%s")
        if len(texts) - 1 != len(call.arguments) - 2:
            return None
        found: list[str | ir.Expression] = [texts[0]]
        for argument, text in zip(call.arguments[2:], texts[1:], strict=True):
            found += [argument, text]
        return found

    def _after(self, call: ir.Call, own: ir.Function | None, known: Known) -> None:
        """What a call may have changed."""
        for argument in call.arguments:
            bare = uncast(argument)
            if isinstance(bare, ir.Operation) and bare.operator == "address" and (path := place_named(bare)):
                if "[]" not in path:
                    self.held.forget(path, known)
                    known.values[path] = self.held.fresh(path)
                continue
            path = place_named(bare)
            if own is not None and isinstance(bare, ir.Name) and bare.name in known.texts:
                self.held.rewritten(bare.name, known)
            if f"{path}.size()" in known.values:  # it may be taken by reference
                known.values[f"{path}.size()"] = self.held.fresh(f"{path}.size()", 0)
        if own is not None or self._is_through(call):
            statics = self.scope.statics
            self.held.others_run(known, statics if own is None else statics - _changed(own, self.own))

    def _is_through(self, call: ir.Call) -> bool:
        """Whether what is called is held by a variable or a member."""
        called = uncast(call.function)
        is_held = isinstance(called, ir.Name) and called.name in self.scope.local
        return is_held or isinstance(called, ir.Member | ir.Item | ir.Operation)

    def _told_others(self, call: ir.Call, numbers: list[Amount | None], known: Known) -> None:
        """``api.read(device, page, 2 * PAGE)``: foreign code is told more room than the array beside has.

        The number is taken for a size where it is a few times the room or a power of two: one of milliseconds or of a
        register is neither.
        """
        for target, told in zip(call.arguments, numbers[1:], strict=False):
            array = self.sizes.array(uncast(target)) if self.scope.is_array(uncast(target)) else None
            if array is None or told is None or told.parts or array.room.parts:
                continue
            room, size = array.room.constant, told.constant
            few = size % room == 0 and size // room <= _FEW if room > 1 else False
            if size > room > 1 and (few or size & (size - 1) == 0):
                what = f"{last_word(call.name)} into {named(target)}"
                self.evaluator.reached(array, told, ONE, call.line, what, known)


def _changed(function: ir.Function, own: Mapping[str, ir.Function]) -> AbstractSet[str]:
    """The names that a function stores to or takes the address of, itself or through others of the program."""
    found: set[str] = set()
    todo, done = [function], {id(function)}
    while todo:
        one = todo.pop()
        found |= _stored(one)
        called = (own.get(last_word(c.name)) for c in calls_in(one.body))
        fresh = [c for c in called if c is not None and id(c) not in done]
        done |= {id(c) for c in fresh}
        todo += fresh
    return found


@kept
def _stored(function: ir.Function) -> frozenset[str]:
    parts = (e for e in every_expression(function.body) if isinstance(e, ir.Operation) and e.operator == "address")
    places = [*(s.target for s in stores_in(function.body)), *(e.operands[0] for e in parts if e.operands)]
    return frozenset(e.name for place in places for e in expressions(place) if isinstance(e, ir.Name))


def _may_be_missing(function: ir.Function) -> bool:
    """Whether a function that looks for an index gives -1, and otherwise what it has found."""
    gives = [s.value for s in _returns(function)]
    missing = any(_negated(g) == 1 for g in gives)
    return missing and any(isinstance(uncast(g), ir.Name) for g in gives)


def _returns(function: ir.Function) -> list[ir.Return]:
    return [s for s in every_statement(function.body) if isinstance(s, ir.Return)]


def _negated(expression: ir.Expression | None) -> int | None:
    """``n`` of ``-n``."""
    match uncast(expression):
        case ir.Operation(operator="-", operands=(ir.Literal(value=int(value)),)):
            return value
        case ir.Literal(value=int(value)):
            return -value
    return None
