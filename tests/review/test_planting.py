"""Names that a stranger's file can answer to, the interpreter, and what a build says of the place it was made in."""

from __future__ import annotations

from pathlib import Path
from struct import pack

import pytest
from tests.binary.pe_inputs import Pe
from tests.conftest import Compile

from loadstone.binary import read
from loadstone.core.claims import Claim, Evidence, Finding, Severity
from loadstone.core.image import ByteOrder, Dependency, DependencyKind, Format, Image, ImageKind, Machine
from loadstone.review.binary import FileAccess, PretendedPlaces, review_image

ROOT = FileAccess(0, 0, 0o40755)
SYSTEM = PretendedPlaces({"/": ROOT, "/lib64": ROOT, "/opt": ROOT, "/opt/open": FileAccess(0, 0, 0o40777)})
CODE_VIEW = 2


def about(image: Image, rule: str) -> list[Claim]:
    return [claim for claim in review_image(image, SYSTEM) if claim.rule == rule]


def importing(*names: str, flags: int = 0, delayed: str = "") -> Image:
    pe = Pe()
    if names:
        pe.imports(*((name, ("Function",)) for name in names))
    if delayed:
        pe.delayed(delayed, "Function")
    pe.load_config(flags=flags)
    return read(pe.build())


def test_names_of_windows_that_are_looked_for_beside_the_program_are_named() -> None:
    (claim,) = about(importing("KERNEL32.dll", "VERSION.dll", "own.dll", "WINMM.dll"), "dll-planting")
    assert isinstance(claim, Finding)
    assert (claim.severity, claim.cwe) == (Severity.NOTE, 427)
    assert claim.message.startswith("2 of 3 imported names")
    assert claim.message.endswith("first: VERSION.dll, WINMM.dll")
    assert claim.location.start > 0


def test_no_more_than_some_of_many_names_are_listed() -> None:
    names = ["version", "winmm", "dbghelp", "crypt32", "dnsapi", "pdh", "userenv", "uxtheme", "wininet", "urlmon"]
    (claim,) = about(importing(*(f"{name}.dll" for name in names)), "dll-planting")
    assert claim.message.endswith("uxtheme.dll and 2 more")


@pytest.mark.parametrize(
    ("names", "flags"),
    [
        (("KERNEL32.dll", "USER32.dll"), 0),
        (("KERNEL32.dll", "VERSION.dll"), 0x800),
        (("KERNEL32.dll", "api-ms-win-core-file-l1-1-0.dll", "own.dll"), 0),
    ],
)
def test_known_names_contracts_and_a_restricted_search_are_praised(names: tuple[str, ...], flags: int) -> None:
    (claim,) = about(importing(*names, flags=flags), "dll-planting")
    assert isinstance(claim, Evidence)
    assert claim.met == claim.sites


def test_the_restricted_search_does_not_reach_delayed_imports() -> None:
    (claim,) = about(importing("version.dll", flags=0x800, delayed="dbghelp.dll"), "dll-planting")
    assert isinstance(claim, Finding)
    assert claim.message.endswith("first: dbghelp.dll")


def test_an_image_without_names_of_windows_is_not_asked() -> None:
    assert not about(importing("own.dll"), "dll-planting")
    assert not about(made(Format.ELF), "dll-planting")


@pytest.mark.parametrize(
    ("path", "is_told"), [("C:\\Users\\ann\\x.pdb", True), ("/home/ann/x.pdb", True), ("x.pdb", False)]
)
def test_the_directory_of_the_build_is_told_by_the_symbol_file(path: str, is_told: bool) -> None:
    pe = Pe()
    pe.debug((CODE_VIEW, pack("<4s16sI", b"RSDS", bytes(range(16)), 1) + path.encode() + b"\0"))
    (claim,) = about(read(pe.build()), "embedded-build-path")
    assert isinstance(claim, Finding if is_told else Evidence)
    assert "x.pdb" in claim.message
    assert not about(importing("own.dll"), "embedded-build-path")


def made(form: Format, interpreter: str | None = None, needed: tuple[Dependency, ...] = ()) -> Image:
    return Image(
        path="/lib64/x",
        format=form,
        size=4096,
        machine=Machine(62, "x86-64"),
        bits=64,
        byte_order=ByteOrder.LITTLE,
        kind=ImageKind.PIE,
        interpreter=interpreter,
        needed=needed,
    )


def test_a_library_that_may_be_missing_is_praised_only_where_the_system_keeps_it() -> None:
    weak = [Dependency(n, DependencyKind.WEAK, at) for at, n in ((8, "/usr/lib/libz.dylib"), (40, "@rpath/y.dylib"))]
    strong = Dependency("@rpath/strong.dylib", DependencyKind.NEEDED, 80)
    found, praised = about(made(Format.MACHO, needed=(*weak, strong)), "missing-library-planting")
    assert isinstance(found, Finding)
    assert (found.location.start, found.severity) == (40, Severity.NOTE)
    assert isinstance(praised, Evidence)
    assert (praised.met, praised.sites) == (1, 2)
    assert not about(made(Format.MACHO, needed=(strong,)), "missing-library-planting")
    assert not about(made(Format.ELF, needed=tuple(weak)), "missing-library-planting")


@pytest.mark.parametrize(
    ("path", "severity"),
    [
        ("/lib64/ld-linux-x86-64.so.2", None),
        ("lib/ld.so", Severity.HIGH),
        ("$ORIGIN/ld.so", Severity.HIGH),
        ("", Severity.HIGH),
        ("/tmp/ld.so", Severity.HIGH),
        ("/opt/open/ld.so", Severity.HIGH),
        ("/home/ann/ld.so", Severity.MEDIUM),
        ("/build/ld.so", Severity.MEDIUM),
    ],
)
def test_an_interpreter_is_judged_by_who_can_replace_it(path: str, severity: Severity | None) -> None:
    (claim,) = about(made(Format.ELF, path), "insecure-interpreter")
    assert (claim.severity if isinstance(claim, Finding) else None) == severity
    assert severity or isinstance(claim, Evidence)


def test_a_real_interpreter_is_found_at_its_own_offset(compile_library: Compile, tmp_path: Path) -> None:
    source = "int main(void) { return 0; }\n"
    program = compile_library(source, "program", "-pie", "-Wl,--dynamic-linker=lib/ld-odd.so")
    (claim,) = about(read(program), "insecure-interpreter")
    assert isinstance(claim, Finding)
    at = claim.location.start
    assert program.read_bytes()[at:].startswith(b"lib/ld-odd.so\0")
    library = compile_library("int f(void) { return 0; }\n", "libf.so")
    assert not about(read(library), "insecure-interpreter")
