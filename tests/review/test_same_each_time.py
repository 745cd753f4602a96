"""The same files give the same review in every process: a baseline would be worth nothing otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from loadstone.review.engine import review

_ASK = """\
import sys
from loadstone.review.engine import review
for result in review(sys.argv[1:]).results:
    print(result)
"""

_FUNCTIONS = 20

_FUNCTION = """
static void (*symbol_{n})(void);

int start_{n}(int which)
{{
    void *handle = dlopen("/opt/app/lib/libcodec.so", RTLD_NOW);
    if (!handle)
        return -1;
    symbol_{n} = (void (*)(void))dlsym(handle, "start");
    if (which)
        dlclose(handle);
    else
        dlclose(handle);
    return 0;
}}
"""


def asked(folder: Path, seed: int) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
    done = subprocess.run(
        [sys.executable, "-c", _ASK, "."], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_order_of_sets_decides_nothing(tmp_path: Path) -> None:
    functions = "".join(_FUNCTION.format(n=n) for n in range(_FUNCTIONS))
    (tmp_path / "many.c").write_text(f"#include <dlfcn.h>\n{functions}")
    first = asked(tmp_path, 1)
    assert first.count("Finding(rule='use-after-unload'") == _FUNCTIONS
    assert asked(tmp_path, 2) == first


_TWO_LOCKS = """
static pthread_mutex_t {outer} = PTHREAD_MUTEX_INITIALIZER, {inner} = PTHREAD_MUTEX_INITIALIZER;
static int loaded_{inner};

void note_{inner}(const char *path)
{{
    pthread_mutex_lock(&{outer});
    pthread_mutex_lock(&{inner});
    if (dlopen("/opt/app/lib/libcodec.so", RTLD_NOW))
        loaded_{inner}++;
    else
        loaded_{inner} = 0;
    pthread_mutex_unlock(&{inner});
    pthread_mutex_unlock(&{outer});
}}
"""


def test_of_two_locks_the_nearer_is_named(tmp_path: Path) -> None:
    names = [("table_lock", "count_lock"), ("count_lock_2", "table_lock_2"), ("a", "b"), ("d", "c")]
    functions = "".join(_TWO_LOCKS.format(outer=outer, inner=inner) for outer, inner in names)
    (tmp_path / "nested.c").write_text(f"#include <dlfcn.h>\n#include <pthread.h>\n{functions}")
    said = [result.claim.message for result in review([tmp_path]).results]
    for _, inner in names:
        assert any(f"loaded_{inner} hold" in line and f"hold {inner} " in line for line in said), said
