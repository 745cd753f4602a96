"""Fifteen public reports more, chosen before anything was tried: those whose verdict, words or advice was wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import Compile
from tests.linker.test_reports_of_the_second_search import ONE, WANTS_ONE, WANTS_TWO, first, in_root
from tests.linker.test_reports_of_the_third_search import BARE, BOTH, MINGW, mac  # noqa: F401  a fixture
from tests.linker.workshop import HOST_SOURCE, Workshop, loads

from loadstone.linker import LoaderModel, explain
from loadstone.linker.choice import model_of_format
from loadstone.linker.discovery import of_root
from loadstone.linker.request import LoaderKind

OLD, NEW = "V_1 { global: one; };", "V_1 { global: one; }; V_2 { global: two; } V_1;"
EXPORTS = "__declspec(dllexport) int {0}(void) {{ return 1; }} "
PYD = "__declspec(dllimport) int two(void); __declspec(dllexport) int PyInit_x(void) { return two(); }"
MAKES_KNOWN = b"import os\nos.add_dll_directory(os.path.join(os.path.dirname(__file__), 'Qt6', 'bin'))\n"


def test_nix_6905_packages_lie_side_by_side_in_a_store(workshop: Workshop) -> None:
    workshop.library("store/c-gcc/lib/libcpp.so.6", ONE)
    workshop.library("app/ext.so", WANTS_ONE, needs=["store/c-gcc/lib/libcpp.so.6"], soname="")
    host = workshop.program("store/b-python/bin/python", HOST_SOURCE)
    question = workshop.ask("app/ext.so", host=host)
    found = first(workshop.answer(question))
    assert (found.code, found.loader_message) == ("dep-not-found", workshop.truth(question).message)
    assert found.advice == f"LD_LIBRARY_PATH={workshop.path('store/c-gcc/lib')}"
    assert workshop.truth(replace(question, env={"LD_LIBRARY_PATH": workshop.path("store/c-gcc/lib")})).loads


def test_mantidimaging_2300_a_bundle_of_two_builds(workshop: Workshop) -> None:
    workshop.library("env/libssl.so.3", BOTH, version_script=NEW)
    workshop.library("dist/libcurl.so.4", WANTS_TWO, needs=["env/libssl.so.3"], runpath="$ORIGIN")
    workshop.library("dist/libssl.so.3", ONE, version_script=OLD)
    Path(workshop.path("env/libssl.so.3")).unlink()
    question = workshop.ask("dist/libcurl.so.4")
    found = first(workshop.answer(question))
    assert (found.code, found.loader_message) == ("version-not-found", workshop.truth(question).message)
    folder = workshop.path("dist")
    assert found.advice == (
        f"{folder} has libssl.so.3 and libcurl.so.4 of two builds: put the libssl.so.3 there that libcurl.so.4 was"
        " linked with"
    )


def test_chainsail_309_a_variable_leads_to_what_needs_a_newer_c_library(workshop: Workshop) -> None:
    workshop.library("new/libc6.so.6", BOTH, version_script=NEW.replace("V_", "GLIBC_2."))
    workshop.library("old/libc6.so.6", ONE, version_script=OLD.replace("V_", "GLIBC_2."))
    workshop.library("gcc10/libcpp.so.6", f"{WANTS_TWO} int cpp(void) {{ return 1; }}", needs=["new/libc6.so.6"])
    workshop.library("usual/libcpp.so.6", f"{WANTS_ONE} int cpp(void) {{ return 1; }}", needs=["old/libc6.so.6"])
    wants, needs = "int cpp(void); int x(void) { return cpp(); }", ["old/libc6.so.6", "usual/libcpp.so.6"]
    workshop.library("x.so", wants, needs=needs, runpath="$ORIGIN/usual:$ORIGIN/old", soname="")
    question = workshop.ask("x.so", env={"LD_LIBRARY_PATH": workshop.path("gcc10")})
    found = first(workshop.answer(question))
    assert (found.code, found.loader_message) == ("glibc-too-old", workshop.truth(question).message)
    assert found.advice.endswith("which does without GLIBC_2.2: unset LD_LIBRARY_PATH")
    assert workshop.truth(replace(question, env={})).loads


def test_flatpak_1654_a_library_of_the_same_prefix_is_older(workshop: Workshop) -> None:
    workshop.library("libglib.so.0", "int g_utf8_a(void) {return 1;} int g_utf8_b(void) {return 1;} int g_new(void);")
    workshop.library("libgio.so.0", "int g_file_a(void) { return 1; } int g_file_b(void) { return 1; }")
    wants = "int g_utf8_make_valid(void); int e(void) { return g_utf8_make_valid(); }"
    workshop.library("libostree.so.1", wants, needs=["libgio.so.0", "libglib.so.0"], runpath="$ORIGIN")
    question = workshop.ask("libostree.so.1")
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    assert found.advice == (
        "libglib.so.0 has others of its prefix and not this one:"
        " install the build of libglib.so.0 that libostree.so.1 was linked with"
    )
    wants = "int g_x(void); int e(void) { return g_x(); }"  # too short a prefix says nothing
    workshop.library("libother.so.1", wants, needs=["libgio.so.0", "libglib.so.0"], runpath="$ORIGIN")
    assert "libglib" not in first(workshop.answer(workshop.ask("libother.so.1"))).advice


def test_curl_11415_a_program_that_was_built_here_gets_the_systems_library(workshop: Workshop) -> None:
    workshop.library("root/usr/local/lib/libcurl.so.4", BOTH)
    workshop.library("root/usr/lib/libcurl.so.4", ONE)
    workshop.library("root/usr/local/bin/ext.so", WANTS_TWO, needs=["root/usr/local/lib/libcurl.so.4"], soname="")
    found = first(explain("/usr/local/bin/ext.so", model=in_root(workshop)))
    assert found.advice.partition(", or")[0] == (
        "/usr/lib/libcurl.so.4 lacks it, and /usr/local/lib/libcurl.so.4 has it: LD_LIBRARY_PATH=/usr/local/lib"
    )


def test_two_distributions_that_are_not_of_one_release(workshop: Workshop) -> None:
    """As PyTorch and what is built for it: the advice of a Windows report, for the same fault on Linux."""
    site = "lib/python3.11/site-packages"
    workshop.library(f"{site}/torch/lib/libtorch.so", "int torch_a(void) {return 1;} int torch_b(void) {return 1;}")
    wants = "int torch_new(void); int e(void) { return torch_new(); }"
    needs, runpath = [f"{site}/torch/lib/libtorch.so"], "$ORIGIN/../torch/lib"
    workshop.library(f"{site}/vision/_C.so", wants, needs=needs, runpath=runpath, soname="")
    workshop.file(f"{site}/torch-2.1.dist-info/RECORD", b"torch/lib/libtorch.so,,\n")
    workshop.file(f"{site}/torchvision-0.20.dist-info/RECORD", b"vision/_C.so,,\n")
    found = first(workshop.answer(workshop.ask(f"{site}/vision/_C.so")))
    assert "torchvision and torch are not of one release: " in found.advice
    assert found.advice.endswith("python3.11 -m pip install --upgrade --force-reinstall torchvision torch")


# Windows and macOS: the rules alone


@pytest.fixture
def windows(compile_library: Compile, tmp_path: Path) -> Callable[..., None]:
    """Builds DLLs of one name with other exports, and a module that wants ``two``, into a root."""

    def make(name: str, *, pyd: str, old: str, new: str) -> None:
        library = compile_library(EXPORTS.format("one") + EXPORTS.format("two"), name, *BARE, compiler=MINGW)
        module = compile_library(PYD, "x.pyd", str(library), *BARE, compiler=MINGW)
        put(tmp_path, pyd, module.read_bytes())
        if new:
            put(tmp_path, new, library.read_bytes())
        put(tmp_path, old, compile_library(EXPORTS.format("one"), name, *BARE, compiler=MINGW).read_bytes())

    return make


def put(folder: Path, name: str, content: bytes) -> None:
    place = folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)


def test_pyqt_tools_105_a_module_and_its_libraries_are_of_two_releases(
    windows: Callable[..., None], tmp_path: Path
) -> None:
    site = "py/Lib/site-packages"
    windows("Qt6Gui.dll", pyd=f"{site}/PyQt6/QtGui.pyd", old=f"{site}/PyQt6/Qt6/bin/Qt6Gui.dll", new="")
    put(tmp_path, f"{site}/PyQt6/__init__.py", MAKES_KNOWN)
    put(tmp_path, f"{site}/PyQt6-6.6.0.dist-info/RECORD", b"PyQt6/QtGui.pyd,,\n")
    put(tmp_path, f"{site}/PyQt6_Qt6-6.5.3.dist-info/RECORD", b"PyQt6/Qt6/bin/Qt6Gui.dll,,\n")
    put(tmp_path, "py/python.exe", b"")
    found = first(explain(str(tmp_path / site / "PyQt6/QtGui.pyd")))
    assert (found.code, found.loader_message[:14]) == ("pe-missing-entry", "[WinError 127]")
    assert found.advice.startswith("PyQt6 and PyQt6_Qt6 are not of one release: ")
    assert found.advice.endswith("-m pip install --upgrade --force-reinstall PyQt6 PyQt6_Qt6")


def test_image_annotator_92_a_copy_beside_the_interpreter_comes_first(
    windows: Callable[..., None], tmp_path: Path
) -> None:
    package = "env/Lib/site-packages/PyQt6"
    windows("Qt6Core.dll", pyd=f"{package}/QtCore.pyd", old="env/Qt6Core.dll", new=f"{package}/Qt6/bin/Qt6Core.dll")
    put(tmp_path, f"{package}/__init__.py", MAKES_KNOWN)
    put(tmp_path, "env/python.exe", b"")
    found = first(explain(str(tmp_path / package / "QtCore.pyd")))
    assert found.code == "pe-missing-entry"
    assert found.advice.startswith(
        f"{tmp_path}/{package}/Qt6/bin/Qt6Core.dll has it, and {tmp_path}/env/Qt6Core.dll comes first"
    )
    (tmp_path / "env/Qt6Core.dll").unlink()
    assert loads(explain(str(tmp_path / package / "QtCore.pyd")))


def test_e0e1_wx_68_the_interpreter_has_an_older_run_time_loaded(windows: Callable[..., None], tmp_path: Path) -> None:
    module = "/env/Lib/site-packages/PySide6/QtWidgets.pyd"
    windows("vcruntime140.dll", pyd=f"root{module}", old="root/env/vcruntime140.dll",
            new="root/Windows/System32/vcruntime140.dll")  # fmt: skip
    put(tmp_path, "root/env/python.exe", b"MZ")
    model = of_root(str(tmp_path / "root"))

    model = model_of_format(module, model) or model
    found = first(explain(module, model=model))
    assert found.code == "pe-missing-entry"
    assert found.advice == (
        "/Windows/System32/vcruntime140.dll has it, and /env/vcruntime140.dll is loaded already: load the first before"
        " it, or put it in its place"
    )


@pytest.mark.slow
def test_cython_6245_a_module_for_another_python_on_a_mac(mac: Callable[..., str], tmp_path: Path) -> None:  # noqa: F811
    wants = "int PyUnstable_New(void); int PyInit_x(void) { return PyUnstable_New(); }"
    module = mac("lib/python3.11/site-packages/isce/x.so", wants, "-undefined", "dynamic_lookup")
    offers = "int PyObject_Free(void) {{ return 0; }} {} int main(void) {{ return 0; }}"
    program = mac("bin/python3.11", offers.format(""))
    model = replace(LoaderModel(kind=LoaderKind.DYLD), main_image=program)
    found = first(explain(module, model=model, as_library=True))
    assert found.loader_message.endswith("symbol not found in flat namespace '_PyUnstable_New'")
    assert found.advice == f"{tmp_path}/bin/python3.11 -m pip install --force-reinstall --no-cache-dir isce"
    program = mac("bin/python3.12", offers.format("int PyUnstable_New(void) { return 1; }"))
    assert loads(explain(module, model=replace(model, main_image=program), as_library=True))
