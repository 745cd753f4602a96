"""What is kept of a program while rules ask about it is one value for all of them, and is let go of at the end."""

from __future__ import annotations

import gc
import weakref

from loadstone.review import frontends, ir, walk


class _Answer:
    """What a question gave, told apart by identity."""


@walk.kept
def _answer(_function: ir.Function) -> _Answer:
    return _Answer()


def test_a_question_of_a_function_is_worked_out_once() -> None:
    first, second = frontends.parse("a.c", b"void *a(void) { return dlopen(0, 1); }\nvoid b(void) { a(); }\n").functions
    assert _answer(first) is _answer(first)
    assert _answer(first) is not _answer(second)


def test_nothing_is_held_once_it_is_forgotten() -> None:
    (function,) = frontends.parse("a.c", b"void *a(void) { return dlopen(0, 1); }\n").functions
    kept = weakref.ref(_answer(function))
    walk.forget()
    gc.collect()
    assert kept() is None
