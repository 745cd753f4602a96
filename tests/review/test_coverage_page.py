"""The page that says what is asked names every question there is, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from loadstone.review.binary import RULES as BINARY_RULES
from loadstone.review.rules import RULES as SOURCE_RULES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "review" / "coverage.md"


def test_every_question_is_on_the_page_and_nothing_else() -> None:
    known = {rule.id for rule in SOURCE_RULES} | {rule.id for rule in BINARY_RULES}
    named = set(re.findall(r"`([a-z0-9-]+)`", PAGE.read_text(encoding="utf-8")))
    assert named == known
