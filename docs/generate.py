"""Write the pages that are made from the code: rules, JSON schemas, every command's options, the Python interface.

``python docs/generate.py`` writes them; with ``--check`` it only says which are not up to date, and fails.
"""

from __future__ import annotations

import argparse
import errno
import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

from figures import performance_page
from schemas import schema_pages
from shell import shell_files

from loadstone.cli.main import COMMANDS, Command, parser_of
from loadstone.core.practices import Practice
from loadstone.core.rules import RuleText
from loadstone.core.weaknesses import weakness
from loadstone.fleet.schema import TABLES, VERSION
from loadstone.probe.promises import PROMISES
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
    parts.append(f"## How to fix it\n\n{rule.fix}")
    parts.append(ACCEPT_BINARY if "elf" in rule.applies_to else ACCEPT_SOURCE.format(rule.id))
    if rule.references:
        parts.append("## See\n\n" + "\n".join(f"- <{reference}>" for reference in rule.references))
    return NOTE + "\n\n".join(parts) + "\n"


def rule_row(rule: RuleText) -> str:
    weaknesses = ", ".join(f"CWE-{number}" for number in rule.cwe)
    return f"| [{rule.id}]({rule.id}.md) | {rule.question} | {weaknesses} | {', '.join(rule.applies_to)} |"


def rule_list(rules: tuple[RuleText, ...]) -> str:
    """Every rule on a line, by practice."""
    parts = ["# Rules", f"{len(rules)} rules. `loadstone rules ID` explains one in the terminal."]
    for practice in Practice:
        group = [rule for rule in rules if rule.practice is practice]
        if group:
            rows = ["| rule | question | weakness | applies to |", "|---|---|---|---|"]
            rows += [rule_row(rule) for rule in group]
            parts.append(f"## {practice.value.capitalize()}\n\n" + "\n".join(rows))
    return NOTE + "\n\n".join(parts) + "\n"


def weakness_list(rules: tuple[RuleText, ...]) -> str:
    """Every weakness with the rules that ask about it, by number: what somebody with a CWE in hand looks up."""
    rows = ["| weakness | name | rules |", "|---|---|---|"]
    for number in sorted({number for rule in rules for number in rule.cwe}):
        known = weakness(number)
        asked = ", ".join(f"[{rule.id}]({rule.id}.md)" for rule in rules if number in rule.cwe)
        rows.append(f"| [{known.id}]({known.link}) | {known.name} | {asked} |")
    head = "# Rules by CWE\n\n`loadstone rules CWE-426` lists the rules for one weakness in the terminal."
    return NOTE + head + "\n\n" + "\n".join(rows) + "\n"


def usage(command: Command, actions: list[argparse.Action]) -> str:
    """The command with what it must be given."""
    words = [f"loadstone {command.name}", "[OPTION ...]"]
    for action in (action for action in actions if not action.option_strings):
        name = str(action.metavar or action.dest).upper()
        plural = {"+": f"{name} [{name} ...]", "*": f"[{name} ...]", "?": f"[{name}]"}
        words.append(plural.get(str(action.nargs), name))
    return " ".join(words)


def command_section(command: Command) -> str:
    """What ``--help`` says of one command. From the parser, as the layout of ``--help`` is each Python's own."""
    parser = parser_of(command)
    parts = [f"## {command.name}", f"```text\n{usage(command, parser._actions)}\n```", parser.description or ""]
    rows = ["| option or argument | meaning |", "|---|---|"]
    for action in parser._actions:
        value = "" if action.nargs == 0 else " " + str(action.metavar or "{" + ",".join(action.choices or ()) + "}")
        names = [f"`{name}{value}`" for name in action.option_strings] or [f"`{action.metavar or action.dest}`"]
        text = (action.help or "").replace("|", "\\|").replace("<", "&lt;")
        rows.append(f"| {', '.join(names)} | {text} |")
    return "\n\n".join((*parts, "\n".join(rows)))


def command_list() -> str:
    """Every command with its options."""
    head = "# Commands\n\nEach command has `--help`. [Exit statuses](exit-statuses.md) are the same for all."
    return NOTE + "\n\n".join((head, *map(command_section, COMMANDS))) + "\n"


PACKAGES = ("binary", "linker", "library", "plugin", "probe", "review", "fuzz", "archives", "errors", "")


def interfaces() -> Iterator[tuple[str, str]]:
    """What each package exports; mkdocstrings fills in signatures and docstrings. The front door links to them."""
    described: set[str] = set()
    for name in PACKAGES:
        package = f"loadstone.{name}".rstrip(".")
        module = importlib.import_module(package)
        exported = [getattr(module, name) for name in sorted(module.__all__, key=str.casefold)]
        things = [thing for thing in exported if inspect.isclass(thing) or inspect.isfunction(thing)]
        places = dict.fromkeys(f"{thing.__module__}.{thing.__qualname__}" for thing in things)
        links = "".join(f"- [`{place.rpartition('.')[2]}`][{place}]\n" for place in places if place in described)
        own = "\n".join(f"::: {place}" for place in places if place not in described)
        described |= places.keys()
        text = (inspect.getdoc(module) or "").partition("\n\n")[0]
        yield f"reference/api/{name or 'loadstone'}.md", f"{NOTE}# `{package}`\n\n{text}\n\n{links}\n{own}\n"


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


def fleet_tables() -> str:
    """The tables of a fleet's store, column by column."""
    parts = [f"# The tables of a fleet, version {VERSION}"]
    for table in TABLES.values():
        rows = ["| column | type | what |", "|---|---|---|"]
        rows += [f"| `{f.name}` | {_arrow_type(f.type)} | {f.metadata[b'doc'].decode()} |" for f in table.schema]
        parts.append(f"## {table.name}\n\n{table.row} Files apart by `{table.partition}`.\n\n" + "\n".join(rows))
    return NOTE + "\n\n".join(parts) + "\n"


def _arrow_type(kind: object) -> str:
    text = str(kind)
    return (
        "string, dictionary-encoded" if text.startswith("dictionary") else text.replace("<item: ", " of ").rstrip(">")
    )


def pages() -> Iterator[tuple[str, str]]:
    """Every page with its path below ``docs/``."""
    rules = catalogue()
    yield "rules/README.md", rule_list(rules)
    yield from ((f"rules/{rule.id}.md", rule_page(rule)) for rule in rules)
    yield "rules/by-cwe.md", weakness_list(rules)
    yield "reference/commands.md", command_list()
    yield from interfaces()
    yield "schema/fleet.md", fleet_tables()
    yield from schema_pages()
    yield "performance.md", performance_page()
    yield "reference/probe.md", with_promises((DOCS / "reference/probe.md").read_text())
    yield from ((f"../share/{path}", text) for path, text in shell_files())


def main() -> int:
    made = dict(pages())
    old = {
        str(path.relative_to(DOCS))
        for folder in ("rules", "schema", "reference/api", "reference/json")
        for path in (DOCS / folder).glob("*.*")
    }
    stale = [name for name, text in made.items() if not (DOCS / name).exists() or (DOCS / name).read_text() != text]
    left = sorted(old - made.keys())
    if "--check" in sys.argv[1:]:
        for name in (*stale, *left):
            print(f"docs/{name} is not up to date: run `make docs`", file=sys.stderr)
        return bool(stale or left)
    for name in stale:
        (DOCS / name).parent.mkdir(parents=True, exist_ok=True)
        (DOCS / name).write_text(made[name])
    for name in left:
        (DOCS / name).unlink()
    print(f"{len(made)} pages, {len(stale)} written, {len(left)} removed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
