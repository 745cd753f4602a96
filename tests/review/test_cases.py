"""Kinds of weaknesses once missed and of false alarms once raised: small programs that carry their answers.

A comment ``//! CWE-416`` (``#! ...`` in Python) at the end of a line asks for a finding of one of these weaknesses at
that line, ``//! none`` for silence, ``//! none CWE-22`` for silence about these. A folder is one program.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from loadstone.core.claims import Finding
from loadstone.review import frontends, rules
from loadstone.review.ir import Program
from loadstone.review.reached import read_together

HERE = Path(__file__).parent / "cases"
MARK = re.compile(r"(?://|#)! (none)?\s*((?:CWE-)?[\d/CWE-]*)\s*(?:\*/)?$")
PROGRAMS = sorted(
    [p for p in HERE.glob("*/*") if p.is_dir()] + [p for p in HERE.glob("*/*") if p.suffix in frontends.SUFFIXES]
)


def files_of(program: Path) -> list[Path]:
    found = sorted(program.iterdir()) if program.is_dir() else [program]
    return [path for path in found if path.suffix in frontends.SUFFIXES]


def asked(text: str) -> list[tuple[int, bool, frozenset[int]]]:
    """The line of each mark, whether it asks for silence, and which weaknesses it names."""
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        match = MARK.search(line)
        if match is not None:
            found.append((number, bool(match[1]), frozenset(int(c) for c in re.findall(r"\d+", match[2]))))
    return found


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: f"{p.parent.name}-{p.name}")
def test_a_case_is_answered_at_its_lines(program: Path) -> None:
    paths = files_of(program)
    units = read_together((str(path), path.read_bytes()) for path in paths)
    claims = [c for c in rules.ask(Program(units)) if isinstance(c, Finding)]
    for path in paths:
        for line, silent, wanted in asked(path.read_text(encoding="utf-8")):
            here = {c.cwe for c in claims if c.location.path == str(path) and c.location.start == line}
            if silent:
                assert not (here & wanted if wanted else here), (path.name, line, here)
            else:
                assert here & wanted, (path.name, line, wanted, here)
