"""The reader of signed messages takes what signers write, and nothing that contradicts itself."""

from __future__ import annotations

import hashlib

import pytest
from tests.binary.der_inputs import der, open_ended, signed_message

from loadstone.binary.cms import read_signed_message
from loadstone.binary.der import DerTag, MalformedDer, parse
from loadstone.binary.markup import MalformedMarkup, elements


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x1f\x81\x01\0",  # a tag of several bytes
        b"\x04\x80ab\0\0",  # a simple element without a length
        b"\x30\x85\0\0\0\0\1",  # a length of five bytes
        b"\x30\x82\1",  # a length cut off
        b"\x30\x05ab",  # less than said
        b"\x30\x80\x02\1\1",  # no end mark
        b"\x30\x80" * 40 + b"\0\0" * 40,  # nested too deeply
    ],
)
def test_elements_that_cannot_be_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedDer):
        parse(data)


def test_an_element_without_a_length_ends_at_its_own_mark() -> None:
    outer = parse(open_ended(0x30, open_ended(0x24, der(0x04, b"ab"), der(0x04, b"cd"))) + b"rest")
    assert outer.encoded.endswith(b"\0\0")
    assert outer.child(0, DerTag.OCTETS_IN_PARTS).octets == b"abcd"


def test_a_child_of_another_kind_is_refused() -> None:
    outer = parse(der(0x30, der(0x02, b"\1")))
    with pytest.raises(MalformedDer, match="belongs"):
        outer.child(0, DerTag.OID)
    with pytest.raises(MalformedDer, match="no element"):
        outer.child(1, DerTag.INTEGER)


def test_names_may_be_wide() -> None:
    assert parse(der(DerTag.BMP, "Größe".encode("utf-16-be"))).text == "Größe"


@pytest.mark.parametrize("indefinite", [False, True])
def test_a_signed_message_names_its_signer(indefinite: bool) -> None:
    content = der(0x04, b"content")
    digest = hashlib.sha256(b"content").digest()
    message = read_signed_message(signed_message("1.2.3", content, "Us", digest=digest, indefinite=indefinite))
    assert (message.signer, message.algorithm, message.content) == ("Us", "sha256", b"content")
    assert message.digests(b"content") is True
    assert message.digests(b"other") is False


@pytest.mark.parametrize("data", [der(0x02, b"\1"), der(0x30, der(0x06, b"\x2a\x03"))])
def test_what_is_no_signed_message_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedDer):
        read_signed_message(data)


@pytest.mark.parametrize(
    "data",
    [
        b"no markup",
        b"<a>",
        b"<a>" * 65 + b"</a>" * 65,
        b"<a>" + b"<b/>" * 2000 + b"</a>",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        b"<?xml version='1.0' encoding='none-such'?><a/>",
        b"<a>" + b" " * (256 << 10) + b"</a>",
    ],
)
def test_markup_beyond_bounds_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedMarkup):
        elements(data)


def test_markup_is_flat_with_depths() -> None:
    (outer, inner) = elements(b"<a x='1'> t <b/></a>")
    assert (outer.name, outer.depth, outer.attribute("x"), outer.text) == ("a", 0, "1", "t")
    assert (inner.name, inner.depth, inner.attribute("x")) == ("b", 1, "")
