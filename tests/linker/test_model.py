"""Where the facts of a model come from, and how a release changes the answer."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest
from tests.linker.cases import names, symbols  # noqa: F401  importing registers the cases
from tests.linker.cases.mapped import FOR_A_NEWER_KERNEL
from tests.linker.tiny_elf import tiny_elf
from tests.linker.workshop import CASES, Workshop, run

from loadstone.core.image import ByteOrder
from loadstone.core.trace import LoadVerdict
from loadstone.errors import InvalidName, NotFound
from loadstone.linker import LoaderKind, LoaderModel, PretendedFiles, explain, search
from loadstone.linker.abi import ABIS, X86_64, abi_of
from loadstone.linker.discovery import loader_kind_of, with_cpu_level, with_loader, with_uid
from loadstone.linker.processor import hwcaps_of_level, isa_level, legacy_names, legacy_subdirectories, x86_flags
from loadstone.linker.releases import behaviour_of

LOADER = Path("/lib64/ld-linux-x86-64.so.2")
RELEASES = ((2, 17), (2, 28), (2, 31), (2, 35), (2, 36), (2, 39), (2, 41))


def test_the_facts_of_this_process_are_those_its_loader_lists() -> None:
    """``ld.so --list-diagnostics`` is the loader's own word; it exists since 2.33."""
    run([str(LOADER), "--list-diagnostics"])
    import subprocess

    said = subprocess.run([str(LOADER), "--list-diagnostics"], capture_output=True, text=True, check=True).stdout
    facts = dict(line.partition("=")[::2] for line in said.splitlines())
    model = LoaderModel.this_process()
    assert facts["version.version"].strip('"') == ".".join(map(str, model.release))
    directories = [v.strip('"').rstrip("/") for k, v in facts.items() if k.startswith("path.system_dirs[")]
    assert list(model.system_dirs) == directories
    active = facts["dl_hwcaps_subdirs"].strip('"').split(":")
    mask = int(facts["dl_hwcaps_subdirs_active"], 16)
    assert list(model.hwcaps) == [name for bit, name in enumerate(active) if mask >> bit & 1]
    if "dl_platform" in facts:
        assert model.platform == facts["dl_platform"].strip('"')


def test_every_message_of_this_release_is_in_its_loader() -> None:
    data = LOADER.read_bytes()
    behaviour = behaviour_of(LoaderModel.this_process().release)
    words = (
        behaviour.misaligned,
        behaviour.pie_refused,
        "cannot dynamically load executable",
        "object file has no loadable segments",
        "object file has no dynamic section",
        "shared object cannot be dlopen()ed",
        "failed to map segment from shared object",
        "cannot enable executable stack as shared object requires",
        "cannot allocate memory in static TLS block",
        "empty dynamic string token substitution",
        "only ET_DYN and ET_EXEC can be loaded",
        "nonzero padding in e_ident",
        "ELF file's phentsize not the expected size",
        "DT_RELR without GLIBC_ABI_DT_RELR dependency",
        "CPU ISA level is lower than required",
    )
    for word in words:
        assert word.encode() in data, word
    assert (b"with link time reference" in data) == behaviour.linked_file_checked


@pytest.mark.parametrize("release", RELEASES)
def test_each_release_has_its_row(release: tuple[int, int]) -> None:
    behaviour = behaviour_of(release)
    assert behaviour.glibc_hwcaps == (release >= (2, 33))
    assert behaviour.legacy_hwcaps == (release < (2, 37))
    assert behaviour.executable_stack_refused == (release >= (2, 41))
    assert behaviour.relr == (release >= (2, 36))
    assert bool(behaviour.pie_refused) == (release >= (2, 30))
    assert behaviour.linked_file_checked == (release < (2, 30))


def test_an_executable_stack_is_refused_from_2_41_on(workshop: Workshop) -> None:
    path = workshop.library("liba.so", "", "-Wl,-z,execstack")
    base = LoaderModel.this_process()
    before = explain(path, model=with_loader(base, "glibc-2.39"))
    assert (before.verdict, [d.code for d in before.diagnoses]) == (LoadVerdict.LOADS_WITH_RISK, ["exec-stack"])
    answer = explain(path, model=with_loader(base, "glibc-2.41"))
    assert answer.first_blocking is not None
    assert answer.first_blocking.code == "exec-stack"
    assert "cannot enable executable stack as shared object requires: Invalid argument" in (
        answer.first_blocking.loader_message
    )


def test_a_program_could_be_opened_before_2_30(workshop: Workshop) -> None:
    alone = ("-nostdlib", "-nostartfiles", "-Wl,-e,main")
    path = workshop.program("prog", "int main(void){return 0;}", "-pie", "-fPIE", *alone)
    model = with_loader(LoaderModel.this_process(), "2.28")
    assert explain(path, model=model, as_library=True).verdict is LoadVerdict.LOADS


