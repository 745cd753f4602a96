"""Which functions of the program a call through a pointer, a table or a container of functions may run.

The domain is a graph over names: a member by its name, a variable, a parameter by its function and position. An edge
says that what one holds is given to the other; a function is held where its name is stored, stands in an initialiser,
or is handed to a parameter. What a name holds is everything that can be reached from it. The order is inclusion: more
source adds functions and takes none away. Objects are not told apart: a member is one name for all of them
(field-based analysis: Andersen 1994; Heintze and Tardieu 2001), so an answer is used only to say to whom a value may
come, together with the number of arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.mentions import calls_in, every_statement, stores_in
from loadstone.review.frontends.c.lambdas import LAMBDA, lambda_name
from loadstone.review.typenames import base_type
from loadstone.review.walk import kept, last_word, uncast

__all__ = ["Pointed"]

_PUTS: Final = frozenset({"push_back", "emplace_back", "emplace", "insert", "append", "try_emplace", "push", "add"})
"""Methods that put what they are given into their object."""

Target = tuple[str, int]
"""A function: its name, and its line where the name alone does not say which (a lambda's), else 0."""

_MAX_HELD: Final = 64
"""Functions that one name may hold; a table of more says too little of each."""


class Pointed:
    """What the pointers to functions of the files of C and C++ may hold."""

    def __init__(self, units: Iterable[ir.Unit]) -> None:
        native = [u for u in units if u.language is not ir.Language.PYTHON]
        self._functions = {f.name for u in native for f in u.functions}
        self._orders = {c.name: [m.name for m in c.members] for u in native for c in u.classes}
        self._held: dict[str, dict[Target, None]] = {}
        self._edges: dict[str, dict[str, None]] = {}
        self._known: dict[str, tuple[Target, ...]] = {}
        for unit in native:
            for variable in unit.variables:
                self._put(f"={variable.name}", variable.value, variable.type, None)
            for function in unit.functions:
                self._read(function)

    def targets(self, function: ir.Expression, where: ir.Function) -> tuple[Target, ...]:
        """The functions that what is called in a function may be; none when nothing says so."""
        bare = uncast(function)
        found = self._targets_of(self._name(bare, where))
        while not found and isinstance(bare, ir.Member):  # an entry of a table whose struct has no name
            bare = uncast(bare.base)
            found = self._targets_of(self._name(bare, where))
        return found

    def _targets_of(self, name: str) -> tuple[Target, ...]:
        if name not in self._known:
            self._known[name] = tuple(self._reached(name)) if name else ()
        return self._known[name]

    def _reached(self, name: str) -> Iterator[Target]:
        seen, work = {name}, [name]
        found: dict[Target, None] = {}
        while work:
            current = work.pop()
            found.update(self._held.get(current, {}))
            more = [n for n in self._edges.get(current, ()) if n not in seen]
            seen.update(more)
            work.extend(more)
        return iter(found if len(found) <= _MAX_HELD else ())

    def _read(self, function: ir.Function) -> None:
        for store in stores_in(function.body):
            if store.value is not None and not store.operator:
                self._put(self._name(store.target, function), store.value, "", function)
        for statement in every_statement(function.body):
            if isinstance(statement, ir.Loop) and statement.each is not None:
                self._put(self._name(statement.each[0], function), statement.each[1], "", function)
        for call in calls_in(function.body):
            puts = call.receiver is not None and last_word(call.name) in _PUTS
            for number, argument in enumerate(call.arguments):
                target = self._name(call.receiver, function) if puts else f"{last_word(call.name)}()#{number}"
                self._put(target, argument, "", function)

    def _put(self, target: str, value: ir.Expression | None, spelled: str, where: ir.Function | None) -> None:
        """Note what an expression gives to a name: a function, what another name holds, the parts of a list."""
        match uncast(value):
            case ir.Display() as display:
                self._spread(target, display, spelled, where)
            case ir.Operation(operator="?:", operands=(_, *ways)):
                for way in ways:
                    self._put(target, way, spelled, where)
            case ir.Operation(operator="address", operands=(operand,)):
                self._put(target, operand, spelled, where)
            case ir.Name(name=name) if name in self._functions and not self._is_own(name, where):
                self._held.setdefault(target, {})[name, 0] = None
            case ir.Closure(function=made) if where is not None and LAMBDA in made.marks:
                self._held.setdefault(target, {})[lambda_name(where.name), made.line] = None
            case ir.Name() | ir.Member() | ir.Item() as other if where is not None and target:
                source = self._name(other, where)
                if source and source != target:
                    self._edges.setdefault(target, {})[source] = None

    def _spread(self, target: str, display: ir.Display, spelled: str, where: ir.Function | None) -> None:
        order = self._orders.get(base_type(spelled), [])
        nested = any(isinstance(uncast(item), ir.Display) for item in display.items)
        for number, item in enumerate(display.items):
            key = display.keys[number] if number < len(display.keys) else ""
            if not key and not nested and number < len(order):
                key = order[number]
            inner = isinstance(uncast(item), ir.Display)
            self._put(f".{key}" if key and not inner else target, item, spelled, where)

    @staticmethod
    def _is_own(name: str, where: ir.Function | None) -> bool:
        return where is not None and any(p.name == name for p in where.parameters)

    def _name(self, expression: ir.Expression | None, where: ir.Function) -> str:
        """What a place is called in the graph; empty for what is none."""
        match uncast(expression):
            case ir.Member(name=name):
                return f".{name}"
            case ir.Item(base=base):
                return self._name(base, where)
            case ir.Operation(operator="deref" | "address", operands=(operand,)):
                return self._name(operand, where)
            case ir.Name(name=name):
                position = next((n for n, p in enumerate(where.parameters) if p.name == name), None)
                if position is not None:
                    return f"{last_word(where.name)}()#{position}"
                if name in _variables(where):
                    return f"{where.name}:{name}"
                return f".{name}" if where.owner else f"={name}"
        return ""


@kept
def _variables(function: ir.Function) -> frozenset[str]:
    """The variables that a function declares."""
    found = set()
    for statement in every_statement(function.body):
        match statement:
            case ir.Assign(target=ir.Name(name=name), declares=True) | ir.Loop(each=(ir.Name(name=name), _)):
                found.add(name)
    return frozenset(found)
