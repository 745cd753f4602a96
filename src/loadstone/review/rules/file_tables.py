"""Tables at the top of a C file that still hold what has gone: entries of a closed library, entries that were freed.

A table is a variable of the file that is an array or a pointer. Which functions put a parameter of theirs into one is
found bottom-up over the calls of the file, to a fixed point. A claim needs all of these: something of a library is put
into the table by name, another call closes a library or frees the entry, neither that function nor what it calls takes
the entry out, and some other function looks into the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import MAINS, place_named, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import made_by_library, plays
from loadstone.review.typenames import base_type
from loadstone.review.walk import expressions

__all__ = ["Kept", "kept_entries"]

_PLAIN: Final = re.compile(
    r"\A(?:const |unsigned |signed |struct )*(?:char|short|int|long|float|double|_?bool|s?size_t|(?:time|uid|mode)_t"
    r"|u?int(?:\d+|ptr|max)_t|enum .*)(?: int| long| unsigned)*(?:\[\])?\Z",
    re.IGNORECASE,
)
"""Types whose values are copies: they lead nowhere."""

_LEVELS: Final = 3
"""How deep a function may free what it is given."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry of a table that outlives what it leads to: where it was put, where that goes, and who looks later."""

    table: str
    put: int
    gone: int
    used: tuple[tuple[int, str], ...]
    function: ir.Function
    is_freed: bool = False


def kept_entries(facts: Facts, unit: ir.Unit) -> Iterator[Kept]:
    """What the tables of one C file keep too long."""
    tables = {v.name for v in unit.variables if ("*" in v.type or "[]" in v.type) and not v.type.startswith("const ")}
    if not tables:
        return
    file = _File(facts, unit, tables)
    yield from file.of_libraries()
    yield from file.of_memory()
    yield from file.of_objects()


