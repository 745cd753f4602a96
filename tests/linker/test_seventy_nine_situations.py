"""Situations people report, each in small and its right answer written down before it was asked: damage, words, places.

Where the loader of this machine can be asked, it gives the message, and the advice is followed and asked again.
"""

from __future__ import annotations

import shlex
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import Compile
from tests.linker.test_reports_of_the_fifth_search import put
from tests.linker.test_reports_of_the_second_search import ONE, WANTS_ONE, first, in_root, named
from tests.linker.test_reports_of_the_third_search import BARE, INTEL_MAC, MINGW, mac  # noqa: F401  a fixture
from tests.linker.test_reports_of_the_twelfth_search import makes, takes
from tests.linker.workshop import Question, Workshop, loads

from loadstone.binary.transfers import changed_as_text
from loadstone.core.trace import LoadVerdict
from loadstone.linker import LoaderModel, explain
from loadstone.linker.discovery import of_root, with_loader, with_program
from loadstone.linker.surveys import survey

ALONE = ("-nostdlib", "-nostartfiles", "-Wl,-e,main")
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 12\n"
ZLIB = Path("/lib/x86_64-linux-gnu/libz.so.1")


def followed(workshop: Workshop, question: Question, advice: str) -> None:
    """The advice as a shell takes it, and then the question again to both."""
    subprocess.run(advice, shell=True, check=True, cwd=workshop.folder)
    assert workshop.truth(question).loads
    assert loads(workshop.answer(question))


@pytest.mark.parametrize(
    ("entry", "library", "right"),
    [
        ("RIGIN/lib", "lib/libb.so.1", "$ORIGIN/lib"),
        ("/../lib", "lib/libb.so.1", "$ORIGIN/../lib"),
        (r"\$ORIGIN/../lib", "lib/libb.so.1", "$ORIGIN/../lib"),
        ("'$ORIGIN/../lib'", "lib/libb.so.1", "$ORIGIN/../lib"),
        ("@loader_path/../lib", "lib/libb.so.1", "$ORIGIN/../lib"),
        ("$ORIGIN/../x;$ORIGIN/../lib", "lib/libb.so.1", "$ORIGIN/../lib"),
        ("../lib", "lib/libb.so.1", "$ORIGIN/../lib"),
    ],
)  # fmt: skip
def test_an_entry_that_was_meant_to_begin_with_origin(workshop: Workshop, entry: str, library: str, right: str) -> None:
    folder = "app" if entry[0] == "R" else "app/bin"
    there = f"app/{library}"
    workshop.library(there, ONE)
    workshop.library(f"{folder}/a.so", WANTS_ONE, needs=[there], runpath=entry)
    question = workshop.ask(f"{folder}/a.so", cwd="/")
    found = first(workshop.answer(question))
    assert (found.code, found.loader_message) == ("token-unexpanded", workshop.truth(question).message)
    assert f"'{right}'" in found.advice
    followed(workshop, question, found.advice)


def test_an_entry_of_another_folder_is_no_lost_origin(workshop: Workshop) -> None:
    workshop.library("elsewhere/libb.so.1", ONE)
    workshop.library("app/a.so", WANTS_ONE, needs=["elsewhere/libb.so.1"], runpath="/usr/lib/nowhere")
    assert first(workshop.answer(workshop.ask("app/a.so"))).code == "dep-not-found"


def test_a_folder_has_the_name_of_the_library_and_the_library_in_it(workshop: Workshop) -> None:
    workshop.library("libb.so", ONE)
    workshop.library("a.so", WANTS_ONE, needs=["libb.so"], runpath="$ORIGIN")
    library = Path(workshop.path("libb.so")).read_bytes()
    Path(workshop.path("libb.so")).unlink()
    workshop.file("libb.so/libb.so", library)
    question = workshop.ask("a.so")
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    followed(workshop, question, found.advice)


def test_an_empty_folder_in_the_place_of_a_library(workshop: Workshop) -> None:
    workshop.folder_of("liba.so")
    assert first(workshop.answer(workshop.ask("liba.so"))).advice.startswith("rmdir ")


