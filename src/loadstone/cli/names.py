"""``loadstone names``: the file names a library name stands for, on any platform."""

from __future__ import annotations

from typing import Annotated

import typer

from loadstone.cli.exits import ExitStatus
from loadstone.cli.options import FormatOption, OutputFile, OutputFormat
from loadstone.cli.output import colour_wanted, emit, require_format


def run(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name, with or without directory and suffix.")],
    version: Annotated[str | None, typer.Option("--version", help="The version asked for.")] = None,
    platform: Annotated[
        str | None,
        typer.Option("--platform", metavar="NAME", help="linux, macos, windows ...; this one if left out."),
    ] = None,
    output_format: FormatOption = OutputFormat.TEXT,
    output: OutputFile = None,
) -> None:
    """The file names that would be tried for a library name, in order. Only the text is looked at, no file."""
    from loadstone.core.names import candidates, is_library, platform_named, validate_name, validate_version
    from loadstone.library import adapters

    require_format(output_format, OutputFormat.TEXT, OutputFormat.JSON)
    where = platform_named(platform) if platform else adapters.current().platform
    asked, wanted = validate_name(name), validate_version(version)
    found = candidates(asked, wanted, where)
    if output_format is OutputFormat.JSON:
        from loadstone.report.documents.names import names_document
        from loadstone.report.json import render as render_json

        emit(render_json(names_document(asked, wanted, where, found, is_library=is_library(asked, where))), output)
    else:
        from loadstone.report.text.names import render
        from loadstone.report.text.style import Style

        emit(render(asked, wanted, where, found, Style(output is None and colour_wanted())), output)
    raise typer.Exit(ExitStatus.CLEAN)
