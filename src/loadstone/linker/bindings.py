"""Which definition each wanted symbol is bound to, in the loader's order of scopes, and which ones have none.

Source: elf/dl-lookup.c, elf/dl-reloc.c and elf/dl-sort-maps.c of glibc, read for their rules. A scope is a list of
objects searched in order: first the program and its dependencies, then the opened library and its dependencies;
DF_SYMBOLIC puts the object itself in front, RTLD_DEEPBIND the library's own list. The first definition wins, weak or
not. Objects are relocated dependencies first, so the first symbol missed is not always the one nearest the target.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum, auto
from functools import lru_cache
from typing import Final

from loadstone.binary.elf.facts import ElfFacts
from loadstone.core.image import Image, SymbolBinding, SymbolKind, SymbolTable, SymbolVersion, Visibility
from loadstone.core.trace import Binding
from loadstone.linker.glibc import Failure
from loadstone.linker.graph import FailureStage, Process, Refusal
from loadstone.linker.objects import LoadedObject
from loadstone.linker.releases import Behaviour, behaviour_of
from loadstone.linker.request import BindingMode
from loadstone.linker.symbol_index import SymbolIndex
from loadstone.linker.thread_storage import static_need
from loadstone.quick_dataclass import dataclass

__all__ = ["BoundSymbol", "Miss", "bind", "find_definition", "relocation_order", "scope_of", "settle"]

_KINDS: Final = tuple(SymbolKind)
_TLS: Final = _KINDS.index(SymbolKind.TLS)
_LINKABLE: Final = frozenset(
    _KINDS.index(kind)
    for kind in (
        SymbolKind.UNTYPED,
        SymbolKind.OBJECT,
        SymbolKind.FUNCTION,
        SymbolKind.COMMON,
        SymbolKind.TLS,
        SymbolKind.IFUNC,
    )
)
_LOCAL: Final = tuple(SymbolBinding).index(SymbolBinding.LOCAL)
_WEAK: Final = tuple(SymbolBinding).index(SymbolBinding.WEAK)
_INVISIBLE: Final = frozenset(tuple(Visibility).index(v) for v in (Visibility.HIDDEN, Visibility.INTERNAL))
_HIDDEN: Final = 0x8000
_FIRST_VERSION: Final = 3  # 0 local, 1 global, 2 the oldest named version: what an old program means by the bare name

_SORTED_PAIRWISE: Final = 128
"""Objects whose order is worked out pair by pair; the work grows with the cube of their number."""

_NO_VERSIONS: Final = (
    "check_match: Assertion `version->filename == NULL || ! _dl_name_match_p (version->filename, map)' failed!"
)


class Miss(Enum):
    """Why a symbol is bound to nothing."""

    UNDEFINED = auto()
    NOT_IN_ITS_FILE = auto()  # the file the version is needed of has no such symbol
    UNVERSIONED = auto()  # that file has the symbol and no versions at all: the loader's own assertion fails


@dataclass(frozen=True, slots=True)
class BoundSymbol:
    """What a lookup came to. ``provider`` is None exactly when ``miss`` is set."""

    provider: LoadedObject | None
    miss: Miss | None = None
    position: int = -1


@lru_cache(maxsize=512)
def _definitions(image: Image) -> dict[str, list[int]]:
    """The positions of the definitions a lookup can meet, by name."""
    table = image.symbols
    found: dict[str, list[int]] = {}
    for position, (name, value, kind, binding) in enumerate(
        zip(table.names, table.values, table.kinds, table.bindings, strict=True)
    ):
        if (value or kind == _TLS) and kind in _LINKABLE and binding != _LOCAL and table.defined[position]:
            found.setdefault(name, []).append(position)
    return found


def _takes(table: SymbolTable, indexes: Sequence[int], position: int, version: SymbolVersion | None) -> bool | None:
    """Whether a definition serves a reference; None for one that serves an unversioned reference if it is alone."""
    if version is not None:
        if not indexes:
            return True
        offered = table.version_names[table.versions[position]] if table.versions else None
        if offered is not None:
            return offered.name == version.name
        return not indexes[position] & _HIDDEN
    if not indexes or indexes[position] & 0x7FFF < _FIRST_VERSION:
        return True
    return False if indexes[position] & _HIDDEN else None


def find_definition(
    name: str,
    version: SymbolVersion | None,
    scope: Iterable[LoadedObject],
    *,
    in_linked_file: bool = False,
    aborts: bool = True,
) -> BoundSymbol:
    """Look ``name`` up through ``scope`` as the loader does for a reference with ``version`` (None: without one).

    ``in_linked_file``: as releases before 2.30 do, give up when the file linked against does not have the symbol.
    ``aborts``: as releases before 2.41 do, fail an assertion when that file has lost its versions.
    """
    file = version.file if version is not None else None
    for loaded in scope:
        image = loaded.image
        positions = _definitions(image).get(name)
        taken = -1
        if positions:
            facts = image.native
            assert isinstance(facts, ElfFacts)
            table, indexes = image.symbols, facts.version_indexes
            if aborts and file is not None and not indexes and loaded.answers_to(file):
                return BoundSymbol(None, Miss.UNVERSIONED)
            alone: list[int] = []
            for position in positions:
                taking = _takes(table, indexes, position, version)
                if taking:
                    taken = position
                    break
                if taking is None:
                    alone.append(position)
            if taken < 0 and len(alone) == 1:
                taken = alone[0]
            if taken >= 0:
                if table.visibilities[taken] not in _INVISIBLE:
                    return BoundSymbol(loaded, position=taken)
                continue
        if in_linked_file and file is not None and loaded.answers_to(file):
            return BoundSymbol(None, Miss.NOT_IN_ITS_FILE)
    return BoundSymbol(None, Miss.UNDEFINED)


class _Scope:
    """The objects a lookup goes through, in order, with what each defines: few of them know any one name."""

    def __init__(self, objects: Sequence[LoadedObject], behaviour: Behaviour, index: SymbolIndex | None = None) -> None:
        self._objects = objects
        self._behaviour = behaviour
        self._index = index
        self._defining: dict[str, list[LoadedObject]] = {}
        self._found: dict[tuple[str, SymbolVersion | None], BoundSymbol] = {}
        self._by_number: dict[int, list[tuple[int, LoadedObject]]] = {}  # of the index
        if index is not None:
            for place, loaded in enumerate(objects):
                self._by_number.setdefault(_number(loaded, index), []).append((place, loaded))

    def find(self, name: str, version: SymbolVersion | None) -> BoundSymbol:
        """As :func:`find_definition`, over this scope and by the rules of the release."""
        known = self._found.get((name, version))
        if known is None:
            in_linked_file = self._behaviour.linked_file_checked
            objects = self._objects if in_linked_file else self._definers(name)
            aborts = self._behaviour.lost_versions_abort
            known = find_definition(name, version, objects, in_linked_file=in_linked_file, aborts=aborts)
            self._found[name, version] = known
        return known

    def shadowed(self, name: str, version: SymbolVersion | None, winner: LoadedObject) -> tuple[str, ...]:
        """The paths of the objects after the winner that would serve the reference as well, were they asked."""
        definers = self._definers(name)
        if len(definers) == 1:
            return ()
        later = {id(o): o for o in definers[definers.index(winner) + 1 :] if o is not winner}
        return tuple(o.path for o in later.values() if find_definition(name, version, (o,), aborts=False).provider)

    def undecided(self, loaded: LoadedObject) -> Iterable[int]:
        """The symbols of one object that are to be looked up: all it wants, or what an index has not settled."""
        index = self._index
        if index is None or self._behaviour.linked_file_checked:
            return loaded.facts.usage.order
        return index.undecided(_number(loaded, index), _wanted(loaded, self), self._by_number)

    def surely_served(self, name: str, version: SymbolVersion | None) -> bool:
        """Whether the first definer serves a reference wherever it is in scope: versions leave no room for doubt."""
        definers = self._definers(name)
        if not definers or (version is not None and not _facts(definers[0]).version_indexes):
            return False
        return find_definition(name, version, definers[:1], aborts=False).provider is not None

    def _definers(self, name: str) -> list[LoadedObject]:
        found = self._defining.get(name)
        if found is None:
            if self._index is None:
                found = [loaded for loaded in self._objects if name in _definitions(loaded.image)]
            else:
                places = (place for file in self._index.definers(name) for place in self._by_number.get(file, ()))
                found = [loaded for _, loaded in sorted(places, key=_place)]
            self._defining[name] = found
        return found


def _number(loaded: LoadedObject, index: SymbolIndex) -> int:
    return index.number_of(loaded.opened.stamp, lambda: _definitions(loaded.image))


def _place(entry: tuple[int, LoadedObject]) -> int:
    return entry[0]


def _facts(loaded: LoadedObject) -> ElfFacts:
    return loaded.facts


def _wanted(loaded: LoadedObject, scope: _Scope) -> Iterator[tuple[int, str, bool]]:
    """Each symbol an object wants of others: its position, its name, whether its only definer surely serves it."""
    table = loaded.image.symbols
    for position in loaded.facts.usage.order:
        if position >= len(table) or table.defined[position] or table.bindings[position] == _LOCAL:
            continue
        name = table.names[position]
        version = table.version_names[table.versions[position]] if table.versions else None
        yield position, name, scope.surely_served(name, version)


def relocation_order(searchlist: Sequence[LoadedObject], *, depth_first: bool = True) -> list[LoadedObject]:
    """The order objects are relocated in: depth first from the last of the breadth-first list, the root at the end.

    Not ``depth_first``, as in releases before 2.35: each object comes before the last that needs it.
    """
    if not searchlist:
        return []
    if not depth_first and len(searchlist) <= _SORTED_PAIRWISE:
        return _sorted_pairwise(searchlist)
    root, listed = searchlist[0], {id(o) for o in searchlist}
    seen = {id(root)}
    order: list[LoadedObject] = []
    for start in reversed(searchlist):
        pending: list[tuple[LoadedObject, Iterator[LoadedObject]]] = []
        _visit(start, seen, pending)
        while pending:
            current, children = pending[-1]
            child = next((c for c in children if id(c) not in seen and id(c) in listed), None)
            if child is None:
                pending.pop()
                order.append(current)
            else:
                _visit(child, seen, pending)
    return [*order, root]


def _sorted_pairwise(searchlist: Sequence[LoadedObject]) -> list[LoadedObject]:
    """Move each object in turn behind the last one that needs it, giving up on one that keeps coming back; reversed.

    The root counts as needing them all. Which object of a cycle comes first follows from how often each was looked at.
    """
    order = sorted(searchlist, key=lambda loaded: loaded.order)
    needs = {id(o): {id(found) for _, found in o.needed if found is not None} for o in order}
    needs[id(searchlist[0])] = {id(o) for o in order}
    looks = [0] * len(order)
    place = 0
    while place < len(order):
        looks[place] += 1
        current = id(order[place])
        users = (k for k in range(len(order) - 1, place, -1) if current in needs[id(order[k])])
        behind = next(users, None)
        if behind is not None:
            order.insert(behind, order.pop(place))
            if looks[place + 1] <= len(order) - place:
                looks.insert(behind, looks.pop(place))
                continue
        place += 1
        looks[place:] = [0] * (len(order) - place)
    return order[::-1]


def _visit(loaded: LoadedObject, seen: set[int], pending: list[tuple[LoadedObject, Iterator[LoadedObject]]]) -> None:
    if id(loaded) not in seen:
        seen.add(id(loaded))
        pending.append((loaded, (found for _, found in loaded.needed if found is not None)))


def scope_of(process: Process, loaded: LoadedObject, local: list[LoadedObject]) -> list[LoadedObject]:
    """The objects a lookup for ``loaded`` goes through, in order; ``local`` is the opened library's own list."""
    if process.model.deep_bind:
        return [*local, *process.global_scope]
    own = [loaded] if loaded.facts.symbolic and not loaded.is_program else []
    return [*own, *process.global_scope, *(local if local is not process.global_scope else [])]


