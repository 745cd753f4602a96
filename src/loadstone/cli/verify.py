"""``loadstone verify``: whether pinned libraries are what they were."""

from __future__ import annotations

from typing import Annotated

import typer

from loadstone.cli.exits import ExitStatus
from loadstone.cli.options import FormatOption, OutputFile, OutputFormat, Verbosity
from loadstone.cli.output import colour_wanted, emit, require_format


def run(
    pin_file: Annotated[str, typer.Argument(metavar="FILE", help="A pin file, as `loadstone pin` writes it.")],
    output_format: FormatOption = OutputFormat.TEXT,
    output: OutputFile = None,
    verbose: Verbosity = 0,
) -> None:
    """Compare every pinned library with its file as it is now. Nothing is loaded.

    Exit status 1 when one has changed or is missing, 3 when one cannot be read. -v lists the unchanged ones as well.
    """
    from loadstone.core.pins import PinState
    from loadstone.library.trust.pin import PinFile, verify

    require_format(output_format, OutputFormat.TEXT, OutputFormat.JSON)
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
        raise typer.Exit(ExitStatus.FINDINGS)
    raise typer.Exit(ExitStatus.UNDECIDED if PinState.UNREADABLE in states else ExitStatus.CLEAN)
