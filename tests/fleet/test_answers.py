"""The tables and the answers are what an independent reader of the same files says."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
from tests.fleet.libraries import Readelf, some_libraries
from tests.tools import needed

pytest.importorskip("duckdb")

from loadstone.errors import InvalidQuery
from loadstone.fleet import Store, scan

COUNT = 40


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Readelf]:
    needed("readelf")
    paths = some_libraries(tmp_path_factory.mktemp("system") / "libraries", COUNT, 400_000)
    return {str(path): Readelf(path) for path in paths}


@pytest.fixture(scope="module")
def store(libraries: dict[str, Readelf], tmp_path_factory: pytest.TempPathFactory) -> Store:
    place = str(tmp_path_factory.mktemp("fleet") / "store")
    done = scan(str(Path(next(iter(libraries))).parent), store=place, workers=1, resolve=False)
    assert (done.inputs, done.errors) == (len(libraries), 0)
    return Store(place)


def by_path(store: Store, query: str) -> dict[str, list[tuple[object, ...]]]:
    found: dict[str, list[tuple[object, ...]]] = defaultdict(list)
    for path, *values in store.connect().sql(f"SELECT p.path, {query} JOIN packages p USING (file)").fetchall():
        found[path].append(tuple(values))
    return found


def test_every_file_has_one_row_with_its_identity(store: Store, libraries: dict[str, Readelf]) -> None:
    rows = by_path(store, "identity, build_id FROM files")
    assert rows == {path: [(told.soname, told.build_id)] for path, told in libraries.items()}


def test_needs_are_those_of_the_dynamic_section_in_order(store: Store, libraries: dict[str, Readelf]) -> None:
    rows = by_path(store, "position, name FROM needs")
    found = {path: [name for _, name in sorted(rows.get(path, []), key=repr)] for path in libraries}
    assert {path: sorted(names, key=str) for path, names in found.items()} == {
        path: sorted(told.needed) for path, told in libraries.items()
    }


def test_symbols_are_those_of_the_dynamic_symbol_table(store: Store, libraries: dict[str, Readelf]) -> None:
    rows = by_path(store, "role, name, coalesce(version, '') FROM symbols s")
    for path, told in libraries.items():
        ours = sorted((role, name, version) for role, name, version in rows.get(path, []) if role != "local")
        assert ours == told.symbols, path


def test_needs_version_lists_who_needs_it(store: Store, libraries: dict[str, Readelf]) -> None:
    every = {version for told in libraries.values() for _, version in told.version_needs}
    for version in sorted(every)[:6]:
        ours = set(store.ask("needs-version", version)["path"].to_pylist())
        assert ours == {p for p, told in libraries.items() if version in {v for _, v in told.version_needs}}, version


def test_breaks_if_lists_who_imports_it(store: Store, libraries: dict[str, Readelf]) -> None:
    wanted = {
        (name, version) for told in libraries.values() for role, name, version in told.symbols if role == "import"
    }
    library = "libc.so.6"
    for name in ("memcpy", "__stack_chk_fail", "qsort"):
        versions = {version for known, version in wanted if known == name}
        ours = set(store.ask("breaks-if", library, name)["path"].to_pylist())
        theirs = {
            path
            for path, told in libraries.items()
            for role, known, version in told.symbols
            if role == "import" and known == name and (library, version) in told.version_needs
        }
        assert ours == theirs, (name, versions)


def test_who_provides_lists_who_exports_it(store: Store, libraries: dict[str, Readelf]) -> None:
    names = sorted({name for told in libraries.values() for role, name, _ in told.symbols if role == "export"})
    for name in names[:: max(1, len(names) // 5)]:
        ours = {path for path, what in store.connect().sql(_PROVIDES, params={"name": name}).fetchall() if what}
        assert ours == {p for p, told in libraries.items() if name in {n for r, n, _ in told.symbols if r == "export"}}
        assert ours <= set(store.ask("who-provides", name)["path"].to_pylist())


_PROVIDES = "SELECT DISTINCT path, 1 FROM symbols JOIN packages USING (file) WHERE role = 'export' AND name = $name"


def test_the_table_is_of_the_documented_schema(store: Store) -> None:
    from loadstone.fleet.schema import TABLES

    for name, table in TABLES.items():
        assert store.table(name).schema.equals(table.schema), name


def test_each_question_can_be_asked(store: Store) -> None:
    from loadstone.fleet.questions import questions

    assert len(questions()) >= 13
    for question in questions():
        values = {parameter.name: parameter.example for parameter in question.parameters}
        assert store.sql(question.query, question.bound((), values)).num_rows >= 0


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (("clashes", "nosuch'root"), ""),
        (("breaks-if", "libc.so6", "printf"), "libc.so.6"),
        (("reach", "libc.so-6"), "libc.so.6"),
        (("needs-version", "GLIBC_2.2.5", "x86_63"), "x86-64"),
        (("plugins", "org.%.Nobody"), ""),
    ],
)
def test_a_name_that_nothing_has_is_not_answered_with_nothing(store: Store, words: tuple[str, ...], near: str) -> None:
    with pytest.raises(InvalidQuery, match="nothing in the snapshot is like") as caught:
        store.ask(*words)
    assert near in (caught.value.advice or "")


def test_a_known_name_without_an_answer_is_no_error(store: Store) -> None:
    assert store.ask("breaks-if", "libc.so.6", "no_such_symbol").num_rows == 0
    assert store.ask("who-provides", "no_such_symbol").num_rows == 0


def test_the_report_is_one_page_that_asks_nobody(store: Store) -> None:
    from loadstone.fleet.report import render

    page = render(store)
    assert page.startswith("<!doctype html>")
    assert "http" not in page.replace("http-equiv", "")
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert "libc.so.6" in page
