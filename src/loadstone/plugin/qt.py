"""Qt's plugin metadata, in every encoding since 5.0, understood the way Qt understands it - and checked as Qt does not.

========== ============================ ================================================
Qt         introduced by                body
========== ============================ ================================================
5.0-5.11   ``QTMETADATA`` two spaces    binary JSON (:mod:`loadstone.plugin.binary_json`)
5.12-6.2   ``QTMETADATA !``             4 header bytes, then CBOR
6.3 on     the same on PE and Mach-O;   4 header bytes, then CBOR
           an ELF note without marker
========== ============================ ================================================

Header: format version (0 to 6.2, 1 since 6.3), Qt major, Qt minor, requirements. In CBOR the well-known keys are
numbers; two parsers that disagree on a duplicate or shadowed key are a way past a check, so both are problems here.
Source: Qt's own writers, and what QPluginLoader answers for the files they write.
"""

from __future__ import annotations

import base64
import math
from typing import Any, Final

from loadstone.escape import printable
from loadstone.plugin.binary_json import MAGIC as BINARY_JSON
from loadstone.plugin.binary_json import decode_binary_json
from loadstone.plugin.cbor import CborMap, DataItem, Problem, Undefined
from loadstone.plugin.cbor import decode as decode_cbor
from loadstone.quick_dataclass import dataclass

__all__ = ["MARKER", "NOTE_KIND", "NOTE_OWNER", "QtMetadata", "decode"]

MARKER: Final = b"QTMETADATA "
NOTE_OWNER: Final = "qt-project!"
NOTE_KIND: Final = 0x74510001

_OLD_MARKER: Final = b"QTMETADATA  "
_NEW_MARKER: Final = b"QTMETADATA !"
_HEADER: Final = 4
_MAX_BODY: Final = 128 << 20  # Qt's own cap on the binary JSON

# Well-known CBOR keys; 0, 1 and 6 are made up by the reader from the header and must not be in the file.
_IID, _CLASS, _DATA, _URI = 2, 3, 4, 5
_NAMES: Final = {_IID: "IID", _CLASS: "className", _DATA: "MetaData", _URI: "URI"}
_RESERVED: Final = {0: "version", 1: "archlevel", 6: "debug"}


@dataclass(frozen=True, slots=True, kw_only=True)
class QtMetadata:
    """One plugin's metadata; ``size`` is how many bytes the encoding took, ``extra`` the keys Qt does not know."""

    iid: str | None
    class_name: str | None
    uri: str | None
    debug: bool | None
    version: tuple[int, int] | None
    arch_level: int
    data: dict[str, Any]
    extra: dict[str, Any]
    size: int
    problems: tuple[Problem, ...]


def decode(body: bytes, offset: int, *, bare: bool) -> QtMetadata | None:
    """Decode a note's content (``bare``) or a section that a marker introduces; ``offset`` is its place in the file.

    None when there is no marker where one must be. Never raises; damage becomes problems. Pure.
    """
    if bare:
        return _decode_cbor(body, offset)
    if body.startswith(_NEW_MARKER):
        return _decode_cbor(body[len(_NEW_MARKER) :], offset + len(_NEW_MARKER))
    if body.startswith(_OLD_MARKER):
        return _decode_binary_json(body[len(_OLD_MARKER) :], offset + len(_OLD_MARKER))
    return None


def _decode_cbor(body: bytes, offset: int) -> QtMetadata:
    if len(body) < _HEADER:
        return _nothing(Problem(f"a header of {_HEADER} bytes where {len(body)} are left", offset), len(body))
    form, major, minor, wants = body[:_HEADER]
    decoded = decode_cbor(body[_HEADER:], offset + _HEADER)
    problems = list(decoded.problems)
    if form > 1:
        problems.append(Problem(f"metadata format {form}; 0 and 1 are known", offset))
    root = decoded.item
    if root is None or not isinstance(root.value, CborMap):
        problems.append(Problem("the metadata is not a map", offset + _HEADER))
        root = DataItem(CborMap(()), offset + _HEADER)
    known, extra = _sort_keys(root, problems)
    _check_trailing(body[decoded.end - offset :], decoded.end, problems)
    debug, arch_level = _requirements(form, wants)
    return QtMetadata(
        iid=_text(known, _IID, problems),
        class_name=_text(known, _CLASS, problems),
        uri=_text(known, _URI, problems),
        debug=debug,
        version=(major, minor),
        arch_level=arch_level,
        data=_object(known, problems),
        extra=extra,
        size=decoded.end - offset,
        problems=tuple(problems),
    )


def _requirements(form: int, wants: int) -> tuple[bool, int]:
    """(debug, x86-64 level) of the header's last byte, whose meaning changed with the format."""
    if form == 0:
        return bool(wants & 1), 4 if wants & 4 else 3 if wants & 2 else 0
    return bool(wants & 0x80), wants & 0x7F


