"""Public reports of a second search, chosen before anything was tried, whose advice was wrong or too general."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.built import build
from tests.linker.workshop import Workshop, loads
from tests.tools import compiler

from loadstone.core.trace import Diagnosis, Explanation
from loadstone.linker import HostFiles, LoaderModel, explain
from loadstone.linker.discovery import with_loader

ONE = "int one(void) { return 1; }"
WANTS_ONE = "int one(void); int e(void) { return one(); }"
WANTS_TWO = "int two(void); int e(void) { return two(); }"
BOTH = f"{ONE} int two(void) {{ return 2; }}"
MAC = "aarch64-apple-darwin-clang"


def first(answer: Explanation) -> Diagnosis:
    assert answer.first_blocking is not None
    return answer.first_blocking


# Linux


def in_root(workshop: Workshop) -> LoaderModel:
    """A system in a folder of the workshop, without a cache and without a program."""
    view = HostFiles(root=workshop.path("root"))
    model = replace(LoaderModel.this_process(env={}), view=view, main_image=None, caller=None)
    return replace(model, system_dirs=("/usr/lib",), cache=replace(model.cache, entries=()))


def test_fireform_184_an_image_of_debian_has_no_lists_of_packages(workshop: Workshop) -> None:
    needed_library = workshop.library("libGL.so.1", ONE)
    workshop.library("root/app/cv2.so", WANTS_ONE, needs=["libGL.so.1"], soname="")
    Path(needed_library).unlink()
    workshop.folder_of("root/usr/lib")
    workshop.file("root/var/lib/dpkg/status", b"Package: libc6\n")
    found = first(explain("/app/cv2.so", model=in_root(workshop)))
    assert found.loader_message == "libGL.so.1: cannot open shared object file: No such file or directory"
    assert found.advice.startswith("apt-get update && apt-get install libgl1 (")
    workshop.folder_of("root/usr/lib/sysimage/rpm")
    assert first(explain("/app/cv2.so", model=in_root(workshop))).advice == "dnf install 'libGL.so.1()(64bit)'"


def test_lfs_scripts_37_an_empty_file_comes_first(workshop: Workshop) -> None:
    workshop.library("good/libx.so.1", ONE)
    workshop.library("user.so", WANTS_ONE, needs=["good/libx.so.1"], runpath="$ORIGIN/good", soname="")
    workshop.file("tools/libc.so.6", b"")
    question = workshop.ask("user.so", env={"LD_LIBRARY_PATH": workshop.path("tools")})
    workshop.library("user.so", WANTS_ONE, needs=["good/libx.so.1"], runpath="$ORIGIN/good", soname="", libc=True)
    model = replace(workshop.model(question), main_image=None)
    found = first(explain(question.target, model=model))
    assert found.code == "search-stopped"
    assert f"drop {workshop.path('tools')} from LD_LIBRARY_PATH" in found.advice
    assert loads(explain(question.target, model=replace(model, env=())))


def test_nixpkgs_48780_a_variable_leads_to_the_c_library_of_an_older_release(workshop: Workshop) -> None:
    old, new = "GLIBC_2.0 { global: one; };", "GLIBC_2.0 { global: one; }; GLIBC_2.34 { global: two; } GLIBC_2.0;"
    workshop.library("new/liby.so.6", BOTH, version_script=new)
    workshop.library("user.so", WANTS_TWO, needs=["new/liby.so.6"], runpath="$ORIGIN/new", soname="")
    workshop.library("old/liby.so.6", ONE, version_script=old)
    question = workshop.ask("user.so", env={"LD_LIBRARY_PATH": workshop.path("old")})
    found = first(workshop.answer(question))
    assert (found.code, found.loader_message) == ("glibc-too-old", workshop.truth(question).message)
    assert found.advice.endswith("which has it: unset LD_LIBRARY_PATH")
    assert loads(workshop.answer(replace(question, env={})))
    assert workshop.truth(replace(question, env={})).loads


def test_label_centerlines_6_a_name_that_fast_math_made(workshop: Workshop) -> None:
    workshop.library(
        "m.so", "double _ZGVbN2v___log_finite(double); double m(double x) { return _ZGVbN2v___log_finite(x); }"
    )
    question = workshop.ask("m.so")
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    assert "rebuild m.so" in found.advice


# macOS: the rules alone


@pytest.fixture
def mac(tmp_path: Path) -> Callable[..., str]:
    """Compiles for macOS into the folder of the test: a dylib, or with ``main`` in it a program."""

    def make(name: str, source: str, *flags: str) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = () if "main(" in source else ("-shared",)
        build([*compiler(MAC), "-x", "c", "-", "-x", "none", "-o", str(path), *kind, *flags], path, source)
        return str(path)

    return make


def named(name: str) -> str:
    return f"-Wl,-install_name,{name}"


@pytest.mark.slow
def test_mlx_serve_14_a_dylib_in_another_folder_of_the_package(mac: Callable[..., str], tmp_path: Path) -> None:
    library = mac("libexec/libllama.dylib", ONE, named("@executable_path/lib/libllama.dylib"))
    program = mac("bin/serve", "int one(void); int main(void) { return one(); }", library)
    found = first(explain(program))
    assert f"tried: '{tmp_path}/bin/lib/libllama.dylib' (no such file)" in found.loader_message
    change = "install_name_tool -change @executable_path/lib/libllama.dylib @loader_path/../libexec/libllama.dylib"
    assert found.advice == f"{change} {program} && codesign --force --sign - {program}"


@pytest.mark.slow
def test_ctl_59_a_dylib_that_is_there_in_another_version(mac: Callable[..., str], tmp_path: Path) -> None:
    library = mac("lib/libImath-2_1.11.dylib", ONE, named(f"{tmp_path}/lib/libImath-2_1.11.dylib"))
    program = mac("bin/ctlrender", "int one(void); int main(void) { return one(); }", library)
    Path(library).rename(tmp_path / "lib/libImath-2_2.12.dylib")
    found = first(explain(program))
    assert found.advice.startswith(
        f"there is {tmp_path}/lib/libImath-2_2.12.dylib: install a build of ctlrender for it"
    )


@pytest.mark.slow
def test_conda_libmamba_639_a_variable_leads_to_the_wrong_dylib(mac: Callable[..., str], tmp_path: Path) -> None:
    right = mac("env/libarchive.dylib", BOTH, named("@rpath/libarchive.dylib"))
    module = mac("env/bindings.so", WANTS_TWO, right, "-Wl,-rpath,@loader_path")
    wrong = mac("other/libarchive.dylib", ONE, named("/other/libarchive.dylib"))
    model = with_loader(LoaderModel.this_process(env={}), "dyld")
    found = first(explain(module, model=replace(model, env=(("DYLD_LIBRARY_PATH", f"{tmp_path}/other"),))))
    assert found.loader_message.startswith("Symbol not found: _two")
    assert f"leads to {wrong}" in found.advice
    assert found.advice.endswith("unset DYLD_LIBRARY_PATH")
    assert loads(explain(module, model=model))
