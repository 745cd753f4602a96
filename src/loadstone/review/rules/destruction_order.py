"""Objects of a library that are destroyed after the library is closed: by the order of members, or by a destructor.

Members are destroyed in the reverse of their order, and after the body of the destructor ([class.dtor]). What counts
as an object of a library is a smart pointer to an interface: a class that is declared in the file and defined nowhere
in it, so that its destructor lies in whatever made the object.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import called_through, calls_of, looked_up, plays, word
from loadstone.review.walk import expressions

__all__ = ["TooLate", "destroyed_late", "emptied", "interfaces", "library_members"]

_OWNING: Final = (
    r"(?:unique_ptr|shared_ptr|QSharedPointer|QScopedPointer)\s*<\s*(?:\w+::)*(?:{names})"
    r"\s*(?:>|,\s*(?:\w+::)*(?!(?:{stateful})\b)\w+\s*>)"
)
"""An owning pointer to one of the classes; a deleter that has members may hold the library."""

_SMART: Final = re.compile(r"\b(?:unique|shared)_ptr\s*<")
_USING: Final = re.compile(r"\busing\s+(\w+)\s*=\s*([^;{}]+);")
_DELETES: Final = frozenset({"delete", "qDeleteAll", "deleteLater"})
_EMPTIES: Final = frozenset({"clear", "reset", "pop_back"})
_LIBRARIES: Final = frozenset({"boost::dll::shared_library", "dll::shared_library", "Poco::SharedLibrary", "QLibrary"})
_LIBRARY: Final = re.compile(rf"(?<![\w:])(?:HMODULE|QPluginLoader|{'|'.join(map(re.escape, sorted(_LIBRARIES)))})\b")
_DESTROYS: Final = frozenset({"erase", "clear", "pop_back", "pop_front", "reset", "delete"})


@dataclass(frozen=True, slots=True)
class TooLate:
    """A member that is destroyed after its library: where the library goes, where the member is declared."""

    owner: str
    objects: str
    library: str
    line: int
    declared: int
    function: str = ""


def destroyed_late(facts: Facts, unit: ir.Unit) -> Iterator[TooLate]:
    """The members of the classes of a file that outlive the library they need."""
    made = interfaces(unit)
    closers = _closers(facts, unit)
    owning = _owning(unit, made)
    yield from _closed_under_locals(facts, unit, made)
    if owning is None:
        return
    holders = _holders(facts, unit, closers)
    yield from _deleted_late(facts, unit, made)
    yield from _locals_late(unit, owning, holders)
    for one in unit.classes:
        objects = next((m for m in one.members if owning.search(m.type)), None)
        if objects is None:
            continue
        end = next((f for f in unit.functions if f.name.endswith(f"{one.name}::~{one.name}")), None)
        later = next((m for m in one.members[one.members.index(objects) :] if _is_held(m.type, holders)), None)
        if later is not None and (end is None or not _mentions(end, objects.name, end.end_line)):
            yield TooLate(one.name, objects.name, later.name, later.line, objects.line)
        yield from _emptied_late(unit, one, objects, holders)
        handles = {m.name for m in one.members if "*" in m.type or _LIBRARY.search(m.type)}
        for function in unit.functions:
            found = _closed_first(facts, function, handles, objects.name, one.name)
            if found is not None:
                yield TooLate(one.name, objects.name, found[1], found[0], objects.line, function.name)


def _locals_late(unit: ir.Unit, owning: re.Pattern[str], holders: set[str]) -> Iterator[TooLate]:
    """``unique_ptr<Tool> tool; Library library(path); tool = library.make();``: locals end in reverse order."""
    for function in unit.functions:
        objects: dict[str, int] = {}
        libraries: dict[str, int] = {}
        for statement in every_statement(function.body):
            if isinstance(statement, ir.Return) and owning.search(function.returns):
                gone = next((n for n in _receivers(statement.value) if n in libraries), "")
                if gone:
                    yield TooLate(
                        last_word(function.name), "The result", gone, statement.line, statement.line, function.name
                    )
            name = word(statement.target) if isinstance(statement, ir.Assign) else ""
            if not isinstance(statement, ir.Assign) or not name:
                continue
            if statement.declares and not statement.static and _is_held(statement.type, holders):
                libraries[name] = statement.line
            elif statement.declares and owning.search(statement.type):
                objects[name] = statement.line
            elif name in objects and not statement.declares:
                library = next((n for n in _receivers(statement.value) if libraries.get(n, 0) > objects[name]), "")
                if library:
                    yield TooLate(
                        last_word(function.name), name, library, libraries[library], objects[name], function.name
                    )


def _closed_under_locals(facts: Facts, unit: ir.Unit, made: set[str]) -> Iterator[TooLate]:
    """``unique_ptr<Tool, End> tool(make(), end); dlclose(lib); }``: the local ends behind the close of its block."""
    plain = re.compile(rf"(?:unique|shared)_ptr\s*<\s*(?:\w+::)*(?:{_one_of(made) or '-'})\s*>")
    for function in unit.functions if "_ptr" in unit.text else ():
        symbols = looked_up(facts, function)
        for block in (function.body, *every_statement(function.body)) if symbols else ():
            alive: dict[str, int] = {}
            for statement in block.body if isinstance(block, ir.Block) else ():
                for name in [n for n in alive if _is_let_go(statement, n)]:
                    del alive[name]
                if isinstance(statement, ir.Assign) and statement.declares:
                    if (name := word(statement.target)) and _needs_library(statement, symbols, plain):
                        alive[name] = statement.line
                    continue
                close = uncast(statement.expression) if isinstance(statement, ir.Evaluate) else None
                if isinstance(close, ir.Call) and plays(facts, close, ApiRole.UNLOAD):
                    library = word(close.arguments[0] if close.arguments else close.receiver) or "it"
                    for name, declared in alive.items():
                        owner = last_word(function.name)
                        yield TooLate(owner, name, library, close.line, declared, function.name)
                    alive.clear()


def _needs_library(declared: ir.Assign, symbols: AbstractSet[str], plain: re.Pattern[str]) -> bool:
    """Whether the end of a smart pointer runs code of the library whose function made what it holds."""
    held = uncast(declared.value)
    if not isinstance(held, ir.Call) or not _SMART.search(declared.type) or not 1 <= len(held.arguments) <= 2:
        return False
    first, *deleter = map(uncast, held.arguments)
    made = isinstance(first, ir.Call) and called_through(first, symbols)
    return made and (word(deleter[0]) in symbols if deleter else plain.search(declared.type) is not None)


def _is_let_go(statement: ir.Statement, name: str) -> bool:
    """Whether a statement ends what a smart pointer holds, or hands it on."""
    within = ir.Block(statement.line, statement.line, (statement,))
    given = any(isinstance(s, ir.Assign) and not s.declares and word(s.target) == name for s in every_statement(within))
    return given or any(
        (word(call.receiver) == name and last_word(call.name) in {"reset", "release", "swap"})
        or (last_word(call.name) == "move" and name in map(word, call.arguments))
        for call in calls_in(within)
    )


def _receivers(value: ir.Expression | None) -> Iterator[str]:
    """The variables whose methods make a value."""
    return (word(e.receiver) for e in expressions(value) if isinstance(e, ir.Call) and e.receiver is not None)


def _owning(unit: ir.Unit, made: set[str]) -> re.Pattern[str] | None:
    """What the types of members look like that own an object of a library, by the names ``using`` gives them too."""
    ending = _ending_deleters(unit)
    if not made and not ending:
        return None
    stateful = [c.name for c in unit.classes if c.members] or ["-"]
    spelled = _OWNING.format(names=_one_of(made) or "-", stateful=_one_of(stateful))
    if ending:
        spelled = rf"(?:{spelled}|unique_ptr\s*<[^<>]*,\s*(?:\w+::)*(?:{_one_of(ending)})\s*>)"
    named = re.findall(rf"using\s+(\w+)\s*=\s*(?:\w+::)*{spelled}\s*;", unit.text)
    return re.compile("|".join([spelled, *(rf"(?<![\w:]){name}\b" for name in named)]))


def _ending_deleters(unit: ir.Unit) -> set[str]:
    """Deleters that call through what they are given: ``plugin->destroy(plugin)`` runs in whatever made it."""
    whole = {c.name for c in unit.classes if c.members}
    found = set()
    for function in unit.functions:
        given = {p.name for p in function.parameters if "*" in p.type}
        calls = (uncast(c.function) for c in calls_in(function.body))
        ends = any(isinstance(f, ir.Member) and f.through and word(f.base) in given for f in calls)
        if last_word(function.name).startswith("operator()") and ends and function.owner:
            found.add(last_word(function.owner))
    return found - whole


def _one_of(names: Iterable[str]) -> str:
    return "|".join(map(re.escape, sorted(names)))


_FACTORY: Final = re.compile(
    r"(?:\b|::)([A-Z]\w*)\s*\*\s*\(\s*(?:[A-Z_a-z]\w*\s+)?(?:\w+::)?\*\s*\w*\s*\)\s*\(|<\s*(?:\w+::)*([A-Z]\w*)\s*\*\s*\("
)
"""``Tool *(*make)(int)``, ``get<Tool *()>``: a pointer to a function that makes an object, in another image."""

_KEEPS_IT: Final = re.compile(r"shared_ptr\s*<[^;{}]*\(\s*[^;]*\[\s*[\w&=]")
"""A shared pointer with a deleter that holds on to something: it may be the library."""


def interfaces(unit: ir.Unit) -> set[str]:
    """Classes whose objects a library makes: declared here and defined nowhere, or given by a pointer to a function."""
    whole = {c.name for c in unit.classes if c.members} | {
        f.owner.rpartition("::")[2] for f in unit.functions if f.owner
    }
    made = set() if _KEEPS_IT.search(unit.text) else {one or other for one, other in _FACTORY.findall(unit.text)}
    return _declared_interfaces(unit) | (made - whole)


def _emptied_late(unit: ir.Unit, one: ir.Class, objects: ir.DeclaredVariable, holders: set[str]) -> Iterator[TooLate]:
    """``packs = std::move(fresh); rules = std::move(made);``: the old libraries go before the old objects."""
    for holder in (m for m in one.members if _is_held(m.type, holders) and m is not objects):
        for function in (f for f in unit.functions if f.owner.rpartition("::")[2] == one.name):
            first, then = emptied(function, holder.name), emptied(function, objects.name)
            if last_word(function.name) != one.name and first and then and max(first) < min(then):
                yield TooLate(one.name, objects.name, holder.name, first[0], objects.line, function.name)


def emptied(function: ir.Function, member: str) -> list[int]:
    """Where a function ends what a member holds: by a method, or by putting something else there."""
    found = [
        c.line
        for c in calls_in(function.body)
        if last_word(c.name) in _EMPTIES
        and isinstance(held := uncast(c.receiver), ir.Name | ir.Member)
        and held.name == member
    ]
    for statement in every_statement(function.body):
        target = uncast(statement.target) if isinstance(statement, ir.Assign) and not statement.declares else None
        if isinstance(target, ir.Name | ir.Member) and target.name == member:
            found.append(statement.line)
    return sorted(found)


def library_members(facts: Facts, unit: ir.Unit) -> set[str]:
    """Members of a file's classes whose end closes libraries."""
    holders = _holders(facts, unit, _closers(facts, unit))
    named = {name for name, spelled in _USING.findall(unit.text) if _is_held(spelled, holders)}
    return {m.name for c in unit.classes for m in c.members if _is_held(m.type, holders | named)}


