"""Packages of a distribution: who needs whom among them, and why a library of one would not load."""

from __future__ import annotations

import gzip
import subprocess
import zipfile
from pathlib import Path

import pytest
from tests.archives.test_archives import ar_of, tar_of
from tests.conftest import Compile, needed

pytest.importorskip("duckdb")

from loadstone.fleet import Store, scan
from loadstone.review.engine import review

_FOLDER = "usr/lib/x86_64-linux-gnu"


def _deb(path: Path, libraries: dict[str, Path]) -> None:
    files = {f"{_FOLDER}/{name}": library.read_bytes() for name, library in libraries.items()}
    path.write_bytes(ar_of({"debian-binary": b"2.0\n", "data.tar.gz": gzip.compress(tar_of(files))}))


def _versioned(compile_library: Compile, tmp_path: Path, name: str, version: str) -> Path:
    script = tmp_path / f"{version}.map"
    script.write_text(f"{version} {{ global: offered; local: *; }};")
    flags = ("-Wl,-soname,libbase.so.1", f"-Wl,--version-script={script}")
    return compile_library("int offered(void) { return 1; }", name, *flags)


@pytest.fixture
def pool(tmp_path: Path, compile_library: Compile) -> Path:
    """libuser needs version NEW_2 of libbase, whose package has only OLD_1; libalone needs what nobody has."""
    old = _versioned(compile_library, tmp_path, "libbase.so.1", "OLD_1")
    new = _versioned(compile_library, tmp_path, "libnewer.so.1", "NEW_2")
    text = "int offered(void); int used(void) { return offered(); }"
    user = compile_library(text, "libuser.so.1", "-Wl,-soname,libuser.so.1", str(new))
    other = compile_library("int lost(void) { return 2; }", "liblost.so.9", "-Wl,-soname,liblost.so.9")
    alone = compile_library("int lost(void); int a(void) { return lost(); }", "libalone.so.1", str(other))
    folder = tmp_path / "pool"
    folder.mkdir()
    _deb(folder / "libbase1_1.0_amd64.deb", {"libbase.so.1": old})
    _deb(folder / "libuser1_1.0_amd64.deb", {"libuser.so.1": user})
    _deb(folder / "libalone1_1.0_amd64.deb", {"libalone.so.1": alone})
    return folder


def test_missing_names_and_versions_are_diagnosed(pool: Path, tmp_path: Path) -> None:
    scan(str(pool), store=str(tmp_path / "store"), workers=1)
    store = Store(str(tmp_path / "store"))
    rows = store.sql(
        "SELECT root, verdict, code, subject FROM diagnoses WHERE subject NOT LIKE '%libc.so%' ORDER BY ALL"
    )
    place = "/lib/x86_64-linux-gnu"
    assert [tuple(row.values()) for row in rows.to_pylist()] == [
        (f"{place}/libalone.so.1", "unknown", "dep-not-found", "liblost.so.9"),
        (f"{place}/libuser.so.1", "fails", "version-not-found", f"{place}/libbase.so.1"),
    ]
    told = store.ask("unresolved", "liblost%").to_pylist()
    assert [(row["package"], row["code"]) for row in told] == [("libalone1", "dep-not-found")]


def test_a_store_and_its_sources_may_be_in_an_object_store(pool: Path, tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    try:
        for package in pool.iterdir():
            memory.pipe_file(f"/pool/{package.name}", package.read_bytes())
        done = scan("memory://pool", store="memory://store", workers=1, name="x", resolve=False)
        scan(str(pool), store=str(tmp_path / "near"), workers=1, name="x", resolve=False)
        far, near = Store("memory://store"), Store(str(tmp_path / "near"))
        assert (done.inputs, done.errors) == (3, 0)
        for table in ("files", "needs", "symbols", "versions", "hardening", "claims"):
            assert sorted(map(repr, far.table(table).to_pylist())) == sorted(map(repr, near.table(table).to_pylist()))
        assert far.ask("who-provides", "libbase.so.1").num_rows == 1
    finally:
        for place in ("/pool", "/store"):
            if memory.exists(place):
                memory.rm(place, recursive=True)


def test_loose_files_are_one_graph(tmp_path: Path) -> None:
    for name, words in (("libinner.so.1", ()), ("libouter.so.1", ("libinner.so.1", "-Wl,-rpath,$ORIGIN"))):
        command = [needed("gcc"), "-shared", "-fPIC", "-x", "c", "/dev/null", "-x", "none", "-Wl,--no-as-needed"]
        subprocess.run([*command, f"-Wl,-soname,{name}", "-o", name, *words], cwd=tmp_path, check=True)
    scan(str(tmp_path / "lib*"), store=str(tmp_path / "store"), workers=1)
    rows = Store(str(tmp_path / "store")).ask("reach", "libinner%").to_pylist()
    assert [(row["library"], row["loaded_by"]) for row in rows] == [("libinner.so.1", 1)]


@pytest.mark.slow
def test_sources_are_reviewed_when_that_is_asked(tmp_path: Path) -> None:
    folder, place = tmp_path / "in", str(tmp_path / "store")
    folder.mkdir()
    text = '#include <dlfcn.h>\nvoid go(void) {\n  void *h = dlopen("a.so", RTLD_NOW);\n  dlsym(h, "f");\n}\n'
    (folder / "loose.c").write_text(text)
    with zipfile.ZipFile(folder / "packed-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("packed/own.c", text)
    plain = scan(str(folder), store=place, name="plain", workers=1)
    reviewed = scan(str(folder), store=place, name="reviewed", workers=1, review=True)
    assert (plain.snapshot.rows["reviews"], reviewed.known) == (0, 0)
    rows = Store(place).table("reviews").to_pylist()
    findings = {(row["path"], row["rule"], row["start"]) for row in rows if row["severity"]}
    expected = review([folder / "loose.c"]).findings
    assert expected
    assert findings == {
        (path, each.rule, each.location.start)
        for path in (str(folder / "loose.c"), "packed/own.c")
        for each in expected
    }
    assert scan(str(folder), store=place, name="again", workers=1, review=True).known == 2
