"""What is said of a Mach-O file whose every byte the test wrote."""

from __future__ import annotations

import platform
import zlib
from struct import pack_into

import pytest
from tests.binary.macho_inputs import (
    ARM64,
    BASE,
    BUNDLE,
    DATA,
    EXECUTE,
    HEAD,
    I386,
    OBJECT,
    TEXT,
    X86_64,
    Macho,
    bind,
    everything,
    trie,
    uleb,
    universal,
)

from loadstone.binary import images, read
from loadstone.binary.digests import DigestState
from loadstone.binary.macho.facts import BuildVersion, Entitlement, FixupKind, Lookup, MachoFacts, SignatureFlags
from loadstone.binary.macho.layout import HeaderFlags
from loadstone.core.image import (
    ByteOrder,
    CheckState,
    DependencyKind,
    HardeningFact,
    Image,
    ImageKind,
    SearchKind,
    Slice,
    SymbolBinding,
    SymbolKind,
)
from loadstone.errors import MalformedImage

VARIANTS = [(64, "<", False), (64, "<", True), (32, "<", False), (32, ">", False)]


def facts(image: Image) -> MachoFacts:
    assert isinstance(image.native, MachoFacts)
    return image.native


def protection(image: Image, name: str) -> HardeningFact:
    return next(fact for fact in image.hardening if fact.name == name)


@pytest.fixture(scope="module", params=VARIANTS, ids=lambda v: f"{v[0]}{v[1]}{'chained' if v[2] else ''}")
def whole(request: pytest.FixtureRequest) -> Image:
    bits, mark, chained = request.param
    return read(everything(bits, mark, chained=chained).sign("Developer: Us"))


def test_a_sound_file_has_no_damage(whole: Image) -> None:
    assert whole.damage == ()


def test_identity(whole: Image) -> None:
    native = facts(whole)
    assert (whole.identity, whole.kind) == ("@rpath/libown.dylib", ImageKind.SHARED)
    assert (native.current_version, native.compatibility_version) == ("3.2.1", "3.0.0")
    assert whole.build_id == bytes(range(16)).hex()
    assert native.builds[0] == BuildVersion("macOS", "11.0.0", "14.2.0", native.builds[0].offset)
    assert native.source_version == "3.2.1.0.0"
    assert (native.environment, native.clients, native.umbrella) == (("DYLD_X=y",), ("only-this-client",), "Umbrella")
    assert HeaderFlags.TWOLEVEL in native.flags
    assert native.encryption[0].system == 0
    assert whole.byte_order is (ByteOrder.BIG if whole.machine.name == "ppc" else ByteOrder.LITTLE)


def test_libraries_of_every_kind(whole: Image) -> None:
    assert [(d.name.rpartition("/")[2], d.kind, d.ordinal) for d in whole.needed] == [
        ("libSystem.B.dylib", DependencyKind.NEEDED, 1),
        ("libweak.dylib", DependencyKind.WEAK, 2),
        ("libagain.dylib", DependencyKind.REEXPORT, 3),
        ("libup.dylib", DependencyKind.UPWARD, 4),
        ("liblazy.dylib", DependencyKind.LAZY, 5),
    ]
    assert (whole.needed[0].current_version, whole.needed[0].compatibility_version) == ("2.3.4", "1.0.0")
    assert whole.needed[0].symbols == ("_printf",)


def test_search_paths_in_order(whole: Image) -> None:
    assert [(d.kind, d.text) for d in whole.search_dirs] == [
        (SearchKind.LC_RPATH, "@loader_path/../lib"),
        (SearchKind.LC_RPATH, "/opt/lib"),
    ]


