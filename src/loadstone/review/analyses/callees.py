"""Calls: of functions of the same program, followed with the caller's state, of known and of unknown ones."""

from __future__ import annotations

import re
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.effects import Effects
from loadstone.review.analyses.known import Frame, Known
from loadstone.review.analyses.state import State, Value, constant
from loadstone.review.analyses.walker import MAX_LEVELS, MAX_STATES
from loadstone.review.analyses.words import uncast
from loadstone.review.apis import Role

__all__ = ["Callees"]

_MAX_CALLEE: Final = 160

_MAX_PLAIN_CALLEE: Final = 30

_PLACEHOLDER: Final = "?"

_CHECK_WORDS: Final = re.compile(r"(?i)(?:verif|check|digest|hash|sha\d|sign|trust|valid)")

_OWNERS: Final = frozenset(
    {"std::unique_ptr", "std::shared_ptr", "unique_ptr", "shared_ptr", "std::make_unique", "std::make_shared"}
)


class Callees(Effects):
    """Follows calls, or says what is lost by not following them."""

    def _call(self, call: ir.Call, state: State, frame: Frame) -> list[tuple[Value, State]]:
        results = []
        function = uncast(call.function)
        receivers: list[tuple[Value, State]] = [(None, state)]
        if call.receiver is not None:
            receivers = self.value(call.receiver, state, frame)
        for receiver, with_receiver in receivers:
            for values, after in self._all((*call.arguments, *(v for _, v in call.keywords)), with_receiver, frame):
                callee: Value = None
                if not isinstance(function, ir.Name | ir.Member) or self._may_be_variable(function, frame, call):
                    callee = self._one(function, after, frame) if not isinstance(function, ir.Call) else None
                results.extend(self._called(call, callee, receiver, values, after, frame))
        return results

    def _may_be_variable(self, function: ir.Name | ir.Member, frame: Frame, call: ir.Call) -> bool:
        if isinstance(function, ir.Name):
            name = function.name
            return (
                name in frame.known.locals
                or name in self.program.variables.get(frame.known.unit.path, ())
                or (self.tables.get(call.name) is None and name not in self.program.functions)
            )
        return self.tables.get(call.name) is None and call.name not in self.program.functions

    def _called(
        self, call: ir.Call, callee: Value, receiver: Value, values: tuple[Value, ...], state: State, frame: Frame
    ) -> list[tuple[Value, State]]:
        name = call.name
        if callee is not None and callee[0] == "f":
            name = str(callee[1])
        elif callee is not None:
            self._use(callee, "call", state, frame, call.line)
            if callee[0] == "i":
                name = _PLACEHOLDER if callee[1][:1] != ("g",) or callee[1][1] else name
        api = self.tables.get(name)
        found = self._method(name, call, frame)
        if found is not None and (api is None or api.role not in {Role.LOAD, Role.RESOLVE, Role.UNLOAD}):
            if (
                frame.level < MAX_LEVELS
                and (found.is_relevant or len(found.graph.nodes) <= _MAX_PLAIN_CALLEE)
                and len(found.graph.nodes) <= _MAX_CALLEE
                and not self._is_spent
                and not self._is_running(found, frame)
            ):
                return [
                    outcome
                    for twin in self.program.twins(found)
                    for outcome in self._enter_callee(twin, values, receiver, state, frame, call.line, call)
                ]
            api = None
        if (
            api is None
            and found is None
            and (made := self.program.find(f"{name}::{name}", frame.known.unit)) is not None
            and frame.level < MAX_LEVELS
        ):
            built: Value = ("o", frame.number, id(call))
            return [(built, s) for _, s in self._enter_callee(made, values, built, state, frame, call.line, call)]
        if api is not None:
            return self._effect(api, call, receiver, values, state, frame)
        return [self._unknown_call(call, name, receiver, values, state, frame)]

    def _method(self, name: str, call: ir.Call, frame: Frame) -> Known | None:
        unit, owner = frame.known.unit, frame.known.function.owner
        if owner:
            separator = "." if unit.language is ir.Language.PYTHON else "::"
            bare = call.name.rpartition("::")[2].rpartition(".")[2]
            mine = uncast(call.receiver) if call.receiver is not None else None
            is_own = mine is None or (isinstance(mine, ir.Name) and mine.name in {"this", "self", "cls"})
            if is_own and (found := self.program.find(f"{owner}{separator}{bare}", unit)) is not None:
                return found
        return self.program.find(name, unit)

    def _is_running(self, found: Known, frame: Frame) -> bool:
        return (
            any(spot.function == found.function.name and spot.path == found.unit.path for spot in frame.chain)
            or frame.known is found
        )

    def _enter_callee(
        self,
        found: Known,
        values: tuple[Value, ...],
        receiver: Value,
        state: State,
        frame: Frame,
        line: int,
        call: ir.Call | None = None,
    ) -> list[tuple[Value, State]]:
        """Run a function of the program with the caller's state; what it gives for each of its outcomes."""
        number = self._frame_number((frame.number, id(call) if call is not None else line, id(found)))
        this = (
            receiver
            if receiver is not None
            else frame.this
            if found.function.owner == frame.known.function.owner
            else ("r", number)
        )
        if this is not None and this[0] == "a":
            this = this[1]
        inner = Frame(number, found, (*frame.chain, frame.spot(line)), frame.level + 1, this)
        start = state.copy()
        parameters = list(found.function.parameters)
        if (
            found.unit.language is ir.Language.PYTHON
            and found.function.owner
            and parameters
            and "staticmethod" not in found.function.marks
        ):
            parameters = parameters[1:]
        names = [p.name for p in parameters]
        positional = len(call.arguments) if call is not None else len(values)
        for parameter, value in zip(names, values[:positional], strict=False):
            start.env[("v", number, parameter)] = value
        if call is not None:
            for (key, _), value in zip(call.keywords, values[positional:], strict=False):
                if key in names:
                    start.env[("v", number, key)] = value
        outcomes: list[tuple[Value, State]] = []
        seen = set()
        before = state.result
        for ended, how, _ in self._run(inner, start):
            if how == "raise":
                continue
            result, ended.result = ended.result, before
            ended.env = {p: v for p, v in ended.env.items() if not (p[0] == "v" and p[1] == number)}
            told = (result, ended.key())
            if told not in seen:
                seen.add(told)
                outcomes.append((result, ended))
        return outcomes[:MAX_STATES] if outcomes else []

    def _unknown_call(
        self, call: ir.Call, name: str, receiver: Value, values: tuple[Value, ...], state: State, frame: Frame
    ) -> tuple[Value, State]:
        owners = name in _OWNERS
        for expression, value in zip((*call.arguments, *(v for _, v in call.keywords)), values, strict=False):
            self._use(value, "argument", state, frame, call.line)
            site = self._site(value)
            if site is not None and value is not None and value[0] == "s" and not owners:
                state.escaped |= {value[1]}
                site.stores.add(f"{name}()")
            if value is not None and value[0] == "a":
                state.env[value[1]] = self.fresh(frame, expression)
            if _CHECK_WORDS.search(name) and value is not None:
                state.looks.setdefault(value, (f"check {name}", frame.spot(call.line)))
        if owners and values:
            return values[0], state
        if receiver is not None and name.rpartition("::")[2].rpartition(".")[2] in {
            "get",
            "release",
            "reset",
            "operator bool",
        }:
            return self._smart(name, receiver, values, state, frame, call)
        made = self.fresh(frame, call)
        self._mix(made, (receiver,) if receiver is not None else (), state, keep=True)
        if receiver is None and values and self.taint_of(values[0], state) is not None and name[:1].isupper():
            self._mix(made, values, state, keep=True)
        if _CHECK_WORDS.search(name):
            return ("q", "check", values[0] if values else receiver, frame.spot(call.line)), state
        return made, state

    def _smart(
        self, name: str, receiver: Value, values: tuple[Value, ...], state: State, frame: Frame, call: ir.Call
    ) -> tuple[Value, State]:
        word = name.rpartition("::")[2].rpartition(".")[2]
        place = self.place(call.receiver, state, frame) if call.receiver is not None else None
        if word == "release" and self._site(receiver) is not None:
            if place is not None:
                state.env[place] = constant(None)
            return receiver, state
        if word == "reset" and self._site(receiver) is not None:
            self._release(receiver, state, frame, call.line)
            if place is not None:
                state.env[place] = values[0] if values else constant(None)
            return constant(None), state
        if word == "get" and self._site(receiver) is not None and receiver is not None and receiver[0] == "s":
            return receiver, state
        made = self.fresh(frame, call)
        self._mix(made, (receiver, *values), state, keep=True)
        return made, state
