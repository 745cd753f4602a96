"""Public reports of the ninth search, chosen before anything was tried: what owns a file, and what lies beside what."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import needed
from tests.linker.test_more_reports import musl  # noqa: F401  a fixture
from tests.linker.test_musl import LOADER, Ask, simulated, truth  # noqa: F401  a fixture
from tests.linker.test_reports_of_the_second_search import ONE, WANTS_ONE, WANTS_TWO, first, in_root
from tests.linker.test_reports_of_the_third_search import BOTH
from tests.linker.workshop import HOST_SOURCE, Workshop, loads, run

from loadstone.linker import LoaderModel, explain
from loadstone.linker.diagnoses.interpreters import its_loader
from loadstone.linker.discovery import of_root, with_program
from loadstone.linker.request import LoaderKind
from loadstone.linker.view import PretendedFiles

PYTHON = f"int PyObject_Free(void) {{ return 0; }}\n{HOST_SOURCE}"
MULTI = "/usr/lib/x86_64-linux-gnu"


def gone(workshop: Workshop, name: str) -> None:
    Path(workshop.path(name)).unlink()


def debian(workshop: Workshop, **packages: str) -> None:
    """A database of Debian's in the root: packages with one file each, none of them known to apt."""
    status = ["Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\n"]
    for package, file in packages.items():
        status.append(f"Package: {package}\nStatus: install ok installed\n")
        workshop.file(f"root/var/lib/dpkg/info/{package}:amd64.list", f"{file}\n".encode())
    workshop.file("root/var/lib/dpkg/status", "\n".join(status).encode())


def versions(number: int) -> tuple[str, str]:
    """Version scripts of two builds of the C++ library, of which the second has the next version too."""
    old = f"GLIBCXX_3.4.{number} {{ global: one; }};"
    return old, f"{old} GLIBCXX_3.4.{number + 1} {{ global: two; }} GLIBCXX_3.4.{number};"


# Packages of the system


def test_steam_10855_a_library_of_32_bits_on_a_system_of_64(workshop: Workshop) -> None:
    workshop.library("libGL.so.1", ONE, "-m32")
    workshop.library("root/steam/steamui.so", WANTS_ONE, "-m32", needs=["libGL.so.1"])
    gone(workshop, "libGL.so.1")
    workshop.library(f"root{MULTI}/libGL.so.1", ONE)
    debian(workshop, libgl1=f"{MULTI}/libGL.so.1")
    workshop.program("root/steam/steam", HOST_SOURCE, "-m32")
    workshop.file("root/lib/ld-linux.so.2", b"")
    model = with_program(of_root(workshop.path("root"), target="/steam/steamui.so"), "/steam/steam")
    advice = first(explain("/steam/steamui.so", model=model, as_library=True)).advice
    assert advice == "dpkg --add-architecture i386 && apt-get update && apt-get install libgl1:i386"


def test_a_library_whose_package_is_installed_is_put_back(workshop: Workshop) -> None:
    workshop.library("root/opt/x.so", WANTS_ONE, needs=[workshop.library("libfoo.so.1", ONE)])
    gone(workshop, "libfoo.so.1")
    debian(workshop, libfoo1=f"{MULTI}/libfoo.so.1")
    workshop.file("root/var/lib/dpkg/info/libfoo1:amd64.shlibs", b"libfoo 1 libfoo1 (>= 1)\n")
    assert first(explain("/opt/x.so", model=in_root(workshop))).advice == "apt install --reinstall libfoo1"


def test_upmpdcli_42_two_packages_of_the_system_are_not_of_one_release(workshop: Workshop) -> None:
    symbol = "_ZN4UPnP3allE"
    wants = f"int {symbol}(void); int e(void) {{ return {symbol}(); }}"
    workshop.library("root/usr/lib/libupnpp.so.3", f"int {symbol}(void) {{ return 1; }}")
    workshop.library("root/usr/lib/upmpdcli.so", wants, needs=["root/usr/lib/libupnpp.so.3"])
    workshop.library("root/usr/lib/libupnpp.so.3", "int _ZN4UPnP3runE(void) { return 1; }")
    debian(workshop, libupnpp3="/usr/lib/libupnpp.so.3", upmpdcli="/usr/lib/upmpdcli.so")
    advice = first(explain("/usr/lib/upmpdcli.so", model=in_root(workshop))).advice
    said = "upmpdcli.so and libupnpp.so.3 are not of one release: apt-get update && apt-get install --reinstall"
    assert advice.startswith(f"{said} upmpdcli libupnpp3; where upmpdcli.so was built here")


