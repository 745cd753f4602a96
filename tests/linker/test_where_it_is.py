"""Advice that works: what is advised is applied to a copy, asked again, and loaded by the real loader."""

from __future__ import annotations

import os
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from tests.linker.workshop import Workshop, loads
from tests.tools import needed

from loadstone.cli.exits import ExitStatus
from loadstone.cli.explain import status_of
from loadstone.core.trace import Explanation
from loadstone.linker import LoaderModel, explain

HAS = "int wanted(void) { return 1; }"
CALLS = "extern int wanted(void); int call(void) { return wanted(); }"


def first(answer: Explanation) -> str:
    assert answer.first_blocking is not None
    return answer.first_blocking.advice


@pytest.mark.parametrize(
    ("asker", "provider", "runpath"),
    [
        ("a/user.so", "a/libprovider.so.1", None),
        ("a/user.so", "a/libprovider.so.1", "/opt/nowhere"),
        ("site/pkg/_ext.so", "site/pkg.libs/libprovider.so.1", None),
        ("site/pkg/sub/_ext.so", "site/other.libs/libprovider.so.1", "$ORIGIN/gone"),
        ("sp/ext/_C.so", "sp/nvidia/some_runtime/lib/libprovider.so.1", None),
        ("env/lib/python3.11/site-packages/p/_x.so", "env/lib/libprovider.so.1", None),
        ("app/plugins/kind/p.so", "app/lib64/libprovider.so.1", None),
        ("app/p.so", "app/deep/libprovider.so.1", None),
    ],
)
def test_a_file_that_lies_near_is_led_to(workshop: Workshop, asker: str, provider: str, runpath: str | None) -> None:
    needed("patchelf")
    workshop.library(provider, HAS)
    workshop.library(asker, CALLS, needs=[provider], runpath=runpath, soname="")
    question = workshop.ask(asker)
    assert not workshop.truth(question).loads
    answer = workshop.answer(question)
    assert answer.first_blocking is not None
    assert workshop.path(provider) in answer.first_blocking.explanation
    assert "install" not in first(answer)
    subprocess.run(shlex.split(first(answer)), check=True, cwd=workshop.folder)
    assert loads(workshop.answer(question))
    assert workshop.truth(question).loads


@pytest.mark.parametrize("present", ["libprovider.so.1.2.3", "libprovider.so", "LibProvider.so.1"])
@pytest.mark.parametrize("runpath", [None, "$ORIGIN/deep"])
def test_a_library_under_another_name_is_given_its_own(workshop: Workshop, present: str, runpath: str | None) -> None:
    needed("patchelf")
    workshop.library("a/deep/libprovider.so.1", HAS)
    workshop.library("a/user.so", CALLS, needs=["a/deep/libprovider.so.1"], runpath=runpath, soname="")
    os.rename(workshop.path("a/deep/libprovider.so.1"), workshop.path(f"a/deep/{present}"))
    question = workshop.ask("a/user.so")
    assert not workshop.truth(question).loads
    subprocess.run(first(workshop.answer(question)), shell=True, check=True, cwd=workshop.folder)
    assert loads(workshop.answer(question))
    assert workshop.truth(question).loads


def test_another_library_of_a_like_name_is_not_taken_for_it(workshop: Workshop) -> None:
    workshop.library("a/libprovider.so.1", HAS)
    workshop.library("a/user.so", CALLS, needs=["a/libprovider.so.1"], runpath="$ORIGIN", soname="")
    os.unlink(workshop.path("a/libprovider.so.1"))
    workshop.library("a/libprovider.so.2", HAS)
    answer = workshop.answer(workshop.ask("a/user.so"))
    assert answer.first_blocking is not None
    assert "libprovider.so.2" in answer.first_blocking.explanation
    assert "ln -s" not in first(answer)


