"""Memory of one allocator that another one is given back to: ``free`` of what ``new`` made, ``delete`` of a library's.

What made a thing is asked of the variable or the member that holds it, or, of a parameter, of its class: one that the
file only ever makes with ``new`` does not go to ``free``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_statement, stores_in
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.rules.identities import NamesInSight, Thing
from loadstone.review.rules.lookups import filled_names, looked_up, symbols_of, word
from loadstone.review.typenames import base_type

__all__ = ["WrongAllocator", "wrong_allocators"]

_MADE_BY: Final = {
    **dict.fromkeys(("malloc", "calloc", "realloc", "strdup", "_strdup", "strndup", "wcsdup", "_wcsdup"), "free"),
    **dict.fromkeys(("realpath", "get_current_dir_name", "aligned_alloc"), "free"),
    **dict.fromkeys(("g_malloc", "g_malloc0", "g_strdup", "g_strndup", "g_strdup_printf", "g_new", "g_new0"), "g_free"),
    "LocalAlloc": "LocalFree",
    "GlobalAlloc": "GlobalFree",
    "HeapAlloc": "HeapFree",
    "VirtualAlloc": "VirtualFree",
    "CoTaskMemAlloc": "CoTaskMemFree",
    "SysAllocString": "SysFreeString",
    "SysAllocStringLen": "SysFreeString",
    "new": "delete",
}
"""What makes memory, and what takes it back. Source: the manual pages; Microsoft's reference."""

_RELEASES: Final = {**dict.fromkeys(_MADE_BY.values(), 0), "HeapFree": 2}
"""Which argument of a release is the memory."""

_DEFINED: Final = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(g_\w+|free|\w*alloc|\w*strdup)\b", re.MULTILINE)

_DELETED_BY: Final = {"delete": "new", "delete[]": "new[]"}
_OF_ONE: Final = re.compile(r"(?:const\s+)?(?:std::)?(?:unique|shared)_ptr\s*<[^<>,\[\]]+>")
"""Smart pointers that end what they hold with ``delete``."""

_COUNTERPART: Final = re.compile(r"(?i)free|destroy|discard|delete|release|drop|dispose")
_FREES_TEXT: Final = re.compile(r"(?i)str|text|buf|mem|data|result|msg|name")

_DOES: Final = re.compile(
    r"(?i)free|destroy|discard|delete|release|drop|dispose|create|make|new|alloc|allocate|get|dup|open|close|build"
)
"""Words of a symbol that say what it does, not with what."""

_FREES: Final = re.compile(r"(?i)(?:free|release|dealloc|deallocate|dispose)(?:_?(?:fn|func|mem|memory|block|it))?\Z")
"""Names of functions that take back memory of any kind."""


@dataclass(frozen=True, slots=True)
class WrongAllocator:
    """A release that does not belong to what made the memory: where, of what, made by whom, released by whom."""

    function: ir.Function
    line: int
    name: str
    maker: str
    release: str


def wrong_allocators(facts: Facts, unit: ir.Unit) -> Iterator[WrongAllocator]:
    """The releases of a file that belong to another allocator."""
    members = {m.name for c in unit.classes for m in c.members}
    kept = [found for f in unit.functions for found in _made(f) if found[0] in members]
    foreign = filled_names(facts, unit).union(*(looked_up(facts, f) for f in unit.functions))
    symbols = symbols_of(facts, unit)
    takers = {name for name in foreign if any(map(_COUNTERPART.search, (name, *symbols.get(name, ()))))}
    called = {last_word(c.name) for f in unit.functions for c in calls_in(f.body)}
    own = {last_word(f.name) for f in unit.functions}
    yield from _arrays(unit, members)
    of_others = _made_for(unit, takers, foreign - takers)
    kept_foreign = _kept_foreign(facts, unit, foreign - takers) if takers else {}
    handed = _handed(unit, foreign - takers) if takers else {}
    macros = _own_macros(facts, unit)
    for function in unit.functions:
        local = [*_made(function)]
        given = handed.get(function.name, {}) | dict(_foreign(function, foreign - takers))
        classes = {p.name: base_type(p.type) for p in function.parameters if p.type.count("*") == 1}
        for call in calls_in(function.body):
            release = last_word(call.name)
            place = _RELEASES.get(release)
            if place is None or place >= len(call.arguments) or release in own:
                continue
            name = word(call.arguments[place])
            if name not in given and isinstance(uncast(call.arguments[place]), ir.Member) and kept_foreign:
                thing = NamesInSight(facts.program, unit, function).thing(uncast(call.arguments[place]))
                given |= {name: kept_foreign[thing]} if thing in kept_foreign else {}
            makers = {maker for held, maker in (*local, *kept) if held == name}
            if {release, *makers} & macros:
                continue
            if name and makers and all(_MADE_BY[maker] != release for maker in makers):
                yield WrongAllocator(function, call.line, name, min(makers), release)
            elif (
                name in given
                and not makers
                and _has_taker(
                    {t for t in takers if given[name] in of_others.get(t, {given[name]})},
                    release,
                    called,
                    symbols,
                    given[name],
                )
            ):
                yield WrongAllocator(function, call.line, name, given[name], release)
            elif not makers and release != "SysFreeString" and _is_automation_text(function, call.arguments[place]):
                yield WrongAllocator(function, call.line, name, "Automation", release)
            elif not makers and release == "free" and _is_made_by_new(unit, classes.get(name, "")):
                yield WrongAllocator(function, call.line, name, "new", release)


