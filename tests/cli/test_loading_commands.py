"""``find``, ``names``, ``pin`` and ``verify``: what they print, and how they end."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Compile

from loadstone.cli.main import main
from loadstone.report.documents.find import FindDocument
from loadstone.report.documents.names import NamesDocument
from loadstone.report.documents.pins import PinsDocument, VerificationDocument
from loadstone.report.json import schema


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def document(text: str, kind: Any) -> dict[str, Any]:
    """The parsed JSON, held to the published schema of its kind."""
    from jsonschema import Draft202012Validator

    tree: dict[str, Any] = json.loads(text)
    Draft202012Validator(schema(kind)).validate(tree)
    return tree


def test_find_prints_the_path_on_the_first_line(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "find", "libz.so.1")
    assert status == 0
    assert out.splitlines()[0].endswith("/libz.so.1")
    assert "found by: " in out.splitlines()[1]
    assert err == ""


def test_find_lists_every_candidate_when_asked(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "libx.so").write_text(
        "no library, but a text long enough to have more bytes than the header of one\n" * 2
    )
    status, out, _ = run(capsys, "find", "x", "--dir", tmp_path, "-v")
    assert status == 1
    assert "fatal" in out
    assert "absent" in out
    status, out, _ = run(capsys, "find", "x", "--dir", tmp_path)
    assert "absent" not in out
    assert "invalid ELF header" in out


def test_a_miss_ends_with_1_and_advice(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "find", "no-such-library")
    assert status == 1
    assert out.splitlines()[0].startswith("no-such-library: not found (")
    assert "apt-file search" in out


def test_find_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "find", "z", "--version", "1", "--format", "json")
    tree = document(out, FindDocument)
    assert (status, tree["schema"], tree["steps"][-1]["outcome"]) == (0, "loadstone.find/1", "taken")
    assert tree["path"].endswith("libz.so.1")
    status, out, _ = run(capsys, "find", "no-such-library", "--format", "json")
    assert (status, document(out, FindDocument)["path"]) == (1, None)


def test_a_bad_name_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "find", "")[0] == 2
    assert run(capsys, "names", "x", "--platform", "beos")[0] == 2
    assert run(capsys, "find", "z", "--format", "sarif")[0] == 2


def test_names_prints_candidates_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "names", "z", "--version", "1", "--platform", "linux")
    assert status == 0
    assert out.splitlines() == [
        "libz.so.1",
        "libz  (not taken: does not carry the version)",
        "z.so.1",
        "z  (not taken: does not carry the version)",
        "  for z, version 1 on linux, in this order",
    ]


def test_names_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "names", "x.dll", "--platform", "windows", "--format", "json")
    tree = document(out, NamesDocument)
    assert (tree["platform"], tree["is_library"]) == ("windows", True)
    assert [c["name"] for c in tree["candidates"]] == ["x.dll"]


def test_pin_then_verify(capsys: pytest.CaptureFixture[str], compile_library: Compile, tmp_path: Path) -> None:
    library, lock = tmp_path / "libp.so", tmp_path / "loadstone.lock"
    shutil.copy(compile_library("int p;", "libp.so", "-Wl,--no-as-needed", "-lc"), library)
    status, out, err = run(capsys, "pin", library, "-o", lock)
    assert (status, out) == (0, "")
    assert err.startswith("pinned ")
    status, out, _ = run(capsys, "verify", lock)
    assert status == 0
    assert out.startswith("all ")
    assert "libp.so: unchanged" in run(capsys, "verify", lock, "-v")[1]
    library.write_bytes(library.read_bytes() + b"\0")
    status, out, _ = run(capsys, "verify", lock)
    assert status == 1
    assert "libp.so: changed" in out
    _, out, _ = run(capsys, "verify", lock, "--format", "json")
    tree = document(out, VerificationDocument)
    assert tree["unchanged"] is False
    library.unlink()
    status, out, _ = run(capsys, "verify", lock)
    assert (status, "No such file" in out) == (1, True)
    library.mkdir()
    assert run(capsys, "verify", lock)[0] == 3


def test_pin_as_text_and_json(capsys: pytest.CaptureFixture[str], compile_library: Compile) -> None:
    library = compile_library("int p;", "libp.so")
    assert run(capsys, "pin", library)[1].startswith("# Written by")
    tree = document(run(capsys, "pin", library, "--format", "json")[1], PinsDocument)
    assert tree["libraries"][0]["path"] == str(library)


def test_pin_files_that_are_none_cannot_be_decided(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "x").write_text("nothing")
    status, _, err = run(capsys, "verify", tmp_path / "x")
    assert status == 3
    assert "loadstone pin" in err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such file names")
@pytest.mark.parametrize("name", [b"l\xff.so", b"new\nline.so", b"\x1b[31m.so", b"-lead.so"])
def test_a_library_of_any_file_name_is_pinned_and_verified(
    name: bytes, capsys: pytest.CaptureFixture[str], compile_library: Compile, tmp_path: Path
) -> None:
    library = compile_library("int f(void) { return 1; }", "libplain.so")
    odd = tmp_path / os.fsdecode(name)
    try:
        shutil.copy(library, odd)
    except OSError:
        pytest.skip("this file system refuses such names")
    pins = tmp_path / "pins.toml"
    assert run(capsys, "pin", odd, "-o", pins) == (0, "", f"pinned 1 library in {pins}\n")
    assert run(capsys, "verify", pins)[0] == 0
    code, out, _ = run(capsys, "explain", odd)
    assert (code, "\x1b" in out) == (0, False)


def test_several_names_are_answered_in_one_run(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "find", "c", "nothing-called-this", "-f", "json")
    assert (code, [one["name"] for one in json.loads(out)]) == (1, ["c", "nothing-called-this"])
    code, out, _ = run(capsys, "names", "c", "z", "-f", "json")
    assert (code, [one["name"] for one in json.loads(out)]) == (0, ["c", "z"])
    code, out, _ = run(capsys, "rules", "pie", "relro", "-f", "json")
    assert (code, {one["id"] for one in json.loads(out)["rules"]}) == (0, {"pie", "relro"})
