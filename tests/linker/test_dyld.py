"""dyld's rules on the dylibs of real wheels, whole and with parts taken away."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.wheels import members, wheel

from loadstone.binary import read
from loadstone.binary.macho.facts import BuildVersion, MachoFacts
from loadstone.core.image import SearchDir, SearchKind
from loadstone.core.trace import Explanation, LoadVerdict
from loadstone.linker import LoaderModel, explain
from loadstone.linker.discovery import with_loader
from loadstone.linker.dyld_policy import unmet
from loadstone.linker.request import LoaderKind

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def pillow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension module _imaging of Pillow for macOS with the dylibs it brings: @loader_path/.dylibs/..."""
    folder = tmp_path_factory.mktemp("pillow")
    for name, content in members(wheel("pillow", "13.0.0", "macosx_11_0_arm64"), ".so", ".dylib"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def copy(pillow: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pillow, tmp_path / "copy"))


def imaging(folder: Path) -> Path:
    return next(folder.glob("PIL/_imaging.*.so"))


def codes(explanation: Explanation) -> set[str]:
    return {d.code for d in explanation.diagnoses}


def model(**more: object) -> LoaderModel:
    return LoaderModel(kind=LoaderKind.DYLD, **more)  # type: ignore[arg-type]


def test_a_module_finds_the_dylibs_beside_it_and_the_system_is_taken_for_granted(pillow: Path) -> None:
    explanation = explain(str(imaging(pillow)))
    assert (explanation.verdict, explanation.diagnoses) == (LoadVerdict.LOADS, ())
    chosen = {Path(e.chosen).name for e in explanation.graph.edges if e.chosen}
    assert any(name.startswith("libjpeg") for name in chosen)
    assert any("libSystem.B.dylib" in said for said in explanation.assumptions)


def test_a_dylib_taken_away_is_named_with_what_was_tried(copy: Path) -> None:
    gone = next(copy.glob("PIL/.dylibs/libjpeg*"))
    gone.unlink()
    explanation = explain(str(imaging(copy)))
    assert explanation.verdict is LoadVerdict.FAILS
    first = explanation.first_blocking
    assert first is not None
    assert Path(first.subject).name == gone.name
    assert first.loader_message.startswith("Library not loaded: ")
    assert f"'{gone}' (no such file)" in first.loader_message
    assert "install_name_tool" in first.advice


def test_a_dylib_that_lies_elsewhere_near_is_led_to(copy: Path) -> None:
    dylib = next(copy.glob("PIL/.dylibs/libjpeg*"))
    dylib.rename(copy / "PIL" / dylib.name)
    asking = imaging(copy)
    first = explain(str(asking)).first_blocking
    assert first is not None
    change = f"install_name_tool -change {first.subject} @loader_path/{dylib.name} {asking}"
    assert first.advice == f"{change} && codesign --force --sign - {asking}"


