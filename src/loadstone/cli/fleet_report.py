"""``loadstone fleet report``: a snapshot as one page."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from loadstone.cli.exits import ExitStatus
from loadstone.cli.fleet_options import add_snapshot, add_store
from loadstone.cli.options import add_output
from loadstone.cli.output import emit


def add_arguments(parser: ArgumentParser) -> None:
    """What this command takes."""
    add_store(parser)
    add_snapshot(parser)
    add_output(parser)


def run(*, store: str, snapshot: str, before: str, output: Path | None) -> ExitStatus:
    """A snapshot as one HTML page that needs nothing else: size, worst first, protections, versions, most needed."""
    from loadstone.fleet.report import render
    from loadstone.fleet.store import Store

    emit(render(Store(store), snapshot, before), output)
    return ExitStatus.CLEAN
