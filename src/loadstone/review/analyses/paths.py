"""Every path through a function, followed with what is known of values on it.

States are kept apart while they differ in something a later question can reach, and are one when they do not; loops end
when nothing new is learnt. Calls of functions of the same program are followed with the caller's state, a few levels
deep, so that a helper that opens, checks, closes or stores does so for its caller. Nodes are taken in the order of the
source, so that all paths that meet are there before the walk goes on. Everything is bounded (see :mod:`bounds`); what
was followed with less precision is recorded, so that claims about it are not made as if nothing had been left out.
"""

from __future__ import annotations

import heapq
import re
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.bounds import MAX_LEVELS, MAX_ROUNDS, MAX_STATES, StepBudget
from loadstone.review.analyses.calls import Calls
from loadstone.review.analyses.effects import Effects
from loadstone.review.analyses.evaluate import PathEvaluator
from loadstone.review.analyses.facts import Bound, Exit, Fill, LockStep
from loadstone.review.analyses.flow import closed_since, lineage, mix
from loadstone.review.analyses.locks import Locks, PlaceOf
from loadstone.review.analyses.memory import PathMemory
from loadstone.review.analyses.mentions import every_expression
from loadstone.review.analyses.program import Frame, KnownFunction, KnownProgram
from loadstone.review.analyses.record import Record
from loadstone.review.analyses.refine import Refine
from loadstone.review.analyses.sites import Sites
from loadstone.review.analyses.state import State, Taint
from loadstone.review.analyses.summaries import Summaries
from loadstone.review.analyses.values import (
    CallResult,
    CallStatus,
    Code,
    Constant,
    Field,
    Initial,
    Local,
    LockGuard,
    Object,
    Place,
    PlaceAddress,
    Spot,
    This,
    Unknown,
    Value,
    root,
)
from loadstone.review.analyses.words import MAINS, dotted_name, is_null, may_raise, rooted_locally, uncast
from loadstone.review.apis import Api, ApiRole, Tables
from loadstone.review.cfg import Kind, Leave, Node
from loadstone.review.typenames import base_type, inserts, is_reference, pointee
from loadstone.review.walk import expressions

__all__ = ["Paths"]

_ENVIRONMENTS: Final = frozenset({"os.environ", "environ"})
_ENVIRONMENT: Final = Api("os.environ", ApiRole.SET_ENVIRONMENT, "Python")
_CHARACTER: Final = re.compile(
    r"(?:^|_|::|\.)is_?w?(?:alnum|alpha|digit|lower|upper|xdigit|letter(?:OrNumber)?)\Z", re.IGNORECASE
)
"""Functions that ask what kind of character they are given, whoever wrote them."""

_LONG: Final = 1500
"""Nodes of a function after which ways that meet are joined at once: one state a node, and one visit."""

_LONG_TOP: Final = 300
"""The same of the top level of a Python file, where every name stays in use."""

_LARGE: Final = 64
"""Variables that a state has before forgetting is put off."""

_PROTOTYPES: Final = frozenset({"argtypes", "restype", "errcheck"})
"""Attributes of a ctypes function that declare it."""

_MAX_VISITS: Final = 24
"""How often one node is gone through with all its paths as one; joins settle long before."""

_Together = dict[int, dict[frozenset[tuple[Value, bool]], tuple[State, int]]]
"""At each node, the states that were joined, by what is open in them, and how often each was gone through."""

Outcomes = list[tuple[Value, State]]
Ended = tuple[State, str, Spot]


