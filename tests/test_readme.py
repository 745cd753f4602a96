"""The README is a program: its console blocks are run, its Python executed; links of every page lead somewhere."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = (README, *sorted((ROOT / "docs").rglob("*.md")))


def blocks(language: str) -> list[tuple[str, str]]:
    found = []
    for page in (README,):
        for number, match in enumerate(
            re.finditer(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
        ):
            found.append((f"{page.relative_to(ROOT)}-{number}", match[1]))
    return found


def runs() -> list[tuple[str, str, str]]:
    """(where, command, output shown below it) of every `$ loadstone ...` line of a console block."""
    found = []
    for where, block in blocks("console"):
        for number, part in enumerate(re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]):
            command, _, output = part.partition("\n")
            if command.startswith("loadstone "):
                found.append((f"{where}-{number}", command, output.rstrip()))
    return found


def shape(text: str) -> str:
    """What must stay the same on every machine: words, but no numbers, addresses, paths of this system or spacing."""
    text = re.sub(r"0x[0-9a-f]+|[0-9a-f]{16,}", "#", text)
    return " ".join(re.sub(r"\d[\d,.]*", "#", text).split())


@pytest.mark.parametrize(("where", "command", "output"), runs(), ids=lambda _: None)
def test_a_shown_command_says_what_the_page_shows(where: str, command: str, output: str) -> None:
    words = shlex.split(command, comments=True)
    done = subprocess.run(
        [sys.executable, "-m", "loadstone.cli.main", *words[1:]],
        capture_output=True, text=True, check=False, cwd=ROOT, timeout=300,
    )  # fmt: skip
    assert done.returncode in (0, 1, 3), done.stderr
    lines = [line for line in output.splitlines() if line.strip() != "..."]
    shown = shape(done.stdout)
    missing = [line for line in lines if shape(line) not in shown]
    assert not missing, f"{where}: {command}\nnot in the output: {missing}\n{done.stdout}"


@pytest.mark.parametrize(("where", "code"), blocks("python"), ids=lambda _: None)
def test_a_shown_program_runs(where: str, code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT, timeout=120
    )
    assert done.returncode == 0, f"{where}\n{done.stderr}"


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
