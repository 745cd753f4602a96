"""``loadstone call``: one typed call of an exported function."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loadstone.cli.exits import ExitStatus
from loadstone.cli.options import OutputFormat, add_format, add_output
from loadstone.cli.output import emit
from loadstone.escape import printable
from loadstone.report.text.style import columns

if TYPE_CHECKING:
    from loadstone.library.typed.timing import Timing


def add_arguments(parser: ArgumentParser) -> None:
    """What this command takes."""
    parser.add_argument("target", metavar="TARGET", help="the library, by name or path; it is loaded")
    parser.add_argument("prototype", metavar="PROTOTYPE", help="the function, as C: 'double cos(double)'")
    parser.add_argument("arguments", nargs="*", metavar="ARG", help="numbers, text, NULL, hex:.., out:..")
    parser.add_argument("--bench", action="store_true", help="call it many times and say how long one call takes")
    add_format(parser, OutputFormat.TEXT, OutputFormat.JSON)
    add_output(parser)


def run(
    *, target: str, prototype: str, arguments: list[str], bench: bool, output_format: OutputFormat, output: Path | None
) -> ExitStatus:
    """Load a library in this process and call one of its functions. Only for libraries you trust.

    Pointers take NULL, text, hex:0a0b for bytes, or out:16 for so many writable bytes, which are printed afterwards.
    A negative number comes after two dashes: loadstone call c 'int abs(int)' -- -5
    """
    from loadstone.library import Library
    from loadstone.library.typed.arguments import from_words
    from loadstone.library.typed.prototype import parse
    from loadstone.library.typed.timing import CALLS, ROUNDS, timings

    values = from_words(parse(prototype), arguments)
    library = Library(target)
    function = library.function(prototype)
    result = function(*values)
    spent = timings(library, prototype, values) if bench else ()
    shown = _plain(result)
    if output_format is OutputFormat.JSON:
        from loadstone.report.documents.call import CallDocument, TimingDocument
        from loadstone.report.json import render

        document = CallDocument(
            schema="loadstone.call/1",
            library=library.file_name,
            prototype=prototype,
            arguments=arguments,
            result=shown,
            timings=[TimingDocument(how=one.how, nanoseconds=one.nanoseconds) for one in spent],
        )
        emit(render(document), output)
        return ExitStatus.CLEAN
    lines = [printable(str(shown))]
    lines += [
        f"{word}: {bytes(v).hex(' ')}" for word, v in zip(arguments, values, strict=True) if word.startswith("out:")
    ]
    if spent:
        lines += ["", f"Nanoseconds of one call (median of {ROUNDS} rounds of {CALLS:,}, the loop in it)"]
        lines += columns([(one.how, f"{one.nanoseconds:.0f}", _ratio(one, spent[0])) for one in spent])
    emit("\n".join(lines), output)
    return ExitStatus.CLEAN


def _plain(result: Any) -> int | float | str | bool | None:
    """A result as something JSON has; a pointer as its address."""
    if isinstance(result, bytes):
        return result.decode("utf-8", "surrogateescape")
    if result is None or isinstance(result, (int, float, str, bool)):
        return result
    return repr(result)


def _ratio(one: Timing, ours: Timing) -> str:
    return "" if one is ours else f"x {one.nanoseconds / ours.nanoseconds:.2g}"
