"""A Python file as a whole: the inventories of its scopes, and what its names mean, learnt before it is lowered."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import field
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review.frontends.python.inventory import FunctionNode, Inventory, take
from loadstone.review.frontends.python.scopes import ModuleNames, Scope, is_library

__all__ = ["Module", "defaults_of", "learn_module", "parameters_of"]

_MAX_ROUNDS: Final = 4
"""Two for results of functions, and one for each function that hands a library on to another."""


def parameters_of(node: FunctionNode | ast.Lambda) -> list[ast.arg]:
    """The parameters of a function, in the order of the source: what stands in a call goes by it."""
    arguments = node.args
    rest = [arguments.vararg] if arguments.vararg is not None else []
    named = [arguments.kwarg] if arguments.kwarg is not None else []
    return [*arguments.posonlyargs, *arguments.args, *rest, *arguments.kwonlyargs, *named]


def defaults_of(node: FunctionNode | ast.Lambda) -> dict[str, ast.expr]:
    """The parameters that have a default, with it."""
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    found = {a.arg: d for a, d in zip(positional[::-1], arguments.defaults[::-1], strict=False)}
    found.update({a.arg: d for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None})
    return found


@dataclass(slots=True)
class Module:
    """A file with the inventories of its scopes, taken once each, and what its names mean."""

    tree: ast.Module
    inventory: Inventory
    scope: Scope
    inventories: dict[int, Inventory] = field(default_factory=dict)  # by identity of the function's node
    handed: dict[int, dict[str, str]] = field(default_factory=dict)  # by the same: parameter -> type every call gives

    def inventory_of(self, node: FunctionNode | ast.Lambda) -> Inventory:
        """The inventory of a function's body."""
        if isinstance(node, ast.Lambda):
            return Inventory()
        known = self.inventories.get(id(node))
        if known is None:
            known = self.inventories[id(node)] = take(node.body)
        return known

    def inner(self, node: FunctionNode | ast.Lambda, outer: Scope, owner: str) -> Scope:
        """The scope of a function, with what its parameters, imports and assignments mean."""
        parameters, inventory = parameters_of(node), self.inventory_of(node)
        static = not isinstance(node, ast.Lambda) and any(
            isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list
        )
        me = parameters[0].arg if owner and parameters and not static else ""
        scope = Scope(outer.module, outer, owner, me, locals={a.arg for a in parameters} | inventory.locals)
        for argument in parameters:
            found = outer.dotted(argument.annotation) if argument.annotation is not None else None
            found = found or self.handed.get(id(node), {}).get(argument.arg)
            if found is not None:
                scope.types[argument.arg] = found
        for statement in inventory.imports:
            scope.bind_imports(statement)
        scope.learn((t, v) for t, v in inventory.assignments if _is_here(t, inventory))
        return scope


def _is_here(target: ast.expr, inventory: Inventory) -> bool:
    return not (isinstance(target, ast.Name) and target.id in inventory.elsewhere)


def learn_module(tree: ast.Module) -> Module:
    """What the file's names mean, learnt in rounds: results of functions reach their callers, libraries the called."""
    inventory = take(tree.body)
    names = ModuleNames(functions={function.name for function in inventory.functions})
    scope = Scope(names)
    module = Module(tree, inventory, scope)
    for statement in inventory.imports:
        scope.bind_imports(statement)
    functions = [(f.name, f, "") for f in inventory.functions]
    class_bodies = [(node.name, take(node.body)) for node in inventory.classes]
    for name, body in class_bodies:
        names.classes[name] = frozenset(method.name for method in body.functions)
        functions += [(f"{name}.{method.name}", method, name) for method in body.functions]
    scope.locals = inventory.bound - names.functions - set(names.classes)
    for learnt in range(_MAX_ROUNDS):
        given = [*inventory.assignments]
        for qualified, node, owner in functions:
            inner, own = module.inner(node, scope, owner), module.inventory_of(node)
            returned = {inner.type_of(value) for value in own.returns} - {None}
            names.results[qualified] = returned.pop() if len(returned) == 1 else None
            given += [(t, v) for t, v in own.assignments if not _is_here(t, own)]
        scope.learn(given)
        for name, body in class_bodies:
            for target, value in body.assignments:
                found = scope.type_of(value)
                if isinstance(target, ast.Name) and found is not None:
                    names.attributes.setdefault((name, target.id), found)
            for field_name, declared in body.annotations:  # a field of a dataclass
                if (dotted := scope.dotted(declared)) is not None:
                    names.attributes.setdefault((name, field_name), dotted)
        known, module.handed = module.handed, _handed(module, functions)
        if learnt and known == module.handed:
            break
    return module


# What functions are handed by their callers in the file.

_Functions = list[tuple[str, FunctionNode, str]]


def _handed(module: Module, functions: _Functions) -> dict[int, dict[str, str]]:
    """The parameters that callers in the file give a library, and none of them anything else that is known.

    Expressions are walked only in a file whose names stand for a library somewhere.
    """
    names = module.scope.module
    known = (*module.scope.types.values(), *names.attributes.values(), *names.results.values())
    if not any(map(is_library, known)):
        return {}
    given: dict[tuple[int, str], set[str]] = {}
    called = {qualified: (node, owner) for qualified, node, owner in functions}
    bodies = [(module.scope, [*_own_statements(module.tree)])]
    bodies += [(module.inner(node, module.scope, owner), node.body) for _, node, owner in functions]
    for scope, body in bodies:
        for call in (node for statement in body for node in ast.walk(statement) if isinstance(node, ast.Call)):
            entered = _entered(call, scope, called)
            for parameter, value in _pairs(call, *entered) if entered is not None else ():
                if (found := scope.type_of(value)) is not None:
                    given.setdefault((id(entered[0]), parameter), set()).add(found)  # type: ignore[index]
    handed: dict[int, dict[str, str]] = {}
    for (node, parameter), types in given.items():
        if len(types) == 1 and is_library(only := next(iter(types))):
            handed.setdefault(node, {})[parameter] = only
    return handed


def _own_statements(tree: ast.Module) -> Iterator[ast.stmt]:
    return (s for s in tree.body if not isinstance(s, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef))


def _entered(
    call: ast.Call, scope: Scope, called: dict[str, tuple[FunctionNode, str]]
) -> tuple[FunctionNode, str] | None:
    """The function of the file that a call enters; ``__init__`` where it names a class."""
    name = scope.callee(call.func)
    if isinstance(call.func, ast.Name) and call.func.id == scope.me != "":  # cls(...)
        name = scope.owner
    return called.get(name) or called.get(f"{name}.__init__")


def _pairs(call: ast.Call, node: FunctionNode, owner: str) -> Iterator[tuple[str, ast.expr]]:
    """The parameters of a function, each with what a call gives it."""
    static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)
    names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)][1 if owner and not static else 0 :]
    for name, value in zip(names, call.args, strict=False):
        if isinstance(value, ast.Starred):
            break
        yield name, value
    yield from ((keyword.arg, keyword.value) for keyword in call.keywords if keyword.arg is not None)
