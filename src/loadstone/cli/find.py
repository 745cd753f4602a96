"""``loadstone find``: where a library is, and how it was found."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING

from loadstone.cli.exits import ExitStatus
from loadstone.cli.options import OutputFormat, add_format, add_output, add_verbose
from loadstone.cli.output import colour_wanted, emit

if TYPE_CHECKING:
    from loadstone.core.trace import Trace


def add_arguments(parser: ArgumentParser) -> None:
    """What this command takes."""
    parser.add_argument("name", metavar="NAME", help="a name (z, libssl.so.3) or a path")
    parser.add_argument("--version", metavar="VERSION", help="the version its file name must carry")
    parser.add_argument(
        "--dir", "-d", dest="directories", action="append", default=[], metavar="DIR",
        help="look here first; can be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--package", "-p", dest="packages", action="append", default=[], metavar="NAME",
        help="look in what this Python package brings; can be repeated",
    )  # fmt: skip
    parser.add_argument("--root", metavar="DIR", help="in a system unpacked in a folder, by its own loader's rules")
    add_format(parser, OutputFormat.TEXT, OutputFormat.JSON)
    add_output(parser)
    add_verbose(parser)


def run(
    *,
    name: str,
    version: str | None,
    directories: list[str],
    packages: list[str],
    root: str | None,
    output_format: OutputFormat,
    output: Path | None,
    verbose: int,
) -> ExitStatus:
    """Where a library is, and how it was found. Nothing is loaded and no other program runs.

    The first line is the path. -v lists every candidate, with the reason it was or was not taken. Exit status 1 when
    nothing is found.
    """
    from loadstone.errors import NotFound
    from loadstone.library import Policy, SearchPolicy, SearchSource, find

    sources = tuple(s for s in SearchSource if s is not SearchSource.ALREADY_LOADED)  # what this command has loaded
    search = SearchPolicy(sources, dirs=tuple(directories), packages=tuple(packages))
    advice = ""
    try:
        here = root is None
        trace = find(name, version, policy=Policy(search=search)) if here else _in_root(str(root), name, version)
    except NotFound as miss:
        if miss.trace is None:
            raise
        trace, advice = miss.trace, miss.advice
    if output_format is OutputFormat.JSON:
        from loadstone.report.documents.find import find_document
        from loadstone.report.json import render as render_json

        emit(render_json(find_document(trace, advice)), output)
    else:
        from loadstone.report.text.find import render
        from loadstone.report.text.style import Style

        emit(render(trace, advice, Style(output is None and colour_wanted()), verbose=verbose), output)
    return ExitStatus.CLEAN if trace.found else ExitStatus.FINDINGS


def _in_root(root: str, name: str, version: str | None) -> Trace:
    """The search in a system below a folder; paths are those inside."""
    from loadstone.linker import LoaderModel
    from loadstone.linker.finding import find_in

    return find_in(LoaderModel.of_root(root), name, version)
