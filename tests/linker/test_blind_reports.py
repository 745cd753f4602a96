"""Public reports chosen before the answer was known, each rebuilt small: verdict, words, and advice that is tried."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

from tests.linker.workshop import Workshop, loads
from tests.tools import needed

from loadstone.core.trace import Diagnosis, Explanation
from loadstone.linker import LoaderModel, explain

F1 = "int f1(void) { return 1; }"
BOTH = "int f1(void) { return 1; } int f2(void) { return 2; }"
WANTS_F2 = "extern int f2(void); int e(void) { return f2(); }"
OLD, NEW = "V_1 { global: f1; };", "V_1 { global: f1; }; V_2 { global: f2; } V_1;"


def first(answer: Explanation) -> Diagnosis:
    assert answer.first_blocking is not None
    return answer.first_blocking


def program(workshop: Workshop, name: str, source: str, *options: str) -> str:
    path = Path(workshop.path(name))
    Path(f"{path}.c").write_text(source)
    subprocess.run([needed("gcc"), f"{path}.c", "-o", path, *options], check=True)
    return str(path)


def runs(command: str, **env: str) -> str:
    """What a program says when it ends badly; empty when it ran."""
    done = subprocess.run([command], env={**os.environ, **env}, capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode else ""


def asked(workshop: Workshop, path: str, **env: str) -> Explanation:
    return explain(path, model=replace(LoaderModel.this_process(env=env), cwd=str(workshop.folder)))


def test_idyntree_995_a_preload_of_another_products_runtime(workshop: Workshop) -> None:
    workshop.library("new/libx.so.6", BOTH, version_script=NEW)
    old = workshop.library("old/libx.so.6", F1, version_script=OLD)
    new = workshop.path("new/libx.so.6")
    path = program(workshop, "tool", "int f2(void); int main(void) { return f2() - 2; }", new,
                   f"-Wl,-rpath,{workshop.path('new')}")  # fmt: skip
    found = first(asked(workshop, path, LD_PRELOAD=old))
    assert found.loader_message == runs(path, LD_PRELOAD=old)
    assert "unset LD_PRELOAD" in found.advice
    assert loads(asked(workshop, path))
    assert runs(path) == ""
    kept = first(asked(workshop, path, LD_PRELOAD=f"{old}:/lib/other.so"))
    assert kept.advice.endswith("LD_PRELOAD=/lib/other.so")


def test_anaconda_issues_483_the_program_has_brought_an_older_one(workshop: Workshop) -> None:
    workshop.library("new/libx.so.6", BOTH, version_script=NEW)
    old = workshop.library("old/libx.so.6", F1, version_script=OLD)
    extension = workshop.library("ext.so", WANTS_F2, needs=["new/libx.so.6"], runpath="$ORIGIN/new")
    opens = '#include <dlfcn.h>\nint f1(void); int main(void) { f1(); return !dlopen("' + extension + '", RTLD_NOW); }'
    path = program(workshop, "host", opens, old, "-Wl,--disable-new-dtags", f"-Wl,-rpath,{workshop.path('old')}")
    model = replace(LoaderModel.this_process(env={}), main_image=path, is_chosen=True)
    found = first(explain(extension, model=model))
    command, _, value = found.advice.rpartition(": ")[2].partition("=")
    assert (command, value) == ("LD_PRELOAD", workshop.path("new/libx.so.6"))
    assert subprocess.run([path], check=False).returncode == 1
    assert subprocess.run([path], env={**os.environ, "LD_PRELOAD": value}, check=False).returncode == 0
    assert loads(explain(extension, model=replace(model, env=(("LD_PRELOAD", value),))))


def test_pyinstaller_5760_a_version_node_is_there_and_the_symbol_is_not(workshop: Workshop) -> None:
    script = "K_MIT { global: *; };"
    workshop.library("app/libk.so.0", BOTH, version_script=script)
    workshop.library("app/libc_err.so.3", WANTS_F2, needs=["app/libk.so.0"], runpath="$ORIGIN")
    workshop.library("app/libk.so.0", F1, version_script=script)
    question = workshop.ask("app/libc_err.so.3")
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    assert f"{workshop.path('app/libk.so.0')} has K_MIT and not this one" in found.explanation
    assert found.advice == "install the build of libk.so.0 that libc_err.so.3 was linked with"


def test_openms_6563_a_method_that_a_newer_build_no_longer_has(workshop: Workshop) -> None:
    workshop.library("libopen.so", "int _ZNK4Open5Exper4areaEi(void) { return 1; }")
    workshop.library("_py.so", "int _ZNK4Open5Exper4areaEi(void); int q(void) { return _ZNK4Open5Exper4areaEi(); }",
                     needs=["libopen.so"], runpath="$ORIGIN")  # fmt: skip
    workshop.library("libopen.so", "int _ZN4Open5Exper5otherEi(void) { return 1; }")
    question = workshop.ask("_py.so")
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    assert found.advice == "install the build of libopen.so that _py.so was linked with"


def test_emotiv_325_a_link_that_was_stored_as_a_file(workshop: Workshop) -> None:
    workshop.library("libedk.so.3.3.3", F1)
    Path(workshop.path("libedk.so")).write_text("libedk.so.3.3.3")
    question = workshop.ask("libedk.so")
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    subprocess.run(found.advice, shell=True, check=True, cwd=workshop.folder)
    assert loads(workshop.answer(question))
    assert workshop.truth(question).loads


def test_class_public_469_a_library_that_was_not_linked(workshop: Workshop) -> None:
    needed("patchelf")
    workshop.library("libneighbour.so.1", BOTH)
    workshop.library("user.so", WANTS_F2, soname="")
    question = workshop.ask("user.so")
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    link, _, command = found.advice.partition(", or ")
    assert link.endswith("link with -lneighbour")
    subprocess.run(command, shell=True, check=True, cwd=workshop.folder)
    assert loads(workshop.answer(question))
    assert workshop.truth(question).loads
