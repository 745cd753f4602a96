"""Whatever goes wrong is named and bounded, and costs nothing else."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import Compile
from tests.fleet.libraries import all_rows

pytest.importorskip("duckdb")

from loadstone.errors import InvalidName, MalformedImage, NotFound, Unreadable, Unwritable
from loadstone.fleet import ScanLimits, Store, reading, scan
from loadstone.fleet.commit import commit, compact
from loadstone.fleet.engines import WorkerLost
from loadstone.fleet.facts import FileFacts, facts_of
from loadstone.fleet.limits import ScanExtent
from loadstone.fleet.plan import ScanTask, do_task
from loadstone.fleet.sources import inputs_of


@pytest.fixture
def good(compile_library: Compile) -> bytes:
    return compile_library("int f(void) { return 1; }", "libgood.so.1", "-Wl,-soname,libgood.so.1").read_bytes()


@pytest.fixture
def folder(tmp_path: Path, good: bytes) -> Path:
    place = tmp_path / "inputs"
    place.mkdir()
    (place / "libgood.so.1").write_bytes(good)
    return place


def scanned(folder: Path, name: str = "one", **options: object) -> Store:
    place = str(folder.parent / "store")
    scan(str(folder), store=place, name=name, workers=1, resolve=False, **options)  # type: ignore[arg-type]
    return Store(place)


def errors(store: Store) -> dict[str, str]:
    return {os.path.basename(row["path"]): row["error"] for row in store.table("errors").to_pylist()}


def test_a_corrupt_archive_a_bomb_and_a_broken_image_are_named_and_the_rest_is_kept(folder: Path, good: bytes) -> None:
    with zipfile.ZipFile(folder / "bomb-1-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr("bomb.so", b"\x7fELF" + bytes(64 << 20))
    with zipfile.ZipFile(folder / "fine-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("fine/lib.so", good)
    whole = (folder / "fine-1-py3-none-any.whl").read_bytes()
    (folder / "half-1-py3-none-any.whl").write_bytes(whole[: len(whole) // 2])
    (folder / "cut.so").write_bytes(b"\x7fELF\x02\x01\x01")
    store = scanned(folder, limits=ScanLimits(member=8 << 20))
    assert errors(store) == {
        "bomb.so": "TooLarge",
        "half-1-py3-none-any.whl": "MalformedImage",
        "cut.so": "MalformedImage",
    }
    assert store.table("files").num_rows == 1
    assert {row["kind"] for row in store.table("packages").to_pylist()} == {"file", "ZIP archive"}
    assert store.table("inputs").num_rows == 5


@pytest.mark.slow
def test_a_slow_file_is_put_aside_and_read_again_when_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "slow.so").write_bytes((folder / "libgood.so.1").read_bytes() + b"\0")

    def slow(data: bytes, path: str, digest: str) -> FileFacts:
        if path == "slow.so":
            time.sleep(300)
        return facts_of(data, path, digest)

    monkeypatch.setattr(reading, "facts_of", slow)
    store = scanned(folder, limits=ScanLimits(seconds=4))
    assert errors(store) == {"slow.so": "TooSlow"}
    assert store.table("files").num_rows == 1
    monkeypatch.undo()
    assert errors(scanned(folder, "two")) == {"slow.so": "TooSlow"}
    retried = scanned(folder, "three", retry=True)
    assert errors(retried) == {}
    assert retried.table("files").num_rows == 2


@pytest.fixture
def no_room() -> Iterator[None]:
    """Files of this process may have 600 bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_is_said_leaves_no_snapshot_and_the_next_scan_goes_on(
    folder: Path, request: pytest.FixtureRequest
) -> None:
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    request.getfixturevalue("no_room")
    with pytest.raises(Unwritable, match="run the same scan again"):
        scanned(folder)
    resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    place = folder.parent / "store"
    assert Store(str(place)).snapshots == ()
    assert not list(place.rglob("*.partial"))
    assert scanned(folder).table("files").num_rows == 1


def test_a_half_written_part_does_not_count_and_is_made_again(folder: Path) -> None:
    quiet = all_rows(scanned(folder))
    place = folder.parent / "second"
    (task,) = tasks(folder, str(place))
    do_task(task)
    (symbols,) = place.rglob("symbols.parquet")
    symbols.write_bytes(symbols.read_bytes()[:-20])
    done = scan(str(folder), store=str(place), workers=1, resolve=False)
    assert (done.known, done.tasks) == (0, 1)
    assert all_rows(Store(str(place))) == quiet


