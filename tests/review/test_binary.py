"""The binary rules: what a build leaves out is found at its offset, what it has is praised there, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import Compile

from loadstone.binary import read
from loadstone.core.claims import Claim, Evidence, Finding, Location, LocationUnit, NotApplicable, Severity, Undecided
from loadstone.core.image import (
    ByteOrder,
    CheckState,
    Damage,
    Dependency,
    DependencyKind,
    Format,
    HardeningFact,
    Image,
    ImageKind,
    ImageSymbol,
    Initialiser,
    Machine,
    SearchDir,
    SearchKind,
    Section,
    SymbolBinding,
    SymbolTable,
)
from loadstone.core.verdict import Verdict, decide
from loadstone.review import review_image
from loadstone.review.binary import RULES, FileAccess, PretendedPlaces

SOURCE = "#include <string.h>\nint f(const char *s) { char b[64]; strcpy(b, s); return b[1]; }\n"


def about(claims: tuple[Claim, ...], rule: str) -> list[Claim]:
    return [claim for claim in claims if claim.rule == rule]


def only(claims: tuple[Claim, ...], rule: str) -> Claim:
    (claim,) = about(claims, rule)
    return claim


@pytest.mark.parametrize(
    ("rule", "bad", "good", "severity"),
    [
        ("executable-stack", ["-z", "execstack"], ["-z", "noexecstack"], Severity.MEDIUM),
        ("relro", ["-z", "norelro"], ["-z", "relro", "-z", "now"], Severity.MEDIUM),
        ("bind-now", ["-z", "lazy"], ["-z", "now"], Severity.LOW),
        ("fortify", ["-O2", "-U_FORTIFY_SOURCE"], ["-O2", "-D_FORTIFY_SOURCE=2"], Severity.NOTE),
        ("embedded-debug-information", ["-g"], ["-s"], Severity.NOTE),
    ],
)
def test_a_protection_left_out_is_found_and_one_built_in_is_praised(
    compile_library: Compile, rule: str, bad: list[str], good: list[str], severity: Severity
) -> None:
    weak = only(review_image(read(compile_library(SOURCE, "libweak.so", *bad))), rule)
    strong = only(review_image(read(compile_library(SOURCE, "libstrong.so", *good))), rule)
    assert isinstance(weak, Finding)
    assert weak.severity is severity
    assert weak.fix
    assert isinstance(strong, Evidence)
    assert strong.location.unit is LocationUnit.BYTES


@pytest.mark.parametrize(
    ("element", "severity"),
    [
        ("", Severity.HIGH),
        (".", Severity.HIGH),
        ("lib", Severity.HIGH),
        ("../lib", Severity.HIGH),
        ("$LIB/x", Severity.HIGH),
        ("/tmp/lib", Severity.HIGH),
        ("/var/tmp", Severity.HIGH),
        ("/home/builder/lib", Severity.MEDIUM),
        ("/build/x/lib", Severity.MEDIUM),
        ("$ORIGIN", None),
        ("$ORIGIN/../lib", None),
        ("${ORIGIN}/lib", None),
        ("/usr/lib/x86_64-linux-gnu/private", None),
        ("/opt/shared/lib", Severity.HIGH),
        ("/opt/group/lib", Severity.MEDIUM),
        ("/opt/other/lib", Severity.MEDIUM),
        ("/sticky/there", None),
        ("/sticky/absent", Severity.HIGH),
    ],
)
def test_each_element_of_a_search_path_is_judged_by_who_can_fill_it(element: str, severity: Severity | None) -> None:
    image = made(search_dirs=(SearchDir(SearchKind.RUNPATH, element, 0x123),))
    (claim,) = about(review_image(image, SYSTEM), "insecure-runpath")
    if severity is None:
        assert isinstance(claim, Evidence)
    else:
        assert isinstance(claim, Finding)
        assert (claim.severity, claim.cwe) == (severity, 427)
        assert claim.location == Location.bytes("/usr/lib/libx.so", 0x123)


def test_a_search_path_beside_a_privileged_program_is_a_weakness() -> None:
    image = made(path="/usr/bin/su", search_dirs=(SearchDir(SearchKind.RUNPATH, "$ORIGIN/../lib", 1),))
    claim = only(review_image(image, SYSTEM), "insecure-runpath")
    assert isinstance(claim, Finding)
    assert "more rights" in claim.message


def test_a_real_search_path_is_found_at_its_own_offset(compile_library: Compile, tmp_path: Path) -> None:
    open_ = tmp_path / "open"
    open_.mkdir()
    open_.chmod(0o777)
    library = compile_library(SOURCE, "libpath.so", f"-Wl,-rpath,{open_}:$ORIGIN", "-Wl,--disable-new-dtags")
    claims = review_image(read(library))
    claim = only(claims, "insecure-runpath")
    assert isinstance(claim, Finding)
    assert str(open_) in claim.message
    older = only(claims, "rpath-not-runpath")
    assert isinstance(older, Finding)
    assert older.severity is Severity.NOTE


@pytest.mark.parametrize(
    ("needed", "kind", "rule", "severity"),
    [
        ("./liby.so", DependencyKind.NEEDED, "relative-needed-path", Severity.HIGH),
        ("sub/liby.so", DependencyKind.NEEDED, "relative-needed-path", Severity.HIGH),
        ("/opt/liby.so", DependencyKind.NEEDED, "relative-needed-path", Severity.LOW),
        ("libspy.so", DependencyKind.AUDIT, "auditor-or-filter", Severity.MEDIUM),
        ("libfilter.so", DependencyKind.FILTER, "auditor-or-filter", Severity.LOW),
        ("libc.so.6", DependencyKind.NEEDED, "relative-needed-path", None),
        ("$ORIGIN/liby.so", DependencyKind.NEEDED, "relative-needed-path", None),
    ],
)
def test_needed_names_are_judged_by_their_spelling_and_kind(
    needed: str, kind: DependencyKind, rule: str, severity: Severity | None
) -> None:
    claims = about(review_image(made(needed=(Dependency(needed, kind, 0x40),)), SYSTEM), rule)
    found = [claim for claim in claims if isinstance(claim, Finding)]
    assert [claim.severity for claim in found] == ([severity] if severity else [])
    assert severity or isinstance(claims[0], Evidence)


def test_a_file_that_others_can_replace_is_a_weakness(compile_library: Compile, tmp_path: Path) -> None:
    library = tmp_path / "libopen.so"
    library.write_bytes(compile_library(SOURCE).read_bytes())
    library.chmod(0o644)
    assert isinstance(only(review_image(read(library)), "writable-library-file"), Evidence)
    library.chmod(0o666)
    claim = only(review_image(read(library)), "writable-library-file")
    assert isinstance(claim, Finding)
    assert (claim.severity, claim.cwe) == (Severity.HIGH, 732)
    assert "itself" in claim.message


def test_damage_that_the_loader_would_not_survive_blocks() -> None:
    image = made(
        damage=(Damage("section headers", "beyond the end", 0x10), Damage("segment", "cut off", 0x40, fatal=True))
    )
    minor, fatal = about(review_image(image, SYSTEM), "malformed-image")
    assert isinstance(minor, Finding)
    assert isinstance(fatal, Finding)
    assert (minor.blocking, fatal.blocking) == (False, True)
    assert decide([fatal]).verdict is Verdict.DO_NOT_LOAD


def test_code_that_runs_at_load_is_noted_and_named() -> None:
    image = made(
        initialisers=(Initialiser("init_array", 0x1000, "start_up", 0x80), Initialiser("fini", 1, "", 2, final=True))
    )
    claim = only(review_image(image, SYSTEM), "load-time-code")
    assert isinstance(claim, Finding)
    assert (claim.severity, claim.location.start) == (Severity.NOTE, 0x80)
    assert "start_up" in claim.message
    assert isinstance(only(review_image(made(), SYSTEM), "load-time-code"), Evidence)


def test_a_unique_symbol_means_the_library_stays() -> None:
    symbols = SymbolTable.of([ImageSymbol("guard", binding=SymbolBinding.UNIQUE), ImageSymbol("f")])
    claim = only(review_image(made(symbols=symbols), SYSTEM), "not-unloadable")
    assert isinstance(claim, Finding)
    assert "guard" in claim.message


def test_names_of_the_c_library_and_unsafe_imports_are_noticed() -> None:
    symbols = SymbolTable.of(
        [ImageSymbol("malloc"), ImageSymbol("gets", defined=False), ImageSymbol("mktemp", defined=False)]
    )
    claims = review_image(made(symbols=symbols), SYSTEM)
    assert "malloc" in only(claims, "libc-interposition").message
    assert {c.severity for c in about(claims, "unsafe-c-functions") if isinstance(c, Finding)} == {
        Severity.MEDIUM,
        Severity.LOW,
    }
    inside = made(symbols=symbols, identity="libc.so.6")
    assert not about(review_image(inside, SYSTEM), "libc-interposition")


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (CheckState.PRESENT, Evidence),
        (CheckState.PARTIAL, Finding),
        (CheckState.ABSENT, Finding),
        (CheckState.NOT_APPLICABLE, NotApplicable),
        (CheckState.UNKNOWN, Undecided),
    ],
)
def test_every_state_of_a_protection_has_its_answer(state: CheckState, kind: type[Claim]) -> None:
    fact = HardeningFact("fortify", state, "read off the header", Location.bytes("x", 8, 4), met=1, sites=3)
    claim = only(review_image(made(hardening=(fact,)), SYSTEM), "fortify")
    assert type(claim) is kind
    assert claim.location == fact.location


def test_every_protection_a_reader_names_has_a_question() -> None:
    questions = {rule.id for rule in RULES}
    for path in (Path("/bin/ls"), Path(os.__file__)):
        if path.suffix != ".py":
            assert {fact.name for fact in read(path).hardening} <= questions


def test_an_ordinary_library_of_the_distribution_is_fit_to_load(distribution_libraries: list[Path]) -> None:
    for path in distribution_libraries:
        claims = review_image(read(path))
        assert decide(claims).verdict is Verdict.LOAD, (path, decide(claims).reasons)
        assert len([claim for claim in claims if isinstance(claim, Evidence)]) >= 8


def test_rules_have_an_id_of_their_own_and_say_why() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.question.endswith("?")
        assert rule.why
        assert rule.fix
        assert rule.bad
        assert rule.good
        assert rule.references


def test_bytes_without_a_path_are_judged_without_a_file_system() -> None:
    image = made(path=None, search_dirs=(SearchDir(SearchKind.RUNPATH, "$ORIGIN", 1),))
    claims = review_image(image, SYSTEM)
    assert isinstance(only(claims, "insecure-runpath"), Evidence)
    assert not about(claims, "writable-library-file")


def test_sections_without_debug_information_are_praised_and_none_is_no_answer() -> None:
    text = Section(".text", "PROGBITS", "r-x", 0x100, 16, 0x100, 0x900)
    assert isinstance(only(review_image(made(sections=(text,)), SYSTEM), "embedded-debug-information"), Evidence)
    debug = replace(text, name=".debug_info", size=4096)
    assert isinstance(only(review_image(made(sections=(text, debug)), SYSTEM), "embedded-debug-information"), Finding)
    assert not about(review_image(made(), SYSTEM), "embedded-debug-information")


ROOT = FileAccess(0, 0, 0o40755)
SYSTEM = PretendedPlaces(
    {
        **dict.fromkeys(
            ("/", "/usr", "/usr/lib", "/usr/bin", "/opt", "/usr/lib/x86_64-linux-gnu", "/home", "/build", "/var"), ROOT
        ),
        "/usr/lib/libx.so": FileAccess(0, 0, 0o100644),
        "/usr/bin/su": FileAccess(0, 0, 0o104755),
        "/opt/shared": FileAccess(0, 0, 0o40777),
        "/opt/group": FileAccess(0, 1000, 0o40775),
        "/opt/other": FileAccess(1001, 1001, 0o40755),
        "/sticky": FileAccess(0, 0, 0o41777),
        "/sticky/there": ROOT,
        "/tmp": FileAccess(0, 0, 0o41777),
    }
)


def made(path: str | None = "/usr/lib/libx.so", **parts: object) -> Image:
    values: dict[str, object] = {
        "path": path,
        "format": Format.ELF,
        "size": 4096,
        "machine": Machine(62, "x86-64"),
        "bits": 64,
        "byte_order": ByteOrder.LITTLE,
        "kind": ImageKind.SHARED,
    }
    make: Callable[..., Image] = Image
    return make(**{**values, **parts})
