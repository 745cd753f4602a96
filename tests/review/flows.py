"""The same weakness, reached in two dozen ways: straight, behind conditions, through variables, helpers and files.

In the manner of the test suites for static analysis that give each weakness in flow variants: a case is a weakness in
two parts, where a value comes from and where it is used, each good or bad; a flow carries the value from one to the
other. A reviewer that knows the weakness only in its plain form finds one of them.

``python -m tests.review.flows`` prints the table of ``docs/review/flows.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from loadstone.core.claims import Finding
from loadstone.review import rules
from loadstone.review.ir import Program
from loadstone.review.reached import read_together

__all__ = ["CASES", "FLOWS", "PAGE", "Case", "Flow", "found", "page"]

PAGE: Final = Path(__file__).parents[2] / "docs" / "review" / "flows.md"


@dataclass(frozen=True, slots=True)
class Case:
    """A weakness: ``source`` gives ``data``, ``sink`` uses it; ``good_source`` or ``good_sink`` mends it.

    ``family`` are the CWE numbers that name it: reviewers use them for one another.
    """

    cwe: int
    name: str
    type: str
    source: str
    sink: str
    good_source: str = ""
    good_sink: str = ""
    family: frozenset[int] = frozenset()

    @property
    def names(self) -> frozenset[int]:
        return self.family | {self.cwe}


@dataclass(frozen=True, slots=True)
class Flow:
    """A way for ``data`` to get from source to sink; ``build`` gives the files of one program, by name."""

    name: str
    build: Callable[[str, str, str, str], dict[str, str]]


_HEAD: Final = """\
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef int (*entry_t)(void);