def test_a_symbol_had_to_be_in_the_file_it_was_linked_against_before_2_30(workshop: Workshop) -> None:
    workshop.library("libb.so", "int f(void){return 1;}", version_script="V1 { global: f; local: *; };")
    path = workshop.library(
        "liba.so", "extern int f(void); int a(void){return f();}", needs=["libb.so"], runpath="$ORIGIN"
    )
    workshop.library("libb.so", "int g(void){return 1;}", version_script="V1 { global: g; local: *; };")
    answer = explain(path, model=with_loader(LoaderModel.this_process(), "2.28"))
    assert answer.first_blocking is not None
    assert answer.first_blocking.loader_message == (
        f"{path}: symbol f, version V1 not defined in file libb.so with link time reference"
    )


def test_packed_relocations_must_be_declared(workshop: Workshop) -> None:
    source = 'extern int puts(const char*); static int x; int *p = &x; int f(void){return puts("");}'
    path = workshop.library("liba.so", source, "-Wl,-z,pack-relative-relocs", libc=True)
    data = Path(path).read_bytes()
    Path(path).write_bytes(data.replace(b"GLIBC_ABI_DT_RELR", b"GLIBC_ABI_DT_RELX"))
    answer = explain(path)
    assert "version-not-found" in {d.code for d in answer.diagnoses}
    assert "relr-undeclared" in {d.code for d in answer.diagnoses}


def test_a_library_for_a_newer_processor_is_refused(workshop: Workshop) -> None:
    path = workshop.library("liba.so", "int f(void){return 1;}", "-Wl,-z,x86-64-v3")
    base = LoaderModel.this_process()
    answer = explain(path, model=with_cpu_level(base, "2"))
    assert answer.first_blocking is not None
    assert answer.first_blocking.code == "isa-level"
    assert answer.first_blocking.loader_message == f"{path}: CPU ISA level is lower than required"
    assert explain(path, model=with_cpu_level(base, "3")).verdict is LoadVerdict.LOADS
    assert explain(path, model=with_loader(with_cpu_level(base, "2"), "2.31")).verdict is LoadVerdict.LOADS


def test_levels_and_legacy_names_follow_the_flags() -> None:
    words = "cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3 avx avx2 bmi1 bmi2 f16c fma abm movbe xsave"
    text = f"vendor_id\t: GenuineIntel\nflags\t\t: {words}\n"
    vendor, flags = x86_flags(text)
    assert vendor == "GenuineIntel"
    assert isa_level(flags) == 3
    assert isa_level(frozenset()) == 1
    second, third = frozenset(words.split()[:7]), frozenset(words.split()[7:])
    assert [isa_level(second), isa_level(third), isa_level(second | third - {"xsave"})] == [2, 1, 2]
    assert x86_flags("flags : a\nflags : b\nvendor_id : late\n") == ("", frozenset("a"))
    assert x86_flags("") == ("", frozenset())
    assert hwcaps_of_level(X86_64, 3) == ("x86-64-v3", "x86-64-v2")
    assert hwcaps_of_level(X86_64, "none") == ()
    assert legacy_names(vendor, flags) == ("haswell", ("x86_64",))
    assert legacy_names("AuthenticAMD", flags) == ("x86_64", ("x86_64",))
    combined = legacy_subdirectories(behaviour_of((2, 31)), "haswell", ("x86_64", "avx512_1"))
    assert combined[:2] == ("tls/haswell/avx512_1/x86_64", "tls/haswell/avx512_1")
    assert combined[-1] == "x86_64"
    assert legacy_subdirectories(behaviour_of((2, 37)), "haswell", ("x86_64",)) == ()


def test_options_that_make_no_sense_are_refused() -> None:
    model = LoaderModel.this_process()
    with pytest.raises(InvalidName, match="1 to 4"):
        with_cpu_level(model, "9")
    with pytest.raises(InvalidName, match="a loader is one of"):
        with_loader(model, "nonsense")


def test_a_loader_can_be_named_by_kind_release_or_path() -> None:
    model = LoaderModel.this_process()
    assert with_loader(model, "glibc-2.17").release == (2, 17)
    assert with_loader(model, "musl").kind is LoaderKind.MUSL
    assert with_loader(model, str(LOADER)).release == model.release
    assert loader_kind_of("/system/bin/linker64") is LoaderKind.BIONIC


def test_another_user_is_an_assumption_that_is_said() -> None:
    assert any("user 65534" in said for said in with_uid(LoaderModel.this_process(), 65534).assumptions)


def test_every_interface_is_found_by_its_numbers() -> None:
    for abi in ABIS:
        assert abi_of(abi.machine, abi.bits, abi.order) is abi
    assert abi_of(9999, 64, ByteOrder.LITTLE) is None


