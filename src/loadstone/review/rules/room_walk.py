"""Blocks and the places that are reached in them, followed through the statements of a function.

Each path keeps its own :class:`Known`, up to :data:`_PATHS` of them; more are joined. A loop is gone through once, with
new names for what it changes: what only grows in it is no less than it was before, and a counter that a loop compares
with its end is no more than the end behind it. A function that needs more than :data:`_WORK` steps is left.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import every_statement
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.rules.amounts import ONE, Amount, least, most
from loadstone.review.rules.array_rooms import Rooms, rooms_of
from loadstone.review.rules.identities import NamesInSight, Thing, names_in_sight
from loadstone.review.rules.number_uses import chain
from loadstone.review.rules.outside_numbers import is_integer, is_unsigned
from loadstone.review.rules.places import NATIVE
from loadstone.review.rules.room_checks import OutOfRoom
from loadstone.review.rules.room_entries import entry_rooms
from loadstone.review.rules.room_functions import has_block, makes_block, mentioned, reaches_block
from loadstone.review.rules.room_loops import guarded, parts_again, rising, stepped, stored
from loadstone.review.rules.room_state import Known, Storage, joined
from loadstone.review.rules.room_values import RoomEvaluator
from loadstone.review.walk import expressions, kept, statements

__all__ = ["out_of_room"]

_PATHS: Final = 6
_WORK: Final = 3000
_OPPOSITE: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_DIES: Final = re.compile(r"(?i)die|fatal|panic|abort|exit|usage|err|fail|throw|bail|terminate|unreachable|longjmp")
"""Names of functions that may never return: what stands behind one is not gone on with, which costs findings only."""

_TELLS: Final = re.compile(r"(?i)perror|log|print|warn|strerror|dlerror|interrupt|transfer|atexit|message|text|debug")
_ASSERTS: Final = frozenset(
    {"assert", "ASSERT", "Q_ASSERT", "g_assert", "g_return_if_fail", "g_return_val_if_fail", "CHECK", "VERIFY"}
)


class _TooLargeError(Exception):
    """A function needs more steps than one is given."""


@kept
def out_of_room(facts: Facts) -> tuple[tuple[ir.Unit, ir.Function, OutOfRoom], ...]:
    """Every place of a program's C and C++ that may lie outside of its block."""
    program = facts.program
    units = [u for u in program.units if u.language in NATIVE]
    everywhere: dict[str, ir.Function] = {}
    for unit in units:
        for function in unit.functions:
            everywhere.setdefault(last_word(function.name), function)
    kept_beside: dict[Thing, set[str]] = {}
    first: dict[ir.Function, _Walk] = {}
    for unit in units:
        own = everywhere | {last_word(f.name): f for f in unit.functions}
        for function in filter(makes_block, unit.functions):
            walk = first[function] = _walked(program, unit, function, own, {})
            for thing, counts in walk.relations().items():
                kept_beside[thing] = kept_beside.get(thing, counts) & counts
    relations = {thing: min(counts) for thing, counts in kept_beside.items() if counts}
    related = {thing.name for thing in relations}
    found: list[tuple[ir.Unit, ir.Function, OutOfRoom]] = []
    entries = entry_rooms(program, units)
    for unit in units:
        own = everywhere | {last_word(f.name): f for f in unit.functions}
        for function in unit.functions:
            rooms = entries.get(id(function))
            if reaches_block(function) and (rooms or has_block(program, unit, function, related)):
                before = None if rooms or related & mentioned(function) else first.get(function)
                walk = before or _walked(program, unit, function, own, relations, rooms)
                found += [(unit, function, out) for out in walk.evaluator.found.values()]
    return tuple(found)


def _walked(
    program: ir.Program,
    unit: ir.Unit,
    function: ir.Function,
    own: dict[str, ir.Function],
    relations: Mapping[Thing, str],
    rooms: Mapping[str, Storage] | None = None,
) -> _Walk:
    walk = _Walk(names_in_sight(program, unit, function), rooms_of(program, unit, function), own, relations)
    walk.run(rooms)
    return walk


