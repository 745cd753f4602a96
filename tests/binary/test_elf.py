"""What an ELF image says, one fact at a time, on inputs compiled here."""

from __future__ import annotations

import json
import pickle
import subprocess
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from struct import pack_into
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile
from tests.built import build
from tests.conftest import Compile, needed

from loadstone.binary import read
from loadstone.binary.elf.facts import ElfFacts
from loadstone.core.image import CheckState, DependencyKind, Image, ImageKind, SearchKind, SymbolKind
from loadstone.errors import MalformedImage


def facts(image: Image) -> ElfFacts:
    assert isinstance(image.native, ElfFacts)
    return image.native


def states(image: Image) -> dict[str, CheckState]:
    return {fact.name: fact.state for fact in image.hardening}


@pytest.fixture(scope="module")
def link(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """``link(source, *flags)``: like the compile fixture, but nothing is implied, so programs and objects too."""
    folder = tmp_path_factory.mktemp("linked")

    def link_(source: str, *flags: str, name: str = "out") -> Path:
        target = folder / f"{name}{len(list(folder.iterdir()))}"
        build([needed("gcc"), "-x", "c", "-", "-o", str(target), *flags], target, source)
        return target

    return link_


@pytest.mark.parametrize("bits", [32, 64])
def test_a_big_endian_twin_has_the_same_facts(small_elfs: dict[str, bytes], bits: int) -> None:
    little, big = (read(small_elfs[f"{bits}-bit {order}-endian"]) for order in ("little", "big"))
    assert (little.byte_order, big.byte_order) == ("little", "big")
    assert little.damage == big.damage == ()
    fields = "identity needed segments version_needs version_definitions build_id initialisers notes hardening"
    for field in fields.split():
        assert getattr(little, field) == getattr(big, field), field
    assert list(little.symbols) == list(big.symbols)
    assert list(little.sections) == list(big.sections)
    assert facts(little).usage == facts(big).usage


@pytest.mark.parametrize("bits", [32, 64])
def test_pyelftools_reads_the_big_endian_twin_the_same_way(small_elfs: dict[str, bytes], bits: int) -> None:
    data = small_elfs[f"{bits}-bit big-endian"]
    section: Any = ELFFile(BytesIO(data)).get_section_by_name(".dynsym")
    theirs = [(symbol.name, symbol["st_value"]) for symbol in section.iter_symbols()]
    assert [(symbol.name, symbol.value) for symbol in read(data).symbols] == theirs


def test_section_headers_are_never_needed(small_elfs: dict[str, bytes]) -> None:
    for name, data in small_elfs.items():
        whole, bare = read(data), bytearray(data)
        wide, order = "64" in name, "<" if "little" in name else ">"
        pack_into(order + ("Q" if wide else "I"), bare, 40 if wide else 32, 0)  # e_shoff
        pack_into(order + "HHH", bare, 58 if wide else 46, 0, 0, 0)  # e_shentsize, e_shnum, e_shstrndx
        stripped = read(bytes(bare))
        assert stripped.damage == ()
        assert list(stripped.sections) == []
        assert list(stripped.symbols) == list(whole.symbols)
        assert stripped.needed == whole.needed
        assert stripped.version_definitions == whole.version_definitions


def test_symbols_of_an_image_that_exports_nothing_are_counted_by_its_relocations(link: Callable[..., Path]) -> None:
    source = "extern int puts(const char *); static int (*p)(const char *) = puts; int main(void) { return p(0); }"
    path = link(source, "-fPIE", "-pie", "-Wl,--hash-style=gnu", "-Wl,-z,now", "-s")
    data = bytearray(path.read_bytes())
    pack_into("<Q", data, 40, 0)
    pack_into("<HHH", data, 58, 0, 0, 0)
    assert "puts" in {symbol.name for symbol in read(bytes(data)).imports}


def test_kinds_of_files_are_told_apart(link: Callable[..., Path], tmp_path: Path) -> None:
    program = "int main(void) { return 0; }"
    assert read(link(program, "-no-pie")).kind is ImageKind.EXECUTABLE
    assert read(link(program, "-fPIE", "-pie")).kind is ImageKind.PIE
    assert read(link(program, "-static-pie", "-fPIE")).kind is ImageKind.PIE
    assert read(link(program, "-c")).kind is ImageKind.OBJECT
    library = link("int f(void) { return 1; }", "-shared", "-fPIC", "-g")
    assert read(library).kind is ImageKind.SHARED
    debug = tmp_path / "library.debug"
    subprocess.run([needed("objcopy"), "--only-keep-debug", str(library), str(debug)], check=True)
    assert read(debug).kind is ImageKind.DEBUG
    joined = link("int f(void) { return 1; }", "-shared", "-fPIC", "-g", "-Wl,-z,noseparate-code")
    subprocess.run([needed("objcopy"), "--only-keep-debug", str(joined), str(debug)], check=True)
    assert read(debug).kind is ImageKind.DEBUG  # the segment with code still brings headers and notes
    stripped = tmp_path / "library.so"
    subprocess.run([needed("objcopy"), "-g", f"--add-gnu-debuglink={debug}", str(library), str(stripped)], check=True)
    assert facts(read(stripped)).debug_link == "library.debug"
    assert any("GCC" in comment for comment in facts(read(library)).comments)


def test_a_core_dump_is_a_core_dump(small_elfs: dict[str, bytes]) -> None:
    data = bytearray(small_elfs["64-bit little-endian"])
    for number, kind in ((4, ImageKind.CORE), (0xFE00, ImageKind.OTHER)):
        pack_into("<H", data, 16, number)
        assert read(bytes(data)).kind is kind


def test_search_paths_keep_their_empty_elements(compile_library: Compile) -> None:
    flags = ("-Wl,-rpath,$ORIGIN/../lib::/opt/x/", "-Wl,--disable-new-dtags")
    old = read(compile_library("int f;", "libold.so", *flags))
    assert old.rpath == ("$ORIGIN/../lib", "", "/opt/x/")
    assert old.runpath == ()
    new = read(compile_library("int f;", "libnew.so", "-Wl,-rpath,/opt/x", "-Wl,--enable-new-dtags"))
    assert [(d.kind, d.text) for d in new.search_dirs] == [(SearchKind.RUNPATH, "/opt/x")]
    data = Path(new.path or "").read_bytes()
    assert int.from_bytes(data[new.search_dirs[0].offset :][:8], "little") == 29  # DT_RUNPATH


def test_every_kind_of_dependency_is_told(compile_library: Compile) -> None:
    flags = ("-Wl,--auxiliary,libaux.so", "-Wl,--audit,liba.so:libb.so", "-Wl,--depaudit,libc_.so", "-Wl,-z,nodelete")
    image = read(compile_library("int f;", "libdeps.so", *flags))
    kinds = [(d.kind, d.name, d.required) for d in image.needed if d.kind is not DependencyKind.NEEDED]
    assert (DependencyKind.AUXILIARY, "libaux.so", False) in kinds
    assert {name for kind, name, _ in kinds if kind is DependencyKind.AUDIT} == {"liba.so", "libb.so", "libc_.so"}
    assert facts(image).no_delete
    filtered = read(compile_library("int f;", "libfilter.so", "-Wl,--filter,libreal.so"))
    assert (DependencyKind.FILTER, "libreal.so") in [(d.kind, d.name) for d in filtered.needed if d.required]


_COPYING = """
#include <string.h>
extern void see(char *);
void take(const char *from) { char copy[8]; strcpy(copy, from); see(copy); }
"""


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (("-Wl,-z,now", "-Wl,-z,relro"), {"relro": CheckState.PRESENT, "bind-now": CheckState.PRESENT}),
        (("-Wl,-z,lazy", "-Wl,-z,relro"), {"relro": CheckState.PARTIAL, "bind-now": CheckState.ABSENT}),
        (("-Wl,-z,norelro",), {"relro": CheckState.ABSENT}),
        (("-Wl,-z,execstack",), {"executable-stack": CheckState.ABSENT}),
        (("-Wl,-z,noexecstack",), {"executable-stack": CheckState.PRESENT}),
        (("-fcf-protection=full", "-nostdlib"), {"ibt": CheckState.PRESENT, "shadow-stack": CheckState.PRESENT}),
        (("-fcf-protection=none", "-nostdlib"), {"ibt": CheckState.ABSENT, "shadow-stack": CheckState.ABSENT}),
        (("-fstack-protector-all",), {"stack-protector": CheckState.PRESENT}),
        (("-fno-stack-protector",), {"stack-protector": CheckState.UNKNOWN}),
        (("-O2", "-D_FORTIFY_SOURCE=2", "-U_FORTIFY_SOURCE"), {"fortify": CheckState.ABSENT}),
        (("-O2", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2"), {"fortify": CheckState.PRESENT}),
        (("-Wl,-N", "-nostdlib"), {"rwx-segment": CheckState.ABSENT}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_protections_follow_the_flags_of_the_build(
    link: Callable[..., Path], flags: tuple[str, ...], expected: dict[str, CheckState]
) -> None:
    image = read(link(_COPYING, "-shared", "-fPIC", "-w", *flags))
    found = states(image)
    assert {name: found[name] for name in expected} == expected
    assert all(0 <= fact.location.start < image.size for fact in image.hardening)


def test_text_relocations_and_fixed_addresses_are_told(link: Callable[..., Path]) -> None:
    source = "extern int other; int f(void) { return other; }"
    image = read(link(source, "-m32", "-shared", "-fno-pic", "-Wl,-z,notext", "-nostdlib", "-w"))
    assert states(image)["text-relocations"] is CheckState.ABSENT
    program = read(link("int main(void) { return 0; }", "-no-pie", "-static"))
    assert states(program)["pie"] is CheckState.ABSENT
    assert states(program)["text-relocations"] is CheckState.NOT_APPLICABLE
    assert states(program)["bind-now"] is CheckState.NOT_APPLICABLE
    assert states(program)["stack-protector"] is CheckState.UNKNOWN  # glibc has it, main does not
    stripped = read(link("int main(void) { return 0; }", "-no-pie", "-static", "-s"))
    assert states(stripped)["stack-protector"] is CheckState.UNKNOWN


def test_protections_do_not_apply_where_there_is_no_code(link: Callable[..., Path]) -> None:
    image = read(link("int data[4] = {1};", "-shared", "-nostdlib", "-Wl,-z,noseparate-code", "-fcf-protection=none"))
    found = states(image)
    if all(s.flags[2] != "x" for s in image.segments if s.kind == "LOAD"):
        for name in ("rwx-segment", "ibt", "shadow-stack", "stack-protector"):
            assert found[name] is CheckState.NOT_APPLICABLE
    assert found["fortify"] is CheckState.NOT_APPLICABLE
    made = states(read(link("int f(void) { return 1; }", "-c")))
    for name in ("pie", "relro", "bind-now", "rwx-segment", "text-relocations"):
        assert made[name] is CheckState.NOT_APPLICABLE


_RUNNING = """
static int one(void) { return 1; }
static void *choose(void) { return (void *)one; }
__attribute__((ifunc("choose"), visibility("hidden"))) int picked(void);
int (*volatile call)(void) = picked;
__attribute__((constructor)) static void quiet(void) {}
__attribute__((constructor)) void named(void) {}
__attribute__((destructor)) static void last(void) {}
"""


def test_everything_that_runs_at_load_is_listed(compile_library: Compile) -> None:
    image = read(compile_library(_RUNNING, "librun.so", "-w"))
    running = [(i.kind, i.symbol) for i in image.initialisers if not i.final]
    assert ("init_array", "named") in running
    assert sum(kind == "init_array" for kind, _ in running) >= 2
    assert "ifunc" in {kind for kind, _ in running}
    assert all(i.address for i in image.initialisers)
    assert {i.kind for i in image.initialisers if i.final} >= {"fini_array"}


def test_packed_relative_relocations_and_old_hash_tables(compile_library: Compile) -> None:
    source = "static int s; int a; int *p[64] = {&a, &s, &s, &s}; int f(void) { return a; }"
    for style in ("sysv", "gnu", "both"):
        image = read(compile_library(source, f"lib{style}.so", f"-Wl,--hash-style={style}", "-nostdlib"))
        assert {"a", "p", "f"} <= {symbol.name for symbol in image.exports}
        assert not facts(image).relr
    packed = compile_library(source, "libpacked.so", "-Wl,-z,pack-relative-relocs", "-nostdlib", "-w")
    found = facts(read(packed))
    if found.relr:  # older link editors ignore the flag
        plain = facts(read(compile_library(source, "libplain.so", "-Wl,--hash-style=gnu", "-nostdlib")))
        assert found.packed_relocations + found.usage.relative == plain.usage.relative
        assert found.packed_relocations > 1
    assert read(packed).damage == ()


def test_how_relocations_use_symbols(link: Callable[..., Path]) -> None:
    source = """
    extern int direct(void), stored(void), datum; extern __thread int fixed;
    int (*table)(void) = stored;
    int f(void) { return direct() + datum + fixed; }
    """
    image = read(link(source, "-shared", "-fPIC", "-ftls-model=initial-exec", "-nostdlib", "-Wl,-z,lazy"))
    usage = facts(image).usage
    names = image.symbols.names
    assert {names[i] for i in usage.lazy} == {"direct"}
    assert {"stored", "datum", "fixed"} <= {names[i] for i in usage.immediate}
    assert usage.initial_exec_tls
    assert facts(image).static_tls
    program = link("extern char **environ; int main(void) { return environ == 0; }", "-no-pie", "-fno-pic")
    copied = read(program)
    assert {copied.symbols.names[i] for i in facts(copied).usage.copied} <= {"environ", "__environ"}


def test_symbols_of_special_kinds(small_elfs: dict[str, bytes]) -> None:
    image = read(small_elfs["64-bit little-endian"])
    kinds = {symbol.name: symbol.kind for symbol in image.exports}
    assert kinds["picked"] is SymbolKind.IFUNC
    assert kinds["per_thread"] is SymbolKind.TLS
    versions = {(s.version.name, s.version.is_default) for s in image.symbols.named("answer") if s.version}
    assert versions == {("SMALL_1", False), ("SMALL_2", True)}
    assert image.version_definitions[2].parents == ("SMALL_1",)
    storage = facts(image).tls
    assert storage is not None
    assert (storage.size, storage.file_size) == (4, 4)


def test_flags_a_loader_obeys(compile_library: Compile) -> None:
    flags = ["-Wl,-z,nodlopen", "-Wl,-z,nodefaultlib", "-Wl,-z,initfirst", "-Wl,-Bsymbolic"]
    found = facts(read(compile_library("int f;", "libflags.so", *flags)))
    assert (found.no_open, found.no_default_directories, found.init_first, found.symbolic) == (True,) * 4
    assert not found.pie


_NOTE = """
__asm__(".section .note.dlopen,\\"a\\",@note\\n.balign 4\\n.long 4, 2f-1f, 0x407c0c0a\\n.asciz \\"FDO\\"\\n"
        "1: .asciz \\"%s\\"\\n2: .balign 4\\n.previous");
int f;
"""


def test_names_declared_for_dlopen_are_dependencies_that_may_be_missing(compile_library: Compile) -> None:
    entries = [{"soname": ["libzstd.so.1", "libzstd.so"], "feature": "compression", "priority": "suggested"}]
    text = json.dumps(entries).replace('"', '\\\\\\"')
    image = read(compile_library(_NOTE % text, "libnote.so"))
    declared = [d for d in image.needed if d.kind is DependencyKind.DLOPEN]
    assert [(d.name, d.feature, d.priority, d.required) for d in declared] == [
        ("libzstd.so.1", "compression", "suggested", False),
        ("libzstd.so", "compression", "suggested", False),
    ]
    for number, broken in enumerate(("[1, 2]", "{", "7", '[{\\\\\\"soname\\\\\\": 3}]', "[[]]")):
        damaged = read(compile_library(_NOTE % broken, f"libbroken{number}.so"))
        assert [d.field for d in damaged.damage] == ["dlopen note"]


def test_x86_levels_and_build_ids(compile_library: Compile) -> None:
    image = read(compile_library("int f;", "liblevel.so", "-Wl,-z,x86-64-v3", "-Wl,--build-id=0xabcdef"))
    assert image.build_id == "abcdef"
    assert facts(image).isa_needed & 4


@pytest.mark.parametrize(("at", "value"), [(4, 0), (4, 9), (5, 0), (5, 9)])
def test_a_header_of_no_known_layout_is_malformed(small_elfs: dict[str, bytes], at: int, value: int) -> None:
    data = bytearray(small_elfs["64-bit little-endian"])
    data[at] = value
    pack_into("<H", data, 54, 57)  # and none fits: program headers of an impossible size
    with pytest.raises(MalformedImage, match=r"unknown class|byte order"):
        read(bytes(data))


@pytest.mark.parametrize(
    "kind", ["32-bit little-endian", "32-bit big-endian", "64-bit little-endian", "64-bit big-endian"]
)
@pytest.mark.parametrize(("at", "value"), [(4, 0), (4, 1), (4, 2), (5, 0), (5, 1), (5, 2)])
def test_class_and_order_are_those_of_the_header(small_elfs: dict[str, bytes], kind: str, at: int, value: int) -> None:
    data = bytearray(small_elfs[kind])
    data[at] = value
    image = read(bytes(data))
    assert [one.name for one in image.symbols] == [one.name for one in read(small_elfs[kind]).symbols]
    assert [damage.field for damage in image.damage if damage.field == "identification"] == (
        [] if small_elfs[kind][at] == value else ["identification"]
    )
    assert not any(damage.fatal for damage in image.damage)


def test_identification_oddities_are_facts_not_damage(small_elfs: dict[str, bytes]) -> None:
    data = bytearray(small_elfs["32-bit little-endian"])
    data[7], data[8], data[12] = 9, 3, 1
    pack_into("<H", data, 18, 62)
    image = read(bytes(data))
    found = facts(image)
    assert (found.os_abi, found.abi_version, found.ident_padding[3]) == (9, 3, 1)
    assert image.machine.name == "x32"


def test_an_image_survives_a_pickle(small_elfs: dict[str, bytes]) -> None:
    image = read(small_elfs["64-bit little-endian"])
    again = pickle.loads(pickle.dumps(image))
    assert list(again.symbols) == list(image.symbols)
    assert list(again.sections) == list(image.sections)
    assert again.native.usage == facts(image).usage


def test_sections_are_a_sequence(small_elfs: dict[str, bytes]) -> None:
    sections = read(small_elfs["64-bit little-endian"]).sections
    assert sections[1].name == ".note.gnu.build-id"
    assert [s.name for s in sections[1:3]] == [".note.gnu.build-id", ".hash"]
    assert len(list(sections)) == len(sections)
