"""Python: what a call of foreign code releases, and what the collector and the end of the process release too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from loadstone.core.claims import Claim, Location
from loadstone.review import ir
from loadstone.review.analyses.bindings import Bindings, ForeignPrototype, ForeignResult
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.state import Spot
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import uncast
from loadstone.review.apis import ApiRole, tables
from loadstone.review.rules.places import step
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.use_after_close import CLOSES, library_of
from loadstone.review.walk import calls, expressions, parts_of, statements

__all__ = ["aliases", "at_exit", "methods_of", "released", "released_by", "released_twice_or_late", "sure"]

_STAYS: Final = re.compile(
    r"(?i)init|new|create|open|alloc|unref|end|finish|fini|term|clean|shut|disconnect|deinit|reset|clear|release\Z"
)
"""Words of functions after which their argument may still be used: it was made, a count went down, a phase ended."""

_AUTOMATIC: Final = frozenset({"__del__"})


def released_twice_or_late(rule: Rule, unit: ir.Unit, bindings: Bindings) -> Iterator[Claim]:
    """What the collector, a parent or the end of the process releases before or after the program's own code."""
    yield from _released_by_collector_too(rule, unit, bindings)
    yield from _parents_first(rule, unit, bindings)
    yield from _unloaded_at_exit(rule, unit, bindings)


def released_by(call: ir.Call, bindings: Bindings, owner: str = "") -> str:
    """What a call of foreign code or of the loader surely ends, as it is spelled; empty for any other call."""
    return spelled(released(call, bindings, owner))


def released(call: ir.Call, bindings: Bindings, owner: str = "") -> ir.Expression | None:
    """As :func:`released_by`: the expression itself; None for a call that ends nothing."""
    if len(call.arguments) != 1:
        return None
    if call.name == "os.close":
        return call.arguments[0]
    given = uncast(call.arguments[0])
    if isinstance(given, ir.Call) and given.name in {"ctypes.byref", "ctypes.pointer"} and given.arguments:
        given = uncast(given.arguments[0])
    api = tables().get(call.name)
    if api is not None and api.role is ApiRole.UNLOAD:
        return given
    symbol = bindings.symbol(call, owner)
    if symbol is None or not (CLOSES.search(symbol) or symbol in bindings.ends) or _is_emptied(symbol, bindings):
        return None
    return given if not _STAYS.search(symbol) or _has_maker(symbol, bindings) else None


_PAIRS: Final = (("disconnect", "connect"), ("deinit", "init"), ("finish", "start"), ("end", "begin"))


_EMPTIES: Final = re.compile(r"(?i)close|clear|reset|release|stop")
_DELETES: Final = ("delete", "destroy", "free", "dispose")


def _is_emptied(symbol: str, bindings: Bindings) -> bool:
    """``Media_Close`` where the file also declares ``Media_Delete``: the handle may be opened again, or deleted."""
    word = _EMPTIES.search(symbol)
    if word is None:
        return False
    begin, end = symbol[: word.start()], symbol[word.end() :]
    names = {begin + last + end for last in _DELETES} | {begin + last.capitalize() + end for last in _DELETES}
    return any(_takes_alone(bindings.prototypes[name]) for name in names & bindings.prototypes.keys())


def _takes_alone(prototype: ForeignPrototype) -> bool:
    """Whether a function is given one thing, which it ends, and not one out of another: ``delete(phone, message)``."""
    return "," not in prototype.takes and (prototype.arguments is None or len(prototype.arguments) < 2)


def _has_maker(symbol: str, bindings: Bindings) -> bool:
    """``xx_connect`` gives a handle: then ``xx_disconnect`` ends it, and not a phase of it."""
    for ends, makes in _PAIRS:
        for end, make in ((ends, makes), (ends.capitalize(), makes.capitalize())):
            maker = bindings.prototypes.get(symbol.replace(end, make)) if end in symbol else None
            if maker is not None and maker.result in {ForeignResult.ADDRESS, ForeignResult.POINTER}:
                return True
    return False


def aliases(function: ir.Function) -> dict[str, str]:
    """``handle = self.lib._handle``, ``handle, self._handle = self._handle, None``."""
    return {
        s.target.name: spelled(s.value)
        for s in statements(function.body.body)
        if isinstance(s, ir.Assign) and isinstance(s.target, ir.Name) and s.value is not None and spelled(s.value)
    }


def sure(body: Iterable[ir.Statement]) -> Iterator[ir.Statement]:
    """The statements that run whenever the function does, up to a way out; ``if x: free(x)`` counts."""
    for statement in body:
        match statement:
            case ir.If(then=then, otherwise=None) if len(then.body) == 1 and isinstance(then.body[0], ir.Evaluate):
                yield then.body[0]
            case ir.If(then=then) if any(isinstance(s, ir.Return | ir.Raise) for s in then.body):
                return
            case ir.Try(body=inner, final=final):
                yield from sure(inner.body)
                if final is not None:
                    yield from sure(final.body)
            case ir.With(body=inner):
                yield from sure(inner.body)
            case ir.Assign() | ir.Evaluate():
                yield statement
            case ir.Return():
                yield statement
                return


