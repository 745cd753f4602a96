"""Python statements, functions and classes to the shared representation."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.frontends.python.expressions import PythonExpressions, TooDeep
from loadstone.review.frontends.python.inventory import FunctionNode, Inventory, take
from loadstone.review.frontends.python.module import Module, defaults_of, parameters_of
from loadstone.review.frontends.python.patterns import bound, matched
from loadstone.review.frontends.python.platforms import asks_platform, conditional, text_of
from loadstone.review.frontends.python.scopes import Scope

__all__ = ["Lowering"]

_MAX_DEPTH: Final = 60
"""Blocks in blocks beyond this become a gap; CPython's own compiler stops at 20 static blocks of some kinds."""

_DECLARES: Final = frozenset({"argtypes", "restype", "errcheck"})
"""Attributes of a foreign function, which a name of a module that is spelled out in full has too."""

_PLAIN_MARKS: Final = frozenset({"property", "staticmethod", "classmethod", "cached_property"})


@dataclass(slots=True)
class Lowering:
    """Turns the statements of one file into a unit's functions, classes and conditionals, which it collects."""

    module: Module
    functions: list[ir.Function] = field(default_factory=list)
    classes: list[ir.Class] = field(default_factory=list)
    conditionals: list[ir.Conditional] = field(default_factory=list)
    gaps: list[ir.Gap] = field(default_factory=list)
    continued: set[int] = field(default_factory=set)  # nodes that are an elif of a recorded family

    def whole(self, lines: int) -> None:
        """Lower the file: every function, and the top level as ``<module>``."""
        body = _Body(self, self.module.scope, "").block(self.module.tree.body, 1, max(lines, 1))
        self.functions.insert(0, ir.Function("<module>", 1, max(lines, 1), body, local=True))

    def function(self, node: FunctionNode, outer: Scope, prefix: str, owner: str, condition: str) -> ir.Function:
        """One function with its parameters; it and what is nested in it are collected."""
        scope = self.module.inner(node, outer, owner)
        qualified = f"{prefix}.{node.name}" if prefix else node.name
        end = node.end_lineno or node.lineno
        made = ir.Function(
            name=qualified,
            line=node.lineno,
            end_line=end,
            body=_Body(self, scope, qualified, condition=condition).block(node.body, node.lineno, end),
            parameters=self._lowered_parameters(node, outer),
            returns=_annotation(node.returns, outer),
            owner=owner,
            local=node.name.startswith("_") and not node.name.endswith("__"),
            marks=frozenset(_marks(node, outer)),
            condition=condition,
            globals=frozenset(self.module.inventory_of(node).elsewhere),
        )
        self.functions.append(made)
        return made

    def expressions(self, scope: Scope, depth: int = 0) -> PythonExpressions:
        """What lowers the expressions of a scope."""
        return PythonExpressions(scope, self.closure, self.choice, depth)

    def family(self, node: ast.If) -> None:
        """Record a platform choice with all its arms; its ``elif`` is not another one."""
        if id(node) not in self.continued:
            self.conditionals.append(conditional(node))
        if len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
            self.continued.add(id(node.orelse[0]))

    def choice(self, node: ast.IfExp, scope: Scope) -> None:
        """Record a platform choice between two expressions."""
        if asks_platform(node.test, scope):
            self.conditionals.append(conditional(node))

    def members(self, node: ast.ClassDef, inventory: Inventory, scope: Scope) -> Iterator[ir.DeclaredVariable]:
        """Attributes that the class body declares or sets, and those set through ``self`` in a method, once each.

        They come in the order of the source, so that the positional arguments of a dataclass fit them.
        """
        owner = node.name
        declared = (s.target for s in node.body if isinstance(s, ast.AnnAssign))
        body = (*declared, *(target for target, _ in inventory.assignments))
        found = [(t.id, t.lineno) for t in sorted(body, key=lambda t: t.lineno) if isinstance(t, ast.Name)]
        for method in inventory.functions:
            parameters = parameters_of(method)
            me = parameters[0].arg if parameters else ""
            for target, _ in self.module.inventory_of(method).assignments:
                if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == me:
                    found.append((target.attr, target.lineno))
        for name in dict.fromkeys(name for name, _ in found):
            line = next(at for known, at in found if known == name)
            kind = scope.module.attributes.get((owner, name)) or ""
            yield ir.DeclaredVariable(name, line, kind, private=name.startswith("_"))

    def closure(self, node: ast.Lambda, outer: Scope, depth: int) -> ir.Function:
        """A lambda: one return."""
        scope = self.module.inner(node, outer, "")
        value = self.expressions(scope, depth).lower(node.body)
        end = node.end_lineno or node.lineno
        body = ir.Block(node.lineno, end, (ir.Return(node.lineno, value),))
        return ir.Function("<lambda>", node.lineno, end, body, self._lowered_parameters(node, outer), local=True)

    def _lowered_parameters(self, node: FunctionNode | ast.Lambda, outer: Scope) -> tuple[ir.Parameter, ...]:
        expressions, defaults = self.expressions(outer), defaults_of(node)
        return tuple(
            ir.Parameter(
                a.lineno,
                a.arg,
                ("*" if a is node.args.vararg else "") + _annotation(a.annotation, outer),
                expressions.lower(defaults[a.arg]) if a.arg in defaults else None,
            )
            for a in parameters_of(node)
        )