def test_dyld_library_path_wins_by_leaf_name_unless_the_process_is_restricted(copy: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    name = shutil.copy(next(copy.glob("PIL/.dylibs/libjpeg*")), other)
    env = (("DYLD_LIBRARY_PATH", str(other)),)
    edges = explain(str(imaging(copy)), model=model(env=env)).graph.edges
    assert next(e for e in edges if e.chosen == str(name)).how == "dyld_library_path"
    edges = explain(str(imaging(copy)), model=model(env=env, secure=True)).graph.edges
    assert not any(e.chosen == str(name) for e in edges)


def test_a_dylib_for_another_processor_is_an_architecture_problem(copy: Path) -> None:
    dylib = next(copy.glob("PIL/.dylibs/libjpeg*"))
    content = bytearray(dylib.read_bytes())
    content[4:8] = (0x01000007).to_bytes(4, "little")  # CPU_TYPE_X86_64
    dylib.write_bytes(content)
    explanation = explain(str(imaging(copy)))
    assert "macho-arch" in codes(explanation)
    assert "have 'x86_64', need 'arm64'" in explanation.diagnoses[0].loader_message


def test_a_dylib_without_the_symbols_wanted_of_it_is_a_symbol_problem(copy: Path) -> None:
    wanted = next(copy.glob("PIL/.dylibs/libjpeg*"))
    other = next(copy.glob("PIL/.dylibs/libxcb*"), None) or next(copy.glob("PIL/.dylibs/libz*"))
    shutil.copy(other, wanted)
    assert "macho-symbol" in codes(explain(str(imaging(copy))))


@pytest.mark.slow
def test_rpaths_of_the_images_above_are_used(tmp_path: Path) -> None:
    for name, content in members(wheel("PyQt6-Qt6", "6.11.2", "macosx_11_0_arm64"), ""):
        inside = name.partition("PyQt6/Qt6/")[2]
        if inside == "plugins/platforms/libqminimal.dylib" or inside.startswith(
            ("lib/QtGui.framework/Versions/A/QtGui", "lib/QtCore.framework/Versions/A/QtCore")
        ):
            (tmp_path / inside).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / inside).write_bytes(content)
    explanation = explain(str(tmp_path / "plugins/platforms/libqminimal.dylib"))
    core = next(e for e in explanation.graph.edges if "QtCore" in e.name)
    assert (core.how, core.chosen) == ("rpath", str(tmp_path / "lib/QtCore.framework/Versions/A/QtCore"))


def test_what_is_no_mach_o_file_is_an_answer(tmp_path: Path) -> None:
    target = tmp_path / "x.dylib"
    target.write_text("text")
    assert explain(str(target), model=model()).verdict is LoadVerdict.FAILS
    assert explain(str(tmp_path / "none.dylib"), model=model()).verdict is LoadVerdict.FAILS


def test_what_a_newer_sdk_binds_a_file_to_is_demanded_from_the_macos_that_knows_it(pillow: Path) -> None:
    image = replace(read(imaging(pillow)), native=built_with(pillow, "15.4"))
    repeated = SearchDir(SearchKind.RPATH, "/opt/lib", 0)
    demands = {
        "duplicate LC_RPATH '/opt/lib'": replace(image, search_dirs=(repeated, repeated)),
        "missing LC_LOAD_DYLIB (must link with at least libSystem.dylib)": replace(image, needed=()),
        f"duplicate linked dylib '{image.needed[0].name}'": replace(image, needed=(*image.needed, image.needed[0])),
        "missing LC_UUID": replace(image, build_id=None),
    }
    for words, changed in demands.items():
        assert [demand.words for demand in unmet(changed, "m.so")] == [words]
        assert not list(unmet(replace(changed, native=built_with(pillow, "11.0")), "m.so"))
    assert not list(unmet(image, "m.so"))


def built_with(pillow: Path, sdk: str) -> MachoFacts:
    facts = read(imaging(pillow)).native
    assert isinstance(facts, MachoFacts)
    return replace(facts, builds=(BuildVersion("macOS", "11.0.0", sdk, 0),))


def test_a_file_for_a_newer_macos_than_is_asked_about_is_a_risk(pillow: Path) -> None:
    path = str(imaging(pillow))
    old = explain(path, model=with_loader(LoaderModel.this_process(env={}), "dyld-10.13"))
    assert {d.code for d in old.diagnoses if not d.blocking} == {"macho-min-os"}
    assert old.loader == "dyld of macOS 10.13"
    assert explain(path, model=with_loader(LoaderModel.this_process(env={}), "dyld-15.0")).diagnoses == ()


def test_a_program_of_another_architecture_cannot_open_it(pillow: Path, tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_bytes(next(iter(members(wheel("lxml", "6.1.3", "macosx_10_9_x86_64"), ".so")))[1])
    found = explain(str(imaging(pillow)), model=model(main_image=str(program))).first_blocking
    assert found is not None
    assert found.code == "macho-arch"
    assert found.loader_message.endswith(
        "(mach-o file, but is an incompatible architecture (have 'arm64', need 'x86_64'))"
    )
