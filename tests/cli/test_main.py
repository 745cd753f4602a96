"""The edge of the command line: help, versions, and how errors end."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from inspect import Parameter, getdoc, signature
from pathlib import Path
from typing import Any

import pytest

import loadstone
from loadstone.cli import main as cli
from loadstone.cli.exits import ExitStatus
from loadstone.errors import InvalidName, MalformedImage, NotFound


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "loadstone.cli.main", *words], capture_output=True, text=True, check=False, timeout=60
    )


def status(words: list[str]) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    code = ended.value.code
    assert code is None or isinstance(code, int)
    return code or 0


def test_help_lists_every_command_with_its_summary(capsys: pytest.CaptureFixture[str]) -> None:
    assert status(["--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for command in cli.COMMANDS:
        assert f"{command.name} {command.summary}" in shown


def test_help_imports_no_command() -> None:
    code = (
        "import atexit, sys; atexit.register(lambda: print(*sys.modules));"
        "from loadstone.cli.main import main; main(['--help'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {m for m in done.stdout.split() if m.startswith("loadstone.")}
    assert loaded <= {
        "loadstone.cli", "loadstone.cli.main", "loadstone.cli.exits", "loadstone.cli.output",
        "loadstone.lazy_exports",
    }  # fmt: skip


@pytest.mark.parametrize("command", cli.COMMANDS, ids=lambda c: c.name)
def test_every_command_has_help_and_says_what_it_is_for(
    command: cli.Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert getdoc(import_module(command.module).run)
    assert status([*command.words, "--help"]) == 0
    assert "usage: loadstone" in capsys.readouterr().out


@pytest.mark.parametrize("command", cli.COMMANDS, ids=lambda c: c.name)
def test_a_command_takes_what_its_parser_gives(command: cli.Command) -> None:
    given = {action.dest for action in cli.parser_of(command)._actions if action.dest != "help"}
    takes = signature(import_module(command.module).run).parameters
    named = {name for name, parameter in takes.items() if parameter.kind is Parameter.KEYWORD_ONLY}
    assert named <= given
    assert given == named or any(parameter.kind is Parameter.VAR_KEYWORD for parameter in takes.values())


@pytest.mark.parametrize("words", [["-h"], ["find", "-h"], ["--help"]])
def test_help_has_a_short_form(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert status(words) == 0
    assert "usage: loadstone" in capsys.readouterr().out


def test_the_first_word_of_several_commands_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert status(["fleet", "--help"]) == 0
    assert "fleet scan" in capsys.readouterr().out
    assert status(["fleet"]) == ExitStatus.USAGE
    assert status(["fleet", "nonsense"]) == ExitStatus.USAGE


def test_version_is_the_packages() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"loadstone {loadstone.__version__}\n")


def test_an_unknown_command_is_wrong_usage_and_names_no_traceback() -> None:
    done = run("nonsense")
    assert done.returncode == ExitStatus.USAGE
    assert "No such command" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (InvalidName(name="\0", reason="it has a NUL in it"), ExitStatus.USAGE),
        (NotFound(name="x"), ExitStatus.FINDINGS),
        (MalformedImage(what="a text"), ExitStatus.UNDECIDED),
        (RuntimeError("boom"), ExitStatus.FAULT),
        (ModuleNotFoundError("No module named 'msgspec'", name="msgspec"), ExitStatus.UNDECIDED),
        (ModuleNotFoundError("No module named 'loadstone.x'", name="loadstone.x"), ExitStatus.FAULT),
        (ModuleNotFoundError("boom"), ExitStatus.FAULT),
    ],
)
def test_every_error_ends_as_a_line_on_standard_error_and_its_status(
    error: Exception, expected: ExitStatus, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(cli, "_run", fail)
    assert status(["find", "x"]) == expected
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("loadstone: ")


def test_the_place_of_a_fault_is_shown_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(cli, "_run", fail)
    monkeypatch.setenv("LOADSTONE_TRACEBACK", "1")
    with pytest.raises(RuntimeError, match="boom"):
        cli.main(["find"])


def test_what_follows_two_dashes_is_no_option(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-dash.c").write_text("int f(void) { return 1; }\n")
    assert status(["review", "--no-cache", "--", "-dash.c"]) == ExitStatus.CLEAN
    assert "1 source file" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["explain", "z", "--format", "sarif"], "'sarif' (choose from text, json"),
        (["review", ".", "--fail-on", "hihg"], "'hihg' (choose from note, low, medium, high, critical)"),
    ],
)
def test_a_word_that_an_option_does_not_know_is_answered_with_those_it_knows(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status(words) == 2
    assert said in capsys.readouterr().err


def test_a_word_nobody_asked_for_is_repeated_without_its_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    assert status(["verify", "z", "--nope", "a\x1b[31m\u202eb\nc"]) == ExitStatus.USAGE
    assert "a\\x1b[31m\\u202eb\\x0ac" in capsys.readouterr().err
