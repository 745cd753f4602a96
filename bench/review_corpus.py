"""Review: how much of a labelled corpus is found, and how much else, beside other reviewers of the same files.

The corpus is the project's own (``tests/review/corpus``): ``expect: CWE-N`` marks a weakness, ``evidence: practice`` a
line that deserves praise, and a file without ``expect`` is clean. It is what the rules were written against, so our own
figures say that nothing was lost, not how well unknown code is judged (``docs/review/triage.md`` is about that). A peer
has found a weakness when it says anything of its family within a line of it. Semgrep's rules are not in its package, so
it cannot be measured here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.figure import Bar, Figure, Row, Sample, at_least, at_most

_CORPUS = Path(__file__).parents[1] / "tests" / "review" / "corpus"
_EXPECT = re.compile(r"expect: ((?:CWE-\d+ ?)+)")
_PRAISE = re.compile(r"evidence: ([a-z -]+?)\s*(?:\*/|$)", re.MULTILINE)
_FAMILIES = (
    {252, 690, 476},
    {426, 427, 114, 829, 73, 22, 807},
    {415, 675},
    {416, 672},
    {772, 775, 401},
    {362, 366, 367, 567, 609},
    {377, 379},
    {732, 276},
    {78, 77, 88},
    {20, 120, 787, 119},
)
_PEERS = ("cppcheck", "flawfinder", "clang-tidy", "bandit")

Found = set[tuple[str, int, int]]
"""What a reviewer says: path, line, CWE."""


@dataclass(frozen=True, slots=True)
class _Score:
    recall: float
    precision: float
    clean_flagged: float


def _rows() -> Iterator[Row]:
    from loadstone.review.frontends import SUFFIXES

    files = sorted(p for p in _CORPUS.glob("*/*") if p.suffix in SUFFIXES)
    labels = {str(p): _expected(p) for p in files}
    ours, praised = _ours(files)
    scores: dict[str, _Score | None] = {name: _peer(name, labels) for name in _PEERS}
    mine = _score(ours, labels)
    size = f"{len(files)} files, {sum(map(len, labels.values()))} weaknesses"

    def row(what: str, value: float, figure: str, bar: Bar, *, more: bool = True) -> Row:
        peers = _each(scores, figure) if figure else {}
        return Row(f"review, {what}", "share", Sample.of([value]), peers, (bar,), more_is_better=more)

    yield row(f"recall ({size})", mine.recall, "recall", at_least(0.85))
    yield row("precision", mine.precision, "precision", at_least(0.9))
    yield row("clean files flagged", mine.clean_flagged, "clean_flagged", at_most(0.05), more=False)
    yield row("praise found", praised, "", at_least(0.75))


def _each(scores: dict[str, _Score | None], figure: str) -> dict[str, Sample | None]:
    return {name: None if score is None else Sample.of([getattr(score, figure)]) for name, score in scores.items()}


def _expected(path: Path) -> list[tuple[int, int]]:
    lines = enumerate(path.read_text(encoding="utf-8").split("\n"), 1)
    return [(n, int(c)) for n, line in lines for m in _EXPECT.findall(line) for c in re.findall(r"\d+", m)]


def _ours(files: Iterable[Path]) -> tuple[Found, float]:
    """What the rules find, and the share of the praised lines that they praise."""
    from loadstone.core.claims import Evidence, Finding
    from loadstone.review import frontends, rules
    from loadstone.review.ir import Program

    found: Found = set()
    wanted = praised = 0
    for path in files:
        claims = rules.ask(Program((frontends.parse(str(path), path.read_bytes()),)))
        found |= {(str(path), c.location.start, c.cwe or 0) for c in claims if isinstance(c, Finding)}
        evidence = [c for c in claims if isinstance(c, Evidence)]
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            for practice in _PRAISE.findall(line):
                wanted += 1
                praised += any(
                    c.practice == practice and place.start - 1 <= number <= place.end + 1
                    for c in evidence
                    for place in (c.location, *c.places)
                )
    return found, praised / max(wanted, 1)


def _peer(name: str, labels: dict[str, list[tuple[int, int]]]) -> _Score | None:
    """A peer's score on the files in its languages; None when it is not installed."""
    from loadstone.review.engines import ENGINES
    from loadstone.review.engines.tool import Unheard
    from loadstone.review.engines.tool import run as ask

    try:
        found = {(f.path, f.line, f.cwe or 0) for f in ask(ENGINES[name], sorted(labels))}
    except Unheard:
        return None
    return _score(found, labels)


def _score(found: Found, labels: dict[str, list[tuple[int, int]]]) -> _Score:
    """Over every file, those in other languages too: a weakness nobody looks for is a weakness missed."""
    wanted = [(path, line, cwe) for path, expected in labels.items() for line, cwe in expected]
    met = sum(any(_same(one, other) for one in found) for other in wanted)
    right = sum(any(_same(one, other) for other in wanted) for one in found)
    clean = [path for path, expected in labels.items() if not expected]
    flagged = {path for path, _, _ in found} & set(clean)
    return _Score(met / max(len(wanted), 1), right / len(found) if found else 0.0, len(flagged) / max(len(clean), 1))


def _same(found: tuple[str, int, int], wanted: tuple[str, int, int]) -> bool:
    kin = found[2] == wanted[2] or any({found[2], wanted[2]} <= family for family in _FAMILIES)
    return found[0] == wanted[0] and abs(found[1] - wanted[1]) <= 1 and kin


FIGURES = (Figure("the labelled corpus", _rows),)