class _File:
    """The functions of one file and what they do to its tables."""

    def __init__(self, facts: Facts, unit: ir.Unit, tables: set[str]) -> None:
        self.facts = facts
        self.unit = unit
        self.tables = tables
        self.types = {m.name: m.type for c in unit.classes for m in c.members}
        self.functions = {f.name: f for f in unit.functions}
        self.mentioned = {name: self._tables_in(f) for name, f in self.functions.items()}
        self.called = {n: {c.name for c in calls_in(f.body)} & self.functions.keys() for n, f in self.functions.items()}
        self.puts: dict[tuple[str, int], str] = {}
        self._find_puts()

    def _tables_in(self, function: ir.Function) -> dict[str, int]:
        """The tables a function names, each with the first line."""
        own = {p.name for p in function.parameters} | {
            s.target.name
            for s in every_statement(function.body)
            if isinstance(s, ir.Assign) and s.declares and isinstance(s.target, ir.Name)
        }
        found: dict[str, int] = {}
        for part in every_expression(function.body):
            if isinstance(part, ir.Name) and part.name in self.tables - own:
                found[part.name] = min(found.get(part.name, part.line), part.line)
        return found

    def _reached(self, name: str) -> set[str]:
        """A function and all it calls in the file."""
        found, work = {name}, [name]
        while work:
            more = self.called[work.pop()] - found
            found |= more
            work.extend(more)
        return found

    # What is put into a table.

    def _find_puts(self) -> None:
        """Which parameter of which function ends in which table: to a fixed point."""
        grown = True
        while grown:
            grown = False
            for name, function in self.functions.items():
                for index, parameter in enumerate(function.parameters):
                    if (name, index) in self.puts:
                        continue
                    table, _ = self._ends_in(function, {parameter.name})
                    if table:
                        self.puts[name, index] = table
                        grown = True

    def _ends_in(self, function: ir.Function, names: AbstractSet[str]) -> tuple[str, int]:
        """The table into which a function puts one of the names, or a member of one, and the line."""
        held = self._held_by_tables(function)
        for statement in every_statement(function.body):
            if not isinstance(statement, ir.Assign) or statement.value is None or statement.operator:
                continue
            table = held.get(_start(statement.target), "")
            field = place_named(statement.target).rpartition(".")[2]
            spelled = self.types.get(field, "")
            if (
                table
                and "." in place_named(statement.target)
                and _leads(statement.value, names)
                and _is_address(spelled)
            ):
                return table, statement.line
        for call in calls_in(function.body):
            for index, argument in enumerate(call.arguments):
                table = self.puts.get((call.name, index), "")
                if table and _leads(argument, names):
                    return table, call.line
        return "", 0

    def _held_by_tables(self, function: ir.Function) -> dict[str, str]:
        """The tables, and local variables that are an entry of one: ``it = &menu[n]``, ``list = node``."""
        held = {name: name for name in self.mentioned[function.name]}
        if not held:
            return held
        for statement in every_statement(function.body):
            if isinstance(statement, ir.Assign) and statement.value is not None:
                target, value = uncast(statement.target), uncast(statement.value)
                if isinstance(value, ir.Name) and (table := held.get(_start(target), "")) and value.name not in held:
                    held[value.name] = table
                taken = isinstance(value, ir.Operation) and value.operator in {"address", "+"}
                if isinstance(target, ir.Name) and taken and (table := held.get(_start(value), "")):
                    held[target.name] = table
        return held

    # Libraries.

    def of_libraries(self) -> Iterator[Kept]:
        """A library is closed, and what it gave stays in the table."""
        filled = []
        for function in self.unit.functions:
            table, line = self._ends_in(function, made_by_library(self.facts, self.unit, function))
            if table:
                filled.append((function, table, line))
        fillers = {name for name, _ in self.puts} | {f.name for f, _, _ in filled}
        done = set()
        for function, table, line in filled:
            for closing in self.unit.functions:
                since = self._put_before(closing, function, line)
                gone = [
                    c.line for c in calls_in(closing.body) if plays(self.facts, c, ApiRole.UNLOAD) and c.line > since
                ]
                started = closing is not function and closing.name in self._reached(function.name)
                if not gone or started or closing.name in MAINS or self._takes_out(closing, table, fillers):
                    continue
                if closing is function and self._is_past_the_end(function, table, gone[0]):
                    continue
                used = self._users(table, {closing.name, *fillers})
                if used and (table, closing.name) not in done:
                    done.add((table, closing.name))
                    yield Kept(table, line, gone[0], used, closing)

    def _put_before(self, closing: ir.Function, filler: ir.Function, line: int) -> int:
        """Where a function that closes has put something in the table itself; 0 where it does not."""
        if closing is filler:
            return line
        return max((c.line for c in calls_in(closing.body) if filler.name in self._reached_by(c)), default=0)

    def _reached_by(self, call: ir.Call) -> set[str]:
        return self._reached(call.name) if call.name in self.functions else set()

    def _takes_out(self, closing: ir.Function, table: str, fillers: set[str]) -> bool:
        """Whether the function, or one it calls that does not put things in, names the table."""
        others = self._reached(closing.name) - (fillers - {closing.name})
        if closing.name in fillers:  # what it names to put something in is no taking out
            others.discard(closing.name)
        others |= {n for n, called in self.called.items() if closing.name in called and n not in fillers}
        return any(table in self.mentioned[name] for name in others)

    def _is_past_the_end(self, function: ir.Function, table: str, line: int) -> bool:
        """Whether the entry is not counted yet where the library is closed: ``table[n]`` before ``n++``."""
        parts = [*every_expression(function.body)]
        counts = {
            index.name
            for part in parts
            if isinstance(part, ir.Item) and _start(part.base) == table
            if isinstance(index := uncast(part.index), ir.Name)
        }
        counted = {
            place_named(part.target)
            for part in parts
            if isinstance(part, ir.AssignmentExpression) and part.operator == "+" and part.line < line
        } | {
            place_named(s.target)
            for s in every_statement(function.body)
            if isinstance(s, ir.Assign) and s.operator == "+" and s.line < line
        }
        return bool(counts) and not counts & counted

    def _users(self, table: str, without: set[str]) -> tuple[tuple[int, str], ...]:
        found = ((lines[table], n) for n, lines in self.mentioned.items() if table in lines and n not in without)
        return tuple(sorted(found))[:4]

    # Memory.

    def of_memory(self) -> Iterator[Kept]:
        """An entry is freed and stays in the table, where another function asks whether it is there."""
        for function in (f for f in self.unit.functions if f.name not in MAINS):
            for call in calls_in(function.body):
                place = place_named(call.arguments[0]) if call.arguments else ""
                table = place.removesuffix("[]")
                if call.name != "free" or table not in self.mentioned[function.name] or not place.endswith("[]"):
                    continue
                if self._is_settled(function, table, call.line):
                    continue
                asking = [f for f in self.unit.functions if f is not function and _asks(f, place)]
                if asking:
                    used = tuple(
                        (self.mentioned[f.name][table], f.name) for f in asking if table in self.mentioned[f.name]
                    )
                    yield Kept(table, used[0][0], call.line, used[:4], function, is_freed=True)

    def of_objects(self) -> Iterator[Kept]:
        """An object that a function hung into a table is freed by another, and nothing ever takes one out."""
        hung = dict(self._hung())
        frees = self._frees() if hung else {}
        for function in self.unit.functions if hung else ():
            for parameter in function.parameters:
                table, line = (
                    hung.get(base_type(parameter.type), ("", 0)) if parameter.type.count("*") == 1 else ("", 0)
                )
                gone = frees.get((function.name, parameter.name), 0)
                if not table or not gone or function.local or self._unhangs(table, base_type(parameter.type), line):
                    continue
                used = self._users(table, {function.name})
                if used and table not in self.mentioned[function.name]:
                    yield Kept(table, line, gone, used, function, is_freed=True)

    def _hung(self) -> Iterator[tuple[str, tuple[str, int]]]:
        """The structures of which a table holds objects: ``table[hash] = entry``, ``list = node``; where that is."""
        for function in self.unit.functions:
            types = _types(function)
            for statement in every_statement(function.body):
                value = uncast(statement.value) if isinstance(statement, ir.Assign) else None
                if not isinstance(statement, ir.Assign) or not isinstance(value, ir.Name) or statement.operator:
                    continue
                table, spelled = place_named(statement.target).removesuffix("[]"), types.get(value.name, "")
                if table in self.mentioned[function.name] and spelled.count("*") == 1 and base_type(spelled) != "void":
                    yield base_type(spelled), (table, statement.line)

    def _frees(self) -> dict[tuple[str, str], int]:
        """The parameters that functions free, themselves or through another of the file, and where."""
        found: dict[tuple[str, str], int] = {}
        for _ in range(_LEVELS):
            for name, function in self.functions.items():
                for call in calls_in(function.body):
                    known = self.functions.get(call.name)
                    taken = [p.name for p in known.parameters] if known is not None else []
                    for index, given in enumerate(map(uncast, call.arguments)):
                        ends = call.name == "free" or (index < len(taken) and (call.name, taken[index]) in found)
                        if (
                            ends
                            and isinstance(given, ir.Name)
                            and any(p.name == given.name for p in function.parameters)
                        ):
                            found.setdefault((name, given.name), call.line)
        return found

    def _unhangs(self, table: str, struct: str, hung: int) -> bool:
        """Whether any function but the one that hangs objects into a table stores to it or to their links."""
        for function in (f for f in self.unit.functions if not f.line <= hung <= f.end_line):
            types = _types(function)
            for statement in (s for s in every_statement(function.body) if isinstance(s, ir.Assign)):
                target = uncast(statement.target)
                linked = self.types.get(target.name, "") if isinstance(target, ir.Member) else ""
                linked = types.get(_start(target), "") if isinstance(target, ir.Operation) else linked
                is_root = _start(target) == table and table in self.mentioned[function.name]
                if is_root or base_type(linked) == struct:
                    return True
        return False

    def _is_settled(self, function: ir.Function, table: str, line: int) -> bool:
        """Whether behind the line a variable of the file is stored to, or the whole table goes."""
        shared = {v.name for v in self.unit.variables}
        for statement in every_statement(function.body):
            if isinstance(statement, ir.Assign) and statement.line >= line and _start(statement.target) in shared:
                return True
        for part in every_expression(function.body):
            if isinstance(part, ir.AssignmentExpression) and _start(part.target) in shared:
                return True
            if isinstance(part, ir.Call) and part.line > line and any(_start(a) == table for a in part.arguments):
                return True
        callers = (f for n, f in self.functions.items() if function.name in self.called[n])
        return any(
            isinstance(s, ir.Assign) and _start(s.target) == table for f in callers for s in every_statement(f.body)
        )


