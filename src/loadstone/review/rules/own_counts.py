"""Objects that a file of C counts the users of itself: a count that one function raises and another lowers to an end.

The functions are told by what they do, not by their names: one raises a member of what it is given, one lowers it and
releases the object at zero, one gives an object out counted.
"""

from __future__ import annotations

from collections.abc import Iterator

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement, stores_in
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import plays
from loadstone.review.walk import calls, expressions

__all__ = ["LeftCounted", "OwnCounts"]


@dataclass(frozen=True, slots=True)
class LeftCounted:
    """A use that stays counted: of what, where it was counted, and where that is lost."""

    function: ir.Function
    name: str
    counted: int
    lost: int
    is_overwritten: bool


class OwnCounts:
    """The counted objects of one file."""

    def __init__(self, facts: Facts, unit: ir.Unit) -> None:
        self.unit = unit
        ends = _ending(facts, unit)
        self.lowers = {last_word(f.name): n for f in unit.functions for n in _lowered(f) if last_word(f.name) in ends}
        counts = set(self.lowers.values())
        self.raises = {
            last_word(f.name)
            for f in unit.functions
            if f.parameters and counts & {n for n, base in _raised(f) if base == f.parameters[0].name}
        }
        self.gives = {last_word(f.name) for f in unit.functions if self._gives_counted(f, counts)} - self.raises

    def _gives_counted(self, function: ir.Function, counts: set[str]) -> bool:
        """Whether every object that a function gives was counted in it."""
        given = {
            place_named(s.value)
            for s in every_statement(function.body)
            if isinstance(s, ir.Return) and s.value is not None and not isinstance(uncast(s.value), ir.Literal)
        }
        raised = {base for name, base in (*_raised(function), *_set_to_one(function)) if name in counts}
        raised |= {place_named(c.arguments[0]) for c in calls_in(function.body) if self._is(c, self.raises)}
        return "*" in function.returns and bool(given) and given <= raised - {""}

    def kept(self) -> Iterator[LeftCounted]:
        """The uses that functions of this file leave counted on one way out, or lose the pointer to."""
        if not self.lowers:
            return
        for function in self.unit.functions:
            if last_word(function.name) not in self.lowers:
                yield from self._left(function, function.body)
                yield from self._overwritten(function)

    def _left(self, function: ir.Function, block: ir.Block) -> Iterator[LeftCounted]:
        for number, statement in enumerate(block.body):
            name = self._counts(statement)
            if not name or "." in name:
                continue
            later = block.body[number + 1 :]
            lowered = next((n for n, s in enumerate(later) if self._lowers_in([s], name)), None)
            for between in later[: lowered or 0]:
                if self._hands_on(between, name):
                    break
                lost = self._leaves(between, name)
                if lost:
                    yield LeftCounted(function, name, statement.line, lost, is_overwritten=False)
                    break

    def _counts(self, statement: ir.Statement) -> str:
        """The variable whose object a statement counts a use of."""
        value = statement.value if isinstance(statement, ir.Assign) else None
        value = statement.expression if isinstance(statement, ir.Evaluate) else value
        call = uncast(value)
        if isinstance(call, ir.Call) and self._is(call, self.raises) and isinstance(statement, ir.Evaluate):
            return place_named(call.arguments[0]) if isinstance(uncast(call.arguments[0]), ir.Name) else ""
        if isinstance(statement, ir.Assign) and isinstance(call, ir.Call) and self._is(call, self.gives):
            return place_named(statement.target) if isinstance(uncast(statement.target), ir.Name) else ""
        return ""

    @staticmethod
    def _is(call: ir.Call, names: set[str]) -> bool:
        return call.receiver is None and bool(call.arguments) and last_word(call.name) in names

    def _lowers_in(self, body: list[ir.Statement], name: str) -> bool:
        return any(
            last_word(c.name) in self.lowers and any(place_named(a) == name for a in c.arguments) for c in calls(body)
        )

    def _leaves(self, statement: ir.Statement, name: str) -> int:
        """The line at which an ``if`` returns with the use still counted; zero when it does not."""
        if not isinstance(statement, ir.If) or not statement.then.body:
            return 0
        last = statement.then.body[-1]
        asks_itself = any(
            place_named(e) == name and not isinstance(e, ir.Member) for e in _asked_whole(statement.condition)
        )
        mentioned = any(
            isinstance(uncast(a), ir.Name) and place_named(a) == name
            for c in calls(statement.then.body)
            for a in c.arguments
        )
        given = isinstance(last, ir.Return) and any(
            isinstance(e, ir.Name) and e.name == name for e in expressions(last.value)
        )
        return last.line if isinstance(last, ir.Return) and not (asks_itself or mentioned or given) else 0

    def _hands_on(self, statement: ir.Statement, name: str) -> bool:
        """Whether somebody else gets the object: it is stored, or a function other than one that prints is given it."""
        for part in every_expression(ir.Block(statement.line, statement.line, (statement,))):
            if isinstance(part, ir.Call) and any(
                isinstance(uncast(a), ir.Name) and place_named(a) == name for a in part.arguments
            ):
                known = {last_word(f.name) for f in self.unit.functions}
                if last_word(part.name) in known or "?" in part.name:
                    return True
        inner = every_statement(ir.Block(statement.line, statement.line, (statement,)))
        return any(isinstance(s, ir.Assign) and place_named(s.value) == name for s in inner)

    def _overwritten(self, function: ir.Function) -> Iterator[LeftCounted]:
        """``*slot = fresh``: what was there is in use, and its count is not lowered."""
        fresh = {self._counts(s): s.line for s in every_statement(function.body)} if self.gives else {}
        if not fresh or any(last_word(c.name) in self.lowers for c in calls_in(function.body)):
            return
        given = {p.name for p in function.parameters if p.type.count("*") > 1}
        for statement in every_statement(function.body):
            target = uncast(statement.target) if isinstance(statement, ir.Assign) else None
            if not isinstance(statement, ir.Assign) or place_named(statement.value) not in fresh.keys() - {""}:
                continue
            if isinstance(target, ir.Operation) and target.operator == "deref" and place_named(target) in given:
                used = any(
                    isinstance(e, ir.Member) and e.through and _is_same(uncast(e.base), target)
                    for e in every_expression(function.body)
                )
                if used:
                    name = f"*{place_named(target)}"
                    yield LeftCounted(
                        function, name, fresh[place_named(statement.value)], statement.line, is_overwritten=True
                    )


