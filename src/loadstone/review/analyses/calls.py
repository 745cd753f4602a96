"""Calls: of functions of the same program, followed with the caller's state, of known and of unknown ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.bounds import MAX_LEVELS, StepBudget
from loadstone.review.analyses.effects import Applied, Effects
from loadstone.review.analyses.facts import LockStep
from loadstone.review.analyses.locks import PlaceOf
from loadstone.review.analyses.memory import PathMemory
from loadstone.review.analyses.program import Frame, KnownFunction, KnownProgram, has_method
from loadstone.review.analyses.sites import Sites
from loadstone.review.analyses.state import State
from loadstone.review.analyses.summaries import Summaries
from loadstone.review.analyses.unknown_calls import UnknownCalls
from loadstone.review.analyses.values import (
    Answer,
    Code,
    Global,
    Initial,
    Object,
    This,
    Unknown,
    Value,
)
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole, Tables
from loadstone.review.typenames import base_type, is_text

__all__ = ["Calls", "Enter"]

_MAX_CALLEE: Final = 160
_MAX_PLAIN_CALLEE: Final = 30
_PYTHON_LEVELS: Final = 2
"""Levels of calls that are followed in Python, whose values travel by another analysis."""

_LOCKS: Final = frozenset({ApiRole.LOCK, ApiRole.UNLOCK})
"""Roles of methods whose names, ``acquire`` and ``release``, a class may have without being a lock."""

_PLACEHOLDER: Final = "?"


def _copies_one(call: ir.Call, name: str, frame: Frame) -> bool:
    """Whether a class is constructed from an object of its own, copied or moved from: it is the same object then."""
    given = uncast(call.arguments[0]) if len(call.arguments) == 1 else None
    if isinstance(given, ir.Call):
        return given.name in _MOVES
    return isinstance(given, ir.Name) and base_type(frame.known.types.get(given.name, "").rstrip("& ")) == name


_MOVES: Final = frozenset({"std::move", "qMove", "boost::move"})


Outcomes = list[tuple[Value, State]]
Enter = Callable[[KnownFunction, tuple[Value, ...], Value, State, Frame, int, ir.Call | None, PlaceOf | None], Outcomes]


class Calls:
    """Follows calls, or says what is lost by not following them. ``enter`` runs a function of the program."""

    def __init__(
        self,
        tables: Tables,
        program: KnownProgram,
        sites: Sites,
        memory: PathMemory,
        effects: Effects,
        summaries: Summaries,
        budget: StepBudget,
        enter: Enter,
    ) -> None:
        self.tables = tables
        self.program = program
        self.sites = sites
        self.memory = memory
        self.effects = effects
        self.summaries = summaries
        self.budget = budget
        self.enter = enter
        self.unknown: UnknownCalls = UnknownCalls(program, effects.record, sites, memory, summaries)
        self._made: set[Value] = set()

    def may_be_variable(self, function: ir.Expression, frame: Frame, call: ir.Call) -> bool:
        """Whether what is called may be a pointer to a function, and not a function's name."""
        if isinstance(function, ir.Name):
            name = function.name
            if name == "delete":  # the operator
                return False
            if name in frame.known.locals or name in self.program.variables.get(frame.known.unit.path, ()):
                return True
            made = f"{name}::{last_word(name)}"  # a class of the program: its constructor
            unit = frame.known.unit
            own = self.program.defines(name, unit) or self.program.defines(made, unit)
            return self.tables.get(call.name) is None and not own
        if isinstance(function, ir.Member):
            known = self.tables.get(call.name) is not None or self.program.defines(call.name, frame.known.unit)
            return not known and not self._is_method(call.name, frame)
        return True

    def looks_up(self, call: ir.Call) -> bool:
        """``((run_t)dlsym(h, "run"))()``: what is called is what a lookup gives at this very place."""
        api = self.tables.get(call.name)
        return call.receiver is None and api is not None and api.role is ApiRole.RESOLVE

    def _is_method(self, name: str, frame: Frame) -> bool:
        """Whether a member that is called belongs to a class of C++ that has no variable of this name."""
        owner, separator, member = name.rpartition("::")
        if frame.known.unit.language is not ir.Language.CPP or not separator or not owner:
            return False
        return not self.program.type_of_member(owner, member)

    def call(
        self,
        call: ir.Call,
        callee: Value,
        receiver: Value,
        values: tuple[Value, ...],
        state: State,
        frame: Frame,
        place_of: PlaceOf,
    ) -> Outcomes:
        """Every outcome of a call."""
        name = self._target(call, callee, state, frame)
        api = self.tables.get(name)
        if (
            api is not None
            and api.role in _LOCKS
            and api.name.startswith("?.")
            and has_method(frame.known.unit, api.name)
        ):
            api = None  # ``pool.acquire()`` counts users: a class of the file has a method of that name
        found = self._method(name, call, frame)
        bodies = self.program.twins(found) if found is not None else ()
        if found is None and api is None and receiver is not None and (bodies := self.program.overriding(name)):
            found = bodies[0]
        if found is not None and (api is None or api.role not in {ApiRole.LOAD, ApiRole.RESOLVE, ApiRole.UNLOAD}):
            if self._is_followed(found, call, state, frame):
                self._keep_the_rest(found, name, values, state)
                if found in self.program.ending_themselves:  # the last count ends the object, another one does not
                    self.memory.escape(receiver, state, "")
                return [
                    outcome
                    for twin in bodies
                    for outcome in self.enter(twin, values, receiver, state, frame, call.line, call, place_of)
                ]
            if self.summaries.never_returns(found):
                return []
            if not self.budget.is_spent:  # of values that were joined it is not known what was asked
                self.memory.stored.hand(found, values, state, frame)
            if self._is_running(found, frame):
                self._entered_with_locks(found, state, frame, call.line)
            if state.locks and (gone := self.summaries.gives_back(found)):
                state.locks = tuple(h for h in state.locks if h.lock.rpartition(".")[2] not in gone)
            api = None
        if name == "delete" and values and values[0] in self._made:
            self.sites.deleted(values[0], state, frame, call.line)
        if name == "delete" and values and (ended := self._ended(values[0], frame)) is not None:
            return self.enter(ended, (), values[0], state, frame, call.line, None, None)
        if api is None and found is None and frame.level < MAX_LEVELS:
            made = self.program.find(f"{name}::{last_word(name)}", frame.known.unit, call=call)
            if made is not None and _copies_one(call, name, frame):
                return [(values[0], state)]
            if made is not None and not self._is_running(made, frame):
                return self._constructed(made, values, state, frame, call, place_of)
        if callee is not None and not isinstance(callee, Code) and not self.budget.is_spent:
            self.memory.stored.through(call, values, state, frame)
        self.memory.stored.beside(values, state, frame)
        if api is not None:
            return self.effects.apply(Applied(api, call, receiver, values, place_of), state, frame)
        return [self.unknown.call(call, name, callee, receiver, values, state, frame, place_of, found)]

    def _target(self, call: ir.Call, callee: Value, state: State, frame: Frame) -> str:
        """The name of what is called, seen through variables."""
        if isinstance(callee, Code):
            return callee.name
        if callee is not None:
            self.sites.use(callee, "call", state, frame, call.line)
            self._called_slot(callee, state, frame, call.line)
            if isinstance(callee, Initial) and not (isinstance(callee.place, Global) and not callee.place.unit):
                return _PLACEHOLDER
        return call.name

    def _called_slot(self, callee: Value, state: State, frame: Frame, line: int) -> None:
        """What memory shared between functions holds is called: whether this path has tested it."""
        if isinstance(callee, Initial):
            slot = self.memory.slot(callee.place, frame)
            if slot is not None:
                tested = state.truth.get(callee) is True
                self.effects.record.called_slots.setdefault(slot, {})[frame.spot(line), tested] = None

    def _is_followed(self, found: KnownFunction, call: ir.Call, state: State, frame: Frame) -> bool:
        size = len(found.graph.nodes)
        python = found.unit.language is ir.Language.PYTHON
        return (
            frame.level < (_PYTHON_LEVELS if python else MAX_LEVELS)
            and (found.is_relevant or (size <= _MAX_PLAIN_CALLEE and not python))
            and size <= _MAX_CALLEE
            and self._matters(found, state)
            and not self._is_running(found, frame)
            and self.budget.allows(id(call))
        )

    def _matters(self, found: KnownFunction, state: State) -> bool:
        """Whether following a call can change an answer: it does something, reads under a lock, or gives a text."""
        if not self.summaries.is_inert(found):
            return True
        return is_text(found.function.returns) or bool(state.locks and self.summaries.reads_shared(found))

    def _constructed(
        self,
        made: KnownFunction,
        values: tuple[Value, ...],
        state: State,
        frame: Frame,
        call: ir.Call,
        place_of: PlaceOf,
    ) -> Outcomes:
        """An object of a class of this program: its constructor runs with the object as ``this``."""
        built = Object(frame.number, id(call))
        state.renew(built)
        self.memory.begun(built, state)
        return [(built, s) for _, s in self.enter(made, values, built, state, frame, call.line, call, place_of)]

    def made_new(self, operand: ir.Expression, value: Value, state: State, frame: Frame) -> Value:
        """What ``new`` gives: an object with an identity, where its class is the program's and has no constructor."""
        made = self._object(operand, value, state, frame)
        if isinstance(made, Unknown | Object):
            state.drop("closed", Answer("deleted", made))
            self._made.add(made)
        return made

    def _object(self, operand: ir.Expression, value: Value, state: State, frame: Frame) -> Value:
        if not isinstance(value, Unknown) or not isinstance(operand, ir.Call) or operand.arguments:
            return value
        name = last_word(operand.name)
        if name not in self.program.members:
            return value
        built = Object(frame.number, id(operand))
        state.renew(built)
        self.memory.begun(built, state)
        self.memory.types.setdefault(built, name)
        return built

    def _ended(self, value: Value, frame: Frame) -> KnownFunction | None:
        """The destructor that ``delete`` runs, of an object whose class is known."""
        owner = base_type(self.memory.type_of(value, frame)) if isinstance(value, Object | This) else ""
        found = self.program.find(f"{owner}::~{last_word(owner)}", frame.known.unit) if owner else None
        follows = found is not None and frame.level < MAX_LEVELS and not self._is_running(found, frame)
        return found if follows else None

    def _method(self, name: str, call: ir.Call, frame: Frame) -> KnownFunction | None:
        unit, owner = frame.known.unit, frame.known.function.owner
        if owner:
            makes = last_word(call.name) == last_word(owner) and call.receiver is None  # an object, not a method
            mine = uncast(call.receiver) if call.receiver is not None else None
            is_own = mine is None or (isinstance(mine, ir.Name) and mine.name in {"this", "self", "cls"})
            if makes and unit.language is ir.Language.CPP:
                return None
            if is_own and (found := self.program.method(owner, last_word(call.name), unit)) is not None:
                return found
        found = self.program.find(name, unit, frame.conditions)
        if found is not None and found.unit is not unit and self.tables.get(name) is not None:
            return None  # a function of the system, which a library in the same run happens to interpose
        if found is None and "::" in name and unit.language is ir.Language.CPP:
            found = self.program.find("::".join(name.split("::")[-2:]), unit, call=call)
        return found

    def _keep_the_rest(self, found: KnownFunction, name: str, values: tuple[Value, ...], state: State) -> None:
        """What a parameter pack of C++ takes, and no parameter shows, may be kept: ``list.append(header, library)``."""
        if found.unit.language is ir.Language.CPP:
            for value in values[len(found.function.parameters) :]:
                self.memory.escape(value, state, f"{name}()")

    @staticmethod
    def _is_running(found: KnownFunction, frame: Frame) -> bool:
        path, name = found.unit.path, found.function.name
        return frame.known is found or any(s.function == name and s.path == path for s in frame.chain)

    def _entered_with_locks(self, found: KnownFunction, state: State, frame: Frame, line: int) -> None:
        """A function is called anew, by itself or by what it calls, with locks held that it has taken."""
        for held in state.locks:
            if (held.spot.path, held.spot.function) == (found.unit.path, found.function.name):
                step = LockStep("recursion", held.lock, frame.spot(line), state.locks, held.spot)
                self.effects.record.lock_steps.add(step)
