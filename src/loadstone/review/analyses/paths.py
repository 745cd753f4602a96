"""Every path through a function, followed with what is known of values on it.

States are kept apart while they differ and joined when they do not; loops end when nothing new is learnt. Calls of
functions of the same program are followed with the caller's state, a few levels deep, so that a helper that opens,
checks, closes or stores does so for its caller. Everything is bounded: nodes, states a node, levels, steps a function.
What was cut short is recorded, so that claims about it are not made as if nothing had been left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.facts import Bound, Exit, LockStep
from loadstone.review.analyses.known import Frame, Known
from loadstone.review.analyses.mentions import calls_in
from loadstone.review.analyses.state import Memory, Spot, State, Taint, Value, constant, initial, pointer
from loadstone.review.analyses.values import Values
from loadstone.review.analyses.walker import MAX_LEVELS, MAX_STATES
from loadstone.review.analyses.words import describe, dotted_name, may_raise, rooted_locally, uncast, word_of
from loadstone.review.apis import Api, Role
from loadstone.review.cfg import Kind, Leave, Node

__all__ = ["Explorer"]

_ENVIRONMENTS: Final = frozenset({"os.environ", "environ"})

_ENVIRONMENT: Final = Api("os.environ", Role.SET_ENVIRONMENT, "Python")


class Explorer(Values):
    """Follows the paths of one function after another, writing what it finds to one record."""

    def explore(self, known: Known) -> None:
        """Follow every path of one function of the program."""
        self.steps = 0
        self.root = known
        if known.graph.is_cut:
            self._cut(Bound.NODES)
        frame = Frame(self._frame_number((id(known),)), known, (), 0, ("this", known.function.owner))
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

    def _ended(self, state: State, how: str, spot: Spot, frame: Frame) -> None:
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
                and not rooted_locally(place)
                and value is not None
                and value[0] == "s"
                and state.truth.get(value) is not False
                and self.record.sites[value[1]].api.role is Role.RESOLVE
            ):
                self._use(value, "kept", state, frame, spot.line, owner=describe(place))
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

    def _run(self, frame: Frame, start: State) -> list[tuple[State, str, Spot]]:
        nodes = frame.known.graph.nodes
        seen: dict[int, set[tuple[object, ...]]] = {}
        work: list[tuple[int, State]] = [(0, start)]
        ended: list[tuple[State, str, Spot]] = []
        while work:
            index, state = work.pop()
            node = nodes[index]
            known = seen.setdefault(index, set())
            if len(known) >= MAX_STATES:
                state.forget_guesses()
            key = state.key()
            if key in known:
                continue
            if len(known) >= 3 * MAX_STATES or self._is_spent:
                self._cut(Bound.STEPS if self._is_spent else Bound.STATES)
                continue
            known.add(key)
            self.steps += 1
            if node.kind is Kind.END:
                how = "raise" if isinstance(node.statement, ir.Raise) else "return"
                ended.append((state, how, frame.spot(node.line)))
                continue
            if node.unwind >= 0 and node.expression is not None and may_raise(node.expression):
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
        made = uncast(node.expression)
        holds = isinstance(node.statement, ir.Assign) and node.statement.declares and isinstance(made, ir.Call)
        if not holds:
            after.locks = tuple(
                h for n, h in enumerate(after.locks) if n < len(before.locks) or not h.scoped or _is_relock(node)
            )

    def _thrown_with_locks(self, node: Node, state: State, frame: Frame) -> None:
        """Python: a call between taking a lock and releasing it may raise, and then nobody releases it."""
        call = uncast(node.expression)
        api = self.tables.get(call.name) if isinstance(call, ir.Call) else None
        if (
            node.expression is None
            or not may_raise(node.expression)
            or (api is not None and api.role in {Role.LOCK, Role.UNLOCK})
        ):
            return
        for held in state.locks:
            if not held.scoped:
                self.record.lock_steps.add(LockStep("kept", held.lock, frame.spot(node.line), (), held.spot))

    def _step(self, node: Node, state: State, frame: Frame) -> list[tuple[int, State]]:
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

    def _assign(self, node: Node, state: State, frame: Frame) -> list[State]:
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
            self.store(statement.target, stored, after, frame, statement.line, holds=word_of(statement.value))
            states.append(after)
        return states

    def _environment(self, statement: ir.Assign, value: Value, state: State, frame: Frame) -> None:
        """``os.environ[name] = value`` is a call in all but spelling."""
        target = statement.target
        if (
            not isinstance(target, ir.Item)
            or dotted_name(target.base) not in _ENVIRONMENTS
            or not isinstance(target.index, ir.Literal)
        ):
            return
        call = self.environment_calls.setdefault(id(statement), ir.Call(statement.line, "os.environ", target.base))
        number = self._new_site(_ENVIRONMENT, call, frame, None)
        self._invoked(self.record.sites[number], value, (constant(target.index.value), value), state)

    def _evaluate(self, node: Node, state: State, frame: Frame) -> list[State]:
        statement = node.statement
        assert node.expression is not None
        states = []
        for value, after in self.value(node.expression, state, frame):
            if value is not None and value[0] in {"s", "t"} and isinstance(uncast(node.expression), ir.Call):
                site = self.record.sites[value[1]]
                if site.spot.line == uncast(node.expression).line and not site.chain:
                    site.is_discarded = True
                    site.is_discarded_deliberately = isinstance(statement, ir.Evaluate) and statement.discards
            states.append(after)
        return states

    def _return(self, node: Node, state: State, frame: Frame) -> list[State]:
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

    def _each(self, node: Node, state: State, frame: Frame) -> list[tuple[int, State]]:
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

    def _enter(self, node: Node, state: State, frame: Frame) -> list[State]:
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

    def _leave(self, leave: Leave, state: State, frame: Frame) -> list[State]:
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

    def _clean(self, leave: Leave, value: Value, place: Memory, state: State, frame: Frame) -> list[State]:
        if value is None or value == constant(None) or state.truth.get(value) is False or self._is_moved(value, state):
            return [state]
        api = self.tables.get(leave.cleanup)
        if api is not None and api.role in {Role.UNLOAD, Role.FREE, Role.CLOSE}:
            self._release(value, state, frame, leave.line)
            return [state]
        found = self.program.find(leave.cleanup, frame.known.unit)
        if found is not None and frame.level < MAX_LEVELS:
            given = value if leave.cleanup.endswith("operator()") else ("a", place)
            return [s for _, s in self._enter_callee(found, (given,), None, state, frame, leave.line)]
        site = self._site(value)
        if site is not None:
            state.escaped |= {value[1]}
        return [state]

    @staticmethod
    def _is_moved(value: Value, state: State) -> bool:
        return value is not None and value[0] == "s" and value[1] in state.escaped

    def _destroy(self, leave: Leave, place: Memory, state: State, frame: Frame) -> list[State]:
        from loadstone.review.frontends.c.expressions import base_type  # noqa: PLC0415 - the C front end is heavy

        name = base_type(leave.type)
        if not name or "*" in leave.type or "&" in leave.type:
            return [state]
        found = self.program.find(f"{name}::~{name}", frame.known.unit)
        if found is None or frame.level >= MAX_LEVELS:
            return [state]
        held = state.env.get(place)
        this: Value = held if held is not None and held[0] == "o" else ("a", place)
        return [s for _, s in self._enter_callee(found, (), this, state, frame, leave.line)]

    def _after_loop(self, loop: ir.Loop, state: State, frame: Frame) -> None:
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


def _is_relock(node: Node) -> bool:
    """Whether the statement is a guard's own method, whose lock lasts as long as the guard."""
    call = uncast(node.expression)
    return isinstance(call, ir.Call) and call.receiver is not None
