"""PE files written byte by byte, so that a test can say exactly what is in them and where."""

from __future__ import annotations

import hashlib
from struct import pack, pack_into

from tests.binary.der_inputs import authenticode

SECTION = 0x1000  # address of the one section
RAW = 0x400  # its place in the file
NT = 0x80
BASE = 0x1_8000_0000

EXPORT, IMPORT, RESOURCE, CERTIFICATE, DEBUG, TLS, LOAD_CONFIG, BOUND, DELAY, CLR = 0, 1, 2, 4, 6, 9, 10, 11, 13, 14

MANIFEST = b"""<assembly xmlns="urn:schemas-microsoft-com:asm.v1" manifestVersion="1.0">
<assemblyIdentity name="Own" version="1.0.0.0"/>
<dependency><dependentAssembly><assemblyIdentity type="win32" name="Microsoft.Windows.Common-Controls"
 version="6.0.0.0" processorArchitecture="amd64" publicKeyToken="6595b64144ccf1df"/></dependentAssembly></dependency>
<trustInfo xmlns="urn:schemas-microsoft-com:asm.v3"><security><requestedPrivileges>
<requestedExecutionLevel level="requireAdministrator" uiAccess="true"/></requestedPrivileges></security></trustInfo>
</assembly>"""


class Pe:
    """One PE file with one section, filled from its beginning."""

    def __init__(self, bits: int = 64, *, machine: int | None = None) -> None:
        self.bits = bits
        self.machine = machine or (0x8664 if bits == 64 else 0x14C)
        self.base = BASE if bits == 64 else 0x1000_0000
        self.content = bytearray()
        self.directories = [(0, 0)] * 16
        self.characteristics = 0x2022
        self.dll_characteristics = 0x4160
        self.section_name = b".text"
        self.section_flags = 0x6000_0020
        self.strings: bytes | None = None
        self.certificates = b""
        self.tail = b""

    @property
    def word(self) -> int:
        return self.bits // 8

    def words(self, *values: int) -> bytes:
        return pack(f"<{len(values)}{'Q' if self.bits == 64 else 'I'}", *values)

    @property
    def here(self) -> int:
        """The address the next bytes get."""
        return SECTION + len(self.content)

    def put(self, data: bytes) -> int:
        """Add bytes at the next address that is a multiple of 8; that address."""
        self.content += bytes(-len(self.content) % 8)
        at = self.here
        self.content += data
        return at

    def text(self, text: str) -> int:
        return self.put(text.encode() + b"\0")

    def table(self, which: int, data: bytes, size: int | None = None) -> int:
        at = self.put(data)
        self.directories[which] = (at, len(data) if size is None else size)
        return at

    def imports(self, *modules: tuple[str, tuple[str | int, ...]], lookup: bool = True) -> None:
        rows = b""
        for name, symbols in modules:
            table = self.words(*map(self._entry, symbols), 0)
            names = self.put(table) if lookup else 0
            rows += pack("<IIIII", names, 0, 0, self.text(name), self.put(table))
        self.table(IMPORT, rows + bytes(20))

    def delayed(self, name: str, *symbols: str | int, by_address: bool = True) -> None:
        base = 0 if by_address else self.base
        table = self.words(*map(self._entry, symbols), 0)
        fields = (base + self.text(name), base + self.here, base + self.put(table), base + self.put(table), 0, 0, 0)
        self.table(DELAY, pack("<IIIIIIII", int(by_address), *fields) + bytes(32))

    def _entry(self, symbol: str | int) -> int:
        if isinstance(symbol, int):
            return 1 << (self.bits - 1) | symbol
        return self.put(pack("<H", 0) + symbol.encode() + b"\0")

    def exports(self, name: str, base: int, *rows: tuple[str | None, str | int]) -> None:
        """Rows of name (None: by ordinal only) and address, or the text of a forwarder."""
        start = self.put(bytes(40))
        functions = [self.text(value) if isinstance(value, str) else value for _, value in rows]
        named = sorted((text, place) for place, (text, _) in enumerate(rows) if text is not None)
        names = [self.text(text) for text, _ in named]
        places = (
            self.text(name),
            base,
            len(rows),
            len(named),
            self.put(pack(f"<{len(rows)}I", *functions)),
            self.put(pack(f"<{len(named)}I", *names)),
            self.put(pack(f"<{len(named)}H", *(place for _, place in named))),
        )
        pack_into("<IIHHIIIIIII", self.content, start - SECTION, 0, 0, 0, 0, *places)
        self.directories[EXPORT] = (start, self.here - start)

    def load_config(self, **fields: int) -> None:
        """Fields by name, at the positions of winnt.h."""
        narrow = {"flags": 54, "cookie": 60, "handlers": 64, "count": 68, "functions": 84, "guard": 88, "hybrid": 124}
        wide = {"flags": 78, "cookie": 88, "handlers": 96, "count": 104, "functions": 136, "guard": 144, "hybrid": 200}
        data = bytearray(172 if self.bits == 32 else 280)
        pack_into("<I", data, 0, len(data))
        for name, value in fields.items():
            code = "<H" if name == "flags" else "<I" if name == "guard" or self.bits == 32 else "<Q"
            pack_into(code, data, (wide if self.bits == 64 else narrow)[name], value)
        self.table(LOAD_CONFIG, bytes(data))

    def callbacks(self, *addresses: int) -> None:
        listed = self.base + self.put(self.words(*(self.base + a for a in addresses), 0))
        self.table(TLS, self.words(0, 0, 0, listed) + bytes(8))

    def debug(self, *entries: tuple[int, bytes]) -> None:
        rows = b""
        for kind, data in entries:
            at = self.put(data)
            rows += pack("<IIHHIIII", 0, 5, 0, 0, kind, len(data), at, at - SECTION + RAW)
        self.table(DEBUG, rows)

    def bound(self, *modules: tuple[str, tuple[str, ...]]) -> None:
        rows = sum(1 + len(forwarders) for _, forwarders in modules)
        text, table = bytearray(), b""
        for name, forwarders in modules:
            for number, one in enumerate((name, *forwarders)):
                table += pack("<IHH", 9, 8 * (rows + 1) + len(text), 0 if number else len(forwarders))
                text += one.encode() + b"\0"
        self.table(BOUND, table + bytes(8) + text)

    def resources(self, *leaves: tuple[int, int, bytes]) -> None:
        """Type, id and content of each, in one language."""
        start = self.put(b"")
        size = 16 + 8 * len(leaves)
        tree = bytearray(pack("<12xHH", 0, len(leaves)))
        below = bytearray()
        data_at = size + 48 * len(leaves)
        for number, (kind, identifier, _) in enumerate(leaves):
            at = size + 48 * number
            tree += pack("<II", kind, 1 << 31 | at)
            below += pack("<12xHHII", 0, 1, identifier, 1 << 31 | at + 24)
            below += pack("<12xHHII", 0, 1, 1033, data_at + 16 * number)
        entries = bytearray()
        contents = bytearray()
        first = start + data_at + 16 * len(leaves)
        for _, _, content in leaves:
            contents += bytes(-len(contents) % 4)
            entries += pack("<IIII", first + len(contents), len(content), 0, 0)
            contents += content
        self.table(RESOURCE, bytes(tree + below + entries + contents))

    def build(self) -> bytes:
        """The file: headers, section, string table, certificates, whatever is to follow."""
        content = bytes(self.content) + bytes(-len(self.content) % 0x200)
        end = RAW + len(content)
        optional = 112 + 128 if self.bits == 64 else 96 + 128
        data = bytearray(b"MZ".ljust(0x3C, b"\0") + pack("<I", NT)).ljust(NT, b"\0")
        symbols = end if self.strings is not None else 0
        data += b"PE\0\0" + pack("<HHIIIHH", self.machine, 1, 3, symbols, 0, optional, self.characteristics)
        size = (SECTION + len(content) + 0xFFF) & ~0xFFF
        tail = (4, 0, 1, 2, 6, 0, 0, size, RAW, 0, 3, self.dll_characteristics)
        if self.bits == 64:
            data += pack(
                "<HBBIIIIIQIIHHHHHHIIIIHH", 0x20B, 14, 2, 0, 0, 0, SECTION, SECTION, self.base, 4096, 512, *tail
            )
        else:
            data += pack(
                "<HBBIIIIIIIIIHHHHHHIIIIHH", 0x10B, 14, 2, 0, 0, 0, SECTION, SECTION, 0, self.base, 4096, 512, *tail
            )
        data += self.words(0, 0, 0, 0) + pack("<II", 0, 16)
        strings = b"" if self.strings is None else pack("<I", 4 + len(self.strings)) + self.strings
        behind = end + len(strings) + (-(end + len(strings)) % 8)
        directories = list(self.directories)
        if self.certificates:
            directories[CERTIFICATE] = (behind, len(self.certificates))
        for address, length in directories:
            data += pack("<II", address, length)
        name = self.section_name.ljust(8, b"\0")
        data += pack("<8sIIIIIIHHI", name, len(content), SECTION, len(content), RAW, 0, 0, 0, 0, self.section_flags)
        return bytes(data.ljust(RAW, b"\0") + content + strings).ljust(behind, b"\0") + self.certificates + self.tail

    def sign(self, signer: str = "Test Signer", *, nested: bool = False) -> bytes:
        """Build it with a certificate table whose digest is right."""
        self.certificates = bytes(8)
        data = self.build()[: -8 - len(self.tail) or None]
        checksum, entry = NT + 24 + 64, NT + 24 + (112 if self.bits == 64 else 96) + 8 * CERTIFICATE
        hashed = data[:checksum] + data[checksum + 4 : entry] + data[entry + 8 :] + self.tail
        digest = hashlib.sha256(hashed).digest()
        inner = authenticode(digest, "Second Signer") if nested else b""
        message = authenticode(digest, signer, nested=inner)
        message += bytes(-len(message) % 8)
        self.certificates = pack("<IHH", 8 + len(message), 0x200, 2) + message
        return self.build()


