"""Write the pages that are made from the code: a page a rule, the list of rules, the JSON schemas.

``python docs/generate.py`` writes them; with ``--check`` it only says which are not up to date, and fails.
"""

from __future__ import annotations

import errno
import importlib
import json
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from loadstone.core.practices import Practice
from loadstone.core.rules import RuleText
from loadstone.core.weaknesses import weakness
from loadstone.probe.promises import PROMISES
from loadstone.report import documents
from loadstone.report.json import Document, schema
from loadstone.review.catalogue import catalogue

DOCS = Path(__file__).parent
FENCES = {"c": "c", "cpp": "cpp", "python": "python"}
NOTE = "<!-- made from the code by `make docs`; edit the rule, not this page -->\n\n"

ACCEPT_SOURCE = (
    "To accept a finding, say why in a comment on its line or the one above: `loadstone: ignore[{}] the reason`."
)
ACCEPT_BINARY = "To accept a finding, say why in a waiver of the project's settings (`docs/review/daily-use.md`)."


def rule_page(rule: RuleText) -> str:
    """One rule: question, weakness, reason, examples, what to do."""
    fence = FENCES.get(rule.applies_to[0], "sh") if rule.applies_to else ""
    facts = [f"**Looks for:** {rule.practice.value}", f"**Severity:** {rule.severity.value}"]
    facts += [f"**Weakness:** [{w.id}]({w.link}) {w.name}" for w in map(weakness, rule.cwe)]
    facts += [f"**Asked of:** {', '.join(rule.applies_to)}"]
    parts = [f"# {rule.question}", f"`{rule.id}`", "  \n".join(facts), rule.why]
    for title, code in (("Bad", rule.bad), ("Good", rule.good)):
        if code:
            body = code.strip("\n")
            parts.append(f"## {title}\n\n```{fence}\n{body}\n```")
    parts.append(f"## What to do\n\n{rule.fix}")
    parts.append(ACCEPT_BINARY if "elf" in rule.applies_to else ACCEPT_SOURCE.format(rule.id))
    if rule.references:
        parts.append("## See\n\n" + "\n".join(f"- <{reference}>" for reference in rule.references))
    return NOTE + "\n\n".join(parts) + "\n"


def rule_row(rule: RuleText) -> str:
    weaknesses = ", ".join(f"CWE-{number}" for number in rule.cwe)
    return f"| [{rule.id}]({rule.id}.md) | {rule.question} | {weaknesses} | {', '.join(rule.applies_to)} |"


def rule_list(rules: tuple[RuleText, ...]) -> str:
    """Every rule on a line, by practice."""
    parts = ["# The questions review asks", f"{len(rules)} rules. `loadstone rules ID` prints the same in a terminal."]
    for practice in Practice:
        group = [rule for rule in rules if rule.practice is practice]
        if group:
            rows = ["| rule | question | weakness | asked of |", "|---|---|---|---|"]
            rows += [rule_row(rule) for rule in group]
            parts.append(f"## {practice.value.capitalize()}\n\n" + "\n".join(rows))
    return NOTE + "\n\n".join(parts) + "\n"


def schemas() -> Iterator[tuple[str, str]]:
    """The JSON Schema of every kind of document."""
    for module in pkgutil.iter_modules(documents.__path__):
        importlib.import_module(f"{documents.__name__}.{module.name}")
    for kind in sorted(Document.__subclasses__(), key=lambda kind: kind.__name__):
        (name,) = [field.default for field in msgspec.structs.fields(kind) if field.name == "schema"]
        if not isinstance(name, str):
            name = f"{kind.__module__.rpartition('.')[2]}/1"
        file = name.removeprefix("loadstone.").replace("/", "-")
        yield f"schema/{file}.json", json.dumps(schema(kind), indent=2) + "\n"


PROMISES_BEGIN, PROMISES_END = "<!-- promises: made from loadstone.probe.promises -->\n", "<!-- promises end -->\n"


def with_promises(page: str) -> str:
    """The probe's page with the table of what each layer refuses, as it is tried."""
    head, _, rest = page.partition(PROMISES_BEGIN)
    _, _, tail = rest.partition(PROMISES_END)
    rows = "".join(
        f"| `{promise.layer}` | {promise.words} | {', '.join(errno.errorcode[code] for code in promise.kept_by)} |\n"
        for promise in PROMISES
    )
    table = f"| layer | refused | the system's answer |\n|---|---|---|\n{rows}"
    return f"{head}{PROMISES_BEGIN}\n{table}\n{PROMISES_END}{tail}"


def pages() -> Iterator[tuple[str, str]]:
    """Every page with its path below ``docs/``."""
    rules = catalogue()
    yield "rules/README.md", rule_list(rules)
    yield from ((f"rules/{rule.id}.md", rule_page(rule)) for rule in rules)
    yield from schemas()
    yield "reference/probe.md", with_promises((DOCS / "reference/probe.md").read_text())


def main() -> int:
    made = dict(pages())
    old = {str(path.relative_to(DOCS)) for folder in ("rules", "schema") for path in (DOCS / folder).glob("*.*")}
    stale = [name for name, text in made.items() if not (DOCS / name).exists() or (DOCS / name).read_text() != text]
    left = sorted(old - made.keys())
    if "--check" in sys.argv[1:]:
        for name in (*stale, *left):
            print(f"docs/{name} is not up to date: run `make docs`", file=sys.stderr)
        return bool(stale or left)
    for name in stale:
        (DOCS / name).parent.mkdir(exist_ok=True)
        (DOCS / name).write_text(made[name])
    for name in left:
        (DOCS / name).unlink()
    print(f"{len(made)} pages, {len(stale)} written, {len(left)} removed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
