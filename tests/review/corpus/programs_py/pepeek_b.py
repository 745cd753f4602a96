"""Exports of a DLL read from memory that a debugger gave us."""
import ctypes
import struct


class Reader:
    """Reads from a block of memory mapped at an address of this process."""

    def __init__(self, address, size):
        self.address = address
        self.size = size

    def u16(self, offset):
        self._check(offset, 2)
        return ctypes.c_uint16.from_address(self.address + offset).value

    def u32(self, offset):
        self._check(offset, 4)
        return ctypes.c_uint32.from_address(self.address + offset).value

    def text(self, offset):
        self._check(offset, 1)
        block = ctypes.string_at(self.address + offset, self.size - offset)
        end = block.find(b"\0")
        if end < 0:
            raise ValueError("no end")
        return block[:end]

    def _check(self, offset, length):
        if not 0 <= offset <= self.size - length:
            raise ValueError(f"{offset:#x} lies outside")


def exports(reader):
    if reader.u16(0) != 0x5A4D:
        raise ValueError("not a PE image")
    header = reader.u32(0x3C)
    magic = reader.u16(header + 24)
    directory = header + 24 + (112 if magic == 0x20B else 96)
    table = reader.u32(directory)
    count = reader.u32(table + 24)
    names = reader.u32(table + 32)
    return [reader.text(reader.u32(names + 4 * index)) for index in range(count)]


def from_bytes(data):
    buffer = ctypes.create_string_buffer(data, len(data))
    return exports(Reader(ctypes.addressof(buffer), len(data)))


if __name__ == "__main__":
    import sys
    with open(sys.argv[1], "rb") as source:
        print(from_bytes(source.read()))
    struct.calcsize("I")
