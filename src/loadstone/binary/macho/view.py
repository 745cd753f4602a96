"""One Mach-O file while it is read: its bytes, its commands, its segments, and the way from addresses to offsets."""

from __future__ import annotations

from typing import Final

from loadstone.binary.budget import ReadBudget
from loadstone.binary.cursor import Cursor
from loadstone.binary.damage import DamageLog
from loadstone.binary.macho.layout import LAYOUTS, HeaderFlags, LoadCommandKind, MachoLayout
from loadstone.core.image import Section, Segment
from loadstone.core.limits import MAX_TABLE_SIZE
from loadstone.quick_dataclass import dataclass

__all__ = ["MachoView", "RawCommand", "command_name", "read_view"]

_MAX_COMMANDS: Final = 4096
"""Real images have some dozens; the largest, of the shared cache and of kernels, some hundreds."""

_ALIGNMENT: Final = 4  # of commands: 8 in 64-bit files, but older tools wrote 4 and dyld accepts that


@dataclass(frozen=True, slots=True)
class RawCommand:
    """One load command as it stands: its number, its bytes with number and size, and where they begin."""

    number: int
    data: bytes
    offset: int


class MachoView:
    """What every part of the reader shares. File offsets inside the image count from ``cursor.start``."""

    __slots__ = (
        "budget",
        "commands",
        "cpu",
        "cursor",
        "damage",
        "file_type",
        "flags",
        "layout",
        "sections",
        "segments",
        "subtype",
    )

    def __init__(self, cursor: Cursor, damage: DamageLog, layout: MachoLayout, fields: tuple[int, ...]) -> None:
        self.cursor: Cursor = cursor
        self.damage: DamageLog = damage
        self.layout: MachoLayout = layout
        self.cpu: int = fields[0]
        self.subtype: int = fields[1]
        self.file_type: int = fields[2]
        self.flags: HeaderFlags = HeaderFlags(fields[5])
        self.budget: ReadBudget = ReadBudget(cursor.size)
        self.commands: tuple[RawCommand, ...] = ()
        self.segments: tuple[Segment, ...] = ()
        self.sections: tuple[Section, ...] = ()

    def all(self, *numbers: int) -> list[RawCommand]:
        """The commands of these numbers, in file order."""
        return [command for command in self.commands if command.number in numbers]

    def first(self, *numbers: int) -> RawCommand | None:
        """The first command of these numbers; one that repeats is damage to whoever counts on it."""
        return next((command for command in self.commands if command.number in numbers), None)

    def number(self, command: RawCommand, at: int, size: int = 4) -> int:
        """An integer of a command; past its end it is zero."""
        return self.layout.number(command.data, at, size)

    def text(self, command: RawCommand, at: int) -> str | None:
        """The string an lc_str field of a command points to, inside the command; None with the damage recorded."""
        position = self.number(command, at)
        if not at + 4 <= position < len(command.data):
            self.damage.add("load command", f"its text at {position:#x} is outside it", command.offset + at, fatal=True)
            return None
        text, zero, _ = command.data[position:].partition(b"\0")
        if not zero:
            self.damage.add("load command", "its text is not terminated", command.offset + position)
        return text.decode("utf-8", "surrogateescape")

    def table(self, name: str, offset: int, size: int, told_at: int) -> tuple[int, bytes]:
        """Place and bytes of a table at an offset in the image, cut to what is there.

        dyld compares no table's size with the file: what a table needs and lacks is for its own reader to say.
        """
        place = self.cursor.start + offset
        data = self.cursor.upto(place, min(size, MAX_TABLE_SIZE))
        if len(data) < size:
            self.damage.add(
                name, f"{size} bytes are said to be at {offset:#x}, {len(data)} are", told_at, fatal=not data
            )
        return place, data

    def base(self) -> int:
        """The address of the header in memory: that of the segment that maps the beginning of the file."""
        start = self.cursor.start
        return next((s.address for s in self.segments if s.offset == start and s.file_size), 0)

    def place(self, address: int) -> tuple[int, int] | None:
        """The place in the file of an address, and how many bytes of its segment follow; None when nothing is."""
        for segment in self.segments:
            inside = address - segment.address
            if 0 <= inside < segment.file_size:
                return segment.offset + inside, segment.file_size - inside
        return None


def read_view(cursor: Cursor, damage: DamageLog) -> MachoView:
    """Header and load commands.

    Raises:
        MalformedImage: no Mach-O magic, or the header is cut off.
    """
    layout = LAYOUTS.get(cursor.upto(cursor.start, 4))
    if layout is None:
        raise cursor.malformed("no Mach-O magic", cursor.start)
    _, *fields = cursor.unpack(layout.header, cursor.start)
    view = MachoView(cursor, damage, layout, tuple(fields))
    view.commands = tuple(_commands(view, fields[3], fields[4]))
    return view


def _commands(view: MachoView, count: int, size: int) -> list[RawCommand]:
    """Commands one behind the other; the first that does not fit ends the list, for nothing behind it can be found."""
    begin = view.cursor.start + view.layout.header.size
    data = view.cursor.upto(begin, min(size, MAX_TABLE_SIZE))
    if len(data) < size:
        view.damage.add("load commands", f"{size} bytes are said to be there, {len(data)} are", begin, fatal=True)
    if count > _MAX_COMMANDS:
        view.damage.add("load commands", f"{count} are more than the {_MAX_COMMANDS} allowed", begin, fatal=True)
    commands: list[RawCommand] = []
    at = 0
    while len(commands) < min(count, _MAX_COMMANDS):
        if at + 8 > len(data):
            view.damage.add("load commands", f"only {len(commands)} of {count} are there", begin + at, fatal=True)
            break
        number, length = view.layout.command.unpack_from(data, at)
        if length < 8 or length % _ALIGNMENT or at + length > len(data):
            view.damage.add("load commands", f"one of impossible size {length}", begin + at, fatal=True)
            break
        commands.append(RawCommand(number, data[at : at + length], begin + at))
        at += length
    if at < len(data) and len(commands) == count:
        view.damage.add("load commands", f"{len(data) - at} bytes left over behind the last", begin + at)
    return commands


def command_name(number: int) -> str:
    """The name of a command without ``LC_``, or its number.

    >>> command_name(0x19), command_name(0x99)
    ('SEGMENT_64', '0x99')
    """
    return LoadCommandKind(number).name if number in _KNOWN else f"{number:#x}"


_KNOWN: Final = frozenset(LoadCommandKind)
