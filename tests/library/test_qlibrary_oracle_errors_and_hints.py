"""QLibrary's flags, texts, ends of processes and plugins, asked of it in a child, beside Loadstone's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import Compile
from tests.library.children import ROOT, run_child
from tests.library.test_qlibrary_oracle import BOTH, QT, qt

__all__ = ["qt"]

pytestmark = pytest.mark.real

SPY = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
void *dlopen(const char *name, int mode) {
    static void *(*real)(const char *, int);
    if (!real) real = dlsym(RTLD_NEXT, "dlopen");
    if (name && strstr(name, "libvalue")) fprintf(stderr, "MODE %d\n", mode);
    return real(name, mode);
}
"""
NOISY = r"""
#include <unistd.h>
__attribute__((constructor)) static void start(void) { (void)!write(1, "start ", 6); }
__attribute__((destructor)) static void stop(void) { (void)!write(1, "stop ", 5); }
int value(void) { return 1; }
int shared = 3;
"""
HINTS = (0, 1, 2, 8, 16, 3)


@pytest.fixture(scope="module")
def value(compile_library: Compile) -> str:
    return str(compile_library("int value(void) { return 1; }\nint shared = 3;\n", "libvalue.so"))


@pytest.fixture(scope="module")
def noisy(compile_library: Compile) -> str:
    return str(compile_library(NOISY, "libnoisy.so"))


