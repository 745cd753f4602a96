"""A claim as text: mark, sentence, place, and - for a finding - weakness and what to do."""

from __future__ import annotations

from collections.abc import Iterable

from loadstone.core.claims import Claim, Evidence, Finding, Location, LocationUnit, Settler, Undecided
from loadstone.escape import printable
from loadstone.report.summary import without_lines
from loadstone.report.text.style import Style

__all__ = ["SETTLERS", "claim_lines", "claims_lines", "place"]

SETTLERS = {
    Settler.PROBE: "`loadstone probe`",
    Settler.FUZZ: "`loadstone fuzz`",
    Settler.HUMAN: "a person who knows the code",
}
"""What would settle an open question, in words."""


def place(location: Location, subject: str = "") -> str:
    """The location; when it lies in ``subject``, which the reader already knows, only the line or offset."""
    if location.path != subject:
        return printable(str(location))
    if location.unit is LocationUnit.BYTES:
        return f"@{location.start:#x}"
    if not location.start:
        return ""
    return f"line {location.start}" if location.end <= location.start else f"lines {location.start}-{location.end}"


def _tags(claim: Claim, subject: str) -> str:
    tags = [place(claim.location, subject)]
    if isinstance(claim, Finding):
        tags.append(claim.severity.value)
        if claim.cwe:
            tags.append(f"CWE-{claim.cwe}")
    if isinstance(claim, Evidence):
        further = [other for other in claim.places if other != claim.location]
        tags += [place(other, claim.location.path) for other in further[:8]]
        if len(further) > 8:
            tags.append(f"and {len(further) - 8} more")
    return ", ".join(tag for tag in tags if tag)


def claim_lines(claim: Claim, style: Style, *, subject: str = "", fixes: bool = True, why: bool = False) -> list[str]:
    """The claim as lines: ``why`` adds the path that shows it, ``fixes`` what to do about a finding."""
    tags = _tags(claim, subject)
    message = without_lines(claim)
    lines = [f"  {style.mark(claim)} {printable(message)}" + (f"  {style.dim(f'[{tags}]')}" if tags else "")]
    if isinstance(claim, Undecided) and claim.reason:
        lines.append(f"      {style.dim(f'{printable(claim.reason)}; {SETTLERS[claim.settled_by]} would settle it')}")
    if why:
        lines += [f"      {style.dim(f'{place(s.location, subject)}: {printable(s.message)}')}" for s in claim.why]
    if fixes and isinstance(claim, Finding) and claim.fix:
        lines.append(f"      {style.dim('fix:')} {printable(claim.fix)}")
    return lines


def claims_lines(
    claims: Iterable[Claim], style: Style, *, subject: str = "", fixes: bool = True, why: bool = False
) -> list[str]:
    """Several claims, one after the other."""
    return [line for c in claims for line in claim_lines(c, style, subject=subject, fixes=fixes, why=why)]
