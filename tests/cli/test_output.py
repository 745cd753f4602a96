from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import Compile

from loadstone.cli.exits import ExitStatus
from loadstone.cli.main import COMMANDS, main
from loadstone.cli.output import colour_wanted, emit
from loadstone.cli.progress import each
from loadstone.errors import Unwritable


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert colour_wanted(Terminal())
    assert not colour_wanted(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colour_wanted(Terminal())
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not colour_wanted(Terminal())


def test_results_end_with_one_newline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    emit("a")
    emit("b\n")
    assert capsys.readouterr().out == "a\nb\n"
    emit("ü", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == "ü\n".encode()


def test_a_file_that_cannot_be_written_is_a_typed_error(tmp_path: Path) -> None:
    with pytest.raises(Unwritable, match="No such file or directory"):
        emit("x", tmp_path / "missing" / "out")


def test_a_format_that_is_not_offered_is_wrong_usage_and_names_those_that_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["find", "z", "--format", "html"])
    assert ended.value.code == ExitStatus.USAGE
    assert "choose from" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_terminal_without_the_characters_of_a_tree_gets_plain_ones(encoding: str) -> None:
    command = [sys.executable, "-m", "loadstone", "tree", sys.executable]
    done = subprocess.run(
        command, capture_output=True, check=False, timeout=60, env={**os.environ, "PYTHONIOENCODING": encoding}
    )
    assert done.returncode == ExitStatus.CLEAN, done.stderr
    assert b"|-- " in done.stdout or b"`-- " in done.stdout


@pytest.mark.parametrize("command", [["find", "z"], ["--help"], ["names", "z", "--format", "json"]])
def test_a_full_disk_is_said_in_the_systems_words(command: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "loadstone", *command],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert (done.returncode, "No space left on device" in done.stderr) == (ExitStatus.UNDECIDED, True), done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_reader_that_has_gone_is_no_internal_error() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "loadstone", "names", "z"],
            stdout=write_end, stderr=subprocess.PIPE, text=True, check=False, timeout=60,
        )  # fmt: skip
    finally:
        os.close(write_end)
    assert (done.returncode, done.stderr) == (
        ExitStatus.UNDECIDED,
        "loadstone: cannot write 'standard output': Broken pipe\n",
    )


def test_progress_is_one_line_of_a_terminal_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert list(each(["a", "b"], "doing")) == ["a", "b"]
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    assert list(each(["a\x1b[2J", "b"], "doing")) == ["a\x1b[2J", "b"]
    assert "doing 1/2 a\\x1b[2J" in terminal.getvalue()
    assert "\x1b[2J" not in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")
    assert list(each(iter("ab"), "doing", total=2)) == ["a", "b"]


@pytest.mark.parametrize("term", ["dumb", None])
def test_a_terminal_that_cannot_erase_gets_no_progress(monkeypatch: pytest.MonkeyPatch, term: str | None) -> None:
    if term is None:
        monkeypatch.delenv("TERM", raising=False)
    else:
        monkeypatch.setenv("TERM", term)
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    assert list(each(["a", "b"], "doing")) == ["a", "b"]
    assert not terminal.getvalue()


def test_progress_fits_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "20")
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    assert list(each(["x" * 100, "b"], "doing")) == ["x" * 100, "b"]
    assert max(len(line) for line in terminal.getvalue().split("\r\x1b[K")) < 20


ODD = "d/caf\udce9"
"""A name that is not UTF-8, as Python has it; ``d/`` is the folder the test runs in."""

WORDS: dict[str, list[str]] = {
    "bind": [f"./{ODD}.h", "--library", f"./{ODD}.so"],
    "call": [f"./{ODD}.so", "int f(void)"],
    "rules": [ODD],
    "names": [ODD],
    "review": ["--no-cache", f"./{ODD}.c", f"./{ODD}.so"],
    "loaded": [ODD],
    "fuzz": [f"./{ODD}.so", "--list"],
    "fleet scan": [f"./{ODD}.so", "--store", ODD],
    "fleet ask": ["clashes", ODD, "--store", "s"],
    "fleet sql": [ODD, "--store", ODD],
    "fleet compact": ["--store", ODD],
    "fleet report": ["--store", ODD],
}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every file name is Unicode")
@pytest.mark.parametrize("name", [command.name for command in COMMANDS])
def test_no_command_stumbles_over_a_name_that_is_not_utf8(name: str, tmp_path: Path, compile_library: Compile) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / f"{ODD}.so").write_bytes(compile_library("int f(void) { return 1; }").read_bytes())
    (tmp_path / f"{ODD}.c").write_text("int f(void) { return 1; }\n")
    (tmp_path / f"{ODD}.h").write_text("int f(void);\n")
    words = [*name.split(), *WORDS.get(name, [f"./{ODD}.so"])]
    done = subprocess.run(
        [sys.executable, "-m", "loadstone", *words],
        capture_output=True, check=False, timeout=120, cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "XDG_CACHE_HOME": str(tmp_path / "cache")},
    )  # fmt: skip
    assert done.returncode in set(ExitStatus) - {ExitStatus.FAULT}, done.stderr
    assert b"internal error" not in done.stderr
    assert b"Traceback" not in done.stderr