def test_hhvm_6425_a_file_of_no_package_hides_that_of_the_system(workshop: Workshop) -> None:
    script = "CURL_4 { global: *; };"
    right = workshop.library(f"root{MULTI}/libcurl.so.4", BOTH, version_script=script)
    workshop.library("root/usr/bin/hhvm.so", WANTS_TWO, needs=[f"root{MULTI}/libcurl.so.4"], soname="")
    workshop.library("root/usr/local/lib/libcurl.so.4", ONE, version_script=script)
    debian(workshop, libcurl4=f"{MULTI}/libcurl.so.4", hhvm="/usr/bin/hhvm.so")
    model = replace(in_root(workshop), system_dirs=("/usr/local/lib", MULTI))
    advice = first(explain("/usr/bin/hhvm.so", model=model)).advice
    stray = "/usr/local/lib/libcurl.so.4"
    assert advice.endswith(f"{stray} is of no package: mv {stray} {stray}.off && ldconfig")
    gone(workshop, "root/usr/local/lib/libcurl.so.4")
    assert Path(right).exists()
    assert loads(explain("/usr/bin/hhvm.so", model=model))


def test_a_link_that_leads_nowhere_is_put_right_where_its_library_is_beside_it(workshop: Workshop) -> None:
    workshop.library("libx.so.1", ONE)
    workshop.library("user.so", WANTS_ONE, needs=["libx.so.1"], runpath="$ORIGIN", soname="")
    Path(workshop.path("libx.so.1")).rename(workshop.path("libx.so.1.2"))
    workshop.link("libx.so.1", "libx.so.1.1")
    question = workshop.ask("user.so")
    found = first(workshop.answer(question))
    assert (found.code, found.loader_message) == ("dangling-link", workshop.truth(question).message)
    run(["sh", "-c", found.advice])
    assert workshop.truth(question).loads
    gone(workshop, "libx.so.1.2")
    assert "put back" in first(workshop.answer(question)).advice


# Environments of conda


def test_limap_2_the_run_path_of_an_environment_is_never_taken_away(workshop: Workshop) -> None:
    old, new = versions(29)
    right = workshop.library("system/libstdc++.so.6", BOTH, version_script=new)
    workshop.library("env/lib/libstdc++.so.6", ONE, version_script=old)
    workshop.file("env/conda-meta/libstdcxx-ng-11.2.0-h1_1.json", b'{"files": ["lib/libstdc++.so.6"]}')
    workshop.library("limap/_limap.so", WANTS_TWO, needs=["system/libstdc++.so.6"], runpath="$ORIGIN/../system")
    host = workshop.program("env/bin/python", PYTHON, needs=["env/lib/libstdc++.so.6"], rpath="$ORIGIN/../lib")
    question = workshop.ask("limap/_limap.so", host=host)
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    update = f"conda install -p {workshop.path('env')} -c conda-forge --update-deps libstdcxx-ng"
    assert update in found.advice or found.advice.endswith(f"LD_PRELOAD={right}")
    assert "remove-rpath" not in found.advice
    assert workshop.truth(replace(question, env={"LD_PRELOAD": right})).loads


def test_kraken_98_the_base_of_conda_has_the_c_plus_plus_library(workshop: Workshop) -> None:
    old, new = versions(19)
    right = "home/u/miniconda3/lib/libstdc++.so.6"
    workshop.library(f"root/{right}", BOTH, version_script=new)
    workshop.library("root/home/u/kraken/count.so", WANTS_TWO, needs=[f"root/{right}"], soname="")
    workshop.library("root/usr/lib/libstdc++.so.6", ONE, version_script=old)
    model, target = in_root(workshop), "/home/u/kraken/count.so"
    assert first(explain(target, model=model)).advice.startswith("GLIBCXX_3.4.20 came with GCC 4.9: ")
    for variable in (("HOME", "/home/u"), ("PATH", "/home/u/miniconda3/bin")):
        advice = first(explain(target, model=replace(model, env=(variable,)))).advice
        assert advice == f"/{right} has it: patchelf --set-rpath '$ORIGIN/../miniconda3/lib' {target}"
    question = workshop.ask(f"root{target}")
    run(["sh", "-c", advice.partition(": ")[2].replace(target, workshop.path(f"root{target}"))])
    assert workshop.truth(question).loads


# What a variable leads to is needed for more


def test_appimagelauncher_472_a_variable_is_not_dropped_that_leads_to_more(workshop: Workshop) -> None:
    right = workshop.library("system/libgmodule.so.0", BOTH)
    workshop.library("system/libgio.so.0", WANTS_TWO, needs=["system/libgmodule.so.0"], runpath="$ORIGIN")
    workshop.library("app/usr/lib/libgmodule.so.0", ONE)
    workshop.library("app/usr/lib/libqt.so.5", "int qt(void) { return 0; }")
    source = "int qt(void), e(void); int main(void) { return qt() + e() - 2; }"
    needs = ["app/usr/lib/libqt.so.5", "system/libgio.so.0"]
    workshop.program("app/usr/bin/cli", source, needs=needs, runpath=workshop.path("system"))
    bundled = workshop.path("app/usr/lib")
    question = workshop.ask("app/usr/bin/cli", program=True, env={"LD_LIBRARY_PATH": bundled})
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    leave = f"leave {bundled}/libgmodule.so.0 out of what the program in {workshop.path('app/usr')} brings with it"
    assert found.advice.endswith(f"{leave}, or LD_PRELOAD={right}")
    assert workshop.truth(replace(question, env={**question.env, "LD_PRELOAD": right})).loads
    assert not workshop.truth(replace(question, env={})).loads
    gone(workshop, "app/usr/lib/libgmodule.so.0")
    assert workshop.truth(question).loads


