"""Pinned loads: what was hashed is what runs, whatever happens to the file meanwhile."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Compile, needed
from tests.library.children import run_child
from tests.scale import SCALE

from loadstone import find
from loadstone.binary import read
from loadstone.core.image import Image
from loadstone.core.pins import PinState
from loadstone.errors import InvalidName, LoadFailed, MalformedImage, NotVerified, Unreadable, Unwritable
from loadstone.library import Assurance, Library, PinFile, Policy, pin, verify

VALUE = "int value(void) { return %d; }"


def _brings_its_own_libc() -> bool:
    maps, libc = Path("/proc/self/maps"), find("libc.so.6").path
    return maps.exists() and libc is not None and os.path.realpath(libc) not in maps.read_text()


needs_the_systems_libc = pytest.mark.skipif(
    _brings_its_own_libc(), reason="this Python runs with a C library of its own: what is found is not what is loaded"
)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def value(library: Library) -> object:
    return library.function("value", restype=ctypes.c_int, argtypes=[])()


@pytest.fixture
def one(compile_library: Compile, tmp_path: Path) -> Path:
    path = tmp_path / "libone.so"
    shutil.copy(compile_library(VALUE % 1, "libone.so"), path)
    return path


def test_a_pinned_load_runs_from_a_sealed_copy_and_leaves_nothing_behind(one: Path) -> None:
    descriptors = os.listdir("/proc/self/fd")
    library = Library(one, policy=Policy(sha256=digest(one))).load()
    assert library.assurance is Assurance.SEALED
    assert library.file_name == str(one)
    maps = Path("/proc/self/maps").read_text()
    assert "memfd:libone.so (deleted)" in maps
    assert str(one) not in maps
    assert value(library) == 1
    assert library.resolve("value").version is None
    assert library.unload()
    assert len(os.listdir("/proc/self/fd")) == len(descriptors)
    assert not [name for name in os.listdir(tempfile.gettempdir()) if name.startswith("loadstone-sealed-")]


def test_a_file_that_changed_is_refused_and_nothing_of_it_runs(one: Path, compile_library: Compile) -> None:
    policy = Policy(sha256=f"sha256:{digest(one).upper()}")
    evil = "#include <stdlib.h>\n__attribute__((constructor)) static void f(void) { abort(); }"
    shutil.copy(compile_library(evil, "libevil.so"), one)
    with pytest.raises(NotVerified, match="SHA-256 digest must be the pinned one") as caught:
        Library(one, policy=policy).load()
    assert caught.value.actual == digest(one)
    assert caught.value.advice


def test_pinned_and_unpinned_loads_of_one_file_are_two_libraries(one: Path) -> None:
    with Library(one) as plain, Library(one, policy=Policy(sha256=digest(one))) as pinned:
        assert plain.resolve("value").address != pinned.resolve("value").address
        assert plain.assurance is not Assurance.SEALED


def test_overwriting_the_file_after_the_load_changes_nothing(one: Path, compile_library: Compile) -> None:
    other = compile_library(VALUE % 2, "libone.so").read_bytes()
    with Library(one, policy=Policy(sha256=digest(one))) as library:
        with one.open("r+b") as stream:
            stream.write(other)
        assert value(library) == 1


def test_a_damaged_file_is_refused_even_when_its_digest_is_pinned(one: Path) -> None:
    one.write_bytes(one.read_bytes()[:9000])
    with pytest.raises(LoadFailed) as caught:
        Library(one, policy=Policy(sha256=digest(one))).load()
    assert caught.value.stage == "check"


def test_what_is_no_digest_is_refused() -> None:
    with pytest.raises(InvalidName, match="64 hexadecimal digits"):
        Policy(sha256="abc")


def test_noexec_is_honoured_although_memory_would_not_care(one: Path) -> None:
    code = """
    import hashlib, subprocess, sys
    from loadstone.errors import NotVerified
    from loadstone.library import Library, Policy
    digest = hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest()
    try:
        Library(sys.argv[1], policy=Policy(sha256=digest)).load()
    except NotVerified as error:
        print(error.actual)
    """
    folder = one.parent / "noexec"
    folder.mkdir()
    script = (
        f'mount -t tmpfs -o noexec,mode=0755 none {folder} && cp {one} {folder}/libone.so && exec "$0" -c "$1" "$2"'
    )
    import sys
    import textwrap

    from tests.library.children import ROOT

    done = subprocess.run(
        [needed("unshare"), "-m", "sh", "-c", script, sys.executable, textwrap.dedent(code), f"{folder}/libone.so"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip(f"this needs the right to mount: {done.stderr.strip()}")
    assert done.stdout.strip() == "mounted noexec", done.stderr


RACE = """
import ctypes, os, shutil, sys, threading
from loadstone.errors import LoadstoneError
from loadstone.library import Library, Policy
path, good, bad, digest, rounds = *sys.argv[1:5], int(sys.argv[5])
good_bytes, bad_bytes = open(good, "rb").read(), open(bad, "rb").read()
stop = threading.Event()

