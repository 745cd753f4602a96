"""From the statements of a function to its control flow: short-circuit edges split, scopes left on every way out.

Conditions are taken apart until each test asks one thing; comparisons stored in a variable are branches too, so a
later test of that variable still knows what was compared. What a scope does when it ends (destructors, cleanup
attributes, ``with``, ``finally``) stands on each edge that leaves it. A call that never returns ends its path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import field
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.control_flow import Graph, Kind, Leave, Node
from loadstone.review.walk import uncast

__all__ = ["Assertion", "build"]

MAX_NODES: Final = 40_000
"""Nodes of one function; beyond that the rest becomes a gap (the longest hand-written function known has 2,900)."""

_COMPARES: Final = frozenset({"==", "!=", "<", "<=", ">", ">=", "!", "in", "not in"})
_End = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a call asserts: which of its arguments, and whether that ``holds`` behind it, or does not."""

    subject: int = 0
    holds: bool = True


@dataclass(slots=True)
class _Scope:
    leaves: list[Leave | ir.Block] = field(default_factory=list)


@dataclass(slots=True)
class _LoopEnds:
    depth: int
    breaks: list[_End] = field(default_factory=list)
    continues: list[_End] = field(default_factory=list)


class _TooLong(Exception):
    """The function has more nodes than are looked at."""


