"""What Loadstone reads in Windows libraries of real wheels, against what pefile and LIEF read there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import lief
import pefile
import pytest
from tests.scale import mostly_slow, sample
from tests.wheels import WINDOWS, members, wheel

from loadstone.binary import read
from loadstone.binary.digests import DigestState
from loadstone.binary.pe.facts import PeFacts
from loadstone.core.image import DependencyKind, Image

pytestmark = pytest.mark.real
_QUICK = [spec for spec in WINDOWS if spec[0] in ("markupsafe", "psutil")]
_SIGNED = [spec for spec in WINDOWS if spec[0] == "PyQt6-Qt6"]

_SMALL = 400_000  # bytes; pefile takes a second and more for large ones, so those are left to the full run
_MANY = 1 << 20  # by itself pefile stops naming exports behind the 8192nd, and cuts long names
pefile.MAX_SYMBOL_NAME_LENGTH = 1 << 16


def _text(data: bytes | None) -> str:
    return (data or b"").decode("utf-8", "surrogateescape")


def _ours(image: Image) -> dict[str, Any]:
    facts = image.native
    assert isinstance(facts, PeFacts)
    config = facts.load_config
    by_module: dict[DependencyKind, list[tuple[str, tuple[str, ...]]]] = {k: [] for k in DependencyKind}
    for one in image.needed:
        by_module[one.kind].append((one.name, one.symbols))
    return {
        "machine": image.machine.code,
        "bits": image.bits,
        "headers": (facts.characteristics, facts.dll_characteristics, facts.subsystem, facts.timestamp, facts.checksum),
        "places": (facts.entry_point, facts.image_base, facts.image_size, facts.section_alignment),
        "sections": [(s.name, s.address, s.size, s.offset, s.header_offset) for s in image.sections],
        "imports": by_module[DependencyKind.NEEDED],
        "delayed": by_module[DependencyKind.DELAY],
        "import places": [(s.name, s.value, s.library) for s in image.symbols.imports],
        "identity": image.identity,
        "exports": sorted((s.name, s.ordinal, 0 if s.forward else s.value, s.forward or "") for s in image.exports),
        "load config": config
        and (
            config.security_cookie,
            config.dependent_load_flags,
            config.guard_flags,
            config.guard_functions,
            config.se_handlers,
            config.hybrid_metadata,
        ),
        "callbacks": [i.address + facts.image_base for i in image.initialisers if i.kind == "tls_callback"],
        "debug": [(d.kind, d.size, d.offset, d.timestamp) for d in facts.debug],
        "pdb": facts.pdb and (facts.pdb.path, facts.pdb.guid.replace("-", ""), facts.pdb.age),
        "version": sorted(facts.version.strings) if facts.version else [],
        "fixed version": facts.version.file_version if facts.version else "",
        "manifests": [(m.offset, m.size) for m in facts.manifests],
    }


def _name(symbol: Any) -> str:
    return f"#{symbol.ordinal}" if symbol.import_by_ordinal else _text(symbol.name)


def _modules(table: Any) -> list[tuple[str, tuple[str, ...]]]:
    return [(_text(entry.dll), tuple(map(_name, entry.imports))) for entry in table]


def _theirs(pe: Any) -> dict[str, Any]:
    head, optional = pe.FILE_HEADER, pe.OPTIONAL_HEADER
    imports = getattr(pe, "DIRECTORY_ENTRY_IMPORT", [])
    delayed = getattr(pe, "DIRECTORY_ENTRY_DELAY_IMPORT", [])
    exports = getattr(pe, "DIRECTORY_ENTRY_EXPORT", None)
    config = getattr(pe, "DIRECTORY_ENTRY_LOAD_CONFIG", None)
    tables = [*imports, *delayed]
    return {
        "machine": head.Machine,
        "bits": 64 if optional.Magic == 0x20B else 32,
        "headers": (
            head.Characteristics,
            optional.DllCharacteristics,
            optional.Subsystem,
            head.TimeDateStamp,
            optional.CheckSum,
        ),
        "places": (
            optional.AddressOfEntryPoint,
            optional.ImageBase,
            optional.SizeOfImage,
            optional.SectionAlignment,
        ),
        "sections": [
            (
                _text(s.Name.partition(b"\0")[0]),
                s.VirtualAddress,
                s.SizeOfRawData,
                s.PointerToRawData,
                s.get_file_offset(),
            )
            for s in pe.sections
        ],
        "imports": _modules(imports),
        "delayed": _modules(delayed),
        "import places": [
            (_name(symbol), symbol.address - optional.ImageBase, _text(entry.dll))
            for entry in tables
            for symbol in entry.imports
        ],
        "identity": _text(exports.name) if exports else None,
        "exports": sorted(_exports(exports)) if exports else [],
        "load config": config and _load_config(config.struct),
        "callbacks": list(_callbacks(pe)),
        "debug": [
            (d.struct.Type, d.struct.SizeOfData, d.struct.PointerToRawData, d.struct.TimeDateStamp)
            for d in getattr(pe, "DIRECTORY_ENTRY_DEBUG", [])
        ],
        "pdb": next(_pdbs(pe), None),
        "version": sorted(_version_strings(pe)),
        "fixed version": _fixed_version(pe),
        "manifests": list(_manifests(pe)),
    }


def _exports(table: Any) -> Iterator[tuple[str, int, int, str]]:
    for symbol in table.symbols:
        if symbol.address or symbol.forwarder:
            name = _text(symbol.name) if symbol.name else f"#{symbol.ordinal}"
            yield name, symbol.ordinal, 0 if symbol.forwarder else symbol.address, _text(symbol.forwarder)


def _load_config(struct: Any) -> tuple[int, ...]:
    names = ("SecurityCookie", "DependentLoadFlags", "GuardFlags", "GuardCFFunctionCount", "SEHandlerCount")
    return (*(getattr(struct, name, 0) or 0 for name in names), getattr(struct, "CHPEMetadataPointer", 0) or 0)


def _callbacks(pe: Any) -> Iterator[int]:
    table = getattr(pe, "DIRECTORY_ENTRY_TLS", None)
    if table is None or not table.struct.AddressOfCallBacks:
        return
    size = 8 if pe.OPTIONAL_HEADER.Magic == 0x20B else 4
    at = table.struct.AddressOfCallBacks - pe.OPTIONAL_HEADER.ImageBase
    while pointer := int.from_bytes(pe.get_data(at, size), "little"):
        yield pointer
        at += size


def _pdbs(pe: Any) -> Iterator[tuple[str, str, int]]:
    for entry in getattr(pe, "DIRECTORY_ENTRY_DEBUG", []):
        if entry.struct.Type == 2 and entry.entry is not None and entry.entry.CvSignature == b"RSDS":
            guid = entry.entry.Signature_String[:32].lower()
            yield _text(entry.entry.PdbFileName.partition(b"\0")[0]), guid, entry.entry.Age


def _version_strings(pe: Any) -> Iterator[tuple[str, str]]:
    for info in (one for group in getattr(pe, "FileInfo", []) for one in group):
        for table in getattr(info, "StringTable", [])[:1]:
            for key, value in table.entries.items():
                yield _text(key), _text(value)


def _fixed_version(pe: Any) -> str:
    for fixed in getattr(pe, "VS_FIXEDFILEINFO", [])[:1]:
        high, low = fixed.FileVersionMS, fixed.FileVersionLS
        return f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}"
    return ""


def _manifests(pe: Any) -> Iterator[tuple[int, int]]:
    for kind in getattr(getattr(pe, "DIRECTORY_ENTRY_RESOURCE", None), "entries", []):
        if kind.struct.Id == 24:
            for one in kind.directory.entries:
                for language in one.directory.entries:
                    data = language.data.struct
                    yield pe.get_offset_from_rva(data.OffsetToData), data.Size


def _libraries(spec: tuple[str, str, str]) -> list[tuple[str, bytes]]:
    found = [(name, data) for name, data in members(wheel(*spec), ".dll", ".pyd", ".exe")]
    small = [one for one in found if len(one[1]) <= _SMALL]
    return list(sample(found if len(sample(found, 2)) == len(found) else small, 2))


@pytest.mark.parametrize("spec", mostly_slow(WINDOWS, quick=_QUICK), ids="-".join)
def test_every_fact_of_a_windows_library_is_the_one_pefile_gives(spec: tuple[str, str, str]) -> None:
    for name, data in _libraries(spec):
        image = read(data)
        assert not image.damage, name
        ours, theirs = _ours(image), _theirs(pefile.PE(data=data, max_symbol_exports=_MANY))
        for fact, value in theirs.items():
            assert ours[fact] == value, f"{name}: {fact}"


@pytest.mark.parametrize("spec", mostly_slow(WINDOWS, quick=_SIGNED), ids="-".join)
def test_the_digest_of_a_signed_library_is_the_one_lief_computes(spec: tuple[str, str, str]) -> None:
    algorithms = {"sha1": lief.PE.ALGORITHMS.SHA_1, "sha256": lief.PE.ALGORITHMS.SHA_256}
    for name, data in _libraries(spec):
        facts = read(data).native
        assert isinstance(facts, PeFacts)
        theirs = lief.PE.parse(data)
        assert isinstance(theirs, lief.PE.Binary)
        outer = {s.offset: s for s in reversed(facts.signatures)}  # LIEF does not list those nested in another
        for ours, other in zip(outer.values(), theirs.signatures, strict=True):
            assert ours.digest is DigestState.MATCHES, name
            assert ours.actual_digest == theirs.authentihash(algorithms[ours.algorithm]).hex(), name
            assert ours.signed_digest == other.content_info.digest.hex(), name
            certificate = other.signers[0].cert
            assert certificate is not None
            assert ours.signer in str(certificate.subject), name
