"""Every kind of JSON document has its own published schema and a page that lists its fields."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KINDS = sorted(
    {
        kind
        for source in (ROOT / "src/loadstone").rglob("*.py")
        for kind in re.findall(r'schema(?:: str)? ?= ?"loadstone\.([a-z]+/\d+)"', source.read_text())
    }
)


def test_the_kinds_are_found() -> None:
    assert {"find/1", "image/1", "pins/1", "verification/1"} <= set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_document_has_its_own_schema_and_page(kind: str) -> None:
    name = kind.replace("/", "-")
    tree = json.loads((ROOT / f"docs/schema/{name}.json").read_text())
    root = tree["$defs"][tree["$ref"].rpartition("/")[2]]
    assert root["title"].lower() == f"{kind.partition('/')[0]}document"
    page = (ROOT / f"docs/reference/json/{name}.md").read_text()
    assert not [field for field in root["properties"] if f"| `{field}` |" not in page]
