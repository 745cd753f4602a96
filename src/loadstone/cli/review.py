"""``loadstone review``: source files, folders and binaries against the rules; findings and evidence."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loadstone.cli.exits import ExitStatus
from loadstone.cli.options import FormatOption, OutputFile, OutputFormat, Verbosity
from loadstone.cli.output import colour_wanted, emit, require_format
from loadstone.cli.progress import each
from loadstone.core.claims import Finding, Severity
from loadstone.core.review import BaselineState, ReviewVerdict
from loadstone.escape import quoted

if TYPE_CHECKING:
    from loadstone.core.review import Review
    from loadstone.review.baseline import Baseline
    from loadstone.review.cache import Cache
    from loadstone.review.engine import Consult


def run(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Source files, folders, binaries.")],
    output_format: FormatOption = OutputFormat.TEXT,
    output: OutputFile = None,
    fail_on: Annotated[
        Severity | None, typer.Option("--fail-on", help="Exit with 1 when a finding is at least this severe [medium].")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 3 when any part could not be reviewed.")] = False,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", metavar="SARIF", help="An earlier review: only what is new fails.")
    ] = None,
    changed_since: Annotated[
        str | None, typer.Option("--changed-since", metavar="REV", help="Report on files changed since REV only.")
    ] = None,
    engines: Annotated[
        str | None,
        typer.Option("--with", metavar="TOOL,...", help="Also ask cppcheck, flawfinder, bandit, clang-tidy."),
    ] = None,
    explain: Annotated[
        str | None,
        typer.Option("--explain", metavar="FINGERPRINT", help="Say all about one finding; -v shows fingerprints."),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option("--exclude", metavar="PATTERN", help="Leave these out of folders.")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=0, help="Processes that share the work; 0: one a core.")] = 0,
    seconds: Annotated[
        float, typer.Option("--time-limit", min=0.1, metavar="S", help="Seconds of processor time for each file.")
    ] = 20.0,
    use_cache: Annotated[bool, typer.Option("--cache/--no-cache", help="Keep results for unchanged files.")] = True,
    configuration: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="A pyproject.toml to use [the nearest one].")
    ] = None,
    verbose: Verbosity = 0,
) -> None:
    """Source files, folders and binaries against the rules: findings, evidence with lines, and what stayed open.

    Nothing that is reviewed is run. Exit status: 0 nothing at or above --fail-on, 1 findings, 2 wrong usage or
    configuration, 3 unreadable or incomplete (with --strict: any file that could not be read through).
    """
    from loadstone.review.config import read_configuration
    from loadstone.review.engine import Options, review

    if explain is not None:
        require_format(output_format, OutputFormat.TEXT)
    settings = read_configuration(configuration)
    named = engines.split(",") if engines is not None else settings.engines
    options = Options(
        exclude=(*settings.exclude, *(exclude or ())),
        only=_changed(changed_since) if changed_since is not None else None,
        consult=_consult([name.strip() for name in named if name.strip()]),
        baseline=_baseline(baseline or settings.baseline),
        waivers=settings.waivers,
        tables=settings.tables,
        cache=_cache() if use_cache else None,
        seconds_per_file=seconds,
        jobs=jobs or os.cpu_count() or 1,
        keep_text=output_format is OutputFormat.HTML or explain is not None,
        watch=lambda outcomes, total: each(outcomes, "reviewing", total=total),
    )
    result = review(paths, options)
    if explain is not None:
        emit(_explained(result, explain, colour=output is None and colour_wanted()), output)
        return
    emit(_rendered(result, output_format, colour=output is None and colour_wanted(), verbose=verbose), output)
    raise typer.Exit(_status(result, fail_on or settings.fail_on, strict=strict or settings.strict))


def _changed(revision: str) -> frozenset[str]:
    from loadstone.review.engines.revision import changed_since

    return changed_since(revision)


def _consult(names: list[str]) -> Consult | None:
    if not names:
        return None
    from functools import partial

    from loadstone.review.engines import ask_engines

    return partial(ask_engines, names)


def _baseline(path: Path | None) -> Baseline | None:
    from loadstone.review.baseline import read_baseline

    return read_baseline(path) if path is not None else None


def _cache() -> Cache:
    from loadstone.review.cache import Cache, default_folder

    return Cache(default_folder())


def _status(result: Review, fail_on: Severity, *, strict: bool) -> ExitStatus:
    """Findings decide; with a baseline only those that are new or changed."""
    for one in result.results:
        claim = one.claim
        old = one.state in (BaselineState.UNCHANGED, BaselineState.ABSENT)
        if one.counts and not old and isinstance(claim, Finding) and claim.severity.rank >= fail_on.rank:
            return ExitStatus.FINDINGS
    gaps = strict and any(limit.gap for limit in result.limits)
    return ExitStatus.UNDECIDED if gaps or result.verdict is ReviewVerdict.INCOMPLETE else ExitStatus.CLEAN


def _explained(result: Review, fingerprint: str, *, colour: bool) -> str:
    """The one result whose fingerprint begins like that."""
    from loadstone.report.text.finding import render
    from loadstone.report.text.style import Style
    from loadstone.review.catalogue import catalogue

    found = [one for one in result.results if fingerprint and one.fingerprint.startswith(fingerprint.lower())]
    if len({one.fingerprint for one in found}) != 1:
        many = f"{len(found)} results begin with {quoted(fingerprint)}: give more of its digits"
        none = f"no result of this review has the fingerprint {quoted(fingerprint)}; `-v` and `--format json` show them"
        raise typer.BadParameter(many if found else none, param_hint="--explain")
    rules = {rule.id: rule for rule in catalogue()}
    files = {file.path: file for file in result.files}
    return "\n".join(render(one, rules.get(one.claim.rule), files, Style(colour)) for one in found)


def _rendered(result: Review, output_format: OutputFormat, *, colour: bool, verbose: int) -> str:
    from loadstone.review.catalogue import catalogue

    match output_format:
        case OutputFormat.JSON:
            from loadstone.report.documents.review import review_document
            from loadstone.report.json import render

            return render(review_document(result))
        case OutputFormat.SARIF:
            from loadstone.report.sarif import render_review

            return render_review(result, catalogue())
        case OutputFormat.MARKDOWN:
            from loadstone.report.markdown import render as render_markdown

            return render_markdown(result, catalogue())
        case OutputFormat.HTML:
            from loadstone.report.html import render as render_html

            return render_html(result, catalogue())
        case OutputFormat.TEXT:
            from loadstone.report.text.review import render as render_text
            from loadstone.report.text.style import Style

            return render_text(result, Style(colour), verbose=verbose)
