"""The order in which Windows looks for a DLL, on files that exist only as a table.

Source: "Dynamic-link library search order" (Microsoft Learn).
"""

from __future__ import annotations

import struct
from typing import Any

import pytest

from loadstone.core.trace import StepOutcome
from loadstone.linker import LoaderModel, PretendedFiles
from loadstone.linker.request import LoaderKind
from loadstone.linker.walk import ResolvedName, SimulatedLibrary
from loadstone.linker.windows import WindowsRules

_DLL, _EXECUTABLE = 0x2022, 0x0022


def tiny_pe(characteristics: int = _DLL, machine: int = 0x8664) -> bytes:
    """A 64-bit PE file without sections and directories."""
    optional = struct.pack("<H", 0x20B).ljust(32, b"\0") + struct.pack("<II", 0x1000, 0x200)
    optional = optional.ljust(56, b"\0") + struct.pack("<II", 0x1000, 0x200)
    coff = struct.pack("<HHIIIHH", machine, 0, 0, 0, 0, 112, characteristics)
    return b"MZ".ljust(60, b"\0") + struct.pack("<I", 64) + b"PE\0\0" + coff + optional.ljust(112, b"\0") + bytes(512)


PLACES = {
    "program-dir": "/prog/helper.dll",
    "dll-load-dir": "/app/helper.dll",
    "user-dir": "/added/helper.dll",
    "system32": "/windows/system32/helper.dll",
    "package-dir": "/packages/helper.dll",
    "current-dir": "/cwd/helper.dll",
    "path": "/path2/helper.dll",
}
MODEL: dict[str, Any] = {
    "kind": LoaderKind.WINDOWS,
    "cwd": "/cwd",
    "env": (("PATH", ";/path1;/path2"),),
    "main_image": "/prog/main.exe",
    "dll_directories": ("/added",),
    "system_dirs": ("/windows/system32",),
    "package_directories": ("/packages",),
}


def located(
    present: tuple[str, ...], root: str = "/app/app.dll", name: str = "Helper.dll", **changes: Any
) -> ResolvedName:
    """What ``root``, which needs ``name``, is given when only these files exist."""
    files = {"/prog/main.exe": tiny_pe(_EXECUTABLE), "/app/app.dll": tiny_pe()} | dict.fromkeys(present, tiny_pe())
    files |= changes.pop("files", {})
    model = LoaderModel(view=PretendedFiles(files), **{**MODEL, **changes})
    asking = SimulatedLibrary(root, model.view.image(model.view.open(root)))
    return WindowsRules(model).locate(name, asking, (asking, *changes.get("loaded", ())))


@pytest.mark.parametrize(
    ("root", "order"),
    [
        ("/app/app.dll", ("dll-load-dir", "program-dir", "user-dir", "system32", "package-dir")),
        ("/prog/main.exe", ("program-dir", "system32", "package-dir", "current-dir", "path")),
    ],
)
def test_directories_are_searched_in_the_order_of_who_asks(root: str, order: tuple[str, ...]) -> None:
    for at, rule in enumerate(order):
        found = located(tuple(PLACES[later] for later in order[at:]), root)
        assert (found.path, found.how, found.assumed) == (PLACES[rule], rule, False)
        searched = [step.rule for step in found.steps]
        assert {step.outcome for step in found.steps[:-1]} <= {StepOutcome.ABSENT}
        assert found.steps[-1].outcome is StepOutcome.TAKEN
        assert list(dict.fromkeys(searched)) == list(order[: at + 1])
    others = tuple(place for rule, place in PLACES.items() if rule not in order)
    nowhere = located(others, root)
    assert (nowhere.path, nowhere.image, nowhere.how) == (None, None, "")
    assert {step.rule for step in nowhere.steps} == set(order)


def test_every_element_of_path_is_searched_but_the_empty_one() -> None:
    steps = located((), "/prog/main.exe").steps
    assert [step.candidate for step in steps if step.rule == "path"] == ["/path1/Helper.dll", "/path2/Helper.dll"]


def test_what_is_no_dll_ends_the_search_in_any_case_of_its_name() -> None:
    found = located((PLACES["user-dir"],), files={"/app/HELPER.DLL": b"\x7fELF"})
    assert (found.path, found.how) == (None, "dll-load-dir")
    assert found.steps[-1].candidate == "/app/HELPER.DLL"
    assert (found.steps[-1].outcome, found.steps[-1].reason) == (StepOutcome.FATAL, "it is not a Windows library")


