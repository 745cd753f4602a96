"""Calls that are not followed: what they are given may be kept or changed, and what they give is made of it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.facts import LockStep
from loadstone.review.analyses.flow import lineage, mix, taint_of
from loadstone.review.analyses.locks import PlaceOf
from loadstone.review.analyses.memory import PathMemory
from loadstone.review.analyses.mentions import names_in
from loadstone.review.analyses.printed import only_printed
from loadstone.review.analyses.program import Frame, KnownFunction, KnownProgram
from loadstone.review.analyses.record import Record
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
    Place,
    PlaceAddress,
    Spot,
    Unknown,
    Value,
)
from loadstone.review.analyses.words import describe, last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.typenames import base_type, element, is_text, is_text_object, pointee

__all__ = ["UnknownCalls"]

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

_LISTS: Final = re.compile(r"(?:set|map|vector|list|deque|array|span)\Z|\AQ(?:Hash|Map|Set|StringList|Vector|List)\Z")
"""Classes that hold several things: whether one of them is there is a question about that one."""

_ASKS_LIST: Final = frozenset({"count", "contains"})
_FINDS: Final = frozenset({"find", "constFind", "lower_bound"})
_ASKS_EACH: Final = {"any_of": True, "none_of": False, "find_if": True}
"""Algorithms that ask a lambda about each element, and whether yes says that there is one."""

_FOLDERS: Final = frozenset({"parent_path", "dirname"})
"""What gives the folder of a path."""

_NAMES: Final = frozenset({"filename", "fileName", "stem", "completeBaseName"})
"""What gives the name of a path, without its folder."""

_MEASURE_APART: Final = frozenset({"lexically_relative", "relative", "mismatch"})
"""What says where a path lies, seen from a folder: asked to tell what lies outside."""

_NUMBERS: Final = frozenset({"std::to_string", "std::to_wstring", "QString::number", "fmt::to_string", "std::to_chars"})
"""What makes a text of a number: nobody chooses more than its digits."""

_LOADED: Final = frozenset({"isLoaded", "is_loaded"})
"""Methods of an object that is a library, which say whether it is open: not after it was closed."""

_ENDS: Final = {"front": 0, "first": 0, "top": -1, "back": -1, "last": -1}
"""Methods that give the first or the last element."""

_RANGE: Final = 2
"""Arguments that say where a range begins and ends."""

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


class UnknownCalls:
    """Says what is lost by not following a call: of a function nobody has the text of, or of one that lies too deep."""

    def __init__(
        self, program: KnownProgram, record: Record, sites: Sites, memory: PathMemory, summaries: Summaries
    ) -> None:
        self.program = program
        self.record = record
        self.sites = sites
        self.memory = memory
        self.summaries = summaries

    def call(
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
        listed = self._listed(call, word, receiver, values, state, frame, place_of)
        if isinstance(listed, Answer):
            return listed, state
        made = listed or Unknown(frame.number, id(call))
        state.renew(made)
        inputs: tuple[Value, ...] = (receiver,) if receiver is not None else ()
        builds = (
            receiver is None
            and name not in _NUMBERS
            and _says(_BUILT, name)
            and any(taint_of(v, state) is not None for v in values)
        )
        if builds:
            inputs = values
        mix(made, inputs, state, keep=True)
        self._about_path(word, receiver, values, made, state, frame.spot(call.line))
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
        if isinstance(callee, Initial) and isinstance(callee.place, Field | Global):
            state.put("lineage", made, callee)  # whether a library is behind the pointer shows later
        if isinstance(callee, CallResult) or (callee is not None and callee in state.lineage):
            state.put("lineage", made, callee)
            self._filled_in(callee, values, state, frame)
            if any(isinstance(v, Code) for v in values):  # it may call us back: it has to stay
                for above in lineage(callee, state):
                    state.escape(above if isinstance(above, CallResult) else None)
        if _says(_DIGESTS, name):
            state.flag("digest", frame.spot(call.line))
            return made, state
        if _says(_CHECK_WORDS, name):
            return Answer("check", values[0] if values else receiver, spot=frame.spot(call.line)), state
        return made, state

    @staticmethod
    def _about_path(
        word: str, receiver: Value, values: tuple[Value, ...], made: Value, state: State, spot: Spot
    ) -> None:
        """The name of a path has no folder in it; one that is measured from a folder is asked whether it lies there."""
        if receiver is not None and word in _NAMES:
            taint = taint_of(receiver, state)
            state.drop("parts", made)
            if taint is not None:
                state.put("taint", made, taint)
            state.add_check(made, "bare", spot)
        for path in (receiver, *values) if word in _MEASURE_APART else ():
            if any(kind == "canonical" for kind, _ in state.checks.get(path, ())):
                state.add_check(path, "inside", spot)

    def _listed(
        self,
        call: ir.Call,
        word: str,
        receiver: Value,
        values: tuple[Value, ...],
        state: State,
        frame: Frame,
        place_of: PlaceOf,
    ) -> Answer | Unknown | None:
        """Whether a call asks if something is in a list of the program's, or looks for it there."""
        spot = frame.spot(call.line)
        if word in _FOLDERS | _NAMES and receiver is not None:
            return Unknown(frame.number, ("folder" if word in _FOLDERS else "name", receiver, id(call)))
        if receiver is not None and values and _LISTS.search(base_type(self.memory.type_of(receiver, frame))):
            if taint_of(receiver, state) is None and not isinstance(values[0], Constant):
                if word in _ASKS_LIST:
                    return Answer("listed", values[0], receiver, spot=spot, api=word)
                if word in _FINDS:
                    return Unknown(frame.number, ("found", values[0], id(call)))
        elif receiver is None and len(values) > _RANGE and taint_of(values[0], state) is None:
            sought = values[_RANGE]
            if word in _ASKS_EACH:
                made = uncast(call.arguments[_RANGE])
                names = names_in(made.function.body) if isinstance(made, ir.Closure) else iter(())
                places = (place_of(ir.Name(call.line, name)) for name in dict.fromkeys(names))
                held = (state.env.get(place) for place in places if place is not None)
                sought = next((value for value in held if taint_of(value, state) is not None), None)
            if sought is None or isinstance(sought, Constant):
                return None
            if word in {"find", "find_if"}:
                return Unknown(frame.number, ("found", sought, id(call)))
            if word == "binary_search" or word in _ASKS_EACH:
                return Answer("listed", sought, None, not _ASKS_EACH.get(word, True), spot, word)
        return None

    def _filled_in(self, callee: Value, values: tuple[Value, ...], state: State, frame: Frame) -> None:
        """``get_class(id, iid, &object)``: what a library's function puts into a pointer needs the library."""
        for value in values:
            held = state.env.get(value.place) if isinstance(value, PlaceAddress) else None
            spelled = self.memory.type_of(value.place, frame) if isinstance(value, PlaceAddress) else ""
            if isinstance(held, Unknown) and spelled.rstrip().endswith("*"):
                state.put("lineage", held, callee)

    def _holds_pointers(self, receiver: Value, frame: Frame) -> bool:
        """Whether what a container holds are bare pointers: taking one out ends no object."""
        spelled = self.memory.type_of(receiver, frame)
        return element(spelled) != spelled and element(spelled).endswith("*")

    def _holds_texts(self, container: Place, frame: Frame) -> bool:
        """Whether a container holds texts or paths, and is not one."""
        spelled = self.memory.type_of(container, frame)
        return element(spelled) != spelled and is_text(element(spelled))

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
                self.record.lock_steps.add(step)

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
        printed = any(call.arguments[n] is expression for n in only_printed(call) if n < len(call.arguments))
        if not printed and (isinstance(value, CallResult) or self.memory.is_pointer(value, frame)):
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
        if place is not None and (self._holds_texts(place, frame) or is_text_object(self.memory.type_of(place, frame))):
            values = tuple(  # strings are copies
                self.memory.copy_of_text(v, (id(call), n), state, frame, call.line) if v in state.lineage else v
                for n, v in enumerate(values)
            )
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
        self.memory.stored.put(place, made, state, frame)

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
