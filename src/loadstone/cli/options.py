"""Options that several commands share, declared once so that they read and behave the same everywhere."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from loadstone.core.claims import Severity

__all__ = ["FailOn", "FormatOption", "OutputFile", "OutputFormat", "Verbosity"]


class OutputFormat(StrEnum):
    """How a result is rendered; not every command offers every one."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    MARKDOWN = "markdown"
    HTML = "html"


FormatOption = Annotated[OutputFormat, typer.Option("--format", "-f", help="How to render the result.")]
OutputFile = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the result to FILE, not standard output.")
]
FailOn = Annotated[Severity, typer.Option("--fail-on", help="Exit with 1 when a finding is at least this severe.")]
Verbosity = Annotated[int, typer.Option("--verbose", "-v", count=True, help="Say more; can be repeated.")]
