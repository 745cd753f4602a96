"""What a system must have before a library may run here: asked once, before anything is started."""

from __future__ import annotations

from loadstone.errors import ProbeFailed

__all__ = ["require_proc"]


def require_proc() -> None:
    """Raise ProbeFailed where /proc does not tell of this process and of those it will start.

    Nothing would be seen of the library then, nor would its memory and processes be counted; where /proc is that of
    another process namespace, other processes would be looked at in place of its own.
    """
    from loadstone.probe.linux import proc  # noqa: PLC0415 - what only Linux has

    why = proc.unusable()
    if why:
        raise ProbeFailed(reason=why, advice="Mount it: mount -t proc proc /proc.")