def _check_trailing(rest: bytes, offset: int, problems: list[Problem]) -> None:
    """Link editors pad with zeros; anything else behind the map is something that a second parser might read."""
    if rest.strip(b"\0"):
        problems.append(Problem(f"{len(rest)} bytes behind the metadata that are not padding", offset))


def _sort_keys(root: DataItem, problems: list[Problem]) -> tuple[dict[int, DataItem], dict[str, Any]]:
    """The well-known keys by number (the last one wins, as in Qt), and the text keys."""
    known: dict[int, DataItem] = {}
    extra: dict[str, Any] = {}
    assert isinstance(root.value, CborMap)
    for key, value in root.value.pairs:
        match key.value:
            case bool():
                problems.append(Problem("a key that is neither a number nor a text", key.offset))
            case int(number) if number in _NAMES:
                if number in known:
                    problems.append(Problem(f"the key {number} ({_NAMES[number]}) again", key.offset))
                known[number] = value
            case int(number) if number in _RESERVED:
                problems.append(Problem(f"the reserved key {number} ({_RESERVED[number]})", key.offset))
            case int(number):
                problems.append(Problem(f"an unknown key {number}", key.offset))
            case str(name):
                shadowed = name in _NAMES.values() or name in _RESERVED.values()
                if shadowed:
                    problems.append(Problem(f"the text key {printable(name, 80)} shadows a well-known one", key.offset))
                elif name in extra:
                    problems.append(Problem(f"the key {printable(name, 80)} again", key.offset))
                extra[name] = _plain(value)
            case _:
                problems.append(Problem("a key that is neither a number nor a text", key.offset))
    return known, extra


def _text(known: dict[int, DataItem], key: int, problems: list[Problem]) -> str | None:
    item = known.get(key)
    if item is None:
        return None
    if isinstance(item.value, str):
        return item.value
    problems.append(Problem(f"{_NAMES[key]} is not a text", item.offset))
    return None


def _object(known: dict[int, DataItem], problems: list[Problem]) -> dict[str, Any]:
    item = known.get(_DATA)
    if item is None:
        return {}
    plain = _plain(item)
    if isinstance(plain, dict):
        return plain
    problems.append(Problem("MetaData is not an object", item.offset))
    return {}


def _plain(root: DataItem) -> Any:
    """The item as JSON would have it. Depth is bounded by the decoder (MAX_DEPTH), so this may recurse."""
    match root.value:
        case CborMap(pairs):
            return {_key(key): _plain(value) for key, value in pairs}
        case tuple(items):
            return [_plain(item) for item in items]
        case bytes(raw):
            return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        case Undefined():
            return None
        case float(number) if not math.isfinite(number):
            return None
        case _:
            return root.value


def _key(item: DataItem) -> str:
    return item.value if isinstance(item.value, str) else str(_plain(item))


def _decode_binary_json(body: bytes, offset: int) -> QtMetadata:
    if not body.startswith(BINARY_JSON) or len(body) < 12:
        return _nothing(Problem("no binary JSON behind the marker", offset), 0)
    size = int.from_bytes(body[8:12], "little") + 8
    problems = []
    if size > min(len(body), _MAX_BODY):
        problems.append(Problem(f"metadata of {size} bytes where {len(body)} are left", offset + 8))
    root, found = decode_binary_json(body[:size], offset)
    problems += found
    if not isinstance(root, dict):
        return _nothing(Problem("the metadata is not an object", offset), min(size, len(body)))
    version = root.pop("version", None)
    debug = root.pop("debug", None)
    data = root.pop("MetaData", {})
    names = {name: root.pop(name, None) for name in ("IID", "className", "URI")}
    problems += [
        Problem(f"{name} is not a text", offset) for name, value in names.items() if not isinstance(value, str | None)
    ]
    texts = {name: value if isinstance(value, str) else None for name, value in names.items()}
    requirement = root.pop("archreq", 0)
    return QtMetadata(
        iid=texts["IID"],
        class_name=texts["className"],
        uri=texts["URI"],
        debug=debug if isinstance(debug, bool) else None,
        version=(_whole(version) >> 16 & 0xFF, _whole(version) >> 8 & 0xFF) if version is not None else None,
        arch_level=_requirements(0, _whole(requirement))[1],
        data=data if isinstance(data, dict) else {},
        extra=root,
        size=min(size, len(body)),
        problems=tuple(problems),
    )


def _whole(number: Any) -> int:
    """A JSON number as an integer; 0 for anything else, infinities among it."""
    return int(number) if isinstance(number, (int, float)) and math.isfinite(number) else 0


def _nothing(problem: Problem, size: int) -> QtMetadata:
    return QtMetadata(
        iid=None,
        class_name=None,
        uri=None,
        debug=None,
        version=None,
        arch_level=0,
        data={},
        extra={},
        size=size,
        problems=(problem,),
    )