class _Walk:
    """One function."""

    def __init__(
        self, scope: NamesInSight, rooms: Rooms, own: dict[str, ir.Function], relations: Mapping[Thing, str]
    ) -> None:
        self.evaluator = RoomEvaluator(scope, rooms, own, relations, self._refine)
        self.function = scope.function
        self.left: list[list[Known]] = []
        self.ends: list[Known] = []
        self.work = 0

    def run(self, rooms: Mapping[str, Storage] | None = None) -> None:
        """Follow the function; ``rooms`` are the arrays that its callers hand it."""
        with contextlib.suppress(_TooLargeError):
            self.ends += self._block(self.function.body.body, [Known(blocks={**(rooms or {})})])

    def relations(self) -> dict[Thing, set[str]]:
        """The members that hold a block at the ends of the function, with those beside that say how many elements."""
        found: dict[Thing, set[str]] = {}
        for end in self.ends:
            for path, storage in end.blocks.items():
                start, dot, name = path.rpartition(".")
                place = self._member(start, name)
                thing = self.evaluator.scope.thing(place)
                number = end.values.get(path)
                if number is not None and most(number, end.ends) == 0:  # there was no memory
                    continue
                if thing is None or storage is None or storage.at.parts or self.evaluator.held.is_own(path):
                    continue
                size = self.evaluator.sizes.bytes_of(self.evaluator.sizes.pointed(self.evaluator.scope.type_of(place)))
                elements = storage.room.divided(size) if size is not None else None
                beside = {
                    other.rpartition(".")[2]
                    for other, number in end.values.items()
                    if number == elements
                    and other.rpartition(".")[0] == start
                    and elements is not None
                    and elements.parts
                }
                beside = {b for b in beside if not self.evaluator.held.is_own(f"{start}{dot}{b}")}
                found[thing] = found.get(thing, beside) & beside
        return found

    @staticmethod
    def _member(start: str, name: str) -> ir.Expression:
        place: ir.Expression | None = None
        for part in [*(start.split(".") if start else []), name]:
            place = ir.Name(0, part) if place is None else ir.Member(0, place, part, through=True)
        return place if place is not None else ir.Name(0, name)

    # Statements.

    def _block(self, body: Iterable[ir.Statement], states: list[Known]) -> list[Known]:
        for statement in body:
            if not states:
                if not _has_label(statement):
                    continue
                states = [self._unknown()]
            states = [after for known in states for after in self._statement(statement, known)]
            if len(states) > _PATHS:
                states = [joined(states, self.evaluator.held.counter)]
        return states

    def _unknown(self) -> Known:
        """What is known where a jump may arrive from anywhere: nothing."""
        known = Known(era=self.evaluator.held.counter.next())
        for name in self.evaluator.scope.local:
            known.values[name] = self.evaluator.held.fresh(name)
            if not self.evaluator.scope.is_array(ir.Name(0, name)):
                known.blocks[name] = None
        return known

    def _statement(self, statement: ir.Statement, known: Known) -> list[Known]:
        self.work += 1
        if self.work > _WORK:
            raise _TooLargeError
        value = self.evaluator.value
        match statement:
            case ir.Assign():
                self._assign(statement, known)
            case ir.Evaluate(expression=expression):
                if isinstance(expression, ir.Call):
                    name = last_word(expression.name)
                    if name in _ASSERTS and expression.arguments:
                        return self._refine(expression.arguments[0], known, truth=True)
                    own = self.evaluator.calls.own.get(name)
                    ends = own is not None and "noreturn" in own.marks
                    if ends or (_DIES.search(name) and not _TELLS.search(name)):
                        value(expression, known)
                        return []
                value(expression, known)
            case ir.Return(value=given):
                value(given, known)
                self.ends.append(known)
                return []
            case ir.Raise(value=given):
                value(given, known)
                return []
            case ir.Jump(kind=kind):
                if kind == "break" and self.left:
                    self.left[-1].append(known)
                return []
            case ir.Block(body=body):
                return self._block(body, [known])
            case ir.If(condition=condition, then=then, otherwise=otherwise):
                yes = self._block(then.body, self._refine(condition, known.copy(), truth=True))
                no = self._refine(condition, known, truth=False)
                return [*yes, *(self._block(otherwise.body, no) if otherwise is not None else no)]
            case ir.Loop():
                return self._loop(statement, known)
            case ir.Switch():
                return self._switch(statement, known)
            case ir.Try(body=body, handlers=handlers):
                ways = [(body, known.copy()), *((handler.body, self._unknown()) for handler in handlers)]
                return [end for block, begin in ways for end in self._block(block.body, [begin])]
            case ir.With(body=body):
                return self._block(body.body, [known])
        return [known]

    def _assign(self, statement: ir.Assign, known: Known) -> None:
        evaluator = self.evaluator
        path = place_named(statement.target)
        if statement.declares and path:
            evaluator.held.forget(path, known)
            known.blocks.pop(path, None)
            if statement.static:  # whatever it was left at
                known.values[path] = evaluator.held.fresh(path)
            bare = uncast(statement.value)
            if "vector<" in statement.type and "*" not in statement.type and "&" not in statement.type:
                arguments = bare.arguments if isinstance(bare, ir.Call) and last_word(bare.name) == "vector" else None
                sizes = f"{path}.size()"
                if statement.value is None or arguments == ():
                    known.values[sizes] = Amount(0)
                    return
                if arguments is not None and len(arguments) <= 2:
                    number = evaluator.value(arguments[0], known)
                    for argument in arguments[1:]:
                        evaluator.value(argument, known)
                    plain = number is not None and (
                        len(arguments) == 1 or not isinstance(uncast(arguments[0]), ir.Call)
                    )
                    known.values[sizes] = number if plain and number is not None else evaluator.held.fresh(sizes, 0)
                    return
        if statement.value is None:
            if path:
                known.values[path] = evaluator.held.fresh(path)
                known.values.pop(f"{path}.size()", None)
            return
        if "[]" in statement.type:
            evaluator.value(statement.value, known)
            text = uncast(statement.value)
            if isinstance(text, ir.Literal) and isinstance(text.value, str):
                known.texts[path] = Amount(len(text.value))
            return
        evaluator.store(statement.target, statement.value, statement.operator, known)

    def _switch(self, statement: ir.Switch, known: Known) -> list[Known]:
        number = self.evaluator.value(statement.subject, known)
        known.compared(number)
        after = [] if any(not c.values for c in statement.cases) else [known.copy()]
        through: list[Known] = []
        self.left.append([])
        for case in statement.cases:
            inside = known.copy()
            if number is not None and len(case.values) == 1 and (at := self.evaluator.value(case.values[0], inside)):
                inside.at_most(number.minus(at), 0)
                inside.at_most(at.minus(number), 0)
            ends = self._block(case.body.body, [inside, *through])
            through = ends if case.falls_through else []
            after += [] if case.falls_through else ends
        return [*after, *through, *self.left.pop()]

    # Loops.

    def _loop(self, loop: ir.Loop, known: Known) -> list[Known]:
        if loop.each is not None:
            self.evaluator.value(loop.each[1], known)
        head = self._head(loop, known)
        exits = [head.copy()]
        inside = [head]
        if loop.condition is not None and not loop.runs_first:
            self._attain(loop, head)
            inside = self._refine(loop.condition, head, truth=True)
        self.left.append([])
        ends = self._block(loop.body.body, inside)
        for end in ends:
            for step in loop.step:
                self.evaluator.value(step, end)
        broken = self.left.pop()
        if loop.runs_first:
            exits = ends
        if loop.condition is None:
            return broken if loop.each is None else [*exits, *broken]
        after = [s for e in exits for s in self._behind(loop, e)]
        return [*after, *broken]

    def _behind(self, loop: ir.Loop, known: Known) -> list[Known]:
        """Behind a loop its condition does not hold; a counter that went up by one is at its end."""
        ends = self._counted(loop, known)
        states = self._refine(loop.condition, known, truth=False) if loop.condition is not None else [known]
        for state in states:
            for index, end, beyond in ends:
                state.at_most(index.minus(end), beyond)
        return states

    def _counted(self, loop: ir.Loop, known: Known) -> list[tuple[Amount, Amount, int]]:
        """``i < end``, with the counter, the end, and how far behind it the counter goes."""
        found = []
        by_one = stepped(loop)
        moved = {place_named(t) for t in stored(loop)}
        for part in chain(loop.condition, "&&") if loop.condition is not None else ():
            if not isinstance(part, ir.Operation) or part.operator not in {"<", "<=", "!=", ">", ">="}:
                continue
            one, other = part.operands if part.operator in {"<", "<=", "!="} else part.operands[::-1]
            path = place_named(one)
            if path not in by_one or {place_named(e) for e in expressions(other)} & moved:
                continue
            index, end = self.evaluator.value(one, known.copy()), self.evaluator.value(other, known.copy())
            if index is not None and end is not None:
                found.append((index, end, 1 if part.operator in {"<=", ">="} else 0))
        return found

    def _attain(self, loop: ir.Loop, head: Known) -> None:
        """A loop that only its counter ends comes to the last number before its end."""
        alone = not isinstance(loop.condition, ir.Operation) or loop.condition.operator not in {"&&", "||"}
        if not alone or any(isinstance(s, ir.Jump) and s.kind == "break" for s in every_statement(loop.body)):
            return
        for index, end, beyond in self._counted(loop, head):
            if len(index.parts) == 1 and not index.constant:
                head.attained[next(iter(index.symbols))] = end.plus(ONE, -1 + beyond)

    def _head(self, loop: ir.Loop, known: Known) -> Known:
        """What holds in every round: what the loop changes has a new name, and is no less where it only grows."""
        head = known.copy()
        grown = rising(loop)
        foreign = False
        guards = guarded(loop)
        for target in stored(loop):
            path = place_named(target)
            if isinstance(target, ir.Operation):
                foreign = True
                continue
            if isinstance(target, ir.Item):
                self.evaluator.held.rewritten(place_named(target.base), head)
                continue
            if not path:
                continue
            before = known.values.get(path) or (
                self.evaluator.held.read(target, known) if isinstance(target, ir.Name | ir.Member) else None
            )
            head.blocks[path] = None
            self.evaluator.held.rewritten(path, head)
            grows = path in grown and before is not None
            lowest = least(before, known.ends) if grows and before is not None else None
            spelled = self.evaluator.scope.type_of(target)
            positive = (lowest is not None and lowest >= 0) or (is_integer(spelled) and is_unsigned(spelled))
            new = self.evaluator.held.fresh(path, 0 if positive else None)
            head.values[path] = new
            if grows and before is not None:
                head.at_most(before.minus(new), 0)
                limit = self.evaluator.value(guards[path], known.copy()) if path in guards else None
                under = most(before.minus(limit), known.ends) if limit is not None else None
                if limit is not None and under is not None and under <= 0:
                    head.at_most(new.minus(limit), 0)
        for part in parts_again(loop):
            if isinstance(part, ir.Call):
                foreign |= self._changes(part)
                for argument in part.arguments:
                    self.evaluator.held.rewritten(place_named(argument), head)
                    bare = uncast(argument)
                    if isinstance(bare, ir.Operation) and bare.operator == "address":
                        self.evaluator.held.forget(place_named(bare), head)
                if part.receiver is not None:
                    path = place_named(part.receiver)
                    if last_word(part.name) not in {"size", "length", "data", "begin", "end", "empty", "c_str", "at"}:
                        head.values[f"{path}.size()"] = self.evaluator.held.fresh(f"{path}.size()", 0)
        if foreign:
            self.evaluator.held.others_run(head)
        return head

    def _changes(self, call: ir.Call) -> bool:
        called = uncast(call.function)
        return last_word(call.name) in self.evaluator.calls.own or not isinstance(called, ir.Name)

    # Conditions.

    def _refine(self, condition: ir.Expression, known: Known, *, truth: bool) -> list[Known]:
        """The paths on which a condition holds, or does not."""
        match uncast(condition):
            case ir.Operation(operator="!", operands=(operand,)):
                return self._refine(operand, known, truth=not truth)
            case ir.Operation(operator="&&" | "||" as operator) as both:
                every = (operator == "&&") is truth
                states = [known]
                out: list[Known] = []
                for part in chain(both, operator):
                    if not every:
                        out += [a for s in states for a in self._refine(part, s.copy(), truth=truth)]
                    states = [a for s in states for a in self._refine(part, s, truth=truth is every)]
                    if len(states) > _PATHS:
                        states = [joined(states, self.evaluator.held.counter)]
                return states if every else out
            case ir.Operation(operator=operator, operands=(one, other)) if operator in _OPPOSITE:
                return self._compared(one, operator if truth else _OPPOSITE[operator], other, known)
            case ir.Call(name=name, arguments=(inner, *_)) if "expect" in name or name in {"likely", "unlikely"}:
                return self._refine(inner, known, truth=truth)
            case ir.Call(name=name, receiver=receiver) if last_word(name) == "empty" and place_named(receiver):
                size = self.evaluator.held.size_of(place_named(receiver), known)
                return self._learn(size, "==" if truth else "!=", Amount(0), known)
            case ir.Operation(operator="post"):
                before = self.evaluator.value(condition, known)
                return self._learn(before, "!=" if truth else "==", Amount(0), known) if before is not None else [known]
            case ir.Literal(value=value) if value is not None and not isinstance(value, str):
                return [known] if bool(value) is truth else []
            case bare:
                number = self.evaluator.value(condition, known)
                for part in expressions(bare):
                    if isinstance(part, ir.Name | ir.Member):
                        known.compared(self.evaluator.held.read(part, known))
                if isinstance(bare, ir.Operation) and bare.operator != "deref":
                    return [known]
                if isinstance(bare, ir.AssignmentExpression):
                    bare = uncast(bare.target)
                    number = self.evaluator.held.read(bare, known) if isinstance(bare, ir.Name | ir.Member) else number
                if number is None:
                    return [known]
                return self._learn(number, "!=" if truth else "==", Amount(0), known)

    def _compared(self, one: ir.Expression, operator: str, other: ir.Expression, known: Known) -> list[Known]:
        first, second = self.evaluator.value(one, known), self.evaluator.value(other, known)
        known.compared(first)
        known.compared(second)
        for part in (*expressions(one), *expressions(other)):
            if isinstance(part, ir.Name | ir.Member):
                known.compared(self.evaluator.held.read(part, known))
        return [known] if first is None or second is None else self._learn(first, operator, second, known)

    def _learn(self, one: Amount, operator: str, other: Amount, known: Known) -> list[Known]:
        over = one.minus(other)
        if not over.parts:
            holds = {
                "<": over.constant < 0,
                "<=": over.constant <= 0,
                ">": over.constant > 0,
                ">=": over.constant >= 0,
                "==": not over.constant,
                "!=": bool(over.constant),
            }[operator]
            return [known] if holds else []
        under = other.minus(one)
        known.compared(over)
        match operator:
            case "<" | "<=":
                if _excluded(under, known, strictly=operator == "<"):
                    return []
                known.at_most(over, -1 if operator == "<" else 0)
            case ">" | ">=":
                if _excluded(over, known, strictly=operator == ">"):
                    return []
                known.at_most(under, -1 if operator == ">" else 0)
            case "==":
                if _excluded(over, known) or _excluded(under, known):
                    return []
                known.at_most(over, 0)
                known.at_most(under, 0)
            case "!=":
                ends = most(over, known.ends), most(under, known.ends)
                if ends == (0, 0):
                    return []
                if ends[0] == 0:
                    known.at_most(over, -1)
                if ends[1] == 0:
                    known.at_most(under, -1)
        return [known]


def _excluded(over: Amount, known: Known, *, strictly: bool = False) -> bool:
    """Whether an amount is less than zero for certain, or no more than zero."""
    end = most(over, known.ends)
    return end is not None and end < int(strictly)


def _has_label(statement: ir.Statement) -> bool:
    return isinstance(statement, ir.Label) or any(isinstance(s, ir.Label) for s in statements((statement,)))
