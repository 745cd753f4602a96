"""Rust's names of both schemes read as its own tools write them, and no text breaks their reader."""

from __future__ import annotations

import random
import re
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import needed
from tests.scale import SCALE

from loadstone.binary.demangle import demangle

READABLE = {
    "_RNvNtCs1234_7mycrate3foo3bar": "mycrate::foo::bar",
    "_RNvMCs15kBYyAo9fc_7mycrateNtB2_7Example3foo": "<mycrate::Example>::foo",
    "_RNvMs0_CsCzKXHsyrSA_7mycrateNtB5_7Example3bar": "<mycrate::Example>::bar",
    "_RNvXCs15kBYyAo9fc_7mycrateNtB2_7ExampleNtB2_5Trait3foo": "<mycrate::Example as mycrate::Trait>::foo",
    "_RNvYNtCs15kBYyAo9fc_7mycrate7ExampleNtB4_5Trait7exampleB4_": "<mycrate::Example as mycrate::Trait>::example",
    "_RINvCs7QNgkh8BJRe_7mycrate7examplehE": "mycrate::example::<u8>",
    "_RNCNvCs15kBYyAo9fc_7mycrate4mains_0B3_": "mycrate::main::{closure#1}",
    "_RNSC1a3foo": "a::{shim:foo#0}",
    "_RNvNvCs15kBYyAo9fc_7mycrate3foou30____7hkackfecea1cbdathfdh9hlq6y": "mycrate::foo::საჭმელად_გემრიელი_სადილი",
    "_RINvNtC3std3mem8align_ofdE": "std::mem::align_of::<f64>",
    "_RNvXs_C7mycrateINtB4_3VecTyhEENtNtC4core3ops4Drop4drop": "<mycrate::Vec<(u64, u8)> as core::ops::Drop>::drop",
    "_RINvC1a1fFUKCyPhEuE": 'a::f::<unsafe extern "C" fn(u64, *const u8)>',
    "_RINvC1a1fDNtC4core5TraitEL_E": "a::f::<dyn core::Trait>",
    "_RINvC1a1fFG_RL0_hEuE": "a::f::<for<'a> fn(&'a u8)>",
    "_RINvC1a1fDG_INtC4core2FnTRL0_hEEp6OutputmEL_E": "a::f::<dyn for<'a> core::Fn<(&'a u8,), Output = u32>>",
    "_RINvC1a1fTEE": "a::f::<()>",
    "_RINvC1a1fQShRL_eE": "a::f::<&mut [u8], &str>",
    "_RNvC6_123foo3bar": "123foo::bar",
}
CONSTANTS = {  # binutils adds their types
    "_RINvCs7QNgkh8BJRe_7mycrate7exampleAtj8_E": "mycrate::example::<[u16; 8]>",
    "_RMs_Cs4fqI2P2rA04_13const_genericINtB2_6SignedKanb_E": "<const_generic::Signed<-11>>",
    "_RMs1_Cs4fqI2P2rA04_13const_genericINtB3_4BoolKb1_E": "<const_generic::Bool<true>>",
    "_RMs2_Cs4fqI2P2rA04_13const_genericINtB3_4CharKc27_E": r"<const_generic::Char<'\''>>",
    "_RMs2_Cs4fqI2P2rA04_13const_genericINtB3_4CharKc2202_E": r"<const_generic::Char<'\u{2202}'>>",
    "_RINvC1a1fKpE": "a::f::<_>",
    "_RINvC1a1fKo7fffffffffffffffffffffffffffffff_E": "a::f::<0x7fffffffffffffffffffffffffffffff>",
    "_RNvC1a1b.llvm.1234": "a::b",
    "_RNvC1a1b.cold": "a::b (.cold)",
    "__RNvC1a1b": "a::b",
}
REFUSED = (
    "_R",
    "_RNvB_1a",
    "_RIC1aB1_E",
    "_RNvC1a9b",
    "_RNvC1a1b\x01",
    "_RINvC1a1fKb2_E",
    "_RINvC1a1fRL1_hE",
    "_RYC1a",
)


@pytest.mark.parametrize("name", [*READABLE, *CONSTANTS])
def test_a_name_reads_as_its_source(name: str) -> None:
    assert demangle(name) == (READABLE | CONSTANTS)[name]


def test_binutils_reads_them_the_same() -> None:
    command = [needed("c++filt"), "-s", "rust"]
    told = subprocess.run(command, input="\n".join(READABLE), capture_output=True, text=True, check=True).stdout
    assert [re.sub(r"\[[0-9a-f]+\]", "", line) for line in told.splitlines()] == list(READABLE.values())


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_such_name_is_shown_as_it_is(name: str) -> None:
    assert demangle(name) == name


@pytest.mark.parametrize("name", [*READABLE, *CONSTANTS])
def test_a_name_cut_or_changed_anywhere_is_read_or_left(name: str) -> None:
    source = random.Random(name)
    for end in range(len(name)):
        demangle(name[:end])
    for _ in range(200 * SCALE):
        at = source.randrange(2, len(name))
        demangle(name[:at] + source.choice("ABCDEFGIKLMNOPQRSTUXY_abcdefghijlmnopstuvxyz0123456789") + name[at + 1 :])


@settings(max_examples=200 * SCALE, deadline=None)
@given(st.text("ABCDEFGIKLMNQRSTXY_bchjnpsuv0123", max_size=60))
def test_any_text_is_read_or_left(tail: str) -> None:
    assert len(demangle("_R" + tail)) <= 16_400


@pytest.mark.parametrize(
    "name", ["_RI" + "C1a" + "T" * 4000, "_R" + "IC1aB_" * 600, "_RIC1a" + "TB5_B5_B5_B5_B5_E" * 200 + "E"]
)
def test_a_name_made_to_cost_much_costs_little(name: str) -> None:
    assert demangle(name) == name
