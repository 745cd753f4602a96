"""Pages as programs: the blocks of a page, and a scratch folder to run them in as a reader would."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

__all__ = ["ROOT", "Block", "Session", "blocks_of", "commands", "not_said"]

ROOT = Path(__file__).parent.parent


class Block(NamedTuple):
    """One block of code: its language, the file name it has, and its text."""

    language: str
    title: str
    text: str


def blocks_of(page: Path) -> list[Block]:
    """Every block of a page that has a language, in order."""
    found = re.findall(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```', page.read_text(), re.DOTALL | re.MULTILINE)
    return [Block(*groups) for groups in found]


def commands(block: str) -> Iterator[tuple[str, str]]:
    """(command, output shown below it) of every `$ ` line."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output.rstrip()


def _shape(text: str) -> str:
    """What must stay the same on every machine: words, but no numbers, addresses, paths of this system or spacing."""
    text = re.sub(r"0x[0-9a-f]+|[0-9a-f]{16,}", "#", text)
    return " ".join(re.sub(r"\d[\d,.]*", "#", text).split())


def not_said(output: str, said: str) -> list[str]:
    """The lines a page shows that the program did not print."""
    shown = _shape(said)
    return [line for line in output.splitlines() if line.strip() != "..." and _shape(line) not in shown]


@dataclass
class Session:
    """A reader's terminal: a folder, the programs of this environment, and the Python typed so far."""

    folder: Path
    environment: dict[str, str]
    typed: str = ""
    statuses: tuple[int, ...] = (0, 1)

    @classmethod
    def within(cls, folder: Path, typed: str = "", statuses: tuple[int, ...] = (0, 1)) -> Session:
        """A new one below ``folder``, with that Python typed; commands may end with ``statuses``."""
        (folder / "bin").mkdir()
        for name, words in (("python", ""), ("loadstone", " -m loadstone")):
            program = folder / "bin" / name
            program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)}{words} "$@"\n')
            program.chmod(0o755)
        place = folder / "session"
        place.mkdir()
        environment = os.environ | {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "NO_COLOR": "1"}
        return cls(place, environment | {"XDG_CACHE_HOME": str(folder / "cache")}, typed, statuses)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One program in the folder."""
        return subprocess.run(
            words, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False, timeout=300
        )

    def command(self, line: str, output: str = "") -> None:
        """One line of a shell; a command of ours may have findings, and says what the page shows."""
        done = self.run("bash", "-c", line)
        allowed = self.statuses if line.startswith(("loadstone ", "python ")) else (0,)
        assert done.returncode in allowed, f"{line}\n{done.stdout}{done.stderr}"
        missing = not_said(output, (done.stdout + done.stderr).replace(str(self.folder), "/srv/app"))
        assert not missing, f"{line}\nnot in the output: {missing}\n{done.stdout}{done.stderr}"

    def read(self, block: Block) -> None:
        """Do with a block what its reader would: save it, or run it. A page's Python is one program."""
        if block.title:
            (self.folder / block.title).write_text(block.text)
        elif block.language == "python":
            self.typed += block.text
            done = self.run("python", "-c", self.typed)
            assert done.returncode == 0, f"{block.text}\n{done.stderr}"
        elif block.language == "console":
            for line, output in commands(block.text):
                self.command(line, output)
        elif block.language == "sh":
            for line in block.text.splitlines():
                if not line.startswith("#"):
                    self.command(line)
