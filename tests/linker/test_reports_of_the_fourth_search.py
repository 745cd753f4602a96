"""Fifteen public reports more, again chosen before anything was tried: those whose advice was wrong or too general.

The others were right at first, by what the third search had taught, and are of its kinds.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.linker.releases import RELEASES, libraries
from tests.linker.test_reports_of_the_second_search import ONE, WANTS_ONE, WANTS_TWO, first, named
from tests.linker.test_reports_of_the_third_search import BOTH, mac  # noqa: F401  a fixture
from tests.linker.workshop import HOST_SOURCE, Workshop, loads
from tests.tools import needed

from loadstone.core.trace import LoadVerdict
from loadstone.linker import LoaderModel, explain
from loadstone.linker.discovery import of_root, with_loader, with_program
from loadstone.report.text.explanation import render
from loadstone.report.text.style import Style


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"version https://git-lfs.github.com/spec/v1\n"])
def test_cntk_2213_the_link_became_a_broken_file_and_the_library_lies_beside(
    workshop: Workshop, content: bytes
) -> None:
    workshop.library("cuda/libcudnn.so.6.0.21", ONE, soname="libcudnn.so.6")
    needs = ["cuda/libcudnn.so.6.0.21"]
    workshop.library("user.so", WANTS_ONE, needs=needs, runpath="$ORIGIN/cuda", soname="")
    workshop.file("cuda/libcudnn.so.6", content)
    question = workshop.ask("user.so")
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    assert found.advice == f"ln -sf libcudnn.so.6.0.21 {workshop.path('cuda/libcudnn.so.6')}"
    subprocess.run(["sh", "-c", found.advice], check=True)
    assert workshop.truth(question).loads
    assert loads(workshop.answer(question))


@pytest.mark.parametrize(
    "value",
    ["{}\\${{LD_LIBRARY_PATH:+:${{LD_LIBRARY_PATH}}}}", "'{}'", "{},/opt/none", " {}", "~/lib", "{}/libx.so.7"],
)
def test_tensorflow_20271_a_variable_that_the_shell_did_not_read(workshop: Workshop, value: str) -> None:
    workshop.library("lib/libx.so.7", ONE)
    workshop.library("tf/user.so", WANTS_ONE, needs=["lib/libx.so.7"], soname="")
    folder = workshop.path("lib")
    question = workshop.ask("tf/user.so", env={"LD_LIBRARY_PATH": value.format(folder), "HOME": workshop.path("")})
    question = replace(question, cwd="/")
    found = first(workshop.answer(question))
    assert (found.code, found.loader_message) == ("dep-not-found", workshop.truth(question).message)
    assert found.advice == f"LD_LIBRARY_PATH={folder}"
    assert workshop.truth(replace(question, env={"LD_LIBRARY_PATH": folder})).loads


def test_lmdb_js_72_a_function_of_glibc_in_a_build_for_musl(workshop: Workshop) -> None:
    workshop.library("addon.node", "int backtrace(void); int e(void) { return backtrace(); }", soname="")
    source = Path(workshop.path("host.c"))
    source.write_text("int main(void) { return 0; }")
    host = workshop.path("node")
    subprocess.run([needed("musl-gcc"), str(source), "-o", host], check=True)
    model = with_program(LoaderModel.this_process(env={}), host)
    found = first(explain(workshop.path("addon.node"), model=model))
    assert found.loader_message.endswith("addon.node: backtrace: symbol not found")
    assert found.advice.startswith("glibc's C library has backtrace, and musl has not: build ")


def test_uv_6812_a_copied_interpreter_of_a_virtual_environment(workshop: Workshop) -> None:
    workshop.library("home/lib/libpython3.11.so.1.0", ONE)
    source = "int one(void); int main(void) { return one() - 1; }"
    original = workshop.program("home/bin/python3.11", source, needs=["home/lib/libpython3.11.so.1.0"])
    by_origin = "$ORIGIN/../lib/libpython3.11.so.1.0"
    workshop.patchelf("home/bin/python3.11", "--replace-needed", "libpython3.11.so.1.0", by_origin)
    workshop.file("venv/bin/python", Path(original).read_bytes())
    workshop.file("venv/pyvenv.cfg", f"home = {workshop.path('home/bin')}\n".encode())
    copy = Path(workshop.path("venv/bin/python"))
    copy.chmod(0o755)
    question = workshop.ask("venv/bin/python", program=True)
    found = first(workshop.answer(question))
    assert (found.code, found.loader_message) == ("dep-not-found", workshop.truth(question).message)
    assert found.advice == f"ln -sf {original} {copy}"
    subprocess.run(["sh", "-c", found.advice], check=True)
    assert workshop.truth(question).loads
    assert loads(workshop.answer(question))


def test_obs_multi_rtmp_436_a_plugin_for_another_version_of_its_program(workshop: Workshop) -> None:
    workshop.library("app/lib/libapi.so.0", ONE)
    workshop.library("plugins/rtmp.so", WANTS_ONE, needs=["app/lib/libapi.so.0"], soname="")
    Path(workshop.path("app/lib/libapi.so.0")).unlink()
    workshop.library("app/lib/libapi.so.30", ONE)
    host = workshop.program("app/bin/obs", HOST_SOURCE, runpath=workshop.path("app/lib"))
    question = workshop.ask("plugins/rtmp.so", host=host)
    found = first(workshop.answer(question))
    assert (found.code, found.loader_message) == ("dep-not-found", workshop.truth(question).message)
    assert f"There is {workshop.path('app/lib/libapi.so.30')}" in found.explanation
    assert found.advice.startswith("install a build of rtmp.so for libapi.so.30")


@pytest.mark.parametrize(
    ("place", "advice"),
    [
        (
            "app/lib/python3.6/site-packages/eosiopy/uECC.so",
            "python3.6 -m pip install --force-reinstall --no-cache-dir",
        ),
        ("app/node_modules/bcrypt/build/bcrypt.node", "npm rebuild bcrypt"),
        ("app/node_modules/@scope/pkg/x.node", "npm rebuild @scope/pkg"),
        ("app/x.so", "install or build it on this system"),
    ],
)
def test_eosiopy_5_a_library_of_a_mac_in_a_container(workshop: Workshop, place: str, advice: str) -> None:
    workshop.file(place, bytes.fromhex("cffaedfe07000001") + bytes(24))
    question = workshop.ask(place)
    model = with_loader(LoaderModel.this_process(env={}), "glibc-2.36")
    found = first(explain(question.target, model=model))
    assert (found.code, found.loader_message) == ("foreign-format", workshop.truth(question).message)
    assert advice in found.advice


def test_the_answer_for_a_library_of_another_system_names_that_system(workshop: Workshop) -> None:
    workshop.file("x.so", bytes.fromhex("cffaedfe07000001") + bytes(24))
    lines = render(explain(workshop.path("x.so")), Style(colour=False)).splitlines()
    assert lines[1].startswith("  on macOS: ")


@pytest.mark.slow
def test_xgboost_10946_another_package_manager_of_a_mac_has_it(mac: Callable[..., str], tmp_path: Path) -> None:  # noqa: F811
    prefix = "root/opt/local"
    library = mac(f"{prefix}/lib/libomp/libomp.dylib", ONE, named("@rpath/libomp.dylib"))
    module = mac(f"{prefix}/Library/py/lib/python3.10/site-packages/xgb/lib/libxgb.dylib", WANTS_ONE, library,
                 "-Wl,-rpath,/opt/homebrew/opt/libomp/lib")  # fmt: skip
    inside = module.removeprefix(f"{tmp_path}/root")
    model = of_root(str(tmp_path / "root"), target=inside)
    found = first(explain(inside, model=model))
    assert found.code == "macho-rpath"
    assert found.advice.startswith(f"install_name_tool -add_rpath /opt/local/lib/libomp {inside} && codesign")


@pytest.mark.slow
def test_energy_forecasting_15_the_other_prefix_of_homebrew_has_it(mac: Callable[..., str], tmp_path: Path) -> None:  # noqa: F811
    asked, there = (f"{p}/opt/libomp/lib/libomp.dylib" for p in ("/usr/local", "/opt/homebrew"))
    library = mac(f"root{there}", ONE, named(asked))
    module = mac("root/venv/lib_lightgbm.so", WANTS_ONE, library)
    model = of_root(str(tmp_path / "root"), target="/venv/lib_lightgbm.so")
    found = first(explain("/venv/lib_lightgbm.so", model=model))
    assert module.endswith("/venv/lib_lightgbm.so")
    assert found.advice.startswith(f"install_name_tool -change {asked} {there} /venv/lib_lightgbm.so && codesign")


def test_gnome_sdk_372_the_c_library_of_another_release_comes_first(workshop: Workshop) -> None:
    """What was right at first, with the real parts of another release: a variable leads to its libc.so.6."""
    newest = max(RELEASES, key=lambda other: other.release)
    if LoaderModel.this_process().release >= newest.release:
        pytest.skip("this system has the newest of the releases at hand")
    workshop.file("snap/libc.so.6", (libraries(newest) / "libc.so.6").read_bytes())
    program = workshop.program("tool")
    question = workshop.ask("tool", program=True, env={"LD_LIBRARY_PATH": workshop.path("snap")})
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    assert found.advice.endswith("LD_LIBRARY_PATH leads to it: unset LD_LIBRARY_PATH")
    assert program
    assert workshop.answer(replace(question, env={})).verdict is LoadVerdict.LOADS


def test_ssr_972_the_cache_leads_to_what_was_built_here(workshop: Workshop) -> None:
    """What was right at first: a copy in /usr/local/lib is older than the system's."""
    workshop.library("root/usr/lib/libmpg.so.0", BOTH)
    workshop.library("root/usr/local/lib/libmpg.so.0", ONE)
    workshop.library("root/usr/lib/libopen.so.0", WANTS_TWO, needs=["root/usr/lib/libmpg.so.0"])
    workshop.file("root/lib64/ld-linux-x86-64.so.2", Path("/lib64/ld-linux-x86-64.so.2").read_bytes())
    workshop.file("root/etc/ld.so.conf", b"/usr/local/lib\n/usr/lib\n")
    subprocess.run([needed("ldconfig"), "-r", workshop.path("root")], check=True, capture_output=True)
    found = first(explain("/usr/lib/libopen.so.0", model=of_root(workshop.path("root"))))
    assert "the loader's cache comes first and leads to /usr/local/lib/libmpg.so.0" in found.advice
    assert found.advice.endswith("LD_LIBRARY_PATH=/usr/lib")
