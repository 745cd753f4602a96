"""How severe it is that an environment or a command line decides what runs: it depends on whose rights are used."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadstone.core.claims import Finding, Severity
from loadstone.review.engine import review

_LOAD = """
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>
void *driver(void) {{
    const char *path = getenv("DRIVER");
    {before}
    return path ? dlopen(path, RTLD_NOW) : NULL;
}}
{after}
"""
_MAIN = "int main(void) { return driver() == NULL; }"
_PYTHON = "import ctypes, os\n{before}\nlibrary = ctypes.CDLL(os.environ['DRIVER'])\n"


def _severities(folder: Path, name: str, text: str) -> set[Severity]:
    (folder / name).write_text(text)
    claims = (result.claim for result in review([folder]).results)
    return {c.severity for c in claims if isinstance(c, Finding) and c.rule == "untrusted-load-path"}


@pytest.mark.parametrize(
    ("name", "text", "severity"),
    [
        ("program.c", _LOAD.format(before="", after=_MAIN), Severity.LOW),
        ("library.c", _LOAD.format(before="", after=""), Severity.MEDIUM),
        ("root.c", _LOAD.format(before="if (setuid(0) != 0) return NULL;", after=_MAIN), Severity.HIGH),
        ("module.py", _PYTHON.format(before=""), Severity.LOW),
        ("root.py", _PYTHON.format(before="os.setuid(0)"), Severity.HIGH),
    ],
)
def test_who_gains_by_the_choice_decides(tmp_path: Path, name: str, text: str, severity: Severity) -> None:
    assert _severities(tmp_path, name, text) == {severity}


def test_what_the_network_names_is_high_in_any_program(tmp_path: Path) -> None:
    text = (
        "import ctypes\nfrom flask import request\n\n\ndef load():\n    return ctypes.CDLL(request.args['library'])\n"
    )
    assert _severities(tmp_path, "server.py", text) == {Severity.HIGH}


def test_the_c_library_is_always_there(tmp_path: Path) -> None:
    (tmp_path / "c.py").write_text("import ctypes, ctypes.util\nc = ctypes.CDLL(ctypes.util.find_library('c'))\n")
    assert not [
        r for r in review([tmp_path]).results if isinstance(r.claim, Finding) and r.claim.rule == "unchecked-dlopen"
    ]


_SERVICE = """
#include <dlfcn.h>
#include <unistd.h>
int main(int argc, char **argv) {{
    void *module = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if ({change} != 0) return 1;
    return module == NULL;
}}
"""


@pytest.mark.parametrize(("change", "severity"), [("setuid(1000)", Severity.LOW), ("setuid(getuid())", Severity.HIGH)])
def test_a_command_line_is_its_callers_own_unless_the_program_lends_rights(
    tmp_path: Path, change: str, severity: Severity
) -> None:
    assert _severities(tmp_path, "service.c", _SERVICE.format(change=change)) == {severity}


_IN_CONSTRUCTOR = """
#include <dlfcn.h>
static void *jack;
__attribute__((constructor)) static void begin(void) { jack = dlopen("libjack.so.0", RTLD_LAZY); }
"""
_IN_DLL_MAIN = """
#include <windows.h>
BOOL WINAPI DllMain(HINSTANCE i, DWORD why, LPVOID r) { LoadLibraryA("other.dll"); return TRUE; }
"""


@pytest.mark.parametrize(("text", "severity"), [(_IN_CONSTRUCTOR, Severity.MEDIUM), (_IN_DLL_MAIN, Severity.HIGH)])
def test_a_load_in_a_constructor_is_less_than_one_in_dll_main(tmp_path: Path, text: str, severity: Severity) -> None:
    (tmp_path / "library.c").write_text(text)
    claims = (result.claim for result in review([tmp_path]).results)
    assert {c.severity for c in claims if isinstance(c, Finding) and c.rule == "load-under-loader-lock"} == {severity}
