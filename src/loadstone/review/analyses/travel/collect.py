"""One pass over the Python files of a program: every move of a value, and every sink, with the checks before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.state import Spot
from loadstone.review.analyses.travel.checks import Learner, spelled
from loadstone.review.analyses.travel.expressions import ValueReader
from loadstone.review.analyses.travel.flows import Check, Piece, Place, Travels, Visit
from loadstone.review.analyses.travel.names import PythonNames, Routine, attribute_place
from loadstone.review.analyses.travel.walk import Known, StructuralWalk, add
from loadstone.review.apis import Tables
from loadstone.review.walk import kept, statements

__all__ = ["Lessons", "collect"]

_MAX_SUMMARY_DEPTH: Final = 4


_MAKES: Final = frozenset({"__init__", "__post_init__"})


def collect(program: ir.Program, tables: Tables) -> Travels:
    """The moves and sinks of a program's Python files. Pure; linear in the source."""
    names = PythonNames(program)
    collector = _Collector(names, tables, Travels(names))
    for routine in names.routines:
        if routine.function.owner and simple(routine.function.name) in _MAKES:
            collector.found.invariants.update(collector.invariants(routine))
    for routine in names.routines:
        collector.take(routine)
    return collector.found


class Lessons:
    """What a call of a function of the program teaches of its arguments."""

    def __init__(self, names: PythonNames, tables: Tables) -> None:
        self.names = names
        self.learner: Learner = Learner(tables, self.verdict, self.meaning, self.is_same)
        self._meanings: dict[int, dict[str, ir.Expression | None]] = {}
        self.current: Routine | None = None
        self._truths: dict[int, dict[int, frozenset[str]]] = {}
        self._passes: dict[int, dict[int, frozenset[str]]] = {}
        self._running: list[int] = []

    def meaning(self, name: str) -> ir.Expression | None:
        """The one value that a variable of the current function or of its module gets; None when it gets several."""
        if self.current is None:
            return None
        unit = self.current.unit
        bodies = [self.current.function, *unit.functions[:1]]
        return next((found for f in bodies if (found := self._meanings_of(f).get(name)) is not None), None)

    def _meanings_of(self, function: ir.Function) -> dict[str, ir.Expression | None]:
        known = self._meanings.get(id(function))
        if known is None:
            known = self._meanings[id(function)] = {}
            for statement in statements(function.body.body):
                if isinstance(statement, ir.Assign) and (name := spelled(statement.target)):
                    known[name] = None if name in known or statement.operator else statement.value
        return known

    def is_same(self, name: str, line: int) -> bool:
        """Whether nothing in the current function sets a name, or what it belongs to, from a line on."""
        if self.current is None:
            return False
        for statement in statements(self.current.function.body.body):
            match statement:
                case ir.Assign(target=target) | ir.Loop(each=(target, _)) if statement.line >= line:
                    parts = target.items if isinstance(target, ir.Display) else (target,)
                    if any(one and (name == one or name.startswith(f"{one}.")) for one in map(spelled, parts)):
                        return False
        return True

    def verdict(self, call: ir.Call) -> list[tuple[str, str]]:
        """A function of the program that answers true: what that says of what it was given."""
        return self._of(call, self._truths, truth=True)

    def passed(self, call: ir.Call) -> list[tuple[str, str]]:
        """A function of the program that comes back at all: ``require(name)``."""
        return self._of(call, self._passes, truth=False)

    def of_object(self, maker: Routine) -> dict[str, frozenset[str]]:
        """The checks that attributes have passed wherever a class's ``__init__`` comes back."""
        self.current = maker
        ends = [*self._ends(maker.function.body.body, {}, truth=False)]
        names = {name for end in ends for name in end if name.startswith("self.") and name.count(".") == 1}
        common = {name: frozenset.intersection(*(end.get(name, frozenset()) for end in ends)) for name in names}
        return {name: checks for name, checks in common.items() if checks}

    def _of(self, call: ir.Call, known: dict[int, dict[int, frozenset[str]]], *, truth: bool) -> list[tuple[str, str]]:
        if self.current is None:
            return []
        found = []
        for called in self.names.called(self.current, call):
            for position, checks in self._summary(called, known, truth=truth).items():
                name = spelled(called.argument(call, position))
                found += [(name, check) for check in checks if name]
        return found

    def _summary(
        self, routine: Routine, known: dict[int, dict[int, frozenset[str]]], *, truth: bool
    ) -> dict[int, frozenset[str]]:
        key = id(routine.function)
        if key in known:
            return known[key]
        if key in self._running or len(self._running) >= _MAX_SUMMARY_DEPTH:
            return {}
        self._running.append(key)
        ends = [*self._ends(routine.function.body.body, {}, truth=truth)]
        self._running.pop()
        known[key] = {}
        if ends:
            for position, parameter in enumerate(routine.parameters):
                common = frozenset.intersection(*(end.get(parameter, frozenset()) for end in ends))
                if common:
                    known[key][position] = common
        return known[key]

    def _ends(
        self, body: Iterable[ir.Statement], checked: dict[str, frozenset[str]], *, truth: bool
    ) -> Iterator[dict[str, frozenset[str]]]:
        """The checks passed wherever the function returns (a true value, if ``truth``)."""
        current = dict(checked)
        for statement in body:
            match statement:
                case ir.If(condition=condition, then=then, otherwise=otherwise):
                    yes, no = (
                        self._learnt(current, condition, holds=True),
                        self._learnt(current, condition, holds=False),
                    )
                    yield from self._ends_inside(then, yes, truth=truth)
                    if otherwise is not None:
                        yield from self._ends_inside(otherwise, no, truth=truth)
                    current = no if _ends_here(then) else current
                    if otherwise is not None and _ends_here(otherwise):
                        current = yes
                case ir.Try(body=inner) | ir.With(body=inner) | ir.Loop(body=inner):
                    yield from self._ends_inside(inner, current, truth=truth)
                case ir.Return(value=value):
                    if not truth:
                        yield current
                    elif value is not None and not (isinstance(value, ir.Literal) and not value.value):
                        yield self._learnt(current, value, holds=True)
                    return
                case ir.Raise():
                    return
        if not truth:
            yield current

    def _ends_inside(
        self, block: ir.Block, checked: dict[str, frozenset[str]], *, truth: bool
    ) -> Iterator[dict[str, frozenset[str]]]:
        """The returns in a block; coming out at its end is the business of whoever holds it."""
        ends = [*self._ends(block.body, checked, truth=truth)]
        if not truth and not _ends_here(block) and ends:
            ends.pop()
        yield from ends

    def _learnt(
        self, current: dict[str, frozenset[str]], condition: ir.Expression, *, holds: bool
    ) -> dict[str, frozenset[str]]:
        result = dict(current)
        for name, check in self.learner.learn(condition, holds=holds):
            result[name] = result.get(name, frozenset()) | {check}
        return result