"""

_LOAD: Final = 'void *library = dlopen("/opt/app/lib/libcodec.so", RTLD_NOW);\nif (!library)\n    abort();\n'

CASES: Final = (
    Case(
        114, "a library the environment names", "const char *",
        source='data = getenv("CODEC");', good_source='data = "/opt/app/lib/libcodec.so";',
        sink="void *library = dlopen(data, RTLD_NOW);\nif (library)\n    dlclose(library);",
        family=frozenset({426, 427, 73, 829, 15}),
    ),
    Case(
        426, "a program looked for along PATH", "const char *",
        source='data = "codec-helper";', good_source='data = "/opt/app/bin/codec-helper";',
        sink="execlp(data, data, (char *)0);",
        family=frozenset({427, 78, 114}),
    ),
    Case(
        427, "a search path with a relative element", "const char *",
        source='data = "plugins";', good_source='data = "/opt/app/plugins";',
        sink='if (setenv("LD_LIBRARY_PATH", data, 1) != 0)\n    abort();',
        family=frozenset({426, 114}),
    ),
    Case(
        252, "a load whose result is not tested", "void *",
        source='data = dlopen("/opt/app/lib/libcodec.so", RTLD_NOW);',
        sink='entry_t entry = (entry_t)dlsym(data, "start");\nif (entry)\n    entry();\ndlclose(data);',
        good_sink='if (!data)\n    abort();\nentry_t entry = (entry_t)dlsym(data, "start");\nif (entry)\n    entry();\n'
        "dlclose(data);",
        family=frozenset({690, 476, 754}),
    ),
    Case(
        253, "a failure tested for in the wrong way", "void *",
        source='data = dlopen("/opt/app/lib/libcodec.so", RTLD_NOW);',
        sink="if (data == (void *)-1)\n    abort();\ndlclose(data);",
        good_sink="if (data == NULL)\n    abort();\ndlclose(data);",
        family=frozenset({252, 690, 697, 754}),
    ),
    Case(
        367, "a file that is asked about by name, then loaded by name", "const char *",
        source='data = "/var/lib/app/codec.so";\nif (access(data, R_OK) != 0)\n    abort();',
        good_source='data = "/var/lib/app/codec.so";',
        sink="void *library = dlopen(data, RTLD_NOW);\nif (library)\n    dlclose(library);",
        family=frozenset({362, 363}),
    ),
    Case(
        415, "a library closed twice", "void *",
        source=f"{_LOAD}data = library;\ndlclose(data);", good_source=f"{_LOAD}data = library;",
        sink="dlclose(data);",
        family=frozenset({675, 672, 416, 1341}),
    ),
    Case(
        416, "a function called after its library is closed", "entry_t",
        source=f'{_LOAD}data = (entry_t)dlsym(library, "start");\nif (!data)\n    abort();\ndlclose(library);',
        good_source=f'{_LOAD}data = (entry_t)dlsym(library, "start");\nif (!data)\n    abort();',
        sink="data();",
        family=frozenset({672, 825}),
    ),
    Case(
        476, "a datum read through a symbol that may be missing", "int *",
        source=f'{_LOAD}data = (int *)dlsym(library, "level");',
        sink='printf("%d\\n", *data);', good_sink='if (data)\n    printf("%d\\n", *data);',
        family=frozenset({690, 252}),
    ),
    Case(
        690, "a symbol called that may be missing", "entry_t",
        source=f'{_LOAD}data = (entry_t)dlsym(library, "start");',
        sink="data();", good_sink="if (data)\n    data();",
        family=frozenset({476, 252}),
    ),
    Case(
        775, "a library that is never closed again", "void *",
        source=f"{_LOAD}data = library;",
        sink="if (getpid() == 1)\n    return;\ndlclose(data);",
        good_sink="if (getpid() == 1) {\n    dlclose(data);\n    return;\n}\ndlclose(data);",
        family=frozenset({772, 401, 404}),
    ),
)  # fmt: skip


def _indented(text: str, by: int = 4) -> str:
    return "".join(f"{' ' * by}{line}\n" for line in text.split("\n") if line)


def _function(name: str, body: str, parameters: str = "void", result: str = "void") -> str:
    return f"{result} {name}({parameters})\n{{\n{_indented(body)}}}\n\n"


def _around(before: str, after: str, *, outside: str = "", sink_too: bool = False) -> Callable[..., dict[str, str]]:
    """A flow in one function: the source stands inside some construct, and the sink too if wanted."""

    def build(name: str, kind: str, source: str, sink: str) -> dict[str, str]:
        inner = f"{before}\n{_indented(source)}{after}"
        used = f"{before}\n{_indented(sink)}{after}" if sink_too else sink
        return {"a.c": _HEAD + outside + _function(name, f"{kind} data = NULL;\n{inner}\n{used}")}

    return build


def _through(between: str, *, outside: str = "", cpp: bool = False) -> Callable[..., dict[str, str]]:
    """A flow in one function: the value goes through something on its way; ``TYPE`` stands for its type."""

    def build(name: str, kind: str, source: str, sink: str) -> dict[str, str]:
        used = f"{{\n{_indented(f'{kind} data = carried;')}{_indented(sink)}}}"
        body = f"{kind} data = NULL;\n{source}\n{between.replace('TYPE', kind)}\n{used}"
        return {"a.cpp" if cpp else "a.c": _HEAD + outside.replace("TYPE", kind) + _function(name, body)}

    return build


def _plain(name: str, kind: str, source: str, sink: str) -> dict[str, str]:
    return {"a.c": _HEAD + _function(name, f"{kind} data = NULL;\n{source}\n{sink}")}


def _sink_helper(name: str, kind: str, source: str, sink: str) -> dict[str, str]:
    helper = _function(f"{name}_use", sink, f"{kind} data", "static void")
    return {"a.c": _HEAD + helper + _function(name, f"{kind} data = NULL;\n{source}\n{name}_use(data);")}


def _source_helper(name: str, kind: str, source: str, sink: str) -> dict[str, str]:
    helper = _function(f"{name}_get", f"{kind} data = NULL;\n{source}\nreturn data;", "void", f"static {kind}")
    return {"a.c": _HEAD + helper + _function(name, f"{kind} data = {name}_get();\n{sink}")}


def _two_helpers(name: str, kind: str, source: str, sink: str) -> dict[str, str]:
    inner = _function(f"{name}_use", sink, f"{kind} data", "static void")
    outer = _function(f"{name}_pass", f"{name}_use(data);", f"{kind} data", "static void")
    return {"a.c": _HEAD + inner + outer + _function(name, f"{kind} data = NULL;\n{source}\n{name}_pass(data);")}


def _out_parameter(name: str, kind: str, source: str, sink: str) -> dict[str, str]:
    helper = _function(f"{name}_get", f"{kind} data = NULL;\n{source}\n*out = data;", f"{kind} *out", "static void")
    return {"a.c": _HEAD + helper + _function(name, f"{kind} data = NULL;\n{name}_get(&data);\n{sink}")}


def _global(name: str, kind: str, source: str, sink: str) -> dict[str, str]:
    kept = f"static {kind} {name}_kept;\n\n"
    use = _function(f"{name}_use", f"{kind} data = {name}_kept;\n{sink}", "void", "static void")
    body = f"{kind} data = NULL;\n{source}\n{name}_kept = data;\n{name}_use();"
    return {"a.c": _HEAD + kept + use + _function(name, body)}


def _function_pointer(name: str, kind: str, source: str, sink: str) -> dict[str, str]:
    helper = _function(f"{name}_use", sink, f"{kind} data", "static void")
    body = f"{kind} data = NULL;\n{source}\nvoid (*use)({kind}) = {name}_use;\nuse(data);"
    return {"a.c": _HEAD + helper + _function(name, body)}


def _other_file_sink(name: str, kind: str, source: str, sink: str) -> dict[str, str]:
    declared = f"void {name}_use({kind} data);\n\n"
    return {
        "a.c": _HEAD + declared + _function(name, f"{kind} data = NULL;\n{source}\n{name}_use(data);"),
        "b.c": _HEAD + _function(f"{name}_use", sink, f"{kind} data"),
    }


def _other_file_source(name: str, kind: str, source: str, sink: str) -> dict[str, str]:
    declared = f"{kind} {name}_get(void);\n\n"
    return {
        "a.c": _HEAD + declared + _function(name, f"{kind} data = {name}_get();\n{sink}"),
        "b.c": _HEAD + _function(f"{name}_get", f"{kind} data = NULL;\n{source}\nreturn data;", "void", kind),
    }


def _passed(
    parameter: str, give: str, take: str, *, shared: str = "", cpp: bool = False
) -> Callable[..., dict[str, str]]:
    """A flow between two files: the value goes as, or in, the one argument of a function of the other file."""

    def build(name: str, kind: str, source: str, sink: str) -> dict[str, str]:
        suffix = "cpp" if cpp else "c"
        form = {"TYPE": kind, "NAME": name}
        takes, gives, taken, both = (_filled(t, form) for t in (parameter, give, take, shared))
        head = _HEAD + _CONTAINERS * cpp + both
        body = f"{kind} data = NULL;\n{source}\n{gives}"
        return {
            f"a.{suffix}": head + f"void {name}_use({takes});\n\n" + _function(name, body),
            f"b.{suffix}": head + _function(f"{name}_use", f"{taken}\n{sink}", takes),
        }

    return build


def _filled(template: str, words: dict[str, str]) -> str:
    for word, meant in words.items():
        template = template.replace(word, meant)
    return template


def _global_other_file(name: str, kind: str, source: str, sink: str) -> dict[str, str]:
    body = f"{kind} data = NULL;\n{source}\n{name}_kept = data;\n{name}_use();"
    return {
        "a.c": f"{_HEAD}{kind} {name}_kept;\nvoid {name}_use(void);\n\n" + _function(name, body),
        "b.c": f"{_HEAD}extern {kind} {name}_kept;\n\n"
        + _function(f"{name}_use", f"{kind} data = {name}_kept;\n{sink}"),
    }


def _three_files(name: str, kind: str, source: str, sink: str) -> dict[str, str]:
    declared = f"void {name}_pass({kind} data);\nvoid {name}_use({kind} data);\n\n"
    body = f"{kind} data = NULL;\n{source}\n{name}_pass(data);"
    return {
        "a.c": _HEAD + declared + _function(name, body),
        "b.c": _HEAD + declared + _function(f"{name}_pass", f"{name}_use(data);", f"{kind} data"),
        "c.c": _HEAD + declared + _function(f"{name}_use", sink, f"{kind} data"),
    }


def _virtual(use: str) -> Callable[..., dict[str, str]]:
    """A flow into the method that a class of another file has for its base's."""

    def build(name: str, kind: str, source: str, sink: str) -> dict[str, str]:
        declared = (
            f"class {name}_base {{\npublic:\n    virtual ~{name}_base() {{}}\n"
            f"    virtual void act({kind} data) const = 0;\n}};\n"
            f"class {name}_made : public {name}_base {{\npublic:\n    void act({kind} data) const override;\n}};\n\n"
        )
        body = f"{kind} data = NULL;\n{source}\n{use.replace('NAME', name)}"
        method = _function(f"{name}_made::act", sink, f"{kind} data").replace(")\n{", ") const\n{", 1)
        return {"a.cpp": _HEAD + declared + _function(name, body), "b.cpp": _HEAD + declared + method}

    return build


