"""Draw ``explained.svg``: a Python import that fails, explained and fixed, from a real run in a scratch folder.

``python docs/pictures/make.py`` needs a C compiler and patchelf. The words are what the programs printed; only the
typing is ours.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

PICTURE = Path(__file__).with_name("explained.svg")
SOURCES = {
    "depth.c": "int depth(void) { return 3; }\n",
    "codec.c": "int depth(void); int codec(void) { return depth() + 1; }\n",
}
BUILD = """
mkdir deep
cc -shared -fPIC depth.c -Wl,-soname,libdepth.so.1 -o deep/libdepth.so.1
cc -shared -fPIC codec.c deep/libdepth.so.1 -o libcodec.so
"""
SHOWN = (
    ("python -c 'import ctypes; ctypes.CDLL(\"./libcodec.so\")'", -1, 1),
    ("loadstone explain ./libcodec.so", 0, 5),
    ("patchelf --set-rpath '$ORIGIN/deep' ./libcodec.so", 0, 0),
    ("loadstone explain ./libcodec.so", 0, 2),
)
"""Command, first line of its output and how many lines from there are drawn."""


def run(command: str, folder: str) -> list[str]:
    """What a command prints, on both channels."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "NO_COLOR": "1"}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, check=False,
    )  # fmt: skip
    return done.stdout.splitlines()


def main() -> None:
    console = Console(record=True, width=110, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115
    with tempfile.TemporaryDirectory() as folder:
        for name, text in SOURCES.items():
            (Path(folder) / name).write_text(text)
        run(BUILD, folder)
        for command, first, count in SHOWN:
            console.print(Text(f"$ {command}", style="bold"))
            output = run(command, folder)
            for line in output[first:][:count]:
                bad = "does not load" in line or "Error" in line
                good = line.endswith(": loads")
                console.print(Text(line, style="red" if bad else "green" if good else ""))
    svg = console.export_svg(title="loadstone", theme=MONOKAI, unique_id="explained")
    fonts = svg.index("@font-face"), svg.rindex("}", 0, svg.index(".explained-matrix"))
    PICTURE.write_text(svg[: fonts[0]] + svg[fonts[1] + 1 :])  # the reader's own fonts: nothing is fetched


if __name__ == "__main__":
    main()
