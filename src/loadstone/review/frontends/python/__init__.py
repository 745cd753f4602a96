"""Python source to the shared representation: ``ast`` where it parses, and what can be saved where it does not.

Nothing is imported or run. Source: Python language reference; the grammar is that of the interpreter Loadstone runs on,
files in another one (Python 2, newer syntax) are read as far as they agree with it, and the rest is a gap.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.frontends.python.broken import parse_tolerant
from loadstone.review.frontends.python.module import Module, learn_module
from loadstone.review.frontends.python.statements import Lowering

__all__ = ["parse"]

_SPEAKS: Final = re.compile(
    rb"ctypes|cffi|ffi\b|CDLL|dlopen|dlsym|dlclose|LoadLibrary|load_library|load_extension|add_dll_directory"
    rb"|LD_LIBRARY_PATH|LD_PRELOAD|LD_AUDIT|DYLD_|spec_from_file_location|ExtensionFileLoader|SourceFileLoader"
    rb"|load_dynamic|load_source|import_module|sys\.path|\bldd\b|\.so\b|\.dll\b|\.dylib\b"
    rb"|tarfile|(?i:0xfeedfac|0xcafebabe)|os\.system|os\.popen|shell\s*=\s*True|getstatusoutput|subprocess\.getoutput|\bEI_NIDENT\b|\\x7fELF|e_lfanew"
)
"""Words without which no question of review has a site in a Python file."""


def parse(path: str, source: bytes, *, wanted: frozenset[str] = frozenset(), everything: bool = False) -> ir.Unit:
    """Read one file. Never raises on any bytes: what cannot be read is a gap of the unit. Thread-safe.

    A file that does not speak of libraries is only counted, unless ``everything`` or any name in it is wanted.

    >>> parse("a.py", b"from ctypes import CDLL as L").imports
    ('ctypes',)
    """
    text = _decoded(source)
    lines = text.count("\n") + (not text.endswith("\n") and bool(text))
    if not everything and not wanted and not _SPEAKS.search(source):
        return ir.Unit(path, ir.Language.PYTHON, text, line_count=lines)
    tree, gaps = parse_tolerant(text)
    module = learn_module(tree)
    lowering = Lowering(module)
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


def _variables(module: Module, exported: frozenset[str] | None) -> Iterator[ir.DeclaredVariable]:
    """Names given a value at the top level, or by a function that declares them global; once each."""
    lines = dict(module.inventory.first_line)
    for inventory in module.inventories.values():
        for name in inventory.elsewhere & inventory.bound:
            lines.setdefault(name, inventory.first_line.get(name, 1))
    for name, line in sorted(lines.items(), key=lambda item: item[1]):
        local = name.startswith("_") if exported is None else name not in exported
        yield ir.DeclaredVariable(name, line, module.scope.types.get(name) or "", local=local)
