"""JSON for scripts: a document a kind of result, each with its schema name, valid UTF-8 that a terminal may be shown.

A document is a :class:`msgspec.Struct` under ``report/documents``: one file a kind, holding the struct and the function
that makes it from the value. The JSON Schema under ``docs/schema`` is generated from the same structs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from loadstone.escape import escaped_in_json, printable

__all__ = ["Document", "render", "render_many", "schema"]


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every top-level document. Subclasses give ``schema`` its value, ``loadstone.<kind>/1``."""

    schema: str


def _valid(value: Any) -> Any:
    """The same tree with lone surrogates (bytes of a file name that were not UTF-8) written as escapes."""
    if isinstance(value, str):
        return value if value.isascii() else _encodable(value)
    if isinstance(value, dict):
        return {_valid(key): _valid(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_valid(item) for item in value]
    return value


def _encodable(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return printable(text, len(text))
    return text


def render(document: Document, *, indent: int = 2) -> str:
    """The document as JSON text; ``indent`` 0 gives one line."""
    return _text(_valid(msgspec.to_builtins(document)), indent)


def render_many(documents: Sequence[Document], *, indent: int = 2) -> str:
    """Several documents as one JSON array, in the order given: what a command prints for several targets."""
    return _text([_valid(msgspec.to_builtins(document)) for document in documents], indent)


def _text(tree: Any, indent: int) -> str:
    packed = msgspec.json.encode(tree)
    return escaped_in_json((msgspec.json.format(packed, indent=indent) if indent else packed).decode())


def schema(kind: type[Document]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a kind of document."""
    return msgspec.json.schema(kind)
