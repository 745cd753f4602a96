"""Words of a command that is put together piece by piece: in a list that grows, or as arguments of a helper."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import uncast
from loadstone.review.apis import ApiRole, tables
from loadstone.review.walk import calls, expressions, kept, statements

__all__ = ["added_words", "command_helpers", "command_lists", "words_after"]

_ADDS: Final = frozenset({"append", "extend"})
_ITSELF: Final = frozenset({"str", "os.fspath", "os.fsdecode", "os.fsencode"})


@kept
def command_lists(unit: ir.Unit) -> dict[str, frozenset[str]]:
    """The lists, by function, that hold the words of a command: they are run, or returned to what runs them."""
    ran = {spelled(first) for f in unit.functions for _, first in _runs(f) if not isinstance(first, ir.Call)}
    by_call = {
        first.name.rpartition(".")[2] for f in unit.functions for _, first in _runs(f) if isinstance(first, ir.Call)
    }
    found = {}
    for function in unit.functions:
        begun = {
            s.target.name
            for s in statements(function.body.body)
            if isinstance(s, ir.Assign) and isinstance(s.target, ir.Name) and isinstance(s.value, ir.Display)
            if s.value.items and not s.value.keys
        }
        given = {spelled(s.value) for s in statements(function.body.body) if isinstance(s, ir.Return)}
        own = {spelled(first) for _, first in _runs(function)} & ran
        if function.name.rpartition(".")[2] in by_call:
            own |= given
        if begun & own:
            found[function.name] = frozenset(begun & own)
    return found


@kept
def command_helpers(unit: ir.Unit) -> frozenset[str]:
    """The functions that run the arguments they are given, ``def call(*words): run(words)``."""
    return frozenset(
        f.name
        for f in unit.functions
        for starred in ({p.name for p in f.parameters if p.type.startswith("*")},)
        if starred and any(spelled(first) in starred or _spreads(first, starred) for _, first in _runs(f))
    )


def _spreads(first: ir.Expression, starred: set[str]) -> bool:
    """``run([*words])`` or ``run(list(words))``."""
    inner = [e.name for e in expressions(first) if isinstance(e, ir.Name)]
    return isinstance(first, ir.Display | ir.Call) and len(inner) == 1 and inner[0] in starred


def _runs(function: ir.Function) -> Iterator[tuple[ir.Call, ir.Expression]]:
    known = tables()
    for call in calls(function.body.body):
        api = known.get(call.name)
        runs = api is not None and api.role is ApiRole.COMMAND and api.kind == "list"
        if runs and call.arguments and "shell" not in dict(call.keywords):
            yield call, uncast(call.arguments[0])


def added_words(unit: ir.Unit, function: ir.Function, statement: ir.Statement) -> tuple[ir.Expression, ...]:
    """What a statement adds to the list of a command, unless ``--`` was put there before."""
    lists = command_lists(unit).get(function.name, frozenset())
    match statement:
        case ir.Assign(target=ir.Name(name=name), operator="", value=ir.Display(items=items, keys=())) if name in lists:
            return words_after(items)
        case ir.Assign(target=ir.Name(name=name), operator="+", value=value) if name in lists and value is not None:
            bare = uncast(value)
            given = bare.items if isinstance(bare, ir.Display) else (value,)
        case ir.Evaluate(expression=ir.Call(name=called, receiver=ir.Name(name=name), arguments=(value, *_))) if (
            name in lists and called.rpartition(".")[2] in _ADDS
        ):
            bare = uncast(value)
            given = bare.items if isinstance(bare, ir.Display) else (value,)
        case _:
            return ()
    if _has_ended(function, name, statement.line):
        return ()
    return words_after((ir.Literal(statement.line, ""), *given))


def _has_ended(function: ir.Function, name: str, line: int) -> bool:
    """Whether ``--`` was added to a list before a line."""
    for statement in statements(function.body.body):
        if statement.line > line:
            break
        about = (
            spelled(statement.target) == name
            if isinstance(statement, ir.Assign)
            else isinstance(statement, ir.Evaluate)
            and isinstance(statement.expression, ir.Call)
            and spelled(statement.expression.receiver) == name
        )
        given = statement.value if isinstance(statement, ir.Assign) else getattr(statement, "expression", None)
        if about and any(isinstance(e, ir.Literal) and e.value == "--" for e in expressions(given)):
            return True
    return False


def words_after(items: tuple[ir.Expression, ...]) -> tuple[ir.Expression, ...]:
    """The words of a list that a program takes for options when they begin with a dash: not those behind ``--``.

    What stands behind an option may be its value, and is left out.
    """
    found: list[ir.Expression] = []
    before = ""
    for item in items[1:]:
        bare = uncast(item)
        if isinstance(bare, ir.Literal):
            before = str(bare.value)
            if before == "--":
                break
            continue
        while isinstance(bare, ir.Call) and bare.name in _ITSELF and bare.arguments:
            bare = uncast(bare.arguments[0])
        if isinstance(bare, ir.Call) and bare.receiver is not None and bare.name.rpartition(".")[2] == "split":
            bare = uncast(bare.receiver)
        if not before.startswith("-") and isinstance(bare, ir.Name | ir.Member | ir.Item):
            found.append(bare)
        before = ""
    return tuple(found)
