"""Public reports of the thirteenth search, chosen before anything was tried: those whose advice was wrong."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import Compile, needed
from tests.linker.test_reports_of_the_fifth_search import EXPORTS, put
from tests.linker.test_reports_of_the_second_search import BOTH, ONE, first, in_root
from tests.linker.test_reports_of_the_third_search import BARE, INTEL_MAC, MINGW, mac  # noqa: F401  a fixture
from tests.linker.workshop import Workshop, loads, run

from loadstone.linker import LoaderModel, explain
from loadstone.linker.discovery import of_root, with_program
from loadstone.linker.view import PretendedFiles

CALLS_ONE = "int one(void); int main(void) { return !one(); }"


def test_brewtarget_1071_a_folder_below_that_of_the_run_path(workshop: Workshop) -> None:
    library = "usr/lib/x86_64-linux-gnu/libxerces-c-3.2.so"
    workshop.library(library, ONE)
    workshop.program("usr/bin/brewtarget", CALLS_ONE, needs=[library], runpath="$ORIGIN/../lib")
    question = workshop.ask("usr/bin/brewtarget", program=True)
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    assert found.advice.startswith("patchelf --add-rpath '$ORIGIN/../lib/x86_64-linux-gnu' ")
    run([needed("patchelf"), *shlex.split(found.advice)[1:]])
    assert workshop.truth(question).loads


def test_nvm_38_a_node_for_a_newer_c_library(workshop: Workshop) -> None:
    new = "GLIBC_2.27 { global: one; }; GLIBC_2.28 { global: two; } GLIBC_2.27;"
    node = "/home/u/.nvm/versions/node/v18.14.1/bin/node"
    workshop.library("root/usr/lib/libc.so.6", BOTH, version_script=new)
    source, flags = "int two(void); int main(void) { return two(); }", ("-nostdlib", "-nostartfiles", "-Wl,-e,main")
    workshop.program(f"root{node}", source, *flags, needs=["root/usr/lib/libc.so.6"])
    workshop.library("root/usr/lib/libc.so.6", ONE, version_script="GLIBC_2.27 { global: one; };")
    workshop.file("root/lib64/ld-linux-x86-64.so.2", b"")
    advice = first(explain(node, model=in_root(workshop))).advice
    assert "here is 2.27: nvm install 16, whose builds need no more than glibc 2.17; or run it in" in advice


def test_dnote_652_a_link_by_the_name_of_another_loader_leads_to_musl(workshop: Workshop) -> None:
    workshop.file("root/lib/ld-musl-x86_64.so.1", Path("/lib/ld-musl-x86_64.so.1").read_bytes())
    workshop.folder_of("root/lib64/x")
    Path(workshop.path("root/lib64/ld-linux-x86-64.so.2")).symlink_to("/lib/ld-musl-x86_64.so.1")
    source = "int __vfprintf_chk(void); int main(void) { return __vfprintf_chk(); }"
    workshop.program("root/dnote", source, "-Wl,--unresolved-symbols=ignore-all")
    found = first(explain("/dnote", model=of_root(workshop.path("root"), target="/dnote")))
    assert found.loader_message.startswith("Error relocating /dnote: ")
    assert "apk add gcompat" in found.advice


def test_node_ffi_234_the_library_is_there_for_both_classes(workshop: Workshop) -> None:
    workshop.library("a/libmine.so", ONE, "-m32", "-nostdlib")
    right = workshop.library("b/libmine.so", ONE)
    model = LoaderModel.this_process(env={"LD_LIBRARY_PATH": workshop.path("a")})
    found = first(explain("libmine.so", model=model))
    assert found.code == "wrong-class"
    assert found.advice.startswith(f"{right} is of 64 bits: LD_LIBRARY_PATH={workshop.path('b')}, or open it by")
    assert loads(explain("libmine.so", model=replace(model, env=(("LD_LIBRARY_PATH", workshop.path("b")),))))


@pytest.mark.parametrize("package", ["libjpeg62", "libjpeg62-turbo"])
def test_nxengine_304_a_library_whose_package_has_another_name_in_ubuntu(package: str) -> None:
    lists = {
        "/var/lib/dpkg/status": b"Package: libc6\n",
        "/var/lib/apt/lists/x_Packages": f"Package: {package}\n".encode(),
    }
    model = LoaderModel(view=PretendedFiles(lists))
    assert first(explain("libjpeg.so.62", model=model, as_library=True)).advice == f"apt install {package}"


def test_pytorch3d_1872_a_package_that_is_imported_first_makes_its_folder_known(
    compile_library: Compile, tmp_path: Path
) -> None:
    one, two = (EXPORTS.format(name) for name in ("one", "two"))
    new = compile_library(one + two, "c10.dll", *BARE, compiler=MINGW)
    source = "__declspec(dllimport) int two(void); __declspec(dllexport) int PyInit__C(void) { return two(); }"
    module = compile_library(source, "_C.pyd", str(new), *BARE, compiler=MINGW).read_bytes()
    old = compile_library(one, "old.dll", *BARE, compiler=MINGW).read_bytes()
    site = "Lib/site-packages"
    put(tmp_path, "python.exe", old)
    put(tmp_path, f"{site}/pytorch3d/_C.pyd", module)
    put(tmp_path, f"{site}/pytorch3d/__init__.py", b"import torch\n")
    put(tmp_path, f"{site}/torch/lib/c10.dll", old)
    put(tmp_path, f"{site}/torch/__init__.py", b"import os\nos.add_dll_directory(os.path.join(HERE, 'lib'))\n")
    put(tmp_path, f"{site}/pytorch3d-0.7.dist-info/RECORD", b"pytorch3d/_C.pyd,,\n")
    put(tmp_path, f"{site}/torch-1.13.1.dist-info/RECORD", b"torch/lib/c10.dll,,\n")
    found = first(explain(str(tmp_path / site / "pytorch3d/_C.pyd")))
    assert found.loader_message == "[WinError 127] The specified procedure could not be found"
    assert "pytorch3d and torch are not of one release" in found.advice
    put(tmp_path, f"{site}/torch/lib/c10.dll", new.read_bytes())
    assert loads(explain(str(tmp_path / site / "pytorch3d/_C.pyd")))


@pytest.mark.slow
def test_musikcube_483_a_formula_without_its_own_library(mac: Callable[..., str], tmp_path: Path) -> None:  # noqa: F811
    library = mac("m.dylib", ONE, "-Wl,-install_name,@rpath/libmusikcore.dylib", by=INTEL_MAC)
    program = "/usr/local/Cellar/musikcube/0.96.9/share/musikcube/musikcube"
    mac(f"root{program}", "int one(void); int main(void) { return one(); }", library, by=INTEL_MAC)
    advice = first(explain(program, model=of_root(str(tmp_path / "root"), target=program))).advice
    assert advice.startswith("brew update && brew reinstall musikcube")


@pytest.mark.slow
def test_nudelta_27_a_module_for_the_other_architecture(mac: Callable[..., str], tmp_path: Path) -> None:  # noqa: F811
    module, program = "/Applications/N.app/hid.node", "/Applications/N.app/N"
    mac(f"root{module}", ONE, by=INTEL_MAC)
    mac(f"root{program}", "int main(void) { return 0; }")
    model = with_program(of_root(str(tmp_path / "root"), target=module), program)
    advice = first(explain(module, model=model, as_library=True)).advice
    assert advice.endswith("or take the x86_64 build of N, which Rosetta runs: arch -x86_64")
