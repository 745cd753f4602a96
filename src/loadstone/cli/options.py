"""Options that several commands share, declared once so that they read and behave the same everywhere."""

from __future__ import annotations

import math
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "OutputFormat",
    "add_allow_read",
    "add_fail_on",
    "add_format",
    "add_output",
    "add_verbose",
    "at_least",
    "one_of",
    "path_of",
]


class OutputFormat(StrEnum):
    """How a result is rendered; not every command offers every one."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    MARKDOWN = "markdown"
    HTML = "html"
    PULL_REQUEST = "pull-request"
    JUNIT = "junit"
    GITLAB = "gitlab"


def path_of(text: str) -> Path:
    """A path of the command line; a command that is given none does not import pathlib."""
    from pathlib import Path

    return Path(text)


def add_format(parser: ArgumentParser, *offered: StrEnum) -> None:
    """``--format``, with the renderings this command has; the first is the default."""
    parser.add_argument(
        "--format",
        "-f",
        dest="output_format",
        type=one_of(*offered),
        choices=offered,
        default=offered[0],
        metavar="FORMAT",
        help=f"how to render the result: {', '.join(offered)} [{offered[0]}]",
    )


def add_output(parser: ArgumentParser) -> None:
    """``--output``, where the result goes."""
    parser.add_argument(
        "--output", "-o", type=path_of, metavar="FILE", help="write the result to FILE, not standard output"
    )


def add_fail_on(parser: ArgumentParser, default: str | None = "medium") -> None:
    """``--fail-on``, from which severity on a finding makes the exit status 1. Without a default it may be None."""
    from loadstone.core.claims import Severity

    parser.add_argument(
        "--fail-on",
        type=one_of(*Severity),
        choices=tuple(Severity),
        default=Severity(default) if default else None,
        metavar="SEVERITY",
        help=f"exit with 1 when a finding is at least this severe: {', '.join(Severity)} [{default or 'medium'}]",
    )


def add_allow_read(parser: ArgumentParser) -> None:
    """``--allow-read PATH``, as often as wanted: what a confined library may read besides what is its own."""
    parser.add_argument(
        "--allow-read", action="append", default=[], type=path_of, metavar="PATH",
        help="a file or folder the library may read, besides the system's and its own folder; can be repeated",
    )  # fmt: skip


def add_verbose(parser: ArgumentParser) -> None:
    """``-v``, counted."""
    parser.add_argument("--verbose", "-v", action="count", default=0, help="more detail; can be repeated")


def at_least(least: float, kind: type[int | float] = int, most: float = math.inf) -> Callable[[str], float]:
    """A converter for a number within bounds; what is outside is a usage error that names the bound."""
    bounds = f"at least {least}" if most == math.inf else f"from {least} to {most}"

    def number(text: str) -> float:
        value = kind(text)
        if not least <= value <= most:
            raise ArgumentTypeError(f"{text} is not {bounds}")
        return value

    return number  # argparse names it when the text is not a number at all


def one_of(*words: StrEnum) -> Callable[[str], StrEnum]:
    """A converter for one of these words; another one is a usage error that names them."""
    known = {word.value: word for word in words}

    def word(text: str) -> StrEnum:
        if text not in known:
            raise ArgumentTypeError(f"invalid choice: {text!r} (choose from {', '.join(known)})")
        return known[text]

    return word
