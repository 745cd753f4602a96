"""Run-times for developers are named, those for shipping praised."""

from __future__ import annotations

import pytest
from tests.binary.pe_inputs import Pe
from tests.conftest import Compile

from loadstone.binary import read
from loadstone.core.claims import Claim, Evidence, Finding, Severity
from loadstone.core.image import Image
from loadstone.review.binary import PretendedPlaces, review_image
from loadstone.review.binary.run_times import RULES

(RULE,) = RULES


def about(image: Image) -> list[Claim]:
    return [claim for claim in review_image(image, PretendedPlaces({})) if claim.rule == RULE.id]


def importing(name: str) -> Image:
    pe = Pe()
    pe.imports((name, ("Function",)))
    pe.load_config()
    return read(pe.build())


@pytest.mark.parametrize("sanitizer", ["address", "undefined", "thread"])
def test_a_library_under_a_sanitizer_is_not_for_shipping(sanitizer: str, compile_library: Compile) -> None:
    image = read(compile_library("int f(int *p) { return *p; }", "libchecked.so", f"-fsanitize={sanitizer}"))
    (claim,) = about(image)
    assert isinstance(claim, Finding)
    assert (claim.cwe, claim.severity) == (489, Severity.MEDIUM)
    assert "a run-time for its developers" in claim.message
    assert claim.location.start > 0


@pytest.mark.parametrize(
    "name",
    ["VCRUNTIME140D.dll", "vcruntime140_1d.dll", "ucrtbased.dll", "MSVCP140D.dll", "msvcrtd.dll", "mfc140ud.dll",
     "clang_rt.asan_dynamic-x86_64.dll"],
)  # fmt: skip
def test_debug_run_times_of_windows_are_not_for_shipping(name: str) -> None:
    (claim,) = about(importing(name))
    assert isinstance(claim, Finding)


@pytest.mark.parametrize(
    "name", ["VCRUNTIME140.dll", "ucrtbase.dll", "KERNEL32.dll", "msvcrt.dll", "d3d11.dll", "lsand.dll"]
)
def test_run_times_for_shipping_are_praised(name: str) -> None:
    (claim,) = about(importing(name))
    assert isinstance(claim, Evidence)


def test_what_needs_nothing_is_not_asked(compile_library: Compile) -> None:
    (claim,) = about(read(compile_library("int x;", "libalone.so", "-nostdlib")))
    assert not isinstance(claim, Evidence | Finding)
