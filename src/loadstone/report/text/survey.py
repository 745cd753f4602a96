"""A survey as text: how many load, the worst with their reasons, and what is there twice."""

from __future__ import annotations

import os
from collections import defaultdict

from loadstone.core.trace import Diagnosis, LoadVerdict
from loadstone.escape import printable
from loadstone.linker.survey import Survey
from loadstone.report.text.style import Style

__all__ = ["render"]

_SHOWN = 20


def render(survey: Survey, style: Style, *, verbose: int = 0) -> str:
    """The whole text; equal reasons are told once, with the files they hold for."""
    total = len(survey.explanations)
    failing = survey.count(LoadVerdict.FAILS)
    risky = survey.count(LoadVerdict.LOADS_WITH_RISK)
    open_ = survey.count(LoadVerdict.UNKNOWN)
    answer = style.bad(f"{failing} of {total} do not load") if failing else style.good(f"all {total} load")
    if not total:
        answer = style.warn("no libraries in it")
    lines = [f"{style.bold(printable(survey.place))}: {style.bold(answer)}"]
    notes = [f"{risky} at risk"] * bool(risky) + [f"{open_} undecided"] * bool(open_)
    if notes:
        lines.append(f"  {', '.join(notes)}")
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    first: dict[tuple[str, str], Diagnosis] = {}
    for explanation in survey.explanations:
        leading = explanation.first_blocking or next(iter(explanation.diagnoses), None)
        if leading is not None:
            key = (leading.code, leading.loader_message or leading.subject)
            groups[key].append(os.path.relpath(explanation.target, survey.place))
            first.setdefault(key, leading)
    shown = list(groups.items()) if verbose else list(groups.items())[:_SHOWN]
    for key, files in shown:
        lines += ["", *_group(first[key], files, style, verbose)]
    if len(groups) > len(shown):
        lines += ["", style.dim(f"and {len(groups) - len(shown)} more reasons; -v shows them")]
    lines += _duplicates(survey, style, verbose)
    return "\n".join(lines) + "\n"


def _group(diagnosis: Diagnosis, files: list[str], style: Style, verbose: int) -> list[str]:
    mark = style.bad("!") if diagnosis.blocking else style.warn("-")
    kept = files if verbose else files[:3]
    more = f" and {len(files) - len(kept)} more" if len(files) > len(kept) else ""
    lines = [
        f"{mark} {', '.join(printable(f) for f in kept)}{more}",
        f"  {printable(diagnosis.explanation)} {style.dim(f'[{diagnosis.code}]')}",
    ]
    if diagnosis.advice:
        lines.append(f"  {style.bold('do:')} {printable(diagnosis.advice)}")
    return lines


def _duplicates(survey: Survey, style: Style, verbose: int) -> list[str]:
    if not survey.duplicates:
        return []
    lines = ["", style.heading("Carried more than once")]
    for soname, paths in survey.duplicates if verbose else survey.duplicates[:_SHOWN]:
        places = ", ".join(printable(os.path.relpath(p, survey.place)) for p in paths)
        lines.append(f"  {printable(soname)}: {places}")
    return lines
