"""Folders and archives of every format: each library with the loader and the Python it is for."""

from __future__ import annotations

import csv
import gc
import io
import json
import lzma
import os
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from tests.archives.making import appimage_of, squashfs_of
from tests.archives.test_archives import ar_of, tar_of, zip_of
from tests.linker.tiny_elf import tiny_elf
from tests.linker.workshop import Workshop
from tests.tools import needed
from tests.wheels import MACOS, WINDOWS, wheel

from loadstone.cli.main import main
from loadstone.core.image import Image
from loadstone.core.trace import LoadVerdict
from loadstone.errors import MalformedImage, TooLarge, Unreadable, Unsupported
from loadstone.linker import LoaderKind, LoaderModel, bindings, explain
from loadstone.linker.glibc_load import SharedLoads
from loadstone.linker.openers import Tags
from loadstone.linker.simulators import explain_with
from loadstone.linker.surveys import is_survey_target, portability, survey, survey_rows
from loadstone.linker.view import forget_images
from loadstone.report.text.style import Style
from loadstone.report.text.survey import render

HAS = "int wanted(void) { return 1; }"
CALLS = "extern int wanted(void); int call(void) { return wanted(); }"


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return ended.value.code if isinstance(ended.value.code, int) else 0


def wheel_of(path: Path, files: Mapping[str, bytes]) -> Path:
    path.write_bytes(zip_of(files))
    return path


@pytest.fixture
def pair(workshop: Workshop) -> dict[str, bytes]:
    """Two libraries, one of which needs the other beside it, by the path they shall have."""
    workshop.library("libp.so.1", HAS)
    workshop.library("user.so", CALLS, needs=["libp.so.1"], runpath="$ORIGIN", soname="")
    return {f"usr/lib/{name}": Path(workshop.path(name)).read_bytes() for name in ("libp.so.1", "user.so")}


@pytest.mark.parametrize("name", ["x.zip", "x.tar.xz", "x.deb", "x.tar"])
def test_an_archive_is_looked_into_in_its_place(name: str, pair: dict[str, bytes], tmp_path: Path) -> None:
    packed = tar_of(pair)
    data = {
        "x.zip": zip_of(pair),
        "x.tar.xz": lzma.compress(packed),
        "x.tar": packed,
        "x.deb": ar_of({"debian-binary": b"2.0\n", "data.tar.xz": lzma.compress(packed)}),
    }[name]
    path = tmp_path / name
    path.write_bytes(data)
    assert is_survey_target(str(path))
    found = survey(path)
    assert [(row.path, row.verdict) for row in sorted(found.rows, key=lambda row: row.path)] == [
        (f"{path}!/usr/lib/libp.so.1", LoadVerdict.LOADS),
        (f"{path}!/usr/lib/user.so", LoadVerdict.LOADS),
    ]


def test_symbolic_links_lead_about_in_an_archive(pair: dict[str, bytes], tmp_path: Path) -> None:
    files = {"usr/lib/user.so": pair["usr/lib/user.so"], "opt/real.so": pair["usr/lib/libp.so.1"]}
    (tmp_path / "x.tar").write_bytes(tar_of(files, {"usr/lib/libp.so.1": "/opt/real.so"}))
    assert survey(tmp_path / "x.tar").verdict is LoadVerdict.LOADS


def test_what_a_wheels_others_bring_is_no_fault_of_a_helper(workshop: Workshop, tmp_path: Path) -> None:
    workshop.library("libdeep.so.1", HAS)
    workshop.library("libmid.so.1", CALLS, needs=["libdeep.so.1"])
    both = "extern int call(void), wanted(void); int top(void) { return call() + wanted(); }"
    workshop.library("_ext.so", both, needs=["libdeep.so.1", "libmid.so.1"], runpath="$ORIGIN/../p.libs", soname="")
    files = {f"p.libs/{n}": Path(workshop.path(n)).read_bytes() for n in ("libdeep.so.1", "libmid.so.1")}
    files["p/_ext.so"] = Path(workshop.path("_ext.so")).read_bytes()
    found = survey(wheel_of(tmp_path / "p-1-cp311-cp311-manylinux_2_17_x86_64.whl", files))
    codes = {row.name: row.leading.code if row.leading else "" for row in found.rows}
    assert codes == {"p/_ext.so": "", "p.libs/libdeep.so.1": "", "p.libs/libmid.so.1": "opened-alone"}
    assert found.verdict is LoadVerdict.LOADS_WITH_RISK
    del files["p/_ext.so"]
    alone = survey(wheel_of(tmp_path / "q-1-cp311-cp311-manylinux_2_17_x86_64.whl", files))
    assert alone.verdict is LoadVerdict.FAILS


