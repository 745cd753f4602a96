"""Where known interfaces are called, and what is done with what they gave: uses, releases, who controls it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.facts import Exit, Invocation, Part, Site, Slot, Use
from loadstone.review.analyses.flow import closed_since, lineage, taint_of
from loadstone.review.analyses.program import Frame
from loadstone.review.analyses.record import Record
from loadstone.review.analyses.state import State
from loadstone.review.analyses.values import (
    Answer,
    CallResult,
    CallStatus,
    Code,
    Constant,
    Field,
    Global,
    Initial,
    Local,
    Place,
    Spot,
    This,
    Value,
    root,
)
from loadstone.review.analyses.words import describe, describe_value, uncast
from loadstone.review.apis import Api, ApiRole

__all__ = ["Sites"]

_MAX_PIECES: Final = 16
_MAX_INVOCATIONS: Final = 24
_EACH: Final = frozenset(
    {
        *(ApiRole.SET_ENVIRONMENT, ApiRole.SEARCH_PATH, ApiRole.JOIN, ApiRole.COMMAND, ApiRole.RESOLVE),
        ApiRole.FILE,
    }
)
"""Roles of which every argument is looked at, piece by piece."""

_OPENED: Final = frozenset({ApiRole.LOAD, ApiRole.OPEN, ApiRole.ALLOCATE})
_LIVE: Final = frozenset({"call", "dereference", "argument", "release", "destroy"})
_CLOSED: Final = frozenset({ApiRole.LOAD, ApiRole.RESOLVE})


class Sites:
    """Keeps the calls of known interfaces and what becomes of their results."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.slot: Callable[[Place, Frame], Slot | None] = lambda _place, _frame: None
        """How memory names a place that functions share; the memory laid over these sites sets it."""
        self.slots: Callable[[Value, Frame], tuple[Slot, ...]] = lambda _value, _frame: ()
        """The same of what a value was read from: its place, and what that lies in."""

    def of(self, value: Value) -> Site | None:
        """The call that gave a value, or its status."""
        return self.record.sites[value.site] if isinstance(value, CallResult | CallStatus) else None

    def role(self, value: Value) -> ApiRole | None:
        """The role of the interface that gave a value itself."""
        return self.record.sites[value.site].api.role if isinstance(value, CallResult) else None

    def add(self, api: Api, call: ir.Call, frame: Frame, parent: int | None) -> int:
        """The number of a call reached this way; the same each time."""
        key = (frame.number, id(call))
        number = self.record.index.get(key)
        if number is None:
            number = len(self.record.sites)
            self.record.index[key] = number
            known = frame.known
            spot = frame.spot(call.line)
            self.record.sites.append(Site(api, call, known.unit, known.function, spot, frame.chain, parent))
        return number

    def use(self, value: Value, how: str, state: State, frame: Frame, line: int, *, owner: str = "") -> None:
        """Note a use of what a call gave, or of what came from it."""
        if not isinstance(value, CallResult):
            self._use_of_what_came(value, how, state, frame, line, owner)
            return
        site = self.record.sites[value.site]
        known = True if site.api.raises else state.truth.get(value)
        state.put("touched", value, frame.spot(line))
        via = frame.chain[0] if frame.chain else None
        site.uses.add(Use(how, frame.spot(line), known, closed_since(value, state), owner, via))

    def _use_of_what_came(self, value: Value, how: str, state: State, frame: Frame, line: int, owner: str) -> None:
        """An object that a library's function made, or a text in its table, used when the library has gone."""
        closed = closed_since(value, state)
        if closed is None:
            came = (v for v in lineage(value, state) if isinstance(v, Initial))
            if how in _LIVE and state.closed and (kept := next(came, None)) is not None:
                self._used_after_close(kept, state, frame, line)
            return
        chain = [*lineage(value, state)]
        origin = next((s for v in chain if isinstance(v, CallResult) and (s := self.of(v)) is not None), None)
        if origin is not None and origin.api.role in _CLOSED:
            origin.uses.add(Use(how, frame.spot(line), known=True, closed=closed, owner=owner))
        elif how == "resolve" or (len(chain) > 1 and how in {"call", "dereference"}):
            self.record.late.setdefault((describe_value(chain[-1]), frame.spot(line)), closed)

    def _used_after_close(self, value: Initial, state: State, frame: Frame, line: int) -> None:
        """What memory held is used after what other memory holds was closed; if they belong together shows later."""
        used = self.slot(value.place, frame)
        if used is None:
            return
        for handle, closed in state.closed.items():
            if not isinstance(handle, Initial) or handle == value or isinstance(handle.place, Local):
                continue
            globals_ = isinstance(handle.place, Global) and isinstance(value.place, Global)
            start = root(handle.place)
            same = globals_ or (isinstance(start, This) and start == root(value.place))
            same = same or (_base(handle.place) is not None and _base(handle.place) == _base(value.place))
            earlier = (closed.path, closed.function) == (frame.spot(line).path, frame.spot(line).function)
            if not same or (earlier and closed.line >= line):
                continue  # another object, or the one of the round before
            owner = self.slot(handle.place, frame)
            if owner is not None and owner != used:
                self.record.after_close.setdefault((used, owner, frame.spot(line)), closed)

    # Releases.

    def release(self, value: Value, state: State, frame: Frame, line: int, *, by: str = "") -> None:
        """What a call gave is given back, by the interface of this name."""
        if not isinstance(value, CallResult):
            return
        site = self.record.sites[value.site]
        self.use(value, "release", state, frame, line, owner=by)
        site.closes.add(frame.spot(line))
        if _stays_mapped(site):
            state.escape(value)
        elif state.truth.get(value) is not False:
            state.put("closed", value, frame.spot(line))

    def close_unseen(self, value: Value, state: State, frame: Frame, line: int) -> None:
        """A handle that came from outside is closed: a second close of the same value is one too many."""
        closed = state.closed.get(value)
        if closed is not None and closed != frame.spot(line) and state.truth.get(value) is not False:
            self.record.closed_twice.setdefault((describe_value(value), frame.spot(line)), closed)
        state.put("closed", value, frame.spot(line))

    def deleted(self, value: Value, state: State, frame: Frame, line: int) -> None:
        """What ``new`` made is deleted. No library goes with it, so that is kept apart from what is closed."""
        deletion, here = Answer("deleted", value), frame.spot(line)
        before = state.closed.get(deletion)
        if before is not None and before != here and state.truth.get(value) is not False:
            self.record.deleted_twice.setdefault((describe_value(value), here), before)
        state.put("closed", deletion, here)

    def lost(self, made: Value, site: Site, state: State) -> None:
        """A loop that opens again what it has not closed loses the first."""
        touched = state.touched.get(made)
        if (
            touched is not None
            and site.api.role is ApiRole.LOAD
            and site.api.owned
            and made not in state.closed
            and state.truth.get(made) is True
            and made not in state.escaped
        ):
            site.overwritten.add(touched)

    def overwritten(self, old: Value, new: Value, state: State, frame: Frame, line: int) -> None:
        """A place that held an open handle holds something else from here on."""
        if not isinstance(old, CallResult) or old == new or old in state.closed or old in state.escaped:
            return
        site = self.record.sites[old.site]
        is_open = site.api.role is ApiRole.LOAD and site.api.owned and state.truth.get(old) is True
        if is_open and old not in state.env.values():
            site.overwritten.add(frame.spot(line))

    def opened(self, state: State) -> list[CallResult]:
        """Everything opened on this path that has to be released by somebody."""
        known = (*state.env.values(), *state.truth, *state.closed, state.result)
        found = dict.fromkeys([v for v in known if type(v) is CallResult])
        return [
            v for v in found if self.record.sites[v.site].api.role in _OPENED and self.record.sites[v.site].api.owned
        ]

    def left(self, value: CallResult, exit_: Exit) -> None:
        """Note how a way out of the function leaves what was opened."""
        self.record.sites[value.site].exits.add(exit_)

    def stored(self, value: Value, place: Place) -> None:
        """Note where a result is kept for others."""
        site = self.of(value)
        if site is not None:
            site.stores.add(describe(place))

    # What was given to a call.

    def invoked(self, site: Site, subject: Value, values: tuple[Value, ...], state: State, frame: Frame) -> None:
        """Note the state in which a call was reached."""
        if len(site.invocations) >= _MAX_INVOCATIONS:
            return
        pieces = tuple(self.part(v, state, frame) for v in state.leaves(subject))
        arguments = tuple(self.argument(v, state) for v in values)
        each: tuple[tuple[Part, ...], ...] = ()
        if site.api.role in _EACH:
            each = tuple(self._pieces(v, state, frame) for v in values)
        whole = self.part(subject, state, frame)
        looked = state.looks.get(subject)
        site.invocations.add(Invocation(pieces, whole, looked, state.flags, state.locks, arguments, each))

    def _pieces(self, value: Value, state: State, frame: Frame) -> tuple[Part, ...]:
        """What an argument was put together from; itself when it was filled as a whole, as ``recv`` does."""
        pieces = tuple(self.part(leaf, state, frame) for leaf in state.leaves(value))
        whole = self.part(value, state, frame)
        is_filled = whole.taint is not None and not any(piece.taint for piece in pieces)
        return (whole,) if is_filled else pieces

    @staticmethod
    def argument(value: Value, state: State) -> tuple[tuple[str, object], ...]:
        """What a rule may know of an argument: its pieces, each a constant, a name or a function."""
        found: list[tuple[str, object]] = []
        for leaf in state.leaves(value):
            if leaf is None or len(found) >= _MAX_PIECES:
                continue
            if isinstance(leaf, Constant):
                found.append(("constant", leaf.value))
            elif isinstance(leaf, Code):
                found.append(("function", leaf.name))
            else:
                found.append(("name", describe_value(leaf)))
        return tuple(found)

    def part(self, value: Value, state: State, frame: Frame) -> Part:
        """One piece of a path as the rules see it."""
        text = value.value if isinstance(value, Constant) and isinstance(value.value, str) else None
        name = describe_value(value)
        taint = taint_of(value, state)
        slots = self.slots(value, frame) if taint is None and isinstance(value, Initial) else ()
        return Part(taint, state.checks.get(value, frozenset()), text, name, slots)

    def tested(self, value: Value, spot: Spot) -> Site | None:
        """Note that a result was tested; the call that gave it."""
        site = self.of(value)
        if site is not None:
            site.tests.add(spot)
        return site


def _base(place: Place) -> object:
    """The object a member is in; nothing for a variable."""
    return place.base if isinstance(place, Field) else None


def _stays_mapped(site: Site) -> bool:
    """Whether closing does not take the library out of memory: it never leaves, or somebody else has loaded it.

    ``dlopen(NULL, ...)`` gives the program itself (dlopen(3)).
    """
    given = site.call.arguments
    if site.api.role is not ApiRole.LOAD or not given:
        return False
    path = uncast(given[0])
    return (isinstance(path, ir.Literal) and path.value in (None, 0)) or any(_keeps_mapped(a) for a in given)


def _keeps_mapped(argument: ir.Expression) -> bool:
    stack = [argument]
    while stack:
        current = stack.pop()
        if isinstance(current, ir.Name) and current.name.endswith(("RTLD_NODELETE", "RTLD_NOLOAD")):
            return True
        if isinstance(current, ir.Operation):
            stack.extend(current.operands)
        elif isinstance(current, ir.Cast):
            stack.append(current.operand)
    return False
