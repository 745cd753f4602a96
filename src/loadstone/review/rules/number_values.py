"""What number an expression gives, what a call fills, and the places where a number is gone by.

An :class:`Evaluator` goes through the expressions of one function in the order they happen, changes what is known
(:class:`Numbers`), and has every use of a number noted (:class:`Uses`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Protocol

from loadstone.quick_dataclass import replace
from loadstone.review import ir
from loadstone.review.analyses.scanned import scanned
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.rules.array_rooms import rooms_of
from loadstone.review.rules.identities import Thing, names_in_sight
from loadstone.review.rules.number_carriers import Carriers, instantiated, whole_record
from loadstone.review.rules.number_origins import (
    ARGUMENTS,
    CONVERTS,
    FILLS,
    FOREIGN,
    LIMITS,
    METHODS,
    PARSES,
    READ,
    READS,
    RESULT,
    STREAM,
    ReadCall,
)
from loadstone.review.rules.number_sight import Sight
from loadstone.review.rules.number_uses import BYTES, Uses, chain, is_address, is_sizeof, leftmost, whole_of
from loadstone.review.rules.outside_numbers import (
    NumberOrigin,
    Numbers,
    OutsideNumber,
    bits_of,
    combined,
    is_integer,
    is_unsigned,
)
from loadstone.review.typenames import base_type, element, pointee

__all__ = ["Evaluator"]

_COMPARES: Final = frozenset({"<", "<=", ">", ">=", "==", "!=", "&&", "||", "!"})
_NARROW: Final = 32
_ELEMENT: Final = frozenset({"at", "front", "back"})
_KEEPS: Final = frozenset({"push_back", "emplace_back", "push_front", "insert", "emplace", "append", "enqueue", "push"})
"""Methods by which a container takes an element."""


class Refining(Protocol):
    """What is known where a condition holds, or does not; None where it never comes to that."""

    def __call__(self, condition: ir.Expression, state: Numbers, *, truth: bool) -> Numbers | None: ...


class Evaluator:
    """The expressions of one function."""

    def __init__(self, sight: Sight, unit: ir.Unit, function: ir.Function, refine: Refining) -> None:
        self.sight = sight
        self.refine = refine
        self.unit = unit
        self.function = function
        self.scope = names_in_sight(sight.program, unit, function)
        self.rooms = rooms_of(sight.program, unit, function)
        self.uses = Uses(self.scope, self.rooms)
        self.carriers = Carriers(sight, unit, function, self.scope)
        self.calls = self.carriers.calls
        self.stored: dict[tuple[str, Thing], OutsideNumber] = {}
        self.judges: dict[str, tuple[str, ...]] = {}
        self.asked = 0
        """How deep in a comparison the expression lies: what is computed there is not gone by."""

    def values(self, expressions: Iterable[ir.Expression], state: Numbers) -> list[OutsideNumber | None]:
        """The numbers of several, in order."""
        return [self.value(e, state) for e in expressions]

    def value(self, expression: ir.Expression | None, state: Numbers, *, written: bool = False) -> OutsideNumber | None:
        """The number that an expression gives, if it is one that somebody else chose."""
        match expression:
            case None | ir.Literal() | ir.Closure():
                return None
            case ir.Cast(type=spelled, operand=operand):
                return self._cast(spelled, self.value(operand, state))
            case ir.AssignmentExpression(target=target, value=value, operator=operator):
                return self.store(target, value, operator, state, expression.line)
            case ir.Item(base=base, index=index):
                self.value(base, state)
                outside = bool(self.sight.records or state.records) and self.carriers.record_of(base, state) is not None
                self.uses.index(expression, base, self.value(index, state), index, written=written, outside=outside)
                return self._place(expression, state)
            case ir.Member(base=base):
                self.value(base, state)
                return self._place(expression, state)
            case ir.Name():
                return self._place(expression, state)
            case ir.Call():
                return self._call(expression, state)
            case ir.Operation():
                return self._operation(expression, state)
            case ir.Display(items=items):
                self.values(items, state)
        return None

    # Places.

    def _place(self, expression: ir.Expression, state: Numbers) -> OutsideNumber | None:
        path = place_named(expression)
        if not path:
            return None
        if path in state.held:
            return state.held[path]
        spelled = self.scope.type_of(expression)
        if isinstance(expression, ir.Item) and self.unit.language is ir.Language.CPP:
            spelled = spelled.removesuffix("*").removesuffix("[]").rstrip()
        if not (is_integer(spelled) or spelled in self.sight.enums):
            return None
        origin = state.record_of(path) or self.carriers.shared_record(expression)
        if origin is None and isinstance(expression, ir.Member) and self.carriers.is_foreign_type(expression.base):
            origin = NumberOrigin(expression.line, FOREIGN)
        if (
            origin is None
            and isinstance(expression, ir.Member)
            and self.carriers.pointee(whole_record(expression)) in self.sight.viewed_types
        ):
            origin = NumberOrigin(expression.line, READ)
        if origin is None and isinstance(expression, ir.Item) and BYTES.search(self.scope.type_of(expression.base)):
            root = place_named(expression.base)
            origin = NumberOrigin(expression.line, READ) if root in self.sight.bytes_of(self.function) else None
        if origin is None and isinstance(expression, ir.Item) and self.carriers.is_bytes(expression.base):
            origin = NumberOrigin(expression.line, READ)
        thing = self.scope.thing(expression) if isinstance(expression, ir.Member | ir.Name) else None
        if origin is None and thing is not None and (kept := self.carriers.shared_number(thing)) is not None:
            compared = self.sight.is_compared_elsewhere(self.unit, None, thing)
            return None if compared else replace(kept, name=path.replace("[]", ""))
        if thing is None or self.scope.is_local(thing) or origin is None:
            return None if origin is None else self.fresh(path, spelled, origin)
        local = "." in path and "*" not in self.scope.local.get(path.partition(".")[0], "*")
        if not local and self.sight.is_compared_elsewhere(self.unit, self.function, thing):
            return None
        return self.fresh(path, spelled, origin)

    def fresh(self, path: str, spelled: str, origin: NumberOrigin) -> OutsideNumber:
        """A number nobody asked about yet."""
        bits = bits_of(spelled)
        limit = (1 << bits) - 1 if bits <= 16 else None
        return OutsideNumber(path.replace("[]", ""), origin, low=is_unsigned(spelled), bits=bits, limit=limit)

    def _cast(self, spelled: str, number: OutsideNumber | None) -> OutsideNumber | None:
        if number is None or "*" in spelled:
            return None
        if not number.high and not number.low and is_unsigned(spelled):
            number = replace(number, low=True)
        bits = bits_of(spelled)
        signed = is_integer(spelled) and not is_unsigned(spelled) and bits == number.bits == _NARROW
        if signed and number.is_free and number.low and number.limit is None and not number.floor:
            number = replace(number, low=False)  # its upper half is negative now
        if bits < number.bits and bits <= 16:
            return replace(number, bits=bits, limit=(1 << bits) - 1, low=number.low or is_unsigned(spelled))
        return number

    # Stores.

    def store(
        self, target: ir.Expression, value: ir.Expression | None, operator: str, state: Numbers, line: int
    ) -> OutsideNumber | None:
        """``target = value``, ``target += value``."""
        number = self.value(value, state)
        if not isinstance(uncast(target), ir.Name):
            self.value(target, state, written=True)
        path = place_named(target)
        if not operator and "*" in self.scope.type_of(target):  # base + offset is an address, and no number any more
            number = None
        if operator:
            held = state.held.get(path) if path else None
            if operator in {"%", "&", "/", ">>"}:
                number = None if operator in {"%", "&"} else held
            elif (held is not None and operator == "-") or (
                held is not None and not (held.counts or held.origin is None)
            ):
                number = held
            elif number is not None and number.is_free and operator in {"+", "|"}:
                pass  # a sum that somebody else's number went into
            else:
                number = held if operator != "+" or value is None else None
        bare = uncast(value)
        if isinstance(bare, ir.Call) and path and not operator:
            self.judges[path] = self.carriers.asked_by(bare)
        if path:
            spelled = self.scope.type_of(target)
            if number is not None:
                kept = number.name if number.counts else path
                number = replace(self._cast(spelled, number) or number, name=kept.replace("[]", ""))
            if number is not None and number.is_free and not number.counts:
                thing = self.scope.thing(target) if isinstance(target, ir.Name | ir.Member) else None
                if thing is not None and not self.scope.is_local(thing) and thing.owner != "?":
                    self.stored.setdefault(self.sight.home(self.unit, thing), number)
            if number is None and self.carriers.is_view(value, state):
                state.fill(path, NumberOrigin(line, READ))
            elif number is None and not operator and (origin := self.carriers.record_of(value, state)) is not None:
                state.fill(path, NumberOrigin(line, origin.words))
                thing = self.scope.thing(target) if isinstance(target, ir.Name | ir.Member) else None
                if thing is not None and not self.scope.is_local(thing) and thing.owner != "?":
                    self.carriers.records.add(self.sight.home(self.unit, thing))
            elif not operator and path in state.records and isinstance(bare, ir.Display | ir.Literal):
                state.put(path, None)
            elif not operator or path in state.held:
                state.put(path, number)
        return number

    # Operations.

    def _operation(self, expression: ir.Operation, state: Numbers) -> OutsideNumber | None:
        operator, operands = expression.operator, expression.operands
        if operator in {"sizeof", "address"}:
            if operator == "address":
                inner = uncast(operands[0]) if operands else None
                if isinstance(inner, ir.Item):  # one behind the last may be pointed to
                    self.value(inner.base, state)
                    number = self.value(inner.index, state)
                    if number is not None and (number.counts or number.is_free or not number.low):
                        self.uses.index(inner, inner.base, number, inner.index, written=True)
            return None
        if operator == ">>" and len(operands) == 2 and STREAM.search(self.scope.type_of(leftmost(operands[0]))):
            self.value(operands[0], state)
            spelled = self.scope.type_of(operands[1])
            if is_integer(spelled):
                path = place_named(operands[1])
                state.put(path, self.fresh(path, spelled, NumberOrigin(expression.line, READ)))
            return None
        if operator in {"&&", "||"} and len(operands) == 2:
            self.asked += 1
            behind: Numbers | None = state
            for part in chain(expression, operator):
                if behind is None:
                    break
                behind = self.refine(part, behind.copy(), truth=operator == "&&")
            self.asked -= 1
            return None
        if operator in _COMPARES:
            self.asked += 1
            self.values(operands, state)
            self.asked -= 1
            return None
        if operator == "?:" and len(operands) == 3:
            condition, *chosen = operands
            known = [self.refine(condition, state.copy(), truth=truth) for truth in (True, False)]
            given = [self.value(e, s) if s is not None else None for e, s in zip(chosen, known, strict=True)]
            one, other = given
            return one.join(other) if one is not None and other is not None else one or other
        numbers = self.values(operands, state)
        if operator in {"post", "deref"}:
            return self._pointed(operands[0], state) if operator == "deref" else numbers[0]
        if operator == "new":
            if len(numbers) > 1 and numbers[1] is not None:
                self.uses.block(numbers[1], expression.line, "new[]")
            return None
        if len(operands) != 2:
            return numbers[0] if numbers and operator in {"+", "-", ","} else None
        return self._arithmetic(expression, numbers)

    def _arithmetic(self, expression: ir.Operation, numbers: list[OutsideNumber | None]) -> OutsideNumber | None:
        operator, (left, right) = expression.operator, expression.operands
        one, other = numbers
        constants = self.rooms.number(left), self.rooms.number(right)
        if operator == "+" and other is not None and not self.asked:
            self.uses.offset(left, other, expression.line)
        first = one if one is not None and (one.is_free or other is None) else other if other is not None else one
        if first is None:
            return None
        limits = tuple(n.limit if n is not None else c for n, c in zip(numbers, constants, strict=True))
        limit = combined(operator, limits)
        bits = 64 if limit is None or limit >= 1 << 16 else 16
        match operator:
            case "+" | "*" | "<<" | "|" | "^":
                known = [n for n in numbers if n is not None]
                large = limit is None or limit >> _NARROW
                wraps = operator in "+*<<" and bool(large) and self.width(expression) <= _NARROW and first.is_free
                limit = None if wraps else limit
                return replace(
                    first,
                    low=all(n.low for n in known) or wraps,
                    high=all(n.high for n in known) and (operator != "<<" or limit is not None),
                    limit=limit,
                    bits=bits if operator != "|" else max(bits, 32),
                    whole="",
                    wraps=wraps or any(n.wraps for n in known),
                    counts=first.counts and operator == "+",
                )
            case "-" if one is not None:
                under = one.low and not one.floor and one.origin is not None and one.bits > 16
                taken = constants[1] is not None or is_sizeof(right)
                if under and other is None and taken and self.width(expression) >= _NARROW:
                    return replace(one, high=False, limit=None, whole="")
                return replace(one, low=one.low, limit=limit, whole="")
            case "/" | ">>" if one is not None:
                return replace(one, limit=limit, whole="")
            case "&" | "%":
                most = constants[1] if constants[1] is not None else constants[0]
                if most is None:
                    return None
                return replace(first, low=True, high=True, limit=most if operator == "&" else most - 1, whole="")
        return None

    def width(self, expression: ir.Expression) -> int:
        """The bits in which an expression is computed, 64 where that is not known."""
        match expression:
            case ir.Cast(type=spelled):
                return bits_of(spelled)
            case ir.Literal(value=int(value)):
                return 32 if value < 1 << 32 else 64
            case ir.Operation(operator="+" | "-" | "*" | "|" | "&", operands=operands):
                return max(32, *map(self.width, operands))
            case ir.Operation(operator="<<" | "post", operands=(first, *_)):
                return max(32, self.width(first))
            case ir.Name() | ir.Member() | ir.Item():
                spelled = self.scope.type_of(expression)
                if not spelled and isinstance(expression, ir.Name) and self.rooms.number(expression) is not None:
                    return 32
                return bits_of(spelled) if is_integer(spelled) else 64
            case ir.Call(name=name):
                known = self.sight.find(self.unit, last_word(name))
                return bits_of(known.returns) if known is not None and is_integer(known.returns) else 64
        return 64

    def _pointed(self, operand: ir.Expression, state: Numbers) -> OutsideNumber | None:
        """``*(const uint32_t *)(bytes + 4)``, ``*out``, ``*p++`` of a reader's own pointer."""
        if isinstance(operand, ir.Operation) and operand.operator == "post":
            stepped = operand.operands[0]
            place = stepped.target if isinstance(stepped, ir.AssignmentExpression) else stepped
            if self.carriers.is_bytes(place):
                return self.fresh(place_named(place), "uint8_t", NumberOrigin(operand.line, READ))
            return None
        if isinstance(operand, ir.Cast) and "*" in operand.type:
            spelled = operand.type.rpartition("*")[0]
            bare = uncast(operand)
            first = uncast(bare.operands[0]) if isinstance(bare, ir.Operation) and bare.operator == "+" else bare
            root = place_named(first)
            outside = root and (state.record_of(root) is not None or root in self.sight.bytes_of(self.function))
            if outside and is_integer(spelled):
                return self.fresh(root, spelled, NumberOrigin(operand.line, READ))
            return None
        return self._place(operand, state) if isinstance(operand, ir.Name | ir.Member) else None

    # Calls.

    def _call(self, call: ir.Call, state: Numbers) -> OutsideNumber | None:
        name = last_word(call.name)
        if call.receiver is not None:
            self.value(call.receiver, state)
        elif not isinstance(call.function, ir.Name | ir.Member):
            self.value(call.function, state)
        numbers = [None if is_address(a) and not self.value(a, state) else self.value(a, state) for a in call.arguments]
        known = self._called(call, name)
        foreign = known is None and self.carriers.is_foreign(call)
        self.uses.gone_by(call, name, numbers, self._fill_of(call, name), foreign=foreign)
        if LIMITS & {name}:
            bounded = [n for n in numbers if n is not None]
            return replace(bounded[0], high=True, limit=None, whole="") if bounded else None
        if CONVERTS.match(name):
            given = call.arguments[0] if call.arguments else None
            got = numbers[0] if numbers else None
            if given is not None and (is_address(given) or BYTES.search(self.scope.type_of(leftmost(given)))):
                got = None  # the bytes there, and not the number that led there
            if got is None and given is not None and name.startswith(("qFrom", "ntoh")):
                bits = "uint16_t" if "16" in name or name == "ntohs" else "uint32_t"
                return self.fresh(place_named(given) or name, bits, NumberOrigin(call.line, READ))
            return got
        if PARSES.match(call.name) and call.arguments and not isinstance(uncast(call.arguments[0]), ir.Literal):
            spelled = "size_t" if re.search(r"tou|stou", name) else "long" if "l" in name[3:] else "int"
            return self.fresh(name, spelled, NumberOrigin(call.line, ARGUMENTS))
        if self.carriers.is_parsed(call):
            return self.fresh(name, "unsigned" if "U" in name else "int", NumberOrigin(call.line, ARGUMENTS))
        fill = None if foreign else self._fill_of(call, name)
        if fill is not None and len(call.arguments) > max((fill.target, *fill.sizes)) and known is None:
            return self._filled(call, fill, state)
        if (filled := scanned(call)) is not None:
            for one in (f for f in filled if f.kind != "n"):  # how far the text was read, it does not say
                self._given(one.target, state, NumberOrigin(call.line, READ))
            return None
        if name in {"memcpy", "memmove"} and len(call.arguments) > 1:
            source = place_named(call.arguments[1]) or place_named(leftmost(call.arguments[1]))
            outside = source in self.sight.bytes_of(self.function) or state.record_of(source) is not None
            if outside or self.carriers.is_bytes(call.arguments[1]):
                self._given(call.arguments[0], state, NumberOrigin(call.line, READ))
            return None
        if known is not None:
            return self._own(call, known, numbers, state)
        if foreign:
            for argument in call.arguments:
                if is_address(argument) or self.sight.is_data(self.scope.type_of(uncast(argument))):
                    self._given(argument, state, NumberOrigin(call.line, FOREIGN))
            return OutsideNumber(name, NumberOrigin(call.line, FOREIGN), low=False)
        if name in _ELEMENT and call.receiver is not None and is_integer(element(self.scope.type_of(call.receiver))):
            origin = self.carriers.record_of(call.receiver, state)
            path = place_named(call.receiver)
            return self.fresh(path, element(self.scope.type_of(call.receiver)), origin) if origin is not None else None
        if name in _KEEPS and call.receiver is not None:
            for argument in call.arguments:
                self._kept(call.receiver, argument, state)
        for argument in call.arguments:  # who knows what it puts there
            if is_address(argument) and (path := place_named(argument)) in state.held:
                state.put(path, None)
        return None

    def _called(self, call: ir.Call, name: str) -> ir.Function | None:
        """The function of the program that a call means: of the class of what it is called on, where that is known."""
        if call.receiver is None:
            own = self.sight.method(self.unit, last_word(self.function.owner), name) if self.function.owner else None
            return own or self.sight.find(self.unit, name)
        spelled = self.scope.type_of(uncast(call.receiver))
        owner = last_word(base_type(pointee(spelled)))
        method = self.sight.method(self.unit, owner, name)
        return method or (self.sight.find(self.unit, name) if self.function.owner else None)

    def _kept(self, container: ir.Expression, argument: ir.Expression, state: Numbers) -> None:
        """A container takes a record of somebody else, or one that is put together of such numbers."""
        made = self.value(argument, state) if isinstance(uncast(argument), ir.Call | ir.Name) else None
        origin = made.origin if made is not None and made.is_free and not made.counts else None
        origin = origin or self.carriers.record_of(argument, state)
        path = place_named(container)
        if origin is not None and path:
            state.fill(path, origin)
            thing = self.scope.thing(container) if isinstance(container, ir.Name | ir.Member) else None
            if thing is not None and not self.scope.is_local(thing) and thing.owner != "?":
                self.carriers.records.add(self.sight.home(self.unit, thing))
        bare = uncast(argument)
        if not isinstance(bare, ir.Display) or any(bare.keys):
            return
        owner = last_word(base_type(element(self.scope.type_of(container))))
        for member, item in zip(self.scope.members.get(owner, ()), bare.items, strict=False):
            number = self.value(item, state)
            if number is not None and number.is_free and not number.counts:
                self.stored.setdefault(self.sight.home(self.unit, Thing(member, owner)), number)

    def _fill_of(self, call: ir.Call, name: str) -> ReadCall | None:
        """What a call fills: a function of the system, or a method of a stream."""
        if call.receiver is None:
            return FILLS.get(name)
        if self.unit.language is not ir.Language.CPP or not READS.search(self.scope.type_of(uncast(call.receiver))):
            return None
        return METHODS.get(name) or FILLS.get(name)

    def _filled(self, call: ir.Call, fill: ReadCall, state: Numbers) -> OutsideNumber | None:
        target = call.arguments[fill.target]
        self._given(target, state, NumberOrigin(call.line, READ))
        path = place_named(target)
        sizes = [call.arguments[n] for n in fill.sizes]
        whole = path if any(whole_of(s) == path != "" for s in sizes) else ""
        limits = [self.rooms.number(s) for s in sizes]
        limit = None if None in limits or whole else limits[0] * (limits[1] if len(limits) > 1 else 1)  # type: ignore[operator]
        result = OutsideNumber(
            path, NumberOrigin(call.line, RESULT), low=not fill.signed, high=True, whole=whole, limit=limit
        )
        if fill.got is not None and len(call.arguments) > fill.got:
            got = place_named(call.arguments[fill.got])
            state.put(got, replace(result, name=got))
            return None
        return result

    def _given(self, argument: ir.Expression, state: Numbers, origin: NumberOrigin) -> None:
        """What is filled through an argument: a number, a record, or the bytes of an array."""
        bare = uncast(argument)
        place = uncast(bare.operands[0]) if is_address(bare) else bare  # type: ignore[union-attr]
        path = place_named(place) or place_named(leftmost(place))
        spelled = self.scope.type_of(place)
        if is_integer(spelled):
            state.put(path, self.fresh(path, spelled, origin))
        elif path:
            state.fill(path, origin)

    def _own(
        self, call: ir.Call, known: ir.Function, numbers: list[OutsideNumber | None], state: Numbers
    ) -> OutsideNumber | None:
        given: list[object] = []
        for argument, number in zip(call.arguments, numbers, strict=True):
            path = place_named(argument)
            inside = {p[len(path) :]: n for p, n in state.held.items() if path and p.startswith(f"{path}.")}
            origin = state.record_of(path) if path else None
            given.append(number if number is not None else (origin, inside) if origin or any(inside.values()) else None)
        self.calls[id(call)] = (known, tuple(given))
        summary = self.sight.summaries.get(id(known))
        if summary is None:
            return None
        made = instantiated(known, call)
        if summary.record is not None and is_integer(made):
            return self.fresh(last_word(known.name), made, NumberOrigin(call.line, summary.record.words))
        for index, filled in summary.fills.items():
            path = place_named(call.arguments[index]) if index < len(call.arguments) else ""
            for rest, what in filled.items() if path else ():
                if isinstance(what, NumberOrigin):
                    state.fill(path + rest, NumberOrigin(call.line, what.words))
                else:
                    state.put(path + rest, replace(what, name=path + rest) if what is not None else None)
        return summary.gives