def test_a_system_unpacked_in_a_folder_answers_for_itself(tmp_path: Path) -> None:
    lib = tmp_path / "lib64"
    lib.mkdir()
    (tmp_path / "usr").mkdir()
    (lib / "ld-linux-x86-64.so.2").write_bytes(LOADER.read_bytes())
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/libneeded.so.1").write_bytes(tiny_elf("libneeded.so.1"))
    (tmp_path / "lib/liba.so").write_bytes(tiny_elf("liba.so", ["libneeded.so.1"]))
    (tmp_path / "lib/libc.so.6").write_bytes(tiny_elf("libc.so.6"))
    model = LoaderModel.of_root(str(tmp_path))
    assert model.release == LoaderModel.this_process().release
    assert model.env == ()
    answer = explain("/lib/liba.so", model=model)
    assert answer.verdict is LoadVerdict.LOADS
    assert [n.path for n in answer.graph.nodes] == ["/lib/liba.so", "/lib/libneeded.so.1"]
    assert search("libneeded.so.1", model).path == "/lib/libneeded.so.1"
    assert explain("libz.so.1", model=model).verdict is LoadVerdict.FAILS


def test_a_folder_without_a_loader_is_no_root(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"[Nn]o loader"):
        LoaderModel.of_root(str(tmp_path))


def test_a_musl_system_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/ld-musl-x86_64.so.1").write_bytes(tiny_elf("libc.musl-x86_64.so.1"))
    assert LoaderModel.of_root(str(tmp_path)).kind is LoaderKind.MUSL


def test_what_cannot_be_read_from_a_loader_is_assumed_and_said(tmp_path: Path) -> None:
    (tmp_path / "lib64").mkdir()
    (tmp_path / "lib64/ld-linux-x86-64.so.2").write_bytes(tiny_elf("ld-linux-x86-64.so.2"))
    model = LoaderModel.of_root(str(tmp_path))
    assert any("release of glibc could not be read" in said for said in model.assumptions)
    assert any("directories could not be read" in said for said in model.assumptions)


def test_a_model_without_folders_finds_nothing_whatever_its_loader() -> None:
    answer = explain("libz.so.1", model=LoaderModel(kind=LoaderKind.BIONIC))
    assert answer.verdict is LoadVerdict.FAILS
    assert not search("libz.so.1", LoaderModel(kind=LoaderKind.BIONIC)).found


def test_a_made_up_system_needs_no_machine_at_all() -> None:
    files = {
        "/lib/libc.so.6": tiny_elf("libc.so.6"),
        "/opt/liba.so": tiny_elf("liba.so", ["libb.so", "libc.so.6"], runpath="$ORIGIN"),
        "/opt/libb.so": tiny_elf("libb.so", ["libgone.so"]),
    }
    model = LoaderModel(view=PretendedFiles(files), system_dirs=("/lib",))
    answer = explain("/opt/liba.so", model=model)
    assert answer.first_blocking is not None
    assert answer.first_blocking.code == "dep-not-found"
    assert answer.first_blocking.chain == ("/opt/liba.so", "/opt/libb.so", "libgone.so")
    assert [n.path for n in answer.graph.nodes] == ["/opt/liba.so", "/opt/libb.so", "/lib/libc.so.6"]


def test_preloads_and_libraries_opened_before_are_there() -> None:
    files = {
        "/lib/libc.so.6": tiny_elf("libc.so.6"),
        "/opt/prog": tiny_elf("", ["libc.so.6"]),
        "/opt/libpre.so": tiny_elf("libpre.so"),
        "/etc/ld.so.preload": b"/opt/libpre.so # ours\n/opt/missing.so\n",
        "/opt/libb.so": tiny_elf("libb.so"),
        "/opt/liba.so": tiny_elf("liba.so", ["libpre.so", "libb.so"]),
    }
    model = LoaderModel(
        view=PretendedFiles(files), system_dirs=("/lib",), main_image="/opt/prog", already_loaded=("/opt/libb.so",)
    )
    answer = explain("/opt/liba.so", model=model)
    assert answer.verdict is LoadVerdict.LOADS_WITH_RISK
    assert [d.code for d in answer.diagnoses] == ["preload-ignored"]
    secure = replace(model, secure=True)
    assert explain("/opt/liba.so", model=secure).verdict is LoadVerdict.FAILS


def test_what_was_said_to_be_there_and_is_not_is_said() -> None:
    files = {"/lib/libc.so.6": tiny_elf("libc.so.6"), "/opt/liba.so": tiny_elf("liba.so")}
    model = LoaderModel(
        view=PretendedFiles(files), system_dirs=("/lib",), main_image="/none", already_loaded=("/opt/none.so",)
    )
    answer = explain("/opt/liba.so", model=model)
    assert any("/none could not be read" in said for said in answer.assumptions)
    assert any("/opt/none.so was said to be loaded" in said for said in answer.assumptions)


