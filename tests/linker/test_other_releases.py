"""Every case once more, held against the real loaders of other releases; at full scale only.

A program cannot be started by another system's loader without the rest of that system, so only what is opened is
compared. Its host names the C library by path, and so brings in the one that belongs to the loader.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.linker.cases import (  # noqa: F401  importing registers the cases
    files,
    inheritance,
    mapped,
    names,
    namespaces,
    order,
    symbols,
)
from tests.linker.releases import RELEASES, Other, libraries
from tests.linker.test_against_the_loader import agree
from tests.linker.workshop import CASES, HOST_SOURCE, Question, Workshop, run
from tests.scale import FULL
from tests.tools import needed

from loadstone.linker import LoaderModel
from loadstone.linker.abi import X86_64
from loadstone.linker.discovery import model_for_loader
from loadstone.linker.view import HostFiles

pytestmark = pytest.mark.skipif(not FULL, reason="LOADSTONE_TEST_SCALE=full asks the loaders of other releases")

LOADER = "ld-linux-x86-64.so.2"
MIXED = frozenset(("a_new_namespace_loads_the_c_library_again",))
"""Cases that look for the C library by name, and so would find the one of the system at hand."""


class OtherWorkshop(Workshop):
    """A workshop whose truth is another release's loader."""

    def __init__(self, folder: Path, host: Path, loader: str) -> None:
        super().__init__(folder, host)
        self._facts = model_for_loader(HostFiles(), loader, X86_64)

    def model(self, question: Question) -> LoaderModel:
        asked = super().model(question)
        facts = self._facts
        return replace(
            asked,
            release=facts.release,
            interpreter=facts.interpreter,
            system_dirs=facts.system_dirs,
            lib_token=facts.lib_token,
            hwcaps=facts.hwcaps,
            legacy_hwcaps=facts.legacy_hwcaps,
            platform=facts.platform,
        )


@pytest.fixture(scope="module", params=RELEASES, ids=str)
def other(request: pytest.FixtureRequest) -> Other:
    """One release after the other."""
    assert isinstance(request.param, Other)
    return request.param


@pytest.fixture(scope="module")
def host_of_other(other: Other, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that opens what it is told to, with the loader and the C library of the release."""
    place = libraries(other)
    linked = [str(place / name) for name in ("libc.so.6", "libdl.so.2", LOADER)]
    host = tmp_path_factory.mktemp(f"host-{other}") / "host"
    loader = f"-Wl,--dynamic-linker={place / LOADER}"
    run(
        [needed("gcc"), "-x", "c", "-", "-o", str(host), "-x", "none", "-nodefaultlibs", *linked, loader],
        text=HOST_SOURCE,
    )
    for path in linked[:2]:
        run([needed("patchelf"), "--replace-needed", Path(path).name, path, str(host)])
    return host


def test_the_release_is_read_from_the_loaders_files(other: Other) -> None:
    model = model_for_loader(HostFiles(), str(libraries(other) / LOADER), X86_64)
    assert (model.release, model.lib_token) == (other.release, "lib/x86_64-linux-gnu")


@pytest.mark.parametrize("name", CASES if FULL else ())
def test_the_loader_of_the_release_does_what_we_say(
    name: str, other: Other, host_of_other: Path, tmp_path: Path
) -> None:
    workshop = OtherWorkshop(tmp_path, host_of_other, str(libraries(other) / LOADER))
    question = CASES[name](workshop)
    if question.program or question.host or question.uid is not None or question.mount or name in MIXED:
        pytest.skip("needs the rest of that system")
    agree(workshop, question)
