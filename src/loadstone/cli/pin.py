"""``loadstone pin``: write down what a library and everything it needs are now."""

from __future__ import annotations

from typing import Annotated

import typer

from loadstone.cli.exits import ExitStatus
from loadstone.cli.options import FormatOption, OutputFile, OutputFormat
from loadstone.cli.output import emit, require_format


def run(
    targets: Annotated[list[str], typer.Argument(metavar="TARGET...", help="Names or paths.")],
    output_format: FormatOption = OutputFormat.TEXT,
    output: OutputFile = None,
) -> None:
    """Digests of libraries and of everything they need, as a pin file (TOML). Nothing is loaded.

    Use it with ``Library(..., policy=Policy(pins=PinFile.load(FILE)))``, check it with ``loadstone verify FILE``.
    """
    from loadstone.library import Policy, SearchPolicy, SearchSource, find
    from loadstone.library.trust.pin import pin

    require_format(output_format, OutputFormat.TEXT, OutputFormat.JSON)
    sources = tuple(s for s in SearchSource if s is not SearchSource.ALREADY_LOADED)
    policy = Policy(search=SearchPolicy(sources))
    paths = [path for target in targets if (path := find(target, policy=policy).path) is not None]
    pins = pin(paths)
    if output_format is OutputFormat.JSON:
        from loadstone.report.documents.pins import pins_document
        from loadstone.report.json import render as render_json

        emit(render_json(pins_document(pins.pins)), output)
    else:
        emit(pins.text(), output)
    if output is not None:
        typer.echo(f"pinned {len(pins.pins)} libraries in {output}", err=True)
    raise typer.Exit(ExitStatus.CLEAN)
