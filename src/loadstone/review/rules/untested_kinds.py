"""Objects of one of several kinds that a function takes from outside, and uses as one kind without asking which.

Two forms: a pointer is read out of a union beside a tag, where a number may stand in the union; a handle is seen as one
of several structures that begin with the same tag. That the tag matters is shown by another function of the file, which
compares it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import every_expression, every_statement
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.identities import NamesInSight, names_in_sight
from loadstone.review.typenames import base_type, pointee
from loadstone.review.walk import expressions, parts_of

__all__ = ["UnaskedKind", "untested_kinds"]

_TAG: Final = re.compile(r"(?i)(?:\A|_)(?:kind|type|tag|t|magic|what|vt|which)\Z")
_INSIDE: Final = r"\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}"
_RECORD: Final = re.compile(rf"\bstruct\s+(\w+)\s*{_INSIDE}|\bstruct\s*{_INSIDE}\s*(\w+)\s*;")
_UNION: Final = re.compile(r"\bunion\b\s*\w*\s*\{((?:[^{}]|\{[^{}]*\})*)\}\s*(\w*)\s*;")
_COMMENT: Final = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_TWO: Final = 2


@dataclass(frozen=True, slots=True)
class UnaskedKind:
    """Where an object is used as one kind, the member or the structure it is used by, and the tag nobody asks."""

    function: ir.Function
    line: int
    used: str
    tag: str


@dataclass(frozen=True, slots=True)
class _Record:
    """A structure with a tag: that, and the pointers of its union, which hold numbers under other tags."""

    tag: str
    pointers: frozenset[str]


def untested_kinds(facts: Facts, unit: ir.Unit) -> Iterator[UnaskedKind]:
    """The functions of a C or C++ file that do not ask what they were given, each once."""
    records = dict(_records(_COMMENT.sub(" ", unit.text)))
    compared = {name for f in unit.functions for name in _compared(f)}
    unions = {name: r for name, r in records.items() if r.pointers and r.tag in compared}
    alike = [name for name, r in records.items() if not r.pointers and r.tag in compared]
    alike = [name for name in alike if sum(records[name].tag == records[other].tag for other in alike) >= _TWO]
    for function in unit.functions if unions or alike else ():
        if function.local and not _is_handed(unit, function):
            continue  # its callers have asked
        mentioned = {e.name for e in every_expression(function.body) if isinstance(e, ir.Member)}
        scope = names_in_sight(facts.program, unit, function)
        parameters = {p.name: p.type for p in function.parameters}
        found = None
        if unions:
            found = _read(function, scope, parameters | _looked_up(unit, function), unions, mentioned)
        if found is None and alike:
            found = _seen(function, parameters, {name: records[name].tag for name in alike}, mentioned)
        if found is not None:
            yield found


def _looked_up(unit: ir.Unit, function: ir.Function) -> dict[str, str]:
    """The variables that hold what another function of the file found: ``entry = find(table, key)``."""
    own = {f.name for f in unit.functions}
    declared = (s for s in every_statement(function.body) if isinstance(s, ir.Assign) and s.declares)
    return {
        s.target.name: s.type
        for s in declared
        if isinstance(s.target, ir.Name) and isinstance(c := uncast(s.value), ir.Call) and c.name in own
    }


def _records(text: str) -> Iterator[tuple[str, _Record]]:
    for match in _RECORD.finditer(text):
        name, body = match[1] or match[4], match[2] or match[3] or ""
        union = _UNION.search(body)
        outside = [d.strip() for d in _UNION.sub("", body).split(";") if d.strip()]
        first = outside[0] if outside and "*" not in outside[0] else ""
        tag = next((w for w in re.findall(r"\w+", first)[-1:] if _TAG.search(w)), "")
        within = re.sub(r"\{[^{}]*\}", "", union[1]) if union is not None else ""
        inside = [d.strip() for d in within.split(";") if d.strip()]
        pointers = {re.findall(r"\w+", d)[-1] for d in inside if "*" in d and "(" not in d}
        numbers = [d for d in inside if "*" not in d and "[" not in d]
        if tag and (not inside or (pointers and numbers)):
            yield name, _Record(tag, frozenset(pointers))


def _compared(function: ir.Function) -> Iterator[str]:
    """The members that a function decides by."""
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Switch):
            yield from (e.name for e in expressions(statement.subject) if isinstance(e, ir.Member))
    for part in every_expression(function.body):
        if isinstance(part, ir.Operation) and part.operator in {"==", "!="}:
            yield from (one.name for o in part.operands if isinstance(one := uncast(o), ir.Member))


def _is_handed(unit: ir.Unit, function: ir.Function) -> bool:
    """Whether a function stands in a table of the file: whoever has the table calls it."""
    return any(
        isinstance(e, ir.Name) and e.name == function.name
        for v in unit.variables
        if isinstance(v.value, ir.Display)
        for e in expressions(v.value)
    )


def _read(
    function: ir.Function,
    scope: NamesInSight,
    parameters: dict[str, str],
    unions: dict[str, _Record],
    mentioned: set[str],
) -> UnaskedKind | None:
    """``dlopen(argv[0].u.text)`` of a parameter whose tag the function does not read, nor hands to who might."""
    for part in every_expression(function.body):
        if not isinstance(part, ir.Member):
            continue
        base: ir.Expression = uncast(part.base)
        owner = base.base if isinstance(base, ir.Member) else base  # of v->u.text, and of v->text
        root = uncast(owner)
        while isinstance(root, ir.Item | ir.Operation):
            root = uncast(root.base if isinstance(root, ir.Item) else root.operands[0])
        if not isinstance(root, ir.Name) or root.name not in parameters:
            continue
        record = unions.get(base_type(pointee(scope.type_of(root))) or "")
        if record is None or part.name not in record.pointers or record.tag in mentioned:
            continue
        if not _is_written(function, part) and not _hands_on(function, root.name):
            return UnaskedKind(function, part.line, part.name, record.tag)
    return None


def _is_written(function: ir.Function, member: ir.Member) -> bool:
    return any(isinstance(s, ir.Assign) and uncast(s.target) is member for s in every_statement(function.body))


def _hands_on(function: ir.Function, name: str) -> bool:
    """Whether a condition of the function asks somebody else about the object."""
    for statement in every_statement(function.body):
        condition = statement.condition if isinstance(statement, ir.If | ir.Loop) else None
        for call in (e for e in expressions(condition) if isinstance(e, ir.Call)):
            if any(isinstance(uncast(a), ir.Name) and uncast(a).name == name for a in call.arguments):  # type: ignore[union-attr]
                return True
    return False


def _seen(
    function: ir.Function, parameters: dict[str, str], tags: dict[str, str], mentioned: set[str]
) -> UnaskedKind | None:
    """``struct conn *c = handle;`` of a ``void *`` that a caller gives."""
    handles = {name for name, kind in parameters.items() if kind.replace(" ", "").removeprefix("const") == "void*"}
    for statement in every_statement(function.body):
        pairs = [(e.type, e.operand, e.line) for e in parts_of(statement) if isinstance(e, ir.Cast)]
        if isinstance(statement, ir.Assign) and statement.declares and statement.value is not None:
            pairs.append((statement.type, statement.value, statement.line))
        for kind, value, line in pairs:
            bare, struct = uncast(value), base_type(kind)
            given = isinstance(bare, ir.Name) and bare.name in handles
            if given and struct in tags and tags[struct] not in mentioned and not _hands_on(function, bare.name):  # type: ignore[union-attr]
                return UnaskedKind(function, line, struct, tags[struct])
    return None
