"""One C or C++ file to a unit: projections parsed, functions, classes and variables found, relevant bodies lowered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from functools import lru_cache
from typing import Final

import tree_sitter_c
import tree_sitter_cpp
from tree_sitter import Language as Grammar
from tree_sitter import Node, Parser

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.apis import starters, words
from loadstone.review.frontends.c.declarators import Declarator, declared, declared_in, text, type_text
from loadstone.review.frontends.c.declared_names import (
    CLASSES,
    MAX_NODES,
    SCOPES,
    UNION,
    short_names,
    template_parameters,
    type_names,
    typedef_name,
)
from loadstone.review.frontends.c.decorations import Decorations, undecorated
from loadstone.review.frontends.c.directives import Directives, MacroDefinition, Projection, read, without_comments
from loadstone.review.frontends.c.expressions import CExpressions, TooDeepForC
from loadstone.review.frontends.c.headers import leading
from loadstone.review.frontends.c.lambdas import lifted
from loadstone.review.frontends.c.list_macros import written_out
from loadstone.review.frontends.c.statements import Bodies
from loadstone.review.typenames import base_type, long_name

__all__ = ["parse_source"]

MAX_SOURCE: Final = 16 << 20
"""Bytes of one source file that are read; SQLite's amalgamation, the largest known, has 9 MiB."""

_LIBRARIES: Final = re.compile(
    rb"(?i:plug-?in|dylib|shared "
    rb"object|dlfcn)|\.so\b|\.dll\b|\bLD_[A-Z]+|DYLD_|\bldd\b|\bElf(?:32|64)?_|IMAGE_DOS|mach_header"
)
"""What a file says that speaks of libraries without calling their loader."""

_READS_LIBRARIES: Final = re.compile(
    rb"(?i:0x0*(?:5a4d|4550|feedfac[ef]|cffaedfe|cafebabe|464c457f|7f454c46)\b|\\x?7f\W{0,6}ELF)|\bDWARF\b"
)
"""The marks by which a file that reads libraries as data tells them."""

_READERS: Final = frozenset({"ifstream", "fread", "mmap", "pread", "memcpy", "MapViewOfFile", "QFile"})

_HEADERS: Final = (".h", ".hh", ".hpp", ".hxx", ".inl")
_SHARED: Final = re.compile(rb"dlfcn\.h|windows\.h|gmodule\.h|ltdl\.h|mutex|pthread|CRITICAL_SECTION|SRWLOCK|HMODULE")
"""What a header mentions whose classes hold libraries or locks."""

_OF_CPP: Final = re.compile(
    rb"^[ \t]*(?:template\s*<|(?:inline\s+)?namespace\b[^;{]*\{|(?:public|private|protected)\s*:(?!:)"
    rb"|class\s+(?:\w+\s+)?\w+\s*(?:final\s*)?(?::[^:;{]*)?\{|using\s+(?:namespace\s|\w+\s*=))|\bstd::\w",
    re.MULTILINE,
)
"""What only C++ has, of what stands in a header."""

_FOR_CPP: Final = re.compile(
    rb"^[ \t]*#[ \t]*if(?:def[ \t]+|[ \t]+defined[ \t(]*)__cplusplus\b.*?^[ \t]*#[ \t]*(?:else|endif)\b",
    re.MULTILINE | re.DOTALL,
)
"""What a header of C says to C++ alone."""

_REASONS: Final = frozenset({"dlerror", "g_module_error", "lt_dlerror", "apr_dso_error", "uv_dlerror"})
"""Words of who asks why a load failed: part of handling libraries, wherever the load is."""

_OF_A_LIBRARY: Final = frozenset(
    {"DllMain", "DllGetClassObject", "DllCanUnloadNow", "dl_iterate_phdr", "dladdr", "dladdr1", "dlinfo"}
)
"""Functions that the system calls in a library, and those that go through what is loaded.

Who defines the first writes a library, and is loaded and unloaded by others.
"""