def _declared_interfaces(unit: ir.Unit) -> set[str]:
    defined = {(f.owner.rpartition("::")[2], last_word(f.name)) for f in unit.functions if f.owner}
    return {
        c.name
        for c in unit.classes
        if not c.members
        and (any(m.startswith("~") for m in c.methods) or _is_abstract(unit, c))
        and len(c.methods) > 1
        and not any((c.name, m) in defined for m in c.methods if not m.startswith("~"))
    }


def _is_abstract(unit: ir.Unit, one: ir.Class) -> bool:
    return any(re.search(r"=\s*0\s*;", unit.line_text(line)) for line in range(one.line, one.end_line + 1))


def _closers(facts: Facts, unit: ir.Unit) -> list[ir.Function]:
    """The methods of a file's classes that close a library."""
    return [f for f in unit.functions if f.owner and any(calls_of(facts, f, ApiRole.UNLOAD))]


def _holders(facts: Facts, unit: ir.Unit, closers: list[ir.Function]) -> set[str]:
    """Types whose end closes a library: by their destructor, or by the deleter they are given."""
    closing = {a.name for a in facts.apis.by_name.values() if a.role is ApiRole.UNLOAD}
    found = {"boost::dll::shared_library", "dll::shared_library"}
    found |= {a.name for a in facts.apis.by_name.values() if a.role is ApiRole.HOLDER and a.release in closing}
    for function in closers:
        owner, word = function.owner, last_word(function.name)
        if word.startswith("~"):
            found.add(owner)
        elif word == "operator()":
            found.add(owner)
            found.update(re.findall(rf"using\s+(\w+)\s*=[^;]*\b{re.escape(owner)}\b", unit.text))
    return found