def _block(key: str, value: bytes, kind: int, *children: bytes) -> bytes:
    head = key.encode("utf-16-le") + b"\0\0"
    head += bytes(-(6 + len(head)) % 4)
    body = bytearray(head + value)
    for child in children:
        body += bytes(-(6 + len(body)) % 4) + child
    length = len(value) // 2 if kind else len(value)
    return pack("<HHH", 6 + len(body), length, kind) + bytes(body)


def version_resource(**strings: str) -> bytes:
    """VS_VERSIONINFO for version 1.2.3.4, product 5.6.7.8."""
    fixed = pack("<II8H", 0xFEEF04BD, 0x10000, 2, 1, 4, 3, 6, 5, 8, 7) + bytes(28)
    texts = [_block(key, (text + "\0").encode("utf-16-le"), 1) for key, text in strings.items()]
    info = _block("StringFileInfo", b"", 1, _block("040904b0", b"", 1, *texts))
    return _block("VS_VERSION_INFO", fixed, 0, info)


def everything(bits: int) -> Pe:
    """One of each thing a PE file can hold."""
    pe = Pe(bits)
    pe.section_name, pe.strings = b"/4", b".text_with_a_long_name\0"
    pe.put(b"\xc3" * 16)
    pe.imports(("KERNEL32.dll", ("LoadLibraryW", 7)), ("api-ms-win-core-file-l1-1-0.dll", ("ReadFile",)))
    pe.delayed("delayed.dll", "later", 9)
    pe.exports("own.dll", 5, ("first", SECTION), (None, SECTION + 1), ("gone", "OTHER.there"), ("last", SECTION + 2))
    pe.load_config(flags=0x800, cookie=pe.base + SECTION, guard=0x500, functions=3, handlers=pe.base + SECTION, count=2)
    pe.callbacks(SECTION + 3, SECTION + 4)
    pdb = b"RSDS" + bytes(range(16)) + pack("<I", 2) + b"C:\\build\\own.pdb\0"
    pe.debug((2, pdb), (20, pack("<I", 1)))
    pe.bound(("KERNEL32.dll", ("NTDLL.dll",)), ("second.dll", ()))
    pe.resources((16, 1, version_resource(CompanyName="Us", OriginalFilename="own.dll")), (24, 2, MANIFEST))
    return pe
