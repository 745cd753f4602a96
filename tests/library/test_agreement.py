"""An extension that was built of older sources is not used: what it is given would mean something else to it."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from tests.tools import needed, unavailable

SOURCES = Path(__file__).parents[2] / "src/loadstone/library/typed"
CHILD = """
import sys
from importlib.util import module_from_spec, spec_from_file_location
name = "loadstone.library.typed._fastcall"
spec = spec_from_file_location(name, sys.argv[1])
sys.modules[name] = module_from_spec(spec)
spec.loader.exec_module(sys.modules[name])
from loadstone import Library
from loadstone.library.typed import fastcall
print(fastcall.available(), Library("m").function("double ldexp(double x, int n)")(1.5, 3))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("agreement", "used"), [("AGREEMENT", True), ("(AGREEMENT - 1)", False)])
def test_a_stale_build_is_told_and_not_used(agreement: str, used: bool, tmp_path: Path) -> None:
    include = Path(sysconfig.get_path("include"))
    if not (include / "Python.h").exists():
        unavailable("Python.h", "the extension cannot be built")
    for source in SOURCES.glob("_*.[ch]"):
        told = source.read_text().replace('"AGREEMENT", AGREEMENT', f'"AGREEMENT", {agreement}')
        (tmp_path / source.name).write_text(told)
    built = tmp_path / f"_fastcall{sysconfig.get_config_var('EXT_SUFFIX')}"
    command = [needed("gcc"), "-w", "-shared", "-fPIC", f"-I{include}", "-o", str(built), str(tmp_path / "_fastcall.c")]
    subprocess.run(command, check=True)
    ran = subprocess.run([sys.executable, "-c", CHILD, str(built)], capture_output=True, text=True, check=True)
    assert ran.stdout == f"{used} 12.0\n"
    assert ("was built of other sources" in ran.stderr) is not used