def test_exports_of_every_kind(whole: Image) -> None:
    rows = {s.name: (s.kind, s.value, s.binding, s.library, s.forward) for s in whole.exports}
    strong, again = SymbolBinding.GLOBAL, "@loader_path/libagain.dylib"
    assert rows == {
        "_function": (SymbolKind.FUNCTION, BASE + TEXT, strong, None, None),
        "_data": (SymbolKind.OBJECT, BASE + DATA + 0x30, strong, None, None),
        "_thread": (SymbolKind.TLS, BASE + DATA + 0x20, strong, None, None),
        "_absolute": (SymbolKind.OBJECT, 0x77, strong, None, None),
        "_weak": (SymbolKind.FUNCTION, BASE + TEXT, SymbolBinding.WEAK, None, None),
        "_again": (SymbolKind.UNTYPED, 0, strong, again, "_there"),
        "_same": (SymbolKind.UNTYPED, 0, strong, again, "_same"),
        "_resolved": (SymbolKind.IFUNC, BASE + TEXT, strong, None, None),
    }


def test_imports_are_tied_to_their_libraries(whole: Image) -> None:
    rows = {s.name: (s.library, s.binding) for s in whole.imports}
    assert rows == {
        "_printf": ("/usr/lib/libSystem.B.dylib", SymbolBinding.GLOBAL),
        "_maybe": ("@rpath/libweak.dylib", SymbolBinding.WEAK),
        "_main": (None, SymbolBinding.GLOBAL),
        "_anywhere": (None, SymbolBinding.GLOBAL),
        "_lazy": ("/usr/lib/liblazy.dylib", SymbolBinding.GLOBAL),
    }
    lookups = {whole.symbols[position].name: lookup for position, lookup in facts(whole).lookups}
    assert lookups == {"_main": Lookup.MAIN_EXECUTABLE, "_anywhere": Lookup.FLAT}


def test_code_that_runs_at_load(whole: Image) -> None:
    assert [(i.kind, i.address - BASE - TEXT, i.final) for i in whole.initialisers] == [
        ("init_offsets", 4, False),
        ("init_offsets", 8, False),
        ("mod_init_func", 12, False),
        ("mod_init_func", 16, False),
        ("mod_term_func", 20, True),
    ]


def test_the_code_signature(whole: Image) -> None:
    signature = facts(whole).signature
    assert signature is not None
    assert (signature.signer, signature.signed, signature.intact) == (
        "Developer: Us",
        DigestState.MATCHES,
        DigestState.MATCHES,
    )
    assert signature.flags == SignatureFlags.RUNTIME
    assert signature.team == "TEAM123456"
    assert signature.directories[0].identifier == "org.example.own"
    assert signature.entitlements == (
        Entitlement("com.apple.security.cs.disable-library-validation", "true"),
        Entitlement("groups", "one, two"),
    )
    assert signature.entitlement("groups") == "one, two"
    assert signature.entitlement("absent") is None
    assert protection(whole, "signature").state is CheckState.PRESENT


def test_one_changed_byte_is_one_bad_page() -> None:
    data = bytearray(everything().sign("Us"))
    data[TEXT] ^= 1
    image = read(bytes(data))
    signature = facts(image).signature
    assert signature is not None
    directory = signature.directories[0]
    assert (directory.state, directory.bad_pages, directory.first_bad) == (DigestState.DIFFERS, 1, 0)
    assert signature.signed is DigestState.MATCHES
    assert protection(image, "signature").state is CheckState.ABSENT


def test_changed_entitlements_are_no_longer_those_signed() -> None:
    data = everything().sign("Us").replace(b"<string>two</string>", b"<string>six</string>")
    signature = facts(read(data)).signature
    assert signature is not None
    assert signature.directories[0].bad_parts == ("entitlements",)
    assert signature.intact is DigestState.DIFFERS


def test_a_changed_code_directory_is_no_longer_the_one_signed() -> None:
    signature = facts(read(everything().sign("Us").replace(b"TEAM123456", b"TEAM999999"))).signature
    assert signature is not None
    assert signature.signed is DigestState.DIFFERS


@pytest.mark.parametrize("kind", [1, 2, 3, 4])
def test_an_ad_hoc_signature_names_nobody(kind: int) -> None:
    image = read(everything().sign(flags=2, kind=kind))
    signature = facts(image).signature
    assert signature is not None
    assert (signature.signer, signature.signed, signature.intact) == ("", DigestState.UNKNOWN, DigestState.MATCHES)
    assert SignatureFlags.ADHOC in signature.flags
    assert protection(image, "signature").state is CheckState.PARTIAL


