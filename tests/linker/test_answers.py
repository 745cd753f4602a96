"""Questions about one load: symbols, versions, replacements; folders and wheels; extension modules; packages."""

from __future__ import annotations

import json
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from tests.linker.tiny_elf import tiny_elf
from tests.linker.workshop import Workshop

from loadstone.binary import read
from loadstone.core.trace import LoadVerdict
from loadstone.errors import MalformedImage, Unreadable
from loadstone.linker import LoaderModel, PretendedFiles, explain
from loadstone.linker.answers import (
    Answers,
    Replacement,
    VersionNeeds,
    needs_of,
    replacing,
    smallest_release,
    story_of,
    version_uses,
)
from loadstone.linker.debian_names import package_name_of
from loadstone.linker.packages import owner_of, package_of_missing
from loadstone.linker.surveys import is_survey_target, replacing_everywhere, survey
from loadstone.report.documents.survey import survey_document
from loadstone.report.json import render as render_json
from loadstone.report.text import answers as answers_text
from loadstone.report.text.explanation import render
from loadstone.report.text.style import Style
from loadstone.report.text.survey import render as render_survey

HAS_F = "int f(void){return 1;}"
CALLS_F = "extern int f(void); int a(void){return f();}"
V1 = "V1 { global: f; local: *; };"


def _bare(workshop: Workshop) -> LoaderModel:
    """A process of the host program alone."""
    return replace(LoaderModel.this_process(env={}), main_image=str(workshop.host), caller=None)


def test_the_story_of_a_symbol_names_every_definition_and_who_gets_which(workshop: Workshop) -> None:
    workshop.library("libb.so", HAS_F, version_script=V1)
    workshop.library("libc2.so", HAS_F)
    path = workshop.library("liba.so", CALLS_F, needs=["libb.so", "libc2.so"], runpath="$ORIGIN")
    story = story_of(explain(path, model=_bare(workshop)), "f")
    assert story.defined_by == ((workshop.path("libb.so"), "V1"), (workshop.path("libc2.so"), ""))
    assert story.bound_to == ((path, workshop.path("libb.so")),)
    assert "first, so it wins" in answers_text.render(Answers(symbol=story), Style())
    missed = story_of(explain(path, model=_bare(workshop)), "no_such")
    assert "defined by nothing" in answers_text.render(Answers(symbol=missed), Style())


def test_who_misses_a_symbol_is_named(workshop: Workshop) -> None:
    path = workshop.library("liba.so", CALLS_F)
    story = story_of(explain(path, model=_bare(workshop)), "f")
    assert story.unmet == (path,)
    assert "unresolved" in answers_text.render(Answers(symbol=story), Style())


def test_the_symbols_behind_a_version_and_the_smallest_release() -> None:
    image = read("/lib/x86_64-linux-gnu/libz.so.1")
    uses = {use.version: use for use in version_uses(image, "libz.so.1")}
    assert "memcpy" in uses["GLIBC_2.14"].symbols
    assert [use.version for use in version_uses(image, "libz.so.1", "GLIBC_2.14")] == ["GLIBC_2.14"]
    assert smallest_release(image.version_needs) == "2.14"
    assert smallest_release(()) is None
    explained = explain("/lib/x86_64-linux-gnu/libz.so.1", bindings=False)
    needs = needs_of(explained)
    assert needs == VersionNeeds(version_uses(image, explained.graph.root.path), "2.14")
    assert "2.14" in answers_text.render(Answers(versions=needs), Style())
    unread = needs_of(explain("libdoesnotexist.so.9"))
    assert unread == VersionNeeds((), None)
    assert "none" in answers_text.render(Answers(versions=unread), Style())


def test_a_replacement_that_lacks_what_is_used_breaks_it(workshop: Workshop) -> None:
    workshop.library("libb.so", "int f(void){return 1;} int g(void){return 1;}", version_script="V1 { global: f; g; };")
    path = workshop.library("liba.so", CALLS_F, needs=["libb.so"], runpath="$ORIGIN")
    explained = explain(path, model=_bare(workshop))
    same = read(workshop.library("same/libb.so", HAS_F, version_script=V1))
    other = read(workshop.library("other/libb.so", "int g(void){return 1;}", version_script="V2 { global: g; };"))
    assert replacing(explained, "libb.so", same, named="same") == Replacement("libb.so", "same", (), (path,))
    unharmed = Answers(replacement=replacing(explained, "libb.so", same))
    assert "nothing breaks for 1 file that uses it" in answers_text.render(unharmed, Style())
    harmed = Answers(replacement=replacing(explained, workshop.path("libb.so"), other))
    assert harmed.replacement is not None
    assert [(item.symbol, item.version) for item in harmed.replacement.broken] == [("f", "V1"), ("", "V1")]
    assert "lost f@V1" in answers_text.render(harmed, Style())


