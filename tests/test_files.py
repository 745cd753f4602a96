"""Whatever reads a file: what is no regular file, does not end or is nested for ever is a typed error, and soon."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from loadstone.errors import InvalidConfiguration, LoadstoneError, Unreadable
from loadstone.files import MAX_TEXT_FILE, open_regular, parse_toml, read_bytes, read_toml

SECONDS = 60  # far more than any of them takes; without a bound they never end


def _fifo(folder: Path, name: str) -> Path:
    os.mkfifo(folder / name)
    return folder / name


def _device(folder: Path, name: str) -> Path:
    (folder / name).symlink_to("/dev/zero")
    return folder / name


def _folder(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


def _endless(folder: Path, name: str) -> Path:
    with (folder / name).open("wb") as file:
        file.truncate(40 << 30)  # a hole: takes no room, and 40 GiB to read
    return folder / name


def _deep_json(folder: Path, name: str) -> Path:
    (folder / name).write_text("[" * 200_000)
    return folder / name


def _deep_toml(folder: Path, name: str) -> Path:
    (folder / name).write_text("a = " + "[" * 100_000)
    return folder / name


def _dots(folder: Path, name: str) -> Path:
    (folder / name).write_text(".".join("a" * 100_000) + " = 1\n")
    return folder / name


def _tables(folder: Path, name: str) -> Path:
    (folder / name).write_text("[" + ".".join('"q"' for _ in range(50_000)) + "]\n")
    return folder / name


ODD = [_fifo, _device, _folder, _endless, _deep_json, _deep_toml, _dots, _tables]
COMMANDS: dict[str, Callable[[str, str], list[str]]] = {
    "source": lambda odd, _good: ["review", odd],
    "baseline": lambda odd, good: ["review", good, "--baseline", odd],
    "config": lambda odd, good: ["review", good, "--config", odd],
    "verify": lambda odd, _good: ["verify", odd],
    "inspect": lambda odd, _good: ["inspect", odd],
    "explain": lambda odd, _good: ["explain", odd],
    "tree": lambda odd, _good: ["tree", odd],
    "probe": lambda odd, _good: ["probe", odd],
    "pin": lambda odd, _good: ["pin", odd],
}
SUFFIX = {"source": ".c", "baseline": ".sarif", "config": ".toml"}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "odd", [_fifo, *(pytest.param(make, marks=pytest.mark.slow) for make in ODD[1:])], ids=lambda make: make.__name__
)
def test_no_command_waits_or_breaks_down_over_an_odd_file(
    odd: Callable[[Path, str], Path], command: str, tmp_path: Path
) -> None:
    good = tmp_path / "good.c"
    good.write_text("int main(void) { return 0; }\n")
    path = odd(tmp_path, "odd" + SUFFIX.get(command, ""))
    done = subprocess.run(
        [sys.executable, "-m", "loadstone", *COMMANDS[command](str(path), str(good))],
        capture_output=True, text=True, check=False, timeout=SECONDS, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode in (0, 1, 2, 3), done.stderr
    assert "internal" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("make", [_fifo, _device, _folder])
def test_what_is_no_regular_file_is_not_opened(make: Callable[[Path, str], Path], tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="it is a "):
        open_regular(make(tmp_path, "odd"))


def test_what_is_read_whole_is_bounded(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="larger than"):
        read_bytes(_endless(tmp_path, "odd"), 1 << 20)
    assert MAX_TEXT_FILE < 1 << 30
    (tmp_path / "fits").write_bytes(b"x" * 100)
    assert len(read_bytes(tmp_path / "fits", 100)) == 100
    with pytest.raises(Unreadable, match=r"[Nn]o such"):
        read_bytes(tmp_path / "missing")
    with pytest.raises(Unreadable, match="null"):
        read_bytes("a\0b")


@pytest.mark.parametrize("make", [_deep_toml, _dots, _tables])
def test_settings_are_bounded_in_depth(make: Callable[[Path, str], Path], tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration):
        read_toml(make(tmp_path, "odd.toml"))


@pytest.mark.parametrize(
    "text",
    [
        'a = "' + "." * 500 + '"',
        "a = [" + "1.5, " * 500 + "]",
        "# " + "a." * 500,
        "[a.b.c]\nd.e = 1",
        "a = '" + "b." * 90 + "'",
    ],
)
def test_dots_that_make_no_key_are_no_matter(text: str) -> None:
    assert isinstance(json.dumps(parse_toml(text)), str)


def test_the_errors_are_of_our_tree() -> None:
    assert issubclass(Unreadable, LoadstoneError)
    assert issubclass(InvalidConfiguration, LoadstoneError)