def test_pages_of_unheard_of_size_are_not_compared() -> None:
    image = read(everything().sign(page_bits=4))
    signature = facts(image).signature
    assert signature is not None
    assert signature.intact is DigestState.UNKNOWN
    assert protection(image, "signature").state is CheckState.UNKNOWN


@pytest.mark.parametrize(("form", "pointer"), [(1, 6), (2, 2), (3, 12)])
def test_chained_imports_of_every_format(form: int, pointer: int) -> None:
    image = Macho()
    image.dylib(0xC, "/usr/lib/liba.dylib")
    image.chained(("_a", 1, True), ("_self", 0, False), ("_weakly", -3, False), form=form, pointer=pointer)
    found = read(image.build())
    assert [(s.name, s.library, s.binding) for s in found.imports] == [
        ("_a", "/usr/lib/liba.dylib", SymbolBinding.WEAK),
        ("_self", None, SymbolBinding.GLOBAL),
        ("_weakly", None, SymbolBinding.GLOBAL),
    ]
    assert [lookup for _, lookup in facts(found).lookups] == [Lookup.SELF, Lookup.WEAK]
    assert facts(found).fixups is FixupKind.CHAINED
    assert facts(found).pointer_formats == (pointer,)


def test_chained_names_may_be_packed() -> None:
    image = Macho()
    image.dylib(0xC, "/usr/lib/liba.dylib")
    image.chained(("_a", 1, False), packed=zlib.compress(b"\0_a\0"))
    assert [s.name for s in read(image.build()).imports] == ["_a"]


@pytest.mark.parametrize("change", [b"garbage", zlib.compress(b"")])
def test_packed_names_that_cannot_be_had_are_damage(change: bytes) -> None:
    image = Macho()
    image.dylib(0xC, "/usr/lib/liba.dylib")
    image.chained(("_a", 1, False), packed=change)
    found = read(image.build())
    assert found.damage
    assert found.imports == ()


@pytest.mark.parametrize(
    ("pointer", "value", "target"),
    [
        (1, 1 << 63 | TEXT, BASE + TEXT),  # authenticated
        (1, BASE + TEXT, BASE + TEXT),
        (12, TEXT, BASE + TEXT),
        (2, 7 << 51 | BASE + TEXT, BASE + TEXT),
        (6, 7 << 51 | TEXT, BASE + TEXT),
        (4, BASE + TEXT, BASE + TEXT),
    ],
)
def test_initialisers_in_chained_pointers(pointer: int, value: int, target: int) -> None:
    image = Macho()
    image.section("__DATA", "__mod_init_func", DATA, 8, 0x9)
    image.data = value.to_bytes(8, "little")
    image.chained(pointer=pointer)
    assert [i.address for i in read(image.build()).initialisers] == [target]


def test_old_images_speak_by_their_symbol_table() -> None:
    image = Macho(32, ">", cpu=18)
    image.section("__TEXT", "__text", TEXT, 0x40, 0x8000_0400)
    image.dylib(0xC, "/usr/lib/liba.dylib")
    image.symbols(
        ("_local", 0xE, 1, 0, BASE + TEXT),
        ("_function", 0xF, 1, 0, BASE + TEXT),
        ("_hidden", 0x1F, 1, 0, BASE + TEXT),
        ("_weak", 0xF, 2, 0x80, BASE + DATA),
        ("_wanted", 1, 0, 1 << 8, 0),
        ("_maybe", 1, 0, 1 << 8 | 0x40, 0),
        ("_flat", 1, 0, 0xFE << 8, 0),
        ("_main", 1, 0, 0xFF << 8, 0),
    )
    found = read(image.build())
    assert facts(found).fixups is FixupKind.CLASSIC
    assert [(s.name, s.kind, s.binding) for s in found.exports] == [
        ("_function", SymbolKind.FUNCTION, SymbolBinding.GLOBAL),
        ("_weak", SymbolKind.OBJECT, SymbolBinding.WEAK),
    ]
    assert [(s.name, s.library, s.binding) for s in found.imports] == [
        ("_wanted", "/usr/lib/liba.dylib", SymbolBinding.GLOBAL),
        ("_maybe", "/usr/lib/liba.dylib", SymbolBinding.WEAK),
        ("_flat", None, SymbolBinding.GLOBAL),
        ("_main", None, SymbolBinding.GLOBAL),
    ]
    assert [lookup for _, lookup in facts(found).lookups] == [Lookup.FLAT, Lookup.MAIN_EXECUTABLE]


