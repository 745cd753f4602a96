"""What a shared value makes at its first question is whole when another thread sees it.

The lazily filled values are listed by reading the source; each needs a row here: a storm, or why no two threads meet.
"""

from __future__ import annotations

import _ctypes
import ast
import ctypes
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.own_source import modules

from loadstone.binary import read
from loadstone.binary.deferred import Deferred
from loadstone.core.image import ImageSymbol, SymbolTable
from loadstone.files import file_stamp
from loadstone.library import Library
from loadstone.library.search.surroundings import of_model
from loadstone.library.trust.path_source import PathSource
from loadstone.library.trust.policy import SearchSource
from loadstone.library.trust.preflight import footprint
from loadstone.library.typed.ctypes_types import CtypesTypes
from loadstone.library.typed.prototype import parse_header
from loadstone.linker import LoaderModel
from loadstone.linker.cache import CacheEntry, LoaderCache

CHANGES = {"append", "add", "update", "setdefault", "extend"}
THREADS = 8
ROUNDS = 30


def _is_lazy(node: ast.AST, *, frozen: bool) -> bool:
    """Whether a statement of a method fills something of the object itself after it was made."""
    if isinstance(node, ast.If) and isinstance(node.test, ast.Compare) and ast.unparse(node.test).endswith(" is None"):
        asked = ast.unparse(node.test.left)
        stored = {ast.unparse(t) for n in node.body if isinstance(n, ast.Assign) for t in n.targets}
        return asked.startswith("self._") and asked in stored
    if isinstance(node, ast.Call):
        called = ast.unparse(node.func)
        if called == "object.__setattr__":
            return True
        return frozen and called.startswith("self._") and called.rpartition(".")[2] in CHANGES
    return False


def _decorations(node: ast.AST) -> set[str]:
    listed = getattr(node, "decorator_list", ())
    return {ast.unparse(d.func if isinstance(d, ast.Call) else d).rpartition(".")[2] for d in listed}


