"""What a binary is beyond its kind is named, with what shows it; questions that make no sense for it are not asked."""

from __future__ import annotations

import shutil
import subprocess
import sys
from hashlib import sha512
from pathlib import Path
from struct import pack, unpack_from

import pytest
from tests.binary import macho_inputs
from tests.binary.edits import edit_elf, edit_pe
from tests.tools import compiler, needed_package

from loadstone.binary import images, read
from loadstone.binary.elf.facts import ElfFacts
from loadstone.core.image import CANARY_FREE, CheckState, Format, Image, ImageKind, TraitKind
from loadstone.report.text.image import render
from loadstone.report.text.style import Style

_MINGW = "x86_64-w64-mingw32-gcc"
_MAIN = '#include <stdio.h>\nint main(int n, char **v) { char b[64]; sprintf(b, "%s", v[0]); return puts(b) + n; }'
_MODULE = """
int init_module(void) { return 0; }
static const char info[] __attribute__((section(".modinfo"), used)) = "license=GPL\\0name=sibling\\0depends=other";
"""


def _make(folder: Path, source: str, *words: str, gcc: str = "gcc") -> Path:
    (folder / "made.c").write_text(source)
    made = folder / "made"
    command = [*compiler(gcc), "made.c", "-o", made.name, *words]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return made


def _state(image: Image, name: str) -> CheckState:
    return next(fact.state for fact in image.hardening if fact.name == name)


def _headline(image: Image) -> str:
    return render(image, Style()).splitlines()[0]


@pytest.mark.parametrize("words", [("-static",), ("-static-pie",)], ids=str)
@pytest.mark.parametrize(
    ("protection", "expected"),
    [("-fstack-protector-all", CheckState.PRESENT), ("-fno-stack-protector", CheckState.UNKNOWN)],
)
def test_a_static_program_is_judged_by_its_own_code(
    tmp_path: Path, words: tuple[str, ...], protection: str, expected: CheckState
) -> None:
    image = read(_make(tmp_path, _MAIN, *words, protection, "-O1"))
    assert image.trait(TraitKind.STATIC)
    assert "statically linked" in _headline(image)
    assert _state(image, "stack-protector") is expected
    assert _state(image, "bind-now") is CheckState.NOT_APPLICABLE
    assert _state(image, "relro") in (CheckState.PRESENT, CheckState.ABSENT)  # never partial: nothing is bound later


def test_a_stripped_static_program_cannot_be_told(tmp_path: Path) -> None:
    image = read(_make(tmp_path, _MAIN, "-static", "-s", "-fstack-protector-all"))
    assert _state(image, "stack-protector") is CheckState.UNKNOWN


def test_a_kernel_module_is_named_with_what_it_says_of_itself(tmp_path: Path) -> None:
    image = read(_make(tmp_path, _MODULE, "-c"))
    assert "Linux kernel module" in _headline(image)
    assert dict(image.native.module_info)["name"] == "sibling"  # type: ignore[attr-defined]  # an ELF image
    assert [symbol.name for symbol in image.exports] == ["init_module"]
    assert "sibling" in render(image, Style())


def test_an_object_has_its_symbols_and_the_protections_a_compiler_gives(tmp_path: Path) -> None:
    image = read(_make(tmp_path, _MAIN, "-c", "-fstack-protector-all", "-fcf-protection=full"))
    assert image.kind is ImageKind.OBJECT
    assert {"main"} == {symbol.name for symbol in image.exports}
    assert {"sprintf", "puts"} <= {symbol.name for symbol in image.imports}
    assert _state(image, "stack-protector") is CheckState.PRESENT
    assert _state(image, "relro") is CheckState.NOT_APPLICABLE
    assert _state(image, "ibt") is CheckState.PRESENT
    assert image.notes  # of its sections: it has no segments


@pytest.mark.parametrize(
    ("text", "kind"), [("rustc version 1.70.0 (90c541806)", TraitKind.RUST), ("zig 0.11.0", TraitKind.ZIG)]
)
def test_a_language_is_told_by_the_comment_of_its_compiler(tmp_path: Path, text: str, kind: TraitKind) -> None:
    section = f'.section .comment,\\"MS\\",@progbits,1\\n.string \\"{text}\\"\\n.previous'
    comment = f'__asm__("{section}"); int f(void) {{ return 1; }}'
    image = read(_make(tmp_path, comment, "-shared", "-fPIC"))
    found = image.trait(kind)
    assert found is not None
    assert found.name == text.split()[-1 if kind is TraitKind.ZIG else 2]


