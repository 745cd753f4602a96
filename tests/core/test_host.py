"""Reading is the same where ``os`` has less: what only POSIX has is taken away before the package is loaded."""

from __future__ import annotations

import _ctypes
import sys
from pathlib import Path

import pytest
from tests.library.children import run_child

POSIX_ONLY = [
    "pread",
    "geteuid",
    "getegid",
    "getuid",
    "getgid",
    "getgroups",
    "getgrouplist",
    "statvfs",
    "listxattr",
    "getxattr",
    "uname",
    "O_NONBLOCK",
    "O_CLOEXEC",
    "ST_NOEXEC",
    "fork",
    "register_at_fork",
    "memfd_create",
]
WITHOUT = f"""
import os, sys
for name in {POSIX_ONLY}:
    if hasattr(os, name):
        delattr(os, name)
sys.modules["pwd"] = sys.modules["fcntl"] = sys.modules["resource"] = None
"""

READING = {
    "read": "from loadstone import read\nimage = read(sys.argv[1])\nprint(len(image.exports), image.sections[1].name)",
    "explain": "from loadstone import explain\nprint(explain(sys.argv[1]).verdict)",
    "find": "from loadstone.library.target import locate\nprint(locate(sys.argv[1]).path)",
    "review": "from loadstone import read\nfrom loadstone.review import review_image\n"
    "print(sorted({claim.rule for claim in review_image(read(sys.argv[1]))}))",
}


@pytest.mark.skipif(sys.platform != "linux", reason="the other systems' answer is the only one there")
@pytest.mark.parametrize("code", [pytest.param(code, id=name) for name, code in READING.items()])
def test_what_only_posix_has_is_not_needed_to_read(code: str) -> None:
    library = Path(_ctypes.__file__)
    assert run_child(WITHOUT + code, library) == run_child("import sys\n" + code, library)
