"""``loadstone names``: the file names a library name stands for, on any platform."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING

from loadstone.cli.exits import ExitStatus
from loadstone.cli.options import OutputFormat, add_format, add_output
from loadstone.cli.output import colour_wanted, emit

if TYPE_CHECKING:
    from pathlib import Path


def add_arguments(parser: ArgumentParser) -> None:
    """What this command takes."""
    parser.add_argument("names", nargs="+", metavar="NAME", help="a name, with or without directory and suffix")
    parser.add_argument("--version", metavar="VERSION", help="the version asked for")
    parser.add_argument("--platform", metavar="NAME", help="linux, macos, windows ...; this one if left out")
    add_format(parser, OutputFormat.TEXT, OutputFormat.JSON)
    add_output(parser)


def run(
    *, names: list[str], version: str | None, platform: str | None, output_format: OutputFormat, output: Path | None
) -> ExitStatus:
    """The file names that would be tried for a library name, in order. Only the text is looked at, no file."""
    from loadstone.core.names import candidates, is_library, platform_named, validate_name, validate_version
    from loadstone.library import adapters

    where = platform_named(platform) if platform else adapters.current().platform
    wanted = validate_version(version)
    asked = [validate_name(name) for name in names]
    found = [candidates(name, wanted, where) for name in asked]
    if output_format is OutputFormat.JSON:
        from loadstone.report.documents.names import names_document
        from loadstone.report.json import render as render_json
        from loadstone.report.json import render_many

        documents = [
            names_document(name, wanted, where, tried, is_library=is_library(name, where))
            for name, tried in zip(asked, found, strict=True)
        ]
        emit(render_json(documents[0]) if len(documents) == 1 else render_many(documents), output)
    else:
        from loadstone.report.text.names import render
        from loadstone.report.text.style import Style

        style = Style(output is None and colour_wanted())
        texts = (render(name, wanted, where, tried, style) for name, tried in zip(asked, found, strict=True))
        emit("\n".join(texts), output)
    return ExitStatus.CLEAN
