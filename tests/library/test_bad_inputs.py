"""Every bad input ends in the right typed error, whose message says what to do. ``-s`` shows the messages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import Compile, needed

from loadstone.errors import InvalidName, LoadFailed, LoadstoneError, NotFound, NotVerified, SymbolNotFound, Unreadable
from loadstone.library import Library, LoadHint, Policy


def refused(library: object, kind: type[LoadstoneError], *words: str) -> LoadstoneError:
    """Load it, and hold the error to what a newcomer needs: its type, the words, and advice."""
    with pytest.raises(kind) as caught:
        Library(library).load()  # type: ignore[arg-type]
    error = caught.value
    print(f"\n{type(error).__name__}: {error}")
    for word in words:
        assert word in str(error)
    assert error.advice
    return error


@pytest.mark.parametrize("name", [3, None, ["z"], 1.5])
def test_a_name_of_the_wrong_type(name: object) -> None:
    refused(name, InvalidName, "a library name is text or a path")


def test_a_name_with_a_nul() -> None:
    refused("libz.so.1\0.png", InvalidName, "control character 0x00 at position 9")


def test_a_name_of_a_megabyte() -> None:
    error = refused("x" * 1_000_000, InvalidName, "1000000 characters")
    assert len(str(error)) < 500


def test_an_empty_name() -> None:
    refused("", InvalidName, "it is empty")


def test_a_library_that_is_nowhere() -> None:
    error = refused("no-such-library", NotFound, "cannot find the library 'no-such-library'", "apt-file search")
    assert isinstance(error, NotFound)
    assert error.trace is not None
    assert error.trace.steps


def test_a_path_that_is_nowhere() -> None:
    refused("/no/such/lib.so", NotFound, "There is no such file")


def test_a_directory(tmp_path: Path) -> None:
    refused(tmp_path, Unreadable, "it is a directory")


def test_a_fifo(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "libfifo.so")
    refused(tmp_path / "libfifo.so", Unreadable, "it is a FIFO")


def test_a_device() -> None:
    refused("/dev/null", Unreadable, "it is a character device")


def test_a_text_file(tmp_path: Path) -> None:
    path = tmp_path / "libtext.so"
    path.write_text("INPUT(libother.so) and more words, so that there is no doubt about it: text, all of it.\n")
    refused(path, LoadFailed, "invalid ELF header")


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "libempty.so"
    path.touch()
    refused(path, LoadFailed, "file too short")


def test_a_truncated_library_is_refused_before_it_kills_the_process(compile_library: Compile, tmp_path: Path) -> None:
    path = tmp_path / "libcut.so"
    whole = compile_library("char big[100000] = {1}; int f(void) { return 1; }", "libbig.so").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    error = refused(path, LoadFailed, "beyond the end of the file", "copy or build it again")
    assert isinstance(error, LoadFailed)
    assert error.stage == "check"


def test_a_library_for_another_machine(tmp_path: Path) -> None:
    source = tmp_path / "x.c"
    source.write_text("int x;")
    path = tmp_path / "lib32.so"
    command = [needed("gcc"), "-m32", "-shared", "-fPIC", "-nostdlib", "-o", str(path), str(source)]
    subprocess.run(command, check=True)
    refused(path, LoadFailed, "wrong ELF class: ELFCLASS32")


# The superuser can read everything, unless it gives that up.
_WITHOUT_PRIVILEGE = (
    ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-dac_override,-dac_read_search"]
    if os.geteuid() == 0
    else []
)


def test_a_file_that_may_not_be_read(compile_library: Compile) -> None:
    path = compile_library("int x;", "libsecret.so")
    path.chmod(0)
    code = (
        "import sys\n"
        "from loadstone.library import Library\n"
        "try: Library(sys.argv[1]).load()\n"
        "except OSError as error: print(type(error).__name__, error)\n"
    )
    command = [*_WITHOUT_PRIVILEGE, sys.executable, "-c", code, str(path)]
    if _WITHOUT_PRIVILEGE:
        needed("setpriv")
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.startswith("Unreadable cannot read")
    assert "Permission denied" in said


def test_a_missing_dependency_is_named_not_the_library_asked_for(compile_library: Compile) -> None:
    needed_library = compile_library("int base(void) { return 1; }", "libgone.so", "-Wl,-soname,libgone.so.7")
    shutil.copy(needed_library, needed_library.with_name("libgone.so.7"))
    flags = (f"-L{needed_library.parent}", "-l:libgone.so")
    path = compile_library("int base(void); int f(void) { return base(); }", "libuser.so", *flags)
    error = refused(path, LoadFailed, "libgone.so.7")
    assert isinstance(error, LoadFailed)
    assert error.explanation is not None
    assert error.explanation.first_blocking is not None
    assert error.explanation.first_blocking.code == "dep-not-found"


def test_a_version_that_is_not_offered(compile_library: Compile, tmp_path: Path) -> None:
    script = tmp_path / "v2.map"
    script.write_text("V2 { global: *; };")
    offered = compile_library("int f(void) { return 1; }", "libver.so", f"-Wl,--version-script,{script}")
    user = compile_library("int f(void); int g(void) { return f(); }", "libuser.so", f"-L{offered.parent}", "-lver")
    script.write_text("V1 { global: *; };")
    home = tmp_path / "run"
    home.mkdir()
    source = tmp_path / "f.c"
    source.write_text("int f(void) { return 1; }")
    command = [needed("gcc"), "-shared", "-fPIC", f"-Wl,--version-script,{script}", "-Wl,-soname,libver.so"]
    subprocess.run([*command, "-o", str(home / "libver.so"), str(source)], check=True)
    shutil.copy(user, home / "libuser.so")
    subprocess.run([needed("patchelf"), "--set-rpath", "$ORIGIN", str(home / "libuser.so")], check=True)
    refused(home / "libuser.so", LoadFailed, "version `V2' not found")


def test_an_undefined_symbol(compile_library: Compile) -> None:
    path = compile_library("int missing(void); int f(void) { return missing(); }", "libundef.so")
    with pytest.raises(LoadFailed, match="undefined symbol: missing") as caught:
        Library(path, hints=LoadHint.RESOLVE_ALL_SYMBOLS).load()
    print(f"\nLoadFailed: {caught.value}")


def test_a_symbol_that_is_not_there() -> None:
    with Library("z", 1) as library:
        for bad in ("", "a\0b", 3):
            with pytest.raises(InvalidName):
                library.resolve(bad)  # type: ignore[arg-type]
        with pytest.raises(SymbolNotFound) as caught:
            library.resolve("crc23")
    print(f"\nSymbolNotFound: {caught.value}")


def test_a_file_that_everybody_may_write_to(compile_library: Compile, tmp_path: Path) -> None:
    path = tmp_path / "libopen.so"
    shutil.copy(compile_library("int x;", "libx.so"), path)
    path.chmod(0o777)
    refused(path, NotVerified, "can be written by everybody", "chmod o-w")
    assert Library(path, policy=Policy(allow_writable=True)).load().unload()


def test_what_is_no_text_declares_nothing_and_is_told_what_would() -> None:
    library = Library("m")
    names = library.declare("typedef double (*shape)(double);")
    for given in (names.shape, b"double sin(double)", None):
        with pytest.raises(TypeError, match=r"C is declared by text.*names\.compare\(function\)"):
            library.callback(given, abs)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="C is declared by text"):
            library.function(given)  # type: ignore[arg-type]
