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
