"""The file system seen rooted, as another user, or made up."""

from __future__ import annotations

import errno
import os
import struct
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from tests.linker.tiny_elf import tiny_elf
from tests.linker.workshop import Workshop

from loadstone.archives import members
from loadstone.linker import LoaderModel, explain
from loadstone.linker.access import Barrier, parse_list
from loadstone.linker.discovery import with_uid
from loadstone.linker.surveys import remembered
from loadstone.linker.surveys.layers import LayeredFiles
from loadstone.linker.surveys.packed import packed
from loadstone.linker.surveys.remembered import RememberedFiles
from loadstone.linker.view import FileView, HostFiles, PretendedFiles


def _code(view: FileView, path: str) -> int:
    with pytest.raises(OSError) as caught:  # noqa: PT011  the number is what is looked at
        view.open(path)
    return caught.value.errno or 0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small system below a folder, with links that must not lead out of it."""
    (tmp_path / "usr/lib").mkdir(parents=True)
    (tmp_path / "lib").symlink_to("usr/lib")
    (tmp_path / "usr/lib/liba.so.1.2").write_bytes(tiny_elf("liba.so.1"))
    (tmp_path / "usr/lib/liba.so.1").symlink_to("/usr/lib/liba.so.1.2")
    (tmp_path / "usr/lib/escape.so").symlink_to("../../../../../../../../etc/passwd")
    (tmp_path / "usr/lib/loop.so").symlink_to("loop.so")
    return tmp_path


def test_absolute_links_lead_to_places_below_the_root(root: Path) -> None:
    view = HostFiles(root=str(root))
    opened = view.open("/lib/liba.so.1")
    assert opened.size == len(tiny_elf("liba.so.1"))
    assert view.image(opened).identity == "liba.so.1"
    assert view.real_path("/lib/liba.so.1") == "/usr/lib/liba.so.1.2"
    assert view.host_path("/lib/liba.so.1") == str(root / "usr/lib/liba.so.1.2")


def test_no_link_leads_out_of_the_root(root: Path) -> None:
    assert _code(HostFiles(root=str(root)), "/lib/escape.so") == errno.ENOENT


def test_a_loop_of_links_ends(root: Path) -> None:
    assert _code(HostFiles(root=str(root)), "/lib/loop.so") == errno.ELOOP
    assert not HostFiles(root=str(root)).exists("/lib/loop.so")


def test_directories_are_told_from_files_and_nothing(root: Path) -> None:
    view = HostFiles(root=str(root))
    assert view.is_directory("/lib") == 0
    assert view.is_directory("/lib/liba.so.1") == errno.ENOTDIR
    assert view.is_directory("/none") == errno.ENOENT
    assert set(view.names("/lib")) >= {"liba.so.1", "liba.so.1.2"}


def test_a_directory_is_opened_and_cannot_be_read(root: Path) -> None:
    opened = HostFiles().open(str(root))
    assert opened.read_error == errno.EISDIR
    assert not opened.is_regular


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.so")
    assert HostFiles().open(str(tmp_path / "pipe.so")).head == b""


def test_permission_bits_are_weighed_for_the_user_asked_about(tmp_path: Path) -> None:
    place = tmp_path
    while str(place) != "/":
        if place.stat().st_uid == os.geteuid():
            place.chmod(place.stat().st_mode | 0o055)
        place = place.parent
    secret, plain, inside = tmp_path / "secret.so", tmp_path / "plain.so", tmp_path / "closed"
    for path, mode in ((secret, 0o600), (plain, 0o644)):
        path.write_bytes(b"x")
        path.chmod(mode)
    inside.mkdir()
    (inside / "x.so").write_bytes(b"x")
    inside.chmod(0o700)
    nobody, owner = HostFiles(uid=65534), HostFiles(uid=os.geteuid() or 4242)
    assert nobody.open(str(plain)).size == 1
    assert _code(nobody, str(secret)) == errno.EACCES
    assert _code(nobody, str(inside / "x.so")) == errno.EACCES
    assert HostFiles(uid=0).open(str(secret)).size == 1
    if os.geteuid():
        assert owner.open(str(secret)).size == 1


@pytest.mark.parametrize("path", ["/a\0b", "/" + "x" * 5000])
def test_impossible_paths_are_refused_like_the_system_does(path: str) -> None:
    assert _code(HostFiles(), path) in (errno.ENOENT, errno.ENAMETOOLONG)


def test_pretended_files_have_links_errors_and_directories() -> None:
    view = PretendedFiles(
        {
            "/lib/liba.so": "-> ../opt/liba.so.1",
            "/opt/liba.so.1": tiny_elf("liba.so.1"),
            "/lib/bad.so": errno.EIO,
            "/lib/loop.so": "-> loop.so",
        },
        noexec=("/opt",),
    )
    opened = view.open("/lib/liba.so")
    assert opened.file_id == view.open("/opt/liba.so.1").file_id
    assert view.image(opened).identity == "liba.so.1"
    assert view.real_path("/lib/liba.so") == "/opt/liba.so.1"
    assert _code(view, "/lib/bad.so") == errno.EIO
    assert _code(view, "/lib/loop.so") == errno.ELOOP
    assert _code(view, "/lib/none.so") == errno.ENOENT
    assert view.open("/lib").read_error == errno.EISDIR
    assert view.is_directory("/lib") == 0
    assert view.is_directory("/opt/liba.so.1") == errno.ENOTDIR
    assert view.is_directory("/lib/loop.so") == errno.ELOOP
    assert view.names("/lib") == ("bad.so", "liba.so", "loop.so")
    assert not view.is_executable_mount(view.open("/opt/liba.so.1"))
    assert not view.gains_privileges(opened)
    assert view.exists("/lib")
    assert not view.exists("/nothing")
    with pytest.raises(OSError, match="No such file"):
        view.read_bytes("/lib")


def test_one_file_system_lies_over_another(tmp_path: Path) -> None:
    (tmp_path / "below.so").write_bytes(tiny_elf("below.so"))
    with zipfile.ZipFile(tmp_path / "x.whl", "w") as archive:
        archive.writestr("a/liba.so", tiny_elf("liba.so"))
    view = LayeredFiles(packed("/wheel", members(tmp_path / "x.whl")), HostFiles())
    assert view.image(view.open("/wheel/a/liba.so")).identity == "liba.so"
    assert view.image(view.open(str(tmp_path / "below.so"))).identity == "below.so"
    assert view.names("/wheel/a") == ("liba.so",)
    assert view.is_directory("/wheel/a") == 0
    assert view.exists("/wheel/a/liba.so")
    assert view.real_path("/wheel/a/liba.so") == view.host_path("/wheel/a/liba.so") == "/wheel/a/liba.so"
    assert view.read_bytes("/wheel/a/liba.so")[:4] == b"\x7fELF"
    opened = view.open("/wheel/a/liba.so")
    assert view.is_executable_mount(opened)
    assert not view.gains_privileges(opened)
    assert hash(view) == hash(view)


def _list(*entries: tuple[int, int, int]) -> bytes:
    """The extended attribute of an access control list; tags as in linux/posix_acl.h."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


