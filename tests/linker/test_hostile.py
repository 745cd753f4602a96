"""Inputs made to cost much: thousands of needs, long paths, cycles, deep chains. Bounded, and an answer."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.linker.tiny_elf import tiny_elf

from loadstone.core.trace import LoadVerdict
from loadstone.linker import LoaderModel, PretendedFiles, explain


def _model(files: dict[str, bytes | str | int]) -> LoaderModel:
    return LoaderModel(view=PretendedFiles({"/lib/libc.so.6": tiny_elf("libc.so.6"), **files}), system_dirs=("/lib",))


@pytest.mark.slow
def test_ten_thousand_needs_are_answered_within_the_bound(tmp_path: Path) -> None:
    (tmp_path / "liba.so").write_bytes(tiny_elf("liba.so", [f"libmissing{n}.so" for n in range(10_000)]))
    answer = explain(str(tmp_path / "liba.so"))
    assert answer.verdict is LoadVerdict.FAILS
    assert answer.first_blocking is not None
    assert answer.first_blocking.subject == "libmissing0.so"
    assert len(answer.graph.edges) <= 4096


def test_a_megabyte_of_rpath_is_no_crash(tmp_path: Path) -> None:
    path = ":".join(f"/none/{n:06}" for n in range(80_000))
    (tmp_path / "liba.so").write_bytes(tiny_elf("liba.so", ["libb.so"], rpath=path))
    assert explain(str(tmp_path / "liba.so")).verdict in (LoadVerdict.FAILS, LoadVerdict.UNKNOWN)


def test_a_cycle_of_a_hundred_loads() -> None:
    files: dict[str, bytes | str | int] = {
        f"/opt/lib{n}.so": tiny_elf(f"lib{n}.so", [f"lib{(n + 1) % 100}.so"], runpath="$ORIGIN") for n in range(100)
    }
    answer = explain("/opt/lib0.so", model=_model(files))
    assert answer.verdict is LoadVerdict.LOADS
    assert len(answer.graph.nodes) == 100


def test_a_chain_beyond_the_limit_of_recursion_is_followed(tmp_path: Path) -> None:
    length = sys.getrecursionlimit() + 100
    for n in range(length):
        needed = [f"lib{n + 1}.so"] if n < length - 1 else []
        (tmp_path / f"lib{n}.so").write_bytes(tiny_elf(f"lib{n}.so", needed, runpath="$ORIGIN"))
    answer = explain(str(tmp_path / "lib0.so"))
    assert answer.verdict is LoadVerdict.LOADS
    assert len(answer.graph.nodes) == length
    from loadstone.report.text.style import Style
    from loadstone.report.text.tree import render

    assert render(answer, Style()).count("\n") > length


def test_names_from_files_are_escaped_in_every_report() -> None:
    from loadstone.report.text import tree
    from loadstone.report.text.explanation import render
    from loadstone.report.text.style import Style

    files: dict[str, bytes | str | int] = {"/opt/liba.so": tiny_elf("liba.so", ["lib\x1b[2J.so", '"]-->x.so'])}
    answer = explain("/opt/liba.so", model=_model(files))
    for text in (
        render(answer, Style(), verbose=2),
        tree.render(answer, Style(), verbose=2),
        tree.render_dot(answer),
        tree.render_mermaid(answer),
    ):
        assert "\x1b" not in text


@pytest.mark.parametrize("size", range(0, 400, 7))
def test_a_target_cut_anywhere_is_answered(size: int) -> None:
    data = tiny_elf("liba.so", ["libb.so"], runpath="$ORIGIN")[:size]
    answer = explain("/opt/liba.so", model=_model({"/opt/liba.so": data}))
    assert answer.verdict in tuple(LoadVerdict)


@pytest.mark.slow
def test_any_byte_changed_is_answered() -> None:
    good = tiny_elf("liba.so", ["libb.so"], runpath="$ORIGIN")
    for position in range(len(good)):
        for flip in (0x01, 0x80, 0xFF):
            data = bytearray(good)
            data[position] ^= flip
            explain("/opt/liba.so", model=_model({"/opt/liba.so": bytes(data)}))
