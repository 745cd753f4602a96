"""Can the members of an archive land only below the directory they are unpacked into?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.rules.places import PYTHON
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import calls, expressions, statements

__all__ = ["RULE"]

_CONFINES: Final = frozenset(
    {
        ("is_relative_to"),
        ("commonpath"),
        ("commonprefix"),
        ("isreg"),
        ("isfile"),
        ("issym"),
        ("islnk"),
        ("normpath"),
        ("basename"),
    }
)


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for unit in facts.program.units:
        if unit.language is not ir.Language.PYTHON or not ("tarfile" in unit.text or "unpack_archive" in unit.text):
            continue
        good: list[int] = []
        for function in unit.functions:
            archives = _archives(function)
            looked_at = {simple(call.name) for call in calls(function.body.body)} & _CONFINES
            for call in calls(function.body.body):
                word = simple(call.name)
                ours = call.receiver is not None and spelled(call.receiver) in archives
                unpacks = call.name == "shutil.unpack_archive"
                if not ((word in {"extractall", "extract"} and ours) or unpacks):
                    continue
                filtered = "filter" in dict(call.keywords)
                if filtered or (looked_at and not unpacks):
                    good.append(call.line)
                    continue
                yield rule.no(
                    f"{word} writes members of the archive wherever their names and links lead.",
                    Location.lines(unit.path, call.line),
                    context=function.name,
                )
        if good:
            yield rule.yes(
                "Members of archives are confined to where they are unpacked",
                Location.lines(unit.path, good[0]),
                met=len(good),
                sites=len(good),
                places=tuple(Location.lines(unit.path, line) for line in good),
            )


def _archives(function: ir.Function) -> set[str]:
    """Variables that hold an open tar archive; zipfile confines members by itself."""
    found = set()
    for statement in statements(function.body.body):
        pairs: list[tuple[ir.Expression, ir.Expression | None]] = []
        if isinstance(statement, ir.Assign) and statement.value is not None:
            pairs = [(statement.value, statement.target)]
        elif isinstance(statement, ir.With):
            pairs = list(statement.items)
        for value, target in pairs:
            if target is not None and any(
                isinstance(part, ir.Call) and part.name.startswith("tarfile.") for part in expressions(value)
            ):
                found.add(spelled(target))
    for parameter in function.parameters:
        if parameter.type.startswith("tarfile."):
            found.add(parameter.name)
    return found


RULE: Final = Rule(
    id="zip-slip",
    question="Can the members of an archive land only below the directory they are unpacked into?",
    practice=Practice.INPUT_VALIDATION,
    cwe=22,
    severity=Severity.HIGH,
    languages=PYTHON,
    why="A member called ../../lib/x.so, or a link to one, replaces a library outside of the directory.",
    fix="Pass filter='data', or look at every member's name and kind first.",
    bad="with tarfile.open(path) as archive:\n    archive.extractall(plugins)\n",
    good='with tarfile.open(path) as archive:\n    archive.extractall(plugins, filter="data")\n',
    references=(
        "https://docs.python.org/3/library/tarfile.html#extraction-filters",
        "https://cwe.mitre.org/data/definitions/22.html",
    ),
    answer=_answer,
)