class _Builder:
    def __init__(
        self,
        function: ir.Function,
        ends_path: Callable[[ir.Call], bool],
        asserts: Callable[[ir.Call], Assertion | None],
    ) -> None:
        self.function = function
        self.ends_path = ends_path
        self.asserts = asserts
        self.nodes: list[Node] = [Node(Kind.ENTRY, function.line)]
        self.ends: list[_End] = [(0, 0)]
        self.scopes: list[_Scope] = []
        self.loops: list[_LoopEnds] = []
        self.catches: list[tuple[int, int]] = []  # catch node, scope depth of its try
        self.labels: dict[str, int] = {}
        self.gotos: list[tuple[_End, str]] = []

    # Nodes and edges.

    def add(self, kind: Kind, line: int, **values: object) -> int:
        if len(self.nodes) >= MAX_NODES:
            raise _TooLong
        index = len(self.nodes)
        node = Node(kind, line, **values)  # type: ignore[arg-type]
        self.nodes.append(node)
        self.join(self.ends, index)
        self.ends = [(index, 0)]
        if kind in {Kind.ASSIGN, Kind.EVALUATE, Kind.TEST, Kind.RETURN, Kind.ENTER, Kind.EACH}:
            self.catch(node)
        return index

    def catch(self, node: Node) -> None:
        """Say where an exception of the node goes, and what ends on the way."""
        if not self.catches:
            return
        node.unwind, depth = self.catches[-1]
        node.guarded = tuple(
            leave for scope in self.scopes[depth:] for leave in scope.leaves if isinstance(leave, Leave)
        )

    def join(self, ends: Iterable[_End], index: int) -> None:
        for node, slot in ends:
            following = self.nodes[node].next
            while len(following) <= slot:
                following.append(-1)
            following[slot] = index

    # Statements.

    def block(self, block: ir.Block) -> None:
        self.scopes.append(_Scope())
        for statement in block.body:
            self.statement(statement)
        self.close(len(self.scopes) - 1)
        self.scopes.pop()

    def close(self, depth: int, given: str = "") -> None:
        """Leave every scope from ``depth`` on, innermost first, on the current path.

        ``given``: the variable that is returned. An object of C++ is moved out of it, or made in its place
        ([class.copy.elision]), so what it holds does not end here; ``cleanup`` of C runs all the same.
        """
        if not self.ends:
            return
        for scope in reversed(self.scopes[depth:]):
            for leave in reversed(scope.leaves):
                if isinstance(leave, ir.Block):
                    self.finally_(leave, scope)
                elif not given or leave.name != given or not _is_moved_out(leave):
                    self.add(Kind.LEAVE, leave.line, leave=leave)

    def finally_(self, block: ir.Block, scope: _Scope) -> None:
        kept, scope.leaves = scope.leaves, []
        saved = self.scopes
        self.scopes = self.scopes[: self.scopes.index(scope)]
        for statement in block.body:
            self.statement(statement)
        self.scopes = saved
        scope.leaves = kept

    def statement(self, statement: ir.Statement) -> None:
        if not self.ends and not isinstance(statement, ir.Label | ir.Block | ir.If | ir.Loop | ir.Switch | ir.Try):
            return
        match statement:
            case ir.Assign():
                self.assign(statement)
            case ir.Evaluate():
                self.evaluate(statement)
            case ir.Block():
                self.block(statement)
            case ir.If():
                self.if_(statement)
            case ir.Loop():
                self.loop(statement)
            case ir.Switch():
                self.switch(statement)
            case ir.Return():
                self.return_(statement)
            case ir.Raise():
                self.raise_(statement)
            case ir.Jump():
                self.jump(statement)
            case ir.Label():
                index = self.add(Kind.LOOP, statement.line)
                self.labels[statement.name] = index
            case ir.Try():
                self.try_(statement)
            case ir.With():
                self.with_(statement)
            case ir.Gap():
                self.add(Kind.GAP, statement.line, statement=statement)

    def assign(self, statement: ir.Assign) -> None:
        value = uncast(statement.value)
        if isinstance(value, ir.Operation) and not statement.operator:
            if value.operator == "?:":
                self.either(value, lambda part: self.assign(_with_value(statement, part)))
                return
            if value.operator in {"&&", "||"} or value.operator in _COMPARES:
                self.truth(value, lambda part: self.assign(_with_value(statement, part)))
                return
        self.add(Kind.ASSIGN, statement.line, statement=statement, target=statement.target, expression=statement.value)
        leaves = bool(statement.cleanup or statement.type) and statement.declares and not statement.static
        if leaves and isinstance(statement.target, ir.Name) and self.scopes:
            leave = Leave(statement.line, statement.target.name, statement.type, statement.cleanup)
            self.scopes[-1].leaves.append(leave)

    def either(self, value: ir.Operation, each: Callable[[ir.Expression], None]) -> None:
        condition, yes, no = value.operands
        true_ends, false_ends = self.branch(condition)
        self.ends = true_ends
        each(yes)
        after = self.ends
        self.ends = false_ends
        each(no)
        self.ends = [*after, *self.ends]

    def truth(self, value: ir.Operation, each: Callable[[ir.Expression], None]) -> None:
        """A condition used as a value: the path is split, so what was asked stays known."""
        if value.operator in {"&&", "||"}:
            first, second = value.operands
            true_ends, false_ends = self.branch(first)
            decided, other = (true_ends, false_ends) if value.operator == "||" else (false_ends, true_ends)
            self.ends = decided
            each(
                first if value.operator == "||" and _is_plain(first) else ir.Literal(value.line, value.operator == "||")
            )
            after = self.ends
            self.ends = other
            each(second)
            self.ends = [*after, *self.ends]
            return
        true_ends, false_ends = self.branch(value)
        self.ends = true_ends
        each(ir.Literal(value.line, value=True))
        after = self.ends
        self.ends = false_ends
        each(ir.Literal(value.line, value=False))
        self.ends = [*after, *self.ends]

    def evaluate(self, statement: ir.Evaluate) -> None:
        expression = uncast(statement.expression)
        if isinstance(expression, ir.Operation) and expression.operator in {"&&", "||", "?:"}:
            if expression.operator == "?:":
                self.either(expression, lambda part: self.evaluate(ir.Evaluate(part.line, part)))
            else:
                first, second = expression.operands
                true_ends, false_ends = self.branch(first)
                skipped, self.ends = (false_ends, true_ends) if expression.operator == "&&" else (true_ends, false_ends)
                self.evaluate(ir.Evaluate(second.line, second))
                self.ends = [*skipped, *self.ends]
            return
        stated = self.asserts(call) if isinstance(call := _leftmost(expression), ir.Call) else None
        if stated is not None and isinstance(call, ir.Call) and stated.subject < len(call.arguments):
            true_ends, false_ends = self.branch(call.arguments[stated.subject])
            self.ends = true_ends if stated.holds else false_ends
            return
        self.add(Kind.EVALUATE, statement.line, statement=statement, expression=statement.expression)
        if isinstance(expression, ir.Call) and self.ends_path(expression):
            self.ends = []

    def if_(self, statement: ir.If) -> None:
        true_ends, false_ends = self.branch(statement.condition)
        self.ends = true_ends
        self.block(statement.then)
        after = self.ends
        self.ends = false_ends
        if statement.otherwise is not None:
            self.block(statement.otherwise)
        self.ends = [*after, *self.ends]

    def branch(self, condition: ir.Expression) -> tuple[list[_End], list[_End]]:
        """Test a condition; the dangling edges where it holds, and where it does not."""
        bare = uncast(condition)
        if isinstance(bare, ir.Operation):
            if bare.operator == "!":
                true_ends, false_ends = self.branch(bare.operands[0])
                return false_ends, true_ends
            if bare.operator in {"&&", "||"}:
                return self.short_circuit(bare)
            if bare.operator == ",":
                self.evaluate(ir.Evaluate(bare.line, bare.operands[0]))
                return self.branch(bare.operands[1])
            if bare.operator == "?:":
                return self.choice(bare)
        if isinstance(bare, ir.Call) and bare.arguments and _hands_its_argument_on(bare.name):
            return self.branch(bare.arguments[0])
        index = self.add(Kind.TEST, condition.line, expression=condition)
        if isinstance(bare, ir.Literal):
            taken = [(index, 0)] if bare.value else []
            return taken, [] if bare.value else [(index, 1)]
        return [(index, 0)], [(index, 1)]

    def short_circuit(self, bare: ir.Operation) -> tuple[list[_End], list[_End]]:
        first_true, first_false = self.branch(bare.operands[0])
        if bare.operator == "&&":
            self.ends = first_true
            second_true, second_false = self.branch(bare.operands[1]) if first_true else ([], [])
            return second_true, [*first_false, *second_false]
        self.ends = first_false
        second_true, second_false = self.branch(bare.operands[1]) if first_false else ([], [])
        return [*first_true, *second_true], second_false

    def choice(self, bare: ir.Operation) -> tuple[list[_End], list[_End]]:
        condition, yes, no = bare.operands
        true_ends, false_ends = self.branch(condition)
        self.ends = true_ends
        yes_true, yes_false = self.branch(yes)
        self.ends = false_ends
        no_true, no_false = self.branch(no)
        return [*yes_true, *no_true], [*yes_false, *no_false]

    def loop(self, statement: ir.Loop) -> None:
        if not self.ends and not _has_label(statement.body):
            return
        head = self.add(Kind.LOOP, statement.line, statement=statement)
        ends = _LoopEnds(len(self.scopes))
        self.loops.append(ends)
        done: list[_End] = []
        if statement.runs_first:
            self.block(statement.body)
            self.ends = [*self.ends, *ends.continues]
            if self.ends:
                again, done = self.branch(statement.condition) if statement.condition is not None else (self.ends, [])
                self.join(again, head)
        else:
            if statement.each is not None:
                index = self.add(
                    Kind.EACH,
                    statement.line,
                    statement=statement,
                    target=statement.each[0],
                    expression=statement.each[1],
                )
                self.ends, done = [(index, 0)], [(index, 1)]
            elif statement.condition is not None:
                self.ends, done = self.branch(statement.condition)
            self.block(statement.body)
            self.ends = [*self.ends, *ends.continues]
            for step in statement.step:
                if self.ends:
                    self.evaluate(ir.Evaluate(step.line, step))
            self.join(self.ends, head)
        self.loops.pop()
        self.ends = done
        if self.ends:
            self.add(Kind.LOOP_DONE, statement.line, statement=statement)
            if statement.otherwise is not None:
                self.block(statement.otherwise)
        self.ends = [*self.ends, *ends.breaks]

    def switch(self, statement: ir.Switch) -> None:
        if not self.ends:
            return
        index = self.add(Kind.CHOOSE, statement.line, expression=statement.subject, statement=statement)
        ends = _LoopEnds(len(self.scopes))
        self.loops.append(ends)
        falling: list[_End] = []
        for number, case in enumerate(statement.cases):
            self.ends = [(index, number), *falling]
            self.block(case.body)
            falling = self.ends if case.falls_through else []
            if not case.falls_through:
                ends.breaks.extend(self.ends)
        self.loops.pop()
        has_default = any(not case.values for case in statement.cases)
        missed = [] if has_default else [(index, len(statement.cases))]
        self.ends = [*falling, *ends.breaks, *missed]
        if self.loops:
            self.loops[-1].continues.extend(ends.continues)

    def return_(self, statement: ir.Return) -> None:
        value = uncast(statement.value)
        if isinstance(value, ir.Operation):
            if value.operator == "?:":
                self.either(value, lambda part: self.statement(ir.Return(statement.line, part)))
                return
            if value.operator in {"&&", "||"} or value.operator in _COMPARES:
                self.truth(value, lambda part: self.statement(ir.Return(statement.line, part)))
                return
        self.add(Kind.RETURN, statement.line, expression=statement.value)
        self.close(0, given=value.name if isinstance(value, ir.Name) else "")
        self.add(Kind.END, statement.line)
        self.ends = []

    def raise_(self, statement: ir.Raise) -> None:
        self.add(Kind.RAISE, statement.line, expression=statement.value)
        if self.catches:
            target, depth = self.catches[-1]
            self.close(depth)
            self.join(self.ends, target)
        else:
            self.close(0)
            self.add(Kind.END, statement.line, statement=statement)
        self.ends = []

    def jump(self, statement: ir.Jump) -> None:
        if statement.kind == "goto":
            index = self.add(Kind.LOOP, statement.line)
            self.gotos.append(((index, 0), statement.label))
        elif self.loops:
            inner = self.loops[-1]
            self.close(inner.depth)
            (inner.breaks if statement.kind == "break" else inner.continues).extend(self.ends)
        self.ends = []

    def try_(self, statement: ir.Try) -> None:
        if not self.ends:
            return
        if statement.final is not None and (statement.handlers or statement.otherwise is not None):
            # What a handler raises, or what stands in ``else``, runs ``finally`` too.
            tried = ir.Try(statement.line, statement.body, statement.handlers, statement.otherwise)
            inner = ir.Block(statement.line, statement.final.line, (tried,))
            statement = ir.Try(statement.line, inner, final=statement.final)
        scope = _Scope([statement.final] if statement.final is not None else [])
        self.scopes.append(scope)
        start = self.ends
        self.ends = []
        catch = self.add(Kind.CATCH, statement.line)
        self.ends = start
        self.catches.append((catch, len(self.scopes)))
        self.block(statement.body)
        self.catches.pop()
        if statement.otherwise is not None and self.ends:
            self.block(statement.otherwise)
        after = self.ends
        self.nodes[catch].unwind = self.catches[-1][0] if self.catches else -1
        for number, handler in enumerate(statement.handlers):
            self.ends = [(catch, number)]
            self.add(Kind.HANDLER, handler.line, statement=handler)
            self.block(handler.body)
            after = [*after, *self.ends]
        if not any(_catches_all(h) for h in statement.handlers):
            self.ends = [(catch, len(statement.handlers))]
            self.raise_(ir.Raise(statement.line))
        self.ends = after
        self.close(len(self.scopes) - 1)
        self.scopes.pop()

    def with_(self, statement: ir.With) -> None:
        scope = _Scope()
        self.scopes.append(scope)
        for context, target in statement.items:
            self.add(Kind.ENTER, statement.line, expression=context, target=target)
            scope.leaves.append(Leave(statement.body.end_line, "", context=context))
        self.block(statement.body)
        self.close(len(self.scopes) - 1)
        self.scopes.pop()

    def run(self) -> Graph:
        is_cut = False
        try:
            self.block(self.function.body)
            if self.ends:
                self.add(Kind.END, self.function.end_line)
        except _TooLong:
            is_cut = True
        for end, label in self.gotos:
            if label in self.labels:
                self.join([end], self.labels[label])
        return Graph(self.function, tuple(self.nodes), is_cut)


