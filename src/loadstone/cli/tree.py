"""``loadstone tree``: the dependency tree, with the reason for every choice."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from loadstone.cli import loader_options as opt
from loadstone.cli.explain import STATUS, located
from loadstone.cli.options import OutputFile, Verbosity
from loadstone.cli.output import colour_wanted, emit

if TYPE_CHECKING:
    from loadstone.core.trace import Explanation


class TreeFormat(StrEnum):
    """How a tree is rendered."""

    TEXT = "text"
    JSON = "json"
    DOT = "dot"
    MERMAID = "mermaid"


def run(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A path, or a name the way a loader gets it.")],
    caller: opt.Caller = None,
    main: opt.MainImage = None,
    preload: opt.Preload = None,
    already_loaded: opt.AlreadyLoaded = None,
    env: opt.Environment = None,
    clear_env: opt.ClearEnvironment = False,
    cwd: opt.Directory = None,
    root: opt.Root = None,
    cpu_level: opt.CpuLevel = None,
    loader: opt.Loader = None,
    uid: opt.User = None,
    output_format: Annotated[TreeFormat, typer.Option("--format", "-f", help="How to render it.")] = TreeFormat.TEXT,
    output: OutputFile = None,
    verbose: Verbosity = 0,
) -> None:
    """What a library or program needs, what that needs in turn, where each is found and because of what.

    Each library is shown once; -v shows every need, -vv every place that was looked at. Nothing is run or loaded.
    """
    from loadstone.linker import explain

    surroundings = opt.Surroundings(
        caller=caller,
        main=main,
        preload=tuple(preload or ()),
        already_loaded=tuple(already_loaded or ()),
        env=tuple(env or ()),
        clear_env=clear_env,
        cwd=cwd,
        root=root,
        cpu_level=cpu_level,
        loader=loader,
        uid=uid,
    )
    result = explain(located(target, surroundings), model=surroundings.model(target), bindings=False)
    emit(_rendered(result, output_format, colour=output is None and colour_wanted(), verbose=verbose), output)
    raise typer.Exit(STATUS[result.verdict])


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
