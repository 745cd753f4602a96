"""What amount an expression gives, what a call does to blocks and texts, and every place that a number leads to.

A :class:`RoomEvaluator` goes through the expressions of one function in their order. Where an element is reached or
bytes are written, it asks whether that place is inside the block, and notes what is not (:class:`OutOfRoom`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from loadstone.quick_dataclass import replace
from loadstone.review import ir
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.rules.amounts import ONE, ZERO, Amount, constant, least, most
from loadstone.review.rules.array_rooms import Rooms
from loadstone.review.rules.identities import NamesInSight, Thing
from loadstone.review.rules.outside_numbers import bits_of, is_integer, is_unsigned
from loadstone.review.rules.room_calls import BLOCKS
from loadstone.review.rules.room_checks import OutOfRoom, named, past_end
from loadstone.review.rules.room_effects import CallEffects
from loadstone.review.rules.room_places import Holdings
from loadstone.review.rules.room_sizes import CONTAINER, STRING, Sizes
from loadstone.review.rules.room_state import Known, Storage

__all__ = ["RoomEvaluator"]


class PathRefining(Protocol):
    """The paths on which a condition holds, or does not."""

    def __call__(self, condition: ir.Expression, known: Known, *, truth: bool) -> list[Known]: ...


class RoomEvaluator:
    """The expressions of one function."""

    def __init__(
        self,
        scope: NamesInSight,
        rooms: Rooms,
        own: dict[str, ir.Function],
        relations: Mapping[Thing, str],
        refine: PathRefining,
    ) -> None:
        self.relations = relations
        self.refine = refine
        self.scope = scope
        self.rooms = rooms
        self.held = Holdings(scope, rooms)
        self.sizes = Sizes(scope, rooms)
        self.calls = CallEffects(self, own)
        self.found: dict[int, OutOfRoom] = {}
        self.cuts: dict[tuple[str, Amount], Amount] = {}

    # Blocks.

    def block(self, expression: ir.Expression | None, known: Known) -> Storage | None:
        """The bytes that an expression leads to."""
        bare = uncast(expression)
        match bare:
            case ir.Operation(operator="+" | "-" as operator, operands=(base, step)):
                block = self.block(base, known)
                size = self.sizes.bytes_of(self._element_of(base))
                number = self.value(step, known.copy())
                moved = number.times(size) if number is not None and size is not None else None
                if block is None or moved is None:
                    return None
                return replace(block, at=block.at.plus(moved, 1 if operator == "+" else -1))
            case ir.Operation(operator="address", operands=(operand,)):
                inner = uncast(operand)
                if isinstance(inner, ir.Item):
                    return self.block(ir.Operation(inner.line, "+", (inner.base, inner.index)), known)
                return None
            case ir.AssignmentExpression(target=target):
                return self.block(target, known)
        path = place_named(bare)
        if not path or "[]" in path:
            return None
        if path in known.blocks:
            return known.blocks[path]
        spelled = self.scope.type_of(bare if not isinstance(bare, ir.Call) else bare.receiver)
        if CONTAINER.match(spelled):
            size = self.sizes.bytes_of(self.sizes.pointed(spelled))
            room = self.held.size_of(path, known).times(size) if size is not None else None
            return Storage(room, path) if room is not None else None
        return self.sizes.array(bare) or self._flexible(bare, path, known) or self._kept(bare, path, known)

    def _flexible(self, bare: ir.Expression, path: str, known: Known) -> Storage | None:
        """``entry->name`` of ``char name[];``: what the block of the structure has behind the structure."""
        if not isinstance(bare, ir.Member) or not self.scope.type_of(bare).endswith("[]") or self.rooms.of(bare):
            return None
        whole = known.blocks.get(place_named(bare.base))
        size = self.sizes.bytes_of(self.sizes.pointed(self.scope.type_of(bare.base)))
        is_last = size is not None and self.rooms.is_flexible(bare)
        if whole is None or size is None or whole.at != ZERO or not is_last:
            return None
        return replace(whole, room=whole.room.minus(size), name=path)

    def _kept(self, bare: ir.Expression, path: str, known: Known) -> Storage | None:
        """The block of a member, where another member is kept as its number of elements."""
        thing = self.scope.thing(bare) if self.relations and isinstance(bare, ir.Name | ir.Member) else None
        count = self.relations.get(thing) if thing is not None else None
        if count is None:
            return None
        start, dot, _ = path.rpartition(".")
        size = self.sizes.bytes_of(self.sizes.pointed(self.scope.type_of(bare)))
        beside = ir.Member(0, bare.base, count) if isinstance(bare, ir.Member) else ir.Name(0, count)
        number = known.values.get(f"{start}{dot}{count}") or self.held.read(beside, known)
        room = number.times(size) if number is not None and size is not None else None
        return Storage(room, path) if room is not None else None

    def _element_of(self, base: ir.Expression) -> str:
        spelled = self.scope.type_of(base if isinstance(base, ir.Cast) else uncast(base))
        inner = uncast(base)
        if isinstance(inner, ir.Call) and inner.receiver is not None:
            spelled = self.scope.type_of(inner.receiver)
            if STRING.match(spelled):
                return "char"
        return self.sizes.pointed(spelled)

    def reached(
        self, storage: Storage, upto: Amount, size: Amount, line: int, what: str, known: Known, *, write: bool = True
    ) -> None:
        """The bytes before ``upto`` of a block are gone to: note it where they may be more than there are."""
        out = past_end(storage, upto, size, line, what, known) if line not in self.found else None
        if out is not None:
            self.found[line] = out if write else replace(out, cwe=125)

    def _index(self, item: ir.Item, known: Known, *, write: bool, slack: int = 0) -> None:
        block = self.block(item.base, known)  # before ``table[--count]`` counts: the room is still what it was
        index = self.value(item.index, known)
        spelled = self.scope.type_of(uncast(item.base))
        if index is None:
            index = self.held.fresh("index")
        why = next((known.odd[s] for s in index.symbols if s in known.odd), None)
        text = bool(STRING.match(spelled))
        if text:
            block = Storage(self.held.size_of(place_named(item.base), known), place_named(item.base))
        number = known.values.get(place_named(item.base))
        if block is None or (
            number is not None and most(number, known.ends) == 0
        ):  # no block, so none to pass the end of
            return
        if why is not None and item.line not in self.found and len(index.parts) == 1 and index.constant <= 0:
            self.found[item.line] = OutOfRoom(
                item.line, f"{named(item.index)} may be -1 here: {why}.", 125, "Test it before it is used as an index."
            )
            return
        if self._may_be_before(index, spelled, known) and item.line not in self.found:
            self.found[item.line] = OutOfRoom(
                item.line,
                f"{named(item.base)} may be empty here: its last element is asked for, and there is none.",
                125,
                "Ask whether it is empty first.",
            )
            return
        if self._is_signed_character(item.index, index, known) and item.line not in self.found:
            self.found[item.line] = OutOfRoom(
                item.line,
                f"{named(item.index)} is a char, which may be negative, and indexes {named(item.base)}.",
                125,
                "Make it an unsigned char first.",
            )
            return
        size = ONE if text else self.sizes.bytes_of(self._element_of(item.base))
        upto = index.plus(ONE).times(size) if size is not None else None
        if upto is None or size is None:
            return
        if text or slack:  # one behind the last may be pointed to; a string has an end there
            upto = upto.minus(size)
        here = known.copy()
        here.at_most(ZERO.minus(index), 0)
        what = f"{named(item.base)}[{named(item.index)}]"
        self.reached(block, block.at.plus(upto), size, item.line, what, here, write=write)

    def _may_be_before(self, index: Amount, spelled: str, known: Known) -> bool:
        """``names[names.size() - 1]`` of what nobody asked whether it is empty."""
        if not (CONTAINER.match(spelled) or STRING.match(spelled)) or index.constant != -1 or len(index.parts) != 1:
            return False
        (product, factor), *_ = index.parts
        lowest = least(index, known.ends)
        return (
            factor == 1
            and len(product) == 1
            and ".size()" in product[0].name
            and "#" not in product[0].name
            and (lowest == -1)
        )

    def _is_signed_character(self, asked: ir.Expression, index: Amount, known: Known) -> bool:
        """Whether an index is a plain character of a text, which nothing compared with zero."""
        bare = uncast(asked)
        outer = asked
        while isinstance(outer, ir.Cast):
            if outer.type.strip() not in {"int", "size_t", "unsigned", "unsigned int", "std::size_t"}:
                return False
            outer = outer.operand
        if isinstance(bare, ir.Operation) and bare.operator == "deref":
            bare = uncast(bare.operands[0])
            bare = uncast(bare.operands[0]) if isinstance(bare, ir.Operation) and bare.operator == "post" else bare
            bare = bare.target if isinstance(bare, ir.AssignmentExpression) else bare
            spelled = self.sizes.pointed(self.scope.type_of(bare))
        elif isinstance(bare, ir.Item):
            spelled = self.sizes.pointed(self.scope.type_of(uncast(bare.base)))
        else:
            return False
        return spelled.replace("const", "").strip() == "char" and least(index, known.ends) is None

    def _inner(self, base: ir.Expression, known: Known, *, write: bool) -> None:
        """The element that a member is of: ``table[n].handle``."""
        bare = uncast(base)
        while isinstance(bare, ir.Member):
            bare = uncast(bare.base)
        if isinstance(bare, ir.Item):
            self._index(bare, known, write=write)
        elif not isinstance(bare, ir.Name):
            self.value(bare, known)

    # Expressions.

    def value(self, expression: ir.Expression | None, known: Known) -> Amount | None:
        """The amount that an expression gives; what it does is done."""
        match expression:
            case ir.Literal(value=bool(value)):
                return constant(int(value))
            case ir.Literal(value=int(value)):
                return constant(value)
            case ir.Literal(value=None):
                return ZERO
            case None | ir.Literal() | ir.Closure():
                return None
            case ir.Cast(type=spelled, operand=operand):
                number = self.value(operand, known)
                narrow = number is not None and number.parts and is_integer(spelled)
                narrow = narrow and (bits_of(spelled) < 32 or (bits_of(spelled) == 32 and _is_size(operand)))
                return (
                    self._narrowed(number, f"what is left in {spelled} of the number of", spelled, known)
                    if narrow
                    else number
                )
            case ir.AssignmentExpression(target=target, value=value, operator=operator):
                return self.store(target, value, operator, known)
            case ir.Item(base=base):
                if not isinstance(uncast(base), ir.Name):
                    self.value(base, known)
                self._index(expression, known, write=False)
                return None
            case ir.Member(base=base):
                self._inner(base, known, write=False)
                return self.held.read(expression, known)
            case ir.Name():
                return self.held.read(expression, known)
            case ir.Call():
                return self.calls.result(expression, known)
            case ir.Operation():
                return self._operation(expression, known)
            case ir.Display(items=items):
                for item in items:
                    self.value(item, known)
        return None

    def store(self, target: ir.Expression, value: ir.Expression | None, operator: str, known: Known) -> Amount | None:
        """``target = value``, ``target += value``."""
        bare = uncast(target)
        before = self.held.read(bare, known) if operator and isinstance(bare, ir.Name | ir.Member) else None
        made = uncast(value)
        block = None if isinstance(made, ir.AssignmentExpression) else self.given(value, target, known.copy())
        number = self.value(value, known)
        if isinstance(made, ir.AssignmentExpression):
            block = self.block(made.target, known)
        if isinstance(bare, ir.Item):
            self._index(bare, known, write=True)
            self.held.rewritten(place_named(bare.base), known)
            return number
        path = place_named(bare)
        if isinstance(bare, ir.Member):
            self._inner(bare.base, known, write=True)
        if isinstance(bare, ir.Operation):
            if bare.operator == "deref" and bare.operands:
                self.value(bare.operands[0], known)
            self.held.others_run(known)
            return number
        if not path or "[]" in path:
            return number
        spelled = self.scope.type_of(bare)
        if operator:
            number = self._combined(operator, before, number) if before is not None and number is not None else None
            old = known.blocks.get(path)
            if old is not None:
                known.blocks[path] = None
        elif block is not None or path in known.blocks or "*" in spelled:
            known.blocks[path] = block
        if not operator and not is_integer(spelled):
            self._members_of(path, known)
        text = uncast(value)
        if not operator and isinstance(text, ir.Literal) and isinstance(text.value, str):
            known.texts[path] = constant(len(text.value))
        elif not operator and path in known.texts:
            self.held.rewritten(path, known)
        if number is None or (number.parts and spelled and is_integer(spelled) and bits_of(spelled) < 32):
            number = self._narrowed(number, path, spelled, known)
        known.values[path] = number
        return number

    def _narrowed(self, number: Amount | None, path: str, spelled: str, known: Known) -> Amount:
        """What is left of a number in a narrower type."""
        positive = bool(spelled) and is_unsigned(spelled) and is_integer(spelled)
        left = self.held.fresh(path, 0 if positive else None)
        if number is not None and path.startswith(
            "what is left"
        ):  # the same number cut to the same type is the same again
            left = self.cuts.setdefault((spelled, number), left)
        if positive and number is not None and all(s.least >= 0 for s in number.symbols):
            known.at_most(left.minus(number), 0)
            known.narrowed[next(iter(left.symbols))] = number
        return left

    def _members_of(self, path: str, known: Known) -> None:
        """A pointer or an object is another now: what was known of its members is not."""
        for kept in (known.values, known.blocks, known.texts):
            for there in [p for p in kept if p.startswith(f"{path}.")]:
                del kept[there]
        known.roots[path] = self.held.counter.next()

    def given(self, value: ir.Expression | None, target: ir.Expression, known: Known) -> Storage | None:
        """The block that is stored somewhere: made there, or another's."""
        bare = uncast(value)
        name = place_named(target)
        if isinstance(bare, ir.Operation) and bare.operator == "new" and len(bare.operands) == 1:
            made = bare.operands[0]
            plain = self.sizes.bytes_of(made.name) if isinstance(made, ir.Call) and is_integer(made.name) else None
            return Storage(plain, name, alone=True) if plain is not None else None
        if isinstance(bare, ir.Operation) and bare.operator == "new" and len(bare.operands) > 1:
            made = bare.operands[0]
            number = self.value(bare.operands[1], known)
            size = self.sizes.bytes_of(self.sizes.pointed(self.scope.type_of(uncast(target)))) or (
                self.sizes.bytes_of(made.name) if isinstance(made, ir.Call) else None
            )
            room = number.times(size) if number is not None and size is not None else None
            return Storage(room, name) if room is not None else None
        if isinstance(bare, ir.Call):
            places = BLOCKS.get(last_word(bare.name))
            if places is None or len(bare.arguments) <= max(places) or bare.receiver is not None:
                return self.block(bare, known) if bare.receiver is not None else None
            room = ONE
            for place in places:
                number = self.value(bare.arguments[place], known)
                product = room.times(number) if number is not None else None
                if product is None:
                    return None
                room = product
            return Storage(room, name, made=bare.line) if room != ZERO else None
        if isinstance(bare, ir.Name | ir.Member) or (isinstance(bare, ir.Operation) and bare.operator in "+-address"):
            if isinstance(bare, ir.Operation) and len(bare.operands) != 2 and bare.operator != "address":
                return None
            return self.block(bare, known)
        return None

    def _combined(self, operator: str, one: Amount, other: Amount) -> Amount | None:
        match operator:
            case "+":
                return one.plus(other)
            case "-":
                return one.minus(other)
            case "*":
                return one.times(other)
            case "/" | ">>":
                by = other if operator == "/" else constant(1 << other.constant) if 0 <= other.constant < 32 else ZERO
                exact = one.divided(by) if not other.parts or operator == "/" else None
                if exact is None and not one.parts and not by.parts and by.constant > 0:
                    return constant(one.constant // by.constant)
                return exact
            case "<<" if not other.parts and 0 <= other.constant < 32:
                return one.times(constant(1 << other.constant))
        return None

    def _operation(self, expression: ir.Operation, known: Known) -> Amount | None:
        operator, operands = expression.operator, expression.operands
        if operator == "sizeof":
            return self.sizes.sizeof(operands[0]) if operands else None
        if operator == "address":
            inner = uncast(operands[0]) if operands else None
            if isinstance(inner, ir.Item):
                self._index(inner, known, write=True, slack=1)
            return self.held.fresh("&", 1)
        if operator == "post" and operands:
            stored = uncast(operands[0])
            before = self.held.read(stored.target, known) if isinstance(stored, ir.AssignmentExpression) else None
            self.value(operands[0], known)
            return before
        if operator == "?:" and len(operands) == 3:
            return self._chosen(operands, known)
        if operator in {"&&", "||"}:
            self.refine(expression, known.copy(), truth=operator == "&&")
            return self.held.fresh("?", 0)
        if operator == "deref" and operands:
            self.value(operands[0], known)
            return None
        numbers = [self.value(o, known) for o in operands]
        if len(numbers) == 1 and operator == "-" and numbers[0] is not None:
            return ZERO.minus(numbers[0])
        if operator in {"==", "!=", "<", "<=", ">", ">=", "!"}:
            for number in numbers:
                known.compared(number)
            return self.held.fresh("?", 0)
        if len(numbers) != 2:
            return numbers[-1] if operator == "," and numbers else None
        one, other = numbers
        if operator in {"%", "&"}:
            limit = other if operator == "%" else next((n for n in numbers if n is not None and not n.parts), None)
            if limit is None:
                return None
            result = self.held.fresh(operator, 0)
            known.at_most(result.minus(limit), -1 if operator == "%" else 0)
            return result
        return self._combined(operator, one, other) if one is not None and other is not None else None

    def _chosen(self, operands: tuple[ir.Expression, ...], known: Known) -> Amount | None:
        """``a < b ? a : b``: no larger than either."""
        bare, *choices = operands
        amounts = [
            self.value(choice, paths[0]) if (paths := self.refine(bare, known.copy(), truth=truth)) else None
            for choice, truth in zip(choices, (True, False), strict=True)
        ]
        self.value(bare, known)
        if None in amounts:
            return None
        result = self.held.fresh("?:")
        match uncast(bare):
            case ir.Operation(operator="<" | "<=" | ">" | ">=" as operator, operands=(one, other)):
                asked = [self.value(o, known.copy()) for o in (one, other)]
                smaller = asked if operator in "<=" else asked[::-1]
                if amounts == smaller:
                    for amount in amounts:
                        known.at_most(result.minus(amount), 0)  # type: ignore[arg-type]
        return result


def _is_size(expression: ir.Expression) -> bool:
    """Whether a sum or product is computed in ``size_t``: a sizeof is part of it."""
    match uncast(expression):
        case ir.Operation(operator="sizeof"):
            return True
        case ir.Operation(operator="+" | "*" | "-", operands=operands):
            return any(map(_is_size, operands))
    return False
