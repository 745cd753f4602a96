"""Every block of code of the site is run, or it is written here why it is not.

The README and the tutorials run as they stand (``test_readme.py``). The other pages speak of files that a reader has
and a test makes first: a page's stage. A word of a page that stands for something of the reader's is replaced by it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.pages import ROOT, Block, Session, blocks_of
from tests.tools import needed

import loadstone.plugin

DOCS = ROOT / "docs"
ELSEWHERE = ("rules/", "reference/json/", "reference/commands.md", "schema/", "decisions/", "tutorials/")
"""Made from the code and held by ``docs/generate.py --check``, records of the past, or run by ``test_readme.py``."""

RUN = ("python", "console", "sh", "toml")


def built(folder: Path, name: str, source: str, *flags: str) -> None:
    """A library in the folder."""
    command = [needed("cc"), "-shared", "-fPIC", "-o", name, *flags[:1], "-x", "c", "-", "-x", "none", *flags[1:]]
    subprocess.run(command, input=source, text=True, check=True, cwd=folder, capture_output=True)


def out_of_reach(folder: Path, needed_name: str = "libc2.so.1") -> None:
    """liba.so needs libb.so, which needs a library that only liba.so's RUNPATH would find."""
    (folder / "deep").mkdir()
    built(folder, f"deep/{needed_name}", "int c(void) { return 1; }", f"-Wl,-soname,{needed_name}")
    built(folder, "libb.so", "int c(void); int b(void) { return c(); }", "-Wl,--no-as-needed", f"deep/{needed_name}")
    search = "-Wl,--enable-new-dtags,-rpath,$ORIGIN:$ORIGIN/deep,-rpath-link,deep"
    built(folder, "liba.so", "int b(void); int a(void) { return b(); }", search, "-L.", "-l:libb.so")
    wheels(folder)


def wheels(folder: Path) -> None:
    """A wheel with a library in it, under every name that pages give it; and what folders they look into."""
    built(folder, "plain.so", "int f(void) { return 1; }")
    for place in ("dist", "site-packages", "build/root/usr/lib", ".venv/lib/python3.11/site-packages"):
        (folder / place).mkdir(parents=True)
        shutil.copy(folder / "plain.so", folder / place)
    full = folder / "thing-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"
    with zipfile.ZipFile(full, "w") as archive:
        archive.write(folder / "plain.so", "thing/_core.so")
    for name in ("thing.whl", "other.whl", "dist/thing.whl", "dist/thing-1.0-cp312-cp312-win_amd64.whl"):
        shutil.copy(full, folder / name)


def codec(folder: Path) -> None:
    """The plugin of the page: its C block, with bodies."""
    (block,) = (b.text for b in blocks_of(DOCS / "reference/plugins.md") if b.language == "c")
    source = block.replace("int *codec_create(void);", "static int c = 3;\nint *codec_create(void) { return &c; }")
    source = source.replace("void codec_destroy(int *codec);", "void codec_destroy(int *codec) { (void)codec; }")
    built(
        folder, "codec.so", f"{source}int codec_rate(int *x) {{ return *x; }}\n", f"-I{loadstone.plugin.include_dir()}"
    )


def project(folder: Path) -> None:
    """A host program under version control, with a library beside it."""
    (folder / "src").mkdir()
    (folder / "build").mkdir()
    shutil.copy(ROOT / "examples/review/codec_host.c", folder / "src/host.c")
    built(folder, "build/libfoo.so", "int f(void) { return 1; }")
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "Begin"], ["branch", "origin/main"]):
        subprocess.run([needed("git"), *words], cwd=folder, check=True, capture_output=True)


def pool(folder: Path) -> None:
    pytest.importorskip("duckdb")
    pytest.importorskip("pyarrow")
    (folder / "pool").mkdir()
    built(folder, "pool/libx.so", "int f(void) { return 1; }")
    shutil.copy(str(loadstone.find("z").path), folder / "pool/libz.so.1")


def nothing(_folder: Path) -> None:
    """What every machine has is enough."""


@dataclass(frozen=True)
class Stage:
    """What a page needs to be run.

    ``words`` stand for the reader's own; ``typed`` is Python that the page takes for granted; ``statuses`` are those
    that its commands may end with; ``not_run`` says of a block, by what it begins with, why it is not.
    """

    prepare: Callable[[Path], None] = nothing
    words: dict[str, str] = field(default_factory=dict)
    typed: str = ""
    statuses: tuple[int, ...] = (0, 1)
    not_run: dict[str, str] = field(default_factory=dict)


