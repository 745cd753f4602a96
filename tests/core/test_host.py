"""Reading is the same where ``os`` has less: what only POSIX has is taken away before the package is loaded."""

from __future__ import annotations

import _ctypes
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.library.children import run_child

from loadstone.core import host

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


def test_a_part_of_a_file_is_read_with_and_without_pread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "digits"
    place.write_bytes(b"0123456789")
    with place.open("rb") as file:
        file.seek(7)
        for gone in ((), ("pread",)):
            for name in gone:
                monkeypatch.delattr(os, name)
            assert host.read_at(file.fileno(), 4, 3) == b"3456"
            assert host.read_at(file.fileno(), 4, 8) == b"89"


def test_what_the_system_says_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    said: dict[str, Any] = {
        "geteuid": lambda: 7,
        "getegid": lambda: 8,
        "getgroups": lambda: [9, 10],
        "listxattr": lambda path: [f"user.{path}"],
        "uname": lambda: SimpleNamespace(release="6.1-x"),
        "statvfs": lambda path: SimpleNamespace(f_flag=5 if path == "/closed" else 2),
        "ST_NOEXEC": 4,
    }
    for name, answer in said.items():
        monkeypatch.setattr(os, name, answer, raising=False)
    assert (host.effective_user(), host.effective_group(), host.kernel()) == (7, 8, "6.1-x")
    assert host.effective_groups() == {8, 9, 10}
    assert (host.is_noexec("/closed"), host.is_noexec("/open")) == (True, False)
    assert host.extended_attributes("a") == ("user.a",)


@pytest.mark.skipif(sys.platform != "linux", reason="the groups are those of Linux's user database")
def test_the_groups_of_a_user_are_those_of_the_user_database() -> None:
    assert host.groups_of(0) == set(os.getgrouplist("root", 0))
    assert host.groups_of(1 << 30) == frozenset()


def test_where_the_system_has_no_such_thing_nobody_is_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("geteuid", "getegid", "getgroups", "statvfs", "listxattr", "uname"):
        monkeypatch.delattr(os, name, raising=False)
    assert (host.effective_user(), host.effective_group(), host.effective_groups()) == (0, 0, frozenset())
    assert (host.is_noexec("/"), host.extended_attributes("/"), host.kernel()) == (False, (), "")
