"""What the analyses found in one program, as values the rules read."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final, NamedTuple, TypeAlias, TypeVar

from loadstone.review.analyses.bindings import Bindings, ForeignPrototype, bindings_of
from loadstone.review.analyses.guards import Guard, guards_of, simple
from loadstone.review.analyses.lifetimes import Lifetime, lifetimes
from loadstone.review.analyses.mentions import calls_in, every_statement
from loadstone.review.analyses.neighbours import Neighbours, headers_of
from loadstone.review.analyses.state import Held, Spot, Taint
from loadstone.review.analyses.travel import Travels, Visit, travels
from loadstone.review.apis import Api, ApiRole, Tables, tables
from loadstone.review.ir import (
    Call,
    Cast,
    Expression,
    Function,
    If,
    Language,
    Loop,
    Member,
    Name,
    Operation,
    Program,
    Unit,
)
from loadstone.review.walk import expressions, last_word, parts_of, tops

__all__ = [
    "Access",
    "Bound",
    "Cut",
    "Entry",
    "Exit",
    "Facts",
    "Fill",
    "Found",
    "Invocation",
    "LockStep",
    "Part",
    "Site",
    "Slot",
    "Use",
]

T = TypeVar("T")
Slot: TypeAlias = tuple[str, str, str]
"""Memory that functions share: the name, the type or variable that owns it, the file where others have one of it."""


@dataclass(frozen=True, slots=True, eq=False)
class ForeignCall:
    """A call of a foreign function in Python: what is declared of it, and the statement with what was asked before."""

    call: Call
    prototype: ForeignPrototype
    visit: Visit


class Use(NamedTuple):
    """One use of what a call gave.

    ``how`` is call, dereference, argument, resolve, release, return or store; ``known`` whether the path had tested it
    (True: it is good, False: it failed, None: not tested); ``closed`` where it, or the library it came from, was
    released before; ``via`` the call in the function that is followed, where the use lies inside another.
    """

    how: str
    spot: Spot
    known: bool | None
    closed: Spot | None = None
    owner: str = ""
    via: Spot | None = None


class Exit(NamedTuple):
    """One way out of the function that acquired something: whether it is open there, how it leaves, what it gives.

    ``gives`` is the constant that is returned there, None when that is none.
    """

    spot: Spot
    is_open: bool
    kind: str
    known: bool | None = None
    gives: object = None


class Part(NamedTuple):
    """One piece of a path: who controls it, what was checked, its text if constant, its name in the source.

    ``slots`` are the memory it was read from while nobody has looked who else writes there.
    """

    taint: Taint | None
    checks: frozenset[tuple[str, Spot]]
    text: str | None
    name: str = ""
    slots: tuple[Slot, ...] = ()


class Invocation(NamedTuple):
    """One state in which a call was reached: what its subject was made of, and what the path had done before."""

    parts: tuple[Part, ...]
    whole: Part
    look: tuple[str, Spot] | None
    flags: frozenset[tuple[str, Spot]]
    locks: tuple[Held, ...]
    arguments: tuple[tuple[tuple[str, object], ...], ...] = ()
    pieces: tuple[tuple[Part, ...], ...] = ()


class Found(dict[T, None]):
    """Things that were found, each once, in the order they were found in: a set has another order in each process.

    >>> found = Found[str]()
    >>> for name in ("b", "a", "b"):
    ...     found.add(name)
    >>> list(found)
    ['b', 'a']
    """

    def add(self, thing: T) -> None:
        """Note that it was found."""
        self[thing] = None


@dataclass(slots=True, eq=False)
class Site:
    """One call of a known interface, with everything that happened to its result on any path."""

    api: Api
    call: Call
    unit: Unit
    function: Function
    spot: Spot
    chain: tuple[Spot, ...] = ()
    parent: int | None = None
    is_discarded: bool = False
    is_discarded_deliberately: bool = False
    tests: Found[Spot] = field(default_factory=Found)
    wrong_tests: Found[tuple[Spot, str]] = field(default_factory=Found)
    partial_tests: Found[Spot] = field(default_factory=Found)
    uses: Found[Use] = field(default_factory=Found)
    exits: Found[Exit] = field(default_factory=Found)
    closes: Found[Spot] = field(default_factory=Found)
    overwritten: Found[Spot] = field(default_factory=Found)
    stores: Found[str] = field(default_factory=Found)
    invocations: Found[Invocation] = field(default_factory=Found)
    failures: Found[str] = field(default_factory=Found)
    returned: bool = False
    swallowed: Found[Spot] = field(default_factory=Found)

    @property
    def is_inner(self) -> bool:
        """Whether it was reached through a call of another function of the program."""
        return bool(self.chain)


class Access(NamedTuple):
    """A read or a write of shared state, and the locks held at it."""

    variable: str
    owner: str
    spot: Spot
    is_write: bool
    locks: tuple[Held, ...]
    setting_up: bool
    holds: str = ""
    is_inner: bool = False
    home: str = ""


class LockStep(NamedTuple):
    """Something about a lock: taken, taken again, released though not held, or still held at an exit.

    A step that is an ``exit`` names none: ``held`` are those which are held there, on one path. A lock that is
    ``tried`` is not waited for, or not for ever.
    """

    what: str
    lock: str
    spot: Spot
    held: tuple[Held, ...] = ()
    since: Spot | None = None
    scoped: bool = False
    via: Spot | None = None
    tried: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A parameter somebody outside can set: where it is first tested and first used."""

    parameter: str
    spot: Spot
    tests: tuple[Spot, ...]
    first_use: Spot | None
    is_local: bool


