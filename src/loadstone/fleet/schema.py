"""The tables of a store: Arrow schemas, versioned, each column with what it means.

A table of facts is keyed by ``file``, the SHA-256 of a file's bytes: what is in a file never changes, so its rows are
written once and serve every snapshot. A table of a snapshot says where those files are and what came of them there.
Adding a column or a table raises :data:`VERSION`.
"""

from __future__ import annotations

from typing import Any, Final

from loadstone.fleet.extra import needed_for
from loadstone.quick_dataclass import dataclass

__all__ = ["FACTS", "TABLES", "VERSION", "FleetTable", "plain"]

pa: Any = needed_for("a fleet's store", "pyarrow")

VERSION: Final = 2
"""Of the schema; part of the name of every part, so that parts of another version are not taken for these."""


@dataclass(frozen=True, slots=True)
class FleetTable:
    """One table: its name, its Arrow schema, what one row is, and the column its files are partitioned by."""

    name: str
    schema: Any
    row: str
    partition: str


_TEXT: Final = pa.string()
_WORD: Final = pa.dictionary(pa.int32(), pa.string())
_COUNT: Final = pa.int64()
_FLAG: Final = pa.bool_()
_NAMES: Final = pa.list_(pa.string())

_FILE: Final = ("file", _WORD, "SHA-256 of the file's bytes, in hex")
_SLICE: Final = ("slice", pa.int32(), "which image of a universal file, from 0; 0 for every other file")
_MACHINE: Final = ("machine", _WORD, "the processor the image is for: x86-64, aarch64 ...")
_SOURCE: Final = ("source", _WORD, "what was scanned, as it was named")
_ITEM: Final = ("item", _WORD, "stamp of the input the row comes from: its digest, or its path, size and times")


def _table(name: str, row: str, partition: str, *columns: tuple[str, Any, str]) -> FleetTable:
    fields = [pa.field(column, kind, metadata={"doc": doc}) for column, kind, doc in columns]
    return FleetTable(name, pa.schema(fields, metadata={"loadstone.fleet": f"{name}/{VERSION}"}), row, partition)


