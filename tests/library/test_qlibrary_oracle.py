"""What QLibrary really does, asked of it in a child, beside what Loadstone does.

Where both agree the test says so; each deliberate difference has a test of its own, with the reason in its name. Needs
PyQt6; without it these tests skip loudly, and fail in CI.
"""

from __future__ import annotations

import json
import os

import pytest
from tests.conftest import Compile
from tests.core.test_names import ACCIDENTS, FALSE, TRUE
from tests.library.children import run_child
from tests.tools import needed, needed_package

from loadstone.core.names import Platform, candidates, is_library

pytestmark = pytest.mark.real

QT = "from PyQt6.QtCore import QLibrary\n"

BOTH = """
import json, sys
from loadstone.errors import LoadstoneError
from loadstone.library import Library

def is_mapped(path):
    return path in open("/proc/self/maps").read()

class Ours:
    '''Loadstone behind QLibrary's names, so that one script drives both.'''
    def __init__(self, name="", version=None):
        self.library = Library(name, version)
    def load(self):
        try:
            self.library.load()
        except LoadstoneError:
            return False
        return True
    def unload(self):
        return bool(self.library.unload())
    def isLoaded(self):
        return self.library.is_loaded
    def fileName(self):
        return self.library.file_name
    def resolve(self, name):
        try:
            return bool(self.library.resolve(name).address)
        except LoadstoneError:
            return False
"""

SCRIPT = """
def drive(make, path, missing):
    log = []
    def note(value):
        log.append(value)
    a, b = make(path), make(path)
    note([a.isLoaded(), a.fileName() == path])
    note([a.load(), b.isLoaded(), a.isLoaded()])
    note([a.unload(), is_mapped(path), a.isLoaded()])
    note([a.unload()])
    note([a.load(), b.load(), a.unload(), a.isLoaded(), b.isLoaded(), b.unload(), is_mapped(path)])
    note([a.load(), a.load(), a.load(), a.unload(), is_mapped(path)])
    note([a.fileName() == path])
    note([make(path).resolve("value"), make(path).resolve("no_such_symbol")])
    c = make(missing)
    note([c.load(), c.isLoaded(), c.unload(), c.fileName() == missing])
    return log
"""


@pytest.fixture(scope="module", autouse=True)
def qt() -> None:
    needed_package("PyQt6")
    needed("libglib-2.0.so.0")


def test_load_counts_and_names_are_those_of_qlibrary(compile_library: Compile) -> None:
    path = compile_library("int value(void) { return 1; }", "libvalue.so")
    ours = run_child(f"{BOTH}{SCRIPT}\nprint(json.dumps(drive(Ours, *sys.argv[1:])))", path, "/nowhere/libmissing.so")
    theirs = run_child(
        f"{QT}{BOTH}{SCRIPT}\n"
        "class Theirs(QLibrary):\n"
        "    def resolve(self, name):\n"
        "        return bool(super().resolve(name))\n"
        "print(json.dumps(drive(Theirs, *sys.argv[1:])))",
        path,
        "/nowhere/libmissing.so",
    )
    assert json.loads(ours) == json.loads(theirs)


def test_a_failed_load_may_be_retried_by_both(compile_library: Compile, tmp_path: object) -> None:
    path = compile_library("int value(void) { return 1; }", "libvalue.so")
    code = """
    import shutil
    late = sys.argv[2] + "/" + make.__name__ + ".so"
    library = make(late)
    first = library.load()
    shutil.copy(sys.argv[1], late)
    print([first, library.load(), library.isLoaded()])
    """
    import textwrap

    body = textwrap.dedent(code)
    ours = run_child(f"{BOTH}make = Ours\n{body}", path, tmp_path)
    theirs = run_child(f"{QT}{BOTH}make = QLibrary\n{body}", path, tmp_path)
    assert ours == theirs == "[False, True, True]"


def test_version_picks_the_same_file(compile_library: Compile, tmp_path: object) -> None:
    code = "library = make('m', 6)\nprint([library.load(), library.fileName().rpartition('/')[2]])"
    ours = run_child(f"{BOTH}make = Ours\n{code}")
    theirs = run_child(f"{QT}{BOTH}make = QLibrary\n{code}")
    assert ours == theirs == "[True, 'libm.so.6']"


def test_is_library_answers_as_qt_does_but_for_accidents() -> None:
    names = [*TRUE, *FALSE, *ACCIDENTS, "x.so.2147483647", "x.so.2147483648"]
    code = f"{QT}import json, sys\nprint(json.dumps([QLibrary.isLibrary(n) for n in json.loads(sys.stdin.read())]))"
    theirs = dict(zip(names, json.loads(_with_input(code, json.dumps(names))), strict=True))
    assert {n: is_library(n, Platform.LINUX, strict=False) for n in names} == theirs
    strict = {n for n in names if is_library(n, Platform.LINUX) != theirs[n]}
    assert strict == {*ACCIDENTS, "x.so.2147483648"}


