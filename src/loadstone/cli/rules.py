"""``loadstone rules``: what is asked, why, and how a bad and a good answer look."""

from __future__ import annotations

from typing import Annotated

import typer

from loadstone.cli.options import FormatOption, OutputFile, OutputFormat
from loadstone.cli.output import colour_wanted, emit, require_format


def run(
    rule: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="The rule to explain; all of them when left out.")
    ] = None,
    output_format: FormatOption = OutputFormat.TEXT,
    output: OutputFile = None,
) -> None:
    """What review asks of source code and of binaries: the question, why it matters, a bad and a good example."""
    from loadstone.review.catalogue import catalogue, rule_text

    require_format(output_format, OutputFormat.TEXT, OutputFormat.JSON)
    chosen = [rule_text(rule)] if rule is not None else [*catalogue()]
    if output_format is OutputFormat.JSON:
        from loadstone.report.documents.review import rules_document
        from loadstone.report.json import render

        emit(render(rules_document(chosen)), output)
        return
    from loadstone.report.text.rules import render_list, render_rule
    from loadstone.report.text.style import Style

    style = Style(output is None and colour_wanted())
    emit(render_rule(chosen[0], style) if rule is not None else render_list(chosen, style), output)
