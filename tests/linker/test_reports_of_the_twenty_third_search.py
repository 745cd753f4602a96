"""Public reports of the twenty-third search: what helped, asked in small."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.linker.test_reports_of_the_fifteenth_search import DEBIAN
from tests.linker.test_reports_of_the_fourteenth_search import ALONE, CALLS_ONE, missing_in_root
from tests.linker.test_reports_of_the_second_search import (
    BOTH,
    ONE,
    WANTS_ONE,
    WANTS_TWO,
    first,
    in_root,
    named,
)
from tests.linker.test_reports_of_the_third_search import mac  # noqa: F401  a fixture
from tests.linker.test_reports_of_the_twelfth_search import makes, takes
from tests.linker.workshop import Workshop, run

from loadstone.core.trace import LoadVerdict
from loadstone.linker import explain
from loadstone.linker.abi import I386
from loadstone.linker.discovery import of_root, with_program

LOADER = "root/lib64/ld-linux-x86-64.so.2"


@pytest.mark.parametrize(
    ("mark", "there", "asker", "name", "advice"),
    [
        # wwmm/easyeffects 32
        ("var/lib/pacman/x", "/usr/lib/libgfortran.so.3", "/usr/lib/python3.6/site-packages/scipy/linalg/_fblas.so",
         "libgfortran.so.4", "upgrade the whole system: pacman -Syu, and build anew what is not of its repositories"),
        # microsoft/openjdk-docker 75
        ("etc/x", "/usr/lib/libfreetype.so.6", "/usr/lib/jvm/msopenjdk-17-amd64/lib/libfontmanager.so",
         "libfreetype.so", "ln -s libfreetype.so.6 /usr/lib/libfreetype.so; the name without a version is brought by"),
        # AOSC-Dev/aosc-os-abbs 79
        ("etc/x", "/usr/lib/libbfd-2.25.1.so", "/usr/bin/amule", "libbfd-2.25.so",
         "or a build of amule for libbfd-2.25.1.so, which is another interface than libbfd-2.25.so"),
        # salilab/imp 731
        ("usr/lib/sysimage/rpm", "/usr/lib64/openmpi/lib/libmpi_cxx.so.1",
         "/usr/local/IMP/imp-fast-mpi/lib/_IMP_core.so", "libmpi_cxx.so.1", "LD_LIBRARY_PATH=/usr/lib64/openmpi/lib"),
        # mattermost-community/focalboard 5055
        ("etc/x", "/usr/lib/libwebkit2gtk-4.1.so.0", "/home/u/focalboard-app", "libwebkit2gtk-4.0.so.37",
         "this release has no libwebkit2gtk-4.0-37 any more, Debian 12, Ubuntu 22.04 are the last"),
        # llvm-ocaml-tutorial 2
        ("home/u/t/.git", "/home/u/t/_build/default/bindings/libbindings.so", "/home/u/t/_build/default/bin/k.exe",
         "libbindings.so", "patchelf --set-rpath '$ORIGIN/../bindings' /home/u/t/_build/default/bin/k.exe"),
    ],
)  # fmt: skip
def test_a_library_of_another_number_or_elsewhere(
    workshop: Workshop, mark: str, there: str, asker: str, name: str, advice: str
) -> None:
    if mark.startswith(("etc/", "home/")):
        workshop.file("root/var/lib/dpkg/status", DEBIAN)
        workshop.file("root/etc/os-release", b'ID=ubuntu\nVERSION_ID="24.04"\n')
    workshop.folder_of(f"root/{mark}")
    workshop.library(f"root{there}", ONE)
    found = missing_in_root(workshop, asker, name, program="bin/" in asker or "focal" in asker)
    assert found.loader_message.endswith(f"{name}: cannot open shared object file: No such file or directory")
    assert advice in found.advice


def test_pyboolnet_7_a_program_for_the_other_word_length(workshop: Workshop) -> None:
    workshop.file("root/var/lib/dpkg/status", DEBIAN)
    workshop.folder_of("root/usr/lib")
    gone = workshop.library("gone/libreadline.so.6", ONE, "-m32")
    workshop.file("root/lib/ld-linux.so.2", b"")
    workshop.program("root/opt/NuSMV/bin/NuSMVa", CALLS_ONE, "-m32", *ALONE, needs=["gone/libreadline.so.6"])
    Path(gone).unlink()
    answer = explain("/opt/NuSMV/bin/NuSMVa", model=replace(in_root(workshop), abi=I386))
    assert "apt-get install libreadline6:i386" in first(answer).advice


def test_youcompleteme_3522_a_program_that_hides_the_python_inside(workshop: Workshop) -> None:
    workshop.file(LOADER, b"")
    said = 'const char *said(void) { return "Fatal Python error: "; }'
    python = f"int PyFloat_Type(void) {{ return 1; }} {said} int main(void) {{ return PyFloat_Type(); }}"
    workshop.program("root/usr/local/bin/vim", python, *ALONE)
    target = "/usr/local/lib/python3.8/lib-dynload/_socket.cpython-38-x86_64-linux-gnu.so"
    workshop.library(f"root{target}", takes("PyFloat_Type"), soname="")
    answer = explain(target, model=with_program(in_root(workshop), "/usr/local/bin/vim"), as_library=True)
    assert answer.verdict is LoadVerdict.LOADS_WITH_RISK
    assert answer.diagnoses[0].advice.startswith("link vim with -rdynamic")
    workshop.program("root/usr/local/bin/vim", f"{makes('PyObject_Free')} {python}", "-rdynamic", *ALONE)
    answer = explain(target, model=with_program(in_root(workshop), "/usr/local/bin/vim"), as_library=True)
    assert answer.verdict is LoadVerdict.LOADS


def test_ttpy_18_two_packages_of_conda_that_do_not_fit(workshop: Workshop) -> None:
    prefix = "root/opt/anaconda"
    workshop.file(f"{prefix}/conda-meta/libgfortran-1.0-0.json", b'{"files": ["lib/libgfortran.so.3"]}')
    module = "lib/python2.7/site-packages/scipy/x.so"
    workshop.file(f"{prefix}/conda-meta/scipy-0.17.0-np110py27_3.json", b'{"files": ["%s"]}' % module.encode())
    library, old = f"{prefix}/lib/libgfortran.so.3", "GFORTRAN_1.0 { global: one; };"
    newer = f"{old} GFORTRAN_1.4 {{ global: two; }} GFORTRAN_1.0;"
    workshop.library(library, BOTH, version_script=newer)
    workshop.library(f"{prefix}/{module}", WANTS_TWO, needs=[library], runpath="$ORIGIN/../../..", soname="")
    workshop.library(library, ONE, version_script=old)
    answer = explain(f"/opt/anaconda/{module}", model=in_root(workshop))
    assert "conda update -p /opt/anaconda scipy libgfortran, both of one channel" in first(answer).advice


def test_codyco_superbuild_141_what_matlab_brings_is_older(workshop: Workshop) -> None:
    old, there = "GLIBCXX_3.4 { global: one; };", "root/usr/local/MATLAB/R2016a"
    workshop.file(LOADER, b"")
    newer = f"{old} GLIBCXX_3.4.21 {{ global: two; }} GLIBCXX_3.4;"
    workshop.library("root/usr/lib/libstdc++.so.6", BOTH, version_script=newer)
    own = workshop.library(f"{there}/sys/os/glnxa64/libstdc++.so.6", ONE, version_script=old)
    program = f"{there}/bin/glnxa64/MATLAB"
    workshop.program(program, CALLS_ONE, *ALONE, needs=[own], rpath="$ORIGIN/../../sys/os/glnxa64")
    module = "/home/d/codyco/mex/WBToolbox.mexa64"
    workshop.library(f"root{module}", WANTS_TWO, needs=["root/usr/lib/libstdc++.so.6"], soname="")
    model = with_program(in_root(workshop), program.removeprefix("root"))
    assert first(explain(module, model=model, as_library=True)).advice.endswith("LD_PRELOAD=/usr/lib/libstdc++.so.6")


def test_react_native_app_tour_62_the_swift_of_an_app(
    mac: Callable[..., str],  # noqa: F811  the fixture that was imported
    tmp_path: Path,
) -> None:
    gone = mac("gone/x.dylib", ONE, named("@rpath/libswiftCore.dylib"))
    target = "/private/var/containers/Bundle/Application/0481/i.app/Frameworks/M.framework/M"
    mac(f"root{target}", WANTS_ONE, gone, "-Wl,-rpath,@executable_path/Frameworks")
    (tmp_path / "root/System/Library").mkdir(parents=True)
    answer = explain(target, model=of_root(str(tmp_path / "root"), target=target))
    assert "Always Embed Swift Standard Libraries = Yes" in first(answer).advice


def test_tensorflow_44777_a_library_of_another_cuda(workshop: Workshop) -> None:
    workshop.library("root/usr/local/cuda-11.1/lib64/libcusolver.so.11", ONE)
    workshop.folder_of("root/usr/lib")
    advice = first(explain("libcusolver.so.10", model=in_root(workshop))).advice
    assert advice.startswith("ask for libcusolver.so.11, or ln -s libcusolver.so.11 ")
    assert "install CUDA 10 or 11.0" in advice


def test_buildem_33_the_variable_leads_to_another_libpython(workshop: Workshop) -> None:
    library, name = "libpython2.7.so.1.0", "PyUnicodeUCS4_FromEncodedObject"
    workshop.file(LOADER, b"")
    workshop.library(f"root/usr/lib/{library}", makes(name, "Py_Main"))
    code = f"int {name}(void); int Py_Main(void); int main(void){{return {name}()+Py_Main();}}"
    workshop.program("root/usr/bin/gdb", code, *ALONE, needs=[f"root/usr/lib/{library}"])
    workshop.library(f"root/home/u/buildem/lib/{library}", makes("PyUnicodeUCS2_FromEncodedObject", "Py_Main"))
    model = replace(in_root(workshop), env=(("LD_LIBRARY_PATH", "/home/u/buildem/lib"),))
    assert first(explain("/usr/bin/gdb", model=model)).advice.endswith("unset LD_LIBRARY_PATH")


def test_comeonin_64_a_module_for_another_erlang(workshop: Workshop) -> None:
    workshop.file(LOADER, b"")
    program = "/usr/lib/erlang/erts-7.2/bin/beam.smp"
    code = f"{makes('enif_make_int', 'enif_get_int')} int main(void){{return 0;}}"
    workshop.program(f"root{program}", code, "-rdynamic", *ALONE)
    target = "/home/u/app/_build/dev/lib/comeonin/priv/bcrypt_nif.so"
    workshop.library(f"root{target}", takes("enif_make_int", "enif_old_thing"), soname="")
    advice = first(explain(target, model=with_program(in_root(workshop), program), as_library=True)).advice
    assert advice.endswith("cd /home/u/app && mix deps.compile --force comeonin")


def test_ngx_http_geoip2_module_94_an_object_file(workshop: Workshop) -> None:
    source = workshop.folder / "m.c"
    source.write_text(ONE)
    run(["gcc", "-c", str(source), "-o", workshop.path("ngx_http_geoip2_module.o")])
    found = first(workshop.answer(workshop.ask("ngx_http_geoip2_module.o")))
    assert found.loader_message.endswith("only ET_DYN and ET_EXEC can be loaded")
    assert found.advice.startswith("gcc -shared ")
    assert found.advice.endswith("-o ngx_http_geoip2_module.so")