def _is_same(one: ir.Expression, other: ir.Operation) -> bool:
    return isinstance(one, ir.Operation) and one.operator == "deref" and place_named(one) == place_named(other)


def _asked_whole(condition: ir.Expression) -> Iterator[ir.Expression]:
    """What a condition asks about itself, what is reached through it left out."""
    bare = uncast(condition)
    if isinstance(bare, ir.Operation) and bare.operator in {"!", "&&", "||", "==", "!="}:
        for operand in bare.operands:
            yield from _asked_whole(operand)
    else:
        yield bare


def _changed(function: ir.Function, operator: str) -> Iterator[tuple[str, str]]:
    for target in (uncast(s.target) for s in stores_in(function.body) if s.operator == operator):
        if isinstance(target, ir.Member):
            yield target.name, place_named(target.base)


def _raised(function: ir.Function) -> Iterator[tuple[str, str]]:
    """The members that a function adds to, and of what."""
    return _changed(function, "+")


def _set_to_one(function: ir.Function) -> Iterator[tuple[str, str]]:
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and not statement.operator:
            target, value = uncast(statement.target), uncast(statement.value)
            if isinstance(target, ir.Member) and isinstance(value, ir.Literal) and value.value == 1:
                yield target.name, place_named(target.base)


def _lowered(function: ir.Function) -> Iterator[str]:
    """The members of its first parameter that a function takes from."""
    first = function.parameters[0].name if function.parameters else ""
    return (name for name, base in _changed(function, "-") if first and base == first)


def _ending(facts: Facts, unit: ir.Unit) -> set[str]:
    """The functions of a file that close or free something, themselves or through another of the file."""
    called = {last_word(f.name): [*calls_in(f.body)] for f in unit.functions}
    ends = {name for name, inner in called.items() if any(plays(facts, c, ApiRole.UNLOAD, ApiRole.FREE) for c in inner)}
    return ends | {name for name, inner in called.items() if any(last_word(c.name) in ends for c in inner)}
