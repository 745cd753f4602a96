"""What every test may use: small libraries compiled from source, once a session."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Compile = Callable[..., Path]

collect_ignore = ["rules", "review/corpus"]  # deliberately bad code, read by tests and never imported


def needed(tool: str) -> str:
    """The path of a tool the tests need; without it they skip loudly here and fail in CI."""
    path = shutil.which(tool)
    if path is None:
        message = f"this test needs {tool}, which is not installed"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return path


@pytest.fixture(scope="session")
def compile_library(tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """``compile_library(source, "libx.so", "-O1", ..., compiler="gcc")`` -> path; equal calls share one file."""
    root = tmp_path_factory.mktemp("compiled")

    def compile_(source: str, name: str = "libfixture.so", *flags: str, compiler: str = "gcc") -> Path:
        key = hashlib.sha256(repr((source, name, flags, compiler)).encode()).hexdigest()[:16]
        target = root / key / name
        if not target.exists():
            target.parent.mkdir()
            code = target.parent / ("source.cpp" if "++" in compiler else "source.c")
            code.write_text(source)
            command = [needed(compiler), "-shared", "-fPIC", "-o", str(target), str(code), *flags]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr}"
        return target

    return compile_