def _object(use: str) -> Callable[..., dict[str, str]]:
    """A flow from a constructor to the destructor, in another file than who makes the object."""

    def build(name: str, kind: str, source: str, sink: str) -> dict[str, str]:
        declared = (
            f"class {name}_holder {{\npublic:\n    {name}_holder();\n    ~{name}_holder();\n"
            f"    {name}_holder(const {name}_holder &) = delete;\n    void operator=(const {name}_holder &) = delete;\n"
            "private:\n"
            f"    {kind} data;\n}};\n\n"
        )
        made = _function(f"{name}_holder::{name}_holder", f"data = NULL;\n{source}", "", "")
        ended = _function(f"{name}_holder::~{name}_holder", sink, "", "")
        return {
            "a.cpp": _HEAD + declared + _function(name, use.replace("NAME", name)),
            "b.cpp": _HEAD + declared + made.lstrip() + ended.lstrip(),
        }

    return build


_CONTAINERS: Final = "#include <list>\n#include <map>\n#include <vector>\n\n"
_BOX: Final = "struct NAME_box { TYPE one; };\n\n"
_BOXED: Final = "struct NAME_box box;\nbox.one = data;\nNAME_use(box);"
_ROW: Final = "TYPE row[5];\nrow[2] = data;\nNAME_use(row);"
_MAPPED: Final = "std::map<int, TYPE> row;\nrow[0] = data;\nrow[2] = data;\nNAME_use(row);"
_ON_HEAP: Final = "NAME_base *base = new NAME_made;\nbase->act(data);\ndelete base;"

