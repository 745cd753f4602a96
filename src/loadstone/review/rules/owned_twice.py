"""Python: objects that own something foreign, copied whole, or ended by hand inside the ``with`` that ends them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.review import ir
from loadstone.review.analyses.bindings import Bindings
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.collector_releases import aliases, released_by
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import calls, statements

__all__ = ["owned_twice"]

_COPIES: Final = frozenset({"copy.copy"})
_COPYING: Final = frozenset({"__copy__", "__deepcopy__", "__reduce__", "__reduce_ex__", "__getstate__"})


def owned_twice(rule: Rule, unit: ir.Unit, bindings: Bindings) -> Iterator[Claim]:
    """The copies and the second ends of a file."""
    methods: dict[str, dict[str, ir.Function]] = {}
    for function in unit.functions:
        if function.owner:
            methods.setdefault(function.owner, {})[simple(function.name)] = function
    releasing = {owner: dict(_releasing(owner, own, bindings)) for owner, own in methods.items()}
    collected = {o for o, own in methods.items() if "__del__" in releasing[o] and not _COPYING & own.keys()}
    at_exit = {o: _called_at_exit(own, releasing[o]) for o, own in methods.items() if "__exit__" in own}
    ended = {owner: ends for owner, ends in at_exit.items() if ends}
    shared = {owner: dict(_made(unit, own.values())) for owner, own in methods.items()} if collected or ended else {}
    for function in unit.functions if collected or ended else ():
        of_object = {n: made for n, made in shared.get(function.owner, {}).items() if n.startswith("self.")}
        held = of_object | dict(_made(unit, (function,)))
        yield from _copied(rule, unit, function, held, collected, releasing)
        yield from _ended_inside(rule, unit, function, ended, methods, releasing)


def _releasing(owner: str, own: Mapping[str, ir.Function], bindings: Bindings) -> Iterator[tuple[str, int]]:
    """The methods that give an attribute back and leave it as it was, and where."""
    for name, method in own.items():
        cleared = {spelled(s.target) for s in statements(method.body.body) if isinstance(s, ir.Assign)}
        local = aliases(method)
        for call in calls(method.body.body):
            given = _given_back(call, bindings, owner)
            given = local.get(given, given)
            if given.startswith("self.") and not any(one.startswith("self.") for one in cleared):
                yield name, call.line
                break


def _given_back(call: ir.Call, bindings: Bindings, owner: str) -> str:
    """What a call ends: its one argument, or the last one of ``FreeHandle(kind, handle)``."""
    if len(call.arguments) > 1 and not isinstance(uncast(call.arguments[0]), ir.Member):
        last = ir.Call(call.line, call.name, call.function, call.arguments[-1:], (), call.receiver, call.end_line)
        return released_by(last, bindings, owner)
    return released_by(call, bindings, owner)


def _made(unit: ir.Unit, functions: Iterable[ir.Function]) -> Iterator[tuple[str, str]]:
    """What holds an object of a class of the file in some functions."""
    names = {one.name for one in unit.classes}
    for function in functions:
        for statement in statements(function.body.body):
            made = statement.value if isinstance(statement, ir.Assign) else None
            if isinstance(statement, ir.Assign) and isinstance(made, ir.Call) and made.name in names:
                yield spelled(statement.target), made.name


def _copied(
    rule: Rule,
    unit: ir.Unit,
    function: ir.Function,
    held: Mapping[str, str],
    collected: set[str],
    releasing: Mapping[str, Mapping[str, int]],
) -> Iterator[Claim]:
    """``copy.copy(voice)`` of an object whose ``__del__`` gives a handle back: both do."""
    for call in calls(function.body.body):
        name = spelled(call.arguments[0]) if call.name in _COPIES and len(call.arguments) == 1 else ""
        owner = function.owner if name == "self" else held.get(name, "")
        if owner in collected:
            yield rule.no(
                f"The copy of {name} has the same handle, and __del__ gives it back for both.",
                Location.lines(unit.path, call.line),
                cwe=415,
                severity=Severity.HIGH,
                fix="Refuse copies in __copy__, or open another handle for it.",
                why=(
                    FlowStep(Location.lines(unit.path, call.line), "copied with its handle", "store"),
                    FlowStep(Location.lines(unit.path, releasing[owner]["__del__"]), "given back by each", "release"),
                ),
                context=function.name,
            )


def _called_at_exit(own: Mapping[str, ir.Function], releasing: Mapping[str, int]) -> frozenset[str]:
    """The methods that ``__exit__`` calls, and that give back what they leave in its place."""
    called = {simple(c.name) for c in calls(own["__exit__"].body.body) if spelled(c.receiver) in {"self", ""}}
    return frozenset(called & releasing.keys())


def _ended_inside(
    rule: Rule,
    unit: ir.Unit,
    function: ir.Function,
    ended: Mapping[str, frozenset[str]],
    methods: Mapping[str, Mapping[str, ir.Function]],
    releasing: Mapping[str, Mapping[str, int]],
) -> Iterator[Claim]:
    """``with Statement(db) as st: ...; st.close()``: ``__exit__`` calls close() once more."""
    for statement in statements(function.body.body):
        if not isinstance(statement, ir.With):
            continue
        for context, target in statement.items:
            made, name = uncast(context), spelled(target)
            owner = made.name if isinstance(made, ir.Call) and made.name in methods else ""
            for call in calls(statement.body.body) if name else ():
                if spelled(call.receiver) == name and simple(call.name) in ended.get(owner, ()):
                    word = simple(call.name)
                    yield rule.no(
                        f"{name}.{word}() gives the handle back here, and once more when the with block ends: {word} "
                        "leaves it in its place.",
                        Location.lines(unit.path, releasing[owner][word]),
                        cwe=415,
                        severity=Severity.HIGH,
                        fix="Clear the attribute in the method that gives it back.",
                        why=(
                            FlowStep(Location.lines(unit.path, call.line), f"{word} by hand", "release"),
                            FlowStep(Location.lines(unit.path, statement.line), f"{word} when it ends", "release"),
                        ),
                        context=function.name,
                    )
                    return
