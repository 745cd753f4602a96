"""Signed messages, written by hand: enough DER to sign nothing and look as if."""

from __future__ import annotations

import hashlib

SHA256 = "2.16.840.1.101.3.4.2.1"
_SIGNED_DATA = "1.2.840.113549.1.7.2"
_MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
_RSA = "1.2.840.113549.1.1.1"


def der(tag: int, *parts: bytes) -> bytes:
    """One element of definite length."""
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes((tag, len(content))) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def open_ended(tag: int, *parts: bytes) -> bytes:
    """One element of indefinite length, as Apple's tools write them."""
    return bytes((tag, 0x80)) + b"".join(parts) + b"\0\0"


def oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    content = bytearray()
    for number in (40 * first + second, *rest):
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(number & 0x7F | 0x80)
        content += bytes(reversed(groups))
    return der(0x06, bytes(content))


def name(common: str) -> bytes:
    return der(0x30, der(0x31, der(0x30, oid("2.5.4.3"), der(0x0C, common.encode()))))


def certificate(common: str, serial: int = 7) -> bytes:
    algorithm = der(0x30, oid(_RSA))
    fields = (der(0xA0, der(0x02, b"\2")), der(0x02, bytes((serial,))), algorithm, name("Test Authority"), der(0x30))
    return der(0x30, der(0x30, *fields, name(common)), algorithm, der(0x03, b"\0"))


def signed_message(
    content_type: str, content: bytes, signer: str, *, digest: bytes, nested: bytes = b"", indefinite: bool = False
) -> bytes:
    """A signed message over ``content`` (an element, or nothing), whose signer signed ``digest``."""
    wrap = open_ended if indefinite else der
    algorithm = der(0x30, oid(SHA256))
    enclosed = der(0x30, oid(content_type), *((der(0xA0, content),) if content else ()))
    attributes = der(0xA0, der(0x30, oid(_MESSAGE_DIGEST), der(0x31, der(0x04, digest))))
    unsigned = der(0xA1, der(0x30, oid("1.3.6.1.4.1.311.2.4.1"), der(0x31, nested))) if nested else b""
    who = der(0x30, name("Test Authority"), der(0x02, b"\7"))
    signature = der(0x04, b"not a signature")
    info = der(0x30, der(0x02, b"\1"), who, algorithm, attributes, der(0x30, oid(_RSA)), signature, unsigned)
    parts = (der(0x02, b"\1"), der(0x31, algorithm), enclosed, der(0xA0, certificate(signer)), der(0x31, info))
    return wrap(0x30, oid(_SIGNED_DATA), wrap(0xA0, wrap(0x30, *parts)))


def authenticode(file_digest: bytes, signer: str = "Test Signer", *, nested: bytes = b"") -> bytes:
    """What the certificate table of a PE file holds."""
    about = der(0x30, oid("1.3.6.1.4.1.311.2.1.15"))
    digest_info = der(0x30, der(0x30, oid(SHA256)), der(0x04, file_digest))
    digest = hashlib.sha256(about + digest_info).digest()
    content = der(0x30, about, digest_info)
    return signed_message("1.3.6.1.4.1.311.2.1.4", content, signer, digest=digest, nested=nested)
