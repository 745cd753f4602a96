"""The workshop the linker cases are built in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.built import build
from tests.conftest import needed
from tests.linker.whole_answers import check_answer
from tests.linker.workshop import HOST_SOURCE, Workshop

from loadstone.core.trace import Explanation
from loadstone.linker import simulators


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that opens what it is told to."""
    place = tmp_path_factory.mktemp("host") / "host"
    build([needed("gcc"), "-x", "c", "-", "-o", str(place)], place, HOST_SOURCE)
    place.parent.parent.chmod(0o755)
    place.parent.chmod(0o755)
    return place


@pytest.fixture
def workshop(tmp_path: Path, host: Path) -> Workshop:
    """An empty folder and the tools to fill it, alone in its own: advice looks into the environments beside one."""
    folder = tmp_path / "shop"
    folder.mkdir()
    return Workshop(folder, host)


@pytest.fixture(autouse=True)
def whole_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a test asks, the whole answer is looked at, and not only what the test is about."""
    for function in ("explain_glibc", "walk"):
        monkeypatch.setattr(simulators, function, _checked(getattr(simulators, function)))


def _checked(original: Callable[..., Explanation]) -> Callable[..., Explanation]:
    def asked(name: str, *arguments: Any, **options: Any) -> Explanation:
        answer = original(name, *arguments, **options)
        check_answer(name, answer)
        return answer

    return asked
