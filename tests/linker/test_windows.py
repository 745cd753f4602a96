"""The Windows rules on DLLs built by mingw and on real wheels."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.conftest import Compile
from tests.tools import needed
from tests.wheels import members, wheel

from loadstone.core.trace import Diagnosis, Explanation, LoadVerdict
from loadstone.linker import LoaderModel, explain
from loadstone.linker.discovery import with_loader
from loadstone.linker.request import LoaderKind

MINGW = "x86_64-w64-mingw32-gcc"
BARE = ("-nostdlib", "-Wl,--no-entry")


def model(**more: object) -> LoaderModel:
    return LoaderModel(kind=LoaderKind.WINDOWS, **more)  # type: ignore[arg-type]


@pytest.fixture
def pair(compile_library: Compile, tmp_path: Path) -> tuple[Path, Path]:
    """app.dll, which imports one() and two() from Helper.dll; both in a folder of their own."""
    helper = compile_library(
        "__declspec(dllexport) int one(void) { return 1; } __declspec(dllexport) int two(void) { return 2; }",
        "Helper.dll", *BARE, compiler=MINGW,
    )  # fmt: skip
    app = compile_library(
        "__declspec(dllimport) int one(void), two(void); int f(void) { return one() + two(); }",
        "app.dll", str(helper), *BARE, compiler=MINGW,
    )  # fmt: skip
    folder = tmp_path / "app"
    folder.mkdir()
    return Path(shutil.copy(app, folder)), Path(shutil.copy(helper, folder))


def codes(explanation: Explanation) -> list[str]:
    return [d.code for d in explanation.diagnoses]


def only(explanation: Explanation) -> Diagnosis:
    assert len(explanation.diagnoses) == 1, explanation.diagnoses
    return explanation.diagnoses[0]


def test_a_dll_is_found_beside_the_one_that_needs_it_whatever_the_case(pair: tuple[Path, Path]) -> None:
    app, helper = pair
    helper.rename(helper.with_name("HELPER.dll"))
    explanation = explain(str(app))
    assert explanation.verdict is LoadVerdict.LOADS
    (edge,) = explanation.graph.edges
    assert (edge.name, edge.chosen, edge.how) == ("Helper.dll", str(helper.with_name("HELPER.dll")), "dll-load-dir")


def test_a_missing_dll_is_named_with_the_places_that_were_searched(pair: tuple[Path, Path]) -> None:
    app, helper = pair
    helper.unlink()
    diagnosis = only(explain(str(app)))
    assert (diagnosis.code, diagnosis.blocking, diagnosis.subject) == ("pe-missing-dll", True, "Helper.dll")
    assert diagnosis.loader_message.startswith("[WinError 126]")
    assert "os.add_dll_directory" in diagnosis.advice
    assert [s.candidate for s in diagnosis.steps] == [str(helper)]


def test_a_directory_added_by_the_program_is_searched(pair: tuple[Path, Path], tmp_path: Path) -> None:
    app, helper = pair
    elsewhere = tmp_path / "dlls"
    elsewhere.mkdir()
    shutil.move(helper, elsewhere)
    added = model(dll_directories=(str(elsewhere),))
    (edge,) = explain(str(app), model=added).graph.edges
    assert edge.how == "user-dir"


def test_path_and_the_current_directory_are_not_searched_for_a_dll(pair: tuple[Path, Path], tmp_path: Path) -> None:
    app, helper = pair
    elsewhere = tmp_path / "on-path"
    elsewhere.mkdir()
    shutil.move(helper, elsewhere)
    asked = model(env=(("PATH", str(elsewhere)),), cwd=str(elsewhere))
    assert codes(explain(str(app), model=asked)) == ["pe-missing-dll"]


def test_an_entry_that_the_chosen_dll_lacks_is_named(pair: tuple[Path, Path], compile_library: Compile) -> None:
    app, helper = pair
    older = compile_library("__declspec(dllexport) int one(void) { return 1; }", "Helper.dll", *BARE, compiler=MINGW)
    shutil.copy(older, helper)
    diagnosis = only(explain(str(app)))
    assert (diagnosis.code, diagnosis.subject) == ("pe-missing-entry", "two")
    assert diagnosis.loader_message.startswith("[WinError 127]")


def test_a_dll_for_another_machine_is_said_to_be_so(pair: tuple[Path, Path]) -> None:
    app, helper = pair
    content = bytearray(helper.read_bytes())
    at = int.from_bytes(content[0x3C:0x40], "little") + 4
    content[at : at + 2] = (0xAA64).to_bytes(2, "little")
    helper.write_bytes(content)
    assert "pe-machine" in codes(explain(str(app)))


def test_what_is_beside_it_but_no_dll_stops_the_search(pair: tuple[Path, Path]) -> None:
    app, helper = pair
    helper.write_text("not a library")
    diagnosis = only(explain(str(app)))
    assert diagnosis.steps[-1].outcome.value == "fatal"
    assert diagnosis.loader_message.startswith("[WinError 193]")
    assert diagnosis.explanation == f"{app} needs Helper.dll, and {helper} is not a Windows library."


def test_a_system_directory_that_is_given_is_believed(pair: tuple[Path, Path], tmp_path: Path) -> None:
    app, helper = pair
    system = tmp_path / "System32"
    system.mkdir()
    shutil.move(helper, system)
    (edge,) = explain(str(app), model=model(system_dirs=(str(system),))).graph.edges
    assert edge.how == "system32"


def test_system_libraries_and_api_sets_are_taken_for_granted_and_named(compile_library: Compile) -> None:
    dll = compile_library(
        "__declspec(dllimport) unsigned long __stdcall GetTickCount(void); int f(void) { return GetTickCount(); }",
        "ticks.dll", *BARE, "-lkernel32", compiler=MINGW,
    )  # fmt: skip
    explanation = explain(str(dll))
    assert explanation.verdict is LoadVerdict.LOADS
    assert any("taken for granted: KERNEL32.dll" in said for said in explanation.assumptions)


def test_a_file_that_does_not_exist_or_is_damaged_is_an_answer(tmp_path: Path) -> None:
    missing = explain(str(tmp_path / "none.dll"), model=model())
    assert (missing.verdict, codes(missing)) == (LoadVerdict.FAILS, ["pe-missing-dll"])
    broken = tmp_path / "broken.dll"
    broken.write_bytes(b"MZ" + bytes(20))
    assert explain(str(broken), model=model()).verdict is LoadVerdict.FAILS


@pytest.mark.slow
@pytest.mark.real
def test_the_libraries_of_a_wheel_find_each_other(tmp_path: Path) -> None:
    for name, content in members(wheel("PyQt6-Qt6", "6.11.2", "win_amd64"), ".dll"):
        if "/Qt6/bin/Qt6" in name:
            (tmp_path / Path(name).name).write_bytes(content)
    explanation = explain(str(tmp_path / "Qt6Widgets.dll"))
    assert {d.code for d in explanation.diagnoses} <= {"pe-vcruntime", "pe-delay"}, explanation.diagnoses
    found = {e.name: e.chosen for e in explanation.graph.edges if e.chosen}
    assert found["Qt6Core.dll"] == str(tmp_path / "Qt6Core.dll")


def test_asking_for_the_windows_loader_by_name_brings_nothing_of_this_system(
    compile_library: Compile, tmp_path: Path
) -> None:
    """Wine loads both: a DLL of the system is there, and one of KnownDLLs is never taken from beside."""
    source = "__declspec(dllimport) unsigned long __stdcall GetTickCount(void); int f(void) { return GetTickCount(); }"
    app = shutil.copy(compile_library(source, "ticks.dll", *BARE, "-lkernel32", compiler=MINGW), tmp_path)
    named = with_loader(LoaderModel.this_process(), "windows")
    assert explain(str(app), model=named).verdict is LoadVerdict.LOADS
    shutil.copy(app, tmp_path / "kernel32.dll")
    (edge,) = explain(str(app), model=named).graph.edges
    assert edge.how == "known-dll"


def test_an_export_that_is_handed_on_needs_the_dll_it_is_handed_to(tmp_path: Path) -> None:
    compiler = needed(MINGW)
    (tmp_path / "one.c").write_text("int one(void) { return 1; }")
    (tmp_path / "user.c").write_text("int one(void); int u(void) { return one(); }")
    (tmp_path / "fwd.c").write_text("int here;")
    (tmp_path / "fwd.def").write_text("LIBRARY fwd.dll\nEXPORTS\none=other.one\ntwo=unused.two\n")
    for command in (
        ["-shared", "one.c", "-o", "other.dll"],
        ["-shared", "fwd.c", "fwd.def", "-o", "fwd.dll", "-Wl,--out-implib,libfwd.a"],
        ["-shared", "user.c", "libfwd.a", "-o", "user.dll"],
    ):
        subprocess.run([compiler, *command], check=True, cwd=tmp_path)
    assert explain(str(tmp_path / "user.dll")).verdict is LoadVerdict.LOADS  # unused.dll: nobody wants two
    (tmp_path / "other.dll").rename(tmp_path / "away.dll")
    missing = only(explain(str(tmp_path / "user.dll")))
    assert (missing.code, missing.subject) == ("pe-missing-dll", "other.dll")
    assert "has one only as other.one" in missing.explanation
    shutil.copy(tmp_path / "fwd.dll", tmp_path / "other.dll")
    (tmp_path / "fwd.def").write_text("LIBRARY other.dll\nEXPORTS\nthree=other.three\n")
    subprocess.run([compiler, "-shared", "fwd.c", "fwd.def", "-o", "other.dll"], check=True, cwd=tmp_path)
    assert only(explain(str(tmp_path / "user.dll"))).code == "pe-missing-entry"


def test_a_side_by_side_assembly_lies_beside_or_is_installed(tmp_path: Path) -> None:
    compiler = needed(MINGW)
    identity = 'type="win32" name="{}" version="9.0.21022.8" processorArchitecture="amd64" publicKeyToken="1fc8b3b9"'
    begin = '<assembly xmlns="urn:schemas-microsoft-com:asm.v1" manifestVersion="1.0"><dependency><dependentAssembly>'
    end = "</dependentAssembly></dependency></assembly>"
    (tmp_path / "m.rc").write_text('2 24 "m.manifest"')
    (tmp_path / "m.c").write_text("int one(void) { return 1; }")

    def built(assembly: str) -> Explanation:
        (tmp_path / "m.manifest").write_text(f"{begin}<assemblyIdentity {identity.format(assembly)}/>{end}")
        subprocess.run([needed("x86_64-w64-mingw32-windres"), "m.rc", "m.o"], check=True, cwd=tmp_path)
        subprocess.run([compiler, "-shared", "m.c", "m.o", "-o", "m.dll"], check=True, cwd=tmp_path)
        return explain(str(tmp_path / "m.dll"))

    assert built("Microsoft.Windows.Common-Controls").verdict is LoadVerdict.LOADS
    found = only(built("Microsoft.VC90.CRT"))
    assert (found.code, found.blocking) == ("pe-assembly", True)
    assert found.loader_message.startswith("[WinError 14001]")
    assert found.advice.startswith("install the Visual C++ 2008 redistributable (amd64)")
    (tmp_path / "Microsoft.VC90.CRT").mkdir()
    (tmp_path / "Microsoft.VC90.CRT/microsoft.vc90.crt.manifest").touch()
    assert built("Microsoft.VC90.CRT").verdict is LoadVerdict.LOADS
