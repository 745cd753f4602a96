"""The rules on a labelled corpus: every weakness at its line, nothing else, whatever the code is spelled like.

A file under ``corpus`` marks its weaknesses with ``expect: CWE-N`` and lines that deserve praise with
``evidence: practice``. A file without ``expect`` is clean. CWE entries that reviewers use for one another are families.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from loadstone.core.claims import Claim, Evidence, Finding
from loadstone.review import frontends, rules
from loadstone.review.ir import Program

HERE = Path(__file__).parent / "corpus"
FILES = sorted(p for p in HERE.glob("*/*") if p.suffix in frontends.SUFFIXES)
EXPECT = re.compile(r"expect: ((?:CWE-\d+ ?)+)")
PRAISE = re.compile(r"evidence: ([a-z -]+?)\s*(?:\*/|$)")
FAMILIES = (
    {252, 690, 476},
    {426, 427},
    {415, 675},
    {416, 672},
    {772, 775},
    {362, 366, 567, 609},
    {377, 379},
    {732, 276},
)


def is_same(one: int | None, other: int) -> bool:
    return one == other or any(one in family and other in family for family in FAMILIES)


def ask(name: str, text: str) -> tuple[Claim, ...]:
    return rules.ask(Program((frontends.parse(name, text.encode()),)))


def expected(text: str) -> list[tuple[int, int]]:
    lines = enumerate(text.split("\n"), 1)
    return [(n, int(c)) for n, line in lines for m in EXPECT.findall(line) for c in re.findall(r"\d+", m)]


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}-{p.name}")
def test_each_weakness_is_found_at_its_line_and_nothing_else_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = [c for c in ask(path.name, text) if isinstance(c, Finding)]
    wanted = expected(text)
    for line, cwe in wanted:
        assert any(is_same(f.cwe, cwe) and abs(f.location.start - line) <= 1 for f in found), (line, cwe, found)
    for finding in found:
        near = [c for n, c in wanted if abs(n - finding.location.start) <= 1 and is_same(finding.cwe, c)]
        assert near, finding


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}-{p.name}")
def test_praised_lines_are_evidence(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    evidence = [c for c in ask(path.name, text) if isinstance(c, Evidence)]
    for line, source in enumerate(text.split("\n"), 1):
        for practice in PRAISE.findall(source):
            assert any(
                e.practice == practice and (abs(p.start - line) <= 1 or p.start <= line <= p.end)
                for e in evidence
                for p in (e.location, *e.places)
            ), (line, practice)


def renamed(text: str) -> str:
    return re.sub(r"\b(handle|h|lib|library|module)\b(?!\s*\()", r"\1_v2", text)


def spaced(text: str) -> str:
    return "\n".join(line.replace(", ", ",  ") for line in text.split("\n"))


def conditional(text: str) -> str:
    lines = text.split("\n")
    return "\n".join([*lines, "#ifdef UNRELATED", "static int unrelated;", "#endif"])


C_FILES = [p for p in FILES if p.suffix == ".c"]


@pytest.mark.parametrize("change", [spaced, conditional, renamed])
@pytest.mark.parametrize("path", C_FILES, ids=lambda p: f"{p.parent.name}-{p.name}")
def test_spelling_does_not_change_the_verdict(path: Path, change: object) -> None:
    assert callable(change)
    text = path.read_text(encoding="utf-8")

    def verdict(source: str) -> list[tuple[int | None, int]]:
        return sorted((f.cwe or 0, f.location.start) for f in ask(path.name, source) if isinstance(f, Finding))

    assert verdict(change(text)) == verdict(text)
