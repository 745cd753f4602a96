"""Symbolic links below a root: where a path leads, and that it leads out of nothing."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from loadstone.linker.links import MAX_LINKS, followed

LINKS = {"lib": "usr/lib", "usr/lib/x.so": "x.so.1", "up": "../../..", "abs": "/lib", "usr/back": "../abs/./x.so", "loop": "loop"}  # fmt: skip  # noqa: E501


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/lib/x.so", "usr/lib/x.so.1"),
        ("lib//./x.so", "usr/lib/x.so.1"),
        ("/usr/back", "usr/lib/x.so.1"),
        ("/up/abs/gone", "usr/lib/gone"),
        ("/lib/..", "usr"),
        ("/../../lib", "usr/lib"),
        ("/", ""),
        ("", ""),
    ],
)
def test_a_path_leads_where_its_links_do(path: str, place: str) -> None:
    assert followed(path, LINKS.get) == place


def test_a_path_that_leads_back_to_itself_is_refused() -> None:
    with pytest.raises(OSError, match="loop") as refused:
        followed("/loop", LINKS.get)
    assert (refused.value.errno, refused.value.filename) == (errno.ELOOP, "/loop")


def test_as_many_links_are_followed_as_the_kernel_follows(tmp_path: Path) -> None:
    (tmp_path / "0").touch()
    for number in range(1, MAX_LINKS + 2):
        (tmp_path / str(number)).symlink_to(str(number - 1))
    links = {str(path.relative_to(tmp_path)): os.readlink(path) for path in tmp_path.iterdir() if path.is_symlink()}
    assert followed(str(MAX_LINKS), links.get) == "0"
    assert (tmp_path / str(MAX_LINKS)).exists()
    for ask in (lambda: followed(str(MAX_LINKS + 1), links.get), lambda: os.stat(tmp_path / str(MAX_LINKS + 1))):
        with pytest.raises(OSError, match="symbolic") as refused:
            ask()
        assert refused.value.errno == errno.ELOOP