def _is_automation_text(function: ir.Function, given: ir.Expression) -> bool:
    """Whether a text is a ``BSTR``: its block begins before it, and is not of the heap of C."""
    bare = uncast(given)
    if isinstance(bare, ir.Member):
        return bare.name == "bstrVal"
    types = {p.name: p.type for p in function.parameters} | {
        s.target.name: s.type
        for s in every_statement(function.body)
        if isinstance(s, ir.Assign) and s.declares and isinstance(s.target, ir.Name)
    }
    return isinstance(bare, ir.Name) and types.get(bare.name, "").strip() == "BSTR"


def _own_macros(facts: Facts, unit: ir.Unit) -> frozenset[str]:
    """The makers and releases that are macros of the program: ``#define g_free free`` is not the library's."""
    asked = unit.words & (_MADE_BY.keys() | _RELEASES.keys())
    texts = [u.text for u in facts.program.units if asked & u.words and "#define" in u.text] if asked else []
    return frozenset(name for text in texts for name in _DEFINED.findall(text) if name in asked)


def _arrays(unit: ir.Unit, members: AbstractSet[str]) -> Iterator[WrongAllocator]:
    """``delete`` of what ``new[]`` made, by hand or by a smart pointer of one object, and the other way round."""
    kept = [(f.owner, *found) for f in unit.functions for found in _new(f) if found[0] in members]
    for function in unit.functions:
        local = [*_new(function), *((name, maker) for owner, name, maker in kept if owner == function.owner)]
        for call in calls_in(function.body):
            name = word(call.arguments[0]) if call.name == "delete" and call.arguments else ""
            makers = {maker for held, maker in local if held == name}
            release = call.function.name if isinstance(call.function, ir.Name) else ""
            if name and len(makers) == 1 and makers != {_DELETED_BY[release]}:
                yield WrongAllocator(function, call.line, name, makers.pop(), release)
        for statement in every_statement(function.body):
            held = uncast(statement.value) if isinstance(statement, ir.Assign) else None
            if isinstance(statement, ir.Assign) and isinstance(held, ir.Call) and _OF_ONE.fullmatch(statement.type):
                made = [uncast(a) for a in held.arguments]
                if len(made) == 1 and isinstance(made[0], ir.Operation) and _maker(made[0]) == "new[]":
                    yield WrongAllocator(function, statement.line, word(statement.target), "new[]", "delete")


def _new(function: ir.Function) -> Iterator[tuple[str, str]]:
    """The variables and members of a function that hold what ``new`` made, and which of its two forms."""
    for store in stores_in(function.body):
        made = uncast(store.value)
        if isinstance(made, ir.Operation) and made.operator == "new":
            yield word(store.target), _maker(made)


def _maker(made: ir.Operation) -> str:
    return "" if made.operator != "new" else "new" if len(made.operands) == 1 else "new[]"


def _made_for(unit: ir.Unit, takers: AbstractSet[str], makers: AbstractSet[str]) -> dict[str, set[str]]:
    """Whose results each function that takes back is given, where the file shows it: it takes back no others."""
    found: dict[str, set[str]] = {}
    for function in unit.functions:
        made = dict(_foreign(function, makers))
        for call in calls_in(function.body):
            taker = word(call.function)
            if taker in takers:
                given = (word(argument) for argument in call.arguments)
                found.setdefault(taker, set()).update(made[name] for name in given if name in made)
    return {taker: given for taker, given in found.items() if given}


