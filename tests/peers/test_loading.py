"""Opening, finding and letting go, as the suites of libloading, .NET's NativeLibrary and Java's FFM arenas have it.

Where they differ from each other or from us, the row says so: DIFFERENT. Qt's own library is asked in
``tests/library/test_qlibrary_oracle.py`` and ``tests/plugin/test_qt_oracle.py``.
"""

from __future__ import annotations

import ctypes
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.library.children import run_child
from tests.tools import not_on_pypy

from loadstone.errors import (
    Closed,
    InUse,
    InvalidName,
    LoadFailed,
    LoadstoneError,
    NotFound,
    SymbolNotFound,
    WrongSymbolKind,
)
from loadstone.library import Library
from loadstone.library.lifetime.outcome import UnloadState

HEADER = (Path(__file__).parent / "peers.h").read_text()


@pytest.fixture
def folder(peers: Path, tmp_path: Path) -> Path:
    """A copy of the library under its own name, which no other test has loaded."""
    shutil.copy(peers, tmp_path / "libpeers.so")
    return tmp_path


@pytest.fixture
def own(folder: Path) -> Iterator[Library]:
    made = Library(str(folder / "libpeers.so"))
    yield made
    made.unload()


REFUSED_NAMES: dict[str, tuple[Any, type[Exception]]] = {
    "libloading: a library that is not there": ("libnosuch-at-all.so", NotFound),
    "libloading: a NUL inside the file name": ("lib\0z.so", InvalidName),
    "NativeLibrary: null": (None, InvalidName),
    "NativeLibrary: an empty name": ("", InvalidName),
    "NativeLibrary: an absolute path that is not there": ("/nosuch/libz.so", NotFound),
    "FFM: a path of a missing file": (Path("/nosuch/libz.so"), NotFound),
    "FFM: a name that is blank": (" \n", InvalidName),
    "NativeLibrary: a number": (5, InvalidName),
}


@pytest.mark.parametrize(("name", "error"), REFUSED_NAMES.values(), ids=REFUSED_NAMES)
def test_a_name_of_no_library_is_refused(name: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        Library(name).load()


@pytest.mark.parametrize("content", [b"", b"text\n", b"\x7fELF", b"MZ" + bytes(62), bytes(4096)])
def test_a_file_that_is_no_library_is_refused_with_the_systems_words(content: bytes, tmp_path: Path) -> None:
    """NativeLibrary's bad image: an OSError here, with ``errno`` and the file."""
    path = tmp_path / "libbad.so"
    path.write_bytes(content)
    with pytest.raises(LoadFailed) as caught:
        Library(str(path)).load()
    assert caught.value.filename == str(path)
    assert caught.value.errno
    with pytest.raises(OSError, match="libbad"):
        ctypes.CDLL(str(path))


SPELLINGS = ("peers", "libpeers", "libpeers.so", "./peers", "./libpeers.so")


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_name_may_leave_out_what_the_platform_adds(spelling: str, folder: Path) -> None:
    """NativeLibrary's probing: prefix and suffix are tried. DIFFERENT: a bare name is not looked for here."""
    said = run_child(  # in a process that has no library of that name loaded
        """
        import os, sys
        from loadstone import Library
        from loadstone.errors import NotFound
        os.chdir(sys.argv[1])
        library = Library(sys.argv[2])
        try:
            print(library.load().has("d2"), library.unload().state)
        except NotFound:
            print("not found")
        """,
        folder,
        spelling,
    )
    assert said == ("True closed" if "/" in spelling else "not found")


REFUSED_SYMBOLS: dict[str, tuple[Any, type[Exception]]] = {
    "libloading: a symbol that is not there": ("nosuch", SymbolNotFound),
    "libloading: a NUL inside the name": ("d2\0d2", InvalidName),
    "NativeLibrary: null": (None, InvalidName),
    "NativeLibrary: an empty symbol": ("", InvalidName),
    "NativeLibrary: another case": ("D2", SymbolNotFound),
    "FFM: a local function": ("helper_nobody_exports", SymbolNotFound),
    "FFM: a symbol of another library": ("strlen", SymbolNotFound),
}


@pytest.mark.parametrize(("symbol", "error"), REFUSED_SYMBOLS.values(), ids=REFUSED_SYMBOLS)
def test_a_symbol_that_is_none_is_refused(symbol: Any, error: type[Exception], own: Library) -> None:
    with pytest.raises(error):
        own.load().resolve(symbol)
    if error is SymbolNotFound:
        assert not own.has(symbol)
        assert own.get(f"int {symbol}(void)", "default") == "default"


def test_libloading_opens_and_closes_two_hundred_times(folder: Path) -> None:
    for _ in range(200):
        library = Library(str(folder / "libpeers.so")).load()
        assert library.unload().state is UnloadState.CLOSED


def test_libloading_changes_a_static_and_sees_it_anew_after_reopening(folder: Path) -> None:
    for _ in range(2):
        with Library(str(folder / "libpeers.so")) as library:
            names = library.declare(HEADER)
            assert names.origin.x != 77
            names.origin.x = 77
            assert names.origin.x == 77


@not_on_pypy("it does not export Python's C interface")
def test_libloading_asks_the_program_itself() -> None:
    said = run_child(  # in a process where nothing else holds the program
        """
        from loadstone import Library
        from loadstone.errors import SymbolNotFound
        main = Library.main()
        outcome = main.function("int Py_IsInitialized(void)")(), main.unload()
        try:
            Library.main().resolve("nosuch")
        except SymbolNotFound:
            print(outcome[0], outcome[1].state, outcome[1].reason)
        """
    )
    assert said == "1 resident it is the program itself"


def test_nativelibrary_counts_its_handles(folder: Path) -> None:
    first, second = (Library(str(folder / "libpeers.so")).load() for _ in range(2))
    assert first.unload().state is UnloadState.HELD
    assert second.has("d2")
    assert second.unload().state is UnloadState.CLOSED


def test_nativelibrary_frees_twice_without_harm(own: Library) -> None:
    """DIFFERENT: there the second free is undefined; here it says that nothing was loaded."""
    assert own.load().unload().state is UnloadState.CLOSED
    assert own.unload().state is UnloadState.NOT_LOADED


def test_a_function_is_no_variable_and_a_variable_no_function(own: Library) -> None:
    own.load()
    for work in (lambda: own.function("int origin(void)"), lambda: own.data("int d2")):
        with pytest.raises(WrongSymbolKind):
            work()


TAKEN: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "a function": (lambda n: n.get_flag, lambda one: one()),
    "a variable": (lambda n: n.big, lambda one: one.value),
    "a variable, written": (lambda n: n.big, lambda one: setattr(one, "value", 1)),
    "a struct": (lambda n: n.origin, lambda one: one.x),
    "a struct, written": (lambda n: n.origin, lambda one: setattr(one, "x", 1)),
    "an array": (lambda n: n.grid, lambda one: one[0]),
    "a part of an array": (lambda n: n.grid[1], lambda one: one[0]),
    "a pointer": (lambda n: n.mk(), lambda one: one.x),
    "an item of a pointer": (lambda n: n.mk()[0], lambda one: one.x),
    "an array of function pointers": (lambda n: n.handlers, lambda one: one[0]),
    "a handle": (lambda n: n.a_new(), int),
    "a symbol": (lambda n: n, lambda one: one.get_y()),
}


