"""What runs on a code host: every action pinned by digest, no more rights than needed, commands that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", [*WORKFLOWS, ROOT / "action.yml"], ids=lambda path: path.name)
def test_every_action_is_pinned_by_digest_with_its_version_beside_it(path: Path) -> None:
    used = re.findall(r"uses: (\S+)(.*)", path.read_text())
    assert used
    assert [action for action, _ in used if not re.search(r"@[0-9a-f]{40}$", action)] == []
    assert [action for action, comment in used if not re.search(r"# v\d", comment)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_only_read_unless_a_job_says_why(path: Path) -> None:
    text = path.read_text()
    assert re.search(r"^permissions:\n  contents: read\n", text, flags=re.MULTILINE)
    writes = re.findall(r"^ +[\w-]+: write.*$", text, flags=re.MULTILINE)
    assert [line for line in writes if "#" not in line] == []


def test_the_make_targets_that_workflows_call_are_there() -> None:
    called = {name for path in WORKFLOWS for name in re.findall(r"\bmake ([\w-]+)", path.read_text())}
    assert called
    made = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert called <= made
