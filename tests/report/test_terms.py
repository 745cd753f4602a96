"""Who greps a report for the field's word for a protection finds it: in text, in JSON and in SARIF."""

from __future__ import annotations

import pytest

from loadstone.binary.terms import TERMS, with_terms
from loadstone.core.claims import Location
from loadstone.core.image import ByteOrder, CheckState, Format, HardeningFact, Image, ImageKind, Machine
from loadstone.report import sarif
from loadstone.report.documents.image import image_document
from loadstone.report.json import render as render_json
from loadstone.report.text.image import render as render_text
from loadstone.report.text.style import Style
from loadstone.review.binary import review_image

_WORDS = (
    "Full RELRO", "Partial RELRO", "No RELRO", "NX", "PIE", "BIND_NOW", "Stack canary", "FORTIFY_SOURCE", "IBT",
    "SHSTK", "CET", "BTI", "PAC", "ASLR", "DYNAMIC_BASE", "HIGH_ENTROPY_VA", "DEP", "CFG", "SafeSEH", "XFG",
    "Authenticode", "Hardened runtime", "Library validation",
)  # fmt: skip
"""What checksec, link.exe, BinSkim and codesign call them."""


@pytest.mark.parametrize("word", _WORDS)
def test_each_word_of_the_field_is_a_term(word: str) -> None:
    assert any(word in term for term in TERMS.values())


def _image(container: Format, name: str, state: CheckState) -> Image:
    fact = HardeningFact(name, state, "why", Location.bytes("x", 0, 4))
    return Image(
        path="x",
        format=container,
        size=64,
        machine=Machine(62, "x86-64"),
        bits=64,
        byte_order=ByteOrder.LITTLE,
        kind=ImageKind.SHARED,
        hardening=with_terms(container, [fact]),
    )


@pytest.mark.parametrize(("asked", "term"), [pair for pair in TERMS.items() if pair[1]], ids=str)
def test_a_term_is_in_text_in_json_and_in_sarif(asked: tuple[Format, str, CheckState], term: str) -> None:
    image = _image(*asked)
    assert term in render_text(image, Style())
    assert term in render_json(image_document(image))
    assert term in sarif.render(review_image(image))
