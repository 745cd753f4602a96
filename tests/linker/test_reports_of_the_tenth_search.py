"""Public reports of the tenth search, chosen before anything was tried: those whose advice or verdict was wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import Compile
from tests.linker.test_reports_of_the_fifth_search import EXPORTS, put
from tests.linker.test_reports_of_the_ninth_search import MULTI, debian, gone, versions
from tests.linker.test_reports_of_the_second_search import ONE, WANTS_ONE, WANTS_TWO, first, in_root, named
from tests.linker.test_reports_of_the_third_search import BARE, BOTH, INTEL_MAC, MINGW, mac  # noqa: F401  a fixture
from tests.linker.workshop import HOST_SOURCE, Workshop, loads

from loadstone.linker import LoaderModel, explain
from loadstone.linker.discovery import of_root, with_loader, with_program
from loadstone.linker.packages import install_by_system
from loadstone.linker.view import PretendedFiles


@pytest.mark.parametrize(
    ("release", "advice"),
    [
        ('ID=ubuntu\nVERSION_ID="22.04"\n', "this release has no libssl1.1 any more, Debian 11, Ubuntu 20.04 are the"),
        ("ID=debian\nVERSION_ID=12\n", "this release has no libssl1.1 any more, Debian 11, Ubuntu 20.04 are the last"),
        ("ID=debian\nVERSION_ID=11\n", "apt-get update && apt-get install libssl1.1 ("),
        ("ID=other\n", "apt-get update && apt-get install libssl1.1 ("),
    ],
)
def test_quiet_990_a_library_that_this_release_has_no_more(release: str, advice: str) -> None:
    view = PretendedFiles({"/var/lib/dpkg/status": b"", "/etc/os-release": release.encode()})
    abi = LoaderModel().abi
    for name in ("libssl.so.1.1", "libcrypto.so.1.1"):
        assert install_by_system(view, name, abi).startswith(advice)
    known = PretendedFiles({"/var/lib/apt/lists/x_Packages": b"Package: libc6\n", "/var/lib/dpkg/status": b""})
    said = first(explain("libssl.so.1.1", model=LoaderModel(view=known))).advice
    assert said.startswith("this release has no libssl1.1 any more") == ("Debian" in said)


def test_dlib_2719_another_release_of_the_kit_lies_beside_it(workshop: Workshop) -> None:
    script = "libcudnn.so.8 { global: *; };"
    right = "/usr/local/cuda-11.0/lib/libcudnn_ops.so.8"
    workshop.library(f"root{right}", BOTH, version_script=script)
    workshop.library("root/usr/local/cuda-11.1/lib64/libcudnn_cnn.so.8", WANTS_TWO, needs=[f"root{right}"])
    workshop.library("root/usr/local/cuda-11.1/lib64/libcudnn_ops.so.8", ONE, version_script=script)
    folder = "/usr/local/cuda-11.1/lib64"
    model = replace(in_root(workshop), env=(("LD_LIBRARY_PATH", folder),))
    found = first(explain(f"{folder}/libcudnn_cnn.so.8", model=model))
    assert found.advice.startswith(f"{right} has it: LD_PRELOAD={right}")


def test_ncorr_4_a_program_keeps_its_run_path(workshop: Workshop) -> None:
    old, new = versions(20)
    right = workshop.library("system/libcxx.so.6", BOTH, version_script=new)
    workshop.library("mex/nc.mexa64", WANTS_TWO, needs=["system/libcxx.so.6"], soname="")
    needs = [workshop.library("matlab/sys/libcxx.so.6", ONE, version_script=old)]
    host = workshop.program("matlab/bin/MATLAB", HOST_SOURCE, needs=needs, rpath="$ORIGIN/../sys")
    question = workshop.ask("mex/nc.mexa64", host=host, env={"LD_LIBRARY_PATH": workshop.path("system")})
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    bundled = workshop.path("matlab/sys/libcxx.so.6")
    assert found.advice.endswith(f"leave {bundled} out of what MATLAB brings with it, or LD_PRELOAD={right}")
    assert workshop.truth(replace(question, env={"LD_PRELOAD": right})).loads
    assert loads(workshop.answer(replace(question, env={"LD_PRELOAD": right})))


def test_wayland_scroll_factor_5_a_preload_needs_a_newer_c_library(workshop: Workshop) -> None:
    script = "GLIBC_2.31 { global: *; };"
    workshop.library("new/libsome.so.6", BOTH, version_script="GLIBC_2.34 { global: *; };")
    preload = workshop.library("user/libwsf.so", WANTS_TWO, needs=["new/libsome.so.6"])
    workshop.library("snap/libsome.so.6", ONE, version_script=script)
    source = "int one(void); int main(void) { return !one(); }"
    workshop.program("snap/codium", source, needs=["snap/libsome.so.6"], runpath="$ORIGIN")
    question = workshop.ask("snap/codium", program=True, env={"LD_PRELOAD": preload})
    found = first(workshop.answer(question))
    assert (found.code, found.loader_message) == ("glibc-too-old", workshop.truth(question).message)
    assert found.advice == f"LD_PRELOAD brings {preload} into every program: unset LD_PRELOAD"
    assert workshop.truth(replace(question, env={})).loads


def test_lutris_905_a_preload_that_a_program_of_32_bits_does_not_find(workshop: Workshop) -> None:
    workshop.library(f"root{MULTI}/libnocsd.so.0", ONE)
    workshop.file("root/lib/ld-linux.so.2", b"")
    workshop.program("root/usr/bin/tool", "int main(void) { return 0; }", "-m32", "-nostdlib", "-Wl,-e,main")
    debian(workshop, libnocsd0=f"{MULTI}/libnocsd.so.0")
    model = with_program(of_root(workshop.path("root"), target="/usr/bin/tool"), "/usr/bin/tool")
    (found,) = explain(
        "/usr/bin/tool", model=replace(model, main_image=None, env=(("LD_PRELOAD", "libnocsd.so.0"),))
    ).diagnoses
    assert "object 'libnocsd.so.0' from LD_PRELOAD cannot be preloaded (cannot open" in found.loader_message
    bring = "dpkg --add-architecture i386 && apt-get update && apt-get install libnocsd0:i386"
    assert found.advice == f"unset LD_PRELOAD; or bring it: {bring}"


# Windows and macOS: the rules alone


def test_camotics_229_windows_before_10_has_no_universal_run_time(compile_library: Compile, tmp_path: Path) -> None:
    runtime = "api-ms-win-crt-runtime-l1-1-0.dll"
    dll = compile_library(EXPORTS.format("two"), runtime, *BARE, compiler=MINGW)
    source = "__declspec(dllimport) int two(void); __declspec(dllexport) int x(void) { return two(); }"
    put(tmp_path, "app/x.dll", compile_library(source, "x.dll", str(dll), *BARE, compiler=MINGW).read_bytes())
    put(tmp_path, "Windows/System32/kernel32.dll", b"")
    found = first(explain("/app/x.dll", model=of_root(str(tmp_path), target="/app/x.dll")))
    assert found.advice.startswith("install the Universal C Runtime, which Windows has by itself since version 10")
    put(tmp_path, "Windows/System32/ucrtbase.dll", b"")
    assert loads(explain("/app/x.dll", model=of_root(str(tmp_path), target="/app/x.dll")))


@pytest.mark.slow
def test_camera_live_73_a_symbol_of_a_newer_macos(mac: Callable[..., str]) -> None:  # noqa: F811
    source = "extern int ___chkstk_darwin(void); int one(void) { return ___chkstk_darwin(); }"
    flags = ("-Wl,-undefined,dynamic_lookup", "-mmacosx-version-min=10.15")
    library = mac("lib.dylib", source, named("@executable_path/lib.dylib"), *flags, by=INTEL_MAC)
    old, new = (with_loader(LoaderModel.this_process(env={}), f"dyld-{release}") for release in ("10.13", "10.15"))
    found = first(explain(library, model=old, as_library=True))
    assert found.loader_message.startswith(f"Symbol not found: ____chkstk_darwin\n  Referenced from: {library} (which")
    assert found.loader_message.endswith("Expected in: /usr/lib/libSystem.B.dylib")
    assert found.advice.startswith("build it with MACOSX_DEPLOYMENT_TARGET=10.13")
    assert explain(library, model=new, as_library=True).first_blocking is None


def test_a_library_of_another_packages_bundle_is_never_linked_with(workshop: Workshop) -> None:
    site = "env/lib/python3.9/site-packages"
    workshop.library(f"{site}/other.libs/libpng16-abc.so", "int png_two(void) { return 2; }")
    workshop.library(f"{site}/mine/m.so", "int png_two(void); int e(void) { return png_two(); }", soname="")
    question = workshop.ask(f"{site}/mine/m.so")
    assert "other.libs" not in first(workshop.answer(question)).advice
    workshop.library(f"{site}/mine.libs/libpng16-def.so", "int png_two(void) { return 2; }")
    assert "mine.libs/libpng16-def.so defines it" in first(workshop.answer(question)).advice
    gone(workshop, f"{site}/mine.libs/libpng16-def.so")


def test_a_stale_cache_is_made_anew_where_the_library_lies_elsewhere(workshop: Workshop) -> None:
    missing = workshop.library("libx.so.1", ONE)
    workshop.library("root/opt/x.so", WANTS_ONE, needs=["libx.so.1"], soname="")
    entry = replace_cache(in_root(workshop), "libx.so.1", "/usr/lib/gone/libx.so.1")
    Path(missing).unlink()
    debian(workshop, libx1="/usr/lib/gone/libx.so.1")
    found = first(explain("/opt/x.so", model=entry))
    assert (found.code, found.advice) == ("stale-cache", "apt-get install --reinstall libx1 && ldconfig")


def replace_cache(model: LoaderModel, name: str, path: str) -> LoaderModel:
    from loadstone.linker.cache import CacheEntry

    entry = CacheEntry(name=name, path=path, flags=model.abi.cache_flags)
    return replace(model, cache=replace(model.cache, entries=(entry,)))
