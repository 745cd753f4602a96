"""Public reports of the eleventh search, chosen before anything was tried: those whose advice was wrong."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import Compile, needed
from tests.linker.test_reports_of_the_fifth_search import EXPORTS, put
from tests.linker.test_reports_of_the_ninth_search import versions
from tests.linker.test_reports_of_the_second_search import ONE, WANTS_ONE, WANTS_TWO, first, in_root, named
from tests.linker.test_reports_of_the_third_search import BARE, BOTH, INTEL_MAC, MINGW, mac  # noqa: F401  a fixture
from tests.linker.workshop import NOBODY, Workshop, loads, run

from loadstone.linker import LoaderModel, explain
from loadstone.linker.diagnoses.interpreters import its_loader
from loadstone.linker.discovery import of_root
from loadstone.linker.view import PretendedFiles


def test_node_sqlite3_1582_a_prebuilt_module_is_built_here(workshop: Workshop) -> None:
    old, new = versions(19)
    module = "/home/k/sql/node_modules/sqlite3/lib/binding/node_sqlite3.node"
    workshop.library("root/usr/lib/libstdc++.so.6", BOTH, version_script=new)
    workshop.library(f"root{module}", WANTS_TWO, needs=["root/usr/lib/libstdc++.so.6"], soname="")
    workshop.library("root/usr/lib/libstdc++.so.6", ONE, version_script=old)
    advice = first(explain(module, model=in_root(workshop))).advice
    assert advice.startswith("cd /home/k/sql && npm rebuild sqlite3 --build-from-source; or GLIBCXX_3.4.20 came with")


@pytest.mark.parametrize(
    ("path", "mark", "advice"),
    [
        ("/usr/lib/libgtk-4.so.1", "/.flatpak-info", "outside of the sandbox: flatpak repair"),
        ("/snap/codium/495/lib/liba.so", "/x", "snap remove codium && snap install codium"),
        ("/usr/lib/libgtk-4.so.1", "/var/lib/pacman/x", 'pacman -S "$(pacman -Qqo /usr/lib/libgtk-4.so.1)"'),
    ],
)
def test_extension_manager_630_a_damaged_file_of_a_runtime(path: str, mark: str, advice: str) -> None:
    model = LoaderModel(view=PretendedFiles({path: bytes(4096), mark: b""}))
    assert first(explain(path, model=model, as_library=True)).advice.startswith(advice)


def test_zrok_642_a_loader_that_has_another_name_here(workshop: Workshop) -> None:
    model = LoaderModel(view=PretendedFiles({"/lib/ld-linux-armhf.so.3": b""}))
    arm = replace(model, abi=replace(model.abi, loaders=("/lib/ld-linux-armhf.so.3", "/lib/ld-linux.so.3")))
    link = "ln -s /lib/ld-linux-armhf.so.3 /lib/ld-linux.so.3"
    assert its_loader(arm, "/lib/ld-linux.so.3", "/usr/bin/zrok").startswith(link)


def test_libcsp_783_a_program_with_privileges_takes_no_variable(workshop: Workshop) -> None:
    workshop.library("lib/libmine.so", ONE)
    source = "int one(void); int main(void) { return !one(); }"
    program = workshop.program("demo", source, needs=["lib/libmine.so"], runpath="$ORIGIN/lib")
    workshop.open_to_all()
    if os.statvfs(program).f_flag & os.ST_NOSUID or "NoNewPrivs:\t1" in Path("/proc/self/status").read_text():
        pytest.skip("this system gives a program no privileges: nosuid or no_new_privs")
    run([needed("setcap"), "cap_net_raw+ep", program])
    question = workshop.ask("demo", program=True, uid=NOBODY, env={"LD_LIBRARY_PATH": workshop.path("lib")})
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    assert "(AT_SECURE): neither LD_LIBRARY_PATH nor $ORIGIN counts" in found.explanation
    assert found.advice == f"echo {workshop.path('lib')} > /etc/ld.so.conf.d/lib.conf && ldconfig"
    run([needed("patchelf"), "--set-rpath", workshop.path("lib"), program])  # what such a line is worth to this program
    run([needed("setcap"), "cap_net_raw+ep", program])
    assert workshop.truth(question).loads


@pytest.mark.parametrize("there", [True, False])
def test_libosdp_25_the_prefix_tells_whose_a_function_is(workshop: Workshop, *, there: bool) -> None:
    module = "/usr/local/lib/python3.6/dist-packages/osdp.so"
    source = "int EVP_DecryptFinal_ex(void); int e(void) { return EVP_DecryptFinal_ex(); }"
    workshop.library(f"root{module}", source, soname="")
    if there:
        workshop.library("root/usr/lib/libcrypto.so.1.1", "int EVP_DecryptFinal_ex(void) { return 1; }")
    model = in_root(workshop)
    advice = first(explain(module, model=model)).advice
    if not there:
        assert advice == "it is of libcrypto, which osdp.so does not need: link it with -lcrypto"
        return
    assert advice.startswith("/usr/lib/libcrypto.so.1.1 defines it: link with -lcrypto, or patchelf --add-needed")
    run([needed("patchelf"), "--add-needed", "libcrypto.so.1.1", workshop.path(f"root{module}")])
    assert loads(explain(module, model=in_root(workshop)))


def test_bun_31282_an_image_without_a_package_manager() -> None:
    model = LoaderModel(view=PretendedFiles({"/var/lib/dpkg/status.d/libc6": b""}))
    advice = first(explain("libgcc_s.so.1", model=model, as_library=True)).advice
    assert advice.endswith("COPY --from=STAGE /usr/lib/*/libgcc_s.so.1 /usr/lib/")


def test_a_program_with_a_library_of_another_make_gets_the_upgrade_of_both(workshop: Workshop) -> None:
    workshop.library("root/usr/lib/liba.so.1", BOTH, version_script="A_1 { global: one; }; A_2 { global: two; } A_1;")
    workshop.library("root/usr/bin/tool.so", WANTS_TWO, needs=["root/usr/lib/liba.so.1"], soname="")
    workshop.library("root/usr/lib/liba.so.1", ONE, version_script="A_1 { global: one; };")
    workshop.file("root/usr/lib/sysimage/rpm/rpmdb.sqlite", b"")
    asked = " ".join(f"\"$(rpm -qf --qf '%{{NAME}}' {path})\"" for path in ("/usr/bin/tool.so", "/usr/lib/liba.so.1"))
    advice = first(explain("/usr/bin/tool.so", model=in_root(workshop))).advice
    assert advice.startswith(
        f"tool.so and liba.so.1 are not of one release: dnf upgrade {asked}; where tool.so was built"
    )


# Windows and macOS: the rules alone


def test_scancode_838_a_module_and_its_python_are_of_other_bits(compile_library: Compile, tmp_path: Path) -> None:
    source = "__declspec(dllexport) int PyInit_etree(void) { return 1; }"
    module = compile_library(source, "etree.pyd", *BARE, compiler=MINGW).read_bytes()
    put(tmp_path, "python.exe", module)
    machine = int.from_bytes(module[60:64], "little") + 4
    put(tmp_path, "Lib/site-packages/lxml/__init__.py", b"")
    other = module[:machine] + b"\x4c\x01" + module[machine + 2 :]
    put(tmp_path, "Lib/site-packages/lxml/etree.pyd", other)
    found = first(explain(str(tmp_path / "Lib/site-packages/lxml/etree.pyd")))
    assert found.loader_message == "[WinError 193] %1 is not a valid Win32 application"
    assert found.advice.startswith(f"install the x86-64 build of etree.pyd: {tmp_path}/python.exe -m pip install")
    assert f"or open it in an i386 program instead of {tmp_path}/python.exe" in found.advice


def test_go_gtk_307_a_library_of_system32_comes_before_that_of_path(compile_library: Compile, tmp_path: Path) -> None:
    one, two = (EXPORTS.format(name) for name in ("one", "two"))
    right = compile_library(one + two, "zlib1.dll", *BARE, compiler=MINGW)
    old = compile_library(one, "old.dll", *BARE, compiler=MINGW)
    source = "__declspec(dllimport) int two(void); __declspec(dllexport) int gio(void) { return two(); }"
    middle = compile_library(source, "gio.dll", str(right), *BARE, compiler=MINGW)
    start = "__declspec(dllimport) int gio(void); int mainCRTStartup(void) { return gio(); }"
    program = compile_library(start, "demo.dll", str(middle), *BARE, compiler=MINGW).read_bytes()
    header = int.from_bytes(program[60:64], "little") + 22  # Characteristics, where IMAGE_FILE_DLL is a bit
    flags = int.from_bytes(program[header : header + 2], "little") & ~0x2000
    put(tmp_path, "go/demo.exe", program[:header] + flags.to_bytes(2, "little") + program[header + 2 :])
    put(tmp_path, "msys/bin/zlib1.dll", right.read_bytes())
    put(tmp_path, "msys/bin/gio.dll", middle.read_bytes())
    put(tmp_path, "Windows/System32/zlib1.dll", old.read_bytes())
    put(tmp_path, "Windows/System32/ucrtbase.dll", b"")
    model = replace(of_root(str(tmp_path), target="/go/demo.exe"), env=(("PATH", r"C:\Windows\System32;C:\msys\bin"),))
    found = first(explain("/go/demo.exe", model=model))
    assert "procedure entry point two could not be located in the dynamic link library gio.dll" in found.loader_message
    first_one = "/Windows/System32/zlib1.dll comes first: rename that one, or copy the first beside /go/demo.exe"
    assert found.advice == f"/msys/bin/zlib1.dll has it, and {first_one}"
    (tmp_path / "Windows/System32/zlib1.dll").unlink()
    assert loads(explain("/go/demo.exe", model=model))


@pytest.mark.slow
def test_caffe_3806_a_formula_that_is_installed_and_not_linked(mac: Callable[..., str], tmp_path: Path) -> None:  # noqa: F811
    there = "/usr/local/opt/libpng/lib/libpng16.16.dylib"
    cellar = "root/usr/local/Cellar/libpng/1.6.21/lib/libpng16.16.dylib"
    library = mac(cellar, ONE, named(there), by=INTEL_MAC)
    user = "/usr/local/opt/opencv/lib/libhighgui.dylib"
    mac(f"root{user}", WANTS_ONE, library, named(user), by=INTEL_MAC)
    advice = first(explain(user, model=of_root(str(tmp_path / "root"), target=user))).advice
    assert advice == "brew link --overwrite libpng, or brew reinstall libpng"
