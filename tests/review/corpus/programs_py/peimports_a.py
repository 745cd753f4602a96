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


    def _read_headers(self):
        if self._map[:2] != b"MZ":
            raise BadImage("no MZ")
        (start,) = struct.unpack_from("<I", self._map, 0x3C)
        if self._map[start:start + 4] != b"PE\0\0":
            raise BadImage("no PE")
        count, optional = struct.unpack_from("<H12xH", self._map, start + 6)
        first = start + 24 + optional
        for index in range(count):
            row = SECTION.unpack_from(self._map, first + index * SECTION.size)
            self._sections.append((row[2], max(row[1], row[3]), row[4]))

    def _offset(self, rva):
        for address, size, raw in self._sections:
            if address <= rva < address + size:
                return rva - address + raw
        raise BadImage(f"address {rva:#x} is in no section")

    def _text(self, rva):
        at = self._offset(rva)
        end = self._map.find(b"\0", at)
        return self._map[at:end].decode("ascii", "replace")

    def imports(self, table):
        at = self._offset(table)
        names = []
        while True:
            row = IMPORT.unpack_from(self._map, at)
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