def write():
    turn = 0
    while not stop.is_set():
        turn += 1
        data = bad_bytes if turn % 2 else good_bytes
        kind = turn // 2 % 4
        if kind == 0:
            with open(path, "r+b") as stream: stream.write(data)
        elif kind == 1:
            with open(path + ".new", "wb") as stream: stream.write(data)
            os.rename(path + ".new", path)
        elif kind == 2:
            os.truncate(path, len(data) // 2)
            with open(path, "r+b") as stream: stream.write(data)
        else:
            os.rename(path, path + ".away"); os.rename(path + ".away", path)

thread = threading.Thread(target=write); thread.start()
loads = refusals = 0
try:
    for _ in range(rounds):
        try:
            with Library(path, policy=Policy(sha256=digest)) as library:
                assert library.function("value", restype=ctypes.c_int, argtypes=[])() == 1
                loads += 1
        except LoadstoneError as error:
            refusals += 1
finally:
    stop.set(); thread.join()
print("ok" if loads + refusals == rounds else "lost", loads > 0, refusals > 0)
"""


def test_a_racing_writer_never_gets_unpinned_code_executed(compile_library: Compile, tmp_path: Path) -> None:
    attack = "__attribute__((constructor)) static void attack(void) { abort(); }"
    evil = f"#include <stdlib.h>\nint value(void) {{ return 2; }} {attack}"
    good, bad = compile_library(VALUE % 1, "libgood.so"), compile_library(evil, "libbad.so")
    path = tmp_path / "libraced.so"
    shutil.copy(good, path)
    assert run_child(RACE, path, good, bad, digest(good), 300 * SCALE, timeout=600).startswith("ok")


@pytest.fixture
def pair(compile_library: Compile, tmp_path: Path) -> Path:
    """A library and, next to it, the one it needs through $ORIGIN."""
    base = compile_library("int base(void) { return 20; }", "libbase.so", "-Wl,-soname,libbase.so")
    user = compile_library(
        "int base(void); int value(void) { return base() + 1; }",
        "libuser.so",
        f"-L{base.parent}",
        "-lbase",
        "-Wl,-rpath,$ORIGIN",
        "-Wl,--no-as-needed",
        "-lc",
    )
    shutil.copy(base, tmp_path / "libbase.so")
    shutil.copy(user, tmp_path / "libuser.so")
    return tmp_path / "libuser.so"


def test_without_pins_a_sibling_is_loaded_and_named_as_unverified(pair: Path) -> None:
    with Library(pair, policy=Policy(sha256=digest(pair))) as library:
        assert value(library) == 21
        assert "libbase.so" in library.unverified


def test_a_file_that_is_replaced_while_it_is_pinned_is_not_mixed_with_what_replaced_it(
    compile_library: Compile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = compile_library("int f(void) { return 1; }", "libone.so", "-Wl,--build-id=0x01")
    second = compile_library("int f(void) { return 2; } int g;", "libone.so", "-Wl,--build-id=0x0202")
    path = tmp_path / "libone.so"
    shutil.copy(first, path)

    def swapping(source: int, **options: Any) -> Image:
        shutil.copy(second, tmp_path / "next")
        os.replace(tmp_path / "next", path)
        return read(source, **options)

    monkeypatch.setattr(import_module("loadstone.library.trust.pin"), "read", swapping)
    (pinned,) = (one for one in pin([str(path)]).pins if one.path == str(path))
    content = first.read_bytes()
    assert (pinned.sha256, pinned.size, pinned.build_id) == (hashlib.sha256(content).hexdigest(), len(content), "01")


@needs_the_systems_libc
def test_with_pins_a_sibling_runs_from_its_own_sealed_copy(pair: Path) -> None:
    pins = pin([str(pair)])
    assert [p.name for p in pins.pins[:2]] == ["libuser.so", "libbase.so"]
    with Library(pair, policy=Policy(pins=pins)) as library:
        assert value(library) == 21
        assert "memfd:libbase.so" in Path("/proc/self/maps").read_text()
        assert "libbase.so" not in library.unverified
    assert "memfd:libbase.so" not in Path("/proc/self/maps").read_text()


@needs_the_systems_libc
def test_a_sibling_that_changed_or_is_not_pinned_stops_the_load(pair: Path, compile_library: Compile) -> None:
    pins = pin([str(pair)])
    without = PinFile(tuple(p for p in pins.pins if p.name != "libbase.so"))
    with pytest.raises(NotVerified, match=r"libbase\.so is not"):
        Library(pair, policy=Policy(pins=without)).load()
    shutil.copy(compile_library("int base(void) { return 30; }", "libbase.so", "-Wl,-soname,libbase.so"), pair.parent)
    with pytest.raises(NotVerified, match="SHA-256"):
        Library(pair, policy=Policy(pins=pins)).load()
    with pytest.raises(NotVerified, match="it must be pinned"):
        Library("z", 1, policy=Policy(pins=pins)).load()


@needs_the_systems_libc
def test_a_dependency_that_is_loaded_already_must_be_the_pinned_one(pair: Path) -> None:
    pins = pin([str(pair)])
    base = pair.with_name("libbase.so")
    with Library(base), Library(pair, policy=Policy(pins=pins)) as library:
        assert "libbase.so" in library.unverified
    wrong = PinFile(tuple(p if p.name != "libc.so.6" else type(p)(p.name, p.path, "0" * 64, p.size) for p in pins.pins))
    with pytest.raises(NotVerified, match="loaded already"):
        Library(pair, policy=Policy(pins=wrong)).load()


def test_pins_are_written_read_and_verified(pair: Path, tmp_path: Path) -> None:
    pins = pin([str(pair)])
    file = tmp_path / "loadstone.lock"
    pins.save(file)
    assert PinFile.load(file) == pins
    assert all(check.state is PinState.UNCHANGED for check in verify(pins))
    base = pair.with_name("libbase.so")
    base.write_bytes(base.read_bytes() + b"x")
    states = {check.pin.name: check.state for check in verify(pins)}
    assert states["libbase.so"] is PinState.CHANGED
    base.unlink()
    states = {check.pin.name: check.state for check in verify(pins)}
    assert states["libbase.so"] is PinState.MISSING
    base.mkdir()
    states = {check.pin.name: check.state for check in verify(pins)}
    assert states["libbase.so"] is PinState.UNREADABLE


@pytest.mark.parametrize(
    "text",
    [
        "version = 2",
        "not toml",
        "version = 1\nlibrary = 3",
        "version = 1\nlibrary = [3]",
        "version = 1\n[[library]]\nname = 'x'",
        "version = 1\n[[library]]\nname = 'x'\npath = '/x'\nsha256 = 'zz'",
        f"version = 1\n[[library]]\nname = 'x'\npath = '/x'\nsha256 = '{'0' * 64}'\nsize = 'big'",
    ],
)
def test_what_is_no_pin_file_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.lock"
    path.write_text(text)
    with pytest.raises(MalformedImage) as caught:
        PinFile.load(path)
    assert caught.value.path == str(path)
    assert "loadstone pin" in caught.value.advice


def test_pin_files_that_cannot_be_read_or_written_say_so(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        PinFile.load(tmp_path / "none")
    (tmp_path / "latin").write_bytes(b"\xff")
    with pytest.raises(MalformedImage, match="UTF-8"):
        PinFile.load(tmp_path / "latin")
    with pytest.raises(Unwritable):
        PinFile().save(tmp_path / "no" / "folder")


def test_names_with_quotes_survive_a_pin_file(tmp_path: Path, compile_library: Compile) -> None:
    odd = tmp_path / 'lib"odd\\n.so'
    shutil.copy(compile_library("int x;", "libx.so"), odd)
    pins = pin([str(odd)])
    assert PinFile.parse(pins.text()) == pins


def test_pinning_what_would_not_load_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "libtext.so"
    path.write_text("no library")
    with pytest.raises(LoadFailed):
        pin([str(path)])
