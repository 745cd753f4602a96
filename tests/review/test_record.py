"""What the exploration of each function found is kept when the records of several are put together."""

from __future__ import annotations

from dataclasses import fields

import pytest

from loadstone.review.analyses.record import Record

_OF_ONE_FUNCTION = {"index", "sites", "fills"}
"""Numbers of sites, which `add` moves; they are asked for by every case of the review."""


@pytest.mark.parametrize("name", sorted({one.name for one in fields(Record)} - _OF_ONE_FUNCTION))
def test_nothing_that_one_function_showed_is_lost(name: str) -> None:
    one, all_together = Record(), Record()
    held = getattr(one, name)
    if isinstance(held, dict):
        held["found"] = {"here": None}
    else:
        held.add("found")
    all_together.add(one)
    assert "found" in getattr(all_together, name)
