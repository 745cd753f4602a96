"""Every kind of container with the same files in it, made here; damage and bombs; images with layers."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import random
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from tests.archives.making import adb_of, appimage_of, squashfs_of
from tests.tools import needed

from loadstone.archives import Bounds, PackedFile, format_of, held, is_archive, members, walk
from loadstone.errors import Closed, LoadstoneError, MalformedImage, TooLarge, Unreadable, Unsupported

LIBRARY = b"\x7fELF" + bytes(range(256)) * 40
FILES = {
    "usr/lib/liba.so.1": LIBRARY,
    "usr/share/doc/a" * 15 + "/long-name": b"text",
    "zeros": bytes(9000),
    "empty": b"",
}


def tar_of(files: Mapping[str, bytes], links: Mapping[str, str] | None = None, form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
    return out.getvalue()


def zip_of(files: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def zstd_of(data: bytes) -> bytes:
    if shutil.which("zstd") is None:
        pytest.skip("there is no zstd to make the archive with")
    return subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True).stdout


def ar_of(files: Mapping[str, bytes]) -> bytes:
    parts = [b"!<arch>\n"]
    for name, data in files.items():
        parts.append(
            f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)
        )
    return b"".join(parts)


def cpio_of(files: Mapping[str, bytes]) -> bytes:
    out = b""
    for name, data in {**{f"./{n}": d for n, d in files.items()}, "TRAILER!!!": b""}.items():
        mode = 0 if name == "TRAILER!!!" else 0o100644
        fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name.encode()) + 1, 0]
        head = b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
        out += head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)
    return out


def rpm_of(payload: bytes) -> bytes:
    def header(store: bytes) -> bytes:
        return b"\x8e\xad\xe8\1\0\0\0\0" + (1).to_bytes(4, "big") + len(store).to_bytes(4, "big") + bytes(16) + store

    signature = header(b"odd")
    return b"\xed\xab\xee\xdb" + bytes(92) + signature + bytes(-len(signature) % 8) + header(b"some values") + payload


MAKERS: Mapping[str, Callable[[], bytes]] = {
    "a.whl": lambda: zip_of(FILES),
    "stored.jar": lambda: zip_of(FILES, zipfile.ZIP_STORED),
    "bz2.zip": lambda: zip_of(FILES, zipfile.ZIP_BZIP2),
    "lzma.zip": lambda: zip_of(FILES, zipfile.ZIP_LZMA),
    "a.tar": lambda: tar_of(FILES),
    "gnu.tar": lambda: tar_of(FILES, form=tarfile.GNU_FORMAT),
    "a.tar.gz": lambda: gzip.compress(tar_of(FILES)),
    "a.tar.bz2": lambda: bz2.compress(tar_of(FILES)),
    "a.tar.xz": lambda: lzma.compress(tar_of(FILES)),
    "a.tar.lzma": lambda: lzma.compress(tar_of(FILES), lzma.FORMAT_ALONE),
    "a.tar.zst": lambda: zstd_of(tar_of(FILES)),
    "a.apk": lambda: gzip.compress(tar_of({".PKGINFO": b"x"})) + gzip.compress(tar_of(FILES)),
    "a.deb": lambda: ar_of(
        {"debian-binary": b"2.0\n", "control.tar.gz": b"", "data.tar.xz": lzma.compress(tar_of(FILES))}
    ),
    "a.conda": lambda: zip_of({"metadata.json": b"{}", "pkg-a-1.tar.zst": zstd_of(tar_of(FILES))}),
    "a.rpm": lambda: rpm_of(gzip.compress(cpio_of(FILES))),
    "zst.rpm": lambda: rpm_of(zstd_of(cpio_of(FILES))),
    "a.snap": lambda: squashfs_of(FILES),
    "xz.snap": lambda: squashfs_of(FILES, packer="xz"),
    "lzma.snap": lambda: squashfs_of(FILES, packer="lzma"),
    "a.AppImage": lambda: appimage_of(squashfs_of(FILES)),
    "stored-3.apk": lambda: adb_of(FILES, how="."),
    "deflated-3.apk": lambda: adb_of(FILES, how="d"),
    "named-3.apk": lambda: adb_of(FILES, how="c"),
}


def contents(path: Path | bytes) -> dict[str, bytes]:
    named = str(path) if isinstance(path, Path) else ""
    return {m.name: m.read() for m in members(path, path=named) if m.opener and m.name != ".PKGINFO"}


@pytest.mark.parametrize("name", MAKERS)
def test_every_container_gives_the_same_files(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(MAKERS[name]())
    assert is_archive(path)
    assert contents(path) == FILES
    if not name.endswith(".conda"):  # known by its name alone
        assert contents(path.read_bytes()) == FILES


def test_a_member_says_where_it_comes_from_and_can_be_sought_in(tmp_path: Path) -> None:
    path = tmp_path / "a.whl"
    path.write_bytes(zip_of(FILES))
    found = members(path)
    first = next(found)
    assert first.path == f"{path}!/usr/lib/liba.so.1"
    assert first.head(4) == b"\x7fELF"
    stream = first.open()
    assert stream.seek(-2, 2) == len(LIBRARY) - 2
    assert stream.read() == LIBRARY[-2:]


def test_a_member_is_closed_once_the_archive_is_read_on() -> None:
    kept: list[PackedFile] = list(members(tar_of(FILES)))
    with pytest.raises(Closed, match="cannot read a member of an archive"):
        kept[0].read()


def test_links_are_told_and_not_followed() -> None:
    found = {m.name: (m.link, m.opener) for m in members(tar_of({}, {"lib/libz.so": "../../../etc/passwd"}))}
    assert found == {"lib/libz.so": ("../../../etc/passwd", None)}


def test_names_never_lead_out_of_the_container() -> None:
    found = [m.path for m in members(zip_of({"../../etc/x.so": b"1", "/abs.so": b"2"}), path="X.zip")]
    assert found == ["X.zip!/etc/x.so", "X.zip!/abs.so"]


def test_containers_within_containers_are_gone_into() -> None:
    inner = zip_of({"pkg/lib.so": LIBRARY})
    outer = gzip.compress(tar_of({"dist/inner.whl": inner, "readme": b"hello"}))
    found = {m.path: m.read() for m in walk(outer, path="outer.tar.gz")}
    assert found == {"outer.tar.gz!/dist/inner.whl!/pkg/lib.so": LIBRARY, "outer.tar.gz!/readme": b"hello"}


def read_all(found: Iterator[PackedFile]) -> None:
    for member in found:
        if member.opener:
            member.read()


def layer(files: Mapping[str, bytes]) -> bytes:
    return tar_of(files)


LOWER = {
    "usr/lib/keep.so": b"1",
    "usr/lib/gone.so": b"2",
    "opt/old/a.so": b"3",
    "opt/old/b.so": b"4",
    "etc/same": b"old",
}
UPPER = {"usr/lib/.wh.gone.so": b"", "opt/old/.wh..wh..opq": b"", "opt/old/new.so": b"5", "etc/same": b"new"}
SEEN = {"usr/lib/keep.so": b"1", "opt/old/new.so": b"5", "etc/same": b"new"}


def test_an_image_is_seen_as_its_container_would_be_by_dockers_manifest() -> None:
    listed = json.dumps([{"Config": "c.json", "Layers": ["1/layer.tar", "2/layer.tar"]}]).encode()
    image = tar_of({"1/layer.tar": layer(LOWER), "2/layer.tar": layer(UPPER), "manifest.json": listed})
    assert {m.name: m.read() for m in members(image)} == SEEN


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_an_image_is_seen_as_its_container_would_be_by_the_oci_index(pack: Callable[[bytes], bytes]) -> None:
    manifest = json.dumps({"layers": [{"digest": "sha256:1"}, {"digest": "sha256:2"}]}).encode()
    index = json.dumps({"manifests": [{"digest": "sha256:m"}]}).encode()
    image = tar_of(
        {
            "blobs/sha256/1": pack(layer(LOWER)),
            "blobs/sha256/2": pack(layer(UPPER)),
            "blobs/sha256/m": manifest,
            "index.json": index,
            "oci-layout": b"{}",
        }
    )
    assert {m.name: m.read() for m in members(image)} == SEEN
    assert {m.name: m.read() for m in members(gzip.compress(image))} == SEEN


def test_of_several_images_in_an_archive_each_stands_below_its_name() -> None:
    listed = [
        {"RepoTags": ["app:1"], "Layers": ["1/layer.tar"]},
        {"RepoTags": None, "Layers": ["1/layer.tar", "2/layer.tar"]},
    ]
    layers = {"1/layer.tar": layer(LOWER), "2/layer.tar": layer(UPPER)}
    image = tar_of({**layers, "manifest.json": json.dumps(listed).encode()})
    found = {m.name: m.read() for m in members(image)}
    assert found == {**{f"app:1!/{n}": d for n, d in LOWER.items()}, **{f"image 2!/{n}": d for n, d in SEEN.items()}}


def blob(folder: Path, data: bytes) -> str:
    name = hashlib.sha256(data).hexdigest()
    place = folder / "blobs/sha256" / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    return f"sha256:{name}"


def layout(folder: Path, layers: list[dict[str, str]]) -> Path:
    """An image's layout as a folder; its manifest."""
    manifest = blob(folder, json.dumps({"config": {}, "layers": layers}).encode())
    (folder / "oci-layout").write_text("{}")
    (folder / "index.json").write_text(json.dumps({"manifests": [{"digest": manifest}]}))
    return folder / "blobs" / manifest.replace(":", "/")


