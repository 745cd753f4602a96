"""``loadstone explain``: will it load here; if not, why, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from loadstone.cli import loader_options as opt
from loadstone.cli.exits import ExitStatus
from loadstone.cli.options import FormatOption, OutputFile, OutputFormat, Verbosity
from loadstone.cli.output import colour_wanted, emit, require_format
from loadstone.core.trace import LoadVerdict

if TYPE_CHECKING:
    from loadstone.core.trace import Explanation


def run(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A path, or a name the way a loader gets it.")],
    lazy: opt.Lazy = False,
    deep_bind: opt.DeepBind = False,
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
    as_library: Annotated[bool, typer.Option("--as-library", help="Open a program as dlopen would.")] = False,
    output_format: FormatOption = OutputFormat.TEXT,
    output: OutputFile = None,
    verbose: Verbosity = 0,
) -> None:
    """Will it load here? If not: why, in the loader's words and in plain ones, and what to do about it.

    Nothing is run or loaded; the loader is simulated. The options put the question for another process, user,
    processor, loader or system.
    """
    from loadstone.linker import explain

    require_format(output_format, OutputFormat.TEXT, OutputFormat.JSON)
    surroundings = opt.Surroundings(
        deep_bind=deep_bind,
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
    mode = "lazy" if lazy else "now"
    result = explain(target, model=surroundings.model(), mode=mode, as_library=as_library)
    emit(_rendered(result, output_format, colour=output is None and colour_wanted(), verbose=verbose), output)
    raise typer.Exit(STATUS[result.verdict])


STATUS = {
    LoadVerdict.LOADS: ExitStatus.CLEAN,
    LoadVerdict.LOADS_WITH_RISK: ExitStatus.CLEAN,
    LoadVerdict.FAILS: ExitStatus.FINDINGS,
    LoadVerdict.UNKNOWN: ExitStatus.UNDECIDED,
}
"""What each verdict tells the shell."""


def _rendered(result: Explanation, output_format: OutputFormat, *, colour: bool, verbose: int) -> str:
    if output_format is OutputFormat.JSON:
        from loadstone.report.documents.explanation import explanation_document
        from loadstone.report.json import render as render_json

        return render_json(explanation_document(result))
    from loadstone.report.text.explanation import render
    from loadstone.report.text.style import Style

    return render(result, Style(colour), verbose=verbose)
