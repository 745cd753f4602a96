from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.conftest import Compile
from tests.library.children import run_child

from loadstone.library.lifetime import residence

UNLOAD = """
import ctypes, sys
from loadstone.library import Library
library = Library(sys.argv[1]).load()
for name in sys.argv[2:]:
    library.function(name, restype=None, argtypes=[])()
outcome = library.unload()
print(outcome.state, outcome.reason, sep="|")
"""

UNIQUE = (
    "template <class T> struct S { static int x; }; template <class T> int S<T>::x = 1; int f() { return ++S<int>::x; }"
)
TLS = """
struct D { int v; ~D() { v = 0; } };
thread_local D d;
extern "C" void touch() { d.v = 1; }
"""


def test_a_library_marked_never_to_be_unloaded_says_so(compile_library: Compile) -> None:
    path = compile_library("int x;", "libnodelete.so", "-Wl,-z,nodelete")
    assert run_child(UNLOAD, path) == "resident|the file is marked never to be unloaded (DF_1_NODELETE)"


def test_a_unique_symbol_pins_its_library(compile_library: Compile) -> None:
    path = compile_library(UNIQUE, "libunique.so", "-O1", compiler="g++")
    state, reason = run_child(UNLOAD, path).split("|")
    assert state == "resident"
    assert "STB_GNU_UNIQUE" in reason


def test_a_thread_local_object_waits_for_its_destructor(compile_library: Compile) -> None:
    path = compile_library(TLS, "libtls.so", "-O1", compiler="g++")
    state, reason = run_child(UNLOAD, path, "touch").split("|")
    assert state == "resident"
    assert "thread-local" in reason


def test_a_library_that_another_one_needs_names_it(compile_library: Compile) -> None:
    needed = compile_library("int base(void) { return 1; }", "libbase.so", "-Wl,-soname,libbase.so")
    user = compile_library(
        "int base(void); int use(void) { return base(); }",
        "libuser.so",
        f"-L{needed.parent}",
        "-lbase",
        f"-Wl,-rpath,{needed.parent}",
    )
    code = """
    import sys
    from loadstone.library import Library
    user, base = Library(sys.argv[1]).load(), Library(sys.argv[2]).load()
    outcome = base.unload()
    print(outcome.state, outcome.reason, sep="|")
    print(user.unload().state)
    """
    assert run_child(code, user, needed).splitlines() == [f"resident|{user} needs it", "closed"]


def test_a_library_opened_by_other_code_says_so(compile_library: Compile) -> None:
    path = compile_library("int y;", "libforeign.so")
    code = """
    import ctypes, sys
    from loadstone.library import Library
    other = ctypes.CDLL(sys.argv[1])
    outcome = Library(sys.argv[1]).load().unload()
    print(outcome.state, outcome.reason, sep="|")
    """
    assert run_child(code, path) == "resident|other code in this process has it open"


@pytest.mark.parametrize("times", [1, 3])
def test_constructors_and_destructors_run_once_each_time(compile_library: Compile, times: int) -> None:
    source = """
    #include <unistd.h>
    __attribute__((constructor)) static void up(void) { write(1, "+", 1); }
    __attribute__((destructor)) static void down(void) { write(1, "-", 1); }
    """
    path = compile_library(source, "libsteps.so")
    code = """
    import sys
    from loadstone.library import Library
    library = Library(sys.argv[1])
    for _ in range(int(sys.argv[2])):
        library.load(); library.load()
        assert library.unload()
    """
    assert run_child(code, path, times) == "+-" * times


def test_what_other_libraries_say_is_read_once(compile_library: Compile) -> None:
    needed = compile_library("int base(void) { return 1; }", "libbase.so", "-Wl,-soname,libbase.so")
    user = compile_library("int base(void); int use(void) { return base(); }", "libuser.so", str(needed))
    code = """
    import ctypes, sys
    from loadstone.library import Library
    from loadstone.library.lifetime import residence
    ctypes.CDLL(sys.argv[1], ctypes.RTLD_GLOBAL)
    user = ctypes.CDLL(sys.argv[2])
    original, read = residence.read, []
    residence.read = lambda path: (read.append(path), original(path))[1]
    first = Library(sys.argv[1]).load().unload()
    files = len(read)
    second = Library(sys.argv[1]).load().unload()
    print(first == second, first.reason.endswith("libuser.so needs it"), 0 < files == len(read) == len(set(read)))
    """
    assert run_child(code, needed, user) == "True True True"


@pytest.mark.skipif(sys.platform != "linux", reason="the loader is Linux's")
def test_a_file_that_was_replaced_is_read_again(compile_library: Compile, tmp_path: Path) -> None:
    file, whole = tmp_path / "lib.so", compile_library("int puts(char *); int f(void) { return puts(0); }").read_bytes()
    file.write_bytes(whole[:64])
    assert residence._remembered(residence._required, str(file)) == frozenset()
    file.write_bytes(whole)
    assert "libc.so.6" in (residence._remembered(residence._required, str(file)) or ())
    file.unlink()
    assert residence._remembered(residence._required, str(file)) is None