class Fill(NamedTuple):
    """What a function left in shared memory: a library or a symbol, tested or not, its library closed or not.

    ``site`` is the number of the call that gave it, None for what a library's own function made; ``library`` the slot
    that holds the library it came from; ``counted``: it is in an entry of a table that the table's count has reached.
    """

    slot: Slot
    site: int | None
    known: bool | None
    closed: Spot | None
    spot: Spot
    library: Slot | None = None
    counted: bool = False


class Bound(StrEnum):
    """What ended the exploration of a function early, in words that complete "it was not followed further: ..."."""

    NODES = "its body has more steps than are laid out"
    STEPS = "its paths, with those of the functions it calls, take more steps than are followed one by one"
    STATES = "one place has more different states than the analysis keeps"
    DEPTH = "it and what it calls are nested deeper than can be followed"


@dataclass(frozen=True, slots=True, order=True)
class Cut:
    """A function that was not followed on every path: its first and last line, and which bound it met."""

    spot: Spot
    end_line: int
    bound: Bound


_ASKS: Final = frozenset({"!", "&&", "||", "==", "!=", "?:"})


def _named(expression: Expression) -> Iterator[str]:
    """The variable or member that an expression is, casts and ``*`` aside."""
    while isinstance(expression, (Cast, Operation)):
        if isinstance(expression, Operation) and expression.operator != "deref":
            return
        expression = expression.operand if isinstance(expression, Cast) else expression.operands[0]
    if isinstance(expression, (Name, Member)):
        yield expression.name


def _asked(function: Function) -> Iterator[str]:
    """The variables and members that the conditions of a function ask about."""
    for statement in every_statement(function.body):
        if isinstance(statement, (If, Loop)) and statement.condition is not None:
            yield from _named(statement.condition)
        for part in parts_of(statement):
            if isinstance(part, Operation) and part.operator in _ASKS:
                yield from (name for operand in part.operands for name in _named(operand))


_TO_BOOL: Final = re.compile(r"operator\s+bool\s*\(\s*\)[^{;]*\{([^}]*)\}")


def _asked_by_conversion(unit: Unit) -> frozenset[str]:
    """What ``operator bool`` of a class asks about, for whoever has one."""
    if unit.language is not Language.CPP:
        return frozenset()
    return frozenset(word for body in _TO_BOOL.findall(unit.text) for word in re.findall(r"[A-Za-z_]\w*", body))


