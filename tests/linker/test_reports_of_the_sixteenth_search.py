"""Public reports of the sixteenth search, chosen before anything was tried: what helped, asked in small."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import Compile
from tests.linker.test_reports_of_the_fifteenth_search import DEBIAN, as_program
from tests.linker.test_reports_of_the_fifth_search import EXPORTS, put
from tests.linker.test_reports_of_the_fourteenth_search import ALONE, CALLS_ONE, missing_in_root
from tests.linker.test_reports_of_the_second_search import ONE, WANTS_TWO, first, in_root
from tests.linker.test_reports_of_the_third_search import BARE, BOTH, MINGW, mac  # noqa: F401  a fixture
from tests.linker.test_reports_of_the_twelfth_search import makes, takes
from tests.linker.workshop import Workshop, loads, run

from loadstone.linker import HostFiles, explain
from loadstone.linker.discovery import of_root, with_program
from loadstone.linker.request import LoaderKind

IMPORT = "__declspec(dllimport) int {0}(void); __declspec(dllexport) int {1}(void) {{ return {0}(); }}"


@pytest.mark.parametrize(
    ("asker", "name", "there", "advice"),
    [
        # CannyLab/tsne-cuda 6
        ("/env/site/tsnecuda.so", "libfaiss.so", "usr/local/lib/libfaiss.so", "LD_LIBRARY_PATH=/usr/local/lib"),
        # RazrFalcon/svgcleaner-gui 9
        ("/opt/s/libqxcb.so", "libxcb-xinerama.so.0", "", "apt-get update && apt-get install libxcb-xinerama0"),
        # timothycrosley/streamdeck-ui 134
        ("/opt/s/libqxcb.so", "libxcb-util.so.1", "usr/lib/libxcb-util.so.0",
         "ln -s libxcb-util.so.0 /usr/lib/libxcb-util.so.1"),
    ],
)  # fmt: skip
def test_what_a_library_misses(workshop: Workshop, asker: str, name: str, there: str, advice: str) -> None:
    workshop.file("root/var/lib/dpkg/status", DEBIAN)
    if there:
        workshop.library(f"root/{there}", ONE)
    assert missing_in_root(workshop, asker, name).advice.startswith(advice)


def test_rasplex_installer_28_a_program_of_32_bits(workshop: Workshop) -> None:
    workshop.library("libblkid.so.1", ONE, "-m32", "-nostdlib")
    workshop.file("root/lib/ld-linux.so.2", b"")
    workshop.program("root/opt/rasplex", CALLS_ONE, "-m32", *ALONE, needs=["libblkid.so.1"])
    workshop.library("root/usr/lib/libblkid.so.1", ONE)
    workshop.file("root/var/lib/dpkg/status", DEBIAN)
    found = first(explain("/opt/rasplex", model=in_root(workshop)))
    assert "apt-get install libblkid1:i386" in found.advice


@pytest.mark.parametrize(
    ("path", "name", "versions", "advice"),
    [
        # devld/go-drive 33
        ("opt/go-drive.so", "libc.so.6", ("GLIBC_2.17", "GLIBC_2.28"), "run it in a container of a newer system"),
        # lovell/sharp 2119
        ("app/node_modules/sharp/sharp.node", "libstdc++.so.6", ("CXXABI_1.3.7", "CXXABI_1.3.8"),
         "cd /app && npm rebuild sharp --build-from-source"),
    ],
)  # fmt: skip
def test_a_build_for_a_newer_system(
    workshop: Workshop, path: str, name: str, versions: tuple[str, str], advice: str
) -> None:
    old = f"{versions[0]} {{ global: one; }};"
    library = f"root/usr/lib/{name}"
    workshop.library(library, BOTH, version_script=f"{old} {versions[1]} {{ global: two; }};")
    workshop.library(f"root/{path}", WANTS_TWO, needs=[library], soname="")
    workshop.library(library, ONE, version_script=old)
    workshop.folder_of("root/usr/lib/sysimage/rpm/x")
    assert advice in first(explain(f"/{path}", model=in_root(workshop))).advice


def test_node_memwatch_11_a_partition_without_programs(workshop: Workshop) -> None:
    workshop.library("root/src/memwatch.node", ONE, soname="")
    model = replace(in_root(workshop), view=HostFiles(root=workshop.path("root"), noexec=("/src",)))
    advice = first(explain("/src/memwatch.node", model=model)).advice
    assert advice.startswith('mount -o remount,exec "$(findmnt -no TARGET -T /src/memwatch.node)"')


@pytest.mark.slow
def test_node_canvas_1000_modules_of_the_host(mac: Callable[..., str], workshop: Workshop) -> None:  # noqa: F811
    module = Path(mac("canvas.node", ONE))
    workshop.file("app/node_modules/canvas/build/Release/canvas.node", module.read_bytes())
    question = workshop.ask("app/node_modules/canvas/build/Release/canvas.node")
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    assert found.advice == f"cd {workshop.path('app')} && npm rebuild canvas"


def test_aubio_196_the_systems_older_library_comes_first(workshop: Workshop) -> None:
    workshop.library("root/usr/local/lib/libaubio.so.5", makes("aubio_new", "aubio_log"))
    uses = takes("aubio_log", "aubio_new")
    workshop.library("root/usr/local/bin/notes.so", uses, needs=["root/usr/local/lib/libaubio.so.5"])
    workshop.library("root/usr/lib/libaubio.so.5", makes("aubio_new"))
    workshop.file("root/var/lib/dpkg/status", DEBIAN)
    found = first(explain("/usr/local/bin/notes.so", model=in_root(workshop)))
    assert found.advice.partition(", or")[0].endswith(
        "/usr/local/lib/libaubio.so.5 has it: LD_LIBRARY_PATH=/usr/local/lib"
    )


def test_ld_preload_open_5_a_preload_without_a_path(workshop: Workshop) -> None:
    library = workshop.library("path-mapping.so", ONE)
    workshop.program("ls")
    question = workshop.ask("ls", program=True, env={"LD_PRELOAD": "path-mapping.so"})
    (found,) = (d for d in workshop.answer(question).diagnoses if d.code == "preload-ignored")
    assert found.advice == f"LD_PRELOAD={library}"
    run(shlex.split(f"env {found.advice} true"))


def test_pg_ivm_38_an_extension_built_for_another_release(workshop: Workshop) -> None:
    server = f"{makes('palloc', 'pg_get_viewdef')} int main(void) {{ return 0; }}"
    workshop.program("root/usr/lib/postgresql/14/bin/postgres", server, "-rdynamic", *ALONE)
    workshop.library("root/usr/lib/postgresql/14/lib/pg_ivm.so", takes("palloc", "pg_get_querydef"), soname="")
    model = replace(in_root(workshop), main_image="/usr/lib/postgresql/14/bin/postgres")
    advice = first(explain("/usr/lib/postgresql/14/lib/pg_ivm.so", model=model)).advice
    config = "make clean && make PG_CONFIG=/usr/lib/postgresql/14/bin/pg_config install"
    assert advice.endswith(f"{config}, in the sources of pg_ivm")


def test_docker_alpine_383_a_library_newer_than_what_it_needs(workshop: Workshop) -> None:
    ssl = "root/usr/lib/libssl.so.3"
    workshop.library(ssl, makes("SSL_new", "SSL_read", "SSL_get0_group_name"))
    workshop.library("root/usr/lib/libcurl.so.4", takes("SSL_new", "SSL_get0_group_name"), needs=[ssl])
    workshop.library(ssl, makes("SSL_new", "SSL_read"))
    workshop.folder_of("root/lib/apk/db/x")
    found = first(explain("/usr/lib/libcurl.so.4", model=replace(in_root(workshop), kind=LoaderKind.MUSL)))
    assert found.loader_message == "Error relocating /usr/lib/libcurl.so.4: SSL_get0_group_name: symbol not found"
    both = " ".join(f'"$(apk info -qW /usr/lib/{name})"' for name in ("libcurl.so.4", "libssl.so.3"))
    assert f"libcurl.so.4 and libssl.so.3 are not of one release: apk add --upgrade {both}" in found.advice


# macOS and Windows: the rules alone


@pytest.mark.slow
def test_invokeai_580_a_module_built_with_another_copy_of_its_library(
    mac: Callable[..., str], tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    site, wanted = "/env/lib/python3.10/site-packages", "_ZN6google8protobuf8internal18empty_string_once_E"
    module = f"{site}/google/protobuf/_message.so"
    mac(f"root{module}", takes(wanted, "_ZNSt3fooE"), "-Wl,-undefined,dynamic_lookup")
    python = "int PyObject_Free(void) { return 0; } int main(void) { return 0; }"
    mac("root/env/bin/python3.10", python)
    put(tmp_path, f"root{site}/protobuf-3.19.dist-info/RECORD", b"google/protobuf/_message.so,,\n")
    model = with_program(of_root(str(tmp_path / "root"), target=module), "/env/bin/python3.10")
    found = first(explain(module, model=model))
    assert found.loader_message.endswith(f"symbol not found in flat namespace '_{wanted}'")
    assert "-m pip install --force-reinstall --no-cache-dir protobuf" in found.advice
    mac("root/env/bin/python3.10", f"{makes(wanted)} {python}")
    assert loads(explain(module, model=model))


def test_verysleepy_7_a_dll_of_the_program_hides_the_systems(compile_library: Compile, tmp_path: Path) -> None:
    both = EXPORTS.format("SymInit") + EXPORTS.format("SetCheck")
    new = compile_library(both, "dbghelp.dll", *BARE, compiler=MINGW)
    engine = compile_library(IMPORT.format("SetCheck", "Create"), "dbgeng.dll", str(new), *BARE, compiler=MINGW)
    start = "__declspec(dllimport) int Create(void); int mainCRTStartup(void) { return Create(); }"
    put(tmp_path, "app/sleepy.exe", as_program(compile_library(start, "s.dll", str(engine), *BARE, compiler=MINGW)))
    put(tmp_path, "Windows/System32/dbgeng.dll", engine.read_bytes())
    put(tmp_path, "Windows/System32/dbghelp.dll", new.read_bytes())
    old = compile_library(EXPORTS.format("SymInit"), "dbghelp.dll", *BARE, compiler=MINGW)
    put(tmp_path, "app/dbghelp.dll", old.read_bytes())
    found = first(explain("/app/sleepy.exe", model=of_root(str(tmp_path), target="/app/sleepy.exe")))
    assert "/app/dbghelp.dll comes first: rename that one" in found.advice
    (tmp_path / "app/dbghelp.dll").unlink()
    assert loads(explain("/app/sleepy.exe", model=of_root(str(tmp_path), target="/app/sleepy.exe")))


@pytest.mark.parametrize("newer", ["kernel.appcore.dll", ""])
@pytest.mark.parametrize("own", [True, False])
def test_cheat_engine_2540_a_contract_that_windows_7_does_not_have(
    compile_library: Compile, tmp_path: Path, newer: str, *, own: bool
) -> None:
    contract = compile_library(
        EXPORTS.format("GetVer"), "api-ms-win-downlevel-kernel32-l2-1-0.dll", *BARE, compiler=MINGW
    )
    help_ = compile_library(IMPORT.format("GetVer", "SymInit"), "dbghelp.dll", str(contract), *BARE, compiler=MINGW)
    start = "__declspec(dllimport) int SymInit(void); int mainCRTStartup(void) { return SymInit(); }"
    put(tmp_path, "ce/ce.exe", as_program(compile_library(start, "c.dll", str(help_), *BARE, compiler=MINGW)))
    put(tmp_path, "ce/dbghelp.dll", help_.read_bytes())
    put(tmp_path, "Windows/System32/kernel32.dll", b"")
    if newer:
        put(tmp_path, f"Windows/System32/{newer}", b"")
    if own:
        put(tmp_path, "Windows/System32/dbghelp.dll", b"")
    answer = explain("/ce/ce.exe", model=of_root(str(tmp_path), target="/ce/ce.exe"))
    if newer:
        assert loads(answer)
    elif own:
        there = "/ce/dbghelp.dll is of a newer Windows, and this one has /Windows/System32/dbghelp.dll"
        assert first(answer).advice == f"{there}: take the first away"
    else:
        assert "take the last release of dbghelp.dll for this Windows" in first(answer).advice
