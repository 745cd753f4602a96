"""Python: is what foreign code gave released once, and after everything that needs it?

A function is walked by its structure with the set of expressions that are surely released: what an ``if`` releases on
one arm only is not; a new value takes an expression out. A method or a helper of the program that surely releases what
it is given, or what its object holds, releases it where it is called.
"""

from __future__ import annotations

import re
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
from loadstone.review.apis import ApiRole, tables
from loadstone.review.rules.places import PYTHON, step
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.use_after_close import CLOSES, library_of
from loadstone.review.walk import calls, expressions, parts_of, statements, tops

__all__ = ["RULE"]

_STAYS: Final = re.compile(
    r"(?i)init|new|create|open|alloc|unref|end|finish|fini|term|clean|shut|disconnect|deinit|reset|clear|release\Z"
)
"""Words of functions after which their argument may still be used: it was made, a count went down, a phase ended."""

_SPEAKS: Final = ("ctypes", "ffi")
_READERS: Final = frozenset(
    {"string_at", "wstring_at", "string", "unpack", "buffer", "memmove", "from_address", "cast"}
)
_KEEPERS: Final = frozenset({"append", "add", "insert", "setdefault", "put", "appendleft"})
_AUTOMATIC: Final = frozenset({"__del__"})

_LOOKUPS: Final = frozenset({"GetProcAddress", "dlsym"})
"""Foreign functions that give a function of the library they are asked about."""

_POINTERS: Final = frozenset({ForeignResult.ADDRESS, ForeignResult.POINTER, ForeignResult.TEXT})

Released = dict[str, Spot]


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    summaries = _Summaries(facts)
    for routine in facts.travels.names.routines:
        if any(word in routine.unit.text for word in _SPEAKS):
            yield from _Walk(rule, facts, routine, summaries, _aliases(routine.function)).answer()
    for unit in facts.program.units:
        if unit.language is ir.Language.PYTHON and any(word in unit.text for word in _SPEAKS):
            yield from _released_by_collector_too(rule, unit, facts.bindings[unit.path])
            yield from _parents_first(rule, unit, facts.bindings[unit.path])
            yield from _unloaded_at_exit(rule, unit, facts.bindings[unit.path])


def _released_by(call: ir.Call, bindings: Bindings, owner: str) -> str:
    """What a call of foreign code or of the loader surely ends, as it is spelled; empty for any other call."""
    if len(call.arguments) != 1:
        return ""
    if call.name == "os.close":
        return spelled(call.arguments[0])
    given = uncast(call.arguments[0])
    if isinstance(given, ir.Call) and given.name in {"ctypes.byref", "ctypes.pointer"} and given.arguments:
        given = uncast(given.arguments[0])
    name = spelled(given)
    api = tables().get(call.name)
    if api is not None and api.role is ApiRole.UNLOAD:
        return name
    symbol = bindings.symbol(call, owner)
    return name if symbol is not None and CLOSES.search(symbol) and not _STAYS.search(symbol) else ""


