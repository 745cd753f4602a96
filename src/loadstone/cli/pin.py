"""``loadstone pin``: write down what a library and everything it needs are now."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from loadstone.cli.exits import ExitStatus
from loadstone.cli.options import OutputFormat, add_format, add_output
from loadstone.cli.output import emit, emit_diagnostic
from loadstone.core.counting import counted
from loadstone.escape import printable


def add_arguments(parser: ArgumentParser) -> None:
    """What this command takes."""
    parser.add_argument("targets", nargs="+", metavar="TARGET", help="a name or a path")
    add_format(parser, OutputFormat.TEXT, OutputFormat.JSON)
    add_output(parser)


def run(*, targets: list[str], output_format: OutputFormat, output: Path | None) -> ExitStatus:
    """Digests of libraries and of everything they need, as a pin file (TOML). Nothing is loaded.

    Use it with ``Library(..., policy=Policy(pins=PinFile.load(FILE)))``, check it with ``loadstone verify FILE``.
    """
    from loadstone.library import Policy, SearchPolicy, SearchSource
    from loadstone.library.target import locate
    from loadstone.library.trust.pin import pin

    sources = tuple(s for s in SearchSource if s is not SearchSource.ALREADY_LOADED)
    policy = Policy(search=SearchPolicy(sources))
    paths = [path for target in targets if (path := locate(target, policy=policy).path) is not None]
    pins = pin(paths)
    if output_format is OutputFormat.JSON:
        from loadstone.report.documents.pins import pins_document
        from loadstone.report.json import render as render_json

        emit(render_json(pins_document(pins.pins)), output)
    else:
        emit(pins.text(), output)
    if output is not None:
        emit_diagnostic(f"pinned {counted(len(pins.pins), 'library', 'libraries')} in {printable(str(output))}")
    return ExitStatus.CLEAN
