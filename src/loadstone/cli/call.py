"""``loadstone call``: one typed call of an exported function."""

from __future__ import annotations

from time import perf_counter_ns
from typing import Annotated, Any

import typer

from loadstone.cli.options import FormatOption, OutputFile, OutputFormat
from loadstone.cli.output import emit, require_format
from loadstone.escape import printable

_BENCH_ROUNDS = 7
_BENCH_CALLS = 100_000


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
    """
    from loadstone.library import Library
    from loadstone.library.arguments import from_words
    from loadstone.library.prototype import parse

    require_format(output_format, OutputFormat.TEXT, OutputFormat.JSON)
    words = arguments or []
    values = from_words(parse(prototype), words)
    library = Library(target)
    function = library.function(prototype)
    result = function(*values)
    spent = _nanoseconds(function, values) if bench else None
    shown = _plain(result)
    if output_format is OutputFormat.JSON:
        from loadstone.report.documents.call import CallDocument
        from loadstone.report.json import render

        document = CallDocument(
            schema="loadstone.call/1",
            library=library.file_name,
            prototype=prototype,
            arguments=words,
            result=shown,
            nanoseconds=spent,
        )
        emit(render(document), output)
        return
    lines = [printable(str(shown))]
    lines += [f"{word}: {bytes(v).hex(' ')}" for word, v in zip(words, values, strict=True) if word.startswith("out:")]
    if spent is not None:
        lines.append(f"{spent:.0f} ns a call (median of {_BENCH_ROUNDS} rounds of {_BENCH_CALLS:,})")
    emit("\n".join(lines), output)


def _plain(result: Any) -> int | float | str | bool | None:
    """A result as something JSON has; a pointer as its address."""
    if isinstance(result, bytes):
        return result.decode("utf-8", "surrogateescape")
    if result is None or isinstance(result, (int, float, str, bool)):
        return result
    return repr(result)


def _nanoseconds(function: Any, values: tuple[Any, ...]) -> float:
    """The median round's time for one call; the loop itself is part of it."""
    rounds = []
    for _ in range(_BENCH_ROUNDS):
        start = perf_counter_ns()
        for _ in range(_BENCH_CALLS):
            function(*values)
        rounds.append((perf_counter_ns() - start) / _BENCH_CALLS)
    return sorted(rounds)[_BENCH_ROUNDS // 2]
