"""Public reports of the twelfth search, chosen before anything was tried: those whose advice was wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import needed
from tests.linker.test_reports_of_the_ninth_search import debian
from tests.linker.test_reports_of_the_second_search import ONE, WANTS_ONE, first, in_root
from tests.linker.test_reports_of_the_third_search import INTEL_MAC, mac  # noqa: F401  a fixture
from tests.linker.workshop import HOST_SOURCE, Workshop, loads, run

from loadstone.linker import LoaderModel, explain
from loadstone.linker.discovery import of_root, with_program
from loadstone.linker.view import PretendedFiles

SNDFILE = "of its -dev package"


def makes(*names: str) -> str:
    return " ".join(f"int {name}(void) {{ return 1; }}" for name in names)


def takes(*names: str) -> str:
    calls = " + ".join(f"{name}()" for name in names)
    return f"{' '.join(f'int {name}(void);' for name in names)} int e(void) {{ return {calls}; }}"


@pytest.mark.parametrize(
    ("lists", "advice"),
    [
        ({}, "apt-get update && apt-cache search '^libsndfile-?[0-9]' names the package"),
        ({"/var/lib/apt/lists/x_Packages": b"Package: libsndfile1\n\nPackage: libsndfile1-dev\n"},
         "apt install libsndfile1: it has the library with its version"),
    ],
)  # fmt: skip
def test_hunyuanvideo_avatar_21_a_library_without_its_version(lists: dict[str, bytes], advice: str) -> None:
    model = LoaderModel(view=PretendedFiles({"/var/lib/dpkg/status": b"Package: libc6\n", **lists}))
    found = first(explain("libsndfile.so", model=model, as_library=True))
    assert found.advice == f"{advice}; libsndfile.so without a version is for building, and {SNDFILE}"


def test_step_audio_editx_3_a_wheel_for_another_toolkit(workshop: Workshop) -> None:
    site = "/v/lib/python3.10/site-packages"
    user = f"{site}/onnxruntime/capi/libproviders_cuda.so"
    gone = workshop.library("libcublasLt.so.11", ONE)
    workshop.library(f"root{user}", WANTS_ONE, needs=["libcublasLt.so.11"])
    Path(gone).unlink()
    workshop.library("root/usr/local/cuda-12.1/lib64/libcublasLt.so.12", ONE)
    workshop.file(f"root{site}/onnxruntime_gpu-1.17.0.dist-info/RECORD", b"onnxruntime/capi/libproviders_cuda.so,,\n")
    advice = first(explain(user, model=in_root(workshop))).advice
    assert advice.startswith(
        "install a build of libproviders_cuda.so for libcublasLt.so.12, which is another interface"
    )
    assert "python3.10 -m pip install --force-reinstall --no-cache-dir onnxruntime_gpu; or libcublasLt.so.11" in advice


def test_ext_decimal_47_a_module_that_is_loaded_first(workshop: Workshop) -> None:
    modules = "/usr/lib64/php/modules"
    workshop.library(f"root{modules}/json.so", makes("php_json"), soname="")
    workshop.library(f"root{modules}/decimal.so", takes("php_json"), soname="")
    advice = first(explain(f"{modules}/decimal.so", model=in_root(workshop))).advice
    assert advice.startswith(f"{modules}/json.so defines it: load json.so first, in what configures the program; or")


def test_hypopg_61_an_extension_for_another_release_of_its_program(workshop: Workshop) -> None:
    home = "/usr/lib/postgresql/13"
    workshop.program(f"root{home}/bin/postgres", HOST_SOURCE + makes("errstart", "errfinish"), "-rdynamic")
    module = f"{home}/lib/hypopg.so"
    workshop.library(f"root{module}", takes("errstart_cold", "errfinish"), soname="")
    model = with_program(in_root(workshop), f"{home}/bin/postgres")
    assert first(explain(module, model=model, as_library=True)).advice == (
        f"{home}/bin/postgres has errfinish and not this one, so hypopg.so was built for another release of postgres:"
        f" make clean && make PG_CONFIG={home}/bin/pg_config install, in the sources of hypopg"
    )
    workshop.library(f"root{module}", takes("errstart", "errfinish"), soname="")
    assert loads(explain(module, model=with_program(in_root(workshop), f"{home}/bin/postgres"), as_library=True))


def test_nlua_5_a_module_for_another_lua(workshop: Workshop) -> None:
    luajit = "root/usr/lib/libluajit-5.1.so.2"
    workshop.library(luajit, makes("lua_newuserdata", "lua_pushnil"))
    workshop.program("root/usr/bin/nvim", HOST_SOURCE, needs=[luajit])
    module = "/usr/local/lib/lua/5.4/regkex.so"
    workshop.library(f"root{module}", takes("lua_newuserdatauv", "lua_pushnil"), soname="")
    model = with_program(in_root(workshop), "/usr/bin/nvim")
    assert first(explain(module, model=model, as_library=True)).advice == (
        "/usr/lib/libluajit-5.1.so.2 has lua_pushnil and not this one, so regkex.so was built for another release of"
        " libluajit-5.1.so.2: luarocks install --lua-version=5.1 --force regkex"
    )


def test_a_module_of_python_with_a_function_of_nobody_is_not_called_one_for_another_python(workshop: Workshop) -> None:
    workshop.program("root/usr/bin/python3.12", HOST_SOURCE + makes("PyLong_New", "PyObject_Free"), "-rdynamic")
    workshop.library("root/m.so", takes("my_own_function", "PyLong_New"), soname="")
    model = with_program(in_root(workshop), "/usr/bin/python3.12")
    advice = first(explain("/m.so", model=model, as_library=True)).advice
    assert advice.startswith("link the file with the library that defines it")


def test_gstreamer_media_sdk_178_another_part_of_the_library_that_is_needed(workshop: Workshop) -> None:
    workshop.library("root/usr/lib/libxcb-dri3.so.0", makes("xcb_dri3_open"))
    workshop.library("root/usr/lib/libxcb.so.1", makes("xcb_connect", "xcb_flush"))
    plugin = "/usr/lib/gstreamer-1.0/libgstmfx.so"
    workshop.library(f"root{plugin}", takes("xcb_dri3_open", "xcb_connect"), needs=["root/usr/lib/libxcb.so.1"])
    advice = first(explain(plugin, model=in_root(workshop))).advice
    command = f"patchelf --add-needed libxcb-dri3.so.0 {plugin}"
    assert advice == f"/usr/lib/libxcb-dri3.so.0 defines it: link with -lxcb-dri3, or {command}"
    run([needed("patchelf"), "--add-needed", "libxcb-dri3.so.0", workshop.path(f"root{plugin}")])
    assert loads(explain(plugin, model=in_root(workshop)))


def test_malmo_427_a_variant_of_the_library_and_a_package_that_is_there(workshop: Workshop) -> None:
    gone = workshop.library("libboost_python.so.1.61.0", ONE)
    workshop.library("root/home/a/MalmoPython.so", WANTS_ONE, needs=["libboost_python.so.1.61.0"], soname="")
    Path(gone).unlink()
    variant = "/usr/lib/libboost_python-py27.so.1.61.0"
    debian(workshop, **{"libboost-python1.61.0": variant})
    advice = first(explain("/home/a/MalmoPython.so", model=in_root(workshop))).advice
    assert advice.startswith("install the package that has libboost_python.so.1.61.0")  # and not this one once more
    workshop.library(f"root{variant}", ONE)
    found = first(explain("/home/a/MalmoPython.so", model=in_root(workshop)))
    link = "ln -s libboost_python-py27.so.1.61.0 /usr/lib/libboost_python.so.1.61.0"
    assert found.advice == f"{link}, if it is built the same way"
    Path(workshop.path("root/usr/lib/libboost_python.so.1.61.0")).symlink_to("libboost_python-py27.so.1.61.0")
    assert loads(explain("/home/a/MalmoPython.so", model=in_root(workshop)))


def test_mcx_39_a_program_that_uses_parts_of_another_c_library(workshop: Workshop) -> None:
    private = "GLIBC_PRIVATE { global: *; };"
    workshop.library("new/libc.so.6", makes("__get_cpu_features"), version_script=private)
    source = "int __get_cpu_features(void); int main(void) { return __get_cpu_features(); }"
    flags = ("-nostdlib", "-nostartfiles", "-Wl,-e,main")
    workshop.program("root/opt/mcx/mcx", source, *flags, needs=["new/libc.so.6"])
    workshop.library("root/usr/lib/libc.so.6", makes("other"), version_script=private)
    workshop.file("root/lib64/ld-linux-x86-64.so.2", b"")
    advice = first(explain("/opt/mcx/mcx", model=in_root(workshop))).advice
    assert "uses parts of it that are no interface (GLIBC_PRIVATE): build it on this system, or take a build" in advice


@pytest.mark.parametrize(
    ("beside", "advice"),
    [
        ("root/lib/ld-musl-x86_64.so.1", "CGO_ENABLED=0 go build; or apk add gcompat"),
        ("root/lib/x", "CGO_ENABLED=0 go build; or run it in an image that has /lib64/ld-linux-x86-64.so.2"),
    ],
)
def test_gin_1178_a_program_in_go_needs_no_loader(workshop: Workshop, beside: str, advice: str) -> None:
    note = '.section .note.go.buildid,\\"a\\",@note\\n.long 4,4,4\\n.asciz \\"Go\\"\\n.byte 0\\n.long 0\\n.text'
    workshop.program("root/bin/demo", f'int main(void) {{ return 0; }} __asm__("{note}");')
    workshop.file(beside, b"")
    found = first(explain("/bin/demo", model=of_root(workshop.path("root"), target="/bin/demo")))
    assert found.code == "interp-missing"
    assert found.advice == f"build it without C, so that it names no loader: {advice}"


def test_chainguard_125_an_image_with_nothing_besides_the_program(workshop: Workshop) -> None:
    workshop.program("root/demo", "int main(void) { return 0; }")
    found = first(explain("/demo", model=of_root(workshop.path("root"), target="/demo")))
    assert (found.code, found.loader_message) == ("interp-missing", "/demo: No such file or directory")
    assert found.advice.endswith("link it statically (-static), or take a base image with /lib64/ld-linux-x86-64.so.2")


@pytest.mark.slow
@pytest.mark.parametrize("has_xcode", [True, False])
def test_carting_43_a_tool_of_the_wrong_developer_folder(
    mac: Callable[..., str],  # noqa: F811
    tmp_path: Path,
    *,
    has_xcode: bool,
) -> None:
    library = mac("llbuild.dylib", ONE, "-Wl,-install_name,@rpath/llbuild.framework/Versions/A/llbuild", by=INTEL_MAC)
    tool = "/Library/Developer/CommandLineTools/usr/bin/swift-build"
    mac(f"root{tool}", "int one(void); int main(void) { return one(); }", library, by=INTEL_MAC)
    if has_xcode:
        (tmp_path / "root/Applications/Xcode.app").mkdir(parents=True)
    advice = first(explain(tool, model=of_root(str(tmp_path / "root"), target=tool))).advice
    select = "sudo xcode-select -s /Applications/Xcode.app/Contents/Developer"
    assert advice.startswith(select if has_xcode else f"install Xcode, and {select}")


@pytest.mark.slow
def test_a_program_without_the_swift_of_its_system(mac: Callable[..., str], tmp_path: Path) -> None:  # noqa: F811
    library = mac("s.dylib", ONE, "-Wl,-install_name,@rpath/libswiftCore.dylib", by=INTEL_MAC)
    mac("root/Users/a/demo", "int one(void); int main(void) { return one(); }", library, by=INTEL_MAC)
    model = replace(of_root(str(tmp_path / "root"), target="/Users/a/demo"), env=())
    assert "xcrun swift-stdlib-tool --copy" in first(explain("/Users/a/demo", model=model)).advice
