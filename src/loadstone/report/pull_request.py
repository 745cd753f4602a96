"""A review as a short comment on a pull request: what is new, worst first, and what changes nothing, in a line.

It fits the limit of the platforms (GitHub takes 65,536 characters, GitLab a million) however much was found.
"""

from __future__ import annotations

from typing import Final

from loadstone.core.claims import Finding, LocationUnit
from loadstone.core.counting import agreeing, counted
from loadstone.core.review import BaselineState, Review
from loadstone.report.markdown import as_code, as_text

__all__ = ["render"]

_MOST: Final = 20
_LONGEST: Final = 300


def render(review: Review) -> str:
    """The comment, in Markdown with one table; text from outside is escaped."""
    news = [claim for result in review.results if result.is_news and isinstance(claim := result.claim, Finding)]
    worst_first = sorted(news, key=lambda finding: (-finding.severity.rank, finding.location))
    compared = any(result.state is not None for result in review.results)
    blocks = [f"### Loadstone: {_headline(review, len(news), compared=compared)}"]
    if worst_first:
        blocks.append("\n".join(["| | finding | where |", "|---|---|---|", *map(_row, worst_first[:_MOST])]))
    if len(worst_first) > _MOST:
        blocks.append(f"{len(worst_first) - _MOST:,} more are in the full report.")
    blocks += [f"- {line}" for line in _rest(review)]
    return "\n\n".join(blocks) + "\n"


def _headline(review: Review, news: int, *, compared: bool) -> str:
    new = "new " if compared else ""
    if news:
        return counted(news, f"{new}finding")
    gaps = any(limit.gap for limit in review.limits)
    return f"no {new}findings{', but not everything could be reviewed' if gaps else ''}"


def _row(finding: Finding) -> str:
    place = finding.location
    at = f":{place.start}" if place.unit is LocationUnit.LINES else ""
    weakness = f", CWE-{finding.cwe}" if finding.cwe else ""
    fix = f"<br>fix: {_cell(finding.fix)}" if finding.fix else ""
    return (
        f"| {finding.severity.value} | {_cell(finding.message)} ({finding.rule}{weakness}){fix} "
        f"| {as_code(place.path[-_LONGEST:] + at)} |"
    )


def _cell(text: str) -> str:
    return as_text(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}")


def _rest(review: Review) -> list[str]:
    findings = [result for result in review.results if isinstance(result.claim, Finding)]
    gone = sum(result.state is BaselineState.ABSENT for result in findings)
    same = sum(result.state is BaselineState.UNCHANGED and result.waiver is None for result in findings)
    numbers = (
        (gone, "finding of the baseline is gone", "findings of the baseline are gone"),
        (same, "finding was there before", "findings were there before"),
        (review.counts.waived, "is waived", "are waived"),
        (review.counts.undecided, "question could not be decided", "questions could not be decided"),
        (sum(limit.gap for limit in review.limits), "part could not be reviewed", "parts could not be reviewed"),
    )
    return [agreeing(number, one, many) for number, one, many in numbers if number]