# Static thread-local storage


def test_flox_1341_with_an_auditor_the_libraries_of_a_program_share_the_reserve(workshop: Workshop) -> None:
    audit = workshop.library("libaudit.so", "unsigned la_version(unsigned v) { return v; }", libc=True)
    storage = '__thread char x[2400] __attribute__((tls_model("initial-exec"))); char *two(void) { return x; }'
    workshop.library("libjemalloc.so.2", storage)
    source = "char *two(void); int main(void) { return !two(); }"
    workshop.program("server", source, needs=["libjemalloc.so.2"], runpath="$ORIGIN")
    question = workshop.ask("server", program=True, env={"LD_AUDIT": audit})
    found = first(workshop.answer(question))
    assert (found.code, found.loader_message) == ("static-tls", workshop.truth(question).message)
    tunable = re.search(r"GLIBC_TUNABLES=(\S+?)[;,]", found.advice)
    assert tunable is not None
    assert found.advice.startswith("unset LD_AUDIT: ")
    assert workshop.truth(replace(question, env={})).loads
    assert loads(workshop.answer(replace(question, env={})))
    assert workshop.truth(replace(question, env={**question.env, "GLIBC_TUNABLES": tunable[1]})).loads


# Loaders that are missing, and musl


def test_spglib_326_musl_does_not_look_beside_a_module(
    musl: Callable[..., str],  # noqa: F811
    truth: Ask,  # noqa: F811
) -> None:
    library = musl("spglib/libsymspg.so.2", ONE, "-Wl,-soname,libsymspg.so.2")
    module = musl("spglib/_spglib.so", WANTS_ONE, library)
    found = first(simulated(module))
    assert found.loader_message == truth(module).words
    assert found.advice == f"patchelf --add-rpath '$ORIGIN' {module}"
    needed("patchelf")
    run(["sh", "-c", found.advice])
    assert truth(module).loads
    assert loads(simulated(module))


def test_musl_has_another_version_of_the_interface(musl: Callable[..., str]) -> None:  # noqa: F811
    library = Path(musl("libssl.so.1.1", ONE, "-Wl,-soname,libssl.so.1.1"))
    module = Path(musl("m.so", WANTS_ONE, str(library)))
    files = {"/usr/lib/libssl.so.3": library.read_bytes(), "/x/m.so": module.read_bytes()}
    model = LoaderModel(kind=LoaderKind.MUSL, interpreter=LOADER, view=PretendedFiles(files))
    advice = first(explain("/x/m.so", model=model, as_library=True)).advice
    assert advice.startswith("there is libssl.so.3, which is another interface: ")


def test_f5fpc_26_a_program_of_glibc_on_a_system_of_musl(workshop: Workshop) -> None:
    needed(LOADER)
    workshop.program("root/usr/local/bin/f5fpc")
    workshop.folder_of("root/lib")
    shutil.copy(LOADER, workshop.path(f"root{LOADER}"))
    found = first(explain("/usr/local/bin/f5fpc", model=of_root(workshop.path("root"))))
    assert (found.code, found.loader_message) == ("interp-missing", "/usr/local/bin/f5fpc: No such file or directory")
    assert "apk add gcompat lends many of glibc's functions" in found.advice


@pytest.mark.parametrize(
    ("files", "loader", "advice"),
    [
        (["/etc/NIXOS"], "/lib64/ld-linux-x86-64.so.2", "programs.nix-ld.enable = true"),
        (
            ["/lib64/ld-linux-x86-64.so.2"],
            "/opt/gone/ld-linux-x86-64.so.2",
            "patchelf --set-interpreter /lib64/ld-linux-x86-64.so.2 '/a b'",
        ),
        ([], "/lib/ld-musl-x86_64.so.1", "install musl (Debian: apt-get install musl)"),
        (["/var/lib/pacman/local"], "/lib/ld-linux.so.2", "install the C library of 32 bits: pacman -S lib32-glibc"),
        (["/usr/lib/sysimage/rpm/x"], "/lib/ld-linux.so.2", "install the C library of 32 bits: dnf install glibc.i686"),
        (["/etc/x"], "/lib64/ld64.so.2", "install the C library it was built for"),
    ],
)
def test_a_loader_that_is_not_there(files: list[str], loader: str, advice: str) -> None:
    model = LoaderModel(view=PretendedFiles(dict.fromkeys(files, b"")))
    assert its_loader(model, loader, "/a b").startswith(advice)
