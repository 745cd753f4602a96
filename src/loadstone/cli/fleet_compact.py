"""``loadstone fleet compact``: a store's facts in few large files."""

from __future__ import annotations

from argparse import ArgumentParser

from loadstone.cli.exits import ExitStatus
from loadstone.cli.fleet_options import add_store
from loadstone.cli.output import emit


def add_arguments(parser: ArgumentParser) -> None:
    """What this command takes."""
    add_store(parser)


def run(*, store: str) -> ExitStatus:
    """Write a store's facts into few large files and remove what no snapshot lists. Refused while a scan writes."""
    from loadstone.fleet.commit import compact
    from loadstone.fleet.store import Store

    emit(f"{compact(Store(store)):,} bytes freed")
    return ExitStatus.CLEAN
