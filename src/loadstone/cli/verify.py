"""``loadstone verify``: whether pinned libraries are unchanged."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from loadstone.cli.exits import ExitStatus
from loadstone.cli.options import OutputFormat, add_format, add_output, add_verbose
from loadstone.cli.output import colour_wanted, emit


def add_arguments(parser: ArgumentParser) -> None:
    """What this command takes."""
    parser.add_argument("pin_file", metavar="FILE", help="a pin file, as `loadstone pin` writes it")
    add_format(parser, OutputFormat.TEXT, OutputFormat.JSON)
    add_output(parser)
    add_verbose(parser)


def run(*, pin_file: str, output_format: OutputFormat, output: Path | None, verbose: int) -> ExitStatus:
    """Compare every pinned library with its file as it is now. Nothing is loaded.

    Exit status 1 when one has changed or is missing, 3 when one cannot be read. -v lists the unchanged ones as well.
    """
    from loadstone.core.pins import PinState
    from loadstone.library.trust.pin import verify
    from loadstone.library.trust.pin_file import PinFile

    checks = verify(PinFile.load(pin_file))
    if output_format is OutputFormat.JSON:
        from loadstone.report.documents.pins import verification_document
        from loadstone.report.json import render as render_json

        emit(render_json(verification_document(checks)), output)
    else:
        from loadstone.report.text.pins import render
        from loadstone.report.text.style import Style

        emit(render(checks, Style(output is None and colour_wanted()), verbose=verbose), output)
    states = {check.state for check in checks}
    if states & {PinState.CHANGED, PinState.MISSING}:
        return ExitStatus.FINDINGS
    return ExitStatus.UNDECIDED if PinState.UNREADABLE in states else ExitStatus.CLEAN
