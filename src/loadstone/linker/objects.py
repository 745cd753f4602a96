"""What a simulated process has loaded so far, and how a name or a file is recognised as one of those.

Source: elf/dl-load.c and elf/dl-object.c of glibc, read for their rules: a name matches an object by any name it was
asked for under, by the path it was opened by, or by its SONAME; a file matches by device and inode.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import TypeVar

from loadstone.binary.elf.facts import ElfFacts
from loadstone.core.image import Dependency, Image, SearchKind
from loadstone.files import FileId
from loadstone.linker.view import OpenedFile
from loadstone.quick_dataclass import dataclass, field

__all__ = ["LoadedObject", "NamespaceObjects", "origin_of"]

_DT_RUNPATH = 29

K = TypeVar("K")


@dataclass(slots=True, eq=False)
class LoadedObject:
    """One object of the process, in the making.

    ``path`` is the path it was opened by, ``names`` every name it answers to but its SONAME, ``loader`` the object
    whose need brought it in (None for the program and for what dlopen was asked for), ``needed`` its dependencies
    in the order of its dynamic section, ``order`` its place in the list of loaded objects. ``root`` is where the chain
    of loaders begins, ``rpath_owner`` the nearest object of that chain with an RPATH, itself included: kept, because a
    search that walked the whole chain for each name would take quadratic time on a long one.
    """

    path: str
    image: Image
    opened: OpenedFile
    origin: str
    loader: LoadedObject | None = None
    is_program: bool = False
    depth: int = 0
    order: int = 0
    names: set[str] = field(default_factory=set)
    needed: list[tuple[Dependency, LoadedObject | None]] = field(default_factory=list)
    directories: dict[SearchKind, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    root: LoadedObject = field(init=False)
    rpath_owner: LoadedObject | None = field(init=False)

    def __post_init__(self) -> None:
        self.root = self.loader.root if self.loader else self
        self.rpath_owner = self if self.image.rpath else self.loader.rpath_owner if self.loader else None

    def point_to(self, copies: Mapping[int, LoadedObject]) -> None:
        """Refer to the copy of every object that has one; ``copies`` holds them by the identity of the first."""
        self.loader = copies.get(id(self.loader), self.loader)
        self.root = copies.get(id(self.root), self.root)
        self.rpath_owner = copies.get(id(self.rpath_owner), self.rpath_owner)
        self.needed = [(dependency, copies.get(id(found), found)) for dependency, found in self.needed]

    def let_go(self) -> None:
        """Refer to no object, nor to itself: the image then goes with who needs it last, not when cycles are sought."""
        self.loader = self.rpath_owner = None
        self.needed = []
        del self.root

    @property
    def facts(self) -> ElfFacts:
        assert isinstance(self.image.native, ElfFacts)
        return self.image.native

    @property
    def has_runpath(self) -> bool:
        return _DT_RUNPATH in self.facts.dynamic

    @property
    def chain(self) -> tuple[str, ...]:
        """The paths that lead here: the first object loaded, the one it needed, and so on to this one."""
        links = [self.path]
        above = self.loader
        while above is not None:
            links.append(above.path)
            above = above.loader
        return tuple(reversed(links))

    def answers_to(self, name: str) -> bool:
        """Whether the loader would take this object for the file ``name`` of a version need."""
        return name in self.names

    def __repr__(self) -> str:
        return f"<{self.path}>"


@dataclass(slots=True)
class NamespaceObjects:
    """The objects in the order they were loaded, with the ways to recognise one."""

    objects: list[LoadedObject] = field(default_factory=list)
    _by_name: dict[str, LoadedObject] = field(default_factory=dict)
    _by_soname: dict[str, LoadedObject] = field(default_factory=dict)
    _by_file: dict[FileId, LoadedObject] = field(default_factory=dict)

    def add(self, loaded: LoadedObject, *names: str) -> LoadedObject:
        loaded.order = len(self.objects)
        self.objects.append(loaded)
        for name in (loaded.path, *names):
            self.call(loaded, name)
        if loaded.image.identity:
            self._by_soname.setdefault(loaded.image.identity, loaded)
        self._by_file.setdefault(loaded.opened.file_id, loaded)
        return loaded

    def copied(self, copies: Mapping[int, LoadedObject]) -> NamespaceObjects:
        """The same with a copy in the place of each object, which ``copies`` holds by the identity of the first."""

        def mapped(table: dict[K, LoadedObject]) -> dict[K, LoadedObject]:
            return {key: copies.get(id(found), found) for key, found in table.items()}

        objects = [copies[id(o)] for o in self.objects]
        return NamespaceObjects(objects, mapped(self._by_name), mapped(self._by_soname), mapped(self._by_file))

    def share(self, loaded: LoadedObject) -> None:
        """Recognise an object of another namespace by its file alone: there is only ever one loader in a process."""
        self._by_file.setdefault(loaded.opened.file_id, loaded)

    def call(self, loaded: LoadedObject, name: str) -> None:
        """From now on ``loaded`` answers to ``name`` as well."""
        if name:
            loaded.names.add(name)
            self._by_name.setdefault(name, loaded)

    def named(self, name: str) -> tuple[LoadedObject, str] | None:
        """The first object that ``name`` stands for, and whether by a name it was asked for under or by SONAME."""
        by_name, by_soname = self._by_name.get(name), self._by_soname.get(name)
        if by_name is not None and (by_soname is None or by_name.order <= by_soname.order):
            return by_name, "loaded-name"
        if by_soname is None:
            return None
        self.call(by_soname, name)
        return by_soname, "loaded-soname"

    def of_file(self, file_id: FileId) -> LoadedObject | None:
        return self._by_file.get(file_id)

    def answering_to(self, name: str) -> LoadedObject | None:
        """The object a version need's file name stands for; a SONAME nobody asked by does not count."""
        return self._by_name.get(name)


def origin_of(absolute_path: str) -> str:
    """What ``$ORIGIN`` is for a library opened by that path: its directory, symbolic links as they are."""
    return posixpath.dirname(absolute_path) or "/"
