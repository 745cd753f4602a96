"""Python rules on their twins: what is marked bad is reported at that very line, and nothing else is.

A file under ``tests/rules/<rule>/`` marks the lines its rule must report with a comment ``bad``, and lines that must be
among its evidence with ``good``. A file whose name begins with ``good`` has no finding at all of that rule.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from loadstone.core.claims import Evidence, Finding
from loadstone.review import frontends, rules
from loadstone.review.ir import Program

HERE = Path(__file__).parent.parent / "rules"
TWINS = sorted(p for p in HERE.glob("*/*") if p.suffix in frontends.SUFFIXES)
PRAISE_ONLY = {
    *(
        "symbol-outlives-library",
        "unread-dlerror",
        "missing-platform-branch",
        "internal-linkage",
        "unvalidated-parameter",
    ),
    *("failure-checks", "lifecycle-guards", "synchronisation", "compatibility-checks", "declared-interface"),
}
"""Rules that give evidence or leave the question open, and have no bad twin: the corpus holds them."""
MARK = re.compile(r"(?:#|//|/\*)\s*(bad|good)\b")


def marked(text: str, word: str) -> set[int]:
    lines = text.split("\n")
    return {n for n, line in enumerate(lines, start=1) if (found := MARK.search(line)) and found[1] == word}


def test_every_folder_is_named_after_its_rule() -> None:
    assert {path.parent.name for path in TWINS} <= {rule.id for rule in rules.RULES}


@pytest.mark.parametrize("path", TWINS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_rule_reports_the_marked_lines_and_no_others(path: Path) -> None:
    text = path.read_text()
    (rule,) = [rule for rule in rules.RULES if rule.id == path.parent.name]
    claims = rules.ask(Program((frontends.parse(path.name, text.encode()),)), [rule])
    found = {claim.location.start for claim in claims if isinstance(claim, Finding)}
    assert found == marked(text, "bad")
    assert bool(found) == path.stem.startswith("bad")
    seen = {place.start for claim in claims if isinstance(claim, Evidence) for place in (claim.location, *claim.places)}
    assert marked(text, "good") <= seen
    assert bool(marked(text, "good")) <= bool(seen)
