"""How severe it is that others may write: of code it is high, of anything else not; a configured mode is chosen."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadstone.core.claims import Finding, Severity
from loadstone.review.engine import review

_PROGRAM = """
#include <dlfcn.h>
#include <sys/stat.h>
#include <sys/socket.h>
struct settings { mode_t mode; };
int changed(struct settings *s, int place, struct sockaddr *address)
{
    mode_t mode = 0777;
    if (s->mode != (mode_t)-1)
        mode = s->mode;
    BODY
}
"""
_LOAD = 'void *load(void) { return dlopen("/usr/lib/one.so", RTLD_NOW); }\n'


@pytest.mark.parametrize(
    ("body", "more", "severity"),
    [
        ("return fchmod(place, 0777);", _LOAD, Severity.HIGH),
        ("return fchmod(place, 0777);", "", Severity.MEDIUM),
        ("return fchmod(place, mode);", _LOAD, Severity.LOW),
        ("umask(0); return fchmod(place, 0700);", _LOAD, Severity.HIGH),
        ("mode = umask(0); bind(place, address, 16); umask(mode); return 0;", _LOAD, Severity.LOW),
    ],
)
def test_what_others_may_write_decides_how_severe_it_is(
    tmp_path: Path, body: str, more: str, severity: Severity
) -> None:
    (tmp_path / "one.c").write_text(_PROGRAM.replace("BODY", body) + more)
    claims = (result.claim for result in review([tmp_path]).results)
    assert {c.severity for c in claims if isinstance(c, Finding) and c.rule == "world-writable-library"} == {severity}


_OPEN_TO_ALL = """
#include <windows.h>
HANDLE made(HANDLE pipe) {{
    SECURITY_DESCRIPTOR d;
    SECURITY_ATTRIBUTES all = {{ sizeof all, &d, FALSE }};
    InitializeSecurityDescriptor(&d, SECURITY_DESCRIPTOR_REVISION);
    SetSecurityDescriptorDacl(&d, TRUE, NULL, FALSE);
    return {make};
}}
HMODULE load(void) {{ return LoadLibraryExW(L"one.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32); }}
"""


@pytest.mark.parametrize(
    ("make", "severity"),
    [
        ('CreateEventW(&all, TRUE, FALSE, L"stop")', Severity.LOW),
        ('CreateFileW(L"plugin.dll", GENERIC_WRITE, 0, &all, CREATE_ALWAYS, 0, NULL)', Severity.HIGH),
        ("pipe", Severity.HIGH),
    ],
)
def test_a_null_access_list_of_what_has_no_content_is_low(tmp_path: Path, make: str, severity: Severity) -> None:
    (tmp_path / "one.c").write_text(_OPEN_TO_ALL.format(make=make))
    claims = (result.claim for result in review([tmp_path]).results)
    assert [c.severity for c in claims if isinstance(c, Finding) and c.rule == "world-writable-library"] == [severity]