def methods_of(unit: ir.Unit) -> dict[str, list[ir.Function]]:
    """The methods of every class of a file."""
    found: dict[str, list[ir.Function]] = {}
    for function in unit.functions:
        if function.owner:
            found.setdefault(function.owner, []).append(function)
    return found


def _unguarded(method: ir.Function, methods: list[ir.Function], bindings: Bindings) -> Iterator[tuple[str, int]]:
    """Attributes that a method releases whenever it runs, and does not clear, and where."""
    noted, plain = _noted(method, methods), method.body.body
    asking = [s for s in statements(plain) if isinstance(s, ir.If)]
    perhaps = {id(call) for s in asking if _asks_about(s, noted) for call in calls((s,))}
    for call in calls(tuple(sure(plain)) if asking else plain):
        name = library_of(released_by(call, bindings, method.owner))
        if name.startswith("self.") and name not in noted and id(call) not in perhaps:
            yield name, call.line


def _noted(method: ir.Function, methods: list[ir.Function]) -> set[str]:
    """The attributes that a method or one it calls sets, and what the class computes, which may be made of them."""
    called = {call.name for call in calls(method.body.body)}
    bodies = (m.body.body for m in methods if m is method or m.name in called)
    named = (spelled(s.target) for body in bodies for s in statements(body) if isinstance(s, ir.Assign))
    return {name for name in named if name.startswith("self.")} | {f"self.{simple(m.name)}" for m in methods}


def _asks_about(statement: ir.Statement, noted: set[str]) -> bool:
    """Whether a condition is about one of some attributes, by ``getattr`` as well."""
    condition = statement.condition if isinstance(statement, ir.If) else None
    words = {name.partition(".")[2] for name in noted}
    return any(
        spelled(part) in noted or (isinstance(part, ir.Literal) and part.value in words)
        for part in expressions(condition)
    )


def _released_by_collector_too(rule: Rule, unit: ir.Unit, bindings: Bindings) -> Iterator[Claim]:
    """``close()`` and ``__del__`` both release, and neither asks whether the other has."""
    for methods in methods_of(unit).values():
        yield from _finalized_too(rule, unit, methods, bindings)
        yield from _released_at_exit_too(rule, unit, methods, bindings)
        yield from _kept_alive(rule, unit, methods)
        automatic = [m for m in methods if simple(m.name) in _AUTOMATIC]
        for method in methods:
            if method in automatic or simple(method.name).startswith("_"):
                continue
            for name, line in _unguarded(method, methods, bindings):
                noted = _noted(method, methods)
                for other in automatic:
                    calls_it = any(call.name == method.name for call in calls(other.body.body))
                    same = any(found == name for found, _ in _unguarded(other, methods, bindings))
                    asks = any(_asks_about(s, noted) for s in statements(other.body.body))
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


def _released_at_exit_too(rule: Rule, unit: ir.Unit, methods: list[ir.Function], bindings: Bindings) -> Iterator[Claim]:
    """``atexit.register(self.close)``: it runs once more after a call of the program's own, and does not ask."""
    made = [(call, spelled(call.arguments[0])) for m in methods for call in calls(m.body.body) if _at_exit(call)]
    for method in methods if made else ():
        lets_go = any(call.name == "atexit.unregister" for m in methods for call in calls(m.body.body))
        registered = [call for call, name in made if name == f"self.{simple(method.name)}"]
        if not registered or lets_go or not _is_called(unit, method):
            continue
        for name, line in _unguarded(method, methods, bindings):
            spots = (Spot(unit.path, line, method.name), Spot(unit.path, registered[0].line, method.owner))
            yield rule.no(
                f"{name} is released here, and again when the process ends: line {registered[0].line} registers "
                f"{simple(method.name)}.",
                Location.lines(unit.path, line),
                cwe=415,
                fix="Clear the attribute and ask about it, or unregister the function first.",
                why=(step(spots[0], "given back", "release"), step(spots[1], "runs at the end", "release")),
                context=method.name,
            )


def _kept_alive(rule: Rule, unit: ir.Unit, methods: list[ir.Function]) -> Iterator[Claim]:
    """``weakref.finalize(self, self.close)``: the finalizer holds the object through its own method."""
    own = {simple(m.name) for m in methods if "staticmethod" not in m.marks}
    for method in methods:
        for call in (c for c in calls(method.body.body) if c.name == "weakref.finalize"):
            held = [part for argument in call.arguments[1:] for part in _holding(argument, own)]
            if call.arguments and spelled(call.arguments[0]) == "self" and any(spelled(h) == "self" for h in held):
                yield rule.no(
                    "The finalizer holds the object it waits for, which is never collected: it runs when the process "
                    "ends.",
                    Location.lines(unit.path, call.line),
                    cwe=401,
                    fix="Hand the finalizer a function that does not know the object, and the handle.",
                    context=method.name,
                )


