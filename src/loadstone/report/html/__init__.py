"""A review as one HTML page that needs nothing else: source with marks in the gutter, flows to step through, filters.

The page has no address in it and asks for nothing over the network; its content security policy allows only its own
style and script, by digest. Everything from outside goes through ``loadstone.escape`` and the template's autoescape:
file names, symbols and source text are hostile input.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from typing import Final

import jinja2
from markupsafe import Markup

from loadstone.core.claims import Evidence, Finding, Location, LocationUnit, Outcome, Severity, Undecided
from loadstone.core.counting import counted
from loadstone.core.review import BaselineState, Result, Review, ReviewedFile
from loadstone.core.rules import RuleText
from loadstone.core.weaknesses import WEAKNESSES
from loadstone.escape import printable
from loadstone.quick_dataclass import dataclass
from loadstone.report.summary import ObservationSummary, next_steps, observations, sentences, tallies, without_lines
from loadstone.report.text.claims import place

__all__ = ["asset", "digest", "render"]

_WHOLE_FILE: Final = 3000
"""Lines up to which a file is shown whole; of a longer one only what surrounds its marks."""

_AROUND: Final = 10
_MAX_LINE: Final = 400
_KIND: Final = {
    Outcome.NO: "finding",
    Outcome.YES: "evidence",
    Outcome.CANNOT_TELL: "open",
    Outcome.NOT_APPLICABLE: "inapplicable",
}
_NAMES: Final = {weakness.number: weakness.name for weakness in WEAKNESSES}


@dataclass(frozen=True, slots=True)
class _Stop:
    """A step of a flow, or a further place: where it is on the page (empty: not shown) and what to say of it."""

    anchor: str
    where: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Card:
    """A claim as the list shows it."""

    id: str
    kind: str
    severity: str
    cwe: str
    weakness: str
    practice: str
    rule: str
    question: str
    message: str
    where: str
    anchor: str
    steps: tuple[_Stop, ...]
    places: tuple[_Stop, ...]
    fix: str
    reason: str
    condition: str
    confidence: str
    count: str
    state: str
    waiver: str
    engines: str


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of source: its number (0: lines left out here), its text, and the marks in its gutter."""

    number: int
    anchor: str
    text: str
    marks: tuple[tuple[str, str], ...] = ()  # (kind, card id)


@dataclass(frozen=True, slots=True)
class _Listing:
    """A file as the page shows it."""

    path: str
    note: str
    rows: tuple[_Row, ...]


class _Anchors:
    """Names of places on the page: the file's position in the review, and the line."""

    def __init__(self, files: Sequence[ReviewedFile]) -> None:
        self._positions = {file.path: index for index, file in enumerate(files)}
        self._subject = files[0].path if len(files) == 1 else ""

    def at(self, location: Location) -> str:
        position = self._positions.get(location.path)
        if position is None or location.unit is not LocationUnit.LINES or not location.start:
            return ""
        return f"f{position}-{location.start}"

    def where(self, location: Location) -> str:
        """The place in words; the file is left out when there is only one."""
        return place(location, self._subject) or printable(location.path)


@dataclass(frozen=True, slots=True)
class _SeenOnPage:
    """One good practice: what was seen, and links to where."""

    message: str
    places: tuple[_Stop, ...]
    more: int


@dataclass(frozen=True, slots=True)
class _Observed:
    """An observation as the page shows it."""

    title: str
    total: str
    seen: tuple[_SeenOnPage, ...]


_MAX_LINKS: Final = 24
"""Links to the lines of one good practice; the list of claims has them all."""


def _observed(observed: ObservationSummary, anchors: _Anchors) -> _Observed:
    total = f"{counted(observed.places, 'place')} in {counted(observed.files, 'file')}"
    seen = []
    for one in observed.seen:
        every = [where for _, ranges in one.files for where in ranges]
        stops = tuple(_Stop(anchors.at(where), anchors.where(where), "") for where in every[:_MAX_LINKS])
        seen.append(_SeenOnPage(printable(one.message), stops, max(0, len(every) - _MAX_LINKS)))
    return _Observed(observed.title, total if observed.places else "nothing of this kind was seen", tuple(seen))


def render(review: Review, rules: Sequence[RuleText] = ()) -> str:
    """The page; sources are shown as far as the review kept their text, questions as far as ``rules`` know them."""
    anchors = _Anchors(review.files)
    questions = {rule.id: rule.question for rule in rules}
    cards = [_card(number, result, anchors, questions) for number, result in enumerate(_ordered(review.results))]
    listings = [*_listings(review, cards, anchors)]
    style, script = asset("page.css"), asset("page.js")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(asset("page.html.j2")).render(
        title=printable(", ".join(review.targets[:3]), 200),
        verdict=review.verdict.value,
        summary=_summary(review),
        sentences=[printable(sentence) for sentence in sentences(review)],
        observations=[_observed(observed, anchors) for observed in observations(review)],
        tallies=tallies(review, rules),
        next_steps=[step.replace("`", "") for step in next_steps(review.claims)],
        cards=cards,
        listings=listings,
        shown={row.anchor for listing in listings for row in listing.rows},
        limits=[(anchors.where(limit.location), printable(limit.message), limit.kind.value) for limit in review.limits],
        kinds=[(kind, number) for kind in _KIND.values() if (number := Counter(card.kind for card in cards)[kind])],
        severities=[s.value for s in reversed(Severity) if any(card.severity == s.value for card in cards)],
        weaknesses=sorted({(int(card.cwe), card.weakness) for card in cards if card.cwe}),
        style=Markup(style),  # noqa: S704 - our own files, nothing of the review in them
        script=Markup(script),  # noqa: S704
        style_digest=digest(style),
        script_digest=digest(script),
    )


