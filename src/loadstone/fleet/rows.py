"""Facts as rows: each table of :mod:`loadstone.fleet.schema` filled from values of the other packages.

Symbols stay columns from the file to the table; everything else is few. Text that is not UTF-8 is written with
escapes, as Parquet has UTF-8 only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b as _hashed
from typing import Any, Final

from loadstone.core.claims import Claim, Finding, Undecided
from loadstone.core.image import Image
from loadstone.fleet.extra import needed_for
from loadstone.fleet.facts import FileFacts, ImageFacts
from loadstone.fleet.schema import TABLES, plain
from loadstone.fleet.symbols import symbol_columns, valid_text
from loadstone.plugin.metadata import PluginMetadata

__all__ = ["TableRows", "add_facts", "cwe_of"]

pa: Any = needed_for("a fleet's store", "pyarrow")

_SKETCH: Final = 64
_WRITTEN: Final = {name: plain(table.schema) for name, table in TABLES.items()}


class TableRows:
    """Rows of every table as they come, until they are taken as Arrow tables. Not thread-safe: each task its own."""

    def __init__(self) -> None:
        self._rows: dict[str, list[tuple[object, ...]]] = {name: [] for name in TABLES}
        self._ready: dict[str, list[Any]] = {name: [] for name in TABLES}
        self.symbols: int = 0

    def add(self, table: str, *row: object) -> None:
        """One row, its values in the order of the schema's columns."""
        self._rows[table].append(tuple(_stored(value) for value in row))

    def add_columns(self, table: str, key: tuple[str, int, str], columns: Mapping[str, Any]) -> None:
        """Many rows of one image at once, as Arrow arrays by column."""
        count = len(next(iter(columns.values())))
        names = ("file", "slice", "machine")
        schema = _WRITTEN[table]
        own = {
            name: pa.repeat(pa.scalar(value, schema.field(name).type), count)
            for name, value in zip(names, key, strict=True)
        }
        made = {**own, **columns}
        self._ready[table].append(pa.Table.from_arrays([made[name] for name in schema.names], schema=schema))
        self.symbols += count

    def tables(self) -> Iterator[tuple[str, Any]]:
        """Every table that has rows, as an Arrow table of the documented schema, as it is written."""
        for name, schema in _WRITTEN.items():
            pieces = list(self._ready[name])
            if self._rows[name]:
                columns = zip(*self._rows[name], strict=True)
                arrays = [pa.array(list(c), field.type) for c, field in zip(columns, schema, strict=True)]
                pieces.append(pa.Table.from_arrays(arrays, schema=schema))
            if pieces:
                yield name, pa.concat_tables(pieces)


def _stored(value: object) -> object:
    """A value as Parquet can hold it: text in valid UTF-8."""
    if isinstance(value, str):
        return valid_text(value)
    if isinstance(value, (tuple, list)):
        return [_stored(item) for item in value]
    return value


def add_facts(rows: TableRows, facts: FileFacts) -> None:
    """Write down one file: a row in ``files`` for each of its images, and what they need, offer and say."""
    for number, found in enumerate(facts.images):
        image = found.image
        key = (facts.digest, number, image.machine.name)
        columns, exported, imported = symbol_columns(image.symbols)
        rows.add_columns("symbols", key, columns)
        _add_image(rows, key, image, facts.size, exported, imported)
        for table, made in _OTHERS:
            for row in made(found):
                rows.add(table, *key, *row)


def _add_image(
    rows: TableRows, key: tuple[str, int, str], image: Image, size: int, exported: Sequence[str], imported: int
) -> None:
    rows.add(
        "files",
        *key,
        size,
        image.format.value,
        image.bits,
        image.byte_order.value,
        image.kind.value,
        image.identity,
        image.build_id,
        image.interpreter,
        image.rpath or tuple(d.text for d in image.search_dirs if d.kind == "lc_rpath"),
        image.runpath,
        [str(trait) for trait in image.traits],
        [f"{note.owner}:{note.kind}" for note in image.notes],
        [f"{damage.field}: {damage.what}" for damage in image.damage],
        len(exported),
        imported,
        _sketch(exported),
    )


def _sketch(names: Iterable[str]) -> list[int]:
    """The smallest hashes of a set of names: of two sets, the share they have in common estimates their likeness."""
    distinct = {name.encode("utf-8", "surrogateescape") for name in names}
    hashed = sorted([_hashed(name, digest_size=8).digest() for name in distinct])[:_SKETCH]
    return [int.from_bytes(each, "big") for each in hashed]


def _needs(found: ImageFacts) -> Iterator[tuple[object, ...]]:
    for position, need in enumerate(found.image.needed):
        yield position, need.name, need.kind.value, need.required


def _versions(found: ImageFacts) -> Iterator[tuple[object, ...]]:
    for need in found.image.version_needs:
        yield need.name, "need", need.file, need.weak
    for offer in found.image.version_definitions:
        if not offer.base:
            yield offer.name, "definition", None, offer.weak


def _hardening(found: ImageFacts) -> Iterator[tuple[object, ...]]:
    for fact in found.image.hardening:
        yield fact.name, fact.state.value, fact.detail, fact.term, fact.location.start


def _claims(found: ImageFacts) -> Iterator[tuple[object, ...]]:
    for claim in found.claims:
        severity = claim.severity.value if isinstance(claim, Finding) else None
        yield claim.rule, claim.outcome.value, severity, cwe_of(claim), claim.message, *_range(claim)


def cwe_of(claim: Claim) -> int | None:
    """The weakness that a finding or an open question is about."""
    return claim.cwe if isinstance(claim, (Finding, Undecided)) else None


def _range(claim: Claim) -> tuple[int, int]:
    return claim.location.start, claim.location.end


def _plugin(found: ImageFacts) -> Iterator[tuple[object, ...]]:
    plugin = found.plugin
    if plugin is not None:
        yield plugin.framework.value, plugin.iid, plugin.class_name, _qt_version(plugin), _as_json(plugin)


def _qt_version(plugin: PluginMetadata) -> str | None:
    return ".".join(map(str, plugin.qt_version)) if plugin.qt_version else None


def _as_json(plugin: PluginMetadata) -> str:
    return json.dumps(dict(plugin.data), default=str, sort_keys=True)


_OTHERS: Final[tuple[tuple[str, Callable[[ImageFacts], Iterator[tuple[object, ...]]]], ...]] = (
    ("needs", _needs),
    ("versions", _versions),
    ("hardening", _hardening),
    ("claims", _claims),
    ("plugins", _plugin),
)
