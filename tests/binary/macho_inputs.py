"""Mach-O files written byte by byte, so that a test can say exactly what is in them and where."""

from __future__ import annotations

import hashlib
from struct import pack

from tests.binary.der_inputs import signed_message

HEAD = 0xC00  # header and commands end before; file offsets and addresses differ by BASE
TEXT, DATA, LINK = HEAD, HEAD + 0x100, HEAD + 0x200
BASE = 0x4000

ARM64, X86_64, I386, PPC = 0x0100_000C, 0x0100_0007, 7, 18
DYLIB, BUNDLE, EXECUTE, OBJECT = 6, 8, 2, 1

ENTITLEMENTS = b"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict><key>com.apple.security.cs.disable-library-validation</key><true/>
<key>groups</key><array><string>one</string><string>two</string></array></dict></plist>"""


def uleb(value: int, width: int = 1) -> bytes:
    """LEB128 of at least ``width`` bytes."""
    assert value >= 0
    groups = [value & 0x7F]
    while (value := value >> 7) or len(groups) < width:
        groups.append(value & 0x7F)
    return bytes(g | 0x80 for g in groups[:-1]) + bytes(groups[-1:])


def trie(*exports: tuple[str, bytes]) -> bytes:
    """An export trie of one node a name, under the root."""
    head = bytearray(b"\0" + bytes((len(exports),)))
    size = len(head) + sum(len(name.encode()) + 3 for name, _ in exports)
    leaves = bytearray()
    for name, information in exports:
        head += name.encode() + b"\0" + uleb(size + len(leaves), 2)
        leaves += uleb(len(information)) + information + b"\0"
    return bytes(head + leaves)


def bind(name: str, ordinal: int, *, weak: bool = False, lazy: bool = False) -> bytes:
    """Opcodes that bind one symbol of a library, or of a special ordinal."""
    if ordinal < 0:
        which = bytes((0x30 | ordinal & 0xF,))
    else:
        which = bytes((0x10 | ordinal,)) if ordinal < 16 else b"\x20" + uleb(ordinal)
    place = b"\x72\x10" if lazy else b"\x51\x72\x10"
    return which + bytes((0x40 | weak,)) + name.encode() + b"\0" + place + b"\x90" + (b"\0" if lazy else b"")


class Macho:
    """One Mach-O image: commands in the order they were added, tables in its link-edit segment."""

    def __init__(
        self, bits: int = 64, mark: str = "<", *, cpu: int = ARM64, subtype: int = 0, kind: int = DYLIB
    ) -> None:
        self.bits, self.mark = bits, mark
        self.cpu, self.subtype, self.kind = cpu, subtype, kind
        self.flags = 0x85  # NOUNDEFS, DYLDLINK, TWOLEVEL
        self.commands: list[bytes] = []
        self.text = bytes(0x100)
        self.data = b""
        self.link = bytearray()
        self.sections: dict[str, list[bytes]] = {"__TEXT": [], "__DATA": []}
        self.signature_room = 0

    @property
    def word(self) -> int:
        return self.bits // 8

    def pack(self, layout: str, *values: object) -> bytes:
        return pack(self.mark + layout, *values)

    def command(self, number: int, body: bytes) -> int:
        """Add a command; its number."""
        body += bytes(-len(body) % self.word)
        self.commands.append(self.pack("II", number, 8 + len(body)) + body)
        return number

    def put(self, data: bytes) -> int:
        """Add a table to the link-edit segment; its file offset."""
        self.link += bytes(-len(self.link) % 8)
        at = LINK + len(self.link)
        self.link += data
        return at

    def named(self, number: int, text: str) -> None:
        self.command(number, self.pack("I", 12) + text.encode() + b"\0")

    def dylib(self, number: int, name: str, current: int = 0x20304, compatible: int = 0x10000) -> None:
        self.command(number, self.pack("IIII", 24, 2, current, compatible) + name.encode() + b"\0")

    def section(self, segment: str, name: str, offset: int, size: int, flags: int) -> None:
        widths = "16s16sQQIIIIIIII" if self.bits == 64 else "16s16sIIIIIIIII"
        rest = (0,) * (3 if self.bits == 64 else 2)
        row = self.pack(widths, name.encode(), segment.encode(), BASE + offset, size, offset, 3, 0, 0, flags, *rest)
        self.sections[segment].append(row)

    def _segment(self, name: str, offset: int, size: int, protection: int) -> bytes:
        rows = self.sections.get(name, [])
        layout = "16sQQQQiiII" if self.bits == 64 else "16sIIIIiiII"
        fields = (name.encode(), BASE + offset, size, offset, size, protection, protection, len(rows), 0)
        body = self.pack(layout, *fields) + b"".join(rows)
        return self.pack("II", 0x19 if self.bits == 64 else 1, 8 + len(body)) + body

    def symbols(self, *rows: tuple[str, int, int, int, int]) -> None:
        """Rows of name, type, section, description, value; local, external, undefined ones must follow each other."""
        strings, table = bytearray(b"\0"), b""
        counts = [0, 0, 0]
        for name, kind, section, description, value in rows:
            table += self.pack("IBBHQ" if self.bits == 64 else "IBBHI", len(strings), kind, section, description, value)
            strings += name.encode() + b"\0"
            counts[0 if not kind & 1 else 2 if not kind & 0xE else 1] += 1
        at, text = self.put(table), self.put(bytes(strings))
        self.command(2, self.pack("IIII", at, len(rows), text, len(strings)))
        first, second, third = counts
        ranges = (0, first, first, second, first + second, third)
        self.command(0xB, self.pack("6I", *ranges) + bytes(48))

    def dyld_info(self, *, binds: bytes = b"", lazy: bytes = b"", exports: bytes = b"") -> None:
        tables = (b"", binds, b"", lazy, exports)
        places = [part for data in tables for part in (self.put(data) if data else 0, len(data))]
        self.command(0x8000_0022, self.pack("10I", *places))

    def chained(self, *imports: tuple[str, int, bool], form: int = 1, pointer: int = 6, packed: bytes = b"") -> None:
        """Chained fixups for one segment in the pointer format given."""
        starts = self.pack("III", 2, 0, 16) + bytes(4)
        starts += self.pack("IHHQIH", 24, 0x4000, pointer, 0, 0, 0)
        names, table = bytearray(b"\0"), b""
        for name, ordinal, weak in imports:
            at = len(names)
            names += name.encode() + b"\0"
            if form == 3:
                table += self.pack("QQ", ordinal & 0xFFFF | weak << 16 | at << 32, 0)
            else:
                entry = ordinal & 0xFF | weak << 8 | at << 9
                table += self.pack("I", entry) if form == 1 else self.pack("Ii", entry, 0)
        begin = 28 + len(starts)
        text = packed or bytes(names)
        header = self.pack("7I", 0, 28, begin, begin + len(table), len(imports), form, int(bool(packed)))
        data = header + starts + table + text
        self.command(0x8000_0034, self.pack("II", self.put(data), len(data)))

    def exports_trie(self, data: bytes) -> None:
        self.command(0x8000_0033, self.pack("II", self.put(data), len(data)))

    def build(self) -> bytes:
        """The file: header, segments, other commands, text, data, link-edit tables."""
        size = len(self.link) + self.signature_room
        commands = [
            self._segment("__TEXT", 0, HEAD + 0x100, 5),
            self._segment("__DATA", DATA, 0x100, 3),
            self._segment("__LINKEDIT", LINK, size, 1),
            *self.commands,
        ]
        length = sum(map(len, commands))
        magic = 0xFEED_FACF if self.bits == 64 else 0xFEED_FACE
        head = self.pack("IiiIIII", magic, self.cpu, self.subtype, self.kind, len(commands), length, self.flags)
        data = head + bytes(4 if self.bits == 64 else 0) + b"".join(commands)
        assert len(data) <= HEAD, len(data)
        return (
            data.ljust(HEAD, b"\0") + self.text.ljust(0x100, b"\0") + self.data.ljust(0x100, b"\0") + bytes(self.link)
        )

    def sign(self, signer: str = "", *, flags: int = 0x10000, page_bits: int = 12, kind: int = 2) -> bytes:
        """Build it with a code signature whose digests are right; ad hoc without a signer."""
        self.link += bytes(-len(self.link) % 16)
        limit = LINK + len(self.link)
        self.signature_room = 8192
        self.command(0x1D, self.pack("II", limit, self.signature_room))
        data = self.build()
        entitlements = pack(">II", 0xFADE7171, 8 + len(ENTITLEMENTS)) + ENTITLEMENTS
        requirements = pack(">III", 0xFADE0C01, 12, 0)
        algorithm, size = {1: ("sha1", 20), 2: ("sha256", 32), 3: ("sha256", 20), 4: ("sha384", 48)}[kind]

        def digest(content: bytes) -> bytes:
            return hashlib.new(algorithm, content).digest()[:size]

        special = digest(entitlements) + bytes(2 * size) + digest(requirements) + bytes(size)
        page = 1 << page_bits
        pages = b"".join(digest(data[at : min(at + page, limit)]) for at in range(0, limit, page))
        slots = -(-limit // page)
        texts = b"org.example.own\0TEAM123456\0"
        hashes = 88 + len(texts) + len(special)
        fields = (0x20400, flags, hashes, 88, 5, slots, limit, size, kind, 0, page_bits, 0, 0, 88 + 16, 0, 0)
        head = pack(">IIIIIIIBBBBIIIIQ", *fields) + bytes(24)
        body = head + texts + special + pages
        directory = pack(">II", 0xFADE0C02, 8 + len(body)) + body
        parts = [(0, directory), (2, requirements), (5, entitlements)]
        if signer:
            digest_signed = hashlib.sha256(directory).digest()
            message = signed_message("1.2.840.113549.1.7.1", b"", signer, digest=digest_signed, indefinite=True)
            parts.append((0x10000, pack(">II", 0xFADE0B01, 8 + len(message)) + message))
        index, blobs = b"", b""
        for slot, blob in parts:
            index += pack(">II", slot, 12 + 8 * len(parts) + len(blobs))
            blobs += blob
        signature = pack(">III", 0xFADE0CC0, 12 + len(index) + len(blobs), len(parts)) + index + blobs
        return data + signature.ljust(self.signature_room, b"\0")


def universal(*slices: tuple[int, int, bytes], wide: bool = False, align: int = 4) -> bytes:
    """A universal file of images with their CPU type and subtype."""
    at = 8 + len(slices) * (32 if wide else 20)
    rows, contents = b"", b""
    for cpu, subtype, data in slices:
        padding = -(at + len(contents)) % (1 << align)
        contents += bytes(padding)
        place = at + len(contents)
        rows += pack(">iiQQII" if wide else ">iiIII", cpu, subtype, place, len(data), align, *((0,) if wide else ()))
        contents += data
    return pack(">II", 0xCAFEBABF if wide else 0xCAFEBABE, len(slices)) + rows + contents


def everything(bits: int = 64, mark: str = "<", *, chained: bool = False) -> Macho:
    """One of each thing a dylib can hold."""
    image = Macho(bits, mark, cpu=ARM64 if bits == 64 else PPC if mark == ">" else I386)
    image.section("__TEXT", "__text", TEXT, 0x40, 0x8000_0400)
    image.section("__TEXT", "__init_offsets", TEXT + 0x40, 8, 0x16)
    image.section("__DATA", "__mod_init_func", DATA, 2 * image.word, 0x9)
    image.section("__DATA", "__mod_term_func", DATA + 0x10, image.word, 0xA)
    image.section("__DATA", "__thread_vars", DATA + 0x20, 16, 0x13)
    image.section("__DATA", "__bss", DATA + 0x40, 64, 0x1)
    image.text = bytes(0x40) + image.pack("II", TEXT + 4, TEXT + 8)
    word = "Q" if bits == 64 else "I"
    base = 0 if chained else BASE  # pointers of the chained format used here are offsets
    first = image.pack(word * 2, base + TEXT + 12, base + TEXT + 16)
    image.data = first.ljust(0x10, b"\0") + image.pack(word, base + TEXT + 20)
    image.dylib(0xD, "@rpath/libown.dylib", 0x30201, 0x30000)
    image.dylib(0xC, "/usr/lib/libSystem.B.dylib")
    image.dylib(0x8000_0018, "@rpath/libweak.dylib")
    image.dylib(0x8000_001F, "@loader_path/libagain.dylib")
    image.dylib(0x8000_0023, "/usr/lib/libup.dylib")
    image.dylib(0x20, "/usr/lib/liblazy.dylib")
    image.named(0x8000_001C, "@loader_path/../lib")
    image.named(0x8000_001C, "/opt/lib")
    image.named(0x27, "DYLD_X=y")
    image.named(0x14, "only-this-client")
    image.named(0x12, "Umbrella")
    image.command(0x1B, bytes(range(16)))
    image.command(0x32, image.pack("IIII", 1, 0xB0000, 0xE0200, 0))
    image.command(0x2A, image.pack("Q", 3 << 40 | 2 << 30 | 1 << 20))
    image.command(0x2C if bits == 64 else 0x21, image.pack("IIII", 0, 0, 0, 0)[: 16 if bits == 64 else 12])
    exports = trie(
        ("_function", uleb(0) + uleb(TEXT)),
        ("_data", uleb(0) + uleb(DATA + 0x30)),
        ("_thread", uleb(1) + uleb(DATA + 0x20)),
        ("_absolute", uleb(2) + uleb(0x77)),
        ("_weak", uleb(4) + uleb(TEXT)),
        ("_again", uleb(8) + uleb(3) + b"_there\0"),
        ("_same", uleb(8) + uleb(3) + b"\0"),
        ("_resolved", uleb(0x10) + uleb(TEXT) + uleb(TEXT + 4)),
    )
    wanted = (("_printf", 1, False), ("_maybe", 2, True), ("_main", -1, False), ("_anywhere", -2, False))
    if chained:
        image.chained(*wanted, ("_lazy", 5, False))
        image.exports_trie(exports)
    else:
        binds = b"".join(bind(name, ordinal, weak=weak) for name, ordinal, weak in wanted) + b"\0"
        image.dyld_info(binds=binds, lazy=bind("_lazy", 5, lazy=True), exports=exports)
    image.symbols(
        ("_local", 0xE, 1, 0, BASE + TEXT),
        ("_function", 0xF, 1, 0, BASE + TEXT),
        ("_printf", 1, 0, 1 << 8, 0),
    )
    return image
