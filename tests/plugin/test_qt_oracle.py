"""Every plugin of Qt's own wheels: what Qt says of it in a child, what we read, and the same across systems."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tests.tools import needed, unavailable
from tests.wheels import members, wheel

from loadstone.plugin import Plugin, catalog

pytestmark = pytest.mark.real

ASK = """
import json, sys
from PySide6.QtCore import QPluginLoader
print(json.dumps({path: QPluginLoader(path).metaData() for path in sys.stdin.read().split("\\n") if path}))
"""


def plugin_folder(package: str) -> Path:
    needed("libglib-2.0.so.0")
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        message = f"{package} is not installed"
        unavailable(package, message)
    return Path(next(iter(spec.submodule_search_locations))) / ("Qt/plugins" if package == "PySide6" else "Qt6/plugins")


def test_what_we_read_is_what_qt_says_of_each_of_its_plugins() -> None:
    found = catalog(plugin_folder("PySide6"))
    assert len(found.plugins) >= 20
    assert found.rejected == ()
    asked = subprocess.run(
        [sys.executable, "-c", ASK],
        input="\n".join(p.path for p in found.plugins),
        capture_output=True,
        text=True,
        check=True,
    )
    said: dict[str, Any] = json.loads(asked.stdout)
    for plugin in found.plugins:
        assert plugin.metadata is not None
        assert json.loads(json.dumps(plugin.metadata.qt_json(), default=dict)) == said[plugin.path]
        assert plugin.problems == ()


def plugins_of(platform: str, folder: Path) -> dict[str, Plugin]:
    """The image format plugins of a system's wheel, by class name."""
    made = {}
    for name, content in members(wheel("PyQt6-Qt6", "6.11.2", platform), ".dll", ".dylib"):
        if "/plugins/imageformats/" in name:
            path = folder / Path(name).name
            path.write_bytes(content)
            plugin = Plugin(path)
            assert plugin.class_name, plugin.problems
            made[plugin.class_name] = plugin
    return made


@pytest.mark.slow
def test_the_same_plugin_says_the_same_on_every_system(tmp_path: Path) -> None:
    (tmp_path / "windows").mkdir()
    (tmp_path / "macos").mkdir()
    windows = plugins_of("win_amd64", tmp_path / "windows")
    macos = plugins_of("macosx_11_0_arm64", tmp_path / "macos")
    shared = windows.keys() & macos.keys()
    assert len(shared) >= 5
    for name in shared:
        one, other = windows[name], macos[name]
        assert (one.iid, dict(one.data), one.qt_version) == (other.iid, dict(other.data), other.qt_version)
        assert one.problems == other.problems == ()
