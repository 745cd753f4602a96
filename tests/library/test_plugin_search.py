from __future__ import annotations

from pathlib import Path

import pytest

from loadstone.errors import InvalidName, NotFound
from loadstone.library.search.plugins import find_plugin, library_paths


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    (tmp_path / "imageformats").mkdir()
    (tmp_path / "imageformats" / "libjpeg.so").touch()
    (tmp_path / "plain").touch()
    return tmp_path


def test_the_first_regular_file_wins_as_given_before_decorated(plugins: Path) -> None:
    paths = library_paths(plugins)
    assert find_plugin("imageformats/jpeg", paths).path == str(plugins / "imageformats" / "libjpeg.so")
    assert find_plugin("plain", paths).path == str(plugins / "plain")
    tried = [step.candidate.rpartition("/")[2] for step in find_plugin("imageformats/jpeg", paths).steps]
    assert tried == ["jpeg", "jpeg.so", "libjpeg", "libjpeg.so"]


def test_an_absolute_name_stands_for_itself(plugins: Path) -> None:
    link = plugins / "link.so"
    link.symlink_to(plugins / "plain")
    assert find_plugin(link, ()).path == str(plugins / "plain")
    with pytest.raises(NotFound):
        find_plugin(plugins / "imageformats", ())


def test_the_current_directory_is_not_searched(plugins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(plugins)
    monkeypatch.setenv("LOADSTONE_PLUGIN_PATH", ".:")
    assert library_paths(".") == ()
    with pytest.raises(NotFound, match="library paths"):
        find_plugin("plain", library_paths())


@pytest.mark.parametrize("name", ["../plain", "imageformats/../plain", "imageformats/", "."])
def test_a_name_cannot_lead_out_of_the_library_paths(plugins: Path, name: str) -> None:
    with pytest.raises(NotFound):
        find_plugin(name, library_paths(plugins / "imageformats"))


def test_an_empty_name_is_refused() -> None:
    with pytest.raises(InvalidName):
        find_plugin("", ())


def test_library_paths_are_the_variable_then_the_hosts_own_each_once(
    plugins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, open_to_all, gone = tmp_path / "imageformats", tmp_path / "open", tmp_path / "gone"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    monkeypatch.setenv("QT_PLUGIN_PATH", f"{first}:{open_to_all}:{gone}:{first}/.")
    assert library_paths(tmp_path, variable="QT_PLUGIN_PATH") == (str(first), str(tmp_path))
