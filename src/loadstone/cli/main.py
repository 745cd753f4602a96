"""The entry point: the table of commands, and the one place where every error ends.

A command is a file with a function ``run`` and a row in :data:`COMMANDS`. Only the command asked for is imported, so
``loadstone --help`` costs no parser, no linker and no loader.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Final

import typer

import loadstone
from loadstone.cli.exits import ExitStatus
from loadstone.errors import InvalidConfiguration, InvalidName, InvalidPrototype, LoadstoneError, NotFound

__all__ = ["COMMANDS", "main"]


@dataclass(frozen=True, slots=True)
class Command:
    """One row: the word on the command line, the module that has ``run``, one line of help."""

    name: str
    module: str
    summary: str


COMMANDS: Final = (
    Command("examine", "loadstone.cli.examine", "Everything about a library, by name or path. The main job."),
    Command("find", "loadstone.cli.find", "Where a library is, and how it was found."),
    Command("names", "loadstone.cli.names", "The file names that would be tried for a library name."),
    Command("inspect", "loadstone.cli.inspect", "What is in a file: identity, needs, exports, hardening."),
    Command("tree", "loadstone.cli.tree", "The dependency tree, with the reason for every choice."),
    Command("explain", "loadstone.cli.explain", "Will it load here? If not, why, and what to do."),
    Command("review", "loadstone.cli.review", "Source and binaries against the rules: findings and evidence."),
    Command("rules", "loadstone.cli.rules", "What review asks, why, and how a good answer looks."),
    Command("plugins", "loadstone.cli.plugins", "What the plugins of a folder say about themselves, nothing loaded."),
    Command("pin", "loadstone.cli.pin", "Write down digests of a library and of everything it needs."),
    Command("verify", "loadstone.cli.verify", "Whether pinned libraries are what they were."),
    Command("call", "loadstone.cli.call", "Load a library you trust and call one function of it, typed."),
    Command("probe", "loadstone.cli.probe", "Run it in a confined child: load, resolve, unload, and watch."),
    Command("fuzz", "loadstone.cli.fuzz", "Find inputs that break an exported function, guided by coverage."),
)

_USAGE_ERRORS: Final = (InvalidConfiguration, InvalidName, InvalidPrototype)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"loadstone {loadstone.__version__}")
        raise typer.Exit


def _loadstone(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Find, read, explain, review, load, probe and fuzz dynamic libraries.

    Data goes to standard output, talk to standard error. Exit status: 0 nothing against it, 1 findings or it would
    not load, 2 wrong usage, 3 could not decide or could not read, 4 our fault.
    """


def _not_asked_for() -> None:
    """Stands in for the commands of the table that this call does not run."""


def application(chosen: str | None) -> typer.Typer:
    """The command line with ``chosen`` imported and every other command present by name and summary only."""
    app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.callback()(_loadstone)
    for command in COMMANDS:
        wanted = command.name == chosen
        run = import_module(command.module).run if wanted else _not_asked_for
        app.command(command.name, short_help=command.summary, help=None if wanted else command.summary)(run)
    return app


def _status_of(error: LoadstoneError) -> ExitStatus:
    if isinstance(error, _USAGE_ERRORS):
        return ExitStatus.USAGE
    return ExitStatus.FINDINGS if isinstance(error, NotFound) else ExitStatus.UNDECIDED


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its status. Never shows a traceback, unless LOADSTONE_TRACEBACK is set."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    chosen = next((word for word in words if not word.startswith("-")), None)
    try:
        application(chosen)(words, prog_name="loadstone")
    except LoadstoneError as error:
        typer.echo(f"loadstone: {error}", err=True)
        sys.exit(_status_of(error))
    except Exception as error:  # the edge: whatever escaped is our fault, and is said so
        if os.environ.get("LOADSTONE_TRACEBACK"):
            raise
        typer.echo(
            f"loadstone: internal fault: {type(error).__name__}: {error}\n"
            "This is a bug in Loadstone. Set LOADSTONE_TRACEBACK=1 to see where, and please report it.",
            err=True,
        )
        sys.exit(ExitStatus.FAULT)


if __name__ == "__main__":
    main()
