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

from loadstone.core.claims import Claim, Finding, Location, LocationUnit, Settler, Undecided
from loadstone.core.counting import counted
from loadstone.core.review import BaselineState, Result, Review
from loadstone.core.rules import RuleText
from loadstone.core.weaknesses import WEAKNESSES
from loadstone.escape import printable
from loadstone.report.summary import Seen, next_steps, observations, open_questions, sentences, tallies

__all__ = ["as_code", "as_text", "render"]

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>#|~!&])")
_NAMES: Final = {weakness.number: weakness.name for weakness in WEAKNESSES}

_MAX_PLACES: Final = 12
_MAX_FILES: Final = 6


def render(review: Review, rules: Sequence[RuleText] = ()) -> str:
    """The whole report; ``rules`` tell which weaknesses were asked about."""
    counting = [result for result in review.results if result.counts]
    subject = review.files[0].path if len(review.files) == 1 else ""
    blocks = [
        "# Review of library handling",
        " ".join(map(as_text, sentences(review))),
        _targets(review),
        "## Observations",
        *_observations(review, subject),
        "## Findings",
        *_findings(counting, subject),
        "## Not decided",
        _undecided([result.claim for result in counting], subject),
        *_waived(review.results),
        "## Compliance by group of weaknesses",
        *_compliance(review, rules),
        "## Limits of this review, and who should look next",
        *_limits(review, [result.claim for result in counting]),
    ]
    return "\n\n".join(blocks) + "\n"


def as_text(text: str) -> str:
    """Text from outside, on one line, as text and nothing else."""
    return _SPECIAL.sub(r"\\\1", printable(text))


def as_code(text: str) -> str:
    """A code span around text from outside; the fence is longer than any in it."""
    shown = printable(text)
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * (longest + 1)
    padding = " " if longest or shown != shown.strip() or not shown else ""
    return f"{fence}{padding}{shown}{padding}{fence}".replace("|", "\\|")


def _targets(review: Review) -> str:
    shown = [as_code(target) for target in review.targets[:4]]
    more = len(review.targets) - len(shown)
    return (
        f"Looked at: {', '.join(shown)}" + (f" and {more} more" if more else "") + "."
        if shown
        else "Nothing was named."
    )


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
        name = "" if path == subject else as_code(path)
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


def _observations(review: Review, subject: str) -> Iterator[str]:
    for number, observed in enumerate(observations(review), start=1):
        title = f"{number}. **{observed.title}.**"
        if not observed.places:
            yield f"{title} Nothing of this kind was seen; nothing is claimed."
            continue
        total = f"{counted(observed.places, 'place')} in {counted(observed.files, 'file')}."
        listed = "\n".join(f"   - {_seen(one, subject)}" for one in observed.seen)
        yield f"{title} {total}\n{listed}"


def _seen(one: Seen, subject: str) -> str:
    """What was seen, how often, and where: some lines of each of some files."""
    shown = [place for _, ranges in one.files[:_MAX_FILES] for place in ranges[:_MAX_PLACES]]
    left = one.places - len(shown)
    more = f" and {left} more" if left else ""
    times = f", {one.places} times" if one.places > 1 and not one.has_numbers else ""
    return f"{as_text(one.message).rstrip('.')}{times} {_places(shown, subject)}{more}."


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
        rows.append(f"| {number} | {where} | {weakness} | {claim.severity}{new} | {as_text(claim.message)} |")
    yield "\n".join(rows)
    for number, (_, claim) in enumerate(found, start=1):
        detail = _detail(number, claim, subject)
        if detail:
            yield detail


def _detail(number: int, claim: Finding, subject: str) -> str:
    """How a finding is shown, and what to do about it."""
    lines = [f"**{number}.** {as_text(claim.message)}"] if claim.why or claim.fix else []
    lines += [f"- {_places([step.location], subject)} {as_text(step.message)}" for step in claim.why]
    if claim.condition:
        lines.append(f"- holds when {as_code(claim.condition)}")
    if claim.fix:
        lines.append(f"- Fix: {as_text(claim.fix)}")
    return "\n".join([lines[0], "", *lines[1:]]) if lines else ""


def _undecided(claims: Sequence[Claim], subject: str) -> str:
    asked = open_questions(claims)
    return "\n".join(_open(group, subject) for group in asked) or "Every question that applied was decided."


def _open(asked: Sequence[Undecided], subject: str) -> str:
    """Questions with one reason; several are listed below it."""
    reason = f"{as_text(asked[0].reason).rstrip('.')}. {_settled(asked[0].settled_by)}"
    questions = [f"{as_text(claim.message).rstrip('.')} {_places([claim.location], subject)}" for claim in asked]
    if len(questions) == 1:
        return f"- {questions[0]}: {reason}"
    return "\n".join((f"- {reason}", *(f"  - {question}" for question in questions)))


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
            f"- {as_text(claim.message)} {_places([claim.location], '')}: {as_text(waiver.reason)}"
            + (f" (until {waiver.until})" if waiver.until else "")
            for claim, waiver in found
        )


def _limits(review: Review, claims: Sequence[Claim]) -> Iterator[str]:
    yield (
        "The review is static: it read the files and ran nothing of them. It sees what is written there, not what "
        "other files, the environment or a debugger may add at run time; that a weakness was not found does not show "
        "that there is none."
    )
    if review.limits:
        yield "\n".join(
            f"- {_places([limit.location], '').strip('()')}: {as_text(limit.message)} ({limit.kind})"
            for limit in review.limits
        )
    yield "Who should look next:\n\n" + "\n".join(f"- {line}" for line in next_steps(claims))


def _compliance(review: Review, rules: Sequence[RuleText]) -> Iterator[str]:
    """Per group of weaknesses: how often it was asked about, and what the answers were."""
    found = tallies(review, rules)
    if not found:
        yield "No question about a weakness of the CWE applied to this code."
        return
    rows = ["| weaknesses | CWE | asked | met | not met | undecided |", "|---|---|---:|---:|---:|---:|"]
    rows += [
        f"| {tally.group} | {', '.join(map(str, tally.numbers))} | {tally.asked} | {tally.met} | {tally.not_met} | "
        f"{tally.undecided} |"
        for tally in found
    ]
    yield "\n".join(rows)
    not_met = _found_names(review)
    yield "Counted at the places where a question applied; what no question asks about is not in the table." + (
        f" Not met: {'; '.join(not_met)}." if not_met else ""
    )


def _found_names(review: Review) -> list[str]:
    numbers = sorted({claim.cwe for claim in review.findings if claim.cwe})
    return [f"CWE-{number}" + (f" ({as_text(_NAMES[number])})" if number in _NAMES else "") for number in numbers]
