"""``loadstone plugins``: what the plugins of a folder say about themselves, nothing loaded."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from loadstone.cli.exits import ExitStatus
from loadstone.cli.options import OutputFormat, add_format, add_output
from loadstone.cli.output import colour_wanted, emit
from loadstone.cli.progress import each


def add_arguments(parser: ArgumentParser) -> None:
    """What this command takes."""
    parser.add_argument(
        "directories", nargs="+", metavar="DIR", help="a folder, searched with what is in it, or a file"
    )
    add_format(parser, OutputFormat.TEXT, OutputFormat.JSON)
    add_output(parser)


def run(*, directories: list[str], output_format: OutputFormat, output: Path | None) -> ExitStatus:
    """Plugin metadata of every library in a folder, whatever platform it is for. Nothing is loaded.

    Exit status 1 when any metadata is damaged or ambiguous, or a binary cannot be read.
    """
    from loadstone.plugin import catalog

    found = [catalog(directory) for directory in each(directories, "reading")]
    if output_format is OutputFormat.JSON:
        from loadstone.report.documents.plugins import plugins_document
        from loadstone.report.json import render as render_json
        from loadstone.report.json import render_many

        documents = [plugins_document(one) for one in found]
        emit(render_json(documents[0]) if len(documents) == 1 else render_many(documents), output)
    else:
        from loadstone.report.text.plugins import render
        from loadstone.report.text.style import Style

        style = Style(output is None and colour_wanted())
        emit("\n".join(render(one, style) for one in found), output)
    against = any(one.rejected or any(p.problems for p in one.plugins) for one in found)
    return ExitStatus.FINDINGS if against else ExitStatus.CLEAN
