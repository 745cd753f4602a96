"""The files in ``share/``: completion that bash really gives, and a manual page that names every command."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.tools import needed

from loadstone.cli.main import COMMANDS

SHARE = Path(__file__).parents[2] / "share"

_ASK = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
_shtab_loadstone
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["loadstone", "rev"], ["review"]),
        (["loadstone", "fleet", "sc"], ["scan"]),
        (["loadstone", "review", "--basel"], ["--baseline"]),
        (["loadstone", "review", "--format", "sar"], ["sarif"]),
    ],
)
def test_bash_completes(words: list[str], offered: list[str]) -> None:
    script = SHARE / "bash-completion/completions/loadstone"
    asked = [needed("bash"), "-c", _ASK, "bash", str(script), *words]
    assert subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split() == offered


def test_the_manual_names_every_command() -> None:
    page = (SHARE / "man/man1/loadstone.1").read_text().replace("\\-", "-")
    for command in COMMANDS:
        assert command.summary in page
