"""Where results and diagnostics go. The one writer: no content and no encoding makes it fail.

Results go to standard output or a file, diagnostics to standard error. A terminal that cannot show a character gets
a plain form of it: lines of trees in ASCII, everything else as an escape.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["accept_any_character", "colour_wanted", "emit", "emit_diagnostic"]

_PLAIN: Final = str.maketrans({"├": "|", "└": "`", "│": "|", "─": "-"})


def colour_wanted(stream: TextIO | None = None) -> bool:
    """Whether to colour: the stream is a terminal, NO_COLOR is unset or empty, TERM is not ``dumb``."""
    out = stream or sys.stdout
    return bool(out) and out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _plain_form(error: UnicodeError) -> tuple[str | bytes, int]:
    """What is written in place of characters the encoding does not have."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    there = error.object[error.start : error.end]
    return there.translate(_PLAIN).encode("ascii", "backslashreplace").decode("ascii"), error.end


codecs.register_error("loadstone.plain", _plain_form)


def accept_any_character() -> None:
    """From now on both standard streams write a plain form of what their encoding does not have."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="loadstone.plain")


def emit(text: str, output: Path | None = None) -> None:
    """Write a rendered result, with a final newline, to ``output`` or to standard output.

    Raises:
        Unwritable: the file cannot be written, the disk is full, or the reader of a pipe has gone.
    """
    text = text if text.endswith("\n") else f"{text}\n"
    try:
        if output is None:
            _write(sys.stdout, text)
        else:
            output.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        from loadstone.errors import Unwritable

        where = "standard output" if output is None else str(output)
        raise Unwritable(path=where, reason=error.strerror or str(error)) from error


def emit_diagnostic(text: str) -> None:
    """Say something about the run on standard error. Never fails: there is nobody left to tell."""
    with suppress(OSError):
        _write(sys.stderr, text if text.endswith("\n") else f"{text}\n")


def _write(stream: TextIO | None, text: str) -> None:
    """Write and flush; a stream that failed is pointed at nothing, or the interpreter's end would fail again."""
    if stream is None:  # the descriptor was closed before the program began
        raise OSError("the stream is closed")
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        with suppress(OSError, ValueError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, stream.fileno())
            os.close(nothing)
        raise