def asset(name: str) -> str:
    """The text of a file of ours: a template, a style, a script."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def digest(text: str) -> str:
    """As a content security policy writes it. Source: W3C Content Security Policy Level 3, hash-source."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _summary(review: Review) -> list[tuple[str, str]]:
    counts = review.counts
    sources = counts.files - counts.binaries
    found = ", ".join(f"{count} {severity.value}" for severity, count in counts.by_severity) or "none"
    rows = [("findings", found), ("good practice seen", f"{counts.evidence}"), ("not decided", f"{counts.undecided}")]
    if counts.waived:
        rows.append(("waived", f"{counts.waived}"))
    if sources:
        rows.append(("source", f"{counted(counts.lines, 'line')} in {counted(sources, 'file')}"))
    if counts.binaries:
        rows.append(("binaries", f"{counts.binaries}"))
    return rows


def _ordered(results: Iterable[Result]) -> list[Result]:
    """Findings first, worst first; then what is open, then evidence, then what does not apply."""
    order = [Outcome.NO, Outcome.CANNOT_TELL, Outcome.YES, Outcome.NOT_APPLICABLE]

    def weight(result: Result) -> tuple[object, ...]:
        claim = result.claim
        severity = claim.severity.rank if isinstance(claim, Finding) else 0
        return not result.counts, order.index(claim.outcome), -severity, claim.location

    return sorted(results, key=weight)


# Cards.


def _stop(location: Location, message: str, anchors: _Anchors) -> _Stop:
    return _Stop(anchors.at(location), anchors.where(location), printable(message))


def _card(number: int, result: Result, anchors: _Anchors, questions: dict[str, str]) -> _Card:
    claim = result.claim
    cwe = claim.cwe if isinstance(claim, (Finding, Undecided)) else None
    return _Card(
        id=f"c{number}",
        kind=_KIND[claim.outcome],
        severity=claim.severity.value if isinstance(claim, Finding) else "",
        cwe=str(cwe) if cwe else "",
        weakness=_NAMES.get(cwe, "") if cwe else "",
        practice=claim.practice.value if claim.practice else "",
        rule=printable(claim.rule),
        question=questions.get(claim.rule, ""),
        message=printable(without_lines(claim)),
        where=anchors.where(claim.location),
        anchor=anchors.at(claim.location),
        steps=tuple(_stop(step.location, step.message, anchors) for step in claim.why),
        places=tuple(_stop(other, "", anchors) for other in claim.places) if isinstance(claim, Evidence) else (),
        fix=printable(claim.fix) if isinstance(claim, Finding) else "",
        reason=f"{printable(claim.reason)}; {claim.settled_by} would settle it" if isinstance(claim, Undecided) else "",
        condition=printable(claim.condition),
        confidence=claim.confidence.value,
        count=f"{claim.met} of {claim.sites}" if isinstance(claim, Evidence) and claim.sites > 1 else "",
        state=result.state.value if result.state not in (None, BaselineState.UNCHANGED) else "",
        waiver=printable(result.waiver.reason) if result.waiver else "",
        engines=", ".join(result.engines),
    )


# Source.


def _marks(cards: Sequence[_Card]) -> dict[str, list[tuple[str, str]]]:
    """For each anchor the marks in its gutter: claims at their place, evidence at all of its places."""
    marks: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for card in cards:
        if card.kind != "inapplicable":
            for anchor in dict.fromkeys([card.anchor, *(stop.anchor for stop in card.places)]):
                if anchor:
                    marks[anchor].append((card.kind, card.id))
            for stop in card.steps:
                if stop.anchor and stop.anchor != card.anchor:
                    marks[stop.anchor].append(("step", card.id))
    return marks


def _listings(review: Review, cards: Sequence[_Card], anchors: _Anchors) -> Iterator[_Listing]:
    marks = _marks(cards)
    for file in review.files:
        if file.text is None:
            continue
        lines = file.text.split("\n")
        if lines and not lines[-1]:
            lines.pop()
        names = [anchors.at(Location.lines(file.path, number)) for number in range(1, len(lines) + 1)]
        marked = [number for number, name in enumerate(names, start=1) if name in marks]
        if not marked:
            continue
        shown = _shown(len(lines), marked)
        note = "" if len(shown) == len(lines) else f"{len(shown)} of {len(lines)} lines, around the marks"
        yield _Listing(printable(file.path), note, tuple(_rows(lines, names, shown, marks)))


def _shown(count: int, marked: Sequence[int]) -> list[int]:
    if count <= _WHOLE_FILE:
        return [*range(1, count + 1)]
    near = {n for mark in marked for n in range(max(1, mark - _AROUND), min(count, mark + _AROUND) + 1)}
    return sorted(near)


def _rows(
    lines: Sequence[str], names: Sequence[str], shown: Sequence[int], marks: dict[str, list[tuple[str, str]]]
) -> Iterator[_Row]:
    before = 0
    for number in shown:
        if number != before + 1:
            yield _Row(0, "", f"{number - before - 1} lines")
        name = names[number - 1]
        text = printable(lines[number - 1].expandtabs(4), _MAX_LINE)
        yield _Row(number, name, text, tuple(dict.fromkeys(marks.get(name, ()))))
        before = number
