"""``loadstone inspect``: one file, many files, folders, and everything that can go wrong on the way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest
from tests.conftest import Compile
from tests.interrupts import obeying_interrupts

from loadstone.cli.main import main
from loadstone.report.documents.image import ImageDocument
from loadstone.report.json import schema

_SOURCE = """
#include <string.h>
int answer(int n) { return n + 41; }
void take(char *to, const char *from) { strcpy(to, from); }
__attribute__((constructor)) void first(void) {}
"""


@pytest.fixture(scope="module")
def library(compile_library: Compile) -> Path:
    return compile_library(_SOURCE, "libanswer.so.1", "-O1", "-Wl,-soname,libanswer.so.1", "-Wl,-rpath,$ORIGIN")


def _run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["inspect", *words])
    told = capsys.readouterr()
    return int(ended.value.code or 0), told.out, told.err


def test_the_first_line_says_what_it_is(capsys: pytest.CaptureFixture[str], library: Path) -> None:
    status, out, _ = _run(capsys, str(library))
    assert status == 0
    assert out.splitlines()[0].startswith(f"{library}: ELF shared object for ")
    assert "SONAME libanswer.so.1" in out.splitlines()[0]
    assert "$ORIGIN" in out
    assert "libc.so.6" in out
    assert "first" in out.partition("Runs at load")[2]


def test_more_is_said_when_asked(capsys: pytest.CaptureFixture[str], library: Path) -> None:
    _, quiet, _ = _run(capsys, str(library))
    _, loud, _ = _run(capsys, str(library), "-vv")
    assert "answer  function" not in quiet
    assert "answer  function" in loud
    assert "Segments" in loud
    assert ".text" in loud


def test_the_document_follows_its_schema(capsys: pytest.CaptureFixture[str], library: Path) -> None:
    status, out, _ = _run(capsys, str(library), "--format", "json")
    document = json.loads(out)
    jsonschema.validate(document, schema(ImageDocument))
    assert status == 0
    assert document["schema"] == "loadstone.image/1"
    assert document["identity"] == "libanswer.so.1"
    assert {"answer", "take"} <= {symbol["name"] for symbol in document["exports"]}
    assert all(fact["location"]["unit"] == "bytes" for fact in document["hardening"])


def test_a_file_that_is_no_binary_is_named_for_what_it_is(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    script = tmp_path / "libc.so"
    script.write_text("/* GNU ld script */\nGROUP ( /lib/libc.so.6 /usr/lib/libc_nonshared.a )\n")
    status, out, err = _run(capsys, str(script))
    assert status == 3
    assert out == ""
    assert "a GNU linker script that points to /lib/libc.so.6" in err


def test_several_files_keep_their_order_and_the_unreadable_their_place(
    capsys: pytest.CaptureFixture[str], library: Path, tmp_path: Path
) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("hello\n")
    names = [str(tmp_path / "gone.so"), str(library), str(text), str(library)]
    status, out, _ = _run(capsys, *names, "-f", "json")
    documents = json.loads(out)
    assert status == 3
    assert [d["path"] for d in documents] == names
    assert [d["schema"] for d in documents] == [f"loadstone.{k}/1" for k in ("unread", "image", "unread", "image")]
    assert "No such file" in documents[0]["error"]
    _, told, _ = _run(capsys, *names)
    assert told.index("gone.so: not read") < told.index("libanswer.so.1: ELF") < told.index("notes.txt: not read")


def test_a_folder_stands_for_the_binaries_in_it(
    capsys: pytest.CaptureFixture[str], library: Path, tmp_path: Path
) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("b.so", "sub/a.so"):
        shutil.copy(library, tmp_path / name)
    (tmp_path / "readme").write_text("text")
    status, out, _ = _run(capsys, str(tmp_path), "-f", "json")
    assert status == 0
    assert [Path(d["path"]).name for d in json.loads(out)] == ["b.so", "a.so"]


def test_hostile_names_do_not_reach_the_terminal(
    capsys: pytest.CaptureFixture[str], compile_library: Compile, tmp_path: Path
) -> None:
    plain = compile_library("int gone(void) { return 1; }", "nasty.so", "-Wl,-soname,colour")
    nasty = tmp_path / "nasty.so"
    nasty.write_bytes(plain.read_bytes().replace(b"\0gone\0", b"\0\x1b[2J\0").replace(b"colour", b"\x1b[31m\x07"))
    _, out, _ = _run(capsys, str(nasty), "-v")
    assert "\x1b" not in out
    assert "SONAME \\x1b[31m\\x07" in out
    assert "\\x1b[2J  function" in out


@pytest.fixture(scope="module")
def many(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A thousand libraries: links of one file would be one file, so each is a file of its own name."""
    folder = tmp_path_factory.mktemp("many")
    for number in range(1000):
        os.link(library, folder / f"lib{number:04}.so") if number % 2 else shutil.copy(
            library, folder / f"lib{number:04}.so"
        )
    return folder


@pytest.mark.slow
def test_a_thousand_files_keep_their_order_and_survive_what_vanishes(
    capsys: pytest.CaptureFixture[str], many: Path
) -> None:
    names = [str(many / f"lib{number:04}.so") for number in range(1000)]
    names[500] = str(many / "vanished.so")
    names[700] = str(many)  # a folder in between is opened up, in its place
    status, out, _ = _run(capsys, *names[:700], *names[701:], "-f", "json")
    documents = json.loads(out)
    assert status == 3
    assert [d["path"] for d in documents] == names[:700] + names[701:]
    assert documents[500]["schema"] == "loadstone.unread/1"


def _has_children(pid: int) -> bool:
    return any(Path(f"/proc/{pid}/task/{task}/children").read_text() for task in os.listdir(f"/proc/{pid}/task"))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for the workers in /proc")
@pytest.mark.parametrize("later_s", [0, 0.2], ids=["as the workers start", "when they work"])
def test_an_interrupt_ends_with_what_was_found_so_far(many: Path, later_s: float) -> None:
    command = obeying_interrupts("inspect", *[str(many)] * 12)
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    while child.poll() is None and not _has_children(child.pid):
        time.sleep(0.01)
    time.sleep(later_s)
    os.killpg(child.pid, signal.SIGINT)  # as a terminal does: to the whole group
    out, err = child.communicate(timeout=60)
    assert b"Traceback" not in err
    assert child.returncode == 130
    assert b"interrupted" in err
    assert out.count(b": ELF shared object") < 12_000


def test_an_archive_that_is_refused_is_called_by_its_path(
    capsys: pytest.CaptureFixture[str], library: Path, tmp_path: Path
) -> None:
    made = bytearray(library.read_bytes())
    made[8:11] = b"AI\1"
    path = tmp_path / "tool.AppImage"
    path.write_bytes(made)
    status, out, _ = _run(capsys, str(path))
    assert status == 3
    assert out.startswith(f"{path}: not read")
