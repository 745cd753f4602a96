"""Why a library stays mapped, when it is another one that holds it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.conftest import needed

from loadstone.core.observations import ObservationKind, ProbeOutcome
from loadstone.probe import probe

HELD = """
#include <dlfcn.h>
int of_held(void) { return 1; }
__attribute__((constructor)) static void start(void)
{
    dlclose(dlopen("%s/libheld.so", RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL));
    dlopen("%s/libholder.so", RTLD_NOW);
}
"""
HOLDER = "int of_held(void); int use(void) { return of_held(); }"


def _compile(target: Path, source: str, *flags: str) -> None:
    command = [needed("gcc"), "-shared", "-fPIC", "-o", str(target), "-x", "c", "-", *flags]
    subprocess.run(command, input=source, text=True, check=True)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["-L.", "-Wl,--no-as-needed", "-lheld"], "libholder.so needs it and is still loaded (certain)"),
        ([], "libholder.so is still loaded, and uses its symbol of_held (likely)"),
    ],
    ids=["needed", "bound to"],
)
def test_the_library_that_holds_another_one_is_named(flags: list[str], words: str, open_folder: Path) -> None:
    folder = open_folder / f"held-{len(flags)}"
    folder.mkdir(mode=0o755)
    _compile(folder / "libheld.so", HELD.replace("%s", str(folder)), "-Wl,-soname,libheld.so")
    flags = [flag.replace("-L.", f"-L{folder}") for flag in flags]
    _compile(folder / "libholder.so", HOLDER, f"-Wl,-rpath,{folder}", *flags)
    report = probe(folder / "libheld.so", timeout=60, cycles=1)
    assert report.outcome is ProbeOutcome.OK
    (stays,) = report.seen(ObservationKind.NOT_UNLOADED)
    assert words in stays.detail


def test_a_library_that_leaves_an_unrelated_one_behind_is_unloaded_itself(open_folder: Path) -> None:
    folder = open_folder / "unheld"
    folder.mkdir(mode=0o755)
    _compile(folder / "libheld.so", HELD.replace("%s", str(folder)), "-Wl,-soname,libheld.so")
    _compile(folder / "libholder.so", "int use(void) { return 1; }")
    assert not probe(folder / "libheld.so", timeout=60, cycles=1).seen(ObservationKind.NOT_UNLOADED)


def test_a_library_whose_definition_another_one_found_first_is_held_by_that(open_folder: Path) -> None:
    folder = open_folder / "first"
    folder.mkdir(mode=0o755)
    both = '__attribute__((visibility("default"))) int in_both(void) { return 1; }'
    _compile(folder / "libheld.so", f"{both}\n{HELD.replace('%s', str(folder))}", "-Wl,-soname,libheld.so")
    _compile(folder / "libholder.so", f"{both} int use(void) {{ return in_both(); }}")
    (stays,) = probe(folder / "libheld.so", timeout=60, cycles=1).seen(ObservationKind.NOT_UNLOADED)
    assert "libholder.so is still loaded, and uses its symbol in_both (likely)" in stays.detail
