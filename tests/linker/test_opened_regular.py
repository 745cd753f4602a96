"""Settings of a root directory that are no files: a FIFO in the place of one is not waited for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from loadstone.errors import Unreadable
from loadstone.linker.view import HostFiles


def test_a_fifo_in_the_place_of_settings_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    os.mkfifo(tmp_path / "etc" / "ld.so.conf")
    with pytest.raises(Unreadable, match="FIFO"):
        HostFiles(root=str(tmp_path)).read_bytes("/etc/ld.so.conf")
