"""Python: is what foreign code gave released once, and after everything that needs it?

A function is walked by its structure with the set of expressions that are surely released: what an ``if`` releases on
one arm only is not; a new value takes an expression out. A method or a helper of the program that surely releases what
it is given, or what its object holds, releases it where it is called.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.practices import Practice
from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.bindings import Bindings, ForeignResult
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.state import Spot
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.travel.names import Routine
from loadstone.review.analyses.words import uncast
from loadstone.review.apis import tables
from loadstone.review.rules.collector_releases import aliases, released_by, released_twice_or_late
from loadstone.review.rules.ended_by_leaving import ended_by_finally, ended_by_with, keeper_of
from loadstone.review.rules.global_phases import ended_for_all
from loadstone.review.rules.owned_twice import owned_twice
from loadstone.review.rules.places import PYTHON, step
from loadstone.review.rules.release_summaries import ReleaseSummaries, sets
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.use_after_close import SYSTEM, library_of
from loadstone.review.walk import calls, expressions, parts, statements, tops

__all__ = ["RULE"]

_SPEAKS: Final = ("ctypes", "ffi")
_READERS: Final = frozenset(
    {"string_at", "wstring_at", "string", "unpack", "buffer", "memmove", "from_address", "cast"}
)
_KEEPERS: Final = frozenset({"append", "add", "insert", "setdefault", "put", "appendleft"})
_LOOKUPS: Final = frozenset({"GetProcAddress", "dlsym"})
"""Foreign functions that give a function of the library they are asked about."""

_POINTERS: Final = frozenset({ForeignResult.ADDRESS, ForeignResult.POINTER, ForeignResult.TEXT})

_LIBRARIES: Final = frozenset({"CDLL", "WinDLL", "OleDLL", "PyDLL"})
_ENDINGS: Final = ("__exit__", "close", "__del__")
"""Methods that end an object, by their usual names."""

Released = dict[str, Spot]


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    summaries = ReleaseSummaries(facts)
    for routine in facts.travels.names.routines:
        if any(word in routine.unit.text for word in _SPEAKS):
            yield from _Walk(rule, facts, routine, summaries, aliases(routine.function)).answer()
    for unit in facts.program.units:
        if unit.language is ir.Language.PYTHON and any(word in unit.text for word in _SPEAKS):
            yield from owned_twice(rule, unit, facts.bindings[unit.path])
            yield from released_twice_or_late(rule, unit, facts.bindings[unit.path])
            yield from ended_for_all(rule, unit, facts.bindings[unit.path])


@dataclass(slots=True)
class _Walk:
    """One function: what is surely released where, what is derived from what, and which uses come after."""

    rule: Rule
    facts: Facts
    routine: Routine
    summaries: ReleaseSummaries
    aliases: dict[str, str]  # a variable -> the attribute it was read from
    derived: dict[str, str] = field(default_factory=dict)  # a pointer -> the handle it was read from
    libraries: set[str] = field(default_factory=set)  # variables that hold a library of ctypes
    claims: list[Claim] = field(default_factory=list)
    said: set[str] = field(default_factory=set)
    descriptors: set[str] = field(default_factory=set)  # released by the system, not by the library
    arm: Released = field(default_factory=dict)  # what the last ``if`` or loop had released on one way out of it
    breaks: list[list[Released]] = field(default_factory=list)  # of each loop around: what was released at its breaks
    leaving: list[Released] = field(default_factory=list)  # what ends with each ``with`` and ``try`` around

    @property
    def bindings(self) -> Bindings:
        return self.facts.bindings[self.routine.unit.path]

    def answer(self) -> list[Claim]:
        """The claims of the whole function."""
        self.block(self.routine.function.body.body, {})
        return self.claims

    def block(self, body: Iterable[ir.Statement], released: Released) -> Released | None:
        """What is released after a block; None when nothing comes after it."""
        current: Released | None = dict(released)
        perhaps: Released = {}  # released on a way that comes back to this block
        for statement in body:
            if current is None:
                return None
            if perhaps and isinstance(statement, ir.Assign | ir.Evaluate | ir.Return):
                self._after_all(statement, perhaps)
                name = spelled(statement.target) if isinstance(statement, ir.Assign) else ""
                perhaps = {n: s for n, s in perhaps.items() if name not in {n, n.partition(".")[0]}}
            before = current
            current = self.statement(statement, current)
            if isinstance(statement, ir.If) and _leaves_on_one_arm(statement):
                perhaps = {}  # whoever released it may be gone here
            elif isinstance(statement, ir.Loop) or (isinstance(statement, ir.If) and statement.otherwise is None):
                perhaps |= {n: s for n, s in self.arm.items() if n not in before and not n.endswith(".")}
        return current

    def _after_all(self, statement: ir.Statement, perhaps: Released) -> None:
        """A statement that runs whether or not the arm before it has released something."""
        for top in tops(statement):
            self._uses(top, perhaps)
        for call in calls((statement,)):
            name = released_by(call, self.bindings, self.routine.function.owner)
            self._again(library_of(self.aliases.get(name, name)), call, perhaps)
        self._stored(statement, perhaps)

    def statement(self, statement: ir.Statement, released: Released) -> Released | None:
        for top in tops(statement):
            self._uses(top, released)
        match statement:
            case ir.If(then=then, otherwise=otherwise):
                yes = self.block(then.body, released)
                released = self._after(self._in_condition(statement), released)  # ``if lib.close(h) != 0: raise``
                no = released if otherwise is None else self.block(otherwise.body, released)
                self.arm = yes or {}
                return _both(yes, no)
            case ir.Try(body=body, handlers=handlers, otherwise=otherwise, final=final):
                ends = ended_by_finally(final, self.bindings, self.routine.function.owner) if final is not None else ()
                self.leaving.append({name: self._spot(line) for name, line in ends})
                after = self.block(body.body, released)
                if after is not None and otherwise is not None:
                    after = self.block(otherwise.body, after)
                self.leaving.pop()
                for handler in handlers:
                    ended = self.block(handler.body.body, released)
                    after = ended if after is None else _both(after, ended)
                if final is None:
                    return after
                ended = self.block(final.body, after if after is not None else released)
                return None if after is None else ended
            case ir.With(body=inner, items=items):
                closed = {
                    name: self._spot(line)
                    for name, line in ended_by_with(self.facts, self.routine, statement, self.summaries.ends_itself)
                }
                self.leaving.append(closed)
                after = self.block(inner.body, released)
                self.leaving.pop()
                return None if after is None else after | closed | dict(self._closed_with(items))
            case ir.Block(body=within):
                return self.block(within, released)
            case ir.Loop():
                return self._loop(statement, released)
            case ir.Return() | ir.Raise() | ir.Jump():
                self._stored(statement, released)
                if isinstance(statement, ir.Return):
                    self._given(statement)
                elif isinstance(statement, ir.Jump) and statement.kind == "break" and self.breaks:
                    self.breaks[-1].append(released)
                return None
            case ir.Assign(target=target, value=value):
                self._stored(statement, released)
                self._derive(target, value)
                name = spelled(target)
                after = {n: s for n, s in released.items() if n != name and not n.startswith(f"{name}.")}
                return self._after(calls((statement,)), after) if name else after
            case ir.Evaluate(expression=expression):
                self._stored(statement, released)
                return None if self._leaves(expression) else self._after(calls((statement,)), released)
        return released

    def _spot(self, line: int) -> Spot:
        return Spot(self.routine.unit.path, line, self.routine.function.name)

    def _loop(self, loop: ir.Loop, released: Released) -> Released:
        """A loop's body, and once more with what a whole round of it has released."""
        self.breaks.append([])
        after = self.block(loop.body.body, released)
        each = expressions(loop.each[0]) if loop.each is not None else ()
        assigned = {spelled(s.target) for s in statements(loop.body.body) if sets(s)} | {spelled(e) for e in each}
        assigned |= {spelled(p.target) for p in parts(loop.body.body) if isinstance(p, ir.AssignmentExpression)}
        again = {n: s for n, s in (after or {}).items() if n not in released and not _is_of(n, assigned)}
        if again:
            self.block(loop.body.body, released | again)
        ways = self.breaks.pop()
        self.arm = {n: s for way in ways for n, s in way.items() if n not in released} if not loop.otherwise else {}
        return {n: s for n, s in released.items() if n not in assigned}

    def _given(self, statement: ir.Return) -> None:
        """What is returned out of a ``with`` or a ``try`` whose end releases what it needs."""
        ending = {name: spot for leaving in self.leaving for name, spot in leaving.items()}
        if not ending or any(c.name == "yield" for c in calls(self.routine.function.body.body)):
            return
        name = keeper_of(self.facts, self.routine, statement.value, self.derived, ending)
        if name:
            message = f"What is returned needs {name}, which is given back when the block is left."
            self._no(name, ending[name], statement.line, 416, message)

    def _closed_with(self, items: Iterable[tuple[ir.Expression, ir.Expression | None]]) -> Iterator[tuple[str, Spot]]:
        """``with os.fdopen(fd) as file:`` closes the descriptor too when it ends."""
        for context, _ in items:
            made = uncast(context)
            if not isinstance(made, ir.Call) or made.name != "os.fdopen" or not made.arguments:
                continue
            name = spelled(made.arguments[0])
            if name and "closefd" not in dict(made.keywords):
                self.descriptors.add(name)
                yield name, Spot(self.routine.unit.path, made.line, self.routine.function.name)

    def _leaves(self, expression: ir.Expression) -> bool:
        """Whether a call never comes back: of the system, or of the program."""
        if not isinstance(expression, ir.Call):
            return False
        api = tables().get(expression.name)
        ends = api is not None and api.ends
        return ends or self.facts.travels.names.never_returns(self.routine, expression)

    def _derive(self, target: ir.Expression, value: ir.Expression | None) -> None:
        name = spelled(target)
        self.derived.pop(name, None)
        for part in expressions(value) if name else ():
            if isinstance(part, ir.Call) and part.arguments and simple(part.name) in _LOOKUPS:
                self.derived[name] = spelled(part.arguments[0])
                return
        made = uncast(value)
        if isinstance(made, ir.Member) and name and spelled(made.base) in self.libraries:
            self.derived[name] = spelled(made.base)  # ``run = lib.run``
        if isinstance(made, ir.Call) and simple(made.name) in _LIBRARIES and name:
            self.libraries.add(name)
        if not name or not isinstance(made, ir.Call) or not made.arguments:
            return
        given = self.bindings.prototype(made, self.routine.function.owner)
        handle = spelled(made.arguments[0])
        lies = given is not None and (given.by_cffi or given.result is not ForeignResult.TEXT)
        if given is not None and lies and handle and given.result in _POINTERS:
            self.derived[name] = handle

    @staticmethod
    def _in_condition(statement: ir.If) -> Iterator[ir.Call]:
        """The calls of a condition that leaves when one of them failed."""
        if any(isinstance(s, ir.Return | ir.Raise) for s in statement.then.body[-1:]):
            yield from (part for part in expressions(statement.condition) if isinstance(part, ir.Call))

    def _after(self, made: Iterable[ir.Call], released: Released) -> Released:
        """What is released once some calls were made."""
        found = dict(released)
        for call in made:
            spot = Spot(self.routine.unit.path, call.line, self.routine.function.name)
            name = released_by(call, self.bindings, self.routine.function.owner)
            own, name = name, library_of(self.aliases.get(name, name))
            if own and own != name and "." not in own:
                found[own] = spot
            for one in (name, *self._through(call)):
                if one and one not in {"self", "cls"}:
                    self._again(one, call, found)
                    found[one] = spot
                    inside = (v for v, of in self.aliases.items() if of.startswith(f"{one}.") and v != name)
                    found.update((v, spot) for v in inside if not self.aliases[v].endswith("._handle"))
                    if call.name == "os.close":
                        self.descriptors.add(one)
                elif one:
                    found[f"{one}."] = spot
        return found

    def _through(self, call: ir.Call) -> Iterator[str]:
        """What a function of the program that is called releases, as the caller spells it."""
        for called in self.facts.travels.names.called(self.routine, call)[:1]:
            for position in sorted(self.summaries.of(called)):
                of = call.receiver if position < 0 else called.argument(call, position)
                if name := spelled(of):
                    yield name

    def _again(self, name: str, call: ir.Call, released: Released) -> None:
        """The same thing given back a second time."""
        before = released.get(name)
        direct = bool(released_by(call, self.bindings, self.routine.function.owner))
        if before is not None and direct and before.line != call.line:
            self._no(name, before, call.line, 415, f"{name} was given back at line {before.line} already.")

    def _uses(self, top: ir.Expression, released: Released) -> None:
        if not released:
            return
        for part in expressions(top):
            match part:
                case ir.Call():
                    self._call(part, released)
                case ir.Member(name="contents", base=base) | ir.Item(base=base):
                    self._read(base, part.line, released)

    def _call(self, call: ir.Call, released: Released) -> None:
        symbol = self.bindings.symbol(call, self.routine.function.owner)
        looked_up = spelled(call.function) in self.derived
        foreign = symbol is not None or call.name.endswith("_CFuncPtr") or looked_up
        if call.name.startswith(SYSTEM) and call.name != "os.close":
            for argument in call.arguments[:1]:
                if spelled(argument) in self.descriptors:
                    self._read(argument, call.line, released)
            return
        if not foreign and simple(call.name) not in _READERS:
            self._inside(call, released)
            return
        if released_by(call, self.bindings, self.routine.function.owner):
            return  # given back again: asked elsewhere
        for argument in call.arguments:
            for part in expressions(argument):
                self._read(part, call.line, released, deep=not foreign)
        if foreign:
            self._read(call.receiver or call.function, call.line, released)
        if foreign:
            self._own(call, released)

    def _inside(self, call: ir.Call, released: Released) -> None:
        """A function of the program that hands what it is given on to foreign code."""
        for called in self.facts.travels.names.called(self.routine, call)[:1]:
            whose = spelled(call.receiver)
            before = released.get(whose)
            if before is not None and self._needs_what_ended(whose, called):
                message = f"{whose} was closed at line {before.line}, and {simple(call.name)} hands on what it held."
                self._no(whose, before, call.line, 416, message)
                return
            for position in sorted(set(self.summaries.uses(called)) - self.summaries.of(called)):
                argument = called.argument(call, position)
                if argument is not None:
                    self._read(argument, call.line, released, deep=False)

    def _needs_what_ended(self, name: str, method: Routine) -> bool:
        """Whether a method of an object that was ended needs an attribute that was left as it was."""
        owner, names = method.function.owner, self.facts.travels.names
        ending = [r for word in _ENDINGS for r in names.named(method, f"{owner}.{word}")] if owner and name else []
        left = [found for r in ending if (found := self.summaries.left(r))]
        return bool(left) and len(left) == len(ending) and bool(left[0] & self.summaries.needed(method))

    def _own(self, call: ir.Call, released: Released) -> None:
        """``self.close()``, and then a foreign call with what the object holds."""
        before = released.get("self.")
        touched = [call.function, *call.arguments]
        held = next((n for p in touched for e in expressions(p) if (n := spelled(e)).startswith("self.")), "")
        if before is not None and held:
            self._no(
                held, before, call.line, 416, f"The object was closed at line {before.line}, and uses {held} still."
            )

    def _read(self, place: ir.Expression, line: int, released: Released, *, deep: bool = True) -> None:
        name = spelled(place)
        before = released.get(name)
        if before is not None and name in self.descriptors:
            self._no(name, before, line, 910, f"{name} was closed at line {before.line}, and is used here.")
            return
        if before is not None:
            self._no(name, before, line, 416, f"{name} was released at line {before.line} and is used here.")
            return
        handle = self.derived.get(name, "")
        since = released.get(handle) if handle and deep else None
        if since is not None:
            message = f"{name} points into memory of {handle}, released at line {since.line}."
            self._no(name, since, line, 416, message)

    def _stored(self, statement: ir.Statement, released: Released) -> None:
        """An object of the program that has given its library back is kept for others to use."""
        kept: list[ir.Expression] = []
        match statement:
            case ir.Assign(target=ir.Item() | ir.Member(), value=value) if value is not None:
                kept = [value]
            case ir.Evaluate(expression=ir.Call(name=name, arguments=arguments)) if simple(name) in _KEEPERS:
                kept = [*arguments]
        for value in kept:
            name = spelled(value)
            before = released.get(name)
            if before is not None and "." not in name and isinstance(uncast(value), ir.Name):
                message = f"{name} gave its library back at line {before.line}, and is kept for use."
                self._no(name, before, statement.line, 672, message)

    def _no(self, name: str, before: Spot, line: int, cwe: int, message: str) -> None:
        if name in self.said:
            return
        self.said.add(name)
        spot = Spot(self.routine.unit.path, line, self.routine.function.name)
        self.claims.append(
            self.rule.no(
                message,
                Location.lines(spot.path, line),
                cwe=cwe,
                why=(step(before, "given back", "release"), step(spot, "used", "use")),
                context=spot.function,
            )
        )


