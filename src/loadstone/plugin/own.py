r"""Loadstone's own plugin metadata, for plugins that are not Qt's: a small JSON object in a note or a section.

The header ``loadstone_plugin.h``, shipped beside this file, has the macro that puts it there::

    #include <loadstone_plugin.h>
    LOADSTONE_PLUGIN("{\"iid\": \"org.example.Codec/2\", \"name\": \"flac\", \"data\": {\"rates\": [44100]}}");

On ELF it is a note (owner ``Loadstone``, type 1) in ``.note.loadstone``, which survives stripping because the loader
maps it; on PE a section ``.lodston`` and on Mach-O ``__TEXT,__loadstone``, where twelve bytes of magic introduce it.
The content is UTF-8 JSON, at most 64 KiB, ended by a NUL: ``iid`` (text, required), ``name`` (text), ``data`` (object).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from loadstone.escape import printable
from loadstone.plugin.cbor import Problem
from loadstone.quick_dataclass import dataclass

__all__ = ["MACHO_SECTION", "MAGIC", "NOTE_KIND", "NOTE_OWNER", "PE_SECTION", "OwnMetadata", "decode", "include_dir"]

NOTE_OWNER: Final = "Loadstone"
NOTE_KIND: Final = 1
PE_SECTION: Final = ".lodston"
MACHO_SECTION: Final = "__loadstone"
MAGIC: Final = b"LOADSTONE 1\0"
MAX_JSON: Final = 64 << 10


@dataclass(frozen=True, slots=True)
class OwnMetadata:
    """The three keys of the format, with everything wrong about them."""

    iid: str | None
    name: str | None
    data: dict[str, Any]
    problems: tuple[Problem, ...]


def include_dir() -> Path:
    """The folder with ``loadstone_plugin.h``, for a compiler's ``-I``."""
    return Path(__file__).parent / "include"


class _Refused(ValueError):
    """Control flow inside this module: JSON that is valid but not acceptable."""


def decode(body: bytes, offset: int) -> OwnMetadata | None:
    """Decode the content of the note or section; ``offset`` is its place in the file.

    None when a section does not begin with the magic. Never raises; damage becomes problems. Pure.
    """
    if body.startswith(MAGIC):
        body, offset = body[len(MAGIC) :], offset + len(MAGIC)
    text = body.partition(b"\0")[0]
    if not text:
        return None
    problems: list[Problem] = []
    if len(text) > MAX_JSON:
        return OwnMetadata(None, None, {}, (Problem(f"{len(text)} bytes of JSON, more than {MAX_JSON}", offset),))

    def no_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in pairs:
            if key in made:
                problems.append(Problem(f"the key {printable(key, 80)} again", offset))
            made[key] = value
        return made

    try:
        root = json.loads(text.decode(), object_pairs_hook=no_twice, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        problems.append(Problem("JSON that is not UTF-8", offset + error.start))
        root = {}
    except json.JSONDecodeError as error:
        problems.append(Problem(f"not JSON: {error.msg}", offset + error.pos))
        root = {}
    except (_Refused, RecursionError, ValueError) as error:
        problems.append(Problem(f"JSON that cannot be accepted: {error}", offset))
        root = {}
    if not isinstance(root, dict):
        problems.append(Problem("JSON that is not an object", offset))
        root = {}
    iid, name, data = root.get("iid"), root.get("name"), root.get("data", {})
    if not isinstance(iid, str) or not iid:
        problems.append(Problem("no interface identifier: the key iid must be a text", offset))
    if not isinstance(data, dict):
        problems.append(Problem("the key data must be an object", offset))
    return OwnMetadata(
        iid if isinstance(iid, str) else None,
        name if isinstance(name, str) else None,
        data if isinstance(data, dict) else {},
        tuple(problems),
    )


def _refuse_constant(word: str) -> float:
    raise _Refused(f"{word} is not JSON")
