"""Page sizes an image fits, held against what the linker was told to build it for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.conftest import Compile

from loadstone.binary import read
from loadstone.binary.elf.pages import PAGE_SIZES, page_sizes
from loadstone.linker import LoaderModel, explain


@pytest.mark.parametrize("size", PAGE_SIZES)
def test_a_file_fits_the_pages_it_was_linked_for_and_smaller_ones(size: int, compile_library: Compile) -> None:
    path = compile_library(
        "int v = 3; int *p = &v; int f(void) { return *p; }", f"p{size}.so", f"-Wl,-z,max-page-size={size}",
        "-Wl,-z,separate-code",
    )  # fmt: skip
    fits = page_sizes(read(path))
    assert fits == tuple(s for s in PAGE_SIZES if s <= size)
    for asked in PAGE_SIZES:
        model = replace(LoaderModel.this_process(env={}), page_size=asked)
        refused = any(d.code == "page-size" for d in explain(str(path), model=model).diagnoses)
        assert refused is (asked not in fits)


def test_a_page_that_two_segments_share_must_allow_the_same_to_both(compile_library: Compile) -> None:
    image = read(compile_library("int f(void) { return 1; }", "shared.so"))
    code = replace(image.segments[0], kind="LOAD", flags="r-x", offset=0, address=0, memory_size=0x2F00)
    data = replace(code, flags="rw-", offset=0x3000, address=0x3000, memory_size=0x1000)
    assert page_sizes(replace(image, segments=(code, data))) == (4096,)
    assert page_sizes(replace(image, segments=(code, replace(data, flags="r-x")))) == PAGE_SIZES
