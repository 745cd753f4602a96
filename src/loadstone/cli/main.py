"""The entry point: the table of commands, and the one place where every error ends.

A command is a file with two functions and a row in :data:`COMMANDS`: ``add_arguments(parser)`` declares its options,
``run`` takes them as keywords, under the names the parser gives them, and returns the exit status. Only the command
asked for is imported, so ``loadstone --help`` costs no parser, no linker and no loader.
"""

from __future__ import annotations

import gc
import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn

import loadstone
from loadstone.cli.exits import ExitStatus, UsageError
from loadstone.cli.output import accept_any_character, emit, emit_diagnostic

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

__all__ = ["COMMANDS", "DESCRIPTION", "STATUSES", "Command", "main", "parser_of"]


class Command(NamedTuple):
    """One row: the word or words on the command line, the module that has ``run``, one line of help."""

    name: str
    module: str
    summary: str

    @property
    def words(self) -> list[str]:
        return self.name.split()


COMMANDS: Final = (
    Command("examine", "loadstone.cli.examine", "Everything about a library, by name or path. Start here."),
    Command("find", "loadstone.cli.find", "Where a library is, and how it was found."),
    Command("bind", "loadstone.cli.bind", "A C header as a typed Python module."),
    Command("names", "loadstone.cli.names", "The file names that would be tried for a library name."),
    Command("inspect", "loadstone.cli.inspect", "What is in a file: SONAME, dependencies, exports, hardening."),
    Command("tree", "loadstone.cli.tree", "The dependency tree, with the reason for every choice."),
    Command("explain", "loadstone.cli.explain", "Will it load here? If not, why, and what to do."),
    Command("loaded", "loadstone.cli.loaded", "What a running process or a core dump has loaded, and by which rule."),
    Command("review", "loadstone.cli.review", "Source and binaries against the rules: findings and evidence."),
    Command("rules", "loadstone.cli.rules", "What review asks, why, and what a good answer looks like."),
    Command("plugins", "loadstone.cli.plugins", "The metadata of the plugins in a folder; nothing is loaded."),
    Command("pin", "loadstone.cli.pin", "Record the digests of a library and of everything it needs."),
    Command("verify", "loadstone.cli.verify", "Whether pinned libraries are unchanged."),
    Command("call", "loadstone.cli.call", "Load a library you trust and call one function of it, typed."),
    Command("probe", "loadstone.cli.probe", "Load, resolve and unload it in a sandbox, and watch what it does."),
    Command("fuzz", "loadstone.cli.fuzz", "Find inputs that break an exported function, guided by coverage."),
    Command(
        "fleet scan", "loadstone.cli.fleet_scan", "Read a distribution or a fleet of containers into tables, once."
    ),
    Command("fleet ask", "loadstone.cli.fleet_ask", "Answer a named question about a fleet."),
    Command("fleet sql", "loadstone.cli.fleet_sql", "Run any SQL query on a fleet's tables."),
    Command("fleet compact", "loadstone.cli.fleet_compact", "Merge a fleet's tables into few large files."),
    Command("fleet report", "loadstone.cli.fleet_report", "A report on a fleet as one HTML page."),
)

DESCRIPTION: Final = "Find, read, explain, review, load, probe and fuzz dynamic libraries."

STATUSES: Final = """\
Data goes to standard output, diagnostics to standard error. Exit status: 0 no findings, 1 findings or it would not
load, 2 wrong usage, 3 could not decide, read or write, 4 internal error. See `loadstone COMMAND --help` for more."""


_ALLOCATIONS: Final = 200_000
"""Between two passes of the collector. Nearly all that a command makes lives to its end, so at Python's own number,
700, the passes cost one part in fifteen of a short command and find nothing."""


class _HelpFormatter(RawDescriptionHelpFormatter):
    """argparse's, told how wide the terminal is: to find out by itself it imports three compressors, with shutil."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    """The width that ``shutil.get_terminal_size`` would give."""
    with suppress(KeyError, ValueError):
        if (wanted := int(os.environ["COLUMNS"])) > 0:
            return wanted
    with suppress(AttributeError, OSError, ValueError):
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or 80  # type: ignore[union-attr]
    return 80


class _Parser(ArgumentParser):
    """argparse's, whose help and version go through the one writer, so that a full disk is noticed."""

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        if file is sys.stdout:
            emit(message)
        else:
            emit_diagnostic(message)

    def error(self, message: str) -> NoReturn:
        from loadstone.escape import printable

        super().error(printable(message))  # it repeats words of the command line, names of files among them


