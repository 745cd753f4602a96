"""``loadstone fleet scan``: the binaries of folders, packages and repositories read once into a store."""

from __future__ import annotations

from argparse import ArgumentParser

from loadstone.cli import progress
from loadstone.cli.exits import ExitStatus
from loadstone.cli.fleet_options import add_store
from loadstone.cli.options import OutputFormat, add_format, at_least
from loadstone.cli.output import emit


def add_arguments(parser: ArgumentParser) -> None:
    """What this command takes."""
    words = "a folder, a pattern, a package, the index of a repository, an address (s3://...), or @FILE: a list of them"
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help=words)
    add_store(parser)
    parser.add_argument("--name", default="", metavar="NAME", help="what to call the snapshot [the time, UTC]")
    parser.add_argument(
        "--workers", "-j", type=at_least(1), default=0, metavar="N", help="worker processes [one per processor]"
    )
    parser.add_argument(
        "--scheduler", default="", metavar="tcp://HOST:PORT", help="run the scan on the workers of this Dask scheduler"
    )
    parser.add_argument(
        "--seconds", type=at_least(0.01, float), default=120.0, metavar="S", help="time limit for one input [120]"
    )
    parser.add_argument("--no-graph", action="store_true", help="do not resolve dependencies")
    parser.add_argument("--review", action="store_true", help="review the sources in packages and folders as well")
    parser.add_argument("--retry", action="store_true", help="read again what an earlier scan quarantined")
    add_format(parser, OutputFormat.TEXT, OutputFormat.JSON)


def run(
    *,
    sources: list[str],
    store: str,
    name: str,
    workers: int,
    scheduler: str,
    seconds: float,
    no_graph: bool,
    review: bool,
    retry: bool,
    output_format: OutputFormat,
) -> ExitStatus:
    """Read every distinct binary of the sources once and add a snapshot of them to the store.

    What is in the store already is not read again. Interrupted or the disk full: run it again, it resumes.
    Nothing that is read is run. Exit status 3 when some input could not be read; `fleet sql` shows the table errors.
    """
    from loadstone.fleet import ScanLimits, scan

    done = scan(
        *sources,
        store=store,
        name=name,
        workers=int(workers),
        scheduler=scheduler,
        limits=ScanLimits(seconds=seconds),
        resolve=not no_graph,
        review=review,
        retry=retry,
        progress=_line if progress.wanted() else None,
    )
    if progress.wanted():
        progress.clear()
    from loadstone.fleet.summary import scan_as_json, scan_as_text

    emit(scan_as_json(done) if output_format is OutputFormat.JSON else scan_as_text(done))
    return ExitStatus.UNDECIDED if done.errors else ExitStatus.CLEAN


def _line(now: object) -> None:
    from loadstone.fleet.summary import progress_line

    progress.show(progress_line(now))  # type: ignore[arg-type]