def test_a_module_that_is_loaded_is_taken_by_its_base_name() -> None:
    loaded = SimulatedLibrary("/elsewhere/HELPER.dll", None, assumed=True)
    rules = WindowsRules(LoaderModel(view=PretendedFiles({"/app/app.dll": tiny_pe()}), **MODEL))
    asking = SimulatedLibrary("/app/app.dll", None)
    found = rules.locate("helper.dll", asking, (asking, loaded))
    assert (found.path, found.how, found.assumed) == ("/elsewhere/HELPER.dll", "loaded-module", True)
    (step,) = found.steps
    assert (step.rule, step.candidate, step.outcome) == ("loaded-module", "/elsewhere/HELPER.dll", StepOutcome.TAKEN)


def test_a_module_that_the_process_has_is_taken_before_any_file() -> None:
    by_path = located((PLACES["dll-load-dir"], "/old/helper.dll"), already_loaded=("/old/helper.dll",))
    assert (by_path.path, by_path.how, by_path.assumed) == ("/old/helper.dll", "loaded-module", False)
    assert by_path.steps[0].reason == "a module of this base name was loaded before"
    by_name = located((PLACES["dll-load-dir"],), already_loaded=("other.dll", "HELPER.dll"))
    assert (by_name.path, by_name.how, by_name.assumed) == ("HELPER.dll", "loaded-module", True)
    assert by_name.steps[0].reason == "the program has it loaded"


@pytest.mark.parametrize(
    ("name", "system_dirs", "how"),
    [
        ("api-ms-win-core-file-l1-1-0.dll", ("/windows/system32",), "api-set"),
        ("ext-ms-win-gdi-l1-1-0.DLL", (), "api-set"),
        ("KERNEL32.dll", (), "known-dll"),
        ("version.dll", (), "system32"),
        ("python311.dll", (), "host"),
        ("python3.dll", ("/windows/system32",), "host"),
    ],
)
def test_what_this_machine_need_not_have_is_taken_for_granted(
    name: str, system_dirs: tuple[str, ...], how: str
) -> None:
    found = located((), name=name, system_dirs=system_dirs)
    assert (found.how, found.assumed, found.image) == (how, True, None)
    assert found.steps[-1].outcome is StepOutcome.TAKEN


@pytest.mark.parametrize("name", ["KERNEL32.dll", "version.dll"])
def test_a_system_directory_that_is_given_is_searched_instead(name: str) -> None:
    assert located((), name=name).path is None
    found = located((f"/windows/system32/{name.lower()}",), name=name)
    assert (found.how, found.assumed) == ("system32", False)


def test_a_library_of_the_system_is_searched_for_beside_the_program_first() -> None:
    found = located(("/app/version.dll",), name="VERSION.dll", system_dirs=())
    assert (found.path, found.how, found.assumed) == ("/app/version.dll", "dll-load-dir", False)
    known = located(("/app/kernel32.dll",), name="kernel32.dll", system_dirs=())
    assert known.how == "known-dll"


@pytest.mark.parametrize(
    ("files", "changes", "outcome", "reason"),
    [
        ({"/x/t.dll": tiny_pe()}, {}, StepOutcome.TAKEN, ""),
        ({}, {}, StepOutcome.ABSENT, "No such file"),
        ({"/x/t.dll": b"\x7fELF\2\1\1".ljust(64, b"\0")}, {}, StepOutcome.FATAL, "no Windows library"),
        ({"/x/t.dll": tiny_pe(machine=0x14C)}, {}, StepOutcome.FATAL, "and /prog/main.exe for x86-64"),
        ({"/x/t.dll": tiny_pe(machine=0x14C)}, {"main_image": None}, StepOutcome.TAKEN, ""),
    ],
)
def test_the_target_itself_is_opened_as_it_is_named(
    files: dict[str, bytes], changes: dict[str, Any], outcome: StepOutcome, reason: str
) -> None:
    model = LoaderModel(view=PretendedFiles({"/prog/main.exe": tiny_pe(_EXECUTABLE), **files}), **{**MODEL, **changes})
    found = WindowsRules(model).locate("/x/t.dll", None, ())
    (step,) = found.steps
    assert (step.rule, step.candidate, step.outcome) == ("explicit", "/x/t.dll", outcome)
    assert reason in step.reason
    assert (found.path is not None) is (outcome is StepOutcome.TAKEN)