def test_a_complete_part_of_a_scan_that_was_killed_is_kept(folder: Path) -> None:
    place = folder.parent / "store"
    (task,) = tasks(folder, str(place))
    do_task(task)
    done = scan(str(folder), store=str(place), workers=1, resolve=False)
    assert (done.known, done.tasks) == (1, 0)
    assert done.snapshot.rows["files"] == 1
    assert not [name for name in place.rglob("*") if "parts" in name.parts and name.is_file()]


def tasks(folder: Path, place: str) -> list[ScanTask]:
    from loadstone.fleet.plan import tasks_of

    return list(tasks_of(inputs_of([str(folder)]), place, "", ScanLimits(), ScanExtent(resolve=False)))


def test_a_file_in_two_places_has_one_row_of_facts_and_two_of_packages(folder: Path, good: bytes) -> None:
    (folder / "copy.so").write_bytes(good)
    store = scanned(folder, limits=ScanLimits(task_inputs=1))
    assert store.table("files").num_rows == 1
    assert store.table("packages").num_rows == 2


def test_a_scan_reads_only_what_is_new_and_forgets_what_is_gone(folder: Path, good: bytes) -> None:
    scanned(folder)
    (folder / "new.so").write_bytes(good + b"\0")
    (folder / "libgood.so.1").unlink()
    place = str(folder.parent / "store")
    done = scan(str(folder), store=place, name="two", workers=1, resolve=False)
    assert (done.inputs, done.known, done.tasks) == (1, 0, 1)
    assert [os.path.basename(p) for p in Store(place).table("packages")["path"].to_pylist()] == ["new.so"]
    assert Store(place).table("files").num_rows == 1
    assert Store(place).table("files", "one").num_rows == 1


@pytest.mark.slow
def test_compaction_changes_no_answer_and_takes_away_what_nobody_lists(folder: Path, good: bytes) -> None:
    scanned(folder)
    (folder / "new.so").write_bytes(good + b"\0")
    store = scanned(folder, "two")
    (folder / "new.so").unlink()
    scanned(folder, "three")
    stray = Path(store.folder.path("facts/files/x86-64/stray.parquet"))
    stray.write_bytes(b"left by a crash")
    before = {name: all_rows(store, name) for name in store.snapshots}
    compact(store)
    assert {name: all_rows(store, name) for name in store.snapshots} == before
    assert len(store.folder.names("facts/files")) == 1


def test_a_manifest_that_is_none_and_a_name_that_is_taken_are_refused(folder: Path) -> None:
    store = scanned(folder)
    with pytest.raises(InvalidName, match="has a snapshot of that name"):
        scanned(folder)
    with pytest.raises(InvalidName):
        store.snapshot("../../etc/passwd")
    with pytest.raises(NotFound):
        store.snapshot("two")
    Path(store.folder.path("snapshots/one.json")).write_text("{")
    with pytest.raises(MalformedImage):
        store.snapshot("one")


