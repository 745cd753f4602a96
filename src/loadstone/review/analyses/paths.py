"""Every path through a function, followed with what is known of values on it.

States are kept apart while they differ in something a later question can reach, and are one when they do not; loops end
when nothing new is learnt. Calls of functions of the same program are followed with the caller's state, a few levels
deep, so that a helper that opens, checks, closes or stores does so for its caller. Nodes are taken in the order of the
source, so that all paths that meet are there before the walk goes on. Everything is bounded (see :mod:`bounds`); what
was followed with less precision is recorded, so that claims about it are not made as if nothing had been left out.
"""

from __future__ import annotations

import heapq
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.bounds import MAX_ROUNDS, MAX_STATES, StepBudget
from loadstone.review.analyses.calls import Calls
from loadstone.review.analyses.effects import Effects
from loadstone.review.analyses.endings import Endings
from loadstone.review.analyses.evaluate import PathEvaluator
from loadstone.review.analyses.facts import Bound, Found, LockStep
from loadstone.review.analyses.locks import Locks, PlaceOf
from loadstone.review.analyses.memory import PathMemory
from loadstone.review.analyses.program import Frame, KnownFunction, KnownProgram
from loadstone.review.analyses.record import Record
from loadstone.review.analyses.refine import Refine
from loadstone.review.analyses.scopes import Scopes
from loadstone.review.analyses.sites import Sites
from loadstone.review.analyses.state import State, Taint
from loadstone.review.analyses.statements import Statements
from loadstone.review.analyses.summaries import Summaries
from loadstone.review.analyses.values import (
    Field,
    Initial,
    Local,
    Place,
    PlaceAddress,
    Spot,
    This,
    Unknown,
    Value,
)
from loadstone.review.analyses.words import MAINS, may_raise, uncast
from loadstone.review.apis import ApiRole, Tables
from loadstone.review.control_flow import Kind, Node
from loadstone.review.typenames import is_reference

__all__ = ["explored"]

_SHORT: Final = 100
"""Nodes of a function whose variables may be asked about again at the price of more states."""

_LONG: Final = 1500
"""Nodes of a function after which ways that meet are joined at once: one state a node, and one visit."""

_LONG_TOP: Final = 300
"""The same of the top level of a Python file, where every name stays in use."""

_LARGE: Final = 64
"""Variables that a state has before forgetting is put off."""

_MAX_VISITS: Final = 24
"""How often one node is gone through with all its paths as one; joins settle long before."""

_Together = dict[int, dict[frozenset[tuple[Value, bool]], tuple[State, int]]]
"""At each node, the states that were joined, by what is open in them, and how often each was gone through."""

Outcomes = list[tuple[Value, State]]
Ended = tuple[State, str, Spot]


def explored(known: KnownFunction, program: KnownProgram, summaries: Summaries, tables: Tables) -> Record:
    """What following every path of one function of the program finds, whatever was found in others."""
    record = Record()
    _Paths(tables, program, summaries, record).explore(known)
    if not record.locks:
        record.lock_steps = Found(dict.fromkeys(s for s in record.lock_steps if s.what != "exit"))
    return record


