"""Public reports of the seventeenth search, chosen before anything was tried: what helped, asked in small."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import Compile
from tests.linker.test_reports_of_the_fifteenth_search import DEBIAN
from tests.linker.test_reports_of_the_fifth_search import EXPORTS, put
from tests.linker.test_reports_of_the_fourteenth_search import ALONE, missing_in_root
from tests.linker.test_reports_of_the_second_search import ONE, WANTS_ONE, first, in_root
from tests.linker.test_reports_of_the_third_search import BARE, INTEL_MAC, MINGW, mac  # noqa: F401  a fixture
from tests.linker.test_reports_of_the_twelfth_search import makes, takes
from tests.linker.workshop import Workshop, loads

from loadstone.linker import explain
from loadstone.linker.discovery import of_root, with_program

OLD_STRINGS = "_ZN3c106Symbol14fromQualStringERKSs"
NEW_STRINGS = "_ZN3c106Symbol14fromQualStringERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"


@pytest.mark.parametrize(
    ("has", "wants", "advice"),
    [
        # Turoad/lanedet 65
        ("_ZNK2at10TensorBase5emptyEv", "_ZNK2at10TensorBase8data_ptrIdEEPT_v",
         "-m pip install --upgrade --force-reinstall ext torch"),
        # open-mmlab/mmdetection 3991
        (NEW_STRINGS, OLD_STRINGS, "build _C.so with -D_GLIBCXX_USE_CXX11_ABI=1"),
    ],
)  # fmt: skip
def test_a_module_for_another_release_of_torch(workshop: Workshop, has: str, wants: str, advice: str) -> None:
    site = "v/lib/python3.8/site-packages"
    torch = f"{site}/torch/lib/libtorch.so"
    workshop.library(torch, makes(has, wants))
    workshop.library(f"{site}/ext/_C.so", takes(wants), needs=[torch], soname="", runpath="$ORIGIN/../torch/lib")
    workshop.library(torch, makes(has))
    workshop.file(f"{site}/torch/__init__.py", b"")
    workshop.file(f"{site}/torch-1.8.dist-info/RECORD", b"torch/lib/libtorch.so,,\n")
    workshop.file(f"{site}/ext-1.0.dist-info/RECORD", b"ext/_C.so,,\n")
    question = workshop.ask(f"{site}/ext/_C.so")
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    assert found.advice.endswith(advice)


def test_legacy_linuxbrew_707_a_formula_beside_the_one_that_asks(workshop: Workshop) -> None:
    workshop.library("root/tb/.brew/Cellar/gmp/6.1.0/lib/libgmp.so.10", ONE)
    workshop.link("root/tb/.brew/opt/gmp", "../Cellar/gmp/6.1.0")
    compiler = "/tb/.brew/Cellar/gcc/5.2.0/libexec/gcc/x86_64/5.2.0/cc1"
    assert "opt/gmp/lib" in missing_in_root(workshop, compiler, "libgmp.so.10", program=True).advice


@pytest.mark.parametrize(
    ("asker", "name", "there", "advice"),
    [
        # rubygems/bundler 6508
        ("/app/vendor/bundle/ruby/2.4.0/gems/oj-3.5.0/lib/oj/oj.so", "libruby.so.2.4", "usr/lib/libruby.so.2.5",
         "gem pristine oj --version 3.5.0, which builds it for libruby.so.2.5"),
        # mono/SkiaSharp 2653
        ("/app/libSkiaSharp.so", "libfontconfig.so.1", "", "apt-get update && apt-get install libfontconfig1"),
        # adoptium/adoptium-support 586
        ("/opt/java/lib/libfontmanager.so", "libfreetype.so.6", "", "apt-get update && apt-get install libfreetype6"),
    ],
)  # fmt: skip
def test_what_an_image_misses(workshop: Workshop, asker: str, name: str, there: str, advice: str) -> None:
    workshop.file("root/var/lib/dpkg/status", DEBIAN)
    if there:
        workshop.library(f"root/{there}", ONE)
    assert missing_in_root(workshop, asker, name).advice.startswith(advice)


def test_netdisco_1180_modules_of_the_perl_before_an_upgrade(workshop: Workshop) -> None:
    module = "/app/perl5/lib/perl5/x86_64-linux/auto/List/Util/Util.so"
    server = f"{makes('Perl_newSV', 'Perl_xs_handshake')} int main(void) {{ return 0; }}"
    workshop.program("root/usr/bin/perl", server, "-rdynamic", *ALONE)
    workshop.library(f"root{module}", takes("Perl_newSV", "Perl_xs_apiversion_bootcheck"), soname="")
    model = with_program(in_root(workshop), "/usr/bin/perl")
    assert "cpanm --reinstall List::Util" in first(explain(module, model=model)).advice


def test_enve_289_the_bundle_of_a_program_has_an_older_part(workshop: Workshop) -> None:
    workshop.library("sys/libgmodule.so.0", makes("g_module_open", "g_module_open_full"))
    uses = takes("g_module_open_full").replace(" e(", " g_file(")
    workshop.library("sys/libgio.so.0", uses, needs=["sys/libgmodule.so.0"])
    workshop.library("app/lib/libgmodule.so.0", makes("g_module_open"))
    workshop.library("app/lib/libqt.so.5", ONE)
    needs = ["sys/libgio.so.0", "app/lib/libqt.so.5"]
    start = "int g_file(void); int one(void); int main(void) { return g_file() + one(); }"
    workshop.program("app/bin/enve", start, needs=needs)
    env = {"LD_LIBRARY_PATH": f"{workshop.path('app/lib')}:{workshop.path('sys')}"}
    question = workshop.ask("app/bin/enve", program=True, env=env)
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    assert f"leave {workshop.path('app/lib/libgmodule.so.0')} out of what" in found.advice
    Path(workshop.path("app/lib/libgmodule.so.0")).unlink()
    assert loads(workshop.answer(question))


def test_autoparts_231_a_folder_of_the_home(workshop: Workshop) -> None:
    workshop.library("root/home/a/.parts/lib/libgmp.so", ONE)
    model = replace(in_root(workshop), env=(("HOME", "/home/a"),))
    assert first(explain("libgmp.so", model=model)).advice.startswith("LD_LIBRARY_PATH=/home/a/.parts/lib")


def test_void_packages_3359_a_program_that_is_no_package_of_the_system(workshop: Workshop) -> None:
    workshop.folder_of("root/var/db/xbps/x")
    workshop.library("root/usr/lib/libtinfo.so.6", ONE)
    advice = missing_in_root(workshop, "/home/v/.stack/bin/ghc-pkg", "libtinfo.so.5", program=True).advice
    assert advice.startswith("xlocate libtinfo.so.5 names the package: xbps-install -S PACKAGE; or a build of ghc-pkg")


# macOS and Windows: the rules alone


@pytest.mark.slow
def test_shutit_328_a_python_built_for_the_library_before(mac: Callable[..., str], tmp_path: Path) -> None:  # noqa: F811
    module = "/Users/h/.pyenv/versions/3.6.5/lib/python3.6/lib-dynload/readline.so"
    folder = "/usr/local/opt/readline/lib"
    library = mac("gone.dylib", ONE, f"-Wl,-install_name,{folder}/libreadline.7.dylib", by=INTEL_MAC)
    mac(f"root{module}", WANTS_ONE, library, by=INTEL_MAC)
    mac(f"root{folder}/libreadline.8.0.dylib", ONE, by=INTEL_MAC)
    advice = first(explain(module, model=of_root(str(tmp_path / "root"), target=module))).advice
    assert advice.startswith(f"there is {folder}/libreadline.8.0.dylib")
    assert advice.endswith("pyenv install --force 3.6.5")


@pytest.mark.slow
def test_bazel_pybind_sample_1_a_module_for_python_2(mac: Callable[..., str], tmp_path: Path) -> None:  # noqa: F811
    prefix = "/Library/Frameworks/Python.framework/Versions/3.10"
    module = f"{prefix}/lib/python3.10/site-packages/my_mod-1.0-py3.10-macosx-10.9.egg/my_mod.so"
    mac(f"root{module}", takes("PyInt_FromSsize_t"), "-Wl,-undefined,dynamic_lookup")
    python = "int PyObject_Free(void) { return 0; } int main(void) { return 0; }"
    mac(f"root{prefix}/bin/python3.10", python)
    model = with_program(of_root(str(tmp_path / "root"), target=module), f"{prefix}/bin/python3.10")
    found = first(explain(module, model=model))
    assert found.loader_message.endswith("symbol not found in flat namespace '_PyInt_FromSsize_t'")
    assert found.advice == f"in the sources of my_mod: rm -r build && {prefix}/bin/python3.10 setup.py install"


def test_warp_24_a_dll_by_its_name_alone(compile_library: Compile, tmp_path: Path) -> None:
    library = compile_library(EXPORTS.format("init"), "warp.dll", *BARE, compiler=MINGW)
    put(tmp_path, "src/bin/warp.dll", library.read_bytes())
    put(tmp_path, "Windows/System32/ucrtbase.dll", b"")
    model = replace(of_root(str(tmp_path), target="/src/bin/warp.dll"), cwd="/src")
    assert first(explain("warp.dll", model=model)).advice.startswith("open it by its whole path, /src/bin/warp.dll")
    assert loads(explain("/src/bin/warp.dll", model=model))
    assert "open it by its whole path" in first(explain("other.dll", model=model)).advice


@pytest.mark.parametrize(
    ("dll", "advice"),
    [
        ("msvcp140.dll", "install the Visual C++ redistributable"),  # odwdinc/Python-SimConnect 134
        ("libcocos2d.dll", "put libcocos2d.dll beside hook.dll"),  # ergrelet/unlicense 98
    ],
)
def test_what_a_dll_needs(compile_library: Compile, tmp_path: Path, dll: str, advice: str) -> None:
    library = compile_library(EXPORTS.format("two"), dll, *BARE, compiler=MINGW)
    source = "__declspec(dllimport) int two(void); __declspec(dllexport) int e(void) { return two(); }"
    put(tmp_path, "app/hook.dll", compile_library(source, "hook.dll", str(library), *BARE, compiler=MINGW).read_bytes())
    put(tmp_path, "Windows/System32/ucrtbase.dll", b"")
    found = first(explain("/app/hook.dll", model=of_root(str(tmp_path), target="/app/hook.dll")))
    assert found.loader_message == "[WinError 126] The specified module could not be found"
    assert found.advice.startswith(advice)