KILLER = """
import os, signal, sys
from loadstone.fleet import reading, scan
if __name__ != "__main__":
    real = reading.facts_of
    def facts_of(data, path, digest):
        if path == "poison.so":
            os.kill(os.getpid(), signal.SIGKILL)
        return real(data, path, digest)
    reading.facts_of = facts_of
else:
    from loadstone.fleet import ScanLimits
    scan(sys.argv[1], store=sys.argv[2], workers=2, resolve=False, limits=ScanLimits(task_inputs=3))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage", [b"", b"PAR1", b"PAR1" + bytes(40) + b"\x10\0\0\0PAR1"], ids=["empty", "cut", "footer"]
)
def test_a_damaged_file_of_the_store_is_named_by_all_that_reads_it(folder: Path, damage: bytes) -> None:
    store = scanned(folder)
    (listed,) = store.snapshot().tables["files"]
    Path(store.folder.path(listed)).write_bytes(damage)
    for attempt in (
        lambda: store.table("files"),
        lambda: store.ask("who-provides", "f"),
        lambda: compact(store),
        lambda: scanned(folder, "two"),
    ):
        with pytest.raises(Unreadable, match="cannot read"):
            attempt()
    assert store.snapshots == ("one",)


def test_of_a_package_with_one_file_that_is_too_large_the_rest_is_read(folder: Path, good: bytes) -> None:
    with zipfile.ZipFile(folder / "two-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("large.so", good + bytes(2 << 20))
        wheel.writestr("small.so", good)
    store = scanned(folder, limits=ScanLimits(member=1 << 20))
    assert errors(store) == {"large.so": "TooLarge"}
    assert {row["path"] for row in store.table("packages").to_pylist()} >= {"small.so"}


def test_a_file_that_changes_while_it_is_read_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def meanwhile(data: bytes, path: str, digest: str) -> FileFacts:
        with (folder / path).open("ab") as stream:
            stream.write(b"more")
        return facts_of(data, path, digest)

    monkeypatch.setattr(reading, "facts_of", meanwhile)
    assert errors(scanned(folder)) == {"libgood.so.1": "Unreadable"}


def test_a_source_without_a_library_is_an_empty_snapshot_beside_others(folder: Path, tmp_path: Path) -> None:
    store = scanned(folder)
    (tmp_path / "nothing").mkdir()
    report = scan(str(tmp_path / "nothing"), store=store.folder.place, name="empty", workers=1)
    assert (report.snapshot.rows["files"], report.snapshot.rows["symbols"]) == (0, 0)
    compact(store)
    assert store.ask("who-provides", "f", snapshot="one").num_rows == 1
    assert store.table("files", "empty").num_rows == 0


def test_a_source_whose_name_is_no_utf8_is_scanned_once(folder: Path) -> None:
    odd = os.fsdecode(os.fsencode(folder) + b"-\xff")
    os.rename(folder, odd)
    place = str(folder.parent / "store")
    known = [scan(odd, store=place, name=name, workers=1, resolve=False).known for name in ("one", "two")]
    assert known == [0, 1]
    assert Store(place).table("inputs")["source"].to_pylist() == [f"{folder}-\\udcff"]


def test_a_store_without_a_name_is_refused() -> None:
    with pytest.raises(InvalidName, match="needs a name"):
        Store("")


def test_one_scan_at_a_time_changes_a_store(folder: Path) -> None:
    store = scanned(folder)
    with store.folder.reserved():
        for attempt in (lambda: scanned(folder, "two"), lambda: compact(store)):
            with pytest.raises(Unwritable, match="another scan"):
                attempt()
        assert store.ask("who-provides", "f").num_rows == 1
    assert scanned(folder, "two").snapshots == ("one", "two")


def test_parts_that_another_scan_took_are_missed(folder: Path) -> None:
    """In an object store there are no locks."""
    store = scanned(folder)
    with pytest.raises(Unwritable, match=r"what was read of 1 input is gone.*Run the same scan again"):
        commit(store, "two", ["x"], [("x", "of a part that is gone")], [])
    assert store.snapshots == ("one",)


def test_a_missing_file_of_the_store_is_named(folder: Path) -> None:
    store = scanned(folder)
    Path(store.folder.path(store.snapshot().tables["files"][0])).unlink()
    with pytest.raises(Unreadable, match=r"files/.*\.parquet"):
        store.table("files")


@pytest.mark.parametrize("file", ["../../other.parquet", "/etc/passwd"])
def test_a_manifest_leads_to_no_file_beyond_its_store(folder: Path, file: str) -> None:
    store = scanned(folder)
    manifest = Path(store.folder.path("snapshots/one.json"))
    told = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**told, "tables": {**told["tables"], "files": [file]}}))
    with pytest.raises(MalformedImage, match="not below the store"):
        store.table("files")


@pytest.mark.slow
def test_a_file_that_kills_its_worker_is_put_aside_alone(folder: Path, good: bytes, tmp_path: Path) -> None:
    for number in range(6):
        (folder / f"lib{number}.so").write_bytes(good + bytes(number + 1))
    (folder / "poison.so").write_bytes(good + b"\1")
    script = tmp_path / "killer.py"
    script.write_text(KILLER)
    place = str(tmp_path / "store")
    subprocess.run([sys.executable, str(script), str(folder), place], check=True)
    store = Store(place)
    assert errors(store) == {"poison.so": WorkerLost.__name__}
    assert store.table("files").num_rows == 7