@pytest.mark.skipif(not ZLIB.exists(), reason="it is made of this system's zlib")
def test_a_library_that_was_copied_as_text(workshop: Workshop) -> None:
    workshop.file("libz.so.1", ZLIB.read_bytes().replace(b"\n", b"\r\n"))
    question = workshop.ask("libz.so.1")
    found = first(workshop.answer(question))
    assert not workshop.truth(question).loads
    assert "carriage return" in found.explanation
    workshop.file("libz.so.1", ZLIB.read_bytes().decode("utf-8", "replace").encode())
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    assert "U+FFFD" in found.explanation
    assert not changed_as_text(ZLIB.read_bytes())


@pytest.mark.parametrize("ends", [1, 2])
def test_a_library_with_few_line_ends_that_was_copied_as_text(workshop: Workshop, ends: int) -> None:
    path = Path(workshop.library("liba.so", "int one(void) { return 1; }"))
    whole = path.read_bytes()
    few = whole.replace(b"\n", b"\x0b")
    place = few.rindex(b"GCC: ")  # a text in .comment, which nothing reads
    few = few[:place] + b"\n" * ends + few[place + ends :]
    assert "carriage return" in changed_as_text(few.replace(b"\n", b"\r\n"))
    assert not changed_as_text(few)
    workshop.file("liba.so", few.replace(b"\n", b"\r\n"))
    assert "carriage return" in first(workshop.answer(workshop.ask("liba.so"))).explanation


def test_a_program_in_the_folder_above_its_plugin(workshop: Workshop) -> None:
    workshop.library("x.dist/libfoo.so.1", ONE)
    workshop.library("x.dist/pkg/_m.so", WANTS_ONE, needs=["x.dist/libfoo.so.1"], soname="")
    question = workshop.ask("x.dist/pkg/_m.so")
    followed(workshop, question, first(workshop.answer(question)).advice)


def test_a_build_for_newer_processors_alone(workshop: Workshop) -> None:
    workshop.library("lib/glibc-hwcaps/x86-64-v9/libb.so", ONE)
    workshop.library("a.so", WANTS_ONE, needs=["lib/glibc-hwcaps/x86-64-v9/libb.so"], runpath="$ORIGIN/lib")
    found = first(workshop.answer(workshop.ask("a.so")))
    assert "its build for x86-64-v9 alone" in found.explanation
    assert found.advice.endswith(f"into {workshop.path('lib')} as well")


def test_the_loader_of_32_bits_is_of_another_architecture_of_debian(workshop: Workshop) -> None:
    workshop.file("root/var/lib/dpkg/status", b"Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\n")
    workshop.program("root/app", "int main(void) { return 0; }", "-m32", *ALONE)
    workshop.patchelf("root/app", "--set-interpreter", "/lib/ld-linux.so.2")
    found = first(explain("/app", model=in_root(workshop)))
    assert found.advice == "dpkg --add-architecture i386 && apt-get update && apt-get install libc6:i386"


def test_an_older_glibc_has_no_versions_that_came_after_it(workshop: Workshop) -> None:
    source = '__asm__(".symver new, dlsym@GLIBC_2.34"); extern void *new(void *, const char *);'
    path = workshop.library("a.so", f"{source} void *e(void) {{ return new(0, 0); }}", libc=True)
    assert loads(explain(path, model=with_loader(LoaderModel.this_process(), "glibc-2.34")))
    found = first(explain(path, model=with_loader(LoaderModel.this_process(), "glibc-2.31")))
    assert found.code == "glibc-too-old"
    assert "version `GLIBC_2.34' not found (required by " in found.loader_message
    assert found.advice.startswith("it needs glibc 2.34 or newer, here is 2.31")


def test_a_c_library_with_versions_of_later_releases_is_believed(workshop: Workshop) -> None:
    """Red Hat's glibc 2.34 has GLIBC_2.35: only a release that is named says what its C library lacks."""
    source = '__asm__(".symver new, dlsym@GLIBC_2.34"); extern void *new(void *, const char *);'
    path = workshop.library("a.so", f"{source} void *e(void) {{ return new(0, 0); }}", libc=True)
    assert loads(explain(path, model=replace(LoaderModel.this_process(), release=(2, 33))))