def test_a_replacement_of_another_kind_or_size_breaks_every_user_of_a_folder(workshop: Workshop) -> None:
    old = "int data[2]; _Thread_local int t; int same(void) { return 1; } "
    old += "int gone(void) { return 1; } int k(void) { return 1; }"
    new = "int data[4]; _Thread_local long t; int same(void) { return t ? 2 : data[3]; } int k = 1;"
    use = "extern int data[]; extern _Thread_local int t; int same(void), gone(void), k(void);"
    workshop.library("site/libn.so.1", old)
    workshop.library("site/a.so", f"{use} int a(void) {{ return data[0] + t + same() + gone() + k(); }}",
                     needs=["site/libn.so.1"], runpath="$ORIGIN")  # fmt: skip
    workshop.library(
        "site/b.so", f"{use} int b(void) {{ return same(); }}", needs=["site/libn.so.1"], runpath="$ORIGIN"
    )
    other = read(workshop.library("new/libn.so.1", new))
    site = workshop.path("site")
    found = replacing_everywhere(site, old="libn.so.1", new=other)
    assert {(item.symbol, item.change) for item in found.broken} == {
        ("data", "was an object of 8 bytes, is one of 16"),
        ("t", "was a thread-local variable of 4 bytes, is one of 8"),
        ("gone", ""),
        ("k", "was a function, is an object"),
    }
    assert {item.consumer for item in found.broken} == {f"{site}/a.so"}
    assert found.users == (f"{site}/a.so", f"{site}/b.so")
    nobody = replacing_everywhere(site, old="libq.so.1", new=other)
    assert nobody.users == ()
    assert "nothing to compare" in answers_text.render(Answers(replacement=nobody), Style())


def test_definitions_that_come_too_late_are_named_with_the_one_that_wins(workshop: Workshop) -> None:
    workshop.library("libb.so", HAS_F, version_script=V1)
    workshop.library("libhidden.so", '__attribute__((visibility("hidden"))) int f(void){return 3;}')
    workshop.library("libother.so", HAS_F, version_script="V2 { global: f; local: *; };")
    workshop.library("libc2.so", HAS_F)
    needs = ["libb.so", "libhidden.so", "libother.so", "libc2.so"]
    path = workshop.library("liba.so", CALLS_F, needs=needs, runpath="$ORIGIN")
    explained = explain(path, model=_bare(workshop))
    (wanted,) = (b for b in explained.bindings if b.symbol == "f")
    assert wanted.provider == workshop.path("libb.so")
    assert wanted.shadowed == (workshop.path("libc2.so"),)  # V2 would not serve f@V1, nor would what is hidden
    assert f"{wanted.provider} (before {wanted.shadowed[0]})" in render(explained, Style(), verbose=2)


def test_a_symbol_taken_over_by_another_library_is_a_risk(workshop: Workshop) -> None:
    workshop.library("libb.so", HAS_F, version_script=V1)
    workshop.library("libfirst.so", HAS_F)
    path = workshop.library("liba.so", CALLS_F, needs=["libb.so"], runpath="$ORIGIN")
    model = replace(_bare(workshop), preload=(workshop.path("libfirst.so"),))
    answer = explain(path, model=model)
    assert answer.verdict is LoadVerdict.LOADS_WITH_RISK
    assert [d.code for d in answer.diagnoses] == ["interposed"]


def test_two_copies_of_one_library_are_a_risk(workshop: Workshop) -> None:
    workshop.library("one/libb.so")
    workshop.library("two/libb.so")
    workshop.library("libl.so", needs=["one/libb.so"])
    workshop.patchelf("libl.so", "--replace-needed", "libb.so", workshop.path("one/libb.so"))
    path = workshop.library("liba.so", needs=["libl.so", "two/libb.so"], runpath="$ORIGIN:$ORIGIN/two")
    answer = explain(path, model=_bare(workshop))
    assert [d.code for d in answer.diagnoses] == ["duplicate-copy"]


def test_an_extension_module_gets_its_symbols_from_whatever_imports_it(workshop: Workshop) -> None:
    source = "extern void *PyModule_Create2(void*, int); void *PyInit_m(void){return PyModule_Create2(0, 0);}"
    path = workshop.library("m.cpython-311-x86_64-linux-gnu.so", source)
    plain = workshop.library("m.so", source)
    other = workshop.library(
        "libm2.so", "extern void *PyModule_Create2(void*, int); void *x(void){return PyModule_Create2(0,0);}"
    )
    for module in (path, plain):
        answer = explain(module, model=_bare(workshop))
        assert answer.verdict is LoadVerdict.LOADS
        assert any("provided by the Python interpreter" in said for said in answer.assumptions)
    assert explain(other, model=_bare(workshop)).verdict is LoadVerdict.FAILS


