"""``loadstone names``: the file names a library name stands for, on any platform."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from loadstone.cli.exits import ExitStatus
from loadstone.cli.options import OutputFormat, add_format, add_output
from loadstone.cli.output import colour_wanted, emit


def add_arguments(parser: ArgumentParser) -> None:
    """What this command takes."""
    parser.add_argument("name", metavar="NAME", help="a name, with or without directory and suffix")
    parser.add_argument("--version", metavar="VERSION", help="the version asked for")
    parser.add_argument("--platform", metavar="NAME", help="linux, macos, windows ...; this one if left out")
    add_format(parser, OutputFormat.TEXT, OutputFormat.JSON)
    add_output(parser)


def run(
    *, name: str, version: str | None, platform: str | None, output_format: OutputFormat, output: Path | None
) -> ExitStatus:
    """The file names that would be tried for a library name, in order. Only the text is looked at, no file."""
    from loadstone.core.names import candidates, is_library, platform_named, validate_name, validate_version
    from loadstone.library import adapters

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
    return ExitStatus.CLEAN