@pytest.mark.parametrize("tag", ["310", "312", "312t"])
def test_a_module_with_the_tag_of_another_python_is_not_looked_at(workshop: Workshop, tag: str) -> None:
    module = f"v/lib/python3.12/site-packages/x/m.cpython-{tag}-x86_64-linux-gnu.so"
    workshop.program("v/bin/python3.12", makes("PyObject_Free", "PyModule_New") + "int main(void) {return 0;}",
                     "-rdynamic")  # fmt: skip
    workshop.library(module, takes("PyModule_New"), soname="")
    workshop.file("v/lib/python3.12/site-packages/x-1.0.dist-info/RECORD", f"x/{Path(module).name},,\n".encode())
    answer = explain(
        workshop.path(module), model=with_program(LoaderModel.this_process(), workshop.path("v/bin/python3.12"))
    )
    if tag == "312":
        assert answer.verdict is LoadVerdict.LOADS
        return
    assert [d.code for d in answer.diagnoses] == ["python-tag"]
    assert answer.diagnoses[0].loader_message == "ModuleNotFoundError: No module named 'm'"
    assert "pip install --force-reinstall --no-cache-dir x" in answer.diagnoses[0].advice
    workshop.library(module.replace(f"-{tag}-", "-312-"), takes("PyModule_New"), soname="")
    assert (
        explain(
            workshop.path(module), model=with_program(LoaderModel.this_process(), workshop.path("v/bin/python3.12"))
        ).verdict
        is LoadVerdict.LOADS
    )


def test_an_environment_whose_python_is_gone(workshop: Workshop) -> None:
    workshop.file("v/pyvenv.cfg", b"home = /opt/gone/bin\nversion = 3.11.4\n")
    workshop.link("v/bin/python", "/opt/gone/bin/python3.11")
    workshop.library("v/lib/python3.11/site-packages/m.so", ONE, soname="")
    found = first(explain(workshop.path("v/bin/python")))
    assert f"python3 -m venv --clear {shlex.quote(workshop.path('v'))}" in found.advice
    said = explain(workshop.path("v/lib/python3.11/site-packages/m.so")).assumptions
    assert any("the Python of its environment is gone (/opt/gone/bin" in text for text in said)


# Surveys


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [("libe.so", b"", "empty"), ("p.pyd", POINTER, "pe-missing-dll"), ("l.so.1", POINTER, "lfs-pointer")],
)  # fmt: skip
def test_what_is_called_a_library_and_is_none_has_a_row(
    workshop: Workshop, name: str, content: bytes, code: str
) -> None:
    workshop.file(f"d/{name}", content)
    workshop.file("d/notes.so.txt", b"")
    wheel = workshop.folder / "x-1.0-cp311-cp311-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"x/{name}", content)
    for target in (workshop.path("d"), str(wheel)):
        (row,) = survey(target).rows
        assert (row.name.rpartition("/")[2], row.verdict, row.machine) == (name, LoadVerdict.FAILS, "")
        assert row.leading is not None
        assert row.leading.code == code or code.startswith("pe-")


