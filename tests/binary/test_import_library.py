"""An import library is told from a static archive, in both forms in use, by the DLL it stands for."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

from tests.tools import needed

from loadstone.binary.pe.import_library import imported_by
from loadstone.linker import explain


def test_that_of_the_gnu_linker(tmp_path: Path) -> None:
    compiler = needed("x86_64-w64-mingw32-gcc")
    (tmp_path / "a.c").write_text("int f(void) { return 1; }\n")
    subprocess.run(
        [compiler, "-shared", "a.c", "-o", "engine-7.dll", "-Wl,--out-implib,libengine.dll.a"], check=True, cwd=tmp_path
    )
    library = tmp_path / "libengine.dll.a"
    assert imported_by(library.read_bytes()) == ("engine-7.dll",)
    answer = explain(str(library))
    assert answer.first_blocking is not None
    assert "import library, a link-time stand-in for engine-7.dll" in answer.first_blocking.explanation


def test_that_of_the_short_form() -> None:
    texts = b"f\0engine.dll\0"
    member = struct.pack("<HHHHIIHH", 0, 0xFFFF, 0, 0x8664, 0, len(texts), 0, 4) + texts
    header = b"%-16s%-12d%-6d%-6d%-8s%-10d`\n" % (b"engine.dll/", 0, 0, 0, b"644", len(member))
    assert imported_by(b"!<arch>\n" + header + member) == ("engine.dll",)


def test_a_static_archive_stands_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text("int f(void) { return 1; }\n")
    subprocess.run([needed("gcc"), "-c", "a.c"], check=True, cwd=tmp_path)
    subprocess.run([needed("ar"), "rcs", "liba.a", "a.o"], check=True, cwd=tmp_path)
    assert imported_by((tmp_path / "liba.a").read_bytes()) == ()
    assert imported_by(b"!<arch>\n") == ()
