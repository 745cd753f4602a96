"""How much is done for a file, counted and not timed: a review that became four times as slow is seen here."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType

import pytest

from loadstone.review import analyses
from loadstone.review.analyses.paths import explored
from loadstone.review.analyses.program import KnownFunction
from loadstone.review.analyses.record import Record
from loadstone.review.engine import Options, review

CORPUS = Path(__file__).parent / "corpus"

_LOADER = """
#include <dlfcn.h>
#include <stdio.h>

static FILE *log_file;
static int level;

void say(const char *text)
{
    if (log_file && level > 1)
        fprintf(log_file, "%s\\n", text);
}

int start(const char *name)
{
    void *handle = dlopen(name, RTLD_NOW);
    if (!handle) {
        say(dlerror());
        return -1;
    }
    int (*run)(void) = (int (*)(void))dlsym(handle, "run");
    int result = run ? run() : -1;
    dlclose(handle);
    return result;
}
"""
_BESIDE = """
int trace_{n}(const struct frame *frame, const char *path)
{{
    FILE *out = fopen(path, "w");
    if (!out)
        return -1;
    for (int i = 0; i < frame->count; i++) {{
        if (frame->kind[i] == {n})
            fprintf(out, "%d: %d\\n", i, frame->value[i]);
        else if (frame->kind[i] > {n})
            fprintf(out, "%d above\\n", i);
    }}
    fclose(out);
    return frame->count;
}}
"""
"""What any program has: it opens a file to write, and leads to no library."""


_MOST = 1000
"""Calls a line of small programs that handle libraries: there were 620 when this was written."""

_MOST_BESIDE = 3000
"""Calls a line of functions that do not, but open, read and write: there were 2,000, nearly all for lifetimes."""


def work(*paths: Path) -> int:
    """The calls of Python functions that a review takes."""
    made = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal made
        made += event == "call"

    names = [str(path) for path in paths]
    review(names, Options())  # what is read and imported once is there from here on
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        review(names, Options())
    finally:
        sys.setprofile(before)
    return made


def program(folder: Path, beside: int) -> Path:
    path = folder / f"with_{beside}.c"
    path.write_text(_LOADER + "".join(_BESIDE.format(n=n) for n in range(beside)), encoding="utf-8")
    return path


def test_only_what_is_near_a_library_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    followed: list[str] = []

    def noted(known: KnownFunction, *rest: object) -> Record:
        followed.append(known.function.name)
        return explored(known, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(analyses, "explored", noted)
    review([str(program(tmp_path, 30))], Options())
    assert sorted(followed) == ["start"]


def test_a_function_that_leads_to_no_library_costs_the_same_in_a_larger_file(tmp_path: Path) -> None:
    few, more, most = (work(program(tmp_path, beside)) for beside in (5, 15, 25))
    assert most - more <= 1.1 * (more - few)
    assert (most - more) / (10 * _BESIDE.count("\n")) <= _MOST_BESIDE


def test_the_work_for_a_line_has_a_bound() -> None:
    folders = [CORPUS / name for name in ("kinds_c", "more_c", "kinds_cpp", "more_cpp", "more_py")]
    lines = sum(path.read_text(encoding="utf-8").count("\n") for folder in folders for path in folder.rglob("*.*"))
    assert work(*folders) / lines <= _MOST
