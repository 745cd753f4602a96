"""Is what a function takes from foreign code, and gives back on one way out, given back on every way out?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.practices import Practice
from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.bindings import Bindings
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.state import Spot
from loadstone.review.analyses.travel.checks import Learner, spelled
from loadstone.review.analyses.words import uncast
from loadstone.review.apis import ApiRole, tables
from loadstone.review.rules.half_made_objects import half_made
from loadstone.review.rules.left_descriptors import ALONE, left_descriptors
from loadstone.review.rules.places import PYTHON, step
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.skipped_ends import skipped_ends
from loadstone.review.rules.use_after_close import CLOSES
from loadstone.review.walk import calls, expressions, parts_of, statements

__all__ = ["RULE"]

_OWNERS: Final = frozenset(
    {"fdopen", "append", "add", "callback", "push", "enter_context", "register", "finalize", "open", "yield"}
)
"""Calls that take over what they are given."""


class _State(StrEnum):
    """What is known of the thing on one way."""

    OPEN = "open"
    GONE = "gone"  # given back, handed on, or never got
    NOT_YET = "not yet"


@dataclass(frozen=True, slots=True)
class _Thing:
    """A variable that holds what was taken: where it is taken, and whether it is a descriptor."""

    name: str
    line: int
    is_descriptor: bool
    status: str = ""


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    learner = Learner(tables(), lambda _call: [])
    for unit in facts.program.units:
        if unit.language is not ir.Language.PYTHON or not any(word in unit.text for word in ("ctypes", "ffi", "os.")):
            continue
        yield from half_made(rule, unit, facts.bindings[unit.path])
        if re.search(r"\bctypes|\bcffi|\bimportlib|\bdl(?:open|sym)", unit.text):
            yield from left_descriptors(rule, unit, facts.bindings[unit.path])
            yield from skipped_ends(rule, unit, facts.bindings[unit.path])
        for function in unit.functions:
            yield from _lent_out(rule, unit, function, facts.bindings[unit.path])
            for thing in _things(function, facts.bindings[unit.path]):
                walk = _Walk(thing, function, facts.bindings[unit.path], learner)
                walk.block(function.body.body, _State.NOT_YET)
                if walk.leaks and walk.kept:
                    yield _no(rule, unit, function, thing, sorted(set(walk.leaks)))


def _no(rule: Rule, unit: ir.Unit, function: ir.Function, thing: _Thing, lines: list[int]) -> Claim:
    more = f", and at {', '.join(map(str, lines[1:]))}" if len(lines) > 1 else ""
    return rule.no(
        f"{thing.name}, taken at line {thing.line}, is leaked at the exit at line {lines[0]}{more}.",
        Location.lines(unit.path, lines[0]),
        cwe=775 if thing.is_descriptor else 772,
        why=(
            step(Spot(unit.path, thing.line, function.name), "taken", "acquire"),
            *(step(Spot(unit.path, line, function.name), "left without giving it back", "use") for line in lines[:6]),
        ),
        context=function.name,
    )


def _things(function: ir.Function, bindings: Bindings) -> Iterator[_Thing]:
    released = {
        **_given_out(function, bindings),
        **{
            spelled(call.arguments[0]): call.line
            for call in calls(function.body.body)
            if call.arguments and _gives_back(call, function, bindings)
        },
    }
    seen: set[str] = set()
    for statement in statements(function.body.body):
        name, descriptor, status = "", False, ""
        if isinstance(statement, ir.Assign) and isinstance(value := uncast(statement.value), ir.Call):
            target = spelled(statement.target)
            descriptor = value.name in ALONE
            status = target
            foreign = bindings.symbol(value, function.owner) is not None
            makes = foreign or not value.name.startswith("ctypes.")  # an empty place for a handle is no handle yet
            if isinstance(statement.target, ir.Name) and makes and (descriptor or target in released):
                name = target
        if not name:
            for call in (p for p in parts_of(statement) if isinstance(p, ir.Call)):
                for argument in call.arguments:
                    given = uncast(argument)
                    if (
                        isinstance(given, ir.Call)
                        and given.name in {("ctypes.byref"), ("ctypes.pointer")}
                        and given.arguments
                    ):
                        of = spelled(given.arguments[0])
                        if of in released and call.line < released[of]:
                            name = of
        if name and "." not in name and name not in seen and statement.line < released.get(name, 1 << 30):
            seen.add(name)
            yield _Thing(name, statement.line, descriptor, status)


def _lent_out(rule: Rule, unit: ir.Unit, function: ir.Function, bindings: Bindings) -> Iterator[Claim]:
    """``yield handle`` of a context manager, and what gives it back behind it: an exception of the block skips that."""
    if not _MANAGERS & function.marks:
        return
    unsure = [function.body, *(s.body for s in statements(function.body.body) if isinstance(s, ir.With))]
    for block in unsure:
        lent = 0
        for statement in block.body:
            ended = next((c for c in calls((statement,)) if c.arguments and _gives_back(c, function, bindings)), None)
            if lent and ended is not None:
                yield rule.no(
                    f"{spelled(ended.arguments[0]) or 'What is lent'} is given back at line {ended.line} only when the "
                    f"block that is entered at line {lent} ends well: an exception leaves from the yield.",
                    Location.lines(unit.path, ended.line),
                    fix="Put the yield in a try, and give it back in its finally.",
                    why=(
                        step(Spot(unit.path, lent, function.name), "lent to the block", "call"),
                        step(Spot(unit.path, ended.line, function.name), "not reached when it raises", "release"),
                    ),
                    context=function.name,
                )
                break
            plain = not isinstance(statement, ir.Try | ir.If | ir.Loop)
            if plain and any(call.name == "yield" for call in calls((statement,))):
                lent = statement.line


_MANAGERS: Final = frozenset({"contextlib.contextmanager", "contextlib.asynccontextmanager"})
_WORD: Final = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_PHASES: Final = frozenset(
    {"open", "load", "create", "new", "alloc", "make", "close", "free", "destroy", "release", "delete", "ex", "w", "a"}
)


def _stem(symbol: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(symbol)) - _PHASES


def _given_out(function: ir.Function, bindings: Bindings) -> dict[str, int]:
    """What a function takes and returns, with the line it returns it at: the file declares what gives it back.

    ``module = LoadLibraryW(name)`` and ``return module``, with ``FreeLibrary`` declared: an exit between the two leaks.
    """
    ends = [_stem(symbol) for symbol in bindings.prototypes if CLOSES.search(symbol) and _stem(symbol)]
    taken: set[str] = set()
    for statement in statements(function.body.body) if ends else ():
        for call in (p for p in parts_of(statement) if isinstance(p, ir.Call)):
            symbol = bindings.symbol(call, function.owner) or ""
            if not _OPENS.search(symbol) or not any(end <= _stem(symbol) for end in ends):
                continue
            if isinstance(statement, ir.Assign) and uncast(statement.value) is call:
                taken.add(spelled(statement.target))
            for argument in (uncast(a) for a in call.arguments):
                if isinstance(argument, ir.Call) and argument.name in {"ctypes.byref", "ctypes.pointer"}:
                    taken |= {spelled(of) for of in argument.arguments[:1]}
    returns = [s for s in statements(function.body.body) if isinstance(s, ir.Return) and s.value is not None]
    return {name: s.line for s in returns for name in taken if name and _is_made_of(s.value, name)}


def _is_made_of(value: ir.Expression | None, name: str) -> bool:
    """``handle``, ``handle, size``, ``Session(self, handle)``."""
    match uncast(value):
        case ir.Name(name=found):
            return found == name
        case ir.Display(items=items):
            return any(_is_made_of(item, name) for item in items)
        case ir.Call(name=called, arguments=arguments) if called.rpartition(".")[2].lstrip("_")[:1].isupper():
            return any(_is_made_of(argument, name) for argument in arguments)
    return False


_OPENS: Final = re.compile(r"(?i)open|load|create|new|alloc")


def _gives_back(call: ir.Call, function: ir.Function, bindings: Bindings) -> bool:
    api = tables().get(call.name)
    if call.name == "os.close" or (api is not None and api.role in {ApiRole.UNLOAD, ApiRole.CLOSE}):
        return True
    symbol = bindings.symbol(call, function.owner)
    others = (uncast(argument) for argument in call.arguments[1:])
    of_part = any(
        isinstance(o, ir.Call) and simple(o.name) in {"byref", "pointer", "addressof", "cast"} for o in others
    )
    return symbol is not None and bool(CLOSES.search(symbol)) and not of_part  # release(camera, byref(frame))


class _Walk:
    """Every way through a function, by its structure: where is the thing still open at an exit?"""

    def __init__(self, thing: _Thing, function: ir.Function, bindings: Bindings, learner: Learner) -> None:
        self.thing = thing
        self.function = function
        self.bindings = bindings
        self.learner = learner
        self.leaks: list[int] = []
        self.kept = False
        self._status_is_old = False

    def block(self, body: Iterable[ir.Statement], state: _State) -> _State | None:
        """The state after a block; None when nothing comes after it."""
        current: _State | None = state
        for statement in body:
            if current is None:
                return None
            current = self._statement(statement, current)
        return current

    def _statement(self, statement: ir.Statement, state: _State) -> _State | None:
        if statement.line == self.thing.line and state is _State.NOT_YET:
            state = _State.OPEN
            if not isinstance(statement, ir.If):
                return state
            return self._arms(statement, state, took=True)
        if state is _State.OPEN and isinstance(statement, ir.Assign) and spelled(statement.target) == self.thing.status:
            self._status_is_old = True
        compound = isinstance(statement, (ir.If, ir.Try, ir.Loop, ir.With, ir.Block))
        if state is _State.OPEN and not compound and (self._ends(statement) or self._hands_on(statement)):
            state, self.kept = _State.GONE, True
        match statement:
            case ir.If():
                return self._arms(statement, state, took=False)
            case ir.Return() | ir.Raise() | ir.Jump():
                if state is _State.OPEN and not isinstance(statement, ir.Jump):
                    self.leaks.append(statement.line)
                return None
            case ir.Try():
                return self._try(statement, state)
            case ir.Loop(body=body):
                after = self.block(body.body, state)
                return state if after is None or after is state else after
            case ir.With(body=body, items=items):
                if any(self._mentions(context) for context, _ in items):
                    self.block(body.body, _State.GONE)
                    return _State.GONE if state is _State.OPEN else state
                return self.block(body.body, state)
            case ir.Block(body=inner):
                return self.block(inner, state)
        return state

    def _arms(self, statement: ir.If, state: _State, *, took: bool) -> _State | None:
        yes = no = state
        if state is _State.OPEN:
            failed_yes, failed_no = self._failed(statement.condition, took=took)
            yes = _State.GONE if failed_yes else state
            no = _State.GONE if failed_no else state
        after_yes = self.block(statement.then.body, yes)
        after_no = no if statement.otherwise is None else self.block(statement.otherwise.body, no)
        if after_yes is None or after_no is None:
            return after_no if after_yes is None else after_yes
        return _State.OPEN if _State.OPEN in {after_yes, after_no} else after_yes

    def _failed(self, condition: ir.Expression, *, took: bool) -> tuple[bool, bool]:
        """Whether the thing was never got if the condition holds, and if it does not."""
        names = {self.thing.name, f"{self.thing.name}.value"}
        on_yes = {name for name, kind in self.learner.learn(condition, holds=True) if kind == "false"}
        on_no = {name for name, kind in self.learner.learn(condition, holds=False) if kind == "false"}
        if names & on_yes or names & on_no:
            return bool(names & on_yes), bool(names & on_no)
        negative = self._is_negative(condition)
        if negative is not None:
            return negative, not negative
        status = "" if self._status_is_old else self.thing.status
        about_status = bool(status) and status != self.thing.name and self._is_about(condition, status)
        return (took or about_status), False

    def _is_negative(self, condition: ir.Expression) -> bool | None:
        """Whether a condition says that there is no descriptor (``fd < 0``), or that there is one; None for others."""
        match uncast(condition):
            case ir.Operation(operator="<" | "==" | ">=" | "!=" as operator, operands=(it, ir.Literal(value=value))):
                fails = value == (0 if operator in {"<", ">="} else -1)
                return operator in {"<", "=="} if fails and spelled(it) == self.thing.name else None
            case _:
                return None

    @staticmethod
    def _is_about(condition: ir.Expression, name: str) -> bool:
        return any(isinstance(part, (ir.Name, ir.Member)) and spelled(part) == name for part in expressions(condition))

    def _try(self, statement: ir.Try, state: _State) -> _State | None:
        final = statement.final
        closes = final is not None and any(self._ends(s) for s in statements(final.body))
        inner = _Walk(self.thing, self.function, self.bindings, self.learner)
        inner._status_is_old = self._status_is_old
        after = inner.block(statement.body.body, state)
        handled = [h for h in statement.handlers if any(self._ends(s) for s in statements(h.body.body))]
        leaks = [line for line in inner.leaks if not (handled and self._raises_at(statement.body, line))]
        self.kept = self.kept or inner.kept or bool(handled)
        if not closes:
            self.leaks += leaks
        for handler in statement.handlers:
            if not closes and state is _State.OPEN:
                ended = self.block(handler.body.body, state)
                after = ended if after is None else after
        if closes:
            return None if after is None and not statement.handlers else _State.GONE
        return after

    @staticmethod
    def _raises_at(block: ir.Block, line: int) -> bool:
        return any(isinstance(s, ir.Raise) and s.line == line for s in statements(block.body))

    def _ends(self, statement: ir.Statement) -> bool:
        return any(
            call.arguments
            and spelled(call.arguments[0]) == self.thing.name
            and _gives_back(call, self.function, self.bindings)
            for call in calls((statement,))
        )

    def _hands_on(self, statement: ir.Statement) -> bool:
        """Returned, stored, or given to something that owns what it is given."""
        match statement:
            case ir.Return(value=value) if value is not None:
                return self._is_in(value)
            case ir.Assign(target=ir.Member() | ir.Item(), value=value) if value is not None:
                return self._is_in(value)
            case ir.Evaluate(expression=ir.Call() as call) | ir.Assign(value=ir.Call() as call):
                word = call.name.rpartition(".")[2]
                if self.bindings.symbol(call, self.function.owner) is not None:
                    return False  # foreign code is lent what it is given
                return (word in _OWNERS or word[:1].isupper()) and any(map(self._is_in, call.arguments))
        return False

    def _is_in(self, value: ir.Expression) -> bool:
        """Whether a value is the thing, or holds it: a tuple, an object made with it."""
        match uncast(value):
            case ir.Name(name=name):
                return name == self.thing.name
            case ir.Display(items=items):
                return any(map(self._is_in, items))
            case ir.Call(arguments=arguments, keywords=keywords):
                return any(map(self._is_in, (*arguments, *(given for _, given in keywords))))
            case _:
                return False

    def _mentions(self, expression: ir.Expression) -> bool:
        return any(isinstance(part, ir.Name) and part.name == self.thing.name for part in expressions(expression))


RULE: Final = Rule(
    id="foreign-resource-leak",
    question=(
        "Is what a function takes from foreign code, and gives back on one way out, given back on every way out?"
    ),
    practice=Practice.OWNERSHIP,
    cwe=772,
    severity=Severity.MEDIUM,
    languages=PYTHON,
    why="Nothing closes a foreign handle when its variable goes: each early return keeps one for good.",
    fix="Give it back in a finally clause.",
    bad="handle = lib.db_open(name)\nif lib.db_check(handle):\n    return None\nlib.db_close(handle)\n",
    good="handle = lib.db_open(name)\ntry:\n    return lib.db_check(handle)\nfinally:\n    lib.db_close(handle)\n",
    references=("https://cwe.mitre.org/data/definitions/772.html", "https://cwe.mitre.org/data/definitions/775.html"),
    answer=_answer,
)
