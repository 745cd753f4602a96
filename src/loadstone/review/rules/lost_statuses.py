"""C and C++: statuses of a library, and of functions of the program that load or set one up, that nobody looks at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement, stores_in
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import filled_names, looked_up, plays, word
from loadstone.review.walk import blocks, expressions, tops

__all__ = ["LostStatus", "lost_statuses", "returned_by_type"]

_ENDS: Final = re.compile(
    r"(?i)close|destroy|free|release|stop|fini|shut|clean|unload|exit|delete|~|end\b|abort|cancel"
)
"""Words of functions after which nothing can be done about a failure."""

_STATUS: Final = re.compile(
    r"\A(?:int|bool|BOOL|HRESULT|gboolean|NTSTATUS|LONG|status_t|\w*_status\w*|\w+_result\w*|\w*Result|\w*Status)\Z"
)
_LEVELS: Final = 3


@dataclass(frozen=True, slots=True)
class LostStatus:
    """A call whose status counts for nothing, and why."""

    function: ir.Function
    line: int
    why: str


def lost_statuses(facts: Facts, unit: ir.Unit) -> Iterator[LostStatus]:
    """The calls of a file whose status is dropped, or kept in a variable that is never read or set again before."""
    types = {m.name: m.type for c in unit.classes for m in c.members}
    types |= {v.name: v.type for v in unit.variables}
    kept = filled_names(facts, unit)
    own = _own(facts, unit, kept, types)
    for function in unit.functions:
        if _ENDS.search(last_word(function.name)):
            continue
        local = types | {p.name: p.type for p in function.parameters}
        local |= {
            s.target.name: s.type
            for s in every_statement(function.body)
            if isinstance(s, ir.Assign) and s.declares and isinstance(s.target, ir.Name)
        }
        foreign = kept | looked_up(facts, function)
        for statement in every_statement(function.body):
            call = uncast(statement.expression) if isinstance(statement, ir.Evaluate) else None
            if not isinstance(call, ir.Call) or not isinstance(statement, ir.Evaluate) or statement.discards:
                continue
            name = last_word(call.name)
            if name in own and facts.is_defined(call.name) and _goes_on(function, statement.line, foreign, own):
                yield LostStatus(function, statement.line, f"The status of {name}, which {own[name]}, is dropped.")
        for block in _blocks(function.body):
            yield from _overwritten(unit, function, block, foreign, local)


def _goes_on(function: ir.Function, line: int, foreign: AbstractSet[str], own: Mapping[str, str]) -> bool:
    """Whether a function calls the library behind a line."""
    later = (c for c in calls_in(function.body) if c.line > line)
    return any(word(c.function) in foreign or last_word(c.name) in own for c in later)


def returned_by_type(unit: ir.Unit, spelled: str) -> str:
    """What a function returns, by the type of the pointer to it."""
    if "(" in spelled:
        return spelled.partition("(")[0].strip()
    name = spelled.strip(" *&")
    made = name.isidentifier() and (
        re.search(rf"typedef\s+([\w ]+?)\s*\(\s*(?:\w+\s*)?\*\s*{name}\s*\)", unit.text)
        or re.search(rf"using\s+{name}\s*=\s*(\w+)\s*\(", unit.text)
    )
    return made[1] if made else ""


def _own(facts: Facts, unit: ir.Unit, kept: AbstractSet[str], types: Mapping[str, str]) -> dict[str, str]:
    """The functions of a file that load or set up a library and say whether that worked, with what they do."""
    found: dict[str, str] = {}
    for _ in range(_LEVELS):
        for function in unit.functions:
            name = last_word(function.name)
            if name in found or not _STATUS.match(function.returns.removeprefix("static ").strip()):
                continue
            if not _says_both(function, found):
                continue
            if any(plays(facts, c, ApiRole.LOAD) for c in calls_in(function.body)):
                found[name] = "loads a library"
            elif any(plays(facts, c, ApiRole.RESOLVE) for c in calls_in(function.body)):
                found[name] = "looks symbols up"
            elif any(
                word(c.function) in kept
                and _BEGINS.search(word(c.function))
                and _STATUS.match(returned_by_type(unit, types.get(word(c.function), "")))
                for c in calls_in(function.body)
            ):
                found[name] = "sets a library up"
            else:
                below = next((last_word(c.name) for c in calls_in(function.body) if last_word(c.name) in found), "")
                if below:
                    found[name] = f"calls {below}"
    return found


_BEGINS: Final = re.compile(
    r"(?i)(?:\A|_)(?:pfn|fn|p)?_?(?:init|set_?up|start|open|begin|attach|register|prepare|configure|boot)"
)


def _says_both(function: ir.Function, found: Mapping[str, str]) -> bool:
    """Whether what a function returns tells success from failure; what it only hands on does, too."""
    given = [uncast(s.value) for s in every_statement(function.body) if isinstance(s, ir.Return)]
    values = {g.value for g in given if isinstance(g, ir.Literal)}
    if any(isinstance(g, ir.Call) and last_word(g.name) in found for g in given):
        return True
    names = {g.name for g in given if isinstance(g, ir.Name) and g.name.isupper()}
    return len(values | names) > 1 or (bool(values) and any(isinstance(g, ir.Name) for g in given))


def _blocks(block: ir.Block) -> Iterator[ir.Block]:
    yield block
    for statement in block.body:
        for inner in blocks(statement):
            yield from _blocks(inner)


def _overwritten(
    unit: ir.Unit, function: ir.Function, block: ir.Block, foreign: AbstractSet[str], types: Mapping[str, str]
) -> Iterator[LostStatus]:
    """A status of the library that the next statements replace unread, or that the function never reads."""
    for position, statement in enumerate(block.body):
        call = uncast(statement.value) if isinstance(statement, ir.Assign) and not statement.operator else None
        if not isinstance(call, ir.Call) or not isinstance(statement, ir.Assign):
            continue
        name, called = word(statement.target), word(call.function)
        if called not in foreign or not isinstance(statement.target, ir.Name) or _ENDS.search(called):
            continue
        if not _STATUS.match(returned_by_type(unit, types.get(called, ""))):
            continue
        if statement.declares and not _is_read(function, name, statement):
            yield LostStatus(function, statement.line, f"The status of {called} goes into {name}, which nothing reads.")
            continue
        for following in block.body[position + 1 :]:
            if any(word(e) == name for top in _read_in(following) for e in expressions(top)) or blocks(following):
                break
            if isinstance(following, ir.Assign) and word(following.target) == name and not following.operator:
                yield LostStatus(
                    function,
                    statement.line,
                    f"The status of {called} in {name} is replaced at line {following.line} before anybody reads it.",
                )
                break


def _read_in(statement: ir.Statement) -> Iterator[ir.Expression]:
    for top in tops(statement):
        if not (isinstance(statement, ir.Assign) and top is statement.target and not statement.operator):
            yield top


def _is_read(function: ir.Function, name: str, given: ir.Assign) -> bool:
    stored = {id(s.target) for s in stores_in(function.body)}
    closures = (e for e in every_expression(function.body) if isinstance(e, ir.Closure))
    parts = [*every_expression(function.body), *(e for c in closures for e in every_expression(c.function.body))]
    return any(
        isinstance(e, ir.Name) and e.name == name and id(e) not in stored and e is not given.target for e in parts
    )
