"""Where results go: standard output or a file, with colour on a terminal only."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TextIO

from loadstone.cli.options import OutputFormat
from loadstone.errors import Unsupported, Unwritable

__all__ = ["colour_wanted", "emit", "require_format"]


def colour_wanted(stream: TextIO | None = None) -> bool:
    """Whether to colour: the stream is a terminal, NO_COLOR is unset or empty, TERM is not ``dumb``."""
    out = stream or sys.stdout
    return out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def require_format(wanted: OutputFormat, *offered: OutputFormat) -> None:
    """Refuse a format the command does not offer, naming those it does."""
    if wanted not in offered:
        raise Unsupported(
            feature=f"--format {wanted}",
            reason="this command has no such rendering",
            advice=f"use one of: {', '.join(offered)}",
        )


def emit(text: str, output: Path | None = None) -> None:
    """Write a rendered result, with a final newline, to ``output`` or to standard output."""
    text = text if text.endswith("\n") else f"{text}\n"
    if output is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Unwritable(path=str(output), reason=error.strerror or str(error)) from error
