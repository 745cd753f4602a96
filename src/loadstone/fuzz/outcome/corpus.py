"""The folder of a campaign, laid out so that AFL++ and libFuzzer read it too.

``corpus/<sha1>`` one input a file; ``crashes/<kind>-<stackhash>/{input, sequence/, repro.py, report.json}`` (and the
hooks, for a failed check);
``dict.txt``; ``state.json``. A campaign started again on the same folder begins with the inputs it has.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from shutil import rmtree
from typing import Any, Final, Self

import msgspec

from loadstone.core.fuzzing import FuzzFinding, FuzzProgress
from loadstone.errors import Unreadable, Unwritable
from loadstone.files import read_bytes, try_lock
from loadstone.fuzz.outcome.reproducer import script
from loadstone.fuzz.plan import Campaign
from loadstone.fuzz.records import KINDS

__all__ = ["CampaignStatus", "Folder", "campaign_status", "dictionary", "input_name", "inputs_in"]

_INPUT_FOLDERS: Final = ("corpus", "queue", "crashes", "default/queue", "default/crashes")
_LOCK: Final = ".lock"
_MAX_INPUTS: Final = 50_000
_MAX_INPUT: Final = 1 << 20
_FOLDER_OF: Final = {kind: kind.replace(" ", "-").lower() for kind in KINDS}
"""A finding's kind as part of a path: one of ours, whatever the child said."""


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
    """A campaign's folder, made if it is missing. Raises :class:`Unwritable` when that cannot be.

    ``sha256`` is the digest of the library as it was read for the campaign: a build since then is another one. What
    cannot be written while it runs (the disk is full) does not end the campaign; ``trouble`` says the first such thing.
    """

    def __init__(self, path: str, sha256: str = "") -> None:
        self.path: Path = Path(path)
        self.trouble: str = ""
        self._sha256 = sha256
        try:
            (self.path / "corpus").mkdir(parents=True, exist_ok=True)
            (self.path / "crashes").mkdir(exist_ok=True)
        except OSError as error:
            raise Unwritable(path=path, reason=error.strerror or str(error), advice="choose another --out") from error

    @contextmanager
    def reserved(self) -> Iterator[Self]:
        """The folder is another campaign's in no part of the block.

        Raises :class:`Unwritable` where it is already, or nothing can be written there. A lock ends with its process.
        """
        path = str(self.path)
        try:
            lock = open(self.path / _LOCK, "ab")  # noqa: SIM115 - closed below
        except OSError as error:
            raise Unwritable(path=path, reason=error.strerror or str(error), advice="choose another --out") from error
        with lock:
            if not try_lock(lock):
                advice = "wait for it, choose another --out, or give one campaign several workers (--jobs)"
                raise Unwritable(path=path, reason="another campaign runs there", advice=advice)
            yield self

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._note(error)

    def _note(self, error: OSError) -> None:
        self.trouble = self.trouble or f"not all of it could be written: {error.strerror or error}"

    def inputs(self) -> tuple[bytes, ...]:
        """The inputs there are."""
        return inputs_in(self.path)

    def corpus(self) -> tuple[bytes, ...]:
        """The inputs there are, those that crash left out."""
        return tuple(read_bytes(file, _MAX_INPUT) for file in sorted((self.path / "corpus").iterdir()))

    def save_input(self, data: bytes) -> None:
        """Keep an input that reached something new."""
        with self._writing():
            (self.path / "corpus" / input_name(data)).write_bytes(data)

    def first_sight(self, found: FuzzFinding, campaign: Campaign) -> None:
        """Write a finding that is not confirmed yet, unless an earlier campaign has it."""
        if not self._home(found).exists():
            self.save_finding(found, campaign)

    def _home(self, found: FuzzFinding) -> Path:
        return self.path / "crashes" / f"{_FOLDER_OF[found.kind]}-{found.stack_hash}"

    def save_finding(self, found: FuzzFinding, campaign: Campaign) -> FuzzFinding:
        """Write a finding with its reproducer; the finding that knows its folder is returned, if there is one."""
        saved = replace(found, folder=str(self._home(found)))
        try:
            self._write(saved, campaign)
        except OSError as error:
            self._note(error)
            return found
        return saved

    def _write(self, found: FuzzFinding, campaign: Campaign) -> None:
        home = self._home(found)
        rmtree(home, ignore_errors=True)  # what was written before it was confirmed
        home.mkdir(parents=True)
        (home / "input").write_bytes(found.inputs[-1])
        if len(found.inputs) > 1:
            (home / "sequence").mkdir(exist_ok=True)
            for number, data in enumerate(found.inputs):
                (home / "sequence" / f"{number:04}").write_bytes(data)
        if found.kind == "check":
            (home / "hooks.py").write_bytes(Path(campaign.hooks).read_bytes())
        (home / "repro.py").write_text(script(found, campaign, self._sha256), encoding="utf-8")
        (home / "report.json").write_text(json.dumps(asdict(found), default=_hex, indent=2) + "\n", encoding="utf-8")

    def keep_only(self, inputs: Collection[bytes]) -> None:
        """Remove every input of the corpus but these."""
        names = {input_name(data) for data in inputs}
        for file in (self.path / "corpus").iterdir():
            if file.is_file() and file.name not in names:
                file.unlink()
        for data in inputs:
            self.save_input(data)

    def keep_findings(self, seen: Iterable[str], kept: Sequence[FuzzFinding], campaign: Campaign) -> list[FuzzFinding]:
        """Write the confirmed findings, and drop what was written of those ``seen`` that turned out to be others."""
        saved = [self.save_finding(found, campaign) for found in kept]
        homes = {found.folder for found in saved}
        for home in (self.path / "crashes").iterdir():
            if home.name.endswith(tuple(seen)) and str(home) not in homes:
                rmtree(home)
        return saved

    def save_status(self, now: FuzzProgress, *, running: bool) -> None:
        """How far the campaign is, for ``loadstone fuzz --status``."""
        status = {"running": os.getpid() if running else 0, "written": time.time(), **asdict(now)}
        made = self.path / ".status.json"
        with self._writing():
            made.write_text(json.dumps(status) + "\n", encoding="utf-8")
            made.replace(self.path / "status.json")

    def save_state(self, campaign: Campaign, runs: int, words: Iterable[bytes]) -> None:
        """What the campaign was, for those who open the folder later, and its dictionary."""
        state = {"library": campaign.library, "prototype": campaign.prototype, "seed": campaign.seed, "runs": runs}
        with self._writing():
            (self.path / "dict.txt").write_text(dictionary(words), encoding="ascii")
            (self.path / "state.json").write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")