def test_a_privileged_program_takes_no_environment() -> None:
    files = {
        "/lib/libc.so.6": tiny_elf("libc.so.6"),
        "/env/libb.so": tiny_elf("libb.so"),
        "/opt/liba.so": tiny_elf("liba.so", ["libb.so"]),
    }
    model = LoaderModel(view=PretendedFiles(files), system_dirs=("/lib",), env=(("LD_LIBRARY_PATH", "/env"),))
    assert explain("/opt/liba.so", model=model).verdict is LoadVerdict.LOADS
    answer = explain("/opt/liba.so", model=replace(model, secure=True))
    assert answer.first_blocking is not None
    assert any(s.rule == "ld_library_path" and "privileges" in s.reason for s in answer.first_blocking.steps)


def test_the_header_of_a_big_endian_machine_is_checked_in_its_own_order() -> None:
    s390x = next(a for a in ABIS if a.name == "s390x")
    header = b"\x7fELF\2\2\1" + bytes(9)
    header += struct.pack(">HHIQQQIHHHHHH", 1, 22, 1, 0, 64, 0, 0, 64, 56, 0, 0, 0, 0)
    model = LoaderModel(view=PretendedFiles({"/a.so": header}), abi=s390x)
    answer = explain("/a.so", model=model)
    assert answer.first_blocking is not None
    assert answer.first_blocking.loader_message == "/a.so: only ET_DYN and ET_EXEC can be loaded"


@pytest.mark.parametrize("release", RELEASES)
def test_a_file_that_asks_for_a_newer_kernel_is_passed_over_by_releases_before_2_36(
    release: tuple[int, int], workshop: Workshop
) -> None:
    workshop.library("libb.so", FOR_A_NEWER_KERNEL)
    path = workshop.library("liba.so", needs=["libb.so"], runpath="$ORIGIN")
    model = replace(LoaderModel.this_process(env={}), release=release, main_image=str(workshop.host), caller=None)
    answer = explain(path, model=model)
    if release >= (2, 36):
        assert answer.first_blocking is None
        return
    blocking = answer.first_blocking
    assert blocking is not None
    assert blocking.code == "kernel-too-old"
    assert blocking.loader_message == "libb.so: cannot open shared object file: No such file or directory"
    assert "Linux 99.0.0" in blocking.explanation
    assert explain(path, model=replace(model, kernel=(99, 0, 0))).first_blocking is None
    assert explain(path, model=replace(model, kernel=())).first_blocking is None
    other = workshop.library("libc2.so", FOR_A_NEWER_KERNEL.replace("0, 99", "1, 0"))
    assert explain(other, model=replace(model, kernel=())).first_blocking is not None  # GNU/Hurd


@pytest.mark.parametrize(
    ("name", "release", "said"),
    [
        ("a_cycle_with_missing_symbols", (2, 31), "libr.so: undefined symbol: missing_right"),
        ("a_cycle_with_missing_symbols", (2, 35), "libl.so: undefined symbol: missing_left"),
        ("a_filter_that_is_there", (2, 31), "Assertion `map->l_searchlist.r_list[0] == map' failed!"),
        ("a_filter_that_is_there", (2, 35), ""),
        ("a_provider_that_lost_its_versions", (2, 39), "_dl_name_match_p (version->filename, map)' failed!"),
        ("a_provider_that_lost_its_versions", (2, 41), ""),
    ],
)
def test_releases_differ_as_their_own_loaders_showed(
    name: str, release: tuple[int, int], said: str, workshop: Workshop
) -> None:
    """The words of the real loaders; ``test_other_releases`` asks them again."""
    question = CASES[name](workshop)
    answer = explain(question.target, model=replace(workshop.model(question), release=release))
    first = answer.first_blocking
    assert (first.loader_message if first else "").endswith(said)
    assert (first is None) is (not said)


def test_the_rpath_of_the_program_is_searched_once_though_it_is_an_ancestor_too(tmp_path: Path) -> None:
    (tmp_path / "program").write_bytes(tiny_elf("", ["liba.so"], rpath=str(tmp_path)))
    (tmp_path / "liba.so").write_bytes(tiny_elf("liba.so", ["libnone.so"]))
    answer = explain(tmp_path / "program", model=LoaderModel.this_process())
    (missing,) = [edge for edge in answer.graph.edges if edge.name == "libnone.so"]
    looked_at = [step.candidate for step in missing.steps if step.rule == "rpath"]
    assert looked_at.count(str(tmp_path / "libnone.so")) == 1
