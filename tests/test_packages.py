"""The packages have no circles, nor have the modules inside them; what ``CONTRIBUTING.md`` names is there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_no_packages_and_no_modules_import_each_other() -> None:
    code = "import packages as p; inside = p.imports(p.modules()); print(p.circle(p.between(inside)), p.circle(inside))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT / "docs", capture_output=True, text=True, check=True, env={"PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.stdout == "() ()\n"


def _named_files() -> list[str]:
    """Paths in backquotes that name one file: those with a place for a word of one's own name none."""
    words = re.findall(r"`([\w./-]+/[\w./-]*\.\w+|[\w-]+\.(?:md|toml))`", (ROOT / "CONTRIBUTING.md").read_text())
    return sorted(set(words))


@pytest.mark.parametrize("name", _named_files())
def test_contributing_names_files_that_exist(name: str) -> None:
    places = (ROOT, ROOT / "src/loadstone", ROOT / "src/loadstone/library/adapters", ROOT / "src/loadstone/review")
    assert any((place / name).is_file() for place in places), name


def test_every_changelog_fragment_says_which_issue_and_what_kind() -> None:
    fragments = [path for path in (ROOT / "changelog.d").iterdir() if path.name != "README.md"]
    wrong = [
        path.name
        for path in fragments
        if not re.fullmatch(r"\d+-[a-z0-9-]+\.(added|changed|fixed|security|removed)\.md", path.name)
        or not path.read_text(encoding="utf-8").strip()
    ]
    assert wrong == []
