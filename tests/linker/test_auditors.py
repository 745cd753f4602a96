"""Audit libraries: what the real loader says of them on standard error, we say too; what they may do stays open."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest
from tests.linker.workshop import Workshop

from loadstone.core.trace import Diagnosis, Explanation, LoadVerdict
from loadstone.linker import LoaderModel, explain

VERSION = "unsigned la_version(unsigned v){return v;}"
REDIRECTS = VERSION + " char *la_objsearch(const char *n, void *c, unsigned f){return (char *)n;}"


def _answer(w: Workshop, program: str, auditor: str = "", **changes: object) -> Explanation:
    env = {"LD_AUDIT": auditor} if auditor else {}
    model = replace(LoaderModel.this_process(env=env), cwd=str(w.folder))
    return explain(program, model=replace(model, **changes), bindings=False)  # type: ignore[arg-type]


def _audits(answer: Explanation) -> list[Diagnosis]:
    return [d for d in answer.diagnoses if d.code.startswith("audit")]


def _said(w: Workshop, program: str, auditor: str = "") -> list[str]:
    env = {"LD_AUDIT": auditor} if auditor else {}
    done = subprocess.run([program], env=env, cwd=w.folder, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0
    return done.stderr.splitlines()


@pytest.mark.parametrize(
    "spelling",
    ["{0}/none.so", "none.so", "./none.so", "libz.so.1", "{0}/plain.so", "{0}/text.so", "{0}/needy.so", "a.so::./b.so"],
)
def test_an_auditor_that_cannot_be_one_is_ignored_in_the_loaders_words(w: Workshop, spelling: str) -> None:
    w.library("plain.so")
    w.library("gone/libb.so")
    w.library("needy.so", VERSION, needs=["gone/libb.so"])
    w.file("text.so", b"plain text, and long enough to be taken for a header\n" * 2)
    program, auditor = w.program("prog"), spelling.format(w.folder)
    answer = _answer(w, program, auditor)
    audits = _audits(answer)
    assert [d.loader_message for d in audits] == _said(w, program, auditor) != []
    assert {d.code for d in audits} == {"audit-ignored"}
    assert answer.verdict is LoadVerdict.LOADS_WITH_RISK


def test_an_auditor_that_is_named_by_the_program_counts_since_2_32(w: Workshop) -> None:
    missing = w.path("none.so")
    program = w.program("prog", "int main(void){return 0;}", f"-Wl,--audit={missing}")
    (found,) = _audits(_answer(w, program))
    assert [found.loader_message] == _said(w, program)
    (place,) = found.evidence
    assert (place.path, found.subject) == (program, missing)
    assert _audits(_answer(w, program, release=(2, 31))) == []


def test_an_auditor_that_only_watches_is_named_and_changes_nothing(w: Workshop) -> None:
    program, auditor = w.program("prog"), w.library("watch.so", VERSION, libc=True)
    assert _said(w, program, auditor) == []
    answer = _answer(w, program, auditor)
    assert [d.code for d in _audits(answer)] == ["audited"]
    assert answer.verdict is LoadVerdict.LOADS_WITH_RISK


@pytest.mark.parametrize("needs", [(), ("gone/libb.so",)])
def test_what_an_auditor_may_redirect_is_left_open(w: Workshop, needs: tuple[str, ...]) -> None:
    for need in needs:
        w.library(need)
    program, auditor = w.program("prog", needs=needs), w.library("redirect.so", REDIRECTS)
    answer = _answer(w, program, auditor)
    assert [d.code for d in _audits(answer)] == ["audit-redirects"]
    assert answer.verdict is LoadVerdict.UNKNOWN
    assert "la_objsearch" in answer.assumptions[0]


def test_more_auditors_than_there_are_namespaces_end_the_program(w: Workshop) -> None:
    program, many = w.program("prog"), [w.path(f"none{number}.so") for number in range(10_000)]
    assert len(_audits(_answer(w, program, ":".join(many[:12])))) == len(_said(w, program, ":".join(many[:12]))) == 12
    for count in (13, 1000):
        asked = {"LD_AUDIT": ":".join(many[:count])}
        done = subprocess.run([program], env=asked, capture_output=True, text=True, timeout=20, check=False)
        first = _answer(w, program, asked["LD_AUDIT"]).first_blocking
        assert first is not None
        assert (first.loader_message, done.returncode) == (done.stderr.strip(), 127)
    assert _answer(w, program, ":".join(many)).verdict is LoadVerdict.FAILS


def test_a_privileged_program_takes_no_auditor_by_path(w: Workshop) -> None:
    answer = _answer(w, w.program("prog"), w.library("watch.so", VERSION), secure=True)
    assert [(d.code, d.loader_message) for d in _audits(answer)] == [("audit-ignored", "")]


def test_an_auditor_watches_what_is_opened_as_well(w: Workshop) -> None:
    library, auditor = w.library("liba.so"), w.library("watch.so", VERSION)
    answer = _answer(w, library, auditor, main_image=str(w.host), caller=None)
    assert [d.code for d in _audits(answer)] == ["audited"]


@pytest.fixture
def w(workshop: Workshop) -> Workshop:
    """The workshop, by the short name the cases use."""
    return workshop
