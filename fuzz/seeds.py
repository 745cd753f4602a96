"""The inputs each parser is fuzzed from: small, sound, and using every part of the format. ``python -m fuzz.seeds``.

They are built once and committed, so that a corpus does not change with the compiler of whoever fuzzes.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from struct import pack
from typing import Final

import cbor2
from tests.binary import macho_inputs, pe_inputs
from tests.binary.der_inputs import authenticode
from tests.binary.elf_inputs import big_endian, small_library

from fuzz.corpus import CORPUS
from loadstone.plugin.own import MAGIC

_QT_PLUGIN: Final = {2: "org.example.Format/1.0", 3: "Reader", 4: {"Keys": ["one", "two"], "version": 3}, 5: 0x060000}
_NAMES: Final = (
    "_ZNSt6vectorIiSaIiEE9push_backEOi",
    "_ZN3fooIXadL_Z3barvEEE3bazEPFvmE",
    "_ZZN1A1fEvENKUlT_E_clIiEEDaS0_",
    "_ZNK5boost6spirit2qi6actionIN4baseES1_Lm3EE5parseIPKcEEbRS4_S6_",
    "_ZN4core3fmt9Formatter9write_str17h0123456789abcdefE",
    "__ZTv0_n24_N7Derived4callEv",
    "_RNvXs_C7mycrateINtB4_3VecTyhEENtNtC4core3ops4Drop4drop",
    "_RINvC1a1fDG_INtC4core2FnTRL0_hEEp6OutputmEL_E",
    "_RINvCs7QNgkh8BJRe_7mycrate7exampleAtj8_FUKCyPhEuKanb_E",
    "_RNCNvCs15kBYyAo9fc_7mycrate3foou30____7hkackfecea1cbdathfdh9hlq6y.cold",
)
_LZ4 = bytes.fromhex("04224d18 604000 0d000000 44 61626364 0400 50 78797a7a79 00000000")
"""A frame of one block: four letters, eight more by a match, five at the end."""

_TEXTS: Final = (
    b"/* GNU ld script */\nOUTPUT_FORMAT(elf64-x86-64)\nGROUP ( /lib/libc.so.6 AS_NEEDED ( ld.so.2 ) )\n",
    b"INPUT(-lncursesw libtinfo.so.6)\n",
    b"#!/usr/bin/env python3\n",
    b"<!DOCTYPE html><html></html>",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
)


_DECLARATIONS: Final = (
    b"unsigned long crc32(unsigned long crc, const unsigned char *buf, unsigned len);",
    b"#define SIZE 0100\nenum color { RED = 'a', GREEN = 1 << 4, BLUE };\nextern int table[SIZE][sizeof(int)];",
    b"typedef struct node { struct node *next; union { int i; double d; }; unsigned b : 3; } node;\nnode *head(void);",
    b"/* sorted */ void qsort(void *base, size_t n, size_t size, int (*compare)(const void *, const void *));",
    b"int printf(const char *restrict format, ...) __attribute__((format(printf, 1, 2)));",
)


def _elf() -> Iterator[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        for bits in (64, 32):
            yield (data := small_library(Path(folder), bits))
            yield big_endian(data)
        plugin = Path(folder, "plugin.c")
        body = b"QTMETADATA !" + bytes((1, 6, 5, 0)) + cbor2.dumps(_QT_PLUGIN)
        values = ", ".join(map(str, body))
        plugin.write_text(
            f'__attribute__((section(".qtmetadata"), used)) static const unsigned char m[] = {{{values}}};'
        )
        library = plugin.with_suffix(".so")
        subprocess.run(
            ["gcc", "-shared", "-nostdlib", "-s", "-Wl,-z,noseparate-code", "-o", library, plugin], check=True
        )
        yield library.read_bytes()


def _macho() -> Iterator[bytes]:
    yield macho_inputs.everything().build()
    yield macho_inputs.everything(chained=True).build()
    yield macho_inputs.everything(32, ">").build()
    yield macho_inputs.everything().sign("Us").rstrip(b"\0") + bytes(16)


def _container() -> Iterator[bytes]:
    arm, intel = macho_inputs.Macho().build()[:400], macho_inputs.Macho(32).build()[:400]
    yield macho_inputs.universal((macho_inputs.ARM64, 0, arm), (macho_inputs.X86_64, 0, intel))
    yield macho_inputs.universal((macho_inputs.ARM64, 0, arm), wide=True)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "a_rather_long_member_name.c")
        source.write_text("int f(void) { return 1; }")
        made, archive = source.with_suffix(".o"), Path(folder, "a.a")
        subprocess.run(["gcc", "-c", "-o", made, source], check=True)
        subprocess.run(["ar", "rcD", archive, made], check=True)
        yield archive.read_bytes()


def _loader_cache() -> Iterator[bytes]:
    """Both formats (glibc, dl-cache.h): the newer by itself with its extensions, and behind the older one."""
    yield _new_cache()
    strings = b"libseed.so.1\0/lib/libseed.so.1\0"
    old = b"ld.so-1.7.0\0" + pack("<I", 1) + pack("<III", 3, 0, 13)
    yield old + strings
    yield old.ljust(-(-len(old) // 8) * 8, b"\0") + _new_cache()


def _new_cache() -> bytes:
    strings = b"libseed.so.1\0/lib/libseed.so.1\0/lib/glibc-hwcaps/x86-64-v3/libseed.so.1\0x86-64-v3\0made by hand\0"
    at = 48 + 2 * 24
    end = -(-(at + len(strings)) // 4) * 4
    head = b"glibc-ld.so.cache1.1" + pack("<IIB3xI12x", 2, len(strings), 2, end)
    rows = pack("<IIIIQ", 0x303, at, at + 30, 0, 1 << 62) + pack("<IIIIQ", 0x303, at, at + 13, 0, 0)
    generator, capability = at + strings.index(b"made"), at + strings.index(b"x86-64-v3\0m")
    extensions = pack("<II", 0xEAA42174, 2)
    extensions += pack("<IIII", 0, 0, generator, 12) + pack("<IIII", 1, 0, end + 40, 4) + pack("<I", capability)
    return (head + rows + strings).ljust(end, b"\0") + extensions


def _own() -> Iterator[bytes]:
    body = b'{"name":"reader","interface":"org.example.Format/1.0","version":[1,2],"data":{"keys":["a",null,true,1.5]}}'
    yield MAGIC + body + b"\0"
    yield body


def _binary_json() -> bytes:
    """An object of a text and a truth value, as Qt 5.0 to 5.11 stored it: base, entries, data, table of offsets."""
    entries = pack("<IH3s3x", 3 | 8 | 16 | 36 << 5, 3, b"IID") + pack("<IH5sx", 1 | 16 | 1 << 5, 5, b"debug")
    body = entries + pack("<H3s3x", 3, b"abc") + pack("<II", 12, 24)
    return b"qbjs" + pack("<IIII", 1, 12 + len(body), 1 | 2 << 1, 44) + body


def _inputs() -> Iterator[tuple[str, bytes]]:
    yield from (("elf", data) for data in _elf())
    yield from (("pe", pe_inputs.everything(bits).build()) for bits in (32, 64))
    yield from (("macho", data) for data in _macho())
    yield from (("container", data) for data in _container())
    yield "signed_message", authenticode(b"\1" * 32, nested=authenticode(b"\2" * 32))
    yield "cbor", cbor2.dumps(_QT_PLUGIN)
    yield "cbor", cbor2.dumps([1.5, -1, None, True, b"x", "y", {"a": [cbor2.CBORTag(1, 2)]}, 1 << 40])
    yield "binary_json", _binary_json()
    yield from (("own_metadata", data) for data in _own())
    yield from (("loader_cache", data) for data in _loader_cache())
    yield from (("splice", bytes((first, 4, 0, 0, 0, 64, 0, 16, how))) for first, how in ((0, 0), (5, 1), (8, 0)))
    yield "lz4", _LZ4
    yield from (("text", data) for data in _TEXTS)
    yield from (("symbol_name", name.encode()) for name in _NAMES)
    yield from (("prototype", text) for text in _DECLARATIONS)
    yield from (("declaration", bytes(range(start, start + 60))) for start in (0, 40))


def main() -> None:
    """Write every seed; a seed's number is its place."""
    counts: dict[str, int] = {}
    for name, data in _inputs():
        counts[name] = counts.get(name, 0) + 1
        folder = CORPUS / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{counts[name]:02}").write_bytes(data)


if __name__ == "__main__":
    main()
