"""The named questions: one SQL file each, which begins with what it is called, what it asks, and what it must be told.

::

    -- question: Which files need a version of a symbol?
    -- parameter: version = GLIBC_2.38: the version, as the linker writes it
    -- optional: machine = %: only for this processor
    -- known: machine = SELECT machine FROM files

The file's name is the question's. In the query ``$version`` stands for the value. ``known`` is what a value must be, or
be like: where a question has no answer, one that is nothing known is refused. Adding a question is adding a file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Final

from loadstone.errors import InvalidQuery
from loadstone.quick_dataclass import dataclass

__all__ = ["FleetQuestion", "QuestionParameter", "question_named", "questions"]

_KNOWN: Final = re.compile(r"-- known: (\w+) = (.+)")
_PARAMETER: Final = re.compile(r"-- (parameter|optional): (\w+) = (.*?): (.+)")


@dataclass(frozen=True, slots=True)
class QuestionParameter:
    """One thing a question must be told: its name, an example (of an optional one: what is taken), what it is.

    ``known`` is a query for the names that a value stands for, empty where it stands for none.
    """

    name: str
    example: str
    text: str
    is_optional: bool
    known: str = ""

    def nearest(self, limit: int) -> str:
        """A query for the known names that look most like ``$value``, whether it is like one of them first."""
        return f"""
            WITH known AS (SELECT DISTINCT name FROM ({self.known}) AS told(name) WHERE name IS NOT NULL),
            near AS (
                SELECT name, max(jaro_winkler_similarity(lower(part), lower(replace($value, '%', '')))) AS likeness
                FROM (SELECT name, unnest([name, split_part(name, '/', -1)]) AS part FROM known) GROUP BY name)
            SELECT EXISTS (SELECT 1 FROM known WHERE name LIKE $value),
                   (SELECT list(name ORDER BY likeness DESC, name)[1:{limit}] FROM near WHERE likeness > 0.8)"""  # noqa: S608 - of our own files


@dataclass(frozen=True, slots=True)
class FleetQuestion:
    """A named query: the question in words, its parameters in order, the SQL. ``needs_before``: it compares two."""

    name: str
    text: str
    parameters: tuple[QuestionParameter, ...]
    query: str

    @property
    def needs_before(self) -> bool:
        return "before." in self.query

    def bound(self, values: Sequence[str], named: Mapping[str, str]) -> dict[str, str]:
        """A value for every parameter. Raises InvalidQuery for one that is missing, twice there, or not known."""
        names = [parameter.name for parameter in self.parameters]
        if len(values) > len(names):
            raise self._refused(f"it takes {len(names)} values, {len(values)} were given")
        given = dict(zip(names, values, strict=False))
        for name, value in named.items():
            if name not in names or name in given:
                raise self._refused(f"{name} is given twice" if name in given else f"it has no parameter {name}")
            given[name] = value
        for parameter in self.parameters:
            if parameter.name not in given and not parameter.is_optional:
                raise self._refused(f"{parameter.name} is missing: {parameter.text}, such as {parameter.example}")
            given.setdefault(parameter.name, parameter.example)
        return given

    def unknown(self, name: str, value: str, near: Sequence[str]) -> InvalidQuery:
        """The refusal of a value that is like no name the snapshot has."""
        reason = f"nothing in the snapshot is like {value!r}, which was given as its {name}"
        advice = f"near to it: {', '.join(near)}" if near else "`%` in a pattern stands for any characters"
        return InvalidQuery(question=self.name, reason=reason, advice=advice)

    def _refused(self, reason: str) -> InvalidQuery:
        words = " ".join(f"[{p.name.upper()}]" if p.is_optional else p.name.upper() for p in self.parameters)
        return InvalidQuery(question=self.name, reason=reason, advice=f"ask {self.name} {words}".rstrip())


@cache
def questions() -> tuple[FleetQuestion, ...]:
    """Every named question, by name."""
    files = [file for file in resources.files(__package__).iterdir() if file.name.endswith(".sql")]
    made = (_parsed(file.name.removesuffix(".sql"), file.read_text(encoding="utf-8")) for file in files)
    return tuple(sorted(made, key=lambda question: question.name))


def question_named(name: str) -> FleetQuestion:
    """The question of that name. Raises InvalidQuery, with those there are."""
    found = next((question for question in questions() if question.name == name), None)
    if found is None:
        known = ", ".join(question.name for question in questions())
        raise InvalidQuery(question=name, reason="no such question", advice=f"there are: {known}")
    return found


def _parsed(name: str, sql: str) -> FleetQuestion:
    text = re.search(r"-- question: (.+)", sql)
    assert text is not None, name
    known = dict(_KNOWN.findall(sql))
    parameters = tuple(
        QuestionParameter(word, example, about, kind == "optional", known.get(word, ""))
        for kind, word, example, about in _PARAMETER.findall(sql)
    )
    return FleetQuestion(name, text[1], parameters, sql)
