"""Run every benchmark, or those named on the command line: ``python -m bench [NAME ...]``."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from bench.table import render


def main(wanted: list[str]) -> int:
    here = Path(__file__).parent
    names = sorted(p.stem for p in here.glob("*.py") if p.stem not in ("__main__", "__init__", "table"))
    unknown = [name for name in wanted if name not in names]
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are: {', '.join(names)}", file=sys.stderr)
        return 2
    for name in wanted or names:
        print(f"== {name}", flush=True)
        print(render(import_module(f"bench.{name}").run()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
