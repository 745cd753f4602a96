"""Which package imports which, from the source: the table in ``design.md``, and the modules that go in circles.

``python docs/packages.py`` writes the table, ``--check`` only compares. Imports for types alone do not count: they
cross no border when the program runs.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
SOURCE: Final = ROOT / "src"
PAGE: Final = ROOT / "docs/design.md"
BEGIN: Final = "<!-- packages: written by docs/packages.py -->"
END: Final = "<!-- end of packages -->"

Graph = Mapping[str, set[str]]


def modules() -> dict[str, Path]:
    """Every module of the package, by its dotted name."""
    found = {}
    for path in sorted((SOURCE / "loadstone").rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(known: Mapping[str, Path]) -> Graph:
    """What each module imports of the others, wherever it does so."""
    graph: dict[str, set[str]] = {}
    for name, path in known.items():
        graph[name] = set()
        for node in _at_run_time(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom) and node.module:
                given = [f"{node.module}.{alias.name}" for alias in node.names]
                graph[name] |= {full if full in known else node.module for full in given}
            elif isinstance(node, ast.Import):
                graph[name] |= {alias.name for alias in node.names}
        graph[name] = {other for other in graph[name] if other in known and other != name}
    return graph


def _at_run_time(tree: ast.AST) -> Iterable[ast.AST]:
    """Every node but those under ``if TYPE_CHECKING``."""
    ahead = [tree]
    while ahead:
        node = ahead.pop()
        yield node
        typing_only = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        ahead += node.orelse if isinstance(node, ast.If) and typing_only else ast.iter_child_nodes(node)


def package_of(module: str) -> str:
    """The box a module is drawn in: its package below ``loadstone``, or itself."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else parts[0]


def between(graph: Graph) -> Graph:
    """The same for packages."""
    found: dict[str, set[str]] = {}
    for module, others in graph.items():
        here = package_of(module)
        found.setdefault(here, set()).update(package_of(o) for o in others if package_of(o) not in (here, "loadstone"))
    found.pop("loadstone", None)  # the front door names everything, on first use
    return found


def circle(graph: Graph) -> tuple[str, ...]:
    """A circle of imports; () when there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return tuple(error.args[1])
    return ()


def _direct(graph: Graph) -> Iterable[tuple[str, str]]:
    """The arrows that no longer way says as well: those of a page that somebody can read."""

    def reached(start: str, without: str) -> set[str]:
        seen: set[str] = set()
        ahead = [other for other in graph.get(start, ()) if other != without]
        while ahead:
            name = ahead.pop()
            if name not in seen:
                seen.add(name)
                ahead += graph.get(name, ())
        return seen

    for name in sorted(graph):
        yield from ((name, other) for other in sorted(graph[name]) if other not in reached(name, other))


def table(graph: Graph) -> str:
    """The packages with what each stands on, as a table; what follows from another row is left out."""
    below: dict[str, list[str]] = {}
    for name, other in _direct(graph):
        below.setdefault(name.strip("_"), []).append(f"`{other.strip('_')}`")
    rows = "\n".join(f"| `{name}` | {', '.join(others)} |" for name, others in below.items())
    note = (
        "Circles between packages: 0, between modules: 0. "
        "What follows from another row, and imports for types alone, are left out."
    )
    return f"{BEGIN}\n| package | stands on |\n|---|---|\n{rows}\n\n{note}\n{END}"


def main() -> None:
    """Write the table, or compare it with ``--check``."""
    inside = imports(modules())
    graph = between(inside)
    for what, arrows in (("packages", graph), ("modules", inside)):
        if found := circle(arrows):
            sys.exit(f"{what} import each other in a circle: {' -> '.join(found)}")
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    if not rest:
        sys.exit(f"{PAGE.name} has no place for the table: {BEGIN}")
    fresh = f"{head}{table(graph)}{tail}"
    if "--check" not in sys.argv:
        PAGE.write_text(fresh, encoding="utf-8")
    elif fresh != text:
        sys.exit("the table of the packages is not up to date: run `make docs`")


if __name__ == "__main__":
    main()
