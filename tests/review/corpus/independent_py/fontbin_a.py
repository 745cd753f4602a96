"""Bounds-free reader of PE resources, used by the icon cache."""
import mmap
import os
import struct
from pathlib import Path


class PeFile:
    def __init__(self, path):
        self.fd = os.open(path, os.O_RDONLY)
        self.map = mmap.mmap(self.fd, 0, prot=mmap.PROT_READ)
        if self.map[:2] != b"MZ":
            raise ValueError("not PE")  # expect: CWE-772

    def u16(self, at):
        return struct.unpack_from("<H", self.map, at)[0]

    def u32(self, at):
        return struct.unpack_from("<I", self.map, at)[0]

    def sections(self):
        pe = self.u32(0x3C)
        count = self.u16(pe + 6)
        at = pe + 24 + self.u16(pe + 20)
        for i in range(count):
            name = self.map[at : at + 8].rstrip(b"\0")
            size, rva, raw_size, raw = struct.unpack_from("<IIII", self.map, at + 8)
            yield name, rva, self.map[raw : raw + raw_size]
            at += 40

    def close(self):
        self.map.close()
        os.close(self.fd)


def icons(folder):
    for path in Path(folder).glob("*.dll"):
        pe = PeFile(path)
        for name, rva, data in pe.sections():
            if name == b".rsrc":
                yield path, rva, data
        pe.close()
