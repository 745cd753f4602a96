from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.tools import needed

from loadstone.library import Library

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fixture library, compiled once."""
    import subprocess

    target = tmp_path_factory.mktemp("peers") / "libpeers.so"
    command = [needed("gcc"), "-shared", "-fPIC", "-O1", "-w", "-o", str(target), str(HERE / "peers.c")]
    subprocess.run(command, check=True)
    return target


@pytest.fixture(scope="session")
def library(peers: Path) -> Library:
    return Library(str(peers)).load()


@pytest.fixture(scope="session")
def names(library: Library) -> Any:
    return library.declare((HERE / "peers.h").read_text())
