"""The prototype of a function, from the debug information of its library: so that its name is enough.

DWARF is read with pyelftools (the ``fuzz`` extra), in the library itself or in the twin that its build-id names under
``/usr/lib/debug``. What it says is as trustworthy as the library: it decides what a call looks like, nothing more.
Source: DWARF 5, sections 3.3 (subroutines) and 5 (types).
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, Final

from loadstone.binary import read
from loadstone.binary.elf.link_symbols import debug_twin
from loadstone.errors import InvalidPrototype

__all__ = ["declarations", "declared"]

_MAX_ENTRIES: Final = 2_000_000
_MAX_DEPTH: Final = 32
_MAX_FUNCTIONS: Final = 5000
_CALLBACK: Final = "void (*{})(void)"
"""However a function behind a pointer is declared: what is given for it takes nothing and answers 0."""
_QUALIFIERS: Final = ("DW_TAG_volatile_type", "DW_TAG_restrict_type", "DW_TAG_typedef", "DW_TAG_atomic_type")
# DWARF 5, table 7.11: base type attribute encodings.
_BOOLEAN, _FLOAT, _SIGNED, _SIGNED_CHAR, _UNSIGNED, _UNSIGNED_CHAR = 2, 4, 5, 6, 7, 8
_DAMAGE: Final = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError, RecursionError,
                  zlib.error)  # fmt: skip
"""What pyelftools lets through on damaged debug information, beside its own errors."""


def declared(text: str, path: str) -> str:
    """A prototype as it is; for a bare function name, the prototype that the library's DWARF declares.

    Args:
        text: ``int parse(const uint8_t *data, size_t size)``, or only ``parse``.
        path: of the library.

    Raises:
        InvalidPrototype: it is only a name, and there is no debug information (or nothing to read it with), none
            that declares the function, or its types cannot be said in C.
    """
    name = text.strip()
    if not name.isidentifier():
        return text
    with _told_of(name):
        found = next((entry for file in _files(path) for entry in _functions(file, {name})), None)
        if found is None:
            raise _no_prototype(name, "no debug information declares it")
        return _prototype(found, name)


def declarations(path: str, names: Collection[str]) -> str:
    """The prototypes of these functions that the library's DWARF declares, as a header; "" where it declares none.

    Those whose types cannot be said in C are left out. Raises InvalidPrototype when there is nothing to read it with.
    """
    found: dict[str, str] = {}
    with _told_of("..."):
        entries = (entry for file in _files(path) for entry in _functions(file, names))
        for entry in islice(entries, _MAX_FUNCTIONS):
            name = _text(entry, "DW_AT_name")
            with suppress(InvalidPrototype):
                found.setdefault(name, _prototype(entry, name))
    return "".join(f"{text};\n" for text in found.values())


@contextmanager
def _told_of(name: str) -> Iterator[None]:
    """Raise InvalidPrototype where debug information cannot be read, or is damaged."""
    if find_spec("elftools") is None:
        raise _no_prototype(name, "reading debug information needs pyelftools: pip install 'loadstone[fuzz]'")
    errors = import_module("elftools.common.exceptions")
    try:
        yield
    except (errors.ELFError, errors.DWARFError, *_DAMAGE) as error:
        if isinstance(error, InvalidPrototype):
            raise
        raise _no_prototype(name, f"the debug information is damaged: {error}") from error


def _no_prototype(name: str, reason: str) -> InvalidPrototype:
    return InvalidPrototype(text=name, reason=reason, advice="Give the whole prototype: 'int name(const char *text)'.")


def _files(path: str) -> Iterator[Path]:
    yield Path(path)
    twin = debug_twin(read(path).build_id or "")
    if twin:
        yield Path(twin)


def _functions(file: Path, names: Collection[str]) -> Iterator[Any]:
    """The entries of functions of these names, in every compilation unit."""
    elf: Any = import_module("elftools.elf.elffile").ELFFile(BytesIO(file.read_bytes()))
    if not elf.has_dwarf_info(strict=True):
        return
    units = elf.get_dwarf_info(follow_links=False).iter_CUs()
    entries = (entry for unit in units for entry in unit.get_top_DIE().iter_children())
    for entry in islice(entries, _MAX_ENTRIES):
        if entry.tag == "DW_TAG_subprogram" and _text(entry, "DW_AT_name") in names:
            yield entry


def _text(entry: Any, attribute: str) -> str:
    value = entry.attributes.get(attribute)
    return value.value.decode("utf-8", "replace") if value is not None and isinstance(value.value, bytes) else ""


def _prototype(entry: Any, name: str) -> str:
    parameters = [
        _declaration(_spelled(child, name), _text(child, "DW_AT_name") or f"argument_{position}")
        for position, child in enumerate(entry.iter_children())
        if child.tag == "DW_TAG_formal_parameter"
    ]
    if any(child.tag == "DW_TAG_unspecified_parameters" for child in entry.iter_children()):
        parameters.append("...")
    return f"{_declaration(_spelled(entry, name), name)}({', '.join(parameters) or 'void'})"


def _declaration(kind: str, name: str) -> str:
    return kind.format(name) if kind == _CALLBACK else f"{kind} {name}"


def _spelled(entry: Any, name: str, depth: int = 0) -> str:
    """The type of an entry, in C that needs no other declaration."""
    if "DW_AT_type" not in entry.attributes:
        return "void"
    kind = entry.get_DIE_from_attribute("DW_AT_type")
    if depth > _MAX_DEPTH:
        raise _no_prototype(name, "its types are nested without end")
    if kind.tag in _QUALIFIERS:
        return _spelled(kind, name, depth + 1)
    if kind.tag == "DW_TAG_const_type":
        inner = _spelled(kind, name, depth + 1)
        return f"{inner} const"
    if kind.tag == "DW_TAG_pointer_type":
        inner = _spelled(kind, name, depth + 1)
        return inner if inner == _CALLBACK else f"{inner} *"
    if kind.tag in ("DW_TAG_structure_type", "DW_TAG_union_type"):
        word = "struct" if kind.tag == "DW_TAG_structure_type" else "union"
        return f"{word} {_text(kind, 'DW_AT_name') or f'unnamed_{kind.offset:x}'}"
    size = kind.attributes["DW_AT_byte_size"].value if "DW_AT_byte_size" in kind.attributes else 4
    if kind.tag == "DW_TAG_enumeration_type":
        return f"uint{8 * size}_t"
    if kind.tag == "DW_TAG_base_type":
        return _base(kind.attributes["DW_AT_encoding"].value, size, _text(kind, "DW_AT_name"), name)
    if kind.tag == "DW_TAG_subroutine_type":
        return _CALLBACK
    raise _no_prototype(name, f"a type of it cannot be said in C ({kind.tag})")


def _base(encoding: int, size: int, spelled: str, name: str) -> str:
    if spelled in ("char", "_Bool"):
        return spelled
    if encoding == _BOOLEAN:
        return "_Bool"
    if encoding == _FLOAT and size in (4, 8):
        return "float" if size == 4 else "double"
    if encoding in (_SIGNED, _SIGNED_CHAR) and size in (1, 2, 4, 8):
        return f"int{8 * size}_t"
    if encoding in (_UNSIGNED, _UNSIGNED_CHAR) and size in (1, 2, 4, 8):
        return f"uint{8 * size}_t"
    raise _no_prototype(name, f"it uses the type {spelled!r} of {size} bytes")
