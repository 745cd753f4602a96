"""Public reports of the eighteenth search, chosen before anything was tried: what helped, asked in small."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import Compile
from tests.linker.test_reports_of_the_fifteenth_search import DEBIAN
from tests.linker.test_reports_of_the_fifth_search import EXPORTS, put
from tests.linker.test_reports_of_the_fourteenth_search import missing_in_root
from tests.linker.test_reports_of_the_second_search import ONE, WANTS_ONE, WANTS_TWO, first, in_root, named
from tests.linker.test_reports_of_the_third_search import (  # noqa: F401  a fixture
    BARE,
    BOTH,
    INTEL_MAC,
    MINGW,
    mac,
)
from tests.linker.test_reports_of_the_twelfth_search import takes
from tests.linker.workshop import Workshop, loads

from loadstone.linker import explain
from loadstone.linker.abi import I386
from loadstone.linker.discovery import of_root, with_program

OLD = "GLIBCXX_3.4 { global: one; };"
NEW = f"{OLD} GLIBCXX_3.4.33 {{ global: two; }} GLIBCXX_3.4;"


@pytest.mark.parametrize(("system", "package"), [("ubuntu", "libjpeg62"), ("debian", "libjpeg62-turbo")])
def test_wkhtmltopdf_53_a_package_that_ubuntu_has_from_other_sources(
    workshop: Workshop, system: str, package: str
) -> None:
    workshop.file("root/var/lib/dpkg/status", DEBIAN)
    workshop.file("root/etc/os-release", f"ID={system}\n".encode())
    advice = missing_in_root(workshop, "/var/www/wkhtmltopdf", "libjpeg.so.62", program=True).advice
    assert advice.startswith(f"apt-get update && apt-get install {package} ")


def test_ci_imgs_185_the_link_of_a_newer_library_is_gone(workshop: Workshop) -> None:
    wanted = workshop.library("conda/lib/libstdc++.so.6", BOTH, version_script=NEW)
    workshop.library("conda/lib/python3.12/b.so", WANTS_TWO, needs=["conda/lib/libstdc++.so.6"], soname="",
                     runpath="$ORIGIN/..")  # fmt: skip
    Path(wanted).rename(f"{wanted}.0.33")
    workshop.library("sys/libstdc++.so.6", ONE, version_script=OLD)
    model = replace(workshop.model(workshop.ask("b.so")), system_dirs=(workshop.path("sys"),))
    model = replace(model, cache=replace(model.cache, entries=()))
    asked = workshop.path("conda/lib/python3.12/b.so")
    advice = first(explain(asked, model=model)).advice
    assert advice.endswith(f": ln -s libstdc++.so.6.0.33 {wanted}")
    Path(wanted).symlink_to("libstdc++.so.6.0.33")
    assert loads(explain(asked, model=model))


# macOS and Windows: the rules alone


@pytest.mark.slow
@pytest.mark.parametrize(
    ("there", "advice"),
    [
        # Homebrew/homebrew-science 2271
        ("libplist-2_1.21.dylib", "which is older: brew update && brew upgrade libplist"),
        # libimobiledevice/ideviceinstaller 16
        ("libplist-2_3.dylib", "brew reinstall ideviceinstaller"),
    ],
)
def test_a_formula_is_known_behind_its_link(
    mac: Callable[..., str],  # noqa: F811
    tmp_path: Path,
    there: str,
    advice: str,
) -> None:
    wanted, cellar = "/usr/local/lib/libplist-2_2.22.dylib", "/usr/local/Cellar"
    gone = Path(mac("gone/x.dylib", ONE, named(wanted), by=INTEL_MAC))
    tool = f"{cellar}/ideviceinstaller/1.1.0/lib/libidevice.dylib"
    mac(f"root{tool}", WANTS_ONE, str(gone), by=INTEL_MAC)
    mac(f"root{cellar}/libplist/2.1.0/lib/{there}", ONE, by=INTEL_MAC)
    links = tmp_path / "root/usr/local/lib"
    links.mkdir(parents=True)
    (links / there).symlink_to(f"../Cellar/libplist/2.1.0/lib/{there}")
    (links / "libidevice.dylib").symlink_to("../Cellar/ideviceinstaller/1.1.0/lib/libidevice.dylib")
    model = of_root(str(tmp_path / "root"), target=tool)
    assert first(explain("/usr/local/lib/libidevice.dylib", model=model)).advice.endswith(advice)


@pytest.mark.slow
def test_pyo_243_a_name_of_c_that_nothing_has(mac: Callable[..., str], tmp_path: Path) -> None:  # noqa: F811
    home = "/Users/e/miniforge3/envs/myenv"
    module = f"{home}/lib/python3.8/site-packages/pyo/_pyo.cpython-38-darwin.so"
    source = "int PyObject_Free(void) { return 1; } int PyModule_Create2(void) { return 1; }"
    mac(f"root{home}/bin/python3.8", f"{source} int main(void) {{ return 0; }}")
    mac(f"root{module}", takes("PyModule_Create2", "Pm_Close"), "-Wl,-undefined,dynamic_lookup")
    put(tmp_path, f"root{home}/lib/python3.8/site-packages/pyo-1.0.4.dist-info/RECORD",
        b"pyo/_pyo.cpython-38-darwin.so,,\n")  # fmt: skip
    model = with_program(of_root(str(tmp_path / "root"), target=module), f"{home}/bin/python3.8")
    found = first(explain(module, model=model))
    assert found.loader_message.endswith("symbol not found in flat namespace '_Pm_Close'")
    assert "--no-binary pyo, where that library is installed" in found.advice


@pytest.mark.slow
def test_a_library_without_two_levels_may_mean_the_system(mac: Callable[..., str], tmp_path: Path) -> None:  # noqa: F811
    module = tmp_path / "root/m.so"
    source = "int PyObject_Free(void) { return 1; } int PyModule_Create2(void) { return 1; }"
    mac("root/bin/python3.8", f"{source} int main(void) {{ return 0; }}")
    mac("root/m.so", takes("PyModule_Create2", "malloc"), "-Wl,-undefined,dynamic_lookup")
    model = with_program(of_root(str(tmp_path / "root"), target="/m.so"), "/bin/python3.8")
    content = bytearray(module.read_bytes())
    content[24] &= 0x7F  # MH_TWOLEVEL
    module.write_bytes(content)
    codes = [d.code for d in explain("/m.so", model=model).diagnoses]
    assert "macho-symbol" not in codes


def test_mxb_app_158_a_run_time_that_is_installed_for_manifests_alone(compile_library: Compile, tmp_path: Path) -> None:
    library = compile_library(EXPORTS.format("two"), "MSVCR90.dll", *BARE, compiler=MINGW)
    source = "__declspec(dllimport) int two(void); int f(void) { return two(); }"
    put(tmp_path, "game/x.dll", compile_library(source, "x.dll", str(library), *BARE, compiler=MINGW).read_bytes())
    put(tmp_path, "Windows/System32/kernel32.dll", b"")
    found = first(explain("/game/x.dll", model=of_root(str(tmp_path), target="/game/x.dll")))
    assert found.advice.startswith("put MSVCR90.dll beside the library: the redistributable of 2008 installs it for")


# The nineteenth search


def test_ord_1457_the_c_library_itself_is_of_the_release_that_is_asked_about(workshop: Workshop) -> None:
    from loadstone.linker.discovery import this_process, with_loader

    path = workshop.program("ord", "int main(void) { return 0; }")
    answer = explain(path, model=with_loader(this_process(), "glibc-2.12"))
    assert {d.explanation.partition(" ")[0] for d in answer.diagnoses} <= {"ord"}


def test_gitless_105_a_library_that_pyinstaller_unpacked(workshop: Workshop) -> None:
    from loadstone.linker.discovery import this_process, with_loader

    source = '__asm__(".symver new, memcpy@GLIBC_2.14"); extern void *new(void *, void *, unsigned long);'
    path = workshop.library("_MEIh5/libz.so.1", f"{source} void *e(void) {{ return new(0, 0, 0); }}", libc=True)
    advice = first(explain(path, model=with_loader(this_process(), "glibc-2.12"))).advice
    assert "the PyInstaller program that unpacked it is to be built where glibc is 2.12 or older" in advice


def test_sage_on_gentoo_570_a_module_of_the_system_is_built_anew_by_it(workshop: Workshop) -> None:
    workshop.folder_of("root/var/db/pkg/x")
    workshop.library("root/usr/lib/libsymmetrica.so.3", ONE)
    module = "/usr/lib64/python3.6/site-packages/sage/libs/symmetrica.so"
    advice = missing_in_root(workshop, module, "libsymmetrica.so.2.0").advice
    assert advice.startswith("emerge @preserved-rebuild")


def test_arrayfire_python_131_a_name_with_the_number_of_another_release(workshop: Workshop) -> None:
    workshop.library("root/opt/arrayfire/lib/libforge.so.0", ONE)
    model = replace(in_root(workshop), env=(("LD_LIBRARY_PATH", "/opt/arrayfire/lib"),))
    advice = first(explain("libforge.so.3", model=model)).advice
    assert advice.startswith("ask for libforge.so.0, or ln -s libforge.so.0 /opt/arrayfire/lib/libforge.so.3, where")


def test_brcode_25_a_name_of_the_folder_one_is_in(workshop: Workshop) -> None:
    workshop.library("libbrcode.so", ONE)
    model = replace(workshop.model(workshop.ask("x")), cwd=str(workshop.folder))
    assert first(explain("libbrcode.so", model=model)).advice.endswith(f"or LD_LIBRARY_PATH={workshop.folder}")
    model = replace(model, env=(("LD_LIBRARY_PATH", str(workshop.folder)),))
    assert loads(explain("libbrcode.so", model=model))


def test_arena_helper_48_a_run_time_in_a_folder_for_one_processor(compile_library: Compile, tmp_path: Path) -> None:
    library = compile_library(EXPORTS.format("two"), "MSVCP120.dll", *BARE, compiler=MINGW)
    source = "__declspec(dllimport) int two(void); int f(void) { return two(); }"
    put(tmp_path, "p/x.dll", compile_library(source, "x.dll", str(library), *BARE, compiler=MINGW).read_bytes())
    put(tmp_path, "p/x64/msvcp120.dll", library.read_bytes())
    put(tmp_path, "Windows/System32/kernel32.dll", b"")
    model = of_root(str(tmp_path), target="/p/x.dll")
    assert first(explain("/p/x.dll", model=model)).advice.startswith("MSVCP120.dll is in /p/x64: copy it beside")
    content = bytearray(library.read_bytes())
    at = int.from_bytes(content[0x3C:0x40], "little") + 4
    content[at : at + 2] = (0x14C).to_bytes(2, "little")  # of 32 bits
    put(tmp_path, "p/x64/msvcp120.dll", bytes(content))
    assert first(explain("/p/x.dll", model=model)).advice.startswith("install the Visual C++ redistributable of 2013")


def test_qtox_456_a_dll_of_another_release_beside_it(compile_library: Compile, tmp_path: Path) -> None:
    both = "__declspec(dllexport) int two(void) { return 2; } __declspec(dllexport) int one(void) { return 1; }"
    library = compile_library(both, "tox.dll", *BARE, compiler=MINGW)
    source = "__declspec(dllimport) int two(void), one(void); int f(void) { return two() + one(); }"
    put(tmp_path, "q/x.dll", compile_library(source, "x.dll", str(library), *BARE, compiler=MINGW).read_bytes())
    put(tmp_path, "q/tox.dll", compile_library(EXPORTS.format("one"), "tox.dll", *BARE, compiler=MINGW).read_bytes())
    found = first(explain(str(tmp_path / "q/x.dll")))
    assert found.advice.endswith(": tox.dll and x.dll are of two releases, so take both from one, installed anew")


# The twentieth search


def test_void_packages_27260_a_folder_below_the_one_for_32_bits(workshop: Workshop) -> None:
    flags = ("-m32",)
    asker = workshop.library("gone/libpulsecommon-14.0.so", ONE, *flags)
    workshop.library("root/opt/steam/steamui.so", WANTS_ONE, *flags, needs=["gone/libpulsecommon-14.0.so"], soname="")
    Path(asker).unlink()
    workshop.library("root/usr/lib/libpulsecommon-14.0.so", ONE)
    there = "/usr/lib32/pulseaudio/libpulsecommon-14.0.so"
    workshop.library(f"root{there}", ONE, *flags)
    model = replace(in_root(workshop), abi=I386, system_dirs=("/usr/lib32", "/usr/lib"))
    found = first(explain("/opt/steam/steamui.so", model=model))
    assert found.code == "wrong-class"
    assert found.advice.startswith(f"{there} is of 32 bits: LD_LIBRARY_PATH=/usr/lib32/pulseaudio")


def test_primme_21_a_library_without_a_number(workshop: Workshop) -> None:
    workshop.file("root/var/lib/dpkg/status", DEBIAN)
    workshop.library("root/usr/local/lib/libprimme.so", ONE)
    module = "/usr/lib/python3/dist-packages/_Primme.so"
    advice = missing_in_root(workshop, module, "libprimme.so.2").advice
    assert advice.startswith("link _Primme.so anew with /usr/local/lib/libprimme.so; or ln -s libprimme.so /usr/local")


# Names that tell whose a library is


@pytest.mark.parametrize(
    ("asker", "name", "advice"),
    [
        ("/opt/x/libx.so", "libtorch_cuda_cu.so", "it is of PyTorch"),
        ("/opt/x/libx.so", "libcaffe2.so", "it is of PyTorch"),
        ("/opt/ros/noetic/lib/libx.so", "libroscpp.so",
         "source /opt/ros/noetic/setup.bash; where it is not installed: apt-get install ros-noetic-roscpp"),
        ("/opt/x/libx.so", "libinner.so", "libinner.so has no version in its name, as the libraries of one project"),
    ],
)  # fmt: skip
def test_what_a_name_without_a_version_says(workshop: Workshop, asker: str, name: str, advice: str) -> None:
    workshop.file("root/var/lib/dpkg/status", DEBIAN)
    assert missing_in_root(workshop, asker, name).advice.startswith(advice)
