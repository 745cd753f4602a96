"""Public reports of a third search, chosen before anything was tried, each rebuilt small and its advice followed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.built import build
from tests.conftest import Compile
from tests.linker.test_reports_of_the_second_search import MAC, ONE, WANTS_ONE, WANTS_TWO, first, in_root, named
from tests.linker.workshop import HOST_SOURCE, Workshop, loads
from tests.tools import compiler

from loadstone.core.trace import Diagnosis, LoadVerdict
from loadstone.linker import LoaderModel, explain
from loadstone.linker.discovery import of_root
from loadstone.linker.finding import find_in
from loadstone.linker.request import LoaderKind

BOTH = "int one(void) { return 1; } int two(void) { return 2; }"
INTEL_MAC = "x86_64-apple-darwin-clang"
MINGW = "x86_64-w64-mingw32-gcc"
BARE = ("-nostdlib", "-Wl,--no-entry")


def test_rpi_imager_942_the_program_brings_an_older_copy_with_it(workshop: Workshop) -> None:
    system = workshop.library("system/libway.so.0", BOTH)
    workshop.library("system/libegl.so.0", WANTS_TWO, needs=["system/libway.so.0"])
    workshop.library("app/lib/libway.so.0", ONE)
    workshop.library("app/lib/libqt.so.5")
    program = workshop.program(
        "app/bin/imager", HOST_SOURCE, needs=["app/lib/libway.so.0", "app/lib/libqt.so.5"], rpath="$ORIGIN/../lib"
    )
    env = {"LD_LIBRARY_PATH": workshop.path("system")}
    question = workshop.ask("system/libegl.so.0", host=program, env=env)
    found = first(workshop.answer(question))
    assert (found.code, found.loader_message) == ("undefined-symbol", workshop.truth(question).message)
    bundled = workshop.path("app/lib/libway.so.0")
    assert found.advice.endswith(f"leave {bundled} out of what imager brings with it, or LD_PRELOAD={system}")
    assert workshop.truth(replace(question, env={**env, "LD_PRELOAD": system})).loads
    Path(bundled).unlink()
    assert workshop.truth(question).loads
    assert loads(workshop.answer(question))


def test_ragflow_4466_a_variable_leads_to_an_older_build_of_the_same_version(workshop: Workshop) -> None:
    workshop.library("wheel/libjit.so.12", BOTH, version_script="libjit.so.12 { global: *; };")
    workshop.library("user.so", WANTS_TWO, needs=["wheel/libjit.so.12"], runpath="$ORIGIN/wheel", soname="")
    workshop.library("cuda/libjit.so.12", ONE, version_script="libjit.so.12 { global: *; };")
    question = workshop.ask("user.so", env={"LD_LIBRARY_PATH": workshop.path("cuda")})
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    assert found.advice.endswith("which has it: unset LD_LIBRARY_PATH")
    assert workshop.truth(replace(question, env={})).loads


def test_anaconda_issues_13205_a_link_makes_one_interface_pass_for_another(workshop: Workshop) -> None:
    workshop.library("system/libffi.so.7", ONE, version_script="BASE_7.0 { global: *; };")
    workshop.library("system/libkit.so.0", WANTS_ONE, needs=["system/libffi.so.7"])
    script = "BASE_8.0 { global: *; };"
    workshop.library("conda/lib/libffi.so.8.1.2", ONE, soname="libffi.so.8", version_script=script)
    workshop.link("conda/lib/libffi.so.7", "libffi.so.8.1.2")
    program = workshop.program("conda/bin/python", HOST_SOURCE, rpath="$ORIGIN/../lib")
    env = {"LD_LIBRARY_PATH": workshop.path("system")}
    question = workshop.ask("system/libkit.so.0", host=program, env=env)
    found = first(workshop.answer(question))
    assert (found.code, found.loader_message) == ("version-not-found", workshop.truth(question).message)
    assert "calls itself libffi.so.8: another interface" in found.explanation
    link = workshop.path("conda/bin/../lib/libffi.so.7")
    assert found.advice.startswith(f"rm {link}, the link")
    Path(link).unlink()
    assert workshop.truth(question).loads
    assert loads(workshop.answer(question))


@pytest.mark.parametrize("variable", ["GTK_PATH", "LD_LIBRARY_PATH"])
def test_vscodium_2548_parts_of_two_builds_of_the_c_library(workshop: Workshop, variable: str) -> None:
    script = "GLIBC_PRIVATE { global: *; };"
    workshop.library("snap/libcore.so.6", BOTH, version_script=script)
    workshop.library("snap/libthread.so.0", WANTS_TWO, needs=["snap/libcore.so.6"])
    workshop.library("snap/module.so", needs=["snap/libthread.so.0"], runpath="$ORIGIN", soname="")
    workshop.library("host/libcore.so.6", ONE, version_script=script)
    program = workshop.program("tool", HOST_SOURCE, needs=["host/libcore.so.6"], rpath="$ORIGIN/host")
    question = workshop.ask("snap/module.so", host=program, env={variable: workshop.path("snap")})
    found = first(workshop.answer(question))
    if variable == "LD_LIBRARY_PATH":  # the program's RPATH comes before it
        workshop.patchelf("tool", "--set-rpath", "$ORIGIN/host")
        workshop.library("host/libthread.so.0", needs=["host/libcore.so.6"])
        question = replace(question, already=(workshop.path("host/libcore.so.6"),), host=str(workshop.host))
        found = first(workshop.answer(question))
        assert workshop.truth(replace(question, env={}, target=workshop.path("host/libthread.so.0"))).loads
    assert found.loader_message == workshop.truth(question).message
    assert "libthread.so.0 is of another build of glibc than" in found.advice
    assert f"unset {variable}" in found.advice


def test_newrelic_115_a_wheel_for_a_newer_system_than_the_functions_is(workshop: Workshop) -> None:
    old, new = "GLIBC_2.17 { global: one; };", "GLIBC_2.17 { global: one; }; GLIBC_2.28 { global: two; } GLIBC_2.17;"
    workshop.library("new/libc.so.6", BOTH, version_script=new)
    workshop.library("root/var/task/pkg/_rust.abi3.so", WANTS_TWO, needs=["new/libc.so.6"], soname="")
    workshop.library("root/usr/lib/libc.so.6", ONE, version_script=old)
    workshop.file("root/var/task/pkg_name-38.0.dist-info/RECORD", b"pkg/_rust.abi3.so,,\n")
    found = first(explain("/var/task/pkg/_rust.abi3.so", model=in_root(workshop)))
    assert found.code == "glibc-too-old"
    assert "version `GLIBC_2.28' not found (required by /var/task/pkg/_rust.abi3.so)" in found.loader_message
    options = "--only-binary=:all: --platform manylinux2014_x86_64 --target /var/task"
    assert f"here is 2.17: python -m pip install --upgrade {options} pkg_name; or" in found.advice
    Path(workshop.path("root/var/task/pkg_name-38.0.dist-info/RECORD")).write_bytes(b"")
    found = first(explain("/var/task/pkg/_rust.abi3.so", model=in_root(workshop)))
    assert "build it where glibc is 2.17 or older" in found.advice


def test_docker_node_1446_a_program_of_another_machine_than_its_system(workshop: Workshop) -> None:
    program = workshop.program("root/app/tool")
    workshop.file("root/lib/ld-linux-aarch64.so.1", b"")
    found = first(explain("/app/tool", model=of_root(workshop.path("root"))))
    assert Path(program).exists()
    assert (found.code, found.loader_message) == ("program-of-other-machine", "/app/tool: Exec format error")
    assert "is a program for x86-64, and the system around it is for aarch64" in found.explanation
    assert "does not find /lib64/ld-linux-x86-64.so.2" in found.explanation
    assert "--platform linux/amd64" in found.advice


def test_gramup_36_another_major_version_is_another_interface(workshop: Workshop) -> None:
    workshop.library("libssl.so.1.1", ONE)
    workshop.library("user.so", WANTS_ONE, needs=["libssl.so.1.1"], soname="")
    Path(workshop.path("libssl.so.1.1")).unlink()
    workshop.library("libssl.so.3", ONE)
    question = workshop.ask("user.so")
    found = first(workshop.answer(question))
    assert (found.code, found.loader_message) == ("dep-not-found", workshop.truth(question).message)
    assert "a build of user.so for libssl.so.3, which is another interface than libssl.so.1.1" in found.advice


def preload_ignored(workshop: Workshop, preload: str) -> Diagnosis:
    """What is said of a preload, in the words that the loader writes to standard error."""
    program = workshop.program("tool")
    model = replace(LoaderModel.this_process(env={"LD_PRELOAD": preload}), cwd=str(workshop.folder))
    answer = explain(program, model=model)
    assert answer.verdict is LoadVerdict.LOADS_WITH_RISK
    (found,) = answer.diagnoses
    done = subprocess.run([program], env={"LD_PRELOAD": preload}, capture_output=True, text=True, check=True)
    assert (found.code, found.loader_message) == ("preload-ignored", done.stderr.strip())
    command = found.advice.partition("LD_PRELOAD=")[2]
    if command:
        done = subprocess.run([program], env={"LD_PRELOAD": command}, capture_output=True, text=True, check=True)
        assert not done.stderr
    return found


def test_snuba_5274_a_preload_in_the_folder_of_another_machine(workshop: Workshop) -> None:
    library = workshop.library("lib/liballoc.so.2")
    found = preload_ignored(workshop, workshop.path("aarch64-linux-gnu/liballoc.so.2"))
    assert found.advice == f"LD_PRELOAD={library}"


def test_buildpack_jemalloc_20_a_preload_with_a_stray_character(workshop: Workshop) -> None:
    library = workshop.library("vendor/liballoc.so.1")
    assert preload_ignored(workshop, f"={library}").advice == f"LD_PRELOAD={library}"
    found = preload_ignored(workshop, "/nowhere/libother.so")
    assert found.advice == "unset LD_PRELOAD"


def test_opencv_14884_a_bundled_runtime_comes_too_late_for_static_storage(workshop: Workshop) -> None:
    storage = (
        '__thread char {0}[1500] __attribute__((tls_model("initial-exec"))); char *get_{0}(void) {{ return {0}; }}'
    )
    earlier = workshop.library("torch.so", storage.format("a"), soname="")
    workshop.library("pkg.libs/libgomp-d22c30c5.so.1", storage.format("b"))
    needs, runpath = ["pkg.libs/libgomp-d22c30c5.so.1"], "$ORIGIN/../pkg.libs"
    workshop.library("pkg/core.so", needs=needs, runpath=runpath, soname="")
    question = workshop.ask("pkg/core.so", already=(earlier,))
    found = first(workshop.answer(question))
    assert (found.code, found.loader_message) == ("static-tls", workshop.truth(question).message)
    bundled = workshop.path("pkg.libs/libgomp-d22c30c5.so.1")
    assert found.advice.startswith(f"load it early: LD_PRELOAD={bundled}, or set GLIBC_TUNABLES=")
    assert workshop.truth(replace(question, env={"LD_PRELOAD": bundled})).loads
    assert loads(workshop.answer(replace(question, env={"LD_PRELOAD": bundled})))


@pytest.mark.parametrize("points_to", ["libfl_pic.a", "libfl.so.2.1"])
def test_powernex_63_a_linker_script_under_the_name_of_a_library(workshop: Workshop, points_to: str) -> None:
    workshop.library("lib/libfl.so.2", ONE)
    workshop.library("user.so", WANTS_ONE, needs=["lib/libfl.so.2"], runpath="$ORIGIN/lib", soname="")
    Path(workshop.path("lib/libfl.so.2")).rename(workshop.path("lib/libfl.so.2.1"))
    workshop.file("lib/libfl.so.2", b"/* GNU ld script */\nINPUT(" + points_to.encode() + b")\n")
    question = workshop.ask("user.so")
    found = first(workshop.answer(question))
    assert (found.code, found.loader_message) == ("ld-script", workshop.truth(question).message)
    if points_to.endswith(".a"):
        Path(workshop.path("lib/libfl.so.2.1")).unlink()
        found = first(workshop.answer(question))
        assert found.advice.startswith("link user.so anew: by now libfl.so.2 is static only")
        return
    subprocess.run(["sh", "-c", found.advice], check=True)
    assert os.path.islink(workshop.path("lib/libfl.so.2"))
    assert workshop.truth(question).loads


def test_python_build_standalone_619_a_module_wants_a_second_interpreter(workshop: Workshop) -> None:
    source = "int PyObject_Free(void); int PyInit__m(void) { return PyObject_Free(); }"
    workshop.library("py/lib/libpython3.13.so.1.0", "int PyObject_Free(void) { return 1; }")
    workshop.library("py/lib/python3.13/site-packages/_m.so", source, needs=["py/lib/libpython3.13.so.1.0"], soname="")
    program = workshop.program(
        "py/bin/python3.13", f"int PyObject_Free(void) {{ return 0; }}\n{HOST_SOURCE}", "-rdynamic"
    )
    question = workshop.ask("py/lib/python3.13/site-packages/_m.so", host=program)
    found = first(workshop.answer(question))
    assert (found.code, found.loader_message) == ("dep-not-found", workshop.truth(question).message)
    command = found.advice.partition("the interpreter has its symbols: ")[2]
    subprocess.run(["sh", "-c", command], check=True)
    assert workshop.truth(question).loads
    assert loads(workshop.answer(question))


# macOS and Windows: the rules alone


@pytest.fixture
def mac(tmp_path: Path) -> Callable[..., str]:
    """Compiles for a Mac into the folder of the test."""

    def make(name: str, source: str, *flags: str, by: str = MAC) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = () if "main(" in source else ("-shared",)
        build([*compiler(by), "-x", "c", "-", "-x", "none", "-o", str(path), *kind, *flags], path, source)
        return str(path)

    return make


@pytest.mark.slow
def test_homebrew_core_133860_a_root_of_a_mac_has_the_next_version(mac: Callable[..., str], tmp_path: Path) -> None:
    there = "/opt/homebrew/opt/icu4c/lib/libicui18n.72.dylib"
    library = mac(f"root{there}", ONE, named(there))
    module = "/venv/lib/python3.10/site-packages/icu/_icu.so"
    mac(f"root{module}", WANTS_ONE, library)
    newer = Path(library).rename(Path(library).with_name("libicui18n.73.2.dylib"))
    model = of_root(str(tmp_path / "root"), target=module)
    assert model.kind is LoaderKind.DYLD
    found = first(explain(module, model=model))
    assert found.loader_message.startswith(f"Library not loaded: {there}\n  Referenced from: <")
    assert found.loader_message.partition("<")[2][8] == "-"  # LC_UUID as dyld writes it
    assert f"there is {there.replace('72', '73.2')}: install a build of _icu.so" in found.advice
    assert found.advice.endswith("python3.10 -m pip install --force-reinstall --no-cache-dir icu --no-binary icu")
    newer.rename(library)
    assert loads(explain(module, model=model))
    (tmp_path / "root/usr/local/lib").mkdir(parents=True)
    Path(library).rename(tmp_path / "root/usr/local/lib/libicu.dylib")
    assert find_in(model, "icu").path == "/usr/local/lib/libicu.dylib"


@pytest.mark.slow
def test_ta_lib_533_a_module_for_intel_in_a_python_for_arm(mac: Callable[..., str], tmp_path: Path) -> None:
    module = mac("lib/python3.8/site-packages/talib/_lib.so", ONE, by=INTEL_MAC)
    program = mac("bin/python", "int main(void) { return 0; }")
    model = replace(LoaderModel(kind=LoaderKind.DYLD), main_image=program)
    found = first(explain(module, model=model, as_library=True))
    assert found.code == "macho-arch"
    assert "(have 'x86_64', need 'arm64')" in found.loader_message
    command = f"{program} -m pip install --force-reinstall --no-cache-dir talib"
    assert found.advice == f"install its build for arm64: {command}"
    assert str(tmp_path) in program


def test_anaconda_issues_10823_the_dll_of_another_product_is_in_system32(
    compile_library: Compile, tmp_path: Path
) -> None:
    new = compile_library(
        "__declspec(dllexport) int one(void) { return 1; } __declspec(dllexport) int two(void) { return 2; }",
        "libcrypto.dll", *BARE, compiler=MINGW,
    )  # fmt: skip
    wants = "__declspec(dllimport) int two(void); __declspec(dllexport) int PyInit__ssl(void) { return two(); }"
    module = compile_library(wants, "_ssl.pyd", str(new), *BARE, compiler=MINGW)
    for source, place in ((new, "env/bin"), (module, "env/DLLs")):
        (tmp_path / "root" / place).mkdir(parents=True)
        (tmp_path / "root" / place / source.name).write_bytes(source.read_bytes())
    system = tmp_path / "root/WINDOWS/system32"
    system.mkdir(parents=True)
    old = compile_library("__declspec(dllexport) int one(void) { return 1; }", "libcrypto.dll", *BARE, compiler=MINGW)
    (system / "libcrypto.dll").write_bytes(old.read_bytes())
    model = of_root(str(tmp_path / "root"))
    assert (model.kind, model.system_dirs) == (LoaderKind.WINDOWS, ("/WINDOWS/system32",))
    assert find_in(model, "LibCrypto").path == "/WINDOWS/system32/libcrypto.dll"
    assert find_in(model, "ssl").path is None
    found = first(explain("/env/DLLs/_ssl.pyd", model=model))
    assert (found.code, found.loader_message[:14]) == ("pe-missing-entry", "[WinError 127]")
    assert found.advice.startswith("/env/bin/libcrypto.dll has it: os.add_dll_directory('/env/bin') before")
    assert loads(explain("/env/DLLs/_ssl.pyd", model=replace(model, dll_directories=("/env/bin",))))