class _Summaries:
    """Which functions of the program surely release a parameter (by position), or what their object holds (-1)."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._known: dict[int, frozenset[int]] = {}

    def of(self, routine: Routine) -> frozenset[int]:
        """The positions that a function surely releases."""
        known = self._known.get(id(routine.function))
        if known is None:
            known = self._known[id(routine.function)] = frozenset(self._releases(routine))
        return known

    def _releases(self, routine: Routine) -> Iterator[int]:
        bindings = self.facts.bindings[routine.unit.path]
        aliases = _aliases(routine.function)
        for statement in _sure(routine.function.body.body):
            for call in calls((statement,)):
                name = _released_by(call, bindings, routine.function.owner)
                name = aliases.get(name, name)
                if name in routine.parameters:
                    yield routine.parameters.index(name)
                elif name.startswith("self."):
                    yield -1


def _aliases(function: ir.Function) -> dict[str, str]:
    """``handle = self.lib._handle``, ``handle, self._handle = self._handle, None``."""
    return {
        s.target.name: spelled(s.value)
        for s in statements(function.body.body)
        if isinstance(s, ir.Assign) and isinstance(s.target, ir.Name) and s.value is not None and spelled(s.value)
    }


def _sure(body: Iterable[ir.Statement]) -> Iterator[ir.Statement]:
    """The statements that run whenever the function does, up to a way out; ``if x: free(x)`` counts."""
    for statement in body:
        match statement:
            case ir.If(then=then, otherwise=None) if len(then.body) == 1 and isinstance(then.body[0], ir.Evaluate):
                yield then.body[0]
            case ir.If(then=then) if any(isinstance(s, ir.Return | ir.Raise) for s in then.body):
                return
            case ir.Try(body=inner, final=final):
                yield from _sure(inner.body)
                if final is not None:
                    yield from _sure(final.body)
            case ir.With(body=inner):
                yield from _sure(inner.body)
            case ir.Assign() | ir.Evaluate():
                yield statement
            case ir.Return():
                yield statement
                return


@dataclass(slots=True)
class _Walk:
    """One function: what is surely released where, what is derived from what, and which uses come after."""

    rule: Rule
    facts: Facts
    routine: Routine
    summaries: _Summaries
    aliases: dict[str, str]  # a variable -> the attribute it was read from
    derived: dict[str, str] = field(default_factory=dict)  # a pointer -> the handle it was read from
    claims: list[Claim] = field(default_factory=list)
    said: set[str] = field(default_factory=set)
    descriptors: set[str] = field(default_factory=set)  # released by the system, not by the library
    arm: Released = field(default_factory=dict)  # what the last ``if`` had released where it comes back

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
            if isinstance(statement, ir.If) and statement.otherwise is None:
                perhaps |= {n: s for n, s in self.arm.items() if n not in before and not n.endswith(".")}
        return current

    def _after_all(self, statement: ir.Statement, perhaps: Released) -> None:
        """A statement that runs whether or not the arm before it has released something."""
        for top in tops(statement):
            self._uses(top, perhaps)
        self._stored(statement, perhaps)

    def statement(self, statement: ir.Statement, released: Released) -> Released | None:
        for top in tops(statement):
            self._uses(top, released)
        match statement:
            case ir.If(then=then, otherwise=otherwise):
                yes = self.block(then.body, released)
                no = released if otherwise is None else self.block(otherwise.body, released)
                self.arm = yes or {}
                return _both(yes, no)
            case ir.Try(body=body, handlers=handlers, otherwise=otherwise, final=final):
                after = self.block(body.body, released)
                if after is not None and otherwise is not None:
                    after = self.block(otherwise.body, after)
                for handler in handlers:
                    ended = self.block(handler.body.body, released)
                    after = ended if after is None else _both(after, ended)
                if final is None:
                    return after
                ended = self.block(final.body, after if after is not None else released)
                return None if after is None else ended
            case ir.With(body=inner):
                return self.block(inner.body, released)
            case ir.Block(body=within):
                return self.block(within, released)
            case ir.Loop(body=body):
                self.block(body.body, released)
                assigned = {spelled(s.target) for s in statements(body.body) if isinstance(s, ir.Assign)}
                return {n: s for n, s in released.items() if n not in assigned}
            case ir.Return() | ir.Raise() | ir.Jump():
                self._stored(statement, released)
                return None
            case ir.Assign(target=target, value=value):
                self._stored(statement, released)
                self._derive(target, value)
                name = spelled(target)
                after = {n: s for n, s in released.items() if n != name and not n.startswith(f"{name}.")}
                return self._after(statement, after) if name else after
            case ir.Evaluate(expression=expression):
                self._stored(statement, released)
                return None if self._leaves(expression) else self._after(statement, released)
        return released

    def _leaves(self, expression: ir.Expression) -> bool:
        """Whether a call never comes back: of the system, or of the program."""
        if not isinstance(expression, ir.Call):
            return False
        api = tables().get(expression.name)
        ends = api is not None and api.role is ApiRole.NO_RETURN
        return ends or self.facts.travels.names.never_returns(self.routine, expression)

    def _derive(self, target: ir.Expression, value: ir.Expression | None) -> None:
        name = spelled(target)
        self.derived.pop(name, None)
        for part in expressions(value) if name else ():
            if isinstance(part, ir.Call) and part.arguments and simple(part.name) in _LOOKUPS:
                self.derived[name] = spelled(part.arguments[0])
                return
        made = uncast(value)
        if not name or not isinstance(made, ir.Call) or not made.arguments:
            return
        given = self.bindings.prototype(made, self.routine.function.owner)
        handle = spelled(made.arguments[0])
        lies = given is not None and (given.by_cffi or given.result is not ForeignResult.TEXT)
        if given is not None and lies and handle and given.result in _POINTERS:
            self.derived[name] = handle

    def _after(self, statement: ir.Statement, released: Released) -> Released:
        """What is released once a statement has run."""
        found = dict(released)
        for call in calls((statement,)):
            spot = Spot(self.routine.unit.path, call.line, self.routine.function.name)
            name = _released_by(call, self.bindings, self.routine.function.owner)
            name = library_of(self.aliases.get(name, name))
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
        direct = bool(_released_by(call, self.bindings, self.routine.function.owner))
        if before is not None and direct and before.line != call.line and call.name != "os.close":
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
        if not foreign and simple(call.name) not in _READERS:
            return
        if _released_by(call, self.bindings, self.routine.function.owner):
            return  # given back again: asked elsewhere
        for argument in call.arguments:
            for part in expressions(argument):
                self._read(part, call.line, released, deep=not foreign)
        if foreign:
            self._read(call.receiver or call.function, call.line, released)
        if foreign:
            self._own(call, released)

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


def _both(one: Released | None, other: Released | None) -> Released | None:
    """What is released on both of two ways that come together."""
    if one is None or other is None:
        return other if one is None else one
    return {name: spot for name, spot in one.items() if name in other}


def _methods(unit: ir.Unit) -> dict[str, list[ir.Function]]:
    found: dict[str, list[ir.Function]] = {}
    for function in unit.functions:
        if function.owner:
            found.setdefault(function.owner, []).append(function)
    return found


def _unguarded(method: ir.Function, bindings: Bindings) -> Iterator[tuple[str, int]]:
    """Attributes that a method releases with nothing asked and nothing noted, and where."""
    body = [*statements(method.body.body)]
    noted = any(isinstance(s, ir.Assign) and spelled(s.target).startswith("self.") for s in body)
    if noted or any(isinstance(s, ir.If) for s in body):
        return
    for call in calls(method.body.body):
        name = library_of(_released_by(call, bindings, method.owner))
        if name.startswith("self."):
            yield name, call.line


def _released_by_collector_too(rule: Rule, unit: ir.Unit, bindings: Bindings) -> Iterator[Claim]:
    """``close()`` and ``__del__`` both release, and neither asks whether the other has."""
    for methods in _methods(unit).values():
        yield from _finalized_too(rule, unit, methods, bindings)
        automatic = [m for m in methods if simple(m.name) in _AUTOMATIC]
        for method in methods:
            if method in automatic or simple(method.name).startswith("_"):
                continue
            for name, line in _unguarded(method, bindings):
                for other in automatic:
                    calls_it = any(call.name == method.name for call in calls(other.body.body))
                    same = any(found == name for found, _ in _unguarded(other, bindings))
                    asks = any(isinstance(s, ir.If) for s in statements(other.body.body))
                    if (calls_it or same) and not asks:
                        spots = (Spot(unit.path, line, method.name), Spot(unit.path, other.line, other.name))
                        yield rule.no(
                            f"{name} is released here, and again by {simple(other.name)} when the object goes.",
                            Location.lines(unit.path, line),
                            cwe=415,
                            why=(
                                step(spots[0], "given back", "release"),
                                step(spots[1], "given back again", "release"),
                            ),
                            context=method.name,
                        )


def _finalized_too(rule: Rule, unit: ir.Unit, methods: list[ir.Function], bindings: Bindings) -> Iterator[Claim]:
    """``weakref.finalize(self, lib.free, self._h)``, and a method that frees the same without the finalizer."""
    for made in methods:
        for call in calls(made.body.body):
            if call.name != "weakref.finalize" or len(call.arguments) < len(("object", "function", "handle")):
                continue
            handle, function = spelled(call.arguments[2]), call.arguments[1]
            ends = CLOSES.search(function.name.rpartition(".")[2] if isinstance(function, ir.Member | ir.Name) else "")
            for method in methods if ends and handle.startswith("self.") else ():
                detached = any(simple(c.name) == "detach" for c in calls(method.body.body))
                for name, line in _unguarded(method, bindings) if not detached else ():
                    if name == handle:
                        yield rule.no(
                            f"{name} is released here, and again by the finalizer of line {call.line}.",
                            Location.lines(unit.path, line),
                            cwe=415,
                            fix="Call the finalizer: it runs once.",
                            why=(
                                step(Spot(unit.path, line, method.name), "given back", "release"),
                                step(Spot(unit.path, call.line, made.name), "given back again", "release"),
                            ),
                            context=method.name,
                        )


def _parents_first(rule: Rule, unit: ir.Unit, bindings: Bindings) -> Iterator[Claim]:
    """A handle that was made from another one is released after it."""
    for methods in _methods(unit).values():
        made = dict(_children(methods, bindings))
        for method in methods if made else ():
            gone: dict[str, int] = {}
            for statement in _sure(method.body.body):
                for call in calls((statement,)):
                    name = _released_by(call, bindings, method.owner)
                    if name:
                        gone[name] = call.line
                    parent = made.get(name, "")
                    if parent in gone and gone[parent] < call.line:
                        yield rule.no(
                            f"{name} was made from {parent}, which went back at line {gone[parent]} before it.",
                            Location.lines(unit.path, gone[parent]),
                            cwe=672,
                            fix="Release in the reverse order of making.",
                            why=(
                                step(Spot(unit.path, gone[parent], method.name), f"{parent} goes", "release"),
                                step(Spot(unit.path, call.line, method.name), f"{name} is used", "use"),
                            ),
                            context=method.name,
                        )


def _children(methods: list[ir.Function], bindings: Bindings) -> Iterator[tuple[str, str]]:
    """Attributes that hold a handle, each with the attribute it was made from."""
    for method in methods:
        for statement in statements(method.body.body):
            for call in (p for p in parts_of(statement) if isinstance(p, ir.Call)):
                if bindings.symbol(call, method.owner) is None or not call.arguments:
                    continue
                parent = spelled(call.arguments[0])
                if not parent.startswith("self."):
                    continue
                child = spelled(statement.target) if isinstance(statement, ir.Assign) else ""
                if child.startswith("self.") and child != parent and uncast(statement.value) is call:  # type: ignore[union-attr]
                    yield child, parent
                for argument in call.arguments[1:]:
                    of = uncast(argument)
                    filled = isinstance(of, ir.Call) and of.name == "ctypes.byref" and bool(of.arguments)
                    child = spelled(of.arguments[0]) if filled else ""  # type: ignore[union-attr]
                    if child.startswith("self.") and child != parent:
                        yield child, parent


def _unloaded_at_exit(rule: Rule, unit: ir.Unit, bindings: Bindings) -> Iterator[Claim]:
    """A library is closed when the process ends, and objects that are still there call it when they go."""
    at_exit = {
        spelled(argument)
        for function in unit.functions
        for call in calls(function.body.body)
        if call.name == "atexit.register"
        for argument in call.arguments[:1]
    } | {f.name for f in unit.functions if "atexit.register" in f.marks}
    later = _finalizers(unit, bindings)
    for function in unit.functions if later else ():
        if function.name not in at_exit:
            continue
        for call in calls(function.body.body):
            api = tables().get(call.name)
            if api is not None and api.role is ApiRole.UNLOAD:
                yield rule.no(
                    f"The library is closed when the process ends; what line {later} set up may call it after that.",
                    Location.lines(unit.path, call.line),
                    cwe=672,
                    fix="Leave a library loaded whose objects are released by the collector.",
                    context=function.name,
                )


def _finalizers(unit: ir.Unit, bindings: Bindings) -> int:
    """The line of something that calls foreign code when an object goes; 0 when there is none."""
    for function in unit.functions:
        for call in calls(function.body.body):
            if simple(call.name) == "gc" and len(call.arguments) > 1 and "ffi" in unit.text:
                return call.line
            if simple(function.name) == "__del__" and bindings.symbol(call, function.owner) is not None:
                return call.line
    return 0


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
