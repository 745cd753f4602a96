"""Python source to the shared representation: ``ast`` where it parses, and what can be saved where it does not.

Nothing is imported or run. Source: Python language reference; the grammar is that of the interpreter Loadstone runs on,
files in another one (Python 2, newer syntax) are read as far as they agree with it, and the rest is a gap.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator

from loadstone.review import ir
from loadstone.review.frontends.python.broken import parse_tolerant
from loadstone.review.frontends.python.statements import Lowering, Module, learn_module

__all__ = ["parse"]


def parse(path: str, source: bytes) -> ir.Unit:
    """Read one file. Never raises on any bytes: what cannot be read is a gap of the unit. Thread-safe.

    >>> parse("a.py", b"from ctypes import CDLL as L").imports
    ('ctypes',)
    """
    text = _decoded(source)
    tree, gaps = parse_tolerant(text)
    module = learn_module(tree)
    lowering = Lowering(module)
    lines = text.count("\n") + (not text.endswith("\n") and bool(text))
    lowering.whole(lines)
    exported = _exported(module)
    return ir.Unit(
        path=path,
        language=ir.Language.PYTHON,
        text=text,
        functions=tuple(lowering.functions),
        classes=tuple(lowering.classes),
        variables=tuple(_variables(module, exported)),
        conditionals=tuple(sorted(lowering.conditionals, key=lambda family: family.line)),
        gaps=tuple(sorted((*gaps, *lowering.gaps), key=lambda gap: gap.line)),
        imports=tuple(dict.fromkeys(_imports(module))),
        exported=exported,
        line_count=lines,
    )


def _decoded(source: bytes) -> str:
    """The text, with line ends as Python reads them: by its coding cookie, else UTF-8; what is invalid is replaced."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
        text = source.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError, ValueError):
        text = source.decode("utf-8", "replace")
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _imports(module: Module) -> Iterator[str]:
    for inventory in (module.inventory, *module.inventories.values()):
        for node in inventory.imports:
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            else:
                yield "." * node.level + (node.module or "")


def _exported(module: Module) -> frozenset[str] | None:
    """``__all__``, when it is a plain list of names."""
    for target, value in module.inventory.assignments:
        if isinstance(target, ast.Name) and target.id == "__all__" and isinstance(value, (ast.List, ast.Tuple)):
            names = [e.value for e in value.elts if isinstance(e, ast.Constant)]
            return frozenset(name for name in names if isinstance(name, str))
    return None


def _variables(module: Module, exported: frozenset[str] | None) -> Iterator[ir.Variable]:
    """Names given a value at the top level, or by a function that declares them global; once each."""
    lines = dict(module.inventory.first_line)
    for inventory in module.inventories.values():
        for name in inventory.elsewhere & inventory.bound:
            lines.setdefault(name, inventory.first_line.get(name, 1))
    for name, line in sorted(lines.items(), key=lambda item: item[1]):
        local = name.startswith("_") if exported is None else name not in exported
        yield ir.Variable(name, line, module.scope.types.get(name) or "", local=local)