def test_the_manifest_among_the_blobs_of_a_folder_is_the_image(tmp_path: Path) -> None:
    layers = [{"digest": blob(tmp_path, gzip.compress(layer(LOWER)))}, {"digest": blob(tmp_path, layer(UPPER))}]
    layers.append({"digest": blob(tmp_path, b"{}"), "mediaType": "application/vnd.in-toto+json"})
    manifest = layout(tmp_path, layers)
    assert {m.name: m.read() for m in members(manifest)} == SEEN
    assert is_archive(manifest)


@pytest.mark.parametrize(
    ("digest", "said"), [("sha256:../../../etc/passwd", "no digest"), (f"sha256:{'0' * 64}", "cannot be opened")]
)
def test_an_image_in_a_folder_has_its_own_blobs_only(tmp_path: Path, digest: str, said: str) -> None:
    with pytest.raises(MalformedImage, match=said):
        list(members(layout(tmp_path, [{"digest": digest}])))


SMALL = Bounds(total=1 << 20, member=1 << 19, members=10, depth=2, ratio=20, free=1 << 16)

BOMBS: Mapping[str, tuple[Callable[[], bytes], str]] = {
    "a zip of zeros": (lambda: zip_of({"a": bytes(1 << 19)}), "packed bytes became"),
    "a gzip of zeros": (lambda: gzip.compress(tar_of({"a": bytes(1 << 19)})), "packed bytes became"),
    "an xz of zeros": (lambda: lzma.compress(tar_of({"a": bytes(1 << 19)})), "packed bytes became"),
    "many members": (lambda: tar_of({str(n): b"" for n in range(20)}), "more than 10 members"),
    "a large member": (lambda: tar_of({"a": bytes((1 << 19) + 1)}), "more than 524,288"),
    "more in all": (lambda: tar_of({str(n): bytes(1 << 18) for n in range(8)}), "bytes when unpacked"),
    "nested too deep": (
        lambda: zip_of({"1.zip": zip_of({"2.zip": zip_of({"3.zip": b"PK\5\6"})})}),
        "nested more than 2",
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_with_a_typed_error(name: str) -> None:
    make, words = BOMBS[name]
    with pytest.raises(TooLarge, match=words):
        read_all(walk(make(), path="bomb", bounds=SMALL))


DAMAGED: Mapping[str, Callable[[], bytes]] = {
    "a tar cut short": lambda: tar_of({"a": LIBRARY})[:3000],
    "a tar with a broken header": lambda: tar_of({"a": b"x", "b": b"y"})[:1024] + b"\xff" * 512,
    "a gzip cut short": lambda: gzip.compress(tar_of({"a": LIBRARY}))[:-40],
    "an rpm without headers": lambda: b"\xed\xab\xee\xdb" + bytes(400),
    "a Debian package without content": lambda: ar_of({"debian-binary": b"2.0\n"}),
    "a zip without a directory": lambda: zip_of({"a": LIBRARY})[:60],
    "an image without its layer": lambda: tar_of({"manifest.json": b'[{"Layers": ["gone"]}]'}),
    "a SquashFS cut short": lambda: squashfs_of({"a": LIBRARY})[:-40],
    "an AppImage of a program alone": lambda: appimage_of(b""),
    "an AppImage cut short": lambda: appimage_of(squashfs_of({"a": LIBRARY}))[:50],
    "a SquashFS with blocks beyond a megabyte": lambda: squashfs_of(FILES)[:12] + b"\0\0\0\1" + squashfs_of(FILES)[16:],
    "a package of apk cut short": lambda: adb_of({"a": LIBRARY}, how=".")[:-400],
    "a package of apk that begins with data": lambda: b"ADB.pckg" + b"\x10\0\0\x80" + bytes(20),
    "a cpio with letters for numbers": lambda: rpm_of(gzip.compress(b"070701" + b"z" * 120)),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_a_typed_error(name: str) -> None:
    with pytest.raises(MalformedImage):
        read_all(walk(DAMAGED[name](), path="damaged"))


@pytest.mark.parametrize("cut", range(0, 700, 41))
def test_no_cut_of_any_container_gives_another_error(cut: int) -> None:
    for make in map(MAKERS.__getitem__, ("a.whl", "a.tar.gz", "a.deb", "a.rpm", "a.tar", "a.snap", "stored-3.apk")):
        data = bytearray(make())
        del data[cut : cut + 3]
        with suppress(LoadstoneError):
            read_all(walk(bytes(data), bounds=SMALL))


def test_what_cannot_be_looked_into_says_how_to_unpack_it(tmp_path: Path) -> None:
    for refused, words in (
        (appimage_of(b"", kind=1), "ISO 9660.*bsdtar -xf"),
        (appimage_of(b"DWARFS" + bytes(50)), "DwarFS.*--appimage-extract"),
        (appimage_of(b"something else"), "no SquashFS is behind its program"),
        (appimage_of(squashfs_of(FILES, compression=3)), "LZO.*unsquashfs -o 192"),
        (b"ADBc\7\0" + bytes(50), "its compression .7..*apk extract"),
        (b"ADB.indx" + bytes(50), "the schema 'indx'.*[Aa]pk adbdump"),
    ):
        with pytest.raises(Unsupported, match=words):
            list(members(refused))
    with pytest.raises(Unsupported, match="not a known kind of archive"):
        list(members(b"plain text"))
    with pytest.raises(Unreadable, match="No such file"):
        list(members(tmp_path / "gone.zip"))


def test_links_of_file_systems_and_packages_are_told() -> None:
    for data in (squashfs_of({"d/a": b"x"}, {"d/b": "a"}), adb_of({"d/a": b"x"}, {"d/b": "a"})):
        assert [(m.name, m.link) for m in members(data)] == [("d/a", None), ("d/b", "a")]


def test_a_directory_that_is_in_itself_is_damage() -> None:
    data = bytearray(squashfs_of({"d/a": b"x"}))
    listing = data.index(b"\0d")
    data[listing - 7 : listing - 5] = data[32:34]  # where the inode of d is told: that of the root
    with pytest.raises(MalformedImage, match="is in itself"):
        list(members(bytes(data)))


@pytest.mark.parametrize("packing", ["gzip", "xz", "zstd", "lzma"])
def test_what_mksquashfs_makes_is_read_as_it_was(packing: str, tmp_path: Path) -> None:
    """Hard links, sparse files, shared blocks and directories of several blocks, by the tool itself."""
    tool = needed("mksquashfs")
    place = tmp_path / "content"
    (place / "many").mkdir(parents=True)
    for number in range(700):
        (place / "many" / f"f{number:04}").write_text(f"file {number}")
    (place / "zeros").write_bytes(bytes(1_000_000))
    (place / "noise").write_bytes(random.Random(1).randbytes(300_000))
    (place / "zz-same").hardlink_to(place / "noise")
    subprocess.run([tool, place, tmp_path / "a.sqfs", "-comp", packing, "-quiet", "-no-progress"], check=True)
    found = {member.name: member.same_as or member.read() for member in members(tmp_path / "a.sqfs")}
    wanted: dict[str, str | bytes] = {
        str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()
    }
    assert found == wanted | {"zz-same": "noise"}


def test_an_encrypted_member_is_unreadable() -> None:
    data = bytearray(zip_of({"a": b"secret"}))
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + at] |= 1
    with pytest.raises(Unreadable, match="encrypted"):
        read_all(members(bytes(data)))


def test_a_static_library_is_a_container_of_object_files() -> None:
    found = format_of(ar_of({"a.o/": b"x"}))
    assert found is not None
    assert found.name == "static library"
    assert [m.name for m in members(ar_of({"a.o/": b"x"}))] == ["a.o"]


def test_a_member_of_a_zip_file_can_be_read_anew_once_the_archive_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(zip_of({"a": b"first" * 100, "b": b"second"}, zipfile.ZIP_STORED))
    (a, b) = members(path)
    assert anew(a) == b"first" * 100
    with pytest.raises(Closed):
        a.read()
    path.write_bytes(path.read_bytes().replace(b"second", b"2econd"))
    with pytest.raises(MalformedImage, match="damaged archive"):
        anew(b)
    assert [member.again for member in members(path.read_bytes())] == [None, None]  # no file to enter again


def anew(member: PackedFile) -> bytes:
    out = io.BytesIO()
    assert member.again is not None
    member.again(out)
    return out.getvalue()


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("content", [b"", b"\0" * (3 << 20), random.Random(5).randbytes(1 << 20) * 2], ids=len)
def test_what_is_read_anew_is_what_was_packed(packing: int, content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(zip_of({"a": content}, packing))
    (member,) = members(tmp_path / "x.zip")
    assert anew(member) == content


def test_a_large_member_is_held_in_a_file_and_what_is_nested_in_it_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "_IN_MEMORY", 100)
    outer = zip_of({"inner.zip": zip_of({"deep": b"deep" * 100}), "large": b"large" * 100, "small": b"small"})
    found: dict[str, bytes] = {}
    for member in walk(outer):
        assert member.head(2)  # what was looked at is not lost
        with member.held() as content:
            assert isinstance(content, int) is (member.size > 100)
            found[member.name] = content if isinstance(content, bytes) else os.pread(content, 1000, 0)
        with pytest.raises(Closed):
            member.read()
    assert found == {"inner.zip!/deep": b"deep" * 100, "large": b"large" * 100, "small": b"small"}


def test_no_room_for_a_large_member_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(held, "_IN_MEMORY", 100)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    member = next(members(zip_of({"large": b"large" * 100})))
    with pytest.raises(Unreadable, match=r"temporary file.*Make room"), member.held():
        pass
