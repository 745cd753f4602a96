"""A file the loader would trust although it is damaged: the question is left open, and the answer says why."""

from __future__ import annotations

from pathlib import Path

from tests.linker.workshop import Workshop

from loadstone.core.trace import LoadVerdict
from loadstone.linker import explain


def test_a_file_one_byte_short_in_the_middle_is_undecided(workshop: Workshop) -> None:
    path = workshop.library("liba.so", "extern int wanted(void); int a(void){return wanted();}")
    data = Path(path).read_bytes()
    at = data.index(b"wanted") + 2
    Path(path).write_bytes(data[:at] + data[at + 1 :])
    answer = explain(path)
    assert answer.verdict is LoadVerdict.UNKNOWN, answer.diagnoses
    assert "is damaged" in answer.assumptions[0]
