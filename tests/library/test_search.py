from __future__ import annotations

import ctypes
import os
import shutil
import sys
from pathlib import Path

import pytest
from tests.conftest import Compile
from tests.library.children import run_child

from loadstone.core.names import Platform
from loadstone.core.trace import StepOutcome
from loadstone.errors import NotFound
from loadstone.library import Library, Policy, SearchPolicy, SearchSource, find
from loadstone.library.nearest import nearest
from loadstone.library.search import by_name as searching
from loadstone.library.search import start, surroundings
from loadstone.library.search.directories import runtime_names
from loadstone.linker import LoaderModel

SYSTEM = (SearchSource.ENVIRONMENT, SearchSource.SYSTEM_CACHE, SearchSource.DEFAULT_DIRS)


def policy(*sources: SearchSource, dirs: tuple[object, ...] = (), packages: tuple[str, ...] = ()) -> Policy:
    return Policy(search=SearchPolicy(sources, tuple(map(str, dirs)), packages))


def test_a_system_library_is_found_where_the_loader_takes_it_from() -> None:
    code = """
    import ctypes
    from loadstone.library import Policy, SearchPolicy, SearchSource, find
    sources = tuple(s for s in SearchSource if s is not SearchSource.ALREADY_LOADED)
    found = find("libsqlite3.so.0", policy=Policy(search=SearchPolicy(sources))).path
    ctypes.CDLL("libsqlite3.so.0")
    maps = open("/proc/self/maps").read()
    import os
    print(os.path.realpath(found) in maps)
    """
    assert run_child(code) == "True"


def test_the_runtime_name_is_found_when_there_is_no_development_link(compile_library: Compile, tmp_path: Path) -> None:
    library = compile_library("int x;", "libfoo.so")
    for name in ("libfoo.so.2", "libfoo.so.10", "libfoo.so.10.1", "libfoobar.so.11", "libfoo.so.x"):
        shutil.copy(library, tmp_path / name)
    trace = find("foo", policy=policy(SearchSource.EXPLICIT, dirs=(tmp_path,)))
    assert trace.path == str(tmp_path / "libfoo.so.10")
    assert trace.how == "explicit"
    assert [s.candidate for s in trace.steps[:2]] == [str(tmp_path / "libfoo.so"), str(tmp_path / "libfoo")]


def test_a_linker_script_in_the_place_of_a_library_is_passed_over(compile_library: Compile, tmp_path: Path) -> None:
    (tmp_path / "libfoo.so").write_text(
        "/* GNU ld script */ GROUP ( libfoo.so.1 ) and enough words to be no short file\n" * 2
    )
    shutil.copy(compile_library("int x;", "libfoo.so"), tmp_path / "libfoo.so.1")
    trace = find("foo", policy=policy(SearchSource.EXPLICIT, dirs=(tmp_path,)))
    assert trace.path == str(tmp_path / "libfoo.so.1")
    assert trace.steps[0].outcome is StepOutcome.FATAL


def test_every_candidate_of_a_miss_is_reported() -> None:
    with pytest.raises(NotFound) as caught:
        find("definitely-not-here", policy=policy(*SYSTEM))
    trace = caught.value.trace
    assert trace is not None
    assert not trace.found
    tried = [step.candidate.rpartition("/")[2] for step in trace.steps]
    assert {"libdefinitely-not-here.so", "definitely-not-here"} <= set(tried)
    assert all(step.reason for step in trace.steps)


def test_a_version_asked_for_is_never_lost(compile_library: Compile, tmp_path: Path) -> None:
    shutil.copy(compile_library("int x;", "libfoo.so"), tmp_path / "libfoo")
    with pytest.raises(NotFound) as caught:
        find("foo", 3, policy=policy(SearchSource.EXPLICIT, dirs=(tmp_path,)))
    assert caught.value.trace is not None
    first = caught.value.trace.steps[0]
    assert (first.outcome, first.reason) == (StepOutcome.NOT_CONSULTED, "does not carry the version asked for")


def test_a_missing_package_is_named() -> None:
    with pytest.raises(NotFound) as caught:
        find("libgtk-99.so.0", policy=policy(*SYSTEM))
    assert "apt-file search libgtk-99.so.0" in caught.value.advice


def test_the_installed_packages_name_what_has_been_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "package_of_missing", lambda _, name: "libfoo7" if name == "libfoo.so.7" else None)
    with pytest.raises(NotFound, match="apt install libfoo7"):
        find("foo", 7, policy=policy(*SYSTEM))


def started(monkeypatch: pytest.MonkeyPatch, library_path: str) -> None:
    """As if this process had been started with that LD_LIBRARY_PATH."""
    monkeypatch.setattr(start, "started_with", lambda: {**os.environ, "LD_LIBRARY_PATH": library_path})
    surroundings._read.cache_clear()


