"""Python: a constructor that takes a handle and then raises. Nobody holds the object, so nobody calls its ``close``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from loadstone.core.claims import Claim, Location
from loadstone.review import ir
from loadstone.review.analyses.bindings import Bindings, ForeignResult
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.state import Spot
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.collector_releases import aliases, methods_of, released_by
from loadstone.review.rules.left_descriptors import ALONE
from loadstone.review.rules.places import step
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.use_after_close import library_of
from loadstone.review.walk import calls, statements

__all__ = ["half_made"]

_HANDLES = frozenset({ForeignResult.ADDRESS, ForeignResult.POINTER})
_COLLECTED = frozenset({"weakref.finalize", "atexit.register"})


def half_made(rule: Rule, unit: ir.Unit, bindings: Bindings) -> Iterator[Claim]:
    """Ways out of ``__init__`` that leave a handle which only ``close`` would give back."""
    for methods in methods_of(unit).values():
        made = next((m for m in methods if simple(m.name) == "__init__"), None)
        if made is None or any(simple(m.name) == "__del__" for m in methods) or _is_collected(made):
            continue
        for attribute, line in _taken(unit, made, bindings):
            closing = {m.name for m in methods if attribute in _released(m, bindings)}
            if not closing:
                continue
            ways = _Ways(attribute, line, closing, bindings)
            ways.block(made.body.body, taken=False)
            left = ways.left
            if left:
                yield rule.no(
                    f"{attribute}, taken at line {line}, is leaked where __init__ raises at line {left[0]}: "
                    "there is no object to close.",
                    Location.lines(unit.path, left[0]),
                    fix="Give it back before the exception leaves.",
                    why=(
                        step(Spot(unit.path, line, made.name), "taken", "acquire"),
                        *(
                            step(Spot(unit.path, one, made.name), "left without giving it back", "use")
                            for one in left[:4]
                        ),
                    ),
                    context=made.name,
                )


def _is_collected(made: ir.Function) -> bool:
    """Whether something releases by itself what the constructor takes."""
    return any(call.name in _COLLECTED or simple(call.name) == "gc" for call in calls(made.body.body))


def _taken(unit: ir.Unit, made: ir.Function, bindings: Bindings) -> Iterator[tuple[str, int]]:
    """Attributes that get a handle of foreign code, from it or through a function of the file."""
    own = {function.name: function for function in unit.functions}
    for statement in statements(made.body.body):
        call = uncast(statement.value) if isinstance(statement, ir.Assign) else None
        if isinstance(statement, ir.Assign) and isinstance(call, ir.Call):
            given = bindings.prototype(call, made.owner)
            name = spelled(statement.target)
            takes = call.name in ALONE or (given is not None and given.result in _HANDLES)
            takes = takes or (call.name in own and _gives_handle(own[call.name], bindings))
            if takes and name.startswith("self."):
                yield name, statement.line


def _gives_handle(function: ir.Function, bindings: Bindings) -> bool:
    """Whether a function returns what foreign code gave it."""
    given = set()
    for statement in statements(function.body.body):
        if isinstance(statement, ir.Assign | ir.Return) and isinstance(call := uncast(statement.value), ir.Call):
            known = bindings.prototype(call, function.owner)
            if known is not None and known.result in _HANDLES:
                if isinstance(statement, ir.Return):
                    return True
                given.add(spelled(statement.target))
        elif isinstance(statement, ir.Return) and spelled(statement.value) in given:
            return True
    return False


def _released(method: ir.Function, bindings: Bindings) -> set[str]:
    """Attributes that a method gives back, through variables too."""
    local = aliases(method)
    names = (released_by(call, bindings, method.owner) for call in calls(method.body.body))
    return {library_of(local.get(name, name)) for name in names if name}


class _Ways:
    """The ways through a constructor from where it takes a handle: which ``raise`` leaves it open?"""

    def __init__(self, attribute: str, line: int, closing: set[str], bindings: Bindings) -> None:
        self.attribute = attribute
        self.line = line
        self.closing = closing
        self.bindings = bindings
        self.left: list[int] = []

    def block(self, body: Iterable[ir.Statement], *, taken: bool) -> bool:
        """Whether the handle is open behind a block."""
        for statement in body:
            taken = self._statement(statement, taken=taken)
        return taken

    def _statement(self, statement: ir.Statement, *, taken: bool) -> bool:
        if isinstance(statement, ir.Assign) and statement.line == self.line:
            return True
        if any(self._gives_back(call) for call in calls((statement,))):
            return False
        match statement:
            case ir.Raise() if taken:
                self.left.append(statement.line)
            case ir.If(condition=condition, then=then, otherwise=otherwise):
                asked = _asks(condition, self.attribute)
                yes = self.block(then.body, taken=taken and not asked)
                no = self.block(otherwise.body if otherwise else (), taken=taken)
                return yes or no or (taken and asked)
            case ir.Loop(body=inner) | ir.With(body=inner):
                return self.block(inner.body, taken=taken)
            case ir.Try(body=inner, handlers=handlers):
                after = self.block(inner.body, taken=taken) if not handlers else taken
                for handler in handlers:
                    self.block(handler.body.body, taken=taken)
                return after or _sets(inner, self.line)
        return taken

    def _gives_back(self, call: ir.Call) -> bool:
        return call.name in self.closing or released_by(call, self.bindings) == self.attribute


def _sets(block: ir.Block, line: int) -> bool:
    return any(isinstance(s, ir.Assign) and s.line == line for s in statements(block.body))


def _asks(condition: ir.Expression, attribute: str) -> bool:
    """Whether a condition is about the handle itself, and not about what a function says of it."""
    bare = uncast(condition)
    if isinstance(bare, ir.Operation):
        return any(_asks(operand, attribute) for operand in bare.operands)
    return spelled(bare) == attribute
