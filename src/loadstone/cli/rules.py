"""``loadstone rules``: what is asked, why, and how a bad and a good answer look."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING

from loadstone.cli.exits import ExitStatus, UsageError
from loadstone.cli.options import OutputFormat, add_format, add_output
from loadstone.cli.output import colour_wanted, emit

if TYPE_CHECKING:
    from loadstone.core.rules import RuleText


def add_arguments(parser: ArgumentParser) -> None:
    """What this command takes."""
    parser.add_argument(
        "rules", nargs="*", metavar="ID", help="a rule, or a weakness as CWE-114; all rules when left out"
    )
    add_format(parser, OutputFormat.TEXT, OutputFormat.JSON)
    add_output(parser)


def run(*, rules: list[str], output_format: OutputFormat, output: Path | None) -> ExitStatus:
    """What review asks of source code and of binaries: the question, why it matters, a bad and a good example."""
    from loadstone.review.catalogue import catalogue

    chosen = tuple(dict.fromkeys(one for word in rules for one in _named(word))) if rules else catalogue()
    if output_format is OutputFormat.JSON:
        from loadstone.report.documents.review import rules_document
        from loadstone.report.json import render

        emit(render(rules_document(chosen)), output)
        return ExitStatus.CLEAN
    from loadstone.report.text.rules import render_list, render_rule
    from loadstone.report.text.style import Style

    style = Style(output is None and colour_wanted())
    emit(render_rule(chosen[0], style) if len(chosen) == 1 else render_list(chosen, style), output)
    return ExitStatus.CLEAN


def _named(word: str) -> tuple[RuleText, ...]:
    from loadstone.review.catalogue import rules_named

    found = rules_named(word)
    if not found:
        raise UsageError(_no_such_rule(word))
    return found


def _no_such_rule(word: str) -> str:
    from loadstone.escape import quoted
    from loadstone.review.catalogue import names_like

    near = names_like(word)
    advice = (
        f"Did you mean {', '.join(near)}?" if near else "`loadstone rules` lists them; a weakness is given as CWE-114."
    )
    return f"no such rule: {quoted(word)}. {advice}"