def _annotation(node: ast.expr | None, scope: Scope) -> str:
    if node is None:
        return ""
    if isinstance(node, ast.Constant):
        return str(node.value)
    return scope.dotted(node) or text_of(node)


def _marks(node: FunctionNode, scope: Scope) -> Iterator[str]:
    if isinstance(node, ast.AsyncFunctionDef):
        yield "async"
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = scope.dotted(called) or scope.type_of(called) or ""
        if not name and isinstance(called, ast.Attribute):
            name = called.attr
        if name:
            yield name.rpartition(".")[2] if name.rpartition(".")[2] in _PLAIN_MARKS else name
        if isinstance(decorator, ast.Call) and (made := scope.type_of(decorator)):
            yield made


@dataclass(slots=True)
class _Body:
    """The statements of one scope. ``condition`` is the platform branch they stand in; ``in_class`` a class body."""

    lowering: Lowering
    scope: Scope
    prefix: str
    condition: str = ""
    in_class: str = ""
    depth: int = 0

    def expression(self, node: ast.expr) -> ir.Expression:
        return self.lowering.expressions(self.scope).lower(node)

    def block(self, body: list[ast.stmt], line: int, end: int) -> ir.Block:
        """Statements in a block; what is too deep becomes a gap."""
        made: list[ir.Statement] = []
        self.depth += 1
        for node in body:
            try:
                made.extend(self.statement(node))
            except TooDeep:
                gap = ir.Gap(node.lineno, node.end_lineno or node.lineno, "nested deeper than is followed")
                self.lowering.gaps.append(gap)
                made.append(gap)
        self.depth -= 1
        return ir.Block(line, end, tuple(made))

    def statement(self, node: ast.stmt) -> _Statements:
        if self.depth > _MAX_DEPTH:
            raise TooDeep
        return tuple(_LOWER.get(type(node), _nothing)(self, node))

    def arm(self, body: list[ast.stmt]) -> ir.Block:
        """The block of a compound statement."""
        return self.block(body, body[0].lineno, body[-1].end_lineno or body[-1].lineno)

    def arm_if_any(self, body: list[ast.stmt]) -> ir.Block | None:
        return self.arm(body) if body else None

    def under(self, condition: str) -> _Body:
        """The same scope inside a platform branch."""
        joined = f"{self.condition} and {condition}" if self.condition else condition
        return _Body(self.lowering, self.scope, self.prefix, joined, self.in_class, self.depth)

    def target(self, node: ast.expr) -> ir.Expression:
        """What is assigned to; a name in a class body is an attribute of the class."""
        if self.in_class and isinstance(node, ast.Name):
            return ir.Member(node.lineno, ir.Name(node.lineno, self.in_class), node.id)
        if isinstance(node, ast.Attribute) and node.attr in _DECLARES:  # ctypes.windll.kernel32.Sleep.argtypes = ...
            return ir.Member(node.lineno, self.expression(node.value), node.attr)
        return ir.Name(node.lineno, node.id) if isinstance(node, ast.Name) else self.expression(node)

    def type_of(self, target: ast.expr, value: ast.expr | None, annotation: ast.expr | None = None) -> str:
        found = self.scope.type_of(value) if value is not None else None
        if found is None and isinstance(target, (ast.Name, ast.Attribute)):
            found = self.scope.type_of(target)
        return found or _annotation(annotation, self.scope)


