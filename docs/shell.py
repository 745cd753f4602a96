"""What a shell knows of the commands: a manual page, and completion for bash and zsh, all made from the parsers.

They are kept in ``share/`` and installed with the package, so that running Loadstone needs none of what makes them.
"""

from __future__ import annotations

import importlib
import re
from argparse import ArgumentParser, RawDescriptionHelpFormatter, _SubParsersAction
from collections.abc import Iterator
from inspect import getdoc
from typing import Final

import shtab
from argparse_manpage.manpage import Manpage

from loadstone.cli.main import COMMANDS, DESCRIPTION, STATUSES

__all__ = ["shell_files"]

_FILES: Final = frozenset({"FILE", "PATH", "TARGET", "LIBRARY", "FOLDER", "HEADER", "SARIF", "PROGRAM", "DIR"})
"""Metavars of what is completed with the names of files."""


def whole_parser() -> ArgumentParser:
    """One parser with every command in it. The program itself only ever makes that of the command asked for."""
    root = ArgumentParser(prog="loadstone", description=DESCRIPTION, epilog=STATUSES)
    root.add_argument("--version", action="store_true", help="show the version and exit")
    groups = {"": root.add_subparsers(metavar="COMMAND", title="commands")}
    for command in COMMANDS:
        *group, name = command.words
        word = " ".join(group)
        if word not in groups:
            summary = f"commands of {word}: see below"
            groups[word] = groups[""].add_parser(word, help=summary, description=summary).add_subparsers()
        _add(groups[word], name, command.module, command.summary)
    return root


def _add(commands: _SubParsersAction[ArgumentParser], name: str, module_name: str, summary: str) -> None:
    module = importlib.import_module(module_name)
    parser = commands.add_parser(
        name, help=summary, description=getdoc(module.run), formatter_class=RawDescriptionHelpFormatter
    )
    module.add_arguments(parser)
    for action in parser._actions:  # argparse has no other way to list them
        if isinstance(action.metavar, str) and action.metavar.strip("[].").split(",")[0] in _FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]  # where shtab looks


def shell_files() -> Iterator[tuple[str, str]]:
    """Each file with its path below ``share/``. The same on every day and machine."""
    page = str(Manpage(whole_parser()))
    heading = '.TH LOADSTONE 1 "" "loadstone" "User Commands"'
    page = re.sub(r"^\.TH .*$", heading, page, count=1, flags=re.MULTILINE)
    page = page.replace(
        ".SH NAME\nloadstone\n", f".SH NAME\nloadstone \\- {DESCRIPTION[0].lower()}{DESCRIPTION[1:-1]}\n"
    )
    yield "man/man1/loadstone.1", page.rstrip("\n") + "\n"
    yield "bash-completion/completions/loadstone", shtab.complete(whole_parser(), "bash").rstrip("\n") + "\n"
    yield "zsh/site-functions/_loadstone", shtab.complete(whole_parser(), "zsh").rstrip("\n") + "\n"
