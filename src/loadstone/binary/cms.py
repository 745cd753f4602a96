"""Signed messages (PKCS#7, CMS): what was signed, with which digest, by whom. Nothing here judges a certificate.

Whether the signature itself was made with the signer's key, and whether anybody should trust that key, is left to the
system that loads the file; Loadstone says who is named and whether the digests are those of the bytes. Source: RFC
5652; RFC 5280 section 4.1 for certificates; Microsoft, "Windows Authenticode Portable Executable Signature Format".
"""

from __future__ import annotations

import hashlib
from typing import Final

from loadstone.binary.der import DerTag, DerValue, MalformedDer, parse
from loadstone.quick_dataclass import dataclass

__all__ = ["DIGESTS", "SignedMessage", "read_signed_message"]

DIGESTS: Final = {
    "1.2.840.113549.2.5": "md5",
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
"""Digest algorithms by object identifier, under the names ``hashlib`` has for them."""

_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
_MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
_NESTED: Final = "1.3.6.1.4.1.311.2.4.1"  # a second signature, beside the first (Microsoft)
_COMMON_NAME: Final = "2.5.4.3"
_ORGANISATION: Final = "2.5.4.10"
_MAX_NESTED: Final = 4


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """One signer's view of a message. ``content`` is empty when the message lies elsewhere.

    ``message_digest`` is what the signer signed in place of the content, ``nested`` are further signed messages.
    """

    content_type: str
    content: bytes
    algorithm: str
    message_digest: bytes
    signer: str
    nested: tuple[bytes, ...] = ()

    def digests(self, content: bytes) -> bool | None:
        """Whether ``content`` has the signed digest; None when there is none, or of an algorithm not known here."""
        if not self.message_digest or self.algorithm not in DIGESTS.values():
            return None
        return hashlib.new(self.algorithm, content, usedforsecurity=False).digest() == self.message_digest


def read_signed_message(data: bytes) -> SignedMessage:
    """The first signer's part of a signed message.

    Raises:
        MalformedDer: the bytes are no signed message, or nobody signed it.
    """
    outer = parse(data)
    if outer.tag != DerTag.SEQUENCE or outer.child(0, DerTag.OID).oid != _SIGNED_DATA:
        raise MalformedDer("no signed data", outer.start)
    signed = outer.child(1, DerTag.CONTEXT_0).child(0, DerTag.SEQUENCE)
    enclosed = signed.child(2, DerTag.SEQUENCE)
    wrapper = enclosed.find(DerTag.CONTEXT_0)
    content = next(wrapper.children(), None) if wrapper else None
    sets = [part for part in signed.children() if part.tag == DerTag.SET]
    if len(sets) < 2:  # digest algorithms come first, signers last
        raise MalformedDer("no signers", signed.start)
    signer = sets[-1].child(0, DerTag.SEQUENCE)
    algorithm = signer.child(2, DerTag.SEQUENCE).child(0, DerTag.OID).oid
    return SignedMessage(
        content_type=enclosed.child(0, DerTag.OID).oid,
        content=content.octets if content else b"",
        algorithm=DIGESTS.get(algorithm, algorithm),
        message_digest=_message_digest(signer),
        signer=_signer(signed, signer),
        nested=_nested(signer),
    )


def _attributes(signer: DerValue, tag: int) -> list[tuple[str, DerValue]]:
    attributes = signer.find(tag)
    return [(a.child(0, DerTag.OID).oid, a.child(1, DerTag.SET)) for a in attributes.children()] if attributes else []


def _message_digest(signer: DerValue) -> bytes:
    for name, values in _attributes(signer, DerTag.CONTEXT_0):
        if name == _MESSAGE_DIGEST:
            return values.child(0, DerTag.OCTETS).content
    return b""


def _nested(signer: DerValue) -> tuple[bytes, ...]:
    for name, values in _attributes(signer, DerTag.CONTEXT_1):
        if name == _NESTED:
            return tuple(value.encoded for value in values.children())[:_MAX_NESTED]
    return ()


def _signer(signed: DerValue, signer: DerValue) -> str:
    """Who signed, or the empty text: certificates that cannot be read take nothing from the digests."""
    try:
        return _name_in(signed.find(DerTag.CONTEXT_0), signer.child(1, DerTag.SEQUENCE))
    except MalformedDer:
        return ""


def _name_in(certificates: DerValue | None, wanted: DerValue) -> str:
    """The common name, failing that the organisation, in the certificate with the signer's issuer and serial number."""
    issuer, serial = wanted.child(0, DerTag.SEQUENCE).encoded, wanted.child(1, DerTag.INTEGER).content
    for certificate in certificates.children() if certificates else ():
        if certificate.tag != DerTag.SEQUENCE:
            continue
        # version (optional), serial, algorithm, issuer, validity, subject
        fields = [part for part in certificate.child(0, DerTag.SEQUENCE).children() if part.tag != DerTag.CONTEXT_0]
        if len(fields) > 4 and fields[0].content == serial and fields[2].encoded == issuer:
            return _name(fields[4])
    return ""


def _name(subject: DerValue) -> str:
    names = {
        pair.child(0, DerTag.OID).oid: list(pair.children())[1].text
        for part in subject.children()
        for pair in part.children()
        if sum(1 for _ in pair.children()) > 1
    }
    return names.get(_COMMON_NAME) or names.get(_ORGANISATION, "")