_OUTSIDE: Final = frozenset(
    {
        "getenv",
        "argv",
        "fgets",
        "recv",
        "read",
        "scanf",
        "fscanf",
        "getline",
        "optarg",
        "wgetenv",
        "GetEnvironmentVariableW",
    }
)
"""Words of what takes a value in."""

_FILE_FORMATS: Final = frozenset(
    {"Elf64_Ehdr", "Elf32_Ehdr", "IMAGE_DOS_HEADER", "mach_header_64", "mach_header", "strtoul", "strtoull"}
)
_REFUSING_MACROS: Final = ("Q_DISABLE_COPY", "Q_OBJECT", "DISALLOW_COPY", "MAKE_NONCOPYABLE")
"""Macros in a class that leave it no copy: its own wish, or that it is a QObject."""

_OBJECT: Final = re.compile(
    r"(?:Q(?:Object|Thread|Widget|Dialog|MainWindow|\w*Model|\w*Application)"
    r"|C(?:Object|CmdTarget|Wnd|Dialog\w*|FrameWnd|MDI\w+Wnd|Document|View|WinApp)|wx(?:Object|EvtHandler|Window|Frame))\Z"
)
"""Bases of Qt, MFC and wxWidgets, which have no copy."""

_NOT_COPIED: Final = re.compile(
    r"\b(?:unique_(?:ptr|lock|h\w+)|(?:recursive_|shared_|timed_)?mutex|j?thread|atomic\w*|condition_variable\w*|once_flag"
    r"|[io]?fstream|QMutex|QReadWriteLock|QScopedPointer|QLibrary|QPluginLoader|Q\w*Timer|QThread\w*|QProcess|QSettings"
    r"|QFile|FastMutex|SharedLibrary|ClassLoader|C\w*CriticalSection)\b(?!\s*[*&<])|\bunique_ptr\b|\batomic\w*\b"
)
"""Types of members that make the copy of their class one the compiler refuses."""

_WORD: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_CONSTANTS: Final = {"0": False, "1": True, "false": False, "true": True}


@lru_cache(maxsize=2)
def _parser(language: ir.Language) -> Parser:
    grammar = tree_sitter_cpp if language is ir.Language.CPP else tree_sitter_c
    return Parser(Grammar(grammar.language()))


def parse_source(
    path: str,
    data: bytes,
    language: ir.Language,
    wanted: frozenset[str],
    macros: Mapping[str, MacroDefinition],
) -> ir.Unit:
    """Read one C or C++ file. ``wanted`` adds names whose users are to be lowered beside those of the API tables.

    ``macros`` are those that its headers define. A file whose words, and those of its macros, name no known interface
    is not parsed: no question of review has a site in it.
    """
    source = data.decode("utf-8", errors="replace")
    lines = data.count(b"\n") + (not data.endswith(b"\n") and bool(data))
    if len(data) > MAX_SOURCE:
        gap = ir.Gap(1, lines, f"the file has {len(data):,} bytes, more than the {MAX_SOURCE:,} that are read")
        return ir.Unit(path, language, source, gaps=(gap,), line_count=lines)
    if language is ir.Language.C and path.endswith(_HEADERS) and _OF_CPP.search(_FOR_CPP.sub(b"", data)):
        language = ir.Language.CPP  # a header of C++ that is called as those of C are
    found = set(_WORD.findall(source))
    found.update(word for macro in macros.values() for word in _WORD.findall(macro.body))
    relevant = (words() & found) | (wanted & found) | (_REASONS & found) | (_OF_A_LIBRARY & found)
    if relevant or _LIBRARIES.search(data):
        relevant |= (words(minor=True) & found) | (_FILE_FORMATS & found)
    if not relevant and _READS_LIBRARIES.search(data):
        relevant = _READERS & found
    if not relevant and _OUTSIDE & found:
        relevant = starters() & found  # a command made of what comes in is asked about wherever it stands
    if not relevant and path.endswith(_HEADERS) and _SHARED.search(data):
        relevant = frozenset({"struct", "class"}) & found  # what its members are is told nowhere else
    if not relevant:
        return ir.Unit(path, language, source, line_count=lines, words=frozenset(found))
    unit = _Reader(path, data, language, frozenset(relevant), macros).run()
    if language is ir.Language.C and unit.gaps:
        other = _Reader(path, data, ir.Language.CPP, frozenset(relevant), macros).run()
        if _unread(other) < _unread(unit):
            unit = other
            language = ir.Language.CPP if path.endswith(_HEADERS) else language
    return ir.Unit(
        path,
        language,
        source,
        unit.functions,
        unit.classes,
        unit.variables,
        unit.conditionals,
        unit.gaps,
        unit.imports,
        None,
        lines,
        frozenset(found),
    )


