"""``loadstone review``: source files, folders, archives and binaries against the rules; findings and evidence."""

from __future__ import annotations

import os
from argparse import ArgumentParser, BooleanOptionalAction
from pathlib import Path
from typing import TYPE_CHECKING

from loadstone.cli.exits import ExitStatus, UsageError
from loadstone.cli.options import OutputFormat, add_fail_on, add_format, add_output, add_verbose, at_least
from loadstone.cli.output import colour_wanted, emit
from loadstone.cli.progress import each
from loadstone.core.claims import Finding, Severity
from loadstone.core.review import ReviewVerdict
from loadstone.escape import quoted

if TYPE_CHECKING:
    from loadstone.core.review import Review
    from loadstone.review.baseline import Baseline
    from loadstone.review.cache import Cache
    from loadstone.review.engine import Consult


def add_arguments(parser: ArgumentParser) -> None:
    """What this command takes."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="source files, folders, binaries, archives")
    add_format(parser, *OutputFormat)
    add_output(parser)
    add_fail_on(parser, default=None)
    parser.add_argument(
        "--sarif",
        choices=("problems", "all"),
        default="problems",
        help="what SARIF holds: findings only, as code scanning expects, or evidence and open questions too [problems]",
    )
    parser.add_argument("--strict", action="store_true", help="exit with 3 when any part could not be reviewed")
    parser.add_argument("--baseline", type=Path, metavar="SARIF", help="an earlier review: only what is new fails")
    parser.add_argument("--changed-since", metavar="REV", help="report on files changed since REV only")
    parser.add_argument(
        "--with", dest="engines", metavar="TOOL,...", help="also ask cppcheck, flawfinder, bandit, clang-tidy"
    )
    parser.add_argument("--explain", metavar="FINGERPRINT", help="everything about one finding; -v shows fingerprints")
    parser.add_argument("--exclude", action="append", default=[], metavar="PATTERN", help="leave these out of folders")
    parser.add_argument(
        "--jobs",
        "-j",
        type=at_least(0),
        default=0,
        metavar="N",
        help="worker processes [one per core]",
    )
    parser.add_argument(
        "--time-limit", dest="seconds", type=at_least(0.1, float), default=20.0, metavar="S",
        help="seconds of processor time for each file [20]",
    )  # fmt: skip
    parser.add_argument(
        "--cache", dest="use_cache", action=BooleanOptionalAction, default=True, help="keep results for unchanged files"
    )
    parser.add_argument(
        "--config",
        dest="configuration",
        type=Path,
        metavar="FILE",
        help="settings: a loadstone.toml or pyproject.toml [the nearest]",
    )
    add_verbose(parser)


def run(
    *,
    paths: list[str],
    output_format: OutputFormat,
    output: Path | None,
    fail_on: Severity | None,
    sarif: str,
    strict: bool,
    baseline: Path | None,
    changed_since: str | None,
    engines: str | None,
    explain: str | None,
    exclude: list[str],
    jobs: int,
    seconds: float,
    use_cache: bool,
    configuration: Path | None,
    verbose: int,
) -> ExitStatus:
    """Source files, folders, archives and binaries against the rules: findings, evidence, open questions.

    Nothing that is reviewed is run. Exit status: 0 nothing at or above --fail-on, 1 findings, 2 wrong usage or
    configuration, 3 unreadable or incomplete (with --strict: any file that could not be read through).
    """
    from loadstone.review.config import read_configuration
    from loadstone.review.engine import Options, review

    if explain is not None and output_format is not OutputFormat.TEXT:
        raise UsageError("--explain answers in text only; leave --format out")
    settings = read_configuration(configuration)
    named = engines.split(",") if engines is not None else settings.engines
    options = Options(
        exclude=(*settings.exclude, *exclude),
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
        return ExitStatus.CLEAN
    everything = sarif == "all"
    emit(
        _rendered(
            result, output_format, everything=everything, colour=output is None and colour_wanted(), verbose=verbose
        ),
        output,
    )
    return _status(result, fail_on or settings.fail_on, strict=strict or settings.strict)


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
        if one.is_news and isinstance(claim, Finding) and claim.severity.rank >= fail_on.rank:
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
        raise UsageError(many if found else none)
    rules = {rule.id: rule for rule in catalogue()}
    files = {file.path: file for file in result.files}
    return "\n".join(render(one, rules.get(one.claim.rule), files, Style(colour)) for one in found)


def _rendered(result: Review, output_format: OutputFormat, *, everything: bool, colour: bool, verbose: int) -> str:
    from loadstone.review.catalogue import catalogue

    match output_format:
        case OutputFormat.JSON:
            from loadstone.report.documents.review import review_document
            from loadstone.report.json import render

            return render(review_document(result))
        case OutputFormat.SARIF:
            from loadstone.report.sarif import render_review

            return render_review(result, catalogue(), everything=everything)
        case OutputFormat.MARKDOWN:
            from loadstone.report.markdown import render as render_markdown

            return render_markdown(result, catalogue())
        case OutputFormat.PULL_REQUEST:
            from loadstone.report.pull_request import render as render_comment

            return render_comment(result)
        case OutputFormat.JUNIT:
            from loadstone.report.junit import render as render_junit

            return render_junit(result)
        case OutputFormat.GITLAB:
            from loadstone.report.gitlab import render as render_gitlab

            return render_gitlab(result)
        case OutputFormat.HTML:
            from loadstone.report.html import render as render_html

            return render_html(result, catalogue())
        case OutputFormat.TEXT:
            from loadstone.report.text.review import render as render_text
            from loadstone.report.text.style import Style

            return render_text(result, Style(colour), verbose=verbose, rules=catalogue())
