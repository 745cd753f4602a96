"""``loadstone probe``: load a library in a confined child and say what it does."""

from __future__ import annotations

from typing import Annotated

import typer

from loadstone.cli.exits import ExitStatus
from loadstone.cli.options import FailOn, FormatOption, OutputFile, OutputFormat, Verbosity
from loadstone.cli.output import colour_wanted, emit, require_format
from loadstone.core.claims import Finding, Severity
from loadstone.core.observations import ProbeOutcome


def run(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A name (z, libssl.so.3) or a path.")],
    timeout: Annotated[float, typer.Option("--timeout", metavar="S", min=0.1, help="Seconds for all of it.")] = 10.0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Do not use a remembered result of the same bytes.")] = False,
    require: Annotated[
        str, typer.Option("--require", metavar="LAYER,...", help="Run nothing unless these layers of the fence stand.")
    ] = "",
    cycles: Annotated[int, typer.Option("--cycles", metavar="N", min=1, help="How often to load and unload.")] = 16,
    threads: Annotated[bool, typer.Option("--threads", help="Also load and unload it from many threads.")] = False,
    soak: Annotated[
        int | None, typer.Option("--soak", metavar="N", min=64, max=1_000_000, help="Also N cycles more: does it leak?")
    ] = None,
    output_format: FormatOption = OutputFormat.TEXT,
    output: OutputFile = None,
    fail_on: FailOn = Severity.MEDIUM,
    verbose: Verbosity = 0,
) -> None:
    """Load a library in a confined child, resolve its symbols, unload it, load it again, and say what was seen.

    Its code RUNS, with your rights minus the layers of the fence that can be had here; the report names them.
    """
    from loadstone.probe import claims, probe

    require_format(output_format, OutputFormat.TEXT, OutputFormat.JSON)
    layers = tuple(word.strip() for word in require.split(",") if word.strip())
    report = probe(target, timeout=timeout, fresh=fresh, require=layers, cycles=cycles, threads=threads, soak=soak or 0)
    if output_format is OutputFormat.JSON:
        from loadstone.report.documents.probe import probe_document
        from loadstone.report.json import render as render_json

        emit(render_json(probe_document(report)), output)
    else:
        from loadstone.report.text.probe import render
        from loadstone.report.text.style import Style

        emit(render(report, Style(output is None and colour_wanted()), verbose=verbose), output)
    if report.outcome is ProbeOutcome.NOT_RUN:
        raise typer.Exit(ExitStatus.UNDECIDED)
    against = [c for c in claims(report) if isinstance(c, Finding)]
    worst = any(c.blocking or c.severity.rank >= fail_on.rank for c in against)
    raise typer.Exit(ExitStatus.FINDINGS if worst else ExitStatus.CLEAN)
