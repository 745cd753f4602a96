"""What people reported in public, reduced: the real loader agrees, and the advice is what ended the thread.

What was learnt from each stands in ``docs/reference/linker.md``, "Public reports".
"""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from tests.archives.test_archives import zip_of
from tests.linker.workshop import Question, Workshop, loads
from tests.tools import needed

from loadstone.core.trace import Diagnosis, Explanation
from loadstone.linker import LoaderKind, LoaderModel, explain
from loadstone.linker.discovery import with_program
from loadstone.linker.surveys import portability

HAS = "int wanted(void) { return 1; }"
CALLS = "extern int wanted(void); int call(void) { return wanted(); }"
STORAGE = '__thread char a_{0}[{1}] __attribute__((tls_model("initial-exec"))); char *{0}(void) {{ return a_{0}; }}'


def first(answer: Explanation) -> Diagnosis:
    assert answer.first_blocking is not None
    return answer.first_blocking


def agreed(workshop: Workshop, question: Question) -> Diagnosis:
    """The reason, once the real loader has refused in the same words."""
    truth, answer = workshop.truth(question), workshop.answer(question)
    assert not truth.loads
    assert first(answer).loader_message == truth.message
    return first(answer)


def mended(workshop: Workshop, question: Question, advice: str) -> None:
    """The advice is a command, after which both say that it loads."""
    needed("patchelf")
    subprocess.run(shlex.split(advice), check=True)
    assert workshop.truth(question).loads
    assert loads(workshop.answer(question))


def test_auditwheel_451_a_helper_of_a_helper_without_rpath(workshop: Workshop) -> None:
    workshop.library("p.libs/libquadmath-8.so.0", HAS)
    workshop.library("p.libs/libgfortran-9.so.5", CALLS, needs=["p.libs/libquadmath-8.so.0"])
    question = workshop.ask("p.libs/libgfortran-9.so.5")
    mended(workshop, question, agreed(workshop, question).advice)


def test_auditwheel_29_a_vendored_library_keeps_the_rpath_of_the_machine_it_was_built_on(workshop: Workshop) -> None:
    workshop.library("m/.libs/libhdf5_hl-9c.so.10", HAS)
    workshop.library("m/.libs/libnetcdf-4.so.7", CALLS, needs=["m/.libs/libhdf5_hl-9c.so.10"], rpath="/usr/local/lib")
    workshop.library("m/_netCDF4.so", "int f;", needs=["m/.libs/libnetcdf-4.so.7"], runpath="$ORIGIN/.libs", soname="")
    question = workshop.ask("m/_netCDF4.so")
    found = agreed(workshop, question)
    assert found.code == "runpath-not-inherited"
    mended(workshop, question, found.advice)


def test_auditwheel_557_the_repair_lost_the_entry_for_the_packages_own_library(workshop: Workshop) -> None:
    workshop.library("networkit/libnetworkit.so", HAS)
    workshop.folder_of("networkit.libs")
    rpath = "$ORIGIN/../networkit.libs"
    workshop.library("networkit/graph.so", CALLS, needs=["networkit/libnetworkit.so"], runpath=rpath, soname="")
    question = workshop.ask("networkit/graph.so")
    found = agreed(workshop, question)
    assert "--add-rpath" in found.advice  # what is there is kept
    mended(workshop, question, found.advice)


def test_auditwheel_363_the_library_is_in_the_wheel_and_not_found(workshop: Workshop) -> None:
    workshop.library("site/arbor.libs/libxml2-39.so.2", HAS)
    workshop.library("site/arbor/_arbor.so", CALLS, needs=["site/arbor.libs/libxml2-39.so.2"], soname="")
    question = workshop.ask("site/arbor/_arbor.so")
    mended(workshop, question, agreed(workshop, question).advice)


def test_pink_51_the_rpath_names_a_folder_nobody_filled(workshop: Workshop) -> None:
    workshop.library("build/libPythonBindingLib.so", HAS)
    workshop.library("pink.so", CALLS, needs=["build/libPythonBindingLib.so"], runpath="$ORIGIN/.libspink", soname="")
    Path(workshop.path("build/libPythonBindingLib.so")).unlink()
    found = agreed(workshop, workshop.ask("pink.so"))
    assert found.code == "dep-not-found"
    assert "libPythonBindingLib.so" in found.advice


