"""``loadstone tree``: the dependency tree, with the reason for every choice."""

from __future__ import annotations

from argparse import ArgumentParser
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loadstone.cli.exits import ExitStatus
from loadstone.cli.explain import STATUS, located
from loadstone.cli.loader_options import LoaderOptions, add_loader_options
from loadstone.cli.options import add_format, add_output, add_verbose
from loadstone.cli.output import colour_wanted, emit

if TYPE_CHECKING:
    from loadstone.core.trace import Explanation


class TreeFormat(StrEnum):
    """How a tree is rendered."""

    TEXT = "text"
    JSON = "json"
    DOT = "dot"
    MERMAID = "mermaid"


def add_arguments(parser: ArgumentParser) -> None:
    """What this command takes."""
    parser.add_argument("target", metavar="TARGET", help="a path, or a name the way a loader gets it")
    add_loader_options(parser)
    add_format(parser, *TreeFormat)
    add_output(parser)
    add_verbose(parser)


def run(*, target: str, output_format: TreeFormat, output: Path | None, verbose: int, **places: Any) -> ExitStatus:
    """What a library or program needs, what that needs in turn, where each is found and because of what.

    Each library is shown once; -v shows every need, -vv every place that was looked at. Nothing is run or loaded.
    """
    from loadstone.linker import explain

    surroundings = LoaderOptions.of(**places)
    result = explain(located(target, surroundings), model=surroundings.model(target), bindings=False)
    emit(_rendered(result, output_format, colour=output is None and colour_wanted(), verbose=verbose), output)
    return STATUS[result.verdict]


def _rendered(result: Explanation, output_format: TreeFormat, *, colour: bool, verbose: int) -> str:
    from loadstone.report.text import tree
    from loadstone.report.text.style import Style

    match output_format:
        case TreeFormat.JSON:
            from loadstone.report.documents.tree import tree_document
            from loadstone.report.json import render as render_json

            return render_json(tree_document(result))
        case TreeFormat.DOT:
            return tree.render_dot(result)
        case TreeFormat.MERMAID:
            return tree.render_mermaid(result)
        case TreeFormat.TEXT:
            return tree.render(result, Style(colour), verbose=verbose)
