"""The fleet's commands, as a person has them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from tests.conftest import Compile

from loadstone.cli.main import main

pytest.importorskip("duckdb")

USES_ZLIB = "extern int twice(int); int four(void) { return twice(2); }"


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, compile_library: Compile) -> str:
    """A store that tests read and do not change."""
    return scanned(tmp_path_factory.mktemp("read"), compile_library)


def scanned(place: Path, compile_library: Compile) -> str:
    """A store at ``place`` with one scan of two libraries, beside their folder."""
    folder = place / "libraries"
    folder.mkdir()
    base = compile_library("int twice(int x) { return 2 * x; }", "libtwice.so.1", "-Wl,-soname,libtwice.so.1")
    user = compile_library(USES_ZLIB, "libfour.so", "-Wl,-soname,libfour.so", str(base))
    for library in (base, user):
        (folder / library.name).write_bytes(library.read_bytes())
    store = str(place / "store")
    assert run("fleet", "scan", str(folder), "--store", store, "--workers", "1", "--name", "first") == 0
    return store


def test_a_scan_says_what_it_did_and_does_nothing_twice(
    tmp_path: Path, compile_library: Compile, capsys: pytest.CaptureFixture[str]
) -> None:
    store = scanned(tmp_path, compile_library)
    capsys.readouterr()
    folder = str(Path(store).parent / "libraries")
    words = ("fleet", "scan", folder, "--store", store, "--name", "second", "--workers", "1", "--format", "json")
    assert run(*words) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["inputs"], told["known"], told["tasks"]) == (2, 2, 0)
    assert told["snapshot"]["rows"]["files"] == 2


@pytest.mark.parametrize("form", ["text", "csv", "json"])
def test_a_question_is_answered_in_every_format(form: str, store: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    words = ("fleet", "ask", "breaks-if", "libtwice.so.1", "lacks=twice", "--store", store, "--format", form)
    assert run(*words) == 0
    shown = capsys.readouterr().out
    if form == "text":
        assert "libfour.so" in shown
        assert shown.endswith("1 row\n")
        return
    rows = json.loads(shown) if form == "json" else list(csv.DictReader(io.StringIO(shown)))
    assert [(Path(row["path"]).name, row["symbols"]) for row in rows] == [("libfour.so", "twice")]


def test_parquet_goes_to_a_file(store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import pyarrow.parquet as pq

    query = ("fleet", "sql", "SELECT identity FROM files ORDER BY 1", "--store", store, "--format", "parquet")
    assert run(*query) == 2
    assert run(*query, "--output", str(tmp_path / "x.parquet")) == 0
    assert pq.read_table(tmp_path / "x.parquet").to_pylist() == [
        {"identity": "libfour.so"},
        {"identity": "libtwice.so.1"},
    ]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("ask", "nonsense"), "There are: breaks-if"),
        (("ask", "needs-version", "--store", "x"), "version is missing"),
        (("ask", "needs-version", "a", "b", "c", "--store", "x"), "it takes 2 values"),
        (("ask", "diff", "--store", "x"), "--before"),
        (("ask", "cycles"), "--store"),
        (("scna", "x"), "fleet scan"),
    ],
)
def test_wrong_words_are_usage_errors(words: tuple[str, ...], reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("fleet", *words) == 2
    assert reason in capsys.readouterr().err


def test_a_query_sees_the_store_and_nothing_else(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    for query in ("SELECT * FROM read_text('/etc/passwd')", "SELEC 1", "SELECT * FROM nothing"):
        assert run("fleet", "sql", query, "--store", store) == 2
    for query in ("COPY (SELECT 1) TO '/tmp/loadstone-fleet-out.csv'", "SET enable_external_access = true"):
        assert run("fleet", "sql", query, "--store", store) == 2
    assert not Path("/tmp/loadstone-fleet-out.csv").exists()


def test_an_empty_store_says_how_to_fill_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("fleet", "ask", "cycles", "--store", str(tmp_path / "none")) == 1
    assert "loadstone fleet scan" in capsys.readouterr().err


def test_the_list_of_questions_names_the_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("fleet", "ask", "list") == 0
    shown = capsys.readouterr().out
    assert "needs-version VERSION [MACHINE]" in shown
    assert shown.count("?\n") >= 13


def test_what_is_not_utf8_is_refused_by_name(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    odd = "caf\udce9"
    for words in (
        ["scan", store, "--store", odd],
        ["ask", "list", "--store", odd],
        ["sql", "select 1", "--store", odd],
    ):
        capsys.readouterr()
        assert run("fleet", *words) == 2 or words[:2] == ["ask", "list"]  # the list of questions needs no store
        assert "internal error" not in capsys.readouterr().err
    assert run("fleet", "ask", "breaks-if", odd, "f", "--store", store) == 2
    assert capsys.readouterr().err == "loadstone: cannot answer 'breaks-if': 'caf\\xe9' is not UTF-8\n"