_Statements = Iterable[ir.Statement]


def _nothing(_body: _Body, _node: ast.stmt) -> _Statements:
    """Imports, global and pass: known already, or without effect."""
    return ()


def _assign(body: _Body, node: ast.Assign) -> _Statements:
    for target in node.targets:
        yield from _assign_to(body, node.lineno, target, node.value)


def _assign_to(body: _Body, line: int, target: ast.expr, value: ast.expr) -> _Statements:
    if isinstance(target, (ast.Tuple, ast.List)) and not any(isinstance(e, ast.Starred) for e in target.elts):
        if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts):
            for one, given in zip(target.elts, value.elts, strict=True):
                yield from _assign_to(body, line, one, given)
            return
        whole = ir.Name(line, f"<{line}>")
        yield ir.Assign(line, whole, body.expression(value), declares=True)
        for position, one in enumerate(target.elts):
            item = ir.Item(line, ir.Name(line, whole.name), ir.Literal(line, position))
            yield ir.Assign(line, body.target(one), item, declares=True)
        return
    lowered = body.expression(value)
    if isinstance(target, ast.Name) and target.id == "_" and isinstance(lowered, ir.Call):
        yield ir.Evaluate(line, lowered, discards=True)
        return
    declares = isinstance(target, ast.Name)
    yield ir.Assign(line, body.target(target), lowered, declares=declares, type=body.type_of(target, value))


def _annotated(body: _Body, node: ast.AnnAssign) -> _Statements:
    if node.value is not None:
        kind = body.type_of(node.target, node.value, node.annotation)
        value = body.expression(node.value)
        yield ir.Assign(node.lineno, body.target(node.target), value, declares=True, type=kind)


def _augmented(body: _Body, node: ast.AugAssign) -> _Statements:
    operator = {"Add": "+", "Sub": "-", "BitOr": "|", "BitAnd": "&"}.get(type(node.op).__name__, "*")
    yield ir.Assign(node.lineno, body.target(node.target), body.expression(node.value), operator=operator)


def _delete(body: _Body, node: ast.Delete) -> _Statements:
    for target in node.targets:
        yield ir.Assign(node.lineno, body.target(target), ir.Literal(node.lineno, None))


def _evaluate(body: _Body, node: ast.Expr) -> _Statements:
    if not isinstance(node.value, ast.Constant):  # a docstring has no effect
        yield ir.Evaluate(node.lineno, body.expression(node.value))


def _return(body: _Body, node: ast.Return) -> _Statements:
    yield ir.Return(node.lineno, body.expression(node.value) if node.value is not None else None)


def _raise(body: _Body, node: ast.Raise) -> _Statements:
    yield ir.Raise(node.lineno, body.expression(node.exc) if node.exc is not None else None)


def _assert(body: _Body, node: ast.Assert) -> _Statements:
    name = ir.Name(node.lineno, "assert")
    yield ir.Evaluate(node.lineno, ir.Call(node.lineno, "assert", name, (body.expression(node.test),)))


def _if(body: _Body, node: ast.If) -> _Statements:
    if asks_platform(node.test, body.scope):
        body.lowering.family(node)
        condition = text_of(node.test)
        then, rest = body.under(condition), body.under(f"not ({condition})")
    else:
        then = rest = body
    condition_value = body.expression(node.test)
    yield ir.If(node.lineno, condition_value, then.arm(node.body), rest.arm_if_any(node.orelse))


def _while(body: _Body, node: ast.While) -> _Statements:
    forever = isinstance(node.test, ast.Constant) and bool(node.test.value)
    condition = None if forever else body.expression(node.test)
    yield ir.Loop(node.lineno, body.arm(node.body), condition, otherwise=body.arm_if_any(node.orelse))


def _for(body: _Body, node: ast.For | ast.AsyncFor) -> _Statements:
    each = body.target(node.target), body.expression(node.iter)
    yield ir.Loop(node.lineno, body.arm(node.body), each=each, otherwise=body.arm_if_any(node.orelse))


_SUPPRESSES: Final = "contextlib.suppress"


