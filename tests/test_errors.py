from __future__ import annotations

import errno
import os
import pickle
from pathlib import Path

import pytest

from loadstone import errors
from loadstone.core.trace import Diagnosis, Explanation, LoadVerdict, SearchStep, StepOutcome, Trace
from loadstone.errors import Attempt, Holder, LoadstoneError

SAMPLES: tuple[LoadstoneError, ...] = (
    errors.LoadstoneError(advice="try again"),
    errors.InvalidName(name="a\0b", reason="it has a NUL in it"),
    errors.InvalidPrototype(text="int f(", reason="no closing parenthesis", line=1, column=7),
    errors.InvalidQuery(question="cycels", reason="no such question"),
    errors.InvalidConfiguration(path="pyproject.toml", reason="no such setting"),
    errors.NotFound(name="x", trace=Trace("x", (SearchStep("default", "/lib/libx.so", StepOutcome.ABSENT),))),
    errors.Unreadable(path="/x", reason="Permission denied", code=13),
    errors.Unwritable(path="/x", reason="Read-only file system"),
    errors.MalformedImage(what="a text file", offset=0, path="/x"),
    errors.TooLarge(path="/x", what="more than 10 members"),
    errors.NotVerified(path="/x", requirement="digest", expected="aa", actual="bb"),
    errors.LoadFailed(name="x", system_text="boom\x1b[2J", attempts=(Attempt("/x", None, "boom"),)),
    errors.SymbolNotFound(symbol="crc23", library="libz", nearest=("crc32",)),
    errors.WrongSymbolKind(symbol="optind", library="libc", wanted="function", actual="object"),
    errors.InUse(library="libz", holders=(Holder("function", "crc32"),)),
    errors.Closed(library="libz"),
    errors.Unsupported(feature="namespaces", reason="not on this system"),
    errors.ProbeFailed(reason="no child", missing=("landlock",)),
)


@pytest.mark.parametrize("error", SAMPLES, ids=lambda e: type(e).__name__)
def test_every_error_is_a_loadstone_error_with_a_printable_message_and_survives_pickling(error: LoadstoneError) -> None:
    assert isinstance(error, LoadstoneError)
    assert str(error).isprintable()
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again).keys() == vars(error).keys()


def test_every_error_of_the_tree_has_a_sample() -> None:
    exported = {getattr(errors, name) for name in errors.__all__}
    kinds = {kind for kind in exported if issubclass(kind, LoadstoneError)}
    assert kinds == {type(sample) for sample in SAMPLES}
    assert errors.__doc__ is not None
    assert all(kind.__name__ in errors.__doc__ for kind in kinds)


@pytest.mark.parametrize(
    ("kind", "base"),
    [
        (errors.InvalidName, ValueError),
        (errors.InvalidPrototype, ValueError),
        (errors.NotFound, OSError),
        (errors.Unreadable, OSError),
        (errors.NotVerified, OSError),
        (errors.LoadFailed, OSError),
        (errors.SymbolNotFound, AttributeError),
    ],
)
def test_errors_can_be_caught_as_what_python_programs_expect(kind: type[Exception], base: type[Exception]) -> None:
    assert issubclass(kind, base)


@pytest.mark.parametrize(
    ("error", "code", "filename"),
    [
        (errors.NotFound(name="x"), errno.ENOENT, "x"),
        (errors.Unreadable(path="/x", reason="Permission denied", code=13), errno.EACCES, "/x"),
        (errors.Unreadable(path="/x", reason="it is a directory"), errno.EIO, "/x"),
        (errors.NotVerified(path="/x", requirement="digest"), errno.EPERM, "/x"),
        (errors.LoadFailed(name="/x", system_text=f"/x: no: {os.strerror(errno.ENOENT)}"), errno.ENOENT, "/x"),
        (errors.LoadFailed(name="/x", system_text="file too short"), errno.ENOEXEC, "/x"),
        (errors.LoadFailed(name="/x", system_text="words", code=5), 5, "/x"),
    ],
    ids=repr,
)
def test_what_programs_ask_an_oserror_for_is_there(error: OSError, code: int, filename: str) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (error.errno, error.filename) == (again.errno, again.filename) == (code, filename)


def test_a_failed_load_leads_with_the_systems_words_and_adds_the_reason() -> None:
    diagnosis = Diagnosis(code="dep-not-found", blocking=True, subject="libb.so", explanation="liba.so needs libb.so")
    explanation = Explanation(target="liba.so", verdict=LoadVerdict.FAILS, diagnoses=(diagnosis,))
    error = errors.LoadFailed(name="a", system_text="cannot open shared object file", explanation=explanation)
    assert str(error) == ("cannot load 'a' (open): cannot open shared object file; because liba.so needs libb.so")


def test_advice_follows_what_happened() -> None:
    error = errors.NotFound(name="x", advice="install libx1")
    assert str(error) == "cannot find the library 'x'. Install libx1"


def test_the_reference_lists_every_error_with_its_fields() -> None:
    rows = {}
    for line in (Path(__file__).parents[1] / "docs/reference/errors.md").read_text().splitlines():
        if line.startswith("| `"):
            name, bases, told = (cell.strip() for cell in line.split("|")[1:4])
            rows[name.strip("`")] = (bases.strip("`"), told.replace("`", "").split())
    for sample in SAMPLES:
        kind = type(sample)
        if kind is LoadstoneError:
            continue
        builtin = [base.__name__ for base in (OSError, ValueError, AttributeError) if issubclass(kind, base)]
        assert rows.pop(kind.__name__) == ("".join(builtin), [name for name in kind.field_names if name != "advice"])
    assert not rows
