"""What the tests of the probe share: compiled libraries where any user may read them, and an empty memory."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import coverage
import pytest
from tests import built
from tests.conftest import needed
from tests.probe.nasty import HEAD, Case

from loadstone.probe import pool

Build = Callable[[Case], Path]


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder every user may enter: as the superuser, what is probed runs as somebody else."""
    folder = Path(tempfile.mkdtemp(prefix="loadstone-tests-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def build(open_folder: Path) -> Build:
    """Compile one case, once a session."""

    def build_(case: Case) -> Path:
        key = hashlib.sha256(repr(case).encode()).hexdigest()[:12]
        folder = open_folder / f"{case.name}-{key}"
        library = folder / f"lib{case.name}.so"
        if library.exists():
            return library
        compiler = needed(case.compiler)  # before anything is made: the next test asks again
        folder.mkdir(mode=0o755)
        source = folder / ("source.cpp" if "++" in case.compiler else "source.c")
        head = HEAD.replace("int answer", 'extern "C" int answer') if "++" in case.compiler else HEAD
        source.write_text(head + case.source)
        flags = list(case.flags)
        if "GONE" in flags:
            flags[flags.index("GONE")] = str(_library_to_lose(folder))
        command = [
            compiler,
            "-shared",
            "-fPIC",
            "-w",
            "-o",
            str(library),
            str(source),
            *flags,
            "-pthread",
            "-ldl",
        ]
        built.build(command, library)
        for lost in folder.glob("libgone.so"):
            lost.unlink()
        return library

    return build_


def _library_to_lose(folder: Path) -> Path:
    gone = folder / "libgone.so"
    subprocess.run(
        [needed("gcc"), "-shared", "-Wl,-soname,libgone.so", "-o", str(gone), "-x", "c", "-"],
        input="int there(void) { return 1; }",
        text=True,
        check=True,
    )
    return gone


MEASURED = """\
import os, sys
if os.fork():
    os._exit(0)
os.setsid()
sys.path[:0] = [sys.argv[1]]
sys.path.append({packages!r})
import coverage
measuring = coverage.Coverage(data_file={data!r}, data_suffix=True, branch=True, source=["loadstone"])
measuring.start()
from loadstone.probe.helper import main
try:
    main(int(sys.argv[2]))
finally:
    measuring.stop()
    measuring.save()
"""


@pytest.fixture(autouse=True, scope="session")
def _helpers_are_measured() -> Iterator[None]:
    """Under coverage, measure the helper program as well. (Its children cannot write what they measured.)"""
    running = coverage.Coverage.current()
    if running is None:
        yield
        return
    data = os.path.abspath(str(running.get_option("run:data_file")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "_START", MEASURED.format(packages=sysconfig.get_path("purelib"), data=data))
        yield
        pool.close_helpers()


@pytest.fixture(autouse=True)
def _no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results are not remembered from one test to the next."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert os.environ["XDG_CACHE_HOME"]
