"""What an expression gives, where it is stored, and the state after it; both answers of a condition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.bounds import StepBudget
from loadstone.review.analyses.calls import Calls
from loadstone.review.analyses.facts import Bound
from loadstone.review.analyses.flow import into, mix, put_into, taint_of, whole_text
from loadstone.review.analyses.memory import PathMemory
from loadstone.review.analyses.mentions import names_in
from loadstone.review.analyses.places import PathPlaces
from loadstone.review.analyses.program import Frame, KnownProgram
from loadstone.review.analyses.refine import COMPARES, Answers, Refine
from loadstone.review.analyses.results import fold
from loadstone.review.analyses.sites import Sites
from loadstone.review.analyses.state import State, Taint
from loadstone.review.analyses.streams import is_read_from, keeps_text, stream_of
from loadstone.review.analyses.values import (
    Answer,
    CallResult,
    Code,
    Constant,
    Field,
    Global,
    Initial,
    Local,
    Object,
    Place,
    PlaceAddress,
    Unknown,
    Value,
)
from loadstone.review.analyses.words import dotted_name, uncast, word_of
from loadstone.review.apis import ApiRole, Tables
from loadstone.review.typenames import is_characters

__all__ = ["PathEvaluator"]

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
_HANDLES: Final = frozenset({ApiRole.LOAD, ApiRole.RESOLVE})
_MOVES_BITS: Final = frozenset({"<<", ">>", "*", "//", "%", "-", "**", "&"})
Outcomes = list[tuple[Value, State]]


class PathEvaluator:
    """Evaluates expressions. Calls are handed to ``calls``, tests to ``refine``, loads and stores to ``memory``."""

    def __init__(
        self,
        tables: Tables,
        program: KnownProgram,
        sites: Sites,
        memory: PathMemory,
        refine: Refine,
        calls: Calls,
        budget: StepBudget,
    ) -> None:
        self.tables = tables
        self.program = program
        self.sites = sites
        self.memory = memory
        self.refine = refine
        self.calls = calls
        self.budget = budget
        self.places: PathPlaces = PathPlaces(program, memory, self.one)

    # Values.

    def value(self, expression: ir.Expression, state: State, frame: Frame) -> Outcomes:
        """What an expression gives, and the state after it; several when a callee has several outcomes."""
        match expression:
            case ir.Literal(value=value):
                return [(Constant(value), state)]
            case ir.Name():
                return [(self._name(expression, state, frame), state)]
            case ir.Cast(operand=operand):
                return self.value(operand, state, frame)
            case ir.Call():
                return self._call(expression, state, frame)
            case ir.Member() | ir.Item():
                return self._member(expression, state, frame)
            case ir.AssignmentExpression():
                return self._store(expression, state, frame)
            case ir.Operation():
                return self._operation(expression, state, frame)
            case ir.Display(items=items):
                return self._display(expression, items, state, frame)
            case ir.Closure(function=function):
                return [(self._closure(expression, function, state, frame), state)]

    def one(self, expression: ir.Expression, state: State, frame: Frame) -> Value:
        """The value of an expression without following calls in it anew."""
        results = self.value(expression, state, frame)  # none, when evaluating it never comes back
        return results[0][0] if results else None

    def all(
        self, expressions: Sequence[ir.Expression], state: State, frame: Frame
    ) -> list[tuple[tuple[Value, ...], State]]:
        """What several expressions give, one after another."""
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
                self.budget.cut(Bound.STATES)
                del grown[_MAX_IN_EXPRESSION:]
            results = grown
        return [(tuple(values), after) for values, after in results]

    def _closure(self, expression: ir.Closure, function: ir.Function, state: State, frame: Frame) -> Value:
        """A closure keeps what it mentions: a handle in it has escaped, and it needs what that needs."""
        made = Unknown(frame.number, id(expression))
        captured = []
        for name in dict.fromkeys(names_in(function.body)):
            value = state.env.get(Local(frame.number, name))
            self.memory.stored.captured(function, name, value, state, frame)
            if isinstance(value, CallResult):
                state.escape(value)
                captured.append(value)
        if captured:
            mix(made, captured, state, keep=True)
            state.put("lineage", made, captured[0])
        return made

    def _name(self, name: ir.Name, state: State, frame: Frame) -> Value:
        if name.name in {"this", "self"} and frame.known.function.owner:
            return frame.this
        place = self.places.named(name.name, state, frame)
        outside = isinstance(place, Global) and place not in state.env and name.name not in _TAINTED_NAMES
        if outside and self._is_function(name.name, frame.known.unit):
            return Code(name.name)
        value = self.memory.load(place, state, frame, name.line)
        known = name.name in _TAINTED_NAMES and isinstance(place, Global)
        if known and isinstance(value, Initial) and value not in state.taint:
            state.put("taint", value, Taint(_TAINTED_NAMES[name.name], frame.spot(name.line)))
        return value

    def _is_function(self, name: str, unit: ir.Unit) -> bool:
        """Whether a name of a file is a function's, of the program or of an interface, and not its own variable's."""
        if self.program.defines(name, unit):
            return True
        return self.tables.get(name) is not None and name not in self.program.variables.get(unit.path, ())

    def _member(self, expression: ir.Member | ir.Item, state: State, frame: Frame) -> Outcomes:
        base = uncast(expression.base)
        if isinstance(expression, ir.Member) and (dotted := dotted_name(expression)) in _TAINTED_NAMES:
            value: Value = Initial(Global("", dotted))
            if value not in state.taint:
                state.put("taint", value, Taint(_TAINTED_NAMES[dotted], frame.spot(expression.line)))
            return [(value, state)]
        before = self.one(base, state, frame) if not isinstance(base, ir.Call) else None
        results: Outcomes = []
        for found, after in [(before, state)] if before is not None else self.value(base, state, frame):
            results.append((self._field(expression, found, before, after, frame), after))
        return results

    def _field(self, expression: ir.Member | ir.Item, found: Value, before: Value, state: State, frame: Frame) -> Value:
        if isinstance(expression, ir.Member) and expression.name == "_handle" and self.sites.of(before) is not None:
            return before
        base = before if before is not None else found
        if isinstance(expression, ir.Item):
            index = self.one(expression.index, state, frame)
            if isinstance(index, Answer) and index.question == "span" and index.about == base:
                behind = Unknown(frame.number, ("behind", base))
                state.put("parts", behind, (base,))
                return behind
        place = self.places.of(expression, state, frame, base)
        if place is None:
            return Unknown(frame.number, id(expression))
        python = frame.known.unit.language is ir.Language.PYTHON
        if isinstance(expression, ir.Item) or expression.through or python:
            self.sites.use(base, "dereference", state, frame, expression.line)
        value = self.memory.load(place, state, frame, expression.line)
        taint = taint_of(base, state)
        if taint is not None and isinstance(value, Initial | Unknown) and value not in state.taint:
            state.put("taint", value, taint)
        return value

    def _store(self, expression: ir.AssignmentExpression, state: State, frame: Frame) -> Outcomes:
        results = []
        for value, after in self.value(expression.value, state, frame):
            kept = value if not expression.operator else self.combined(expression, value, after, frame)
            source = None if expression.operator else expression.value
            self.store(expression.target, kept, after, frame, expression.line, source=source)
            results.append((kept, after))
        return results

    def combined(
        self, statement: ir.Assign | ir.AssignmentExpression, value: Value, state: State, frame: Frame
    ) -> Value:
        """What ``target += value`` puts into the target."""
        before = self.one(statement.target, state, frame)
        if statement.operator in {"&", "|"} and (folded := fold(statement.operator, (before, value))) is not None:
            return folded
        if statement.operator == "+" and isinstance(value, Constant) and isinstance(before, Answer):
            return before  # a step from where a text was found is in that text
        made = self._stepped(before, statement, state, frame)
        state.renew(made)
        mix(made, _carried(statement.operator, (before, value)), state)
        return made

    def _operation(self, expression: ir.Operation, state: State, frame: Frame) -> Outcomes:
        operator, operands = expression.operator, expression.operands
        if operator == "address" and len(operands) == 1:
            text = _text_begun_at(operands[0], frame)
            if text is not None:
                return self.value(text, state, frame)
            called = uncast(operands[0])
            api = self.tables.get(called.name) if isinstance(called, ir.Call) else None
            if api is not None and api.role is ApiRole.RESOLVE:
                return self.value(called, state, frame)  # a reference to the function: its address is what was found
            if isinstance(called, ir.AssignmentExpression):
                return [
                    (self._address(expression, called.target, after, frame), after)
                    for _, after in self.value(called, state, frame)
                ]
            return [(self._address(expression, operands[0], state, frame), state)]
        if operator == "deref" and len(operands) == 1:
            return self._deref(expression, state, frame)
        if operator == "new" and operands:
            return [
                (self.calls.made_new(operands[0], v, s, frame), s) for v, s in self.value(operands[0], state, frame)
            ]
        if operator in {"post", "await"} and operands:
            return self.value(operands[0], state, frame)
        if operator == "," and operands:
            return self._sequence(operands, state, frame)
        if operator == "sizeof":
            return [(Unknown(frame.number, id(expression)), state)]
        if operator == "?:":
            return [
                pair
                for holds, after in self.test(operands[0], state, frame)
                for pair in self.value(operands[1 if holds else 2], after, frame)
            ]
        if operator in {"&&", "||", "!"} or operator in COMPARES:
            return [(Constant(holds), after) for holds, after in self.test(expression, state, frame)]
        return [self._computed(expression, values, after, frame) for values, after in self.all(operands, state, frame)]

    def _computed(
        self, expression: ir.Operation, values: tuple[Value, ...], state: State, frame: Frame
    ) -> tuple[Value, State]:
        operator = expression.operator
        folded = fold(operator, values)
        if folded is not None:
            return folded, state
        if operator == ">>" and is_read_from(expression.operands[0], frame.known.types):
            self._extract(expression, state, frame)
            return values[0], state
        if operator == "<<" and keeps_text(expression.operands[0], frame.known.types):
            return self._written(expression, values, state, frame), state
        if operator in {"+", "-"} and isinstance(values[0], Answer) and isinstance(values[-1], Constant):
            return values[0], state
        made = self._stepped(values[0] if values else None, expression, state, frame)
        mix(made, _carried(operator, values), state)
        return made, state

    def _stepped(
        self, start: Value, step: ir.Assign | ir.AssignmentExpression | ir.Operation, state: State, frame: Frame
    ) -> Value:
        """What arithmetic gives: a pointer into a text, where it begins with one."""
        if step.operator in {"+", "-"} and self._is_in_text(start, state, frame):
            return into(whole_text(start, state), frame.number, id(step))
        return Unknown(frame.number, id(step))

    def _is_in_text(self, pointer: Value, state: State, frame: Frame) -> bool:
        """Whether a value is an array of characters, or an address in one."""
        if frame.known.unit.language is ir.Language.PYTHON:
            return False
        text = whole_text(pointer, state)
        held = text.home if isinstance(text, Constant) else text
        return text != pointer or is_characters(self.memory.type_of(held, frame))

    def _written(self, expression: ir.Operation, values: tuple[Value, ...], state: State, frame: Frame) -> Value:
        """``text << word``: what the stream has so far, and the word behind it."""
        made = Unknown(frame.number, ("written", id(expression)))
        state.renew(made)
        mix(made, (*state.parts.get(values[0], ()), values[1]), state)
        place = self.places.of(stream_of(expression, "<<"), state, frame)
        if place is not None:
            state.assign(place, made)
        return made

    def _extract(self, expression: ir.Operation, state: State, frame: Frame) -> None:
        """``stream >> word``: the word is what the file or the terminal says."""
        made = Unknown(frame.number, id(expression))
        state.renew(made)
        state.put("taint", made, Taint("file or terminal", frame.spot(expression.line)))
        self.store(expression.operands[1], made, state, frame, expression.line)

    def _address(self, expression: ir.Expression, operand: ir.Expression, state: State, frame: Frame) -> Value:
        bare = uncast(operand)
        if isinstance(bare, ir.Name) and self._name(bare, state.copy(), frame) == Code(bare.name):
            return Code(bare.name)
        if isinstance(bare, ir.Name) and bare.name.rpartition("::")[2] and "::" in bare.name:
            return Code(bare.name)
        if isinstance(bare, ir.Item):
            text = self.one(bare.base, state, frame)
            if self._is_in_text(text, state, frame):
                return into(whole_text(text, state), frame.number, id(expression))
        place = self.places.of(operand, state, frame)
        return PlaceAddress(place) if place is not None else Unknown(frame.number, id(expression))

    def _sequence(self, operands: Sequence[ir.Expression], state: State, frame: Frame) -> Outcomes:
        results: Outcomes = [(Constant(None), state)]
        for operand in operands:
            results = [pair for _, after in results for pair in self.value(operand, after, frame)]
        return results

    def _deref(self, expression: ir.Operation, state: State, frame: Frame) -> Outcomes:
        results: Outcomes = []
        for value, after in self.value(expression.operands[0], state, frame):
            if isinstance(value, Code | Object):  # what a pointer or an optional leads to is the object itself
                results.append((value, after))
                continue
            self.sites.use(value, "dereference", after, frame, expression.line)
            place = value.place if isinstance(value, PlaceAddress) else Field(value, "*")
            results.append((self.memory.load(place, after, frame, expression.line), after))
        return results

    def _display(
        self, expression: ir.Expression, items: Sequence[ir.Expression], state: State, frame: Frame
    ) -> Outcomes:
        results: Outcomes = []
        for values, after in self.all(items, state, frame):
            made = Unknown(frame.number, id(expression))
            mix(made, values, after, keep=True)
            for value in values:
                if self.sites.role(value) in _HANDLES:
                    after.escape(value)
                    if isinstance(value, CallResult) and value not in after.lineage:
                        after.put("lineage", made, value)
            results.append((made, after))
        return results

    def _call(self, call: ir.Call, state: State, frame: Frame) -> Outcomes:
        results: Outcomes = []
        function = uncast(call.function)
        first = function if isinstance(function, ir.Call) else call.receiver
        receivers: Outcomes = self.value(first, state, frame) if first is not None else [(None, state)]
        given = (*call.arguments, *(v for _, v in call.keywords))
        for receiver, with_receiver in receivers:
            if isinstance(function, ir.Member) and function.through:
                self.sites.use(receiver, "dereference", with_receiver, frame, call.line)
            for values, after in self.all(given, with_receiver, frame):
                callee: Value = None
                if self.calls.may_be_variable(function, frame, call):
                    callee = self._callee(function, receiver, after, frame)
                results.extend(
                    self.calls.call(call, callee, receiver, values, after, frame, self.places.finder(after, frame))
                )
        return results

    def _callee(self, function: ir.Expression, receiver: Value, state: State, frame: Frame) -> Value:
        """What is called. The object of a method is made once, where a call makes it."""
        if isinstance(function, ir.Call):
            return receiver  # ``symbol(library, "run")(1)``: what the first call gave
        if isinstance(function, ir.Member) and isinstance(uncast(function.base), ir.Call):
            return self._field(function, receiver, None, state, frame)
        return self.one(function, state, frame)

    # Conditions.

    def test(self, expression: ir.Expression, state: State, frame: Frame) -> Answers:
        """Both answers a condition can have here, with what each of them teaches."""
        bare = uncast(expression)
        if isinstance(bare, ir.Operation):
            if bare.operator == "!" and bare.operands:
                return [(not holds, s) for holds, s in self.test(bare.operands[0], state, frame)]
            if bare.operator in {"&&", "||"}:
                return self._both(bare, state, frame)
            if bare.operator in COMPARES and len(bare.operands) == 2:
                return [
                    answer
                    for (left, right), after in self.all(bare.operands, state, frame)
                    for answer in self.refine.compare(bare, left, right, after, frame)
                ]
        results: Answers = []
        for value, after in self.value(expression, state, frame):
            results.extend(self.refine.truth(value, after, frame, expression.line))
        return results

    def _both(self, bare: ir.Operation, state: State, frame: Frame) -> Answers:
        stop = bare.operator == "||"
        results: Answers = []
        for holds, after in self.test(bare.operands[0], state, frame):
            if holds is stop:
                results.append((holds, after))
            else:
                results.extend(self.test(bare.operands[1], after, frame))
        return results

    # Storing.

    def store(
        self,
        target: ir.Expression,
        value: Value,
        state: State,
        frame: Frame,
        line: int,
        *,
        source: ir.Expression | None = None,
        begun: bool = False,
    ) -> None:
        """Put a value where an expression says; ``source`` is the expression that gave it.

        ``begun``: it is a static's first value, which the compiler sees to while nobody else gets there.
        """
        if isinstance(target, ir.Display):
            for item in target.items:
                each = value if isinstance(value, CallResult) else Unknown(frame.number, id(item))
                self.store(item, each, state, frame, line)
            return
        place = self.places.of(target, state, frame)
        if place is None:
            return
        holds = word_of(source) if source is not None else ""
        origin = self._copied_from(source, state, frame) if source is not None else None
        self.memory.store(place, value, state, frame, line, holds=holds, begun=begun)
        if isinstance(place, Field) and taint_of(value, state) is not None and _is_unasked(value, state):
            text = whole_text(place.base, state)
            if self._is_in_text(text, state, frame):
                put_into(text, value, state)
        if origin is not None and origin != place:
            self.memory.copy(origin, place, state)

    def _copied_from(self, source: ir.Expression, state: State, frame: Frame) -> Place | None:
        """The object that an assignment copies, when its fields are known."""
        bare = uncast(source)
        if isinstance(bare, ir.Call) and bare.name in {"std::move", "qMove"} and bare.arguments:
            bare = uncast(bare.arguments[0])
        is_deref = isinstance(bare, ir.Operation) and bare.operator == "deref"
        if not isinstance(bare, ir.Name | ir.Member | ir.Item) and not is_deref:
            return None
        place = self.places.of(bare, state, frame)
        return place if place is not None and any(isinstance(p, Field) and p.base == place for p in state.env) else None


def _is_unasked(character: Value, state: State) -> bool:
    """Whether nothing has asked what kind of character this is."""
    return not any(kind == "characters" for kind, _ in state.checks.get(character, ()))


def _text_begun_at(operand: ir.Expression, frame: Frame) -> ir.Expression | None:
    """The string of ``&line[0]``: its first character's address stands for all of it."""
    match uncast(operand):
        case ir.Item(base=ir.Name(name=name) as base, index=ir.Literal(value=0)) if "string" in (
            frame.known.types.get(name, "")
        ):
            return base
    return None


def _carried(operator: str, values: tuple[Value, ...]) -> tuple[Value, ...]:
    """The operands whose bits are in the result as they are: a number that shifts or scales is not."""
    if operator not in _MOVES_BITS:
        return values
    return tuple(v for v in values if not (isinstance(v, Constant) and isinstance(v.value, int)))
