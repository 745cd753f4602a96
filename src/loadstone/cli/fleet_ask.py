"""``loadstone fleet ask``: a named question about a snapshot."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from loadstone.cli.exits import ExitStatus, UsageError
from loadstone.cli.fleet_options import TableFormat, add_snapshot, add_table, emit_table
from loadstone.cli.output import emit


def add_arguments(parser: ArgumentParser) -> None:
    """What this command takes."""
    parser.add_argument("question", metavar="QUESTION", help="name of the question; `list` shows all of them")
    parser.add_argument("values", nargs="*", metavar="VALUE", help="its parameters in order, or as NAME=VALUE")
    parser.add_argument("--store", "-s", default="", metavar="PLACE", help="folder or address of the store")
    add_snapshot(parser)
    add_table(parser)


def run(
    *,
    question: str,
    values: list[str],
    store: str,
    snapshot: str,
    before: str,
    output_format: TableFormat,
    output: Path | None,
) -> ExitStatus:
    """Answer a named question about a snapshot of the store.

    `loadstone fleet ask list` lists the questions with their parameters.
    """
    from loadstone.fleet.questions import question_named

    if question == "list":
        from loadstone.fleet.summary import question_list

        emit(question_list(), output)
        return ExitStatus.CLEAN
    asked = question_named(question)
    if not store:
        raise UsageError("say which store to ask: --store PLACE")
    if asked.needs_before and not before:
        raise UsageError(f"{question} compares two snapshots: say the older one with --before NAME")
    from loadstone.fleet.store import Store

    names = {parameter.name for parameter in asked.parameters}
    named = {v.partition("=")[0]: v.partition("=")[2] for v in values if v.partition("=")[0] in names and "=" in v}
    plain = [v for v in values if not ("=" in v and v.partition("=")[0] in names)]
    emit_table(Store(store).ask(question, *plain, snapshot=snapshot, before=before, **named), output_format, output)
    return ExitStatus.CLEAN
