"""Waivers written in the source: ``loadstone: ignore[CWE-427] reason``, in a comment on the line or on the one above.

Findings without a line to write on (binaries, generated code) are waived in the project's settings, by rule and path or
by fingerprint.

Between the brackets stand CWE numbers or rule ids, separated by commas. The reason is mandatory: without one nothing
is waived, and the report says so. A waiver may carry a date after which it no longer holds:
``loadstone: ignore[CWE-427 until 2027-01-31] reason``. Waived findings stay in the report, marked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from fnmatch import fnmatch
from typing import Final

from loadstone.core.claims import Claim, Finding, Location, Undecided
from loadstone.core.review import Limit, LimitKind, Result, Waiver
from loadstone.escape import quoted
from loadstone.quick_dataclass import dataclass
from loadstone.review.former_ids import current_id
from loadstone.review.ir import Language

__all__ = ["Directive", "ListedWaiver", "apply", "apply_listed", "directives"]

_COMMENTS: Final = {
    Language.C: re.compile(
        r"//(?P<line>[^\n]*)|/\*(?P<block>.*?)(?:\*/|\Z)|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL
    ),
    Language.PYTHON: re.compile(
        r"#(?P<line>[^\n]*)|(?P<block>(?!))|\"\"\".*?(?:\"\"\"|\Z)|'''.*?(?:'''|\Z)"
        r"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'",
        re.DOTALL,
    ),
}
_COMMENTS[Language.CPP] = _COMMENTS[Language.C]
"""Comments, and the strings they could be mistaken in."""

_DIRECTIVE: Final = re.compile(r"loadstone:\s*ignore\b\s*(?:\[(?P<what>[^\]\n]*)\])?(?P<reason>[^\n]*)")
_UNTIL: Final = re.compile(r"\s+until\s+(?P<date>\S+)\s*$")
_WORD: Final = "loadstone:"


@dataclass(frozen=True, slots=True)
class Directive:
    """One waiver as written: what it waives, why, where, until when, and what is wrong with it (empty: nothing)."""

    what: tuple[str, ...]
    reason: str
    location: Location
    until: date | None = None
    fault: str = ""

    def covers(self, claim: Claim) -> bool:
        """Whether the claim is one of those it waives and begins on its line or the next."""
        if claim.location.path != self.location.path or not isinstance(claim, (Finding, Undecided)):
            return False
        if not self.location.start <= claim.location.start <= self.location.start + 1:
            return False
        names = {claim.rule.casefold(), f"cwe-{claim.cwe}"}
        return any(current_id(word) in names for word in self.what)


@dataclass(frozen=True, slots=True)
class ListedWaiver:
    """A waiver in the settings: of findings of ``rule`` (an id, or ``CWE-n``) in ``path``, or by ``fingerprint``."""

    reason: str
    location: Location
    rule: str = ""
    path: str = "*"
    fingerprint: str = ""
    until: date | None = None

    def covers(self, result: Result) -> bool:
        """Whether the result is one of those it waives."""
        claim = result.claim
        if not isinstance(claim, (Finding, Undecided)):
            return False
        if self.fingerprint:
            return result.fingerprint == self.fingerprint
        named = current_id(self.rule) in (claim.rule.casefold(), f"cwe-{claim.cwe}")
        return named and fnmatch(claim.location.path, self.path)


def directives(path: str, text: str, language: Language) -> Iterator[Directive]:
    """The waivers in the comments of a file, in order."""
    if _WORD not in text:
        return
    line, seen = 1, 0
    for comment in _COMMENTS[language].finditer(text):
        said = comment["line"] if comment["line"] is not None else comment["block"]
        if said is None or _WORD not in said:
            continue
        match = _DIRECTIVE.search(said)
        if match is None:
            continue
        at = comment.start("line" if comment["line"] is not None else "block") + match.start()
        line += text.count("\n", seen, at)
        seen = at
        yield _read(match, Location.lines(path, line))


def _read(match: re.Match[str], location: Location) -> Directive:
    what, until, fault = match["what"] or "", None, ""
    dated = _UNTIL.search(what)
    if dated is not None:
        what = what[: dated.start()]
        try:
            until = date.fromisoformat(dated["date"])
        except ValueError:
            fault = f"{quoted(dated['date'])} is not a date (YYYY-MM-DD)"
    words = tuple(word.strip() for word in what.split(",") if word.strip())
    reason = match["reason"].strip().strip("-:").strip()
    if not words:
        fault = "it does not say what to ignore: [CWE-427] or [rule-id]"
    elif not reason:
        fault = "it gives no reason"
    return Directive(words, reason, location, until, fault)


def apply(
    results: Sequence[Result], written: Sequence[Directive], today: date
) -> tuple[tuple[Result, ...], tuple[Limit, ...]]:
    """The results with their waivers, and what is wrong with waivers: no reason, past its date, nothing to waive."""
    sound = [d for d in written if not d.fault and (d.until is None or d.until >= today)]
    used: set[int] = set()
    marked = []
    for result in results:
        position = next((i for i, d in enumerate(sound) if d.covers(result.claim)), None)
        if position is None:
            marked.append(result)
            continue
        used.add(position)
        chosen = sound[position]
        marked.append(replace(result, waiver=Waiver(chosen.reason, chosen.location, until=chosen.until)))
    limits = [_limit(d, d.fault) for d in written if d.fault]
    limits += [
        _limit(d, f"its date has passed ({d.until})") for d in written if not d.fault and d.until and d.until < today
    ]
    limits += [_limit(d, "there is nothing here for it to ignore") for i, d in enumerate(sound) if i not in used]
    return tuple(marked), tuple(limits)


def _limit(directive: Directive, fault: str) -> Limit:
    named = ", ".join(directive.what) or "no rule"
    return Limit(LimitKind.WAIVER, directive.location, f"the waiver of {named} has no effect: {fault}")


def apply_listed(
    results: Sequence[Result], listed: Sequence[ListedWaiver], today: date
) -> tuple[tuple[Result, ...], tuple[Limit, ...]]:
    """The results with the waivers of the settings, and a limit for each of these that is past its date or unused."""
    sound = [waiver for waiver in listed if waiver.until is None or waiver.until >= today]
    used: set[int] = set()
    marked = []
    for result in results:
        position = next((i for i, waiver in enumerate(sound) if waiver.covers(result)), None)
        if position is None or result.waiver is not None:
            marked.append(result)
            continue
        used.add(position)
        chosen = sound[position]
        waiver = Waiver(chosen.reason, chosen.location, in_source=False, until=chosen.until)
        marked.append(replace(result, waiver=waiver))
    unused = [(waiver, "there is nothing for it to ignore") for i, waiver in enumerate(sound) if i not in used]
    unused += [(waiver, f"its date has passed ({waiver.until})") for waiver in listed if waiver not in sound]
    limits = [
        Limit(
            LimitKind.WAIVER,
            waiver.location,
            f"the waiver of {waiver.rule or waiver.fingerprint} has no effect: {fault}",
        )
        for waiver, fault in unused
    ]
    return tuple(marked), tuple(limits)
