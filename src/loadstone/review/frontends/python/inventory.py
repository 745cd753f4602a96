"""What one scope of a Python file binds, found in a single pass over its statements.

Expressions are not walked, but for those that bind a name themselves: statements are a tenth of the nodes of a file.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import field

from loadstone.quick_dataclass import dataclass

__all__ = ["FunctionNode", "Inventory", "take"]

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(slots=True)
class Inventory:
    """The bindings of one scope, in source order; functions and classes inside have inventories of their own.

    ``bound`` are names the scope binds; ``elsewhere`` those it declares global or nonlocal; ``assignments`` pairs of
    target and value, tuples taken apart; ``annotations`` names with their declared types; ``returns`` the
    values returned.
    """

    bound: set[str] = field(default_factory=set)
    elsewhere: set[str] = field(default_factory=set)
    first_line: dict[str, int] = field(default_factory=dict)
    imports: list[ast.Import | ast.ImportFrom] = field(default_factory=list)
    assignments: list[tuple[ast.expr, ast.expr]] = field(default_factory=list)
    returns: list[ast.expr] = field(default_factory=list)
    annotations: list[tuple[str, ast.expr]] = field(default_factory=list)
    functions: list[FunctionNode] = field(default_factory=list)
    classes: list[ast.ClassDef] = field(default_factory=list)

    @property
    def locals(self) -> set[str]:
        """Names that belong to this scope and to no other."""
        return self.bound - self.elsewhere

    def _bind(self, name: str, line: int) -> None:
        self.bound.add(name)
        self.first_line.setdefault(name, line)

    def bind_target(self, target: ast.expr) -> None:
        """The names in an assignment target."""
        if isinstance(target, ast.Name):
            self._bind(target.id, target.lineno)
        elif isinstance(target, (ast.Tuple, ast.List)):
            for element in target.elts:
                self.bind_target(element)
        elif isinstance(target, ast.Starred):
            self.bind_target(target.value)

    def assign(self, target: ast.expr, value: ast.expr) -> None:
        """A target given a value; tuples on both sides are taken apart."""
        self.bind_target(target)
        if isinstance(target, (ast.Tuple, ast.List)):
            if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts):
                self.assignments.extend(zip(target.elts, value.elts, strict=True))
            return
        self.assignments.append((target, value))

    def bind_walrus(self, expression: ast.expr | None) -> None:
        """Names bound inside an expression by ``:=``."""
        if expression is not None:
            for node in ast.walk(expression):
                if isinstance(node, ast.NamedExpr):
                    self.assign(node.target, node.value)


def _blocks(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if block:
            yield block
    for handler in getattr(node, "handlers", ()):
        yield handler.body
    for case in getattr(node, "cases", ()):
        yield case.body


def take(body: Iterable[ast.stmt]) -> Inventory:
    """The inventory of the scope these statements make up."""
    found = Inventory()
    stack: list[ast.stmt] = [*reversed([*body])]
    while stack:
        node = stack.pop()
        match node:
            case ast.Assign():
                for target in node.targets:
                    found.assign(target, node.value)
            case ast.AnnAssign():
                found.bind_target(node.target)
                if isinstance(node.target, ast.Name):
                    found.annotations.append((node.target.id, node.annotation))
                if node.value is not None:
                    found.assign(node.target, node.value)
            case ast.AugAssign():
                found.bind_target(node.target)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                found.bound.add(node.name)
                found.functions.append(node)
                continue
            case ast.ClassDef():
                found.bound.add(node.name)
                found.classes.append(node)
                continue
            case ast.Import() | ast.ImportFrom():
                found.imports.append(node)
            case ast.Return():
                if node.value is not None:
                    found.returns.append(node.value)
            case ast.For() | ast.AsyncFor():
                found.bind_target(node.target)
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    if item.optional_vars is not None:
                        found.assign(item.optional_vars, item.context_expr)
            case ast.Global() | ast.Nonlocal():
                found.elsewhere.update(node.names)
            case ast.If() | ast.While():
                found.bind_walrus(node.test)
            case ast.Try() | ast.TryStar():
                found.bound.update(handler.name for handler in node.handlers if handler.name)
            case ast.Expr():
                found.bind_walrus(node.value if isinstance(node.value, ast.NamedExpr) else None)
            case _:
                pass
        for block in _blocks(node):
            stack.extend(reversed(block))
    return found
