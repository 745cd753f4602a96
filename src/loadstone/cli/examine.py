"""``loadstone examine``: everything about a library, by name or path."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING

from loadstone.cli.exits import ExitStatus
from loadstone.cli.options import OutputFormat, add_fail_on, add_format, add_output, add_verbose
from loadstone.cli.output import colour_wanted, emit
from loadstone.cli.progress import each
from loadstone.core.claims import Finding, Severity
from loadstone.core.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from loadstone.core.examination import Examination


def add_arguments(parser: ArgumentParser) -> None:
    """What this command takes."""
    parser.add_argument("targets", nargs="+", metavar="TARGET", help="a name (z, libssl.so.3) or a path")
    parser.add_argument("--probe", action="store_true", help="also load it, in a confined child process")
    add_format(parser, OutputFormat.TEXT, OutputFormat.JSON, OutputFormat.SARIF)
    add_output(parser)
    add_fail_on(parser)
    add_verbose(parser)


def run(
    *,
    targets: list[str],
    probe: bool,
    output_format: OutputFormat,
    output: Path | None,
    fail_on: Severity,
    verbose: int,
) -> ExitStatus:
    """Everything about a library, by name or path: where it is, what is in it, would it load, is it well built.

    Nothing of the target runs unless --probe is given; then it runs in a confined child process.
    """
    from loadstone._examine import examine

    results = [examine(target, probe=probe) for target in each(targets, "examining")]
    emit(_rendered(results, output_format, colour=output is None and colour_wanted(), verbose=verbose), output)
    return max((_status(result, fail_on) for result in results), key=_GRAVITY.index)


_GRAVITY = (ExitStatus.CLEAN, ExitStatus.UNDECIDED, ExitStatus.FINDINGS, ExitStatus.FAULT)
"""Of several targets the worst answer is the answer."""


def _status(result: Examination, fail_on: Severity) -> ExitStatus:
    if result.disagreement:
        return ExitStatus.FAULT
    against = any(isinstance(c, Finding) and (c.blocking or c.severity.rank >= fail_on.rank) for c in result.claims)
    if against or result.verdict is Verdict.DO_NOT_LOAD:
        return ExitStatus.FINDINGS
    return ExitStatus.UNDECIDED if result.verdict is Verdict.CANNOT_TELL else ExitStatus.CLEAN


def _rendered(results: list[Examination], output_format: OutputFormat, *, colour: bool, verbose: int) -> str:
    if output_format is OutputFormat.JSON:
        from loadstone.report.documents.examination import examination_document
        from loadstone.report.json import render, render_many

        documents = [examination_document(result) for result in results]
        return render(documents[0]) if len(documents) == 1 else render_many(documents)
    if output_format is OutputFormat.SARIF:
        from loadstone.report.sarif import render as render_sarif

        return render_sarif([claim for result in results for claim in result.claims])
    from loadstone.report.text.examination import render as render_text
    from loadstone.report.text.style import Style

    return "\n".join(render_text(result, Style(colour), verbose=verbose) for result in results)
