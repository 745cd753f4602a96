"""Public reports of the fifteenth search, chosen before anything was tried: what helped, asked in small."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import Compile
from tests.linker.test_reports_of_the_fifth_search import EXPORTS, put
from tests.linker.test_reports_of_the_fourteenth_search import missing_in_root
from tests.linker.test_reports_of_the_second_search import ONE, WANTS_TWO, first, in_root
from tests.linker.test_reports_of_the_third_search import BARE, BOTH, INTEL_MAC, MINGW, mac  # noqa: F401  a fixture
from tests.linker.test_reports_of_the_twelfth_search import makes, takes
from tests.linker.workshop import HOST_SOURCE, Workshop, loads

from loadstone.core.trace import Explanation
from loadstone.linker import explain
from loadstone.linker.discovery import of_root, with_program

DEBIAN = b"Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\n"
STARTS_ONE = "int one(void); int main(void) { return one(); }"


def test_pyicu_127_a_module_built_for_an_older_library(workshop: Workshop) -> None:
    site = "/home/b/.local/lib/python3.8/site-packages"
    workshop.folder_of("root/var/lib/pacman/local/x")
    workshop.library("root/usr/lib/libicui18n.so.67", ONE)
    workshop.file(f"root{site}/PyICU-2.4.3.dist-info/RECORD", b"icu/_icu.so,,\n")
    advice = missing_in_root(workshop, f"{site}/icu/_icu.so", "libicui18n.so.65").advice
    assert "-m pip install --force-reinstall --no-cache-dir PyICU, which builds it for libicui18n.so.67" in advice


def test_wxmedit_155_a_program_built_for_an_older_library(workshop: Workshop) -> None:
    workshop.folder_of("root/var/lib/pacman/local/x")
    workshop.library("root/usr/lib/libicui18n.so.58", ONE)
    advice = missing_in_root(workshop, "/usr/bin/wxmedit", "libicui18n.so.57", program=True).advice
    assert "a build of wxmedit for libicui18n.so.58" in advice


@pytest.mark.parametrize(
    "record", ["", '{"url": "file:///src/nv", "dir_info": {}}', '{"url": "https://x/nv", "vcs_info": {}}']
)
def test_nv_wavenet_92_a_module_built_here_for_another_release(workshop: Workshop, record: str) -> None:
    site, wanted = "v/lib/python3.6/site-packages", "_ZN2at19UndefinedTensorImpl10_singletonE"
    workshop.library(f"{site}/torch/lib/libcaffe2.so", makes("_ZN2at4emptyEv"))
    workshop.file(f"{site}/torch/__init__.py", b"")
    workshop.file(f"{site}/torch-1.1.0.dist-info/RECORD", b"torch/lib/libcaffe2.so,,\n")
    module = f"{site}/nv/ext.so" if record else f"{site}/nv_ext-0.0.0-py3.6-linux-x86_64.egg/nv_ext.so"
    workshop.library(module, takes(wanted), soname="")
    workshop.file(f"{site}/nv-0.dist-info/RECORD", b"nv/ext.so,,\n")
    workshop.file(f"{site}/nv-0.dist-info/direct_url.json", record.encode())
    question = workshop.ask(module)
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    command = "rm -r build && python3.6 setup.py install"
    if record:
        command = "--no-build-isolation " + ("/src/nv" if "dir_info" in record else "git+https://x/nv")
    assert f"{command}; import torch before it" in found.advice


@pytest.mark.parametrize(
    ("asker", "name", "advice"),
    [
        ("/usr/local/bin/colmap", "libcurl.so.4", "apt-get update && apt-get install libcurl4"),  # colmap/colmap 3118
        ("/ws/devel/lib/node", "libhighgui.so.3.2", "LD_LIBRARY_PATH=/usr/local/lib"),  # ayushgaud/darknet_ros 4
    ],
)
def test_a_library_that_the_image_lacks_or_has_elsewhere(
    workshop: Workshop, asker: str, name: str, advice: str
) -> None:
    workshop.file("root/var/lib/dpkg/status", DEBIAN)
    workshop.library("root/usr/local/lib/libhighgui.so.3.2", ONE)
    assert missing_in_root(workshop, asker, name, program=True).advice.startswith(advice)


def test_docker_alpine_java_16_what_a_library_of_java_needs(workshop: Workshop) -> None:
    workshop.folder_of("root/lib/apk/db/x")
    assert missing_in_root(workshop, "/tmp/leveldbjni", "libstdc++.so.6").advice == "apk add so:libstdc++.so.6"


def test_x11basic_21_a_library_for_the_other_class_alone(workshop: Workshop) -> None:
    workshop.file("root/var/lib/dpkg/status", DEBIAN)
    workshop.library("root/usr/lib/libusb-0.1.so.4", ONE, "-m32", "-nostdlib")
    found = missing_in_root(workshop, "/usr/bin/xbasic", "libusb-0.1.so.4", program=True)
    assert "apt-get install libusb-0.1-4" in found.advice
    assert found.loader_message.endswith("libusb-0.1.so.4: wrong ELF class: ELFCLASS32")


def test_pixel_perfect_sfm_11_an_older_run_time_of_the_environment(workshop: Workshop) -> None:
    old = "GLIBCXX_3.4.28 { global: one; };"
    new = f"{old} GLIBCXX_3.4.29 {{ global: two; }} GLIBCXX_3.4.28;"
    system = workshop.library("usr/libstdc++.so.6", BOTH, version_script=new)
    workshop.library("sfm/_sfm.so", WANTS_TWO, needs=["usr/libstdc++.so.6"], soname="")
    workshop.library("env/lib/libstdc++.so.6", ONE, version_script=old)
    record = json.dumps({"files": ["lib/libstdc++.so.6"]}).encode()
    workshop.file("env/conda-meta/libstdcxx-ng-9.3.0-0.json", record)
    program = workshop.program("env/bin/python3.8", HOST_SOURCE, rpath="$ORIGIN/../lib")
    question = workshop.ask("sfm/_sfm.so", host=program, env={"LD_LIBRARY_PATH": workshop.path("usr")})
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    assert found.advice.endswith(f"--update-deps libstdcxx-ng, or LD_PRELOAD={system}")
    assert workshop.truth(replace(question, env={**question.env, "LD_PRELOAD": system})).loads


def test_gphoto2_543_the_systems_older_part_of_what_was_built_here(workshop: Workshop) -> None:
    versions = "LIBGPHOTO2_5_0 { global: *; };"
    port = "libgphoto2_port.so.12"
    workshop.library(f"root/usr/local/lib/{port}", makes("gp_new", "gp_init"), version_script=versions)
    uses = takes("gp_init", "gp_new")
    workshop.library("root/usr/local/lib/libgphoto2.so.6", uses, needs=[f"root/usr/local/lib/{port}"])
    workshop.library(f"root/usr/lib/{port}", makes("gp_new"), version_script=versions)
    workshop.file("root/var/lib/dpkg/status", DEBIAN)
    found = first(explain("/usr/local/lib/libgphoto2.so.6", model=in_root(workshop)))
    preload = f"LD_PRELOAD=/usr/local/lib/{port}"
    assert found.advice.startswith(
        f"/usr/local/lib/{port} has it: {preload}, or LD_LIBRARY_PATH=/usr/local/lib, or for good: echo"
    )
    model = replace(in_root(workshop), env=(("LD_LIBRARY_PATH", "/usr/local/lib"),))
    assert loads(explain("/usr/local/lib/libgphoto2.so.6", model=model))


# macOS and Windows: the rules alone


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "name", "beside", "advice"),
    [
        # schismtracker/schismtracker 273
        ("/Applications/S.app/Contents/MacOS/s", "/usr/local/opt/sdl/lib/libSDL-1.2.0.dylib", "libSDL-1.2.0.dylib",
         "install_name_tool -change /usr/local/opt/sdl/lib/libSDL-1.2.0.dylib @loader_path/libSDL-1.2.0.dylib"),
        # pine64/pine64_updater 31
        ("/Applications/p.app/Contents/MacOS/p", "/usr/local/opt/libusb/lib/libusb-1.0.0.dylib", "",
         "brew install libusb"),
        # joshua-d-miller/macOSLAPS 43
        ("/usr/local/laps/macOSLAPS", "@rpath/libswiftCore.dylib", "", "Swift 5 Runtime Support"),
    ],
)  # fmt: skip
def test_what_a_program_of_a_mac_misses(
    mac: Callable[..., str], tmp_path: Path, program: str, name: str, beside: str, advice: str  # noqa: F811
) -> None:  # fmt: skip
    library = mac("gone.dylib", ONE, f"-Wl,-install_name,{name}", by=INTEL_MAC)
    mac(f"root{program}", STARTS_ONE, library, by=INTEL_MAC)
    if beside:
        mac(f"root{Path(program).parent}/{beside}", ONE, by=INTEL_MAC)
    assert advice in first(explain(program, model=of_root(str(tmp_path / "root"), target=program))).advice


def as_program(dll: Path) -> bytes:
    """A DLL that says of itself that it is a program."""
    image = bytearray(dll.read_bytes())
    header = struct.unpack_from("<I", image, 60)[0] + 22  # Characteristics, where IMAGE_FILE_DLL is a bit
    struct.pack_into("<H", image, header, struct.unpack_from("<H", image, header)[0] & ~0x2000)
    return bytes(image)


def windows_program(compile_library: Compile, tmp_path: Path, dll: str, *, folder: str) -> Explanation:
    """What is said of a program that wants a function which the DLL of a folder does not have."""
    new = compile_library(EXPORTS.format("one") + EXPORTS.format("two"), dll, *BARE, compiler=MINGW)
    start = "__declspec(dllimport) int two(void); int mainCRTStartup(void) { return two(); }"
    put(tmp_path, "app/demo.exe", as_program(compile_library(start, "demo.dll", str(new), *BARE, compiler=MINGW)))
    put(tmp_path, "Windows/System32/ucrtbase.dll", b"")
    put(
        tmp_path, f"{folder}/{dll}", compile_library(EXPORTS.format("one"), "o.dll", *BARE, compiler=MINGW).read_bytes()
    )
    return explain("/app/demo.exe", model=of_root(str(tmp_path), target="/app/demo.exe"))


@pytest.mark.parametrize(
    ("dll", "folder", "advice"),
    [
        (
            "binkw32.dll",
            "app",
            "put the version of binkw32.dll that it was built with beside it",
        ),  # OutRun2006Tweaks 173
        ("vulkan-1.dll", "Windows/System32", "vulkan-1.dll comes with the driver"),  # turanszkij/WickedEngine 212
        ("iphlpapi.dll", "Windows/System32", "iphlpapi.dll is of Windows, which is older here"),
        ("msvcp140.dll", "Windows/System32", "msvcp140.dll is older than what needs it: install the newest Visual C++"),
    ],
)
def test_a_function_that_the_dll_does_not_have(
    compile_library: Compile, tmp_path: Path, dll: str, folder: str, advice: str
) -> None:
    found = first(windows_program(compile_library, tmp_path, dll, folder=folder))
    assert found.code == "pe-missing-entry"
    assert found.advice.startswith(advice)


def test_paddlegan_216_the_run_time_of_visual_cpp(compile_library: Compile, tmp_path: Path) -> None:
    library = compile_library(EXPORTS.format("omp"), "vcomp140.dll", *BARE, compiler=MINGW)
    host = compile_library(EXPORTS.format("two"), "python37.dll", *BARE, compiler=MINGW)
    wants = "__declspec(dllimport) int omp(void); __declspec(dllimport) int two(void);"
    source = f"{wants} __declspec(dllexport) int PyInit__remap(void) {{ return omp() + two(); }}"
    module = compile_library(source, "_remap.pyd", str(library), str(host), *BARE, compiler=MINGW)
    path = "/py/Lib/site-packages/skimage/_remap.pyd"
    put(tmp_path, path.lstrip("/"), module.read_bytes())
    put(tmp_path, "py/python.exe", b"")
    put(tmp_path, "py/python37.dll", host.read_bytes())
    put(tmp_path, "Windows/System32/ucrtbase.dll", b"")
    model = with_program(of_root(str(tmp_path), target=path), "/py/python.exe")
    assert first(explain(path, model=model)).advice.startswith("install the Visual C++ redistributable of 2015 to 2022")
