"""``loadstone fuzz``: coverage-guided fuzzing of one exported function, in a confined child."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from loadstone.cli.exits import ExitStatus
from loadstone.cli.options import FormatOption, OutputFile, OutputFormat
from loadstone.cli.output import colour_wanted, emit, require_format
from loadstone.core.fuzzing import FuzzProgress, Stopped
from loadstone.escape import printable
from loadstone.fuzz.plan import Heap


def run(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="The library, by name or path.")],
    prototype: Annotated[
        str,
        typer.Argument(
            metavar="PROTOTYPE",
            help="The function, as C: 'int parse(const uint8_t *data, size_t n)'. Its name is enough where the library "
            "has debug information.",
            show_default=False,
        ),
    ] = "",
    role: Annotated[
        list[str] | None,
        typer.Option(metavar="PARAMETER=ROLE", help="What an argument is for, where its type does not say."),
    ] = None,
    sequence: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Several calls in order, from a TOML file; no PROTOTYPE then.")
    ] = None,
    hooks: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Python with fixup(data), check(data, result), or both.")
    ] = None,
    seeds: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Inputs to start from: files, or a folder of AFL++ or libFuzzer.")
    ] = None,
    time: Annotated[float, typer.Option(min=0.1, metavar="S", help="How long to search, in seconds.")] = 60.0,
    runs: Annotated[int, typer.Option(min=0, metavar="N", help="Stop after so many runs; 0 is no limit.")] = 0,
    seed: Annotated[int, typer.Option(metavar="N", help="For the random choices; the same seed repeats them.")] = 0,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep corpus and findings here; resumes.")] = None,
    heap: Annotated[Heap, typer.Option(help="Guard the library's own heap, to the byte or to 16.")] = Heap.PLAIN,
    max_size: Annotated[int, typer.Option(min=1, max=1 << 20, metavar="BYTES", help="Of one input.")] = 4096,
    export: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a harness for libFuzzer and AFL++ instead of searching.")
    ] = None,
    first: Annotated[bool, typer.Option("--first", help="Stop at the first finding.")] = False,
    output_format: FormatOption = OutputFormat.TEXT,
    output: OutputFile = None,
) -> None:
    """Find inputs that break an exported function of a closed library. It runs, in a confined child process.

    Coverage comes from one-shot breakpoints, so neither source nor compiler is needed. Ctrl-C ends the search and keeps
    what was found.
    """
    from loadstone.fuzz.campaign import export_harness, fuzz
    from loadstone.fuzz.outcome.corpus import inputs_in

    require_format(output_format, OutputFormat.TEXT, OutputFormat.JSON)
    if bool(prototype) == bool(sequence):
        raise typer.BadParameter("say which function: its PROTOTYPE, or --sequence FILE", param_hint="PROTOTYPE")
    roles = dict(_pair(text) for text in role or ())
    given = inputs_in(seeds) if seeds else ()
    steps = str(sequence) if sequence else ""
    if export:
        written = export_harness(target, prototype, folder=str(export), roles=roles, sequence=steps, seeds=given)
        emit("".join(f"{printable(path)}\n" for path in written), output)
        return
    report = fuzz(
        target,
        prototype,
        roles=roles,
        time_s=time,
        runs=runs,
        seed=seed,
        out=str(out) if out else "",
        heap=heap,
        max_size=max_size,
        first=first,
        sequence=steps,
        hooks=str(hooks) if hooks else "",
        seeds=given,
        progress=_line if sys.stderr.isatty() else None,
    )
    if output_format is OutputFormat.JSON:
        from loadstone.report.documents.fuzz import fuzz_document
        from loadstone.report.json import render as render_json

        emit(render_json(fuzz_document(report)), output)
    else:
        from loadstone.report.text.fuzz import render
        from loadstone.report.text.style import Style

        emit(render(report, Style(output is None and colour_wanted())), output)
    if report.stopped is Stopped.CANNOT_LOAD:
        raise typer.Exit(ExitStatus.UNDECIDED)
    raise typer.Exit(ExitStatus.FINDINGS if report.findings else ExitStatus.CLEAN)


def _pair(text: str) -> tuple[str, str]:
    name, separator, word = text.partition("=")
    if not separator:
        raise typer.BadParameter(f"{text!r} is not PARAMETER=ROLE", param_hint="--role")
    return name, word


def _line(now: FuzzProgress) -> None:
    from loadstone.report.text.fuzz import progress_line

    sys.stderr.write(f"\r\x1b[K{progress_line(now)}")
    sys.stderr.flush()
