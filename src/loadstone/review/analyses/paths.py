"""Every path through a function, followed with what is known of values on it.

States are kept apart while they differ and joined when they do not; loops end when nothing new is learnt. Calls of
functions of the same program are followed with the caller's state, a few levels deep, so that a helper that opens,
checks, closes or stores does so for its caller. Everything is bounded: nodes, states a node, levels, steps a function.
What was cut short is recorded, so that claims about it are not made as if nothing had been left out.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.facts import Access, Bound, Cut, Exit, Found, Invocation, LockStep, Part, Site, Use
from loadstone.review.analyses.mentions import calls_in, children, names_in
from loadstone.review.analyses.state import (
    Held,
    Memory,
    Spot,
    State,
    Taint,
    Value,
    constant,
    initial,
    opaque,
    pointer,
    status,
)
from loadstone.review.apis import Api, Role, Success, Tables
from loadstone.review.cfg import Graph, Kind, Leave, Node

__all__ = ["Explorer", "Known", "MethodTable", "Record"]

MAX_STEPS: Final = 1500
"""Nodes run for one function, callees included; the rest of it is cut and said to be."""

_MAX_STATES: Final = 6
"""States kept apart at one node; beyond that guesses about unknown values are dropped."""

_MAX_IN_EXPRESSION: Final = 64
"""States kept apart inside one expression, where each comparison doubles them."""

_MAX_LEVELS: Final = 5
_MAX_CALLEE: Final = 160
_MAX_TWINS: Final = 3
_MAX_PLAIN_CALLEE: Final = 30
_MAX_PIECES: Final = 16
_MAX_INVOCATIONS: Final = 24
_PLACEHOLDER: Final = "?"
_LOCK_WORD: Final = re.compile(r"(?i)(?:lock|mutex|mtx|sem|guard|cs)_?\Z|mutex|_lock\b|lock_")
_ERRORS: Final = frozenset(errno.errorcode.values())
_GOOD_ZERO: Final = re.compile(r"(?:SUCCESS|_OK|S_OK|NO_ERROR|ERROR_SUCCESS|NOERROR)\Z")
_TAINTED_NAMES: Final = {
    "sys.argv": "command line",
    "os.environ": "environment",
    "environ": "environment",
    "flask.request": "network",
    "request": "network",
    "argv": "command line",
    "sys.stdin": "file or terminal",
    "optarg": "command line",
}
_ENVIRONMENTS: Final = frozenset({"os.environ", "environ"})
_ENVIRONMENT: Final = Api("os.environ", Role.SET_ENVIRONMENT, "Python")
_CHECK_WORDS: Final = re.compile(r"(?i)(?:verif|check|digest|hash|sha\d|sign|trust|valid)")
_OWNERS: Final = frozenset(
    {"std::unique_ptr", "std::shared_ptr", "unique_ptr", "shared_ptr", "std::make_unique", "std::make_shared"}
)
_SINGLE_VALUED_PASS: Final = frozenset({Role.PASS})
_TRACKED: Final = frozenset(
    {Role.LOAD, Role.RESOLVE, Role.BORROW, Role.FIND, Role.ALLOCATE, Role.OPEN, Role.SOURCE, Role.ERROR, Role.UNLOAD,
     Role.SET_ENVIRONMENT, Role.SEARCH_PATH, Role.SEARCH_FLAGS, Role.VERIFY, Role.PRIVILEGE, Role.CANONICAL, Role.LOOK,
     Role.COMMAND, Role.TEMPORARY, Role.PERMISSION, Role.DOWNLOAD, Role.DIGEST, Role.CALLBACK, Role.OBSOLETE, Role.JOIN,
     Role.REGISTER, Role.COPY, Role.TRY_LOCK, Role.THREAD, Role.PIN, Role.COMPARE, Role.LOG, Role.ONCE}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """A function of the program with its graph and the names it declares."""

    function: ir.Function
    unit: ir.Unit
    graph: Graph
    locals: frozenset[str]
    types: Mapping[str, str]
    statics: frozenset[str]
    is_relevant: bool = True


@dataclass(frozen=True, slots=True)
class MethodTable:
    """Names of the program: functions by name, file-scope variables and class members by unit."""

    functions: Mapping[str, tuple[Known, ...]]
    variables: Mapping[str, frozenset[str]]
    members: Mapping[str, Mapping[str, str]]
    lock_variables: frozenset[str]

    def find(self, name: str, unit: ir.Unit) -> Known | None:
        """The function a name means in a unit: its own first, then the one other definition."""
        found = self.functions.get(name, ())
        own = [k for k in found if k.unit is unit]
        if own:
            return own[0]
        others = [k for k in found if not k.function.local and k.unit.language is unit.language]
        return others[0] if others and (len(others) == 1 or others[0].function.owner) else None

    def twins(self, known: Known) -> tuple[Known, ...]:
        """The same method defined for several platforms, in several files."""
        found = self.functions.get(known.function.name, ())
        elsewhere = {k.unit.path for k in found}
        return found[:_MAX_TWINS] if known.function.owner and len(elsewhere) == len(found) else (known,)


@dataclass(slots=True)
class _Frame:
    number: int
    known: Known
    chain: tuple[Spot, ...]
    level: int
    this: Value

    def spot(self, line: int) -> Spot:
        function = self.known.function
        return Spot(self.known.unit.path, line, function.name, function.condition)


@dataclass(slots=True)
class Record:
    """What all explorations together found."""

    sites: list[Site] = field(default_factory=list)
    index: dict[tuple[object, ...], int] = field(default_factory=dict)
    accesses: Found[Access] = field(default_factory=Found)
    lock_steps: Found[LockStep] = field(default_factory=Found)
    threads: set[Spot] = field(default_factory=set)
    locks: set[str] = field(default_factory=set)
    stored_taint: dict[str, Taint] = field(default_factory=dict)
    cut: set[Cut] = field(default_factory=set)
    tested_places: set[str] = field(default_factory=set)
    closed_twice: dict[tuple[str, Spot], Spot] = field(default_factory=dict)


class Explorer:
    """Follows the paths of one function after another, writing what it finds to one record."""

    def __init__(self, tables: Tables, program: MethodTable, record: Record) -> None:
        self.tables = tables
        self.program = program
        self.record = record
        self.steps = 0
        self.frames: dict[tuple[object, ...], int] = {}
        self.root: Known | None = None
        self.environment_calls: dict[int, ir.Call] = {}

    # One root function.

    def explore(self, known: Known) -> None:
        """Follow every path of one function of the program."""
        self.steps = 0
        self.root = known
        if known.graph.is_cut:
            self._cut(Bound.NODES)
        frame = _Frame(self._number((id(known),)), known, (), 0, ("this", known.function.owner))
        state = State()
        if known.function.name == "main" or known.function.name in {"wmain", "_tmain", "wWinMain", "WinMain"}:
            for parameter in known.function.parameters:
                taint = Taint("command line", frame.spot(parameter.line))
                state.taint[initial(("v", frame.number, parameter.name))] = taint
        try:
            for ended, how, spot in self._run(frame, state):
                self._ended(ended, how, spot, frame)
        except RecursionError:  # callees nested in callees, each of deep expressions: said to be cut, never a crash
            self._cut(Bound.DEPTH)

    def _cut(self, bound: Bound) -> None:
        """Say that the function being explored is not followed on every path, even if a callee met the bound."""
        if self.root is not None:
            unit, function = self.root.unit, self.root.function
            spot = Spot(unit.path, function.line, function.name, function.condition)
            self.record.cut.add(Cut(spot, function.end_line, bound))

    def _number(self, key: tuple[object, ...]) -> int:
        return self.frames.setdefault(key, len(self.frames))

    def _ended(self, state: State, how: str, spot: Spot, frame: _Frame) -> None:
        kind = "main" if frame.known.function.name in {"main", "<module>"} and how != "raise" else how
        returned = state.result
        for number in self._open_values(state):
            site, value = self.record.sites[number], pointer(number)
            if returned == value or number in state.escaped:
                site.exits.add(Exit(spot, is_open=False, kind="kept"))
            elif state.closed.get(value):
                site.exits.add(Exit(spot, is_open=False, kind=kind, known=True))
            elif state.truth.get(value) is not False:
                site.exits.add(Exit(spot, is_open=True, kind=kind, known=state.truth.get(value)))
        for place, held_value in state.env.items():
            value = held_value
            if (
                place[0] != "v"
                and not _rooted_locally(place)
                and value is not None
                and value[0] == "s"
                and state.truth.get(value) is not False
                and self.record.sites[value[1]].api.role is Role.RESOLVE
            ):
                self._use(value, "kept", state, frame, spot.line, owner=_describe(place))
        for held in state.locks:
            if not held.scoped:
                self.record.lock_steps.add(LockStep("kept", held.lock, spot, (), held.spot))

    def _open_values(self, state: State) -> Iterable[int]:
        seen = set()
        for value in (*state.env.values(), *state.truth, *state.closed, state.result):
            if value is not None and value[0] == "s" and value[1] not in seen:
                seen.add(value[1])
                site = self.record.sites[value[1]]
                if site.api.role in {Role.LOAD, Role.OPEN, Role.ALLOCATE} and site.api.owned:
                    yield value[1]

    # The graph.

    def _run(self, frame: _Frame, start: State) -> list[tuple[State, str, Spot]]:
        nodes = frame.known.graph.nodes
        seen: dict[int, set[tuple[object, ...]]] = {}
        work: list[tuple[int, State]] = [(0, start)]
        ended: list[tuple[State, str, Spot]] = []
        while work:
            index, state = work.pop()
            node = nodes[index]
            known = seen.setdefault(index, set())
            if len(known) >= _MAX_STATES:
                state.forget_guesses()
            key = state.key()
            if key in known:
                continue
            if len(known) >= 3 * _MAX_STATES or self.steps >= MAX_STEPS:
                self._cut(Bound.STEPS if self.steps >= MAX_STEPS else Bound.STATES)
                continue
            known.add(key)
            self.steps += 1
            if node.kind is Kind.END:
                how = "raise" if isinstance(node.statement, ir.Raise) else "return"
                ended.append((state, how, frame.spot(node.line)))
                continue
            if node.unwind >= 0 and node.expression is not None and _may_raise(node.expression):
                thrown = state.copy()
                for leave in reversed(node.guarded):
                    self._leave(leave, thrown, frame)
                work.append((node.unwind, thrown))
            elif state.locks and frame.known.unit.language is ir.Language.PYTHON:
                self._thrown_with_locks(node, state, frame)
            for slot, after in self._step(node, state.copy(), frame):
                self._end_temporaries(node, state, after)
                if slot < len(node.next) and node.next[slot] >= 0:
                    work.append((node.next[slot], after))
        return ended

    @staticmethod
    def _end_temporaries(node: Node, before: State, after: State) -> None:
        """A guard that no variable holds ends with its statement."""
        if len(after.locks) <= len(before.locks) or node.kind is Kind.ENTER:
            return
        made = _bare(node.expression)
        holds = isinstance(node.statement, ir.Assign) and node.statement.declares and isinstance(made, ir.Call)
        if not holds:
            after.locks = tuple(
                h for n, h in enumerate(after.locks) if n < len(before.locks) or not h.scoped or _is_relock(node)
            )

    def _thrown_with_locks(self, node: Node, state: State, frame: _Frame) -> None:
        """Python: a call between taking a lock and releasing it may raise, and then nobody releases it."""
        call = _bare(node.expression)
        api = self.tables.get(call.name) if isinstance(call, ir.Call) else None
        if (
            node.expression is None
            or not _may_raise(node.expression)
            or (api is not None and api.role in {Role.LOCK, Role.UNLOCK})
        ):
            return
        for held in state.locks:
            if not held.scoped:
                self.record.lock_steps.add(LockStep("kept", held.lock, frame.spot(node.line), (), held.spot))

    def _step(self, node: Node, state: State, frame: _Frame) -> list[tuple[int, State]]:
        match node.kind:
            case Kind.ASSIGN:
                return [(0, s) for s in self._assign(node, state, frame)]
            case Kind.EVALUATE:
                return [(0, s) for s in self._evaluate(node, state, frame)]
            case Kind.TEST if node.expression is not None:
                return [(0 if holds else 1, s) for holds, s in self.test(node.expression, state, frame)]
            case Kind.RETURN:
                return [(0, s) for s in self._return(node, state, frame)]
            case Kind.LEAVE if node.leave is not None:
                return [(0, s) for s in self._leave(node.leave, state, frame)]
            case Kind.ENTER if node.expression is not None:
                return [(0, s) for s in self._enter(node, state, frame)]
            case Kind.EACH if node.expression is not None and node.target is not None:
                return self._each(node, state, frame)
            case Kind.CHOOSE | Kind.CATCH:
                if node.expression is not None:
                    states = [s for _, s in self.value(node.expression, state, frame)]
                else:
                    states = [state]
                width = max(len(node.next), 1)
                return [(slot, s.copy()) for s in states for slot in range(width)]
            case Kind.LOOP_DONE if isinstance(node.statement, ir.Loop):
                self._after_loop(node.statement, state, frame)
        if node.kind is Kind.RAISE and node.expression is not None:
            return [(0, s) for _, s in self.value(node.expression, state, frame)]
        return [(0, state)]

    def _assign(self, node: Node, state: State, frame: _Frame) -> list[State]:
        statement = node.statement
        assert isinstance(statement, ir.Assign)
        if statement.value is None:
            place = self.place(statement.target, state, frame)
            if place is not None and place in state.env:
                del state.env[place]
            return [state]
        states = []
        for value, after in self.value(statement.value, state, frame):
            self._environment(statement, value, after, frame)
            stored = value if not statement.operator else self._combined(statement, value, after, frame)
            self.store(statement.target, stored, after, frame, statement.line, holds=_word_of(statement.value))
            states.append(after)
        return states

    def _environment(self, statement: ir.Assign, value: Value, state: State, frame: _Frame) -> None:
        """``os.environ[name] = value`` is a call in all but spelling."""
        target = statement.target
        if (
            not isinstance(target, ir.Item)
            or _dotted(target.base) not in _ENVIRONMENTS
            or not isinstance(target.index, ir.Literal)
        ):
            return
        call = self.environment_calls.setdefault(id(statement), ir.Call(statement.line, "os.environ", target.base))
        number = self._new_site(_ENVIRONMENT, call, frame, None)
        self._invoked(self.record.sites[number], value, (constant(target.index.value), value), state)

    def _combined(self, statement: ir.Assign | ir.Store, value: Value, state: State, frame: _Frame) -> Value:
        (before, _), *_ = self.value(statement.target, state, frame)
        if (
            before is not None
            and value is not None
            and before[0] == "c"
            and value[0] == "c"
            and statement.operator in "&|"
        ):
            return constant(
                bool(before[1]) and bool(value[1]) if statement.operator == "&" else bool(before[1]) or bool(value[1])
            )
        made = self.fresh(frame, statement)
        self._mix(made, (before, value), state)
        return made

    def _evaluate(self, node: Node, state: State, frame: _Frame) -> list[State]:
        statement = node.statement
        assert node.expression is not None
        states = []
        for value, after in self.value(node.expression, state, frame):
            if value is not None and value[0] in {"s", "t"} and isinstance(_bare(node.expression), ir.Call):
                site = self.record.sites[value[1]]
                if site.spot.line == _bare(node.expression).line and not site.chain:
                    site.is_discarded = True
                    site.is_discarded_deliberately = isinstance(statement, ir.Evaluate) and statement.discards
            states.append(after)
        return states

    def _return(self, node: Node, state: State, frame: _Frame) -> list[State]:
        if node.expression is None:
            state.result = None
            return [state]
        states = []
        for value, after in self.value(node.expression, state, frame):
            after.result = value
            site = self._site(value)
            if site is not None and value is not None and value[0] in {"s", "t"}:
                site.returned = True
                self._use(value, "return", after, frame, node.line)
            states.append(after)
        return states

    def _each(self, node: Node, state: State, frame: _Frame) -> list[tuple[int, State]]:
        assert node.expression is not None
        assert node.target is not None
        done = [(1, s.copy()) for _, s in self.value(node.expression, state.copy(), frame)]
        inside = []
        for value, after in self.value(node.expression, state, frame):
            element = self.fresh(frame, node)
            self._mix(element, (value,), after, keep=True)
            self.store(node.target, element, after, frame, node.line)
            inside.append((0, after))
        return inside + done

    def _enter(self, node: Node, state: State, frame: _Frame) -> list[State]:
        assert node.expression is not None
        lock = self._lock_name(node.expression, state, frame)
        if lock:
            self._take(lock, state, frame, node.line, scoped=True)
            return [state]
        states = []
        for value, after in self.value(node.expression, state, frame):
            if node.target is not None:
                self.store(node.target, value, after, frame, node.line)
            states.append(after)
        return states

    def _leave(self, leave: Leave, state: State, frame: _Frame) -> list[State]:
        if leave.context is not None:
            lock = self._lock_name(leave.context, state, frame)
            if lock:
                state.locks = tuple(h for h in state.locks if h.lock != lock)
            return [state]
        place: Memory = ("v", frame.number, leave.name)
        value = state.env.get(place)
        if value is not None and value[0] == "g":
            state.locks = tuple(h for h in state.locks if h.lock != value[1])
            return [state]
        if leave.cleanup:
            return self._clean(leave, value, place, state, frame)
        return self._destroy(leave, place, state, frame)

    def _clean(self, leave: Leave, value: Value, place: Memory, state: State, frame: _Frame) -> list[State]:
        if value is None or value == constant(None) or state.truth.get(value) is False or self._is_moved(value, state):
            return [state]
        api = self.tables.get(leave.cleanup)
        if api is not None and api.role in {Role.UNLOAD, Role.FREE, Role.CLOSE}:
            self._release(value, state, frame, leave.line)
            return [state]
        found = self.program.find(leave.cleanup, frame.known.unit)
        if found is not None and frame.level < _MAX_LEVELS:
            given = value if leave.cleanup.endswith("operator()") else ("a", place)
            return [s for _, s in self._enter_callee(found, (given,), None, state, frame, leave.line)]
        site = self._site(value)
        if site is not None:
            state.escaped |= {value[1]}
        return [state]

    @staticmethod
    def _is_moved(value: Value, state: State) -> bool:
        return value is not None and value[0] == "s" and value[1] in state.escaped

    def _destroy(self, leave: Leave, place: Memory, state: State, frame: _Frame) -> list[State]:
        from loadstone.review.frontends.c.expressions import base_type  # noqa: PLC0415 - the C front end is heavy

        name = base_type(leave.type)
        if not name or "*" in leave.type or "&" in leave.type:
            return [state]
        found = self.program.find(f"{name}::~{name}", frame.known.unit)
        if found is None or frame.level >= _MAX_LEVELS:
            return [state]
        held = state.env.get(place)
        this: Value = held if held is not None and held[0] == "o" else ("a", place)
        return [s for _, s in self._enter_callee(found, (), this, state, frame, leave.line)]

    def _after_loop(self, loop: ir.Loop, state: State, frame: _Frame) -> None:
        """A loop that looks at each character of a text has looked at all of them when it ends."""
        for call in calls_in(loop.body):
            api = self.tables.get(call.name)
            if api is not None and api.role is Role.TEST and api.kind == "character":
                argument = call.arguments[api.subject] if 0 <= api.subject < len(call.arguments) else call.receiver
                while isinstance(argument, ir.Cast | ir.Item | ir.Operation):
                    argument = (
                        argument.operand
                        if isinstance(argument, ir.Cast)
                        else argument.base
                        if isinstance(argument, ir.Item)
                        else argument.operands[0]
                        if argument.operands
                        else None
                    )
                if argument is not None:
                    for value, _ in self.value(argument, state, frame):
                        for leaf in state.leaves(value):
                            state.add_check(leaf, "characters", frame.spot(call.line))

    # Memory.

    def place(self, expression: ir.Expression, state: State, frame: _Frame, base_value: Value = None) -> Memory | None:
        """Where an expression is stored; None when it is not a place. ``base_value`` saves asking for it again."""
        match expression:
            case ir.Name(name=name):
                return self._named(name, frame)
            case ir.Cast(operand=operand):
                return self.place(operand, state, frame)
            case ir.Member(base=base, name=name, through=through):
                return ("m", self._object(base, state, frame, base_value, through=through), name)
            case ir.Item(base=base, index=index):
                inner = self._object(base, state, frame, base_value, through=True)
                key = str(index.value) if isinstance(index, ir.Literal) else "[]"
                return ("m", inner, f"[{key}]")
            case ir.Operation(operator="deref", operands=(operand,)):
                value = self._one(operand, state, frame)
                if value is not None and value[0] == "a":
                    place: Memory = value[1]
                    return place
                return ("m", value or self.fresh(frame, expression), "*")
            case ir.Operation(operator="address", operands=(operand,)):
                return self.place(operand, state, frame)
        return None

    def _named(self, name: str, frame: _Frame) -> Memory:
        known = frame.known
        if name in known.locals and name not in known.statics:
            return ("v", frame.number, name)
        if name in known.statics:
            return ("g", known.unit.path, f"{known.function.name}:{name}")
        owner = known.function.owner
        if name in self.program.variables.get(known.unit.path, ()):
            return ("g", known.unit.path, name)
        if (
            owner
            and known.unit.language is not ir.Language.PYTHON
            and (name in self.program.members.get(owner, ()) or name not in self.program.functions)
        ):
            return ("m", frame.this, name)
        return ("g", "", name)

    def _object(
        self, base: ir.Expression, state: State, frame: _Frame, value: Value = None, *, through: bool
    ) -> object:
        """What a member is a member of. Each link of a chain is asked for once: twice would double with every link."""
        bare = _bare(base)
        if isinstance(bare, ir.Name) and (
            bare.name == "this" or (bare.name in {"self", "cls"} and frame.known.function.owner)
        ):
            return frame.this
        by_value = through or frame.known.unit.language is ir.Language.PYTHON
        place = None
        if not by_value and isinstance(bare, (ir.Member, ir.Item)):
            place = self.place(bare, state, frame)
            if value is None and place is not None:
                value = self.load(place, state, frame, bare.line)
        if value is None:
            value = self._one(base, state, frame)
        if value is not None and value[0] == "a":
            return value[1]
        if by_value or (value is not None and value[0] == "o"):
            return value
        if place is None:
            place = self.place(base, state, frame)
        return place if place is not None else value

    def _one(self, expression: ir.Expression, state: State, frame: _Frame) -> Value:
        """The value of an expression without following calls in it anew."""
        results = self.value(expression, state, frame)  # none, when evaluating it never comes back
        return results[0][0] if results else None

    def load(self, place: Memory, state: State, frame: _Frame, line: int) -> Value:
        """What a place holds."""
        found = state.env.get(place)
        self._access(place, state, frame, line, is_write=False)
        return found if found is not None else initial(place)

    def store(
        self, target: ir.Expression, value: Value, state: State, frame: _Frame, line: int, *, holds: str = ""
    ) -> None:
        """Put a value where an expression says."""
        if isinstance(target, ir.Display):
            for item in target.items:
                self.store(
                    item, self.fresh(frame, item) if value is None or value[0] != "s" else value, state, frame, line
                )
            return
        place = self.place(target, state, frame)
        if place is None:
            return
        self._access(place, state, frame, line, is_write=True, holds=holds)
        old = state.env.get(place)
        state.env[place] = value
        site = self._site(value)
        if (
            site is not None
            and value is not None
            and place[0] != "v"
            and not (place[0] == "m" and _rooted_locally(place))
        ):
            state.escaped |= {value[1]}
            site.stores.add(_describe(place))
        if site is not None and value is not None and value[0] == "s":
            self._use(value, "store", state, frame, line, owner=_describe(place))
        taint = self.taint_of(value, state)
        if taint is not None and place[0] != "v":
            self.record.stored_taint.setdefault(_describe(place), taint)
        self._overwrites(old, value, state, frame, line)

    def _overwrites(self, old: Value, new: Value, state: State, frame: _Frame, line: int) -> None:
        if old is None or old == new or old[0] != "s" or old in state.env.values() or old in state.closed:
            return
        site = self.record.sites[old[1]]
        if (
            site.api.role is Role.LOAD
            and site.api.owned
            and state.truth.get(old) is True
            and old[1] not in state.escaped
        ):
            site.overwritten.add(frame.spot(line))

    def _access(
        self,
        place: Memory,
        state: State,
        frame: _Frame,
        line: int,
        *,
        is_write: bool,
        holds: str = "",
    ) -> None:
        if place[0] == "v" or frame.known.function.name == "main":
            return
        shared = _shared_name(place, frame)
        if shared is None:
            return
        variable, owner = shared
        function = frame.known.function
        name = function.name.rpartition("::")[2].rpartition(".")[2]
        setting_up = (
            name
            in {
                owner,
                f"~{owner}",
                "__init__",
                "__del__",
                "main",
                "<module>",
                "__new__",
                "cleanup",
                "teardown",
                "shutdown",
                "fini",
            }
            or "constructor" in function.marks
            or name in (function.owner, f"~{function.owner}")
        )
        self.record.accesses.add(
            Access(variable, owner, frame.spot(line), is_write, state.locks, setting_up, holds, bool(frame.chain))
        )

    @staticmethod
    def fresh(frame: _Frame, source: object) -> Value:
        """A value nothing is known of, the same each time this piece of source is reached."""
        return opaque(frame.number, id(source))

    # Expressions.

    def value(self, expression: ir.Expression, state: State, frame: _Frame) -> list[tuple[Value, State]]:
        """What an expression gives, and the state after it; several when a callee has several outcomes."""
        match expression:
            case ir.Literal(value=value):
                return [(constant(value), state)]
            case ir.Name():
                return [(self._name_value(expression, state, frame), state)]
            case ir.Cast(operand=operand):
                return self.value(operand, state, frame)
            case ir.Call():
                return self._call(expression, state, frame)
            case ir.Member() | ir.Item():
                return self._member_value(expression, state, frame)
            case ir.Store():
                return self._store_value(expression, state, frame)
            case ir.Operation():
                return self._operation(expression, state, frame)
            case ir.Display(items=items):
                return self._display(expression, items, state, frame)
            case ir.Closure(function=function):
                self._captured(function, state, frame)
                return [(self.fresh(frame, expression), state)]

    def _captured(self, function: ir.Function, state: State, frame: _Frame) -> None:
        """A closure keeps what it mentions: a handle in it has escaped, a symbol in it may be used later."""
        for name in names_in(function.body):
            value = state.env.get(("v", frame.number, name))
            if value is not None and value[0] == "s":
                state.escaped |= {value[1]}

    def _name_value(self, name: ir.Name, state: State, frame: _Frame) -> Value:
        if name.name in {"this", "self"} and frame.known.function.owner:
            return frame.this
        place = self._named(name.name, frame)
        if (
            place[0] == "g"
            and place not in state.env
            and (name.name in self.program.functions or self._is_api(name.name))
        ):
            return ("f", name.name)
        value = self.load(place, state, frame, name.line)
        if name.name in _TAINTED_NAMES and value is not None and value[0] == "i" and place[0] == "g":
            state.taint.setdefault(value, Taint(_TAINTED_NAMES[name.name], frame.spot(name.line)))
        return value

    def _is_api(self, name: str) -> bool:
        return self.tables.get(name) is not None

    def _member_value(self, expression: ir.Member | ir.Item, state: State, frame: _Frame) -> list[tuple[Value, State]]:
        base = _bare(expression.base)
        if isinstance(expression, ir.Member) and (dotted := _dotted(expression)) in _TAINTED_NAMES:
            value: Value = ("i", ("g", "", dotted))
            state.taint.setdefault(value, Taint(_TAINTED_NAMES[dotted], frame.spot(expression.line)))
            return [(value, state)]
        before = self._one(base, state, frame) if not isinstance(base, ir.Call) else None
        results = []
        for _, after in [(before, state)] if before is not None else self.value(base, state, frame):
            if isinstance(expression, ir.Member) and expression.name == "_handle" and self._site(before) is not None:
                results.append((before, after))
                continue
            place = self.place(expression, after, frame, before)
            if place is None:
                results.append((self.fresh(frame, expression), after))
                continue
            if isinstance(expression, ir.Item) or expression.through or frame.known.unit.language is ir.Language.PYTHON:
                self._use(before, "dereference", after, frame, expression.line)
            value = self.load(place, after, frame, expression.line)
            taint = self.taint_of(before, after)
            if taint is not None and value is not None and value[0] in {"i", "r"}:
                after.taint.setdefault(value, taint)
            results.append((value, after))
        return results

    def _store_value(self, expression: ir.Store, state: State, frame: _Frame) -> list[tuple[Value, State]]:
        results = []
        for value, after in self.value(expression.value, state, frame):
            kept = value if not expression.operator else self._combined(expression, value, after, frame)
            self.store(expression.target, kept, after, frame, expression.line, holds=_word_of(expression.value))
            results.append((kept, after))
        return results

    def _operation(self, expression: ir.Operation, state: State, frame: _Frame) -> list[tuple[Value, State]]:
        operator, operands = expression.operator, expression.operands
        if operator == "address" and len(operands) == 1:
            value = _bare(operands[0])
            if isinstance(value, ir.Name) and self._name_value(value, state.copy(), frame) == ("f", value.name):
                return [(("f", value.name), state)]
            place = self.place(operands[0], state, frame)
            return [(("a", place) if place is not None else self.fresh(frame, expression), state)]
        if operator == "deref" and len(operands) == 1:
            return self._deref(expression, state, frame)
        if operator in {"post", "await"} and operands:
            return self.value(operands[0], state, frame)
        if operator == "," and operands:
            return self._sequence(operands, state, frame)
        if operator == "sizeof":
            return [(self.fresh(frame, expression), state)]
        if operator == "new" and operands:
            return self.value(operands[0], state, frame)
        if operator in {"&&", "||", "?:", "!"} or operator in {"==", "!=", "<", "<=", ">", ">=", "in", "not in"}:
            if operator == "?:":
                return [
                    pair
                    for holds, after in self.test(operands[0], state, frame)
                    for pair in self.value(operands[1 if holds else 2], after, frame)
                ]
            return [(constant(holds), after) for holds, after in self.test(expression, state, frame)]
        results: list[tuple[Value, State]] = []
        for values, after in self._all(operands, state, frame):
            made = self.fresh(frame, expression)
            folded = _folded(operator, values)
            if folded is not None:
                results.append((folded, after))
                continue
            self._mix(made, values, after)
            results.append((made, after))
        return results

    def _sequence(self, operands: Sequence[ir.Expression], state: State, frame: _Frame) -> list[tuple[Value, State]]:
        results = [(constant(None), state)]
        for operand in operands:
            results = [pair for _, after in results for pair in self.value(operand, after, frame)]
        return results

    def _deref(self, expression: ir.Operation, state: State, frame: _Frame) -> list[tuple[Value, State]]:
        results: list[tuple[Value, State]] = []
        for value, after in self.value(expression.operands[0], state, frame):
            if value is not None and value[0] == "f":
                results.append((value, after))
                continue
            self._use(value, "dereference", after, frame, expression.line)
            place = self.place(expression, after, frame)
            results.append((self.load(place, after, frame, expression.line) if place else None, after))
        return results

    def _display(
        self, expression: ir.Expression, items: Sequence[ir.Expression], state: State, frame: _Frame
    ) -> list[tuple[Value, State]]:
        results: list[tuple[Value, State]] = []
        for values, after in self._all(items, state, frame):
            made = self.fresh(frame, expression)
            self._mix(made, values, after, keep=True)
            for value in values:
                site = self._site(value)
                if site is not None and value is not None and site.api.role in {Role.LOAD, Role.RESOLVE}:
                    after.escaped |= {value[1]}
            results.append((made, after))
        return results

    def _all(
        self, expressions: Sequence[ir.Expression], state: State, frame: _Frame
    ) -> list[tuple[tuple[Value, ...], State]]:
        results: list[tuple[list[Value], State]] = [([], state)]
        for expression in expressions:
            grown: list[tuple[list[Value], State]] = []
            for values, before in results:
                match self.value(expression, before, frame):
                    case [(value, after)]:
                        values.append(value)  # a list of a million items is made once
                        grown.append((values, after))
                    case outcomes:
                        grown.extend(([*values, value], after) for value, after in outcomes)
            if len(grown) > _MAX_IN_EXPRESSION:  # each comparison inside doubles them
                self._cut(Bound.STATES)
                del grown[_MAX_IN_EXPRESSION:]
            results = grown
        return [(tuple(values), after) for values, after in results]

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

    # Sites.

    def _site(self, value: Value) -> Site | None:
        if value is None or value[0] not in {"s", "t"}:
            return None
        return self.record.sites[value[1]]

    def _use(self, value: Value, how: str, state: State, frame: _Frame, line: int, *, owner: str = "") -> None:
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

    def _new_site(self, api: Api, call: ir.Call, frame: _Frame, parent: int | None) -> int:
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

    # Calls.

    def _call(self, call: ir.Call, state: State, frame: _Frame) -> list[tuple[Value, State]]:
        results = []
        function = _bare(call.function)
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

    def _may_be_variable(self, function: ir.Name | ir.Member, frame: _Frame, call: ir.Call) -> bool:
        if isinstance(function, ir.Name):
            name = function.name
            return (
                name in frame.known.locals
                or name in self.program.variables.get(frame.known.unit.path, ())
                or (self.tables.get(call.name) is None and name not in self.program.functions)
            )
        return self.tables.get(call.name) is None and call.name not in self.program.functions

    def _called(
        self, call: ir.Call, callee: Value, receiver: Value, values: tuple[Value, ...], state: State, frame: _Frame
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
                frame.level < _MAX_LEVELS
                and (found.is_relevant or len(found.graph.nodes) <= _MAX_PLAIN_CALLEE)
                and len(found.graph.nodes) <= _MAX_CALLEE
                and self.steps < MAX_STEPS
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
            and frame.level < _MAX_LEVELS
        ):
            built: Value = ("o", frame.number, id(call))
            return [(built, s) for _, s in self._enter_callee(made, values, built, state, frame, call.line, call)]
        if api is not None:
            return self._effect(api, call, receiver, values, state, frame)
        return [self._unknown_call(call, name, receiver, values, state, frame)]

    def _method(self, name: str, call: ir.Call, frame: _Frame) -> Known | None:
        unit, owner = frame.known.unit, frame.known.function.owner
        if owner:
            separator = "." if unit.language is ir.Language.PYTHON else "::"
            bare = call.name.rpartition("::")[2].rpartition(".")[2]
            mine = _bare(call.receiver) if call.receiver is not None else None
            is_own = mine is None or (isinstance(mine, ir.Name) and mine.name in {"this", "self", "cls"})
            if is_own and (found := self.program.find(f"{owner}{separator}{bare}", unit)) is not None:
                return found
        return self.program.find(name, unit)

    def _is_running(self, found: Known, frame: _Frame) -> bool:
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
        frame: _Frame,
        line: int,
        call: ir.Call | None = None,
    ) -> list[tuple[Value, State]]:
        """Run a function of the program with the caller's state; what it gives for each of its outcomes."""
        number = self._number((frame.number, id(call) if call is not None else line, id(found)))
        this = (
            receiver
            if receiver is not None
            else frame.this
            if found.function.owner == frame.known.function.owner
            else ("r", number)
        )
        if this is not None and this[0] == "a":
            this = this[1]
        inner = _Frame(number, found, (*frame.chain, frame.spot(line)), frame.level + 1, this)
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
        return outcomes[:_MAX_STATES] if outcomes else []

    def _unknown_call(
        self, call: ir.Call, name: str, receiver: Value, values: tuple[Value, ...], state: State, frame: _Frame
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
        self, name: str, receiver: Value, values: tuple[Value, ...], state: State, frame: _Frame, call: ir.Call
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

    # Effects of known interfaces.

    def _effect(
        self, api: Api, call: ir.Call, receiver: Value, values: tuple[Value, ...], state: State, frame: _Frame
    ) -> list[tuple[Value, State]]:
        subject = receiver if api.subject < 0 else values[api.subject] if api.subject < len(values) else None
        if subject is not None and subject[0] == "a" and api.role in {Role.UNLOAD, Role.RESOLVE, Role.PIN}:
            held = state.env.get(subject[1])
            subject = held if self._site(held) is not None else subject
        match api.role:
            case Role.LOCK | Role.UNLOCK | Role.TRY_LOCK | Role.GUARD:
                return self._locking(api, call, subject, state, frame)
            case Role.PASS:
                return [self._passed(subject, call, state, frame)]
            case Role.TEST | Role.COMPARE:
                return [self._asked(api, call, subject, values, state, frame)]
            case Role.THREAD | Role.ONCE:
                self.record.threads.add(frame.spot(call.line))
        parent = subject[1] if api.role is Role.RESOLVE and subject is not None and subject[0] == "s" else None
        number = self._new_site(api, call, frame, parent if isinstance(parent, int) else None)
        site = self.record.sites[number]
        self._invoked(site, subject, values, state)
        made = pointer(number)
        self._lost(made, site, state)
        state.truth.pop(made, None)
        state.truth.pop(status(number), None)
        state.closed.pop(made, None)
        state.escaped -= {number}
        match api.role:
            case Role.UNLOAD | Role.FREE | Role.CLOSE:
                self._release(subject, state, frame, call.line)
                if subject is not None and api.role is Role.UNLOAD and subject[0] not in {"s", "c"}:
                    self._close_unseen(subject, state, frame, call.line)
            case Role.LOAD:
                state.flags |= {("loaded", frame.spot(call.line))}
            case Role.RESOLVE:
                self._use(subject, "resolve", state, frame, call.line)
            case Role.PIN:
                if subject is not None and subject[0] == "s":
                    state.escaped |= {subject[1]}
            case Role.REGISTER:
                self._registered(values, state)
            case Role.ALLOCATE if api.kind == "copy":
                self._mix(made, values[:1], state, keep=True)
            case Role.SOURCE:
                state.taint[made] = Taint(api.kind, frame.spot(call.line))
            case Role.JOIN | Role.CANONICAL:
                self._joined(api, made, call, values, receiver, state, frame)
            case Role.LOOK | Role.DIGEST | Role.OPEN:
                if subject is not None:
                    word = {Role.LOOK: api.kind or "look", Role.DIGEST: "digest", Role.OPEN: "open"}[api.role]
                    state.looks[subject] = (f"{word} {api.name}", frame.spot(call.line))
                    for leaf in state.parts.get(subject, ()):
                        state.looks.setdefault(leaf, (f"{word} {api.name}", frame.spot(call.line)))
                if api.role is Role.DIGEST:
                    state.flags |= {("digest", frame.spot(call.line))}
            case (
                Role.VERIFY | Role.SEARCH_FLAGS | Role.PRIVILEGE | Role.DOWNLOAD | Role.SET_ENVIRONMENT | Role.TEMPORARY
            ):
                state.flags |= {(f"{api.role}:{api.kind}", frame.spot(call.line))}
                if api.role is Role.TEMPORARY and api.kind != "private":
                    state.taint[made] = Taint(f"{api.kind} temporary", frame.spot(call.line))
                if api.role is Role.DOWNLOAD:
                    for value in values:
                        state.flags |= {("downloaded", frame.spot(call.line))}
                        state.add_check(value, "downloaded", frame.spot(call.line))
        for value in values:
            if api.role not in {Role.RESOLVE, Role.UNLOAD, Role.FREE, Role.CLOSE}:
                self._use(value, "argument", state, frame, call.line)
        if api.out is not None and api.out < len(values):
            self._give(values[api.out], made, state)
            if api.role in {Role.LOAD, Role.RESOLVE, Role.OPEN} or api.success is not Success.NONE:
                return [(status(number), state)]
            return [(made, state)]
        if api.raises:
            state.truth[made] = True
        if api.role in {
            Role.UNLOAD,
            Role.SET_ENVIRONMENT,
            Role.SEARCH_PATH,
            Role.SEARCH_FLAGS,
            Role.VERIFY,
            Role.PRIVILEGE,
            Role.LOOK,
            Role.DOWNLOAD,
        } or api.success in {Success.ZERO, Success.ONE, Success.NON_ZERO}:
            return [(status(number), state)]
        return [(made, state)]

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

    def _close_unseen(self, subject: Value, state: State, frame: _Frame, line: int) -> None:
        """A handle that came from outside is closed: a second close of the same value is one too many."""
        closed = state.closed.get(subject)
        if closed is not None and closed != frame.spot(line) and state.truth.get(subject) is not False:
            self.record.closed_twice.setdefault((_describe_value(subject), frame.spot(line)), closed)
        state.closed[subject] = frame.spot(line)

    def _give(self, target: Value, made: Value, state: State) -> None:
        """A call stores its result where an argument points."""
        if target is None or made is None:
            return
        if target[0] == "a":
            place = target[1]
            state.env[place] = made
            if place[0] != "v" and not _rooted_locally(place):
                site = self._site(made)
                if site is not None:
                    site.stores.add(_describe(place))
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

    def _joined(
        self,
        api: Api,
        made: Value,
        call: ir.Call,
        values: tuple[Value, ...],
        receiver: Value,
        state: State,
        frame: _Frame,
    ) -> None:
        inputs = tuple(v for number, v in enumerate(values) if number != api.out)
        if api.role is Role.CANONICAL:
            subject = receiver if api.subject < 0 else values[api.subject] if values else None
            self._mix(made, (subject,), state, keep=True)
            for target in (made, values[api.out] if api.out is not None and api.out < len(values) else None):
                state.add_check(target, "canonical", frame.spot(call.line))
            return
        if api.name in {"strcat", "strncat", "strlcat"} and values:
            inputs = (*state.parts.get(values[0], ()), *inputs)
        if receiver is not None:
            inputs = (receiver, *inputs)
        self._mix(made, inputs, state)

    def _passed(self, subject: Value, call: ir.Call, state: State, frame: _Frame) -> tuple[Value, State]:
        if call.name == "std::move" and call.arguments:
            place = self.place(call.arguments[0], state, frame)
            site = self._site(subject)
            if place is not None and site is not None:
                state.env[place] = constant(None)
        if subject is None:
            return self.fresh(frame, call), state
        return subject, state

    def _registered(self, values: Sequence[Value], state: State) -> None:
        for value in values:
            site = self._site(value)
            if site is not None and value is not None:
                site.stores.add("registered")
                state.escaped |= {value[1]}

    def _release(self, subject: Value, state: State, frame: _Frame, line: int) -> None:
        site = self._site(subject)
        if site is None or subject is None or subject[0] != "s":
            return
        self._use(subject, "release", state, frame, line)
        site.closes.add(frame.spot(line))
        if state.truth.get(subject) is not False:
            state.closed[subject] = frame.spot(line)

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
                found.append(("name", _describe_value(leaf)))
        return tuple(found)

    def part(self, value: Value, state: State) -> Part:
        """One piece of a path as the rules see it."""
        text = value[1] if value is not None and value[0] == "c" and isinstance(value[1], str) else None
        name = _describe_value(value)
        taint = self.taint_of(value, state)
        if taint is None and name in self.record.stored_taint:
            taint = self.record.stored_taint[name]
        return Part(taint, state.checks.get(value, frozenset()), text, name)

    # Locks.

    def _lock_name(self, expression: ir.Expression, state: State, frame: _Frame) -> str:
        bare = _bare(expression)
        if isinstance(bare, ir.Operation) and bare.operator == "address":
            bare = _bare(bare.operands[0])
        if isinstance(bare, ir.Name | ir.Member):
            name = bare.name
            if _LOCK_WORD.search(name) or name in self.program.lock_variables:
                place = self.place(bare, state, frame)
                return _describe(place) if place is not None else name
        return ""

    def _locking(
        self, api: Api, call: ir.Call, subject: Value, state: State, frame: _Frame
    ) -> list[tuple[Value, State]]:
        target = call.receiver if api.subject < 0 else call.arguments[0] if call.arguments else None
        held_value = subject
        lock = ""
        if held_value is not None and held_value[0] == "g":
            lock = str(held_value[1])
        elif target is not None:
            bare = _bare(target)
            if isinstance(bare, ir.Operation) and bare.operator == "address":
                bare = _bare(bare.operands[0])
            place = self.place(bare, state, frame)
            if held_value is not None and held_value[0] == "a":
                place = held_value[1]
            lock = _describe(place) if place is not None else ""
        if api.role is Role.GUARD:
            if any(
                isinstance(bare := _bare(a), ir.Name) and bare.name.endswith(("defer_lock", "adopt_lock"))
                for a in call.arguments[1:]
            ):
                return [(("g", lock), state)]
            for argument in call.arguments if api.name.endswith("scoped_lock") else call.arguments[:1]:
                bare = _bare(argument)
                if isinstance(bare, ir.Operation) and bare.operator == "address":
                    bare = _bare(bare.operands[0])
                place = self.place(bare, state, frame)
                if place is not None:
                    lock = _describe(place)
                    self._take(
                        lock,
                        state,
                        frame,
                        call.line,
                        scoped=True,
                        together=len(call.arguments) > 1 and argument is not call.arguments[0],
                    )
            return [(("g", lock), state)]
        if not lock:
            return [(self.fresh(frame, call), state)]
        if api.role is Role.LOCK:
            self._take(lock, state, frame, call.line, scoped=held_value is not None and held_value[0] == "g")
            return [(constant(0 if api.success is Success.ZERO else True), state)]
        if api.role is Role.UNLOCK:
            self._drop(lock, state, frame, call.line)
            return [(constant(0), state)]
        taken = state.copy()
        self._take(lock, taken, frame, call.line, scoped=False)
        good, bad = (0, 1) if api.success is Success.ZERO else (True, False)
        return [(constant(good), taken), (constant(bad), state)]

    def _take(self, lock: str, state: State, frame: _Frame, line: int, *, scoped: bool, together: bool = False) -> None:
        spot = frame.spot(line)
        again = next((h for h in state.locks if h.lock == lock), None)
        self.record.locks.add(lock)
        if again is not None:
            self.record.lock_steps.add(LockStep("again", lock, spot, state.locks, again.spot))
            state.locks = (*state.locks, Held(lock, spot, scoped))
            return
        if not together:
            self.record.lock_steps.add(LockStep("take", lock, spot, state.locks, scoped=scoped))
        state.locks = (*state.locks, Held(lock, spot, scoped))
        state.flags = frozenset(f for f in state.flags if f[0] != f"unlocked {lock}")

    def _drop(self, lock: str, state: State, frame: _Frame, line: int) -> None:
        spot = frame.spot(line)
        if any(h.lock == lock for h in state.locks):
            self.record.lock_steps.add(LockStep("drop", lock, spot))
            last = max(n for n, h in enumerate(state.locks) if h.lock == lock)
            state.locks = (*state.locks[:last], *state.locks[last + 1 :])
            if not any(h.lock == lock for h in state.locks):
                state.flags |= {(f"unlocked {lock}", spot)}
            return
        since = state.has_flag(f"unlocked {lock}")
        if since is not None:
            self.record.lock_steps.add(LockStep("not held", lock, spot, state.locks, since))

    # Conditions.

    def test(self, expression: ir.Expression, state: State, frame: _Frame) -> list[tuple[bool, State]]:
        """Both answers a condition can have here, with what each of them teaches."""
        bare = _bare(expression)
        if isinstance(bare, ir.Operation):
            if bare.operator == "!" and bare.operands:
                return [(not holds, s) for holds, s in self.test(bare.operands[0], state, frame)]
            if bare.operator in {"&&", "||"}:
                return self._both(bare, state, frame)
            if bare.operator in {"==", "!=", "<", "<=", ">", ">=", "in", "not in"} and len(bare.operands) == 2:
                return [
                    answer
                    for (left, right), after in self._all(bare.operands, state, frame)
                    for answer in self._compare(bare, left, right, after, frame)
                ]
        results = []
        for value, after in self.value(expression, state, frame):
            results.extend(self._truth(value, after, frame, expression.line))
        return results

    def _both(self, bare: ir.Operation, state: State, frame: _Frame) -> list[tuple[bool, State]]:
        stop = bare.operator == "||"
        results = []
        for holds, after in self.test(bare.operands[0], state, frame):
            if holds is stop:
                results.append((holds, after))
            else:
                results.extend(self.test(bare.operands[1], after, frame))
        return results

    def _truth(self, value: Value, state: State, frame: _Frame, line: int) -> list[tuple[bool, State]]:
        value = self._as_constant(value)
        if value is None:
            return [(True, state.copy()), (False, state)]
        if value[0] == "c":
            return [(bool(value[1]), state)]
        if value[0] == "f" or value[0] == "a":
            return [(True, state)]
        if value[0] == "q":
            yes, no = state.copy(), state
            self._learn(value, yes, holds=True, spot=frame.spot(line))
            self._learn(value, no, holds=False, spot=frame.spot(line))
            return [(True, yes), (False, no)]
        site = self._site(value)
        if site is not None:
            site.tests.add(frame.spot(line))
            state.touched[value] = frame.spot(line)
            if value[0] == "t" and site.api.success is Success.ONE:
                site.wrong_tests.add((frame.spot(line), "any value but zero is taken for success"))
        if value[0] == "i" and value[1][0] != "v":
            self.record.tested_places.add(_describe(value[1]).rpartition(".")[2])
        known = state.truth.get(value)
        if known is not None:
            return [(known, state)]
        yes, no = state.copy(), state
        self._assume(value, yes, truth=True, frame=frame, line=line)
        self._assume(value, no, truth=False, frame=frame, line=line)
        return [(True, yes), (False, no)]

    def _assume(self, value: Value, state: State, *, truth: bool, frame: _Frame, line: int) -> None:
        assert value is not None
        state.truth[value] = truth
        if value[0] == "i":
            state.add_check(value, "null", frame.spot(line))
        if value[0] == "s" and self.record.sites[value[1]].api.role is Role.SOURCE:
            state.flags |= {("environment tested", frame.spot(line))}
        if value[0] == "t":
            site = self.record.sites[value[1]]
            succeeded = truth if site.api.success is not Success.ZERO else not truth
            if site.api.out is not None:
                state.truth[pointer(value[1])] = succeeded
            if site.api.role is Role.VERIFY and succeeded:
                state.flags |= {("verified", frame.spot(line))}

    def _compare(
        self, bare: ir.Operation, left: Value, right: Value, state: State, frame: _Frame
    ) -> list[tuple[bool, State]]:
        operator = bare.operator
        if left is not None and left[0] == "c" and not (right is not None and right[0] == "c"):
            left, right = right, left
            operator = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(operator, operator)
        right = self._as_constant(right)
        if left is not None and right is not None and left[0] == "c" and right[0] == "c":
            return self._constants(operator, left[1], right[1], state)
        if operator in {"in", "not in"}:
            return self._membership(operator, left, right, bare, state, frame)
        if right is not None and right[0] == "c" and left is not None:
            number = right[1]
            if left[0] == "q":
                return self._asked_number(operator, left, number, state, frame, bare.line)
            if not number and operator in {"==", "!="} and _names_an_error(left):
                return [(operator == "!=", state)]
            if not number and operator in {"==", "!="} and not isinstance(number, str):
                answers = self._truth(left, state, frame, bare.line)
                return [(holds if operator == "!=" else not holds, s) for holds, s in answers]
            site = self._site(left)
            if site is not None and not isinstance(number, str | bytes):
                return self._status(operator, left, number, site, state, frame, bare.line)
            if operator == "==" and isinstance(number, int | str) and number:
                yes, no = state.copy(), state
                yes.truth.setdefault(left, True)
                yes.add_check(left, "equals a constant", frame.spot(bare.line))
                return [(True, yes), (False, no)]
        return self._compared(operator, left, right, bare, state, frame)

    def _as_constant(self, value: Value) -> Value:
        if (
            value is not None
            and value[0] == "i"
            and isinstance(value[1], tuple)
            and value[1][0] == "g"
            and _GOOD_ZERO.search(str(value[1][-1]))
        ):
            return constant(0)
        return value

    @staticmethod
    def _constants(operator: str, left: object, right: object, state: State) -> list[tuple[bool, State]]:
        if operator == "==":
            return [
                (
                    left == right
                    or (not left and not right and not isinstance(left, str) and not isinstance(right, str)),
                    state,
                )
            ]
        if operator == "!=":
            return [
                (
                    left != right
                    and not (not left and not right and not isinstance(left, str) and not isinstance(right, str)),
                    state,
                )
            ]
        if isinstance(left, int | float) and isinstance(right, int | float):
            answer = {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}.get(operator)
            if answer is not None:
                return [(answer, state)]
        return [(True, state.copy()), (False, state)]

    def _status(
        self, operator: str, value: Value, number: object, site: Site, state: State, frame: _Frame, line: int
    ) -> list[tuple[bool, State]]:
        """A result compared with a number: what it says of success, or that it says nothing."""
        spot = frame.spot(line)
        site.tests.add(spot)
        assert value is not None
        good = _success_when(site.api.success, operator, number, is_status=value[0] == "t")
        if good is None:
            site.wrong_tests.add((spot, f"{operator} {number}"))
            return [(True, state.copy()), (False, state)]
        answers = []
        for holds in (True, False):
            succeeded = good if holds else not good
            truth = succeeded if site.api.success is not Success.ZERO else not succeeded
            known = state.truth.get(value)
            if known is not None and known is not truth:
                continue
            after = state.copy()
            self._assume(value, after, truth=truth, frame=frame, line=line)
            answers.append((holds, after))
        return answers

    def _membership(
        self, operator: str, left: Value, right: Value, bare: ir.Operation, state: State, frame: _Frame
    ) -> list[tuple[bool, State]]:
        inside, outside = state.copy(), state
        spot = frame.spot(bare.line)
        if (left is not None and left[0] == "c" and isinstance(left[1], str)) or (
            right is not None and right[0] == "c" and left is not None and isinstance(left[1], str)
        ):
            outside.add_check(right, f"no {left[1]}", spot)
        elif self.taint_of(right, state) is None:
            inside.add_check(left, "allowed", spot)
        if operator == "in":
            return [(True, inside), (False, outside)]
        return [(False, inside), (True, outside)]

    def _compared(
        self, operator: str, left: Value, right: Value, bare: ir.Operation, state: State, frame: _Frame
    ) -> list[tuple[bool, State]]:
        yes, no = state.copy(), state
        spot = frame.spot(bare.line)
        if operator in {"==", "!="}:
            same = yes if operator == "==" else no
            if state.has_flag("digest") is not None:
                same.flags |= {("verified", spot)}
            for one, other in ((left, right), (right, left)):
                if one is not None and self.taint_of(other, state) is None:
                    same.add_check(one, "compared", spot)
        for value in (left, right):
            for leaf in state.leaves(value):
                if leaf is not None and leaf[0] in {"i", "r", "s"}:
                    yes.add_check(leaf, "compared", spot)
                    no.add_check(leaf, "compared", spot)
        return [(True, yes), (False, no)]

    # Questions asked of strings.

    def _asked(
        self, api: Api, call: ir.Call, subject: Value, values: tuple[Value, ...], state: State, frame: _Frame
    ) -> tuple[Value, State]:
        others = tuple(v for n, v in enumerate(values) if n != api.subject)
        if api.role is Role.COMPARE:
            return (
                "q",
                "compare",
                subject,
                others[0] if others else None,
                api.success is Success.ZERO,
                frame.spot(call.line),
                api.name,
            ), state
        needle = others[0] if others else None
        return ("q", api.kind, subject, needle, False, frame.spot(call.line), api.name), state

    def _asked_number(
        self, operator: str, value: Value, number: object, state: State, frame: _Frame, line: int
    ) -> list[tuple[bool, State]]:
        assert value is not None
        yes, no = state.copy(), state
        zero = not number
        if operator in {"==", "!="}:
            truth_when_yes = (operator == "!=") if zero else (operator == "==")
            self._learn(value, yes, holds=truth_when_yes, spot=frame.spot(line))
            self._learn(value, no, holds=not truth_when_yes, spot=frame.spot(line))
        else:
            self._learn(value, yes, holds=True, spot=frame.spot(line))
            self._learn(value, no, holds=True, spot=frame.spot(line))
        return [(True, yes), (False, no)]

    def _learn(self, value: Value, state: State, *, holds: bool, spot: Spot) -> None:
        """What the answer to a question about a string teaches."""
        assert value is not None
        kind, subject = value[1], value[2]
        if kind == "check":
            if holds:
                state.add_check(subject, "allowed", spot)
                state.flags |= {("verified", spot)}
            return
        if len(value) < 6:
            return
        needle, zero_is_same = value[3], value[4]
        name = str(value[6]) if len(value) > 6 else ""
        if kind == "compare":
            same = holds is not zero_is_same
            if same:
                self._same(subject, needle, name, state, spot)
        elif kind == "contains" and not holds:
            state.add_check(subject, f"no {needle[1] if needle is not None and needle[0] == 'c' else '?'}", spot)
        elif kind in {"character", "length"}:
            state.add_check(subject, "characters" if kind == "character" and holds else kind, spot)
        elif kind in {"whole", "inside"} and holds:
            state.add_check(subject, "characters" if kind == "whole" else "inside", spot)
        elif kind == "prefix" and holds:
            ends = needle is not None and self._ends_with_separator(needle, state)
            state.add_check(subject, "inside" if ends else "prefix", spot)
        elif kind in {"part", "bare"}:
            state.add_check(subject, kind, spot)

    def _same(self, subject: Value, needle: Value, name: str, state: State, spot: Spot) -> None:
        if "ncmp" in name:
            ends = self._ends_with_separator(needle, state)
            state.add_check(subject, "inside" if ends else "prefix", spot)
            return
        if "mem" in name or "digest" in name or state.has_flag("digest") is not None:
            state.flags |= {("verified", spot)}
        state.add_check(subject, "allowed", spot)
        state.add_check(needle, "allowed", spot)

    def _ends_with_separator(self, value: Value, state: State) -> bool:
        leaves = [leaf for leaf in state.leaves(value) if leaf is not None]
        last = leaves[-1] if leaves else None
        if last is None:
            return False
        if last[0] == "c":
            return isinstance(last[1], str) and last[1].endswith(("/", "\\"))
        return last[0] == "i" and str(last[1][-1]) in {"os.sep", "sep"}


def _is_relock(node: Node) -> bool:
    """Whether the statement is a guard's own method, whose lock lasts as long as the guard."""
    call = _bare(node.expression)
    return isinstance(call, ir.Call) and call.receiver is not None


def _success_when(success: Success, operator: str, number: object, *, is_status: bool) -> bool | None:
    """Whether a comparison holds exactly on success (True), on failure (False), or tells nothing (None)."""
    if not isinstance(number, int):
        return None
    if success is Success.NON_NULL and not is_status:
        return {("!=", 0): True, ("==", 0): False, (">", 0): True}.get((operator, number))
    if success is Success.ZERO:
        if number == 0:
            return {"==": True, "!=": False, "<": False, ">": False, ">=": None, "<=": None}.get(operator)
        if number < 0:
            return {"==": False, "!=": True, "<": False, ">": True, "<=": False}.get(operator)
        return {"==": False, "!=": True}.get(operator)
    if success is Success.NON_NEGATIVE:
        if number == -1:
            return {"==": False, "!=": True, ">": True, "<=": False}.get(operator)
        if number == 0:
            return {"<": False, ">=": True}.get(operator)
        return None
    if success is Success.ONE:
        if number == 1:
            return {"==": True, "!=": False, ">=": True, "<": False}.get(operator)
        if number == 0:
            return {">": True, "<=": False}.get(operator)
        return None
    if success is Success.NON_ZERO:
        return {("!=", 0): True, ("==", 0): False, (">", 0): True, ("==", 1): True, ("!=", 1): False}.get(
            (operator, int(number))
        )
    return {("!=", 0): True, ("==", 0): False}.get((operator, number), True)


def _folded(operator: str, values: Sequence[Value]) -> Value:
    known = [v[1] for v in values if v is not None and v[0] == "c"]
    if len(known) != len(values) or not values:
        return None
    if operator in {"+", "format"} and all(isinstance(v, str) for v in known):
        return constant("".join(str(v) for v in known))
    if operator == "|" and all(isinstance(v, int) for v in known) and len(known) == 2:
        return constant(int(known[0]) | int(known[1]))
    if operator == "/" and all(isinstance(v, str) for v in known):
        return constant("/".join(str(v) for v in known))
    return None


def _bare(expression: ir.Expression | None) -> ir.Expression:
    while isinstance(expression, ir.Cast):
        expression = expression.operand
    return expression if expression is not None else ir.Operation(0, "?", ())


def _dotted(expression: ir.Expression) -> str:
    parts: list[str] = []
    while isinstance(expression, ir.Member):
        parts.append(expression.name)
        expression = expression.base
    return ".".join([expression.name, *reversed(parts)]) if isinstance(expression, ir.Name) else ""


def _word_of(expression: ir.Expression) -> str:
    bare = _bare(expression)
    return (
        bare.name
        if isinstance(bare, ir.Call)
        else "null"
        if isinstance(bare, ir.Literal) and bare.value is None
        else ""
    )


def _rooted_locally(place: Memory) -> bool:
    current: object = place
    for _ in range(8):
        if not isinstance(current, tuple) or not current:
            return False
        if current[0] in {"v", "o"}:
            return True
        if current[0] != "m":
            return False
        current = current[1]
    return False


def _names_an_error(value: Value) -> bool:
    """``ERROR_MOD_NOT_FOUND``, ``ENOENT``: whatever its number, an error is not zero."""
    if value is None or value[0] != "i" or not isinstance(value[1], tuple) or value[1][0] != "g":
        return False
    name = str(value[1][-1])
    return name.startswith("ERROR_") or name in _ERRORS


def _describe(place: Memory) -> str:
    """A place as people write it."""
    if place[0] == "v":
        return str(place[2])
    if place[0] == "g":
        return str(place[-1]).rpartition(":")[2]
    inner = place[1]
    field_name = str(place[2])
    if isinstance(inner, tuple):
        if inner[:1] == ("this",):
            return field_name
        if inner[:1] in {("i",), ("a",)} and isinstance(inner[1], tuple):
            base = _describe(inner[1])
        elif inner[:1] in {("v",), ("g",), ("m",)}:
            base = _describe(inner)
        else:
            base = ""
        if field_name == "*":
            return base
        if field_name.startswith("["):
            return base
        return f"{base}.{field_name}" if base and base != "this" else field_name
    return field_name


def _describe_value(value: Value) -> str:
    if value is None:
        return ""
    if value[0] in {"i", "a"} and isinstance(value[1], tuple):
        return _describe(value[1])
    return ""


def _shared_name(place: Memory, frame: _Frame) -> tuple[str, str] | None:
    """The name and owner of state that others can reach; None for what only this call can."""
    if place[0] == "g":
        name = str(place[-1])
        return (name, "") if place[1] else None
    if place[0] != "m":
        return None
    inner = place[1]
    field_name = str(place[2])
    if isinstance(inner, tuple):
        if inner[:1] == ("this",):
            return field_name, str(inner[1])
        if inner[:1] == ("g",):
            outer = _shared_name(inner, frame)
            return (
                (f"{outer[0]}.{field_name}" if not field_name.startswith(("[", "*")) else outer[0], outer[1])
                if outer
                else None
            )
        if inner[:1] == ("i",) and isinstance(inner[1], tuple):
            base = inner[1]
            if base[0] == "g" and base[1]:
                return (str(base[-1]) if field_name.startswith(("[", "*")) else field_name, str(base[-1]))
            if base[0] == "m":
                outer = _shared_name(base, frame)
                if outer is not None:
                    return (outer[0], outer[1]) if field_name.startswith(("[", "*")) else (field_name, "*")
            if base[0] == "v" and not field_name.startswith(("[", "*")):
                return field_name, "*"
    return None


def _may_raise(expression: ir.Expression) -> bool:
    stack = [expression]
    for _ in range(400):
        if not stack:
            return False
        current = stack.pop()
        if isinstance(current, ir.Call):
            return True
        stack.extend(children(current))
    return True
