"""What the notes of a core dump say: which program died, of what, and which files it had mapped.

Sources: core(5), elf(5); Linux include/linux/elfcore.h and fs/binfmt_elf.c (fill_files_note) for the layout.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import iter_unpack, unpack_from
from typing import Final

from loadstone.binary.elf.view import ElfView
from loadstone.core.image import Note
from loadstone.quick_dataclass import dataclass

__all__ = ["NT_FILE", "NT_PRPSINFO", "CoreDump", "FileMapping", "command_line", "mapped_files", "read_core"]

NT_PRSTATUS: Final = 1
NT_PRPSINFO: Final = 3
NT_FILE: Final = 0x46494C45
_SIGNAL_AT: Final = 12  # pr_cursig, behind three integers
_NAME_SIZE, _ARGUMENTS_SIZE = 16, 80  # pr_fname and pr_psargs end the record on every processor
_MAX_NOTE: Final = 1 << 20
_MAX_FILES: Final = 100_000


@dataclass(frozen=True, slots=True)
class FileMapping:
    """A part of a file in memory: its address, where in the file it begins (in pages), the path."""

    address: int
    page: int
    path: str


@dataclass(frozen=True, slots=True)
class CoreDump:
    """The process that died: the beginning of its command line, the signal (0: none), the files it had mapped."""

    command: str = ""
    signal: int = 0
    files: tuple[str, ...] = ()


def read_core(view: ElfView, notes: tuple[Note, ...]) -> CoreDump:
    """What the notes of a dump say; of the threads the first is the one that died."""
    command, signal = "", 0
    files: tuple[str, ...] = ()
    mark, word = view.layout.header.format[0], view.layout.word
    for note in notes:
        if note.owner != "CORE":
            continue
        content = view.cursor.upto(note.offset, min(note.size, _MAX_NOTE))
        if note.kind == NT_PRPSINFO and not command:
            command = command_line(content)
        elif note.kind == NT_PRSTATUS and not signal and len(content) > _SIGNAL_AT + 1:
            signal = unpack_from(mark + "H", content, _SIGNAL_AT)[0]
        elif note.kind == NT_FILE and not files:
            files = tuple(dict.fromkeys(one.path for one in mapped_files(content, mark, word)))
    return CoreDump(command, signal, files)


def command_line(content: bytes) -> str:
    """The arguments in an NT_PRPSINFO note, failing them the program's name."""
    arguments = content[-_ARGUMENTS_SIZE:]
    name = content[-_ARGUMENTS_SIZE - _NAME_SIZE : -_ARGUMENTS_SIZE]
    return _text(arguments).strip() or _text(name)


def mapped_files(content: bytes, mark: str, word: str = "Q") -> Iterator[FileMapping]:
    """The mappings an NT_FILE note lists, as far as they are there. ``mark`` and ``word`` spell the address size."""
    size = 8 if word == "Q" else 4
    if len(content) < 2 * size:
        return
    count = unpack_from(mark + word, content)[0]
    end = 2 * size + 3 * size * min(count, _MAX_FILES)
    rows = content[2 * size : end]
    names = content[end:].split(b"\0")
    whole = rows[: len(rows) - len(rows) % (3 * size)]
    for (start, _, page), name in zip(iter_unpack(mark + 3 * word, whole), names, strict=False):
        yield FileMapping(start, page, name.decode("utf-8", "surrogateescape"))


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")
