"""The README and the tutorials are programs: their console blocks are run, their Python executed; links lead somewhere.

A tutorial is one session in a scratch folder: its blocks run in order, and a block with a title is a file of that name.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from tests.pages import ROOT, Session, blocks_of, commands, not_said
from tests.tools import needed

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


def runs() -> list[tuple[str, str, str]]:
    """(where, command, output shown below it) of every `$ loadstone ...` line of a console block."""
    found = []
    for where, block in blocks("console"):
        for number, (command, output) in enumerate(commands(block)):
            if command.startswith("loadstone "):
                found.append((f"{where}-{number}", command, output))
    return found


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
    session = Session.within(tmp_path)
    for block in blocks_of(page):
        session.read(block)


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
