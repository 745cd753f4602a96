"""Follows the paths of one function, and keeps what is given back, what is used after it, and what nobody gives back.

One function at a time; what the functions of the program that it calls do to their parameters comes from their
summaries. Ways that differ in what they know are kept apart up to a bound, then joined.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.lifetimes.evaluate import LifetimeEvaluator
from loadstone.review.analyses.lifetimes.memory import Memory
from loadstone.review.analyses.lifetimes.names import own_address, parts_of, place_name, root
from loadstone.review.analyses.lifetimes.objects import (
    AddressOf,
    Computed,
    HeldIn,
    KnownNumber,
    LifetimeState,
    Made,
    PartOf,
    Status,
    Text,
    Value,
    VariableOf,
    origin,
)
from loadstone.review.analyses.lifetimes.vocabulary import COMPARES, TURNED, CallOutcome, Event, Summary
from loadstone.review.analyses.words import uncast
from loadstone.review.apis import Tables
from loadstone.review.control_flow import Graph, Kind, Node

__all__ = ["Walk"]

_STATES: Final = 12
"""Ways that are kept apart at one node; further ones are joined."""

_ROUNDS: Final = 40
"""How often a node is gone through at most."""

_STEPS: Final = 6_000
"""Steps of one function; a longer one is not claimed about."""


class Walk:
    """The paths of one function."""

    def __init__(
        self,
        graph: Graph,
        tables: Tables,
        language: ir.Language,
        summary: Summary,
        is_defined: Callable[[ir.Call], bool],
        moving: frozenset[str],
        arrays: frozenset[str] = frozenset(),
    ) -> None:
        self.graph = graph
        self.memory = Memory(graph, tables, language, arrays)
        self.evaluator = LifetimeEvaluator(self.memory, summary, is_defined, moving)
        self.outcomes: list[CallOutcome] = []
        self.is_cut = graph.is_cut

    def run(self) -> Walk:
        """Follow every path from the start."""
        nodes = self.graph.nodes
        seen: dict[int, set[object]] = {}
        visits: dict[int, int] = {}
        work: list[tuple[int, int, LifetimeState]] = [(0, 0, LifetimeState())]
        order = steps = 0
        while work:
            index, _, state = heapq.heappop(work)
            same = [state]
            while work and work[0][0] == index:
                same.append(heapq.heappop(work)[2])
            known = seen.setdefault(index, set())
            fresh: dict[object, LifetimeState] = {}
            for one in same:
                key = one.key()
                if key not in known:
                    fresh.setdefault(key, one)
            if len(fresh) + len(known) > _STATES and len(fresh) > 1:
                whole, *others = fresh.values()
                for one in others:
                    whole = whole.join(one)
                fresh = {whole.key(): whole} if whole.key() not in known else {}
            known.update(fresh)
            for one in fresh.values():
                visits[index] = visits.get(index, 0) + 1
                steps += 1
                if visits[index] > _ROUNDS:
                    continue
                if steps > _STEPS:
                    self.is_cut = True
                    return self
                for following, after in self.after(nodes[index], one):
                    order += 1
                    heapq.heappush(work, (following, order, after))
        return self

    def after(self, node: Node, state: LifetimeState) -> Iterator[tuple[int, LifetimeState]]:
        match node.kind:
            case Kind.END:
                self.end(node, state)
                return
            case Kind.TEST if node.expression is not None:
                for slot, holds in ((0, True), (1, False)):
                    if slot < len(node.next) and node.next[slot] >= 0:
                        start = state if slot else state.copy()  # nobody needs it behind the last answer
                        for after in self.asked(node.expression, holds, start):
                            yield node.next[slot], after
                return
            case Kind.ASSIGN if isinstance(node.statement, ir.Assign):
                states = self.assign(node.statement, state)
            case Kind.RETURN:
                states = self.returned(node, state)
            case Kind.EACH:
                states = [s for _, s in self.evaluator.value(node.expression, state)]
                for one in states:
                    if isinstance(node.target, ir.Name):
                        place = self.memory.variable(node.target.name)
                        self.memory.forget_behind(place, one)
                        one.places[place] = self.memory.fresh(node, one)
            case Kind.LEAVE:
                self.leave(node, state)
                states = [state]
            case _:
                states = [s for _, s in self.evaluator.value(node.expression, state)]
        if node.kind in {Kind.CHOOSE, Kind.CATCH, Kind.EACH}:
            for after in states:
                for following in node.next:
                    if following >= 0:
                        yield following, after.copy()
            return
        for after in states:
            if node.next and node.next[0] >= 0:
                yield node.next[0], after

    def leave(self, node: Node, state: LifetimeState) -> None:
        leave = node.leave
        if leave is not None and (leave.cleanup or leave.context is not None):
            held = state.places.get(VariableOf(leave.name, local=True))
            if held is not None:
                state.handed |= {held}

    def returned(self, node: Node, state: LifetimeState) -> list[LifetimeState]:
        states = []
        for value, after in self.evaluator.value(node.expression, state):
            after.result = value if node.expression is not None else None
            self.memory.touch(value, node.line, after, "returned")
            states.append(after)
        return states

    def asked(self, condition: ir.Expression, holds: bool, state: LifetimeState) -> Iterator[LifetimeState]:
        bare = uncast(condition)
        if isinstance(bare, ir.Operation) and bare.operator in COMPARES and len(bare.operands) == 2:
            for one, middle in self.evaluator.value(bare.operands[0], state):
                outcomes = self.evaluator.value(bare.operands[1], middle)
                for two, after in outcomes:
                    own = after if len(outcomes) == 1 else after.copy()
                    yield from self.compared(bare.operator, one, two, holds, own)
            return
        if isinstance(bare, ir.Call) and bare.name in {"SUCCEEDED", "FAILED"} and bare.arguments:
            good = (bare.name == "SUCCEEDED") is holds
            for value, after in self.evaluator.value(bare.arguments[0], state):
                if after.narrow(value, ">=" if good else "<", 0):
                    yield after
            return
        outcomes = self.evaluator.value(condition, state)
        for value, asked in outcomes:
            after = asked if len(outcomes) == 1 else asked.copy()
            if after.narrow(value, "!=" if holds else "==", 0) and self.memory.is_possible(value, after):
                yield after

    def compared(
        self, operator: str, one: Value, two: Value, holds: bool, state: LifetimeState
    ) -> Iterator[LifetimeState]:
        wanted = operator if holds else COMPARES[operator]
        if isinstance(one, KnownNumber) and not isinstance(two, KnownNumber):
            one, two, wanted = two, one, TURNED[wanted]
        if isinstance(two, KnownNumber):
            if wanted == "!=" and two.value == -1 and isinstance(one, Made):
                wanted = ">"
            if state.narrow(one, wanted, two.value) and self.memory.is_possible(one, state):
                yield state
            return
        if isinstance(one, Made | AddressOf | Text) and isinstance(two, Made | AddressOf | Text) and one != two:
            if wanted not in {"==", "<=", ">="}:  # two blocks are never one
                yield state
            return
        if one == two:
            if wanted in {"==", "<=", ">="}:
                yield state
            return
        sure = operator if operator in {"==", "<", "<="} else COMPARES[operator]
        holds_sure = holds if sure == operator else not holds
        left, right = (one, two) if sure != "==" or repr(one) <= repr(two) else (two, one)
        if isinstance(one, AddressOf) and isinstance(two, AddressOf | Made):
            left, right = one, two
        if state.narrow(Computed(sure, (left, right)), "==" if holds_sure else "!=", 1):
            yield state

    def assign(self, statement: ir.Assign, state: LifetimeState) -> list[LifetimeState]:
        if statement.declares and isinstance(statement.target, ir.Name):
            place = self.memory.variable(statement.target.name)
            self.memory.forget_behind(place, state)
            if statement.value is None:
                state.versions[place] = state.versions.get(place, 0) + 1
                state.places.pop(place, None)
                if "[" in statement.type:
                    state.places[place] = AddressOf(place)
                elif statement.type.rstrip().endswith("*"):
                    state.places[place] = Computed(("new", place), (KnownNumber(state.versions[place]),))
                return [state]
            if "[" in statement.type:
                values = self.evaluator.value(statement.value, state)
                return [self.memory.given(AddressOf(place), place, after, statement.line) for _, after in values]
        return self.evaluator.store(statement.target, statement.value, statement.operator, statement.line, state)

    def end(self, node: Node, state: LifetimeState) -> None:
        if isinstance(node.statement, ir.Raise):
            return
        self.outcomes.append(CallOutcome(state, state.result, self.memory.made))
        for made in self.left(state):
            self.note("left", made, node.line)
        for made in {v for v in (*state.ended, *state.handed) if isinstance(v, Made)} & self.memory.made.keys():
            self.note("settled", made, node.line)
        self.addresses(node, state)

    def note(self, what: str, made: Made, line: int) -> None:
        """Note what a way out does with something that was made."""
        api, name = self.memory.made[made]
        self.memory.events[Event(what, name, line, made.line, api)] = None

    def left(self, state: LifetimeState) -> Iterator[Made]:
        reached = parts_of(state.result) if state.result is not None else set()
        for made in self.memory.made:
            if made in state.ended or made in state.handed or made in reached or self.memory.failed(made, state):
                continue
            if made not in state.places.values():  # of an earlier round: whose that is, is not followed
                continue
            if self.is_kept(made, state):
                continue
            if self.memory.is_good(made, state) or not self.is_asked(made, state):
                yield made

    def is_asked(self, made: Made, state: LifetimeState) -> bool:
        return made in state.ranges or Status(made) in state.ranges

    def is_kept(self, made: Made, state: LifetimeState) -> bool:
        """Whether something that outlives the function leads to it: a member of what was handed on or returned."""
        result = state.result
        for place, held in state.places.items():
            if held != made and origin(held) != made:
                continue
            start = root(place)
            if isinstance(start, VariableOf):
                if not start.local:
                    return True
                if isinstance(result, HeldIn) and result.place == start:
                    return True
                if isinstance(place, PartOf) and self.is_owner(self.memory.locals.get(start.name, "")):
                    return True
            elif isinstance(start, Made):
                if (
                    start == result
                    or start in state.handed
                    or start not in self.memory.made
                    or self.is_kept(start, state)
                ):
                    return True
            else:
                return True
        return False

    def is_owner(self, spelled: str) -> bool:
        return self.memory.language is ir.Language.CPP or not spelled

    def addresses(self, node: Node, state: LifetimeState) -> None:
        """Addresses of what ends with the function, where it gives them back or leaves them."""
        if state.result is not None and self.is_pointer_returned():
            gone = own_address(state.result)
            if gone is not None and self.ends_here(gone):
                self.memory.events[Event("returned", gone.name, node.line, node.line)] = None
        for place, held in state.places.items():
            gone = own_address(held)
            start = root(place)
            inside = isinstance(start, Made | Computed) or (isinstance(start, VariableOf) and start.local)
            if gone is not None and not inside and place in state.stored and self.ends_here(gone):
                kept = Event("kept", gone.name, state.stored[place], node.line, None, place_name(place))
                self.memory.events[kept] = None

    def is_pointer_returned(self) -> bool:
        return "*" in self.memory.function.returns or self.memory.function.returns.startswith(("LP", "P"))

    def ends_here(self, variable: VariableOf) -> bool:
        spelled = self.memory.locals.get(variable.name, "")
        return (
            variable.name not in self.memory.statics and "static" not in spelled and not spelled.rstrip().endswith("&")
        )