NOBODY_ID, NONE = 65534, 0xFFFFFFFF
OWNER, USER, GROUP_OF_FILE, GROUP, MASK, OTHERS = 1, 2, 4, 8, 16, 32


@pytest.mark.parametrize(
    "entries",
    [
        ((OWNER, 6, NONE), (USER, 4, NOBODY_ID), (GROUP_OF_FILE, 0, NONE), (MASK, 4, NONE), (OTHERS, 0, NONE)),
        ((OWNER, 6, NONE), (USER, 0, NOBODY_ID), (GROUP_OF_FILE, 4, NONE), (MASK, 4, NONE), (OTHERS, 4, NONE)),
        ((OWNER, 6, NONE), (USER, 4, NOBODY_ID), (GROUP_OF_FILE, 0, NONE), (MASK, 0, NONE), (OTHERS, 4, NONE)),
        ((OWNER, 6, NONE), (GROUP_OF_FILE, 0, NONE), (GROUP, 4, NOBODY_ID), (MASK, 4, NONE), (OTHERS, 0, NONE)),
        ((OWNER, 6, NONE), (GROUP_OF_FILE, 0, NONE), (GROUP, 0, NOBODY_ID), (MASK, 4, NONE), (OTHERS, 4, NONE)),
        ((OWNER, 6, NONE), (USER, 0, 4242), (GROUP_OF_FILE, 0, NONE), (MASK, 4, NONE), (OTHERS, 4, NONE)),
    ],
    ids=["user-may", "user-may-not", "mask-takes-it", "group-may", "group-may-not", "others-may"],
)
def test_access_control_lists_are_weighed_as_the_kernel_does(
    workshop: Workshop, entries: tuple[tuple[int, int, int], ...]
) -> None:
    if os.geteuid():
        pytest.skip("only root can become another user")
    path = workshop.library("liba.so")
    workshop.open_to_all()
    try:
        os.setxattr(path, "system.posix_acl_access", _list(*entries))
    except OSError as error:
        pytest.skip(f"no access control lists on this file system: {error.strerror}")
    as_nobody = ["setpriv", f"--reuid={NOBODY_ID}", f"--regid={NOBODY_ID}", "--clear-groups", "test", "-r", path]
    may = subprocess.run(as_nobody, check=False, capture_output=True).returncode == 0
    view = HostFiles(uid=NOBODY_ID)
    closed = view.barrier(path)
    assert (closed is None) is may
    if not may:
        assert closed == Barrier(
            path, is_directory=False, by_list=bool(os.stat(path).st_mode & 0o070) and bool(os.stat(path).st_mode & 4)
        )
        assert _code(view, path) == errno.EACCES


