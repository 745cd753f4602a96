"""Ordinary system libraries: no effect is reported that strace does not confirm."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.scale import SCALE
from tests.tools import needed, unavailable

from loadstone.core.observations import Observation, Phase, ProbeOutcome
from loadstone.core.observations import ObservationKind as Kind
from loadstone.probe import probe

FOLDERS = ("/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib")
WANTED = (
    "libz.so.1", "libm.so.6", "libcrypto.so.3", "libssl.so.3", "libsqlite3.so.0", "libstdc++.so.6", "libgcc_s.so.1",
    "liblzma.so.5", "libbz2.so.1.0", "libexpat.so.1", "libuuid.so.1", "libcrypt.so.1", "libtinfo.so.6",
    "libncursesw.so.6", "libreadline.so.8", "libffi.so.8", "libglib-2.0.so.0", "libgmp.so.10", "libzstd.so.1",
    "libpcre2-8.so.0", "libselinux.so.1", "libresolv.so.2", "libcap.so.2", "libaudit.so.1", "libpam.so.0",
)  # fmt: skip

CALLS = {
    Kind.NETWORK: r"socket|connect|bind|listen|accept",
    Kind.PROCESS_STARTED: r"fork|vfork|clone|clone3",
    Kind.THREAD_STARTED: r"clone|clone3",
    Kind.EXEC: r"execve|execveat",
    Kind.FILE_READ: r"openat|open",
    Kind.FILE_WRITE: r"openat|open|creat",
    Kind.FILE_CHANGED: r"unlink\w*|rename\w*|mkdir\w*|chmod|fchmodat|memfd_create|symlink\w*",
    Kind.SIGNAL_HANDLER: r"rt_sigaction",
    Kind.SIGNAL_MASK: r"rt_sigprocmask",
    Kind.CODE_WRITABLE: r"mmap|mprotect",
    Kind.OUTPUT: r"write|writev",
    Kind.UMASK_CHANGED: r"umask",
    Kind.CWD_CHANGED: r"chdir",
    Kind.DESCRIPTOR_LEFT: r"openat|open|socket|dup\w*|pipe\w*|eventfd\w*",
}
UNSEEN_BY_STRACE = {Kind.NOT_UNLOADED, Kind.MEMORY_GROWTH, Kind.ENVIRONMENT_CHANGED, Kind.RESOLVE_FAILED, Kind.SLOW}
LOADER = """\
import ctypes, sys
libc = ctypes.CDLL(None)
libc.dlopen.restype = ctypes.c_void_p
libc.dlclose.argtypes = [ctypes.c_void_p]
libc.write(1000, b"begin", 5)
handle = libc.dlopen(sys.argv[1].encode(), 2)
libc.write(1000, b"end", 3)
"""


def _libraries() -> list[Path]:
    found = [Path(folder, name) for name in WANTED for folder in FOLDERS if Path(folder, name).is_file()]
    return list({path.name: path for path in found}.values())[: 20 * SCALE]


def _traced(library: Path, tmp_path: Path) -> str:
    """What a plain load of it calls, by strace."""
    log = tmp_path / "strace.txt"
    command = [needed("strace"), "-f", "-o", str(log), sys.executable, "-I", "-S", "-c", LOADER, str(library)]
    subprocess.run(command, check=True, env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"}, timeout=60)
    text = log.read_text(errors="replace")
    return text.partition('"begin"')[2].partition('"end"')[0]


@pytest.mark.parametrize("library", _libraries(), ids=lambda path: path.name)
def test_no_effect_is_reported_that_strace_does_not_see(library: Path, tmp_path: Path) -> None:
    report = probe(library, timeout=60, fresh=True)
    assert report.outcome is ProbeOutcome.OK, report
    effects = [o for o in report.observations if o.kind not in UNSEEN_BY_STRACE and o.phase is Phase.LOAD]
    assert {o.kind for o in report.observations} <= UNSEEN_BY_STRACE | CALLS.keys()
    if not effects:
        return
    trace = _traced(library, tmp_path)
    for effect in effects:
        assert _confirmed(effect, trace), f"{effect.detail}\n{trace}"


def _confirmed(effect: Observation, trace: str) -> bool:
    lines = [line for line in trace.splitlines() if re.search(rf"\b({CALLS[effect.kind]})\(", line)]
    path = re.match(r"opened (\S+) for", effect.detail)
    return any(path[1] in line for line in lines) if path else bool(lines)


def test_twenty_libraries_are_there_to_be_tried() -> None:
    if len(_libraries()) < 15:
        unavailable("the libraries of a usual system", f"only {len(_libraries())} of them are installed")
