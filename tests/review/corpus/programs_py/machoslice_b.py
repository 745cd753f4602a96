"""Pick one slice out of a universal binary and list its load commands."""
import pathlib
import struct
import sys
from dataclasses import dataclass

FAT = 0xCAFEBABE
MAGIC_64 = 0xFEEDFACF
LC_LOAD_DYLIB = 0xC


class Malformed(Exception):
    pass


@dataclass(frozen=True)
class Slice:
    cpu: int
    data: bytes


def slices(blob):
    magic, count = struct.unpack_from(">II", blob)
    if magic != FAT:
        return [Slice(0, blob)]
    found = []
    if count > 32:
        raise Malformed(f"{count} slices")
    for n in range(count):
        if 8 + (n + 1) * 20 > len(blob):
            raise Malformed("truncated")
        cpu, _sub, offset, size, _align = struct.unpack_from(">5I", blob, 8 + n * 20)
        if offset > len(blob) or size > len(blob) - offset:
            raise Malformed("slice outside the file")
        found.append(Slice(cpu, blob[offset : offset + size]))
    return found


def dylibs(data):
    if len(data) < 32:
        raise Malformed("short header")
    magic, _cpu, _sub, _kind, count, size = struct.unpack_from("<6I", data)
    if magic != MAGIC_64:
        raise Malformed(hex(magic))
    if size > len(data) - 32:
        raise Malformed("commands outside the file")
    at, end = 32, 32 + size
    names = []
    for _ in range(count):
        if end - at < 8:
            raise Malformed("command outside the table")
        command, length = struct.unpack_from("<II", data, at)
        if length < 8 or length > end - at:
            raise Malformed("command size")
        if command & 0x7FFFFFFF == LC_LOAD_DYLIB:
            if length < 24:
                raise Malformed("short command")
            (name,) = struct.unpack_from("<I", data, at + 8)
            if name >= length:
                raise Malformed("name outside the command")
            stop = data.index(b"\0", at + name, at + length)
            names.append(data[at + name : stop].decode())
        at += length
    return names


def main():
    blob = pathlib.Path(sys.argv[1]).read_bytes()
    for part in slices(blob):
        for name in dylibs(part.data):
            print(part.cpu, name)


if __name__ == "__main__":
    main()
