"""``loadstone find``: where a library is, and how it was found."""

from __future__ import annotations

from typing import Annotated

import typer

from loadstone.cli.exits import ExitStatus
from loadstone.cli.options import FormatOption, OutputFile, OutputFormat, Verbosity
from loadstone.cli.output import colour_wanted, emit, require_format

Directories = Annotated[
    list[str] | None, typer.Option("--dir", "-d", metavar="DIR", help="Look here first; can be repeated.")
]
Packages = Annotated[
    list[str] | None,
    typer.Option("--package", "-p", metavar="NAME", help="Look in what this Python package brings; can be repeated."),
]


def run(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name (z, libssl.so.3) or a path.")],
    version: Annotated[str | None, typer.Option("--version", help="The version its file name must carry.")] = None,
    directories: Directories = None,
    packages: Packages = None,
    output_format: FormatOption = OutputFormat.TEXT,
    output: OutputFile = None,
    verbose: Verbosity = 0,
) -> None:
    """Where a library is, and how it was found. Nothing is loaded and no other program runs.

    The first line is the path. -v lists every candidate, with the reason it was or was not taken. Exit status 1 when
    nothing is found.
    """
    from loadstone.errors import NotFound
    from loadstone.library import Policy, SearchPolicy, SearchSource, find

    require_format(output_format, OutputFormat.TEXT, OutputFormat.JSON)
    sources = tuple(s for s in SearchSource if s is not SearchSource.ALREADY_LOADED)  # what this command has loaded
    search = SearchPolicy(sources, dirs=tuple(directories or ()), packages=tuple(packages or ()))
    advice = ""
    try:
        trace = find(name, version, policy=Policy(search=search))
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
    raise typer.Exit(ExitStatus.CLEAN if trace.found else ExitStatus.FINDINGS)
