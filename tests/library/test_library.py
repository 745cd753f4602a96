from __future__ import annotations

import ctypes
import gc
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Compile
from tests.library.children import run_child
from tests.tools import not_on_pypy

from loadstone.core.image import SymbolKind
from loadstone.errors import Closed, Holder, InUse, InvalidName, LoadFailed, NotFound, SymbolNotFound, Unsupported
from loadstone.library import Assurance, Library, LoadHint, UnloadState, loaded_libraries

ANSWER = "int answer(void) { return 42; } int counter = 7; __thread int local = 3;"


@pytest.fixture
def answer(compile_library: Compile) -> str:
    return str(compile_library(ANSWER, "libanswer.so"))


def is_mapped(path: str) -> bool:
    return path in Path("/proc/self/maps").read_text()


def test_nothing_is_touched_until_it_is_loaded() -> None:
    library = Library("/nowhere/libnothing.so")
    assert not library.is_loaded
    assert library.file_name == "/nowhere/libnothing.so"
    assert library.error is None
    assert library.assurance is Assurance.NONE
    assert library.unload().state is UnloadState.NOT_LOADED


def test_load_resolve_call_unload(answer: str) -> None:
    library = Library(answer).load()
    assert library.is_loaded
    assert is_mapped(answer)
    function = library.function("answer", restype=ctypes.c_int, argtypes=[])
    assert function() == 42
    del function
    assert library.unload()
    assert not is_mapped(answer)
    assert not library.is_loaded


def test_the_system_opens_once_whatever_the_spelling(answer: str, tmp_path: Path) -> None:
    link = tmp_path / "other.so"
    link.symlink_to(answer)
    first, second = Library(answer).load(), Library(link).load()
    assert not second.load().unload()  # idempotent: one load to give back
    assert first.is_loaded
    assert first.unload()
    assert not is_mapped(answer)


def test_two_handles_count_separately(answer: str) -> None:
    a, b = Library(answer), Library(answer)
    a.load()
    loaded = [(a.is_loaded, b.is_loaded)]
    b.load()
    outcome = a.unload()
    assert (outcome.state, outcome.held_by) == (UnloadState.HELD, (Holder("handle", answer),))
    assert not outcome
    assert [*loaded, (a.is_loaded, b.is_loaded)] == [(True, False), (False, True)]
    assert b.unload().state is UnloadState.CLOSED
    assert b.unload().state is UnloadState.NOT_LOADED


def test_a_dropped_handle_never_unloads_and_is_named_as_what_it_is(compile_library: Compile) -> None:
    path = str(compile_library("int pinned;", "libdropped.so"))
    Library(path).load()
    gc.collect()
    assert is_mapped(path)
    outcome = Library(path).load().unload()
    assert outcome.state is UnloadState.HELD
    assert "dropped without unload" in outcome.reason


def test_leaving_with_unloads(answer: str) -> None:
    with Library(answer) as library:
        assert library.is_loaded
    assert not is_mapped(answer)
    with pytest.raises(Closed, match="unloaded through this handle"):
        library.resolve("answer")
    assert library.load().resolve("answer").address
    assert library.unload()


def test_leaving_with_closes_what_was_taken_and_unloads(answer: str) -> None:
    library = Library(answer)
    with library:
        symbol = library.resolve("answer")
        typed = library.function("int answer(void)")
        plain = library.function("answer", restype=ctypes.c_int, argtypes=[])
        assert (typed(), plain()) == (42, 42)
    assert not library.is_loaded
    for late in (typed, plain, lambda: symbol.address):
        with pytest.raises(Closed, match=r"closed with it"):
            late()


@not_on_pypy("its ctypes takes no handles")
def test_leaving_with_is_refused_while_ctypes_has_the_library_and_hides_no_error(answer: str) -> None:
    library = Library(answer)
    taken = []

    def work() -> None:
        with library:
            taken.append(library.as_ctypes())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        work()
    assert "still alive: ctypes library" in "".join(caught.value.__notes__)
    taken.clear()
    assert library.unload()


def test_unload_is_refused_while_something_is_alive_and_changes_nothing(answer: str) -> None:
    library = Library(answer).load()
    function = library.function("answer", restype=ctypes.c_int, argtypes=[])
    with pytest.raises(InUse, match="function answer") as caught:
        library.unload()
    assert caught.value.advice
    assert library.is_loaded
    assert function() == 42
    assert isinstance(library.error, InUse)
    del function
    assert library.unload()
    assert library.error is None


def test_garbage_does_not_count_as_alive(answer: str) -> None:
    library = Library(answer).load()
    cycle: list[object] = [library.resolve("answer")]
    cycle.append(cycle)
    del cycle
    assert library.unload()


