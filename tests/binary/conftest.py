"""Inputs shared by the tests of the binary readers."""

from __future__ import annotations

import pytest
from tests.binary.elf_inputs import big_endian, small_library


@pytest.fixture(scope="session")
def small_elfs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """One small shared object in each class and byte order."""
    folder = tmp_path_factory.mktemp("elf")
    images = {f"{bits}-bit little-endian": small_library(folder, bits) for bits in (32, 64)}
    images |= {name.replace("little", "big"): big_endian(data) for name, data in images.items()}
    return images
