"""``loadstone loaded``: what a running process has loaded, or a process that died had."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING

from loadstone.cli.exits import ExitStatus
from loadstone.cli.options import OutputFormat, add_format, add_output, add_verbose
from loadstone.cli.output import colour_wanted, emit

if TYPE_CHECKING:
    from pathlib import Path


def add_arguments(parser: ArgumentParser) -> None:
    """What this command takes."""
    parser.add_argument("target", metavar="PID", help="the number of a process, or the path of a core dump")
    add_format(parser, OutputFormat.TEXT, OutputFormat.JSON)
    add_output(parser)
    add_verbose(parser)


def run(*, target: str, output_format: OutputFormat, output: Path | None, verbose: int) -> ExitStatus:
    """What a running process has loaded, and by which rule each library came. Linux; nothing is stopped or traced.

    Said about each: a file that was deleted or replaced since, a second copy of a library, text relocations, writable
    code. Of a core dump: which libraries the program had, and which are missing or are another build here. Exit status
    1 when one of these was found.
    """
    from loadstone.linker.cores import loaded_in_core
    from loadstone.linker.process_number import process_number
    from loadstone.linker.processes import loaded_by

    number = process_number(target)
    report = loaded_by(number) if number is not None else loaded_in_core(target)
    if output_format is OutputFormat.JSON:
        from loadstone.report.documents.loaded import loaded_document
        from loadstone.report.json import render as render_json

        emit(render_json(loaded_document(report)), output)
    else:
        from loadstone.report.text.loaded import render
        from loadstone.report.text.style import Style

        emit(render(report, Style(output is None and colour_wanted()), verbose=verbose), output)
    return ExitStatus.FINDINGS if report.has_something_to_mind else ExitStatus.CLEAN
