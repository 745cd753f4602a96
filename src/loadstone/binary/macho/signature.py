"""The code signature of a Mach-O image: what it claims, and whether its digests are those of the bytes.

Sources: XNU, osfmk/kern/cs_blobs.h and bsd/kern/ubc_subr.c; Apple, TN3126 "Inside Code Signing: Hashes" and TN3127.
Everything in a signature is big-endian. CWE-347. Nobody here judges the certificate chain.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from struct import Struct
from typing import Final

from loadstone.binary.cms import SignedMessage, read_signed_message
from loadstone.binary.der import MalformedDer
from loadstone.binary.digests import DigestState
from loadstone.binary.macho.facts import CodeDirectory, CodeSignature, Entitlement, SignatureFlags
from loadstone.binary.macho.layout import LoadCommandKind
from loadstone.binary.macho.view import MachoView
from loadstone.binary.markup import Element, MalformedMarkup, elements
from loadstone.quick_dataclass import dataclass

__all__ = ["read_signature"]

_SUPER_BLOB, _DIRECTORY, _ENTITLEMENTS = 0xFADE0CC0, 0xFADE0C02, 0xFADE7171
_BLOB: Final = Struct(">II")  # magic, length
_INDEX: Final = Struct(">II")  # slot, offset
_DIRECTORY_HEAD: Final = Struct(">IIIIIIIIIBBBB4x")
# magic length version flags hashes identifier special-slots code-slots limit hash-size hash-kind platform page-size
_HAS_TEAM, _HAS_WIDE_LIMIT = 0x20200, 0x20300  # versions of a code directory
_TEAM_AT, _WIDE_LIMIT_AT = 48, 56

_SLOT_DIRECTORY, _SLOT_ALTERNATES, _SLOT_SIGNATURE = 0, range(0x1000, 0x1006), 0x10000
_SLOT_ENTITLEMENTS: Final = 5
_SPECIAL_SLOTS: Final = {2: "requirements", 5: "entitlements", 7: "DER entitlements"}
"""Slots whose content lies in the signature; Info.plist (1) and resources (3) lie outside the file."""

_HASHES: Final = {1: ("sha1", 20), 2: ("sha256", 32), 3: ("sha256", 20), 4: ("sha384", 48)}
_MAX_BLOBS: Final = 64
_MAX_SIZE: Final = 64 << 20
_PAGE_BITS: Final = range(10, 17)
_CHUNK: Final = 1 << 20
_CODE_HASH_SIZE: Final = 20  # CS_CDHASH_LEN


@dataclass(frozen=True, slots=True)
class _Head:
    """The fields of a code directory that are used here."""

    flags: int
    hashes: int
    special: int
    slots: int
    limit: int
    hash_size: int
    algorithm: str
    page_bits: int
    identifier: str
    team: str


def read_signature(view: MachoView) -> CodeSignature | None:
    """The signature, with every page and every part it covers compared; None when the image has none."""
    command = view.first(LoadCommandKind.CODE_SIGNATURE)
    if command is None:
        return None
    offset, size = view.number(command, 8), view.number(command, 12)
    place, data = view.table("code signature", offset, min(size, _MAX_SIZE), command.offset)
    blobs = _blobs(view, data, place)
    directories = [
        _directory(view, data, at, place, blobs)
        for slot, at in blobs
        if slot == _SLOT_DIRECTORY or slot in _SLOT_ALTERNATES
    ]
    read = tuple(one for one in directories if one is not None)
    message = _message(view, data, blobs, place)
    return CodeSignature(
        offset=place,
        size=len(data),
        directories=read,
        entitlements=_entitlements(view, data, blobs, place),
        signer=message.signer if message else "",
        signed=_signed(data, message, read, place),
    )


def _blobs(view: MachoView, data: bytes, place: int) -> list[tuple[int, int]]:
    """Slot and position of every part that lies inside the signature."""
    if len(data) < 12 or _BLOB.unpack_from(data)[0] != _SUPER_BLOB:
        view.damage.add("code signature", "it does not begin with the magic of one", place)
        return []
    count = int.from_bytes(data[8:12], "big")
    fit = min(count, _MAX_BLOBS, (len(data) - 12) // _INDEX.size)
    if fit < count:
        view.damage.add("code signature", f"{count} parts, {fit} are read", place + 8)
    blobs = [_INDEX.unpack_from(data, 12 + number * _INDEX.size) for number in range(fit)]
    inside = [(slot, at) for slot, at in blobs if _content(data, at) is not None]
    if len(inside) < fit:
        view.damage.add("code signature", f"{fit - len(inside)} parts do not lie inside it", place + 12)
    return inside


def _content(data: bytes, at: int) -> bytes | None:
    """A part with its header, or None when it does not lie inside."""
    if at + _BLOB.size > len(data):
        return None
    size = _BLOB.unpack_from(data, at)[1]
    return data[at : at + size] if _BLOB.size <= size <= len(data) - at else None


def _part(data: bytes, blobs: list[tuple[int, int]], wanted: int) -> tuple[int, bytes] | None:
    for slot, at in blobs:
        content = _content(data, at) if slot == wanted else None
        if content is not None:
            return at, content
    return None


def _head(blob: bytes) -> _Head | None:
    if len(blob) < _DIRECTORY_HEAD.size:
        return None
    fields = _DIRECTORY_HEAD.unpack_from(blob)
    magic, _, version, flags, hashes, identifier, special, slots, limit, hash_size, kind, _, page_bits = fields
    algorithm, expected = _HASHES.get(kind, ("", hash_size))
    begin = hashes - special * hash_size
    if magic != _DIRECTORY or begin < 0 or hashes + slots * hash_size > len(blob) or hash_size != expected:
        return None
    wide = int.from_bytes(blob[_WIDE_LIMIT_AT : _WIDE_LIMIT_AT + 8], "big") if version >= _HAS_WIDE_LIMIT else 0
    team = int.from_bytes(blob[_TEAM_AT : _TEAM_AT + 4], "big") if version >= _HAS_TEAM else 0
    return _Head(
        flags=flags,
        hashes=hashes,
        special=special,
        slots=slots,
        limit=wide or limit,
        hash_size=hash_size,
        algorithm=algorithm,
        page_bits=page_bits,
        identifier=_text(blob, identifier),
        team=_text(blob, team) if team else "",
    )


def _text(blob: bytes, at: int) -> str:
    return blob[at : at + 4096].partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _directory(view: MachoView, data: bytes, at: int, place: int, blobs: list[tuple[int, int]]) -> CodeDirectory | None:
    blob = _content(data, at) or b""
    head = _head(blob)
    if head is None:
        view.damage.add("code directory", "it contradicts itself", place + at)
        return None
    bad = _bad_pages(view, blob, head) if head.algorithm else None
    bad_parts = tuple(_bad_parts(data, blob, head, blobs)) if head.algorithm else ()
    differs = DigestState.DIFFERS if bad or bad_parts else DigestState.MATCHES
    code_hash = hashlib.new(head.algorithm, blob, usedforsecurity=False) if head.algorithm else None
    return CodeDirectory(
        identifier=head.identifier,
        team=head.team,
        flags=SignatureFlags(head.flags),
        algorithm=head.algorithm,
        page_size=1 << head.page_bits if head.page_bits in _PAGE_BITS else 0,
        code_limit=head.limit,
        pages=head.slots if bad is not None else 0,
        bad_pages=len(bad) if bad else 0,
        first_bad=bad[0] if bad else 0,
        bad_parts=bad_parts,
        code_hash=code_hash.digest()[:_CODE_HASH_SIZE].hex() if code_hash else "",
        offset=place + at,
        size=len(blob),
        state=DigestState.UNKNOWN if bad is None else differs,
    )


def _bad_pages(view: MachoView, blob: bytes, head: _Head) -> list[int] | None:
    """Where pages begin whose digest differs; None when no page can be compared."""
    start, limit = view.cursor.start, head.limit
    if head.page_bits not in _PAGE_BITS or not view.budget.items(head.slots):
        return None
    size = 1 << head.page_bits
    if limit > view.cursor.size or head.slots != -(-limit // size):
        view.damage.add("code directory", f"{head.slots} digests do not cover {limit} bytes", start)
        return None
    bad = []
    for number, page in enumerate(_pages(view, limit, size)):
        at = head.hashes + number * head.hash_size
        digest = hashlib.new(head.algorithm, page, usedforsecurity=False).digest()[: head.hash_size]
        if digest != blob[at : at + head.hash_size]:
            bad.append(start + number * size)
    return bad


def _pages(view: MachoView, limit: int, size: int) -> Iterator[bytes]:
    for begin in range(0, limit, _CHUNK):
        chunk = view.cursor.bytes(view.cursor.start + begin, min(_CHUNK, limit - begin))
        for at in range(0, len(chunk), size):
            yield chunk[at : at + size]


def _bad_parts(data: bytes, blob: bytes, head: _Head, blobs: list[tuple[int, int]]) -> Iterator[str]:
    """Names of other parts of the signature whose digest differs."""
    for slot, name in _SPECIAL_SLOTS.items():
        part = _part(data, blobs, slot)
        if part is None:
            continue
        at = head.hashes - slot * head.hash_size
        recorded = blob[at : at + head.hash_size] if slot <= head.special else b""
        digest = hashlib.new(head.algorithm, part[1], usedforsecurity=False).digest()[: head.hash_size]
        if recorded != digest:
            yield name


def _message(view: MachoView, data: bytes, blobs: list[tuple[int, int]], place: int) -> SignedMessage | None:
    part = _part(data, blobs, _SLOT_SIGNATURE)
    if part is None or len(part[1]) <= _BLOB.size:  # an ad-hoc signature has an empty one, or none
        return None
    try:
        return read_signed_message(part[1][_BLOB.size :])
    except MalformedDer as error:
        said = f"no signed message can be read: {error.what}"
        view.damage.add("code signature", said, place + part[0] + _BLOB.size + error.offset)
        return None


def _signed(
    data: bytes, message: SignedMessage | None, directories: tuple[CodeDirectory, ...], place: int
) -> DigestState:
    """Whether the signer signed the first code directory, which stands for all the rest."""
    if message is None or not directories:
        return DigestState.UNKNOWN
    first = directories[0]
    begin = first.offset - place
    same = message.digests(data[begin : begin + first.size])
    if same is None:
        return DigestState.UNKNOWN
    return DigestState.MATCHES if same else DigestState.DIFFERS


def _entitlements(view: MachoView, data: bytes, blobs: list[tuple[int, int]], place: int) -> tuple[Entitlement, ...]:
    part = _part(data, blobs, _SLOT_ENTITLEMENTS)
    if part is None or _BLOB.unpack_from(part[1])[0] != _ENTITLEMENTS:
        return ()
    try:
        return tuple(_pairs(elements(part[1][_BLOB.size :].rstrip(b"\0"))))
    except MalformedMarkup as error:
        view.damage.add("entitlements", str(error), place + part[0])
        return ()


def _pairs(parts: tuple[Element, ...]) -> Iterator[Entitlement]:
    """Keys of the outermost dictionary of a property list, each with its value as text."""
    key: str | None = None
    words: list[str] = []
    for part in parts:
        if part.depth == 2 and part.name == "key":
            if key is not None:
                yield Entitlement(key, ", ".join(words))
            key, words = part.text, []
        elif part.depth >= 2 and key is not None and part.name not in {"array", "dict"}:
            words.append(part.text or part.name)
    if key is not None:
        yield Entitlement(key, ", ".join(words))
