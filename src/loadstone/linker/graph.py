"""A simulated load: the dependencies opened breadth first, and every refusal the loader would meet on the way.

Source: elf/dl-deps.c and elf/dl-open.c of glibc, read for their rules. The real loader stops at its first refusal;
the simulation notes it and goes on, so that one answer names everything that is missing. Refusals stand in the order
the loader would meet them.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from loadstone.core.image import Dependency, DependencyKind, Image
from loadstone.core.limits import MAX_GRAPH_NODES
from loadstone.core.trace import DependencyEdge, SearchStep, StepOutcome
from loadstone.errors import LoadstoneError
from loadstone.linker.glibc import Failure, Search
from loadstone.linker.mapping import check_mapping, stack_allowed, wants_executable_stack
from loadstone.linker.objects import LoadedObject, NamespaceObjects, origin_of
from loadstone.linker.releases import behaviour_of
from loadstone.linker.request import LoaderModel
from loadstone.linker.thread_storage import Pool, pool_at_start
from loadstone.linker.tokens import expand
from loadstone.linker.view import OpenedFile
from loadstone.quick_dataclass import dataclass, replace

__all__ = ["FailureStage", "IgnoredPreload", "Process", "Refusal"]

PRELOAD_FILE = "/etc/ld.so.preload"
_BROUGHT_IN = frozenset((DependencyKind.NEEDED, DependencyKind.AUXILIARY, DependencyKind.FILTER))


class FailureStage(Enum):
    """When something is refused, which decides how it is said; the values are what precedes the words at a start."""

    KERNEL = ""
    OPEN = "error while loading shared libraries: "
    VERSIONS = " "
    SYMBOLS = "symbol lookup error: "


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing the loader would not accept.

    ``code`` is the diagnosis it leads to, ``failure`` its words, ``requester`` the object whose need failed (None for
    the target itself), ``dependency`` that need, ``opened`` the file concerned when there was one.
    """

    code: str
    name: str
    failure: Failure
    requester: LoadedObject | None = None
    dependency: Dependency | None = None
    opened: OpenedFile | None = None
    steps: tuple[SearchStep, ...] = ()
    fatal: bool = True
    crashes: bool = False
    phase: FailureStage = FailureStage.OPEN


@dataclass(frozen=True, slots=True)
class IgnoredPreload:
    """A preload the loader went on without, and where it is named; no refusal: a privileged program takes no paths."""

    name: str
    source: str
    refusal: Refusal | None = None


@dataclass(slots=True)
class _Entry:
    """A place in the breadth-first list, and whether its own needs have been followed."""

    loaded: LoadedObject
    done: bool = False


