"""What a function of the program did to what it was given, said of its caller's values."""

from __future__ import annotations

from dataclasses import replace

from loadstone.review import ir
from loadstone.review.analyses.lifetimes.memory import Memory, is_good
from loadstone.review.analyses.lifetimes.names import named
from loadstone.review.analyses.lifetimes.objects import (
    ANY,
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
    is_vague,
    origin,
)
from loadstone.review.analyses.lifetimes.vocabulary import CallOutcome, Event
from loadstone.review.apis import Api

__all__ = ["Carried"]


class Carried:
    """What a callee did, said of the caller's values."""

    def __init__(
        self, given: dict[str, Value], state: LifetimeState, memory: Memory, call: ir.Call, outcome: CallOutcome
    ) -> None:
        self.given = given
        self.state = state
        self.memory = memory
        self.call = call
        self.outcome = outcome
        self.tolerant = False  # whether what something unknown has written since is told apart
        self.count = memory.count(call, state)
        self.anew: set[Made] = set()
        self.numbers = {made: number for number, made in enumerate(outcome.made)}

    def value(self, value: object) -> Value | None:
        """The caller's value of what the callee spoke of; None when the caller has no word for it."""
        match value:
            case KnownNumber() | Text():
                return value
            case HeldIn(place=VariableOf(name=name, local=True), version=0):
                return self.given.get(name)
            case HeldIn(place=PartOf() as part):
                place = self.place(part)
                if place is None or (value.version and not self.tolerant):
                    return None
                return self.memory.read(place, self.state, self.call.line)
            case HeldIn(place=VariableOf(local=False) as variable):
                return self.memory.read(variable, self.state, self.call.line)
            case Inside(block=block, by=by):
                inner = self.value(block)
                return Inside(inner, by) if inner is not None else None
            case Made() if value not in self.outcome.state.ended:
                made = Made(id(self.call), self.call.line, 10 * self.numbers[value] + self.count)
                if made not in self.anew:  # one of an earlier round may have had its name
                    self.anew.add(made)
                    self.state.ended.pop(made, None)
                api, _ = self.outcome.made[value]
                self.memory.made[made] = (replace(api, out=None), self.call.name)
                known = self.outcome.state.range_of(value)
                self.state.ranges[made] = Range(known.low, known.high, known.nonzero)
                if self.outcome.state.range_of(Status(value)) != ANY:  # the callee has asked
                    self.state.ranges[made] = Range(low=1) if self.is_good_there(value) else Range(0, 0)
                return made
            case AddressOf(place=PartOf() as part):
                place = self.place(part)
                return AddressOf(place) if place is not None else None
        return None

    def is_good_there(self, made: Made) -> bool:
        """Whether the callee knows that something was made."""
        return is_good(made, self.outcome.made[made][0], self.outcome.state)

    def place(self, part: Place) -> Place | None:
        """The caller's place of one that the callee reached from its parameters."""
        if isinstance(part, VariableOf):
            return part if not part.local else None
        base = part.base
        if isinstance(base, PartOf):
            inner = self.place(base)
            return PartOf(inner, part.name) if inner is not None else None
        if isinstance(base, VariableOf):
            return PartOf(base, part.name) if not base.local else None
        value = self.value(base)
        if value is None:
            return None
        if isinstance(value, AddressOf):
            return value.place if part.name == "*" else PartOf(value.place, part.name)
        return PartOf(value, part.name)

    def apply(self) -> bool:
        """Bring what one outcome did into the caller's state; whether it can be at all."""
        inner, state = self.outcome.state, self.state
        for value, known in inner.ranges.items():
            mine = self.value(value) if isinstance(value, HeldIn) else None
            if mine is not None:
                low = state.narrow(mine, ">=", known.low) and state.narrow(mine, "<=", known.high)
                if not low or (known.nonzero and not state.narrow(mine, "!=", 0)):
                    return False
        handed = {m for v in inner.handed if isinstance(v, HeldIn) and (m := self.value(v)) is not None}
        ended = [
            (m, end)
            for v, end in inner.ended.items()
            if (m := self.value(v)) is not None and not is_vague(m) and not isinstance(m, KnownNumber | Text)
        ]
        stores = [
            (place, self.value(held) or Computed((id(self.call), "left", repr(place)[:40])))
            for where, held in inner.places.items()
            if where in inner.stored and (place := self.place(where)) is not None
        ]
        self.tolerant = True
        handed.update(m for v in inner.ended if (m := self.value(v)) is not None)
        self.tolerant = False
        for name, value in self.given.items():
            start = HeldIn(VariableOf(name, local=True))
            if inner.versions.get(start):
                self.memory.overwritten(origin(value), state)
        for value, end in ended:
            api = end.api if isinstance(end.api, Api) else None
            before = state.ended.get(value)
            if before is not None and before.api != "moved" and end.api != "moved":
                self.memory.events[Event("twice", named(value), self.call.line, before.line, api, before.by)] = None
                state.handed |= {value}
            state.ended[value] = End(self.call.line, self.call.name, end.api)
        gone = {value for value, _ in ended}
        for value in self.given.values():
            if value not in gone:
                self.memory.touch(value, self.call.line, state, "used")
        state.handed |= handed
        for place, value in stores:
            state.places[place] = value
            state.stored[place] = self.call.line
            self.memory.store_note(place, value, state)
        if inner.versions.get("globals"):
            state.versions["globals"] = state.versions.get("globals", 0) + 1
            self.memory.forget_globals(state)
        return True
