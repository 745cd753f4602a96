"""What calls do to memory: what they make, give back, keep and overwrite, and what is known of it afterwards."""

from __future__ import annotations

from loadstone.review import ir
from loadstone.review.analyses.lifetimes.names import is_own, made_line, named, parts_of, root, spelled
from loadstone.review.analyses.lifetimes.objects import (
    NULL,
    AddressOf,
    Computed,
    End,
    HeldIn,
    Inside,
    KnownNumber,
    LifetimeState,
    Made,
    PartOf,
    Place,
    Range,
    Status,
    Text,
    Value,
    VariableOf,
    depth,
    is_vague,
    leads_from,
    origin,
)
from loadstone.review.analyses.lifetimes.vocabulary import MADE, MAX_DEPTH, ONE_KIND, TOLD_APART, Event
from loadstone.review.apis import Api, ApiRole, Success, Tables
from loadstone.review.control_flow import Graph
from loadstone.review.walk import expressions

__all__ = ["Memory", "is_good"]


class Memory:
    """The memory of one function, and what happens to it."""

    def __init__(self, graph: Graph, tables: Tables, language: ir.Language, arrays: frozenset[str]) -> None:
        self.tables = tables
        self.language = language
        self.arrays = arrays
        self.function = graph.function
        self.events: dict[Event, None] = {}
        self.made: dict[Made, tuple[Api, str]] = {}
        self.locals: dict[str, str] = {p.name: p.type for p in self.function.parameters}
        self.statics: set[str] = set()
        for node in graph.nodes:
            statement = node.statement
            if isinstance(statement, ir.Assign) and statement.declares and isinstance(statement.target, ir.Name):
                self.locals.setdefault(statement.target.name, statement.type)
                if statement.static:
                    self.statics.add(statement.target.name)
            elif isinstance(statement, ir.Loop) and statement.each and isinstance(statement.each[0], ir.Name):
                self.locals.setdefault(statement.each[0].name, statement.type)

    def variable(self, name: str) -> VariableOf:
        return VariableOf(name, local=name in self.locals and name not in self.statics)

    def is_array(self, variable: VariableOf) -> bool:
        if variable.name not in self.locals:
            return variable.name in self.arrays
        is_parameter = any(p.name == variable.name for p in self.function.parameters)
        return "[" in self.locals[variable.name] and not is_parameter

    def read(self, place: Place | None, state: LifetimeState, line: int) -> Value:
        if place is None:
            return Computed(("nowhere", line))
        if isinstance(place, PartOf) and is_vague(HeldIn(place)):
            return Computed("far")
        found = state.places.get(place)
        if found is None:
            if isinstance(place, VariableOf) and self.is_array(place):
                found = AddressOf(place)
            elif depth(place) > MAX_DEPTH:
                return Computed("far")
            else:
                found = HeldIn(place, self.version(place, state))
            state.places[place] = found
        return found

    @staticmethod
    def version(place: Place, state: LifetimeState) -> int:
        start: object = place
        found = 0
        while isinstance(start, PartOf):
            found += state.versions.get(start.base, 0)
            start = start.base
        if not is_own(place):
            found += state.versions.get("globals", 0)
        return found + state.versions.get(place, 0)

    def store_note(self, place: Place, value: Value, state: LifetimeState) -> None:
        if is_vague(HeldIn(place)):
            state.handed |= {value, *parts_of(value)}
            return
        start = root(place)
        hidden = isinstance(start, VariableOf) and start.local
        reached = start if not isinstance(start, VariableOf) else None
        if not hidden and not (isinstance(reached, Made) and reached not in state.handed):
            state.handed |= {value, *parts_of(value)}

    @staticmethod
    def moved(before: Value, operator: str, by: Value) -> Value:
        if isinstance(before, KnownNumber) and isinstance(by, KnownNumber):
            match operator:
                case "+":
                    return KnownNumber(before.value + by.value)
                case "-":
                    return KnownNumber(before.value - by.value)
        if depth(before) > MAX_DEPTH:
            return Computed("far")
        if operator in {"+", "-"}:
            return Inside(before, (operator, by))
        return Computed(operator, (before, by))

    @staticmethod
    def forget_behind(place: Place, state: LifetimeState) -> None:
        """A variable that is given a value as a whole: what its members held is gone."""
        for other in [p for p in state.places if isinstance(p, PartOf) and root(p) == place]:
            del state.places[other]

    @staticmethod
    def forget_globals(state: LifetimeState) -> None:
        for place in [p for p in state.places if not is_own(p)]:
            del state.places[place]

    def hand(self, value: Value, state: LifetimeState) -> None:
        """Something unknown has it now: it may give it back, keep it, and write to whatever it reaches."""
        state.handed |= {value, *parts_of(value)}
        inner = value.place if isinstance(value, AddressOf) else origin(value)
        for place, held in [*state.places.items()]:
            if isinstance(place, PartOf) and leads_from(place, {inner}):
                state.handed |= {held}
        self.overwritten(inner, state)

    @staticmethod
    def overwritten(inner: object, state: LifetimeState) -> None:
        for place in [p for p in state.places if p == inner or (isinstance(p, PartOf) and leads_from(p, {inner}))]:
            del state.places[place]
        state.versions[inner] = state.versions.get(inner, 0) + 1

    @staticmethod
    def count(made: object, state: LifetimeState) -> int:
        key = ("count", id(made))
        state.versions[key] = state.versions.get(key, 0) % TOLD_APART + 1
        return state.versions[key]

    def fresh(self, made: object, state: LifetimeState, of: tuple[object, ...] = ()) -> Computed:
        """A value that was not there before: that of an earlier round goes by another name."""
        value = Computed((id(made), self.count(made, state)), of)
        state.renew({value}, set())
        return value

    @staticmethod
    def makes(api: Api, call: ir.Call) -> bool:
        """Whether a call gives something that its caller has to give back."""
        if api.kind == "on demand":  # FORMAT_MESSAGE_ALLOCATE_BUFFER
            every = (e for a in call.arguments for e in expressions(a))
            return any(isinstance(e, ir.Name) and "ALLOCATE" in e.name for e in every)
        return bool(api.owned and (api.role in MADE or (api.role is ApiRole.JOIN and api.release)))

    def make(
        self, call: ir.Call, api: Api, values: tuple[Value, ...], state: LifetimeState
    ) -> list[tuple[Value, LifetimeState]]:
        made = Made(id(call), call.line, self.count(call, state))
        self.made[made] = (api, call.name)
        state.renew({made}, set())
        state.ranges.pop(Status(made), None)
        state.handed -= {made}
        if api.kind == "takes over" and values:
            state.handed |= {values[0]}
            state.places.setdefault(PartOf(made, "descriptor"), values[0])
        if api.out is None:
            return [(made, state)]
        given = values[api.out] if api.out < len(values) else None
        if not isinstance(given, AddressOf):
            return [(self.fresh(call, state), state)]
        state.places[given.place] = made
        self.store_note(given.place, made, state)
        return [(Status(made), state)]

    def resized(
        self, call: ir.Call, block: Value, api: Api | None, state: LifetimeState
    ) -> list[tuple[Value, LifetimeState]]:
        self.touch(block, call.line, state, "used")
        failed = state.copy()
        if api is None:
            return [(self.fresh(call, state), state)]
        made = Made(id(call), call.line, self.count(call, state))
        self.made[made] = (api, call.name)
        state.handed = state.handed - {made} | ({made} if block in state.handed else frozenset())
        state.ranges[made] = Range(nonzero=True)
        state.ended.pop(made, None)
        if not isinstance(block, KnownNumber):
            state.ended[block] = End(call.line, call.name, "moved")
        return [(made, state), (NULL, failed)]

    def give_back(self, value: Value, call: ir.Call, api: Api | None, state: LifetimeState) -> None:
        name = spelled(call.arguments[api.subject if api is not None else 0])
        known = state.range_of(value)
        is_memory = api is None or api.role is ApiRole.FREE
        if (known.low, known.high) == (0, 0) and is_memory:
            return
        if known.high < 0:
            return
        wrong = self.wrong(value) if is_memory and api is not None else ""
        wrong = wrong or self.mismatched(value, call)
        if wrong:
            self.events[Event(wrong, name, call.line, made_line(value), api, call.name)] = None
            state.handed |= {value}
            return
        block = value
        before = state.ended.get(block)
        if before is not None and before.api != "moved":
            del state.ended[block]
            state.handed |= {block}
            self.events[Event("twice", name, call.line, before.line, api, before.by)] = None
            return
        if is_vague(block):
            return
        state.ended[block] = End(call.line, call.name, api)
        under = state.places.get(PartOf(block, "descriptor"))  # a stream closes what it was made of
        if under is not None:
            state.ended[under] = End(call.line, call.name, api)

    def wrong(self, value: Value) -> str:
        """Why a block cannot be given back to free: it is a variable, a text of the source, or within a block."""
        if isinstance(value, AddressOf) and isinstance(value.place, VariableOf):
            return "variable"
        if isinstance(value, Text):
            return "text"
        if isinstance(value, Inside) and isinstance(origin(value), Made):
            block = origin(value)
            return "inside" if block in self.made and self.made[block][0].role is ApiRole.ALLOCATE else ""
        if isinstance(value, Computed) and value.of and isinstance(value.of[0], tuple) and value.of[0][:1] == ("lent",):
            return "lent"
        return ""

    def mismatched(self, value: Value, call: ir.Call) -> str:
        """What takes back another kind of thing than this one."""
        made = self.made.get(value) if isinstance(value, Made) else None
        if made is None or not made[0].release or made[0].release == call.name:
            return ""
        if (made[0].kind, call.name) == ("on demand", "HeapFree"):
            return ""  # what FormatMessage allocates goes to either (its reference page)
        known = self.tables.get(made[0].release)
        takes_one = call.name in ONE_KIND or call.name == "delete"
        return "mismatched" if known is not None and takes_one and made[0].release in ONE_KIND else ""

    def touch(self, value: Value, line: int, state: LifetimeState, how: str) -> None:
        """Something is done with a value: it must still be there."""
        block = origin(value)
        end = state.ended.get(block)  # type: ignore[call-overload]
        if end is None:
            return
        del state.ended[block]  # type: ignore[arg-type]
        state.handed |= {block}  # type: ignore[arg-type]
        api = end.api if isinstance(end.api, Api) else None
        if how != "returned" or (api is None or api.role is ApiRole.FREE):
            what = "moved" if end.api == "moved" else "late"
            self.events[Event(what, named(block), line, end.line, api, end.by)] = None

    def started(self, call: ir.Call, values: tuple[Value, ...]) -> None:
        for value, argument in zip(values, call.arguments, strict=False):
            last = argument is call.arguments[-1] or call.name == "CreateThread"
            if last and isinstance(value, AddressOf) and is_own(value.place) and isinstance(value.place, VariableOf):
                self.events[Event("thread", spelled(argument), call.line, call.line, None, call.name)] = None

    def failed(self, made: Made, state: LifetimeState) -> bool:
        api = self.made[made][0]
        status, known = state.range_of(Status(made)), state.range_of(made)
        if api.role is ApiRole.JOIN and (known.low, known.high) == (0, 0):
            return True  # a text that is null was not made, whatever the status was
        match api.success:
            case Success.NON_NEGATIVE if api.out is None:
                return known.high < 0
            case Success.NON_NULL if api.out is None:
                return (known.low, known.high) == (0, 0)
            case Success.ZERO:
                return status.nonzero or status.low > 0 or status.high < 0
            case Success.NON_ZERO:
                return (status.low, status.high) == (0, 0)
            case Success.NON_NEGATIVE:
                return status.high < 0
        return (known.low, known.high) == (0, 0) or known.high < 0

    def is_good(self, made: Made, state: LifetimeState) -> bool:
        return is_good(made, self.made[made][0], state)

    def given(self, value: Value, place: Place, state: LifetimeState, line: int) -> LifetimeState:
        state.places[place] = value
        state.stored[place] = line
        return state

    def is_possible(self, value: Value, state: LifetimeState) -> bool:
        """What fails to be made is not there on the same path."""
        if isinstance(value, Status) and self.failed(value.made, state):
            state.ended.pop(value.made, None)
        return True


def is_good(made: Made, api: Api, state: LifetimeState) -> bool:
    """Whether a path has asked whether it was made, and it was."""
    known, status = state.range_of(made), state.range_of(Status(made))
    if api.out is not None and api.role is ApiRole.ALLOCATE and known.nonzero:
        return True  # the text itself was asked about, not the status
    if api.out is not None and api.success is not Success.NONE:
        match api.success:
            case Success.ZERO:
                return (status.low, status.high) == (0, 0)
            case Success.NON_ZERO:
                return status.nonzero
        return status.low >= 0
    return known.low >= 0 if api.success is Success.NON_NEGATIVE else known.nonzero
