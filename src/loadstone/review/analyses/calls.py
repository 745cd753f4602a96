"""Calls: of functions of the same program, followed with the caller's state, of known and of unknown ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.bounds import MAX_LEVELS, StepBudget
from loadstone.review.analyses.effects import Applied, Effects
from loadstone.review.analyses.facts import LockStep
from loadstone.review.analyses.flow import lineage, mix, taint_of
from loadstone.review.analyses.locks import PlaceOf
from loadstone.review.analyses.memory import PathMemory
from loadstone.review.analyses.program import Frame, KnownFunction, KnownProgram
from loadstone.review.analyses.sites import Sites
from loadstone.review.analyses.state import State
from loadstone.review.analyses.summaries import Summaries
from loadstone.review.analyses.values import (
    Answer,
    CallResult,
    Code,
    Constant,
    Field,
    Global,
    Initial,
    Object,
    Place,
    PlaceAddress,
    This,
    Unknown,
    Value,
)
from loadstone.review.analyses.words import describe, last_word, uncast
from loadstone.review.apis import ApiRole, Tables
from loadstone.review.typenames import base_type, element, is_text, pointee

__all__ = ["Calls", "Enter"]

_MAX_CALLEE: Final = 160
_MAX_PLAIN_CALLEE: Final = 30
_PYTHON_LEVELS: Final = 2
"""Levels of calls that are followed in Python, whose values travel by another analysis."""

_PLACEHOLDER: Final = "?"
_CHECK_WORDS: Final = re.compile(r"(?i)(?:verif|check|digest|hash|sha\d|sign|trust|valid)")
_DIGESTS: Final = re.compile(
    r"(?i)(?:sha_?(?:1|2|224|256|3|384|512)|blake2|blake3|md5)(?:\Z|_?(?:of|file|final|finish|digest|sum|hex))"
)
"""Functions of other files that make a digest, by the name of what they make."""

_OWNERS: Final = frozenset(
    {"std::unique_ptr", "std::shared_ptr", "unique_ptr", "shared_ptr", "std::make_unique", "std::make_shared"}
)
_SMART: Final = frozenset({"get", "release", "reset", "operator bool"})
_FILLS: Final = frozenset(
    {
        *("push_back", "emplace_back", "push_front", "append", "insert", "emplace", "assign", "prepend", "add"),
        *("push", "operator+=", "setFileName", "enqueue", "insert_or_assign", "try_emplace", "emplace_front"),
    }
)
"""Methods that put what they are given into their object."""

_APPENDS: Final = frozenset({"push_back", "emplace_back", "append", "push", "enqueue"})
"""Methods that put one element behind the others."""

_LOADED: Final = frozenset({"isLoaded", "is_loaded"})
"""Methods of an object that is a library, which say whether it is open: not after it was closed."""

_ENDS: Final = {"front": 0, "first": 0, "top": -1, "back": -1, "last": -1}
"""Methods that give the first or the last element."""

_MAX_ELEMENTS: Final = 4
"""Elements of a container that are kept apart."""

_DESTROYS: Final = frozenset({"clear", "reset", "erase", "pop_back", "pop_front", "removeAll", "deleteLater"})
"""Methods that end the objects a container or a smart pointer holds."""

_BUILT: Final = re.compile(r"^(?:std::|boost::|Poco::|Q[A-Z])|^[A-Z]")
"""Names of classes: what a call of one gives is made of what it is given."""


@lru_cache(1 << 13)
def _says(words: re.Pattern[str], name: str) -> bool:
    """Whether a name has one of these words in it."""
    return words.search(name) is not None


def _is_held_elsewhere(spelled: str) -> bool:
    """Whether a variable of this type only leads to the object whose method is called."""
    return spelled.rstrip("& ").endswith("*") or pointee(spelled) != spelled


def _elements(container: Value, state: State) -> tuple[Value, ...]:
    """What is known to be in a container, in the order it was put there."""
    places = (Field(container, f"[{number}]") for number in range(_MAX_ELEMENTS))
    return tuple(state.env[place] for place in places if place in state.env)


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
        found = self._method(name, call, frame)
        bodies = self.program.twins(found) if found is not None else ()
        if found is None and api is None and receiver is not None and (bodies := self.program.overriding(name)):
            found = bodies[0]
        if found is not None and (api is None or api.role not in {ApiRole.LOAD, ApiRole.RESOLVE, ApiRole.UNLOAD}):
            if self._is_followed(found, call, state, frame):
                if found in self.program.ending_themselves:  # the last count ends the object, another one does not
                    self.memory.escape(receiver, state, "")
                return [
                    outcome
                    for twin in bodies
                    for outcome in self.enter(twin, values, receiver, state, frame, call.line, call, place_of)
                ]
            if self.summaries.never_returns(found):
                return []
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
        if api is not None:
            return self.effects.apply(Applied(api, call, receiver, values, place_of), state, frame)
        return [self._unknown(call, name, callee, receiver, values, state, frame, place_of, found)]

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
            separator = "." if unit.language is ir.Language.PYTHON else "::"
            makes = last_word(call.name) == last_word(owner) and call.receiver is None  # an object, not a method
            mine = uncast(call.receiver) if call.receiver is not None else None
            is_own = mine is None or (isinstance(mine, ir.Name) and mine.name in {"this", "self", "cls"})
            if makes and unit.language is ir.Language.CPP:
                return None
            if is_own and (found := self.program.find(f"{owner}{separator}{last_word(call.name)}", unit)) is not None:
                return found
        found = self.program.find(name, unit, frame.conditions)
        if found is not None and found.unit is not unit and self.tables.get(name) is not None:
            return None  # a function of the system, which a library in the same run happens to interpose
        if found is None and "::" in name and unit.language is ir.Language.CPP:
            found = self.program.find("::".join(name.split("::")[-2:]), unit, call=call)
        return found

    @staticmethod
    def _is_running(found: KnownFunction, frame: Frame) -> bool:
        path, name = found.unit.path, found.function.name
        return frame.known is found or any(s.function == name and s.path == path for s in frame.chain)

    # Calls of what is not known.

    def _unknown(
        self,
        call: ir.Call,
        name: str,
        callee: Value,
        receiver: Value,
        values: tuple[Value, ...],
        state: State,
        frame: Frame,
        place_of: PlaceOf,
        found: KnownFunction | None,
    ) -> tuple[Value, State]:
        owners = name in _OWNERS
        word = last_word(name)
        inert = found is not None and self.summaries.is_inert(found)
        given = (*call.arguments, *(v for _, v in call.keywords))
        for expression, value in zip(given, values, strict=False):
            self._handed_over(
                expression,
                value,
                name,
                state,
                frame,
                call,
                place_of,
                keeps=not owners and not inert,
                is_own=found is not None and not inert,
            )
        if owners and values:
            return values[0], state
        if receiver is not None and word in _SMART:
            return self._smart(word, receiver, values, state, frame, call, place_of)
        if word in _LOADED and receiver in state.closed:
            return Constant(value=False), state
        if word in _ENDS and receiver is not None and (held := _elements(receiver, state)):
            return held[_ENDS[word]], state
        made = Unknown(frame.number, id(call))
        state.renew(made)
        inputs: tuple[Value, ...] = (receiver,) if receiver is not None else ()
        builds = receiver is None and _says(_BUILT, name) and any(taint_of(v, state) is not None for v in values)
        if builds:
            inputs = values
        mix(made, inputs, state, keep=True)
        if receiver is not None and word in _DESTROYS and not self._holds_pointers(receiver, frame):
            self.sites.use(receiver, "destroy", state, frame, call.line)
        if name == "delete" and values:
            self.sites.use(values[0], "destroy", state, frame, call.line)
        if receiver is not None and word in _FILLS | _DESTROYS and call.receiver is not None:
            place = place_of(call.receiver)
            if place is not None and not _is_held_elsewhere(self.memory.type_of(place, frame)):
                self.memory.changed(place, state, frame, call.line)
        if receiver is not None and word in _FILLS and call.receiver is not None:
            self._fill(call, receiver, values, state, frame, place_of)
        if callee is not None and not isinstance(callee, Code):
            self._handed_under_lock(values, state, frame, call.line)
        if isinstance(callee, CallResult) or (callee is not None and callee in state.lineage):
            state.put("lineage", made, callee)
            if any(isinstance(v, Code) for v in values):  # it may call us back: it has to stay
                for above in lineage(callee, state):
                    state.escape(above if isinstance(above, CallResult) else None)
        if _says(_DIGESTS, name):
            state.flag("digest", frame.spot(call.line))
            return made, state
        if _says(_CHECK_WORDS, name):
            return Answer("check", values[0] if values else receiver, spot=frame.spot(call.line)), state
        return made, state

    def _holds_pointers(self, receiver: Value, frame: Frame) -> bool:
        """Whether what a container holds are bare pointers: taking one out ends no object."""
        spelled = self.memory.type_of(receiver, frame)
        return element(spelled) != spelled and element(spelled).endswith("*")

    def _holds_texts(self, container: Place, frame: Frame) -> bool:
        """Whether a container holds texts or paths, and is not one."""
        spelled = self.memory.type_of(container, frame)
        return element(spelled) != spelled and is_text(element(spelled))

    def _entered_with_locks(self, found: KnownFunction, state: State, frame: Frame, line: int) -> None:
        """A function is called anew, by itself or by what it calls, with locks held that it has taken."""
        for held in state.locks:
            if (held.spot.path, held.spot.function) == (found.unit.path, found.function.name):
                step = LockStep("recursion", held.lock, frame.spot(line), state.locks, held.spot)
                self.effects.record.lock_steps.add(step)

    def _handed_under_lock(self, values: tuple[Value, ...], state: State, frame: Frame, line: int) -> None:
        """A library, or what a pointer leads to, is called with locks held, and given functions that it may call.

        What is given may also be the address of a variable: of a table of functions.
        """
        for value in values if state.locks else ():
            if isinstance(value, Code) and self.program.defines(value.name, frame.known.unit):
                given = value.name
            elif isinstance(value, PlaceAddress) and isinstance(value.place, Global):
                given = f"&{describe(value.place)}"
            else:
                continue
            for held in state.locks:
                step = LockStep(f"handed {given}", held.lock, frame.spot(line), state.locks, held.spot)
                self.effects.record.lock_steps.add(step)

    def _handed_over(
        self,
        expression: ir.Expression,
        value: Value,
        name: str,
        state: State,
        frame: Frame,
        call: ir.Call,
        place_of: PlaceOf,
        *,
        keeps: bool,
        is_own: bool,
    ) -> None:
        """An argument of a function that is not followed: it may be kept, and what it points at may be changed.

        ``is_own``: the function is one of the program, so a library that it was given may be another afterwards.
        """
        if isinstance(value, CallResult) or self.memory.is_pointer(value, frame):
            self.sites.use(value, "argument", state, frame, call.line)
        if keeps:
            self.memory.escape(value, state, f"{name}()")
            bare = uncast(expression)
            if isinstance(bare, ir.Name | ir.Member) and (place := place_of(bare)) is not None:
                self.memory.escape(PlaceAddress(place), state, "")
        if isinstance(value, PlaceAddress) and is_own:
            self.memory.forget_inside(value.place, state)
        if isinstance(value, PlaceAddress) and keeps:
            fresh = Unknown(frame.number, id(expression))
            state.renew(fresh)
            state.assign(value.place, fresh)
        if _says(_CHECK_WORDS, name) and value is not None and value not in state.looks:
            state.put("looks", value, (f"check {name}", frame.spot(call.line)))

    def _fill(
        self,
        call: ir.Call,
        receiver: Value,
        values: tuple[Value, ...],
        state: State,
        frame: Frame,
        place_of: PlaceOf,
    ) -> None:
        """A container or a string that is given something holds it from here on."""
        place = place_of(call.receiver) if call.receiver is not None else None
        needed = next((v for v in values if v in state.lineage or self.sites.role(v) is ApiRole.RESOLVE), None)
        if place is None or not any(self._is_worth_keeping(v, state) for v in values):
            return
        made = Unknown(frame.number, ("filled", id(call)))
        inputs: tuple[Value, ...] = (receiver, *values)
        if self._holds_texts(place, frame):  # its elements are not joined to one another: the first one counts
            inputs = next(((v,) for v in inputs if taint_of(v, state) is not None), inputs)
        mix(made, inputs, state, keep=True)
        if needed is not None:
            state.put("lineage", made, needed)
        if last_word(call.name) in _APPENDS:
            for number, held in enumerate((*_elements(receiver, state), *values)[:_MAX_ELEMENTS]):
                state.assign(Field(made, f"[{number}]"), held)
        state.assign(place, made)

    def _is_worth_keeping(self, value: Value, state: State) -> bool:
        """Whether it matters later that a container holds a value: it came from a library or outside, or is a text."""
        if value in state.lineage or self.sites.role(value) in {ApiRole.RESOLVE, ApiRole.LOAD}:
            return True
        text = isinstance(value, Constant) and isinstance(value.value, str)
        return text or value in state.looks or taint_of(value, state) is not None

    def _smart(
        self,
        word: str,
        receiver: Value,
        values: tuple[Value, ...],
        state: State,
        frame: Frame,
        call: ir.Call,
        place_of: PlaceOf,
    ) -> tuple[Value, State]:
        """``get``, ``release`` and ``reset`` of a smart pointer."""
        place = place_of(call.receiver) if call.receiver is not None else None
        if word == "reset":
            if isinstance(receiver, CallResult) and receiver not in values:  # not what the same call gave before
                self.sites.release(receiver, state, frame, call.line)
            if place is not None:
                self._hold(place, values[0] if values else Constant(None), state, frame, call.line)
            return Constant(None), state
        if isinstance(receiver, CallResult):
            if word == "release" and place is not None:
                state.assign(place, Constant(None))
            if word in {"release", "get"}:
                return receiver, state
        made = Unknown(frame.number, id(call))
        mix(made, (receiver, *values), state, keep=True)
        return made, state

    def _hold(self, place: Place, value: Value, state: State, frame: Frame, line: int) -> None:
        self.memory.store(place, value, state, frame, line)
        if isinstance(value, CallResult) and isinstance(place, Field):
            state.escape(value)
