"""Archives: every member an image of its own, in the spellings of GNU, BSD and AIX, and damaged."""

from __future__ import annotations

import subprocess
from functools import partial
from pathlib import Path

import pytest
from tests.binary.bounds import MAX_STEPS, steps
from tests.conftest import needed

from loadstone.binary import Cursor, image_members, images, read
from loadstone.binary.archive import members
from loadstone.core.image import Image, ImageKind
from loadstone.errors import MalformedImage, Unreadable

LONG = "a_member_with_a_name_longer_than_sixteen.o"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """GNU archives, plain and thin, of two objects and a text."""
    place = tmp_path_factory.mktemp("archive")
    (place / "a.c").write_text("int one(void) { return 1; }\n")
    (place / "notes.txt").write_text("not an object\n")
    for name in ("short.o", LONG):
        subprocess.run([needed("gcc"), "-c", "a.c", "-o", name], cwd=place, check=True)
    subprocess.run([needed("ar"), "qc", "plain.a", "short.o", LONG, "notes.txt"], cwd=place, check=True)
    subprocess.run([needed("ar"), "qcT", "thin.a", "short.o", LONG], cwd=place, check=True)
    return place


def _names(path: Path) -> list[str]:
    with Cursor.open(path) as cursor:
        return [member.name for member in members(cursor)]


def test_members_are_those_ar_lists(folder: Path) -> None:
    for archive in ("plain.a", "thin.a"):
        told = subprocess.run([needed("ar"), "t", archive], cwd=folder, capture_output=True, text=True, check=True)
        assert _names(folder / archive) == told.stdout.split()


def test_every_object_of_an_archive_is_an_image_and_says_where_it_is(folder: Path) -> None:
    archive = folder / "plain.a"
    found = images(archive)
    assert [image.path for image in found] == [f"{archive}(short.o)", f"{archive}({LONG})"]
    assert all(image.kind is ImageKind.OBJECT for image in found)
    content = archive.read_bytes()
    assert all(content[image.slice_offset :][:4] == b"\x7fELF" for image in found)


def test_one_member_is_read_by_its_name(folder: Path) -> None:
    image = read(f"{folder}/plain.a({LONG})")
    assert image.kind is ImageKind.OBJECT
    assert image.size == (folder / LONG).stat().st_size
    with pytest.raises(Unreadable, match="no such member"):
        read(f"{folder}/plain.a(absent.o)")


def test_an_archive_itself_is_no_image(folder: Path) -> None:
    with pytest.raises(MalformedImage, match="a static archive"):
        read(folder / "plain.a")
    with pytest.raises(MalformedImage, match="thin"):
        images(folder / "thin.a")


def test_strict_reading_refuses_a_member_that_is_no_image(folder: Path) -> None:
    with pytest.raises(MalformedImage, match="plain text"):
        images(folder / "plain.a", strict=True)


def bsd_archive(name: str, content: bytes) -> bytes:
    raw = name.encode()
    header = f"{f'#1/{len(raw)}':<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(raw) + len(content):<10}`\n"
    return b"!<arch>\n" + header.encode() + raw + content


def big_archive(contents: dict[str, bytes]) -> bytes:
    """An AIX big archive as its documentation lays it out: a fixed header, then members linked by offsets."""
    position, parts = 128, []
    items = list(contents.items())
    for number, (name, content) in enumerate(items):
        raw = name.encode()
        total = 112 + len(raw) + len(raw) % 2 + 2 + len(content) + len(content) % 2
        following = position + total if number + 1 < len(items) else 0
        header = f"{len(content):<20}{following:<20}{0:<20}{0:<12}{0:<12}{0:<12}{'644':<12}{len(raw):<4}"
        parts.append(header.encode() + raw + b"\0" * (len(raw) % 2) + b"`\n" + content + b"\0" * (len(content) % 2))
        position += total
    head = b"<bigaf>\n" + "".join(f"{field:<20}" for field in (0, 0, 0, 128, 0, 0)).encode()
    return head + b"".join(parts)


def test_members_of_bsd_and_aix_archives_are_found(folder: Path, tmp_path: Path) -> None:
    content = (folder / "short.o").read_bytes()
    for name, data in {
        "bsd.a": bsd_archive(LONG, content),
        "aix.a": big_archive({"x.o": b"\1", LONG: content}),
    }.items():
        (tmp_path / name).write_bytes(data)
        assert read(f"{tmp_path}/{name}({LONG})").size == len(content)
        assert [image.kind for image in images(tmp_path / name)] == [ImageKind.OBJECT]


def test_aix_members_in_a_ring_are_refused() -> None:
    data = big_archive({"a.o": b"x", "b.o": b"y"})
    second = data.index(b"b.o") - 112
    ring = data[: second + 20] + f"{128:<20}".encode() + data[second + 40 :]
    with pytest.raises(MalformedImage, match="ring"):
        list(members(Cursor.of(ring)))


@pytest.mark.parametrize("kind", ["gnu", "bsd", "aix"])
def test_a_damaged_archive_gives_images_or_malformed(folder: Path, kind: str) -> None:
    small = b"\x7fELF small"
    archives = {
        "gnu": (folder / "thin.a").read_bytes(),
        "bsd": bsd_archive("name.o", small),
        "aix": big_archive({"a.o": small, "b.o": small}),
    }
    data = archives[kind]
    for position in range(len(data)):
        for broken in (data[:position], data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :]):
            try:
                images(broken)
            except MalformedImage:
                continue


def test_an_archive_of_nothing_but_headers_ends_soon() -> None:
    data = b"!<arch>\n" + (b" " * 48 + b"0         `\n") * 17_000
    with pytest.raises(MalformedImage):
        images(data)
    assert steps(partial(lambda: [list(members(Cursor.of(data)))])) < MAX_STEPS


def test_a_member_that_is_no_image_is_named_in_its_place(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bitcode.o").write_bytes(b"BC\xc0\xde" + bytes(60))
    archive = tmp_path / "libx.a"
    parts = [tmp_path / "bitcode.o", folder / "short.o", folder / "notes.txt"]
    subprocess.run([needed("ar"), "qc", archive, *parts], check=True)
    bitcode, image, text = image_members(archive)
    assert isinstance(image, Image)
    assert isinstance(bitcode, MalformedImage)
    assert isinstance(text, MalformedImage)
    assert "libx.a(bitcode.o)" in bitcode.message
    assert "LLVM bitcode" in bitcode.message
    assert "plain text" in text.message