@pytest.mark.parametrize(("take", "use"), TAKEN.values(), ids=TAKEN)
def test_ffm_what_an_arena_gave_is_closed_with_it(
    take: Callable[[Any], Any], use: Callable[[Any], Any], own: Library
) -> None:
    with own:
        taken = take(own.declare(HEADER))
        use(taken)
    assert not own.is_loaded
    with pytest.raises(Closed):
        use(taken)


@pytest.mark.parametrize(("take", "use"), TAKEN.values(), ids=TAKEN)
def test_ffm_another_arena_of_the_same_library_is_not_touched(
    take: Callable[[Any], Any], use: Callable[[Any], Any], folder: Path
) -> None:
    outer = Library(str(folder / "libpeers.so")).load()
    kept = take(outer.declare(HEADER))
    with Library(str(folder / "libpeers.so")) as inner:
        use(take(inner.declare(HEADER)))
    use(kept)
    with outer:
        pass
    with pytest.raises(Closed):
        use(kept)


def test_ffm_a_handle_of_a_closed_arena_is_refused_by_an_open_one(folder: Path) -> None:
    open_one = Library(str(folder / "libpeers.so")).load()
    with Library(str(folder / "libpeers.so")) as closing:
        handle = closing.declare(HEADER).a_new()
    with pytest.raises((Closed, ctypes.ArgumentError)):
        open_one.declare(HEADER).a_use(handle)
    with open_one:
        pass


def test_ffm_an_arena_cannot_close_under_a_call(own: Library) -> None:
    seen: list[Exception] = []

    def close_it(_: Any) -> int:
        try:
            own.__exit__(None, None, None)
        except LoadstoneError as error:
            seen.append(error)
        return 7

    names = own.load().declare(HEADER)
    assert names.cb_struct_arg(names.cb_struct_arg_f(close_it)) == 7
    assert [type(one) for one in seen] == [InUse]
    assert own.is_loaded
    with own:
        pass


def test_ffm_closing_outside_a_scope_is_refused_while_something_is_held(own: Library) -> None:
    names = own.load().declare(HEADER)
    pointer = names.mk()
    with pytest.raises(InUse):
        own.unload()
    assert pointer.x == names.mk().x
    with own:
        pass
