"""Rules as text: one in full, or all of them a line each."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from loadstone.core.counting import counted
from loadstone.core.rules import RuleText
from loadstone.core.weaknesses import weakness
from loadstone.report.text.style import Style, columns

__all__ = ["render_list", "render_rule"]

_WIDTH = 100


def _weaknesses(rule: RuleText) -> str:
    return ", ".join(f"CWE-{number}" for number in rule.cwe)


def render_list(rules: Sequence[RuleText], style: Style) -> str:
    """Every rule on a line, grouped by what it looks for."""
    lines = [f"{counted(len(rules), 'question')}; `loadstone rules ID` says why one is asked and shows a good answer."]
    for practice in dict.fromkeys(rule.practice for rule in rules):
        group = [rule for rule in rules if rule.practice is practice]
        lines += ["", style.heading(practice.value.capitalize())]
        lines += columns([(rule.id, _weaknesses(rule), rule.question) for rule in group])
    return "\n".join(lines) + "\n"


def render_rule(rule: RuleText, style: Style) -> str:
    """One rule with its reasons and examples."""
    named = "; ".join(f"{weakness(number).id} {weakness(number).name}" for number in rule.cwe)
    rows: list[tuple[str, ...]] = [("looks for", rule.practice.value), ("severity", rule.severity.value)]
    if named:
        rows.insert(1, ("weakness", named))
    if rule.applies_to:
        rows.append(("asked of", ", ".join(rule.applies_to)))
    blocks = [
        [f"{style.bold(rule.id)}: {rule.question}"],
        columns(rows),
        textwrap.wrap(rule.why, _WIDTH),
        _example("Bad", rule.bad, style),
        _example("Good", rule.good, style),
        [style.heading("Fix"), *textwrap.wrap(rule.fix, _WIDTH, initial_indent="  ", subsequent_indent="  ")],
        [style.heading("See"), *(f"  {reference}" for reference in rule.references)] if rule.references else [],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _example(title: str, code: str, style: Style) -> list[str]:
    return [style.heading(title), textwrap.indent(textwrap.dedent(code).strip("\n"), "    ")] if code else []