def test_a_copy_of_another_class_or_machine_is_no_help(workshop: Workshop) -> None:
    path = Path(workshop.library("a/libprovider.so.1", HAS))
    workshop.library("a/user.so", CALLS, needs=["a/libprovider.so.1"], soname="")
    data = bytearray(path.read_bytes())
    data[18] = 183  # AArch64
    path.write_bytes(data)
    assert "patchelf" not in first(workshop.answer(workshop.ask("a/user.so")))


NEW, OLD = "V_1 { global: wanted; }; V_2 { global: newer; } V_1;", "V_1 { global: wanted; };"
SOURCE = "int wanted(void) { return 1; } int newer(void) { return 2; }"
NEWER = "extern int newer(void); int call(void) { return newer(); }"


@pytest.mark.parametrize("versions", [(OLD, NEW), ("", "")], ids=["versioned", "unversioned"])
def test_a_variable_that_puts_the_wrong_one_first_is_named(workshop: Workshop, versions: tuple[str, str]) -> None:
    workshop.library("good/libk.so.1", SOURCE, version_script=versions[1])
    workshop.library("old/libk.so.1", HAS, version_script=versions[0])
    workshop.library("user.so", NEWER, needs=["good/libk.so.1"], runpath="$ORIGIN/good")
    question = workshop.ask("user.so", env={"LD_LIBRARY_PATH": workshop.path("old")})
    truth, answer = workshop.truth(question), workshop.answer(question)
    assert not truth.loads
    assert answer.first_blocking is not None
    assert answer.first_blocking.loader_message == truth.message
    assert first(answer).endswith("unset LD_LIBRARY_PATH")
    assert workshop.path("good/libk.so.1") in first(answer)
    assert [d.code for d in answer.diagnoses if d.blocking] == [answer.first_blocking.code]  # said once
    without = replace(question, env={})
    assert loads(workshop.answer(without))
    assert workshop.truth(without).loads


def test_only_the_element_that_is_in_the_way_is_dropped(workshop: Workshop) -> None:
    workshop.library("good/libk.so.1", SOURCE)
    workshop.library("old/libk.so.1", HAS)
    workshop.library("user.so", NEWER, needs=["good/libk.so.1"])
    both = f"{workshop.path('old')}:{workshop.path('good')}"
    question = workshop.ask("user.so", env={"LD_LIBRARY_PATH": both})
    said = first(workshop.answer(question))
    assert said.endswith(f"LD_LIBRARY_PATH={workshop.path('good')}")
    mended = replace(question, env={"LD_LIBRARY_PATH": said.rpartition("=")[2]})
    assert loads(workshop.answer(mended))
    assert workshop.truth(mended).loads


def test_a_runpath_that_puts_the_wrong_one_first_is_taken_away(workshop: Workshop) -> None:
    needed("patchelf")
    workshop.library("good/libk.so.1", SOURCE)
    workshop.library("old/libk.so.1", HAS)
    workshop.library("user.so", NEWER, needs=["good/libk.so.1"], runpath="$ORIGIN/old:$ORIGIN/good")
    question = workshop.ask("user.so")
    said = first(workshop.answer(question))
    assert not workshop.truth(question).loads
    subprocess.run(shlex.split(said[said.index("patchelf") :]), check=True)
    assert workshop.truth(question).loads
    assert loads(workshop.answer(question))


def test_a_path_that_is_not_there_is_no_packages_business(workshop: Workshop) -> None:
    workshop.library("libsome.so")
    answer = workshop.answer(workshop.ask("libsmoe.so"))
    assert answer.first_blocking is not None
    assert answer.first_blocking.code == "no-such-file"
    assert first(answer) == f"did you mean {workshop.path('libsome.so')}?"
    assert status_of(answer) is ExitStatus.UNDECIDED
    nowhere = explain("/no/such/folder/x.so")
    assert "install" not in first(nowhere)
    assert "apt" not in first(nowhere)
    assert "/no" in first(nowhere)


