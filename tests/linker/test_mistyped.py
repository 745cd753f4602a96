"""What a name or a path that is not there may have meant; and commands that a shell takes whatever a file is called."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import needed
from tests.linker.test_reports_of_the_second_search import ONE, WANTS_ONE, first, in_root
from tests.linker.workshop import Workshop, loads, run

from loadstone.linker import LoaderModel, explain
from loadstone.linker.diagnoses.mistyped import meant
from loadstone.linker.discovery import of_root
from loadstone.linker.request import LoaderKind
from loadstone.linker.view import PretendedFiles

ODD = "we ird's $(touch PWNED)/"
FILES = ("/app/x/user.so", "/app/Plug Ins/libq.so.1", "/usr/lib/libz.so.1", "/usr/lib/libz.so")


def pretended(kind: LoaderKind = LoaderKind.GLIBC) -> LoaderModel:
    files = dict.fromkeys(FILES, b"")
    return LoaderModel(kind=kind, system_dirs=("/usr/lib",), view=PretendedFiles(files), env=(("HOME", "/home/a"),))


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/app/x/User.so", "did you mean /app/x/user.so?"),
        ("/app/x/user.so.1", "did you mean /app/x/user.so?"),
        ("/App/x/user.so", "did you mean /app/x/user.so?"),
        ("/ap/X/usr.so", "did you mean /app/x/user.so?"),
        ("/app/x/user", "did you mean /app/x/user.so?"),
        ("/app/x/user.cpython-39-x86_64-linux-gnu.so", "did you mean /app/x/user.so?"),
        ("/app/x/user.so!/a/b.so", "loadstone explain /app/x/user.so answers for every library in it"),
        ("/app/user.so", "did you mean /app/x/user.so?"),
        ("/app/x/libq.so.1", "did you mean '/app/Plug Ins/libq.so.1'?"),
        ("/app/plug ins/libq.so.1", "did you mean '/app/Plug Ins/libq.so.1'?"),
        ("/nowhere at all/y.so", "see: ls -ld '/nowhere at all'"),
        ("~/y.so", "~ is for a shell to replace, and none did: /home/a/y.so"),
        ("$HOME/y.so", "$HOME is for a shell to replace, and none did: /home/a/y.so"),
    ],
)
@pytest.mark.parametrize("kind", [LoaderKind.GLIBC, LoaderKind.MUSL, LoaderKind.DYLD, LoaderKind.WINDOWS])
def test_a_path_is_no_package_and_what_is_spelled_alike_is_named(path: str, said: str, kind: LoaderKind) -> None:
    model = pretended(kind)
    assert meant(model, path) == said
    if kind is LoaderKind.WINDOWS and not path.startswith("/"):
        return  # a name without a folder there
    assert first(explain(path, model=model, as_library=True)).advice == said


@pytest.mark.parametrize("name", ["z", "libz", "-lz"])
def test_a_name_for_a_compiler_is_no_name_of_a_library(name: str) -> None:
    assert "did you mean libz.so? A loader" in first(explain(name, model=pretended(), as_library=True)).advice


def test_the_name_of_another_system_is_that_of_the_library_that_is_here() -> None:
    assert first(explain("libz.dylib", model=pretended(), as_library=True)).advice == "ask for libz.so"


def test_a_library_beside_a_folder_above(workshop: Workshop) -> None:
    workshop.library("plugins/libq.so.1", ONE)
    workshop.library("x/y/user.so", WANTS_ONE, needs=["plugins/libq.so.1"], soname="")
    question = workshop.ask("x/y/user.so")
    advice = first(workshop.answer(question)).advice
    assert advice == f"patchelf --set-rpath '$ORIGIN/../../plugins' {workshop.path('x/y/user.so')}"
    run([needed("patchelf"), *shlex.split(advice)[1:]])
    assert loads(workshop.answer(question))
    assert workshop.truth(question).loads


def test_advice_is_for_a_shell_whatever_the_files_are_called(workshop: Workshop) -> None:
    there = workshop.library(f"{ODD}lib/libz z.so.1", ONE)
    user = workshop.library(f"{ODD}user'.so", WANTS_ONE, needs=[f"{ODD}lib/libz z.so.1"], soname="")
    question = workshop.ask(f"{ODD}user'.so")
    Path(there).rename(Path(there).with_name("LIBZ z.so.1"))
    advice = first(workshop.answer(question)).advice
    assert advice.startswith("ln -s 'LIBZ z.so.1' ")
    run(["sh", "-c", advice.replace("patchelf", needed("patchelf"))])
    assert loads(workshop.answer(question))
    assert workshop.truth(question).loads
    assert not list(Path(user).parent.parent.rglob("PWNED"))


@pytest.mark.parametrize("mark", ["var/lib/dpkg/status", "usr/lib/sysimage/rpm/x", "lib/apk/db/installed"])
def test_a_name_that_is_a_command_is_quoted_by_every_system(workshop: Workshop, mark: str) -> None:
    name = "libq'; touch PWNED #.so.1"
    gone = workshop.library(name, ONE)
    workshop.library("root/user.so", WANTS_ONE, needs=[name], soname="")
    Path(gone).unlink()
    workshop.file(f"root/{mark}", b"")
    advice = first(explain("/user.so", model=in_root(workshop))).advice
    assert "(apt-file search 'libq'\"'\"'; touch PWNED #.so.1', dnf provides '*/libq'\"'\"'; touch PWNED" in advice


def test_a_path_in_a_program_for_musl_is_not_installed(tmp_path: Path) -> None:
    musl = needed("musl-gcc")
    (tmp_path / "root/lib").mkdir(parents=True)
    (tmp_path / "root/lib/ld-musl-x86_64.so.1").write_bytes(Path("/lib/ld-musl-x86_64.so.1").read_bytes())
    source = tmp_path / "a.c"
    source.write_text(ONE)
    library = str(tmp_path / "libq.so")
    run([musl, "-shared", "-fPIC", str(source), "-o", library])
    source.write_text("int one(void); int main(void) { return one(); }")
    run([musl, str(source), library, "-o", str(tmp_path / "root/demo")])
    found = first(explain("/demo", model=of_root(str(tmp_path / "root"), target="/demo")))
    assert found.advice.startswith("see: ls -ld /")


def test_a_path_that_begins_with_a_dash_is_no_option_of_the_advised_command(workshop: Workshop) -> None:
    workshop.library("-d/lib/libq.so.1", ONE)
    workshop.library("-d/user.so", WANTS_ONE, needs=["-d/lib/libq.so.1"], soname="")
    question = replace(workshop.ask("-d/user.so"), target="-d/user.so")
    advice = first(workshop.answer(question)).advice
    assert advice == "patchelf --set-rpath '$ORIGIN/lib' ./-d/user.so"
    subprocess.run([needed("patchelf"), *shlex.split(advice)[1:]], cwd=workshop.folder, check=True)
    assert loads(workshop.answer(question))
    assert workshop.truth(question).loads


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "zlib1.dll",
            "use its build for this system, by the name it has here; ",
        ),
        ("libodd-3.dll", "ask for libodd.so.3"),
        ("libodd.3.dylib", "ask for libodd.so.3"),
    ],
)
def test_a_name_of_another_system_is_translated_where_that_leads_to_a_library(name: str, words: str) -> None:
    view = PretendedFiles({"/usr/lib/libodd.so.3": b""})
    found = first(explain(name, model=replace(pretended(), view=view), as_library=True))
    assert found.advice.startswith(words)
    assert "libzlib1" not in found.explanation + found.advice


def test_the_c_library_of_musl_is_no_script_to_be_replaced(workshop: Workshop) -> None:
    workshop.library("libc.so", ONE)
    workshop.library("user.so", WANTS_ONE, "-nostdlib", needs=["libc.so"], soname="")
    workshop.file("lib/libc.so", b"/* GNU ld script */\nGROUP ( /lib/x86_64-linux-gnu/libc.so.6 )\n")
    question = workshop.ask("user.so", env={"LD_LIBRARY_PATH": workshop.path("lib")})
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    assert found.code == "ld-script"
    assert found.advice.startswith("it was built for musl, whose C library has that name")
    assert "remove" not in found.advice
