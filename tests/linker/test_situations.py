"""Situations people report again and again, each in small: a manager's file, another family's name, an old library."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import Compile
from tests.linker.test_reports_of_the_fifth_search import EXPORTS, put
from tests.linker.test_reports_of_the_second_search import ONE, WANTS_ONE, first, in_root
from tests.linker.test_reports_of_the_third_search import BARE, INTEL_MAC, MINGW, mac  # noqa: F401  a fixture
from tests.linker.test_reports_of_the_twelfth_search import makes, takes
from tests.linker.workshop import Workshop, loads

from loadstone.core.trace import Diagnosis
from loadstone.linker import explain
from loadstone.linker.debian_names import package_names_of
from loadstone.linker.discovery import of_root, with_program

DEBIAN = b"Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\n"
ALONE = ("-nostdlib", "-nostartfiles", "-Wl,-e,main")
PYENV = "/home/u/.pyenv/versions/3.9.1"


def missing(workshop: Workshop, asker: str, name: str, *there: str) -> Diagnosis:
    """What is said of a library of ``root/`` that needs one which is there no more."""
    gone = workshop.library(f"gone/{name}", ONE)
    workshop.library(f"root{asker}", WANTS_ONE, needs=[f"gone/{name}"], soname="")
    Path(gone).unlink()
    for other in there:
        workshop.library(f"root/usr/lib/{other}", ONE)
    return first(explain(asker, model=in_root(workshop)))


@pytest.mark.parametrize(
    ("asker", "command"),
    [
        (f"{PYENV}/lib/python3.9/lib-dynload/_ssl.so", "pyenv install --force 3.9.1"),
        ("/home/u/.rbenv/versions/2.6.3/lib/ruby/2.6.0/x86_64-linux/openssl.so", "rbenv install --force 2.6.3"),
        ("/home/u/.asdf/installs/ruby/3.0.1/lib/ruby/3.0.0/x86_64-linux/openssl.so",
         "asdf uninstall ruby 3.0.1 && asdf install ruby 3.0.1"),
        ("/home/u/.opam/4.14/lib/ssl/dllssl_stubs.so", "opam reinstall ssl"),
        ("/home/u/.julia/packages/MbedTLS/aBcD/deps/x.so", "julia -e 'using Pkg; Pkg.build(\"MbedTLS\")'"),
        ("/home/u/ws/devel/lib/libnode.so", "cd /home/u/ws && rm -r build devel && catkin_make"),
    ],
)  # fmt: skip
def test_who_builds_things_builds_them_for_the_library_that_is_there(
    workshop: Workshop, asker: str, command: str
) -> None:
    advice = missing(workshop, asker, "libssl.so.1.1", "libssl.so.3").advice
    assert advice.startswith(f"{command}, which builds it for libssl.so.3; or libssl.so.1.1 as well")


def test_what_lies_in_a_build_folder_is_built_there(workshop: Workshop) -> None:
    workshop.file("root/home/u/x/build/CMakeCache.txt", b"")
    advice = missing(workshop, "/home/u/x/build/src/libx.so", "libfmt.so.8", "libfmt.so.9").advice
    assert advice.startswith("cmake --build /home/u/x/build --clean-first, which builds it for libfmt.so.9")


@pytest.mark.parametrize("system", ["var/lib/dpkg/status", "usr/lib/sysimage/rpm/x"])
def test_a_module_of_python_that_was_not_built(workshop: Workshop, system: str) -> None:
    workshop.file(f"root/{system}", DEBIAN)
    workshop.file(f"root{PYENV}/lib/python3.9/lib-dynload/_json.cpython-39-x86_64-linux-gnu.so", b"")
    found = first(
        explain(f"{PYENV}/lib/python3.9/lib-dynload/_ctypes.cpython-39-x86_64-linux-gnu.so", model=in_root(workshop))
    )
    header = "apt-get install libffi-dev" if "dpkg" in system else "dnf install libffi-devel"
    assert found.advice == f"{header} && pyenv install --force 3.9.1"
    assert "built without it" in found.explanation


def test_a_module_that_debian_has_in_a_package_of_its_own(workshop: Workshop) -> None:
    workshop.file("root/var/lib/dpkg/status", DEBIAN)
    workshop.file("root/usr/lib/python3.11/lib-dynload/_json.so", b"")
    found = first(explain("/usr/lib/python3.11/lib-dynload/_tkinter.so", model=in_root(workshop)))
    assert found.advice == "apt-get install python3-tk"


def test_the_number_of_a_library_is_not_the_release_of_its_package(workshop: Workshop) -> None:
    asker = "env/lib/python3.9/site-packages/h5py/defs.so"
    gone = workshop.library("env/lib/libhdf5.so.103", ONE)
    workshop.library(asker, WANTS_ONE, needs=["env/lib/libhdf5.so.103"], soname="", runpath="$ORIGIN/../../..")
    Path(gone).unlink()
    workshop.library("env/lib/libhdf5.so.200", ONE)
    for package, file in (("hdf5-1.12.2-0", "lib/libhdf5.so.200"), ("h5py-3.1.0-0", asker.removeprefix("env/"))):
        workshop.file(f"env/conda-meta/{package}.json", json.dumps({"files": [file]}).encode())
    advice = first(workshop.answer(workshop.ask(asker))).advice
    update = f"conda install -p {workshop.path('env')} --update-deps h5py"
    assert advice.startswith(f"hdf5 1.12.2 has libhdf5.so.200: {update}, which was built for another; or an older hdf5")


@pytest.mark.parametrize(
    ("system", "name", "whose"),
    [("var/lib/dpkg/status", "libssl.so.10", "CentOS 7"), ("usr/lib/sysimage/rpm/x", "libssl.so.1.0.0", "Debian")],
)
def test_a_name_of_another_family_of_systems(workshop: Workshop, system: str, name: str, whose: str) -> None:
    workshop.file(f"root/{system}", DEBIAN)
    advice = missing(workshop, "/opt/x.so", name, "libssl.so.3").advice
    assert advice.startswith(f"OpenSSL 1.0 has that name in {whose}")
    assert "install lib" not in advice


def test_one_interface_with_two_names(workshop: Workshop) -> None:
    workshop.file("root/var/lib/dpkg/status", DEBIAN)
    advice = missing(workshop, "/opt/x.so", "libbz2.so.1", "libbz2.so.1.0").advice
    assert advice == "ln -s libbz2.so.1.0 /usr/lib/libbz2.so.1"


def test_the_release_is_in_the_name_itself(workshop: Workshop) -> None:
    workshop.folder_of("root/var/lib/pacman/local/x")
    found = missing(workshop, "/opt/x.so", "libboost_python39.so.1.74.0", "libboost_python311.so.1.74.0")
    assert "There is /usr/lib/libboost_python311.so.1.74.0" in found.explanation
    assert "a build of x.so for libboost_python311.so.1.74.0" in found.advice


def test_a_library_in_a_folder_of_its_program_below_the_systems(workshop: Workshop) -> None:
    workshop.file("root/var/lib/dpkg/status", DEBIAN)
    workshop.library("root/usr/lib/R/lib/libR.so", ONE)
    assert "/usr/lib/R/lib" in missing(workshop, "/opt/rpy2.so", "libR.so").advice


def test_several_libraries_stand_for_one_name(workshop: Workshop) -> None:
    blas = "root/usr/lib/libblas.so.3"
    workshop.library(blas, makes("dgemm_", "cblas_dgemm"))
    workshop.library("root/opt/x.so", takes("cblas_dgemm"), needs=[blas], soname="")
    workshop.library("root/usr/lib/openblas/libblas.so.3", makes("dgemm_", "cblas_dgemm"))
    workshop.library(blas, makes("dgemm_"))
    workshop.file("root/etc/alternatives/libblas.so.3-x86_64-linux-gnu", b"")
    advice = first(explain("/opt/x.so", model=in_root(workshop))).advice
    assert advice.endswith("update-alternatives --set libblas.so.3-x86_64-linux-gnu /usr/lib/openblas/libblas.so.3")


@pytest.mark.parametrize(
    ("wanted", "present", "advice"),
    [
        ("CURL_OPENSSL_3", "CURL_OPENSSL_4", "it was built for an older libcurl.so.4"),
        ("CURL_OPENSSL_5", "CURL_OPENSSL_4", "install a newer libcurl.so.4"),
        ("CURL_GNUTLS_3", "CURL_OPENSSL_4", "libcurl.so.4 is of another make: its versions are called CURL_OPENSSL_*"),
    ],
)
def test_a_version_is_newer_older_or_of_another_make(
    workshop: Workshop, wanted: str, present: str, advice: str
) -> None:
    curl = "root/usr/lib/libcurl.so.4"
    workshop.library(curl, ONE, version_script=f"{wanted} {{ global: one; }};")
    workshop.library("root/opt/x.so", WANTS_ONE, needs=[curl], soname="")
    workshop.library(curl, ONE, version_script=f"{present} {{ global: one; }};")
    assert first(explain("/opt/x.so", model=in_root(workshop))).advice.startswith(advice)


def test_a_program_of_go_for_a_newer_glibc(workshop: Workshop) -> None:
    old = "GLIBC_2.31 { global: one; };"
    libc = "root/usr/lib/libc.so.6"
    workshop.library(libc, makes("one", "two"), version_script=f"{old} GLIBC_2.34 {{ global: two; }};")
    workshop.file("root/lib64/ld-linux-x86-64.so.2", b"")
    mark = 'asm(".section .go.buildinfo,\\"aw\\"\\n.quad 0\\n.text");'
    workshop.program("root/app", f"int two(void); int main(void) {{ return two(); }} {mark}", *ALONE, needs=[libc])
    workshop.library(libc, ONE, version_script=old)
    assert "CGO_ENABLED=0 go build" in first(explain("/app", model=in_root(workshop))).advice


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("libicui18n.so.66", "libicu66"),
        ("libxml2.so.2", "libxml2"),
        ("libQt5Core.so.5", "libqt5core5a"),
        ("libgstreamer-1.0.so.0", "libgstreamer1.0-0"),
        ("libgstvideo-1.0.so.0", "libgstreamer-plugins-base1.0-0"),
        ("libcblas.so.3", "libatlas3-base"),
        ("libboost_unit_test_framework.so.1.74.0", "libboost-test1.74.0"),
        ("libtk8.6.so", "libtk8.6"),
        ("libpng16.so.16", "libpng16-16"),
    ],
)
def test_what_debian_calls_the_package_of_a_library(name: str, package: str) -> None:
    assert package_names_of(name)[0] == package


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asker", "name", "there", "advice"),
    [
        ("/usr/local/bin/x", "/opt/X11/lib/libX11.6.dylib", "", "brew install --cask xquartz"),
        ("/Users/u/v/_mysql.so", "libmysqlclient.18.dylib", "/usr/local/mysql/lib/libmysqlclient.18.dylib",
         "install_name_tool -change libmysqlclient.18.dylib /usr/local/mysql/lib/libmysqlclient.18.dylib"),
        ("/Users/u/x", "/usr/local/opt/gcc/lib/gcc/8/libg.5.dylib", "/usr/local/opt/gcc/lib/gcc/11/libg.5.dylib",
         "install_name_tool -change /usr/local/opt/gcc/lib/gcc/8/libg.5.dylib /usr/local/opt/gcc/lib/gcc/11/"),
        ("/Users/u/Rcpp.so", "/Library/Frameworks/R.framework/Versions/3.4/Resources/lib/libR.dylib", "",
         "install R 3.4 of CRAN"),
    ],
)  # fmt: skip
def test_where_installers_of_macos_put_things(
    mac: Callable[..., str], tmp_path: Path, asker: str, name: str, there: str, advice: str  # noqa: F811
) -> None:  # fmt: skip
    library = mac("gone.dylib", ONE, f"-Wl,-install_name,{name}", by=INTEL_MAC)
    mac(f"root{asker}", WANTS_ONE, library, by=INTEL_MAC)
    if there:
        mac(f"root{there}", ONE, by=INTEL_MAC)
    assert first(explain(asker, model=of_root(str(tmp_path / "root"), target=asker))).advice.startswith(advice)


@pytest.mark.parametrize(
    "path",
    [
        "/usr/lib/jvm/java-11/lib/libx.so.9",
        "/usr/lib/octave/6.4.0/libx.so.9",
        "/opt/oracle/instantclient_19_8/libx.so.9",
        "/usr/pgsql-14/lib/libx.so.9",
        "/home/u/ffmpeg_build/lib/libx.so.9",
    ],
)
def test_where_products_keep_their_libraries(workshop: Workshop, path: str) -> None:
    workshop.library(f"root{path}", ONE)
    gone = Path(workshop.library("gone/libx.so.9", ONE))
    workshop.library("root/srv/m.so", WANTS_ONE, needs=["gone/libx.so.9"], soname="")
    gone.unlink()
    model = replace(in_root(workshop), env=(("HOME", "/home/u"),))
    folder = str(Path(path).parent)
    assert first(explain("/srv/m.so", model=model)).advice.startswith(
        f"LD_LIBRARY_PATH={folder}, or for good: patchelf"
    )
    assert loads(explain("/srv/m.so", model=replace(model, env=(("LD_LIBRARY_PATH", folder),))))


def test_a_copy_of_one_release_of_a_wheel(workshop: Workshop) -> None:
    site = "/v/lib/python3.8/site-packages"
    workshop.file(f"root{site}/dcn-1.0.dist-info/RECORD", b"dcn/_ext.so,,\n")
    advice = missing(workshop, f"{site}/dcn/_ext.so", "libcudart-1b201d85.so.10.1").advice
    assert advice.startswith("that is a copy of libcudart which one release of a wheel brought along")
    assert advice.endswith("-m pip install --force-reinstall --no-cache-dir dcn")


@pytest.mark.slow
@pytest.mark.parametrize("release", [(12, 4), (12, 0)])
def test_what_apple_took_out(mac: Callable[..., str], tmp_path: Path, release: tuple[int, ...]) -> None:  # noqa: F811
    name = "/System/Library/Frameworks/Python.framework/Versions/2.7/Python"
    library = mac("gone.dylib", ONE, f"-Wl,-install_name,{name}", by=INTEL_MAC)
    mac("root/usr/local/lib/x.dylib", WANTS_ONE, library, by=INTEL_MAC)
    model = replace(of_root(str(tmp_path / "root"), target="/usr/local/lib/x.dylib"), release=release)
    answer = explain("/usr/local/lib/x.dylib", model=model)
    if release < (12, 3):
        assert loads(answer)
    else:
        assert first(answer).advice.startswith("macOS 12.3 and newer have it no more")


def test_a_dll_of_another_release_is_there(compile_library: Compile, tmp_path: Path) -> None:
    library = compile_library(EXPORTS.format("two"), "avcodec-58.dll", *BARE, compiler=MINGW)
    source = "__declspec(dllimport) int two(void); __declspec(dllexport) int e(void) { return two(); }"
    put(tmp_path, "app/x.dll", compile_library(source, "x.dll", str(library), *BARE, compiler=MINGW).read_bytes())
    put(tmp_path, "app/avcodec-60.dll", library.read_bytes())
    put(tmp_path, "Windows/System32/ucrtbase.dll", b"")
    advice = first(explain("/app/x.dll", model=of_root(str(tmp_path), target="/app/x.dll"))).advice
    assert advice.startswith("there is /app/avcodec-60.dll: install a build of x.dll for that one; or avcodec-58.dll")


@pytest.mark.parametrize("beside", ["python310.dll", "python39.dll"])
def test_a_module_of_windows_for_another_python(compile_library: Compile, tmp_path: Path, beside: str) -> None:
    host = compile_library(EXPORTS.format("two"), "python39.dll", *BARE, compiler=MINGW)
    source = "__declspec(dllimport) int two(void); __declspec(dllexport) int PyInit_x(void) { return two(); }"
    put(tmp_path, "py/x.pyd", compile_library(source, "x.pyd", str(host), *BARE, compiler=MINGW).read_bytes())
    put(tmp_path, "py/python.exe", b"")
    put(tmp_path, f"py/{beside}", b"")
    model = with_program(of_root(str(tmp_path), target="/py/x.pyd"), "/py/python.exe")
    answer = explain("/py/x.pyd", model=model)
    if beside == "python39.dll":
        assert answer.first_blocking is None or "Python 3.9" not in answer.first_blocking.advice
    else:
        assert first(answer).advice.startswith("it was built for Python 3.9, and /py/python.exe opens it")