def _holding(argument: ir.Expression, methods: set[str]) -> Iterator[ir.Expression]:
    """The objects that a value keeps: of a bound method its object, and what stands in a container."""
    bare = uncast(argument)
    match bare:
        case ir.Member(base=base, name=name) if name in methods:
            yield base
        case ir.Display(items=items):
            yield from (one for item in items for one in _holding(item, methods))
        case ir.Name():
            yield bare


def _at_exit(call: ir.Call) -> bool:
    return call.name == "atexit.register" and len(call.arguments) == 1


def _is_called(unit: ir.Unit, method: ir.Function) -> bool:
    """Whether a method has another caller than the end of the process, a ``with`` as well."""
    return any(simple(c.name) == simple(method.name) for f in unit.functions for c in calls(f.body.body))


def _finalized_too(rule: Rule, unit: ir.Unit, methods: list[ir.Function], bindings: Bindings) -> Iterator[Claim]:
    """``weakref.finalize(self, lib.free, self._h)``, ``self._h = ffi.gc(h, lib.free)``, and a ``lib.free`` of the same.

    A flag or a cleared attribute does not help: the finalizer holds the handle itself, and runs unless it is let go.
    """
    for handle, ends, made in _collected(methods):
        for method in methods:
            detached = any(_lets_go(call) for call in calls(method.body.body))
            local = aliases(method)
            for call in () if detached else calls(method.body.body):
                released = released_by(call, bindings, method.owner)
                symbol = bindings.symbol(call, method.owner) or ""
                if symbol == ends and library_of(local.get(released, released)) == handle:
                    yield rule.no(
                        f"{handle} is released here, and again by what line {made.line} set up.",
                        Location.lines(unit.path, call.line),
                        cwe=415,
                        fix="Let the finalizer release it: call it, or ffi.release(); it runs once.",
                        why=(
                            step(Spot(unit.path, call.line, method.name), "given back", "release"),
                            step(Spot(unit.path, made.line, method.owner), "given back again", "release"),
                        ),
                        context=method.name,
                    )


def _collected(methods: list[ir.Function]) -> Iterator[tuple[str, str, ir.Call]]:
    """Attributes that something releases by itself when the object goes: (attribute, function, where it is set up)."""
    for method in methods:
        kept = {v: of for of, v in _stored(method)}
        for statement in statements(method.body.body):
            target = spelled(statement.target) if isinstance(statement, ir.Assign) else ""
            for call in (part for part in parts_of(statement) if isinstance(part, ir.Call)):
                attribute, ends = "", None
                if call.name == "weakref.finalize" and len(call.arguments) >= len(("object", "function", "handle")):
                    attribute, ends = spelled(call.arguments[2]), call.arguments[1]
                elif simple(call.name) == "gc" and len(call.arguments) > 1:
                    attribute, ends = target, call.arguments[1]
                attribute = kept.get(attribute, attribute)
                if attribute.startswith("self.") and isinstance(ends, ir.Member | ir.Name):
                    yield attribute, ends.name.rpartition(".")[2], call


def _stored(method: ir.Function) -> Iterator[tuple[str, str]]:
    """``self._handle = handle``: the attribute and the variable."""
    for statement in statements(method.body.body):
        if isinstance(statement, ir.Assign) and isinstance(uncast(statement.value), ir.Name):
            attribute = spelled(statement.target)
            if attribute.startswith("self."):
                yield attribute, spelled(statement.value)


def _lets_go(call: ir.Call) -> bool:
    """``finalizer.detach()``, ``ffi.gc(handle, None)``: nothing is released by itself any more."""
    last = call.arguments[-1] if call.arguments else None
    return simple(call.name) == "detach" or (
        simple(call.name) == "gc" and isinstance(last, ir.Literal) and last.value is None
    )


def _parents_first(rule: Rule, unit: ir.Unit, bindings: Bindings) -> Iterator[Claim]:
    """A handle that was made from another one is released after it."""
    for methods in methods_of(unit).values():
        made = dict(_children(methods, bindings))
        for method in methods if made else ():
            gone: dict[str, int] = {}
            for statement in sure(method.body.body):
                for call in calls((statement,)):
                    name = released_by(call, bindings, method.owner)
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


def at_exit(unit: ir.Unit) -> frozenset[str]:
    """The functions of a file that run when the process ends."""
    return frozenset(
        spelled(argument)
        for function in unit.functions
        for call in calls(function.body.body)
        if call.name == "atexit.register"
        for argument in call.arguments[:1]
    ) | {f.name for f in unit.functions if "atexit.register" in f.marks}


def _unloaded_at_exit(rule: Rule, unit: ir.Unit, bindings: Bindings) -> Iterator[Claim]:
    """A library is closed when the process ends, and objects that are still there call it when they go."""
    later = _finalizers(unit, bindings)
    ending = at_exit(unit) if later else ()
    for function in unit.functions:
        if function.name not in ending:
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