class Paths:
    """Follows the paths of one function after another, writing what it finds to one record."""

    def __init__(self, tables: Tables, program: KnownProgram, record: Record) -> None:
        self.tables = tables
        self.program = program
        self.record = record
        self.budget: StepBudget = StepBudget(record)
        self.sites: Sites = Sites(record)
        self.memory: PathMemory = PathMemory(tables, program, record, self.sites)
        self.locks: Locks = Locks(program, record)
        self.refine: Refine = Refine(record, self.sites)
        self.summaries: Summaries = Summaries(program, tables)
        effects = Effects(record, self.sites, self.memory, self.locks)
        calls = Calls(tables, program, self.sites, self.memory, effects, self.summaries, self.budget, self.enter)
        self.evaluator: PathEvaluator = PathEvaluator(
            tables, program, self.sites, self.memory, self.refine, calls, self.budget
        )
        self.frames: dict[tuple[object, ...], int] = {}
        self.environment_calls: dict[int, ir.Call] = {}

    def _frame(
        self, key: tuple[object, ...], known: KnownFunction, chain: tuple[Spot, ...], level: int, this: Value
    ) -> Frame:
        number = self.frames.setdefault(key, len(self.frames))
        frame = Frame(number, known, chain, level, this)
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
                self._ended(ended, how, spot, frame)
        except RecursionError:  # callees nested in callees, each of deep expressions: said to be cut, never a crash
            self.budget.cut(Bound.DEPTH)

    # Ends.

    def _ended(self, state: State, how: str, spot: Spot, frame: Frame) -> None:
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
            if not isinstance(place, Local) and (given_away or not rooted_locally(place)):
                self._left_in(place, held, state, spot, frame)
        for lock in state.locks:
            if not lock.scoped:
                self.record.lock_steps.add(LockStep("kept", lock.lock, spot, (), lock.spot))

    def _returned(self, state: State, spot: Spot, frame: Frame) -> None:
        """What is returned may need a library that the end of a scope has closed."""
        value = state.result
        spelled = frame.known.function.returns
        is_address = (
            "*" in spelled
            or any(word in spelled for word in ("function<", "unique_ptr<", "shared_ptr<"))
            or self.sites.role(value) in {ApiRole.RESOLVE, ApiRole.LOAD}
        )
        for one in (value, *state.leaves(value)):
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
            self.budget.steps += 1
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
            state.forget_guesses()
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
                thrown = [s for before in thrown for s in self._leave(leave, before, frame)]
            found.extend((node.unwind, s) for s in thrown)
        elif state.locks and node.kind is not Kind.RAISE and frame.known.unit.language is ir.Language.PYTHON:
            self._thrown_with_locks(node, state, frame)
        locks = state.locks
        for slot, after in self._step(node, state, frame):
            self._end_temporaries(node, len(locks), after)
            if slot < len(node.next) and node.next[slot] >= 0:
                found.append((node.next[slot], after))
        return found

    @staticmethod
    def _end_temporaries(node: Node, before: int, after: State) -> None:
        """A guard that no variable holds ends with its statement."""
        if len(after.locks) <= before or node.kind is Kind.ENTER:
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

    def _step(self, node: Node, state: State, frame: Frame) -> list[tuple[int, State]]:
        expression = node.expression
        match node.kind:
            case Kind.ASSIGN:
                return [(0, s) for s in self._assign(node, state, frame)]
            case Kind.EVALUATE:
                return [(0, s) for s in self._evaluate(node, state, frame)]
            case Kind.TEST if expression is not None:
                return [(0 if holds else 1, s) for holds, s in self.evaluator.test(expression, state, frame)]
            case Kind.RETURN:
                return [(0, s) for s in self._return(node, state, frame)]
            case Kind.LEAVE if node.leave is not None:
                return [(0, s) for s in self._leave(node.leave, state, frame)]
            case Kind.ENTER if expression is not None:
                return [(0, s) for s in self._enter_context(node, state, frame)]
            case Kind.EACH if expression is not None and node.target is not None:
                return self._each(node, state, frame)
            case Kind.CHOOSE | Kind.CATCH:
                states = [state]
                if expression is not None:
                    states = [s for _, s in self.evaluator.value(expression, state, frame)]
                return [(slot, s.copy()) for s in states for slot in range(max(len(node.next), 1))]
            case Kind.LOOP_DONE if isinstance(node.statement, ir.Loop):
                self._after_loop(node.statement, state, frame)
            case Kind.RAISE if expression is not None:
                return [(0, s) for _, s in self.evaluator.value(expression, state, frame)]
        return [(0, state)]

    # Statements.

    def _assign(self, node: Node, state: State, frame: Frame) -> list[State]:
        statement = node.statement
        assert isinstance(statement, ir.Assign)
        if statement.value is None:
            place = self.evaluator.place(statement.target, state, frame)
            if place is not None:
                state.drop("env", place)
            return [state]
        if isinstance(statement.target, ir.Member) and statement.target.name in _PROTOTYPES:
            return [state]  # ctypes: read from the source as it stands, and by the thousand at the top of a file
        if statement.static and statement.declares and isinstance(statement.value, ir.Literal):
            return [state]  # done before anything runs: no store on any path
        if statement.declares and is_reference(statement.type) and "const" not in statement.type.split():
            bound = self._bound(statement, state, frame)
            if bound is not None:
                return [bound]
        if (members := self._aggregate(statement, frame)) is not None:
            return self._laid_out(statement, members, state, frame)
        states = []
        for value, after in self.evaluator.value(statement.value, state, frame):
            self._environment(statement, value, after, frame)
            stored = value if not statement.operator else self.evaluator.combined(statement, value, after, frame)
            source = None if statement.operator else statement.value
            begun = statement.static and statement.declares
            self.evaluator.store(statement.target, stored, after, frame, statement.line, source=source, begun=begun)
            states.append(after)
        return states

    def _aggregate(self, statement: ir.Assign, frame: Frame) -> list[str] | None:
        """The members of the variable that a statement declares, where its class is the program's and a plain one."""
        made = statement.value
        is_call = isinstance(made, ir.Call) and made.receiver is None and isinstance(statement.target, ir.Name)
        if not is_call or not isinstance(made, ir.Call) or not statement.declares or statement.static:
            return None
        members = self.program.members.get(made.name)
        plain = base_type(statement.type) == made.name and "*" not in statement.type
        if members is None or not plain or self.program.functions.get(f"{made.name}::{made.name}"):
            return None
        return [*members] if frame.known.unit.language is ir.Language.CPP and not _copies(made) else None

    def _laid_out(self, statement: ir.Assign, members: list[str], state: State, frame: Frame) -> list[State]:
        """``Entry entry{library, run};``: a plain object, its members set one after another."""
        assert isinstance(statement.target, ir.Name)
        assert isinstance(statement.value, ir.Call)
        place = Local(frame.number, statement.target.name)
        states = []
        built = Object(frame.number, id(statement.value))
        for values, after in self.evaluator.all(statement.value.arguments, state, frame):
            after.renew(built)
            self.memory.begun(built, after)
            self.memory.store(place, built, after, frame, statement.line)
            for name, value in zip(members, values, strict=False):
                self.memory.store(Field(built, name), value, after, frame, statement.line)
            states.append(after)
        return states

    def _bound(self, statement: ir.Assign, state: State, frame: Frame) -> State | None:
        """``T &name = place``: another name for what is there already."""
        assert isinstance(statement.target, ir.Name)
        assert statement.value is not None
        bare = uncast(statement.value)
        if not isinstance(bare, ir.Name | ir.Member | ir.Item):
            return None
        place = self.evaluator.place(bare, state, frame)
        if place is None:
            return None
        if isinstance(bare, ir.Item) and isinstance(place, Field):  # the container is looked into; a map may grow
            if inserts(self.memory.type_of(place.base, frame)):
                self.memory.changed(place, state, frame, statement.line)
            else:
                self.memory.load(place, state, frame, statement.line)
        state.assign(Local(frame.number, statement.target.name), PlaceAddress(place))
        return state

    def _environment(self, statement: ir.Assign, value: Value, state: State, frame: Frame) -> None:
        """``os.environ[name] = value`` is a call in all but spelling."""
        target = statement.target
        if not isinstance(target, ir.Item) or dotted_name(target.base) not in _ENVIRONMENTS:
            return
        if not isinstance(target.index, ir.Literal):
            return
        call = self.environment_calls.setdefault(id(statement), ir.Call(statement.line, "os.environ", target.base))
        number = self.sites.add(_ENVIRONMENT, call, frame, None)
        self.sites.invoked(self.record.sites[number], value, (Constant(target.index.value), value), state)

    def _evaluate(self, node: Node, state: State, frame: Frame) -> list[State]:
        assert node.expression is not None
        bare = uncast(node.expression)
        frame.unused = bare if isinstance(bare, ir.Call) else None
        states = []
        for value, after in self.evaluator.value(node.expression, state, frame):
            if isinstance(value, CallResult | CallStatus) and isinstance(bare, ir.Call):
                site = self.record.sites[value.site]
                if site.spot.line == bare.line and not site.chain:
                    site.is_discarded = True
                    discards = isinstance(node.statement, ir.Evaluate) and node.statement.discards
                    site.is_discarded_deliberately = discards
            states.append(after)
        frame.unused = None
        return states

    def _return(self, node: Node, state: State, frame: Frame) -> list[State]:
        if node.expression is None:
            state.result = None
            return [state]
        states = []
        for value, after in self.evaluator.value(node.expression, state, frame):
            after.result = value
            site = self.sites.of(value)
            if site is not None:
                site.returned = True
                self.sites.use(value, "return", after, frame, node.line)
            self._hand_back(node.expression, after, frame)
            states.append(after)
        return states

    def _hand_back(self, expression: ir.Expression, state: State, frame: Frame) -> None:
        """An object returned by value takes what its fields hold along."""
        bare = uncast(expression)
        if isinstance(bare, ir.Name) and (place := self.evaluator.place(bare, state, frame)) is not None:
            self.memory.escape(PlaceAddress(place), state, "")

    def _each(self, node: Node, state: State, frame: Frame) -> list[tuple[int, State]]:
        assert node.expression is not None
        assert node.target is not None
        done = [(1, s.copy()) for _, s in self.evaluator.value(node.expression, state.copy(), frame)]
        inside = []
        for value, after in self.evaluator.value(node.expression, state, frame):
            element = Unknown(frame.number, id(node))
            after.renew(element)
            mix(element, (value,), after, keep=True)
            self.evaluator.store(node.target, element, after, frame, node.line)
            inside.append((0, after))
        return inside + done

    def _enter_context(self, node: Node, state: State, frame: Frame) -> list[State]:
        assert node.expression is not None
        lock = self.locks.context(node.expression, self.evaluator.place_of(state, frame))
        if lock:
            self.locks.take(lock, state, frame, node.line, scoped=True)
            return [state]
        states = []
        for value, after in self.evaluator.value(node.expression, state, frame):
            if node.target is not None:
                self.evaluator.store(node.target, value, after, frame, node.line)
            states.append(after)
        return states

    # Ends of scopes.

    def _leave(self, leave: Leave, state: State, frame: Frame) -> list[State]:
        if leave.context is not None:
            lock = self.locks.context(leave.context, self.evaluator.place_of(state, frame))
            if lock:
                state.locks = tuple(h for h in state.locks if h.lock != lock)
            return [state]
        place = Local(frame.number, leave.name)
        value = state.env.get(place)
        if isinstance(value, LockGuard):
            state.locks = tuple(h for h in state.locks if h.lock != value.lock)
            return [state]
        if leave.cleanup:
            return self._clean(leave, value, place, state, frame)
        return self._destroy(leave, place, state, frame)

    def _clean(self, leave: Leave, value: Value, place: Place, state: State, frame: Frame) -> list[State]:
        gone = value is None or is_null(value) or state.truth.get(value) is False
        if gone or (isinstance(value, CallResult) and value in state.escaped):
            return [state]
        api = self.tables.get(leave.cleanup)
        if api is not None and api.role in {ApiRole.UNLOAD, ApiRole.FREE, ApiRole.CLOSE}:
            self.sites.release(value, state, frame, leave.line, by=leave.cleanup)
            return [state]
        found = self.program.find(leave.cleanup, frame.known.unit)
        if found is not None and frame.level < MAX_LEVELS:
            given = value if leave.cleanup.endswith("operator()") else PlaceAddress(place)
            return [s for _, s in self.enter(found, (given,), None, state, frame, leave.line, None, None)]
        state.escape(value if isinstance(value, CallResult) else None)
        return [state]

    def _destroy(self, leave: Leave, place: Place, state: State, frame: Frame) -> list[State]:
        if "*" in leave.type or "&" in leave.type:
            return [state]
        held = state.env.get(place)
        site = self.sites.of(held)
        if site is not None and site.api.release == "scope" and held not in state.escaped:
            self.sites.release(held, state, frame, leave.line, by=site.api.name)
            return [state]
        if isinstance(held, Object) and (
            pointee(leave.type) != leave.type or _SMART.search(leave.type)
        ):  # its owner ends it, or another owner
            self.memory.escape(held, state, "")
            return [state]
        name = base_type(leave.type)
        found = self.program.find(f"{name}::~{name.rpartition('::')[2]}", frame.known.unit) if name else None
        if found is None or frame.level >= MAX_LEVELS:
            return [state]
        this: Value = held if isinstance(held, Object) else PlaceAddress(place)
        return [s for _, s in self.enter(found, (), this, state, frame, leave.line, None, None)]

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

    # Loops over characters.

    def _after_loop(self, loop: ir.Loop, state: State, frame: Frame) -> None:
        """A loop that looks at each character of a text has looked at all of them when it ends."""
        for subject in self._looked_at(loop):
            for value, _ in self.evaluator.value(subject, state, frame):
                for leaf in state.leaves(value):
                    state.add_check(leaf, "characters", frame.spot(loop.line))

    def _looked_at(self, loop: ir.Loop) -> list[ir.Expression]:
        tested: list[ir.Expression] = []
        ranges: list[ir.Expression] = []
        for expression in (*expressions(loop.condition), *every_expression(loop.body)):
            if isinstance(expression, ir.Call):
                api = self.tables.get(expression.name)
                is_known = api is not None and api.role is ApiRole.TEST and api.kind == "character"
                if is_known or _CHARACTER.search(expression.name):
                    tested.extend(expression.arguments[:1] or ([expression.receiver] if expression.receiver else []))
            elif isinstance(expression, ir.Operation) and expression.operator in {"<", "<=", ">", ">="}:
                one, other = expression.operands
                ranges.extend(a for a, b in ((one, other), (other, one)) if _is_character(b) and not _is_character(a))
        if len(ranges) >= _BOTH_ENDS:
            tested.extend(ranges[:1])
        return [s for t in tested if (s := _text_of(t, loop)) is not None]


