"""``loadstone bind``: modules that load, that type checkers pass, and that come out the same again."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.headers.test_real_headers import ALWAYS, header
from tests.tools import needed_package

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
    needed_package("mypy")
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


CLASHES = """
struct stat { int size; };
int stat(const char *path, struct stat *into);
union both { int a; float b; };
extern int both;
enum kinds { _a_ = 1, __b, name, value, real, mro, None };
enum gauge { ONE, TWO };
int gauge(int self, int Any, int Memory);
struct list;
struct node { struct list *list; int self; int class; unsigned char bytes[4]; int Any; struct { int x, from; }; };
typedef struct Memory { int x; } Memory;
typedef struct Library Library;
Library *library(Memory *m, struct node *n);
int getattr(int); int globals(void); int bytes(int); int __hidden(int);
struct only_here { int x; };
#define Final 3
#define __name__ 4
"""


@pytest.fixture(scope="module")
def clashes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a binding whose names are those of the module, of Python, of enums, and one another's."""
    folder = tmp_path_factory.mktemp("clashes")
    (folder / "clashes.h").write_text(CLASHES)
    assert bind(folder, "clashes.h", "--library", "c", "-o", "clashes.py").returncode == 0
    return folder


def test_no_name_of_c_is_in_the_way_of_pythons(clashes: Path) -> None:
    """Also a tag that a function has as well, and members that hide a type."""
    program = """
import clashes as c
print(c.struct_stat(size=3).size, c.union_both(a=1).b != 0, c.only_here(x=2), c.Memory_(5))
print(c.node(self=1, class_=2, Any=3, from_=4).class_, c._a_ + c.mro + c.None_, c.real, c.TWO.value, c.Final_)
print(c.enum_gauge(1), c.kinds.a, c.__name__)
for name in ("stat", "getattr_", "globals_", "bytes_", "library_", "gauge", "_" + "_hidden"):
    try:
        getattr(c, name)
    except Exception as error:
        if type(error).__name__ != "SymbolNotFound":
            raise
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=clashes, capture_output=True, text=True, check=False)
    lines = ["3 True only_here(x=2) Memory(x=5)", "2 14 5 1 3", "1 1 clashes"]
    assert done.stdout.splitlines() == lines, done.stderr


@pytest.mark.slow
def test_mypy_passes_a_binding_whose_names_clash(clashes: Path) -> None:
    needed_package("mypy")
    strict = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "clashes.py"]
    done = subprocess.run(strict, cwd=clashes, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("Success"), done.stdout


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What mypy, and pyright where it is installed, have to say of the bindings of every header, by module."""
    needed_package("mypy")
    folder = tmp_path_factory.mktemp("strict")
    for name in ALWAYS:
        done = bind(folder, str(header(name)), "--library", "z", "-o", f"{_module(name)}.py")
        assert done.returncode == 0, done.stderr
    (folder / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict"}))
    commands = [[sys.executable, "-m", "mypy", "--strict", "--no-incremental", "."]]
    if pyright := shutil.which("pyright"):
        commands.append([pyright, "--pythonpath", sys.executable, "."])
    said: dict[str, list[str]] = {}
    for command in commands:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert re.search(r"Success|Found \d+ error|\d+ errors", done.stdout), done.stdout + done.stderr
        for line in done.stdout.splitlines():
            if found := re.search(r"(b_\w+)\.py:\d+.* error", line):
                said.setdefault(found[1], []).append(line)
    return said


def _module(name: str) -> str:
    return "b_" + re.sub(r"\W", "_", name.removesuffix(".h"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ALWAYS)
def test_strict_type_checkers_pass_what_a_real_header_gives(name: str, checked: dict[str, list[str]]) -> None:
    assert checked.get(_module(name), []) == []
