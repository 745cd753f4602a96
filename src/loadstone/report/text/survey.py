"""A survey as text: how many load, the worst with their reasons, what is there twice; or a table, one row a file."""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict

from loadstone.core.counting import counted
from loadstone.core.image import Format
from loadstone.core.trace import Diagnosis, LoadVerdict
from loadstone.escape import printable
from loadstone.linker.surveys import Survey, SurveyRow
from loadstone.report.text.style import Style

__all__ = ["COLUMNS", "csv_row", "render", "table_row"]

_SHOWN = 20
_DIRECTORIES = re.compile(r"[^\s`'\"(]*/")  # of paths in a message: where a cause was met is not what it is

COLUMNS = ("verdict", "file", "format", "machine", "loader", "code", "reason", "do")
"""What a row of the table has; the text table leaves out what its width has no room for."""


def render(survey: Survey, style: Style, *, verbose: int = 0) -> str:
    """The whole text; equal reasons are told once, with the files they hold for."""
    total = len(survey.rows)
    failing = survey.count(LoadVerdict.FAILS)
    risky = survey.count(LoadVerdict.LOADS_WITH_RISK)
    open_ = survey.count(LoadVerdict.UNKNOWN)
    what = "program" if survey.of_programs else "library"
    answer = style.bad(_failing(failing, total, what)) if failing else style.good(_all_load(total, what))
    if not total:
        answer = style.warn("no libraries in it" + (", where some must be" if not survey.is_expected_empty else ""))
    lines = [f"{style.bold(', '.join(map(printable, survey.places)))}: {style.bold(answer)}"]
    notes = [f"{risky} at risk"] * bool(risky) + [f"{open_} undecided"] * bool(open_)
    if notes:
        lines.append(f"  {', '.join(notes)}")
    lines += _reasons(survey, style, verbose)
    lines += _duplicates(survey, style, verbose)
    lines += ["", *(style.dim(f"Simulated: {line}.") for line in _simulated(survey))] if total else []
    return "\n".join(lines) + "\n"


def _failing(failing: int, total: int, what: str) -> str:
    if total == 1:
        return f"the one {what} does not load"
    return f"{failing:,} of {total:,} {'does' if failing == 1 else 'do'} not load"


def _all_load(total: int, what: str) -> str:
    return f"the one {what} loads" if total == 1 else f"all {total:,} load"


def _reasons(survey: Survey, style: Style, verbose: int) -> list[str]:
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    first: dict[tuple[str, str], Diagnosis] = {}
    for row in survey.rows:
        leading = row.leading
        if leading is not None:
            # Windows says one sentence for all, dyld each file's own place: there the subject tells causes apart.
            words = leading.loader_message if row.format == Format.ELF else ""
            key = (leading.code, _DIRECTORIES.sub("", words or leading.subject))
            groups[key].append(_named(survey, row))
            first.setdefault(key, leading)
    lines: list[str] = []
    shown = list(groups.items()) if verbose else list(groups.items())[:_SHOWN]
    for key, files in shown:
        lines += ["", *_group(first[key], files, style, verbose)]
    if len(groups) > len(shown):
        lines += ["", style.dim(f"and {counted(len(groups) - len(shown), 'more reason')}; -v shows them")]
    return lines


def _named(survey: Survey, row: SurveyRow) -> str:
    """A file as it is called in its place; of several places, with the place before it."""
    return row.name if len(survey.places) == 1 else row.path


def _group(diagnosis: Diagnosis, files: list[str], style: Style, verbose: int) -> list[str]:
    mark = style.bad("!") if diagnosis.blocking else style.warn("-")
    kept = files if verbose else files[:3]
    more = f" and {len(files) - len(kept)} more" if len(files) > len(kept) else ""
    lines = [
        f"{mark} {', '.join(printable(f) for f in kept)}{more}",
        f"  {printable(diagnosis.explanation)} {style.dim(f'[{diagnosis.code}]')}",
    ]
    if diagnosis.advice:
        lines.append(f"  {style.bold('fix:')} {printable(diagnosis.advice)}")
    return lines


def _duplicates(survey: Survey, style: Style, verbose: int) -> list[str]:
    if not survey.duplicates:
        return []
    names = {row.path: _named(survey, row) for row in survey.rows}
    lines = ["", style.heading("Carried more than once")]
    for soname, paths in survey.duplicates if verbose else survey.duplicates[:_SHOWN]:
        lines.append(f"  {printable(soname)}: {', '.join(printable(names[p]) for p in paths)}")
    return lines


def _simulated(survey: Survey) -> list[str]:
    """Each loader with what was assumed for all its files."""
    common: dict[str, list[str]] = {}
    for row in survey.rows:
        known = common.setdefault(row.loader, list(row.assumptions))
        common[row.loader] = [said for said in known if said in row.assumptions]
    return [
        f"{printable(loader)}. Assumed: {'; '.join(map(printable, said)) or 'nothing'}"
        for loader, said in common.items()
    ]


def _cells(row: SurveyRow) -> tuple[str, ...]:
    leading = row.leading
    code, reason, advice = (leading.code, leading.explanation, leading.advice) if leading else ("", "", "")
    return (row.verdict.value, row.path, row.format, row.machine, row.loader, code, reason, advice)


def table_row(row: SurveyRow, style: Style) -> str:
    """One file on one line: verdict, path, code and reason."""
    paint = {LoadVerdict.LOADS: style.good, LoadVerdict.FAILS: style.bad}.get(row.verdict, style.warn)
    verdict, path, _, _, _, code, reason, _ = _cells(row)
    said = f"  {style.dim(f'[{code}]')} {printable(reason)}" if code else ""
    return f"{paint(f'{verdict:<15}')}  {printable(path)}{said}"


def csv_row(cells: SurveyRow | tuple[str, ...]) -> str:
    """One line of CSV (RFC 4180), control characters escaped; the columns are :data:`COLUMNS`."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(
        printable(c) for c in (_cells(cells) if isinstance(cells, SurveyRow) else cells)
    )
    return out.getvalue()
