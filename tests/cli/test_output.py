from __future__ import annotations

import io
from pathlib import Path

import pytest

from loadstone.cli.options import OutputFormat
from loadstone.cli.output import colour_wanted, emit, require_format
from loadstone.cli.progress import each
from loadstone.errors import Unsupported, Unwritable


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


def test_a_format_that_is_not_offered_is_refused_with_those_that_are() -> None:
    require_format(OutputFormat.TEXT, OutputFormat.TEXT)
    with pytest.raises(Unsupported, match="Use one of: text, json"):
        require_format(OutputFormat.HTML, OutputFormat.TEXT, OutputFormat.JSON)


def test_progress_is_drawn_on_a_terminal_only_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(each(["a", "b"], "doing")) == ["a", "b"]
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    assert list(each(["a\x1b[2J", "b"], "doing")) == ["a\x1b[2J", "b"]
    assert "\x1b[2J" not in terminal.getvalue()
    assert list(each(iter("ab"), "doing", total=2)) == ["a", "b"]
