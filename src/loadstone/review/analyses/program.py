"""The functions of a program as the analyses know them, its names, and one function while it is being followed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.graphs import graph_of
from loadstone.review.analyses.liveness import live_at_joins
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.neighbours import Neighbours
from loadstone.review.analyses.pointed import Pointed
from loadstone.review.analyses.untyped import taken_for
from loadstone.review.analyses.values import Global, Place, Spot, Value
from loadstone.review.apis import ApiRole, Tables
from loadstone.review.control_flow import Graph, Kind
from loadstone.review.typenames import base_type, is_reference

__all__ = ["Frame", "KnownFunction", "KnownProgram", "has_method", "local_names"]

_MAX_TWINS: Final = 3
_SEVERAL: Final = 2
_MAX_BASES: Final = 16


@dataclass(frozen=True, eq=False)
class KnownFunction:
    """A function of the program with its graph and the names it declares, which are found out when they are asked for.

    Most functions of a large program have nothing to do with libraries: nobody asks for their graphs.
    """

    function: ir.Function
    unit: ir.Unit
    tables: Tables
    is_relevant: bool = True

    def spot(self, line: int) -> Spot:
        """A line of it."""
        found = self._spots.get(line)
        if found is None:
            found = self._spots[line] = Spot(self.unit.path, line, self.function.name, self.function.condition)
        return found

    @cached_property
    def _spots(self) -> dict[int, Spot]:
        return {}

    @cached_property
    def graph(self) -> Graph:
        """How its statements follow one another."""
        return graph_of(self.function, self.tables)

    @cached_property
    def types(self) -> Mapping[str, str]:
        """The spelled types of what it declares."""
        types = {p.name: p.type for p in self.function.parameters}
        types.update(self._gone_through)
        for name, statement in _declared(self.graph):
            types.setdefault(name, statement.type)
        return types | taken_for(self.function, _declared(self.graph))

    @cached_property
    def locals(self) -> frozenset[str]:
        """The names it declares."""
        names = {p.name for p in self.function.parameters} | {name for name, _ in _declared(self.graph)}
        names.update(self._gone_through)
        if self.unit.language is ir.Language.PYTHON:
            if self.function.name == "<module>":
                return frozenset()
            names |= set(_assigned(self.graph))
            names -= self.function.globals
        return frozenset(names)

    @cached_property
    def statics(self) -> frozenset[str]:
        """The names it declares that outlive its calls."""
        return frozenset(name for name, statement in _declared(self.graph) if statement.static)

    @cached_property
    def references(self) -> frozenset[str]:
        """The names it declares as references."""
        return frozenset(name for name, spelled in self.types.items() if is_reference(spelled))

    @cached_property
    def _gone_through(self) -> Mapping[str, str]:
        """What a range-for of C++ declares, with its type."""
        each = self.graph.nodes if self.unit.language is ir.Language.CPP else ()
        found = (n for n in each if n.kind is Kind.EACH and isinstance(n.target, ir.Name))
        return {
            n.target.name: n.statement.type if isinstance(n.statement, ir.Loop) else ""
            for n in found
            if isinstance(n.target, ir.Name)
        }

    @cached_property
    def live(self) -> Mapping[int, frozenset[str]]:
        """For each node where paths meet, the variables that may still be read."""
        return live_at_joins(self.graph) if self.is_relevant else {}

    @cached_property
    def joins(self) -> frozenset[int]:
        """The nodes where paths meet."""
        ways = Counter(n for node in self.graph.nodes for n in (*node.next, node.unwind) if n >= 0)
        return frozenset(n for n, count in ways.items() if count > 1)

    @cached_property
    def has_loops(self) -> bool:
        """Whether a node can come twice on one path."""
        nodes = enumerate(self.graph.nodes)
        return any(0 <= n <= index for index, node in nodes for n in node.next)


def _declared(graph: Graph) -> Iterator[tuple[str, ir.Assign]]:
    for node in graph.nodes:
        found = node.statement
        if isinstance(found, ir.Assign) and found.declares and isinstance(found.target, ir.Name):
            yield found.target.name, found


def _assigned(graph: Graph) -> Iterator[str]:
    for node in graph.nodes:
        targets = [node.target, node.statement.target if isinstance(node.statement, ir.Assign) else None]
        if isinstance(node.statement, ir.Handler) and node.statement.name:
            yield node.statement.name
        while targets:
            target = targets.pop()
            if isinstance(target, ir.Name):
                yield target.name
            elif isinstance(target, ir.Display):
                targets.extend(target.items)


def local_names(known: KnownFunction) -> frozenset[str]:
    """The variables that die with a call."""
    return known.locals - known.statics


@dataclass(frozen=True, eq=False)
class KnownProgram:
    """Names of the program: functions by name, variables by unit, members by class."""

    units: tuple[ir.Unit, ...]
    functions: Mapping[str, tuple[KnownFunction, ...]]

    @cached_property
    def every(self) -> tuple[KnownFunction, ...]:
        """Every function, in the order of the source."""
        found = [known for same in self.functions.values() for known in same]
        return tuple(sorted(found, key=lambda k: (k.unit.path, k.function.line)))

    @cached_property
    def _neighbours(self) -> Neighbours:
        return Neighbours(self.units)

    def defines(self, name: str, unit: ir.Unit) -> bool:
        """Whether a name means a function of the program in a file, whose own variables hide those of other files."""
        found = self._named(name)
        if found is None or name in self.variables.get(unit.path, ()):
            return False
        return any(self._neighbours.sees(unit, known.unit) for known in found)

    @cached_property
    def pointed(self) -> Pointed:
        """What pointers to functions may hold."""
        return Pointed(self.units)

    @cached_property
    def variables(self) -> Mapping[str, Mapping[str, ir.DeclaredVariable]]:
        """Variables at file scope, by path and name."""
        return {unit.path: {v.name: v for v in unit.variables} for unit in self.units}

    @cached_property
    def homes(self) -> Mapping[str, str]:
        """The one unit that defines a variable others can see."""
        found: dict[str, str] = {}
        for unit in (u for u in self.units if u.language is not ir.Language.PYTHON):
            for variable in unit.variables:
                if not variable.local:
                    found[variable.name] = "" if variable.name in found else unit.path
        return {name: path for name, path in found.items() if path}

    @cached_property
    def shadowed(self) -> frozenset[str]:
        """Names that variables of more than one unit have, each its own."""
        seen: dict[str, set[str]] = {}
        for unit in self.units:
            for variable in unit.variables:
                if variable.local:
                    seen.setdefault(variable.name, set()).add(unit.path)
        return frozenset(name for name, paths in seen.items() if len(paths) > 1)

    @cached_property
    def members(self) -> Mapping[str, Mapping[str, str]]:
        """The members of each class with their types; classes of one name are one."""
        found: dict[str, dict[str, str]] = {}
        for unit in self.units:
            for one in unit.classes:
                found.setdefault(one.name, {}).update({m.name: m.type for m in one.members})
        return found

    @cached_property
    def overlaid(self) -> Mapping[str, str]:
        """The first member of each union: the others are the same place."""
        unions = (c for u in self.units for c in u.classes if c.overlaid and c.members)
        return {one.name: one.members[0].name for one in unions}

    @cached_property
    def _class_homes(self) -> Mapping[str, tuple[str, ...]]:
        """The files that define each class."""
        found: dict[str, dict[str, None]] = {}
        for unit in self.units:
            for one in unit.classes:
                if one.members:
                    found.setdefault(one.name, {})[unit.path] = None
        return {name: tuple(paths) for name, paths in found.items()}

    def class_home(self, owner: str, unit: ir.Unit) -> str:
        """Which of several classes of one name a file means, by the file that defines it; empty when there is one."""
        homes = self._class_homes.get(owner, ()) if owner else ()
        if len(homes) < _SEVERAL:
            return ""
        if unit.path in homes:
            return unit.path
        if unit.language is ir.Language.PYTHON:
            return next((path for path in homes if path in self._neighbours.near(unit)), "")
        included = {name.rpartition("/")[2] for name in unit.imports}
        return next((path for path in homes if path.rpartition("/")[2] in included), "")

    @cached_property
    def lock_variables(self) -> frozenset[str]:
        """Names whose type says that they are locks."""
        members = (m for unit in self.units for one in unit.classes for m in one.members)
        variables = (v for unit in self.units for v in unit.variables)
        return frozenset(v.name for v in (*members, *variables) if _is_lock(v.type))

    @cached_property
    def changed(self) -> frozenset[tuple[str, str]]:
        """Variables that somebody sets after their definition, or whose address is taken, by unit and name."""
        found = set()
        for known in self.every:
            for statement in every_statement(known.function.body):
                if isinstance(statement, ir.Assign) and not statement.declares:
                    found.add((known.unit.path, _base_name(statement.target)))
            for expression in every_expression(known.function.body):
                if isinstance(expression, ir.AssignmentExpression):
                    found.add((known.unit.path, _base_name(expression.target)))
                elif isinstance(expression, ir.Operation) and expression.operator == "address":
                    found.add((known.unit.path, _base_name(expression.operands[0])))
        return frozenset(found)

    def thread_lines(self, known: KnownFunction, tables: Tables) -> tuple[int, int]:
        """Where a function first starts a thread, and where it last waits for one; 0 where it does neither."""
        found = self._thread_lines.get(known)
        if found is None:
            started, joined = 0, 0
            for call in (e for e in every_expression(known.function.body) if isinstance(e, ir.Call)):
                api = tables.get(call.name)
                if api is not None and api.role is ApiRole.THREAD and not started:
                    started = call.line
                elif api is not None and api.role is ApiRole.JOINED:
                    joined = call.line
            found = self._thread_lines[known] = (started, joined)
        return found

    @cached_property
    def _thread_lines(self) -> dict[KnownFunction, tuple[int, int]]:
        return {}

    @cached_property
    def called(self) -> frozenset[tuple[str, str]]:
        """The functions that their own file calls by name: the file, the name."""
        return frozenset((unit.path, c.name) for unit in self.units for f in unit.functions for c in calls_in(f.body))

    @cached_property
    def ending_themselves(self) -> frozenset[KnownFunction]:
        """Methods that may end their object: ``delete this``."""
        return frozenset(k for k in self.every if k.function.owner and _deletes_this(k.function))

    @cached_property
    def run_once(self) -> frozenset[str]:
        """Functions that a once object runs: whatever they set is set before anybody goes on."""
        calls = (e for k in self.every for e in every_expression(k.function.body) if isinstance(e, ir.Call))
        given = (a for call in calls if "once" in call.name.lower() for a in call.arguments)
        bare = (a.operands[0] if isinstance(a, ir.Operation) and a.operator == "address" else a for a in given)
        return frozenset(a.name for a in bare if isinstance(a, ir.Name) and a.name in self.functions)

    def initial(self, place: Global) -> ir.Expression | None:
        """What a variable holds for good, where its definition says so and nobody changes it."""
        variable = self.variables.get(place.unit, {}).get(place.name)
        if variable is None or variable.value is None:
            return None
        constant = "const" in variable.type.split() or "constexpr" in variable.type
        if not constant and (place.unit, place.name) in self.changed:
            return None
        return variable.value if constant or variable.local else None

    def type_of_global(self, place: Global) -> str:
        """The spelled type of a variable; empty when it is not of this program."""
        variable = self.variables.get(place.unit, {}).get(place.name)
        return variable.type if variable is not None else ""

    def type_of_member(self, owner: str, name: str) -> str:
        """The spelled type of a member of a class; empty when it is not known."""
        named = base_type(owner).rpartition("::")[2]
        return self.members.get(self.declaring(named, name), {}).get(name, "")

    def declaring(self, owner: str, member: str) -> str:
        """The class that an object of a class has a member from: a base of it, or the class itself."""
        if not self._bases or member in self.members.get(owner, ()):
            return owner
        return next((base for base in self._above(owner) if member in self.members.get(base, ())), owner)

    def method(self, owner: str, name: str, unit: ir.Unit) -> KnownFunction | None:
        """The method that a name means in a class: its own, or that of the nearest base which has one."""
        separator = "." if unit.language is ir.Language.PYTHON else "::"
        found = self.find(f"{owner}{separator}{name}", unit)
        if found is not None or not self._bases:
            return found
        above = (self.find(f"{base}{separator}{name}", unit) for base in self._above(owner.rpartition("::")[2]))
        return next((one for one in above if one is not None), None)

    def _above(self, owner: str) -> Iterator[str]:
        """The bases of a class, the nearest first."""
        work = [*self._bases.get(owner, ())]
        for base in islice(work, _MAX_BASES):  # which grows meanwhile
            yield base
            work.extend(b for b in self._bases.get(base, ()) if b not in work)

    @cached_property
    def _bases(self) -> Mapping[str, tuple[str, ...]]:
        """The bases of each class, as their last words."""
        return {
            one.name: tuple(base.partition("<")[0].rpartition("::")[2].rpartition(".")[2] for base in one.bases)
            for unit in self.units
            for one in unit.classes
            if one.bases
        }

    def find(
        self, name: str, unit: ir.Unit, reached: frozenset[str] = frozenset(), call: ir.Call | None = None
    ) -> KnownFunction | None:
        """The function a name means in a unit: its own first, then the one other definition.

        Of the variants that ``#if`` makes of one function, the first that is compiled with the conditions ``reached``;
        of the overloads of C++, the first that takes as many arguments as the ``call`` has.
        """
        found = self._named(name)
        if found is None:
            return None
        own = [k for k in found if k.unit is unit]
        if own:
            fitting = own
            if len(own) > 1:
                fitting = [k for k in own if not _is_contradicted(k.function.condition, reached)] or own
                fitting = [k for k in fitting if call is None or _takes(k, call)] or fitting
            return fitting[0]
        if name in self.variables.get(unit.path, ()):
            return None
        others = [k for k in found if not k.function.local and self._neighbours.sees(unit, k.unit)]
        return others[0] if others and (len(others) == 1 or others[0].function.owner) else None

    def _named(self, name: str) -> tuple[KnownFunction, ...] | None:
        """The functions of a name; ``tools::open_codec`` is ``open_codec`` of a file that has ``namespace tools``."""
        found = self.functions.get(name)
        scope, _, rest = name.partition("::")
        while found is None and rest:
            found = tuple(k for k in self.functions.get(rest, ()) if _has_namespace(k.unit.text, scope)) or None
            scope, _, rest = rest.partition("::")
        return found

    def twins(self, known: KnownFunction) -> tuple[KnownFunction, ...]:
        """The same method defined for several platforms, in several files."""
        if known.unit.language is ir.Language.PYTHON:
            return (known,)  # one file has the variants for all platforms
        if any(one.name == known.function.owner for one in known.unit.classes):
            return (known,)  # the class is this file's own; another file's of that name is another class
        found = self.functions.get(known.function.name, ())
        elsewhere = {k.unit.path for k in found}
        return found[:_MAX_TWINS] if known.function.owner and len(elsewhere) == len(found) else (known,)

    def overriding(self, name: str) -> tuple[KnownFunction, ...]:
        """The methods of classes derived from the one in a qualified name: a virtual call runs one of them."""
        owner, _, method = name.rpartition("::")
        derived, work = list[KnownFunction](), [owner.rpartition("::")[2]]
        seen = set(work)
        while work and len(derived) < _MAX_TWINS:
            more = [c for c in self._derived.get(work.pop(), ()) if c not in seen]
            seen.update(more)
            work.extend(more)
            derived.extend(known for one in more for known in self.functions.get(f"{one}::{method}", ())[:1])
        return tuple(derived[:_MAX_TWINS])

    @cached_property
    def _derived(self) -> Mapping[str, tuple[str, ...]]:
        """The classes that derive from each class at once."""
        found: dict[str, tuple[str, ...]] = {}
        for one in (c for unit in self.units if unit.language is ir.Language.CPP for c in unit.classes):
            for base in one.bases:
                simple = base.rpartition("::")[2]
                found[simple] = tuple(dict.fromkeys((*found.get(simple, ()), one.name)))
        return found


@lru_cache(1 << 10)
def _has_namespace(text: str, name: str) -> bool:
    return re.search(rf"\bnamespace\s+(?:\w+::)*{re.escape(name)}\b", text) is not None


@lru_cache(1 << 10)
def _atoms(conditions: tuple[str, ...]) -> frozenset[str]:
    return frozenset(atom for condition in conditions if condition for atom in condition.split(" && "))


def _is_contradicted(condition: str, reached: frozenset[str]) -> bool:
    """Whether two parts of ``#if`` conditions exclude one another: ``defined(_WIN32)`` and its negation."""
    return any((atom[1:] if atom.startswith("!") else f"!{atom}") in reached for atom in condition.split(" && "))