class Process:
    """One simulated process from its start to the end of one load. Not thread-safe; use it once."""

    def __init__(self, model: LoaderModel) -> None:
        self.model = model
        self.search: Search = Search(model)
        self.namespace: NamespaceObjects = NamespaceObjects()
        self.program: LoadedObject | None = None
        self.caller: LoadedObject | None = None  # whose code calls dlopen, where it is not the program's
        self.global_scope: list[LoadedObject] = []
        self.refusals: list[Refusal] = []
        self.edges: list[DependencyEdge] = []
        self.notes: list[str] = []
        self.ignored: list[IgnoredPreload] = []
        self.is_incomplete: bool = False  # something that is loaded is known by name only
        self.pool: Pool | None = None  # of static thread-local storage, once the program is laid out
        self.granted: list[tuple[LoadedObject, int, int]] = []  # late users of the pool: bytes wanted, bytes left then
        self._executable_stack = False
        self._during_dlopen = False

    # What is there before the load

    def start(self, program: str) -> LoadedObject | None:
        """Start the program at that path: its preloads and its closure. None when it is no program to start."""
        opened = self._opened_program(program)
        if opened is None:
            return None
        image = self.model.view.image(opened)
        real = self.model.view.real_path(self.model.absolute(program))
        loaded = LoadedObject(program, image, opened, origin_of(real), is_program=True)
        self.program = self.search.program = self.namespace.add(loaded)
        self._executable_stack = wants_executable_stack(image, self.model)
        self._add_loader_itself(loaded)
        preloads = [p for name, source in self._preload_names() if (p := self._preload(name, source)) is not None]
        self.global_scope = self._close(loaded, preloads)
        return loaded

    def without_program(self) -> None:
        """A process of which nothing is known but its loader and C library."""
        self._add_loader_itself(None)
        libc = "libc.so.6"
        located = self.search.locate(libc, None)
        if located.opened is not None:
            loaded = self._add(located.opened, libc, None)
            if loaded is not None:
                self.global_scope = self._close(loaded, [])
        self.refusals.clear()
        self.edges.clear()

    def fork(self) -> Process:
        """A process as this one is now, for one load more; this one stays as it is."""
        copy = Process(self.model)
        known = (*self.namespace.objects, *self.global_scope, self.program, self.caller)
        copies = {id(o): replace(o, names=set(o.names)) for o in known if o is not None}
        for loaded in copies.values():
            loaded.point_to(copies)
        copy.search.share(self.search)
        copy.namespace = self.namespace.copied(copies)
        copy.program = copy.search.program = copies.get(id(self.program))
        copy.caller = copies.get(id(self.caller))
        copy.global_scope = [copies[id(o)] for o in self.global_scope]
        copy.edges, copy.notes, copy.ignored = list(self.edges), list(self.notes), list(self.ignored)
        copy.pool = self.pool
        copy.granted = [(copies.get(id(o), o), need, left) for o, need, left in self.granted]
        copy._executable_stack = self._executable_stack
        return copy

    def end(self) -> None:
        """Let go of what is loaded; nothing can be asked any more. A survey has thousands of processes."""
        known = (*self.namespace.objects, *self.global_scope, self.program, self.caller)
        for loaded in {id(o): o for o in known if o is not None}.values():
            loaded.let_go()

    def storage(self) -> Pool:
        """What is left of the static thread-local storage now."""
        if self.pool is None:
            pool: Pool | None = pool_at_start(self.laid_out, self.model)
            libc = self.namespace.named("libc.so.6")
            for _ in self.auditors() if libc else ():  # each brings a C library of its own
                pool = pool.after(libc[0]) if pool is not None and libc is not None else None
            self.pool = pool or Pool(0, 0, 1)
        return self.pool

    @property
    def laid_out(self) -> list[LoadedObject]:
        """What has its static thread-local storage before anything takes of the reserve.

        With an auditor the block is laid out before the libraries of the program are looked for: those take of the
        reserve as libraries do that are opened late. Source: elf/rtld.c (load_audit_modules).
        """
        return [self.program] if self.program is not None and self.auditors() else self.global_scope

    def auditors(self) -> tuple[str, ...]:
        """The audit libraries asked for by the environment, then by the program itself."""
        by_variable = tuple(filter(None, (self.model.variable("LD_AUDIT") or "").split(":")))
        if self.program is None or not behaviour_of(self.model.release).audit_entries:
            return by_variable
        needed = self.program.image.needed
        return (*by_variable, *(need.name for need in needed if need.kind is DependencyKind.AUDIT))

    def enter_new_namespace(self) -> None:
        """What is opened from now on finds nothing loaded but the loader, and no scope but its own: dlmopen(3)."""
        loader = self.namespace.named(self.model.interpreter)
        self.namespace = NamespaceObjects()
        self.global_scope = []
        if loader is not None:
            self.namespace.share(loader[0])

    def _opened_program(self, program: str) -> OpenedFile | None:
        try:
            return self.model.view.open(self.model.absolute(program))
        except OSError as error:
            self.notes.append(f"the program {program} could not be read: {error.strerror}")
            return None

    def _add_loader_itself(self, program: LoadedObject | None) -> None:
        """The loader is a loaded object too, under the path the program calls it by."""
        path = (program.image.interpreter if program else None) or self.model.interpreter
        if not path:
            return
        try:
            opened = self.model.view.open(path)
            image = self.model.view.image(opened)
        except (OSError, LoadstoneError):
            return
        loaded = LoadedObject(path, image, opened, origin_of(path))
        self.namespace.add(loaded, *((image.identity,) if image.identity else ()))

    def _preload_names(self) -> Iterator[tuple[str, str]]:
        """Each preload, and where it is named."""
        value = self.model.variable("LD_PRELOAD") or ""
        yield from ((name, "LD_PRELOAD") for name in (*value.replace(":", " ").split(), *self.model.preload))
        try:
            text = self.model.view.read_bytes(PRELOAD_FILE).decode("utf-8", "surrogateescape")
        except OSError:
            return
        for line in text.splitlines():
            yield from ((name, PRELOAD_FILE) for name in line.partition("#")[0].replace(":", " ").split())

    def _preload(self, name: str, source: str) -> LoadedObject | None:
        if self.model.secure and "/" in name:
            self.ignored.append(IgnoredPreload(name, source))
            return None
        before = len(self.refusals)
        dependency = Dependency(name, DependencyKind.PRELOAD, 0)
        loaded = self._open(name, self.program, dependency, privileged=self.model.secure)
        refused = next(iter(self.refusals[before:]), None)
        del self.refusals[before:]
        if loaded is None:
            self.ignored.append(IgnoredPreload(name, source, refused))
        return loaded

    # The load

    def dlopen(self, name: str, caller: LoadedObject | None = None) -> LoadedObject | None:
        """Open ``name`` as dlopen would for ``caller``, and what it needs; None when it is refused at once."""
        dependency = Dependency(name, DependencyKind.DLOPEN, 0)
        self._during_dlopen = True
        return self._open(name, caller or self.program, dependency, by_dlopen=True)

    def close_over(self, root: LoadedObject) -> list[LoadedObject]:
        """Everything ``root`` needs, in the loader's breadth-first order, ``root`` first."""
        return self._close(root, [])

    def declared(self, searchlist: list[LoadedObject]) -> list[DependencyEdge]:
        """Where what the objects say they may open later (.note.dlopen) would be found; nothing is loaded for it."""
        return [
            self._declared(loaded, dependency)
            for loaded in searchlist
            for dependency in loaded.image.needed
            if dependency.kind is DependencyKind.DLOPEN
        ]

    def _declared(self, loaded: LoadedObject, dependency: Dependency) -> DependencyEdge:
        note = ": ".join(part for part in (dependency.priority, dependency.feature) if part)
        known = self.namespace.named(dependency.name)
        if known is not None:
            found, how = known
            step = SearchStep(how, found.path, StepOutcome.TAKEN, "it is loaded anyway")
            return DependencyEdge(loaded.path, dependency.name, found.path, how, dependency.kind, (step,), note)
        located = self.search.locate(dependency.name, loaded)
        path = located.steps[-1].candidate if located.opened is not None else None
        return DependencyEdge(loaded.path, dependency.name, path, located.how, dependency.kind, located.steps, note)

    def _close(self, root: LoadedObject, preloads: list[LoadedObject]) -> list[LoadedObject]:
        entries = [_Entry(root), *(_Entry(p) for p in preloads)]
        listed = {id(e.loaded) for e in entries}
        position = 0
        while position < len(entries):
            entry = entries[position]
            if entry.done:
                position += 1
                continue
            entry.done = True
            self._follow(entry, entries, listed, position)
            if len(entries) > MAX_GRAPH_NODES:
                self.notes.append(f"more than {MAX_GRAPH_NODES} libraries: the rest was not looked at")
                break
        return [entry.loaded for entry in entries]

    def _follow(self, entry: _Entry, entries: list[_Entry], listed: set[int], position: int) -> None:
        loaded = entry.loaded
        known = bool(loaded.needed)
        for number, dependency in enumerate(d for d in loaded.image.needed if d.kind in _BROUGHT_IN):
            found = loaded.needed[number][1] if known else self._need(loaded, dependency)
            if not known:
                loaded.needed.append((dependency, found))
            if found is None:
                continue
            if dependency.kind is DependencyKind.NEEDED:
                if id(found) not in listed:
                    listed.add(id(found))
                    entries.append(_Entry(found))
                continue
            here = next(i for i in range(position, len(entries)) if entries[i] is entry)
            if id(found) not in listed:
                listed.add(id(found))
                entries.insert(here, _Entry(found))
            else:
                later = next((i for i in range(here + 1, len(entries)) if entries[i].loaded is found), None)
                if later is not None:
                    moved = entries.pop(later)
                    moved.done = False
                    entries.insert(here, moved)

    def _need(self, loaded: LoadedObject, dependency: Dependency) -> LoadedObject | None:
        """One entry of the dynamic section: its tokens expanded, the library found or refused."""
        name: str | None = dependency.name
        if "$" in dependency.name:
            name = expand(dependency.name, self.search.token_values(loaded))
            if not name:
                failure = Failure(dependency.name, "empty dynamic string token substitution")
                self._refuse(Refusal("token-unexpanded", dependency.name, failure, loaded, dependency), dependency)
                self._edge(loaded, dependency, None, "", ())
                return None
        return self._open(name or "", loaded, dependency)

    def _open(
        self,
        name: str,
        requester: LoadedObject | None,
        dependency: Dependency,
        *,
        privileged: bool = False,
        by_dlopen: bool = False,
    ) -> LoadedObject | None:
        """The object ``name`` stands for: one already loaded, or one found, opened and mapped now."""
        known = self.namespace.named(name)
        if known is not None:
            loaded, how = known
            reason = "it was loaded before under this name" if how == "loaded-name" else "a loaded library's SONAME"
            step = SearchStep(how, loaded.path, StepOutcome.TAKEN, reason)
            self._edge(requester, dependency, loaded, how, (step,))
            return loaded
        located = self.search.locate(name, requester, privileged=privileged)
        if located.opened is None and name in self.model.granted:
            self.is_incomplete = True
            self._edge(requester, dependency, None, "granted", located.steps)
            return None
        if located.opened is None:
            assert located.failure is not None
            self._refuse_search(name, located.failure, requester, dependency, located.steps)
            self._edge(requester, dependency, None, "", located.steps)
            return None
        same = self.namespace.of_file(located.opened.file_id)
        if same is not None:
            self.namespace.call(same, name)
            step = SearchStep("same-inode", same.path, StepOutcome.TAKEN, "the same file is loaded already")
            self._edge(requester, dependency, same, "same-inode", (*located.steps, step))
            return same
        above = None if by_dlopen else requester
        added = self._add(located.opened, name, above, dependency, located.steps, taken=located.steps[-1].candidate)
        self._edge(requester, dependency, added, located.how, located.steps)
        return added

    def _add(
        self,
        opened: OpenedFile,
        name: str,
        requester: LoadedObject | None,
        dependency: Dependency | None = None,
        steps: tuple[SearchStep, ...] = (),
        taken: str = "",
    ) -> LoadedObject | None:
        """Map an opened file; None, with a refusal noted, when the loader would not."""
        image = self._image(opened, name, requester, dependency, steps)
        if image is None:
            return None
        stack = stack_allowed(self.model, at_start=not self._during_dlopen, has_one=self._executable_stack)
        refused = check_mapping(opened, image, self.model, during_dlopen=self._during_dlopen, stack_granted=stack)
        if refused is not None:
            failure = Failure(name, refused.text, refused.errno, refused.offset)
            self._refuse(
                Refusal(refused.code, name, failure, requester, dependency, opened, steps, crashes=refused.crashes),
                dependency,
            )
            return None
        loaded = LoadedObject(
            path=taken or opened.path,
            image=image,
            opened=opened,
            origin=origin_of(self.model.absolute(taken or opened.path)),
            loader=requester,
            depth=requester.depth + 1 if requester else 0,
        )
        self._executable_stack |= wants_executable_stack(image, self.model)
        return self.namespace.add(loaded, name)

    def _image(
        self,
        opened: OpenedFile,
        name: str,
        requester: LoadedObject | None,
        dependency: Dependency | None,
        steps: tuple[SearchStep, ...],
    ) -> Image | None:
        try:
            return self.model.view.image(opened)
        except LoadstoneError as error:
            failure = Failure(name, error.message)
            self._refuse(Refusal("bad-headers", name, failure, requester, dependency, opened, steps), dependency)
            return None

    def _refuse_search(
        self,
        name: str,
        failure: Failure,
        requester: LoadedObject | None,
        dependency: Dependency,
        steps: tuple[SearchStep, ...],
    ) -> None:
        by_dlopen = dependency.kind is DependencyKind.DLOPEN
        ended_by = next((s for s in reversed(steps) if s.outcome is StepOutcome.FATAL), None)
        code = "unusable-file" if ended_by else "not-found"
        requester = None if by_dlopen else requester
        self._refuse(Refusal(code, name, failure, requester, dependency, None, steps), dependency)

    def _refuse(self, refusal: Refusal, dependency: Dependency | None) -> None:
        if dependency is not None and dependency.kind is DependencyKind.AUXILIARY:
            return  # may be missing, and then nobody hears of it
        self.refusals.append(refusal)

    def _edge(
        self,
        requester: LoadedObject | None,
        dependency: Dependency,
        chosen: LoadedObject | None,
        how: str,
        steps: tuple[SearchStep, ...],
    ) -> None:
        asking = requester.path if requester else ""
        path = chosen.path if chosen else None
        self.edges.append(DependencyEdge(asking, dependency.name, path, how if chosen else "", dependency.kind, steps))