def _copies(made: ir.Call) -> bool:
    """Whether an object may be made from another one as a whole, and not from its members."""
    return len(made.arguments) == 1


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


_SMART: Final = re.compile(r"(?:shared_ptr|unique_ptr|QSharedPointer|QScopedPointer)\Z")
"""What ``auto`` gives of a smart pointer: its name without what it points at."""

_BOTH_ENDS: Final = 2
"""A range of characters has a first and a last one."""


def _is_bound(spelled: str) -> bool:
    return is_reference(spelled) and "const" not in spelled.split()


def _is_character(expression: ir.Expression) -> bool:
    bare = uncast(expression)
    return isinstance(bare, ir.Literal) and isinstance(bare.value, str) and len(bare.value) == 1 and bare.value != "\0"


def _text_of(expression: ir.Expression, loop: ir.Loop) -> ir.Expression | None:
    """The text that a character is one of."""
    current: ir.Expression | None = uncast(expression)
    for _ in range(8):
        match current:
            case ir.Item(base=base):
                return base
            case ir.Operation(operator="deref" | "post" | "+", operands=(first, *_)):
                current = uncast(first)
            case ir.AssignmentExpression(target=target):
                current = target
            case ir.Name(name=name) if loop.each is not None and isinstance(loop.each[0], ir.Name):
                return loop.each[1] if loop.each[0].name == name else current
            case _:
                return current
    return None
