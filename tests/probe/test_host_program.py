"""A plugin whose host is a program: a copy of that is loaded before it, as a library."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import Compile
from tests.tools import needed

from loadstone.core.observations import ProbeOutcome as Outcome
from loadstone.errors import LoadstoneError, MalformedImage, NotFound, Unsupported
from loadstone.probe import probe
from loadstone.probe.host_program import host_as_library

pytestmark = [pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the sandbox is Linux's")]

HOST = """
#include <stdio.h>
int table[4] = {1, 2, 3, 4};
void host_register(int kind) { table[0] = kind; }
int main(void) { fprintf(stdout, "main was run"); return 3; }
"""
PLUGIN = """
void host_register(int); extern int table[4];
__attribute__((constructor)) static void start(void) { host_register(table[3]); }
int plugin_kind(void) { return table[0]; }
"""
Program = Callable[..., Path]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    def build(*options: str) -> Path:
        path = tmp_path / "host"
        command = [needed("gcc"), "-rdynamic", *options, "-x", "c", "-", "-o", str(path)]
        subprocess.run(command, input=HOST, text=True, check=True)
        return path

    return build


@pytest.fixture
def plugin(compile_library: Compile) -> Path:
    return compile_library(PLUGIN, "libplugin.so", "-O1")


def test_a_plugin_finds_what_only_its_program_has(program: Program, plugin: Path) -> None:
    alone = probe(plugin, fresh=True, cycles=1)
    assert alone.outcome is Outcome.LOAD_ERROR
    assert any("--host it" in o.detail for o in alone.observations)
    hosted = probe(plugin, host=program("-pie", "-fPIE"), cycles=2, calls=["plugin_kind"])
    assert hosted.outcome is Outcome.OK
    assert [o.detail for o in hosted.observations if o.kind == "call-returned"] == ["plugin_kind returned 4"]
    assert not any("main was run" in o.detail for o in hosted.observations)


def test_nothing_of_the_copy_is_left(program: Program) -> None:
    with host_as_library(str(program("-pie", "-fPIE"))) as copy:
        assert Path(copy).name == "host"
    assert not Path(copy).parent.parent.exists()


def test_what_cannot_be_a_host_is_refused_with_the_reason(program: Program, plugin: Path, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    fixed = str(program("-no-pie", "-fno-pie"))
    refused: list[tuple[str, type[LoadstoneError], str]] = [
        (fixed, Unsupported, "position-independent"),
        (str(script), MalformedImage, "a script"),
        ("no-such-program", NotFound, "no-such-program"),
    ]
    for host, kind, words in refused:
        with pytest.raises(kind, match=words):
            probe(plugin, host=host)


def test_a_module_of_perl_with_perl() -> None:
    perl = shutil.which("perl")
    module = next(Path("/usr/lib/x86_64-linux-gnu/perl").glob("*/auto/Compress/Raw/Zlib/Zlib.so"), None)
    if perl is None or module is None:
        pytest.skip("no perl with compiled modules here")
    report = probe(module, host=perl, cycles=1, timeout=30)
    assert report.outcome is Outcome.OK