def test_advice_about_a_wheel_is_for_the_unpacked_wheel(workshop: Workshop, tmp_path: Path) -> None:
    needed("patchelf")
    workshop.library("p.libs/libp-1a2b.so.1", HAS)
    workshop.library("p/_m.so", CALLS, needs=["p.libs/libp-1a2b.so.1"], soname="")
    files = {name: Path(workshop.path(name)).read_bytes() for name in ("p.libs/libp-1a2b.so.1", "p/_m.so")}
    made = wheel_of(tmp_path / "p-1.0-cp311-cp311-linux_x86_64.whl", files)
    leading = next(row.leading for row in survey_rows(made) if row.name == "p/_m.so")
    assert leading is not None
    unpack, _, command = leading.advice.partition(", and in its folder: ")
    assert unpack == f"wheel unpack {made}"
    unpacked = tmp_path / "unpacked"
    zipfile.ZipFile(made).extractall(unpacked)
    subprocess.run(shlex.split(command), check=True, cwd=unpacked)
    assert survey(unpacked).verdict is LoadVerdict.LOADS
    assert workshop.truth(workshop.ask(str(unpacked / "p/_m.so"))).loads


def test_auditwheel_puts_what_a_wheel_misses_into_it(workshop: Workshop, tmp_path: Path) -> None:
    pytest.importorskip("auditwheel", reason="this test needs auditwheel (the peers' extra)")
    needed("patchelf")
    workshop.library("outside/libmissed.so.1", HAS)
    workshop.library("p/_m.so", CALLS, needs=["outside/libmissed.so.1"], soname="")
    tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp311-cp311-linux_x86_64\n"
    about = {
        "p/_m.so": Path(workshop.path("p/_m.so")).read_bytes(),
        "p-1.0.dist-info/WHEEL": tags.encode(),
        "p-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: p\nVersion: 1.0\n",
        "p-1.0.dist-info/RECORD": b"p/_m.so,,\n",
    }
    made = wheel_of(tmp_path / "p-1.0-cp311-cp311-linux_x86_64.whl", about)
    (row,) = survey_rows(made)
    assert row.leading is not None
    assert row.leading.code == "dep-not-found"
    command = shlex.split(row.leading.advice.partition(", ")[2].partition(" puts ")[0])
    assert command == ["auditwheel", "repair", str(made)]
    where = {**os.environ, "LD_LIBRARY_PATH": workshop.path("outside")}
    told = subprocess.run(
        [sys.executable, "-m", *command], env=where, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    if "requires patchelf" in told.stderr:
        pytest.skip("this test needs a patchelf that auditwheel takes (0.14.5 or newer)")
    assert not told.returncode, told.stderr
    (repaired,) = (tmp_path / "wheelhouse").glob("*.whl")
    assert survey(repaired).verdict is LoadVerdict.LOADS


def test_a_platform_wheel_without_libraries_is_undecided_and_a_pure_one_is_fine(tmp_path: Path) -> None:
    empty = wheel_of(tmp_path / "e-1-cp311-cp311-win_amd64.whl", {"e/__init__.py": b""})
    pure = wheel_of(tmp_path / "e-1-py3-none-any.whl", {"e/__init__.py": b""})
    assert run("explain", str(empty)) == 3
    assert run("explain", str(pure)) == 0
    (tmp_path / "folder").mkdir()
    assert run("explain", str(tmp_path / "folder")) == 3


@pytest.mark.parametrize("name", ["usb.ko", "usb.ko.xz"])
def test_no_library_is_missed_beside_modules_of_the_kernel(tmp_path: Path, name: str) -> None:
    modules = tmp_path / "lib" / "modules"
    modules.mkdir(parents=True)
    (modules / name).write_bytes(b"")
    assert run("explain", str(tmp_path / "lib")) == 0
    package = tmp_path / "linux.zip"
    package.write_bytes(zip_of({f"lib/modules/{name}": b""}))
    assert run("explain", str(package)) == 0
    wheel_with_one = wheel_of(tmp_path / "e-1-cp311-cp311-linux_x86_64.whl", {f"e/{name}": b""})
    assert run("explain", str(wheel_with_one)) == 3


def test_a_windows_wheel_is_explained_as_windows_would(tmp_path: Path) -> None:
    compiler = needed("x86_64-w64-mingw32-gcc")
    for name, source in (("helper", HAS), ("other", "int unwanted(void) { return 1; }")):
        (tmp_path / f"{name}.c").write_text(source)
    (tmp_path / "user.c").write_text(CALLS)
    subprocess.run([compiler, "-shared", "helper.c", "-o", "helper.dll", "-Wl,--out-implib,libhelper.a"], cwd=tmp_path, check=True)  # fmt: skip  # noqa: E501
    subprocess.run([compiler, "-shared", "user.c", "-o", "user.pyd", "libhelper.a"], cwd=tmp_path, check=True)
    subprocess.run([compiler, "-shared", "other.c", "-o", "other.dll"], cwd=tmp_path, check=True)
    helper, user, other = ((tmp_path / n).read_bytes() for n in ("helper.dll", "user.pyd", "other.dll"))
    name = "d-1-cp311-cp311-win_amd64.whl"
    good = survey(wheel_of(tmp_path / name, {"d/user.pyd": user, "d/helper.dll": helper}))
    assert (good.verdict, [row.loader for row in good.rows]) == (LoadVerdict.LOADS, ["Windows loader"] * 2)
    files = {"d/user.pyd": user, "d.libs/HELPER.dll": helper}
    assert survey(wheel_of(tmp_path / name, files)).verdict is LoadVerdict.FAILS  # nothing makes d.libs known
    files["d/__init__.py"] = b"import os; os.add_dll_directory(os.path.join(__file__, '..', '..', 'd.libs'))"
    assert survey(wheel_of(tmp_path / name, files)).verdict is LoadVerdict.LOADS
    missing = survey(wheel_of(tmp_path / name, {"d/user.pyd": user}))
    assert [row.leading.code for row in missing.rows if row.leading] == ["pe-missing-dll"]
    (tmp_path / "old").mkdir()
    (tmp_path / "old/helper.dll").write_bytes(other)
    loaded = LoaderModel(kind=LoaderKind.WINDOWS, already_loaded=(str(tmp_path / "old/helper.dll"),), cwd=str(tmp_path))
    answer = explain(str(tmp_path / "user.pyd"), model=loaded)
    assert answer.first_blocking is not None
    assert answer.first_blocking.code == "pe-missing-entry"  # the loaded module of that base name is taken


def test_windows_packages_in_a_folder_are_as_those_of_a_wheel(tmp_path: Path) -> None:
    compiler = needed("x86_64-w64-mingw32-gcc")
    site = tmp_path / "site"
    for folder in ("demo", "demo.libs"):
        (site / folder).mkdir(parents=True)
    (tmp_path / "h.c").write_text("int wanted(void) { return 1; }")
    (tmp_path / "m.c").write_text("int wanted(void); int call(void) { return wanted(); }")
    helper = site / "demo.libs/helper-1a2b.dll"
    module = site / "demo/_m.cp311-win_amd64.pyd"
    subprocess.run([compiler, "-shared", "h.c", "-o", helper, "-Wl,--out-implib,libh.a"], check=True, cwd=tmp_path)
    subprocess.run([compiler, "-shared", "m.c", "libh.a", "-o", module], check=True, cwd=tmp_path)
    alone = explain(str(module)).first_blocking
    assert alone is not None
    assert f"os.add_dll_directory({str(helper.parent)!r})" in alone.advice
    assert run("explain", str(module), "--dll-directory", str(helper.parent)) == 0
    (site / "demo/__init__.py").write_text("import os\nos.add_dll_directory('demo.libs')\n")
    assert survey(site).verdict is LoadVerdict.LOADS
    assert explain(str(module)).verdict is LoadVerdict.LOADS  # its package is imported before it
    helper.unlink()
    assert survey(site).verdict is LoadVerdict.FAILS


def test_rows_come_as_they_are_found_and_as_a_table(pair: dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip  # noqa: E501
    path = tmp_path / "x.zip"
    path.write_bytes(zip_of(pair))
    rows = survey_rows(path)
    assert next(rows).name == "usr/lib/libp.so.1"
    assert run("explain", str(path), "--format", "csv") == 0
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["verdict"], row["file"]) for row in table] == [("loads", f"{path}!/{name}") for name in sorted(pair)]
    assert run("explain", str(path), "--table") == 0
    assert capsys.readouterr().out.count("\n") == 2
    assert run("explain", str(path), "--format", "json") == 0
    assert len(json.loads(capsys.readouterr().out)["libraries"]) == 2


