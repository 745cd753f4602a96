"""Which files of a run may mean one another's names: what else is reviewed beside them changes no answer.

Files of C and C++ are one program: whatever links, links. A file of Python sees itself, the files it imports and those
that import it. Files of different languages name nothing of one another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePath
from typing import Final

from loadstone.review import ir
from loadstone.review.walk import kept

__all__ = ["Neighbours", "headers_of"]

_QUOTED_INCLUDE: Final = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"', re.MULTILINE)


@kept
def headers_of(unit: ir.Unit) -> frozenset[str]:
    """The names, without their folders, of the file itself and of the headers of its program that it includes."""
    quoted = {name.rpartition("/")[2] for name in _QUOTED_INCLUDE.findall(unit.text)}
    return frozenset({unit.path.rpartition("/")[2], *quoted})


class Neighbours:
    """The files of a run by who sees whom. What was worked out is kept; used by one thread."""

    def __init__(self, units: Iterable[ir.Unit]) -> None:
        self._python = {u.path: PurePath(u.path).stem for u in units if u.language is ir.Language.PYTHON}
        self._imports = {
            u.path: frozenset(name.rpartition(".")[2] for name in u.imports) for u in units if u.path in self._python
        }
        self._near: dict[str, frozenset[str]] = {}

    def near(self, unit: ir.Unit) -> frozenset[str]:
        """The paths of a file of Python, of those it imports and of those that import it."""
        known = self._near.get(unit.path)
        if known is None:
            own = self._python[unit.path]
            stems = self._imports[unit.path] | {own}
            users = {path for path, names in self._imports.items() if own in names}
            known = frozenset(users | {path for path, stem in self._python.items() if stem in stems})
            self._near[unit.path] = known
        return known

    def sees(self, unit: ir.Unit, other: ir.Unit) -> bool:
        """Whether a name in one file may mean something of another."""
        if unit is other:
            return True
        if unit.language is not ir.Language.PYTHON:
            return other.language is not ir.Language.PYTHON
        return other.language is ir.Language.PYTHON and other.path in self.near(unit)
