"""A fuzzing campaign as one HTML page that needs nothing else: the curve of the coverage, each finding, the conditions.

No script, no address; everything from outside goes through ``loadstone.escape`` and the template's autoescape.
"""

from __future__ import annotations

import jinja2
from markupsafe import Markup

from loadstone.core.counting import counted
from loadstone.core.fuzzing import FuzzProgress, FuzzReport
from loadstone.escape import printable
from loadstone.report.html import asset, digest
from loadstone.report.text.fuzz import conditions, finding_lines
from loadstone.report.text.style import Style

__all__ = ["render"]

_WIDE, _HIGH = 600, 150


def render(report: FuzzReport) -> str:
    """The page."""
    style = asset("fuzz.css")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    found = (*report.findings, *report.flaky)
    last = report.progress
    return environment.from_string(asset("fuzz.html.j2")).render(
        title=printable(report.prototype),
        library=printable(report.library),
        answer=counted(len(report.findings), "finding") if report.findings else "no findings",
        points=_points(report.curve or (last,)),
        curve_text=f"{last.blocks:,} of {last.blocks_total:,} {report.level} in {last.seconds:.0f} s",
        findings=[
            {"title": printable(one.title), "text": "\n".join(line.strip() for line in finding_lines(one, Style())[1:])}
            for one in found
        ],
        conditions=conditions(report),
        style=Markup(style),  # noqa: S704 - our own file, nothing of the report in it
        style_digest=digest(style),
    )


def _points(curve: tuple[FuzzProgress, ...]) -> str:
    """The coverage over time, as the points of a line; the last point is at the right, the most blocks at the top."""
    end = max(now.seconds for now in curve) or 1.0
    most = max(now.blocks for now in curve) or 1
    return " ".join(f"{now.seconds / end * _WIDE:.1f},{_HIGH - now.blocks / most * _HIGH:.1f}" for now in curve)
