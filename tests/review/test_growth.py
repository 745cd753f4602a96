"""A file that is four times as long takes about four times the work, not sixteen: counted in calls, not in seconds."""

from __future__ import annotations

import cProfile
import pstats
import re
from pathlib import Path
from typing import Final

import pytest
from tests.scale import sample

from loadstone.review.batch import Batch, SourceFile, review_batch
from loadstone.review.ir import Language

CASES: Final = Path(__file__).parent / "cases"
LANGUAGES: Final = {".c": Language.C, ".cpp": Language.CPP, ".py": Language.PYTHON}
DEFINED: Final = {
    ".py": re.compile(r"^(?:async )?(?:def|class) (\w+)|^(\w+) *=", re.MULTILINE),
    ".c": re.compile(r"^[\w *]+?\b(\w+)\([^;{}]*\)\s*\{|^(?:struct|enum|union|class) (\w+)", re.MULTILINE),
}
"""What a file defines at its top, roughly: each copy of it gets names of its own."""


def repeated(path: Path, times: int) -> str:
    text = path.read_text()
    names = {a or b for a, b in DEFINED.get(path.suffix, DEFINED[".c"]).findall(text)} - {"main"}
    word = re.compile(rf"\b({'|'.join(map(re.escape, sorted(names)))})\b")
    return "\n".join(word.sub(rf"\1_{number}", text) for number in range(times))


def work(path: Path, times: int) -> int:
    """The calls that Python makes to review a file that holds another several times over."""
    source = SourceFile(f"long{path.suffix}", LANGUAGES[path.suffix], repeated(path, times).encode())
    profile = cProfile.Profile()
    outcome = profile.runcall(review_batch, Batch((source,), 600.0))
    assert not outcome.limits
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]


FILES: Final = sorted(p for p in CASES.rglob("*") if p.suffix in LANGUAGES and p.stat().st_size < 8_000)
GROWTH: Final = 5.5
"""Four times the work, some for what is sorted and what is found through files; a square would be sixteen."""


@pytest.mark.slow
@pytest.mark.parametrize("path", sample(FILES, 16), ids=lambda path: path.stem)
def test_work_grows_with_the_file(path: Path) -> None:
    assert work(path, 12) < GROWTH * work(path, 3)