def _with_input(code: str, text: str) -> str:
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", code], input=text, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize(
    ("name", "version"), [("mylib", None), ("mylib", 2), ("libmylib", None), ("/D/mylib", None), ("/D/mylib", 1)]
)
def test_candidates_are_requested_by_qt_in_our_order(compile_library: Compile, name: str, version: int | None) -> None:
    """A library put in front of the loader writes down every name that Qt gives to dlopen."""
    spy = compile_library(
        "#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <stdio.h>\n#include <string.h>\n"
        "void *dlopen(const char *n, int m) { static void *(*real)(const char *, int);"
        ' if (!real) real = dlsym(RTLD_NEXT, "dlopen");'
        ' if (n && strstr(n, "mylib")) fprintf(stderr, "DLOPEN %s\\n", n); return real(n, m); }',
        "libspy.so",
        "-ldl",
    )
    code = f"{QT}import sys\nprint(QLibrary({name!r}{'' if version is None else f', {version}'}).load())"
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "LD_PRELOAD": str(spy)},
    )
    asked = [line.removeprefix("DLOPEN ") for line in done.stderr.splitlines() if line.startswith("DLOPEN ")]
    theirs = [n for n in asked if "glibc-hwcaps" not in n]  # asked for, not tried unasked: see the next test
    assert [c.name for c in candidates(name, None if version is None else str(version), Platform.LINUX)] == theirs


# Deliberate differences


def test_difference_two_spellings_of_one_file_are_one_library_so_that_the_first_unload_does_not_lie(
    compile_library: Compile, tmp_path: object
) -> None:
    path = compile_library("int value(void) { return 1; }", "libvalue.so")
    link = f"{tmp_path}/libother.so"
    os.symlink(path, link)
    code = (
        "a, b = make(sys.argv[1]), make(sys.argv[2])\na.load(); b.load()\nprint([a.unload(), is_mapped(sys.argv[1])])"
    )
    assert run_child(f"{QT}{BOTH}make = QLibrary\n{code}", path, link) == "[True, True]"  # "unloaded", yet mapped
    assert run_child(f"{BOTH}make = Ours\n{code}", path, link) == "[False, True]"


def test_difference_a_planted_processor_directory_does_not_beat_the_file_that_was_named(
    compile_library: Compile, tmp_path: object
) -> None:
    good = compile_library(
        '#include <unistd.h>\n__attribute__((constructor)) static void f(void) { write(1, "good", 4); }', "libp.so"
    )
    planted = compile_library(
        '#include <unistd.h>\n__attribute__((constructor)) static void f(void) { write(1, "planted", 7); }', "libp.so"
    )
    high = f"{tmp_path}/glibc-hwcaps/x86-64-v3"
    os.makedirs(high)
    os.link(good, f"{tmp_path}/libp.so")
    os.link(planted, f"{high}/libp.so")
    code = "make(sys.argv[1]).load()"
    assert run_child(f"{BOTH}make = Ours\n{code}", f"{tmp_path}/libp.so") == "good"
    assert run_child(f"{QT}{BOTH}make = QLibrary\n{code}", f"{tmp_path}/libp.so") in ("planted", "good")  # by processor


def test_difference_a_nul_does_not_cut_the_name_short(compile_library: Compile) -> None:
    path = compile_library("int value(void) { return 1; }", "libvalue.so")
    code = (
        "try:\n    print(make(sys.argv[1] + chr(0) + '.png').load())\nexcept ValueError as error:\n    print('refused')"
    )
    assert run_child(f"{QT}{BOTH}make = QLibrary\n{code}", path) == "True"
    assert run_child(f"{BOTH}make = Ours\n{code}", path) == "refused"


def test_difference_symbols_of_dependencies_are_not_passed_off_as_the_librarys_own() -> None:
    code = "print(bool(make('z', 1).resolve('fopen')))"
    assert run_child(f"{QT}{BOTH}make = QLibrary\n{code}") == "True"
    assert run_child(f"{BOTH}make = Ours\n{code}") == "False"


def test_difference_retargeting_a_handle_does_not_leak_what_it_had_loaded(compile_library: Compile) -> None:
    path = compile_library("int value(void) { return 1; }", "libvalue.so")
    theirs = "a = QLibrary(sys.argv[1]); a.load(); a.setFileName('z'); print(is_mapped(sys.argv[1]))"
    ours = "a = Library(sys.argv[1]).load(); a.retarget('z'); print(is_mapped(sys.argv[1]))"
    assert run_child(f"{QT}{BOTH}{theirs}", path) == "True"
    assert run_child(f"{BOTH}{ours}", path) == "False"


def test_difference_a_version_is_never_lost_silently(compile_library: Compile, tmp_path: object) -> None:
    path = compile_library("int value(void) { return 1; }", "libvalue.so")
    code = "print(make(sys.argv[1], 9).load())"
    assert run_child(f"{QT}{BOTH}make = QLibrary\n{code}", path) == "True"
    assert run_child(f"{BOTH}make = Ours\n{code}", path) == "False"