def test_declared_dlopen_names_are_shown_and_not_loaded(workshop: Workshop) -> None:
    note = json.dumps([{"soname": ["libz.so.1"], "feature": "compression", "priority": "recommended"}]).encode() + b"\0"
    name = b"FDO\0"
    content = struct.pack("<III", len(name), len(note), 0x407C0C0A) + name + note + bytes(-len(note) % 4)
    octets = ",".join(str(b) for b in content)
    source = f'__asm__(".section .note.dlopen,\\"a\\",@note\\n.balign 4\\n.byte {octets}\\n.text");'
    path = workshop.library("liba.so", source)
    answer = explain(path, model=_bare(workshop))
    declared = [e for e in answer.graph.edges if e.kind.value == "dlopen"]
    assert [(e.name, e.note) for e in declared] == [("libz.so.1", "recommended: compression")]
    assert declared[0].chosen is not None
    assert declared[0].chosen not in [n.path for n in answer.graph.nodes]
    from loadstone.report.text.tree import render

    assert "(dlopen, recommended: compression)" in render(answer, Style())


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A folder of libraries: one good, one without its dependency, one twice."""
    place = tmp_path / "site-packages"
    (place / "a.libs").mkdir(parents=True)
    (place / "b.libs").mkdir()
    (place / "good.so").write_bytes(tiny_elf("good.so", ["libx.so"], runpath="$ORIGIN/a.libs"))
    (place / "bad.so").write_bytes(tiny_elf("bad.so", ["libgone.so"]))
    (place / "worse.so").write_bytes(tiny_elf("worse.so", ["libgone.so"]))
    (place / "a.libs/libx.so").write_bytes(tiny_elf("libx.so"))
    (place / "b.libs/libx.so").write_bytes(tiny_elf("libx.so"))
    (place / "link.so").symlink_to("good.so")
    (place / "notes.so.txt").write_text("not a library")
    return place


def test_a_folder_is_explained_worst_first(environment: Path) -> None:
    assert is_survey_target(str(environment))
    result = survey(environment)
    assert [Path(row.path).name for row in result.rows][:2] == ["bad.so", "worse.so"]
    assert result.verdict is LoadVerdict.FAILS
    assert result.count(LoadVerdict.LOADS) == 3
    assert [soname for soname, _ in result.duplicates] == ["libx.so"]
    text = render_survey(result, Style())
    assert text.splitlines()[0].endswith("2 of 5 do not load")
    assert "bad.so, worse.so" in text
    assert "libx.so: a.libs/libx.so, b.libs/libx.so" in text
    document = json.loads(render_json(survey_document(result)))
    assert document["schema"] == "loadstone.survey/1"
    assert len(document["libraries"]) == 5


def test_a_wheel_is_looked_into_without_unpacking(environment: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "thing-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path in sorted(environment.rglob("*")):
            if path.is_file() and not path.is_symlink():
                archive.write(path, path.relative_to(environment))
        archive.writestr("../../escape.so", tiny_elf("escape.so"))
    assert is_survey_target(str(wheel))
    result = survey(wheel)
    assert result.count(LoadVerdict.FAILS) == 2
    assert result.count(LoadVerdict.LOADS) == 4
    assert all(row.path == f"{wheel}!/{row.name}" for row in result.rows)
    assert "escape.so" in [row.name for row in result.rows]


def test_a_folder_without_libraries_says_so(tmp_path: Path) -> None:
    result = survey(tmp_path)
    assert result.verdict is LoadVerdict.UNKNOWN
    assert "no libraries" in render_survey(result, Style())


def test_what_is_no_wheel_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "x.whl").write_bytes(b"not a zip")
    with pytest.raises(MalformedImage):
        survey(tmp_path / "x.whl")
    with pytest.raises(Unreadable):
        survey(tmp_path / "none.whl")


PACKAGES: dict[str, bytes | str | int] = {
    "/var/lib/dpkg/info/zlib1g:amd64.list": b"/.\n/lib/x86_64-linux-gnu/libz.so.1\n",
    "/var/lib/dpkg/info/zlib1g:amd64.shlibs": b"libz 1 zlib1g (>= 1:1.2)\nudeb: libz 1 zlib1g-udeb\n",
    "/var/lib/dpkg/status": b"Package: zlib1g\nStatus: installed\n",
    "/var/lib/apt/lists/deb_Packages": b"Package: libfoo2\nVersion: 1\n\nPackage: libz3-4\n",
}


def test_the_package_of_a_missing_library_comes_from_the_database() -> None:
    view = PretendedFiles(PACKAGES)
    assert package_of_missing(view, "libz.so.1") == "zlib1g"
    assert package_of_missing(view, "libfoo.so.2") == "libfoo2"
    assert package_of_missing(view, "libz3.so.4") == "libz3-4"
    assert package_of_missing(view, "libbar.so.2") is None
    assert package_name_of("no-library") is None
    assert package_name_of("libapr-1.so.0") == "libapr-1-0"
    assert owner_of(view, "/usr/lib/x86_64-linux-gnu/libz.so.1") == "zlib1g"
    assert owner_of(view, "/opt/x.so") is None
    assert package_of_missing(PretendedFiles({}), "libz.so.1") is None


def test_a_missing_library_is_advised_by_its_package() -> None:
    files = {**PACKAGES, "/lib/libc.so.6": tiny_elf("libc.so.6"), "/a.so": tiny_elf("a.so", ["libfoo.so.2"])}
    answer = explain("/a.so", model=LoaderModel(view=PretendedFiles(files), system_dirs=("/lib",)))
    assert answer.first_blocking is not None
    assert answer.first_blocking.advice == "apt install libfoo2"
