"""Blocks and the places that are reached in them, followed through the statements of a function.

Each path keeps its own :class:`Known`, up to :data:`_PATHS` of them; more are joined. A loop is gone through once, with
new names for what it changes: what only grows in it is no less than it was before, and a counter that a loop compares
with its end is no more than the end behind it. A function that needs more than :data:`_WORK` steps is left.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import every_statement
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.rules.amounts import ONE, Amount, least, most
from loadstone.review.rules.array_rooms import Rooms
from loadstone.review.rules.identities import NamesInSight
from loadstone.review.rules.number_uses import chain
from loadstone.review.rules.outside_numbers import is_integer, is_unsigned
from loadstone.review.rules.places import NATIVE
from loadstone.review.rules.room_checks import OutOfRoom
from loadstone.review.rules.room_state import Known, joined
from loadstone.review.rules.room_values import RoomEvaluator
from loadstone.review.walk import expressions, kept, parts_of, statements

__all__ = ["out_of_room"]

_PATHS: Final = 6
_WORK: Final = 3000
_OPPOSITE: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_DIES: Final = frozenset(
    {"abort", "exit", "_exit", "_Exit", "quick_exit", "ExitProcess", "err", "errx", "die", "terminate", "longjmp"}
    | {"std::terminate", "std::abort", "std::exit", "g_error", "qFatal", "fatal", "usage"}
)
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
    names: dict[str, list[ir.Function]] = {}
    for unit in units:
        for function in unit.functions:
            names.setdefault(last_word(function.name), []).append(function)
    found: list[tuple[ir.Unit, ir.Function, OutOfRoom]] = []
    for unit in units:
        own = {name: functions[0] for name, functions in names.items()} | {last_word(f.name): f for f in unit.functions}
        for function in unit.functions:
            if _reaches(function):
                scope = NamesInSight(program, unit, function)
                walk = _Walk(RoomEvaluator(scope, Rooms(program, unit, function, scope), own), function)
                found += [(unit, function, out) for out in walk.run()]
    return tuple(found)


@kept
def _reaches(function: ir.Function) -> bool:
    """Whether a function reaches an element or calls anything that may write: others have nothing to ask."""
    return any(isinstance(p, ir.Item | ir.Call) for s in every_statement(function.body) for p in parts_of(s))


class _Walk:
    """One function."""

    def __init__(self, evaluator: RoomEvaluator, function: ir.Function) -> None:
        self.evaluator = evaluator
        self.function = function
        self.left: list[list[Known]] = []
        self.work = 0

    def run(self) -> Iterator[OutOfRoom]:
        """Follow the function."""
        with contextlib.suppress(_TooLargeError):
            self._block(self.function.body.body, [Known()])
        yield from self.evaluator.found.values()

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
                    if name in _DIES or expression.name in _DIES:
                        value(expression, known)
                        return []
                value(expression, known)
            case ir.Return(value=given):
                value(given, known)
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
                ends = self._block(body.body, [known.copy()])
                for handler in handlers:
                    ends += self._block(handler.body.body, [self._unknown()])
                return ends
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
        stepped = _stepped(loop)
        moved = {place_named(t) for t in _stored(loop)}
        for part in chain(loop.condition, "&&") if loop.condition is not None else ():
            if not isinstance(part, ir.Operation) or part.operator not in {"<", "<=", "!=", ">", ">="}:
                continue
            one, other = part.operands if part.operator in {"<", "<=", "!="} else part.operands[::-1]
            path = place_named(one)
            if path not in stepped or {place_named(e) for e in expressions(other)} & moved:
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
        rising = _rising(loop)
        foreign = False
        for target in _stored(loop):
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
            grows = path in rising and before is not None
            lowest = least(before, known.ends) if grows and before is not None else None
            spelled = self.evaluator.scope.type_of(target)
            positive = (lowest is not None and lowest >= 0) or (is_integer(spelled) and is_unsigned(spelled))
            new = self.evaluator.held.fresh(path, 0 if positive else None)
            head.values[path] = new
            if grows and before is not None:
                head.at_most(before.minus(new), 0)
        for part in _parts(loop):
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
                if _excluded(under, known):
                    return []
                known.at_most(over, -1 if operator == "<" else 0)
            case ">" | ">=":
                if _excluded(over, known):
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


def _excluded(over: Amount, known: Known) -> bool:
    end = most(over, known.ends)
    return end is not None and end < 0


def _has_label(statement: ir.Statement) -> bool:
    return isinstance(statement, ir.Label) or any(isinstance(s, ir.Label) for s in statements((statement,)))


def _parts(loop: ir.Loop) -> Iterator[ir.Expression]:
    """Every expression that runs more than once."""
    for statement in _again(loop.body):
        yield from parts_of(statement)
    for top in (loop.condition, *loop.step):
        yield from expressions(top)


def _again(block: ir.Block) -> Iterator[ir.Statement]:
    """The statements after which a loop may go on: not those of a block that leaves it."""
    last = block.body[-1] if block.body else None
    if isinstance(last, ir.Return | ir.Raise) or (isinstance(last, ir.Jump) and last.kind == "break"):
        return
    for statement in block.body:
        match statement:
            case ir.If(then=then, otherwise=otherwise):
                yield ir.Evaluate(statement.line, statement.condition)
                yield from _again(then)
                if otherwise is not None:
                    yield from _again(otherwise)
            case ir.Block():
                yield from _again(statement)
            case _:
                yield from statements((statement,))


def _stored(loop: ir.Loop) -> Iterator[ir.Expression]:
    """What a loop stores to, each time."""
    for statement in _again(loop.body):
        if isinstance(statement, ir.Assign):
            yield uncast(statement.target)
    for part in _parts(loop):
        if isinstance(part, ir.AssignmentExpression):
            yield uncast(part.target)
    if loop.each is not None:
        yield uncast(loop.each[0])


def _changes_of(loop: ir.Loop) -> dict[str, list[tuple[str, object]]]:
    found: dict[str, list[tuple[str, object]]] = {}
    for statement in _again(loop.body):
        if isinstance(statement, ir.Assign):
            value = uncast(statement.value)
            given = value.value if isinstance(value, ir.Literal) else None
            found.setdefault(place_named(statement.target), []).append((statement.operator, given))
    for part in _parts(loop):
        if isinstance(part, ir.AssignmentExpression):
            value = uncast(part.value)
            given = value.value if isinstance(value, ir.Literal) else None
            found.setdefault(place_named(part.target), []).append((part.operator, given))
    return found


def _rising(loop: ir.Loop) -> set[str]:
    """What a loop only adds positive numbers to."""
    return {
        path
        for path, changes in _changes_of(loop).items()
        if path and all(o == "+" and isinstance(v, int) and v > 0 for o, v in changes)
    }


def _stepped(loop: ir.Loop) -> set[str]:
    """What a loop adds one to, at one place."""
    return {path for path, changes in _changes_of(loop).items() if path and changes == [("+", 1)]}
