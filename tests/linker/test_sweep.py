"""Real files: every system library and extension module, loaded in a child, against what we say of it.

A sample by default; all of them with LOADSTONE_TEST_SCALE=full.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.linker.workshop import Workshop, loads, our_loaded, our_tried, tried_paths

from loadstone.core.image import ImageKind
from loadstone.errors import LoadstoneError
from loadstone.linker import LoaderModel, explain

FULL = os.environ.get("LOADSTONE_TEST_SCALE") == "full"
SAMPLE = 24
LOADER = "/lib64/ld-linux-x86-64.so.2"

_IMPORTER = """
import ctypes, json, sys
path = sys.argv[1]
class Map(ctypes.Structure):
    pass
Map._fields_ = [("addr", ctypes.c_void_p), ("name", ctypes.c_char_p), ("ld", ctypes.c_void_p),
                ("next", ctypes.POINTER(Map)), ("prev", ctypes.POINTER(Map))]
def names():
    main = ctypes.cast(ctypes.CDLL(None)._handle, ctypes.POINTER(Map))
    found = []
    while main:
        found.append(main.contents.name.decode())
        main = main.contents.next
    return found
before = names()
try:
    ctypes.CDLL(path)
    error = ""
except OSError as problem:
    error = str(problem)
print(json.dumps({"error": error, "before": before, "new": [n for n in names() if n not in before]}))
sys.stdout.flush()
import os
os._exit(0)
"""


def _libraries(folder: Path) -> list[Path]:
    """The distinct shared objects of one folder."""
    distinct = {path.resolve(): path for path in sorted(folder.glob("*.so*")) if path.is_file()}
    return sorted(distinct.values())


def _sample(paths: list[Path]) -> list[Path]:
    return paths if FULL else paths[:: max(len(paths) // SAMPLE, 1)]


def _system_libraries() -> list[Path]:
    return _sample(_libraries(Path("/usr/lib/x86_64-linux-gnu")))


def _extension_modules() -> list[Path]:
    roots = (Path(sysconfig.get_path("platlib")), Path(sysconfig.get_path("stdlib")) / "lib-dynload")
    found = [path for root in roots for path in sorted(root.rglob("*.so*")) if path.is_file() and _is_elf(path)]
    return _sample(found)


# What happens in an initialiser cannot be told from the file: these end the process, or refuse to be opened late.
_RUNS_AWAY = ("libSegFault", "libasan", "libtsan", "liblsan", "libubsan", "libhwasan", "libpcprofile", "libmemusage")


def _is_elf(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == b"\x7fELF"


@pytest.mark.parametrize("path", _system_libraries(), ids=lambda p: p.name)
def test_a_system_library_loads_as_predicted(path: Path, workshop: Workshop) -> None:
    if path.name.startswith(_RUNS_AWAY):
        pytest.skip("its initialiser decides")
    question = workshop.ask(str(path))
    question = replace(question, target=str(path))
    truth = workshop.truth(question)
    answer = workshop.answer(question)
    codes = [d.code for d in answer.diagnoses]
    if truth.status < 0:  # died in an initialiser: loaded, as far as the loader goes
        assert loads(answer), (truth, codes)
        return
    assert loads(answer) == truth.loads, (truth, codes, [d.loader_message for d in answer.diagnoses])
    if not truth.loads:
        assert answer.first_blocking is not None
        assert answer.first_blocking.loader_message == truth.message
        return
    ours = our_loaded(answer)
    assert tuple(p for p in truth.loaded if p in ours) == ours  # an initialiser may open more
    if len(truth.loaded) == len(ours):
        assert our_tried(answer) == truth.tried


@pytest.mark.parametrize("path", _extension_modules(), ids=lambda p: p.name)
def test_an_extension_module_loads_as_predicted(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTER, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    answer = explain(path, model=LoaderModel.this_process())
    codes = [(d.code, d.loader_message) for d in answer.diagnoses]
    assert done.stdout, (done.returncode, done.stderr)
    truth = json.loads(done.stdout)
    assert loads(answer) == (not truth["error"]), (truth["error"], codes)
    if truth["error"]:
        assert answer.first_blocking is not None
        assert answer.first_blocking.loader_message == truth["error"]
        return
    ours = [n for n in our_loaded(answer) if n not in truth["before"]]
    assert [n for n in truth["new"] if n in ours] == ours


def _programs() -> Iterator[Path]:
    paths = [p for p in sorted(Path("/usr/bin").iterdir()) if p.is_file() and not p.is_symlink()]
    for path in paths if FULL else paths[:: max(len(paths) // SAMPLE, 1)]:
        try:
            if _is_elf(path):
                yield path
        except OSError:
            continue


@pytest.mark.parametrize("path", list(_programs()), ids=lambda p: p.name)
def test_a_program_brings_in_what_the_loader_lists(path: Path) -> None:
    """The loader's own listing: nothing of the program runs."""
    done = subprocess.run(
        [LOADER, "--list", str(path)],
        env={"LD_DEBUG": "libs"},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    answer = explain(path, model=LoaderModel.this_process(env={}))
    root = answer.graph.root.image
    assert root is not None
    assert root.kind in (ImageKind.EXECUTABLE, ImageKind.PIE)
    if root.interpreter != LOADER:
        pytest.skip("a static program lists nothing")
    listed = [line.split(" => ")[1].split(" (")[0] for line in done.stdout.splitlines() if " => " in line]
    chosen = [n.path for n in answer.graph.nodes[1:] if n.path != LOADER]
    assert chosen == [p for p in listed if p != LOADER]
    assert our_tried(answer) == tried_paths(done.stderr, started=True)


def test_no_answer_raises_for_any_file_of_the_system() -> None:
    """Whatever lies about: an answer or a typed error."""
    for path in sorted(Path("/etc").iterdir())[:60]:
        try:
            explain(path, bindings=False)
        except LoadstoneError as error:
            pytest.fail(f"{path}: {error}")
