"""Settings of a project: ``[tool.loadstone.review]`` in its pyproject.toml, the nearest one from here upward.

::

    [tool.loadstone.review]
    exclude = ["vendor/*", "*_pb2.py"]
    fail-on = "medium"
    strict = false
    with = ["cppcheck", "bandit"]
    baseline = "loadstone.sarif"          # beside the file itself
    tables = ["interfaces.toml"]           # what your own wrappers do, in the form of the shipped tables
    waivers = [{ rule = "relro", path = "vendor/*.so", reason = "built by the vendor", until = 2027-01-31 }]

A word that is not known, or of the wrong kind, is an error: a setting without effect is worse than none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from loadstone.core.claims import Location, Severity
from loadstone.errors import InvalidConfiguration
from loadstone.files import read_text, read_toml
from loadstone.review.apis import read_table
from loadstone.review.suppress import ListedWaiver

__all__ = ["Configuration", "read_configuration"]

_FILE: Final = "pyproject.toml"


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings, with what holds when nothing is said."""

    exclude: tuple[str, ...] = ()
    fail_on: Severity = Severity.MEDIUM
    strict: bool = False
    engines: tuple[str, ...] = ()
    baseline: Path | None = None
    tables: tuple[str, ...] = ()
    waivers: tuple[ListedWaiver, ...] = ()


class _Waiver(msgspec.Struct, forbid_unknown_fields=True):
    reason: Annotated[str, msgspec.Meta(min_length=1)]
    rule: str = ""
    path: str = "*"
    fingerprint: str = ""
    until: date | None = None

    def __post_init__(self) -> None:
        if not self.rule and not self.fingerprint:
            raise ValueError("a waiver names a rule or a fingerprint")


class _Table(msgspec.Struct, forbid_unknown_fields=True, rename="kebab"):
    exclude: list[str] = []
    fail_on: Severity = Severity.MEDIUM
    strict: bool = False
    engines: list[str] = msgspec.field(default_factory=list, name="with")
    baseline: str | None = None
    tables: list[str] = []
    waivers: list[_Waiver] = []


def _nearest(folder: Path) -> Path | None:
    return next((at / _FILE for at in (folder, *folder.parents) if (at / _FILE).is_file()), None)


def _table(path: Path) -> Any:
    tree = read_toml(path)
    for key in ("tool", "loadstone", "review"):
        tree = tree.get(key, {}) if isinstance(tree, dict) else {}
    return tree


def read_configuration(path: Path | None = None) -> Configuration:
    """The settings in ``path``, or in the nearest pyproject.toml from the current directory upward, or the defaults.

    Raises:
        Unreadable: the file that was named cannot be read.
        InvalidConfiguration: it is not TOML, or a setting is not known or of the wrong kind.
    """
    found = path or _nearest(Path.cwd())
    if found is None:
        return Configuration()
    try:
        table = msgspec.convert(_table(found), _Table)
    except msgspec.ValidationError as error:
        advice = "see the settings in the documentation of `loadstone review`"
        raise InvalidConfiguration(
            path=str(found), reason=f"[tool.loadstone.review]: {error}", advice=advice
        ) from error
    return Configuration(
        exclude=tuple(table.exclude),
        fail_on=table.fail_on,
        strict=table.strict,
        engines=tuple(table.engines),
        baseline=found.parent / table.baseline if table.baseline else None,
        tables=_tables(found, table.tables),
        waivers=tuple(
            ListedWaiver(w.reason, Location(str(found)), w.rule, w.path, w.fingerprint, w.until) for w in table.waivers
        ),
    )


def _tables(configuration: Path, names: list[str]) -> tuple[str, ...]:
    """The paths of the tables, each read once here so that a wrong one is an error of the settings."""
    paths = tuple(str(configuration.parent / name) for name in names)
    for path in paths:
        try:
            tuple(read_table(read_text(path)))
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidConfiguration(path=path, reason=f"not a table of interfaces: {error}") from error
    return paths
