"""One row a file, in the columns people know from checksec: what each binary was built with, at a glance.

Sources: checksec.sh for the columns of ELF and their order; BinSkim and Apple's codesign for those of PE and Mach-O.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import zip_longest
from typing import Final

from loadstone.core.image import CheckState, Format, HardeningFact, Image
from loadstone.escape import printable
from loadstone.quick_dataclass import dataclass
from loadstone.report.text.style import Style

__all__ = ["ChecksecRow", "checksec_row", "checksec_tables"]

_UNANSWERED: Final = {CheckState.UNKNOWN: "cannot tell", CheckState.NOT_APPLICABLE: "n/a"}
_SYMBOL_SIZES: Final = {32: 16, 64: 24}

_Column = tuple[str, Callable[[Image], str]]


@dataclass(frozen=True, slots=True)
class ChecksecRow:
    """The cells of one image, in the columns of its format; the file is the last."""

    format: Format
    cells: tuple[str, ...]


def _fact(image: Image, name: str) -> HardeningFact | None:
    return next((fact for fact in image.hardening if fact.name == name), None)


def _term(name: str) -> Callable[[Image], str]:
    def cell(image: Image) -> str:
        fact = _fact(image, name)
        return "n/a" if fact is None else _UNANSWERED.get(fact.state, fact.term or fact.state.value)

    return cell


def _count(which: str) -> Callable[[Image], str]:
    def cell(image: Image) -> str:
        fact = _fact(image, "fortify")
        return "0" if fact is None else str(fact.met if which == "met" else fact.sites)

    return cell


def _path(word: str) -> Callable[[Image], str]:
    def cell(image: Image) -> str:
        return word if any(place.kind.value == word.lower() for place in image.search_dirs) else f"No {word}"

    return cell


def _symbols(image: Image) -> str:
    table = next((section for section in image.sections if section.kind == "SYMTAB"), None)
    return f"{table.size // _SYMBOL_SIZES[image.bits]} symbols" if table else "No symbols"


_COLUMNS: Final[dict[Format, tuple[_Column, ...]]] = {
    Format.ELF: (
        ("RELRO", _term("relro")),
        ("STACK CANARY", _term("stack-protector")),
        ("NX", _term("executable-stack")),
        ("PIE", _term("pie")),
        ("RPATH", _path("RPATH")),
        ("RUNPATH", _path("RUNPATH")),
        ("Symbols", _symbols),
        ("FORTIFY", _term("fortify")),
        ("Fortified", _count("met")),
        ("Fortifiable", _count("sites")),
    ),
    Format.PE: (
        ("ASLR", _term("pie")),
        ("HIGH_ENTROPY_VA", _term("high-entropy-va")),
        ("DEP", _term("executable-stack")),
        ("CFG", _term("control-flow-guard")),
        ("GS", _term("stack-protector")),
        ("CET", _term("shadow-stack")),
        ("SafeSEH", _term("safeseh")),
        ("Authenticode", _term("signature")),
    ),
    Format.MACHO: (
        ("PIE", _term("pie")),
        ("STACK CANARY", _term("stack-protector")),
        ("RELRO", _term("relro")),
        ("NX", _term("executable-stack")),
        ("Code signature", _term("signature")),
        ("Hardened runtime", _term("hardened-runtime")),
        ("Library validation", _term("library-validation")),
    ),
}


def checksec_row(image: Image) -> ChecksecRow:
    """The row of one image."""
    cells = (cell(image) for _, cell in _COLUMNS[image.format])
    return ChecksecRow(image.format, (*cells, printable(image.path or "bytes")))


def checksec_tables(rows: Iterable[ChecksecRow], style: Style) -> str:
    """A table for each format there is a row of, in the order the rows came."""
    by_format: dict[Format, list[tuple[str, ...]]] = {}
    for row in rows:
        by_format.setdefault(row.format, []).append(row.cells)
    return "\n".join(_table(container, cells, style) for container, cells in by_format.items())


def _table(container: Format, rows: list[tuple[str, ...]], style: Style) -> str:
    heading = (*(name for name, _ in _COLUMNS[container]), "FILE")
    widths = [max(map(len, column)) for column in zip_longest(heading, *rows, fillvalue="")]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    top = "  ".join(cell.ljust(width) for cell, width in zip(heading, widths, strict=True)).rstrip()
    return "\n".join([style.bold(top), *lines]) + "\n"