def test_shogun_4800_an_older_installation_comes_first(workshop: Workshop) -> None:
    symbol = "_ZNK6shogun8SGObject12shallow_copyEv"
    workshop.library("new/libshogun.so.18", f"int {symbol}(void) {{ return 1; }}")
    workshop.library("anaconda/lib/libshogun.so.18", HAS)
    user = f"extern int {symbol}(void); int f(void) {{ return {symbol}(); }}"
    workshop.library("_shogun.so", user, needs=["new/libshogun.so.18"], runpath="$ORIGIN/new", soname="")
    question = workshop.ask("_shogun.so", env={"LD_LIBRARY_PATH": workshop.path("anaconda/lib")})
    assert agreed(workshop, question).advice.endswith("unset LD_LIBRARY_PATH")
    assert workshop.truth(replace(question, env={})).loads


def test_hashstack_765_a_copy_without_versions_is_taken(workshop: Workshop) -> None:
    script = "OPENSSL_1.0.0 { global: wanted; };"
    workshop.library("system/libcrypto.so.1.0.0", HAS, version_script=script)
    workshop.library("profile/libcrypto.so.1.0.0", HAS)
    workshop.library("ssh.so", CALLS, needs=["system/libcrypto.so.1.0.0"])
    question = workshop.ask("ssh.so", env={"LD_LIBRARY_PATH": workshop.path("profile")})
    truth, answer = workshop.truth(question), workshop.answer(question)
    assert loads(answer) == truth.loads


def test_auditwheel_272_a_symbol_that_its_version_has_lost(workshop: Workshop) -> None:
    workshop.library("then/libc2.so.6", HAS, version_script="V_2.2.5 { global: wanted; };")
    workshop.library("now/libc2.so.6", "int other(void) { return 1; }", version_script="V_2.2.5 { global: other; };")
    workshop.library("jq.so", CALLS, needs=["then/libc2.so.6"])
    question = workshop.ask("jq.so", env={"LD_LIBRARY_PATH": workshop.path("now")})
    agreed(workshop, question)
    old = explain(question.target, model=replace(workshop.model(question), release=(2, 23)))
    words = "symbol wanted, version V_2.2.5 not defined in file libc2.so.6 with link time reference"
    assert first(old).loader_message == f"{question.target}: {words}"


@pytest.mark.parametrize("size", [1713, 4096, 200_000])
def test_libloading_67_an_allocator_wants_more_static_storage_than_there_is(workshop: Workshop, size: int) -> None:
    workshop.library("libjemalloc.so", STORAGE.format("tsd", size), soname="")
    found = agreed(workshop, workshop.ask("libjemalloc.so"))
    assert found.code == "static-tls"
    assert "load it early" in found.advice


def test_xgboost_8488_the_order_of_imports_decides(workshop: Workshop) -> None:
    tensorflow = workshop.library("libtensorflow.so", STORAGE.format("tf", 1600), soname="")
    workshop.library("libgomp-2e.so.1", STORAGE.format("gomp", 120))
    xgboost = workshop.library("libxgboost.so", "int f;", needs=["libgomp-2e.so.1"], runpath="$ORIGIN", soname="")
    agreed(workshop, workshop.ask("libxgboost.so", already=(tensorflow,)))
    other = workshop.ask("libtensorflow.so", already=(xgboost,))
    assert loads(workshop.answer(other)) == workshop.truth(other).loads


WORDS = "cannot enable executable stack as shared object requires: Invalid argument"


