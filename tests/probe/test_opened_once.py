"""A probe reads and hashes one opened file: what takes the path's place meanwhile is another file."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Compile

from loadstone.files import open_regular
from loadstone.probe import parent

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="probes run on Linux")


def test_a_file_put_in_its_place_is_neither_read_nor_hashed(
    compile_library: Compile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "lib.so"
    target.write_bytes(compile_library("int first(void) { return 1; }", "liba.so").read_bytes())
    expected = hashlib.sha256(target.read_bytes()).hexdigest()
    other = compile_library("int second(void) { return 2; }", "libb.so").read_bytes()
    really = open_regular

    def swapped(path: str, *more: Any) -> int:
        descriptor = really(path, *more)
        (tmp_path / "new").write_bytes(other)
        os.replace(tmp_path / "new", path)
        return descriptor

    monkeypatch.setattr(parent, "open_regular", swapped)
    with parent._Opened(str(target)) as opened:
        assert opened.sha256 == expected
        assert opened.image is not None
        assert "first" in {symbol.name for symbol in opened.image.exports}
        assert opened.image.path == str(target)
