"""What a review says as a whole: its sentences, its observations with their lines, its tally by group of weaknesses.

Text, Markdown and HTML show the same words and numbers, which are worked out here once. Pure; nothing is escaped: who
shows the words does that.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from loadstone.core.claims import Claim, Evidence, Finding, Location, LocationUnit, Settler, Severity, Undecided
from loadstone.core.counting import Share, agreeing, counted
from loadstone.core.practices import Practice
from loadstone.core.review import Counts, Review, ReviewVerdict
from loadstone.core.rules import RuleText
from loadstone.quick_dataclass import dataclass

__all__ = [
    "ORIGIN",
    "TITLES",
    "ObservationSummary",
    "Seen",
    "Tally",
    "folder_of",
    "group_of",
    "looked_at",
    "next_steps",
    "observations",
    "open_questions",
    "sentences",
    "tallies",
    "without_lines",
]

TITLES: Final = {
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
ORIGIN: Final = tuple(TITLES)[:6]
"""The six observations of the review this project began with: their absence is said too."""

_GROUPS: Final = (
    ("What comes in", (20, 89, 134, 400, 611, 674, 789, 835)),
    ("Where a library comes from", (15, 22, 73, 114, 158, 426, 427, 428, 470, 829, 830)),
    ("Origin and integrity of what is loaded", (208, 295, 328, 345, 347, 353, 354, 367, 494)),
    ("Links, shared places and permissions", (59, 61, 276, 377, 378, 379, 732)),
    ("Commands and generated code", (77, 78, 88, 94, 95)),
    ("Privileges", (243, 250, 269, 271, 272, 273)),
    ("Results and errors", (209, 215, 248, 252, 253, 390, 391, 395, 476, 532, 636, 690, 754, 755)),
    (
        "Lifetime and ownership",
        (401, 404, 415, 416, 459, 460, 562, 590, 672, 675, 706, 761, 762, 763, 772, 775, 910, 911, 1341),
    ),
    (
        "Memory and types",
        (119, 120, 121, 122, 125, 131, 170, 190, 197, 242, 457, 468, 477, 587, 628, 676, 686, 704, 787, 822, 843),
    ),
    ("Conditions and dead code", (480, 481, 482, 483, 561, 570, 571, 597, 783)),
    ("Threads, locks and signals", (362, 364, 366, 479, 567, 609, 662, 667, 764, 765, 832, 833)),
)
_LINES: Final = re.compile(r" \(lines? [^()]*\)\Z")

_OTHER: Final = "How a binary was built, and others"
_GROUP_OF: Final = {number: name for name, numbers in _GROUPS for number in numbers}


def without_lines(claim: Claim) -> str:
    """The sentence of a claim; of evidence without the lines at its end, which stand beside it as its places."""
    return _LINES.sub("", claim.message) if isinstance(claim, Evidence) else claim.message


@dataclass(frozen=True, slots=True)
class Seen:
    """One good practice: what was seen, and the ranges of lines of each file, neighbours joined.

    ``has_numbers``: the message itself says how often.
    """

    message: str
    has_numbers: bool
    places: int
    files: tuple[tuple[str, tuple[Location, ...]], ...]


@dataclass(frozen=True, slots=True)
class ObservationSummary:
    """Everything seen of one practice: how many places in how many files, and each thing that was seen."""

    practice: Practice
    title: str
    places: int
    files: int
    seen: tuple[Seen, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """A group of weaknesses: its numbers that were asked about, and how often the answer was yes, no, or open."""

    group: str
    numbers: tuple[int, ...]
    met: int
    not_met: int
    undecided: int

    @property
    def asked(self) -> int:
        """How often a question of the group found a place to be asked at."""
        return self.met + self.not_met + self.undecided


# Sentences.


def looked_at(counts: Counts) -> str:
    """How much was read: lines of source, and binaries."""
    sources = counts.files - counts.binaries
    parts = [f"{counted(counts.lines, 'line')} in {counted(sources, 'source file')}"] if sources else []
    parts += [counted(counts.binaries, "binary", "binaries")] if counts.binaries else []
    return " and ".join(parts) or "nothing"


def sentences(review: Review) -> tuple[str, ...]:
    """What was looked at and the answer; what weighs most; what speaks for the code, and what is open."""
    return (_answer(review), *_weighs_most(review), _speaks_for_it(review))


def _answer(review: Review) -> str:
    looked = f"This review looked at {looked_at(review.counts)}"
    match review.verdict:
        case ReviewVerdict.WEAKNESSES_FOUND:
            severities = ", ".join(f"{count} {severity.value}" for severity, count in review.counts.by_severity)
            return f"{looked} and found weaknesses: {severities}."
        case ReviewVerdict.INCOMPLETE:
            return f"{looked} and is incomplete: it found no weakness in what it could read."
        case _:
            return f"{looked} and found no weakness that its rules can show."


def _weighs_most(review: Review) -> Iterator[str]:
    found = [f for f in review.findings if f.severity.rank >= Severity.MEDIUM.rank]
    if found:
        worst = min(found, key=lambda f: (-f.severity.rank, f.location))
        groups = [group_of(f.cwe) for f in found]
        most = max(dict.fromkeys(groups), key=groups.count)
        yield f"Look first at {worst.location}: {_lower(worst.message).rstrip('.')}."
        if len(found) > 1:
            about = agreeing(groups.count(most), "is", "are")
            yield f"Of {len(found)} findings of medium or higher severity, {about} about {_lower(most)}."


def _speaks_for_it(review: Review) -> str:
    every = {observed.practice: observed for observed in observations(review)}
    seen = [every[practice] for practice in ORIGIN if practice in every and every[practice].places]
    open_ = review.counts.undecided
    rest = f"{counted(open_, 'question')} could not be decided" if open_ else "no question that applied was left open"
    if not _source_was_given(review):
        return f"The six good practices are looked for in source code, and none was given; {rest}."
    if not seen:
        return f"None of the six good practices this review looks for was seen; {rest}."
    places = sum(observed.places for observed in seen)
    how_many = "All six" if len(seen) == len(ORIGIN) else f"{len(seen)} of the six"
    return f"{how_many} good practices this review looks for were seen, at {counted(places, 'place')}; {rest}."


def _source_was_given(review: Review) -> bool:
    return not review.counts.files or review.counts.files > review.counts.binaries


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


# Observations.


def observations(review: Review) -> tuple[ObservationSummary, ...]:
    """The six of the origin, seen or not, then the others that were seen; totals over everything reviewed.

    They are practices of source: where only binaries were given, those that were not seen do not apply and are left
    out.
    """
    always = ORIGIN if _source_was_given(review) else ()
    evidence = [claim for claim in review.claims if isinstance(claim, Evidence)]
    found = []
    for practice, title in TITLES.items():
        claims = [claim for claim in evidence if claim.practice is practice]
        if claims or practice in always:
            seen = tuple(_seen(claims))
            paths = {path for one in seen for path, _ in one.files}
            found.append(ObservationSummary(practice, title, sum(one.places for one in seen), len(paths), seen))
    return tuple(found)


def folder_of(review: Review) -> str:
    """The one target that every reviewed file lies in, with a slash at its end; empty where there is none.

    Said once, it need not stand before each of a hundred names.
    """
    folder = f"{review.targets[0].rstrip('/')}/" if len(review.targets) == 1 else ""
    return folder if review.files and all(file.path.startswith(folder) for file in review.files) else ""


def _seen(claims: Iterable[Evidence]) -> Iterator[Seen]:
    """Claims that say the same of several files are one, and what they count is added up."""
    grouped: defaultdict[Share | str, list[Evidence]] = defaultdict(list)
    for claim in claims:
        grouped[claim.share or without_lines(claim)].append(claim)
    for said, group in grouped.items():
        totals = sum(claim.met for claim in group), sum(claim.sites for claim in group)
        message = said.of(*totals) if isinstance(said, Share) else said
        places = {place for claim in group for place in (claim.location, *claim.places)}
        by_file: defaultdict[str, list[Location]] = defaultdict(list)
        for place in sorted(places):
            by_file[place.path].append(place)
        files = tuple((path, tuple(_joined(found))) for path, found in by_file.items())
        yield Seen(message, isinstance(said, Share), sum(len(ranges) for _, ranges in files), files)


def _joined(places: Iterable[Location]) -> Iterator[Location]:
    """Ranges of lines that touch or overlap, as one."""
    current: Location | None = None
    for place in places:
        if current is None:
            current = place
        elif place.unit is LocationUnit.LINES and place.start and place.start <= current.end + 1:
            current = Location.lines(current.path, current.start, max(current.end, place.end))
        else:
            yield current
            current = place
    if current is not None:
        yield current


# Weaknesses.


def group_of(cwe: int | None) -> str:
    """The group of weaknesses that a number is told under; the last one for what has none of its own."""
    return _GROUP_OF.get(cwe or 0, _OTHER)


def tallies(review: Review, rules: Sequence[RuleText]) -> tuple[Tally, ...]:
    """Per group of weaknesses, for the questions that found a place: how often met, not met, undecided."""
    numbers = {rule.id: rule.cwe for rule in rules}
    asked: defaultdict[str, set[int]] = defaultdict(set)
    counted: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for claim in review.claims:
        of_rule = numbers.get(claim.rule, ())
        match claim:
            case Evidence() if of_rule:
                group = group_of(of_rule[0])
                counted[group][0] += claim.met
                asked[group].update(number for number in of_rule if group_of(number) == group)
            case Finding() | Undecided():
                group = group_of(claim.cwe)
                counted[group][1 if isinstance(claim, Finding) else 2] += 1
                asked[group].update({claim.cwe} if claim.cwe else ())
    order = [name for name, _ in _GROUPS] + [_OTHER]
    return tuple(Tally(name, tuple(sorted(asked[name])), *counted[name]) for name in order if name in counted)


# What is open.


def open_questions(claims: Iterable[Claim]) -> tuple[tuple[Undecided, ...], ...]:
    """The open questions, those of one rule together that have one reason and one way to be settled."""
    grouped: defaultdict[tuple[str, str, Settler], list[Undecided]] = defaultdict(list)
    for claim in claims:
        if isinstance(claim, Undecided):
            grouped[claim.rule, claim.reason, claim.settled_by].append(claim)
    return tuple(map(tuple, grouped.values()))


# What comes next.


def next_steps(claims: Sequence[Claim]) -> tuple[str, ...]:
    """Who should look next, and at what."""
    steps = []
    found = sum(isinstance(c, Finding) and c.severity.rank >= Severity.MEDIUM.rank for c in claims)
    if found:
        steps.append(f"Whoever maintains the code: {counted(found, 'finding')} of medium or higher severity.")
    for settler, who in (
        (Settler.HUMAN, "A person who knows the program"),
        (Settler.PROBE, "`loadstone probe`, which loads in a sandbox"),
        (Settler.FUZZ, "`loadstone fuzz`, which calls with many inputs"),
    ):
        number = sum(isinstance(c, Undecided) and c.settled_by is settler for c in claims)
        if number:
            steps.append(f"{who}: {counted(number, 'open question')}.")
    if not steps:
        steps.append("Nobody needs to for what this review asks; `loadstone probe` and `loadstone fuzz` show the rest.")
    return tuple(steps)
