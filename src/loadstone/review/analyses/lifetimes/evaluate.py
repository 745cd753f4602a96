"""What expressions give on a path, and what evaluating them does to memory."""

from __future__ import annotations

from collections.abc import Callable

from loadstone.review import ir
from loadstone.review.analyses.lifetimes.carried import Carried
from loadstone.review.analyses.lifetimes.memory import Memory
from loadstone.review.analyses.lifetimes.names import parts_of
from loadstone.review.analyses.lifetimes.objects import (
    NULL,
    AddressOf,
    Computed,
    HeldIn,
    Inside,
    KnownNumber,
    LifetimeState,
    Made,
    PartOf,
    Place,
    Text,
    Value,
    VariableOf,
    depth,
    is_vague,
)
from loadstone.review.analyses.lifetimes.vocabulary import (
    ENDS,
    FAILURES,
    INTO,
    KEEPS,
    LENT,
    MAX_DEPTH,
    PLAIN,
    STACK,
    THREADS,
    ZERO,
    CallOutcome,
    Summary,
)
from loadstone.review.analyses.printed import only_printed
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.typenames import is_text_object
from loadstone.review.walk import expressions

__all__ = ["LifetimeEvaluator"]


class LifetimeEvaluator:
    """Evaluates the expressions of one function over its memory."""

    def __init__(
        self, memory: Memory, summary: Summary, is_defined: Callable[[ir.Call], bool], moving: frozenset[str]
    ) -> None:
        self.memory = memory
        self.summary = summary
        self.is_defined = is_defined
        self.moving = moving

    def value(self, expression: ir.Expression | None, state: LifetimeState) -> list[tuple[Value, LifetimeState]]:
        """What an expression gives, and the state after it, for each of its outcomes."""
        match expression:
            case None:
                return [(Computed("nothing"), state)]
            case ir.Cast(operand=operand):
                return self.value(operand, state)
            case ir.Literal(value=None):
                return [(NULL, state)]
            case ir.Literal(value=bool() | int() as number):
                return [(KnownNumber(int(number)), state)]
            case ir.Literal(value=str() | bytes(), line=line):
                return [(Text(line), state)]
            case ir.Name(name=name) if name in FAILURES or name in ZERO:
                return [(KnownNumber(FAILURES.get(name, ZERO.get(name, 0))), state)]
            case ir.Name(line=line) | ir.Member(line=line) | ir.Item(line=line):
                return [(self.memory.read(self.place(expression, state), state, line), state)]
            case ir.AssignmentExpression(target=target, value=given, operator=operator, line=line):
                return [
                    (self.memory.read(self.place(target, after), after, line), after)
                    for after in self.store(target, given, operator, line, state)
                ]
            case ir.Call():
                return self.call(expression, state)
            case ir.Operation(operator="address", operands=(inner,)):
                return [(self.address(inner, state), state)]
            case ir.Operation(operator="deref", line=line):
                return [(self.memory.read(self.place(expression, state), state, line), state)]
            case ir.Operation(
                operator="post", operands=(ir.AssignmentExpression(target=target) as changed,), line=line
            ):
                before = self.memory.read(self.place(target, state), state, line)
                return [(before, after) for _, after in self.value(changed, state)]
            case ir.Operation(operator="new", line=line):
                return self.new(expression, state)
            case ir.Operation():
                return self.operation(expression, state)
            case ir.Display(items=items, line=line):
                for item in items:
                    state.handed |= {self.plain(item, state)}
                return [(self.memory.fresh(expression, state), state)]
        for inner in expressions(expression):
            if isinstance(inner, ir.Name):
                state.handed |= {self.memory.read(self.memory.variable(inner.name), state, inner.line)}
        if isinstance(expression, ir.Closure):
            self.captured(state)
        return [(self.memory.fresh(expression, state), state)]

    def plain(self, expression: ir.Expression, state: LifetimeState) -> Value:
        """The value of an expression that does nothing; of one that does, what its first outcome is."""
        outcomes = self.value(expression, state)
        value, after = outcomes[0]
        if after is not state:
            for name in LifetimeState.__slots__:
                setattr(state, name, getattr(after, name))
        return value

    def place(self, target: ir.Expression, state: LifetimeState) -> Place | None:
        match uncast(target):
            case ir.Name(name=name):
                return self.memory.variable(name)
            case ir.Member(base=base, name=name, through=True, line=line):
                value = self.plain(base, state)
                self.memory.touch(value, line, state, "reached through")
                return PartOf(value.place, name) if isinstance(value, AddressOf) else PartOf(value, name)
            case ir.Member(base=base, name=name):
                inner = self.place(base, state)
                return PartOf(inner, name) if inner is not None else None
            case ir.Item(base=base, index=index, line=line):
                value, at = self.plain(base, state), self.plain(index, state)
                self.memory.touch(value, line, state, "reached through")
                if not isinstance(uncast(index), ir.Literal):
                    at = Computed("index", (at,)) if depth(at) < MAX_DEPTH else Computed("far")
                return PartOf(value.place if isinstance(value, AddressOf) else value, ("item", at))
            case ir.Operation(operator="deref", operands=(inner,), line=line):
                value = self.plain(inner, state)
                self.memory.touch(value, line, state, "reached through")
                return value.place if isinstance(value, AddressOf) else PartOf(value, "*")
        return None

    def store(
        self, target: ir.Expression, given: ir.Expression | None, operator: str, line: int, state: LifetimeState
    ) -> list[LifetimeState]:
        states = []
        for stored, middle in self.value(given, state):
            place = self.place(target, middle)
            value = self.memory.moved(self.memory.read(place, middle, line), operator, stored) if operator else stored
            if isinstance(place, VariableOf) and is_text_object(self.memory.locals.get(place.name, "")):
                value = self.memory.fresh(target, middle)  # a string copies what it is made from
            if place is not None and not (isinstance(place, PartOf) and is_vague(HeldIn(place))):
                if isinstance(place, VariableOf):
                    self.memory.forget_behind(place, middle)
                middle.places[place] = value
                middle.stored[place] = line
                self.memory.store_note(place, value, middle)
                states.append(middle)
            else:
                middle.handed |= {value, *parts_of(value)}
                states.append(middle)
        return states

    def address(self, inner: ir.Expression, state: LifetimeState) -> Value:
        bare = uncast(inner)
        if isinstance(bare, ir.Display):
            return AddressOf(VariableOf(f"literal {bare.line}", local=True))
        if isinstance(bare, ir.Item):
            base = self.plain(bare.base, state)
            index = self.plain(bare.index, state)
            return base if index == NULL or depth(base) > MAX_DEPTH else Inside(base, index)
        place = self.place(bare, state)
        return AddressOf(place) if place is not None and depth(place) <= MAX_DEPTH else self.memory.fresh(inner, state)

    @staticmethod
    def captured(state: LifetimeState) -> None:
        for value in [*state.places.values()]:
            if isinstance(value, Made):
                state.handed |= {value}
        state.versions["globals"] = state.versions.get("globals", 0) + 1

    def new(self, made: ir.Operation, state: LifetimeState) -> list[tuple[Value, LifetimeState]]:
        for operand in made.operands:
            call = uncast(operand)
            for argument in call.arguments if isinstance(call, ir.Call) else ():
                self.memory.hand(self.plain(argument, state), state)
        return [(self.memory.fresh(made, state), state)]

    def operation(self, operation: ir.Operation, state: LifetimeState) -> list[tuple[Value, LifetimeState]]:
        if operation.operator in {"&&", "||", "?:"}:
            for operand in operation.operands:  # either may not run: nothing is learnt from it
                self.plain(operand, state.copy())
                for inner in expressions(operand):
                    if isinstance(inner, ir.Name):
                        state.handed |= {self.memory.read(self.memory.variable(inner.name), state, inner.line)}
            return [(self.memory.fresh(operation, state), state)]
        if operation.operator == "sizeof":
            return [(self.memory.fresh(operation, state), state)]
        values = [self.plain(operand, state) for operand in operation.operands]
        if operation.operator == "!" and values:
            return [(Computed("!", (values[0],)) if depth(values[0]) <= MAX_DEPTH else Computed("far"), state)]
        if len(values) == 2:
            if operation.operator == ",":
                return [(values[1], state)]
            return [(self.memory.moved(values[0], operation.operator, values[1]), state)]
        if operation.operator == "-" and values and isinstance(values[0], KnownNumber):
            return [(KnownNumber(-values[0].value), state)]
        return [(Computed(operation.operator, tuple(v for v in values if depth(v) <= MAX_DEPTH)), state)]

    def call(self, call: ir.Call, state: LifetimeState) -> list[tuple[Value, LifetimeState]]:
        own = isinstance(call.function, ir.Name) and call.function.name in self.memory.locals
        api = self.memory.tables.get(call.name) if not own and not self.is_defined(call) else None
        values = tuple(self.plain(argument, state) for argument in call.arguments)
        values += tuple(self.plain(given, state) for _, given in call.keywords)
        if call.receiver is not None:
            through = isinstance(call.function, ir.Member) and call.function.through
            held = self.plain(call.receiver, state)
            if through:
                self.memory.touch(held, call.line, state, "used")
            if not through and isinstance(call.receiver, ir.Name):
                self.memory.hand(held, state)
        elif not isinstance(call.function, ir.Name):
            self.plain(call.function, state)
        if call.name == "delete" and values:
            self.memory.give_back(values[0], call, None, state)
            return [(NULL, state)]
        role = api.role if api is not None else None
        if api is not None and role in ENDS and api.subject < len(values):
            self.memory.give_back(values[api.subject], call, api, state)
            return [(self.memory.fresh(call, state), state)]
        if last_word(call.name) == "realloc" and len(values) == 2:
            return self.memory.resized(call, values[0], api, state)
        known = self.summary(call) if api is None and last_word(call.name) in self.moving else None
        if known is not None:
            return self.entered(call, *known, values, state)
        printed = only_printed(call)
        for place, value in enumerate(values):
            if place not in printed:
                self.memory.touch(value, call.line, state, "used")
        if api is not None and self.memory.makes(api, call):
            return self.memory.make(call, api, values, state)
        if call.name in STACK:
            return [(AddressOf(VariableOf(f"{call.name} of line {call.line}", local=True)), state)]
        if call.name in INTO and values and self.summary(call) is None:
            for value in values:
                if isinstance(value, AddressOf):
                    self.memory.overwritten(value.place, state)
            return [
                (Inside(values[0], (call.name, id(call))) if depth(values[0]) <= MAX_DEPTH else Computed("far"), state)
            ]
        if call.name in THREADS:
            self.memory.started(call, values)
        keeps = role in KEEPS if api is not None else call.name not in PLAIN
        for value in values:
            if keeps:
                self.memory.hand(value, state)
            elif isinstance(value, AddressOf):
                self.memory.overwritten(value.place, state)
        if keeps and api is None:
            state.versions["globals"] = state.versions.get("globals", 0) + 1
            self.memory.forget_globals(state)
        return [(self.memory.fresh(call, state, (("lent", call.name),) if call.name in LENT else ()), state)]

    def entered(
        self,
        call: ir.Call,
        function: ir.Function,
        outcomes: tuple[CallOutcome, ...],
        values: tuple[Value, ...],
        state: LifetimeState,
    ) -> list[tuple[Value, LifetimeState]]:
        if not outcomes:
            return []  # it never comes back
        names = [p.name for p in function.parameters]
        given = dict(zip(names, values, strict=False))
        found = []
        for outcome in outcomes:
            after = state.copy()
            carried = Carried(given, after, self.memory, call, outcome)
            if carried.apply():
                result = carried.value(outcome.result) if outcome.result is not None else None
                found.append((result or self.memory.fresh(call, after), after))
        if not found:
            return [(self.memory.fresh(call, state), state)]
        return found
