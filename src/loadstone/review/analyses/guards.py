"""Guards: conditions that keep what follows from running on a bad value, and what each of them is a test of.

A guard is a condition one of whose sides leaves (``return``, ``raise``, ``goto``, ``continue``, a call that never
comes back), an assertion, a condition that encloses the only use, or a comparison a checking function returns. What
it tests is told by where the tested value came from in the same function: the result of a call, a parameter, state
that outlives the call, or a number that names a version, a kind or a size. Nothing here follows paths: a guard is a
place in the source, and whether it is enough is for the rules that follow values to say.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from loadstone.review import ir
from loadstone.review.apis import ApiRole, Tables
from loadstone.review.walk import blocks, children, expressions, parts, parts_of, statements
from loadstone.review.walk import last_word as simple

__all__ = ["Asks", "Guard", "guards_of", "simple", "words_in"]


class Asks(StrEnum):
    """What a guard is a test of."""

    RESULT = "the result of a call"
    INPUT = "a value that came in"
    STATE = "state that outlives the call"
    FORM = "a version, kind or size"
    OPTIONAL = "a function that may be missing"


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard: its lines, what it tests, and the function it stands in."""

    line: int
    end_line: int
    asks: frozenset[Asks]
    function: ir.Function


_FORM: Final = re.compile(
    r"(?i)version|\babi|abi\b|_abi|api_?(?:level|ver)|_api\b|magic|\bkind\b|_kind|_?type\b|\bcb_?size|revision"
    r"|sizeof|isinstance|hasattr|iid|ident|\bmajor|class\b|e_machine"
)
"""Words of what says how a thing is laid out, or which one it is."""

_STATE: Final = re.compile(
    r"(?i)ref(?:s|count|_|\b)|count|open|clos|load|state|busy|runn|live|alive|activ|use[rs]?\b|in_?use"
    r"|pin(?:ned)?\b|thread|start"
    r"|init|ready|done|lib|handle|dll|\bfd|module|stop|quit|shut|attach|resid|registered|owner|instance"
)

_QUESTION: Final = re.compile(
    r"(?i)\A(?:str|wcs|mem|_?tcs|lstr)n?i?(?:case)?(?:cmp|str|r?chr|spn|cspn|pbrk|len)"
    r"|\A(?:is|has|can|may|valid|check|verify|allow|accept|contain|starts|ends|match|exist|find|fullmatch|known"
    r"|trusted|search|any|all|index|look|test)"
    r"|(?:valid|allowed|trusted|exists|match|matches|safe|ok|known|absolute|equal|equals|compare|compare_digest"
    r"|access|l?stat|fstat)\Z"
)
"""Names of calls whose answer is about their argument."""

_MEASURE: Final = re.compile(
    r"(?i)(?:\A|_)(?:len|length|size|count|sizeof|strlen|wcslen|lstrlenw?|getsize|st_size|n?bytes|number\w*)\Z"
    r"|Size\Z|Length\Z"
)
_READS: Final = re.compile(r"(?i)read|recv|gets?\Z|getline|scan|parse|argv|optarg|input|loads?\Z|split|fetch")
_ABORTS: Final = re.compile(
    r"(?i)\A(?:die|fatal|fail|panic|usage|abort|bail|exit|error_exit|croak|throw\w*|raise\w*)\Z"
)
_ASSERTS: Final = re.compile(
    r"(?i)\A(?:q_|g_|sdl_|static_|bug_)?(?:assert|ensure|require|check|expect|verify"
    r"|return_(?:val_)?if_fail)(?:_?\w+)?\Z"
)
_LOGIC: Final = frozenset({"&&", "||", "!", ","})
_COMPARES: Final = frozenset({"==", "!=", "<", "<=", ">", ">=", "in", "not in"})
_ORDERS: Final = frozenset({"<", "<=", ">", ">="})
_MAX_SPAN: Final = 6
"""Lines of a guard that are shown: the condition and how it leaves."""


def words_in(expression: ir.Expression) -> Iterator[str]:
    """The names, members and calls an expression mentions."""
    for part in expressions(expression):
        match part:
            case ir.Name(name=name) | ir.Member(name=name):
                yield simple(name)
            case ir.Call(name=name):
                yield simple(name)
            case ir.Operation(operator="sizeof"):
                yield "sizeof"


def guards_of(
    function: ir.Function, tables: Tables, called: Collection[str] = (), judges: Collection[str] = ()
) -> Iterator[Guard]:
    """The guards of one function, in source order.

    ``called`` are names of members and variables the program calls through: a test of one is a test of a function
    that may be missing. ``judges`` are functions that are handed results of other calls to judge.
    """
    finder = _Finder(function, tables, called, simple(function.name) in judges)
    yield from finder.found()