def _has_taker(takers: set[str], release: str, called: set[str], symbols: Mapping[str, set[str]], maker: str) -> bool:
    """Whether the library has a function of its own that takes back what it made: it says so, or nobody calls it."""
    if release == "delete":
        return bool(takers)
    made = [_stem(symbol) for symbol in symbols.get(maker, ())]
    return release == "free" and any(
        any(map(_FREES_TEXT.search, (t, *symbols.get(t, ()))))
        or (_FREES.match(t) and t not in called)
        or any(_stem(symbol) in made for symbol in symbols.get(t, ()))
        for t in takers
    )


def _stem(symbol: str) -> tuple[str, ...]:
    """What a symbol is about: ``("png", "info")`` of ``png_create_info`` and of ``png_free_info``."""
    words = re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+", symbol)
    return tuple(w.lower() for w in words if not _DOES.fullmatch(w))


def _is_made_by_new(unit: ir.Unit, name: str) -> bool:
    if not name or not any(one.name == name for one in unit.classes):
        return False
    made = re.search(rf"\b(?:new\s+{name}\b|make_unique\s*<\s*{name}\s*>)", unit.text)
    return made is not None and not re.search(rf"sizeof\s*\(?\s*(?:struct\s+)?{name}\b|sizeof\s*\(?\s*\*", unit.text)


def _made(function: ir.Function) -> Iterator[tuple[str, str]]:
    """The variables and members that get memory in a function, and what made it."""
    for statement in every_statement(function.body):
        value = uncast(statement.value) if isinstance(statement, ir.Assign) else None
        if not isinstance(statement, ir.Assign) or not (name := word(statement.target)):
            continue
        if isinstance(value, ir.Operation) and value.operator == "new":
            yield name, "new"
        elif isinstance(value, ir.Call) and last_word(value.name) in _MADE_BY:
            yield name, last_word(value.name)


def _foreign(function: ir.Function, foreign: AbstractSet[str]) -> Iterator[tuple[str, str]]:
    """The variables that hold what a library's functions gave, as their result or through an argument; by whom."""
    return ((word(place), giver) for place, giver in _filled_by(function, foreign))


def _filled_by(function: ir.Function, foreign: AbstractSet[str]) -> Iterator[tuple[ir.Expression, str]]:
    for statement in every_statement(function.body):
        value = uncast(statement.value) if isinstance(statement, ir.Assign) else None
        if isinstance(statement, ir.Assign) and isinstance(value, ir.Call) and word(value.function) in foreign:
            yield uncast(statement.target), word(value.function)
    for call in calls_in(function.body):
        if word(call.function) in foreign:
            for given in map(uncast, call.arguments):
                if isinstance(given, ir.Operation) and given.operator == "address":
                    yield uncast(given.operands[0]), word(call.function)


def _kept_foreign(facts: Facts, unit: ir.Unit, foreign: AbstractSet[str]) -> dict[Thing | None, str]:
    """The members that hold what a library's function gave, whichever function of the file put it there; by whom."""
    found: dict[Thing | None, str] = {}
    for function in unit.functions:
        for place, giver in _filled_by(function, foreign):
            if isinstance(place, ir.Member):
                thing = NamesInSight(facts.program, unit, function).thing(place)
                found |= {thing: giver} if thing is not None and thing.owner in {c.name for c in unit.classes} else {}
    return found


def _handed(unit: ir.Unit, foreign: AbstractSet[str]) -> dict[str, dict[str, str]]:
    """The parameters of helpers to which each caller hands what a library's function gave; by whom."""
    helpers = {f.name: f for f in unit.functions if f.local}
    found: dict[str, list[dict[str, str]]] = {}
    for function in unit.functions:
        given = dict(_foreign(function, foreign))
        for call in calls_in(function.body):
            helper = helpers.get(call.name)
            if helper is not None:
                pairs = zip(helper.parameters, call.arguments, strict=False)
                found.setdefault(helper.name, []).append(
                    {p.name: given[w] for p, a in pairs if (w := word(a)) in given}
                )
    return {
        name: {key: who for key, who in calls[0].items() if all(key in one for one in calls)}
        for name, calls in found.items()
    }