_HELD: Final = "NAME_holder *holder = new NAME_holder;\ndelete holder;"
_VECTOR: Final = "std::vector<TYPE> row;\nrow.push_back(data);\nrow.push_back(data);\nNAME_use(row);"
_LIST: Final = "std::list<TYPE> row;\nrow.push_back(data);\nrow.push_back(data);\nNAME_use(row);"
_TRUE: Final = "static const int always = 1;\nstatic int is_true(void) { return 1; }\n\n"
_STRUCT: Final = "struct box { TYPE one; TYPE other; };\n\n"
_UNION: Final = "union box { TYPE one; TYPE other; };\n\n"

FLOWS: Final = (
    Flow("straight", _plain),
    Flow("if (1)", _around("if (1) {", "}")),
    Flow("if (5 == 5)", _around("if (5 == 5) {", "}")),
    Flow("if (constant)", _around("if (always) {", "}", outside=_TRUE)),
    Flow("if (function())", _around("if (is_true()) {", "}", outside=_TRUE)),
    Flow("source and sink in an if", _around("if (always) {", "}", outside=_TRUE, sink_too=True)),
    Flow("switch", _around("switch (6) {\ncase 6:", "    break;\ndefault:\n    break;\n}")),
    Flow("while (1)", _around("while (1) {", "    break;\n}")),
    Flow("for, once", _around("for (int i = 0; i < 1; i++) {", "}")),
    Flow("goto", _around("goto here;\nhere:\n{", "}")),
    Flow("#if", _around("#ifdef UNKNOWN_OPTION\n#endif\n{", "}")),
    Flow("a copy", _through("TYPE copy = data;\nTYPE carried = copy;")),
    Flow("a pointer to it", _through("TYPE *where = &data;\nTYPE carried = *where;")),
    Flow("a member", _through("struct box box;\nbox.one = data;\nTYPE carried = box.one;", outside=_STRUCT)),
    Flow("a union", _through("union box box;\nbox.one = data;\nTYPE carried = box.other;", outside=_UNION)),
    Flow("an array", _through("TYPE row[3];\nrow[1] = data;\nTYPE carried = row[1];")),
    Flow("a cast to void * and back", _through("void *any = (void *)data;\nTYPE carried = (TYPE)any;")),
    Flow("a conditional", _through("TYPE carried = data ? data : data;")),
    Flow("a reference (C++)", _through("auto &same = data;\nTYPE carried = same;", cpp=True)),
    Flow("a parameter", _sink_helper),
    Flow("a result", _source_helper),
    Flow("two helpers", _two_helpers),
    Flow("an out parameter", _out_parameter),
    Flow("a global", _global),
    Flow("a function pointer", _function_pointer),
    Flow("a parameter, other file", _other_file_sink),
    Flow("a result, other file", _other_file_source),
    Flow("an array, other file", _passed("TYPE row[]", _ROW, "TYPE data = row[2];")),
    Flow("a struct, other file", _passed("struct NAME_box box", _BOXED, "TYPE data = box.one;", shared=_BOX)),
    Flow("a pointer to it, other file", _passed("TYPE *where", "NAME_use(&data);", "TYPE data = *where;")),
    Flow("a void pointer to it, other file", _passed("void *where", "NAME_use(&data);", "TYPE data = *(TYPE *)where;")),
    Flow("a function pointer, other file", _passed("TYPE data", "void (*use)(TYPE) = NAME_use;\nuse(data);", "")),
    Flow("a global, other file", _global_other_file),
    Flow("three files", _three_files),
    Flow("a reference, other file (C++)", _passed("TYPE &same", "NAME_use(data);", "TYPE data = same;", cpp=True)),
    Flow("a vector, other file (C++)", _passed("std::vector<TYPE> row", _VECTOR, "TYPE data = row[1];", cpp=True)),
    Flow("a list, other file (C++)", _passed("std::list<TYPE> row", _LIST, "TYPE data = row.back();", cpp=True)),
    Flow("a map, other file (C++)", _passed("std::map<int, TYPE> row", _MAPPED, "TYPE data = row[2];", cpp=True)),
    Flow("a virtual method, other file (C++)", _virtual("const NAME_base &base = NAME_made();\nbase.act(data);")),
    Flow("a virtual method by pointer, other file (C++)", _virtual(_ON_HEAP)),
    Flow("constructor to destructor, other file (C++)", _object("NAME_holder holder;")),
    Flow("constructor to destructor on the heap (C++)", _object(_HELD)),
)  # fmt: skip


