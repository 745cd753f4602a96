"""All facts of Windows and macOS libraries of real wheels, beside pefile, macholib and LIEF."""

from __future__ import annotations

import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.wheels import wheel

from bench.table import Row, per_call, render
from loadstone.binary import images

__all__ = ["run"]

_WINDOWS = (("lxml", "6.1.3", "win_amd64"), ("PyQt6-Qt6", "6.11.2", "win_amd64"), ("psutil", "7.1.1", "win32"))
_MACOS = (("numpy", "2.4.6", "macosx_11_0_arm64"), ("PyQt6-Qt6", "6.11.2", "macosx_11_0_arm64"))
_MACHO_MAGICS = (b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
_MANY = 60  # files a side, evenly spread over the wheels
_SMALL = 2_000_000  # bytes; a large one is measured by itself
_BAR = ">= 3 x pefile and macholib; LIEF (C++) compares no digests"
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


def _rows(what: str, paths: list[Path], peers: dict[str, Reader | None]) -> list[Row]:
    large, *rest = paths
    step = max(len(rest) // _MANY, 1)
    small = rest[::step][:_MANY]

    def seconds(reader: Reader | None, chosen: list[Path]) -> float | None:
        if reader is None:
            return None
        return 1000 * per_call(lambda: [reader(path) for path in chosen], repeat=3) / len(chosen)

    return [
        Row(
            f"{what}: {label}",
            seconds(images, chosen),
            "ms/file",
            {name: seconds(reader, chosen) for name, reader in peers.items()},
            bar,
        )
        for label, chosen, bar in (
            (f"all facts of {len(small)} libraries", small, _BAR),
            (f"one of {large.stat().st_size / 1e6:.1f} MB", [large], _BAR),
        )
    ]


def run() -> list[Row]:
    """Mean milliseconds a file, median of three rounds; digests of signed files are computed by ours only."""
    with tempfile.TemporaryDirectory() as name:
        windows, macos = Path(name) / "windows", Path(name) / "macos"
        windows.mkdir()
        macos.mkdir()
        dlls = _unpacked(windows, _WINDOWS, (b"MZ",), _LARGE_DLL)
        dylibs = _unpacked(macos, _MACOS, _MACHO_MAGICS, _LARGE_DYLIB)
        return [
            *_rows("PE", dlls, {"pefile": _pefile(), "LIEF": _lief("PE")}),
            *_rows("Mach-O", dylibs, {"macholib": _macholib(), "LIEF": _lief("MachO")}),
        ]


if __name__ == "__main__":
    sys.stdout.write(render(run()) + "\n")
