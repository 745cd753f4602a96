"""Names nobody can guess, folders of the program's own, and reading only."""

import ctypes
import secrets
import tempfile
import uuid
from pathlib import Path

lib = ctypes.CDLL("/opt/kit/libkit.so.1")


def by_token(data):
    work = Path("/tmp") / f"kit-{secrets.token_hex(8)}"
    work.write_bytes(data)


def by_uuid(data):
    name = uuid.uuid4().hex
    Path(f"/tmp/kit-{name}").write_bytes(data)


def own(data):
    work = Path(tempfile.mkdtemp(prefix="kit-")) / "kit.bin"
    work.write_bytes(data)


def reads(name):
    return Path(f"/tmp/kit-{name}").read_bytes()