def found(case: Case, flow: Flow, *, good: bool) -> bool:
    """Whether the case is found in the bad program, or (a false finding) in one that is fixed."""
    name = "good" if good else "bad"
    source = case.good_source if good and case.good_source else case.source
    sink = case.good_sink if good and case.good_sink else case.sink
    files = flow.build(name, case.type, source, sink)
    units = read_together((path, text.encode()) for path, text in files.items())
    return any(isinstance(claim, Finding) and claim.cwe in case.names for claim in rules.ask(Program(units)))


_OPENING: Final = """\
# The same weakness in many ways

The Juliet test suite gives each weakness in flow variants; it is in no package registry, so these are written anew (in
`tests/review/flows.py`): {cases} weaknesses of library handling, each carried from where a value comes from to where it
is used in {flows} ways, each with a fixed twin. Every program is small, and every one differs from the labelled corpus
the rules were written against. The table is written by `python -m tests.review.flows`.

| weakness | found | false | not found when carried through |
| --- | --- | --- | --- |
"""


def page() -> str:
    """The table, by weakness."""
    return _OPENING.format(cases=len(CASES), flows=len(FLOWS)) + "".join(_rows())


def _rows() -> Iterator[str]:
    met = wrong = 0
    for case in CASES:
        missed = [flow.name for flow in FLOWS if not found(case, flow, good=False)]
        false = [flow.name for flow in FLOWS if found(case, flow, good=True)]
        met += len(FLOWS) - len(missed)
        wrong += len(false)
        yield (
            f"| CWE-{case.cwe}: {case.name} | {len(FLOWS) - len(missed)} of {len(FLOWS)} | {len(false)} "
            f"| {', '.join(missed) or '-'} |\n"
        )
    total = len(CASES) * len(FLOWS)
    yield f"| **all** | {met} of {total}: {met / total:.2f} | {wrong}: precision {met / max(met + wrong, 1):.2f} | |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