def test_a_flat_namespace_has_no_libraries_for_symbols() -> None:
    image = Macho()
    image.flags = 0x5
    image.dylib(0xC, "/usr/lib/liba.dylib")
    image.symbols(("_wanted", 1, 0, 1 << 8, 0))
    found = read(image.build())
    assert [s.library for s in found.imports] == [None]
    assert [lookup for _, lookup in facts(found).lookups] == [Lookup.FLAT]


def test_a_library_command_may_carry_its_use() -> None:
    image = Macho()
    body = image.pack("IIIII", 28, 0x1A741800, 0, 0, 2) + b"/usr/lib/liba.dylib\0"
    image.command(0x8000_0018, body)
    assert [(d.name, d.kind) for d in read(image.build()).needed] == [("/usr/lib/liba.dylib", DependencyKind.REEXPORT)]


def test_a_library_ordinal_beyond_the_libraries_is_damage() -> None:
    image = Macho()
    image.dyld_info(binds=bind("_a", 9) + b"\0")
    found = read(image.build())
    assert [s.library for s in found.imports] == [None]
    assert "library ordinal 9" in found.damage[0].what


def test_long_ordinals_and_opcodes_without_names() -> None:
    image = Macho()
    for number in range(20):
        image.dylib(0xC, f"/l{number}")
    threaded = b"\xd0\x05\xd1"
    image.dyld_info(binds=b"\x60\x05\x80\x05" + bind("_a", 20) + b"\xa0\x08\xb1\xc0\x02\x08" + threaded + b"\0")
    found = read(image.build())
    assert found.damage == ()
    assert [(s.name, s.library) for s in found.imports] == [("_a", "/l19")]


@pytest.mark.parametrize("opcodes", [b"\xe0", b"\x40_a", b"\x72", b"\x20\x80"])
def test_opcodes_that_make_no_sense_are_damage(opcodes: bytes) -> None:
    image = Macho()
    image.dyld_info(binds=opcodes)
    assert read(image.build()).damage


@pytest.mark.parametrize(
    ("kind", "flags", "expected"),
    [
        (EXECUTE, 0x20_0085, ImageKind.PIE),
        (EXECUTE, 0x85, ImageKind.EXECUTABLE),
        (BUNDLE, 0x85, ImageKind.BUNDLE),
        (OBJECT, 0, ImageKind.OBJECT),
        (10, 0, ImageKind.DEBUG),
        (99, 0, ImageKind.OTHER),
    ],
)
def test_kinds_of_file(kind: int, flags: int, expected: ImageKind) -> None:
    image = Macho(kind=kind)
    image.flags = flags
    assert read(image.build()).kind is expected


def test_a_program() -> None:
    image = Macho(kind=EXECUTE, cpu=X86_64)
    image.flags = 0x2_0085
    image.named(0xE, "/usr/lib/dyld")
    image.command(0x8000_0028, image.pack("QQ", TEXT, 0))
    image.command(0x24, image.pack("II", 0xA0C00, 0xB0000))
    image.command(0x1A, image.pack("QQ", BASE + TEXT, 0) + bytes(48))
    found = read(image.sign("Us"))
    assert found.interpreter == "/usr/lib/dyld"
    assert facts(found).entry_point == BASE + TEXT
    assert facts(found).builds[0].minimum == "10.12.0"
    assert [(i.kind, i.address) for i in found.initialisers] == [("routine", BASE + TEXT)]
    states = {fact.name: fact.state for fact in found.hardening}
    assert states["pie"] is states["executable-stack"] is CheckState.ABSENT
    assert states["hardened-runtime"] is CheckState.PRESENT


