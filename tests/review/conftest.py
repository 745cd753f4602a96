"""What the tests of the review share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def distribution_libraries() -> list[Path]:
    """A few dozen libraries of this system, those the dynamic loader finds first."""
    folders = [*Path("/usr/lib").glob("*-linux-gnu"), Path("/usr/lib64")]
    found = [path for folder in folders for path in sorted(folder.glob("lib*.so.*")) if path.is_file()]
    if not found:
        pytest.skip("no libraries in the usual folders")
    return found[:: max(1, len(found) // 40)]