def test_a_go_program_has_no_canaries_to_be_asked_for(tmp_path: Path) -> None:
    info = ", ".join(map(str, b"\xff Go buildinf:\x08\x02" + bytes(16) + b"\x08go1.99.9"))
    array = f'__attribute__((section(".go.buildinfo"), used)) static unsigned char info[] = {{{info}}};'
    source = f"{array} int main(void) {{ return 0; }}"
    image = read(_make(tmp_path, source, "-fno-stack-protector"))
    assert "Go (go1.99.9)" in _headline(image)
    assert _state(image, "stack-protector") is CheckState.NOT_APPLICABLE


_ASSEMBLY = """
__attribute__((section(".cor"), used)) static unsigned header[18] = {72, 0x50002, 0, 0, 1};
int start(void) { return 0; }
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("pe")
    return _make(folder, _ASSEMBLY, "-fno-stack-protector", "-nostdlib", "-Wl,--entry=start", gcc=_MINGW).read_bytes()


@pytest.mark.parametrize(("flags", "kind"), [(1, TraitKind.IL_ONLY), (0, TraitKind.MIXED), (3, TraitKind.IL_ONLY)])
def test_an_assembly_is_told_by_its_clr_header(program: bytes, flags: int, kind: TraitKind) -> None:
    section = next(one for one in read(program).sections if one.name == ".cor")
    data = bytearray(program)
    data[section.offset + 16 : section.offset + 20] = pack("<I", flags)
    changed = bytes(data)
    for edit in (f"dir[14].rva={section.address}", "dir[14].size=72"):
        changed = edit_pe(changed, edit)
    image = read(changed)
    assert image.trait(kind)
    assert ".NET assembly" in _headline(image)
    asked = {CheckState.NOT_APPLICABLE} if kind is TraitKind.IL_ONLY else {CheckState.ABSENT, CheckState.UNKNOWN}
    assert {_state(image, name) for name in ("control-flow-guard", "shadow-stack", "stack-protector")} <= asked


_BUNDLE = "8b1202b96a612038727b930214d7a03213f5b9e6efae3318ee3b2dce24b36aae"
_LINES = '__attribute__((section("SECTION"), used)) static const unsigned char lines[] = {0xf1, 0xff, 0xff, 0xff};'


def _host(bundled: int) -> str:
    values = ", ".join(map(str, pack("<Q", bundled) + bytes.fromhex(_BUNDLE)))
    return f"__attribute__((used)) static unsigned char mark[] = {{{values}}};"


@pytest.mark.parametrize("gcc", ["gcc", _MINGW])
@pytest.mark.parametrize(
    ("left", "kind"),
    [
        (_host(0x1234), TraitKind.DOTNET_BUNDLE),
        (_host(0), TraitKind.DOTNET_HOST),
        ("__EXPORT int DotNetRuntimeDebugHeader = 1;", TraitKind.NATIVE_AOT),
        (f'const char *start(void) {{ return "/rustc/{"9a" * 20}/library/core/src/str/mod.rs"; }}', TraitKind.RUST),
        ('const char *start(void) { return "/usr/src/rustc-1.63.0/library/alloc/src/string.rs"; }', TraitKind.RUST),
        ('const char *start(void) { return "ZIG_PROGRESS"; }', TraitKind.ZIG),
        (_LINES, TraitKind.GO),
    ],
    ids=lambda value: value.name.lower() if isinstance(value, TraitKind) else "",
)
def test_a_language_is_told_by_what_its_library_leaves_where_nothing_names_it(
    tmp_path: Path, gcc: str, left: str, kind: TraitKind
) -> None:
    exported, section = ("__declspec(dllexport)", ".symtab") if gcc == _MINGW else ("", ".gopclntab")
    source = left.replace("__EXPORT", exported).replace("SECTION", section)
    begin = "" if "start(" in source else "int start(void) { return 0; }"
    words = ["-Os", "-nostdlib", "-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-Wl,-s"]
    words += ["-Wl,--entry=start"] if gcc == _MINGW else ["-Wl,-e,start", "-rdynamic"]
    found = read(_make(tmp_path, f"{source} {begin}", *words, gcc=gcc))
    assert kind in {trait.kind for trait in found.traits}
    assert kind.value in _headline(found)
    if kind in CANARY_FREE:
        assert _state(found, "stack-protector") is CheckState.NOT_APPLICABLE


@pytest.mark.parametrize(("mark", "system"), [(0x7B79, "Linux"), (0x4644, "macOS"), (0xADC4, "FreeBSD")])
def test_an_assembly_compiled_for_another_system_is_for_the_processor_behind_its_mark(
    program: bytes, mark: int, system: str
) -> None:
    section = next(one for one in read(program).sections if one.name == ".cor")
    data = bytearray(program)
    at = int.from_bytes(data[60:64], "little") + 4
    data[at : at + 2] = pack("<H", int.from_bytes(data[at : at + 2], "little") ^ mark)
    data[at + 20 + 32 : at + 20 + 36] = pack("<I", 512)  # sections closer than a page, which .NET maps all the same
    changed = bytes(data)
    for edit in (f"dir[14].rva={section.address}", "dir[14].size=72"):
        changed = edit_pe(changed, edit)
    found = read(changed)
    assert found.machine.name == "x86-64"
    assert f"for {system}" in _headline(found)
    assert not found.damage


@pytest.mark.parametrize(
    ("optional", "value", "kind"), [(68, 10, TraitKind.BOOTABLE), (68, 16, TraitKind.BOOTABLE)], ids=["efi", "boot"]
)
def test_what_firmware_starts_is_not_judged_by_what_windows_protects(
    program: bytes, optional: int, value: int, kind: TraitKind
) -> None:
    data = bytearray(program)
    at = int.from_bytes(data[60:64], "little") + 24 + optional
    data[at : at + 2] = pack("<H", value)
    image = read(bytes(data))
    assert image.trait(kind)
    assert _state(image, "control-flow-guard") is CheckState.NOT_APPLICABLE


def test_a_packed_image_is_named_by_its_packer(program: bytes) -> None:
    data = bytearray(program)
    first = read(program).sections[0]
    data[first.header_offset : first.header_offset + 8] = b"UPX0\0\0\0\0"
    image = read(bytes(data))
    assert "packed with UPX" in _headline(image)
    assert _state(image, "stack-protector") is CheckState.UNKNOWN


def test_objects_and_import_libraries_of_windows_are_read(tmp_path: Path) -> None:
    source = "int other(int); int shared; static int own(void) { return 1; } int offered(void) { return other(own()); }"
    image = read(_make(tmp_path, source, "-c", gcc=_MINGW))
    assert (image.format, image.kind, image.machine.name) == (Format.PE, ImageKind.OBJECT, "x86-64")
    assert "offered" in {symbol.name for symbol in image.exports}
    assert "own" not in {symbol.name for symbol in image.exports}
    assert {symbol.name for symbol in image.imports} == {"other"}
    assert ".text" in {section.name for section in image.sections}
    assert "COFF object file" in _headline(image)


def test_an_import_object_names_its_symbol_and_its_dll(tmp_path: Path) -> None:
    texts = b"offered\0sibling.dll\0"
    member = pack("<HHHHIIHH", 0, 0xFFFF, 0, 0x8664, 0, len(texts), 7, 1 << 2) + texts
    head = f"{'sibling.dll/':16}{0:<12}{0:<6}{0:<6}{644:<8}{len(member):<10}`\n".encode()
    library = tmp_path / "sibling.lib"
    library.write_bytes(b"!<arch>\n" + head + member)
    (image,) = images(library)
    assert [(one.name, one.symbols) for one in image.needed] == [("sibling.dll", ("offered",))]
    assert [(one.name, one.forward) for one in image.exports] == [("offered", "sibling.offered")]


@pytest.mark.parametrize(("bits", "order"), [(64, "<"), (64, ">"), (32, "<"), (32, ">")])
def test_a_core_dump_says_whose_it_is(bits: int, order: str) -> None:
    word, size = ("Q", 8) if bits == 64 else ("I", 4)

    def note(kind: int, content: bytes) -> bytes:
        return pack(f"{order}III", 5, len(content), kind) + b"CORE\0\0\0\0" + content + bytes(-len(content) % 4)

    status = pack(f"{order}IIIH", 11, 0, 0, 11).ljust(336, b"\0")
    told = bytes(40 if bits == 64 else 28) + b"prog".ljust(16, b"\0") + b"./prog one".ljust(80, b"\0")
    files = pack(f"{order}5{word}", 1, 4096, 0x1000, 0x2000, 0) + b"/opt/prog\0"
    notes = note(1, status) + note(3, told) + note(0x46494C45, files)
    head, program = (64, 56) if bits == 64 else (52, 32)
    ident = b"\x7fELF" + bytes([size // 4, 1 if order == "<" else 2, 1]) + bytes(9)
    header = ident + pack(f"{order}HHI3{word}IHHHHHH", 4, 62, 1, 0, head, 0, 0, head, program, 1, 0, 0, 0)
    at = head + program
    fields = (4, 0, at, 0, 0, len(notes), 0, 4) if bits == 64 else (4, at, 0, 0, len(notes), 0, 0, 4)
    image = read(header + pack(f"{order}II6Q" if bits == 64 else f"{order}8I", *fields) + notes)
    assert image.kind is ImageKind.CORE
    assert isinstance(image.native, ElfFacts)
    assert image.native.core is not None
    assert (image.native.core.command, image.native.core.signal) == ("./prog one", 11)
    assert image.native.core.files == ("/opt/prog",)


def _without_dynamic(program: Path, mark: bytes) -> bytes:
    """The program with ``mark`` where the program header of its dynamic section was."""
    data = bytearray(program.read_bytes())
    first, size, count = *unpack_from("<Q", data, 32), *unpack_from("<HH", data, 54)
    at = next(at for at in range(first, first + count * size, size) if unpack_from("<I", data, at) == (2,))
    data[at : at + 4] = bytes(4)  # PT_NULL
    data[at + 8 : at + 16] = mark.ljust(8, b"\0")
    return bytes(data)


@pytest.mark.parametrize(("mark", "relro"), [(b"", CheckState.NOT_APPLICABLE), (b"UPX!", CheckState.UNKNOWN)])
def test_what_has_an_entry_point_and_no_dynamic_section_is_a_program(
    tmp_path: Path, mark: bytes, relro: CheckState
) -> None:
    """The kernel starts it, and dlopen refuses it: "object file has no dynamic section" (glibc, elf/dl-load.c)."""
    words = ("-shared", "-fPIC", "-nostdlib", "-Wl,-e,go", "-Wl,-z,norelro")
    made = _make(tmp_path, "void go(void) { for (;;); }", *words)
    assert read(made).kind is ImageKind.SHARED
    image = read(_without_dynamic(made, mark))
    assert image.kind is ImageKind.PIE
    assert {_state(image, name) for name in ("relro", "text-relocations")} == {relro}
    assert bool(image.trait(TraitKind.STATIC)) is not bool(mark)


@pytest.mark.parametrize("words", [(), ("-static",), ("-static-pie",), ("-no-pie",)], ids=str)
def test_a_program_packed_by_upx_is_judged_by_what_can_be_seen(tmp_path: Path, words: tuple[str, ...]) -> None:
    upx = shutil.which("upx") or shutil.which("upx-ucl")
    if upx is None:
        pytest.skip("this test needs upx, which no package of Debian 12 has")
    made = _make(tmp_path, f"static const char pad[100000] = {{1}};\n{_MAIN}", "-fstack-protector-all", *words)
    before = read(made).kind
    subprocess.run([upx, "-qqq", made], check=True)
    ran = subprocess.run(["./made"], cwd=tmp_path, capture_output=True, check=False)
    assert ran.stdout == b"./made\n"
    image = read(made)
    assert image.kind is before
    assert _headline(image).endswith("packed with UPX")
    unknown = ("stack-protector", "fortify", "relro", "bind-now", "text-relocations")
    assert {_state(image, name) for name in unknown} == {CheckState.UNKNOWN}


_HYBRID = """
struct chpe { unsigned version, rest[19]; };
struct chpe __chpe_metadata = { 1 };
struct config { unsigned size; unsigned char before[0xc4]; void *chpe; unsigned char after[0x70]; };
const struct config _load_config_used = { sizeof(struct config), {0}, METADATA };
void *__os_arm64x_dispatch_ret, *__os_arm64x_dispatch_call_no_redirect, *__os_arm64x_check_icall;
void *__os_arm64x_check_call, *__os_arm64x_dispatch_call, *__os_arm64x_dispatch_icall;
int offered(void) { return 1; }
"""
"""A DLL with the load configuration that says where its CHPE metadata is. Source: Microsoft, "PE Format", "ARM64EC"."""


def _zig(folder: Path, *words: str) -> None:
    needed_package("ziglang")
    subprocess.run([sys.executable, "-m", "ziglang", *words], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("linked", "objects", "machine", "word"),
    [
        ("arm64ec", ("arm64ec",), "x86-64", "ARM64EC"),
        ("arm64x", ("arm64ec", "aarch64"), "aarch64", "ARM64X"),
        ("arm64", ("aarch64",), "aarch64", ""),
    ],
)
def test_a_hybrid_dll_that_lld_linked_is_named(
    tmp_path: Path, linked: str, objects: tuple[str, ...], machine: str, word: str
) -> None:
    for target, metadata in (("arm64ec", "&__chpe_metadata"), ("aarch64", "0")):
        (tmp_path / f"{target}.c").write_text(_HYBRID.replace("METADATA", metadata))
        _zig(tmp_path, "clang", f"--target={target}-pc-windows-msvc", "-c", f"{target}.c", "-o", f"{target}.obj")
    files = [f"{target}.obj" for target in objects]
    _zig(tmp_path, "lld-link", f"/machine:{linked}", "/dll", "/noentry", "/export:offered", "/out:made.dll", *files)
    image = read(tmp_path / "made.dll")
    trait = image.trait(TraitKind.HYBRID)
    assert (image.machine.name, trait.name if trait else "") == (machine, word)
    assert _state(image, "shadow-stack") is CheckState.NOT_APPLICABLE


_DENSE = b"".join(sha512(bytes((number,))).digest() for number in range(128))  # as evenly spread as what is compressed
_SPARSE = bytes(range(32)) * 256


def _with_code(code: bytes) -> str:
    words = ", ".join(map(str, unpack_from("<1024Q", code)))
    return f'__asm__(".text\\n.quad {words}\\n"); int start(void) {{ return 0; }}'


def _without_sections(data: bytes) -> bytes:
    made = bytearray(data)
    made[40:48], made[58:64] = bytes(8), bytes(6)
    return bytes(made)


@pytest.mark.parametrize("code", [_DENSE, _SPARSE], ids=["dense", "sparse"])
@pytest.mark.parametrize("shared", [(), ("-shared", "-fPIC")], ids=["program", "library"])
def test_an_elf_image_without_a_mark_looks_packed_by_its_shape_and_dense_code(
    tmp_path: Path, code: bytes, shared: tuple[str, ...]
) -> None:
    words = ("-nostdlib", "-fno-stack-protector", "-Wl,-e,start", *(shared or ("-static",)))
    whole = _make(tmp_path, _with_code(code), *words).read_bytes()
    assert not read(whole).trait(TraitKind.PACKED)  # a link editor made this
    image = read(_without_sections(whole))
    assert bool(image.trait(TraitKind.PACKED)) is (code is _DENSE)
    assert ("looks packed" in _headline(image)) is (code is _DENSE)
    assert bool(image.trait(TraitKind.STATIC)) is (code is _SPARSE and not shared)
    assert not _facts_of_code(image) & {CheckState.ABSENT, CheckState.PRESENT}
    marked = read(_without_sections(whole) + b"UPX!" + bytes(32)).trait(TraitKind.PACKED)
    assert (str(marked) if marked else "") == ("packed with UPX" if code is _DENSE else "")


def _facts_of_code(image: Image) -> set[CheckState]:
    return {_state(image, name) for name in ("stack-protector", "fortify")}


@pytest.mark.parametrize("code", [_DENSE, _SPARSE], ids=["dense", "sparse"])
def test_a_pe_image_without_a_mark_looks_packed_where_its_dense_code_is_writable(tmp_path: Path, code: bytes) -> None:
    words = ("-nostdlib", "-fno-stack-protector", "-Wl,--entry=start")
    data = bytearray(_make(tmp_path, _with_code(code), *words, gcc=_MINGW).read_bytes())
    assert not read(bytes(data)).trait(TraitKind.PACKED)
    section = read(bytes(data)).sections[0].header_offset
    data[section + 39] |= 0x80  # IMAGE_SCN_MEM_WRITE
    image = read(bytes(data))
    assert ("looks packed" in _headline(image)) is (code is _DENSE)


@pytest.mark.parametrize("code", [_DENSE, _SPARSE], ids=["dense", "sparse"])
def test_a_macho_image_without_a_mark_looks_packed_where_its_dense_code_has_no_section(code: bytes) -> None:
    built = macho_inputs.everything().build()
    end = len(built[: macho_inputs.TEXT].rstrip(b"\0")) + 64  # of the commands; what follows is free
    whole = built[:end] + code[: macho_inputs.TEXT - end] + built[macho_inputs.TEXT :]
    assert not read(whole).trait(TraitKind.PACKED)
    image = read(whole.replace(b"__text\0\0", b"__stub\0\0"))
    assert ("looks packed" in _headline(image)) is (code is _DENSE)


def test_a_program_header_that_was_taken_out_is_no_damage(tmp_path: Path) -> None:
    """Packers leave the size of what they compressed in a PT_NULL header, which no loader looks at."""
    cut_off = edit_elf(_make(tmp_path, _MAIN).read_bytes(), "note.filesz=0x7fffffff")
    assert read(cut_off).damage
    assert not read(edit_elf(cut_off, "note.type=0")).damage


_HELD = '__attribute__((section(".rsrc"), used)) static const int held[8] = {0, 0, 0, 0};'
_FORWARDED = '__asm__(".section .drectve\\n.ascii \\" -export:a=kernel32.Sleep\\"");'
_DATA_OFFERED = "__declspec(dllexport) int offered = 7;"
_CODE_OFFERED = "__declspec(dllexport) int offered(void) { return 7; }"
_UNREACHED = "__attribute__((used)) static int unreached(void) { return 7; }"


@pytest.mark.parametrize(
    ("source", "entry", "kind"),
    [
        (_UNREACHED, "--no-entry", TraitKind.RESOURCES),
        (f"{_FORWARDED} {_UNREACHED}", "--no-entry", TraitKind.FORWARDS),
        (_DATA_OFFERED, "--no-entry", TraitKind.DATA),
        (_CODE_OFFERED, "--no-entry", None),
        ("int entered(void) { return 7; }", "--entry=entered", None),
    ],
)
def test_a_dll_whose_code_nobody_reaches_is_named_by_what_it_is_for(
    tmp_path: Path, source: str, entry: str, kind: TraitKind | None
) -> None:
    words = ("-shared", "-nostdlib", "-fno-asynchronous-unwind-tables", f"-Wl,{entry}")
    image = read(_make(tmp_path, f"{_HELD} {source}", *words, gcc=_MINGW))
    passive = {TraitKind.RESOURCES, TraitKind.FORWARDS, TraitKind.DATA}
    assert {trait.kind for trait in image.traits} & passive == ({kind} if kind else set())
    asked = {_state(image, name) for name in ("stack-protector", "control-flow-guard", "shadow-stack")}
    assert (asked == {CheckState.NOT_APPLICABLE}) is (kind is not None)
    assert kind is None or kind.value in _headline(image)


def test_what_the_kernel_maps_into_every_process_is_asked_nothing() -> None:
    maps = Path("/proc/self/maps").read_text() if sys.platform == "linux" else ""
    mapped = next((line for line in maps.splitlines() if "[vdso]" in line), None)
    if mapped is None:
        pytest.skip("this process has no vDSO")
    first, last = (int(text, 16) for text in mapped.split()[0].split("-"))
    with Path("/proc/self/mem").open("rb", buffering=0) as memory:
        memory.seek(first)
        data = memory.read(last - first)
    if b"Linux\0" not in data:
        pytest.skip("the vDSO of this process has no note of a Linux kernel")
    image = read(data)
    assert "vDSO" in _headline(image)
    assert {fact.state for fact in image.hardening} == {CheckState.NOT_APPLICABLE}
    renamed = data.replace(b"linux-vdso.so.1", b"linux-vdsp.so.1").replace(b"linux-gate.so.1", b"linux-gatf.so.1")
    assert not read(renamed).trait(TraitKind.VDSO)