def test_protections_of_a_library(whole: Image) -> None:
    states = {fact.name: fact.state for fact in whole.hardening}
    assert states["pie"] is states["rwx-segment"] is CheckState.PRESENT
    assert states["relro"] is CheckState.ABSENT
    assert states["stack-protector"] is CheckState.UNKNOWN
    chained = facts(whole).fixups is FixupKind.CHAINED
    assert states["bind-now"] is (CheckState.PRESENT if chained else CheckState.ABSENT)
    assert ("pointer-authentication" in states) == (whole.machine.name == "aarch64")


def test_protections_told_by_symbols_and_segments() -> None:
    image = Macho(cpu=ARM64, subtype=0x8000_0002 - (1 << 32))
    image.sections["__DATA"] = []
    image.dylib(0xC, "/usr/lib/liba.dylib")
    image.dyld_info(binds=bind("___stack_chk_fail", 1) + b"\0")
    data = bytearray(image.build().replace(b"__DATA\0", b"__DATA_", 1))
    position = data.index(b"__DATA_")
    data[position : position + 16] = b"__DATA_CONST\0\0\0\0"
    pack_into("<ii", data, position + 16 + 32, 7, 7)
    found = read(bytes(data))
    states = {fact.name: fact.state for fact in found.hardening}
    assert facts(found).architecture == "arm64e"
    assert states["pointer-authentication"] is states["stack-protector"] is states["relro"] is CheckState.PRESENT
    assert states["bind-now"] is CheckState.PRESENT
    assert states["rwx-segment"] is states["signature"] is CheckState.ABSENT


def test_much_code_without_a_canary_was_built_without() -> None:
    image = Macho()
    image.section("__TEXT", "__text", 0, 70_000, 0x8000_0400)
    image.sections["__TEXT"][0] = image.sections["__TEXT"][0].replace(b"__text\0", b"__text\0")
    assert protection(read(image.build()), "stack-protector").state is CheckState.ABSENT


def test_a_restricted_image() -> None:
    image = Macho(kind=EXECUTE)
    image.sections["__TEXT"] = []
    image.section("__TEXT", "__restrict", TEXT, 0, 0)
    data = image.build().replace(b"__restrict\0\0\0\0\0\0__TEXT\0\0\0\0\0", b"__restrict\0\0\0\0\0\0__RESTRICT\0")
    assert facts(read(data)).restricted


def test_an_unknown_command_the_loader_must_know() -> None:
    image = Macho()
    image.command(0x8000_0077, bytes(8))
    found = read(image.build())
    assert "0x80000077" in found.damage[0].what
    assert facts(found).commands[-1].name == "0x80000077"


def sick() -> list[tuple[str, Macho, str]]:
    """Images with one fault each, and the field the damage then names."""
    rows = []
    for name, number, body, field in (
        ("text outside", 0x8000_001C, b"\xff\0\0\0abc\0", "load command"),
        ("text without end", 0x8000_001C, b"\x0c\0\0\0abcd", "load command"),
        ("short uuid", 0x1B, bytes(8), "uuid"),
        ("short segment", 0x19, bytes(8), "segment"),
        ("narrow segment", 0x1, bytes(56), "segment"),
        ("fixups cut off", 0x8000_0034, b"\0\0\1\0\x10\0\0\0", "chained fixups"),
        ("signature nowhere", 0x1D, b"\xff\xff\xff\x7f\x10\0\0\0", "code signature"),
        ("symbols nowhere", 0x2, b"\xff\xff\xff\x7f\xff\0\0\0" + bytes(8), "symbol table"),
    ):
        image = Macho()
        image.command(number, body)
        rows.append((name, image, field))
    return rows


