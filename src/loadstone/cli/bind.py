"""``loadstone bind``: a C header as a typed Python module."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from loadstone.cli.exits import ExitStatus
from loadstone.cli.options import add_output
from loadstone.cli.output import emit, emit_diagnostic


def add_arguments(parser: ArgumentParser) -> None:
    """What this command takes."""
    parser.add_argument("header", metavar="HEADER", help="a header file, or a name found as #include <NAME> is")
    parser.add_argument("--library", metavar="NAME", required=True, help="the library the functions are in")
    parser.add_argument("--version", metavar="VERSION", help="the version of the library")
    parser.add_argument(
        "-I", dest="include", metavar="DIR", action="append", default=[], help="look for headers there first"
    )
    parser.add_argument(
        "-D", dest="defines", metavar="NAME[=VALUE]", action="append", default=[], help="define a macro beforehand"
    )
    add_output(parser)


def run(
    *,
    header: str,
    library: str,
    version: str | None,
    include: list[str],
    defines: list[str],
    output: Path | None,
) -> ExitStatus:
    """A Python module with everything a header declares, typed for checkers. The library is not looked at."""
    from loadstone.bind import binding
    from loadstone.headers.search import IncludePath

    found = None if Path(header).is_file() else IncludePath(include).find(header, None, quoted=False, beside="")
    pairs = {name: value if given else "1" for name, given, value in (one.partition("=") for one in defines)}
    made = binding(found.path if found else header, library, version, include=include, defines=pairs)
    emit(made.text.rstrip("\n"), output)
    for row in made.not_taken:
        emit_diagnostic(f"not taken: {row}")
    return ExitStatus.CLEAN
