"""The same files give the same review in every process: a baseline would be worth nothing otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_ASK = """\
import sys
from loadstone.review.engine import review
for result in review(sys.argv[1:]).results:
    print(result)
"""

_SYMBOLS = 20


def asked(folder: Path, seed: int) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
    done = subprocess.run(
        [sys.executable, "-c", _ASK, "."], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_order_of_sets_decides_nothing(tmp_path: Path) -> None:
    names = [f"symbol_{n}" for n in range(_SYMBOLS)]
    declared = "".join(f"static void (*{name})(void);\n" for name in names)
    resolved = "".join(f'    {name} = (void (*)(void))dlsym(handle, "{name}");\n' for name in names)
    (tmp_path / "many.c").write_text(
        f"#include <dlfcn.h>\n{declared}"
        "int start(int which)\n{\n"
        '    void *handle = dlopen("/opt/app/lib/libcodec.so", RTLD_NOW);\n'
        "    if (!handle)\n        return -1;\n"
        f"{resolved}"
        "    if (which)\n        dlclose(handle);\n    else\n        dlclose(handle);\n"
        "    return 0;\n}\n"
    )
    first = asked(tmp_path, 1)
    assert first.count("symbol-within-lifetime") >= _SYMBOLS
    assert asked(tmp_path, 2) == first