def _is_held(spelled: str, holders: set[str]) -> bool:
    inner = "*" not in spelled and "&" not in spelled and "function<" not in spelled
    return inner and any(re.search(rf"(?<![\w:]){re.escape(name)}\b", spelled) for name in holders)


def _deleted_late(facts: Facts, unit: ir.Unit, made: set[str]) -> Iterator[TooLate]:
    """``loader->unload(); delete plugin;``: the destructor that is called lies in the library."""
    pointed = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(made)))})\s*\*")
    for function in unit.functions:
        close = next(calls_of(facts, function, ApiRole.UNLOAD), None)
        types = {m.name: m.type for c in unit.classes for m in c.members}
        types.update((p.name, p.type) for p in function.parameters)
        for statement in every_statement(function.body):
            if isinstance(statement, ir.Assign) and statement.declares and isinstance(statement.target, ir.Name):
                types[statement.target.name] = statement.type
        for call in calls_in(function.body) if close is not None else ():
            bare = [uncast(a.base) if isinstance(a := uncast(g), ir.Item) else a for g in call.arguments]
            named = [a.name for a in bare if isinstance(a, ir.Name | ir.Member)]
            if last_word(call.name) in _DELETES and close is not None and call.line > close.line:
                late = next((n for n in named if pointed.search(types.get(n, ""))), None)
                if late is not None and not _leaves_between(function, close, call.line):
                    yield TooLate(last_word(function.name), late, "it", close.line, call.line, function.name)