def _modes(code: str, spy: Path, path: str, hint: int) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", code, path, str(hint)],
        capture_output=True, text=True, check=True,
        env={**os.environ, "LD_PRELOAD": str(spy), "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    return {line for line in done.stderr.splitlines() if line.startswith("MODE")}


@pytest.mark.parametrize("hint", HINTS)
def test_each_hint_is_the_same_flag_for_the_systems_loader(value: str, compile_library: Compile, hint: int) -> None:
    spy = compile_library(SPY, "libspy.so", "-ldl")
    ours = (
        f"{BOTH}from loadstone.library import LoadHint\nLibrary(sys.argv[1], hints=LoadHint(int(sys.argv[2]))).load()"
    )
    theirs = (
        f"{QT}import sys\na = QLibrary(sys.argv[1])\n"
        "a.setLoadHints(QLibrary.LoadHint(int(sys.argv[2])))\nassert a.load()"
    )
    told = _modes(theirs, spy, value, hint)
    assert told
    assert _modes(ours, spy, value, hint) == told


def test_prevented_unload_keeps_it_mapped_in_both_and_only_ours_says_so(value: str) -> None:
    theirs = (
        "a = QLibrary(sys.argv[1]); a.setLoadHints(QLibrary.LoadHint.PreventUnloadHint); a.load()\n"
        "print(json.dumps([bool(a.unload()), is_mapped(sys.argv[1])]))"
    )
    ours = (
        "from loadstone.library import LoadHint\n"
        "a = Library(sys.argv[1], hints=LoadHint.PREVENT_UNLOAD).load(); end = a.unload()\n"
        "print(json.dumps([bool(end), is_mapped(sys.argv[1]), str(end.state)]))"
    )
    assert json.loads(run_child(f"{QT}{BOTH}{theirs}", value)) == [True, True]
    assert json.loads(run_child(f"{BOTH}{ours}", value)) == [False, True, "resident"]


def test_prevented_unload_runs_constructors_once_and_destructors_at_the_end_in_both(noisy: str) -> None:
    theirs = (
        "a = QLibrary(sys.argv[1]); a.setLoadHints(QLibrary.LoadHint.PreventUnloadHint)\n"
        "a.load(); a.unload(); a.load(); a.unload()"
    )
    ours = (
        "from loadstone.library import LoadHint\na = Library(sys.argv[1], hints=LoadHint.PREVENT_UNLOAD)\n"
        "a.load(); a.unload(); a.load(); a.unload()"
    )
    assert run_child(f"{QT}{BOTH}{theirs}", noisy) == run_child(f"{BOTH}{ours}", noisy) == "start stop"


@pytest.mark.parametrize("end", ["", "del a", "a.unload()"])
def test_destructors_run_once_however_the_process_ends(noisy: str, end: str) -> None:
    theirs = run_child(f"{QT}{BOTH}a = QLibrary(sys.argv[1]); a.load()\n{end}", noisy)
    ours = run_child(f"{BOTH}a = Library(sys.argv[1]).load()\n{end}", noisy)
    assert ours == theirs == "start stop"


def test_variables_resolve_as_functions_do_and_an_empty_name_does_not(value: str) -> None:
    code = "a = make(sys.argv[1])\nprint(json.dumps([bool(a.resolve(n)) for n in ('value', 'shared', '')]))"
    ours = run_child(f"{BOTH}make = Ours\n{code}", value)
    theirs = run_child(f"{QT}{BOTH}make = QLibrary\n{code}", value)
    assert json.loads(ours) == json.loads(theirs) == [True, True, False]


def test_the_systems_words_are_in_the_text_of_both() -> None:
    theirs = run_child(f"{QT}a = QLibrary('/nowhere/libmissing.so'); a.load(); print(a.errorString())")
    ours = run_child(f"{BOTH}a = Ours('/nowhere/libmissing.so'); a.load(); print(a.library.error)")
    assert theirs.startswith("Cannot load library /nowhere/libmissing.so: ")
    assert "No such file" in theirs
    assert "no such file" in ours
    assert "/nowhere/libmissing.so" in ours


# Deliberate differences


def test_difference_a_missing_symbol_leaves_its_error(value: str) -> None:
    code = "a.load(); a.resolve('no_such_symbol')\nprint({})"
    theirs = run_child(f"{QT}{BOTH}a = QLibrary(sys.argv[1]); {code.format('a.errorString()')}", value)
    ours = run_child(f"{BOTH}a = Ours(sys.argv[1]); {code.format('a.library.error')}", value)
    assert theirs == "Unknown error"
    assert ours.startswith("cannot resolve 'no_such_symbol'")


def test_difference_an_error_belongs_to_the_handle_that_met_it(tmp_path: Path) -> None:
    missing = str(tmp_path / "libmissing.so")
    code = "a.load()\nprint({})"
    theirs = "a, b = QLibrary(sys.argv[1]), QLibrary(sys.argv[1]); "
    ours = "a, b = Ours(sys.argv[1]), Ours(sys.argv[1]); "
    told = run_child(f"{QT}{BOTH}{theirs}{code.format('b.errorString()')}", missing)
    assert told.startswith("Cannot load library"), "of a handle that was never asked to load"
    assert run_child(f"{BOTH}{ours}{code.format('b.library.error')}", missing) == "None"


def test_difference_a_symbol_of_value_zero_is_there(compile_library: Compile) -> None:
    path = compile_library('__asm__(".globl nothing\\n.set nothing, 0");\nint value(void) { return 1; }', "libzero.so")
    theirs = run_child(f"{QT}{BOTH}print(bool(QLibrary(sys.argv[1]).resolve('nothing')))", path)
    ours = run_child(f"{BOTH}print(Library(sys.argv[1]).load().resolve('nothing').address)", path)
    assert (theirs, ours) == ("False", "0")


PLUGIN = r"""
__attribute__((section(".qtmetadata"), used)) static const unsigned char meta[] = {%s};
#include <unistd.h>
__attribute__((constructor)) static void start(void) { (void)!write(1, "ran ", 4); }
"""
LOADER = "from PyQt6.QtCore import QPluginLoader, QT_VERSION\nimport sys\na = QPluginLoader(sys.argv[1])\n"


def _plugin(compile_library: Compile, minor: int, name: str) -> str:
    import cbor2

    body = b"QTMETADATA !" + bytes((0, 6, minor, 0)) + cbor2.dumps({2: "org.example.I/1", 3: "P"})
    return str(compile_library(PLUGIN % ", ".join(map(str, body)), name))


def test_a_plugin_for_an_older_minor_is_accepted_and_one_for_a_newer_refused_by_both(compile_library: Compile) -> None:
    old, new = _plugin(compile_library, 0, "libold.so"), _plugin(compile_library, 250, "libnew.so")
    theirs = LOADER + "a.load()\nprint(QT_VERSION >> 8 & 0xFF, 'incompatible' in a.errorString())"
    ours = (
        f"{BOTH}from loadstone.plugin import Plugin\n"
        "try:\n    Plugin(sys.argv[1]).check(qt_version=(6, int(sys.argv[2])))\n    print(False)\n"
        "except LoadstoneError:\n    print(True)"
    )
    for path, refused in ((old, "False"), (new, "True")):
        *_, minor, told = run_child(theirs, path).split()
        assert told == refused
        assert run_child(ours, path, minor) == refused


def test_difference_a_plugin_without_its_factory_does_not_stay_loaded(compile_library: Compile) -> None:
    path = _plugin(compile_library, 0, "libfactoryless.so")
    theirs = LOADER + "print(a.load(), sys.argv[1] in open('/proc/self/maps').read())"
    ours = (
        f"{BOTH}from loadstone.plugin import Plugin\n"
        "try:\n    Plugin(sys.argv[1]).instance()\n"
        "except LoadstoneError as error:\n    print(type(error).__name__, is_mapped('libfactoryless'))"
    )
    assert run_child(theirs, path) == "ran False True"
    assert run_child(ours, path) == "ran SymbolNotFound False"
