"""``loadstone probe``: load a library in a confined child and say what it does."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from loadstone.cli.exits import ExitStatus
from loadstone.cli.options import (
    OutputFormat,
    add_allow_read,
    add_fail_on,
    add_format,
    add_output,
    add_verbose,
    at_least,
)
from loadstone.cli.output import colour_wanted, emit
from loadstone.core.claims import Finding, Severity
from loadstone.core.observations import ProbeOutcome


def add_arguments(parser: ArgumentParser) -> None:
    """What this command takes."""
    parser.add_argument("target", metavar="TARGET", help="a name (z, libssl.so.3) or a path")
    parser.add_argument(
        "--timeout", type=at_least(0.1, float), default=10.0, metavar="S", help="seconds for all of it [10]"
    )
    parser.add_argument("--fresh", action="store_true", help="ignore the cached result for the same bytes")
    parser.add_argument(
        "--require", default="", metavar="LAYER,...", help="run nothing unless these sandbox layers are active"
    )
    parser.add_argument("--cycles", type=at_least(1), default=16, metavar="N", help="how often to load and unload [16]")
    parser.add_argument("--threads", action="store_true", help="also load and unload it from many threads")
    parser.add_argument(
        "--soak", type=at_least(64, most=1_000_000), default=0, metavar="N", help="N more cycles, to look for leaks"
    )
    parser.add_argument(
        "--preload", action="append", default=[], metavar="LIBRARY",
        help="load this before it and keep it, as its host would: a name or a path; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--host", default="", metavar="PROGRAM",
        help="load a copy of this program before it, as a library, for the symbols that only its host has",
    )  # fmt: skip
    parser.add_argument(
        "--calls",
        type=Path,
        metavar="FILE",
        help="call its functions as this TOML file says, with --threads from many",
    )
    add_allow_read(parser)
    add_format(parser, OutputFormat.TEXT, OutputFormat.JSON, OutputFormat.SARIF)
    add_output(parser)
    add_fail_on(parser)
    add_verbose(parser)


def run(
    *,
    target: str,
    timeout: float,
    fresh: bool,
    require: str,
    cycles: int,
    threads: bool,
    soak: int,
    preload: list[str],
    host: str,
    calls: Path | None,
    allow_read: list[Path],
    output_format: OutputFormat,
    output: Path | None,
    fail_on: Severity,
    verbose: int,
) -> ExitStatus:
    """Load a library in a confined child, resolve its symbols, unload it, load it again, and say what was seen.

    Its code RUNS, with your rights minus what the sandbox takes away; the report names its layers.
    """
    from loadstone.probe import claims, probe, read_calls

    layers = tuple(word.strip() for word in require.split(",") if word.strip())
    report = probe(
        target,
        timeout=timeout,
        fresh=fresh,
        require=layers,
        cycles=cycles,
        threads=threads,
        soak=soak,
        allow_read=allow_read,
        preload=preload,
        host=host,
        calls=read_calls(str(calls)) if calls is not None else (),
    )
    if output_format is OutputFormat.JSON:
        from loadstone.report.documents.probe import probe_document
        from loadstone.report.json import render as render_json

        emit(render_json(probe_document(report)), output)
    elif output_format is OutputFormat.SARIF:
        from loadstone.report.sarif import render as render_sarif

        emit(render_sarif(claims(report)), output)
    else:
        from loadstone.report.text.probe import render
        from loadstone.report.text.style import Style

        emit(render(report, Style(output is None and colour_wanted()), verbose=verbose), output)
    if report.outcome in (ProbeOutcome.NOT_RUN, ProbeOutcome.DENIED):
        return ExitStatus.UNDECIDED
    against = [c for c in claims(report) if isinstance(c, Finding)]
    worst = any(c.blocking or c.severity.rank >= fail_on.rank for c in against)
    return ExitStatus.FINDINGS if worst else ExitStatus.CLEAN