@dataclass(slots=True)
class _Finder:
    function: ir.Function
    tables: Tables
    called: Collection[str]
    judges: bool
    origins: dict[str, Asks] | None = None

    def found(self) -> Iterator[Guard]:
        self.origins = {p.name: Asks.RESULT if self.judges else Asks.INPUT for p in self.function.parameters}
        for statement in statements(self.function.body.body):
            yield from self._guard(statement)
            self._learn(parts_of(statement))
            self._assigned(statement)

    def _guard(self, statement: ir.Statement) -> Iterator[Guard]:
        match statement:
            case ir.If(condition=condition):
                left = next((arm for arm in blocks(statement) if self._leaves(arm)), None)
                if left is not None or self._encloses_use(statement):
                    end = statement.line if left is None else max(statement.line, left.end_line)
                    self._learn(expressions(condition))
                    yield from self._made(condition, statement.line, end)
            case ir.Loop(condition=condition) if condition is not None:
                self._learn(expressions(condition))
                yield from self._made(condition, statement.line, statement.line)
            case ir.Return(value=ir.Operation(operator=operator) as value) if operator in _COMPARES | _LOGIC | {"?:"}:
                yield from self._made(value, statement.line, statement.line)
            case ir.Return(value=ir.Call(name=name) as value) if _QUESTION.search(simple(name)):
                yield from self._made(value, statement.line, statement.line)
        for part in parts_of(statement):
            if isinstance(part, ir.Operation) and part.operator == "?:":
                yield from self._made(part.operands[0], part.line, part.line)
            elif isinstance(part, ir.Call) and part.arguments and self._asserts(part.name):
                yield from self._made(part.arguments[0], part.line, max(part.line, part.end_line))

    def _asserts(self, name: str) -> bool:
        api = self.tables.get(name)
        return (api is not None and api.role is ApiRole.ASSERTION) or bool(_ASSERTS.match(simple(name)))

    def _made(self, condition: ir.Expression, line: int, end: int) -> Iterator[Guard]:
        asks = frozenset(ask for atom in _atoms(condition) for ask in self._asked(atom))
        if asks:
            yield Guard(line, min(end, line + _MAX_SPAN), asks, self.function)

    # What leaves.

    def _leaves(self, block: ir.Block) -> bool:
        """Whether a block ends the function, the turn of the loop, or jumps to where things are put away."""
        for statement in reversed(block.body):
            match statement:
                case ir.Return() | ir.Raise():
                    return True
                case ir.Jump():
                    return True
                case ir.Block():
                    return self._leaves(statement)
                case ir.Evaluate(expression=ir.Call(name=name)):
                    api = self.tables.get(name)
                    return (api is not None and api.ends) or bool(_ABORTS.match(simple(name)))
                case ir.If(otherwise=ir.Block() as otherwise):
                    return self._leaves(statement.then) and self._leaves(otherwise)
                case _:
                    return False
        return False

    @staticmethod
    def _encloses_use(statement: ir.If) -> bool:
        """``if (p) p->go()``: what is tested is used inside, and only there; ``if (bad) report(...)`` says so."""
        tested = {part.name for part in expressions(statement.condition) if isinstance(part, (ir.Name, ir.Member))}
        return any(
            (isinstance(part, (ir.Name, ir.Member)) and part.name in tested) for part in parts(statement.then.body)
        )

    # Where values come from.

    def _assigned(self, statement: ir.Statement) -> None:
        if isinstance(statement, ir.Assign) and statement.value is not None:
            self._bind(statement.target, statement.value)
        elif isinstance(statement, ir.Loop) and statement.each is not None:
            for part in expressions(statement.each[0]):
                if isinstance(part, ir.Name):
                    self._note(part.name, Asks.INPUT)

    def _learn(self, every: Iterable[ir.Expression]) -> None:
        """Stores among these, and what calls write through their arguments."""
        for part in every:
            if isinstance(part, ir.AssignmentExpression):
                self._bind(part.target, part.value)
            elif isinstance(part, ir.Call):
                ask = Asks.INPUT if _READS.search(simple(part.name)) else Asks.RESULT
                for argument in part.arguments:
                    given = _addressed(argument)
                    if isinstance(given, ir.Name):
                        self._note(given.name, ask)

    def _note(self, name: str, ask: Asks) -> None:
        assert self.origins is not None
        self.origins[name] = ask

    def _bind(self, target: ir.Expression, value: ir.Expression) -> None:
        if isinstance(target, ir.Name):
            self._note(target.name, self._origin(value))

    def _origin(self, value: ir.Expression) -> Asks:
        assert self.origins is not None
        bare = _bare(value)
        match bare:
            case ir.Call(name=name):
                if _READS.search(simple(name)) and not self._is_ours(name):
                    return Asks.INPUT
                return Asks.RESULT
            case ir.Name(name=name):
                return self.origins.get(name, Asks.STATE)
            case ir.Member() | ir.Item():
                root = _root(bare)
                return self.origins.get(root, Asks.STATE) if root not in _SELVES else Asks.STATE
        for part in expressions(bare):
            if isinstance(part, ir.Call):
                return Asks.RESULT
            if isinstance(part, ir.Name) and part.name in self.origins:
                return self.origins[part.name]
        return Asks.STATE

    def _is_ours(self, name: str) -> bool:
        api = self.tables.get(name)
        return api is not None and api.role in {ApiRole.LOAD, ApiRole.RESOLVE, ApiRole.UNLOAD, ApiRole.FIND}

    # What an atom of the condition asks.

    def _asked(self, atom: ir.Expression) -> Iterator[Asks]:
        words = [*words_in(atom)]
        if any(_FORM.search(word) for word in words):
            yield Asks.FORM
            yield Asks.INPUT
        orders = isinstance(atom, ir.Operation) and atom.operator in _ORDERS
        member = any(isinstance(part, (ir.Member, ir.Item)) for part in expressions(atom))
        if any(name in self.called for name in _held(atom)) and not orders:
            yield Asks.OPTIONAL
            yield Asks.RESULT
        if isinstance(atom, ir.Operation) and atom.operator in {"in", "not in"}:
            yield Asks.INPUT
        if any(_MEASURE.search(word) for word in words) and isinstance(atom, ir.Operation):
            yield Asks.INPUT
        for call in (part for part in expressions(atom) if isinstance(part, ir.Call)):
            yield Asks.INPUT if _QUESTION.search(simple(call.name)) else Asks.RESULT
        yield from self._of_names(atom, orders=orders, member=member)

    def _of_names(self, atom: ir.Expression, *, orders: bool, member: bool) -> Iterator[Asks]:
        assert self.origins is not None
        for part in expressions(atom):
            if isinstance(part, ir.Member):
                if _STATE.search(part.name) or _root(part) in _SELVES:
                    yield Asks.STATE
                else:
                    yield Asks.INPUT
            if not isinstance(part, ir.Name):
                continue
            origin = self.origins.get(part.name)
            if origin is not None:
                yield origin
                if origin is Asks.RESULT and orders:  # a length or a count that came back is held against a bound
                    yield Asks.INPUT
                    yield Asks.FORM
            elif not part.name.isupper() and part.name not in _SELVES and not member:
                yield Asks.STATE


