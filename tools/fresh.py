"""Try the README's commands where nothing is installed: ``python -m tools.fresh ROOT`` (as root, on Linux).

ROOT is a bare system, made for example by ``debootstrap --variant=minbase`` with python3, python3-venv, make, gcc,
libc6-dev and ca-certificates, and with pip and apt set up as here where they need it. The committed state is cloned
into its empty home, and each command that the README tells a new user is run there, in mounts that vanish with it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

__all__ = ["commands", "main"]

_HOME: Final = "/home/new"
_ENTER: Final = """
mount --make-rprivate / || exit
mount --bind /dev "$0/dev" && mount -t proc proc "$0/proc" && mount -t tmpfs none "$0/dev/shm" || exit
set -- env -i HOME=/home/new LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -c "cd; cd loadstone; $1"
exec chroot "$0" "$@"
"""


def commands(readme: str) -> list[str]:
    """The ``make`` commands that the paragraph on installing names, in their order."""
    install = re.search(r"^Install:.*?(?:\n\n|\Z)", readme, re.MULTILINE | re.DOTALL)
    return re.findall(r"`(make [^`]+)`", install[0]) if install else []


def main(root: str) -> int:
    """Stops at the first command that fails; its status."""
    home = Path(root + _HOME)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    subprocess.run(["git", "clone", "--quiet", ".", str(home / "loadstone")], check=True)
    found = commands(Path("README.md").read_text())
    for command in found:
        print(f"=== {root}: {command}", flush=True)
        started = time.monotonic()
        inside = ["unshare", "--mount", "--pid", "--fork", "bash", "-c", _ENTER, root, command]
        status = subprocess.run(inside, check=False, stdin=subprocess.DEVNULL).returncode
        print(f"=== status {status} after {time.monotonic() - started:.0f} s", flush=True)
        if status:
            return status
    return int(not found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