def test_what_is_closed_is_named_in_the_explanation(workshop: Workshop) -> None:
    path = workshop.library("shut/liba.so")
    workshop.open_to_all()
    (workshop.folder / "shut").chmod(0o700)
    model = with_uid(replace(LoaderModel.this_process(env={}), main_image=str(workshop.host), caller=None), NOBODY_ID)
    first = explain(path, model=model).first_blocking
    assert first is not None
    assert first.code == "permission"
    assert first.explanation.endswith(f"this user has no search permission on {workshop.path('shut')}, above {path}.")
    assert first.advice == f"give search permission: chmod a+x {workshop.path('shut')}"


def test_a_list_that_is_none_is_not_weighed() -> None:
    assert parse_list(b"") == parse_list(_list((1, 6, 0))[:-1]) == parse_list(b"\1\0\0\0") == ()


def test_remembered_files_answer_twice_what_was_asked_once(tmp_path: Path) -> None:
    library = tmp_path / "liba.so"
    library.write_bytes(tiny_elf("liba.so"))
    view = RememberedFiles(HostFiles())
    opened, names = view.open(str(library)), view.names(str(tmp_path))
    assert _code(view, str(tmp_path / "late.so")) == errno.ENOENT
    (tmp_path / "late.so").write_bytes(library.read_bytes())
    library.unlink()
    assert (view.open(str(library)), view.names(str(tmp_path))) == (opened, names)
    assert _code(view, str(tmp_path / "late.so")) == errno.ENOENT, "an error is an answer too"


def test_remembered_files_let_go_of_what_is_too_much(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    monkeypatch.setattr(remembered, "_KEPT", 3)
    view = RememberedFiles(HostFiles(root=str(root)))
    for path in ("/lib/a", "/lib/b", "/lib/c", "/lib/d"):
        assert _code(view, path) == errno.ENOENT
    (root / "usr/lib/a").write_bytes(b"")
    assert view.open("/lib/a").size == 0, "asked anew"
    assert _code(view, "/lib/loop.so") == errno.ELOOP
