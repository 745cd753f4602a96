"""musl's rules against the real loader: the same program, run by musl's ld.so, and simulated."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.conftest import Compile, needed

from loadstone.core.trace import Explanation, LoadVerdict
from loadstone.linker import LoaderModel, explain
from loadstone.linker.request import LoaderKind

LOADER = "/lib/ld-musl-x86_64.so.1"
HOST = """
#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv) {
    void *handle = dlopen(argv[1], RTLD_NOW);
    if (!handle) { puts(dlerror()); return 1; }
    puts("loaded");
    return 0;
}
"""


@dataclass
class Truth:
    loads: bool
    words: str


Ask = Callable[..., Truth]


@pytest.fixture
def truth(tmp_path: Path) -> Ask:
    needed(LOADER)
    program = tmp_path / "host"
    source = tmp_path / "host.c"
    source.write_text(HOST)
    subprocess.run([needed("musl-gcc"), "-o", str(program), str(source)], check=True)

    def ask(target: Path | str, **env: str) -> Truth:
        done = subprocess.run(
            [str(program), str(target)], capture_output=True, text=True, check=False, env=env, cwd=tmp_path
        )
        return Truth(done.returncode == 0, done.stdout.strip())

    return ask


def simulated(target: Path | str, **env: str) -> Explanation:
    return explain(
        str(target), model=LoaderModel(kind=LoaderKind.MUSL, interpreter=LOADER, env=tuple(env.items()), cwd="/")
    )


class Case:
    """A library liba that needs libb that needs libc_, each in a directory of its own, built for musl."""

    def __init__(self, compile_library: Compile, root: Path) -> None:
        self.compile, self.root = compile_library, root

    def build(self, name: str, source: str, *flags: str, needs: Path | None = None) -> Path:
        libraries = [str(needs)] if needs else []
        made = self.compile(source, f"lib{name}.so", *libraries, *flags, compiler="musl-gcc")
        folder = self.root / name
        folder.mkdir(exist_ok=True)
        return Path(shutil.copy(made, folder))


@pytest.fixture
def case(compile_library: Compile, tmp_path: Path) -> Case:
    needed("musl-gcc")
    return Case(compile_library, tmp_path)


def same(truth: Truth, explanation: Explanation) -> None:
    assert truth.loads is (explanation.verdict in (LoadVerdict.LOADS, LoadVerdict.LOADS_WITH_RISK)), truth.words
    if not truth.loads:
        assert explanation.diagnoses[0].loader_message == truth.words


def soname(name: str) -> str:
    return f"-Wl,-soname,lib{name}.so"


def test_a_library_on_its_own_loads(case: Case, truth: Ask) -> None:
    target = case.build("a", "int a(void) { return 1; }")
    same(truth(target), simulated(target))


def test_a_missing_dependency_is_told_in_the_loaders_words(case: Case, truth: Ask) -> None:
    b = case.build("b", "int b(void) { return 1; }", soname("b"))
    target = case.build("a", "int b(void); int a(void) { return b(); }", needs=b)
    same(truth(target), simulated(target))


def test_the_environment_is_searched_before_the_run_path(case: Case, truth: Ask) -> None:
    b = case.build("b", "int b(void) { return 1; }", soname("b"))
    target = case.build("a", "int b(void); int a(void) { return b(); }", f"-Wl,-rpath,{b.parent}", needs=b)
    other = case.root / "other"
    other.mkdir()
    shutil.copy(b, other)
    env = {"LD_LIBRARY_PATH": str(other)}
    same(truth(target, **env), simulated(target, **env))
    (edge,) = (e for e in simulated(target, **env).graph.edges if e.name == "libb.so")
    assert (edge.how, edge.chosen) == ("ld_library_path", str(other / "libb.so"))


@pytest.mark.parametrize("tag", ["--enable-new-dtags", "--disable-new-dtags"])
def test_run_paths_are_inherited_whichever_tag_they_have(tag: str, case: Case, truth: Ask) -> None:
    c = case.build("c", "int c(void) { return 1; }", soname("c"))
    b = case.build("b", "int c(void); int b(void) { return c(); }", soname("b"), needs=c)
    paths = f"-Wl,{tag},-rpath,{b.parent}:{c.parent}"
    target = case.build("a", "int b(void); int a(void) { return b(); }", paths, needs=b)
    same(truth(target), simulated(target))


def test_origin_is_known_and_any_other_token_voids_the_run_path(case: Case, truth: Ask) -> None:
    b = case.build("b", "int b(void) { return 1; }", soname("b"))
    source = "int b(void); int a(void) { return b(); }"
    for folder, origin in (("a", "$ORIGIN"), ("a1", "${ORIGIN}")):
        target = case.build(folder, source, f"-Wl,-rpath,{origin}/../b", needs=b)
        same(truth(target), simulated(target))
    target = case.build("a2", source, f"-Wl,-rpath,$LIB:{b.parent}", needs=b)
    same(truth(target), simulated(target))


def test_versions_do_not_matter(case: Case, truth: Ask) -> None:
    script = case.root / "v.map"
    script.write_text("V1 { b; };")
    b = case.build("b", "int b(void) { return 1; }", soname("b"), f"-Wl,--version-script={script}")
    target = case.build("a", "int b(void); int a(void) { return b(); }", f"-Wl,-rpath,{b.parent}", needs=b)
    case.build("b", "int b(void) { return 2; }", soname("b"))  # the same name without any version
    same(truth(target), simulated(target))


def test_an_undefined_symbol_is_told_in_the_loaders_words(case: Case, truth: Ask) -> None:
    target = case.build("a", "int missing(void); int a(void) { return missing(); }")
    same(truth(target), simulated(target))


def test_an_undefined_weak_symbol_is_none_of_its_business(case: Case, truth: Ask) -> None:
    source = "int maybe(void) __attribute__((weak)); int a(void) { return maybe ? maybe() : 0; }"
    target = case.build("a", source)
    same(truth(target), simulated(target))


def test_a_library_that_does_not_exist_is_an_answer(case: Case) -> None:
    assert simulated(case.root / "none.so").verdict is LoadVerdict.FAILS
    assert os.path.exists(LOADER)
