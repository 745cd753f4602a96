"""Settings of a project: ``[tool.loadstone.review]`` in pyproject.toml, or ``[review]`` in loadstone.toml.

The nearest file from here upward that has settings counts, and of two in one folder loadstone.toml::

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

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from loadstone.core.claims import Location, Severity
from loadstone.errors import InvalidConfiguration
from loadstone.files import read_text, read_toml
from loadstone.quick_dataclass import dataclass
from loadstone.review.apis import read_table
from loadstone.review.suppress import ListedWaiver

__all__ = ["Configuration", "read_configuration", "settings_schema"]

_OWN: Final = "loadstone.toml"
_SHARED: Final = "pyproject.toml"


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


class _Settings(msgspec.Struct, forbid_unknown_fields=True):
    """All that ``[tool.loadstone]``, or a loadstone.toml, may have."""

    review: _Table = msgspec.field(default_factory=_Table)


def settings_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a loadstone.toml, for editors."""
    return msgspec.json.schema(_Settings)


def _nearest(folder: Path) -> tuple[Path, Any]:
    """The nearest file that has settings, and these; the folder itself and nothing when there is none."""
    for at in (folder, *folder.parents):
        for path in (at / _OWN, at / _SHARED):
            if path.is_file() and (settings := _settings(path)) is not None:
                return path, settings
    return folder, {}


def _settings(path: Path) -> Any:
    """What the file has for Loadstone; None when that is nothing."""
    tree = read_toml(path)
    if path.name != _SHARED:
        return tree
    tool = tree.get("tool")
    return tool.get("loadstone") if isinstance(tool, dict) else None


def read_configuration(path: Path | None = None) -> Configuration:
    """The settings in ``path``, or the nearest ones from the current directory upward, or the defaults.

    Raises:
        Unreadable: the file that was named cannot be read.
        InvalidConfiguration: it is not TOML, or a setting is not known or of the wrong kind.
    """
    found, settings = (path, _settings(path) or {}) if path is not None else _nearest(Path.cwd())
    try:
        table = msgspec.convert(settings, _Settings).review
    except msgspec.ValidationError as error:
        advice = "the settings are listed in docs/review/daily-use.md; docs/schema/settings-1.json is their schema"
        raise InvalidConfiguration(path=str(found), reason=f"settings of Loadstone: {error}", advice=advice) from error
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
