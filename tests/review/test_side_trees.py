"""What examples, tests and documentation do weighs one step less than what the product does, and the text says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadstone.core.claims import Finding
from loadstone.review.engine import review

_WEAK = """
#include <dlfcn.h>
int run(void) {
    void *handle = dlopen("libplug.so", RTLD_NOW);
    int (*go)(void) = (int (*)(void))dlsym(handle, "go");
    return go();
}
"""


def _found(target: Path | str) -> list[Finding]:
    claims = (result.claim for result in review([target]).results)
    return [c for c in claims if isinstance(c, Finding) and c.rule == "unchecked-dlsym"]


@pytest.mark.parametrize(
    ("folder", "kind"),
    [("examples", "an example"), ("test", "a test"), ("Docs", "documentation"), ("xtests", "a test")],
)
def test_a_side_tree_weighs_one_step_less(tmp_path: Path, folder: str, kind: str) -> None:
    for where in (tmp_path / "src", tmp_path / folder / "deep"):
        where.mkdir(parents=True)
        (where / "plug.c").write_text(_WEAK)
    by_side = {folder in one.location.path.split("/"): one for one in _found(tmp_path)}
    assert by_side[True].severity.rank == by_side[False].severity.rank - 1
    assert by_side[True].message == f"{by_side[False].message} This is {kind}: one step less severe."


def test_who_names_an_example_has_it_reviewed_as_what_it_is(tmp_path: Path) -> None:
    file = tmp_path / "examples" / "plug.c"
    file.parent.mkdir()
    file.write_text(_WEAK)
    severities = {one.severity for target in (file, file.parent) for one in _found(target)}
    assert len(severities) == 1


def test_a_folder_that_only_begins_like_one_is_the_product(tmp_path: Path) -> None:
    (tmp_path / "testament").mkdir()
    (tmp_path / "testament" / "plug.c").write_text(_WEAK)
    assert ["less severe" in one.message for one in _found(tmp_path)] == [False]


def test_a_build_script_is_run_where_its_project_lies(tmp_path: Path) -> None:
    text = "import ctypes, sys\nsys.path.insert(0, '.')\nimport sound\nlibrary = ctypes.CDLL('/usr/lib/sound.so')\n"
    for name in ("setup.py", "player.py"):
        (tmp_path / name).write_text(text)
    found = (result.claim for result in review([tmp_path]).results)
    ranks = {c.location.path.rpartition("/")[2]: c.severity.rank for c in found if isinstance(c, Finding)}
    assert ranks["setup.py"] == ranks["player.py"] - 1
