"""Archives under review: what is in them is found as it is in a folder, and told by where it is."""

from __future__ import annotations

import io
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.tools import needed

from loadstone.core.claims import Finding
from loadstone.core.review import LimitKind, Review, ReviewVerdict
from loadstone.review.engine import Options, review

UNCHECKED = b'#include <dlfcn.h>\nvoid *start(void)\n{\n    return dlsym(dlopen("libz.so.1", RTLD_NOW), "crc32");\n}\n'
LOADER = b"import ctypes\n\n\ndef start(name):\n    return ctypes.CDLL('/tmp/' + name)\n"


@pytest.fixture
def library(tmp_path: Path) -> bytes:
    made = tmp_path / "lib.so"
    (tmp_path / "lib.c").write_text("int f(void) { return 1; }\n")
    subprocess.run([needed("gcc"), "-shared", "-fPIC", "-Wl,-rpath,/tmp/x", "-o", made, tmp_path / "lib.c"], check=True)
    return made.read_bytes()


def zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def tarred(files: dict[str, bytes], mode: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def found(result: Review) -> set[tuple[str, str, int]]:
    return {(r.claim.location.path, r.claim.rule, r.claim.location.start) for r in result.results}


def findings(result: Review, rule: str) -> list[str]:
    return [r.claim.location.path for r in result.results if r.claim.rule == rule and isinstance(r.claim, Finding)]


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.whl", zipped),
        ("a.zip", zipped),
        ("a.jar", zipped),
        ("a.tar", lambda files: tarred(files, "w")),
        ("a.tar.gz", lambda files: tarred(files, "w:gz")),
        ("a.tar.xz", lambda files: tarred(files, "w:xz")),
    ],
)
def test_what_an_archive_holds_is_found_as_in_a_folder(
    name: str,
    pack: Callable[[dict[str, bytes]], bytes],
    tmp_path: Path,
    library: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = {"pkg/load.py": LOADER, "pkg/load.c": UNCHECKED, "pkg/lib.so": library}
    (tmp_path / name).write_bytes(pack(files))
    for path, content in files.items():
        (tmp_path / "site" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "site" / path).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    folder = {(p.removeprefix("site/"), rule, line) for p, rule, line in found(review(["site"]))}
    result = review([name])
    # Who may replace a file is a question about the system it is installed on.
    expected = {one for one in folder if one[1] != "writable-library-file"}
    assert {(p.removeprefix(f"{name}!/"), rule, line) for p, rule, line in found(result)} == expected
    assert {file.path for file in result.files} == {f"{name}!/{path}" for path in files}
    assert findings(result, "insecure-runpath") == [f"{name}!/pkg/lib.so"]


def test_a_wheel_in_a_tar_is_gone_into(tmp_path: Path, library: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = zipped({"pkg/load.py": LOADER, "pkg/lib.so": library})
    (tmp_path / "all.tar").write_bytes(tarred({"dist/x.whl": inner}, "w"))
    monkeypatch.chdir(tmp_path)
    paths = {file.path for file in review(["all.tar"]).files}
    assert paths == {"all.tar!/dist/x.whl!/pkg/load.py", "all.tar!/dist/x.whl!/pkg/lib.so"}


def test_the_objects_of_a_static_library_are_reviewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("one.c").write_text("int f(void) { return 1; }\n")
    subprocess.run([needed("gcc"), "-c", "one.c"], check=True)
    subprocess.run([needed("ar"), "rcs", "libone.a", "one.o"], check=True)
    assert {file.path for file in review(["libone.a"]).files} == {"libone.a!/one.o"}


def test_a_damaged_archive_is_a_gap_and_no_clean_verdict(tmp_path: Path) -> None:
    content = zipped({"pkg/load.py": b"x = 1\n"})
    broken = tmp_path / "broken.whl"
    broken.write_bytes(content[: len(content) - 30])
    result = review([broken])
    assert result.verdict is ReviewVerdict.INCOMPLETE
    assert [limit.kind for limit in result.limits if limit.gap] == [LimitKind.UNREADABLE]


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("big.so", "w") as stream,
    ):
        stream.write(b"\x7fELF")
        for _ in range(300):
            stream.write(bytes(1 << 20))
    result = review([bomb])
    assert result.verdict is ReviewVerdict.INCOMPLETE
    assert "refused to look further" in result.limits[0].message


def test_a_source_beyond_the_bound_is_told_and_not_read(tmp_path: Path) -> None:
    huge = tmp_path / "huge.zip"
    huge.write_bytes(zipped({"pkg/huge.py": b"#" * (4 << 20), "pkg/load.py": LOADER}))
    result = review([huge])
    assert [limit.kind for limit in result.limits if limit.gap] == [LimitKind.TOO_BIG]
    assert len(result.files) == 1


def test_an_archive_with_other_languages_alone_is_not_clean(tmp_path: Path) -> None:
    package = tmp_path / "app.jar"
    package.write_bytes(zipped({"App.java": b"class App {}"}))
    assert review([package]).verdict is ReviewVerdict.INCOMPLETE


def test_archives_met_in_a_folder_are_said_to_be_there(tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(zipped({"pkg/load.py": LOADER}))
    (tmp_path / "x.py").write_text("x = 1\n")
    assert any("1 here" in limit.message for limit in review([tmp_path]).limits)


def test_patterns_leave_members_out_and_the_text_is_kept(tmp_path: Path) -> None:
    wheel = tmp_path / "a.whl"
    wheel.write_bytes(zipped({"pkg/load.py": LOADER, "pkg/tests/t.py": LOADER}))
    result = review([wheel], Options(exclude=("*/tests/*",), keep_text=True))
    (only,) = result.files
    assert only.path.endswith("a.whl!/pkg/load.py")
    assert only.text == LOADER.decode()
