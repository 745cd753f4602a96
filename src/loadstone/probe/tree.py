"""The mount tree of a confined child: nothing in it can be written but a scratch folder of bounded size.

It has a ``/proc`` of the child's own namespace and a small ``/dev``; what is of no concern to a library (``/run``,
homes, folders for everybody) is empty save for what the child may read. A process that has ended by then builds it, so
that the helper's own view stays whole; a child enters it by a descriptor. It goes with the last who has that open.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final, NoReturn, Self

from loadstone.probe.linux import mounts
from loadstone.probe.scratch import outside_of

__all__ = ["SCRATCH_LIMIT", "SHARED_MEMORY", "Tree"]

SCRATCH_LIMIT: Final = 64 << 20
"""Bytes that the scratch folder has room for, shared memory files included."""

SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108 - its own, not the machine's

_EMPTIED: Final = ("/run", "/home", "/root", "/tmp", "/var/tmp", "/mnt", "/media", "/srv", "/dev")  # noqa: S108
_LINKS: Final = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
_ROOM_FOR_NAMES: Final = 1 << 20
_WORDS: Final = 300

_State = list[tuple[int, int, int]]


class Tree:
    """A built tree: ``namespace`` is what a child enters. Owned by one thread; close it."""

    def __init__(self, namespace: int, folders: Sequence[int]) -> None:
        self.namespace = namespace
        self._folders = tuple(folders)
        self._made = self._state()

    @classmethod
    def build(cls, scratch: str, readable: Iterable[str], *, user: int, home: str = "") -> Self:
        """Build one round a scratch folder, in which what is ``readable`` can be seen; ``home`` is emptied too.

        The scratch folder, the closed one beside it, and the shared memory are ``user``'s (0: the
        caller's). Needs a mount and a process namespace of one's own. Raises OSError with the reason.
        """
        told, tell = os.pipe2(os.O_CLOEXEC)
        waits, wake = os.pipe2(os.O_CLOEXEC)
        builder = os.fork()
        if not builder:
            os.close(wake)
            _build(scratch, [*readable], user, home, tell, waits)
        os.close(tell)
        os.close(waits)
        try:
            words = os.read(told, _WORDS)
            if words:
                code, _, text = words.decode(errors="replace").partition(" ")
                raise OSError(int(code), text)
            base = os.path.dirname(scratch)
            folders = [
                os.open(f"/proc/{builder}/root{folder}", os.O_PATH | os.O_CLOEXEC)
                for folder in (base, scratch, outside_of(scratch), SHARED_MEMORY)
            ]
            return cls(os.open(f"/proc/{builder}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC), folders)
        finally:
            os.close(told)
            os.close(wake)
            os.waitpid(builder, 0)

    def is_pristine(self) -> bool:
        """Whether nothing in it was made, removed or changed, however briefly: the kernel's times tell."""
        return self._state() == self._made

    def _state(self) -> _State:
        seen = [os.fstat(folder) for folder in self._folders]
        return [(there.st_ino, there.st_mtime_ns, there.st_ctime_ns) for there in seen]

    def close(self) -> None:
        """Let go of it; the kernel drops it, and all that was written in it, with its last process."""
        for descriptor in (self.namespace, *self._folders):
            with suppress(OSError):
                os.close(descriptor)


def _build(scratch: str, readable: list[str], user: int, home: str, tell: int, waits: int) -> NoReturn:
    """The builder's life: build, say by closing ``tell`` that it is done, wait to be looked at, end."""
    try:
        _arrange(scratch, readable, user, home)
        os.close(tell)
        os.read(waits, 1)
    except OSError as error:
        with suppress(OSError):
            os.write(tell, f"{error.errno or 5} {error.strerror} ({error.filename})".encode()[:_WORDS])
    finally:
        os._exit(0)


def _arrange(scratch: str, readable: list[str], user: int, home: str) -> None:
    root = os.stat("/")
    mounts.make_private()
    emptied = _emptied(home, readable)
    seen = [path for path in _outermost(readable) if any(_is_below(path, place) for place in emptied)]
    kept = [(path, os.path.isdir(path), tree) for path in seen if (tree := _detached(path)) >= 0]
    for place in emptied:
        mounts.mount_temporary(place, _ROOM_FOR_NAMES)
    for path, is_folder, tree in kept:
        _make_place(path, is_folder=is_folder)
        mounts.attach(tree, path)
    for name, target in _LINKS.items() if "/dev" in emptied else ():
        os.symlink(target, f"/dev/{name}")
    shared = _make_scratch(scratch, user)
    _make_place(SHARED_MEMORY, is_folder=True)
    mounts.attach(mounts.detached(shared), SHARED_MEMORY)
    for place in emptied:
        mounts.close_for_writing(place)
    with suppress(OSError):  # where some of the outer /proc is hidden, no new one is given: the sandbox tries and tells
        mounts.mount_processes()
    _check_root(root)


def _emptied(home: str, readable: Iterable[str]) -> list[str]:
    """The places that are emptied: those that exist, each once, and none that may be read whole."""
    real = {os.path.realpath(place) for place in (*_EMPTIED, *([home] if home else []))} - {os.sep}
    whole = [path for path in readable if path != os.sep]
    wanted = [p for p in real if os.path.isdir(p) and not any(_is_below(p, path) for path in whole)]
    return [] if os.sep in readable else _outermost(wanted)


def _outermost(paths: Iterable[str]) -> list[str]:
    """Without those that lie below another one."""
    found: list[str] = []
    for path in sorted(set(paths)):
        if not any(_is_below(path, other) for other in found):
            found.append(path)
    return found


def _is_below(path: str, place: str) -> bool:
    return path == place or path.startswith(place.rstrip(os.sep) + os.sep)


def _detached(path: str) -> int:
    try:
        return mounts.detached(path)
    except OSError:  # not there, or not to be had: it cannot be read then
        return -1


def _make_place(path: str, *, is_folder: bool) -> None:
    """Something to mount on; where what is above was put there whole, it is there already."""
    os.makedirs(path if is_folder else os.path.dirname(path), mode=0o755, exist_ok=True)
    if not is_folder and not os.path.lexists(path):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))


def _make_scratch(scratch: str, user: int) -> str:
    """The scratch folder and its neighbours, in a file system of their own; the one for shared memory."""
    base, shared = os.path.dirname(scratch), os.path.join(os.path.dirname(scratch), "shared")
    os.makedirs(base, mode=0o755, exist_ok=True)
    mounts.mount_temporary(base, SCRATCH_LIMIT)
    for path in (scratch, outside_of(scratch), shared):
        os.mkdir(path, 0o700)
        if user:
            os.chown(path, user, user)
    return shared


def _check_root(root: os.stat_result) -> None:
    """Who enters a mount namespace has its root for his: in a chroot that is another one."""
    mine = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    mounts.enter(mine)
    os.close(mine)
    if not os.path.samestat(os.stat("/"), root):
        raise OSError(1, "the caller's root directory is not that of its mounts", "/")
