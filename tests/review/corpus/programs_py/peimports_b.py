"""List the DLLs a PE file imports."""
import mmap
import struct
import sys

SECTION = struct.Struct("<8sIIIIIIHHI")
IMPORT = struct.Struct("<IIIII")


class BadImage(ValueError):
    pass


class Image:
    def __init__(self, path):
        with open(path, "rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._sections = []
        self._read_headers()

    def _unpack(self, fmt, at):
        size = struct.calcsize(fmt)
        if at < 0 or at > len(self._map) - size:
            raise BadImage(f"offset {at:#x} is outside the file")
        return struct.unpack_from(fmt, self._map, at)

    def _read_headers(self):
        if self._map[:2] != b"MZ":
            raise BadImage("no MZ")
        (start,) = self._unpack("<I", 0x3C)
        if self._map[start:start + 4] != b"PE\0\0":
            raise BadImage("no PE")
        count, optional = self._unpack("<H12xH", start + 6)
        first = start + 24 + optional
        for index in range(count):
            row = self._unpack(SECTION.format, first + index * SECTION.size)
            self._sections.append((row[2], max(row[1], row[3]), row[4]))

    def _offset(self, rva):
        for address, size, raw in self._sections:
            if address <= rva < address + size:
                return rva - address + raw
        raise BadImage(f"address {rva:#x} is in no section")

    def _text(self, rva):
        at = self._offset(rva)
        end = self._map.find(b"\0", at)
        if end < 0 or end - at > 512:
            raise BadImage("unterminated name")
        return self._map[at:end].decode("ascii", "replace")

    def imports(self, table):
        at = self._offset(table)
        names = []
        for _ in range(4096):
            row = self._unpack(IMPORT.format, at)
            if not any(row):
                break
            names.append(self._text(row[3]))
            at += IMPORT.size
        return names

    def close(self):
        self._map.close()


if __name__ == "__main__":
    image = Image(sys.argv[1])
    try:
        print("\n".join(image.imports(int(sys.argv[2], 0))))
    finally:
        image.close()
