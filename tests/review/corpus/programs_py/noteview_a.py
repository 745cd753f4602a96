"""Read the notes of a core or library that the kernel mapped for us."""
import ctypes
import mmap
import os


class Ehdr(ctypes.LittleEndianStructure):
    _fields_ = [
        ("ident", ctypes.c_ubyte * 16), ("type", ctypes.c_uint16), ("machine", ctypes.c_uint16),
        ("version", ctypes.c_uint32), ("entry", ctypes.c_uint64), ("phoff", ctypes.c_uint64),
        ("shoff", ctypes.c_uint64), ("flags", ctypes.c_uint32), ("ehsize", ctypes.c_uint16),
        ("phentsize", ctypes.c_uint16), ("phnum", ctypes.c_uint16), ("shentsize", ctypes.c_uint16),
        ("shnum", ctypes.c_uint16), ("shstrndx", ctypes.c_uint16),
    ]


class Phdr(ctypes.LittleEndianStructure):
    _fields_ = [
        ("type", ctypes.c_uint32), ("flags", ctypes.c_uint32), ("offset", ctypes.c_uint64),
        ("vaddr", ctypes.c_uint64), ("paddr", ctypes.c_uint64), ("filesz", ctypes.c_uint64),
        ("memsz", ctypes.c_uint64), ("align", ctypes.c_uint64),
    ]


PT_NOTE = 4


class Image:
    def __init__(self, path):
        with open(path, "rb") as source:
            self._map = mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_COPY)
        self._size = len(self._map)
        if self._size < ctypes.sizeof(Ehdr) or self._map[:4] != b"\x7fELF":
            raise ValueError(f"{path}: not an ELF file")
        self._anchor = ctypes.c_char.from_buffer(self._map)
        self._base = ctypes.addressof(self._anchor)
        self.header = Ehdr.from_address(self._base)

    def segments(self):
        table = self.header.phoff
        for index in range(self.header.phnum):
            yield Phdr.from_address(self._base + table + index * ctypes.sizeof(Phdr))  # expect: CWE-125

    def notes(self):
        for segment in self.segments():
            if segment.type != PT_NOTE:
                continue
            yield ctypes.string_at(self._base + segment.offset, segment.filesz)  # expect: CWE-125

    def close(self):
        self.header = None
        del self._anchor
        self._map.close()


def describe(path):
    image = Image(path)
    try:
        return [len(note) for note in image.notes()]
    finally:
        image.close()


if __name__ == "__main__":
    import sys
    for name in sys.argv[1:]:
        print(os.path.basename(name), describe(name))
