"""The folder of a campaign, laid out so that AFL++ and libFuzzer read it too.

``corpus/<sha1>`` one input a file; ``crashes/<kind>-<stackhash>/{input, sequence/, repro.py, report.json}`` (and the
hooks, for a failed check);
``dict.txt``; ``state.json``. A campaign started again on the same folder begins with the inputs it has.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from loadstone.core.fuzzing import FuzzFinding
from loadstone.errors import Unreadable, Unwritable
from loadstone.files import read_bytes
from loadstone.fuzz.outcome.reproducer import script
from loadstone.fuzz.plan import Campaign
from loadstone.fuzz.records import KINDS

__all__ = ["Folder", "dictionary", "input_name", "inputs_in"]

_INPUT_FOLDERS: Final = ("corpus", "queue", "crashes", "default/queue", "default/crashes")
_MAX_INPUTS: Final = 50_000
_MAX_INPUT: Final = 1 << 20
_FOLDER_OF: Final = {kind: kind.replace(" ", "-").lower() for kind in KINDS}
"""A finding's kind as part of a path: of ours, whoever said what the kind is."""


def inputs_in(path: Path) -> tuple[bytes, ...]:
    """The inputs of a folder, by name: its own files, or a corpus of ours, AFL++'s or libFuzzer's, crashes included.

    Raises :class:`Unreadable` when there is no such folder. Files larger than 1 MiB are left out.
    """
    if not path.is_dir():
        raise Unreadable(path=str(path), reason="it is not a folder", advice="Give a folder with one input a file.")
    folders = [path / name for name in _INPUT_FOLDERS]
    found = [folder for folder in folders if folder.is_dir()] or [path]
    return tuple(
        read_bytes(file, _MAX_INPUT)
        for folder in found
        for file in sorted(folder.glob("*"))[:_MAX_INPUTS]
        if file.is_file() and file.name != "README.txt" and file.stat().st_size <= _MAX_INPUT
    )


def input_name(data: bytes) -> str:
    """The name of an input's file: its SHA-1, as libFuzzer names them."""
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def dictionary(words: Iterable[bytes]) -> str:
    """Words as AFL++ and libFuzzer read them: one a line, quoted, every byte in hexadecimal."""
    return "".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in words)


class Folder:
    """A campaign's folder, made if it is missing. Raises :class:`Unwritable` when that cannot be."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        try:
            (self.path / "corpus").mkdir(parents=True, exist_ok=True)
            (self.path / "crashes").mkdir(exist_ok=True)
        except OSError as error:
            raise Unwritable(path=path, reason=error.strerror or str(error), advice="choose another --out") from error

    def inputs(self) -> tuple[bytes, ...]:
        """The inputs there are."""
        return inputs_in(self.path)

    def save_input(self, data: bytes) -> None:
        """Keep an input that reached something new."""
        (self.path / "corpus" / input_name(data)).write_bytes(data)

    def save_finding(self, found: FuzzFinding, campaign: Campaign) -> FuzzFinding:
        """Write a finding with its reproducer; the finding that knows its folder is returned."""
        home = self.path / "crashes" / f"{_FOLDER_OF[found.kind]}-{found.stack_hash}"
        home.mkdir(parents=True, exist_ok=True)
        (home / "input").write_bytes(found.inputs[-1])
        if len(found.inputs) > 1:
            (home / "sequence").mkdir(exist_ok=True)
            for number, data in enumerate(found.inputs):
                (home / "sequence" / f"{number:04}").write_bytes(data)
        if found.kind == "check":
            (home / "hooks.py").write_bytes(Path(campaign.hooks).read_bytes())
        saved = replace(found, folder=str(home))
        (home / "repro.py").write_text(script(saved, campaign), encoding="utf-8")
        (home / "report.json").write_text(json.dumps(asdict(saved), default=_hex, indent=2) + "\n", encoding="utf-8")
        return saved

    def save_state(self, campaign: Campaign, runs: int, words: Iterable[bytes]) -> None:
        """What the campaign was, for whoever opens the folder later, and its dictionary."""
        (self.path / "dict.txt").write_text(dictionary(words), encoding="ascii")
        state = {"library": campaign.library, "prototype": campaign.prototype, "seed": campaign.seed, "runs": runs}
        (self.path / "state.json").write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")


def _hex(value: Any) -> str:
    assert isinstance(value, bytes)
    return value.hex()
