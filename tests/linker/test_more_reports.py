"""Twenty more public reports, chosen before anything was tried: verdict, words, and the advice their answers gave.

Where a loader of this machine can be asked (glibc, musl), it gives the words and loads what was advised; for Windows
and macOS the rules stand alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.archives.test_archives import zip_of
from tests.built import build
from tests.linker.workshop import Workshop, loads
from tests.tools import needed
from tests.wheels import members, wheel

from loadstone.binary import read
from loadstone.binary.macho.facts import BuildVersion, MachoFacts
from loadstone.core.trace import Diagnosis, Explanation, LoadVerdict
from loadstone.linker import HostFiles, LoaderModel, explain
from loadstone.linker.discovery import with_loader
from loadstone.linker.surveys import survey
from loadstone.linker.surveys.promises import broken_promises

ONE = "int one(void) { return 1; }"
WANTS_ONE = "int one(void); int e(void) { return one(); }"
MINGW = "x86_64-w64-mingw32-gcc"
MUSL_HOST = """
#include <dlfcn.h>
#include <stdio.h>
int main(int n, char **v) {
  if (dlopen(v[1], RTLD_NOW)) puts("loaded"); else puts(dlerror());
  return 0;
}
"""


def first(answer: Explanation) -> Diagnosis:
    assert answer.first_blocking is not None
    return answer.first_blocking


def obeyed(command: str, folder: Path) -> None:
    subprocess.run(command, shell=True, check=True, cwd=folder)


def environment(workshop: Workshop, *folders: str) -> str:
    """A Python environment with those packages in its site-packages; the path of the latter."""
    for folder in folders:
        place = workshop.folder_of(f"env/lib/python3.11/site-packages/{folder}")
        (place / "__init__.py").touch()
    return "env/lib/python3.11/site-packages"


# Linux, glibc


def test_meep_143_a_conda_environment_has_another_version(workshop: Workshop) -> None:
    site = environment(workshop, "meep")
    workshop.library("env/lib/libgfortran.so.4", ONE)
    workshop.library("libgfortran.so.3", ONE)
    record = '{"name": "libgfortran", "files": ["lib/libgfortran.so.4"]}'
    workshop.file("env/conda-meta/libgfortran-4.0.0-0.json", record.encode())
    workshop.library(f"{site}/meep/_meep.so", WANTS_ONE, needs=["libgfortran.so.3"], runpath="$ORIGIN/../../..")
    (workshop.folder / "libgfortran.so.3").unlink()
    question = workshop.ask(f"{site}/meep/_meep.so")
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    assert found.advice == f"conda install -p {workshop.path('env')} libgfortran=3"
    workshop.file("env/conda-meta/libgfortran4-7.5-0.json", record.encode())
    (workshop.folder / "env/conda-meta/libgfortran-4.0.0-0.json").unlink()
    assert first(workshop.answer(question)).advice.endswith(" libgfortran3")  # the version is part of its name


def test_openssl_5845_what_was_built_here_is_in_usr_local(workshop: Workshop) -> None:
    old, new = "O_1 { global: one; };", "O_1 { global: one; }; O_2 { global: two; } O_1;"
    both = f"{ONE} int two(void) {{ return 2; }}"
    workshop.library("root/usr/local/lib/libs.so.1", both, version_script=new)
    workshop.library("root/usr/bin/openssl.so", "int two(void); int e(void) { return two(); }",
                     needs=["root/usr/local/lib/libs.so.1"], soname="")  # fmt: skip
    workshop.library("root/usr/lib/libs.so.1", ONE, version_script=old)
    model = replace(LoaderModel.this_process(env={}), system_dirs=("/usr/lib",), main_image=None, caller=None)
    model = replace(model, view=HostFiles(root=workshop.path("root")), cache=replace(model.cache, entries=()))
    found = first(explain("/usr/bin/openssl.so", model=model))
    assert found.loader_message.startswith("/usr/lib/libs.so.1: version `O_2' not found")
    lasting = "echo /usr/local/lib > /etc/ld.so.conf.d/local.conf && ldconfig"
    assert found.advice == f"/usr/local/lib/libs.so.1 has it: LD_LIBRARY_PATH=/usr/local/lib, or for good: {lasting}"
    workshop.file("root/etc/ld.so.conf.d/libc.conf", b"# local\n/usr/local/lib\n")
    assert first(explain("/usr/bin/openssl.so", model=model)).advice.endswith("ldconfig, for /etc/ld.so.conf.d/libc.conf names it")  # fmt: skip  # noqa: E501
    assert loads(explain("/usr/bin/openssl.so", model=replace(model, env=(("LD_LIBRARY_PATH", "/usr/local/lib"),))))


def test_pyenv_917_a_python_without_its_library(workshop: Workshop) -> None:
    needed("patchelf")
    workshop.library("libpython3.6m.so.1.0", "int Py_x(void) { return 1; }")
    workshop.folder_of("versions/3.6.1/lib/python3.6/site-packages")
    module = "versions/3.6.1/lib/python3.6/site-packages/m.so"
    workshop.library(module, "int PyInit_m(void) { return 1; }", needs=["libpython3.6m.so.1.0"], soname="")
    (workshop.folder / "libpython3.6m.so.1.0").unlink()
    question = workshop.ask(module)
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    drop, _, rebuild = found.advice.partition("; or ")
    assert rebuild.endswith("PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install --force 3.6.1")
    obeyed(drop.partition("symbols: ")[2], workshop.folder)
    assert loads(workshop.answer(question))
    assert workshop.truth(question).loads


def test_pythonz_119_a_program_does_not_find_its_own_library(workshop: Workshop) -> None:
    needed("patchelf")
    workshop.library("lib/libpython2.7.so.1.0", ONE)
    program = workshop.program("bin/python", "int one(void); int main(void) { return one() - 1; }",
                               needs=["lib/libpython2.7.so.1.0"])  # fmt: skip
    question = workshop.ask("bin/python", program=True)
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    obeyed(found.advice, workshop.folder)
    assert loads(workshop.answer(question))
    assert subprocess.run([program], check=False).returncode == 0


def test_extension_cpp_6_another_package_has_the_symbol(workshop: Workshop) -> None:
    needed("patchelf")
    site = environment(workshop, "torch", "torch/lib", "lltm")
    (workshop.folder / site / "torch/lib/__init__.py").unlink()
    workshop.library(f"{site}/torch/lib/libtorch_python.so", "int THPVariableClass = 1;")
    source = "extern int THPVariableClass; int *l(void) { return &THPVariableClass; }"
    workshop.library(f"{site}/lltm/lltm_cpp.so", source, soname="")
    question = workshop.ask(f"{site}/lltm/lltm_cpp.so")
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    assert "torch/lib/libtorch_python.so defines it: import torch before it" in found.advice
    obeyed(found.advice.rpartition(", or ")[2], workshop.folder)
    assert loads(workshop.answer(question))
    assert workshop.truth(question).loads


def test_torch_a_library_of_another_package_is_brought_by_its_import(workshop: Workshop) -> None:
    site = environment(workshop, "torch", "ext")
    library = workshop.library(f"{site}/torch/lib/libc10.so", ONE)
    workshop.library(f"{site}/ext/_C.so", WANTS_ONE, needs=[f"{site}/torch/lib/libc10.so"], soname="")
    question = workshop.ask(f"{site}/ext/_C.so")
    assert first(workshop.answer(question)).advice.endswith("or import torch before it, if that opens libc10.so")
    after = replace(question, already=(library,))
    assert loads(workshop.answer(after))
    assert workshop.truth(after).loads


def test_dcnv2_19_the_other_string_of_c_plus_plus(workshop: Workshop) -> None:
    new = "_ZN3c105ErrorC1ENS_14SourceLocationENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
    old = "_ZN3c105ErrorC1ENS_14SourceLocationERKSs"
    for name, there, wanted, value in (("a", new, old, 1), ("b", old.replace("RKSs", "Ss"), new, 0)):
        other = "int _ZN3c105Error3fooEv(void) { return 1; }"
        workshop.library(f"{name}/libc10.so", f"int {there}(void) {{ return 1; }} {other}")
        uses = f"int {wanted}(void), _ZN3c105Error3fooEv(void); int d(void) {{ return {wanted}() + _ZN3c105Error3fooEv(); }}"  # noqa: E501
        workshop.library(f"{name}/_ext.so", uses, needs=[f"{name}/libc10.so"], runpath="$ORIGIN", soname="")
        question = workshop.ask(f"{name}/_ext.so")
        found = first(workshop.answer(question))
        assert found.loader_message == workshop.truth(question).message
        assert found.advice.endswith(f"build _ext.so with -D_GLIBCXX_USE_CXX11_ABI={value}")


def test_urwid_937_a_module_that_was_built_for_another_python(workshop: Workshop) -> None:
    site = environment(workshop, "urwid")
    source = "void *PyUnicode_AS_UNICODE(void *); void *PyInit_s(void) { return PyUnicode_AS_UNICODE(0); }"
    tag = f"cpython-{sys.version_info.major}{sys.version_info.minor}"
    path = workshop.library(f"{site}/urwid/s.{tag}-x86_64-linux-gnu.so", source, soname="")
    workshop.file(f"{site}/urwid_tui-2.6.15.dist-info/RECORD", f"urwid/{Path(path).name},,\n".encode())
    found = first(explain(path, model=LoaderModel.this_process()))
    assert found.loader_message == f"{path}: undefined symbol: PyUnicode_AS_UNICODE"
    assert found.advice.startswith(f"it is not a symbol of Python {sys.version_info.major}.{sys.version_info.minor} (")
    assert found.advice.endswith(" -m pip install --force-reinstall --no-cache-dir urwid_tui")


def test_a_python_package_is_no_library_and_is_led_to(workshop: Workshop) -> None:
    site = environment(workshop, "demo")
    workshop.library(f"{site}/_fast.abi3.so", ONE)
    model = LoaderModel.this_process(env={"VIRTUAL_ENV": workshop.path("env")})
    for name, leaf in (("demo", "demo"), ("_fast", "_fast.abi3.so")):
        found = first(explain(name, model=model))
        assert found.advice == f"loadstone explain {workshop.path(site)}/{leaf}"
        assert found.loader_message.startswith(f"{name}: cannot open shared object file")


# Linux, musl


@pytest.fixture
def musl(tmp_path: Path) -> Callable[..., str]:
    """Compiles for musl into the folder of the test: a library, or with ``main`` in it a program."""
    compiler = needed("musl-gcc")

    def make(name: str, source: str, *flags: str) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = () if "main(" in source else ("-shared", "-fPIC")
        build([compiler, "-x", "c", "-", "-x", "none", "-o", str(path), *kind, *flags], path, source)
        return str(path)

    return make


def musl_model() -> LoaderModel:
    return with_loader(LoaderModel.this_process(env={}), "musl")


def test_dockerfile_113_thread_local_storage_that_musl_has_no_room_for(musl: Callable[..., str]) -> None:
    host = musl("host", MUSL_HOST)
    path = musl("m.so", '__thread int x __attribute__((tls_model("initial-exec"))); int g(void) { return ++x; }')
    found = first(explain(path, model=musl_model()))
    said = subprocess.run([host, path], capture_output=True, text=True, check=True).stdout.strip()
    assert found.loader_message == said
    env = {**os.environ, "LD_PRELOAD": path}
    assert found.advice.startswith(f"load it at the start: LD_PRELOAD={path}")
    assert subprocess.run([host, path], capture_output=True, text=True, check=True, env=env).stdout == "loaded\n"
    assert loads(explain(path, model=replace(musl_model(), env=(("LD_PRELOAD", path),))))
    dynamic = musl("d.so", "__thread int x; int g(void) { return ++x; }")
    assert loads(explain(dynamic, model=musl_model()))
    assert subprocess.run([host, dynamic], capture_output=True, text=True, check=True).stdout == "loaded\n"


def test_deno_docker_510_a_build_for_glibc_comes_first(musl: Callable[..., str], workshop: Workshop) -> None:
    uses = "int backtrace(void **, int); int one(void) { return backtrace(0, 0); }"
    glibc = workshop.library("glibc/libz.so.1", uses, libc=True)
    good = musl("musl/libz.so.1", ONE, "-Wl,-soname,libz.so.1")
    program = musl("apk", "int one(void); int main(void) { return one() - 1; }", good)
    env = {"LD_LIBRARY_PATH": f"{Path(glibc).parent}:{Path(good).parent}"}
    found = first(explain(program, model=replace(musl_model(), env=tuple(env.items()))))
    said = subprocess.run([program], env=env, capture_output=True, text=True, check=False).stderr
    assert said.startswith(found.loader_message)
    assert f"{good} is for musl" in found.advice
    value = found.advice.rpartition("LD_LIBRARY_PATH=")[2]
    assert subprocess.run([program], env={"LD_LIBRARY_PATH": value}, check=False).returncode == 0


def test_piping_server_73_and_dnote_652_what_alpine_installs(musl: Callable[..., str], workshop: Workshop) -> None:
    library = musl("libstdc++.so.6", ONE, "-Wl,-soname,libstdc++.so.6")
    program = musl("piping", "int one(void); int main(void) { return one(); }", library)
    found = first(explain(program, model=musl_model()))
    Path(library).unlink()
    found = first(explain(program, model=musl_model()))
    said = subprocess.run([program], capture_output=True, text=True, check=False).stderr
    assert found.loader_message in said
    assert found.advice.endswith("apk add so:libstdc++.so.6")
    fortified = "int __fprintf_chk(void *, int, const char *, ...); int f(void) { return __fprintf_chk(0, 1, 0); }"
    path = workshop.library("f.so", fortified, libc=True)
    found = first(explain(path, model=musl_model()))
    assert found.loader_message == f"Error relocating {path}: __fprintf_chk: symbol not found"
    assert "apk add gcompat" in found.advice


# Windows


def dll(folder: Path, name: str, source: str, *linked: str) -> bytes:
    path = folder / name
    library = folder / f"lib{path.stem}.a"
    command = [needed(MINGW), "-shared", "-x", "c", "-", "-x", "none", *linked, "-o", str(path)]
    subprocess.run([*command, f"-Wl,--out-implib,{library}"], input=source.encode(), check=True)
    return path.read_bytes()


def test_delvewheel_9_a_folder_that_nothing_makes_known(tmp_path: Path) -> None:
    helper = dll(tmp_path, "poppler-1a2b.dll", ONE)
    module = dll(tmp_path, "pdf.pyd", WANTS_ONE, str(tmp_path / "libpoppler-1a2b.a"))
    made = tmp_path / "pdf-2.1-cp39-cp39-win_amd64.whl"
    files = {"pdf.cp39-win_amd64.pyd": module, "pdf.libs/poppler-1a2b.dll": helper}
    made.write_bytes(zip_of(files))
    row = survey(made).rows[0]
    assert (row.verdict, row.leading and row.leading.code) == (LoadVerdict.FAILS, "pe-missing-dll")
    assert row.leading is not None
    assert "is in pdf.libs, which nothing makes known: os.add_dll_directory('pdf.libs')" in row.leading.advice
    files["pdf.py"] = b"import os; os.add_dll_directory(os.path.join(os.path.dirname(__file__), 'pdf.libs'))"
    made.write_bytes(zip_of(files))
    assert survey(made).verdict is LoadVerdict.LOADS


def test_delvewheel_27_files_for_the_top_of_site_packages(tmp_path: Path) -> None:
    helper = dll(tmp_path, "blas-1a2b.dll", ONE)
    module = dll(tmp_path, "tat.pyd", WANTS_ONE, str(tmp_path / "libblas-1a2b.a"))
    made = tmp_path / "tat-0.2-cp310-cp310-win_amd64.whl"
    made.write_bytes(zip_of({"TAT.cp310-win_amd64.pyd": module, "tat-0.2.data/platlib/blas-1a2b.dll": helper}))
    found = survey(made)
    assert found.verdict is LoadVerdict.LOADS
    assert [row.name for row in found.rows] == ["TAT.cp310-win_amd64.pyd", "blas-1a2b.dll"]  # as pip installs them


def test_matplotlib_24704_the_run_time_of_visual_c(tmp_path: Path) -> None:
    dll(tmp_path, "MSVCP140.dll", ONE)
    module = dll(tmp_path, "p.pyd", WANTS_ONE, str(tmp_path / "libMSVCP140.a"))
    made = tmp_path / "m-3.6-cp311-cp311-win_amd64.whl"
    made.write_bytes(zip_of({"m/_path.cp311-win_amd64.pyd": module}))
    leading = survey(made).rows[0].leading
    assert leading is not None
    assert leading.loader_message == "[WinError 126] The specified module could not be found"
    assert "Visual C++ redistributable" in leading.advice


def test_character_4_and_cue_sdk_7_a_file_for_another_system_or_other_bits(workshop: Workshop, tmp_path: Path) -> None:
    library = workshop.library("libED.so", ONE)
    windows = with_loader(LoaderModel.this_process(env={}), "windows")
    found = first(explain(library, model=windows))
    assert found.loader_message == "[WinError 193] %1 is not a valid Win32 application"
    assert "for Linux" in found.explanation
    dll(tmp_path, "cue.dll", ONE)
    python = bytearray((tmp_path / "cue.dll").read_bytes())
    python[python.index(b"PE\0\0") + 4 : python.index(b"PE\0\0") + 6] = b"\x64\xaa"  # a program of another machine
    (tmp_path / "python.exe").write_bytes(python)
    asked = replace(windows, main_image=str(tmp_path / "python.exe"))
    found = first(explain(str(tmp_path / "cue.dll"), model=asked))
    assert found.loader_message == "[WinError 193] %1 is not a valid Win32 application"
    assert "for x86-64" in found.explanation


def test_cramjam_98_a_tag_that_promises_an_older_macos_or_another_machine(tmp_path: Path) -> None:
    module = next(iter(members(wheel("msgspec", "0.22.0", "macosx_11_0_arm64"), ".so")))[1]
    for tag, code, blocking in (
        ("macosx_11_0_arm64", "", False),
        ("macosx_10_9_x86_64", "wheel-machine", True),
        ("macosx_10_9_universal2", "wheel-machine", True),
        ("macosx_26_0_arm64", "", False),
    ):
        made = tmp_path / f"c-1-cp311-cp311-{tag}.whl"
        made.write_bytes(zip_of({"c/_c.cpython-311-darwin.so": module}))
        found = survey(made).rows[0]
        assert [(d.code, d.blocking) for d in found.diagnoses[:1]] == ([(code, blocking)] if code else [])
    facts = read(module).native
    assert isinstance(facts, MachoFacts)
    silent = replace(read(module), native=replace(facts, builds=()))
    assert not list(broken_promises("c.so", (silent,), ("macosx_10_7_arm64",)))
    newer = replace(read(module), native=replace(facts, builds=(BuildVersion("macOS", "12.0", "14.0", 0),)))
    (risk,) = broken_promises("c.so", (newer,), ("macosx_10_7_arm64",))
    assert (risk.code, risk.blocking) == ("macho-min-os", False)
    assert "MACOSX_DEPLOYMENT_TARGET=10.7" in risk.advice
