"""What a running campaign keeps of what its workers say."""

from __future__ import annotations

import pytest

from loadstone.fuzz import search
from loadstone.fuzz.code.analyse import CodeMap, Level
from loadstone.fuzz.plan import Campaign
from loadstone.fuzz.records import FindingRecord
from loadstone.fuzz.search import Harvest


def test_findings_beyond_those_that_are_kept_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_MAX_DISTINCT", 2)
    harvest = Harvest(CodeMap(Level.NONE, (), (), ()), [b""], observers=(("coverage", "active"),))
    campaign = Campaign(library="libx.so", prototype="int f(const char *text)", calls=())
    for address in (16, 32, 16, 48, 64):
        harvest.take(0, FindingRecord(kind="SIGSEGV", inputs=["00"], run=address, frames=[address]), campaign)
    assert len(harvest.found) == 2
    assert harvest.progress().runs == 64
    assert dict(harvest.watched_by())["findings"] == "degraded: 2 different ones are kept; 2 other failures not"
