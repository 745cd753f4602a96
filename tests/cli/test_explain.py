"""``explain`` and ``tree`` on the command line: exit statuses, formats, options."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.binary.pe_inputs import Pe
from tests.linker.tiny_elf import tiny_elf

from loadstone.cli.main import main

SCHEMAS = Path(__file__).parents[2] / "docs/schema"


def _run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(words)
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


@pytest.fixture
def broken(tmp_path: Path) -> str:
    """A library whose dependency does not exist."""
    path = tmp_path / "liba.so"
    path.write_bytes(tiny_elf("liba.so", ["libgone.so"], runpath="$ORIGIN"))
    return str(path)


@pytest.fixture
def sound(tmp_path: Path) -> str:
    """A library that loads, and its dependency."""
    (tmp_path / "libb.so").write_bytes(tiny_elf("libb.so"))
    path = tmp_path / "libgood.so"
    path.write_bytes(tiny_elf("libgood.so", ["libb.so"], runpath="$ORIGIN"))
    return str(path)


def test_the_first_line_answers_and_the_status_says_so(capsys: pytest.CaptureFixture[str], sound: str) -> None:
    status, out, _ = _run(capsys, "explain", sound)
    assert (status, out.splitlines()[0]) == (0, f"{sound}: loads")


def test_what_does_not_load_is_explained_in_both_words(capsys: pytest.CaptureFixture[str], broken: str) -> None:
    status, out, _ = _run(capsys, "explain", broken)
    assert status == 1
    assert out.splitlines()[0] == f"{broken}: does not load"
    assert "libgone.so: cannot open shared object file: No such file or directory" in out
    assert "[dep-not-found]" in out
    assert "fix:" in out


def test_more_is_said_when_asked(capsys: pytest.CaptureFixture[str], broken: str) -> None:
    short = _run(capsys, "explain", broken)[1]
    long = _run(capsys, "explain", broken, "-v")[1]
    assert len(long) > len(short)
    assert "seen at:" in long


_BY_SH = ("--main", "/bin/sh")  # some distributions link their Python with libz: then it is there already


def test_every_symbol_is_listed_when_asked_twice(capsys: pytest.CaptureFixture[str]) -> None:
    out = _run(capsys, "explain", "/lib/x86_64-linux-gnu/libz.so.1", "-vv", *_BY_SH)[1]
    assert "memcpy@GLIBC_2.14" in out


def test_the_explanation_as_json(capsys: pytest.CaptureFixture[str], broken: str) -> None:
    status, out, _ = _run(capsys, "explain", broken, "--format", "json")
    document = json.loads(out)
    assert status == 1
    assert document["schema"] == "loadstone.explanation/1"
    assert document["verdict"] == "fails"
    first = document["diagnoses"][0]
    assert first["code"] == "dep-not-found"
    assert first["chain"] == [broken, "libgone.so"]
    assert {step["outcome"] for step in first["steps"]} == {"absent"}
    assert document["graph"]["edges"][0]["chosen"] is None


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--format", "text"), "└── libb.so => "),
        (("--format", "text", "-vv"), "runpath: "),
        (("--format", "dot"), "digraph dependencies {"),
        (("--format", "mermaid"), "graph LR"),
        (("--format", "json"), '"schema": "loadstone.tree/1"'),
    ],
)
def test_a_tree_in_every_format(
    capsys: pytest.CaptureFixture[str], sound: str, words: tuple[str, ...], line: str
) -> None:
    status, out, _ = _run(capsys, "tree", sound, *words)
    assert status == 0
    assert line in out


def test_a_tree_marks_what_is_missing(capsys: pytest.CaptureFixture[str], broken: str) -> None:
    status, out, _ = _run(capsys, "tree", broken)
    assert status == 1
    assert "libgone.so not found" in out
    assert "0 libraries, 1 unresolved dependency" in out
    assert "missing" in _run(capsys, "tree", broken, "--format", "mermaid")[1]
    assert "color=red" in _run(capsys, "tree", broken, "--format", "dot")[1]


def test_the_surroundings_change_the_answer(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env/libgone.so").write_bytes(tiny_elf("libgone.so"))
    path = tmp_path / "liba.so"
    path.write_bytes(tiny_elf("liba.so", ["libgone.so"]))
    assert _run(capsys, "explain", str(path), "--clear-env")[0] == 1
    found = ("--env", f"LD_LIBRARY_PATH={tmp_path / 'env'}")
    assert _run(capsys, "explain", str(path), *found)[0] == 0
    assert _run(capsys, "explain", str(path), "--already-loaded", str(tmp_path / "env/libgone.so"))[0] == 0
    assert _run(capsys, "explain", str(path), "--preload", str(tmp_path / "env/libgone.so"))[0] == 0
    assert _run(capsys, "explain", "./liba.so", "--cwd", str(tmp_path), *found)[0] == 0
    assert _run(capsys, "explain", str(path), "--main", "/bin/ls", "--lazy", "--deep-bind", *found)[0] == 0
    assert _run(capsys, "explain", str(path), "--loader", "glibc-2.31", "--cpu-level", "1", *found)[0] == 0
    assert _run(capsys, "explain", str(path), "--uid", "0", "--caller", str(path), *found)[0] == 0


def test_a_file_of_another_system_keeps_its_loader_in_other_surroundings(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pe = Pe()
    pe.imports(("KERNEL32.dll", ("Sleep",)))
    (tmp_path / "a.dll").write_bytes(pe.build())
    target = str(tmp_path / "a.dll")
    status, out, _ = _run(capsys, "explain", target, "--cwd", str(tmp_path))
    assert (status, out.splitlines()[0]) == (0, f"{target}: loads")
    status, out, _ = _run(capsys, "explain", target, "--loader", "glibc")
    assert status == 1
    assert "invalid ELF header" in out


def test_a_setting_that_is_none_is_wrong_usage(capsys: pytest.CaptureFixture[str], sound: str) -> None:
    assert _run(capsys, "explain", sound, "--env", "nonsense")[0] == 2
    assert _run(capsys, "explain", sound, "--loader", "nonsense")[0] == 2
    assert _run(capsys, "explain", sound, "--replace", "nonsense")[0] == 2


def test_further_questions_are_answered_below(capsys: pytest.CaptureFixture[str]) -> None:
    libz = "/lib/x86_64-linux-gnu/libz.so.1"
    words = ("--symbol", "memcpy", "--versions", "--replace", "libc.so.6=/lib/x86_64-linux-gnu/libc.so.6", *_BY_SH)
    status, out, _ = _run(capsys, "explain", libz, *words)
    assert status == 0
    assert "minimum glibc version: 2.14" in out
    assert "nothing breaks for 1 file that uses it" in out
    assert "bound to /lib/x86_64-linux-gnu/libc.so.6" in out
    answers = json.loads(_run(capsys, "explain", libz, *words, "--format", "json")[1])["answers"]
    assert answers["symbol"]["bound_to"] == [{"consumer": libz, "provider": "/lib/x86_64-linux-gnu/libc.so.6"}]
    assert answers["versions"]["smallest_glibc"] == "2.14"
    assert "memcpy" in next(use["symbols"] for use in answers["versions"]["uses"] if use["version"] == "GLIBC_2.14")
    libc = "/lib/x86_64-linux-gnu/libc.so.6"
    assert answers["replacement"] == {"old": "libc.so.6", "new": libc, "users": [libz], "lost": [], "changed": []}


def test_questions_that_were_not_asked_are_null(capsys: pytest.CaptureFixture[str], sound: str) -> None:
    answers = json.loads(_run(capsys, "explain", sound, "--format", "json")[1])["answers"]
    assert answers == {"symbol": None, "versions": None, "replacement": None}


@pytest.mark.parametrize("command", ["explain", "tree"])
def test_what_is_printed_has_the_keys_of_its_published_schema(
    capsys: pytest.CaptureFixture[str], sound: str, command: str
) -> None:
    document = json.loads(_run(capsys, command, sound, "--format", "json")[1])
    file = document["schema"].removeprefix("loadstone.").replace("/", "-")
    schema = json.loads((SCHEMAS / f"{file}.json").read_text())
    (kind,) = (found for found in schema["$defs"].values() if "schema" in found.get("properties", ()))
    assert document.keys() == kind["properties"].keys()


def test_a_folder_gets_one_summary(capsys: pytest.CaptureFixture[str], broken: str, sound: str) -> None:
    place = str(Path(sound).parent)
    status, out, _ = _run(capsys, "explain", place)
    assert status == 1
    assert out.splitlines()[0] == f"{place}: 1 of 3 does not load"
    assert json.loads(_run(capsys, "explain", place, "--format", "json")[1])["verdict"] == "fails"
    assert _run(capsys, "explain", place, "--symbol", "f")[0] == 2


def test_a_short_name_is_found_first(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = _run(capsys, "explain", "z")
    assert status == 0
    assert "libz.so" in out.splitlines()[0]
    assert _run(capsys, "tree", "nosuchlibraryatall")[0] == 1


@pytest.mark.parametrize("command", ["explain", "tree"])
def test_a_program_that_is_not_there_opens_nothing(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = _run(capsys, command, "libm.so.6", "--main", "/no/such/program")
    assert (status, out) == (3, "")
    assert "'/no/such/program': No such file or directory" in err