@not_on_pypy("what its ctypes.cast makes keeps nothing alive")
def test_a_pointer_made_of_a_function_keeps_it_alive(answer: str) -> None:
    library = Library(answer).load()
    function: Any = library.function("answer", restype=ctypes.c_int, argtypes=[])
    pointer = ctypes.cast(function, ctypes.c_void_p)
    del function
    with pytest.raises(InUse):
        library.unload()
    assert pointer.value
    del pointer
    assert library.unload()


def test_an_error_kept_does_not_keep_the_library(answer: str) -> None:
    library = Library(answer).load()
    with pytest.raises(SymbolNotFound):
        library.resolve("answr")
    assert isinstance(library.error, SymbolNotFound)
    assert library.error.__traceback__ is None
    assert library.unload()


def test_resolve_loads_implicitly(answer: str) -> None:
    library = Library(answer)
    symbol = library.resolve("answer")
    assert library.is_loaded
    assert (symbol.name, symbol.kind, symbol.provider) == ("answer", SymbolKind.FUNCTION, answer)
    assert int(symbol) == symbol.address
    assert "answer" in repr(symbol)
    assert library.resolve("counter").kind is SymbolKind.OBJECT
    assert library.resolve("local").kind is SymbolKind.TLS
    del symbol
    assert library.unload()


def test_a_symbol_of_value_zero_is_not_a_missing_one(compile_library: Compile) -> None:
    path = compile_library("", "libzero.so", "-Wl,--defsym,nothing=0")
    with Library(path) as library:
        assert library.resolve("nothing", dependencies=True).address == 0
        with pytest.raises(SymbolNotFound):
            library.resolve("nowhere")


def test_a_missing_symbol_names_its_neighbours(answer: str) -> None:
    with Library(answer) as library, pytest.raises(SymbolNotFound, match="did you mean answer") as caught:
        library.resolve("answear")
    assert caught.value.nearest == ("answer",)
    assert "undefined symbol: answear" in caught.value.system_text
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_symbols_of_dependencies_are_taken_only_when_asked_for() -> None:
    with Library("z", 1) as library:
        with pytest.raises(SymbolNotFound, match=r"It is in .*libc\.so"):
            library.resolve("fopen")
        assert "libc.so" in library.resolve("fopen", dependencies=True).provider


def test_the_c_librarys_indirect_functions_count_as_its_own() -> None:
    said = run_child("""
    from loadstone.library import Library
    library = Library("c").load()
    symbol = library.resolve("time")
    print(symbol.kind, symbol.version)
    del symbol
    outcome = library.unload()  # no other test may hold the library: this process has loaded it for nobody else
    print(outcome.state, outcome.reason)
    """).splitlines()
    assert said[0] == "indirect function GLIBC_2.2.5"
    assert said[1].startswith("resident")
    assert "needs it" in said[1]


def test_file_name_is_what_was_loaded_also_afterwards() -> None:
    library = Library("z", version=1)
    assert (library.file_name, library.version, library.name) == ("z", "1", "z")
    library.load()
    assert library.file_name.endswith("libz.so.1")
    library.unload()
    assert library.file_name.endswith("libz.so.1")


def test_a_failed_load_can_be_tried_again(answer: str, tmp_path: Path) -> None:
    path = tmp_path / "liblate.so"
    library = Library(path)
    with pytest.raises(NotFound):
        library.load()
    assert isinstance(library.error, NotFound)
    path.write_bytes(Path(answer).read_bytes())
    assert library.load().unload()


def test_retargeting_unloads_what_was_loaded(answer: str) -> None:
    library = Library(answer, hints=LoadHint.RESOLVE_ALL_SYMBOLS).load()
    library.retarget("z", 1)
    assert not is_mapped(answer)
    assert (library.file_name, library.version, library.is_loaded) == ("z", "1", False)
    assert library.hints is LoadHint.RESOLVE_ALL_SYMBOLS
    assert library.load().resolve("crc32").address
    library.unload()


def test_retargeting_is_refused_while_something_is_alive(answer: str) -> None:
    library = Library(answer).load()
    symbol = library.resolve("answer")
    with pytest.raises(InUse):
        library.retarget("z")
    with pytest.raises(InvalidName):
        library.retarget("")
    assert library.file_name == answer
    del symbol
    assert library.unload()


def test_hints_cannot_change_while_loaded(answer: str) -> None:
    with Library(answer) as library, pytest.raises(Unsupported, match="no effect"):
        library.hints = LoadHint.DEEP_BIND
    library.hints = LoadHint.DEEP_BIND
    assert library.hints is LoadHint.DEEP_BIND


def test_a_hint_without_effect_is_refused_by_name(answer: str) -> None:
    with pytest.raises(Unsupported, match="LOAD_ARCHIVE_MEMBER"):
        Library(answer, hints=LoadHint.LOAD_ARCHIVE_MEMBER).load()


def test_undefined_symbols_fail_the_load_only_when_all_are_to_be_bound(compile_library: Compile) -> None:
    path = compile_library("int missing(void); int f(void) { return missing(); }", "liblazy.so")
    with pytest.raises(LoadFailed, match="undefined symbol: missing") as caught:
        Library(path, hints=LoadHint.RESOLVE_ALL_SYMBOLS).load()
    assert caught.value.attempts[0].candidate == str(path)
    assert caught.value.explanation is not None
    assert Library(path).load().unload()


