"""``loadstone review`` and ``loadstone rules``: statuses and renderings of the contract."""

from __future__ import annotations

import io
import json
import sys
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TextIO

import pytest

from loadstone.cli.exits import ExitStatus
from loadstone.cli.main import main
from loadstone.review.catalogue import catalogue

WEAK = "import ctypes\nlib = ctypes.CDLL('/usr/lib/libfoo.so.1')\nprint(ctypes.string_at(lib.name()))\n"
CLEAN = "def f(x):\n    return x\n"


def loadstone(*words: str, status: ExitStatus = ExitStatus.CLEAN) -> str:
    """What the command says, run in this process: a review runs nothing of what it reads."""
    with redirect_stdout(_stream()) as out, redirect_stderr(_stream()) as err, pytest.raises(SystemExit) as ended:
        main(words)
    said = [_text(stream) for stream in (out, err)]
    assert ended.value.code == status, said[1]
    assert "Traceback" not in said[1]
    return "".join(said)


def _stream() -> TextIO:
    return io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)


def _text(stream: TextIO) -> str:
    stream.seek(0)
    return stream.read()


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    Path("weak.py").write_text(WEAK)
    Path("clean.py").write_text(CLEAN)


def test_findings_and_none_and_what_cannot_be_read_have_their_statuses() -> None:
    assert loadstone("review", "weak.py", status=ExitStatus.FINDINGS).startswith("weaknesses found: 1 high")
    assert loadstone("review", "clean.py").startswith("no weakness found\n")
    loadstone("review", "weak.py", "--fail-on", "critical")
    assert "No such file" in loadstone("review", "absent.py", status=ExitStatus.UNDECIDED)
    Path("broken.py").write_text("import ctypes; x = = 1\n")
    assert loadstone("review", "broken.py", status=ExitStatus.UNDECIDED).startswith("incomplete\n")
    Path("odd.py").write_text(CLEAN * 30 + "x = = 1\n")
    loadstone("review", "odd.py", "clean.py")


def test_wrong_usage_and_wrong_settings_are_usage_errors() -> None:
    assert "PATH" in loadstone("review", status=ExitStatus.USAGE)
    loadstone("review", "clean.py", "--jobs", "-1", status=ExitStatus.USAGE)
    Path("pyproject.toml").write_text("[tool.loadstone.review]\nexlude = []\n")
    assert "exlude" in loadstone("review", "clean.py", status=ExitStatus.USAGE)


@pytest.mark.parametrize(
    ("form", "begins"),
    [
        ("json", "{"),
        ("sarif", "{"),
        ("markdown", "# Review"),
        ("html", "<!doctype html>"),
        ("text", "weaknesses found"),
    ],
)
def test_every_format_goes_to_a_file_with_the_same_status(form: str, begins: str) -> None:
    loadstone("review", "weak.py", "--format", form, "-o", "out", status=ExitStatus.FINDINGS)
    assert Path("out").read_text().startswith(begins)


def test_only_what_is_new_since_the_baseline_fails() -> None:
    loadstone("review", ".", "-f", "sarif", "-o", "old.sarif", status=ExitStatus.FINDINGS)
    loadstone("review", ".", "--baseline", "old.sarif")
    Path("pyproject.toml").write_text('[tool.loadstone.review]\nbaseline = "old.sarif"\n')
    loadstone("review", ".")
    Path("more.py").write_text(WEAK)
    loadstone("review", ".", status=ExitStatus.FINDINGS)


def test_settings_of_the_project_hold_unless_the_command_says_otherwise() -> None:
    Path("pyproject.toml").write_text('[tool.loadstone.review]\nexclude = ["weak.py"]\nfail-on = "critical"\n')
    loadstone("review", ".")
    loadstone("review", "weak.py")
    loadstone("review", "weak.py", "--fail-on", "high", status=ExitStatus.FINDINGS)


def test_a_tool_that_is_missing_is_a_limit_and_an_unknown_one_is_refused() -> None:
    assert "there is no adapter" in loadstone("review", "clean.py", "--with", "lint", status=ExitStatus.UNDECIDED)


def test_a_binary_and_a_source_file_share_one_report() -> None:
    tree = json.loads(
        loadstone("review", "clean.py", sys.executable, "-f", "json", "--no-cache", "--fail-on", "critical")
    )
    assert (tree["counts"]["files"], tree["counts"]["binaries"]) == (2, 1)
    assert {claim["location"]["unit"] for claim in tree["claims"]} >= {"bytes"}


def test_one_finding_is_explained_by_the_beginning_of_its_fingerprint() -> None:
    tree = json.loads(loadstone("review", "weak.py", "-f", "json", status=ExitStatus.FINDINGS))
    claim = next(claim for claim in tree["claims"] if claim["outcome"] == "no")
    assert claim["fingerprint"][:8] in loadstone("review", "weak.py", "-v", status=ExitStatus.FINDINGS)
    text = loadstone("review", "weak.py", "--explain", claim["fingerprint"][:8])
    assert text.startswith(claim["message"])
    assert f">     {claim['location']['start']} | {WEAK.splitlines()[claim['location']['start'] - 1]}" in text
    assert "Why it matters" in text
    assert "no result" in loadstone("review", "weak.py", "--explain", "zz", status=ExitStatus.USAGE)
    refused = loadstone("review", "weak.py", "--explain", "0", "-f", "json", status=ExitStatus.USAGE)
    assert "in text only" in refused


def test_a_fingerprint_that_fits_several_results_wants_more_digits() -> None:
    tree = json.loads(loadstone("review", sys.executable, "-f", "json", "--fail-on", "critical"))
    digit, count = Counter(claim["fingerprint"][0] for claim in tree["claims"]).most_common(1)[0]
    assert count > 1  # more than sixteen claims are made of a program
    refused = loadstone("review", sys.executable, "--explain", digit, status=ExitStatus.USAGE)
    assert "more of its" in refused


def test_every_rule_can_be_explained() -> None:
    listed = loadstone("rules")
    assert all(rule.id in listed for rule in catalogue())
    assert "Bad" in loadstone("rules", "relro")
    assert json.loads(loadstone("rules", "relro", "-f", "json"))["rules"][0]["id"] == "relro"
    assert len(json.loads(loadstone("rules", "-f", "json"))["rules"]) == len(catalogue())
    assert "Did you mean relro" in loadstone("rules", "relroo", status=ExitStatus.USAGE)
    assert "choose from" in loadstone("rules", "-f", "sarif", status=ExitStatus.USAGE)