def _is_of(name: str, roots: set[str]) -> bool:
    """Whether a place is one of some, or lies in one: ``item.handle`` of ``item``."""
    return any(name == root or name.startswith(f"{root}.") for root in roots if root)


def _leaves_on_one_arm(statement: ir.If) -> bool:
    arms = [block for block in (statement.then, statement.otherwise) if block is not None]
    return any(isinstance(s, ir.Return | ir.Raise | ir.Jump) for block in arms for s in block.body[-1:])


def _both(one: Released | None, other: Released | None) -> Released | None:
    """What is released on both of two ways that come together."""
    if one is None or other is None:
        return other if one is None else one
    return {name: spot for name, spot in one.items() if name in other}


RULE: Final = Rule(
    id="foreign-use-after-release",
    question="Is what foreign code gave released once, and after everything that needs it?",
    practice=Practice.LIFECYCLE,
    cwe=416,
    severity=Severity.HIGH,
    languages=PYTHON,
    why=(
        "Use after free and double free: to Python a foreign handle is a number. It stays one after the library "
        "gave its memory to somebody else, and the next call, or the second release, works on what is there by then."
    ),
    fix="Release once, last, and set the variable to None in the same place.",
    bad="handle = lib.doc_open(name)\nlib.doc_close(handle)\nlib.doc_title(handle)\n",
    good="handle = lib.doc_open(name)\ntry:\n    lib.doc_title(handle)\nfinally:\n    lib.doc_close(handle)\n",
    references=(
        "https://cwe.mitre.org/data/definitions/415.html",
        "https://cwe.mitre.org/data/definitions/416.html",
        "https://cwe.mitre.org/data/definitions/672.html",
    ),
    answer=_answer,
)