@pytest.mark.parametrize("flag", ["-Wl,-z,execstack", "implied by assembly without a note"])
def test_ctranslate2_1849_and_pdbg_111_an_executable_stack_after_the_upgrade(workshop: Workshop, flag: str) -> None:
    flags = (flag,) if flag.startswith("-") else ("-Wa,--noexecstack", "-Wl,-z,execstack")
    workshop.library("c.libs/libctranslate2-bc.so.4", HAS, *flags)
    module = workshop.library("c/_ext.so", CALLS, needs=["c.libs/libctranslate2-bc.so.4"], runpath="$ORIGIN/../c.libs")
    model = replace(LoaderModel.this_process(env={}), release=(2, 41), main_image=str(workshop.host), caller=None)
    found = first(explain(module, model=model))
    assert found.loader_message == f"libctranslate2-bc.so.4: {WORDS}"
    assert "patchelf --clear-execstack" in found.advice
    assert loads(explain(module, model=replace(model, release=(2, 40))))


def test_jsource_225_the_tunable_is_a_way_out(workshop: Workshop) -> None:
    library = workshop.library("libj.so", HAS, "-Wl,-z,execstack")
    env = (("GLIBC_TUNABLES", "glibc.rtld.execstack=2"),)
    model = replace(LoaderModel.this_process(env={}), release=(2, 41), main_image=str(workshop.host), caller=None)
    assert first(explain(library, model=model)).loader_message == f"{library}: {WORDS}"
    assert loads(explain(library, model=replace(model, env=env)))


MUSL_HOST = """
#include <dlfcn.h>
#include <stdio.h>
int main(int n, char **v) { if (!dlopen(v[1], RTLD_NOW)) puts(dlerror()); return n - n; }
"""


@pytest.mark.parametrize("symbol", ["__strcat_chk", "fcntl64", "__rawmemchr", "backtrace_symbols"])
def test_alpine_glibc_60_and_filen_281_a_glibc_library_on_musl(workshop: Workshop, symbol: str) -> None:
    needed("/lib/ld-musl-x86_64.so.1")
    host = workshop.program("host", MUSL_HOST, compiler="musl-gcc")
    path = workshop.library("libg.so", f"extern int {symbol}(void); int f(void) {{ return {symbol}(); }}", libc=True)
    said = subprocess.run([host, path], capture_output=True, text=True, check=True).stdout.strip()
    found = first(explain(path, model=with_program(LoaderModel.this_process(env={}), host)))
    assert found.loader_message == said
    assert "musllinux" in found.advice


def test_vllm_41103_the_tag_promises_an_older_glibc(workshop: Workshop, tmp_path: Path) -> None:
    library = workshop.library("liba.so", 'extern int atoi(const char *); int f(void) { return atoi("1"); }', libc=True)  # fmt: skip  # noqa: E501
    data = Path(library).read_bytes().replace(b"GLIBC_2.2.5", b"GLIBC_2.34\0")
    wheel = tmp_path / "vllm-1-cp38-abi3-manylinux_2_31_x86_64.whl"
    wheel.write_bytes(zip_of({"vllm/_C.abi3.so": data}))
    found = portability(wheel)
    assert (found.tag, found.is_honest) == ("manylinux_2_34_x86_64", False)
    (spoiler,) = found.spoilers
    assert (spoiler.file, spoiler.what) == ("vllm/_C.abi3.so", "GLIBC_2.34")
    assert "atoi" in spoiler.symbols


def test_open3d_7104_a_dll_where_add_dll_directory_says(tmp_path: Path) -> None:
    compiler = needed("x86_64-w64-mingw32-gcc")
    (tmp_path / "a.c").write_text(HAS)
    (tmp_path / "b.c").write_text(CALLS)
    for folder in ("open3d/cuda", "open3d"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    helper = ["-o", "open3d/tbb12.dll", "-Wl,--out-implib,libtbb.a"]
    subprocess.run([compiler, "-shared", "a.c", *helper], cwd=tmp_path, check=True)
    subprocess.run([compiler, "-shared", "b.c", "-o", "open3d/cuda/pybind.pyd", "libtbb.a"], cwd=tmp_path, check=True)
    target = str(tmp_path / "open3d/cuda/pybind.pyd")
    model = LoaderModel(kind=LoaderKind.WINDOWS, cwd=str(tmp_path))
    assert first(explain(target, model=model)).code == "pe-missing-dll"
    assert "os.add_dll_directory" in first(explain(target, model=model)).advice
    assert loads(explain(target, model=replace(model, dll_directories=(str(tmp_path / "open3d"),))))
