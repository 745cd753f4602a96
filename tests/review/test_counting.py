"""One is singular, in every sentence a rule has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from loadstone.review.engine import Options, review
from loadstone.review.rules import RULES

TWINS = Path(__file__).parents[1] / "rules"
_WRONG = re.compile(
    r"\b1 of 1 (?:\S+ )*?\w+s (?:\w+ )*?(?:are|have|bind|keep|name|test|run|set|get)\b"
    r"|(?<!of )\b1 [a-z]+s (?:are|have)\b"
)


@pytest.mark.parametrize("rule", [rule.id for rule in RULES if (TWINS / rule.id).is_dir()])
def test_one_is_singular(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(TWINS)
    said = [result.claim.message for result in review([rule], Options(jobs=1)).results]
    assert said
    assert [message for message in said if _WRONG.search(message)] == []