def _hex(value: Any) -> str:
    assert isinstance(value, bytes)
    return value.hex()


def campaign_status(path: Path) -> CampaignStatus:
    """How far the campaign of a folder is, or was when it ended.

    Raises:
        Unreadable: there is no campaign, or none that says how far it is.
    """
    try:
        found = msgspec.json.decode((path / "status.json").read_bytes(), type=_Status)
    except (OSError, msgspec.MsgspecError) as error:
        raise Unreadable(
            path=str(path), reason=f"it holds no campaign ({error})", advice="Give the folder of --out."
        ) from error
    kept = sum(1 for home in (path / "crashes").glob("*") if home.is_dir())
    progress = FuzzProgress(
        seconds=found.seconds,
        runs=found.runs,
        blocks=found.blocks,
        blocks_total=found.blocks_total,
        corpus=found.corpus,
        findings=kept if found.confirmed is None else found.findings,
        since_new_s=found.since_new_s,
        confirmed=found.confirmed,
    )
    lives = bool(found.running) and Path(f"/proc/{found.running}").exists()
    return CampaignStatus(progress, running=lives, ended_early=bool(found.running) and not lives)


class _Status(msgspec.Struct):
    running: int
    written: float
    seconds: float
    runs: int
    blocks: int
    blocks_total: int
    corpus: int
    since_new_s: float
    findings: int = 0
    confirmed: int | None = None


@dataclass(frozen=True, slots=True)
class CampaignStatus:
    """``running`` now, or ended; ``ended_early`` where it was killed and said nothing."""

    progress: FuzzProgress
    running: bool
    ended_early: bool
