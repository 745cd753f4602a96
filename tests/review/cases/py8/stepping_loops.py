"""Loops through records of a binary whose step is what the file says."""

import struct


def sections(data):
    if data[:4] != b"\x7fELF":
        return []
    found, at = [], 64
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at)
        found.append(data[at : at + size])
        at += size  #! CWE-835
    return found


def sections_asked(data):
    if data[:4] != b"\x7fELF":
        return []
    found, at = [], 64
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at)
        if size < 4:
            raise ValueError("short record")
        found.append(data[at : at + size])
        at += size  #! none CWE-835
    return found


def sections_with_header(data):
    if data[:4] != b"\x7fELF":
        return []
    found, at = [], 64
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at)
        found.append(data[at + 4 : at + 4 + size])
        at += 4 + size  #! none CWE-835
    return found


def chain(data, at):
    assert data[:2] == b"MZ"
    names = []
    while at:
        at_next = int.from_bytes(data[at : at + 4], "little")
        names.append(data[at + 4 : at + 12])
        at = at_next  #! CWE-835
    return names


def chain_bounded(data, at):
    assert data[:2] == b"MZ"
    names, seen = [], set()
    while at and at not in seen:
        seen.add(at)
        at_next = int.from_bytes(data[at : at + 4], "little")
        names.append(data[at + 4 : at + 12])
        at = at_next  #! none CWE-835
    return names
