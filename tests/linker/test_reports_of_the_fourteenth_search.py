"""Public reports of the fourteenth search, chosen before anything was tried: what helped, asked in small."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.linker.test_reports_of_the_second_search import ONE, WANTS_ONE, first, in_root
from tests.linker.test_reports_of_the_third_search import BARE, INTEL_MAC, mac  # noqa: F401  a fixture
from tests.linker.workshop import Workshop, run

from loadstone.core.trace import Diagnosis
from loadstone.linker import explain
from loadstone.linker.discovery import of_root, with_program

CALLS_ONE = "int one(void); int main(void) { return !one(); }"
ALONE = ("-nostdlib", "-nostartfiles", "-Wl,-e,main")
SITE = "env/lib/python3.9/site-packages"


def missing_in_root(workshop: Workshop, asker: str, name: str, *, program: bool = False) -> Diagnosis:
    """What is said of a file of ``root/`` that needs a library which is there no more."""
    library = workshop.library(f"gone/{name}", ONE)
    if program:
        workshop.file("root/lib64/ld-linux-x86-64.so.2", b"")
        workshop.program(f"root{asker}", CALLS_ONE, *ALONE, needs=[f"gone/{name}"])
    else:
        workshop.library(f"root{asker}", WANTS_ONE, needs=[f"gone/{name}"], soname="")
    Path(library).unlink()
    return first(explain(asker, model=in_root(workshop), as_library=not program))


def test_hasktorch_293_a_kit_of_the_project(workshop: Workshop) -> None:
    workshop.library("p/deps/libtorch/lib/libc10.so", ONE)
    workshop.program("p/.stack-work/install/x/8.6.5/bin/regression", CALLS_ONE, needs=["p/deps/libtorch/lib/libc10.so"])
    question = replace(
        workshop.ask("p/.stack-work/install/x/8.6.5/bin/regression", program=True), cwd=workshop.path("p")
    )
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    assert "deps/libtorch/lib" in found.advice


def test_pytorch3d_1563_a_package_that_another_one_must_precede(workshop: Workshop) -> None:
    workshop.library(f"{SITE}/torch/lib/libc10.so", ONE)
    workshop.file(f"{SITE}/torch/__init__.py", b"")
    workshop.library(f"{SITE}/pytorch3d/_C.so", WANTS_ONE, needs=[f"{SITE}/torch/lib/libc10.so"], soname="")
    found = first(workshop.answer(workshop.ask(f"{SITE}/pytorch3d/_C.so")))
    assert "import torch before it" in found.advice


def test_tomahawk_370_a_package_built_here_for_an_older_library(workshop: Workshop) -> None:
    lucene, wanted = "root/usr/lib/liblucene++.so.0", "_ZN6Lucene12LuceneObject8toStringEv"
    stays = "int _ZN6Lucene12LuceneObject4hashEv(void) { return 1; }"
    workshop.library(lucene, f"{stays} int {wanted}(void) {{ return 1; }}")
    uses = f"int {wanted}(void); int f(void) {{ return {wanted}(); }}"
    workshop.library("root/usr/lib/libtomahawk.so.0.8.4", uses, needs=[lucene])
    workshop.library(lucene, stays)
    workshop.file("root/var/lib/pacman/local/tomahawk-0.8.4-1/files", b"%FILES%\nusr/lib/libtomahawk.so.0.8.4\n")
    workshop.file("root/var/lib/pacman/local/lucene++-3.0.7-5/files", b"%FILES%\nusr/lib/liblucene++.so.0\n")
    found = first(explain("/usr/lib/libtomahawk.so.0.8.4", model=in_root(workshop)))
    assert "libtomahawk" in found.advice
    assert "build" in found.advice


def test_rethinkdb_6538_a_program_of_gentoo_before_an_upgrade(workshop: Workshop) -> None:
    protobuf, wanted = "root/usr/lib/libprotobuf.so.14", "_ZNK6google8protobuf7Message11GetTypeNameEv"
    stays = "int _ZNK6google8protobuf7Message4hashEv(void) { return 1; }"
    workshop.library(protobuf, f"{stays} int {wanted}(void) {{ return 1; }}")
    uses = f"int {wanted}(void); int main(void) {{ return {wanted}(); }}"
    workshop.file("root/lib64/ld-linux-x86-64.so.2", b"")
    workshop.program("root/usr/bin/rethinkdb", uses, *ALONE, needs=[protobuf])
    workshop.library(protobuf, stays)
    workshop.folder_of("root/var/db/pkg/x")
    found = first(explain("/usr/bin/rethinkdb", model=in_root(workshop)))
    assert "emerge" in found.advice


def test_fpp_2040_a_plugin_of_the_old_system(workshop: Workshop) -> None:
    workshop.library("root/usr/lib/libjsoncpp.so.25", ONE)
    workshop.file("root/var/lib/dpkg/status", b"Package: libc6\n")
    found = missing_in_root(workshop, "/home/fpp/media/plugins/vast/libvast.so", "libjsoncpp.so.24")
    assert "libvast.so for libjsoncpp.so.25" in found.advice


def test_cyclus_1473_a_link_that_leads_to_the_older_of_two(workshop: Workshop) -> None:
    new = "CXXABI_1.3.8 { global: one; }; CXXABI_1.3.9 { global: two; } CXXABI_1.3.8;"
    both = f"{ONE} int two(void) {{ return 2; }}"
    library = workshop.library("anaconda2/lib/libstdc++.so.6.0.24", both, version_script=new, soname="libstdc++.so.6")
    uses = "int two(void); int main(void) { return !two(); }"
    workshop.program(
        "build/tests", uses, needs=["anaconda2/lib/libstdc++.so.6.0.24"], runpath="$ORIGIN/../anaconda2/lib"
    )
    workshop.library(
        "anaconda2/lib/libstdc++.so.6.0.19",
        ONE,
        version_script="CXXABI_1.3.8 { global: one; };",
        soname="libstdc++.so.6",
    )
    Path(library).with_name("libstdc++.so.6").symlink_to("libstdc++.so.6.0.19")
    question = workshop.ask("build/tests", program=True)
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    link = Path(library).with_name("libstdc++.so.6")
    command = found.advice.partition(" has it: ")[2]
    assert command == f"ln -sfn libstdc++.so.6.0.24 {link}"
    run(shlex.split(command))
    assert workshop.truth(question).loads


def test_anaconda_5191_an_old_run_time_of_the_environment(workshop: Workshop) -> None:
    new = "CXXABI_1.3.8 { global: one; }; CXXABI_1.3.9 { global: two; } CXXABI_1.3.8;"
    both = f"{ONE} int two(void) {{ return 2; }}"
    workshop.library("env/lib/libstdc++.so.6", both, version_script=new)
    module = f"{SITE}/porechop/cpp.so"
    workshop.library(
        module, "int two(void); int e(void) { return two(); }", needs=["env/lib/libstdc++.so.6"], soname="",
        runpath="$ORIGIN/../../..",
    )  # fmt: skip
    workshop.library("env/lib/libstdc++.so.6", ONE, version_script="CXXABI_1.3.8 { global: one; };")
    record = json.dumps({"files": ["lib/libstdc++.so.6"]}).encode()
    workshop.file("env/conda-meta/libgcc-4.8.5-2.json", record)
    found = first(workshop.answer(workshop.ask(module)))
    assert f"conda install -p {workshop.path('env')}" in found.advice
    assert " libgcc" in found.advice


@pytest.mark.parametrize(
    ("asker", "name", "package"),
    [
        ("/opt/gnat/bin/arm-eabi-gdb", "libncurses.so.5", "libncurses5"),  # alire-project/GNAT-FSF-builds 34
        ("/usr/bin/kvmtop", "libform.so.5", "libncurses5"),  # cha87de/kvmtop 46
        ("/usr/local/lib/python3.7/site-packages/cv2/cv2.so", "libGL.so.1", "libgl1"),  # kjanko 23
        ("/usr/local/lib/python3.7/site-packages/cv2/cv2.so", "libgthread-2.0.so.0", "libglib2.0-0"),  # friendo-bot 68
    ],
)
def test_a_package_of_debian_that_is_not_called_as_its_library(
    workshop: Workshop, asker: str, name: str, package: str
) -> None:
    workshop.file("root/var/lib/dpkg/status", b"Package: libc6\nArchitecture: amd64\n")
    workshop.file("root/var/lib/apt/lists/x_Packages", f"Package: {package}\n".encode())
    found = missing_in_root(workshop, asker, name, program="bin/" in asker)
    assert f"apt install {package}" in found.advice


@pytest.mark.slow
def test_better_sqlite3_940_modules_copied_from_an_intel_mac(mac: Callable[..., str], tmp_path: Path) -> None:  # noqa: F811
    module = "/Users/u/bot/node_modules/better-sqlite3/build/Release/better_sqlite3.node"
    mac(f"root{module}", ONE, *BARE, by=INTEL_MAC)
    mac("root/usr/local/bin/node", "int main(void) { return 0; }")
    model = with_program(of_root(str(tmp_path / "root"), target=module), "/usr/local/bin/node")
    found = first(explain(module, model=model))
    assert "npm rebuild better-sqlite3" in found.advice


def test_cctv_viewer_49_a_package_built_here_for_an_older_major_version(workshop: Workshop) -> None:
    workshop.library("root/usr/lib/libavformat.so.60", ONE)
    workshop.folder_of("root/var/lib/pacman/local/x")
    found = missing_in_root(workshop, "/usr/bin/cctv-viewer", "libavformat.so.59", program=True)
    assert "a build of cctv-viewer for libavformat.so.60" in found.advice


def test_efcore_5100_the_name_that_only_the_development_package_has(workshop: Workshop) -> None:
    workshop.library("root/usr/lib/libsqlite3.so.0", ONE)
    workshop.folder_of("root/usr/lib/sysimage/rpm/x")
    found = first(explain("libsqlite3.so", model=in_root(workshop)))
    assert "libsqlite3.so.0" in found.explanation + found.advice
    assert "ln -s" in found.advice or "-devel" in found.advice


def test_obs_multi_rtmp_369_a_plugin_for_a_newer_program(workshop: Workshop) -> None:
    api = "root/usr/lib/libobs-frontend-api.so.0"
    stays = "int obs_frontend_add_dock(void) { return 1; } int obs_frontend_get(void) { return 1; }"
    workshop.library(api, f"{stays} int obs_frontend_add_dock_by_id(void) {{ return 1; }}")
    uses = "int obs_frontend_add_dock_by_id(void); int e(void) { return obs_frontend_add_dock_by_id(); }"
    workshop.library("root/usr/lib/obs-plugins/obs-multi-rtmp.so", uses, needs=[api], soname="")
    workshop.library(api, stays)
    workshop.file("root/var/lib/dpkg/status", b"Package: obs-studio\nArchitecture: amd64\n")
    workshop.file("root/var/lib/dpkg/info/obs-studio.list", b"/usr/lib/libobs-frontend-api.so.0\n")
    found = first(explain("/usr/lib/obs-plugins/obs-multi-rtmp.so", model=in_root(workshop)))
    assert "libobs-frontend-api.so.0" in found.advice
    assert "obs-studio" in found.advice
