"""Mounts without any program's help, in a mount namespace of one's own.

Sources: mount(2), mount_setattr(2), open_tree(2), move_mount(2), mount_namespaces(7); linux/mount.h for the numbers.
Every function raises OSError. ``mount_setattr`` is of Linux 5.12: before that no tree can be closed for writing whole.
"""

from __future__ import annotations

import os
import struct
from typing import Final

from loadstone.probe.linux.syscalls import syscall

__all__ = ["attach", "close_for_writing", "detached", "enter", "make_private", "mount_processes", "mount_temporary"]

_HERE: Final = -100  # AT_FDCWD
_RECURSIVE: Final = 0x8000  # AT_RECURSIVE
_CLONE: Final = 1  # OPEN_TREE_CLONE
_EMPTY_SOURCE: Final = 0x4  # MOVE_MOUNT_F_EMPTY_PATH
_READ_ONLY, _NO_SUID, _NO_DEVICE, _NO_PROGRAM = 1, 2, 4, 8  # both MS_* and MOUNT_ATTR_*
_PRIVATE: Final = 1 << 18  # MS_PRIVATE
_NEW_MOUNTS: Final = 0x00020000  # CLONE_NEWNS


def make_private() -> None:
    """Give the caller a copy of all mounts in which nothing can be written; nothing it mounts is seen elsewhere."""
    syscall("unshare", _NEW_MOUNTS)
    _set("/", _READ_ONLY | _NO_SUID, _RECURSIVE, _PRIVATE)


def close_for_writing(path: str) -> None:
    """Nothing can be written to this mount any more; those on top of it stay as they are."""
    _set(path, _READ_ONLY | _NO_SUID, 0, 0)


def _set(path: str, attributes: int, flags: int, propagation: int) -> None:
    settings = struct.pack("=QQQQ", attributes, 0, propagation, 0)  # struct mount_attr
    syscall("mount_setattr", _HERE, os.fsencode(path), flags, settings, len(settings))


def detached(path: str) -> int:
    """A descriptor of what is at a path, to be attached elsewhere."""
    return syscall("open_tree", _HERE, os.fsencode(path), _CLONE | _RECURSIVE | os.O_CLOEXEC)


def attach(tree: int, path: str) -> None:
    """Put what :func:`detached` gave at a path, which must be of the same kind: a folder, or no folder."""
    syscall("move_mount", tree, b"", _HERE, os.fsencode(path), _EMPTY_SOURCE)


def mount_temporary(path: str, size: int) -> None:
    """A file system in memory of so many bytes."""
    options = f"size={size},nr_inodes=16384,mode=0755".encode()
    syscall("mount", b"tmpfs", os.fsencode(path), b"tmpfs", _NO_SUID | _NO_DEVICE, options)


def mount_processes() -> None:
    """``/proc`` of the process namespace that the caller is in."""
    flags = _READ_ONLY | _NO_SUID | _NO_DEVICE | _NO_PROGRAM
    syscall("mount", b"proc", b"/proc", b"proc", flags, 0)


def enter(namespace: int) -> None:
    """Put the caller into a mount namespace, by a descriptor of it; its current directory becomes the root."""
    syscall("setns", namespace, _NEW_MOUNTS)