def bind(
    process: Process, local: list[LoadedObject], new: set[int], index: SymbolIndex | None = None
) -> Iterator[Binding | Refusal]:
    """Bind the symbols wanted by each new object of ``local``: bindings, and refusals where there is no definition.

    With an ``index`` of a survey, what it has settled is left out: a binding that no load could change.
    """
    scopes: dict[int, _Scope] = {}
    behaviour = behaviour_of(process.model.release)
    coming = local if behaviour.depth_first_sort else [o for o in local if id(o) in new]
    for loaded in relocation_order(coming, depth_first=behaviour.depth_first_sort):
        if id(loaded) not in new:
            continue
        key = id(loaded) if loaded.facts.symbolic else 0
        scope = scopes.get(key)
        if scope is None:
            scope = scopes[key] = _Scope(scope_of(process, loaded, local), behaviour, index)
        yield from _thread_storage(process, loaded, scope)
        yield from _bind_object(process, loaded, scope)


def settle(process: Process, earlier: Sequence[LoadedObject]) -> None:
    """Give what was opened before, after the start, its part of the static thread-local storage; nothing is judged."""
    scope = _Scope([*process.global_scope, *earlier], behaviour_of(process.model.release))
    for loaded in relocation_order(earlier):
        for _ in _thread_storage(process, loaded, scope):
            pass


