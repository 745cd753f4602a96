"""What is said of a PE file whose every byte the test wrote."""

from __future__ import annotations

from dataclasses import replace
from struct import pack, pack_into

import pytest
from tests.binary.pe_inputs import (
    BASE,
    CERTIFICATE,
    CLR,
    EXPORT,
    IMPORT,
    LOAD_CONFIG,
    RAW,
    SECTION,
    TLS,
    Pe,
    everything,
)

from loadstone.binary import read
from loadstone.binary.digests import DigestState
from loadstone.binary.pe.facts import BoundImport, Hybrid, PeFacts
from loadstone.binary.pe.layout import Characteristics, DllCharacteristics
from loadstone.core.image import CheckState, DependencyKind, HardeningFact, Image, ImageKind, SymbolKind
from loadstone.errors import MalformedImage


def facts(image: Image) -> PeFacts:
    assert isinstance(image.native, PeFacts)
    return image.native


def protection(image: Image, name: str) -> HardeningFact:
    return next(fact for fact in image.hardening if fact.name == name)


@pytest.fixture(scope="module", params=[32, 64])
def whole(request: pytest.FixtureRequest) -> Image:
    return read(everything(request.param).sign())


def test_a_sound_file_has_no_damage(whole: Image) -> None:
    assert whole.damage == ()


def test_identity_and_headers(whole: Image) -> None:
    native = facts(whole)
    assert (whole.identity, whole.kind) == ("own.dll", ImageKind.SHARED)
    assert whole.machine.name == {32: "i386", 64: "x86-64"}[whole.bits]
    assert native.subsystem_name == "Windows console"
    assert Characteristics.DLL in native.characteristics
    assert DllCharacteristics.GUARD_CF in native.dll_characteristics
    assert native.subsystem_version == (6, 0)
    assert native.dependent_load_flags == 0x800


def test_imports_are_tied_to_their_modules(whole: Image) -> None:
    needed = {d.name: d for d in whole.needed}
    assert needed["KERNEL32.dll"].symbols == ("LoadLibraryW", "#7")
    assert needed["KERNEL32.dll"].kind is DependencyKind.NEEDED
    assert not needed["KERNEL32.dll"].virtual
    assert needed["api-ms-win-core-file-l1-1-0.dll"].virtual
    assert needed["delayed.dll"].kind is DependencyKind.DELAY
    assert needed["delayed.dll"].symbols == ("later", "#9")
    assert not needed["delayed.dll"].required
    by_ordinal = whole.symbols.named("#7")[0]
    assert (by_ordinal.library, by_ordinal.ordinal, by_ordinal.defined) == ("KERNEL32.dll", 7, False)


def test_exports_by_name_by_ordinal_and_forwarded(whole: Image) -> None:
    rows = {s.name: (s.ordinal, s.kind, s.forward) for s in whole.exports}
    assert rows == {
        "first": (5, SymbolKind.FUNCTION, None),
        "#6": (6, SymbolKind.FUNCTION, None),
        "gone": (7, SymbolKind.UNTYPED, "OTHER.there"),
        "last": (8, SymbolKind.FUNCTION, None),
    }
    forwarded = next(d for d in whole.needed if d.kind is DependencyKind.FORWARD)
    assert (forwarded.name, forwarded.symbols) == ("OTHER.dll", ("there",))


def test_bound_imports(whole: Image) -> None:
    first, second = facts(whole).bound_imports
    assert replace(first, offset=0) == BoundImport("KERNEL32.dll", 9, ("NTDLL.dll",), 0)
    assert replace(second, offset=0) == BoundImport("second.dll", 9, (), 0)


def test_the_section_name_comes_from_the_string_table(whole: Image) -> None:
    assert whole.sections[0].name == ".text_with_a_long_name"
    assert whole.segments[0].flags == "r-x"


def test_code_that_runs_at_load(whole: Image) -> None:
    found = [(i.kind, i.address) for i in whole.initialisers]
    assert found == [("tls_callback", SECTION + 3), ("tls_callback", SECTION + 4), ("entry_point", SECTION)]


def test_the_program_database(whole: Image) -> None:
    pdb = facts(whole).pdb
    assert pdb is not None
    assert (pdb.path, pdb.age) == ("C:\\build\\own.pdb", 2)
    assert whole.build_id == "030201000504070608090a0b0c0d0e0f2"


def test_version_and_manifest(whole: Image) -> None:
    version = facts(whole).version
    assert version is not None
    assert (version.file_version, version.product_version) == ("1.2.3.4", "5.6.7.8")
    assert version.string("OriginalFilename") == "own.dll"
    assert version.string("Absent") is None
    (manifest,) = facts(whole).manifests
    assert (manifest.requested_level, manifest.ui_access) == ("requireAdministrator", True)
    assert [d.name for d in manifest.dependencies] == ["Microsoft.Windows.Common-Controls"]
    assert facts(whole).requested_level == "requireAdministrator"


