"""From what the analyses found to what a claim needs: locations, steps, unread places, each thing once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from loadstone.core.claims import Claim, Finding, FlowStep, Location, Undecided
from loadstone.review.analyses.facts import Facts, Site
from loadstone.review.analyses.values import Spot
from loadstone.review.ir import Language, Unit

__all__ = ["ALL", "NATIVE", "PYTHON", "at", "each_api", "in_file", "once", "resolve_lines", "step", "unit_of"]

ALL = (Language.C, Language.CPP, Language.PYTHON)
NATIVE = (Language.C, Language.CPP)
PYTHON = (Language.PYTHON,)


def at(spot: Spot) -> Location:
    """The line of a spot."""
    return Location.lines(spot.path, spot.line)


def step(spot: Spot, message: str, kind: str = "") -> FlowStep:
    """One step of a path."""
    return FlowStep(at(spot), message, kind)


def in_file(spot: Spot, other: Spot) -> str:
    """The file of a line, where it is not that of the finding."""
    return f" of {spot.path}" if spot.path != other.path else ""


def each_api(sites: Iterable[Site]) -> Iterator[tuple[str, str, list[Site]]]:
    """Sites grouped by file and interface: (path, name, sites), in order."""
    groups: dict[tuple[str, str], list[Site]] = {}
    for site in sites:
        groups.setdefault((site.spot.path, site.api.name), []).append(site)
    for (path, name), found in sorted(groups.items()):
        yield path, name, found


def resolve_lines(spots: Iterable[Spot]) -> str:
    """Lines as people list them: ``3, 5-7``."""
    lines = sorted({s.line for s in spots})
    ranges: list[list[int]] = []
    for line in lines:
        if ranges and line == ranges[-1][1] + 1:
            ranges[-1][1] = line
        else:
            ranges.append([line, line])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges)


def unit_of(facts: Facts, path: str) -> Unit | None:
    """The unit of a path."""
    return next((u for u in facts.program.units if u.path == path), None)


def once(claims: Iterable[Claim], facts: Facts) -> Iterator[Claim]:
    """Each claim once; a finding whose path touches source that could not be read becomes undecided."""
    seen = set()
    for claim in claims:
        key = (
            claim.rule,
            claim.outcome,
            claim.location,
            getattr(claim, "cwe", None),
            claim.message if not isinstance(claim, Finding) else "",
        )
        if key in seen:
            continue
        seen.add(key)
        gap = _gap_under(claim, facts) if isinstance(claim, Finding) else ""
        if gap and isinstance(claim, Finding):
            yield Undecided(
                rule=claim.rule,
                message=claim.message,
                location=claim.location,
                practice=claim.practice,
                reason=gap,
                cwe=claim.cwe,
                why=claim.why,
                context=claim.context,
                condition=claim.condition,
                subject=claim.subject,
            )
        else:
            yield claim


def _gap_under(claim: Finding, facts: Facts) -> str:
    unit = unit_of(facts, claim.location.path)
    if unit is None or not unit.gaps:
        return ""
    lines = [claim.location.start, *(s.location.start for s in claim.why if s.location.path == unit.path)]
    for gap in unit.gaps:
        if gap.end_line - gap.line < 200 and any(gap.line <= line <= gap.end_line for line in lines):
            return f"lines {gap.line}-{gap.end_line} {gap.why}"
    return ""