@dataclass(eq=False)
class Facts:
    """Everything found in one program; sites with the same call are one, whichever way they were reached."""

    program: Program
    sites: tuple[Site, ...] = ()
    accesses: tuple[Access, ...] = ()
    lock_steps: tuple[LockStep, ...] = ()
    entries: tuple[Entry, ...] = ()
    threads: frozenset[Spot] = frozenset()
    lock_names: frozenset[str] = frozenset()
    tested_places: frozenset[tuple[str, str]] = frozenset()
    closed_twice: tuple[tuple[str, Spot, Spot], ...] = ()
    cut: tuple[Cut, ...] = ()
    apis: Tables = field(default_factory=tables)
    late: tuple[tuple[str, Spot, Spot], ...] = ()
    fills: tuple[Fill, ...] = ()
    called_slots: dict[Slot, dict[tuple[Spot, bool], None]] = field(default_factory=dict)
    closed_slots: dict[Slot, dict[Spot, None]] = field(default_factory=dict)
    cleared: frozenset[tuple[Slot, tuple[str, str]]] = frozenset()
    after_close: tuple[tuple[Slot, Slot, Spot, Spot], ...] = ()
    """What one slot held is used, after what another slot holds was closed: used slot, closed slot, and both lines."""
    deleted_twice: tuple[tuple[str, Spot, Spot], ...] = ()
    """What ``new`` made is deleted again: its name, and both lines."""
    made_through: tuple[tuple[Slot, Slot, Spot], ...] = ()
    """What a slot holds was made by calling what another slot holds: both slots, and the line where that is done."""

    def of(self, *roles: ApiRole) -> Iterator[Site]:
        """Sites of the given roles, each call once, in the order of the source."""
        return (s for s in self.merged if s.api.role in roles)

    @cached_property
    def _called(self) -> frozenset[str]:
        blocks = (function.body for unit in self.program.units for function in unit.functions)
        calls = (e for b in blocks for s in every_statement(b) for t in tops(s) for e in expressions(t))
        return frozenset(last_word(e.name) for e in calls if isinstance(e, Call))

    @cached_property
    def _defined(self) -> frozenset[str]:
        return frozenset(last_word(f.name) for unit in self.program.units for f in unit.functions)

    def is_cut(self, site: Site) -> bool:
        """Whether the function a call stands in was not followed on every path by itself."""
        native = site.unit.language is not Language.PYTHON
        return native and any((c.spot.path, c.spot.function) == (site.spot.path, site.spot.function) for c in self.cut)

    @cached_property
    def filled_by_calls(self) -> frozenset[str]:
        """The members and variables that hold what a call gave, a library or a symbol, when a function is done."""
        return frozenset(fill.slot[0] for fill in self.fills if fill.site is not None)

    def is_defined(self, function: str) -> bool:
        """Whether a function of this name is part of the program."""
        return last_word(function) in self._defined

    def is_called(self, function: str) -> bool:
        """Whether something in the program calls a function of this name."""
        return last_word(function) in self._called

    def uses_of(self, slot: Slot) -> list[Spot]:
        """Where shared memory is read, in the order of the source."""
        return self._reads.get(slot, [])

    @cached_property
    def _reads(self) -> dict[Slot, list[Spot]]:
        found: dict[Slot, list[Spot]] = {}
        for access in self.accesses:
            if not access.is_write:
                found.setdefault((access.variable, access.owner, access.home), []).append(access.spot)
        return {slot: sorted(spots) for slot, spots in found.items()}

    def asked_in(self, path: str) -> frozenset[str]:
        """The variables and members that a condition asks about in a file or its kin: ``if (lib->run)``."""
        found = self._asked_by_path
        return frozenset(name for other in self._kin[path] for name in found[other])

    def tested_in(self, path: str) -> frozenset[str]:
        """The members and variables that a path through a file or its kin was decided by."""
        kin = self._kin[path]
        return frozenset(name for other, name in self.tested_places if other in kin)

    def kin(self, path: str) -> frozenset[str]:
        """A file and those that belong to it: those that share a header of its; in Python, those tied by imports."""
        return self._kin[path] | {path}

    @cached_property
    def _kin(self) -> dict[str, frozenset[str]]:
        """The files that may mean the same member by a name: those that share a header; in Python, by imports."""
        units, neighbours = self.program.units, Neighbours(self.program.units)
        python = {unit.path: neighbours.near(unit) for unit in units if unit.language is Language.PYTHON}
        sharing: dict[str, set[str]] = {}
        quoted: dict[str, frozenset[str]] = {}
        for unit in units:
            quoted[unit.path] = headers_of(unit)
            for name in quoted[unit.path]:
                sharing.setdefault(name, set()).add(unit.path)
        return {
            path: python[path] if path in python else frozenset(p for name in names for p in sharing[name])
            for path, names in quoted.items()
        }

    def called_in(self, path: str) -> frozenset[str]:
        """The variables and members that are called in a file or its kin."""
        kin = self._kin[path]
        blocks = (f.body for unit in self.program.units if unit.path in kin for f in unit.functions)
        return frozenset(name for block in blocks for call in calls_in(block) for name in _named(call.function))

    @cached_property
    def called_names(self) -> frozenset[str]:
        """The variables and members that are called anywhere: ``lib->run()``, ``(*run)()``."""
        blocks = (function.body for unit in self.program.units for function in unit.functions)
        return frozenset(name for block in blocks for call in calls_in(block) for name in _named(call.function))

    @cached_property
    def _asked_by_path(self) -> dict[str, frozenset[str]]:
        return {
            unit.path: frozenset(n for f in unit.functions for n in _asked(f)) | _asked_by_conversion(unit)
            for unit in self.program.units
        }

    @cached_property
    def travels(self) -> Travels:
        """The values that travel through the Python files, and where they end."""
        return travels(self.program, self.apis)

    @cached_property
    def lifetimes(self) -> tuple[Lifetime, ...]:
        """What becomes of the blocks, streams and descriptors of the native files."""
        return lifetimes(self.program, self.apis)

    @cached_property
    def bindings(self) -> dict[str, Bindings]:
        """What each Python file knows of the foreign functions it calls, by its path."""
        return {unit.path: bindings_of(unit) for unit in self.program.units if unit.language is Language.PYTHON}

    @cached_property
    def foreign_calls(self) -> tuple[ForeignCall, ...]:
        """Every call of a foreign function in Python, with the statement it stands in."""
        found = []
        for call, visit in self.travels.calls.values():
            prototype = self.bindings[visit.unit.path].prototype(call, visit.function.owner)
            if prototype is not None:
                found.append(ForeignCall(call, prototype, visit))
        return tuple(found)

    @cached_property
    def guards(self) -> dict[str, tuple[Guard, ...]]:
        """The guards of every file, by its path."""
        native = [unit for unit in self.program.units if unit.language is not Language.PYTHON]
        judges, neighbours = _judges(native), Neighbours(self.program.units)
        found = {u.path: _guards(u, self.apis, self.called_names, judges) for u in native}
        for unit in (u for u in self.program.units if u.language is Language.PYTHON):
            near = [other for other in self.program.units if neighbours.sees(unit, other)]
            found[unit.path] = _guards(unit, self.apis, (), _judges(near))
        return found

    @cached_property
    def merged(self) -> tuple[Site, ...]:
        """The sites as first reached, those inside callees only through their own function."""
        return tuple(sorted((s for s in self.sites if not s.chain), key=lambda s: (s.spot, s.api.name)))

    @cached_property
    def reached(self) -> tuple[Site, ...]:
        """Every site by every way it was reached."""
        return tuple(sorted(self.sites, key=lambda s: (s.spot, s.chain)))


def _guards(unit: Unit, apis: Tables, called: Collection[str], judges: frozenset[str]) -> tuple[Guard, ...]:
    return tuple(guard for function in unit.functions for guard in guards_of(function, apis, called, judges))


def _judges(units: Iterable[Unit]) -> frozenset[str]:
    """Functions of these files that are handed the result of another call: ``check(lib.open(...))``."""
    functions = [function for unit in units for function in unit.functions]
    own = {simple(function.name) for function in functions}
    handed = (
        simple(call.name)
        for function in functions
        for call in calls_in(function.body)
        if call.arguments and isinstance(call.arguments[0], Call)
    )
    return frozenset(name for name in handed if name in own)
