"""What the parsers are fuzzed with passes: every seed, every input that once broke one, and changes of both."""

from __future__ import annotations

from random import Random

import pytest
from fuzz.corpus import CORPUS, FOUND, inputs
from fuzz.parsers import PARSERS
from tests.scale import SCALE

_CHANGES = 40
_EDGES = (0x00, 0x01, 0x7F, 0x80, 0xFF)


def _changed(data: bytes, random: Random) -> bytes:
    """A few bytes set, or set to an edge, a piece repeated, or the end cut off."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(changed))
        size = random.choice((1, 1, 2, 4, 8))
        match random.randrange(4):
            case 0:
                changed[at] = random.randrange(256)
            case 1:
                changed[at : at + size] = bytes((random.choice(_EDGES),)) * size
            case 2:
                changed[at:at] = changed[at : at + 8 * size]
            case _:
                del changed[at + 1 :]
    return bytes(changed)


def test_every_parser_has_seeds_and_every_folder_a_parser() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} == set(PARSERS)
    assert {folder.name for folder in FOUND.iterdir()} <= set(PARSERS)


@pytest.mark.parametrize("name", PARSERS)
def test_no_committed_input_breaks_its_parser(name: str) -> None:
    for path in inputs(name):
        PARSERS[name](path.read_bytes())


@pytest.mark.parametrize("name", PARSERS)
def test_no_change_of_an_input_breaks_its_parser(name: str) -> None:
    for path in inputs(name):
        data, random = path.read_bytes(), Random(path.name)
        for _ in range(_CHANGES * SCALE):
            PARSERS[name](_changed(data, random))