def _leaves_between(function: ir.Function, close: ir.Call, last: int) -> bool:
    """Whether the close ends its branch: what is deleted after it belongs to another."""
    return any(
        isinstance(s, ir.Return | ir.Raise) and close.line <= s.line < last and not _is_nested(function, s, close)
        for s in every_statement(function.body)
    )


def _is_nested(function: ir.Function, leaving: ir.Statement, close: ir.Call) -> bool:
    """Whether a way out stands in a branch that the condition holding the close decides about."""
    return any(
        isinstance(s, ir.If)
        and any(e is close for e in expressions(s.condition))
        and any(inner is leaving for inner in every_statement(s.then))
        for s in every_statement(function.body)
    )


def _mentions(function: ir.Function, member: str, before: int) -> bool:
    return any(
        isinstance(e, ir.Name | ir.Member) and e.name == member and e.line <= before
        for e in every_expression(function.body)
    )


def _closed_first(
    facts: Facts, function: ir.Function, handles: set[str], objects: str, owner: str
) -> tuple[int, str] | None:
    """Where a function closes the handle of an entry whose object is still there, and then ends the entry."""
    close = next(calls_of(facts, function, ApiRole.UNLOAD), None) or next(
        (c for c in calls_in(function.body) if last_word(c.name) == "unload"), None
    )
    if close is None or (not close.arguments and close.receiver is None):
        return None
    handle = uncast(close.arguments[0] if close.arguments else close.receiver)
    inside = isinstance(handle, ir.Member) or (isinstance(handle, ir.Name) and last_word(function.owner) == owner)
    if not inside or word(handle) not in handles or _mentions(function, objects, close.line):
        return None
    ends = any(last_word(c.name) in _DESTROYS and c.line > close.line for c in calls_in(function.body))
    return (close.line, word(handle)) if ends or "~" in function.name else None
