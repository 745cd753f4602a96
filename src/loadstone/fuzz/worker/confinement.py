"""Where the fuzzed child may live: the probe's layers, another user, and whether it can be traced there."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import Final

from loadstone.fuzz.plan import Job
from loadstone.fuzz.worker.tracer import MACHINES, let_me_be_traced
from loadstone.fuzz.worker.vitals import reap
from loadstone.probe.confine_linux import SYSTEM, Layer, Sandbox, enter_sandbox
from loadstone.probe.linux.process import close_descriptors_but, drop_user
from loadstone.probe.offspring import Offspring
from loadstone.probe.scratch import outside_of

__all__ = ["USER", "Place", "can_become", "confine", "place", "reachable", "tracing_refused"]

USER: Final = 0x6C6F6165
"""Whom the child becomes where the worker is the superuser: an id no user database gives out, nor the probe uses."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where children are put: whom they become, why they are in no namespaces, and their mount tree, or why none."""

    user: int
    unshared: str
    tree: int
    treeless: str


def place(job: Job, offspring: Offspring, user: int) -> Place:
    """Build the mount tree for the children of a job."""
    try:
        readable = (*SYSTEM, *job.readable)
        tree = offspring.tree(job.scratch, readable, user=user, home=os.path.realpath(os.path.expanduser("~")))
    except OSError as error:
        return Place(user, offspring.unshared, -1, f"{error.strerror} ({error.errno})")
    return Place(user, offspring.unshared, tree.namespace, "")


def confine(job: Job, worker: int, where: Place, words: int, file: int) -> list[Layer]:
    """Raise the probe's layers round the child; what became of each.

    Of the descriptors only ``words`` and the library's ``file`` stay: what else the worker has open is its own, the
    channel to its parent above all. Output goes nowhere: it would fill the disk.
    """
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):  # standard error is the worker's to hear
        os.dup2(nowhere, descriptor)
    close_descriptors_but(0, 1, 2, words, file, *([where.tree] if where.tree >= 0 else []))
    os.setsid()
    os.chdir(job.scratch)
    around = Sandbox(
        scratch=job.scratch,
        outside=outside_of(job.scratch),
        user=where.user,
        seconds=int(job.time_s) + 60,
        helper=worker,
        unshared=where.unshared,
        tree=where.tree,
        treeless=where.treeless,
        notify=False,
        readable=job.readable,
        file=file,
    )
    layers, _ = enter_sandbox(around)
    return layers


def reachable(path: str, file: int) -> str:
    """The library's path, if whom the child became may read it, else the name of an open descriptor of it."""
    return path if os.access(path, os.R_OK) else f"/proc/self/fd/{file}"


def can_become(user: int, scratch: str, *, traced: bool) -> bool:
    """Give ``scratch`` to ``user``; whether that works, and a child that is ``user`` can still be traced."""
    try:
        for folder in (os.path.dirname(scratch), outside_of(scratch), scratch):
            os.chown(folder, user, user)
    except OSError:  # not mapped in this user namespace
        return False
    return not traced or not tracing_refused(user)


def tracing_refused(user: int) -> str:
    """Why a child that becomes ``user`` (0: stays) cannot be traced here, in the system's words; "" when it can.

    Tried, not assumed.
    """
    if (machine := os.uname().machine) not in MACHINES:
        return f"breakpoints and registers of {machine} are not known here"
    pid = os.fork()
    if pid == 0:
        try:
            let_me_be_traced()
            if user:
                drop_user(user)
            os.kill(os.getpid(), signal.SIGSTOP)
        except OSError as error:
            os._exit(error.errno or 1)
        os._exit(0)
    _, status = os.waitpid(pid, os.WUNTRACED)
    if not os.WIFSTOPPED(status):
        return os.strerror(os.waitstatus_to_exitcode(status))
    try:
        os.close(os.open(f"/proc/{pid}/mem", os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        return error.strerror or str(error)
    finally:
        reap(pid)
    return ""
