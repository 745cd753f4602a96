"""A weakness is found however its value travels, and not where it is mended."""

from __future__ import annotations

import pytest
from tests.review.flows import CASES, FLOWS, PAGE, Case, found, page
from tests.scale import FULL


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"CWE-{case.cwe}")
def test_a_weakness_is_found_in_most_flows_and_hardly_ever_in_its_mended_twin(case: Case) -> None:
    missed = [flow.name for flow in FLOWS if not found(case, flow, good=False)]
    false = [flow.name for flow in FLOWS if found(case, flow, good=True)]
    assert len(missed) <= 0.2 * len(FLOWS), missed
    assert len(false) <= 0.1 * len(FLOWS), false


@pytest.mark.skipif(not FULL, reason="the table follows the rules: LOADSTONE_TEST_SCALE=full")
def test_the_page_shows_this_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.review.flows"
