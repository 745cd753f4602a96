"""Pointers that a library's function, or one of the program that may give null, returns, and that nobody tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement, stores_in
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import called_through, filled_names, looked_up, word
from loadstone.review.rules.null_givers import GIVES
from loadstone.review.rules.reads_through import read_by
from loadstone.review.walk import expressions

__all__ = ["NullableResult", "held_in", "is_asked", "untested_pointers", "untested_results"]

_HOLDERS: Final = re.compile(r"\b(?:unique_ptr|shared_ptr|QScopedPointer|QSharedPointer)\b")
_ASKS: Final = frozenset({"!", "&&", "||", "==", "!=", "?:", "<", ">", "<=", ">="})
_LEVELS: Final = 3
"""How many functions of the program a null may come through."""

_TYPE_TESTS: Final = re.compile(r"\b(dynamic_cast|qobject_cast)\s*<")
_JUDGES: Final = re.compile(r"(?i)assert|check|ensure|require|verify|throw|fail|valid|null")


@dataclass(frozen=True, slots=True)
class NullableResult:
    """A pointer that may be null: its name, who gave it, and the lines of both."""

    function: ir.Function
    name: str
    giver: str
    given: int
    used: int


def untested_results(facts: Facts, unit: ir.Unit) -> Iterator[NullableResult]:
    """The pointers of a file that are used though what gave them may have given null."""
    kept = filled_names(facts, unit)
    own = _givers(facts, unit, kept)
    for function in unit.functions:
        foreign = kept | looked_up(facts, function)
        yield from _used_at_once(facts, function, own)
        if unit.language is ir.Language.CPP:
            yield from _not_found(function)
        for statement in every_statement(function.body):
            call = _called(statement)
            if not isinstance(statement, ir.Assign) or not (name := word(statement.target)):
                continue
            if call is None and (giver := _asked_of_types(unit, statement)) and not is_asked(facts, function, name):
                used = _used(function, name, statement.line)
                if used:
                    yield NullableResult(function, name, giver, statement.line, used)
            if call is None:
                continue
            is_own = last_word(call.name) in own and facts.is_defined(call.name)
            is_foreign = word(call.function) in foreign and not _is_method(unit, call)
            if not (is_foreign or is_own) or is_asked(facts, function, name):
                continue
            used = _used(function, name, statement.line)
            if used:
                yield NullableResult(function, name, last_word(call.name) or word(call.function), statement.line, used)


def _givers(facts: Facts, unit: ir.Unit, kept: AbstractSet[str]) -> frozenset[str]:
    """The functions of a file that may give null: by a literal, from a library, or from the system as it came."""
    found: frozenset[str] = frozenset()
    for _ in range(_LEVELS):
        found |= {
            last_word(f.name)
            for f in unit.functions
            if (_may_give_null(f) and _is_pointer_type(unit, f.returns))
            or ("*" in f.returns and (_gives_foreign(f, kept | looked_up(facts, f)) or _gives_on(facts, f, found)))
        }
    return found


def _gives_on(facts: Facts, function: ir.Function, givers: AbstractSet[str]) -> bool:
    """``return calloc(1, sizeof(struct module));``, or a variable that holds it and that nothing makes leave before."""
    for statement in every_statement(function.body):
        value = uncast(statement.value) if isinstance(statement, ir.Return) else None
        if isinstance(value, ir.Name):
            stored = [s for s in stores_in(function.body) if word(s.target) == value.name]
            if len(stored) != 1 or _leaves_without(facts, function, value.name):
                continue
            value = uncast(stored[0].value)
        if isinstance(value, ir.Call) and (
            (value.name in GIVES and not facts.is_defined(value.name)) or last_word(value.name) in givers
        ):
            return True
    return False


def _leaves_without(facts: Facts, function: ir.Function, name: str) -> bool:
    """Whether a function does something of its own where a pointer is null; ``if (p) fill(p);`` does not."""
    for statement in every_statement(function.body):
        if isinstance(statement, ir.If) and any(word(e) == name for e in expressions(statement.condition)):
            condition = uncast(statement.condition)
            is_there = word(condition) == name and statement.otherwise is None
            if not is_there:
                return True
    return any(
        isinstance(part, ir.Call)
        and any(word(a) == name for a in part.arguments)
        and ((api := facts.apis.get(part.name)) is not None and api.role is ApiRole.ASSERTION)
        for part in every_expression(function.body)
    )


def _is_pointer_type(unit: ir.Unit, spelled: str) -> bool:
    """Whether a type is a pointer, bare or a smart one, or a name that stands for a pointer to a function."""
    if "*" in spelled or _HOLDERS.search(spelled):
        return True
    name = re.escape(spelled.strip())
    return bool(name) and bool(
        re.search(rf"typedef\b[^;]*\(\s*(?:\w+\s*)?\*\s*{name}\s*\)|using\s+{name}\s*=[^;]*\(\s*\*\s*\)", unit.text)
    )


def _asked_of_types(unit: ir.Unit, statement: ir.Assign) -> str:
    """``dynamic_cast`` and its like give null for an object of another class, ``new (std::nothrow)`` for no memory."""
    if isinstance(statement.value, ir.Operation) and statement.value.operator == "new":
        return "new (std::nothrow)" if "nothrow" in unit.line_text(statement.line) else ""
    is_pointer = isinstance(statement.value, ir.Cast) and "*" in statement.value.type
    found = _TYPE_TESTS.search(unit.line_text(statement.line)) if is_pointer else None
    return found[1] if found else ""


def _used_at_once(facts: Facts, function: ir.Function, own: AbstractSet[str]) -> Iterator[NullableResult]:
    """``find(list, name)->start()``: what may be null is read through where it is given."""
    for part in every_expression(function.body):
        given = [*read_by(part)]
        if isinstance(part, ir.Call) and isinstance(made := uncast(part.function), ir.Call):
            given.append(made)
        for call in given:
            if not isinstance(call, ir.Call):
                continue
            is_own = last_word(call.name) in own and facts.is_defined(call.name)
            if is_own or (_OF_VALUES.match(place_called(call)) and _is_pointer(call.arguments)):
                yield NullableResult(function, "the result", last_word(call.name), call.line, part.line)


def _not_found(function: ir.Function) -> Iterator[NullableResult]:
    """``table.find(key)->second``: what a container finds is its end where the key is not there."""
    parts = [*every_expression(function.body)]
    asked = {word(o) for p in parts if isinstance(p, ir.Operation) and p.operator in {"==", "!="} for o in p.operands}
    handed = {word(a) for p in parts if isinstance(p, ir.Call) for a in p.arguments}
    put = {place_named(p.receiver) for p in parts if isinstance(p, ir.Call) and last_word(p.name) in _SURE}
    put |= {place_named(s.target).rpartition("[")[0] for s in stores_in(function.body)}
    put |= {place_named(p.base) for p in parts if isinstance(p, ir.Item)}
    found: dict[str, int] = {}
    for statement in every_statement(function.body):
        call = uncast(statement.value) if isinstance(statement, ir.Assign) else None
        if isinstance(statement, ir.Assign) and statement.declares and _is_search(call, put):
            found[word(statement.target)] = statement.line
    for part in parts:
        if not isinstance(part, ir.Member) or not part.through:
            continue
        base = uncast(part.base)
        if isinstance(base, ir.Call) and _is_search(base, put):
            yield NullableResult(function, "the result", last_word(base.name), base.line, part.line)
        elif isinstance(base, ir.Name) and base.name in found.keys() - asked - handed:
            yield NullableResult(function, base.name, "find", found.pop(base.name), part.line)


_SURE: Final = frozenset({"count", "contains", "insert", "emplace", "try_emplace", "insert_or_assign"})
"""Methods after which, or by which, a key is known to be in a container."""

_KEYED: Final = re.compile(r"(?:map|set|QHash|QMap)::(?:find|constFind)\Z")


def _is_search(call: ir.Expression | None, put: AbstractSet[str]) -> bool:
    searches = isinstance(call, ir.Call) and _KEYED.search(call.name) is not None
    return isinstance(call, ir.Call) and searches and place_named(call.receiver) not in put


_OF_VALUES: Final = re.compile(r"(?:std::|boost::)?(?:any_cast|get_if|get)\s*<")


def place_called(call: ir.Call) -> str:
    """The name of what is called, as it is written."""
    return call.function.name if isinstance(call.function, ir.Name) else ""


def _is_pointer(arguments: tuple[ir.Expression, ...]) -> bool:
    """``any_cast<T>(&value)``: the form that gives null where the other one throws."""
    bare = uncast(arguments[0]) if len(arguments) == 1 else None
    return isinstance(bare, ir.Operation) and bare.operator == "address"


def untested_pointers(facts: Facts, unit: ir.Unit) -> Iterator[NullableResult]:
    """``t->run = t->find("run")``, and somewhere ``t->run()``: functions that a library's own lookup gives."""
    pointers = {m.name for c in unit.classes for m in c.members}
    asked = facts.asked_in(unit.path) | facts.tested_in(unit.path)
    kept = filled_names(facts, unit)
    for function in unit.functions if pointers - asked else ():
        foreign = kept | looked_up(facts, function)
        for statement in every_statement(function.body):
            call = uncast(statement.value) if isinstance(statement, ir.Assign) else None
            if not isinstance(statement, ir.Assign) or not isinstance(call, ir.Call):
                continue
            name = place_named(statement.target).rpartition(".")[2]
            if name in pointers - asked and word(call.function) in foreign and any(map(_is_text, call.arguments)):
                used = next(_calls_of(unit, name), None)
                if used is not None:
                    yield NullableResult(used[0], name, word(call.function), statement.line, used[1])


