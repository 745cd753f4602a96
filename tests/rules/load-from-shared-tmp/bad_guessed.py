"""Names in a shared directory that vary, and can be guessed."""

import ctypes
import os
import tempfile
from pathlib import Path

lib = ctypes.CDLL("libkit.so.1")


def by_number(data):
    work = Path(tempfile.gettempdir()) / f"kit-{os.getpid()}"  # bad
    work.mkdir(exist_ok=True)
    (work / "kit.so").write_bytes(data)
    return ctypes.CDLL(str(work / "kit.so"))


def fetch(source, target):
    with open(target, "wb") as out:  # bad
        out.write(source.read())


def by_caller(source, name):
    spool = f"/tmp/kit-{name}.tar"
    fetch(source, spool)
    return spool


def by_path(data, version):
    (Path("/var/tmp") / f"kit-{version}.so").write_bytes(data)  # bad
