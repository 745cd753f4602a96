"""Real projects: every finding that weighs has been judged by a person, and the true ones are still found."""

from __future__ import annotations

import pytest
from tests.review.triage import PAGE, PROJECTS, SMALL, findings, judge, page
from tests.scale import FULL


@pytest.mark.slow
@pytest.mark.parametrize("project", SMALL)
def test_what_was_judged_true_is_still_found(project: str) -> None:
    _, lost = judge(findings(project))
    assert not lost


@pytest.mark.skipif(not FULL, reason="reviews every project: LOADSTONE_TEST_SCALE=full")
@pytest.mark.parametrize("project", PROJECTS)
def test_every_finding_is_judged(project: str) -> None:
    judged, lost = judge(findings(project))
    assert not [f"{one.place}: {one.message}" for one in judged if one.verdict is None]
    assert not lost


@pytest.mark.skipif(not FULL, reason="reviews every project: LOADSTONE_TEST_SCALE=full")
def test_the_page_shows_these_verdicts() -> None:
    written = page([findings(project) for project in PROJECTS])
    assert PAGE.read_text(encoding="utf-8") == written, "run: python -m tests.review.triage"
