"""The file system seen rooted, as another user, or made up."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from tests.linker.tiny_elf import tiny_elf

from loadstone.linker.layers import LayeredFiles
from loadstone.linker.view import HostFiles, PretendedFiles


def _code(view: HostFiles | PretendedFiles, path: str) -> int:
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
    top = PretendedFiles({"/wheel/a/liba.so": tiny_elf("liba.so")})
    view = LayeredFiles(top, HostFiles(), "/wheel")
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