SYSTEM = {
    "/usr/bin/app": "/bin/true",
    "./unpacked-image": "/",
    "/srv/images/debian-11": "/",
    "libssl.so.3": "libz.so.1",
}
_OF_THE_READER = "lib = type('L', (), {'frobnicate': print})\nbuffer = b''\n"
_A_FINGERPRINT = "$(loadstone review src/ -f gitlab | grep -o '[0-9a-f]\\{32\\}' | head -1)"
STAGES = {
    # one of its commands is refused, one ends by SIGSEGV
    "comparison.md": Stage(wheels, SYSTEM, statuses=(0, 1, 2, 3, -11, 128 + 11)),
    "dependencies.md": Stage(not_run={"pip install": "asks an index; make release-check installs it"}),
    "fleet.md": Stage(
        pool,
        {"/srv/mirror/pool": "pool"},
        not_run={"polars": "polars is the reader's", "SELECT": "a query language"},
    ),
    "how-to/coming-from-qlibrary.md": Stage(),
    "how-to/explain-a-load.md": Stage(out_of_reach, {"4711": str(os.getpid()), "./plugin.so": "$PWD/libb.so"}),
    "how-to/package-libraries.md": Stage(wheels, SYSTEM),
    "how-to/write-a-binding.md": Stage(),
    "performance.md": Stage(not_run={"make bench": "minutes of measuring; tests/test_bench.py runs small ones"}),
    "reference/binary-pe-macho.md": Stage(not_run={"from loadstone": "needs files of Qt; tests/binary reads such"}),
    "reference/binary.md": Stage(words={"/usr/lib/x86_64-linux-gnu/libz.so.1": str(loadstone.find("z").path)}),
    "reference/calls.md": Stage(
        not_run={
            "$ loadstone bind": "needs headers of two libraries; tests/headers/test_real_headers.py has 75",
            "from pathlib": "needs zlib.h; tests/headers/test_real_headers.py has it",
        }
    ),
    "reference/fuzz.md": Stage(typed="import pytest\n"),
    "reference/library.md": Stage(),
    "reference/linker.md": Stage(lambda folder: out_of_reach(folder, "libc.so.2"), SYSTEM),
    "reference/plugins.md": Stage(
        codec, {"/usr/lib/x86_64-linux-gnu/qt6/plugins": "."}, typed="def make_codec(): return object()\n"
    ),
    "reference/probe.md": Stage(
        lambda folder: built(folder, "libplugin.so", "int f(void) { return 1; }"),
        {"soak=1000": "soak=20"},
        not_run={
            "$ loadstone probe /lib": "which layers there are differs; tests/probe/test_probe.py",
            "$ loadstone probe --timeout": "needs a library that hangs; tests/probe has it",
            "$ loadstone probe ./libleak": "needs a library that leaks; tests/probe has it",
            "$ loadstone probe --preload": "needs a host; tests/probe has one",
            "$ loadstone probe --host": "needs Perl; tests/probe has it",
        },
    ),
    "review/daily-use.md": Stage(
        project,
        {"e97b0190": _A_FINGERPRINT},
        typed="lib = type('L', (), {'frobnicate': print})\nbuffer = b''\n",
        statuses=(0, 1, 3),
    ),
}


def with_code() -> set[str]:
    """The pages that have blocks to run."""
    named = {page.relative_to(DOCS).as_posix(): page for page in DOCS.rglob("*.md")}
    own = {name: page for name, page in named.items() if not name.startswith(ELSEWHERE)}
    return {name for name, page in own.items() if any(block.language in RUN for block in blocks_of(page))}


def test_every_page_with_code_is_run() -> None:
    assert with_code() == set(STAGES)


def test_what_is_not_run_is_there_and_has_its_reason() -> None:
    for name, stage in STAGES.items():
        texts = [block.text for block in blocks_of(DOCS / name)]
        for beginning, reason in stage.not_run.items():
            assert reason, beginning
            assert any(text.startswith(beginning) for text in texts), f"{name} has no block that begins: {beginning}"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the pages show a session on Linux")
@pytest.mark.parametrize("name", sorted(STAGES))
def test_a_page_works_as_written(name: str, tmp_path: Path) -> None:
    stage = STAGES[name]
    session = Session.within(tmp_path, stage.typed, stage.statuses)
    stage.prepare(session.folder)
    for block in blocks_of(DOCS / name):
        if block.text.startswith(tuple(stage.not_run)):
            continue
        text = block.text
        for word, own in stage.words.items():
            text = text.replace(word, own)
        if block.language == "toml":
            tomllib.loads(text)
        elif block.language in RUN:
            session.read(Block(block.language, block.title, text))
