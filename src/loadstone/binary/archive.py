"""Archives of object files: ar in its GNU and BSD spellings, thin archives, and the big archives of AIX.

A member is named the way AIX loaders name it: ``libc.a(shr.o)``. Sources: ar(5); GNU binutils "Thin Archives"; IBM AIX
"ar File Format (Big)". Nothing is unpacked: a member is a window of the archive.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.binary.cursor import Cursor
from loadstone.core.limits import MAX_ARCHIVE_MEMBERS, MAX_NAME_LENGTH
from loadstone.errors import Unreadable
from loadstone.quick_dataclass import dataclass

__all__ = ["ArchiveMember", "members", "open_member", "split_member", "windows"]

_GNU, _THIN, _BIG = b"!<arch>\n", b"!<thin>\n", b"<bigaf>\n"
_HEADER_SIZE: Final = 60
_END_OF_HEADER: Final = b"`\n"
_BIG_HEADER_SIZE: Final = 112
_INDEXES: Final = frozenset({"/", "/SYM64/", "//", "__.SYMDEF", "__.SYMDEF SORTED", "__.SYMDEF_64", ""})

_SPELLED: Final = re.compile(r"(?P<archive>.+)\((?P<member>[^()]+)\)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ArchiveMember:
    """One file in an archive: its name, where its bytes are; ``inside`` is False in thin archives, which only list."""

    name: str
    offset: int
    size: int
    inside: bool = True


def split_member(path: str) -> tuple[str, str] | None:
    """Archive and member of ``archive(member)``; None for any other path.

    >>> split_member("/usr/lib/libc.a(shr.o)")
    ('/usr/lib/libc.a', 'shr.o')
    """
    found = _SPELLED.match(path)
    return (found["archive"], found["member"]) if found else None


def open_member(archive: str, name: str) -> Cursor:
    """A cursor over one member, owning the file; its path is spelled ``archive(member)``.

    Raises:
        Unreadable: the archive cannot be read, or has no such member.
        MalformedImage: it is no archive, or damaged before the member.
    """
    cursor = Cursor.open(archive)
    try:
        for member in members(cursor):
            if member.name == name and member.inside:
                cursor.start, cursor.end = member.offset, member.offset + member.size
                cursor.path = f"{archive}({name})"
                return cursor
    except BaseException:
        cursor.close()
        raise
    cursor.close()
    raise Unreadable(
        path=f"{archive}({name})",
        reason="the archive has no such member",
        advice=f"`loadstone inspect {archive}` shows what it has",
    )


def windows(cursor: Cursor) -> Iterator[Cursor]:
    """A cursor for every member that is inside the archive, in order."""
    for member in members(cursor):
        if member.inside:
            window = cursor.window(member.offset, member.size)
            window.path = f"{cursor.path}({member.name})" if cursor.path else None
            yield window


def members(cursor: Cursor) -> Iterator[ArchiveMember]:
    """The members in file order, symbol indexes and name tables left out.

    Raises:
        MalformedImage: it is no archive, or its headers contradict it; what came before was yielded.
    """
    magic = cursor.upto(cursor.start, 8)
    if magic == _BIG:
        yield from _big_members(cursor)
    elif magic in (_GNU, _THIN):
        yield from _members(cursor, thin=magic == _THIN)
    else:
        raise cursor.malformed("not an archive", cursor.start)


def _number(cursor: Cursor, field: bytes, offset: int) -> int:
    text = field.strip(b" \0")
    if not text.isdigit() or len(text) > 20:
        raise cursor.malformed("an archive member without a number where one must be", offset)
    return int(text)


def _members(cursor: Cursor, *, thin: bool) -> Iterator[ArchiveMember]:
    position, long_names = cursor.start + 8, b""
    for _ in range(MAX_ARCHIVE_MEMBERS):
        header = cursor.upto(position, _HEADER_SIZE)
        if not header:
            return
        if len(header) < _HEADER_SIZE or header[58:60] != _END_OF_HEADER:
            raise cursor.malformed("an archive member header without its end mark", position)
        raw, size = header[:16].rstrip(b" "), _number(cursor, header[48:58], position + 48)
        content, name_size = position + _HEADER_SIZE, 0
        if raw == b"//":
            long_names = cursor.upto(content, min(size, 1 << 20))
        elif raw.startswith(b"#1/"):  # BSD: the name stands before the content
            name_size = min(_number(cursor, raw[3:], position), size, MAX_NAME_LENGTH)
        name = _name(cursor, raw, long_names, content, name_size)
        inside = not thin or name in _INDEXES
        if name not in _INDEXES:
            yield ArchiveMember(name, content + name_size, size - name_size, inside)
        stored = size if inside else 0
        if content + stored > cursor.end:
            raise cursor.malformed(f"an archive member of {size} bytes goes beyond the end of the file", position)
        position = content + stored + stored % 2
    raise cursor.malformed(f"an archive of more than {MAX_ARCHIVE_MEMBERS} members", position)


def _name(cursor: Cursor, raw: bytes, long_names: bytes, content: int, name_size: int) -> str:
    if name_size:
        raw = cursor.upto(content, name_size).rstrip(b"\0")
    elif raw[:1] == b"/" and raw[1:].isdigit():  # GNU: an offset into the table of long names
        raw = long_names[int(raw[1:]) :].partition(b"\n")[0].removesuffix(b"/")
    elif raw not in (b"/", b"//", b"/SYM64/"):
        raw = raw.removesuffix(b"/")
    return raw[:MAX_NAME_LENGTH].decode("utf-8", "surrogateescape")


def _big_members(cursor: Cursor) -> Iterator[ArchiveMember]:
    head = cursor.bytes(cursor.start, 128)
    position = _number(cursor, head[68:88], cursor.start + 68)
    seen: set[int] = set()
    while position and len(seen) < MAX_ARCHIVE_MEMBERS:
        at = cursor.start + position
        if position in seen:
            raise cursor.malformed("an archive whose members form a ring", at)
        seen.add(position)
        header = cursor.bytes(at, _BIG_HEADER_SIZE)
        size, following = _number(cursor, header[:20], at), _number(cursor, header[20:40], at + 20)
        length = _number(cursor, header[108:112], at + 108)
        name = cursor.bytes(at + _BIG_HEADER_SIZE, min(length, MAX_NAME_LENGTH)).decode("utf-8", "surrogateescape")
        content = at + _BIG_HEADER_SIZE + length + length % 2 + len(_END_OF_HEADER)
        if name:
            if content + size > cursor.end:
                raise cursor.malformed(f"an archive member of {size} bytes goes beyond the end of the file", at)
            yield ArchiveMember(name, content, size)
        position = following
