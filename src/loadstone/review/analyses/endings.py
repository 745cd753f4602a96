"""What is open, kept and given away where a path through a function ends."""

from __future__ import annotations

from loadstone.review.analyses.facts import Exit, Fill, LockStep
from loadstone.review.analyses.flow import closed_since, lineage
from loadstone.review.analyses.memory import PathMemory
from loadstone.review.analyses.program import Frame
from loadstone.review.analyses.record import Record
from loadstone.review.analyses.sites import Sites
from loadstone.review.analyses.state import State
from loadstone.review.analyses.values import (
    CallResult,
    Code,
    Constant,
    Field,
    Initial,
    Local,
    Object,
    Place,
    Spot,
    Unknown,
    Value,
    root,
)
from loadstone.review.analyses.words import MAINS, is_null, last_word, rooted_locally
from loadstone.review.apis import ApiRole

__all__ = ["Endings"]


class Endings:
    """Writes to the record what holds at each end of a function that was followed for itself."""

    def __init__(self, record: Record, sites: Sites, memory: PathMemory) -> None:
        self.record = record
        self.sites = sites
        self.memory = memory

    def ended(self, state: State, how: str, spot: Spot, frame: Frame) -> None:
        """One path is done: ``how`` is return or raise, ``spot`` is where."""
        kind = "main" if frame.known.function.name in {*MAINS, "<module>"} and how != "raise" else how
        kept = self.memory.kept(state)
        given = state.result.value if isinstance(state.result, Constant) else None
        needed = self.memory.needed(state)
        for value in self.sites.opened(state):
            if state.truth.get(value) is False:
                continue
            if state.closed.get(value):
                self.sites.left(value, Exit(spot, is_open=False, kind=kind, known=True, gives=given))
            elif value in kept or value in needed:
                kind_kept = "past the end" if _is_past_end(value, state) else "kept"
                self.sites.left(
                    value,
                    Exit(spot, is_open=False, kind=kind_kept, known=state.truth.get(value), gives=given)
                    if kind_kept != "kept"
                    else Exit(spot, is_open=False, kind="kept", gives=given),
                )
            else:
                self.sites.left(value, Exit(spot, is_open=True, kind=kind, known=state.truth.get(value), gives=given))
        if how == "return":
            self._returned(state, spot, frame)
        for place, held in state.env.items():
            given_away = isinstance(root(place), Object) and held in state.escaped
            never_whole = how == "raise" and _is_constructor(frame)  # nobody gets to see the object ([except.ctor])
            if not isinstance(place, Local) and not never_whole and (given_away or not rooted_locally(place)):
                self._left_in(place, held, state, spot, frame)
        self.record.lock_steps.add(LockStep("exit", "", spot, state.locks))
        for lock in state.locks:
            if not lock.scoped:
                self.record.lock_steps.add(LockStep("kept", lock.lock, spot, (), lock.spot))

    def _returned(self, state: State, spot: Spot, frame: Frame) -> None:
        """What is returned may need a library that the end of a scope has closed."""
        value = state.result
        spelled = frame.known.function.returns
        is_address = (
            "*" in spelled
            or any(word in spelled for word in ("function<", "unique_ptr<", "shared_ptr<", "string_view", "span<"))
            or self.sites.role(value) in {ApiRole.RESOLVE, ApiRole.LOAD}
        )
        is_copy = self.sites.role(value) is ApiRole.ALLOCATE  # what is in it is not where it is
        for one in (value, *(() if is_copy else state.leaves(value))):
            lives = one is None or not is_address or state.truth.get(one) is False
            if not lives and closed_since(one, state) is not None:
                self.sites.use(one, "return", state, frame, spot.line)
                return

    def _left_in(self, place: Place, value: Value, state: State, spot: Spot, frame: Frame) -> None:
        """What memory that others reach holds when the function is done."""
        start = root(place)
        if isinstance(start, CallResult) and (start in state.closed or start not in state.escaped):
            return
        slot = self.memory.slot(place, frame)
        if slot is None:
            return
        if is_null(value) or isinstance(value, Code):  # a function of the program stands in for the library's
            self.record.cleared.add((slot, (frame.known.unit.path, frame.known.function.name)))
            return
        closed = closed_since(value, state)
        role = self.sites.role(value)
        leads = self.memory.is_pointer(Initial(place), frame) and len([*lineage(value, state)]) > 1
        made = role is None and (leads or state.lineage.get(value) is not None)
        is_object = made or (role is None and closed is not None and self.memory.is_pointer(Initial(place), frame))
        if state.truth.get(value) is False or (
            role not in {ApiRole.RESOLVE, ApiRole.LOAD, ApiRole.BORROW} and not is_object
        ):
            return
        number = value.site if isinstance(value, CallResult) else None
        above = self._library_slot(value, state, frame)
        handle = next(reversed([*lineage(value, state)]), None)
        if role is None and isinstance(handle, Initial) and state.lineage.get(value) == handle and closed is None:
            if above is not None:  # made by what a pointer leads to: whose code that is, another function knows
                self.record.made_through.setdefault((slot, above), spot)
            return
        counted = _is_entry(place) and not _is_uncounted(place, state)
        self.record.fills.add(Fill(slot, number, state.truth.get(value), closed, spot, above, counted))

    def _library_slot(self, value: Value, state: State, frame: Frame) -> tuple[str, str, str] | None:
        """The slot that holds the library a symbol came from."""
        handle = next(reversed([*lineage(value, state)]), None)
        if handle is None or handle == value:
            return None
        places = (p for p, v in state.env.items() if not isinstance(p, Local) and _holds(v, handle, state))
        named = next((slot for place in places if (slot := self.memory.slot(place, frame)) is not None), None)
        if named is None and isinstance(handle, Initial):
            named = self.memory.slot(handle.place, frame)
        return named


def _is_constructor(frame: Frame) -> bool:
    function = frame.known.function
    return bool(function.owner) and last_word(function.name) == last_word(function.owner)


def _holds(held: Value, handle: Value, state: State) -> bool:
    """Whether a place holds a handle itself, or is a container it was put into."""
    return held == handle or (isinstance(held, Unknown) and handle in state.parts.get(held, ()))


def _is_past_end(value: Value, state: State) -> bool:
    """Whether a handle is kept only in the entry of a table that its count does not count yet."""
    held = [place for place, kept in state.env.items() if kept == value and not isinstance(place, Local)]
    return bool(held) and all(_is_uncounted(place, state) for place in held)


def _is_entry(place: Place) -> bool:
    """Whether a place is in the entry of a table that a variable tells."""
    current: object = place
    while isinstance(current, Field):
        if isinstance(current.name, tuple) and isinstance(current.name[1], Initial):
            return True
        current = current.base
    return False


def _is_uncounted(place: Place, state: State) -> bool:
    current: object = place
    while isinstance(current, Field):
        if isinstance(current.name, tuple):
            index = current.name[1]
            return isinstance(index, Initial) and state.env.get(index.place, index) == index
        current = current.base
    return False