def _lazy_values() -> Iterator[tuple[str, bool]]:
    """Their names, and whether functools fills them."""
    for path, tree in modules():
        home = path.removesuffix(".py")
        owners: list[ast.Module | ast.ClassDef] = [tree]
        owners += [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
        for owner in owners:
            within, frozen = f"{home}:", False
            if isinstance(owner, ast.ClassDef):
                within = f"{home}:{owner.name}."
                frozen = "frozen=True" in " ".join(map(ast.unparse, owner.decorator_list))
            for function in owner.body:
                if not isinstance(function, ast.FunctionDef) or function.name in ("__init__", "__post_init__"):
                    continue
                lazy = owner is not tree and any(_is_lazy(node, frozen=frozen) for node in ast.walk(function))
                decorations = _decorations(function)
                by_functools = bool(decorations & {"cache", "lru_cache"})
                if lazy or by_functools or "cached_property" in decorations:
                    yield within + function.name, by_functools


NAMES = tuple(f"name{i}" for i in range(3000))
HEADER = "struct b; struct a { int x; struct b *to; }; struct b { struct a inside; struct a *back; int y; };"


def _symbols() -> Callable[[], Any]:
    table = SymbolTable.of([ImageSymbol(name) for name in NAMES])
    return lambda: (len(table.named(NAMES[0])), len(table.named(NAMES[-1])))


def _cache() -> Callable[[], Any]:
    cache = LoaderCache("", tuple(CacheEntry(name, f"/{name}", 1) for name in NAMES))
    return lambda: (len(cache.named(NAMES[0])), len(cache.named(NAMES[-1])))


def _sections() -> Callable[[], Any]:
    table = read(_extension()).sections
    return lambda: tuple(section.name for section in table)


def _usage() -> Callable[[], Any]:
    deferred = Deferred(lambda: dict.fromkeys(NAMES))
    return lambda: len(deferred.get())


def _image_of_a_path() -> Callable[[], Any]:
    source = PathSource(_extension(), footprint(_extension(), os.stat(_extension())), file_stamp(os.stat(_extension())))
    return lambda: len(source.exported_names())


def _structs() -> Callable[[], Any]:
    declared = parse_header(HEADER)
    types = CtypesTypes(declared.records, HEADER)
    a, b = declared.records["struct a"], declared.records["struct b"]
    return lambda: (
        ctypes.sizeof(types.record(b)),
        types.record(b)().inside.x,
        types.record(a)(7).x,
        types.record(a) is types.record(a),
    )


def _names() -> Callable[[], Any]:
    names = Library.main().declare("int abs(int); long labs(long);\n#define LIMIT 7\n")
    return lambda: (names.abs(-3), names.labs(-4), names.LIMIT)


def _searches() -> Callable[[], Any]:
    surroundings = of_model(LoaderModel.this_process())

    def ask() -> Any:
        with surroundings.search((SearchSource.ENVIRONMENT, SearchSource.SYSTEM_CACHE), "/nowhere:/usr/lib") as search:
            return search.locate("libc.so.6", None).failure is None

    return ask


def _extension() -> str:
    """A real image with names, sections and structs: an extension module that this interpreter has in any case."""
    return _ctypes.__file__


STORMS: dict[str, Callable[[], Callable[[], Any]]] = {
    "core/symbols:SymbolTable._indexed": _symbols,
    "linker/cache:LoaderCache.named": _cache,
    "binary/elf/sections:SectionTable._sections": _sections,
    "binary/deferred:Deferred.get": _usage,
    "library/trust/path_source:PathSource._read": _image_of_a_path,
    "library/typed/ctypes_types:CtypesTypes._record": _structs,
    "library/typed/declare:_Lazy.__get__": _names,
    "library/search/surroundings:Surroundings.search": _searches,
    "library/search/surroundings:Surroundings._taken": _searches,
}

ONE_THREAD = {
    "headers/cursor:TokenCursor.skip_balanced": "a parser reads one text, in the thread that made it",
    "library/lifetime/namespace:Namespace.number": "under the lock of the namespace",
    "archives/member:PackedFile._source": "readable while it is the current member of the loop that reads the archive",
    "linker/glibc:Search.library_path": "a search belongs to one caller: Surroundings.search",
    "library/typed/life:Address.__new__": "set while it is made, before anybody has it",
    "library/typed/pointers:TypedPointer.__setattr__": "nothing is kept: what the user assigns goes to C's memory",
    "library/typed/data:Variable.__setattr__": "nothing is kept: what the user assigns goes to C's memory",
}

ONE_THREAD_PACKAGES = ("review/analyses/", "review/rules/")
"""A program under review belongs to one thread: reviews share their work between processes (``review/batch``)."""


def storm(ask: Callable[[], Any]) -> set[Any]:
    """What many threads hear that ask at the same moment."""
    barrier = threading.Barrier(THREADS)
    heard: list[Any] = []

    def one() -> None:
        barrier.wait()
        try:
            heard.append(ask())
        except Exception as error:  # noqa: BLE001  whatever goes wrong is an answer
            heard.append(repr(error))

    threads = [threading.Thread(target=one) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return set(heard)


@pytest.fixture
def quick_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("quick_switches")
@pytest.mark.parametrize("made", [pytest.param(made, id=name) for name, made in STORMS.items()])
def test_every_thread_hears_what_one_alone_would(made: Callable[[], Callable[[], Any]]) -> None:
    alone = made()()
    assert [heard for _ in range(ROUNDS) if (heard := storm(made())) != {alone}] == []


def test_every_lazily_filled_value_is_stormed_or_belongs_to_one_thread() -> None:
    """A cache of functools makes its value whole before it keeps it, so those need no row."""
    values = [(name, by_functools) for name, by_functools in _lazy_values() if not name.startswith(ONE_THREAD_PACKAGES)]
    found = {name for name, by_functools in values if not by_functools}
    assert found - STORMS.keys() - ONE_THREAD.keys() == set(), "give it a storm here"
    assert ONE_THREAD.keys() - found - {name for name, by_functools in values if by_functools} == set()
