"""``loadstone find``: where a library is, and how it was found."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING

from loadstone.cli.exits import ExitStatus
from loadstone.cli.options import OutputFormat, add_format, add_output, add_verbose
from loadstone.cli.output import colour_wanted, emit

if TYPE_CHECKING:
    from pathlib import Path

    from loadstone.core.trace import Trace
    from loadstone.library import Policy


def add_arguments(parser: ArgumentParser) -> None:
    """What this command takes."""
    parser.add_argument("names", nargs="+", metavar="NAME", help="a name (z, libssl.so.3) or a path")
    parser.add_argument("--version", metavar="VERSION", help="the version its file name must carry")
    parser.add_argument(
        "--dir", "-d", dest="directories", action="append", default=[], metavar="DIR",
        help="look here first; can be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--package", "-p", dest="packages", action="append", default=[], metavar="NAME",
        help="also look in the libraries that this Python package bundles; can be repeated",
    )  # fmt: skip
    parser.add_argument("--root", metavar="DIR", help="look in this unpacked root file system, by its loader's rules")
    add_format(parser, OutputFormat.TEXT, OutputFormat.JSON)
    add_output(parser)
    add_verbose(parser)


def run(
    *,
    names: list[str],
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
    one of them is not found.
    """
    from loadstone.library import Policy, SearchPolicy, SearchSource

    sources = tuple(s for s in SearchSource if s is not SearchSource.ALREADY_LOADED)  # what this command has loaded
    policy = Policy(search=SearchPolicy(sources, dirs=tuple(directories), packages=tuple(packages)))
    answers = [_search(name, version, policy, root) for name in names]
    if output_format is OutputFormat.JSON:
        from loadstone.report.documents.find import find_document
        from loadstone.report.json import render as render_json
        from loadstone.report.json import render_many

        documents = [find_document(trace, advice) for trace, advice in answers]
        emit(render_json(documents[0]) if len(documents) == 1 else render_many(documents), output)
    else:
        from loadstone.report.text.find import render
        from loadstone.report.text.style import Style

        style = Style(output is None and colour_wanted())
        emit("\n".join(render(trace, advice, style, verbose=verbose) for trace, advice in answers), output)
    return ExitStatus.CLEAN if all(trace.found for trace, _ in answers) else ExitStatus.FINDINGS


def _search(name: str, version: str | None, policy: Policy, root: str | None) -> tuple[Trace, str]:
    """The search for one name, found or not, and what to do when it was not."""
    from loadstone.errors import NotFound
    from loadstone.library import find

    try:
        return (find(name, version, policy=policy) if root is None else _in_root(root, name, version)), ""
    except NotFound as miss:
        if miss.trace is None:
            raise
        return miss.trace, miss.advice


def _in_root(root: str, name: str, version: str | None) -> Trace:
    """The search in a system below a folder; paths are those inside."""
    from loadstone.linker import LoaderModel
    from loadstone.linker.finding import find_in

    return find_in(LoaderModel.of_root(root), name, version)