def test_protections_that_are_there(whole: Image) -> None:
    states = {fact.name: fact.state for fact in whole.hardening}
    assert states.pop("extended-flow-guard") is CheckState.ABSENT
    assert states.pop("shadow-stack") is (CheckState.PRESENT if whole.bits == 64 else CheckState.NOT_APPLICABLE)
    if whole.bits == 64:
        assert states.pop("high-entropy-va") is CheckState.PRESENT
    else:
        assert states.pop("safeseh") is CheckState.PRESENT
    assert set(states.values()) == {CheckState.PRESENT}, states


@pytest.mark.parametrize("nested", [False, True])
def test_the_signed_digest_is_that_of_the_file(nested: bool) -> None:
    signatures = facts(read(everything(64).sign(nested=nested))).signatures
    assert [s.digest for s in signatures] == [DigestState.MATCHES] * (1 + nested)
    assert [s.signer for s in signatures] == ["Test Signer", "Second Signer"][: 1 + nested]


def test_a_changed_byte_no_longer_has_the_signed_digest() -> None:
    data = bytearray(everything(64).sign())
    data[RAW] ^= 1
    image = read(bytes(data))
    assert facts(image).signatures[0].digest is DigestState.DIFFERS
    assert protection(image, "signature").state is CheckState.ABSENT


def test_the_checksum_is_not_under_the_signed_digest() -> None:
    data = bytearray(everything(64).sign())
    pack_into("<I", data, 0x80 + 24 + 64, 0x1234)
    assert facts(read(bytes(data))).signatures[0].digest is DigestState.MATCHES


def test_a_digest_exchanged_in_the_signed_message_differs() -> None:
    """The right digest of other bytes, put where the signer's was: the signer signed the message, not this one."""
    data = everything(64).sign()
    other = bytearray(data)
    other[RAW] ^= 1
    before, after = facts(read(data)).signatures[0], facts(read(bytes(other))).signatures[0]
    forged = bytes(other).replace(bytes.fromhex(before.signed_digest), bytes.fromhex(after.actual_digest))
    found = facts(read(forged)).signatures[0]
    assert found.signed_digest == found.actual_digest
    assert found.digest is DigestState.DIFFERS


def test_bytes_behind_the_certificates_are_told() -> None:
    pe = everything(64)
    pe.sign()
    pe.tail = b"appended"
    damage = read(pe.build()).damage
    assert [d.field for d in damage] == ["certificate table"]
    assert "outside the signature" in damage[0].what


def test_a_certificate_of_another_kind_is_there_and_not_compared() -> None:
    pe = Pe()
    pe.certificates = pack("<IHH", 16, 0x200, 1) + bytes(8)
    image = read(pe.build())
    assert facts(image).signatures[0].digest is DigestState.UNKNOWN
    assert protection(image, "signature").state is CheckState.UNKNOWN


def test_a_bare_file_lacks_protections() -> None:
    pe = Pe(64)
    pe.dll_characteristics = 0
    pe.section_flags = 0xE000_0020
    states = {fact.name: fact.state for fact in read(pe.build()).hardening}
    assert states["rwx-segment"] is CheckState.ABSENT
    assert states["stack-protector"] is CheckState.UNKNOWN
    assert states["restricted-import-search"] is CheckState.NOT_APPLICABLE
    for name in ("pie", "high-entropy-va", "executable-stack", "control-flow-guard", "shadow-stack"):
        assert states[name] is CheckState.ABSENT


def test_placement_without_relocations_is_no_placement() -> None:
    pe = Pe(64)
    pe.characteristics |= Characteristics.RELOCS_STRIPPED
    image = read(pe.build())
    assert protection(image, "pie").state is CheckState.ABSENT
    assert "stripped" in protection(image, "pie").detail


def test_guard_flags_without_tables_are_half_a_guard() -> None:
    pe = Pe(64)
    pe.load_config(guard=0x100)
    image = read(pe.build())
    assert protection(image, "control-flow-guard").state is CheckState.PARTIAL
    assert protection(image, "stack-protector").state is CheckState.ABSENT


def test_guard_without_a_load_configuration_is_none() -> None:
    assert protection(read(Pe(64).build()), "control-flow-guard").state is CheckState.ABSENT


@pytest.mark.parametrize(("flags", "state"), [(0x400, CheckState.PRESENT), (0, CheckState.ABSENT)])
def test_exception_handlers_of_32_bit_code(flags: int, state: CheckState) -> None:
    pe = Pe(32)
    pe.dll_characteristics = flags
    assert protection(read(pe.build()), "safeseh").state is state