def _is_moved_out(leave: Leave) -> bool:
    """Whether what a returned variable holds goes on to the caller: it is an object, or a smart pointer."""
    return not leave.cleanup or "_ptr" in leave.type or "Pointer" in leave.type


def _is_plain(expression: ir.Expression) -> bool:
    return isinstance(expression, ir.Name | ir.Member)


def _with_value(statement: ir.Assign, value: ir.Expression) -> ir.Assign:
    return ir.Assign(
        statement.line,
        statement.target,
        value,
        statement.declares,
        statement.type,
        statement.static,
        statement.cleanup,
        statement.operator,
    )


def _has_label(block: ir.Block) -> bool:
    return any(isinstance(s, ir.Label) or (isinstance(s, ir.Block) and _has_label(s)) for s in block.body)


def _hands_its_argument_on(name: str) -> bool:
    """Whether a call in a condition asks what its argument asks: ``likely`` under whatever name a project gives it."""
    return name in {"__builtin_expect", "bool"} or name.lower().endswith("likely")


def _leftmost(expression: ir.Expression | None) -> ir.Expression | None:
    """Of ``CHECK(library) << "no library"`` the call."""
    while isinstance(expression, ir.Operation) and expression.operator == "<<":
        expression = uncast(expression.operands[0])
    return expression


def _catches_all(handler: ir.Handler) -> bool:
    return not handler.catches or bool({"Exception", "BaseException", "..."} & set(handler.catches))


def build(
    function: ir.Function,
    ends_path: Callable[[ir.Call], bool] = lambda _: False,
    asserts: Callable[[ir.Call], Assertion | None] = lambda _: None,
) -> Graph:
    """The graph of a function. ``ends_path`` says which calls never return, ``asserts`` which are assertions."""
    return _Builder(function, ends_path, asserts).run()