class _Paths:
    """Follows the paths of one function, and of those it calls, writing what it finds to a record."""

    def __init__(self, tables: Tables, program: KnownProgram, summaries: Summaries, record: Record) -> None:
        self.tables = tables
        self.program = program
        self.record = record
        self.budget: StepBudget = StepBudget(record)
        self.sites: Sites = Sites(record)
        self.memory: PathMemory = PathMemory(tables, program, record, self.sites)
        self.endings: Endings = Endings(record, self.sites, self.memory)
        locks = self.locks = Locks(program, record)
        effects = Effects(record, self.sites, self.memory, locks)
        calls = Calls(tables, program, self.sites, self.memory, effects, summaries, self.budget, self.enter)
        refine = Refine(record, self.sites)
        evaluator = PathEvaluator(tables, program, self.sites, self.memory, refine, calls, self.budget)
        self.scopes: Scopes = Scopes(tables, program, self.sites, self.memory, locks, evaluator, self.enter)
        self.statements: Statements = Statements(
            tables, program, record, self.sites, self.memory, locks, evaluator, self.scopes
        )
        self.frames: dict[tuple[object, ...], int] = {}
        self.named: dict[int, dict[str, Place]] = {}

    def _frame(
        self, key: tuple[object, ...], known: KnownFunction, chain: tuple[Spot, ...], level: int, this: Value
    ) -> Frame:
        number = self.frames.setdefault(key, len(self.frames))
        frame = Frame(number, known, chain, level, this, self.named.setdefault(number, {}))
        self.memory.frame_types[number] = frame
        return frame

    def explore(self, known: KnownFunction) -> None:
        """Follow every path of one function of the program."""
        self.budget.start(known)
        if known.graph.is_cut:
            self.budget.cut(Bound.NODES)
        frame = self._frame((id(known),), known, (), 0, This(known.function.owner))
        state = State()
        state.repeats = known.has_loops
        for parameter in known.function.parameters:
            if is_reference(parameter.type):
                place = Local(frame.number, parameter.name)
                state.assign(place, PlaceAddress(Field(Initial(place), "*")))
        if known.function.name in MAINS:
            for parameter in known.function.parameters:
                value = Initial(Local(frame.number, parameter.name))
                state.put("taint", value, Taint("command line", frame.spot(parameter.line)))
        try:
            for ended, how, spot in self.run(frame, state):
                self.endings.ended(ended, how, spot, frame)
        except RecursionError:  # callees nested in callees, each of deep expressions: said to be cut, never a crash
            self.budget.cut(Bound.DEPTH)

    # The walk.

    def run(self, frame: Frame, start: State) -> list[Ended]:
        """The ends of the paths through a function: the state there, how it ended, and where."""
        nodes = frame.known.graph.nodes
        seen: dict[int, set[tuple[object, ...]]] = {}
        together: _Together = {}
        order = 0
        work: list[tuple[int, int, State]] = [(0, 0, start)]
        ended: list[Ended] = []
        is_long = len(nodes) > (_LONG_TOP if frame.known.function.name == "<module>" else _LONG)
        while work:
            index, _, state = heapq.heappop(work)
            node = nodes[index]
            while is_long and work and work[0][0] == index:
                state = state.join(heapq.heappop(work)[2], frame.number)
                self.budget.cut(Bound.STATES)
            if self.budget.is_spent and len(work) > MAX_STATES and work[0][0] == index:
                state = self._met(index, state, work, frame)
            live = frame.known.live.get(index)
            # What costs as much as the state is large is done the more seldom; where ways meet, always.
            if live is not None and (index in frame.known.joins or order % (1 + len(state.env) // _LARGE) == 0):
                state.forget_dead(frame.number, live)
            admitted = self._admitted(index, state, seen, together, frame)
            if admitted is None:
                continue
            self.budget.step()
            if node.kind is Kind.END:
                how = "raise" if isinstance(node.statement, ir.Raise) else "return"
                ended.append((admitted, how, frame.spot(node.line)))
                continue
            for following, after in self._after(node, admitted, frame):
                order += 1
                heapq.heappush(work, (following, order, after))
        return ended

    def _met(self, index: int, state: State, work: list[tuple[int, int, State]], frame: Frame) -> State:
        """One state for all that wait at this node with the same things open; the others go on waiting.

        One expression has as many outcomes as its calls have: without this they would multiply from node to node.
        """
        waiting = []
        while work and work[0][0] == index:
            waiting.append(heapq.heappop(work))
        held, is_crowded = self._held(state), len(waiting) > 2 * MAX_STATES
        for one in waiting:
            if is_crowded or self._held(one[2]) == held:
                state = state.join(one[2], frame.number)
                self.budget.cut(Bound.STEPS)
            else:
                heapq.heappush(work, one)
        return state

    def _admitted(
        self,
        index: int,
        state: State,
        seen: dict[int, set[tuple[object, ...]]],
        together: _Together,
        frame: Frame,
    ) -> State | None:
        """The state to go on with at a node; None when nothing about it is new."""
        known = seen.setdefault(index, set())
        if len(known) >= MAX_STATES:
            state.forget_guesses(all_of_them=self.budget.is_spent or len(frame.known.graph.nodes) > _SHORT)
        key = state.key()
        if key in known:
            return None
        is_loop = isinstance(frame.known.graph.nodes[index].statement, ir.Loop)
        most = MAX_ROUNDS if is_loop else 2 * MAX_STATES
        if len(known) < most and not self.budget.is_spent:
            known.add(key)
            return state
        if index not in frame.known.joins and self.budget.is_spent:
            return state  # one way in: nothing to be joined with
        alike = together.setdefault(index, {})
        held = self._held(state) if len(alike) < MAX_STATES else frozenset()
        before, visits = alike.get(held, (None, 0))
        loses = before is not None and not before.agrees(state)
        if before is not None:
            state = before.join(state, frame.number)
            if state.key() == before.key() or visits >= _MAX_VISITS:
                return None
        if loses and not is_loop:
            self.budget.cut(Bound.STEPS if self.budget.is_spent else Bound.STATES)
        alike[held] = (state.copy(), visits + 1)
        return state

    def _held(self, state: State) -> frozenset[tuple[Value, bool]]:
        """What is open and what is not: ways that differ in it are joined last, or a leak is lost in between."""
        opened = self.sites.opened(state)
        return frozenset((v, v in state.closed) for v in opened if state.truth.get(v) is True)

    def _after(self, node: Node, state: State, frame: Frame) -> list[tuple[int, State]]:
        """The nodes that follow, each with the state it is reached in."""
        found: list[tuple[int, State]] = []
        if node.unwind >= 0 and node.expression is not None and may_raise(node.expression):
            thrown = [state.copy()]
            for leave in reversed(node.guarded):
                thrown = [s for before in thrown for s in self.scopes.leave(leave, before, frame)]
            found.extend((node.unwind, s) for s in thrown)
        elif state.locks and node.kind is not Kind.RAISE and frame.known.unit.language is ir.Language.PYTHON:
            self._thrown_with_locks(node, state, frame)
        locks = state.locks
        for slot, after in self.statements.step(node, state, frame):
            if len(after.locks) > len(locks):
                self._end_temporaries(node, len(locks), after)
            if slot < len(node.next) and node.next[slot] >= 0:
                found.append((node.next[slot], after))
        return found

    @staticmethod
    def _end_temporaries(node: Node, before: int, after: State) -> None:
        """A guard that no variable holds ends with its statement."""
        if node.kind is Kind.ENTER:
            return
        made = uncast(node.expression)
        holds = isinstance(node.statement, ir.Assign) and node.statement.declares and isinstance(made, ir.Call)
        if not holds:
            relocked = isinstance(made, ir.Call) and made.receiver is not None
            after.locks = tuple(h for n, h in enumerate(after.locks) if n < before or not h.scoped or relocked)

    def _thrown_with_locks(self, node: Node, state: State, frame: Frame) -> None:
        """Python: a call between taking a lock and releasing it may raise, and then nobody releases it."""
        call = uncast(node.expression)
        api = self.tables.get(call.name) if isinstance(call, ir.Call) else None
        locking = api is not None and api.role in {ApiRole.LOCK, ApiRole.UNLOCK}
        if node.expression is None or not may_raise(node.expression) or locking:
            return
        for held in state.locks:
            if not held.scoped:
                self.record.lock_steps.add(LockStep("kept", held.lock, frame.spot(node.line), (), held.spot))

    # Callees.

    def enter(
        self,
        found: KnownFunction,
        values: tuple[Value, ...],
        receiver: Value,
        state: State,
        frame: Frame,
        line: int,
        call: ir.Call | None,
        place_of: PlaceOf | None,
    ) -> Outcomes:
        """Run a function of the program with the caller's state; what it gives for each of its outcomes."""
        key = (frame.number, id(call) if call is not None else line, id(found))
        inner = self._frame(key, found, (*frame.chain, frame.spot(line)), frame.level + 1, None)
        inner.this = self._this(found, receiver, frame, inner.number)
        start = state.copy()
        start.repeats = start.repeats or found.has_loops
        self._bind(found, values, start, inner, call, place_of)
        outcomes: Outcomes = []
        seen = set()
        before = state.result
        for ended, how, _ in self.run(inner, start):
            if how == "raise":
                continue
            result = ended.result
            ended.repeats = state.repeats
            ended.locks = self.locks.after(found.function, state, ended)
            ended.forget_dead(inner.number, frozenset(), at_end=True)
            ended.result = before
            told = (result, ended.key())
            if told not in seen:
                seen.add(told)
                outcomes.append((result, ended))
        return self._few(outcomes, frame)

    @staticmethod
    def _few(outcomes: Outcomes, frame: Frame) -> Outcomes:
        """Outcomes beyond what is kept apart are joined by what they give."""
        if len(outcomes) <= MAX_STATES:
            return outcomes
        merged: dict[Value, State] = {}
        for value, state in outcomes:
            merged[value] = merged[value].join(state, frame.number) if value in merged else state
        return [*merged.items()]

    @staticmethod
    def _this(found: KnownFunction, receiver: Value, frame: Frame, number: int) -> Value:
        if receiver is None:
            same = found.function.owner == frame.known.function.owner
            return frame.this if same else Unknown(number, "this")
        return receiver

    def _bind(
        self,
        found: KnownFunction,
        values: tuple[Value, ...],
        start: State,
        inner: Frame,
        call: ir.Call | None,
        place_of: PlaceOf | None,
    ) -> None:
        """Give the parameters their values; a reference becomes another name of the argument."""
        parameters = list(found.function.parameters)
        python = found.unit.language is ir.Language.PYTHON
        if python and found.function.owner and parameters and "staticmethod" not in found.function.marks:
            parameters = parameters[1:]
        positional = len(call.arguments) if call is not None else len(values)
        for number, (parameter, value) in enumerate(zip(parameters, values[:positional], strict=False)):
            taken = Local(inner.number, parameter.name)
            start.assign(taken, value)
            if call is None or place_of is None:
                continue
            argument = uncast(call.arguments[number])
            place = place_of(argument) if isinstance(argument, ir.Name | ir.Member | ir.Item) else None
            if place is None:
                continue
            if _is_bound(parameter.type):
                start.assign(taken, PlaceAddress(place))
            elif not python and "*" not in parameter.type and "[" not in parameter.type:
                self.memory.copy(place, taken, start)
        if call is not None:
            names = {p.name for p in parameters}
            for (key, _), value in zip(call.keywords, values[positional:], strict=False):
                if key in names:
                    start.assign(Local(inner.number, key), value)


def _is_bound(spelled: str) -> bool:
    return is_reference(spelled) and "const" not in spelled.split()
