"""``loadstone bind``: modules that load, that type checkers pass, and that come out the same again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.headers.test_real_headers import header

ROOT = Path(__file__).parents[2]
HEADER = """
/* A point of the plane. */
typedef struct { double x, y; } point;
typedef struct shape shape;          /* opaque */
struct __attribute__((packed)) wire { char tag; int length : 5; unsigned rest : 27; struct { short a, b; }; };
enum colour { RED, GREEN = 5, BLUE };
typedef enum { F_READ = 1, F_WRITE = 2, F_EXEC = 4, F_ALL = 7 } flags_t;
#define LIMIT (1 << 4)
#define NAME "a \\"name\\""
#define NOWHERE ((void *)-1)
typedef int (*visit_t)(const point *, void *user);
/** Makes one.
 *
 * At great length. */
shape *shape_new(const char *name, const point *corners, unsigned long count);
void shape_free(shape *);
int shape_each(const shape *s, visit_t visit, void *user, ...);
extern int shapes_alive;
static inline int twice(int v) { return 2 * v; }
int from(int lambda, int class);
__typeof__(nobody_knows) odd;
"""


def bind(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "loadstone.cli.main", "bind", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    (tmp_path / "shapes.h").write_text(HEADER)
    done = bind(tmp_path, "shapes.h", "--library", "shapes", "-o", "shapes.py")
    assert done.returncode == 0, done.stderr
    assert "shapes.h:21" in done.stderr.replace("\n", " ")
    return tmp_path / "shapes.py"


def test_a_module_says_what_the_header_says(made: Path) -> None:
    text = made.read_text()
    for part in (
        "LIMIT: Final = 16",
        "class colour(IntEnum):",
        "class flags_t(IntFlag):",
        "class shape(TypedPointer):",
        "def shape_new(name: Memory | None, corners: point | Memory | None, count: int, /) -> shape | None:",
        '"""Makes one."""',
        "visit: Callback | None, user: Memory | int | None, /, *more: Any) -> int: ...",
        "def from_(lambda_: int, class_: int, /) -> int: ...",
        "shapes_alive: Any  # int",
        "# shapes.h:19: twice: it is static",
        "HEADER_SHA256: Final = ",
    ):
        assert part in text, part


def test_the_same_header_gives_the_same_module(made: Path, tmp_path: Path) -> None:
    bind(tmp_path, "shapes.h", "--library", "shapes", "-o", "again.py")
    assert (tmp_path / "again.py").read_bytes() == made.read_bytes()


@pytest.mark.slow
def test_type_checkers_pass_it_and_refuse_what_does_not_fit(made: Path) -> None:
    (made.parent / "use.py").write_text(
        "import shapes\ns = shapes.shape_new(b'x', None, 0)\nshapes.shape_free(s)\nshapes.shape_free(5)\n"
        "shapes.shape_new('x', None, 0)\nprint(shapes.LIMIT + shapes.F_ALL)\n"
    )
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "shapes.py", "use.py"]
    done = subprocess.run(command, cwd=made.parent, capture_output=True, text=True, check=False)
    assert [line.split(":")[1] for line in done.stdout.splitlines() if ": error:" in line] == ["4", "5"]
    assert "Found 2 errors in 1 file" in done.stdout, done.stdout


@pytest.mark.parametrize(
    ("name", "library", "version", "program", "arguments", "said"),
    [
        ("sqlite3.h", "sqlite3", "0", "sqlite", (), "1\n2\nArgumentError"),
        ("png.h", "png16", "16", "png", ("small.png",), "4 2 True\n"),
    ],
)
def test_the_programs_of_the_documentation_run(
    name: str, library: str, version: str, program: str, arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    header(name)
    module = {"sqlite": "sqlite3_binding.py", "png": "png_binding.py"}[program]
    done = bind(tmp_path, name, "--library", library, "--version", version, "-o", module)
    assert done.returncode == 0, done.stderr
    run = [sys.executable, str(ROOT / f"examples/bound/{program}.py"), *arguments]
    ran = subprocess.run(
        run, cwd=tmp_path, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(tmp_path)}
    )
    assert ran.stdout.startswith(said), ran.stderr
