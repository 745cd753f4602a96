"""What every test may use: small libraries compiled from source, each built once and kept between runs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.built import build
from tests.tools import compiler as command_of
from tests.tools import needed

__all__ = ["Compile", "compile_library", "needed"]

Compile = Callable[..., Path]

collect_ignore = [
    "rules",
    "review/cases",
    "review/corpus",
    "peers/matrix_child.py",
    "peers/misuse_child.py",
]  # deliberately bad code, read by tests and never imported


@pytest.fixture(scope="session")
def compile_library(tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """``compile_library(source, "libx.so", "-O1", ..., compiler="gcc")`` -> path; equal calls share one file."""
    root = tmp_path_factory.mktemp("compiled")

    def compile_(source: str, name: str = "libfixture.so", *flags: str, compiler: str = "gcc") -> Path:
        key = hashlib.sha256(repr((source, name, flags, compiler)).encode()).hexdigest()[:16]
        target = root / key / name
        if not target.exists():
            target.parent.mkdir(exist_ok=True)
            code = target.parent / ("source.cpp" if "++" in compiler else "source.c")
            code.write_text(source)
            build([*command_of(compiler), "-shared", "-fPIC", "-o", str(target), str(code), *flags], target)
        return target

    return compile_
