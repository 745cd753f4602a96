"""What an expression gives, and the state after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.callees import Callees
from loadstone.review.analyses.facts import Bound
from loadstone.review.analyses.known import Frame
from loadstone.review.analyses.mentions import names_in
from loadstone.review.analyses.results import fold
from loadstone.review.analyses.state import State, Taint, Value, constant
from loadstone.review.analyses.words import dotted_name, uncast, word_of
from loadstone.review.apis import Role

__all__ = ["Values"]

_MAX_IN_EXPRESSION: Final = 64
"""States kept apart inside one expression, where each comparison doubles them."""

_TAINTED_NAMES: Final = {
    "sys.argv": "command line",
    "os.environ": "environment",
    "environ": "environment",
    "flask.request": "network",
    "request": "network",
    "argv": "command line",
    "sys.stdin": "file or terminal",
    "optarg": "command line",
}


class Values(Callees):
    """Evaluates expressions."""

    def value(self, expression: ir.Expression, state: State, frame: Frame) -> list[tuple[Value, State]]:
        """What an expression gives, and the state after it; several when a callee has several outcomes."""
        match expression:
            case ir.Literal(value=value):
                return [(constant(value), state)]
            case ir.Name():
                return [(self._name_value(expression, state, frame), state)]
            case ir.Cast(operand=operand):
                return self.value(operand, state, frame)
            case ir.Call():
                return self._call(expression, state, frame)
            case ir.Member() | ir.Item():
                return self._member_value(expression, state, frame)
            case ir.Store():
                return self._store_value(expression, state, frame)
            case ir.Operation():
                return self._operation(expression, state, frame)
            case ir.Display(items=items):
                return self._display(expression, items, state, frame)
            case ir.Closure(function=function):
                self._captured(function, state, frame)
                return [(self.fresh(frame, expression), state)]

    def _captured(self, function: ir.Function, state: State, frame: Frame) -> None:
        """A closure keeps what it mentions: a handle in it has escaped, a symbol in it may be used later."""
        for name in names_in(function.body):
            value = state.env.get(("v", frame.number, name))
            if value is not None and value[0] == "s":
                state.escaped |= {value[1]}

    def _name_value(self, name: ir.Name, state: State, frame: Frame) -> Value:
        if name.name in {"this", "self"} and frame.known.function.owner:
            return frame.this
        place = self._named(name.name, frame)
        if (
            place[0] == "g"
            and place not in state.env
            and name.name not in _TAINTED_NAMES
            and (name.name in self.program.functions or self._is_api(name.name))
        ):
            return ("f", name.name)
        value = self.load(place, state, frame, name.line)
        if name.name in _TAINTED_NAMES and value is not None and value[0] == "i" and place[0] == "g":
            state.taint.setdefault(value, Taint(_TAINTED_NAMES[name.name], frame.spot(name.line)))
        return value

    def _is_api(self, name: str) -> bool:
        return self.tables.get(name) is not None

    def _member_value(self, expression: ir.Member | ir.Item, state: State, frame: Frame) -> list[tuple[Value, State]]:
        base = uncast(expression.base)
        if isinstance(expression, ir.Member) and (dotted := dotted_name(expression)) in _TAINTED_NAMES:
            value: Value = ("i", ("g", "", dotted))
            state.taint.setdefault(value, Taint(_TAINTED_NAMES[dotted], frame.spot(expression.line)))
            return [(value, state)]
        before = self._one(base, state, frame) if not isinstance(base, ir.Call) else None
        results = []
        for _, after in [(before, state)] if before is not None else self.value(base, state, frame):
            if isinstance(expression, ir.Member) and expression.name == "_handle" and self._site(before) is not None:
                results.append((before, after))
                continue
            place = self.place(expression, after, frame, before)
            if place is None:
                results.append((self.fresh(frame, expression), after))
                continue
            if isinstance(expression, ir.Item) or expression.through or frame.known.unit.language is ir.Language.PYTHON:
                self._use(before, "dereference", after, frame, expression.line)
            value = self.load(place, after, frame, expression.line)
            taint = self.taint_of(before, after)
            if taint is not None and value is not None and value[0] in {"i", "r"}:
                after.taint.setdefault(value, taint)
            results.append((value, after))
        return results

    def _store_value(self, expression: ir.Store, state: State, frame: Frame) -> list[tuple[Value, State]]:
        results = []
        for value, after in self.value(expression.value, state, frame):
            kept = value if not expression.operator else self._combined(expression, value, after, frame)
            self.store(expression.target, kept, after, frame, expression.line, holds=word_of(expression.value))
            results.append((kept, after))
        return results

    def _combined(self, statement: ir.Assign | ir.Store, value: Value, state: State, frame: Frame) -> Value:
        (before, _), *_ = self.value(statement.target, state, frame)
        if (
            before is not None
            and value is not None
            and before[0] == "c"
            and value[0] == "c"
            and statement.operator in "&|"
        ):
            return constant(
                bool(before[1]) and bool(value[1]) if statement.operator == "&" else bool(before[1]) or bool(value[1])
            )
        made = self.fresh(frame, statement)
        self._mix(made, (before, value), state)
        return made

    def _operation(self, expression: ir.Operation, state: State, frame: Frame) -> list[tuple[Value, State]]:
        operator, operands = expression.operator, expression.operands
        if operator == "address" and len(operands) == 1:
            value = uncast(operands[0])
            if isinstance(value, ir.Name) and self._name_value(value, state.copy(), frame) == ("f", value.name):
                return [(("f", value.name), state)]
            place = self.place(operands[0], state, frame)
            return [(("a", place) if place is not None else self.fresh(frame, expression), state)]
        if operator == "deref" and len(operands) == 1:
            return self._deref(expression, state, frame)
        if operator in {"post", "await"} and operands:
            return self.value(operands[0], state, frame)
        if operator == "," and operands:
            return self._sequence(operands, state, frame)
        if operator == "sizeof":
            return [(self.fresh(frame, expression), state)]
        if operator == "new" and operands:
            return self.value(operands[0], state, frame)
        if operator in {"&&", "||", "?:", "!"} or operator in {"==", "!=", "<", "<=", ">", ">=", "in", "not in"}:
            if operator == "?:":
                return [
                    pair
                    for holds, after in self.test(operands[0], state, frame)
                    for pair in self.value(operands[1 if holds else 2], after, frame)
                ]
            return [(constant(holds), after) for holds, after in self.test(expression, state, frame)]
        results: list[tuple[Value, State]] = []
        for values, after in self._all(operands, state, frame):
            made = self.fresh(frame, expression)
            folded = fold(operator, values)
            if folded is not None:
                results.append((folded, after))
                continue
            self._mix(made, values, after)
            results.append((made, after))
        return results

    def _sequence(self, operands: Sequence[ir.Expression], state: State, frame: Frame) -> list[tuple[Value, State]]:
        results = [(constant(None), state)]
        for operand in operands:
            results = [pair for _, after in results for pair in self.value(operand, after, frame)]
        return results

    def _deref(self, expression: ir.Operation, state: State, frame: Frame) -> list[tuple[Value, State]]:
        results: list[tuple[Value, State]] = []
        for value, after in self.value(expression.operands[0], state, frame):
            if value is not None and value[0] == "f":
                results.append((value, after))
                continue
            self._use(value, "dereference", after, frame, expression.line)
            place = self.place(expression, after, frame)
            results.append((self.load(place, after, frame, expression.line) if place else None, after))
        return results

    def _display(
        self, expression: ir.Expression, items: Sequence[ir.Expression], state: State, frame: Frame
    ) -> list[tuple[Value, State]]:
        results: list[tuple[Value, State]] = []
        for values, after in self._all(items, state, frame):
            made = self.fresh(frame, expression)
            self._mix(made, values, after, keep=True)
            for value in values:
                site = self._site(value)
                if site is not None and value is not None and site.api.role in {Role.LOAD, Role.RESOLVE}:
                    after.escaped |= {value[1]}
            results.append((made, after))
        return results

    def _all(
        self, expressions: Sequence[ir.Expression], state: State, frame: Frame
    ) -> list[tuple[tuple[Value, ...], State]]:
        results: list[tuple[list[Value], State]] = [([], state)]
        for expression in expressions:
            grown: list[tuple[list[Value], State]] = []
            for values, before in results:
                match self.value(expression, before, frame):
                    case [(value, after)]:
                        values.append(value)  # a list of a million items is made once
                        grown.append((values, after))
                    case outcomes:
                        grown.extend(([*values, value], after) for value, after in outcomes)
            if len(grown) > _MAX_IN_EXPRESSION:  # each comparison inside doubles them
                self._cut(Bound.STATES)
                del grown[_MAX_IN_EXPRESSION:]
            results = grown
        return [(tuple(values), after) for values, after in results]