class _Collector(StructuralWalk):
    """Notes what each statement moves."""

    def __init__(self, names: PythonNames, tables: Tables, found: Travels) -> None:
        self.lessons = Lessons(names, tables)
        super().__init__(self.lessons.learner)
        self.names = names
        self.tables = tables
        self.found = found

    def take(self, routine: Routine) -> None:
        """Everything one function moves."""
        self.lessons.current = routine
        for parameter in routine.function.parameters:
            source = self.names.parameter_source(routine, parameter)
            if source is not None:
                self.found.move([Piece(source)], routine.place(parameter.name), source.spot)
            if parameter.default is not None:
                reader = self._reader(routine, {})
                pieces = reader.pieces(parameter.default)
                self.found.move(pieces, routine.place(parameter.name), reader.spot(parameter.line))
        self.walk(routine)

    def invariants(self, routine: Routine) -> Iterator[tuple[Place, frozenset[Check]]]:
        """The checks that an attribute has passed where an object is made, if nothing sets it afterwards."""
        function, unit = routine.function, routine.unit
        asked = self.lessons.of_object(routine)
        if not asked:
            return
        sets = _settings(unit)
        spot = Spot(unit.path, function.line, function.name)
        for name, checks in asked.items():
            attribute = name.removeprefix("self.")
            if sets[function.owner, attribute] + sets["", attribute] <= 1:
                yield attribute_place(unit, function.owner, attribute), frozenset((check, spot) for check in checks)

    def _reader(self, routine: Routine, known: Known, visit: Visit | None = None) -> ValueReader:
        return ValueReader(self.names, self.tables, self.found, routine, known, self.learner, visit)

    def leaves(self, call: ir.Call, routine: Routine) -> bool:
        api = self.tables.get(call.name)
        return (api is not None and api.ends) or self.names.never_returns(routine, call)

    def visit(self, statement: ir.Statement, routine: Routine, known: Known) -> None:
        visit = Visit(routine.unit, routine.function, statement, known)
        self.found.visits.append(visit)
        reader = self._reader(routine, known, visit)
        reader.words(statement)
        match statement:
            case ir.Assign():
                reader.assign(statement)
                self._after(statement.value, routine, known)
            case ir.Evaluate(expression=expression):
                reader.evaluate(expression)
                self._after(expression, routine, known)
            case ir.If(condition=condition):
                reader.evaluate(condition)
            case ir.Loop():
                if statement.each is not None:
                    reader.store(statement.each[0], reader.elements(statement.each[1]), statement.line)
                if statement.condition is not None:
                    reader.evaluate(statement.condition)
            case ir.Return(value=value):
                reader.give_back(value, statement.line)
            case ir.Raise(value=value):
                reader.evaluate(value)
            case ir.With(items=items):
                for context, target in items:
                    pieces = reader.pieces(context)
                    if target is not None:
                        reader.store(target, pieces, statement.line)
            case ir.Switch(subject=subject):
                reader.evaluate(subject)

    def _after(self, expression: ir.Expression | None, routine: Routine, known: Known) -> None:
        """``require(name)``, ``path.relative_to(root)``: what comes back only when its argument is good."""
        if not isinstance(expression, ir.Call):
            return
        spot = Spot(routine.unit.path, expression.line, routine.function.name)
        if expression.name.rpartition(".")[2] == "relative_to" and expression.receiver is not None:
            add(known, spelled(expression.receiver), "inside", spot)
        for name, check in self.lessons.passed(expression):
            add(known, name, check, spot)


@kept
def _settings(unit: ir.Unit) -> Counter[tuple[str, str]]:
    """How often each attribute is set: by methods of its class, and, under no class, from elsewhere."""
    found: Counter[tuple[str, str]] = Counter()
    for function in unit.functions:
        for statement in statements(function.body.body):
            base, _, attribute = (
                spelled(statement.target).rpartition(".") if isinstance(statement, ir.Assign) else ("",) * 3
            )
            if base:
                found[function.owner if base in {"self", "cls"} else "", attribute] += 1
    return found


def _ends_here(block: ir.Block) -> bool:
    return bool(block.body) and isinstance(block.body[-1], ir.Return | ir.Raise | ir.Jump)
