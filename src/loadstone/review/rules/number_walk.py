"""Numbers of somebody else, followed through the statements of a function, and through the functions of a program.

Conditions say what holds behind them (:func:`refine`); paths that meet know what both know. A loop is gone through
twice. A function is looked at as its callers call it, up to :data:`_ROUNDS` calls deep, and what it gives back and
fills is taken from its :class:`Summary`; both are asked again until nothing more is found, or the rounds are over.
Design: conditional constant propagation over a syntax tree, with summaries (Reps, Horwitz & Sagiv 1995).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.quick_dataclass import replace
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import every_expression
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.rules.number_origins import FOREIGN
from loadstone.review.rules.number_sight import Sight, Summary
from loadstone.review.rules.number_uses import NumberUse, chain, whole_of
from loadstone.review.rules.number_values import Evaluator
from loadstone.review.rules.outside_numbers import NumberOrigin, Numbers, OutsideNumber, is_integer, is_unsigned, join
from loadstone.review.walk import expressions, kept

__all__ = ["number_uses"]

_ROUNDS: Final = 5
_CALLERS: Final = 4
"""Callers whose numbers a function is looked at with."""

_NOTHING: Final = Summary(None, {})
_NARROW: Final = 32
_KEPT_APART: Final = 2
"""Loops in one another that are gone through twice."""

_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_OPPOSITE: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_NO_VERDICT: Final = frozenset({
    "fread", "read", "recv", "pread", "ReadFile", "malloc", "calloc", "realloc", "fseek", "lseek", "seek",
    "seekg", "strcmp", "memcmp", "strncmp", "open", "fopen", "sscanf", "fscanf", "scanf", "new", "puts",
    "fwrite", "write", "strlen", "get",
})  # fmt: skip
_DIES: Final = frozenset(
    {"abort", "exit", "_exit", "_Exit", "quick_exit", "ExitProcess", "err", "errx", "die", "terminate"}
)
_ASSERTS: Final = frozenset(
    {
        "assert",
        "ASSERT",
        "Q_ASSERT",
        "g_assert",
        "g_return_if_fail",
        "g_return_val_if_fail",
        "CHECK",
        "VERIFY",
        "RELEASE_ASSERT",
    }
)


@kept
def number_uses(facts: Facts) -> tuple[tuple[ir.Unit, ir.Function, NumberUse], ...]:
    """Every use of a number that somebody else chose and nothing compared, in the C and C++ of a program."""
    sight = Sight(facts)
    inputs: dict[int, list[tuple[object, ...]]] = {}
    found: dict[int, tuple[tuple[ir.Unit, ir.Function, NumberUse], ...]] = {}
    every = [(unit, function) for unit in sight.units for function in unit.functions]
    todo = every
    for _ in range(_ROUNDS):
        again: set[int] = set()
        names: set[str] = set()
        for unit, function in todo:
            walk = _Walk(sight, unit, function)
            walk.run(inputs.get(id(function), ()))
            found[id(function)] = tuple((unit, function, use) for use in walk.evaluator.uses.found.values())
            if walk.evaluator.stored.items() - sight.shared.items():
                sight.shared |= walk.evaluator.stored
                names |= {thing.name for _, thing in walk.evaluator.stored}
            summary = walk.summary()
            if walk.evaluator.carriers.records - sight.records:
                sight.records |= walk.evaluator.carriers.records
                names |= {thing.name for _, thing in walk.evaluator.carriers.records}
            if summary != sight.summaries.get(id(function), _NOTHING):
                sight.summaries[id(function)] = summary
                names.add(last_word(function.name))
            for called, given in walk.evaluator.calls.values():
                known = inputs.setdefault(id(called), [])
                if any(g is not None for g in given) and given not in known and len(known) < _CALLERS:
                    known.append(given)
                    again.add(id(called))
        todo = [(u, f) for u, f in every if id(f) in again or (names & u.words and names & _words(f))]
        if not todo:
            break
    return tuple(use for uses in found.values() for use in uses)


@kept
def _words(function: ir.Function) -> frozenset[str]:
    """The names that a function mentions."""
    return frozenset(
        part.name.rpartition("::")[2].partition("<")[0]
        for part in every_expression(function.body)
        if isinstance(part, ir.Name | ir.Member)
    )


class _Walk:
    """One function."""

    def __init__(self, sight: Sight, unit: ir.Unit, function: ir.Function) -> None:
        self.evaluator = Evaluator(sight, unit, function, self._refine)
        self.function = function
        self.gives: OutsideNumber | None = None
        self.record: NumberOrigin | None = None
        self.ends: list[Numbers] = []
        self.loops = 0

    def run(self, inputs: tuple[tuple[object, ...], ...] | list[tuple[object, ...]]) -> None:
        """Follow the function as nobody calls it, and as each of its callers does."""
        for given in ((), *inputs):
            state = Numbers()
            for parameter, what in zip(self.function.parameters, given, strict=False):
                if isinstance(what, OutsideNumber):
                    state.put(parameter.name, replace(what, name=parameter.name))
                elif isinstance(what, tuple):
                    origin, inside = what
                    if origin is not None:
                        state.fill(parameter.name, origin)
                    for rest, number in inside.items():
                        state.held[parameter.name + rest] = number
            last = self._block(self.function.body.body, state)
            if last is not None:
                self.ends.append(last)

    def summary(self) -> Summary:
        """What the function gives back and fills, by the ways out that ask most."""
        fills: dict[int, dict[str, OutsideNumber | NumberOrigin | None]] = {}
        for index, parameter in enumerate(self.function.parameters):
            if "*" not in parameter.type and "&" not in parameter.type:
                continue
            mine: dict[str, OutsideNumber | NumberOrigin | None] = {}
            for end in self.ends:
                for path, origin in end.records.items():
                    if path == parameter.name or path.startswith(f"{parameter.name}."):
                        mine.setdefault(path[len(parameter.name) :], origin)
                for path, number in end.held.items():
                    if path == parameter.name or path.startswith(f"{parameter.name}."):
                        rest = path[len(parameter.name) :]
                        before = mine.get(rest)
                        if not isinstance(before, OutsideNumber) or (number is not None and number.high):
                            mine[rest] = number
            mine = {rest: what for rest, what in mine.items() if what is not None or rest}
            if any(what is not None for what in mine.values()):
                fills[index] = mine
        return Summary(self.gives, fills, self.record)

    # Statements.

    def _block(self, body: tuple[ir.Statement, ...], state: Numbers | None) -> Numbers | None:
        for statement in body:
            if state is None:
                if not isinstance(statement, ir.Label):
                    continue
                state = Numbers()
            state = self._statement(statement, state)
        return state

    def _statement(self, statement: ir.Statement, state: Numbers) -> Numbers | None:
        value = self.evaluator.value
        match statement:
            case ir.Assign(target=target, value=given, operator=operator, line=line):
                if given is None:
                    state.put(place_named(target), None)
                else:
                    self.evaluator.store(target, given, operator, state, line)
            case ir.Evaluate(expression=expression):
                if isinstance(expression, ir.Call) and last_word(expression.name) in _ASSERTS and expression.arguments:
                    return self._refine(expression.arguments[0], state, truth=True)
                value(expression, state)
                if isinstance(expression, ir.Call) and last_word(expression.name) in _DIES:
                    return None
            case ir.Return(value=given):
                number = value(given, state)
                if number is not None and number.origin is not None:
                    self.gives = number if self.gives is None else self.gives.join(number)
                self.record = self.record or self.evaluator.carriers.record_of(given, state)
                self.ends.append(state)
                return None
            case ir.Raise() | ir.Jump():
                return None
            case ir.Block(body=body):
                return self._block(body, state)
            case ir.If(condition=condition, then=then, otherwise=otherwise):
                yes = self._refine(condition, state.copy(), truth=True)
                no = self._refine(condition, state.copy(), truth=False)
                other = self._block(otherwise.body, no) if otherwise is not None and no is not None else no
                return join(self._block(then.body, yes) if yes is not None else None, other)
            case ir.Loop():
                return self._loop(statement, state)
            case ir.Switch(subject=subject, cases=cases):
                value(subject, state)
                after = None if any(not c.values for c in cases) else state
                through: Numbers | None = None
                for case in cases:
                    inside = state.copy()
                    if case.values:
                        inside.vouch(place_named(subject))
                    end = self._block(case.body.body, join(inside, through))
                    through = end if case.falls_through else None
                    after = join(after, end if not _breaks(case.body) else join(inside, end))
                return join(after, through)
            case ir.Try(body=body, handlers=handlers):
                end = self._block(body.body, state.copy())
                for handler in handlers:
                    end = join(end, self._block(handler.body.body, state.copy()))
                return end
            case ir.With(body=body):
                return self._block(body.body, state)
        return state

    def _loop(self, loop: ir.Loop, state: Numbers) -> Numbers | None:
        self.loops += 1
        for _ in range(2 if self.loops <= _KEPT_APART else 1):
            inside: Numbers | None = state.copy()
            if loop.each is not None:
                self.evaluator.value(loop.each[1], inside)  # type: ignore[arg-type]
                origin = self.evaluator.carriers.record_of(loop.each[1], inside)  # type: ignore[arg-type]
                if origin is not None:
                    inside.fill(place_named(loop.each[0]), origin)  # type: ignore[union-attr]
            if loop.condition is not None and not loop.runs_first and inside is not None:
                self._counted(loop, inside)
                inside = self._refine(loop.condition, inside, truth=True)
            end = self._block(loop.body.body, inside) if inside is not None else None
            if end is not None:
                self.evaluator.values(loop.step, end)
                if loop.runs_first and loop.condition is not None:
                    end = self._refine(loop.condition, end, truth=True)
            state = join(state, end) or state
        self.loops -= 1
        if loop.condition is None:
            return state if _breaks(loop.body) else None
        after = self._refine(loop.condition, state, truth=False)
        for path in [p for p, n in after.held.items() if n is not None and n.counts] if after is not None else ():
            after.held[path] = None  # type: ignore[union-attr]
        return after

    def _counted(self, loop: ir.Loop, state: Numbers) -> None:
        """``i < n``: the counter goes as far as n, and is what is known of n."""
        for part in _conjuncts(loop.condition):
            if not isinstance(part, ir.Operation) or part.operator not in {"<", "<=", "!=", ">", ">="}:
                continue
            index, bound = part.operands if part.operator in {"<", "<=", "!="} else part.operands[::-1]
            bare = uncast(index)
            if isinstance(bare, ir.Operation) and bare.operator == "post":
                bare = uncast(bare.operands[0])
            if isinstance(bare, ir.AssignmentExpression):
                bare = uncast(bare.target)
            if isinstance(bare, ir.Operation) and bare.operator == "+" and isinstance(bare.operands[1], ir.Literal):
                bare = uncast(bare.operands[0])
            path = place_named(bare)
            known = state.held.get(path)
            if not isinstance(bare, ir.Name) or (known is not None and not known.counts and known.origin is not None):
                continue
            number = self.evaluator.value(bound, state)
            self._turned(bound, state)
            most = self.evaluator.rooms.number(bound)
            one = 0 if part.operator in {"<=", ">="} else 1
            if number is not None and number.origin is not None:
                limit = number.limit - one if number.limit is not None else None
                state.held[path] = replace(number, low=True, counts=True, limit=limit, whole="")
            elif most is not None and bare.name in _stepped(loop) and part.operator in {"<", "<="}:
                state.held[path] = OutsideNumber(bare.name, None, low=True, high=True, counts=True, limit=most - one)

    def _turned(self, bound: ir.Expression, state: Numbers) -> None:
        """``i < (unsigned)count`` of a number that may be negative: the loop goes on as if it were billions."""
        turns = isinstance(bound, ir.Cast) and is_integer(bound.type) and is_unsigned(bound.type)
        number = self.evaluator.value(bound.operand, state) if isinstance(bound, ir.Cast) and turns else None
        if number is not None and number.origin is not None and not (number.low or number.counts):
            self.evaluator.uses.note(number, bound.line, "turns", "", "lower")

    # Conditions.

    def _refine(self, condition: ir.Expression, state: Numbers, *, truth: bool) -> Numbers | None:
        """What is known where a condition holds, or does not."""
        match condition:
            case ir.Operation(operator="!", operands=(operand,)):
                return self._refine(operand, state, truth=not truth)
            case ir.Operation(operator="&&" | "||" as operator):
                every = (operator == "&&") is truth
                out: Numbers | None = None
                last: Numbers | None = state
                for part in chain(condition, operator):
                    if last is None:
                        break
                    if not every:
                        out = join(out, self._refine(part, last.copy(), truth=truth))
                    last = self._refine(part, last, truth=truth is every)
                return last if every else out
            case ir.Operation(operator=operator, operands=(one, other)) if operator in _MIRRORED:
                self._sums(condition, state)
                held = operator if truth else _OPPOSITE[operator]
                self._ask(one, held, other, state)
                self._ask(other, _MIRRORED[held], one, state)
                self._judged((one, other), state)
            case ir.Call(name=name, arguments=(inner, *_)) if "expect" in name or name in {"likely", "unlikely"}:
                return self._refine(inner, state, truth=truth)
            case ir.Call() if self._inline(condition, state, truth=truth):
                return state
            case ir.Literal(value=value) if value is not None:
                return state if bool(value) is truth else None
            case _:
                self.evaluator.value(condition, state)
                self._judged((condition,), state)
                for part in expressions(condition):
                    if isinstance(part, ir.Call) and last_word(part.name) not in _NO_VERDICT:
                        self._verdict(part, state)
        return state

    def _judged(self, asked: tuple[ir.Expression, ...], state: Numbers) -> None:
        """``at = place_of(offset, size); if (at < 0) return;``: what was asked of the arguments is known now."""
        for operand in asked:
            for path in self.evaluator.judges.get(place_named(operand), ()):
                state.vouch(path)

    def _sums(self, comparison: ir.Operation, state: Numbers) -> None:
        """``off + len > size`` of numbers of 32 bits: their sum may wrap, and passes then."""
        self.evaluator.asked += 1
        for operand in comparison.operands:
            number = self.evaluator.value(operand, state)
            named = isinstance(operand, ir.Name) and self.evaluator.width(operand) <= _NARROW
            sums = named or (isinstance(operand, ir.Operation) and operand.operator in {"+", "*"})
            sums = sums and comparison.operator[:1] in "<>"
            if number is not None and number.wraps and sums and number.low:
                self.evaluator.uses.note(number, comparison.line, "sum", "", "upper")
                for path in [p for p, n in state.held.items() if n is not None and n.origin == number.origin]:
                    state.vouch(path)  # one claim says it
        self.evaluator.asked -= 1

    def _inline(self, call: ir.Call, state: Numbers, *, truth: bool) -> bool:
        """A helper that is one expression: ``return slot < COUNT;`` asks no more than it says."""
        known = self.evaluator.sight.find(self.evaluator.unit, last_word(call.name))
        body = known.body.body if known is not None else ()
        if len(body) != 1 or not isinstance(body[0], ir.Return) or body[0].value is None or known is self.function:
            return False
        assert known is not None
        if any(isinstance(part, ir.Call) for part in expressions(body[0].value)):
            return False
        inner = Numbers()
        places = {p.name: place_named(a) for p, a in zip(known.parameters, call.arguments, strict=False)}
        for argument, parameter in zip(call.arguments, known.parameters, strict=False):
            inner.held[parameter.name] = self.evaluator.value(argument, state)
        walk = _Walk(self.evaluator.sight, self.evaluator.unit, known)
        after = walk._refine(body[0].value, inner, truth=truth)
        for name, place in places.items():
            number = after.held.get(name) if after is not None else None
            if place and number is not None:
                state.held[place] = replace(number, name=place.replace("[]", ""))
        return True

    def _verdict(self, call: ir.Call, state: Numbers) -> None:
        """A call that decides has looked at what it was given; what it fills is taken from its summary."""
        known = self.evaluator.sight.find(self.evaluator.unit, last_word(call.name))
        summary = self.evaluator.sight.summaries.get(id(known))
        for index, argument in enumerate(call.arguments):
            if summary is not None and index in summary.fills:
                continue
            for part in expressions(argument):
                if path := place_named(part):
                    state.vouch(path)

    def _ask(self, asked: ir.Expression, operator: str, limit: ir.Expression, state: Numbers) -> None:
        bare = uncast(limit)
        zero = isinstance(bare, ir.Literal) and not bare.value and not isinstance(bare.value, str)
        bound = None if zero else self.evaluator.value(_settled(limit), state)
        if bound is not None and bound.is_free and bound.limit is None and operator in {"<", "<=", "=="}:
            bare = uncast(asked)
            free = isinstance(bare, ir.Name) and state.held.get(bare.name) is None and operator != "=="
            if free and bound.origin is not None and bound.origin.words == FOREIGN:
                state.held[bare.name] = replace(bound, low=True, counts=True)  # type: ignore[union-attr]
            path = place_named(bare)
            if (number := state.held.get(path) or self.evaluator.value(bare, state)) is not None and path:
                state.held[path] = replace(number, counts=number.counts or isinstance(bare, ir.Item))
            return  # compared with another that nobody asked about
        most = self.evaluator.rooms.number(limit)
        if most is None and bound is not None and bound.is_free:
            most = bound.limit
        unsigned = isinstance(asked, ir.Cast) and is_integer(asked.type) and is_unsigned(asked.type)
        whole = whole_of(limit)
        inner = uncast(asked)
        made = inner.operator if isinstance(inner, ir.Operation) else ""
        alone = made in {"", "post"}
        if made in {"&", "%", "sizeof"}:
            return
        for part in self._summands(asked):
            path = place_named(part)
            number = state.held.get(path) if path in state.held else self.evaluator.value(part, state) if path else None
            if number is None:
                continue
            if operator in {"<", "<="}:
                end = most if most is not None else bound.limit if bound is not None else None
                least = end - (operator == "<") if end is not None and alone else None
                exact = whole if operator == "<=" and alone else ""
                state.held[path] = replace(
                    number,
                    high=True,
                    low=number.low or unsigned,
                    limit=_least(number.limit, least) if least is not None else None,
                    whole=exact,
                    wraps=False,
                    told=(number.told or not number.high) and self.evaluator.carriers.is_of_others(limit, bound),
                )
            elif operator in {">", ">="}:
                floor = not zero or operator == ">"
                state.held[path] = replace(
                    number, low=number.low or number.high or most is not None or floor, floor=True
                )
                if number.high is False and not number.low:
                    state.held[path] = replace(number, low=True, floor=True)
            elif operator == "==":
                state.held[path] = replace(number, low=True, high=True, floor=True, limit=most, whole="", wraps=False)
            elif operator == "!=" and number.counts:
                state.held[path] = replace(number, high=True)
            elif operator == "!=" and most == -1:  # the one negative number that says of an error
                state.held[path] = replace(number, low=True)

    def _summands(self, expression: ir.Expression) -> Iterator[ir.Expression]:
        bare = uncast(expression)
        if isinstance(bare, ir.AssignmentExpression):
            yield bare.target
        elif isinstance(bare, ir.Operation) and bare.operator in {"+", "*", "-", "/", ">>", "post", "<<", "deref"}:
            operands = bare.operands[:1] if bare.operator in {"-", "/", ">>", "<<"} else bare.operands
            for operand in operands:
                yield from self._summands(operand)
        elif isinstance(bare, ir.Call) and len(bare.arguments) == 1:
            yield from self._summands(bare.arguments[0])
        else:
            yield bare


def _settled(expression: ir.Expression) -> ir.Expression:
    """What an expression gives, without doing it again: the target of an assignment."""
    bare = uncast(expression)
    return bare.target if isinstance(bare, ir.AssignmentExpression) else expression


def _least(one: int | None, other: int) -> int:
    return other if one is None else min(one, other)


def _conjuncts(condition: ir.Expression | None) -> Iterator[ir.Expression]:
    match condition:
        case ir.Operation(operator="&&", operands=operands):
            for operand in operands:
                yield from _conjuncts(operand)
        case None:
            return
        case _:
            yield condition


def _stepped(loop: ir.Loop) -> set[str]:
    """The counters that the step of a loop moves on by one."""
    parts = (p for step in loop.step for p in expressions(step))
    return {place_named(p.target) for p in parts if isinstance(p, ir.AssignmentExpression) and p.operator == "+"}


def _breaks(block: ir.Block) -> bool:
    """Whether a break of this block leaves what it is the body of."""
    for statement in block.body:
        if isinstance(statement, ir.Jump) and statement.kind == "break":
            return True
        if isinstance(statement, ir.Loop | ir.Switch):
            continue
        inner: list[ir.Block] = []
        if isinstance(statement, ir.If):
            inner = [statement.then, *([statement.otherwise] if statement.otherwise is not None else [])]
        elif isinstance(statement, ir.Block):
            inner = [statement]
        elif isinstance(statement, ir.Try):
            inner = [statement.body, *(h.body for h in statement.handlers)]
        if any(map(_breaks, inner)):
            return True
    return False
