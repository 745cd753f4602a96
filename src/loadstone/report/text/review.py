"""A review as text. The first line answers the question; findings come before praise, and what is open is said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from loadstone.core.claims import Evidence, Finding, NotApplicable, Undecided
from loadstone.core.practices import Practice
from loadstone.core.review import BaselineState, Counts, Result, Review, ReviewVerdict
from loadstone.escape import printable
from loadstone.report.text.claims import claim_lines, claims_lines, place
from loadstone.report.text.style import Style

__all__ = ["counted", "render"]

_MAX_WAIVED = 20


def render(review: Review, style: Style, *, verbose: int = 0) -> str:
    """The whole text; ``verbose`` 1 adds what to do and the path of every finding, and what does not apply."""
    counting = [result for result in review.results if result.counts]
    subject = review.files[0].path if len(review.files) == 1 else ""
    blocks = [
        _headline(review, style),
        _findings(counting, style, verbose),
        _evidence(counting, style, subject, verbose),
        _undecided(counting, style, subject),
        _not_applicable(counting, style, subject) if verbose else [],
        _waived(review.results, style),
        _limits(review, style),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def counted(number: int, noun: str, plural: str = "") -> str:
    """``1 file``, ``2 files``.

    >>> counted(2, "binary", "binaries")
    '2 binaries'
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def _looked_at(counts: Counts) -> str:
    parts = []
    if counts.files - counts.binaries:
        parts.append(f"{counted(counts.lines, 'line')} in {counted(counts.files - counts.binaries, 'source file')}")
    if counts.binaries:
        parts.append(counted(counts.binaries, "binary", "binaries"))
    return " and ".join(parts) or "nothing"


def _headline(review: Review, style: Style) -> list[str]:
    counts = review.counts
    paint = {ReviewVerdict.NO_WEAKNESS_FOUND: style.good, ReviewVerdict.WEAKNESSES_FOUND: style.bad}
    verdict = style.bold(paint.get(review.verdict, style.warn)(review.verdict.value))
    by_severity = ", ".join(f"{count} {severity.value}" for severity, count in counts.by_severity)
    line = f"{verdict}: {by_severity}" if by_severity else verdict
    kept = f"{counted(counts.evidence, 'good practice')} seen, {counts.undecided} undecided"
    if counts.waived:
        kept += f", {counts.waived} waived"
    states = [result.state for result in review.results if result.state is not None]
    if states:
        gone = sum(state is BaselineState.ABSENT for state in states)
        kept += f"; against the baseline: {counts.new} new, {gone} gone"
    return [line, style.dim(f"  looked at {_looked_at(counts)}; {kept}")]


def _findings(results: Iterable[Result], style: Style, verbose: int) -> list[str]:
    """By file, worst first within it."""
    files: defaultdict[str, list[Result]] = defaultdict(list)
    for result in results:
        if isinstance(result.claim, Finding):
            files[result.claim.location.path].append(result)
    lines: list[str] = []
    for path, found in files.items():
        lines += ["", style.heading(printable(path))]
        found.sort(key=lambda r: -r.claim.severity.rank if isinstance(r.claim, Finding) else 0)
        for result in found:
            shown = claim_lines(result.claim, style, subject=path, fixes=True, why=verbose > 0)
            shown[0] += _origin(result, style, verbose)
            lines += shown
    return lines[1:]


_SHORT = 8
"""Digits of a fingerprint that tell findings of one review apart."""


def _origin(result: Result, style: Style, verbose: int) -> str:
    """Who says so; ``verbose`` adds what ``--explain`` takes."""
    said = [result.claim.rule]
    if verbose:
        said.append(result.fingerprint[:_SHORT])
    if result.state is BaselineState.NEW:
        said.append("new")
    if result.engines:
        said.append(f"also {', '.join(result.engines)}" if "/" not in result.claim.rule else result.engines[0])
    return " " + style.dim(" ".join(f"({printable(word)})" for word in said))


def _evidence(results: Iterable[Result], style: Style, subject: str, verbose: int) -> list[str]:
    """By practice, in the order of the practices; some of each, unless all are asked for."""
    found = [result.claim for result in results if isinstance(result.claim, Evidence)]
    if not found:
        return []
    lines = [style.heading("Good practice, with where it was seen")]
    for practice in (*Practice, None):
        group = [claim for claim in found if claim.practice is practice]
        if not group:
            continue
        lines.append(f"  {practice.value if practice else 'other'}")
        shown = group if verbose else group[:_SHOWN]
        lines += [f"  {line}" for line in claims_lines(shown, style, subject=subject)]
        if len(group) > len(shown):
            lines.append(style.dim(f"      and {len(group) - len(shown)} more; -v shows them"))
    return lines


_SHOWN = 8


def _undecided(results: Iterable[Result], style: Style, subject: str) -> list[str]:
    found = [result.claim for result in results if isinstance(result.claim, Undecided)]
    return [style.heading("Not decided"), *claims_lines(found, style, subject=subject)] if found else []


def _not_applicable(results: Iterable[Result], style: Style, subject: str) -> list[str]:
    found = [result.claim for result in results if isinstance(result.claim, NotApplicable)]
    return [style.heading("Does not apply"), *claims_lines(found, style, subject=subject)] if found else []


def _waived(results: Iterable[Result], style: Style) -> list[str]:
    found = [result for result in results if result.waiver is not None]
    if not found:
        return []
    lines = [style.heading("Waived")]
    for result in found[:_MAX_WAIVED]:
        assert result.waiver is not None
        lines.append(f"  {place(result.claim.location)}: {printable(result.claim.message)}")
        until = f", until {result.waiver.until}" if result.waiver.until else ""
        lines.append(f"      {style.dim('because:')} {printable(result.waiver.reason)}{until}")
    if len(found) > _MAX_WAIVED:
        lines.append(style.dim(f"  and {len(found) - _MAX_WAIVED} more"))
    return lines


def _limits(review: Review, style: Style) -> list[str]:
    lines = [style.heading("Limits")]
    lines += [
        f"  {place(limit.location)}: {printable(limit.message)} {style.dim(f'({limit.kind})')}"
        for limit in review.limits
    ]
    lines.append(style.dim("  Nothing was run: `loadstone probe` and `loadstone fuzz` settle what only running can."))
    return lines
