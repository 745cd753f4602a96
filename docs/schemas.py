"""The JSON Schema of every kind of document, and a page for each: what it holds, what prints it, its fields."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import pkgutil
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

from loadstone.report import documents
from loadstone.report.json import Document, schema
from loadstone.review.config import settings_schema

__all__ = ["schema_pages"]

NOTE = "<!-- made from the code by `make docs`; edit the document's class, not this page -->\n\n"

COMMANDS = {
    "call": "loadstone call m 'double cos(double)' 0 --format json",
    "examination": "loadstone examine z --format json",
    "explanation": "loadstone explain z --format json",
    "find": "loadstone find z --format json",
    "fuzz": "loadstone fuzz ./libcodec.so 'int parse(const uint8_t *data, size_t size)' --format json",
    "image": "loadstone inspect FILE --format json",
    "loaded": "loadstone loaded PID --format json",
    "names": "loadstone names z --format json",
    "pins": "loadstone pin z --format json",
    "plugins": "loadstone plugins DIR --format json",
    "probe": "loadstone probe z --format json",
    "review": "loadstone review src/ --format json",
    "rules": "loadstone rules --format json",
    "survey": "loadstone explain DIR --format json",
    "tree": "loadstone tree z --format json",
    "unread": "loadstone inspect FILE UNREADABLE --format json",
    "verification": "loadstone verify FILE --format json",
}
"""What prints each kind; a kind without a row stops the making of the pages."""

POLICY = """# JSON documents

Every document says in `schema` what it is: `loadstone.find/1` follows `find-1.json`. Several targets
give one array of documents.

- Within a version, fields may be added; none is removed, renamed or given another meaning. Readers ignore fields
  they do not know.
- Any other change makes the next version. Which documents changed is in the changelog.

| document | what it holds | schema |
|---|---|---|
"""


def schema_pages() -> Iterator[tuple[str, str]]:
    """(path below docs/, text): the schemas, a page for each document, and the list of them with what may change."""
    rows = []
    for name, tree in _schemas():
        file = f"schema/{name}-1.json"
        yield file, json.dumps(tree, indent=2) + "\n"
        page = f"reference/json/{name}-1.md"
        yield page, _page(name, tree)
        summary = _description(_root(tree)).partition("\n")[0]
        rows.append(f"| [{_title(name)}](json/{name}-1.md) | {_cell(summary)} | [`{name}-1.json`](../{file}) |\n")
    yield "reference/schemas.md", NOTE + POLICY + "".join(rows)


def _schemas() -> Iterator[tuple[str, dict[str, Any]]]:
    for module in pkgutil.iter_modules(documents.__path__):
        importlib.import_module(f"{documents.__name__}.{module.name}")
    for kind in sorted(Document.__subclasses__(), key=lambda kind: kind.__name__):
        yield kind.__name__.removesuffix("Document").lower(), schema(kind)
    yield "settings", settings_schema()


def _title(name: str) -> str:
    return "settings" if name == "settings" else f"`loadstone.{name}/1`"


def _page(name: str, tree: dict[str, Any]) -> str:
    if name == "settings":
        origin = "For editors: the settings in a `loadstone.toml`, and in `[tool.loadstone]` of a `pyproject.toml`."
    else:
        origin = f"Printed by `{COMMANDS[name]}`. Its `schema` is `loadstone.{name}/1`."
    root = _root(tree)
    parts = [f"# {_title(name)}", _description(root), origin, f"[The schema](../../schema/{name}-1.json)."]
    parts.append(_fields(root))
    for kind in tree["$defs"].values():
        if kind is not root:
            parts += [f"## {_name(kind['title'])}", _description(kind), _fields(kind)]
    return NOTE + "\n\n".join(filter(None, parts)) + "\n"


def _root(tree: dict[str, Any]) -> dict[str, Any]:
    root: dict[str, Any] = tree["$defs"][_leaf(tree["$ref"])]
    return root


def _fields(kind: dict[str, Any]) -> str:
    """The fields of an object as a table, or the values of an enumeration."""
    if "enum" in kind:
        return "One of " + ", ".join(f"`{value}`" for value in kind["enum"]) + "."
    required = kind.get("required", ())
    fields = kind.get("properties", {})
    said = _meanings().get(kind["title"], {})
    told = bool(said.keys() & fields.keys())
    rows = [
        f"| `{field}` | {_type(what)} | {'yes' if field in required else _default(what)} |"
        + (f" {_cell(said.get(field, ''))} |" if told else "")
        for field, what in fields.items()
    ]
    head = ["| field | type | always there |", "|---|---|---|"]
    if told:
        head = [f"{head[0]} meaning |", f"{head[1]}---|"]
    return "\n".join([*head, *rows]) if rows else ""


@cache
def _meanings() -> dict[str, dict[str, str]]:
    """What the text below a field says of it, by class; a class has those of the one it extends."""
    found: dict[str, dict[str, str]] = {}
    for module in pkgutil.iter_modules(documents.__path__):
        tree = ast.parse(inspect.getsource(importlib.import_module(f"{documents.__name__}.{module.name}")))
        for made in (node for node in tree.body if isinstance(node, ast.ClassDef)):
            own = found.setdefault(made.name, {})
            for base in (base.id for base in made.bases if isinstance(base, ast.Name)):
                own |= found.get(base, {})
            own |= dict(_described(made))
    return found


def _described(made: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, text in pairwise(made.body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            match text:
                case ast.Expr(value=ast.Constant(value=str(words))):
                    yield field.target.id, words


def _type(what: dict[str, Any]) -> str:
    if "$ref" in what:
        name = _name(_leaf(what["$ref"]))
        return f"[{name}](#{name.lower()})"
    if "anyOf" in what:
        return " or ".join(_type(one) for one in what["anyOf"])
    if what.get("type") == "array":
        return f"list of {_type(what.get('items', {}))}"
    if isinstance(what.get("additionalProperties"), dict):
        return f"object, values: {_type(what['additionalProperties'])}"
    return str(what.get("type", "any"))


def _default(what: dict[str, Any]) -> str:
    return f"no; default `{json.dumps(what['default'])}`" if "default" in what else "no"


def _description(kind: dict[str, Any]) -> str:
    return inspect.cleandoc(kind.get("description", "")).replace("``", "`").replace(":attr:", "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _leaf(reference: str) -> str:
    return reference.rpartition("/")[2]


def _name(title: str) -> str:
    return title.removesuffix("Document").lstrip("_")
