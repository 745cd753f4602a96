"""The tables of docs/reference/loader-fields.md, row by row: real loaders do as they say, and no fact is dropped."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.binary import macho_inputs
from tests.binary.edits import edit_elf, edit_macho, edit_pe
from tests.tools import compiler, needed

from loadstone.binary import read
from loadstone.core.image import CheckState, DependencyKind, Image, ImageKind
from loadstone.linker import LoaderModel

_MINGW = "x86_64-w64-mingw32-gcc"
_OFFERED = "__declspec(dllexport)"
PAGE = Path(__file__).parents[2] / "docs/reference/loader-fields.md"

_LIBRARY = """
int wanted(void);
int first(void) { return 7; }
int second(void) { return wanted(); }
static int kept;
int *where(void) { return &kept; }
__attribute__((constructor)) static void begin(void) { kept = 3; }
"""

_WANTED = "int wanted(void) { return 5; }"

_PROGRAM = """
#include <dlfcn.h>
int main(int count, char **names) {
    void *library = dlopen(names[1], RTLD_NOW);
    int (*first)(void) = library ? (int (*)(void))dlsym(library, "first") : 0;
    return first && first() == 7 ? 0 : 1;
}
"""

_WINDOWS_PROGRAM = """
#include <windows.h>
int main(int count, char **names) {
    SetErrorMode(0x8007);
    HMODULE library = LoadLibraryA(names[1]);
    int (*first)(void) = library ? (void *)GetProcAddress(library, "first") : 0;
    return first && first() == 7 ? 0 : 1;
}
"""


def _rows(heading: str) -> list[tuple[str, ...]]:
    """The cells of the table below a heading, without the first two lines."""
    part = PAGE.read_text().partition(f"## {heading}")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")][2:]
    return [tuple(cell.strip().strip("`") for cell in line.strip("|").split("|")) for line in lines]


def _run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def _build(folder: Path, gcc: str) -> None:
    """Into the folder: a library that needs another, and a program that loads what it is told."""
    for name, text in (("wanted", _WANTED), ("library", _LIBRARY), ("program", _PROGRAM)):
        (folder / f"{name}.c").write_text(text)
    flags = ("-Wl,--hash-style=both", "-Wl,-z,relro", "-Wl,-rpath,$ORIGIN", "-Wl,-soname,libfirst.so.1")
    _run(folder, needed(gcc), "-shared", "-fPIC", "-o", "libwanted.so", "wanted.c")
    _run(folder, needed(gcc), "-shared", "-fPIC", "-o", "library.so", "library.c", "libwanted.so", *flags)
    _run(folder, needed(gcc), "-o", "program", "program.c", "-ldl")


def _facts(image: Image) -> tuple[object, ...]:
    """What no change of an ignored field may take away."""
    return (
        image.kind,
        image.identity,
        [(one.name, one.kind, one.symbols) for one in image.needed],
        [(one.name, one.version and one.version.name) for one in image.exports],
        [(one.name, one.version and one.version.name, one.library) for one in image.imports],
        [(one.file, one.name) for one in image.version_needs],
        image.search_dirs,
        [(one.kind, one.address) for one in image.initialisers],
    )


def _answer(folder: Path, program: list[str], file: str) -> str:
    environment = {**os.environ, "TMPDIR": str(folder)}  # Wine leaves the folder of its server behind
    command = [*program, file]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=False, env=environment)
    return "loads" if done.returncode == 0 else "refuses"


@pytest.fixture(scope="module", params=["gcc", "musl-gcc"])
def elf_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    gcc: str = request.param
    folder = tmp_path_factory.mktemp("elf")
    _build(folder, gcc)
    return gcc, folder


_READ = {"relro.memsz=0": ("relro", CheckState.ABSENT), "stack.flags=7": ("executable-stack", CheckState.ABSENT)}


def _of_release(cell: str, release: tuple[int, ...]) -> str:
    """What a cell says of one release: ``reads, refuses from 2.41`` is two sayings."""
    older, _, newer = cell.partition(", ")
    word, _, since = newer.partition(" from ")
    return word if since and release >= tuple(map(int, since.split("."))) else older


@pytest.mark.parametrize(("change", "glibc", "musl"), [row[:3] for row in _rows("ELF: shared objects")], ids=str)
def test_an_elf_field_has_the_say_the_table_gives_it(
    elf_folder: tuple[str, Path], change: str, glibc: str, musl: str
) -> None:
    gcc, folder = elf_folder
    whole = (folder / "library.so").read_bytes()
    if not any(segment.kind == "NOTE" for segment in read(whole).segments) and change.startswith("note"):
        pytest.skip(f"{gcc} writes no notes here")
    if ("VERNEED" in change or "vn_cnt" in change) and not read(whole).version_needs:
        pytest.skip("musl has no versions")
    changed = edit_elf(whole, change)
    (folder / "changed.so").write_bytes(changed)
    said = _of_release(glibc, LoaderModel.this_process().release) if gcc == "gcc" else musl
    assert _answer(folder, ["./program"], "./changed.so") == ("refuses" if said == "refuses" else "loads")
    image = read(changed)
    if "ignores" in (glibc, musl) or glibc.startswith("reads"):
        assert _facts(image) == _facts(read(whole))
    if glibc == musl == "ignores":
        assert not any(damage.fatal for damage in image.damage), image.damage
    if change in _READ:
        name, state = _READ[change]
        assert next(fact.state for fact in image.hardening if fact.name == name) is state


@pytest.mark.parametrize(("change", "linux"), [row[:2] for row in _rows("ELF: programs")], ids=str)
def test_the_kernel_does_with_a_field_of_a_program_as_the_table_says(
    elf_program: Path, change: str, linux: str
) -> None:
    whole = elf_program.read_bytes()
    changed = edit_elf(whole, change)
    file = elf_program.with_name("changed")
    file.write_bytes(changed)
    file.chmod(0o755)
    try:
        runs = subprocess.run([str(file)], check=False).returncode == 0
    except OSError:
        runs = False
    assert runs == (linux == "ignores")
    if linux == "ignores":
        image = read(changed)
        assert _facts(image) == _facts(read(whole))
        assert not any(damage.fatal for damage in image.damage), image.damage


@pytest.fixture(scope="module")
def elf_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("program")
    (folder / "whole.c").write_text("int main(void) { return 0; }")
    _run(folder, needed("gcc"), "-o", "whole", "whole.c")
    return folder / "whole"


@pytest.fixture(scope="module")
def pe_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pe")
    (folder / "wanted.c").write_text(f"{_OFFERED} int wanted(void) {{ return 5; }}")
    first, second = "int first(void) { return 7; }", "int second(void) { return wanted(); }"
    (folder / "library.c").write_text(f"int wanted(void); {_OFFERED} {first} {_OFFERED} {second}")
    bare = (*compiler(_MINGW), "-shared", "-nostdlib", "-Wl,--no-entry")
    _run(folder, *bare, "-o", "wanted.dll", "wanted.c", "-Wl,--out-implib,libwanted.a")
    _run(folder, *bare, "-o", "library.dll", "library.c", "libwanted.a")
    return folder


@pytest.mark.parametrize(("change", "wine"), [row[:2] for row in _rows("PE")], ids=str)
def test_a_pe_field_has_the_say_the_table_gives_it(pe_folder: Path, change: str, wine: str) -> None:
    whole = (pe_folder / "library.dll").read_bytes()
    changed = edit_pe(whole, change)
    if wine == "ignores":
        assert _facts(read(changed)) == _facts(read(whole))
        assert not any(damage.fatal for damage in read(changed).damage)
    elif change.startswith("optional.NumberOfRvaAndSizes"):
        assert not read(changed).imports


@pytest.mark.slow
@pytest.mark.parametrize(("change", "wine"), [row[:2] for row in _rows("PE")], ids=str)
def test_wine_does_with_a_pe_field_as_the_table_says(pe_folder: Path, change: str, wine: str) -> None:
    loader = shutil.which("wine64") or shutil.which("wine")
    if loader is None:
        pytest.skip("Wine is not installed: apt install wine64")
    (pe_folder / "program.c").write_text(_WINDOWS_PROGRAM)
    _run(pe_folder, needed(_MINGW), "-o", "program.exe", "program.c")
    (pe_folder / "changed.dll").write_bytes(edit_pe((pe_folder / "library.dll").read_bytes(), change))
    answer = _answer(pe_folder, [loader, "program.exe"], "changed.dll")
    assert answer == ("refuses" if wine == "refuses" else "loads")


@pytest.mark.parametrize(("change", "dyld"), [row[:2] for row in _rows("Mach-O")], ids=str)
@pytest.mark.parametrize("chained", [False, True])
def test_a_macho_field_has_the_say_the_table_gives_it(change: str, dyld: str, chained: bool) -> None:
    whole = macho_inputs.everything(chained=chained).build()
    if "DYLD_" in change and ("INFO" in change) == chained:
        pytest.skip("this one has no such command")
    image, before = read(edit_macho(whole, change)), read(whole)
    is_fatal = any(damage.fatal for damage in image.damage)
    if dyld == "reads":
        assert (_facts(image), image.build_id) != (_facts(before), before.build_id)
    elif dyld == "ignores":
        assert _facts(image) == _facts(before)
        assert not is_fatal, image.damage
    else:
        assert is_fatal


def test_a_debug_file_is_one_only_when_its_code_is_gone(elf_folder: tuple[str, Path]) -> None:
    _, folder = elf_folder
    subprocess.run([needed("objcopy"), "--only-keep-debug", "library.so", "library.debug"], cwd=folder, check=True)
    assert read(folder / "library.debug").kind is ImageKind.DEBUG
    hidden = edit_elf((folder / "library.so").read_bytes(), "sections.type=8")
    assert read(hidden).kind is ImageKind.SHARED
    assert next(one.name for one in read(hidden).needed if one.kind is DependencyKind.NEEDED) == "libwanted.so"
