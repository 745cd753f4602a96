"""Where known interfaces are called, and what is done with what they gave: uses, closes, who controls it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.facts import Invocation, Part, Site, Use
from loadstone.review.analyses.known import Frame
from loadstone.review.analyses.state import State, Taint, Value, constant, initial, pointer
from loadstone.review.analyses.walker import Walker
from loadstone.review.analyses.words import describe, describe_value, rooted_locally
from loadstone.review.apis import Api, Role

__all__ = ["Sites"]

_MAX_PIECES: Final = 16

_MAX_INVOCATIONS: Final = 24


class Sites(Walker):
    """Keeps the calls of known interfaces and what becomes of their results."""

    def _mix(self, made: Value, values: Iterable[Value], state: State, *, keep: bool = False) -> None:
        """``made`` is put together from ``values``: who controls one of them controls part of it."""
        given = tuple(values)
        before = state.parts.get(made, ()) if made in given else ()
        inputs = tuple(dict.fromkeys((*before, *(v for v in given if v is not None and v[0] != "f" and v != made))))
        state.parts[made] = inputs
        state.looks.pop(made, None)
        state.checks.pop(made, None)
        taints = [t for v in inputs if (t := self.taint_of(v, state)) is not None]
        if taints:
            others = sum(1 for v in inputs if v != constant(None))
            first = taints[0]
            state.taint[made] = Taint(first.kind, first.spot, first.partial or (others > 1 and not keep))
        else:
            state.taint.pop(made, None)

    def taint_of(self, value: Value, state: State) -> Taint | None:
        """Who controls a value; a member or element of what somebody controls is controlled by them."""
        for _ in range(8):
            if value is None:
                return None
            found = state.taint.get(value)
            if found is not None:
                return found
            if value[0] == "a":
                inner = state.env.get(value[1])
                value = inner if inner is not None else initial(value[1])
            elif value[0] == "i" and isinstance(value[1], tuple) and value[1][0] == "m":
                value = value[1][1]
                if isinstance(value, tuple) and value[:1] in {("v",), ("g",), ("m",)}:
                    value = state.env.get(value) or initial(value)
            else:
                return None
        return None

    def _site(self, value: Value) -> Site | None:
        if value is None or value[0] not in {"s", "t"}:
            return None
        return self.record.sites[value[1]]

    def _use(self, value: Value, how: str, state: State, frame: Frame, line: int, *, owner: str = "") -> None:
        site = self._site(value)
        if site is None or value is None or value[0] != "s":
            return
        closed = state.closed.get(value)
        current: Site | None = site
        for _ in range(4):
            if closed is not None or current is None or current.parent is None:
                break
            closed = state.closed.get(pointer(current.parent))
            current = self.record.sites[current.parent]
        known = True if site.api.raises else state.truth.get(value)
        state.touched[value] = frame.spot(line)
        site.uses.add(Use(how, frame.spot(line), known, closed, owner))

    def _new_site(self, api: Api, call: ir.Call, frame: Frame, parent: int | None) -> int:
        key = (frame.number, id(call))
        number = self.record.index.get(key)
        if number is None:
            number = len(self.record.sites)
            self.record.index[key] = number
            known = frame.known
            self.record.sites.append(
                Site(api, call, known.unit, known.function, frame.spot(call.line), frame.chain, parent)
            )
        return number

    def _invoked(self, site: Site, subject: Value, values: tuple[Value, ...], state: State) -> None:
        whole = self.part(subject, state)
        pieces = tuple(self.part(v, state) for v in state.leaves(subject))
        look = state.looks.get(subject)
        arguments = tuple(self.argument(v, state) for v in values)
        each: tuple[tuple[Part, ...], ...] = ()
        if site.api.role in {Role.SET_ENVIRONMENT, Role.SEARCH_PATH}:
            each = tuple(tuple(self.part(leaf, state) for leaf in state.leaves(v)) for v in values)
        if len(site.invocations) < _MAX_INVOCATIONS:
            site.invocations.add(Invocation(pieces, whole, look, state.flags, state.locks, arguments, each))

    @staticmethod
    def argument(value: Value, state: State) -> tuple[tuple[str, object], ...]:
        """What a rule may know of an argument: its pieces, each a constant, a name or a function."""
        found: list[tuple[str, object]] = []
        for leaf in state.leaves(value):
            if leaf is None or len(found) >= _MAX_PIECES:
                continue
            if leaf[0] == "c":
                found.append(("constant", leaf[1]))
            elif leaf[0] == "f":
                found.append(("function", leaf[1]))
            else:
                found.append(("name", describe_value(leaf)))
        return tuple(found)

    def part(self, value: Value, state: State) -> Part:
        """One piece of a path as the rules see it."""
        text = value[1] if value is not None and value[0] == "c" and isinstance(value[1], str) else None
        name = describe_value(value)
        taint = self.taint_of(value, state)
        if taint is None and name in self.record.stored_taint:
            taint = self.record.stored_taint[name]
        return Part(taint, state.checks.get(value, frozenset()), text, name)

    def _release(self, subject: Value, state: State, frame: Frame, line: int) -> None:
        site = self._site(subject)
        if site is None or subject is None or subject[0] != "s":
            return
        self._use(subject, "release", state, frame, line)
        site.closes.add(frame.spot(line))
        if state.truth.get(subject) is not False:
            state.closed[subject] = frame.spot(line)

    def _give(self, target: Value, made: Value, state: State) -> None:
        """A call stores its result where an argument points."""
        if target is None or made is None:
            return
        if target[0] == "a":
            place = target[1]
            state.env[place] = made
            if place[0] != "v" and not rooted_locally(place):
                site = self._site(made)
                if site is not None:
                    site.stores.add(describe(place))
                    state.escaped |= {made[1]}
            return
        # A buffer or a caller's pointer: what it held is replaced, whoever controls the call controls it.
        taint = self.taint_of(made, state)
        if taint is not None:
            state.taint[target] = taint
        if self._site(made) is not None and target[0] == "i":
            state.env[("m", target, "*")] = made
            state.escaped |= {made[1]}
        inner = state.parts.get(made)
        if inner is not None:
            state.parts[target] = inner
            state.checks.pop(target, None)

    @staticmethod
    def _lost(made: Value, site: Site, state: State) -> None:
        """A loop that opens again what it has not closed loses the first."""
        touched = state.touched.get(made)
        if (
            touched is not None
            and site.api.role is Role.LOAD
            and site.api.owned
            and made not in state.closed
            and state.truth.get(made) is True
            and made is not None
            and made[1] not in state.escaped
        ):
            site.overwritten.add(touched)
        state.touched.pop(made, None)

    def _close_unseen(self, subject: Value, state: State, frame: Frame, line: int) -> None:
        """A handle that came from outside is closed: a second close of the same value is one too many."""
        closed = state.closed.get(subject)
        if closed is not None and closed != frame.spot(line) and state.truth.get(subject) is not False:
            self.record.closed_twice.setdefault((describe_value(subject), frame.spot(line)), closed)
        state.closed[subject] = frame.spot(line)

    def _registered(self, values: Sequence[Value], state: State) -> None:
        for value in values:
            site = self._site(value)
            if site is not None and value is not None:
                site.stores.add("registered")
                state.escaped |= {value[1]}
