"""Install names of Mach-O dylibs, for the packager."""
import ctypes
import struct

HEADER = struct.Struct("<8I")
COMMAND = struct.Struct("<II")
LC_ID_DYLIB = 0xD
MAGIC = 0xFEEDFACF


class Name(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint32), ("text", ctypes.c_char * 256)]


def install_name(data):
    magic, _, _, _, count, total, _, _ = HEADER.unpack_from(data)
    if magic != MAGIC:
        raise ValueError("not a 64-bit Mach-O file")
    position = HEADER.size
    end = position + total
    if end > len(data):
        raise ValueError("load commands do not fit")
    for _ in range(count):
        if position + COMMAND.size > end:
            raise ValueError("load command does not fit")
        kind, size = COMMAND.unpack_from(data, position)
        if size < COMMAND.size or size > end - position:
            raise ValueError("bad size of a load command")
        if kind == LC_ID_DYLIB:
            (offset,) = struct.unpack_from("<I", data, position + 8)
            text = data[position + offset:position + size]
            name = Name(size=len(text))
            ctypes.memmove(ctypes.addressof(name) + Name.text.offset, text, len(text))  # expect: CWE-787
            return name.text.decode()
        position += size
    return None


def of(path):
    with open(path, "rb") as source:
        return install_name(source.read())