def _thread_storage(process: Process, loaded: LoadedObject, scope: _Scope) -> Iterator[Refusal]:
    """What a library opened late takes of the static thread-local storage, and the refusal when it is not there."""
    if not loaded.facts.usage.thread_locals:
        return
    started = {id(o) for o in process.laid_out}
    for owner in _reached_storage(loaded, scope):
        if id(owner) in started or any(owner is known for known, _, _ in process.granted):
            continue
        assert owner.facts.tls is not None
        pool, need = process.storage(), owner.facts.tls.size
        process.granted.append((owner, need, pool.left))
        after = pool.after(owner)
        if after is None:
            yield _no_thread_storage(loaded, owner, need)
        else:
            process.pool = after


def _reached_storage(loaded: LoadedObject, scope: _Scope) -> Iterator[LoadedObject]:
    """The objects whose thread-local variables this one reaches by a fixed offset: itself first."""
    if static_need(loaded):
        yield loaded
    table = loaded.image.symbols
    for position in loaded.facts.usage.thread_locals:
        if not position or position >= len(table) or table.defined[position]:
            continue
        version = table.version_names[table.versions[position]] if table.versions else None
        owner = scope.find(table.names[position], version).provider
        if owner is not None and owner.facts.tls is not None:
            yield owner


def _no_thread_storage(loaded: LoadedObject, owner: LoadedObject, need: int) -> Refusal:
    segment = next(s for s in owner.image.segments if s.kind == "TLS")
    text = "cannot allocate memory in static TLS block"
    failure = Failure(loaded.path, text, offset=segment.header_offset)
    return Refusal("static-tls", str(need), failure, owner, opened=owner.opened)


