"""The symbol table of an image as columns of the store: it stays columns all the way, as libraries have 80,000 rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from loadstone.core.image import SymbolBinding, SymbolKind, SymbolTable
from loadstone.fleet.extra import needed_for

__all__ = ["symbol_columns", "valid_text"]

pa: Any = needed_for("a fleet's store", "pyarrow")
pc: Any = needed_for("a fleet's store", "pyarrow.compute")

_ROLES: Final = ("export", "import", "local")
_KINDS: Final = tuple(kind.value for kind in SymbolKind)
_BINDINGS: Final = tuple(binding.value for binding in SymbolBinding)
_GLOBAL: Final = tuple(SymbolBinding).index(SymbolBinding.GLOBAL)


def symbol_columns(table: SymbolTable) -> tuple[dict[str, Any], list[str], int]:
    """The named symbols as Arrow arrays by column of the table ``symbols``, the exported names, how many are wanted."""
    count = len(table.names)
    names = _names(table.names)
    roles = _roles(table, count)
    versions = pa.array(table.versions if len(table.versions) else [0] * count, pa.int64())
    texts = ([v.name if v else None for v in table.version_names], [v.file if v else None for v in table.version_names])
    defaults = pa.array([v is None or v.is_default for v in table.version_names])
    libraries = _looked_up(texts[1], versions) if table.extra is None else pa.array([s.library for s in table.extra])
    columns = {
        "name": names,
        "version": _looked_up(texts[0], versions),
        "is_default": pc.and_(defaults.take(versions), pc.equal(roles, 0)),
        "role": _looked_up(_ROLES, roles),
        "library": libraries.cast(pa.string()),
        "binding": _looked_up(_BINDINGS, _bytes(table.bindings, count, _GLOBAL)),
        "kind": _looked_up(_KINDS, _bytes(table.kinds, count, 0)),
        "size": pa.array(_sizes(table, count), pa.int64()),
    }
    named = pc.not_equal(names, "")
    kept = {name: column.filter(named) for name, column in columns.items()}
    imported = pc.sum(pc.and_(named, pc.equal(roles, 1))).as_py() or 0
    return kept, [name for name, exported in zip(table.names, table.exported, strict=True) if exported], imported


def _names(names: Sequence[str]) -> Any:
    try:
        return pa.array(names, pa.string())
    except UnicodeEncodeError:
        return pa.array([valid_text(name) for name in names], pa.string())


def _sizes(table: SymbolTable, count: int) -> list[int]:
    """Sizes as far as they are any: a damaged table may say anything."""
    sizes = table.sizes if len(table.sizes) else [s.size for s in table.extra or ()] or [0] * count
    return [min(size, (1 << 63) - 1) for size in sizes]


def _roles(table: SymbolTable, count: int) -> Any:
    """For each symbol the position of its role."""
    defined, exported = _bytes(table.defined, count, 1), _bytes(table.exported, count, 0)
    return pc.if_else(pc.equal(defined, 0), 1, pc.if_else(pc.equal(exported, 0), 2, 0))


def _bytes(column: bytes, count: int, default: int) -> Any:
    held = column or bytes([default]) * count
    return pa.Array.from_buffers(pa.uint8(), count, [None, pa.py_buffer(held)])


def _looked_up(words: Sequence[str | None], positions: Any) -> Any:
    return pa.array([word and valid_text(word) for word in words], pa.string()).take(positions)


def valid_text(text: str) -> str:
    """Text as UTF-8 can hold it: what was no UTF-8 in a file is written as an escape."""
    return str(text) if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
