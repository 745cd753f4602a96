"""Prototypes that a Python file declares in a loop over a table: one row a function, taken apart by the loop's targets.

``for name, args, result in TABLE: f = getattr(lib, name); f.argtypes = args; f.restype = result`` declares every
function of the table, as if each had lines of its own. Rows may be tuples, lists, or the items of a dict; the last
target may take the rest of a row (``*result``), and what is set may depend on whether that rest is empty. A table is a
display: written in the loop, or the one value of a name of the module or of the function.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from loadstone.review import ir
from loadstone.review.analyses.mentions import module_value
from loadstone.review.walk import statements

__all__ = ["TableEntry", "table_entries"]

_Row = dict[str, ir.Expression | None]


@dataclass(frozen=True, slots=True)
class TableEntry:
    """One attribute that a loop over a table sets of one function: ``attribute`` is argtypes or restype."""

    symbol: str
    library: ir.Expression
    attribute: str
    value: ir.Expression
    line: int


def table_entries(unit: ir.Unit, function: ir.Function) -> Iterator[TableEntry]:
    """What the loops of a function declare of foreign functions, row by row. Pure."""
    for loop in statements(function.body.body):
        if isinstance(loop, ir.Loop) and loop.each is not None:
            lookup = _lookup(loop)
            for row in _rows(unit, function, *loop.each) if lookup is not None else ():
                yield from _declared(loop, row, *lookup)  # type: ignore[misc]


def _lookup(loop: ir.Loop) -> tuple[str, ir.Expression, frozenset[str]] | None:
    """``f = getattr(lib, name)``, ``f = lib[name]``: the symbol's variable, the library, the names of the function."""
    found: tuple[str, ir.Expression] | None = None
    names = set()
    for statement in statements(loop.body.body):
        if not isinstance(statement, ir.Assign):
            continue
        taken = _taken(statement.value)
        if taken is None and isinstance(statement.target, ir.Member):
            taken = _taken(statement.target.base)
        if taken is not None:
            found = taken
            names |= {statement.target.name} if isinstance(statement.target, ir.Name) else set()
    return None if found is None else (*found, frozenset(names))


def _taken(value: ir.Expression | None) -> tuple[str, ir.Expression] | None:
    match value:
        case ir.Call(name="getattr", arguments=(library, ir.Name(name=name), *_)):
            return name, library
        case ir.Item(base=library, index=ir.Name(name=name)):
            return name, library
        case _:
            return None


def _declared(
    loop: ir.Loop, row: _Row, symbol_in: str, library: ir.Expression, names: frozenset[str]
) -> Iterator[TableEntry]:
    symbol = row.get(symbol_in)
    if not isinstance(symbol, ir.Literal) or not isinstance(symbol.value, str):
        return
    for statement in statements(loop.body.body):
        target = statement.target if isinstance(statement, ir.Assign) else None
        if not isinstance(target, ir.Member) or target.name not in {"argtypes", "restype"}:
            continue
        of_it = _taken(target.base) is not None or (isinstance(target.base, ir.Name) and target.base.name in names)
        value = _in_row(statement.value, row) if of_it else None  # type: ignore[union-attr]
        if value is not None:
            yield TableEntry(symbol.value, library, target.name, value, symbol.line)


def _in_row(value: ir.Expression | None, row: _Row) -> ir.Expression | None:
    """What an expression is for one row; None when the row has nothing there or it cannot be told."""
    match value:
        case ir.Name(name=name) if name in row:
            return row[name]
        case ir.Item(base=ir.Name(name=name), index=ir.Literal(value=int(index))) if name in row:
            rest = row[name]
            items = rest.items if isinstance(rest, ir.Display) else ()
            return items[index] if index < len(items) else None
        case ir.Operation(operator="?:", operands=(condition, yes, no)):
            holds = _holds(condition, row)
            return None if holds is None else _in_row(yes if holds else no, row)
        case ir.Operation(operator="||", operands=(first, other)):
            holds = _holds(first, row)
            return None if holds is None else _in_row(first if holds else other, row)
        case _:
            return value


def _holds(condition: ir.Expression, row: _Row) -> bool | None:
    match condition:
        case ir.Name(name=name) if name in row:
            given = row[name]
            if isinstance(given, ir.Display):
                return bool(given.items)
            return bool(given.value) if isinstance(given, ir.Literal) else given is not None
        case ir.Operation(operator="!", operands=(inner,)):
            holds = _holds(inner, row)
            return None if holds is None else not holds
        case ir.Operation(operator="==" | "!=" as operator, operands=(ir.Name(name=name), ir.Literal(value=None))):
            given = row.get(name)
            is_none = isinstance(given, ir.Literal) and given.value is None
            return is_none is (operator == "==")
        case _:
            return None


def _rows(unit: ir.Unit, function: ir.Function, target: ir.Expression, values: ir.Expression) -> Iterator[_Row]:
    listed = values
    if isinstance(values, ir.Call) and values.receiver is not None and values.name.rpartition(".")[2] == "items":
        listed = values.receiver
    table = _table(unit, function, listed)
    rows = [*_as_rows(table, by_key=listed is not values)] if table is not None else []
    wide = len(target.items) if isinstance(target, ir.Display) else 0
    even = all(isinstance(row, ir.Display) and len(row.items) == wide for row in rows)
    for row in rows:
        yield dict(_bound(target, row, rest=not even))


def _table(unit: ir.Unit, function: ir.Function, listed: ir.Expression) -> ir.Display | None:
    if isinstance(listed, ir.Name):
        own = [
            s.value
            for s in statements(function.body.body)
            if isinstance(s, ir.Assign) and isinstance(s.target, ir.Name) and s.target.name == listed.name
        ]
        found = own[0] if len(own) == 1 else module_value(unit, listed.name)
    else:
        found = listed
    return found if isinstance(found, ir.Display) else None


def _as_rows(table: ir.Display, *, by_key: bool) -> Iterator[ir.Expression]:
    if not by_key:
        yield from table.items
        return
    for key, item in zip(table.keys, table.items, strict=False):
        yield ir.Display(item.line, (ir.Literal(item.line, key), item))


def _bound(
    target: ir.Expression, row: ir.Expression, *, rest: bool = False
) -> Iterator[tuple[str, ir.Expression | None]]:
    """The loop's names with what a row gives each; where rows differ in length, the last name takes the rest."""
    if isinstance(target, ir.Name):
        yield target.name, row
    elif isinstance(target, ir.Display) and isinstance(row, ir.Display):
        whole = len(target.items) - rest
        for one, item in zip(target.items[:whole], row.items, strict=False):
            yield from _bound(one, item)
        if rest:
            yield from _bound(target.items[-1], ir.Display(row.line, row.items[whole:]))
