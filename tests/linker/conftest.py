"""The workshop the linker cases are built in."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.built import build
from tests.conftest import needed
from tests.linker.workshop import HOST_SOURCE, Workshop


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that opens what it is told to."""
    place = tmp_path_factory.mktemp("host") / "host"
    build([needed("gcc"), "-x", "c", "-", "-o", str(place)], place, HOST_SOURCE)
    place.parent.parent.chmod(0o755)
    place.parent.chmod(0o755)
    return place


@pytest.fixture
def workshop(tmp_path: Path, host: Path) -> Workshop:
    """An empty folder and the tools to fill it."""
    return Workshop(tmp_path, host)