def test_a_file_without_code_needs_no_canary() -> None:
    pe = Pe(64)
    pe.section_flags = 0x4000_0040
    states = {fact.name: fact.state for fact in read(pe.build()).hardening}
    assert states["stack-protector"] is states["rwx-segment"] is CheckState.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("machine", "bits", "hybrid"),
    [(0x8664, 64, Hybrid.ARM64EC), (0xAA64, 64, Hybrid.ARM64X), (0x14C, 32, Hybrid.CHPE), (0x1C4, 32, Hybrid.NONE)],
)
def test_code_of_two_processors_is_noted(machine: int, bits: int, hybrid: Hybrid) -> None:
    pe = Pe(bits, machine=machine)
    pe.load_config(hybrid=pe.base + SECTION)
    assert facts(read(pe.build())).hybrid is hybrid


@pytest.mark.parametrize(
    ("characteristics", "flags", "kind"),
    [(0x22, 0x40, ImageKind.PIE), (0x23, 0x40, ImageKind.EXECUTABLE), (0x22, 0, ImageKind.EXECUTABLE)],
)
def test_programs(characteristics: int, flags: int, kind: ImageKind) -> None:
    pe = Pe()
    pe.characteristics, pe.dll_characteristics = characteristics, flags
    image = read(pe.build())
    assert image.kind is kind
    assert image.initialisers == ()


def test_imports_of_old_link_editors_have_no_lookup_table() -> None:
    pe = Pe(32)
    pe.imports(("old.dll", ("wanted",)), lookup=False)
    pe.delayed("older.dll", "later", by_address=False)
    assert {d.name: d.symbols for d in read(pe.build()).needed} == {"old.dll": ("wanted",), "older.dll": ("later",)}


def test_managed_code_is_noted() -> None:
    pe = Pe()
    pe.table(CLR, bytes(72))
    assert facts(read(pe.build())).managed


def test_a_program_database_of_the_old_kind() -> None:
    pe = Pe(32)
    pe.debug((2, pack("<4sIII", b"NB10", 0, 0xABCD, 3) + b"old.pdb\0"))
    assert read(pe.build()).build_id == "0000abcd3"


@pytest.mark.parametrize(
    ("name", "expected"),
    [(b"//AAAAAE", ".long"), (b"/400", "/400"), (b"/x", "/x"), (b"//!!!!!!", "//!!!!!!"), (b"/", "/")],
)
def test_long_section_names(name: bytes, expected: str) -> None:
    pe = Pe()
    pe.section_name, pe.strings = name, b".long\0"
    image = read(pe.build())
    assert image.sections[0].name == expected
    assert bool(image.damage) == (name == b"/400")


def test_a_long_name_without_end_is_damage() -> None:
    pe = Pe()
    pe.section_name, pe.strings = b"/4", b".long"
    assert read(pe.build()).damage[0].field == "section name"


def broken_headers() -> list[tuple[str, int, bytes, str]]:
    """What is written where, and the field the damage then names."""
    section = 0x80 + 24 + 240
    return [
        ("optional header too short", 0x80 + 20, pack("<H", 8), "optional header"),
        ("too many directories", 0x80 + 24 + 108, pack("<I", 17), "data directories"),
        ("too many sections", 0x80 + 6, pack("<H", 97), "section table"),
        ("section behind the end", section + 20, pack("<I", 0xFFFF_FE00), "section"),
    ]


@pytest.mark.parametrize(("position", "patch", "field"), [row[1:] for row in broken_headers()])
def test_headers_that_contradict_themselves(position: int, patch: bytes, field: str) -> None:
    data = bytearray(everything(64).build())
    data[position : position + len(patch)] = patch
    assert field in {d.field for d in read(bytes(data)).damage}
    with pytest.raises(MalformedImage):
        read(bytes(data), strict=True)


@pytest.mark.parametrize(
    ("position", "patch", "what"),
    [(0x3C, pack("<I", 0xFFFF_FFFF), "PE signature"), (0x80 + 24, b"\x07\x01", "magic 0x107")],
)
def test_no_image_without_headers(position: int, patch: bytes, what: str) -> None:
    data = bytearray(everything(64).build())
    data[position : position + len(patch)] = patch
    with pytest.raises(MalformedImage, match=what):
        read(bytes(data))


@pytest.mark.parametrize("which", [EXPORT, IMPORT, LOAD_CONFIG, TLS, CERTIFICATE, 2, 6, 11, 13])
@pytest.mark.parametrize("address", [0xFFFF_FFF0, 0x7FFF_FFFF, SECTION - 4])
def test_tables_that_lie_nowhere_are_damage(which: int, address: int) -> None:
    pe = everything(64)
    pe.directories[which] = (address, 0x100)
    image = read(pe.build())
    assert image.damage
    assert image.bits == 64


def test_addresses_are_relative_to_the_image_base() -> None:
    assert facts(read(everything(64).build())).image_base == BASE
    assert all(s.value < 0x1_0000 for s in read(everything(64).build()).symbols)