def _takes(known: KnownFunction, call: ir.Call) -> bool:
    """Whether an overload of C++ can be what is called: by the number of arguments, a copy or a move aside."""
    if known.unit.language is not ir.Language.CPP:
        return True
    parameters = known.function.parameters
    needed = sum(p.default is None for p in parameters)
    return needed <= len(call.arguments) <= len(parameters) and not _is_copy(known.function)


def _is_copy(function: ir.Function) -> bool:
    """Whether a function is the constructor that copies or moves an object of its class."""
    owner = function.owner
    is_one = bool(owner) and function.name == f"{owner}::{owner}" and len(function.parameters) == 1
    return is_one and is_reference(function.parameters[0].type) and base_type(function.parameters[0].type) == owner


def _deletes_this(function: ir.Function) -> bool:
    calls = (e for e in every_expression(function.body) if isinstance(e, ir.Call) and e.name == "delete")
    return any(isinstance(a, ir.Name) and a.name == "this" for call in calls for a in call.arguments)


def _is_lock(spelled: str) -> bool:
    return any(word in spelled.lower() for word in ("mutex", "lock", "critical_section"))


def _base_name(target: ir.Expression) -> str:
    while not isinstance(target, ir.Name):
        match target:
            case ir.Member(base=base) | ir.Item(base=base):
                target = base
            case ir.Cast(operand=operand):
                target = operand
            case ir.Operation(operands=(first, *_)):
                target = first
            case _:
                return ""
    return target.name


@dataclass(slots=True)
class Frame:
    """One call of a function: its number keeps its locals apart; ``chain`` is how it was reached.

    ``unused`` is the call whose result the current statement does not look at; ``named`` is what its names stand
    for, as far as they were asked for.
    """

    number: int
    known: KnownFunction
    chain: tuple[Spot, ...]
    level: int
    this: Value
    named: dict[str, Place]
    unused: ir.Call | None = None

    @property
    def conditions(self) -> frozenset[str]:
        """The parts of the ``#if`` conditions under which this call is compiled, those of its callers included."""
        return _atoms((self.known.function.condition, *[spot.condition for spot in self.chain]))

    def spot(self, line: int) -> Spot:
        """A line of this function."""
        return self.known.spot(line)


def has_method(unit: ir.Unit, name: str) -> bool:
    """Whether a class of a file of Python has a method of this last word: ``?.acquire`` may mean that one."""
    method = name.rpartition(".")[2]
    of_python = unit.language is ir.Language.PYTHON
    return of_python and any(f.owner and f.name.rpartition(".")[2] == method for f in unit.functions)