def _is_text(argument: ir.Expression) -> bool:
    bare = uncast(argument)
    return isinstance(bare, ir.Literal) and isinstance(bare.value, str)


def _calls_of(unit: ir.Unit, name: str) -> Iterator[tuple[ir.Function, int]]:
    for function in unit.functions:
        for call in calls_in(function.body):
            if isinstance(target := uncast(call.function), ir.Member) and target.name == name:
                yield function, call.line


def _is_method(unit: ir.Unit, call: ir.Call) -> bool:
    """Whether what is called is a method of the file's own, which may be called as the member of another class is."""
    owner, _, name = call.name.rpartition("::")
    method = f"{last_word(owner)}::{name}"
    return bool(owner) and any(f.name == method or f.name.endswith(f"::{method}") for f in unit.functions)


def _called(statement: ir.Statement) -> ir.Call | None:
    """The call whose result a statement puts into a pointer."""
    if not isinstance(statement, ir.Assign) or not statement.declares:
        return None
    value = uncast(statement.value)
    if _HOLDERS.search(statement.type):
        makes = isinstance(value, ir.Call) and bool(value.arguments) and _HOLDERS.search(value.name) is not None
        value = uncast(value.arguments[0]) if isinstance(value, ir.Call) and makes else value
    elif "*" not in statement.type and "auto" not in statement.type.split():
        return None
    return value if isinstance(value, ir.Call) else None