def _types(function: ir.Function) -> dict[str, str]:
    """The types of a function's parameters and variables."""
    declared = (s for s in every_statement(function.body) if isinstance(s, ir.Assign) and s.declares)
    return {place_named(s.target): s.type for s in declared} | {p.name: p.type for p in function.parameters}


def _start(expression: ir.Expression) -> str:
    """The variable a place begins with."""
    return place_named(expression).partition(".")[0].removesuffix("[]")


def _leads(value: ir.Expression, names: AbstractSet[str]) -> bool:
    """Whether a value is one of the names, or a member of what one of them holds."""
    bare = uncast(value)
    while isinstance(bare, ir.Member | ir.Item):
        if isinstance(bare, ir.Member) and bare.name in names:
            return True
        bare = uncast(bare.base)
    return isinstance(bare, ir.Name) and bare.name in names


def _is_address(spelled: str) -> bool:
    return bool(spelled) and not _PLAIN.match(spelled)


def _asks(function: ir.Function, place: str) -> bool:
    """Whether a condition of a function is about an entry: ``if (!slots[i])``."""
    for statement in every_statement(function.body):
        condition = statement.condition if isinstance(statement, ir.If | ir.Loop) else None
        for part in expressions(condition):
            plain = isinstance(part, ir.Item) and place_named(part) == place
            if plain:
                return True
    return False
