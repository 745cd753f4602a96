"""The README and the tutorials are programs: their console blocks are run, their Python executed; links lead somewhere.

A tutorial is one session in a scratch folder: its blocks run in order, and a block with a title is a file of that name.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.tools import needed

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
TUTORIALS = sorted((ROOT / "docs/tutorials").glob("*.md"))
PAGES = (README, *sorted((ROOT / "docs").rglob("*.md")))


def blocks(language: str) -> list[tuple[str, str]]:
    found = []
    for number, match in enumerate(
        re.finditer(rf"^```{language}\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)
    ):
        found.append((f"{README.relative_to(ROOT)}-{number}", match[1]))
    return found


def commands(block: str) -> Iterator[tuple[str, str]]:
    """(command, output shown below it) of every `$ ` line."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output.rstrip()


def runs() -> list[tuple[str, str, str]]:
    """(where, command, output shown below it) of every `$ loadstone ...` line of a console block."""
    found = []
    for where, block in blocks("console"):
        for number, (command, output) in enumerate(commands(block)):
            if command.startswith("loadstone "):
                found.append((f"{where}-{number}", command, output))
    return found


def shape(text: str) -> str:
    """What must stay the same on every machine: words, but no numbers, addresses, paths of this system or spacing."""
    text = re.sub(r"0x[0-9a-f]+|[0-9a-f]{16,}", "#", text)
    return " ".join(re.sub(r"\d[\d,.]*", "#", text).split())


def not_said(output: str, said: str) -> list[str]:
    """The lines a page shows that the program did not print."""
    shown = shape(said)
    return [line for line in output.splitlines() if line.strip() != "..." and shape(line) not in shown]


@pytest.mark.parametrize(("where", "command", "output"), runs(), ids=lambda _: None)
def test_a_shown_command_says_what_the_page_shows(where: str, command: str, output: str) -> None:
    words = shlex.split(command, comments=True)
    done = subprocess.run(
        [sys.executable, "-m", "loadstone.cli.main", *words[1:]],
        capture_output=True, text=True, check=False, cwd=ROOT, timeout=300,
    )  # fmt: skip
    assert done.returncode in (0, 1, 3), done.stderr
    missing = not_said(output, done.stdout)
    assert not missing, f"{where}: {command}\nnot in the output: {missing}\n{done.stdout}"


@pytest.mark.parametrize(("where", "code"), blocks("python"), ids=lambda _: None)
def test_a_shown_program_runs(where: str, code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT, timeout=120
    )
    assert done.returncode == 0, f"{where}\n{done.stderr}"


@pytest.mark.slow
@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_works_as_written(page: Path, tmp_path: Path) -> None:
    needed("cc")
    (tmp_path / "bin").mkdir()
    for name, words in (("python", ""), ("loadstone", " -m loadstone")):
        program = tmp_path / "bin" / name
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)}{words} "$@"\n')
        program.chmod(0o755)
    folder = tmp_path / "session"
    folder.mkdir()
    environment = os.environ | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "NO_COLOR": "1"}
    environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
        )

    for language, title, body in re.findall(
        r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```', page.read_text(), re.DOTALL | re.MULTILINE
    ):
        if title:
            (folder / title).write_text(body)
        elif language == "python":
            done = run("python", "-c", body)
            assert done.returncode == 0, done.stderr
        elif language == "console":
            for command, output in commands(body):
                done = run("bash", "-c", command)
                allowed = (0, 1) if command.startswith("loadstone ") else (0,)
                assert done.returncode in allowed, f"{command}\n{done.stdout}{done.stderr}"
                assert not_said(output, done.stdout) == [], f"{command}\n{done.stdout}{done.stderr}"


def test_the_first_screen_of_the_readme_shows_a_finding_and_evidence_with_their_lines() -> None:
    head = "\n".join(README.read_text().splitlines()[:32])
    assert re.search(r"^\s+- .*\[(?:line|.*:)", head, re.MULTILINE)
    assert re.search(r"^\s+\+ .*\[(?:line|.*:)", head, re.MULTILINE)
    assert "pip install" in head
    assert "```python" in head


def test_every_page_that_is_linked_exists() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_command_has_a_place_in_the_readme() -> None:
    from loadstone.cli.main import COMMANDS

    text = README.read_text()
    assert [c.name for c in COMMANDS if f"loadstone {c.name}" not in text] == []