def test_a_file_that_is_closed_has_a_row(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    from loadstone.linker.surveys import places

    def closed(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    workshop.library("d/liba.so", ONE)
    monkeypatch.setattr(places, "open_regular", closed)
    assert [row.name for row in survey(workshop.path("d")).rows] == ["liba.so"]


def test_where_no_library_is_the_programs_are_asked_about(workshop: Workshop) -> None:
    workshop.program("d/bin/tool")
    result = survey(workshop.path("d"))
    assert (result.verdict, result.of_programs, [row.name for row in result.rows]) == (
        LoadVerdict.LOADS,
        True,
        ["bin/tool"],
    )
    workshop.library("d/lib/liba.so", ONE)
    result = survey(workshop.path("d"))
    assert (result.of_programs, [row.name for row in result.rows]) == (False, ["lib/liba.so"])


# macOS and Windows: the rules alone


@pytest.mark.slow
def test_a_dylib_that_was_changed_after_it_was_signed(mac: Callable[..., str]) -> None:  # noqa: F811
    path = Path(mac("a.dylib", ONE))
    assert loads(explain(str(path)))
    content = bytearray(path.read_bytes())
    content[content.find(b"\xc0\x03\x5f\xd6") - 1] ^= 1  # before the return of one()
    path.write_bytes(content)
    found = first(explain(str(path)))
    assert found.code == "macho-signature"
    assert "was changed after it was signed: 1 of" in found.explanation


@pytest.mark.slow
@pytest.mark.parametrize("wanted", ["F", "Versions/A/F"])
def test_a_framework_that_lost_its_links(mac: Callable[..., str], tmp_path: Path, wanted: str) -> None:  # noqa: F811
    library = Path(mac("libF.dylib", ONE, named(f"@rpath/F.framework/{wanted}")))
    module = mac("a.dylib", WANTS_ONE, str(library), "-Wl,-rpath,@loader_path")
    there = "Versions/A/F" if wanted == "F" else "F"
    put(tmp_path, f"F.framework/{there}", library.read_bytes())
    if wanted == "F":
        put(tmp_path, "F.framework/F", b"Versions/Current/F")
    library.unlink()
    command, _, why = first(explain(module)).advice.partition(", a link that was lost")
    assert why
    subprocess.run(command, shell=True, check=True)
    assert loads(explain(module))


@pytest.mark.slow
def test_a_module_for_another_release_of_its_program(mac: Callable[..., str], tmp_path: Path) -> None:  # noqa: F811
    program = "int zend_parse(void) { return 1; } int main(void) { return 0; }"
    mac("root/usr/local/bin/php", program, by=INTEL_MAC)
    module = "/usr/local/lib/php/pecl/20180731/redis.so"
    mac(f"root{module}", takes("zend_parse", "zend_old"), "-Wl,-undefined,dynamic_lookup", by=INTEL_MAC)
    model = with_program(of_root(str(tmp_path / "root"), target=module), "/usr/local/bin/php")
    found = first(explain(module, model=model))
    assert found.loader_message.endswith("symbol not found in flat namespace '_zend_old'")
    assert found.advice.startswith("pecl install -f redis")


@pytest.mark.slow
def test_a_program_of_a_mac_decides_the_loader(mac: Callable[..., str], tmp_path: Path) -> None:  # noqa: F811
    mac("a.dylib", ONE, by=INTEL_MAC)
    program = mac("python", "int main(void) { return 0; }")
    model = replace(with_program(LoaderModel.this_process(), program), cwd=str(tmp_path))
    assert first(explain("a.dylib", model=model)).code == "macho-arch"


def test_a_module_of_windows_in_an_environment_of_another_python(compile_library: Compile, tmp_path: Path) -> None:
    host = compile_library("__declspec(dllexport) int two(void) { return 2; }", "python310.dll", *BARE, compiler=MINGW)
    source = "__declspec(dllimport) int two(void); __declspec(dllexport) int PyInit_x(void) { return two(); }"
    put(tmp_path, "v/Lib/site-packages/x/x.cp310-win_amd64.pyd",
                 compile_library(source, "x.pyd", str(host), *BARE, compiler=MINGW).read_bytes())  # fmt: skip
    put(tmp_path, "v/Scripts/python.exe", b"")
    put(tmp_path, "v/pyvenv.cfg", b"home = C:\\Python310\nversion = 3.10.1\n")
    path = str(tmp_path / "v/Lib/site-packages/x/x.cp310-win_amd64.pyd")
    assert explain(path).verdict is LoadVerdict.LOADS
    put(tmp_path, "v/pyvenv.cfg", b"home = C:\\Python312\nversion_info = 3.12.1\n")
    found = first(explain(path))
    assert (found.code, found.subject) == ("pe-missing-dll", "python310.dll")
    assert found.advice.startswith("it was built for Python 3.10")