def _unread(unit: ir.Unit) -> int:
    return sum(gap.end_line - gap.line + 1 for gap in unit.gaps)


@dataclass(slots=True)
class _Found:
    """What all projections together showed, each thing once."""

    functions: dict[tuple[int, bytes], ir.Function] = field(default_factory=dict)
    classes: dict[tuple[str, int], ir.Class] = field(default_factory=dict)
    variables: dict[tuple[str, int], ir.DeclaredVariable] = field(default_factory=dict)
    gaps: dict[int, ir.Gap] = field(default_factory=dict)


@dataclass(slots=True)
class _Definition:
    """A function definition met in one projection, before its body is lowered."""

    node: Node
    one: Declarator
    name: str
    owner: str
    local: bool


class _Reader:
    def __init__(
        self,
        path: str,
        data: bytes,
        language: ir.Language,
        relevant: frozenset[str],
        macros: Mapping[str, MacroDefinition],
    ) -> None:
        self.path = path
        self.data = data
        self.language = language
        self.is_cpp = language is ir.Language.CPP
        self.relevant = relevant
        self.given = macros
        self.found = _Found()

    def run(self) -> ir.Unit:
        known = {**_CONSTANTS, "defined(__cplusplus)": self.is_cpp}
        directives = read(written_out(without_comments(self.data), self.given), known)
        directives = replace(directives, macros={**self.given, **directives.macros})
        words = self.relevant | leading(self.given, self.relevant)
        pattern = re.compile(rb"\b(?:" + rb"|".join(re.escape(w.encode()) for w in sorted(words)) + rb")\b")
        for projection in directives.projections(pattern):
            self._project(projection, directives)
        return ir.Unit(
            self.path,
            self.language,
            "",
            tuple(sorted(self._functions(), key=lambda f: (f.line, f.condition))),
            tuple(self.found.classes.values()),
            tuple(self.found.variables.values()),
            directives.conditionals,
            tuple(sorted(self.found.gaps.values(), key=lambda g: g.line)),
            directives.includes,
        )

    def _project(self, projection: Projection, directives: Directives) -> None:
        blanked, decorations = undecorated(projection.text, directives.macros)
        tree = _parser(self.language).parse(blanked)
        if tree.root_node.has_error:
            self._note_errors(tree.root_node)
        definitions: list[_Definition] = []
        variables: list[tuple[Node, Declarator, bool]] = []
        types: dict[str, str] = dict(short_names(tree.root_node)) if self.is_cpp else {}
        types.update(type_names(tree.root_node))
        for node, scope, hidden in _declarations(tree.root_node):
            if node.type == "function_definition":
                definition = self._definition(node, scope, hidden=hidden)
                if definition is not None:
                    definitions.append(definition)
            elif node.type in CLASSES:
                self._class(node, types, hidden=hidden)
            elif node.type == "declaration":
                variables.extend(self._declared(node, types, hidden=hidden))
        for definition in definitions if self.is_cpp else ():
            spelled = type_text(definition.node, definition.one.shape.replace("()", ""))
            types.setdefault(f"returns {definition.name}", spelled)
            if parameters := template_parameters(definition.node):
                types.setdefault(f"template {definition.name}", parameters)
        aliases = _aliases(directives)
        bodies = Bodies(_parser(self.language), _expandable(directives), decorations, types, self.is_cpp, aliases)
        for node, one, local in variables:
            self._variable(node, one, bodies, local=local, projection=projection)
        for definition in definitions:
            self._function(definition, bodies, blanked, projection, decorations)
        for gap in bodies.gaps:
            self.found.gaps.setdefault(gap.line, gap)

    def _note_errors(self, root: Node) -> None:
        stack = [root]
        visited = 0
        while stack and visited < MAX_NODES:
            node = stack.pop()
            visited += 1
            if node.type == "ERROR":
                line = node.start_point[0] + 1
                self.found.gaps.setdefault(line, ir.Gap(line, node.end_point[0] + 1, "could not be parsed"))
            elif node.has_error:
                stack.extend(node.children)

    def _definition(self, node: Node, scope: str, *, hidden: bool) -> _Definition | None:
        declarator = node.child_by_field_name("declarator")
        one = declared(declarator) if declarator is not None else None
        if one is None or one.function is None or node.child_by_field_name("body") is None:
            return None
        name = one.name.replace(" ", "")
        owner = scope
        if "::" in name:
            owner, _, simple = name.rpartition("::")
            owner = owner.rpartition("::")[2] or owner
            name = simple
        local = hidden or any(c.type == "storage_class_specifier" and text(c) == "static" for c in node.named_children)
        return _Definition(node, one, f"{owner}::{name}" if owner else name, owner, local)

    def _functions(self) -> Iterator[ir.Function]:
        for function in self.found.functions.values():
            yield function
            yield from lifted(function)

    def _function(
        self, met: _Definition, bodies: Bodies, blanked: bytes, projection: Projection, decorations: Decorations
    ) -> None:
        start, end = met.node.start_byte, met.node.end_byte
        key = (start, blanked[start:end])
        if key in self.found.functions:
            return
        marks = {m for m in decorations.within(start - 80, met.one.node.end_byte + 40) if not m.startswith("cleanup")}
        if b"noexcept" in blanked[met.one.node.start_byte : met.one.node.end_byte]:
            marks.add("noexcept")
        if parameters := template_parameters(met.node):
            marks.add(f"template {parameters}")
        self.found.functions[key] = bodies.function(
            met.node,
            met.one,
            owner=met.owner,
            name=met.name,
            local=met.local or "hidden" in marks,
            marks=frozenset(marks),
            condition=projection.condition(start, end),
        )

    def _class(self, node: Node, types: dict[str, str], *, hidden: bool) -> None:
        body = node.child_by_field_name("body")
        name = text(node.child_by_field_name("name")) or typedef_name(node)
        if body is None or not name:
            return
        private = node.type == "class_specifier"
        members, methods, copies_deleted, copies = [], [], False, False
        for child in body.named_children:
            if child.type == "access_specifier":
                private = text(child) != "public"
            for one in declared_in(child):
                if one.function is not None and one.is_function:
                    methods.append(one.name)
                    copying = one.name in {name, "operator="} and f"const {name}" in text(one.function)
                    copying = copying or (one.name in {name, "operator="} and f"{name} const" in text(one.function))
                    deleted = "delete" in text(child)[-24:]
                    moving = one.name in {name, "operator="} and "&&" in text(one.function)
                    copies_deleted = copies_deleted or (copying and (deleted or private)) or moving
                    copies = copies or (copying and not deleted)
                elif child.type == "field_declaration":
                    spelled = long_name(type_text(child, one.shape), types)
                    spelled = types.get(f"using {spelled}", spelled)
                    copies_deleted = copies_deleted or bool(_NOT_COPIED.search(spelled))
                    types[f"{name}.{one.name}"] = spelled
                    types.setdefault(f".{one.name}", spelled)
                    members.append(
                        ir.DeclaredVariable(one.name, child.start_point[0] + 1, spelled, private=private, local=hidden)
                    )
        bases = tuple(
            base_type(text(c))
            for b in node.named_children
            if b.type == "base_class_clause"
            for c in b.named_children
            if c.type != "access_specifier"
        )
        bases_refuse = (
            any("oncopyable" in b.lower() for b in bases)
            or any(_OBJECT.match(b) for b in bases)
            or any(word in text(body) for word in _REFUSING_MACROS)
        )
        overlaid = node.type == UNION
        is_owner = self.is_cpp and not overlaid
        copyable = (not copies_deleted and not copies and not bases_refuse) if is_owner else None
        made = ir.Class(
            name,
            node.start_point[0] + 1,
            node.end_point[0] + 1,
            tuple(members),
            tuple(methods),
            bases,
            copyable,
            hidden,
            overlaid,
        )
        self.found.classes.setdefault((name, made.line), made)

    def _declared(self, node: Node, types: dict[str, str], *, hidden: bool) -> Iterator[tuple[Node, Declarator, bool]]:
        words_before = {text(c) for c in node.named_children if c.type == "storage_class_specifier"}
        for one in declared_in(node):
            if one.is_function:
                continue
            spelled = long_name(type_text(node, one.shape), types)
            types[one.name] = spelled
            if "extern" not in words_before or one.value is not None:
                yield node, one, hidden or "static" in words_before

    def _variable(self, node: Node, one: Declarator, bodies: Bodies, *, local: bool, projection: Projection) -> None:
        line = one.node.start_point[0] + 1
        expressions = CExpressions(bodies.parser, bodies.macros, dict(bodies.types), bodies.nested, bodies.aliases)
        value: ir.Expression | None = None
        try:
            if one.value is not None:
                value = expressions.lower(one.value)
        except TooDeepForC:
            self.found.gaps.setdefault(line, ir.Gap(line, node.end_point[0] + 1, "nested deeper than is read"))
        made = ir.DeclaredVariable(
            one.name,
            line,
            type_text(node, one.shape),
            value,
            local,
            False,
            projection.condition(node.start_byte, node.end_byte),
        )
        self.found.variables.setdefault((one.name, line), made)


