"""A review as Markdown, in the order a person writes one.

What was looked at and the answer; numbered observations with their lines; findings; what was not decided; the limits of
a static review and which step would settle what is open; what all this says about the CWE. Text from outside is escaped
twice over: control characters (``loadstone.escape``), then what Markdown, or HTML inside it, would take for its own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from loadstone.core.claims import Claim, Evidence, Finding, Location, LocationUnit, Settler, Undecided
from loadstone.core.practices import Practice
from loadstone.core.review import BaselineState, Result, Review, ReviewVerdict
from loadstone.core.rules import RuleText
from loadstone.core.weaknesses import WEAKNESSES
from loadstone.escape import printable

__all__ = ["render"]

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>#|~!&])")
_NAMES: Final = {weakness.number: weakness.name for weakness in WEAKNESSES}

_TITLES: Final = {
    Practice.LIFECYCLE: "Loading and unloading lifecycle",
    Practice.ERROR_HANDLING: "Error handling",
    Practice.LOCKING: "Mutexes and thread safety",
    Practice.CONDITIONAL_COMPILATION: "Conditional compilation",
    Practice.ENCAPSULATION: "Static, private and encapsulated parts",
    Practice.INPUT_VALIDATION: "Input validation",
    Practice.SEARCH_PATH: "Search path hygiene",
    Practice.INTEGRITY: "Integrity of what is loaded",
    Practice.PRIVILEGE: "Privilege",
    Practice.OWNERSHIP: "Resource ownership",
    Practice.TYPE_DECLARATIONS: "Type declarations",
    Practice.HARDENING: "Hardening of the binary",
    Practice.LOADABILITY: "Loadability",
    Practice.RUNTIME: "Run-time behaviour",
}
_ALWAYS: Final = tuple(_TITLES)[:6]
"""The six observations of the review this project began with: their absence is said too."""

_MAX_PLACES: Final = 12


def render(review: Review, rules: Sequence[RuleText] = ()) -> str:
    """The whole report; ``rules`` tell which weaknesses were asked about."""
    counting = [result for result in review.results if result.counts]
    subject = review.files[0].path if len(review.files) == 1 else ""
    blocks = [
        "# Review of library handling",
        _opening(review),
        "## Observations",
        *_observations([result.claim for result in counting], subject),
        "## Findings",
        *_findings(counting, subject),
        "## Not decided",
        _undecided([result.claim for result in counting], subject),
        *_waived(review.results),
        "## Limits of this review",
        *_limits(review, [result.claim for result in counting]),
        "## What this says about the CWE",
        _compliance([result.claim for result in counting], rules),
    ]
    return "\n\n".join(blocks) + "\n"


def _text(text: str) -> str:
    """Text from outside, on one line, as text and nothing else."""
    return _SPECIAL.sub(r"\\\1", printable(text))


def _code(text: str) -> str:
    """A code span around text from outside; the fence is longer than any in it."""
    shown = printable(text)
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * (longest + 1)
    padding = " " if longest or shown != shown.strip() or not shown else ""
    return f"{fence}{padding}{shown}{padding}{fence}".replace("|", "\\|")


def _count(number: int, noun: str, plural: str = "") -> str:
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def _opening(review: Review) -> str:
    counts = review.counts
    sources = counts.files - counts.binaries
    parts = [f"{_count(counts.lines, 'line')} in {_count(sources, 'source file')}"] if sources else []
    parts += [_count(counts.binaries, "binary", "binaries")] if counts.binaries else []
    shown = [_code(target) for target in review.targets[:4]]
    more = len(review.targets) - len(shown)
    subject = ", ".join(shown) + (f" and {more} more" if more else "")
    sentence = f"This review looked at {' and '.join(parts) or 'nothing'} ({subject})"
    match review.verdict:
        case ReviewVerdict.NO_WEAKNESS_FOUND:
            answer = "and found **no weakness** that its rules can show"
        case ReviewVerdict.WEAKNESSES_FOUND:
            severities = ", ".join(f"{count} {severity.value}" for severity, count in counts.by_severity)
            answer = f"and found **weaknesses**: {severities}"
        case ReviewVerdict.INCOMPLETE:
            answer = "and is **incomplete**: it found no weakness in what it could read"
    rest = f"{_count(counts.evidence, 'good practice')} seen with their lines, {counts.undecided} questions left open"
    return f"{sentence} {answer}. {rest[0].upper()}{rest[1:]}."


# Places.


def _span(location: Location) -> str:
    if location.unit is LocationUnit.BYTES:
        return f"{location.start:#x}"
    return f"{location.start}" if location.end <= location.start else f"{location.start}-{location.end}"


def _places(locations: Iterable[Location], subject: str) -> str:
    """``(lines 3-5, 9; `other.c` line 2)``: grouped by file, the file left out when it is the only one."""
    files: defaultdict[str, list[Location]] = defaultdict(list)
    for location in sorted(set(locations)):
        files[location.path].append(location)
    said = []
    for path, found in files.items():
        name = "" if path == subject else _code(path)
        numbered = [location for location in found if location.start or location.unit is LocationUnit.BYTES]
        if not numbered:
            said.append(name or "the file as a whole")
            continue
        several = len(numbered) > 1 or numbered[0].end > numbered[0].start
        word = "offset" if numbered[0].unit is LocationUnit.BYTES else "lines" if several else "line"
        spans = ", ".join(_span(location) for location in numbered[:_MAX_PLACES])
        more = f" and {len(numbered) - _MAX_PLACES} more" if len(numbered) > _MAX_PLACES else ""
        said.append(f"{name} {word} {spans}{more}".strip())
    return f"({'; '.join(said)})"


# Sections.


def _observations(claims: Sequence[Claim], subject: str) -> Iterator[str]:
    evidence = [claim for claim in claims if isinstance(claim, Evidence)]
    number = 0
    for practice, title in _TITLES.items():
        found = [claim for claim in evidence if claim.practice is practice]
        if not found and practice not in _ALWAYS:
            continue
        number += 1
        if not found:
            yield f"{number}. **{title}.** Nothing of this kind was seen; nothing is claimed."
            continue
        sentences = [
            f"{_text(claim.message).rstrip('.')} {_places((claim.location, *claim.places), subject)}."
            for claim in found
        ]
        if len(sentences) == 1:
            yield f"{number}. **{title}.** {sentences[0]}"
        else:
            listed = "\n".join(f"   - {sentence}" for sentence in sentences)
            yield f"{number}. **{title}.**\n{listed}"


def _findings(results: Sequence[Result], subject: str) -> Iterator[str]:
    found = [(result, result.claim) for result in results if isinstance(result.claim, Finding)]
    if not found:
        yield "None."
        return
    found.sort(key=lambda pair: (-pair[1].severity.rank, pair[1].location))
    rows = ["| # | where | weakness | severity | what |", "|---|---|---|---|---|"]
    for number, (result, claim) in enumerate(found, start=1):
        weakness = f"CWE-{claim.cwe}" if claim.cwe else ""
        where = _places([claim.location], subject).strip("()")
        new = " (new)" if result.state is BaselineState.NEW else ""
        rows.append(f"| {number} | {where} | {weakness} | {claim.severity}{new} | {_text(claim.message)} |")
    yield "\n".join(rows)
    for number, (_, claim) in enumerate(found, start=1):
        detail = _detail(number, claim, subject)
        if detail:
            yield detail


def _detail(number: int, claim: Finding, subject: str) -> str:
    """How a finding is shown, and what to do about it."""
    lines = [f"**{number}.** {_text(claim.message)}"] if claim.why or claim.fix else []
    lines += [f"- {_places([step.location], subject)} {_text(step.message)}" for step in claim.why]
    if claim.condition:
        lines.append(f"- holds when {_code(claim.condition)}")
    if claim.fix:
        lines.append(f"- Fix: {_text(claim.fix)}")
    return "\n".join([lines[0], "", *lines[1:]]) if lines else ""


def _undecided(claims: Sequence[Claim], subject: str) -> str:
    found = [claim for claim in claims if isinstance(claim, Undecided)]
    if not found:
        return "Every question that applied was decided."
    return "\n".join(
        f"- {_text(claim.message).rstrip('.')} {_places([claim.location], subject)}: "
        f"{_text(claim.reason).rstrip('.')}. {_settled(claim.settled_by)}"
        for claim in found
    )


def _settled(settler: Settler) -> str:
    match settler:
        case Settler.PROBE:
            return "`loadstone probe` would settle it."
        case Settler.FUZZ:
            return "`loadstone fuzz` would settle it."
        case Settler.HUMAN:
            return "A person has to look."


def _waived(results: Sequence[Result]) -> Iterator[str]:
    found = [(result.claim, result.waiver) for result in results if result.waiver is not None]
    if found:
        yield "## Waived"
        yield "\n".join(
            f"- {_text(claim.message)} {_places([claim.location], '')}: {_text(waiver.reason)}"
            + (f" (until {waiver.until})" if waiver.until else "")
            for claim, waiver in found
        )


def _limits(review: Review, claims: Sequence[Claim]) -> Iterator[str]:
    steps = {claim.settled_by for claim in claims if isinstance(claim, Undecided)}
    named = " and ".join(f"`loadstone {step.value}`" for step in (Settler.PROBE, Settler.FUZZ) if step in steps)
    settle = (
        f"Of the open questions above, {named} would settle those that name it."
        if named
        else "`loadstone probe` and `loadstone fuzz` show what only running can."
    )
    yield (
        "The review is static: it read the files and ran nothing of them. It sees what is written there, not what "
        f"other files, the environment or a debugger may add at run time. {settle}"
    )
    if review.limits:
        yield "\n".join(
            f"- {_places([limit.location], '').strip('()')}: {_text(limit.message)} ({limit.kind})"
            for limit in review.limits
        )


def _compliance(claims: Sequence[Claim], rules: Sequence[RuleText]) -> str:
    """Which weaknesses were asked about, which were found, and that this is no certificate."""
    answered = {claim.rule for claim in claims}
    asked = {number for rule in rules if rule.id in answered for number in rule.cwe}
    found = {claim.cwe for claim in claims if isinstance(claim, Finding) and claim.cwe}
    open_ = {claim.cwe for claim in claims if isinstance(claim, Undecided) and claim.cwe} - found
    clean = sorted(asked - found - open_)
    parts = []
    if clean:
        parts.append(f"No sign was found of {_weaknesses(clean)}")
    if found:
        parts.append(f"Signs were found of {_weaknesses(sorted(found))}, as listed above")
    if open_:
        parts.append(f"{_weaknesses(sorted(open_))} could not be decided")
    if not parts:
        parts.append("No question about a weakness of the CWE applied to this code")
    return (
        ". ".join(parts)
        + ". This holds for the questions that applied, at the places they were asked; that a weakness was "
        "not found does not show that there is none."
    )


def _weaknesses(numbers: Sequence[int]) -> str:
    return ", ".join(
        f"CWE-{number}" + (f" ({_text(_NAMES[number])})" if number in _NAMES else "") for number in numbers
    )
