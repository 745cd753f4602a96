"""``loadstone call``: one typed call of an exported function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from loadstone.cli.options import FormatOption, OutputFile, OutputFormat
from loadstone.cli.output import emit, require_format
from loadstone.escape import printable
from loadstone.report.text.style import columns

if TYPE_CHECKING:
    from loadstone.library.typed.timing import Timing


def run(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="The library, by name or path. It is loaded.")],
    prototype: Annotated[str, typer.Argument(help="The function, as C: 'double cos(double)'.")],
    arguments: Annotated[list[str] | None, typer.Argument(metavar="ARG...", help="Numbers, text, NULL, hex:..")] = None,
    bench: Annotated[bool, typer.Option("--bench", help="Call it many times and say how long one call takes.")] = False,
    output_format: FormatOption = OutputFormat.TEXT,
    output: OutputFile = None,
) -> None:
    """Load a library in this process and call one of its functions. Only for libraries you trust.

    Pointers take NULL, text, hex:0a0b for bytes, or out:16 for so many writable bytes, which are printed afterwards.
    A negative number comes after two dashes: loadstone call c 'int abs(int)' -- -5
    """
    from loadstone.library import Library
    from loadstone.library.typed.arguments import from_words
    from loadstone.library.typed.prototype import parse
    from loadstone.library.typed.timing import CALLS, ROUNDS, timings

    require_format(output_format, OutputFormat.TEXT, OutputFormat.JSON)
    words = arguments or []
    values = from_words(parse(prototype), words)
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
            arguments=words,
            result=shown,
            timings=[TimingDocument(how=one.how, nanoseconds=one.nanoseconds) for one in spent],
        )
        emit(render(document), output)
        return
    lines = [printable(str(shown))]
    lines += [f"{word}: {bytes(v).hex(' ')}" for word, v in zip(words, values, strict=True) if word.startswith("out:")]
    if spent:
        lines += ["", f"Nanoseconds of one call (median of {ROUNDS} rounds of {CALLS:,}, the loop in it)"]
        lines += columns([(one.how, f"{one.nanoseconds:.0f}", _ratio(one, spent[0])) for one in spent])
    emit("\n".join(lines), output)


def _plain(result: Any) -> int | float | str | bool | None:
    """A result as something JSON has; a pointer as its address."""
    if isinstance(result, bytes):
        return result.decode("utf-8", "surrogateescape")
    if result is None or isinstance(result, (int, float, str, bool)):
        return result
    return repr(result)


def _ratio(one: Timing, ours: Timing) -> str:
    return "" if one is ours else f"x {one.nanoseconds / ours.nanoseconds:.2g}"
