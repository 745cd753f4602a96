"""All facts of Windows and macOS libraries of real wheels, beside pefile, macholib and LIEF."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import perf_counter

from tests.wheels import wheel

from bench.figure import Figure, Row, beside, each_call, faster_than
from loadstone.binary import images

_WINDOWS = (("lxml", "6.1.3", "win_amd64"), ("PyQt6-Qt6", "6.11.2", "win_amd64"), ("psutil", "7.1.1", "win32"))
_MACOS = (("numpy", "2.4.6", "macosx_11_0_arm64"), ("PyQt6-Qt6", "6.11.2", "macosx_11_0_arm64"))
_MACHO_MAGICS = (b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
_MANY = 60  # files a side, evenly spread over the wheels
_SMALL = 2_000_000  # bytes; a large one is measured by itself
_LEFT_OUT = "digests of signed files are compared by ours only"
_LARGE_DLL = "PyQt6/Qt6/bin/Qt6Gui.dll"
_LARGE_DYLIB = "PyQt6/Qt6/lib/QtGui.framework/Versions/A/QtGui"

Reader = Callable[[Path], object]


def _unpacked(folder: Path, specs: Sequence[tuple[str, str, str]], magics: tuple[bytes, ...], large: str) -> list[Path]:
    """The large one first, then small ones."""
    found: list[Path] = []
    for spec in specs:
        with zipfile.ZipFile(wheel(*spec)) as archive:
            for entry in archive.infolist():
                if entry.filename != large and entry.file_size > _SMALL:
                    continue
                data = archive.read(entry)
                if data.startswith(magics):
                    path = folder / str(len(found))
                    path.write_bytes(data)
                    found.insert(0 if entry.filename == large else len(found), path)
    return found


def _pefile() -> Reader | None:
    try:
        import pefile
    except ImportError:
        return None
    return lambda path: pefile.PE(str(path))


def _macholib() -> Reader | None:
    try:
        from macholib.MachO import MachO
        from macholib.SymbolTable import SymbolTable
    except ImportError:
        return None

    def read(path: Path) -> object:
        macho = MachO(str(path))
        return [SymbolTable(macho, header=header) for header in macho.headers]

    return read


def _lief(kind: str) -> Reader | None:
    try:
        import lief
    except ImportError:
        return None
    parser = getattr(lief, kind)
    return lambda path: parser.parse(str(path))


def _rows(what: str, paths: list[Path], peers: dict[str, Reader | None]) -> Iterator[Row]:
    large, *rest = paths
    step = max(len(rest) // _MANY, 1)
    small = rest[::step][:_MANY]

    def measure(reader: Reader, chosen: list[Path]) -> Callable[[], float]:
        return each_call(lambda: [reader(path) for path in chosen], clock=perf_counter)

    for label, chosen in (
        (f"all facts of {len(small)} libraries", small),
        (f"one of {large.stat().st_size / 1e6:.1f} MB", [large]),
    ):
        theirs = {name: reader and measure(reader, chosen) for name, reader in peers.items()}
        bar = faster_than(next(name for name in peers if name != "LIEF"), 3)
        yield beside(
            f"{what}: {label}", "ms/file", measure(images, chosen), theirs, (bar,),
            scale=1000 / len(chosen), rounds=3, note=_LEFT_OUT,
        )  # fmt: skip


def _windows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        dlls = _unpacked(Path(folder), _WINDOWS, (b"MZ",), _LARGE_DLL)
        yield from _rows("PE", dlls, {"pefile": _pefile(), "LIEF": _lief("PE")})


def _macos() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        dylibs = _unpacked(Path(folder), _MACOS, _MACHO_MAGICS, _LARGE_DYLIB)
        yield from _rows("Mach-O", dylibs, {"macholib": _macholib(), "LIEF": _lief("MachO")})


FIGURES = (Figure("PE", _windows), Figure("Mach-O", _macos))
