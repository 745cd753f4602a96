"""The certificate table: is the digest in the signature that of this file, and whom does it name.

Sources: "PE Format", section "The Attribute Certificate Table"; Microsoft, "Windows Authenticode Portable Executable
Signature Format" for the digest. CWE-347.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from struct import Struct
from typing import Final

from loadstone.binary.cms import DIGESTS, SignedMessage, read_signed_message
from loadstone.binary.der import DerTag, MalformedDer, parse
from loadstone.binary.digests import DigestState
from loadstone.binary.pe.facts import Signature
from loadstone.binary.pe.layout import DirectoryIndex
from loadstone.binary.pe.view import PeView

__all__ = ["read_signatures"]

_ENTRY: Final = Struct("<IHH")  # length of all, revision, kind
_PKCS7: Final = 2  # WIN_CERT_TYPE_PKCS_SIGNED_DATA
_INDIRECT_DATA: Final = "1.3.6.1.4.1.311.2.1.4"  # SPC_INDIRECT_DATA_OBJID
_MAX_ENTRIES: Final = 8
_MAX_TABLE: Final = 1 << 20
_CHUNK: Final = 1 << 20


def read_signatures(view: PeView) -> tuple[Signature, ...]:
    """Every signature of the table, nested ones behind the one they are nested in."""
    entry = view.headers.directory(DirectoryIndex.CERTIFICATE)
    if entry is None:
        return ()
    start = view.cursor.start + entry.address  # a file offset, unlike every other directory
    data = view.cursor.upto(start, min(entry.size, _MAX_TABLE))
    if len(data) < entry.size:
        view.damage.add("certificate table", f"{entry.size} bytes are said to be there, {len(data)} are", start)
    if start + entry.size < view.cursor.end:
        behind = view.cursor.end - start - entry.size
        view.damage.add("certificate table", f"{behind} bytes follow it, outside the signature", start + entry.size)
    actual = _file_digest(view, entry.address, entry.size)
    found: list[Signature] = []
    at = 0
    while at + _ENTRY.size <= len(data) and len(found) < _MAX_ENTRIES:
        length, revision, kind = _ENTRY.unpack_from(data, at)
        if length < _ENTRY.size or at + length > len(data):
            view.damage.add("certificate table", f"an entry of impossible size {length}", start + at)
            break
        blob = data[at + _ENTRY.size : at + length]
        messages = list(_messages(view, blob, start + at)) if kind == _PKCS7 else []
        if messages:
            found += [_signature(m, actual, revision, kind, start + at, length) for m in messages]
        else:
            found.append(Signature(revision, kind, start + at, length, DigestState.UNKNOWN, "", "", "", ""))
        at += -(-length // 8) * 8
    return tuple(found)


def _messages(view: PeView, blob: bytes, offset: int) -> Iterator[SignedMessage]:
    try:
        first = read_signed_message(blob)
        yield first
        for nested in first.nested:
            yield read_signed_message(nested)
    except MalformedDer as error:
        view.damage.add("certificate table", f"no signed message can be read: {error.what}", offset + error.offset)


def _signature(
    message: SignedMessage, actual: Callable[[str], str], revision: int, kind: int, offset: int, length: int
) -> Signature:
    algorithm, signed = _signed_digest(message)
    computed = actual(algorithm) if algorithm in DIGESTS.values() else ""
    if not signed or not computed:
        state = DigestState.UNKNOWN
    elif signed == computed and message.digests(message.content) is not False:
        state = DigestState.MATCHES
    else:
        state = DigestState.DIFFERS
    return Signature(revision, kind, offset, length, state, algorithm, signed, computed, message.signer)


def _signed_digest(message: SignedMessage) -> tuple[str, str]:
    """Algorithm and hex digest in the signed content; empty when it holds none."""
    if message.content_type != _INDIRECT_DATA:
        return "", ""
    # the content of SpcIndirectDataContent without its own header: what it is about, then the digest
    content = message.content
    try:
        about = parse(content)
        digest = parse(content, about.after)
        name = digest.child(0, DerTag.SEQUENCE).child(0, DerTag.OID).oid
        return DIGESTS.get(name, name), digest.child(1, DerTag.OCTETS).content.hex()
    except MalformedDer:
        return "", ""


def _file_digest(view: PeView, table: int, size: int) -> Callable[[str], str]:
    """The digest of the file by algorithm, each computed once.

    All bytes in order but three ranges that signing itself writes: the checksum, the directory entry that points to
    the certificate table, and that table. The rule hashes section by section; link editors leave no gap between
    sections, and where a file has one its bytes belong under the digest too.
    """
    known: dict[str, str] = {}
    checksum = view.headers.checksum_offset
    entry = view.headers.directories[DirectoryIndex.CERTIFICATE].entry_offset
    start, end = view.cursor.start + table, view.cursor.start + table + size
    skipped = sorted(((checksum, checksum + 4), (entry, entry + 8), (start, min(end, view.cursor.end))))

    def digest(algorithm: str) -> str:
        if algorithm not in known:
            state = hashlib.new(algorithm, usedforsecurity=False)
            at = view.cursor.start
            for first, last in (*skipped, (view.cursor.end, view.cursor.end)):
                for position in range(at, first, _CHUNK):
                    state.update(view.cursor.bytes(position, min(_CHUNK, first - position)))
                at = max(at, last)
            known[algorithm] = state.hexdigest()
        return known[algorithm]

    return digest