def _unindented(documentation: str) -> str:
    """As ``inspect.cleandoc`` does, without the compiler's modules that ``inspect`` brings in."""
    from textwrap import dedent

    first, _, rest = documentation.partition("\n")
    return f"{first}\n{dedent(rest)}".strip()


def parser_of(command: Command) -> ArgumentParser:
    """The parser of one command, whose module is imported for it. Its description is what ``run`` says of itself."""
    module = import_module(command.module)
    parser = _Parser(
        prog=f"loadstone {command.name}",
        description=_unindented(module.run.__doc__ or ""),
        formatter_class=_HelpFormatter,
        allow_abbrev=False,
    )
    module.add_arguments(parser)
    return parser


def _root() -> ArgumentParser:
    width = max(len(command.name) for command in COMMANDS)
    lines = "\n".join(f"  {command.name:<{width}}  {command.summary}" for command in COMMANDS)
    parser = _Parser(
        prog="loadstone",
        usage="loadstone [-h] [--version] COMMAND ...",
        description=f"{DESCRIPTION}\n\ncommands:\n{lines}",
        epilog=STATUSES,
        formatter_class=_HelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"loadstone {loadstone.__version__}")
    return parser


def _run(words: list[str]) -> int:
    """Find the command among the words and run it; without one, the program's own options are answered."""
    if not words:
        emit(_root().format_help())
        return ExitStatus.USAGE
    if words[0].startswith("-"):
        _root().parse_args(words)
    command = next((command for command in COMMANDS if words[: len(command.words)] == command.words), None)
    if command is None:
        group = [command for command in COMMANDS if command.words[0] == words[0]]
        if group and words[1:] in ([], ["-h"], ["--help"]):
            emit("".join(f"{command.name:<14} {command.summary}\n" for command in group))
            return ExitStatus.CLEAN if words[1:] else ExitStatus.USAGE
        raise UsageError(_no_such_command(words))
    parser, rest = parser_of(command), words[len(command.words) :]
    # Before Python 3.13 parse_intermixed_args loses what stands behind "--".
    options = parser.parse_args(rest) if "--" in rest else parser.parse_intermixed_args(rest)
    status: int = import_module(command.module).run(**vars(options))
    return status


def _no_such_command(words: list[str]) -> str:
    from difflib import get_close_matches

    from loadstone.escape import quoted

    group = [command.name for command in COMMANDS if command.words[0] == words[0]]
    word = " ".join(words[:2]) if group else words[0]
    near = group or get_close_matches(word, [command.name for command in COMMANDS], n=2)
    advice = f"Did you mean {' or '.join(near)}?" if near else "`loadstone --help` lists the commands."
    return f"No such command: {quoted(word)}. {advice}"


def _status_after(error: Exception) -> int:
    """Say how a command ended badly, and give the status for it. The one place where every error ends."""
    from loadstone.errors import (
        InvalidConfiguration,
        InvalidName,
        InvalidPrototype,
        InvalidQuery,
        LoadstoneError,
        NotFound,
    )

    match error:
        case UsageError() | InvalidConfiguration() | InvalidName() | InvalidPrototype() | InvalidQuery():
            status = ExitStatus.USAGE
        case NotFound():
            status = ExitStatus.FINDINGS
        case LoadstoneError():
            status = ExitStatus.UNDECIDED
        case ModuleNotFoundError(name=str(name)) if name.partition(".")[0] != "loadstone":  # installed with --no-deps
            emit_diagnostic(
                f"loadstone: this command needs the Python package {name}, which is not installed. "
                "Install Loadstone with its dependencies (without --no-deps)."
            )
            return ExitStatus.UNDECIDED
        case _:
            emit_diagnostic(
                f"loadstone: internal error: {type(error).__name__}: {error}\n"
                "This is a bug in Loadstone. Set LOADSTONE_TRACEBACK=1 to see where, and please report it."
            )
            return ExitStatus.FAULT
    emit_diagnostic(f"loadstone: {error}")
    return status


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its status. Never shows a traceback, unless LOADSTONE_TRACEBACK is set."""
    if hasattr(gc, "set_threshold"):  # PyPy has another collector
        gc.set_threshold(_ALLOCATIONS)
    accept_any_character()
    try:
        status = _run(list(sys.argv[1:] if arguments is None else arguments))
    except KeyboardInterrupt:
        emit_diagnostic("loadstone: interrupted")
        status = ExitStatus.INTERRUPTED
    except Exception as error:  # the edge: whatever escaped ends here
        if os.environ.get("LOADSTONE_TRACEBACK") and not isinstance(error, UsageError):
            raise
        status = _status_after(error)
    sys.exit(status)


if __name__ == "__main__":
    main()