def _may_give_null(function: ir.Function) -> bool:
    for statement in every_statement(function.body):
        value = uncast(statement.value) if isinstance(statement, ir.Return) else None
        given = value.operands[1:] if isinstance(value, ir.Operation) and value.operator == "?:" else (value,)
        if any(isinstance(one, ir.Literal) and one.value is None for one in map(uncast, given)):
            return True
        if isinstance(value, ir.Display) and not value.items and _HOLDERS.search(function.returns):
            return True
    return False


def _gives_foreign(function: ir.Function, foreign: AbstractSet[str]) -> bool:
    """``return entry->get_factory(ID);``: what a library's function gives is handed on as it is."""
    given = (uncast(s.value) for s in every_statement(function.body) if isinstance(s, ir.Return))
    return any(isinstance(one, ir.Call) and called_through(one, foreign) for one in given)


def is_asked(facts: Facts, function: ir.Function, name: str) -> bool:
    """Whether something in a function asks if a pointer is null, or hands it to something that may."""
    for statement in every_statement(function.body):
        if isinstance(statement, ir.If | ir.Loop) and any(held_in(e) == name for e in _decided(statement.condition)):
            return True
    for part in every_expression(function.body):
        if isinstance(part, ir.Operation) and part.operator in _ASKS and any(held_in(o) == name for o in part.operands):
            return True
        if isinstance(part, ir.Call) and last_word(part.name) in _TELLS and word(part.receiver) == name:
            return True
        if isinstance(part, ir.Call) and any(held_in(a) == name for a in part.arguments):
            api = facts.apis.get(part.name)
            if (api is not None and api.role is ApiRole.ASSERTION) or _JUDGES.search(last_word(part.name)):
                return True
    return False


_TELLS: Final = frozenset({"value_or", "has_value", "isNull", "valueOr"})
"""Methods of what may hold nothing that are good for that, too."""


def held_in(place: ir.Expression | None) -> str:
    """The variable or member that holds a pointer, itself (``m->text``) or behind its address (``*list``)."""
    bare = uncast(place)
    if isinstance(bare, ir.Operation) and bare.operator == "deref" and isinstance(uncast(bare.operands[0]), ir.Name):
        return f"*{word(bare.operands[0])}"
    return word(bare)


def _decided(condition: ir.Expression | None) -> Iterator[ir.Expression]:
    """What a condition decides by: itself, and its parts where they are joined."""
    bare = uncast(condition)
    yield bare
    if isinstance(bare, ir.AssignmentExpression):
        yield bare.target
    if isinstance(bare, ir.Call) and bare.receiver is not None and last_word(bare.name) in {"get", "isNull"}:
        yield bare.receiver


def _used(function: ir.Function, name: str, after: int) -> int:
    """The first line that reads through a pointer."""
    lines = [
        e.line
        for e in every_expression(function.body)
        if e.line >= after and isinstance(e, ir.Member) and e.through and word(e.base) == name
    ]
    lines += [
        e.line
        for e in every_expression(function.body)
        if e.line > after and isinstance(e, ir.Operation) and e.operator == "deref" and word(e.operands[0]) == name
    ]
    lines += [e.line for e in every_expression(function.body) for given in read_by(e) if word(given) == name]
    named = [c.line for c in calls_in(function.body) for p in expressions(c.function) if word(p) == name]
    return min([line for line in (*lines, *named) if line > after], default=0)