def _bind_object(process: Process, loaded: LoadedObject, scope: _Scope) -> Iterator[Binding | Refusal]:
    table, usage = loaded.image.symbols, loaded.facts.usage
    is_lazy = _binds_lazily(process, loaded)
    for position in scope.undecided(loaded):
        lazy = is_lazy and position in usage.lazy
        if position >= len(table) or table.defined[position] or table.bindings[position] == _LOCAL:
            continue
        name = table.names[position]
        version = table.version_names[table.versions[position]] if table.versions else None
        bound = scope.find(name, version)
        weak = table.bindings[position] == _WEAK
        yield Binding(
            consumer=loaded.path,
            symbol=name,
            version=version.name if version else None,
            provider=bound.provider.path if bound.provider else None,
            weak=weak,
            lazy=lazy,
            shadowed=scope.shadowed(name, version, bound.provider) if bound.provider else (),
            linked_file=version.file if version else None,
        )
        if bound.miss is None or (weak and bound.miss is Miss.UNDEFINED):
            continue
        yield _missed(loaded, table, position, version, bound.miss, lazy=lazy)


def _binds_lazily(process: Process, loaded: LoadedObject) -> bool:
    model = process.model
    return model.mode is BindingMode.LAZY and not loaded.facts.bind_now and not model.variable("LD_BIND_NOW")


def _missed(
    loaded: LoadedObject, table: SymbolTable, position: int, version: SymbolVersion | None, miss: Miss, *, lazy: bool
) -> Refusal:
    name = table.names[position]
    tail = f", version {version.name}" if version else ""
    text, code, crashes = f"undefined symbol: {name}{tail}", "undefined-symbol", False
    subject = loaded.path
    if miss is Miss.NOT_IN_ITS_FILE:
        assert version is not None
        text = f"symbol {name}, version {version.name} not defined in file {version.file} with link time reference"
    elif miss is Miss.UNVERSIONED:
        subject, code, crashes = "Inconsistency detected by ld.so", "unversioned-provider", True
        text = _NO_VERSIONS
    if lazy:
        code = "undefined-lazy"
    failure = Failure(subject, text, offset=table.offset + position * table.entry_size)
    return Refusal(
        code,
        name,
        failure,
        loaded,
        opened=loaded.opened,
        fatal=not lazy,
        crashes=crashes,
        phase=FailureStage.SYMBOLS,
    )