def test_a_file_of_the_current_directory_is_named(workshop: Workshop) -> None:
    workshop.library("libhere.so")
    model = replace(LoaderModel.this_process(env={}), cwd=str(workshop.folder))
    answer = explain("libhere.so", model=model)
    assert "loadstone explain ./libhere.so;" in first(answer)


def test_a_needed_path_that_is_gone_is_replaced_by_what_is_there(workshop: Workshop) -> None:
    needed("patchelf")
    workshop.library("libp.so", HAS, soname="")
    workshop.library("user.so", CALLS, needs=["libp.so"], soname="")
    workshop.patchelf("user.so", "--replace-needed", workshop.path("libp.so"), "/build/tree/libp.so")
    question = workshop.ask("user.so")
    assert not workshop.truth(question).loads
    subprocess.run(["sh", "-c", first(workshop.answer(question))], check=True)
    assert workshop.truth(question).loads


def test_another_string_abi_is_said_only_where_it_is_there(workshop: Workshop) -> None:
    want = "extern int _Z1fNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE(void); int g(void) { return _Z1fNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE(); }"  # noqa: E501
    workshop.library("libold.so", "int _Z1fSs(void) { return 1; }")
    workshop.library("user.so", want, needs=["libold.so"], runpath="$ORIGIN")
    workshop.library("alone.so", want)
    assert "_GLIBCXX_USE_CXX11_ABI" in first(workshop.answer(workshop.ask("user.so")))
    assert "_GLIBCXX_USE_CXX11_ABI" not in first(workshop.answer(workshop.ask("alone.so")))


def test_a_process_a_core_dump_and_a_kernel_module_are_named_for_what_they_are(workshop: Workshop) -> None:
    for spelled in (str(os.getpid()), f"/proc/{os.getpid()}"):
        found = explain(spelled).first_blocking
        assert found is not None
        assert found.code == "process"
        assert f"loadstone loaded {os.getpid()}" in found.advice
    header = bytearray(Path(workshop.library("a.so")).read_bytes()[:64]) + bytes(64)
    header[16:18] = b"\4\0"
    workshop.file("core", bytes(header))
    header[16:18] = b"\1\0"
    workshop.file("driver.ko", bytes(header))
    codes = [explain(workshop.path(name)).first_blocking for name in ("core", "driver.ko")]
    assert [d.code for d in codes if d] == ["core-dump", "kernel-module"]


def test_an_appimage_that_is_started_says_how_to_ask_about_its_content(workshop: Workshop) -> None:
    path = workshop.program("app.AppImage")
    workshop.patch("app.AppImage", 8, b"AI\2")
    (said,) = explain(path).diagnoses
    assert (said.code, said.advice) == ("appimage", f"loadstone explain {path}")


def test_a_preload_that_hides_the_right_library_is_dropped(workshop: Workshop) -> None:
    workshop.library("new/libk.so.1", "int one(void) { return 1; } int newer(void) { return 2; }")
    old = workshop.library("old/libk.so.1", "int one(void) { return 1; }")
    uses = "int newer(void); int f(void) { return newer(); }"
    workshop.library("user.so", uses, needs=["new/libk.so.1"], runpath="$ORIGIN/new", soname="")
    question = workshop.ask("user.so", env={"LD_PRELOAD": old})
    said = workshop.answer(question).first_blocking
    assert said is not None
    assert said.loader_message == workshop.truth(question).message
    given = explain(workshop.path("user.so"), model=replace(LoaderModel.this_process(), preload=(old,))).first_blocking
    assert given is not None
    for found in (said, given):
        assert found.advice == f"LD_PRELOAD brings {old} into every program: unset LD_PRELOAD"
    assert workshop.truth(replace(question, env={})).loads


def test_the_c_library_is_not_the_program_that_a_module_was_built_for(workshop: Workshop) -> None:
    workshop.library("user.so", "int wanted(void); int f(void) { return wanted(); }", soname="")
    found = workshop.answer(workshop.ask("user.so")).first_blocking
    assert found is not None
    assert "built for another release" not in found.advice