def test_folders_of_a_root_are_those_of_the_root(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "root"
    for folder in ("lib64", "lib/x86_64-linux-gnu", "opt/app", "usr/lib"):
        (root / folder).mkdir(parents=True)
    for real, there in (
        ("/lib64/ld-linux-x86-64.so.2", "lib64/ld-linux-x86-64.so.2"),
        ("/lib/x86_64-linux-gnu/libc.so.6", "lib/x86_64-linux-gnu/libc.so.6"),
    ):
        if not Path(real).exists():
            pytest.skip("this system has its C library elsewhere")
        (root / there).write_bytes(Path(real).read_bytes())
    (root / "opt/app/libinroot.so").write_bytes(tiny_elf("libinroot.so"))
    for spelled in ("/opt/app", str(root / "opt/app")):
        assert run("explain", "--root", str(root), spelled, "--table") == 0
        assert capsys.readouterr().out.split()[1:] == ["/opt/app/libinroot.so"]
    assert run("explain", "--root", str(root), str(root / "opt/app/libinroot.so")) == 0
    assert run("explain", "--root", str(root), "/usr/lib") == 3  # the host's is no matter
    capsys.readouterr()
    assert run("tree", "--root", str(root), str(root / "opt/app/gone")) == 3
    assert "There is no such file: /opt/app/gone" in capsys.readouterr().out


def test_an_image_of_a_container_is_its_own_system(tmp_path: Path) -> None:
    interpreter, libc = Path("/lib64/ld-linux-x86-64.so.2"), Path("/lib/x86_64-linux-gnu/libc.so.6")
    if not interpreter.exists() or not libc.exists():
        pytest.skip("this system has its C library elsewhere")
    lower = {
        "lib64/ld-linux-x86-64.so.2": interpreter.read_bytes(),
        "lib/x86_64-linux-gnu/libc.so.6": libc.read_bytes(),
        "usr/bin/true": b"#!",
        "opt/app/liba.so": tiny_elf("liba.so", ["libgone.so"]),
        "opt/app/libgone.so": tiny_elf("libgone.so"),
        "lib/x86_64-linux-gnu/libgone.so": tiny_elf("libgone.so"),
    }
    upper = {"lib/x86_64-linux-gnu/.wh.libgone.so": b""}
    listed = json.dumps([{"Layers": ["1/layer.tar", "2/layer.tar"]}]).encode()
    image = tmp_path / "image.tar"
    for layers, expected in (((lower, {"etc/x": b""}), ""), ((lower, upper), "dep-not-found")):
        image.write_bytes(
            tar_of({"1/layer.tar": tar_of(layers[0]), "2/layer.tar": tar_of(layers[1]), "manifest.json": listed})
        )
        codes = {row.name: row.leading.code if row.leading else "" for row in survey(image).rows}
        assert codes["opt/app/liba.so"] == expected


def test_an_image_without_a_loader_has_none_of_this_machine(workshop: Workshop, tmp_path: Path) -> None:
    program, image = Path(workshop.program("app")), tmp_path / "image.tar"
    layer = tar_of({"app/app": program.read_bytes(), "app/liba.so": tiny_elf("liba.so")})
    documents = {"manifest.json": json.dumps([{"Layers": ["1/layer.tar"]}]).encode()}
    image.write_bytes(tar_of({"1/layer.tar": layer, **documents}))
    codes = {row.name: row.leading.code if row.leading else "" for row in survey(image).rows}
    assert codes == {"app/app": "interp-missing", "app/liba.so": ""}
    image.write_bytes(layer)  # no image: a tar archive of files that may be laid over a system
    assert "app/app" not in {row.name for row in survey(image).rows}


def test_bounds_and_what_cannot_be_looked_into_are_typed(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("a.so", "w", force_zip64=True) as out,
    ):
        out.write(b"\x7fELF")
        for _ in range(300):
            out.write(bytes(1 << 20))
    with pytest.raises(TooLarge, match="packed bytes became"):
        survey(bomb)
    (tmp_path / "x.AppImage").write_bytes(appimage_of(b"", kind=1))
    with pytest.raises(Unsupported, match="bsdtar"):
        survey(tmp_path / "x.AppImage")
    with pytest.raises(Unreadable):
        survey(tmp_path / "gone.tar")


@pytest.mark.parametrize(
    ("machine", "tag", "loader"),
    [
        (183, "aarch64", "ld-linux-aarch64.so.1"),
        (21, "ppc64le", "ld64.so.2"),
        (243, "riscv64", "ld-linux-riscv64-lp64d.so.1"),
    ],
)
def test_of_a_system_that_is_not_here_its_loader_is_taken_for_there(
    machine: int, tag: str, loader: str, tmp_path: Path
) -> None:
    """The linker names the loader as a need where one of its symbols is used; PEP 600 lets a wheel expect it."""
    library = bytearray(tiny_elf("liba.so", ["libc.so.6", loader]))
    library[18:20] = machine.to_bytes(2, "little")
    found = survey(wheel_of(tmp_path / f"d-1-cp311-cp311-manylinux_2_28_{tag}.whl", {"d/liba.so": bytes(library)}))
    assert [row.verdict for row in found.rows] == [LoadVerdict.LOADS]


@pytest.mark.parametrize("tag", ["cp38-cp38-manylinux_2_28_x86_64", "cp38-cp38-musllinux_1_2_x86_64"])
def test_what_a_wheel_brings_for_its_modules_has_the_symbols_of_their_python(
    tag: str, tmp_path: Path, workshop: Workshop
) -> None:
    """A library of a wheel that is no module itself calls the interpreter as well; what is not Python's is missed."""
    path = tmp_path / f"d-1-{tag}.whl"
    for symbol, verdict in (("PyErr_Restore", LoadVerdict.LOADS), ("pyramid_of", LoadVerdict.FAILS)):
        source = f"extern int {symbol}(void); int call(void) {{ return {symbol}(); }}"
        library = Path(workshop.library("libhelper.so", source, "-nostdlib")).read_bytes()
        assert [row.verdict for row in survey(wheel_of(path, {"d/libhelper.so": library})).rows] == [verdict]


STARTERS = {
    "a script": {"AppRun": b'#!/bin/sh\nexport LD_LIBRARY_PATH="${HERE}/usr/gone:$HERE/usr/lib/:$LD_LIBRARY_PATH"\n'},
    "a program": {"AppRun": b"\x7fELF\2\1\1" + bytes(60) + b"LD_LIBRARY_PATH=%s/usr/lib/:%s/usr/lib64/:%s\0"},
    "settings": {"AppRun": b"\x7fELF" + bytes(60), "AppRun.env": b"APPDIR_LIBRARY_PATH=$APPDIR/usr/lib:$APPDIR/lib\n"},
    "a hook": {"AppRun": b"#!/bin/sh\n", "apprun-hooks/1.sh": b"export LD_LIBRARY_PATH='$APPDIR'/usr/lib; x=1\n"},
}


@pytest.mark.parametrize("starter", STARTERS)
@pytest.mark.parametrize("unpacked", [False, True])
def test_an_appimage_is_asked_about_as_its_apprun_starts_it(
    starter: str, unpacked: bool, tmp_path: Path, workshop: Workshop
) -> None:
    """The real loader, given what AppRun sets, starts the program; without it, it does not."""
    workshop.library("app/usr/lib/libown.so", "int own(void){return 0;}", soname="libown.so")
    app = workshop.program(
        "app/usr/bin/app", "int own(void); int main(void){return own();}", needs=["app/usr/lib/libown.so"]
    )
    files = {name: Path(workshop.path(f"app/{name}")).read_bytes() for name in ("usr/lib/libown.so", "usr/bin/app")}
    if unpacked:
        target = Path(workshop.path("app"))
        for name, content in STARTERS[starter].items():
            workshop.file(f"app/{name}", content)
    else:
        target = tmp_path / "x.AppImage"
        target.write_bytes(appimage_of(squashfs_of({**files, **STARTERS[starter]})))
    found = {row.name: row for row in survey(target).rows}
    assert [found[name].verdict for name in files] == [LoadVerdict.LOADS] * 2
    assert "AppRun sets LD_LIBRARY_PATH to /usr/lib" in found["usr/bin/app"].assumptions
    library_path = {"LD_LIBRARY_PATH": workshop.path("app/usr/lib")}
    assert [
        subprocess.run([app], env=env, check=False, capture_output=True).returncode for env in (library_path, {})
    ] == [0, 127]


def test_an_appimage_without_settings_finds_what_runpaths_say(tmp_path: Path, workshop: Workshop) -> None:
    workshop.library("usr/lib/libown.so", "int own(void){return 0;}", soname="libown.so")
    workshop.program("usr/bin/app", "int own(void); int main(void){return own();}", needs=["usr/lib/libown.so"])
    names = ("usr/lib/libown.so", "usr/bin/app")
    for runpath, expected in (("$ORIGIN/../lib", LoadVerdict.LOADS), ("$ORIGIN/../gone", LoadVerdict.FAILS)):
        workshop.patchelf("usr/bin/app", "--set-rpath", runpath)
        files = {name: Path(workshop.path(name)).read_bytes() for name in names}
        target = tmp_path / "x.AppImage"
        target.write_bytes(appimage_of(squashfs_of(files, {"AppRun": "usr/bin/app"})))
        row = next(row for row in survey(target).rows if row.name == "usr/bin/app")
        assert row.verdict is expected
        assert row.path == f"{target}!/usr/bin/app"
    assert row.leading
    assert row.leading.advice.startswith(f"{target} --appimage-extract, and in its folder: patchelf")


def test_the_python_is_read_off_the_name_and_the_environment(tmp_path: Path, workshop: Workshop) -> None:
    module = "extern int PyUnstable_NotInThisOne(void); int PyInit__m(void) { return PyUnstable_NotInThisOne(); }"
    other = sys.version_info.minor + 1
    name = f"_m.cpython-3{other}-x86_64-linux-gnu.so"
    site = workshop.folder_of(f"v/lib/python3.{other}/site-packages/demo")
    path = workshop.library(str(site.relative_to(workshop.folder) / name), module, soname="")
    assert survey(site).verdict is LoadVerdict.LOADS  # that Python is not here: its symbols are its own
    same = site / f"_m.cpython-3{sys.version_info.minor}-x86_64-linux-gnu.so"
    Path(path).rename(same)
    (tmp_path / "plain").mkdir()
    same.rename(tmp_path / "plain" / same.name)
    assert survey(tmp_path / "plain").verdict is LoadVerdict.FAILS
    program = '__attribute__((visibility("default"))) int PyUnstable_NotInThisOne(void) { return 1; } int PyObject_Free; int main(void) { return 0; }'  # noqa: E501
    workshop.program(f"v/bin/python3.{other}", program, "-rdynamic")
    (tmp_path / "plain" / same.name).rename(site / name)
    assert survey(site).rows[0].assumptions[-1].endswith(f"python3.{other}")


def test_a_survey_keeps_no_image_it_is_done_with(workshop: Workshop) -> None:
    """Nor waits for the collector: thousands of images are gigabytes. One loads, one needs it, one misses another."""
    workshop.library("liba.so", "int a(void){return 1;}")
    workshop.library("libb.so", needs=["liba.so"], runpath="$ORIGIN")
    workshop.library("libc.so", needs=["liba.so"])
    workshop.folder_of("gone")
    gc.collect()
    gc.disable()
    try:
        assert len(survey(workshop.folder).rows) == 3
        forget_images()
        bindings._definitions.cache_clear()
        alive = [o.path for o in gc.get_objects() if isinstance(o, Image)]
    finally:
        gc.enable()
    assert [path for path in alive if str(path).startswith(str(workshop.folder))] == []


def test_shared_loads_answer_as_single_ones_do(workshop: Workshop) -> None:
    """A chain, a symbol in two libraries, one that is missed, a weak one: alone and together the same."""
    workshop.library("liba.so", "int one(void){return 1;} int two(void){return 2;}")
    workshop.library("libb.so", "int two(void){return 22;} extern int one(void); int b(void){return one()+two();}", needs=["liba.so"], runpath="$ORIGIN")  # fmt: skip  # noqa: E501
    workshop.library("libc1.so", "extern int two(void), b(void), gone(void); extern int w(void) __attribute__((weak)); int c(void){return two()+b()+gone()+(w?w():0);}", needs=["libb.so"], runpath="$ORIGIN")  # fmt: skip  # noqa: E501
    workshop.library("libd.so", "int gone(void){return 1;} extern int c(void); int d(void){return c();}", needs=["libc1.so"], runpath="$ORIGIN")  # fmt: skip  # noqa: E501
    model = replace(LoaderModel.this_process(env={}), main_image=str(workshop.host), caller=None)
    names = [workshop.path(n) for n in ("libd.so", "libc1.so", "libb.so", "liba.so", "libd.so")]
    shared = SharedLoads()
    for name in names:
        together = explain_with(name, model, as_library=True, bindings=True, shared=shared)
        alone = explain(name, model=model, as_library=True)
        assert (together.verdict, together.diagnoses) == (alone.verdict, alone.diagnoses)


def test_equal_causes_are_told_once(tmp_path: Path) -> None:
    files = {f"p/{n}.so": tiny_elf(f"{n}.so", ["gone.so"]) for n in "abcdef"}
    text = render(survey(wheel_of(tmp_path / "p-1-cp311-cp311-linux_x86_64.whl", files)), Style())
    assert text.count("[dep-not-found]") == 1
    assert "p/a.so, p/b.so, p/c.so and 3 more" in text


def test_the_tag_a_wheel_deserves_and_what_spoils_a_better_one(workshop: Workshop, tmp_path: Path) -> None:
    source = '__asm__(".symver memcpy, memcpy@GLIBC_2.14"); extern void *memcpy(void *, const void *, unsigned long); void *f(void *a) { return memcpy(a, a, 3); }'  # noqa: E501
    library = workshop.library("liba.so", source, "-fno-builtin", libc=True)
    found = portability(wheel_of(tmp_path / "a-1-cp311-cp311-manylinux_2_5_x86_64.whl", {"a.so": Path(library).read_bytes()}))  # fmt: skip  # noqa: E501
    assert found.tag == "manylinux_2_17_x86_64"
    assert not found.is_honest
    assert [(s.file, s.what, s.symbols) for s in found.spoilers] == [("a.so", "GLIBC_2.14", ("memcpy",))]
    outside = workshop.library("libb.so", CALLS, needs=[Path(workshop.library("libout.so.1", HAS)).name])
    alone = portability(wheel_of(tmp_path / "b-1-cp311-cp311-linux_x86_64.whl", {"b.so": Path(outside).read_bytes()}))
    assert alone.tag == "linux_x86_64"
    assert [s.what for s in alone.spoilers] == ["needs libout.so.1 from outside"]


def test_abi3_is_held_to_the_stable_abi_and_to_its_python(workshop: Workshop, tmp_path: Path) -> None:
    source = "extern int PyList_New(void), PyType_GetModuleByDef(void), _PyObject_GetDictPtr(void); int f(void) { return PyList_New() + PyType_GetModuleByDef() + _PyObject_GetDictPtr(); }"  # noqa: E501
    data = Path(workshop.library("m.so", source)).read_bytes()
    found = portability(wheel_of(tmp_path / "m-1-cp39-abi3-linux_x86_64.whl", {"m.abi3.so": data}))
    assert {(v.symbol, v.since) for v in found.stable_abi} == {("_PyObject_GetDictPtr", None), ("PyType_GetModuleByDef", (3, 13))}  # fmt: skip  # noqa: E501


def test_tags_are_read_off_a_wheels_name() -> None:
    tags = Tags.of("demo-1.0-1-cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl")
    assert (tags.python, tags.minimum) == (None, (3, 9))
    assert tags.platforms == ("manylinux_2_17_x86_64", "manylinux2014_x86_64")
    assert Tags.of("x.tar.gz") == Tags()


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize(
    "entry", [e for e in (*WINDOWS, *MACOS) if e[0] in ("numpy", "pillow", "lxml", "cffi")], ids=str
)
def test_real_wheels_of_other_systems_load(entry: tuple[str, str, str]) -> None:
    found = survey(wheel(*entry))
    assert found.rows
    assert not [(row.path, row.leading) for row in found.rows if row.verdict is LoadVerdict.FAILS]


def test_a_name_is_found_in_another_root(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "root"
    (root / "usr/lib").mkdir(parents=True)
    (root / "lib").symlink_to("usr/lib")
    (root / "usr/lib/ld-musl-x86_64.so.1").write_bytes(tiny_elf("libc.so"))
    for name in ("libz.so.1", "libz.so.1.2.13", "libz.so.0"):
        (root / "usr/lib" / name).write_bytes(tiny_elf(name))
    assert run("find", "z", "--root", str(root)) == 0
    assert capsys.readouterr().out.splitlines()[0] == "/lib/libz.so.1"
    assert run("find", "z", "--version", "0", "--root", str(root)) == 0
    assert capsys.readouterr().out.splitlines()[0] == "/lib/libz.so.0"
    assert run("find", "nothing-of-the-kind", "--root", str(root)) == 1


def test_what_is_in_an_archive_is_inspected(pair: dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip  # noqa: E501
    path = tmp_path / "x.tar"
    path.write_bytes(tar_of({**pair, "usr/share/text": b"text"}))
    assert run("inspect", str(path)) == 0
    said = capsys.readouterr().out
    assert all(f"{path}!/{name}: ELF" in said for name in pair)
    assert run("inspect", str(path), "--checksec") == 0
    assert capsys.readouterr().out.count(".so") == 2
    path.write_bytes(tar_of(pair)[:3000])
    assert run("inspect", str(path)) == 3


def test_two_missing_dlls_are_two_reasons(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compiler = needed("x86_64-w64-mingw32-gcc")
    files = {}
    for name in ("first", "second"):
        (tmp_path / f"{name}.c").write_text(f"int {name}(void) {{ return 1; }}")
        (tmp_path / f"u{name}.c").write_text(f"int {name}(void); int use(void) {{ return {name}(); }}")
        subprocess.run([compiler, "-shared", f"{name}.c", "-o", f"{name}.dll", f"-Wl,--out-implib,lib{name}.a"],
                       check=True, cwd=tmp_path)  # fmt: skip
        subprocess.run(
            [compiler, "-shared", f"u{name}.c", f"lib{name}.a", "-o", f"u{name}.pyd"], check=True, cwd=tmp_path
        )
        files[f"d/u{name}.pyd"] = (tmp_path / f"u{name}.pyd").read_bytes()
    assert run("explain", str(wheel_of(tmp_path / "d-1-cp311-cp311-win_amd64.whl", files))) == 1
    said = capsys.readouterr().out
    assert "needs first.dll" in said
    assert "needs second.dll" in said


def test_the_first_row_of_a_wheel_does_not_wait_for_the_last(pair: dict[str, bytes], tmp_path: Path) -> None:
    made = wheel_of(tmp_path / "d-1-cp311-cp311-linux_x86_64.whl", pair)
    with zipfile.ZipFile(made) as archive:
        last = archive.getinfo("usr/lib/user.so")
    damaged = bytearray(made.read_bytes())
    begin = last.header_offset + 30 + len(last.filename) + last.compress_size - 8
    damaged[begin : begin + 8] = bytes(8)  # behind the head, which says what kind of file it is
    made.write_bytes(damaged)
    rows = survey_rows(made)
    assert next(rows).name == "usr/lib/libp.so.1"
    with pytest.raises(MalformedImage, match="damaged archive"):
        next(rows)


def test_a_stable_module_of_a_newer_python_is_not_judged_by_this_one(workshop: Workshop, tmp_path: Path) -> None:
    source = "void *PyOnly_InNewerOnes(void); void *PyInit_m(void) { return PyOnly_InNewerOnes(); }"
    module = Path(workshop.library("m.abi3.so", source, soname="")).read_bytes()
    for tag, verdict in (("cp399", LoadVerdict.LOADS), ("cp38", LoadVerdict.FAILS)):
        made = wheel_of(tmp_path / f"m-1-{tag}-abi3-manylinux_2_17_x86_64.whl", {"m.abi3.so": module})
        assert survey(made).verdict is verdict


def test_no_run_path_leads_out_of_an_archive(workshop: Workshop, tmp_path: Path) -> None:
    libp = Path(workshop.library("libp.so.1", HAS))
    user = Path(workshop.library("user.so", CALLS, needs=["libp.so.1"], soname="")).read_bytes()
    (outside := tmp_path / "lib").mkdir()
    (outside / "libp.so.1").write_bytes(libp.read_bytes())
    libp.unlink()
    made = wheel_of(tmp_path / "p-1.0-cp311-cp311-linux_x86_64.whl", {"p/user.so": user})
    model = replace(LoaderModel.this_process(), cwd=str(outside))
    (row,) = survey_rows(made, model=model)
    assert row.leading is not None
    repair = f"auditwheel repair {made}"
    said = f"where it was built, {repair} puts libp.so.1 into it; for this system: LD_LIBRARY_PATH={outside}"
    assert row.leading.advice == said
    there = replace(model, env=(("LD_LIBRARY_PATH", str(outside)),))
    assert survey(made, model=there).verdict is LoadVerdict.LOADS


@pytest.mark.parametrize(
    ("library", "required"),
    [("libcublas.so.12", "nvidia-cublas-cu12"), ("libarrow.so.1500", "pyarrow"), ("libQt6Core.so.6", "PyQt6-Qt6")],
)
def test_a_library_that_a_required_wheel_brings(
    workshop: Workshop, tmp_path: Path, library: str, required: str
) -> None:
    gone = Path(workshop.library(library, HAS))
    user = Path(workshop.library("user.so", CALLS, needs=[library], soname="")).read_bytes()
    gone.unlink()
    about = f"Name: p\nRequires-Dist: {required} (>=1)\nRequires-Dist: other\n\nRequires-Dist: x\n"
    files = {"p/user.so": user, "p-1.0.dist-info/METADATA": about.encode()}
    made = wheel_of(tmp_path / "p-1.0-cp311-cp311-manylinux_2_17_x86_64.whl", files)
    (row,) = survey_rows(made)
    assert row.leading is not None
    assert row.leading.advice.startswith(f"{required}, which it requires, brings {library}: pip install {made}, and ")
    files["p-1.0.dist-info/METADATA"] = f"Name: p\nRequires-Dist: {required}; extra == 'gpu'\n".encode()
    (row,) = survey_rows(wheel_of(made, files))
    assert row.leading is not None
    assert "which it requires" not in row.leading.advice


def test_a_wheel_of_its_own_goes_where_the_archive_is_unpacked(workshop: Workshop, tmp_path: Path) -> None:
    gone = Path(workshop.library("libcublas.so.12", HAS))
    user = Path(workshop.library("user.so", CALLS, needs=["libcublas.so.12"], soname="")).read_bytes()
    gone.unlink()
    files = {"p/user.so": user, "p-1.0.dist-info/METADATA": b"Name: p\n", "p-1.0.dist-info/RECORD": b"p/user.so,,\n"}
    (row,) = survey_rows(wheel_of(tmp_path / "p-1.0-cp311-cp311-linux_x86_64.whl", files))
    assert row.leading is not None
    assert row.leading.advice.endswith("LD_LIBRARY_PATH='SITE-PACKAGES/nvidia/cublas/lib'")
