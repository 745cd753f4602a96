"""A line of another file is named with that file, in the sentence and not only in the steps."""

from __future__ import annotations

import pytest

from loadstone.core.claims import Finding
from loadstone.review import rules
from loadstone.review.ir import Program
from loadstone.review.reached import read_together

PROGRAMS = {
    "untrusted-load-path": (
        '#include <stdlib.h>\nint start(const char *);\nint main(void) { return start(getenv("PLUG")); }\n',
        "#include <dlfcn.h>\nint start(const char *p) { void *h = dlopen(p, 2); return h && !dlclose(h); }\n",
        "(read at line 3 of a.c)",
    ),
    "load-before-privilege-drop": (
        "#include <unistd.h>\nvoid load(void);\nint main(void) {\n    load();\n    return setuid(1000) != 0;\n}\n",
        '#include <dlfcn.h>\nvoid load(void) { if (!dlopen("/usr/lib/m.so", 2)) return; }\n',
        "given up only at line 5 of a.c",
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", PROGRAMS)
def test_a_line_of_another_file_is_named_with_it(rule: str) -> None:
    first, second, words = PROGRAMS[rule]
    units = read_together([("a.c", first.encode()), ("b.c", second.encode())])
    found = [c.message for c in rules.ask(Program(units)) if isinstance(c, Finding) and c.rule == rule]
    assert any(words in message for message in found), found
