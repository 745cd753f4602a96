"""What Loadstone reads in macOS libraries of real wheels, against what LIEF and macholib read there."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lief
import pytest
from macholib.mach_o import LC_LOAD_DYLIB, LC_LOAD_WEAK_DYLIB, LC_REEXPORT_DYLIB, LC_RPATH
from macholib.MachO import MachO
from tests.scale import FULL, mostly_slow, sample
from tests.wheels import MACOS, wheel

from loadstone.binary import images
from loadstone.binary.digests import DigestState
from loadstone.binary.macho.facts import Lookup, MachoFacts
from loadstone.core.image import DependencyKind, Image, ImageKind, SymbolBinding

pytestmark = pytest.mark.real
_QUICK = [spec for spec in MACOS if spec[0] in ("pyyaml", "psutil")]

_MAGICS = (b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
_SMALL = 3_000_000  # bytes; larger ones are left to the full run
_ORDINALS = {Lookup.SELF: 0, Lookup.MAIN_EXECUTABLE: -1, Lookup.FLAT: -2, Lookup.WEAK: -3}
_KINDS = {
    DependencyKind.NEEDED: LC_LOAD_DYLIB,
    DependencyKind.WEAK: LC_LOAD_WEAK_DYLIB,
    DependencyKind.REEXPORT: LC_REEXPORT_DYLIB,
}


def _binaries(spec: tuple[str, str, str]) -> Iterator[tuple[str, bytes]]:
    """Every Mach-O file, by its magic: those of frameworks have no suffix."""
    with zipfile.ZipFile(wheel(*spec)) as archive:
        names = []
        for entry in archive.infolist():
            if entry.file_size < 4 or (entry.file_size > _SMALL and not FULL):
                continue
            with archive.open(entry) as stream:
                if stream.read(4) in _MAGICS:
                    names.append(entry)
        for entry in sample(names, 3):
            yield entry.filename, archive.read(entry)


def _facts(image: Image) -> MachoFacts:
    assert isinstance(image.native, MachoFacts)
    return image.native


def _ours(image: Image) -> dict[str, Any]:
    facts = _facts(image)
    base = next((s.address for s in image.segments if s.offset == image.slice_offset and s.file_size), 0)
    return {
        "header": (image.machine.code, facts.file_type, int(facts.flags), len(facts.commands)),
        "commands": [(c.number, c.offset - image.slice_offset, c.size) for c in facts.commands],
        "libraries": [(d.name, d.current_version, d.compatibility_version) for d in image.needed],
        "identity": image.identity and (image.identity, facts.current_version, facts.compatibility_version),
        "rpaths": [d.text for d in image.search_dirs],
        "uuid": image.build_id,
        "segments": [
            (s.kind, s.address, s.memory_size, s.offset - image.slice_offset, s.file_size) for s in image.segments
        ],
        "sections": [(s.name, s.address, s.size) for s in image.sections],
        "exports": sorted((s.name, s.value - base, s.binding is SymbolBinding.WEAK) for s in image.exports),
        "imports": _imports(image),
        "builds": [(b.minimum, b.sdk) for b in facts.builds],
        "initialisers": [i.address for i in image.initialisers if i.kind == "mod_init_func"],
    }


def _imports(image: Image) -> list[tuple[str, int]]:
    by_name = {d.name: d.ordinal for d in image.needed}
    special = {position: _ORDINALS[lookup] for position, lookup in _facts(image).lookups}
    return sorted(
        (symbol.name, by_name[symbol.library] or 0 if symbol.library else special[position])
        for position, symbol in enumerate(image.symbols)
        if not symbol.defined
    )


def _dotted(version: Any) -> str:
    return ".".join(map(str, version))


def _theirs(binary: Any) -> dict[str, Any]:
    own = [one for one in binary.libraries if one.command == lief.MachO.LoadCommand.TYPE.ID_DYLIB]
    others = [one for one in binary.libraries if one.command != lief.MachO.LoadCommand.TYPE.ID_DYLIB]
    build, least = binary.build_version, binary.version_min
    table = binary.dyld_exports_trie or binary.dyld_info
    return {
        "header": (
            int(binary.header.cpu_type.value),
            int(binary.header.file_type.value),
            int(binary.header.flags),
            binary.header.nb_cmds,
        ),
        "commands": [(int(c.command.value), c.command_offset, c.size) for c in binary.commands],
        "libraries": [(o.name, _dotted(o.current_version), _dotted(o.compatibility_version)) for o in others],
        "identity": (own[0].name, _dotted(own[0].current_version), _dotted(own[0].compatibility_version))
        if own
        else None,
        "rpaths": [one.path for one in binary.rpaths],
        "uuid": bytes(binary.uuid.uuid).hex() if binary.uuid else None,
        "segments": [(s.name, s.virtual_address, s.virtual_size, s.file_offset, s.file_size) for s in binary.segments],
        "sections": [(f"{s.segment_name},{s.name}", s.virtual_address, s.size) for s in binary.sections],
        "exports": sorted((e.symbol.name, e.address, bool(e.flags & 4)) for e in table.exports) if table else [],
        "imports": sorted(set(_bound(binary))),
        "builds": [
            (_dotted(one.minos if build else one.version), _dotted(one.sdk)) for one in (build or least,) if one
        ],
        "initialisers": [f.address for f in binary.ctor_functions],
    }


def _bound(binary: Any) -> Iterator[tuple[str, int]]:
    """Symbols with the library they are bound to; definitions of its own that others may replace are no imports."""
    weak = getattr(lief.MachO.DyldBindingInfo.CLASS, "WEAK", None)
    for one in binary.bindings:
        if one.has_symbol and not (isinstance(one, lief.MachO.DyldBindingInfo) and one.binding_class == weak):
            yield str(one.symbol.name), one.library_ordinal


@pytest.mark.parametrize("spec", mostly_slow(MACOS, quick=_QUICK), ids="-".join)
def test_every_fact_of_a_macos_library_is_the_one_lief_gives(spec: tuple[str, str, str]) -> None:
    for name, data in _binaries(spec):
        theirs = lief.MachO.parse(data)
        assert theirs is not None
        ours = images(data)
        assert len(ours) == theirs.size, name
        for image, binary in zip(ours, theirs, strict=True):
            assert not image.damage, name
            if image.kind is ImageKind.OBJECT:
                continue
            mine, other = _ours(image), _theirs(binary)
            for fact, value in other.items():
                assert mine[fact] == value, f"{name}: {fact}"


@pytest.mark.parametrize("spec", MACOS, ids="-".join)
def test_initialiser_offsets_lead_to_functions(spec: tuple[str, str, str]) -> None:
    """LIEF reads lists of pointers only; offsets are checked against the functions it finds in the image."""
    for name, data in _binaries(spec):
        theirs = lief.MachO.parse(data)
        assert theirs is not None
        for image, binary in zip(images(data), theirs, strict=True):
            functions = set(binary.function_starts.functions) if binary.function_starts else set()
            for one in image.initialisers:
                assert one.kind != "init_offsets" or one.address in functions, name


@pytest.mark.parametrize("spec", MACOS, ids="-".join)
def test_libraries_and_search_paths_are_those_macholib_gives(spec: tuple[str, str, str], tmp_path: Path) -> None:
    for name, data in _binaries(spec):
        path = tmp_path / "library"
        path.write_bytes(data)
        for image, header in zip(images(path), MachO(str(path)).headers, strict=True):
            commands = [(load.cmd, str(text.rstrip(b"\0").decode())) for load, _, text in _with_text(header)]
            wanted = [(_KINDS[d.kind], d.name) for d in image.needed]
            assert [c for c in commands if c[0] in _KINDS.values()] == wanted, name
            assert [text for number, text in commands if number == LC_RPATH] == [d.text for d in image.search_dirs]


def _with_text(header: Any) -> Iterator[Any]:
    for command in header.commands:
        if command[0].cmd in {LC_RPATH, *_KINDS.values()}:
            yield command


@pytest.mark.parametrize("spec", MACOS, ids="-".join)
def test_every_page_of_a_signed_library_has_the_recorded_digest(spec: tuple[str, str, str]) -> None:
    for name, data in _binaries(spec):
        for image in images(data):
            signature = _facts(image).signature
            if signature is not None:
                assert signature.intact is DigestState.MATCHES, name