TABLES: Final = {
    table.name: table
    for table in (
        _table(
            "files", "One image of one distinct file.", "machine",
            _FILE, _SLICE, _MACHINE,
            ("size", _COUNT, "bytes of the file"),
            ("format", _WORD, "elf, pe, macho"),
            ("bits", pa.int32(), "32 or 64"),
            ("byte_order", _WORD, "little, big"),
            ("kind", _WORD, "shared, executable, position-independent executable, bundle ..."),
            ("identity", _TEXT, "SONAME, install name or DLL name; null where there is none"),
            ("build_id", _TEXT, "GNU build-id, Mach-O UUID or PDB id, in hex"),
            ("interpreter", _TEXT, "the loader a program asks for"),
            ("rpath", _NAMES, "elements of DT_RPATH or LC_RPATH, as written"),
            ("runpath", _NAMES, "elements of DT_RUNPATH, as written"),
            ("traits", _NAMES, "what it is beyond its kind: statically linked, Go, packed ..."),
            ("notes", _NAMES, "ELF notes, as owner:number"),
            ("damage", _NAMES, "what in the bytes contradicts the format"),
            ("exports", _COUNT, "exported symbols"),
            ("imports", _COUNT, "imported symbols"),
            ("sketch", pa.list_(pa.uint64()), "the 64 smallest hashes of its exported names (KMV)"),
        ),
        _table(
            "needs", "One name an image asks for.", "machine",
            _FILE, _SLICE, _MACHINE,
            ("position", pa.int32(), "order in the file, from 0"),
            ("name", _WORD, "as written: libz.so.1, KERNEL32.dll, @rpath/libx.dylib"),
            ("kind", _WORD, "needed, weak, delay, dlopen ..."),
            ("required", _FLAG, "whether the load fails when it is missing"),
        ),
        _table(
            "symbols", "One dynamic symbol of an image.", "machine",
            _FILE, _SLICE, _MACHINE,
            ("name", _WORD, "as written, mangled"),
            ("version", _WORD, "its version; null where it has none"),
            ("is_default", _FLAG, "an export that is bound to where no version is asked for"),
            ("role", _WORD, "export, import, or local: defined and not visible to others"),
            ("library", _WORD, "of an import: the file it is expected from, where the format says so"),
            ("binding", _WORD, "global, weak, unique, local"),
            ("kind", _WORD, "function, object, thread-local ..."),
            ("size", _COUNT, "bytes, where the format says"),
        ),
        _table(
            "versions", "One symbol version that an image requires of a library, or defines.", "machine",
            _FILE, _SLICE, _MACHINE,
            ("name", _WORD, "GLIBC_2.38"),
            ("role", _WORD, "need, definition"),
            ("library", _WORD, "of a need: the file it is expected from"),
            ("is_weak", _FLAG, "may be missing"),
        ),
        _table(
            "hardening", "One protection of an image.", "machine",
            _FILE, _SLICE, _MACHINE,
            ("name", _WORD, "relro, bind-now, stack-protector ..."),
            ("state", _WORD, "present, partial, absent, not applicable, unknown"),
            ("detail", _TEXT, "the header field that decides it, and its value"),
            ("term", _WORD, "the field's own word: Full RELRO"),
            ("start", _COUNT, "its offset in the file"),
        ),
        _table(
            "claims", "One answer of a rule over binaries.", "machine",
            _FILE, _SLICE, _MACHINE,
            ("rule", _WORD, "its id"),
            ("outcome", _WORD, "yes, no, cannot tell"),
            ("severity", _WORD, "of a finding"),
            ("cwe", pa.int32(), "of a finding or an open question"),
            ("message", _TEXT, "a sentence for the reader"),
            ("start", _COUNT, "first byte in the file that shows it"),
            ("stop", _COUNT, "one past the last"),
        ),
        _table(
            "plugins", "What a plugin says about itself.", "machine",
            _FILE, _SLICE, _MACHINE,
            ("framework", _WORD, "qt, loadstone"),
            ("iid", _WORD, "the interface it implements"),
            ("class_name", _TEXT, "its class"),
            ("qt_version", _WORD, "of Qt's plugins: major.minor"),
            ("metadata", _TEXT, "the author's own object, as JSON"),
        ),
        _table(
            "inputs", "One package or loose file that was read.", "source",
            _SOURCE, _ITEM,
            ("location", _TEXT, "its path or address"),
            ("size", _COUNT, "its bytes"),
            ("kind", _WORD, "Debian package, ZIP archive ...; file for loose files"),
        ),
        _table(
            "packages", "One place of one file: which package of which source has it, and where.", "source",
            _SOURCE, _ITEM,
            ("package", _WORD, "name of the package; empty for loose files"),
            ("package_version", _WORD, "its version"),
            ("architecture", _WORD, "of the package, in its own words: amd64, any, win_amd64"),
            ("kind", _WORD, "Debian package, ZIP archive ...; file for loose files"),
            ("path", _TEXT, "in the package, or the whole path of a loose file"),
            ("file", _WORD, "the file's digest; null for a symbolic link"),
            ("link", _TEXT, "target of a symbolic link, as written"),
        ),
        _table(
            "resolutions", "One dependency, resolved where its file lies: the file chosen, or none.", "source",
            _SOURCE, _ITEM,
            ("root", _TEXT, "the library that was opened, as a path"),
            ("requester", _TEXT, "path of the one that asks"),
            ("requester_file", _WORD, "its digest where it is of the same input"),
            ("name", _WORD, "what it asks for"),
            ("kind", _WORD, "needed, weak, delay ..."),
            ("chosen", _TEXT, "path of the chosen file; null: not found"),
            ("chosen_file", _WORD, "its digest where it is known"),
            ("how", _WORD, "rule that found it: runpath, default, same package, same source ..."),
        ),
        _table(
            "diagnoses", "One reason why a library fails to load, or is at risk.", "source",
            _SOURCE, _ITEM,
            ("root", _TEXT, "the library that was opened, as a path"),
            ("file", _WORD, "its digest"),
            ("verdict", _WORD, "loads, loads with risk, fails, unknown"),
            ("code", _WORD, "dep-not-found, version-not-found ..."),
            ("blocking", _FLAG, "whether it stops the load"),
            ("subject", _TEXT, "the file or name concerned"),
            ("explanation", _TEXT, "a sentence for the reader"),
            ("advice", _TEXT, "what to do"),
        ),
        _table(
            "reviews", "One answer of a rule over a source of an input; only of scans with --review.", "source",
            _SOURCE, _ITEM,
            ("rule", _WORD, "its id"),
            ("outcome", _WORD, "yes, no, cannot tell"),
            ("severity", _WORD, "of a finding"),
            ("cwe", pa.int32(), "of a finding or an open question"),
            ("message", _TEXT, "a sentence for the reader"),
            ("path", _TEXT, "in the package, or the whole path of a loose file"),
            ("start", _COUNT, "first line that shows it, from 1"),
            ("stop", _COUNT, "last line"),
        ),
        _table(
            "errors", "One input, or file in it, that could not be read.", "source",
            _SOURCE, _ITEM,
            ("path", _TEXT, "which"),
            ("error", _WORD, "kind of error: MalformedImage, TooLarge, TooSlow, WorkerLost ..."),
            ("message", _TEXT, "what was attempted and what happened"),
            ("is_quarantined", _FLAG, "the whole input was quarantined, not only a file in it"),
        ),
    )
}  # fmt: skip
"""Every table by its name."""


def plain(schema: Any) -> Any:
    """A schema as it is written: without Arrow's dictionaries, as Parquet makes its own for each group of rows."""
    return pa.schema(
        [f.with_type(f.type.value_type) if pa.types.is_dictionary(f.type) else f for f in schema],
        metadata=schema.metadata,
    )


FACTS: Final = tuple(name for name, table in TABLES.items() if table.partition == "machine")
"""The tables that are keyed by a file's digest and shared by all snapshots."""
