"""What each kind of statement does to the state of a path."""

from __future__ import annotations

from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.characters import looked_at
from loadstone.review.analyses.evaluate import PathEvaluator
from loadstone.review.analyses.flow import mix
from loadstone.review.analyses.locks import Locks
from loadstone.review.analyses.memory import PathMemory
from loadstone.review.analyses.program import Frame, KnownProgram
from loadstone.review.analyses.record import Record
from loadstone.review.analyses.scopes import Scopes
from loadstone.review.analyses.sites import Sites
from loadstone.review.analyses.state import State
from loadstone.review.analyses.values import (
    CallResult,
    CallStatus,
    Constant,
    Field,
    Local,
    Object,
    PlaceAddress,
    Unknown,
    Value,
)
from loadstone.review.analyses.words import dotted_name, is_constant, uncast
from loadstone.review.apis import Api, ApiRole, Tables
from loadstone.review.control_flow import Kind, Node
from loadstone.review.typenames import base_type, inserts, is_characters, is_reference

__all__ = ["Statements"]

_ENVIRONMENTS: Final = frozenset({"os.environ", "environ"})
_ENVIRONMENT: Final = Api("os.environ", ApiRole.SET_ENVIRONMENT, "Python")

_PROTOTYPES: Final = frozenset({"argtypes", "restype", "errcheck"})
"""Attributes of a ctypes function that declare it."""


class Statements:
    """Carries out one node of a function at a time. A state that goes two ways is copied."""

    def __init__(
        self,
        tables: Tables,
        program: KnownProgram,
        record: Record,
        sites: Sites,
        memory: PathMemory,
        locks: Locks,
        evaluator: PathEvaluator,
        scopes: Scopes,
    ) -> None:
        self.tables = tables
        self.program = program
        self.record = record
        self.sites = sites
        self.memory = memory
        self.locks = locks
        self.evaluator = evaluator
        self.scopes = scopes
        self.environment_calls: dict[int, ir.Call] = {}

    def step(self, node: Node, state: State, frame: Frame) -> list[tuple[int, State]]:
        """What a node does: the number of the way that is gone on, and the state there."""
        expression = node.expression
        match node.kind:
            case Kind.ASSIGN:
                return [(0, s) for s in self._assign(node, state, frame)]
            case Kind.EVALUATE:
                return [(0, s) for s in self._evaluate(node, state, frame)]
            case Kind.TEST if expression is not None:
                begins = self._surely_begins(expression, state, frame)
                answers = self.evaluator.test(expression, state, frame)
                return [(0 if holds else 1, s) for holds, s in answers if holds or not begins]
            case Kind.RETURN:
                return [(0, s) for s in self._return(node, state, frame)]
            case Kind.LEAVE if node.leave is not None:
                return [(0, s) for s in self.scopes.leave(node.leave, state, frame)]
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

    def _surely_begins(self, condition: ir.Expression, state: State, frame: Frame) -> bool:
        """``i < COUNT`` with ``i`` still zero: the first round of a loop over a table."""
        bare = uncast(condition)
        if not isinstance(bare, ir.Operation) or bare.operator != "<":
            return False
        left, right = (uncast(operand) for operand in bare.operands)
        place = self.evaluator.places.of(left, state, frame) if isinstance(left, ir.Name) else None
        return place is not None and state.env.get(place) == Constant(0) and is_constant(right)

    def _assign(self, node: Node, state: State, frame: Frame) -> list[State]:
        statement = node.statement
        assert isinstance(statement, ir.Assign)
        if statement.value is None:
            place = self.evaluator.places.of(statement.target, state, frame)
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
            if statement.declares and is_characters(statement.type):
                stored = self._own_text(statement, stored, after, frame)
            source = None if statement.operator else statement.value
            begun = statement.static and statement.declares
            self.evaluator.store(statement.target, stored, after, frame, statement.line, source=source, begun=begun)
            states.append(after)
        return states

    def _own_text(self, statement: ir.Assign, text: Value, state: State, frame: Frame) -> Value:
        """``char line[80] = "";``: this array's own text, which others that begin alike do not share."""
        place = self.evaluator.places.of(statement.target, state, frame)
        is_array = isinstance(text, Constant) and isinstance(text.value, str) and statement.type.endswith("]")
        return Constant(text.value, place) if is_array and isinstance(text, Constant) else text

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
        place = self.evaluator.places.of(bare, state, frame)
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
        self.sites.invoked(self.record.sites[number], value, (Constant(target.index.value), value), state, frame)

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
        if isinstance(bare, ir.Name) and (place := self.evaluator.places.of(bare, state, frame)) is not None:
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
        lock = self.locks.context(node.expression, self.evaluator.places.finder(state, frame))
        if lock:
            self.locks.take(lock, state, frame, node.line, scoped=True)
            return [state]
        states = []
        for value, after in self.evaluator.value(node.expression, state, frame):
            if node.target is not None:
                self.evaluator.store(node.target, value, after, frame, node.line)
            states.append(after)
        return states

    def _after_loop(self, loop: ir.Loop, state: State, frame: Frame) -> None:
        """A loop that looks at each character of a text has looked at all of them when it ends."""
        for subject in looked_at(loop, self.tables):
            for value, _ in self.evaluator.value(subject, state, frame):
                for leaf in state.leaves(value):
                    state.add_check(leaf, "characters", frame.spot(loop.line))


def _copies(made: ir.Call) -> bool:
    """Whether an object may be made from another one as a whole, and not from its members."""
    return len(made.arguments) == 1