def _declarations(root: Node) -> Iterator[tuple[Node, str, bool]]:
    """Every definition and declaration outside function bodies, with its class and whether it is file-local."""
    stack: list[tuple[Node, str, bool]] = [(root, "", False)]
    visited = 0
    while stack and visited < MAX_NODES:
        node, scope, hidden = stack.pop()
        visited += 1
        if node.type == "function_definition":
            yield node, scope, hidden
        elif node.type in CLASSES:
            yield node, scope, hidden
            body, name = node.child_by_field_name("body"), text(node.child_by_field_name("name"))
            if body is not None:
                stack.extend((c, name, hidden) for c in reversed(body.named_children))
        elif node.type == "declaration":
            yield node, scope, hidden
            kind = node.child_by_field_name("type")
            if kind is not None and kind.type in CLASSES:
                stack.append((kind, scope, hidden))
        elif node.type in {"type_definition", "field_declaration"}:
            kind = node.child_by_field_name("type")
            if kind is not None and kind.type in CLASSES:
                stack.append((kind, scope, hidden))
        elif node.type in SCOPES:
            anonymous = node.type == "namespace_definition" and node.child_by_field_name("name") is None
            stack.extend((c, scope, hidden or anonymous) for c in reversed(node.named_children))


def _aliases(directives: Directives) -> Mapping[str, str]:
    """Object-like macros that merely rename."""
    return {m.name: m.body for m in directives.macros.values() if m.parameters is None and m.body.isidentifier()}


def _expandable(directives: Directives) -> Mapping[str, MacroDefinition]:
    return {n: m for n, m in directives.macros.items() if m.body and m.body.strip("()") != n}
