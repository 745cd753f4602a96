"""Every case, asked of the real loader in a child and of us: verdict, words, files chosen, paths tried, in order."""

from __future__ import annotations

import os
import re

import pytest
from tests.linker.cases import (  # noqa: F401  importing registers the cases
    files,
    inheritance,
    mapped,
    names,
    namespaces,
    order,
    programs,
    symbols,
)
from tests.linker.workshop import CASES, Question, Workshop, loads, may_mount, our_loaded, our_tried


@pytest.mark.parametrize("name", CASES)
def test_the_loader_does_what_we_say(name: str, workshop: Workshop) -> None:
    question = CASES[name](workshop)
    if os.geteuid() and question.uid is not None:
        pytest.skip("only root can become another user")
    if question.mount and not may_mount():
        pytest.skip("no mounts and no user namespaces here")
    agree(workshop, question)


def agree(workshop: Workshop, question: Question) -> None:
    """Fail unless the real loader and we say the same to a question."""
    truth = workshop.truth(question)
    answer = workshop.answer(question)

    codes = [d.code for d in answer.diagnoses]
    assert loads(answer) == truth.loads, (truth, codes)
    first = answer.first_blocking
    if not truth.loads and question.message_matters:
        assert first is not None
        assert first.loader_message == re.sub(r" dl-\w+\.c: \d+:", "", truth.message)  # the line is the release's own
    if not question.order_matters:
        return
    if truth.loads and not question.program:
        assert our_loaded(answer) == truth.loaded
    ours = our_tried(answer)
    assert ours[: len(truth.tried)] == truth.tried
    assert truth.loads is False or len(ours) == len(truth.tried)
