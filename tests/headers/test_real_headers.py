"""Headers as they are installed: nothing of them is left out, and the compiler agrees on every constant and size."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.headers.gcc_agrees import disagreements
from tests.scale import mostly_slow
from tests.tools import needed, unavailable

from loadstone.bind import binding
from loadstone.headers import read_header, read_text
from loadstone.headers.abi import current
from loadstone.headers.layout import Layouts
from loadstone.headers.search import IncludePath
from loadstone.headers.types import Declarations

ALWAYS = (
    "zlib.h",
    "sqlite3.h",
    "png.h",
    "stdio.h",
    "string.h",
    "math.h",
    "time.h",
    "pthread.h",
    "sys/stat.h",
    "netdb.h",
    "curl/curl.h",
    "openssl/evp.h",
    "libusb-1.0/libusb.h",
)
# Not asked for in CI: SDL2 brings some sixty packages, GLib a toolchain, and LLVM's is named by its release.
WHERE_INSTALLED = (
    "SDL2/SDL.h", "git2.h", "llvm-c/Core.h", "X11/Xlib.h", "yaml.h", "expat.h", "lzma.h", "bzlib.h", "zstd.h",
    "ffi.h", "gmp.h", "glib-2.0/glib.h",
)  # fmt: skip
DAILY = ("zlib.h", "sqlite3.h", "png.h", "time.h", "pthread.h", "sys/stat.h", "netdb.h", "libusb-1.0/libusb.h")
FURTHER = ("/usr/include/glib-2.0", "/usr/lib/x86_64-linux-gnu/glib-2.0/include", "/usr/include/libxml2")


def header(name: str) -> Path:
    include = tuple(d for d in FURTHER if os.path.isdir(d))
    found = IncludePath(include).find(name, None, quoted=False, beside="")
    if found is None:
        if name in ALWAYS:
            unavailable(name, f"this test needs the header {name}, which is not installed")
        pytest.skip(f"the header {name} is not installed")
    return Path(found.path)


@pytest.fixture(scope="module", params=mostly_slow([*ALWAYS, *WHERE_INSTALLED], quick=DAILY))
def real(request: pytest.FixtureRequest) -> tuple[Path, Declarations]:
    path = header(request.param)
    return path, read_header(str(path), include=[d for d in FURTHER if os.path.isdir(d)])


def test_everything_a_header_declares_is_taken(real: tuple[Path, Declarations]) -> None:
    path, declared = real
    assert [str(one) for one in declared.not_taken] == []
    assert len(declared.functions) + len(declared.types) > 3, path


@pytest.mark.slow
def test_the_compiler_agrees_on_every_constant_struct_and_prototype(
    real: tuple[Path, Declarations], tmp_path: Path
) -> None:
    """One translation unit of assertions; it compiles only if all of them hold."""
    path, declared = real
    folders = [d for d in FURTHER if os.path.isdir(d)]
    wrong = disagreements(needed("gcc"), path, declared, tmp_path, folders, skip="_LINE")
    assert wrong == []


def test_a_binding_carries_every_function_with_its_type(real: tuple[Path, Declarations]) -> None:
    """What the module carries as text means what the header meant."""
    path, declared = real
    made = binding(str(path), "z", include=[d for d in FURTHER if os.path.isdir(d)])
    names: dict[str, object] = {}
    exec(compile(made.text, str(path), "exec"), names)
    again = read_text(str(names["_DECLARATIONS"]))
    assert {f: str(one.type) for f, one in again.functions.items()}.keys() == declared.functions.keys()
    ours, theirs = Layouts(again.records, current()), Layouts(declared.records, current())
    for key, record in again.records.items():
        if not record.tag.startswith("(") and record.members is not None:
            assert ours.of(record).size == theirs.of(declared.records[key]).size, key
