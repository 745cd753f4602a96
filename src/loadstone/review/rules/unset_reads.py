"""C and C++: variables that are read where nothing has given them a value, or where what was to fill them failed.

A walk over the ways through one function (Kildall 1973, with the conditions that a way has decided kept beside the
variables, so that ``if (a) x = 1; if (a) use(x);`` is one way and not two). What a loop or a switch without a default
sets counts as set, and a function with too many ways is given up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from operator import eq, ge, gt, le, lt, ne
from typing import Final, TypeVar

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.graphs import graph_of
from loadstone.review.analyses.mentions import every_expression, every_statement, stores_in
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.control_flow import Graph, Kind, Node
from loadstone.review.rules.lookups import filled_names, looked_up, word
from loadstone.review.rules.lost_statuses import returned_by_type
from loadstone.review.walk import children, expressions

__all__ = ["UnsetRead", "unset_reads"]

_MOST: Final = 3000
"""Steps of one function; beyond that its ways are too many to tell apart."""

_SCALAR: Final = re.compile(
    r"(?:const |volatile |unsigned |signed |struct )*(?:.*\*|bool|char|short|int|long|long int|long long|float|double"
    r"|unsigned|size_t|ssize_t|u?int\d+_t|u?intptr_t|BOOL|DWORD|WORD|BYTE|UINT|HANDLE|HMODULE|HRESULT|LONG|FARPROC)\Z"
)
_STATUS: Final = re.compile(r"\A(?:int|long|LONG|\w*_status\w*|\w+_result\w*|\w*Result|\w*Status)\Z")
_LEAVES: Final = re.compile(
    r"(?i)die|fatal|abort|panic|bail|usage|exit|fail|assert|unreachable|throw|longjmp|\Aerrx?\Z"
)
_ASSEMBLY: Final = re.compile(r"\b(?:__)?asm(?:__)?\b")
_FILLS: Final = frozenset(
    {"stat", "lstat", "fstat", "stat64", "sscanf", "fscanf", "realpath", "getcwd", "dladdr", "dlinfo", "getrlimit"}
    | {"RegQueryValueExW", "RegQueryValueExA", "RegGetValueW", "GetModuleFileNameW", "GetModuleFileNameA", "readlink"}
    | {"GetTempPathW", "GetTempPathA", "GetCurrentDirectoryW", "fread", "pread", "GetFileSizeEx", "gethostname"}
    | {"CreateProcessW", "CreateProcessA", "GetExitCodeProcess", "fgets", "GetSystemDirectoryW", "clock_gettime"}
)
"""Functions of the system that leave what they are to fill alone when they fail. Source: their manual pages."""

_PRINTS: Final = frozenset({"printf", "fprintf", "snprintf", "sprintf", "strlen", "dlopen", "dlsym", "LoadLibraryW"})
"""Functions of C, which take no references."""

_NEGATIVE: Final = frozenset({"stat", "lstat", "fstat", "stat64", "dlinfo", "getrlimit", "clock_gettime"})
"""Those that fail with -1 and work with 0."""


@dataclass(frozen=True, slots=True)
class UnsetRead:
    """A variable, the line that reads it, the line it was declared or was to be filled at, and by what."""

    function: ir.Function
    name: str
    line: int
    since: int
    filler: str = ""
    dropped: bool = False


_Unset = tuple[int, str, str]
"""Since which line, what was to fill it, and how that went: ``""`` nothing, ``dropped``, ``failed``, or the variable
that holds its status."""

_T = TypeVar("_T")
_Facts = tuple[tuple[tuple[str, _Unset], ...], tuple[tuple[str, bool], ...], tuple[tuple[str, int], ...]]


def unset_reads(facts: Facts, unit: ir.Unit) -> Iterator[UnsetRead]:
    """The variables of a file that are read before anything has set them."""
    kept = filled_names(facts, unit)
    types = {m.name: m.type for c in unit.classes for m in c.members} | {v.name: v.type for v in unit.variables}
    for function in unit.functions:
        names = _asked_about(unit, function)
        lines = range(function.line, function.end_line + 1) if names else ()
        if names and not any(_ASSEMBLY.search(unit.line_text(line)) for line in lines):
            known = types | {p.name: p.type for p in function.parameters}
            known |= {word(s.target): s.type for s in _declared(function)}
            foreign = {
                name
                for name in kept | looked_up(facts, function)
                if _STATUS.match(returned_by_type(unit, known.get(name, "")))
            }
            takes_references = unit.language is ir.Language.CPP
            yield from _Ways(facts, graph_of(function, facts.apis), names, foreign, takes_references).found()


def _declared(function: ir.Function) -> Iterator[ir.Assign]:
    return (s for s in every_statement(function.body) if isinstance(s, ir.Assign) and s.declares)


def _asked_about(unit: ir.Unit, function: ir.Function) -> Mapping[str, bool]:
    """The variables that begin without a value, and whether they hold one value rather than many."""
    declared = [*_declared(function)]
    names = [word(s.target) for s in declared]
    inner = {
        e.name
        for c in every_expression(function.body)
        if isinstance(c, ir.Closure)
        for e in every_expression(c.function.body)
        if isinstance(e, ir.Name)
    }
    found = {}
    for statement, name in zip(declared, names, strict=True):
        if statement.value is not None or statement.static or names.count(name) != 1 or name in inner:
            continue
        kind = statement.type.strip()
        is_scalar = bool(_SCALAR.match(kind)) and "&" not in kind
        if is_scalar or unit.language is ir.Language.C or kind.isupper() or re.match(r"(?:char|wchar_t) \[", kind):
            found[name] = is_scalar
    return found


class _Ways:
    """The ways through one function."""

    def __init__(
        self, facts: Facts, graph: Graph, names: Mapping[str, bool], foreign: set[str], takes_references: bool
    ) -> None:
        self.facts = facts
        self.graph = graph
        self.names = names
        self.foreign = foreign
        self.takes_references = takes_references
        self.told: dict[str, UnsetRead] = {}

    def found(self) -> list[UnsetRead]:
        start: tuple[int, _Facts] = (0, ((), (), ()))
        work, seen = [start], {start}
        while work:
            if len(seen) > _MOST:
                return []
            index, state = work.pop()
            for following, after in self.step(self.graph.nodes[index], state):
                if following >= 0 and (following, after) not in seen:
                    seen.add((following, after))
                    work.append((following, after))
        return [*self.told.values()]

    def step(self, node: Node, state: _Facts) -> Iterator[tuple[int, _Facts]]:
        """Where a step goes on, and what is known there."""
        if node.kind is Kind.ENTER or node.kind is Kind.GAP:
            return
        if not state[0] and node.kind is not Kind.ASSIGN and node.kind is not Kind.TEST:  # nothing can be read unset
            if self._is_discarded(node) or not self._leaves(node.expression):
                yield from ((following, state) for following in node.next)
            return
        unset, decided, numbers = dict(state[0]), dict(state[1]), dict(state[2])
        if node.kind is Kind.LOOP and isinstance(node.statement, ir.Loop):
            self.set_in(node.statement.body, unset)
        switch = node.statement if node.kind is Kind.CHOOSE and isinstance(node.statement, ir.Switch) else None
        if switch is not None and all(case.values for case in switch.cases):
            for case in switch.cases:
                self.set_in(case.body, unset)
        is_dropped = node.kind is Kind.EVALUATE
        asked = None if self._is_discarded(node) else node.expression
        if asked is not None and self.read(asked, unset, top=asked, dropped=is_dropped):
            return
        if node.kind is Kind.ASSIGN and node.target is not None:
            self.store(node, unset, decided, numbers)
        if node.kind is Kind.TEST and len(node.next) == 2 and node.expression is not None:
            yield from self.test(node, unset, decided, numbers)
            return
        after = _packed(unset, decided, numbers)
        yield from ((following, after) for following in node.next)

    def _is_discarded(self, node: Node) -> bool:
        return isinstance(node.statement, ir.Evaluate) and isinstance(uncast(node.expression), ir.Name)

    def _leaves(self, part: ir.Expression | None) -> bool:
        """Whether an expression is a call that never comes back, by its name."""
        bare = uncast(part)
        is_known = isinstance(bare, ir.Call) and bare.name not in self.foreign
        return is_known and isinstance(bare, ir.Call) and _LEAVES.search(last_word(bare.name)) is not None

    def set_in(self, block: ir.Block, unset: dict[str, _Unset]) -> None:
        for store in stores_in(block):
            unset.pop(place_named(store.target).partition(".")[0], None)
        for part in every_expression(block):
            if isinstance(part, ir.Operation) and part.operator == "address":
                unset.pop(place_named(part), None)

    def store(self, node: Node, unset: dict[str, _Unset], decided: dict[str, bool], numbers: dict[str, int]) -> None:
        target = uncast(node.target)
        name = place_named(target).partition(".")[0].removesuffix("[]")
        statement = node.statement
        if isinstance(statement, ir.Assign) and statement.declares and statement.value is None:
            if name in self.names and isinstance(target, ir.Name):
                unset[name] = (node.line, "", "")
            return
        unset.pop(name, None)
        for place in [p for p, (_, _, how) in unset.items() if how == name]:
            unset.pop(place)
        for text in [t for t in decided if name and re.search(rf"\b{re.escape(name)}\b", t)]:
            del decided[text]
        numbers.pop(name, None)
        value = uncast(node.expression)
        number = _number(value)
        if isinstance(target, ir.Name) and number is not None:
            numbers[name] = number
        if isinstance(target, ir.Name) and isinstance(value, ir.Call):
            for place in [p for p, (_, _, how) in unset.items() if how == "?"]:
                since, filler, _ = unset[place]
                unset[place] = since, filler, name

    def test(
        self, node: Node, unset: dict[str, _Unset], decided: dict[str, bool], numbers: dict[str, int]
    ) -> Iterator[tuple[int, _Facts]]:
        """The two ways of a test, without the one that this way has ruled out before."""
        bare = uncast(node.expression)
        (text, plain), certain = _question(bare), _known(bare, numbers)
        for holds, following in zip((True, False), node.next, strict=True):
            answer = holds is plain
            if decided.get(text, answer) is not answer or (certain is not None and certain is not holds):
                continue
            after = dict(unset)
            for place, (since, filler, how) in unset.items():
                if how not in {"", "dropped", "failed"}:
                    failed = _fails(bare, how, filler, holds=holds)
                    if failed:
                        after[place] = since, filler, "failed"
                    elif failed is False:
                        del after[place]
            more = decided | ({text: answer} if text else {})
            yield following, _packed(after, more, numbers)

    def read(self, part: ir.Expression, unset: dict[str, _Unset], *, top: ir.Expression, dropped: bool) -> bool:
        """Note what an expression reads and fills; whether it never comes back."""
        bare = uncast(part)
        if isinstance(bare, ir.Name):
            self.tell(bare, unset)
        elif isinstance(bare, ir.Closure) or (isinstance(bare, ir.Operation) and bare.operator in {"sizeof", "typeof"}):
            return False
        elif isinstance(bare, ir.Operation) and (
            bare.operator == "address" or (self.takes_references and bare.operator == ">>")
        ):
            for operand in bare.operands:  # std::cin >> count
                unset.pop(place_named(operand).partition(".")[0], None)
        elif isinstance(bare, ir.AssignmentExpression):
            self.read(bare.value, unset, top=top, dropped=False)
            unset.pop(place_named(bare.target).partition(".")[0], None)
        elif isinstance(bare, ir.Operation) and bare.operator in {"&&", "||", "?:"}:
            self.read(bare.operands[0], unset, top=top, dropped=False)
            for operand in bare.operands[1:]:
                for inner in expressions(operand):
                    if isinstance(inner, ir.Operation) and inner.operator == "address":
                        unset.pop(place_named(inner).partition(".")[0], None)
        elif isinstance(bare, ir.Call):
            if self._leaves(bare):
                return True
            self.call(bare, unset, top=top, dropped=dropped)
        else:
            for child in children(bare):
                self.read(child, unset, top=top, dropped=False)
        return False

    def call(self, call: ir.Call, unset: dict[str, _Unset], *, top: ir.Expression, dropped: bool) -> None:
        called = word(call.function)
        fills = call.name in _FILLS or called in self.foreign
        is_top = uncast(top) is call
        self.read(call.function, unset, top=top, dropped=False)
        for argument in call.arguments:
            bare = uncast(argument)
            is_address = isinstance(bare, ir.Operation) and bare.operator == "address"
            is_array = isinstance(bare, ir.Name) and not self.names.get(bare.name, True)
            name = place_named(bare)
            if not (is_address or is_array) or name not in unset:
                if self._may_set(call, bare):
                    unset.pop(name, None)
                elif not is_address:
                    self.read(argument, unset, top=top, dropped=False)
                else:
                    unset.pop(name.partition(".")[0], None)
                continue
            if is_array and unset[name][2] in {"dropped", "failed"}:
                self.tell_of(name, bare.line, unset)
                continue
            if fills and unset[name][2] == "":
                how = "dropped" if is_top and dropped else "?"
                unset[name] = (call.line, called or call.name, how)
            else:
                unset.pop(name)

    def _may_set(self, call: ir.Call, argument: ir.Expression) -> bool:
        """Whether a call may set a variable that it is handed as it is: by reference, or as what may be a macro."""
        is_system = call.name in _FILLS or call.name in _PRINTS
        is_function = is_system or self.facts.is_defined(call.name) or self.facts.apis.get(call.name) is not None
        is_function = is_function or word(call.function) in self.foreign
        may_be_macro = call.name.isupper() or not is_function
        return isinstance(argument, ir.Name) and (may_be_macro or (self.takes_references and not is_system))

    def tell(self, name: ir.Name, unset: dict[str, _Unset]) -> None:
        if name.name in unset:
            self.tell_of(name.name, name.line, unset)

    def tell_of(self, name: str, line: int, unset: dict[str, _Unset]) -> None:
        since, filler, how = unset.pop(name)
        if how in {"dropped", "failed"} or (how == "" and self.names[name]):
            self.told.setdefault(
                name, UnsetRead(self.graph.function, name, line, since, filler, dropped=how == "dropped")
            )


def _packed(unset: dict[str, _Unset], decided: dict[str, bool], numbers: dict[str, int]) -> _Facts:
    return _sorted(unset), _sorted(decided) if unset else (), _sorted(numbers)


def _sorted(entries: dict[str, _T]) -> tuple[tuple[str, _T], ...]:
    return tuple(sorted(entries.items()) if len(entries) > 1 else entries.items())


def _question(part: ir.Expression) -> tuple[str, bool]:
    """What a condition asks, and whether it asks it straight: ``p``, ``p != 0``, ``!p`` and ``p == 0`` ask the same."""
    match uncast(part):
        case ir.Operation(operator="!", operands=(one,)):
            text, plain = _question(one)
            return text, not plain
        case ir.Operation(operator="==" | "!=" as operator, operands=(one, other)):
            if isinstance(zero := uncast(other), ir.Literal) and zero.value in {None, 0}:
                text, plain = _question(one)
                return text, plain is (operator == "!=")
            first, second = _text(one), _text(other)
            return f"{first} == {second}" if first and second else "", operator == "=="
    return _text(part), True


def _text(part: ir.Expression) -> str:
    """A condition as a text, by which the same one is known again; empty for one that sets something."""
    match uncast(part):
        case ir.Name(name=name):
            return name
        case ir.Member(base=base, name=name):
            return f"{_text(base)}.{name}"
        case ir.Literal(value=value):
            return repr(value)
        case ir.Item(base=base, index=index):
            return f"{_text(base)}[{_text(index)}]"
        case ir.Call(name=name, arguments=arguments):
            return f"{name}({','.join(map(_text, arguments))})"
        case ir.Operation(operator=operator, operands=operands) if operator != "post":
            return f"{operator}({','.join(map(_text, operands))})"
    return ""


def _known(part: ir.Expression, numbers: Mapping[str, int]) -> bool | None:
    """How a test comes out, where the variable in it holds a number that is known."""
    bare = uncast(part)
    if isinstance(bare, ir.Name) and bare.name in numbers:
        return numbers[bare.name] != 0
    if isinstance(bare, ir.Operation) and bare.operator == "!" and word(bare.operands[0]) in numbers:
        return isinstance(uncast(bare.operands[0]), ir.Name) and numbers[word(bare.operands[0])] == 0
    if isinstance(bare, ir.Operation) and bare.operator in _COMPARES and len(bare.operands) == 2:
        first, second = bare.operands
        number = _number(second)
        if isinstance(first, ir.Name) and first.name in numbers and number is not None:
            return _COMPARES[bare.operator](numbers[first.name], number)
    return None


_COMPARES: Final[Mapping[str, Callable[[int, int], bool]]] = {
    "==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge,
}  # fmt: skip


def _number(part: ir.Expression | None) -> int | None:
    """The number that an expression writes down; null is 0, and EOF is -1 (C17 7.21.1: negative)."""
    match uncast(part):
        case ir.Literal(value=int() | None as value):
            return int(value or 0)
        case ir.Name(name="EOF"):
            return -1
        case ir.Operation(operator="-", operands=(ir.Literal(value=int() as value),)):
            return -value
    return None


def _fails(test: ir.Expression, status: str, filler: str, *, holds: bool) -> bool | None:
    """Whether a way of a test is the one where what fills a variable failed; None where the test tells nothing."""
    if not isinstance(test, ir.Operation) or not test.operands:
        return None
    first = uncast(test.operands[0])
    is_it = (isinstance(first, ir.Call) and status == "?") or (isinstance(first, ir.Name) and first.name == status)
    if not is_it:
        return None
    other = uncast(test.operands[1]) if len(test.operands) == 2 else None
    number = other.value if isinstance(other, ir.Literal) else None
    asks_failure = (test.operator, number) in {("<", 0), ("==", -1)}
    asks_success = (test.operator, number) in {(">=", 0), ("!=", -1)}
    if filler in _NEGATIVE:
        asks_failure = asks_failure or (test.operator, number) == ("!=", 0)
        asks_success = asks_success or (test.operator, number) == ("==", 0) or test.operator == "!"
    if asks_failure or asks_success:
        return holds if asks_failure else not holds
    return False
