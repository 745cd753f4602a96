"""What is not an image is named for what it is; scripts are followed to the library they name."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from tests.conftest import Compile

from loadstone.binary import FileKind, follow_script, identify, identify_file, read
from loadstone.errors import MalformedImage, Unreadable

CASES = [
    (b"", FileKind.EMPTY, "empty"),
    (b"\0" * 4096, FileKind.ZEROS, "zero bytes"),
    (b"#!/usr/bin/python3 -I\n", FileKind.SCRIPT, "/usr/bin/python3"),
    (b"#!\n", FileKind.SCRIPT, "unnamed"),
    (b"hello\n", FileKind.TEXT, "plain text"),
    (b"<!DOCTYPE html>\n<title>404", FileKind.HTML, "HTML"),
    (b"\n  <html>", FileKind.HTML, "HTML"),
    (b'<?xml version="1.0"?>', FileKind.XML, "XML"),
    (b'{"a": [1, 2]}\n', FileKind.JSON, "JSON"),
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", FileKind.LFS_POINTER, "Git LFS pointer"),
    (b"/* GNU ld script */\nINPUT(libx.so.1 -ly)\n", FileKind.LINKER_SCRIPT, "points to libx.so.1, -ly"),
    (b"OUTPUT_FORMAT(elf64-x86-64)\n", FileKind.LINKER_SCRIPT, "linker script"),
    (b"# libz.la - a libtool library file\n", FileKind.LIBTOOL, "libtool"),
    (b"!<arch>\n", FileKind.ARCHIVE, "static archive"),
    (b"!<thin>\n", FileKind.THIN_ARCHIVE, "thin"),
    (b"<bigaf>\n", FileKind.BIG_ARCHIVE, "AIX"),
    (b"BC\xc0\xde\x35\x14", FileKind.BITCODE, "bitcode"),
    (b"\0asm\x01\0\0\0", FileKind.WASM, "WebAssembly"),
    (b"\xca\xfe\xba\xbe\0\0\0\x41", FileKind.JAVA_CLASS, "Java class"),
    (b"\xca\xfe\xba\xbe\0\0\0\x02", FileKind.UNIVERSAL, "2 images"),
    (b"\xcf\xfa\xed\xfe", FileKind.MACHO, "Mach-O"),
    (b"\x1f\x8b\x08", FileKind.GZIP, "gzip"),
    (b"PK\x03\x04", FileKind.ZIP, "ZIP"),
    (b"\xfd7zXZ\0", FileKind.XZ, "xz"),
    (b"%PDF-1.7", FileKind.PDF, "PDF"),
    (b"a" * 257 + b"ustar\0" + b"0" * 300, FileKind.TAR, "tar"),
    (b"\xa7\x0d\r\n\0\0\0\0" + b"\1" * 20, FileKind.PYTHON_BYTECODE, "Python"),
    (b"MZ" + b"\0" * 58 + b"\x40\0\0\0" + b"PE\0\0", FileKind.PE, "PE"),
    (b"MZ" + b"\0" * 58 + b"\x40\0\0\0" + b"NE\0\0", FileKind.DOS, "16-bit"),
    (b"MZ" + b"\0" * 58 + b"\x40\0\0\0" + b"LX\0\0", FileKind.DOS, "OS/2 (LX)"),
    (b"\x1bLua\x54\0\x19\x93", FileKind.FOREIGN, "compiled Lua"),
    (b"\xc6\x1f\xbc\x03\xc1\x03\x19\x1f" + bytes(20), FileKind.FOREIGN, "Hermes"),
    (b"\0\0\xa0\xe1" * 9 + b"\x18\x28\x6f\x01" + bytes(40), FileKind.KERNEL_IMAGE, "zImage"),
    (b"\x01\xdf" + bytes(16) + b"\x20\x02" + bytes(60), FileKind.XCOFF, "XCOFF shared object, 32-bit"),
    (b"\x01\xf7" + bytes(78), FileKind.XCOFF, "XCOFF object file, 64-bit"),
    (b"dyld_v1  x86_64h\0" + bytes(99), FileKind.DYLD_CACHE, "dyld shared cache, x86_64h"),
    (b"dex\n039\0" + bytes(104), FileKind.DEX, "version 039"),
    (b"--- !tapi-tbd\ninstall-name: '/usr/lib/a.dylib'\n", FileKind.TEXT_STUB, "(.tbd, TAPI): /usr/lib/a.dylib"),
    (b"--- !tapi-tbd-v3\narchs: [ i386 ]\n", FileKind.TEXT_STUB, "text stub"),
    (b"\x64\xaa\x01\0" + bytes(16) + b".text\0\0\0" + bytes(40), FileKind.COFF_OBJECT, "COFF object file for aarch64"),
    (b"\0\0\xff\xff\0\0\x4c\x01" + bytes(12) + b"_f@4\0a.dll\0", FileKind.IMPORT_OBJECT, "i386: _f@4 of a.dll"),
    (b"MDMP\x93\xa7" + bytes(30), FileKind.MINIDUMP, "minidump"),
    (bytes(510) + b"\x55\xaa" + bytes(2) + b"HdrS" + bytes(9), FileKind.KERNEL_IMAGE, "bzImage"),
    (b"\x7fCGC\x01\x01\x01C\x01" + bytes(60), FileKind.FOREIGN, "DECREE"),
    (b"bFLT\0\0\0\4" + bytes(60), FileKind.FOREIGN, "without an MMU"),
    (b"BSJB\1\0\1\0", FileKind.PDB, "portable program database"),
    (b"\x02\x10\x01\x0e" + bytes(124), FileKind.FOREIGN, "SOM shared library"),
    (b"\x80\x06\x00\x04a.asm" + bytes(20), FileKind.FOREIGN, "OMF"),
    (b"\xf0\x01\x01\0" + bytes(16) + b".text\0\0\0" + bytes(40), FileKind.COFF_OBJECT, "COFF object file for ppc"),
    (b"ZM\0\0" + bytes(30), FileKind.DOS, "ZM"),
    (b"7z\xbc\xaf'\x1c\0\4", FileKind.SEVEN_ZIP, "7z"),
    (bytes(range(1, 256)) * 3, FileKind.UNKNOWN, "no kind of file"),
]


@pytest.mark.parametrize(("data", "kind", "words"), CASES, ids=[f"{k.value} {i}" for i, (_, k, _) in enumerate(CASES)])
def test_a_file_is_named_for_what_it_is(data: bytes, kind: FileKind, words: str) -> None:
    found = identify(data)
    assert found.kind is kind
    assert words in found.sentence


def test_reading_what_is_no_image_says_what_it_is_and_what_to_do() -> None:
    with pytest.raises(MalformedImage) as caught:
        read(b"version https://git-lfs.github.com/spec/v1\n")
    assert caught.value.what == "not a binary, but a Git LFS pointer; the content was not fetched"
    assert "git lfs pull" in str(caught.value)


def test_what_cannot_be_read_is_refused_with_the_reason(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "socket"))
    for path, reason in (
        (tmp_path, "it is a directory"),
        (tmp_path / "fifo", "it is a FIFO"),
        (Path("/dev/null"), "it is a character device"),
        (tmp_path / "absent", "No such file"),
        (Path("a\0b"), "null"),
    ):
        with pytest.raises(Unreadable, match=reason):
            read(path)
    with pytest.raises(Unreadable):
        read(tmp_path / "socket")
    server.close()


def test_a_script_leads_to_its_library(compile_library: Compile, tmp_path: Path) -> None:
    library = compile_library("int f(void) { return 1; }", "libreal.so.1")
    (tmp_path / "libreal.so.1").symlink_to(library)
    (tmp_path / "libreal.so").write_text("/* GNU ld script */ GROUP ( libabsent.so.3 AS_NEEDED ( libreal.so.1 ) )")
    (tmp_path / "libouter.so").write_text("INPUT(-lreal)")
    (tmp_path / "libexact.so").write_text("INPUT(-l:libreal.so.1)")
    (tmp_path / "librooted.so").write_text("GROUP(=/libreal.so.1)")
    (tmp_path / "libring.so").write_text("INPUT(libring.so)")
    real = str(tmp_path / "libreal.so.1")
    assert identify_file(tmp_path / "libreal.so").inputs == ("libabsent.so.3", "libreal.so.1")
    for name in ("libreal.so", "libouter.so", "libexact.so", "libreal.so.1"):
        assert follow_script(str(tmp_path / name)) == real
    assert follow_script(str(tmp_path / "librooted.so"), root=str(tmp_path)) == real
    assert follow_script(str(tmp_path / "libring.so")) is None
    with pytest.raises(Unreadable):
        follow_script(str(tmp_path / "absent.so"))