def test_hints_add_up_while_loaded(compile_library: Compile) -> None:
    path = compile_library("int sticky;", "libsticky.so")
    first, second = Library(path).load(), Library(path, hints=LoadHint.PREVENT_UNLOAD).load()
    first.unload()
    outcome = second.unload()
    assert outcome.state is UnloadState.RESIDENT
    assert "PREVENT_UNLOAD" in outcome.reason


def test_a_file_that_was_moved_is_loaded_from_where_it_is(answer: str, tmp_path: Path) -> None:
    Library(answer).load().unload()
    moved = tmp_path / "elsewhere.so"
    os.rename(answer, moved)
    with Library(moved) as library:
        assert library.file_name == str(moved)
        assert library.function("int answer(void)")() == 42
        os.rename(moved, answer)  # while it is loaded it is the same library under either name
        with Library(answer) as again:
            assert again.resolve("answer").address == library.resolve("answer").address


def test_a_file_that_was_replaced_is_loaded_anew(compile_library: Compile, tmp_path: Path) -> None:
    old = compile_library("int generation(void) { return 1; }", "libgeneration.so")
    new = compile_library("int generation(void) { return 2; }", "libgeneration.so")
    path = tmp_path / "libgeneration.so"
    os.link(old, path)
    first = Library(path).load()
    path.unlink()
    os.link(new, path)
    second = Library(path).load()

    def generation(library: Library) -> object:
        return library.function("generation", restype=ctypes.c_int, argtypes=[])()

    assert (generation(first), generation(second)) == (1, 2)
    assert first.unload()
    assert second.unload()


SMALL = "int one(void) { return 1; } int shared(void) { return 1; }"
LARGE = "int shared = 2; int fill[1 << 18] = {1}; int far = 3; int two(void) { return 2; }"


def test_a_file_that_was_rewritten_is_known_as_it_is_now(compile_library: Compile, tmp_path: Path) -> None:
    """The inode stays, as it does where a new file is given that of one that was removed."""
    path = tmp_path / "libbuilt.so"
    path.write_bytes(compile_library(SMALL, "small.so").read_bytes())
    before = path.stat()
    large = compile_library(LARGE, "large.so").read_bytes()
    with Library(path) as library:
        assert library.function("int one(void)")() == 1
        assert library.resolve("shared").kind is SymbolKind.FUNCTION
    path.write_bytes(large)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_ino == before.st_ino
    with Library(path) as library:
        assert library.data("int far").value == 3, "in the room of the new file, not that of the old"
        assert library.data("int shared").value == 2
        assert library.function("int two(void)")() == 2
        with pytest.raises(SymbolNotFound) as caught:
            library.resolve("tow")
        assert caught.value.nearest == ("two",)


def test_what_replaces_a_loaded_file_says_nothing_of_its_symbols(compile_library: Compile, tmp_path: Path) -> None:
    path, other = tmp_path / "libreplaced.so", compile_library(LARGE, "large.so")
    path.write_bytes(compile_library(SMALL, "small.so").read_bytes())
    with Library(path) as library:
        os.replace(other, path)
        assert library.resolve("shared").kind is SymbolKind.UNTYPED
        assert library.function("int shared(void)")() == 1, "it is data in the file that has the name now"


def test_a_loaded_file_that_is_rewritten_in_place_keeps_its_record(compile_library: Compile, tmp_path: Path) -> None:
    path = tmp_path / "libkept.so"
    path.write_bytes(compile_library(SMALL, "small.so").read_bytes())
    with Library(path) as first:
        os.utime(path, (1, 1))
        with Library(path) as second:
            assert not second.unload(), "the system has it once, and so have we"
            assert first.function("int one(void)")() == 1


def test_resolving_in_a_library_for_once_pins_it(compile_library: Compile) -> None:
    path = str(compile_library("int once;", "libonce.so"))
    symbol = Library.resolve_in(path, "once")
    assert symbol.address
    del symbol
    gc.collect()
    assert is_mapped(path)


def test_loaded_libraries_lists_the_program_first_and_the_c_library() -> None:
    found = loaded_libraries()
    assert found[0].path == os.path.realpath("/proc/self/exe")
    assert any("libc.so" in library.path and library.base for library in found)


def test_is_library_looks_at_the_platform_asked_for() -> None:
    assert Library.is_library("libfoo.so.1")
    assert not Library.is_library("x.dll", platform="linux")
    assert Library.is_library("x.dll", platform="windows")


def test_handles_say_what_they_are(answer: str) -> None:
    library = Library(answer)
    assert repr(library) == f"<Library {answer!r} not loaded>"
    with library:
        assert repr(library) == f"<Library {answer!r} loaded>"
