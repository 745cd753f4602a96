"""One claim of a review in full: what was seen, with the source at every step, why it matters, and what to do."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from loadstone.core.claims import Finding, Location, LocationUnit, Undecided
from loadstone.core.review import Result, ReviewedFile
from loadstone.core.rules import RuleText
from loadstone.core.weaknesses import weakness
from loadstone.escape import printable
from loadstone.report.text.claims import SETTLERS, place
from loadstone.report.text.style import Style

__all__ = ["render"]

_WIDTH = 100
_AROUND = 1
"""Lines of source shown before and after the one that is meant."""


def render(result: Result, rule: RuleText | None, files: Mapping[str, ReviewedFile], style: Style) -> str:
    """The claim, its path, its reasons, and how to accept it.

    ``rule`` is None for what another tool found. ``files`` hold the text of the source, where it was kept.
    """
    blocks = [
        _claim(result, style),
        _path(result, files, style),
        _section("Why it matters", rule.why if rule else "", style),
        _todo(result, rule, style),
        _example("A good answer looks like", rule.good if rule else "", style),
        _accepting(result, style),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _claim(result: Result, style: Style) -> list[str]:
    claim = result.claim
    lines = [style.weigh(claim, printable(claim.message))]
    said = [place(claim.location), claim.rule]
    if isinstance(claim, Finding):
        said += [claim.severity.value, claim.confidence.value]
        if claim.cwe:
            said.append(f"CWE-{claim.cwe} {weakness(claim.cwe).name}")
    lines.append(f"  {style.dim(', '.join(printable(word) for word in said))}")
    if claim.context:
        lines.append(f"  {style.dim(f'in {printable(claim.context)}')}")
    if claim.condition:
        lines.append(f"  {style.dim(f'only where {printable(claim.condition)}')}")
    if isinstance(claim, Undecided):
        settler = f"{claim.reason}; {SETTLERS[claim.settled_by]} would settle it"
        lines.append(f"  {printable(settler)}")
    return lines


def _path(result: Result, files: Mapping[str, ReviewedFile], style: Style) -> list[str]:
    """Every step with its source; the place of the claim alone when no path led there."""
    claim = result.claim
    steps = [(step.location, step.message) for step in claim.why]
    if claim.location not in [location for location, _ in steps]:
        steps.append((claim.location, ""))
    lines = [style.heading("Steps that lead to it" if claim.why else "Where")]
    for number, (location, message) in enumerate(steps, start=1):
        said = f": {printable(message)}" if message else ""
        lines.append(f"  {number}. {place(location)}{said}")
        lines += _source(location, files, style)
    return lines


def _source(location: Location, files: Mapping[str, ReviewedFile], style: Style) -> list[str]:
    file = files.get(location.path)
    if file is None or file.text is None or location.unit is not LocationUnit.LINES or not location.start:
        return []
    lines = file.text.split("\n")
    shown = range(max(1, location.start - _AROUND), min(len(lines), location.start + _AROUND) + 1)
    rows = []
    for number in shown:
        row = f"{'>' if number == location.start else ' '} {number:>5} | {printable(lines[number - 1].expandtabs(4))}"
        rows.append(f"     {row if number == location.start else style.dim(row)}".rstrip())
    return rows


def _todo(result: Result, rule: RuleText | None, style: Style) -> list[str]:
    claim = result.claim
    fix = claim.fix if isinstance(claim, Finding) and claim.fix else rule.fix if rule else ""
    return _section("How to fix it", fix, style)


def _section(title: str, text: str, style: Style) -> list[str]:
    if not text:
        return []
    wrapped = textwrap.wrap(printable(text), _WIDTH, initial_indent="  ", subsequent_indent="  ")
    return [style.heading(title), *wrapped]


def _example(title: str, code: str, style: Style) -> list[str]:
    return [style.heading(title), textwrap.indent(textwrap.dedent(code).strip("\n"), "    ")] if code else []


def _accepting(result: Result, style: Style) -> list[str]:
    """How to waive a finding, or who has and why."""
    if result.waiver is not None:
        where = place(result.waiver.location)
        return [style.heading("Accepted"), f"  {printable(result.waiver.reason)} ({where})"]
    if not isinstance(result.claim, Finding):
        return []
    lines = [style.heading("To accept it, with your reason")]
    if result.claim.location.unit is LocationUnit.LINES:
        lines.append(f"  in the source:      loadstone: ignore[{printable(result.claim.rule)}] ...")
    entry = f'{{ fingerprint = "{result.fingerprint}", reason = "..." }}'
    return [*lines, f"  in pyproject.toml:  [tool.loadstone.review] waivers = [{entry}]"]
