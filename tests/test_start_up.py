"""What a command imports: start-up is paid at every call, so a plain question must not bring in what answers others."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.conftest import Compile

_CODE = (
    "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr));"
    "from loadstone.cli.main import main; main(sys.argv[1:])"
)
_NEVER = {
    "msgspec", "rich", "jinja2", "tomllib", "tree_sitter", "subprocess", "asyncio", "multiprocessing",
    "pathlib", "shutil", "lzma", "bz2", "hashlib", "uuid", "xml.parsers.expat", "json", "dataclasses", "inspect", "ast",
    "difflib", "loadstone.binary.pe.facts", "loadstone.binary.macho.facts",
}  # fmt: skip
"""No text of a report about one library needs these."""

_OTHERS = {
    "loadstone.linker.surveys", "loadstone.archives.zip", "loadstone.archives.image", "loadstone.archives.cpio",
    "loadstone.binary.demangle.itanium", "loadstone.binary.demangle.rust_v0", "loadstone.binary.pe.reader",
    "loadstone.binary.macho.reader", "loadstone.review", "loadstone.probe", "loadstone.fuzz", "loadstone.fleet",
    "loadstone.bind", "loadstone.report.documents", "loadstone.report.html",
}  # fmt: skip
"""Surveys, archives, schemes of C++ and Rust names, other formats, other commands, other renderings."""


@pytest.mark.skipif(sys.platform != "linux", reason="the library is an ELF file, and its loader Linux's")
@pytest.mark.parametrize("command", ["inspect", "explain", "tree", "find"])
def test_a_question_about_one_library_imports_only_what_answers_it(command: str, compile_library: Compile) -> None:
    library = compile_library("int answer(void) { return 42; }")
    done = subprocess.run(
        [sys.executable, "-c", _CODE, command, str(library)], capture_output=True, text=True, check=False
    )
    modules = set(done.stderr.split())
    assert "loadstone.cli.main" in modules, done.stderr
    assert not modules & (_NEVER | _OTHERS)


@pytest.mark.skipif(sys.platform != "linux", reason="the library is an ELF file, and its loader Linux's")
def test_an_examination_imports_what_it_asks_and_no_more(compile_library: Compile) -> None:
    library = compile_library("int answer(void) { return 42; }")
    done = subprocess.run(
        [sys.executable, "-c", _CODE, "examine", str(library)], capture_output=True, text=True, check=False
    )
    modules = set(done.stderr.split())
    assert "loadstone.review.binary" in modules, done.stderr
    assert not modules & (_NEVER | (_OTHERS - {"loadstone.review"}))


def test_what_a_binding_imports_brings_no_module_that_costs_more_than_python_itself() -> None:
    code = "import sys; from loadstone import Library; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    assert "loadstone.library.library" in modules
    assert not modules & {"typing", "dataclasses", "inspect", "ast", "contextlib", "loadstone.headers"}
