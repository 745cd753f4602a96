"""A review as text. The first line answers the question; findings come before praise, and what is open is said."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Iterable, Sequence

from loadstone.core.claims import Finding, NotApplicable
from loadstone.core.counting import counted
from loadstone.core.review import BaselineState, Result, Review, ReviewVerdict
from loadstone.core.rules import RuleText
from loadstone.escape import printable
from loadstone.report.summary import (
    Seen,
    folder_of,
    looked_at,
    next_steps,
    observations,
    open_questions,
    sentences,
    tallies,
)
from loadstone.report.text.claims import claim_lines, claims_lines, place
from loadstone.report.text.style import Style

__all__ = ["render"]

_MAX_WAIVED = 20


def render(review: Review, style: Style, *, verbose: int = 0, rules: Sequence[RuleText] = ()) -> str:
    """The whole text; ``verbose`` 1 adds the path of every finding, all lines of the observations, what does not apply.

    ``rules`` tell which weaknesses were asked about.
    """
    counting = [result for result in review.results if result.counts]
    subject = review.files[0].path if len(review.files) == 1 else ""
    blocks = [
        _headline(review, style),
        _summary(review),
        _observations(review, style, subject, verbose),
        _findings(counting, style, verbose),
        _undecided(counting, style, subject),
        _not_applicable(counting, style, subject) if verbose else [],
        _waived(review.results, style),
        _compliance(review, style, rules),
        _limits(review, style),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


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
    return [line, style.dim(f"  looked at {looked_at(counts)}; {kept}")]


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
    return [style.heading("Findings"), *lines[1:]] if files else []


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


def _summary(review: Review) -> list[str]:
    """The sentences, as wide as a terminal."""
    return textwrap.wrap(
        " ".join(map(printable, sentences(review))), _WIDTH, break_long_words=False, break_on_hyphens=False
    )


def _observations(review: Review, style: Style, subject: str, verbose: int) -> list[str]:
    """The good practices in their order: how often each thing was seen, and where; all lines, if they are asked for."""
    folder = folder_of(review)
    lines = [style.heading("Observations") + (f" in {printable(folder)}" if folder else "")]
    for number, observed in enumerate(observations(review), start=1):
        total = f"{counted(observed.places, 'place')} in {counted(observed.files, 'file')}"
        lines.append(f"  {number}. {observed.title}: {total if observed.places else 'nothing of this kind was seen'}")
        for one in observed.seen:
            where = _where(one, subject, folder, _ALL if verbose else _SHOWN)
            lines.append(
                f"     {style.good('+')} {printable(one.message)}" + (f"  {style.dim(f'[{where}]')}" if where else "")
            )
    return lines


def _where(one: Seen, subject: str, folder: str, most: int) -> str:
    """The lines, each file named once; some of them, with how many are left out."""
    said: list[str] = []
    left = most
    for path, every in one.files:
        if left <= 0:
            break
        ranges = every[:left]
        spans = ", ".join(place(where, path).removeprefix("lines ").removeprefix("line ") for where in ranges)
        left -= len(ranges)
        one_line = len(ranges) == 1 and ranges[0].end <= ranges[0].start
        word = "" if spans.startswith("@") else "line " if one_line else "lines "
        name = "" if path == subject else f"{printable(path.removeprefix(folder))} "
        said.append(f"{name}{word}{spans}" if spans else name.strip())
    more = one.places - most
    return "; ".join(said) + (f"; and {more} more" if more > 0 else "")


_SHOWN = 8
_ALL = 10_000
_WIDTH = 100


def _compliance(review: Review, style: Style, rules: Sequence[RuleText]) -> list[str]:
    """Per group of weaknesses: how often it was asked about, and what the answers were."""
    found = tallies(review, rules)
    if not found:
        return []
    width = max(len(tally.group) for tally in found)
    lines = [
        style.heading("Compliance by group of weaknesses"),
        style.dim(f"  {'':{width}}  asked    met  not met  undecided  CWE"),
    ]
    for tally in found:
        numbers = f"{tally.asked:>6,} {tally.met:>6,} {tally.not_met:>8,} {tally.undecided:>10,}"
        lines.append(f"  {tally.group:{width}} {numbers}  {style.dim(', '.join(map(str, tally.numbers)))}")
    return lines


def _undecided(results: Iterable[Result], style: Style, subject: str) -> list[str]:
    """What is open: each question, and after those that share it the reason."""
    lines: list[str] = []
    for asked in open_questions(result.claim for result in results):
        for claim in asked:
            shown = claim_lines(claim, style, subject=subject)
            lines += shown if claim is asked[-1] else shown[:1]
    return [style.heading("Not decided"), *lines] if lines else []


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
    lines.append(style.heading("Who should look next"))
    lines += [f"  {line}" for line in next_steps([result.claim for result in review.results if result.counts])]
    return lines