@pytest.mark.parametrize(("image", "field"), [row[1:] for row in sick()], ids=[row[0] for row in sick()])
def test_commands_that_contradict_themselves(image: Macho, field: str) -> None:
    data = image.build()
    assert field in {d.field for d in read(data).damage}
    with pytest.raises(MalformedImage):
        read(data, strict=True)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\x01" + trie(("_a", uleb(0) + uleb(4)))[1:], "reaches behind"),
        (b"\0\1a\0\0", "reached twice"),
        (b"\0\1a", "reaches behind"),
        (b"\0\1a\0\x05\x03\x08\x01a", "reaches behind"),
    ],
)
def test_tries_that_make_no_sense_are_damage(data: bytes, what: str) -> None:
    image = Macho()
    image.exports_trie(data)
    assert any(what in d.what for d in read(image.build()).damage)


@pytest.mark.parametrize("wide", [False, True])
def test_a_universal_file_holds_one_image_an_architecture(wide: bool) -> None:
    first, second = Macho(cpu=X86_64).build(), Macho(cpu=ARM64).build()
    data = universal((X86_64, 3, first), (ARM64, 0, second), wide=wide)
    found = images(data)
    assert [facts(i).architecture for i in found] == ["x86_64", "arm64"]
    assert [i.damage for i in found] == [(), ()]
    assert found[1].slice_offset == data.index(second)
    assert found[1].segments[0].offset == found[1].slice_offset
    assert found[0].slices == (
        Slice("x86_64", found[0].slice_offset, len(first)),
        Slice("arm64", found[1].slice_offset, len(second)),
    )


@pytest.mark.parametrize(
    ("host", "expected"), [("arm64", "arm64"), ("x86_64", "x86_64"), ("AMD64", "x86_64"), ("riscv64", "i386")]
)
def test_reading_a_universal_file_takes_the_image_for_this_processor(
    monkeypatch: pytest.MonkeyPatch, host: str, expected: str
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: host)
    slices = [(cpu, 0, Macho(cpu=cpu).build()) for cpu in (I386, X86_64, ARM64)]
    assert facts(read(universal(*slices))).architecture == expected


def test_a_slice_that_is_no_image_is_passed_over() -> None:
    data = universal((I386, 0, b"nothing".ljust(64, b"\1")), (ARM64, 0, Macho().build()))
    assert [facts(i).architecture for i in images(data)] == ["arm64"]
    with pytest.raises(MalformedImage):
        images(data, strict=True)


def test_a_universal_file_inside_a_universal_file_is_none() -> None:
    inner = universal((ARM64, 0, Macho().build()))
    with pytest.raises(MalformedImage, match="universal"):
        images(universal((ARM64, 0, inner)))


def test_a_universal_file_of_nothing_is_no_image() -> None:
    with pytest.raises(MalformedImage):
        read(universal())


def patched(position: int, value: int) -> bytes:
    data = bytearray(universal((X86_64, 0, Macho(cpu=X86_64).build()), (ARM64, 0, Macho().build())))
    pack_into(">I", data, position, value)
    return bytes(data)


@pytest.mark.parametrize(
    ("position", "value", "what"),
    [
        (8 + 8, 20, "does not lie behind the header"),
        (8 + 12, 0xFFFF_FFFF, "does not lie behind the header"),
        (8 + 16, 31, "not aligned"),
        (8 + 12, 0x1000, "overlap"),
        (28, X86_64, "more than one slice"),
    ],
)
def test_slices_that_contradict_each_other_are_damage(position: int, value: int, what: str) -> None:
    assert any(what in d.what for d in images(patched(position, value))[-1].damage)


def test_the_other_byte_order_is_read_and_told() -> None:
    inner = Macho().build()
    data = bytearray(universal((ARM64, 0, inner)))
    for at in range(0, 28, 4):
        data[at : at + 4] = data[at : at + 4][::-1]
    assert "no loader accepts" in read(bytes(data)).damage[0].what


def test_a_java_class_is_none_of_these() -> None:
    with pytest.raises(MalformedImage, match="Java"):
        read(b"\xca\xfe\xba\xbe\0\0\0\x41" + bytes(64))


def test_commands_may_fill_the_header() -> None:
    assert len(everything().build()) > HEAD