def _with(body: _Body, node: ast.With | ast.AsyncWith) -> _Statements:
    called = node.items[0].context_expr
    if len(node.items) == 1 and isinstance(called, ast.Call) and body.scope.dotted(called.func) == _SUPPRESSES:
        caught = tuple(name for kind in called.args for name in _caught(kind, body.scope))
        inner = body.arm(node.body)  # with suppress(E): is try: ... except E: pass
        handler = ir.Handler(node.lineno, caught, ir.Block(node.lineno, node.lineno, ()))
        yield ir.Try(node.lineno, inner, (handler,))
        return
    items = tuple(
        (body.expression(i.context_expr), body.target(i.optional_vars) if i.optional_vars is not None else None)
        for i in node.items
    )
    yield ir.With(node.lineno, items, body.arm(node.body))


def _try(body: _Body, node: ast.Try | ast.TryStar) -> _Statements:
    handlers = tuple(
        ir.Handler(h.lineno, tuple(_caught(h.type, body.scope)), body.arm(h.body), h.name or "") for h in node.handlers
    )
    otherwise, final = body.arm_if_any(node.orelse), body.arm_if_any(node.finalbody)
    yield ir.Try(node.lineno, body.arm(node.body), handlers, otherwise, final)


def _caught(kind: ast.expr | None, scope: Scope) -> Iterator[str]:
    if isinstance(kind, ast.Tuple):
        for one in kind.elts:
            yield from _caught(one, scope)
    elif kind is not None:
        yield scope.dotted(kind) or "?"


def _jump(_body: _Body, node: ast.Break | ast.Continue) -> _Statements:
    yield ir.Jump(node.lineno, "break" if isinstance(node, ast.Break) else "continue")


def _match(body: _Body, node: ast.Match) -> _Statements:
    subject = body.expression(node.subject)
    if isinstance(subject, ir.Call | ir.Operation):  # made once, and asked about in every arm
        name = ir.Name(node.lineno, "<subject>")
        yield ir.Assign(node.lineno, name, subject)
        subject = name
    cases = []
    for case in node.cases:
        line, block = case.pattern.lineno, body.arm(case.body)
        if case.guard is not None:
            block = ir.Block(block.line, block.end_line, (ir.If(line, body.expression(case.guard), block),))
        names = tuple(bound(body.expression, subject, case.pattern))
        if names:
            block = ir.Block(block.line, block.end_line, (*names, block))
        cases.append(ir.Case(line, tuple(matched(body.expression, case.pattern)), block))
    yield ir.Switch(node.lineno, subject, tuple(cases))


def _define(body: _Body, node: FunctionNode) -> _Statements:
    lowering = body.lowering
    made = lowering.function(node, body.scope, body.prefix, body.in_class, body.condition)
    if body.prefix and not body.in_class:  # nested: a value of the function around it
        name = ir.Name(node.lineno, node.name)
        yield ir.Assign(node.lineno, name, ir.Closure(node.lineno, made), declares=True)


def _class(body: _Body, node: ast.ClassDef) -> _Statements:
    inner = _Body(body.lowering, body.scope, node.name, body.condition, node.name, body.depth)
    made = inner.block(node.body, node.lineno, node.end_lineno or node.lineno).body
    inventory = take(node.body)
    body.lowering.classes.append(
        ir.Class(
            name=node.name,
            line=node.lineno,
            end_line=node.end_lineno or node.lineno,
            members=tuple(body.lowering.members(node, inventory, body.scope)),
            methods=tuple(method.name for method in inventory.functions),
            bases=tuple(body.scope.dotted(base) or text_of(base) for base in node.bases),
            local=node.name.startswith("_"),
        )
    )
    return made


_LOWER: Final[dict[type[ast.stmt], Callable[..., _Statements]]] = {
    ast.AnnAssign: _annotated,
    ast.Assert: _assert,
    ast.Assign: _assign,
    ast.AsyncFor: _for,
    ast.AsyncFunctionDef: _define,
    ast.AsyncWith: _with,
    ast.AugAssign: _augmented,
    ast.Break: _jump,
    ast.ClassDef: _class,
    ast.Continue: _jump,
    ast.Delete: _delete,
    ast.Expr: _evaluate,
    ast.For: _for,
    ast.FunctionDef: _define,
    ast.If: _if,
    ast.Match: _match,
    ast.Raise: _raise,
    ast.Return: _return,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.While: _while,
    ast.With: _with,
}
