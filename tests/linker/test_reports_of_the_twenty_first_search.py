"""Public reports of the twenty-first and the twenty-second search: what helped, asked in small."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import Compile
from tests.linker.test_reports_of_the_fifteenth_search import DEBIAN, as_program
from tests.linker.test_reports_of_the_fifth_search import EXPORTS, put
from tests.linker.test_reports_of_the_fourteenth_search import ALONE, CALLS_ONE, missing_in_root
from tests.linker.test_reports_of_the_second_search import BOTH, ONE, WANTS_ONE, first, in_root, named
from tests.linker.test_reports_of_the_third_search import (  # noqa: F401  a fixture
    BARE,
    INTEL_MAC,
    MINGW,
    mac,
)
from tests.linker.test_reports_of_the_twelfth_search import makes, takes
from tests.linker.workshop import Workshop

from loadstone.linker import LoaderModel, explain
from loadstone.linker.discovery import of_root, this_process, with_loader, with_program

LOADER = "root/lib64/ld-linux-x86-64.so.2"
MUSL = Path("/lib/ld-musl-x86_64.so.1")
IMAGE_IO = "/System/Library/Frameworks/ImageIO.framework/Versions/A"


def with_packages(workshop: Workshop, system: str) -> None:
    """Mark the root as one of a family of systems."""
    if system == "debian":
        workshop.file("root/var/lib/dpkg/status", DEBIAN)
    marks = {"arch": "var/lib/pacman", "void": "var/db/xbps", "alpine": "lib/apk/db", "lambda": "var/task"}
    workshop.folder_of(f"root/{marks.get(system, 'usr/lib')}/x")
    workshop.folder_of("root/usr/lib")


@pytest.mark.parametrize(
    ("system", "there", "asker", "name", "advice"),
    [
        # rpmohn/a4 13
        ("debian", "/usr/local/lib/libtickit.so.3", "/usr/local/bin/a4.so", "libtickit.so.3",
         "LD_LIBRARY_PATH=/usr/local/lib, or for good: echo /usr/local/lib > /etc/ld.so.conf.d/local.conf && ldconfig"),
        # mentebinaria/readpe 130
        ("debian", "/opt/pev/lib/libpe/libpe.so.1", "/usr/local/bin/peres.so", "libpe.so.1",
         "LD_LIBRARY_PATH=/opt/pev/lib/libpe"),
        # serverless/serverless-python-requirements 631
        ("lambda", "/opt/python/libmysqlclient.so.1020", "/opt/python/_mysql.so", "libmysqlclient.so.1020",
         "patchelf --set-rpath '$ORIGIN' /opt/python/_mysql.so"),
        ("lambda", "", "/opt/python/_mysql.so", "libmysqlclient.so.1020",
         "put it into lib/ of the function (/var/task/lib) or of a layer (/opt/lib)"),
        # ros2/rmw_cyclonedds 182
        ("debian", "/opt/ros/foxy/lib/x86_64-linux-gnu/libddsc.so.0", "/opt/ros/foxy/lib/librmw.so", "libddsc.so.0",
         "patchelf --set-rpath '$ORIGIN/x86_64-linux-gnu' /opt/ros/foxy/lib/librmw.so"),
        # tidyverse/stringr 441
        ("arch", "/usr/lib/libicui18n.so.71", "/usr/lib/R/library/stringi/libs/stringi.so", "libicui18n.so.70",
         "R -e 'install.packages(\"stringi\", type=\"source\")', which builds it for libicui18n.so.71"),
        # SteffenMoritz/imputeTS 63
        ("debian", "", "/home/j/R/x86_64-pc-linux-gnu-library/4.2/fracdiff/libs/fracdiff.so", "libRblas.so",
         "libRblas.so has no version in its name, as the libraries of one project: it belongs to fracdiff.so: R -e"),
        # microsoft/onnxruntime 3632
        ("debian", "/opt/conda/conda-meta/x.so.1", "/opt/conda/lib/python3.7/site-packages/o/x.so", "libcudnn.so.7",
         "there is no wheel of cuDNN 7: conda install cudnn=7"),
    ],
)  # fmt: skip
def test_a_library_that_is_elsewhere_or_nowhere(
    workshop: Workshop, system: str, there: str, asker: str, name: str, advice: str
) -> None:
    with_packages(workshop, system)
    if there:
        workshop.library(f"root{there}", ONE)
    assert missing_in_root(workshop, asker, name).advice.startswith(advice)


def test_audacitorch_9_a_package_that_is_there_without_the_library(workshop: Workshop) -> None:
    site = "/usr/local/lib/python3.7/dist-packages"
    with_packages(workshop, "debian")
    workshop.file(f"root{site}/torchaudio-0.10.0.dist-info/RECORD", b"torchaudio/_torchaudio.so,,\n")
    workshop.file(f"root{site}/torch/__init__.py", b"")
    found = missing_in_root(workshop, f"{site}/torchaudio/_torchaudio.so", "libtorch_cuda_cpp.so")
    assert found.advice.startswith("torchaudio and torch are not of one release: python3.7 -m pip install --upgrade")
    Path(workshop.path(f"root{site}/torch/__init__.py")).unlink()
    found = missing_in_root(workshop, f"{site}/torchaudio/_torchaudio.so", "libtorch_cuda_cpp.so")
    assert found.advice.startswith("it is of PyTorch: python3.7 -m pip install torch")


def test_xml2_357_a_package_of_r_that_was_built_with_conda_active(workshop: Workshop) -> None:
    with_packages(workshop, "debian")
    workshop.library("root/home/l/miniconda3/lib/libicui18n.so.58", ONE)
    workshop.folder_of("root/home/l/miniconda3/conda-meta")
    library = workshop.library("gone/libicui18n.so.58", ONE)
    module = "/home/l/R/x86_64-pc-linux-gnu-library/4.0/xml2/libs/xml2.so"
    workshop.library(f"root{module}", WANTS_ONE, needs=["gone/libicui18n.so.58"], soname="")
    Path(library).unlink()
    model = replace(in_root(workshop), env=(("HOME", "/home/l"),))
    advice = first(explain(module, model=model)).advice
    assert advice.startswith(
        "xml2.so was built while /home/l/miniconda3 was active, as it seems: conda deactivate && R"
    )


def test_uim_94_an_older_copy_in_usr_local(workshop: Workshop) -> None:
    with_packages(workshop, "debian")
    workshop.file("root/var/lib/dpkg/info/libuim8.list", b"/usr/lib/libuim.so.8\n")
    workshop.library("root/usr/lib/libuim.so.8", makes("uim_set_uim_fd", "uim_init", "uim_quit"))
    plugin, uses = "/opt/qt5/plugins/libuimplugin.so", takes("uim_set_uim_fd", "uim_init")
    workshop.library(f"root{plugin}", uses, needs=["root/usr/lib/libuim.so.8"], soname="")
    workshop.library("root/usr/local/lib/libuim.so.8", makes("uim_init", "uim_quit"))
    model = replace(in_root(workshop), system_dirs=("/usr/local/lib", "/usr/lib"))
    assert "mv /usr/local/lib/libuim.so.8" in first(explain(plugin, model=model)).advice


@pytest.mark.parametrize(
    ("system", "version", "gone", "advice"),
    [
        # archlinuxcn/repo 410
        ("arch", "Qt_5", "_Znwm", "where seafile-applet was built here or is of another source (AUR, PPA), build"),
        # void-linux/void-packages 50953
        ("void", "Qt_6_PRIVATE_API", "_ZN2Qt7handleEv", "xbps-install -Su"),
    ],
)
def test_a_library_that_lost_a_symbol_with_its_version(
    workshop: Workshop, system: str, version: str, gone: str, advice: str
) -> None:
    with_packages(workshop, system)
    library, stays = "root/usr/lib/libQtCore.so.5", "_ZN2Qt5closeEv"
    script = f"{version} {{ global: *; }};"
    workshop.library(library, makes(gone, stays), version_script=script)
    starts = f"int {gone}(void); int {stays}(void); int main(void) {{ return {gone}() + {stays}(); }}"
    workshop.file(LOADER, b"")
    workshop.program("root/usr/bin/seafile-applet", starts, *ALONE, needs=[library])
    workshop.library(library, makes(stays), version_script=script)
    assert advice in first(explain("/usr/bin/seafile-applet", model=in_root(workshop))).advice


def test_chromebrew_6053_a_name_with_the_number_of_another_release(workshop: Workshop) -> None:
    workshop.library("root/usr/lib/libicuuc.so.69", makes("u_strToUpper_69", "u_strToLower_69"))
    needs = ["root/usr/lib/libicuuc.so.69"]
    workshop.library("root/usr/local/lib/libQt5Core.so.5", takes("u_strToUpper_68"), needs=needs)
    advice = first(explain("/usr/local/lib/libQt5Core.so.5", model=in_root(workshop))).advice
    assert advice.startswith("libicuuc.so.69 has u_strToUpper_69, so libQt5Core.so.5 was built for another release")


@pytest.mark.parametrize(
    ("rid", "advice"),
    [
        ("win-x64", "runtimes/ has SkiaSharp for win-x64 alone: add the NuGet package of its native files for Linux"),
        ("linux-x64", "it is in /app/runtimes/linux-x64/native: publish for this system (dotnet publish -r linux-x64)"),
    ],
)
def test_barcodelib_163_native_files_of_a_dotnet_program(workshop: Workshop, rid: str, advice: str) -> None:
    with_packages(workshop, "debian")
    workshop.file(f"root/app/runtimes/{rid}/native/libSkiaSharp.{'dll' if rid == 'win-x64' else 'so'}", b"")
    found = first(explain("libSkiaSharp", model=replace(in_root(workshop), cwd="/app")))
    assert found.advice.startswith(advice)


def test_julia_call_69_the_systems_library_of_another_make(workshop: Workshop) -> None:
    own = workshop.library("root/home/c/lib/libLLVM-6.0.so", ONE, version_script="JL_LLVM_6.0 { global: *; };")
    workshop.library("root/home/c/lib/libjulia.so.1", WANTS_ONE, needs=["root/home/c/lib/libLLVM-6.0.so"])
    workshop.library("root/usr/lib/libLLVM-6.0.so", ONE, version_script="LLVM_6.0 { global: *; };")
    found = first(explain("/home/c/lib/libjulia.so.1", model=in_root(workshop)))
    assert found.advice.startswith(f"{own.removeprefix(workshop.path('root'))} has it: patchelf")


@pytest.mark.parametrize(
    ("path", "first_version", "last", "advice"),
    [
        # jermp/fulgor 82
        ("/opt/conda/bin/fulgor", "GLIBCXX_3.4", "GLIBCXX_3.4.30", "conda install -c conda-forge 'libstdcxx-ng>=12'"),
        # maralla/pack 7
        ("/home/u/pack", "CURL_OPENSSL_4", "CURL_OPENSSL_3", "build it anew here"),
    ],
)
def test_a_version_that_the_systems_library_does_not_have(
    workshop: Workshop, path: str, first_version: str, last: str, advice: str
) -> None:
    with_packages(workshop, "arch")
    name = "root/usr/lib/libstdc++.so.6"
    workshop.file(LOADER, b"")
    workshop.library(name, BOTH, version_script=f"{first_version} {{ global: one; }}; {last} {{ global: two; }};")
    workshop.program(f"root{path}", "int two(void); int main(void) { return two(); }", *ALONE, needs=[name])
    workshop.library(name, ONE, version_script=f"{first_version} {{ global: one; }};")
    assert advice in first(explain(path, model=in_root(workshop))).advice


def test_patchelf_492_segments_that_an_older_loader_refuses(workshop: Workshop) -> None:
    path = Path(workshop.library("x.so", ONE))
    content = bytearray(path.read_bytes())
    table, count = struct.unpack_from("<Q", content, 32)[0], struct.unpack_from("<H", content, 56)[0]
    headers = [table + 56 * number for number in range(count)]
    last = [at for at in headers if struct.unpack_from("<I", content, at)[0] == 1][-1]
    struct.pack_into("<Q", content, last + 48, 0x200000)
    path.write_bytes(content)
    found = first(explain(str(path), model=with_loader(this_process(), "glibc-2.31")))
    assert found.loader_message.endswith("ELF load command address/offset not properly aligned")
    assert "patchelf 0.17.2" in found.advice


@pytest.mark.skipif(not MUSL.exists(), reason="this test needs musl's loader")
def test_programs_on_alpine(workshop: Workshop) -> None:
    with_packages(workshop, "alpine")
    workshop.file("root/lib/ld-musl-x86_64.so.1", MUSL.read_bytes())
    library = workshop.library("gone/libstdc++.so.6", ONE)
    flags = (*ALONE, "-Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1")
    workshop.program("root/usr/local/bin/node", CALLS_ONE, *flags, needs=["gone/libstdc++.so.6"])
    Path(library).unlink()
    model = of_root(workshop.path("root"), target="/usr/local/bin/node")
    found = first(explain("/usr/local/bin/node", model=model))
    assert found.advice.endswith("apk add so:libstdc++.so.6")  # nodejs/unofficial-builds 95
    workshop.folder_of("root/lib64")
    Path(workshop.path(LOADER)).symlink_to("/lib/ld-musl-x86_64.so.1")
    source = "int fcntl64(int, int); int main(void) { return fcntl64(0, 0); }"
    workshop.program("root/opt/node", source, "-Wl,--unresolved-symbols=ignore-all")
    found = first(explain("/opt/node", model=of_root(workshop.path("root"), target="/opt/node")))
    assert found.advice.startswith("use a build for musl (a musllinux wheel, an Alpine package)")  # ihmily/streamget 16
    plugin = "/usr/lib/mariadb/plugin/caching_sha2_password.so"
    workshop.folder_of("root/usr/lib/mariadb")
    advice = first(explain(plugin, model=of_root(workshop.path("root")))).advice
    assert "pkgs.alpinelinux.org" in advice  # gobackup/gobackup 171


# Android


def android(workshop: Workshop, path: str, *names: str) -> str:
    """A library for Android that needs others, none of which is there."""
    for number, name in enumerate(("libc.so", "liblog.so", *names)):
        workshop.library(f"gone/{name}", f"int o{number}(void) {{ return 1; }}")
    needs = [f"gone/{name}" for name in ("libc.so", "liblog.so", *names)]
    return workshop.library(path, "int e(void) { return 1; }", needs=needs, soname="")


@pytest.mark.parametrize(
    ("name", "there", "advice"),
    [
        # sureshjoshi/android-ndk-swig-example 17
        ("libc++_shared.so", "", "libc++_shared.so is not of the system, so the app has to bring it: in CMake"),
        ("libsqlite.so", "", "put libsqlite.so, built for x86_64, into jniLibs/x86_64 of the app, beside libmap.so"),
        ("libfoo.so.2", "", "an app's package takes libraries called lib*.so alone: build libfoo.so without a version"),
        ("libm.so.6", "", "libmap.so was built for Linux with glibc: build it with the NDK"),
        ("libfoo.so", "arm64-v8a", "it is there for arm64-v8a alone: build it for x86_64 as well"),
    ],
)
def test_what_an_app_of_android_has_to_bring(workshop: Workshop, name: str, there: str, advice: str) -> None:
    path = android(workshop, "app/lib/x86_64/libmap.so", name)
    if there:
        workshop.file(f"app/lib/{there}/{name}", b"")
    answer = explain(path)
    found = first(answer)
    words = f'dlopen failed: library "{name}" not found: needed by {path} in namespace classloader-namespace'
    assert found.loader_message == words
    assert found.advice.startswith(advice)
    assert "the libraries that the NDK documents are counted on" in answer.assumptions[0]


def test_an_app_of_android_that_has_all(workshop: Workshop) -> None:
    path = android(workshop, "app/lib/x86_64/libmap.so", "libfoo.so")
    workshop.library("app/lib/x86_64/libfoo.so", ONE)
    assert explain(path).first_blocking is None


# macOS and Windows: the rules alone


@pytest.mark.slow
def test_lolcat_69_a_variable_that_leads_the_system_astray(mac: Callable[..., str], tmp_path: Path) -> None:  # noqa: F811
    inside = f"{IMAGE_IO}/Resources/libJPEG.dylib"
    library = mac(f"root{inside}", makes("jpeg_resync", "jpeg_x"), named(inside), by=INTEL_MAC)
    mac(f"root{IMAGE_IO}/ImageIO", takes("jpeg_resync"), library, by=INTEL_MAC)
    mac("root/usr/local/lib/libJPEG.dylib", makes("jpeg_x"), by=INTEL_MAC)
    model = replace(
        of_root(str(tmp_path / "root"), target=f"{IMAGE_IO}/ImageIO"), env=(("DYLD_LIBRARY_PATH", "/usr/local/lib"),)
    )
    assert first(explain(f"{IMAGE_IO}/ImageIO", model=model)).advice.endswith("has it: unset DYLD_LIBRARY_PATH")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "name", "advice"),
    [
        # ggarra13/mrv2 219
        ("/Applications/mrv2.app/Contents/Resources/lib/_blake2.so", "/usr/local/opt/libb2/lib/libb2.1.dylib",
         "brew install libb2"),
        # BodenmillerGroup/imcRtools 92
        ("/Library/Frameworks/R.framework/Versions/4.2-arm64/Resources/library/edgeR/libs/edgeR.so",
         "/opt/R/arm64/gfortran/lib/libgfortran.5.dylib", "install GNU Fortran of R's tools for macOS"),
        ("/Users/u/x.dylib", "/Library/Frameworks/SDL2.framework/Versions/A/SDL2", "install SDL2, whose"),
        ("/Users/u/D.app/Frameworks/y.dylib", "@rpath/Alamofire.framework/Alamofire",
         "Alamofire.framework was not copied into the app: in Xcode, General"),
    ],
)  # fmt: skip
def test_what_is_missing_on_a_mac(
    mac: Callable[..., str], tmp_path: Path, program: str, name: str, advice: str  # noqa: F811
) -> None:  # fmt: skip
    gone = mac("gone/x.dylib", ONE, named(name), by=INTEL_MAC)
    mac(f"root{program}", WANTS_ONE, gone, by=INTEL_MAC)
    assert first(explain(program, model=of_root(str(tmp_path / "root"), target=program))).advice.startswith(advice)


@pytest.mark.slow
def test_mysql_fdw_36_a_name_alone(mac: Callable[..., str], tmp_path: Path) -> None:  # noqa: F811
    mac("root/usr/local/mysql/lib/libmysqlclient.dylib", ONE, by=INTEL_MAC)
    (tmp_path / "root/System/Library").mkdir(parents=True)
    model = of_root(str(tmp_path / "root"))
    advice = first(explain("libmysqlclient.dylib", model=model)).advice
    assert advice.endswith("open it by that path, or DYLD_LIBRARY_PATH=/usr/local/mysql/lib")
    assert "brew search mysqlcli names" in first(explain("libmysqlcli.dylib", model=model)).advice


@pytest.mark.slow
def test_keepassxc_5584_a_symbol_of_a_newer_macos(mac: Callable[..., str]) -> None:  # noqa: F811
    source = 'int check(void) __asm__("____chkstk_darwin"); int f(void) { return check(); }'
    path = mac("K.app/Contents/Frameworks/libgcrypt.20.dylib", source, by=INTEL_MAC)
    found = first(explain(path, model=with_loader(LoaderModel.this_process(env={}), "dyld-10.13")))
    assert "uses ____chkstk_darwin of macOS 10.15; this is macOS 10.13" in found.explanation


@pytest.mark.parametrize(
    ("folders", "advice"),
    [
        # opencv/opencv 19843
        (("old/bin", "new/bin"), "/new/bin/libstdc++-6.dll has it, and /old/bin/libstdc++-6.dll comes first: rename"),
        # shonumi/gbe-plus 23
        (("app",), "put the version of libstdc++-6.dll that it was built with beside it"),
    ],
)
def test_an_older_run_time_of_mingw(
    compile_library: Compile, tmp_path: Path, folders: tuple[str, ...], advice: str
) -> None:
    new = compile_library(EXPORTS.format("one") + EXPORTS.format("two"), "libstdc++-6.dll", *BARE, compiler=MINGW)
    start = "__declspec(dllimport) int two(void); int mainCRTStartup(void) { return two(); }"
    put(tmp_path, "app/demo.exe", as_program(compile_library(start, "demo.dll", str(new), *BARE, compiler=MINGW)))
    put(tmp_path, "new/bin/libstdc++-6.dll", new.read_bytes())
    put(tmp_path, "Windows/System32/ucrtbase.dll", b"")
    old = compile_library(EXPORTS.format("one"), "o.dll", *BARE, compiler=MINGW).read_bytes()
    put(tmp_path, f"{folders[0]}/libstdc++-6.dll", old)
    path = ";".join(f"/{folder}" for folder in folders)
    model = replace(of_root(str(tmp_path), target="/app/demo.exe"), env=(("PATH", path),))
    assert first(explain("/app/demo.exe", model=model)).advice.startswith(advice)


def test_yubico_65_a_program_of_the_other_bits(compile_library: Compile, tmp_path: Path) -> None:
    library = compile_library(EXPORTS.format("one"), "shims.dll", *BARE, compiler=MINGW)
    program = bytearray(as_program(library))
    at = struct.unpack_from("<I", program, 60)[0] + 4
    program[at : at + 2] = (0x14C).to_bytes(2, "little")
    put(tmp_path, "app/shims.dll", library.read_bytes())
    put(tmp_path, "app/app.exe", bytes(program))
    put(tmp_path, "Windows/System32/ucrtbase.dll", b"")
    model = with_program(of_root(str(tmp_path), target="/app/shims.dll"), "/app/app.exe")
    found = first(explain("/app/shims.dll", model=model, as_library=True))
    assert "open it in an x86-64 program instead of /app/app.exe" in found.advice


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        # opencv/opencv 13083
        ("API-MS-WIN-DOWNLEVEL-SHLWAPI-L1-1-0.dll", "install the Platform Update, KB2670838"),
        ("OPENGL32.dll", "as Server Core and Nano Server do"),
    ],
)
def test_what_a_windows_does_not_have(compile_library: Compile, tmp_path: Path, name: str, advice: str) -> None:
    library = compile_library(EXPORTS.format("two"), name, *BARE, compiler=MINGW)
    source = "__declspec(dllimport) int two(void); __declspec(dllexport) int PyInit_cv2(void) { return two(); }"
    path = "/py/Lib/site-packages/cv2/cv2.pyd"
    module = compile_library(source, "cv2.pyd", str(library), *BARE, compiler=MINGW)
    put(tmp_path, path.removeprefix("/"), module.read_bytes())
    put(tmp_path, "py/python.exe", b"")
    put(tmp_path, "Windows/System32/kernel32.dll", b"")
    model = with_program(of_root(str(tmp_path), target=path), "/py/python.exe")
    assert advice in first(explain(path, model=model)).advice