_SELVES: Final = frozenset({"self", "this", "cls"})


def _held(atom: ir.Expression) -> Iterator[str]:
    """The variables and members an atom asks about, functions it calls left out."""
    functions = {id(part.function) for part in expressions(atom) if isinstance(part, ir.Call)}
    for part in expressions(atom):
        if isinstance(part, (ir.Name, ir.Member)) and id(part) not in functions:
            yield part.name


def _bare(expression: ir.Expression) -> ir.Expression:
    while True:
        match expression:
            case ir.Cast(operand=operand):
                expression = operand
            case ir.Operation(operator="!" | "await" | "-" | "deref" | "new", operands=(operand, *_)):
                expression = operand
            case ir.AssignmentExpression(value=value):
                expression = value
            case _:
                return expression


def _root(expression: ir.Expression) -> str:
    """The variable a chain of members starts from; empty when it starts from something else."""
    while isinstance(expression, (ir.Member, ir.Item, ir.Cast, ir.Operation)):
        match expression:
            case ir.Member(base=base) | ir.Item(base=base):
                expression = base
            case ir.Cast(operand=operand):
                expression = operand
            case ir.Operation(operands=operands):
                if not operands:
                    return ""
                expression = operands[0]
    return expression.name if isinstance(expression, ir.Name) else ""


def _addressed(argument: ir.Expression) -> ir.Expression | None:
    """What a call may write to: ``&x``, ``byref(x)``."""
    match _cast_off(argument):
        case ir.Operation(operator="address", operands=(operand,)):
            return operand
        case ir.Call(name="ctypes.byref" | "ctypes.pointer" | "ctypes.addressof", arguments=(operand, *_)):
            return operand
        case _:
            return None


def _cast_off(expression: ir.Expression) -> ir.Expression:
    while isinstance(expression, ir.Cast):
        expression = expression.operand
    return expression


def _atoms(condition: ir.Expression) -> Iterator[ir.Expression]:
    """The comparisons and plain values a condition is put together from."""
    stack = [condition]
    while stack:
        current = _cast_off(stack.pop())
        if isinstance(current, ir.Operation) and current.operator in _LOGIC:
            stack.extend(reversed(children(current)))
        else:
            yield current
