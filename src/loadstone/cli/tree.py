"""``loadstone tree``: the dependency tree, with the reason for every choice."""

from __future__ import annotations

from argparse import ArgumentParser
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from loadstone.cli.exits import ExitStatus
from loadstone.cli.explain import GRAVITY, located, status_of
from loadstone.cli.loader_options import LoaderOptions, add_loader_options
from loadstone.cli.options import add_format, add_output, add_verbose
from loadstone.cli.output import colour_wanted, emit
from loadstone.errors import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from loadstone.core.trace import Explanation


class TreeFormat(StrEnum):
    """How a tree is rendered."""

    TEXT = "text"
    JSON = "json"
    DOT = "dot"
    MERMAID = "mermaid"


def add_arguments(parser: ArgumentParser) -> None:
    """What this command takes."""
    parser.add_argument("targets", nargs="+", metavar="TARGET", help="a path, or a name the way a loader gets it")
    add_loader_options(parser)
    add_format(parser, *TreeFormat)
    add_output(parser)
    add_verbose(parser)


def run(
    *, targets: list[str], output_format: TreeFormat, output: Path | None, verbose: int, **places: Any
) -> ExitStatus:
    """What a library or program needs, what that needs in turn, where each is found and because of what.

    Each library is shown once; -v shows every need, -vv every place that was looked at. Every library of a folder or
    an archive has a tree of its own. Nothing is run or loaded.
    """
    options = LoaderOptions.of(**places)
    colour = output is None and colour_wanted()
    worst = ExitStatus.CLEAN
    rendered: list[str] = []
    for result in _results(targets, options):
        worst = max(worst, status_of(result), key=GRAVITY.index)
        rendered.append(_rendered(result, output_format, colour=colour, verbose=verbose))
    if not rendered:
        raise Unreadable(path=", ".join(targets), reason="there are no libraries in it")
    is_list = output_format is TreeFormat.JSON and len(rendered) > 1
    emit(f"[{','.join(rendered)}]" if is_list else "\n".join(rendered), output)
    return worst


def _results(targets: list[str], options: LoaderOptions) -> Iterator[Explanation]:
    """What each target, and each library of a folder or an archive, needs."""
    from loadstone.linker import explain
    from loadstone.linker.survey_target import is_survey_target
    from loadstone.quick_dataclass import replace

    for target in targets:
        model = options.model(target)
        if is_survey_target(target, model):
            from loadstone.linker.surveys import explanations

            yield from (replace(found, target=label) for label, found in explanations(target, model=model))
        else:
            yield explain(located(target, options), model=model, as_library=options.main is not None, bindings=False)


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