def test_a_library_path_that_is_set_later_is_none_of_the_loaders_and_that_is_said(
    compile_library: Compile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(compile_library("int x;", "liblater.so"), tmp_path / "liblater.so")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    with pytest.raises(OSError, match="liblater"):
        ctypes.CDLL("liblater.so")
    with pytest.raises(NotFound, match="changed after this process was started"):
        find("later")


def test_the_current_directory_is_never_searched(
    compile_library: Compile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(compile_library("int x;", "libhere.so"), tmp_path / "libhere.so")
    monkeypatch.chdir(tmp_path)
    for value in ("", ".", ":", "..:./"):
        started(monkeypatch, value)
        with pytest.raises(NotFound):
            find("here")
    assert find("./libhere.so").path == str(tmp_path / "./libhere.so")


def test_the_environment_is_a_source_but_its_open_directories_are_not(
    compile_library: Compile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(compile_library("int x;", "libenv.so"), tmp_path / "libenv.so")
    started(monkeypatch, str(tmp_path))
    assert find("env").how == "ld_library_path"
    with pytest.raises(NotFound):
        find("env", policy=policy(SearchSource.SYSTEM_CACHE, SearchSource.DEFAULT_DIRS))
    tmp_path.chmod(0o777)
    with pytest.raises(NotFound) as caught:
        find("env")
    assert caught.value.trace is not None
    assert any("everybody may write" in step.reason for step in caught.value.trace.steps)
    assert find("env", policy=policy(SearchSource.EXPLICIT, dirs=(tmp_path,))).found


def test_libraries_bundled_with_a_package_are_found_under_their_mangled_names(
    compile_library: Compile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "some_package.libs"
    folder.mkdir()
    shutil.copy(compile_library("int x;", "libfoo.so"), folder / "libfoo-0a1b2c3d.so.1.2")
    monkeypatch.setattr("site.getsitepackages", lambda: [str(tmp_path)])
    found = find("foo", policy=policy(SearchSource.PACKAGE, packages=("some-package",)))
    assert found.path == str(folder / "libfoo-0a1b2c3d.so.1.2")
    assert found.how == "package"
    with pytest.raises(NotFound):
        find("foo", policy=policy(SearchSource.PACKAGE, packages=("../some-package",)))


def test_a_prefix_is_searched(compile_library: Compile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lib").mkdir()
    shutil.copy(compile_library("int x;", "libfoo.so"), tmp_path / "lib" / "libfoo.so")
    monkeypatch.setenv("CONDA_PREFIX", str(tmp_path))
    assert find("foo", policy=policy(SearchSource.PREFIX)).how == "prefix"


def test_what_is_loaded_comes_first(compile_library: Compile, tmp_path: Path) -> None:
    path = tmp_path / "libloaded.so.3"
    shutil.copy(compile_library("int x;", "libloaded.so"), path)
    with Library(path):
        found = find("loaded")
        assert (found.path, found.how) == (str(path), "already-loaded")
        path.rename(tmp_path / "away")
        with pytest.raises(NotFound) as caught:
            find("loaded")
        assert caught.value.trace is not None
        assert caught.value.trace.steps[0].reason == "loaded, but its file is no longer there"
        (tmp_path / "away").rename(path)


def test_another_system_is_searched_without_what_belongs_to_this_process() -> None:
    model = LoaderModel(system_dirs=())
    with pytest.raises(NotFound) as caught:
        find("z", model=model)
    assert caught.value.trace is not None
    assert not any(step.rule == "already-loaded" for step in caught.value.trace.steps)


def test_a_path_is_looked_at_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "libx.so").touch()
    trace = find(tmp_path / "x")
    assert trace.path == str(tmp_path / "libx.so")
    assert [step.outcome for step in trace.steps] == [StepOutcome.ABSENT] * 3 + [StepOutcome.TAKEN]
    with pytest.raises(NotFound, match="There is no such file"):
        find(tmp_path / "y")
    with pytest.raises(NotFound):
        find(tmp_path / "libx.so" / "deeper.so")


def test_finding_starts_no_program_and_loads_nothing(compile_library: Compile) -> None:
    code = """
    import sys
    from loadstone.library import find
    from loadstone.errors import NotFound
    seen = []
    sys.addaudithook(lambda event, _: seen.append(event) if event in
                     ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork", "ctypes.dlopen") else None)
    find("sqlite3")
    try: find("nothing-of-that-name")
    except NotFound: pass
    print([e for e in seen if e != "ctypes.dlopen"], "libsqlite3" in open("/proc/self/maps").read())
    """
    assert run_child(code) == "[] False"


@pytest.mark.parametrize("kind", ["musl", "dyld"])
def test_systems_whose_loader_is_not_simulated_are_searched_by_directories(
    kind: str, compile_library: Compile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from loadstone.linker import LoaderKind

    shutil.copy(compile_library("int x;", "libfoo.so"), tmp_path / "libfoo.so")
    model = LoaderModel(kind=LoaderKind(kind))
    started(monkeypatch, str(tmp_path))
    assert find("foo", model=model).path == str(tmp_path / "libfoo.so")
    with pytest.raises(NotFound):
        find("bar", model=model)


def test_runtime_names_know_each_platform() -> None:
    assert runtime_names("x", None, Platform.MACOS).best_of(["libx.1.2.dylib", "libx.2.dylib"]) == (
        "libx.2.dylib",
        "libx.1.2.dylib",
    )
    assert not runtime_names("x", "1", Platform.LINUX)
    assert not runtime_names("x", None, Platform.WINDOWS)
    assert not runtime_names("libx.so.1", None, Platform.LINUX)


def test_nearest_names_are_those_somebody_may_have_meant() -> None:
    names = ["sqlite3_open", "sqlite3_open_v2", "sqlite3_close", "Crc32"]
    assert nearest("sqlite3_opne", names)[0] == "sqlite3_open"
    assert nearest("crc32", names) == ("Crc32",)
    assert nearest("sqlite3_op", names)[:1] == ("sqlite3_open",)
    assert nearest("zzz", names) == ()


def test_search_never_uses_the_search_path_for_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "libonpath.so").touch()
    with pytest.raises(NotFound):
        find("onpath")


def test_python_itself_may_be_outside_the_system_prefix() -> None:
    assert os.path.isabs(sys.prefix)
    assert find("c").path
