"""Which system calls the sandbox allows, reports or refuses. One table, read twice: by the filter and by the observer.

What is not named here is refused, so a call that a newer kernel brings is refused as well (as one that does not exist,
so that its caller falls back). Decisions rest on numbers in registers alone, which nobody can change after the look.

Sources: the manual pages of each call, and linux/sched.h, prctl.h, fcntl.h, socket.h, ioctls.h for the numbers.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from enum import Enum, auto
from functools import cache
from typing import Final, NamedTuple

from loadstone.probe.linux.seccomp import ALLOW, DENY, NOTIFY, ArgumentTest, SeccompRule, deny
from loadstone.probe.linux.syscalls import NUMBERS

__all__ = [
    "MARK",
    "SOMEBODY",
    "CallVerdict",
    "Clause",
    "clauses",
    "is_ordinary",
    "names_process_at",
    "rules",
    "verdict",
]

SOMEBODY: Final = 0x7FFFFFFF
"""Stands for the child's own process id in a filter made beforehand: no process can have it (PID_MAX_LIMIT, 2**22)."""


MARK: Final = 0x7FFFFFFE
"""Stands for the secret by which a filter knows its own trials; every child has another."""


class CallVerdict(Enum):
    """What becomes of a call."""

    FREE = auto()  # goes on, not worth telling
    TOLD = auto()  # goes on, and is told
    ASKED = auto()  # about another process: goes on when that is one of the child's own
    REFUSED = auto()  # fails, and is told
    COUNTED = auto()  # takes memory that is seen in no process: goes on where somebody counts it
    TRIAL = auto()  # fails, silently: how the sandbox tries itself
    ABSENT = auto()  # fails as a call that this kernel does not have; callers have another way


class Clause(NamedTuple):
    """A verdict on one call when all tests match; the first clause that matches decides."""

    call: str
    verdict: CallVerdict
    tests: tuple[ArgumentTest, ...] = ()


_FREE: Final = """
    read write close stat fstat lstat poll lseek munmap brk rt_sigprocmask rt_sigreturn pread64 pwrite64 readv
    writev access pipe select sched_yield mremap msync mincore madvise dup dup2 pause nanosleep getitimer alarm
    setitimer getpid sendfile sendto recvfrom sendmsg recvmsg shutdown getsockname getpeername setsockopt getsockopt
    exit wait4 uname fsync fdatasync ftruncate getdents getdents64 getcwd readlink readlinkat gettimeofday getrlimit
    getrusage sysinfo times getuid getgid geteuid getegid setpgid getppid getpgrp setreuid setregid getgroups
    setgroups setuid setgid setresuid getresuid setresgid getresgid getpgid setfsuid setfsgid getsid capget capset
    rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack statfs fstatfs getpriority sched_getparam
    sched_getscheduler sched_get_priority_max sched_get_priority_min sched_rr_get_interval sched_getaffinity
    sched_getattr mlock munlock mlockall munlockall mlock2 arch_prctl setrlimit gettid readahead getxattr lgetxattr
    fgetxattr listxattr llistxattr flistxattr time futex futex_waitv futex_wake futex_wait futex_requeue
    set_thread_area get_thread_area epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2
    set_tid_address restart_syscall fadvise64 timer_create timer_settime timer_gettime timer_getoverrun timer_delete
    clock_gettime clock_getres clock_nanosleep mbind set_mempolicy get_mempolicy waitid ioprio_get newfstatat
    faccessat faccessat2 pselect6 ppoll set_robust_list get_robust_list splice tee sync_file_range vmsplice signalfd
    signalfd4 timerfd_create timerfd_settime timerfd_gettime eventfd eventfd2 fallocate dup3 pipe2 preadv pwritev
    preadv2 pwritev2 recvmmsg sendmmsg getcpu getrandom membarrier copy_file_range pkey_alloc pkey_free statx rseq
    close_range landlock_create_ruleset landlock_add_rule landlock_restrict_self cachestat map_shadow_stack mseal
    remap_file_pages
""".split()  # noqa: SIM905 - a list of two hundred quoted names would not be read

_TOLD: Final = """
    open openat openat2 creat truncate unlink unlinkat rename renameat renameat2 mkdir mkdirat rmdir link linkat symlink
    symlinkat mknod mknodat connect bind listen accept accept4 fork vfork execve execveat chdir fchdir umask setsid
    exit_group rt_sigaction
""".split()  # noqa: SIM905

_ORDINARY: Final = """
    inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_init fanotify_mark flock fcntl
    io_uring_setup io_uring_enter io_uring_register io_setup io_submit io_getevents io_cancel io_destroy
    perf_event_open userfaultfd shmget shmat shmctl shmdt semget semop semctl semtimedop msgget msgsnd msgrcv msgctl
    mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr prctl seccomp ioctl
    chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes utimensat futimesat
    setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr setxattrat removexattrat file_setattr
    sched_setaffinity sched_setparam sched_setscheduler sched_setattr setpriority ioprio_set
    migrate_pages move_pages set_mempolicy_home_node process_mrelease pidfd_open sync syncfs vhangup
""".split()  # noqa: SIM905 - as above
"""Refused, and no sign of malice: they take locks, ask to be told of changes, or set what is theirs to set."""

_TERMINALS: Final = (0x540E, 0x5412, 0x541C, 0x541D)
"""ioctl(2) on a terminal that takes it over or types into it: TIOCSCTTY, TIOCSTI, TIOCLINUX, TIOCCONS."""

_LARGE: Final = 0xF8000000
"""Of a size, the bits of which one is set from 128 MiB on: so many bytes of memory at once are many."""

_SHARED_ANONYMOUS: Final = 0x21
"""The bits of mmap(2) that MAP_SHARED, MAP_SHARED_VALIDATE and MAP_ANONYMOUS have together."""

_PROT_WRITE_EXEC: Final = 0x6
_NEW_PARENT_OR_SPACE: Final = 0x7E020000 | 0x8000 | 0x00802000
"""CLONE_NEW*; CLONE_PARENT, CLONE_UNTRACED and CLONE_PTRACE, which take a process out of its family's sight."""

_UNIX, _INET, _INET6 = 1, 2, 10
_STREAM, _DATAGRAM, _SEQUENCED = 1, 2, 5
_KIND: Final = 0xF  # the rest of a socket's type are flags
_PROTOCOLS: Final = {_STREAM: (0, 6), _DATAGRAM: (0, 17)}

_CONTROLS: Final = {
    "ioctl": (
        1,
        # terminals: asked about, not written to; of a file its block size, flags and attributes, asked for, not set
        (0x5401, 0x5405, 0x540F, 0x5411, 0x5413, 0x541B, 0x5421, 0x5429, 0x5450, 0x5451, 0x80045430, 0x802C542A,
         0x2, 0x80086601, 0x801C581F),
    ),
    "fcntl": (
        1,  # neither locks, leases and notices, which others feel, nor a signal to the process named
        (0, 1, 2, 3, 4, 5, 9, 11, 16, 36, 1025, 1027, 1030, 1031, 1032, 1033, 1034, 1035, 1037),
    ),
    "prctl": (
        0,
        # neither when it is ended (1), nor whether it can be seen (4), who may trace it, or a filter of its own (22)
        (2, 3, 7, 11, 15, 16, 19, 21, 23, 25, 26, 27, 29, 30, 34, 36, 37, 38, 39, 40, 41, 42, 47, 50, 51, 52, 53, 54,
         55, 56, 63, 64, 65, 66, 68, 69, 70, 71, 72, 73, 74, 0x53564D41, 0x41555856),
    ),
    "personality": (0, (0, 0xFFFFFFFF)),
}  # fmt: skip
"""Calls of many uses: the argument that says which, and the uses that are no business of anybody else's."""

_ON_SOMEBODY: Final = {
    "kill": 0, "tkill": 0, "tgkill": 0, "rt_sigqueueinfo": 0, "rt_tgsigqueueinfo": 0, "prlimit64": 0,
    "sched_setparam": 0, "sched_setscheduler": 0, "sched_setaffinity": 0, "sched_setattr": 0,
}  # fmt: skip
"""Calls about one process, and the argument that names it; 0 and the caller's own id are the caller, or its group."""

_ON_A_KIND: Final = {"setpriority": 0, "ioprio_set": 1}
"""Calls whose first argument says what the second names; and the number that means a process."""


def clauses(process_id: int, *, isolated: bool) -> Iterator[Clause]:
    """The table for a child that knows itself by ``process_id``.

    ``isolated``: it stands in namespaces of its own, where no processes and no network are but its own.
    """
    yield Clause("unshare", CallVerdict.TRIAL, (_is(0, 0),))
    yield from (Clause(call, CallVerdict.FREE) for call in _FREE)
    yield Clause("memfd_create", CallVerdict.COUNTED)
    yield Clause("mmap", CallVerdict.COUNTED, (_is(3, _SHARED_ANONYMOUS, mask=_SHARED_ANONYMOUS),))
    yield Clause("rt_sigaction", CallVerdict.FREE, (_is(1, 0), ArgumentTest(1, 0, high=True)))  # only asks
    for call in ("mmap", "mprotect", "pkey_mprotect"):
        yield Clause(call, CallVerdict.TOLD, (_is(2, _PROT_WRITE_EXEC, mask=_PROT_WRITE_EXEC),))
        yield Clause(call, CallVerdict.FREE, (ArgumentTest(1, 0, high=True), _is(1, 0, mask=_LARGE)))
        yield Clause(call, CallVerdict.TOLD, (_is(2, 2, mask=2),))  # so much writable that the sandbox may refuse it
        yield Clause(call, CallVerdict.FREE)
    yield from (Clause(call, CallVerdict.TOLD) for call in _TOLD)
    yield from _sockets(isolated=isolated)
    for call, (argument, uses) in _CONTROLS.items():
        yield from (Clause(call, CallVerdict.FREE, (_is(argument, use),)) for use in uses)
    yield Clause("prctl", CallVerdict.FREE, (_is(0, 4), _is(1, 1)))  # PR_SET_DUMPABLE: who is unreadable is not watched
    yield Clause("clone", CallVerdict.TOLD, (_is(0, 0, mask=_NEW_PARENT_OR_SPACE),))
    yield Clause("clone3", CallVerdict.ABSENT)  # its flags lie in memory, where they can be changed after the look
    yield from _others(process_id)


def _is(argument: int, value: int, mask: int = 0xFFFFFFFF) -> ArgumentTest:
    return ArgumentTest(argument, value, mask)


def _sockets(*, isolated: bool) -> Iterator[Clause]:
    """Pairs that have no address; and the internet, where there is none but the child's own."""
    for kind in (_STREAM, _SEQUENCED):  # a pair of datagrams can be connected to any path
        yield Clause("socketpair", CallVerdict.FREE, (_is(0, _UNIX), _is(1, kind, _KIND)))
    if isolated:
        for family in (_INET, _INET6):
            for kind, protocols in _PROTOCOLS.items():
                for protocol in protocols:
                    yield Clause("socket", CallVerdict.TOLD, (_is(0, family), _is(1, kind, _KIND), _is(2, protocol)))


def _others(process_id: int) -> Iterator[Clause]:
    for target in (0, process_id):  # to its own group, or to itself: goes on, and is told
        yield Clause("kill", CallVerdict.TOLD, (_is(0, target),))
    for call, argument in _ON_SOMEBODY.items():
        yield Clause(call, CallVerdict.FREE, (_is(argument, process_id),))
        yield Clause(call, CallVerdict.FREE, (_is(argument, 0),))
        yield Clause(call, CallVerdict.ASKED)
    for call, process in _ON_A_KIND.items():
        yield Clause(call, CallVerdict.FREE, (_is(0, process), _is(1, process_id)))
        yield Clause(call, CallVerdict.FREE, (_is(0, process), _is(1, 0)))
        yield Clause(call, CallVerdict.ASKED, (_is(0, process),))


def names_process_at(call: str) -> int:
    """Which argument of a call about another process names it."""
    return _ON_SOMEBODY.get(call, 1)


def is_ordinary(call: str, arguments: tuple[int, ...]) -> bool:
    """Whether a refused call is one that right libraries make as well.

    >>> is_ordinary("inotify_init1", (0, 0, 0)), is_ordinary("ioctl", (0, 0x5412, 0)), is_ordinary("ptrace", (0, 0, 0))
    (True, False, False)
    """
    return call in _ORDINARY and not (call == "ioctl" and arguments[1] & 0xFFFFFFFF in _TERMINALS)


def rules(table: Iterable[Clause], *, notify: bool, isolated: bool) -> list[SeccompRule]:
    """The table as a filter; with ``notify`` whatever is told, asked or refused waits to be seen first."""
    action = {
        CallVerdict.FREE: ALLOW,
        CallVerdict.TOLD: NOTIFY if notify else ALLOW,
        CallVerdict.ASKED: NOTIFY if notify else ALLOW if isolated else DENY,
        CallVerdict.REFUSED: NOTIFY if notify else DENY,
        CallVerdict.COUNTED: NOTIFY if notify else deny(errno.ENOMEM),
        CallVerdict.TRIAL: DENY,
        CallVerdict.ABSENT: deny(errno.ENOSYS),
    }
    return [SeccompRule(clause.call, action[clause.verdict], clause.tests) for clause in table]


@cache
def _by_call(*, isolated: bool) -> dict[str, list[Clause]]:
    table: dict[str, list[Clause]] = {}
    for clause in clauses(SOMEBODY, isolated=isolated):
        table.setdefault(clause.call, []).append(clause)
    return table


def verdict(call: str, arguments: tuple[int, ...], *, isolated: bool) -> CallVerdict:
    """What the table says of a call that waits to be seen; the caller's own id never does.

    >>> verdict("ptrace", (16, 1, 0, 0, 0, 0), isolated=True).name
    'REFUSED'
    >>> verdict("fchmodat3_of_tomorrow", (0, 0, 0, 0, 0, 0), isolated=True).name
    'ABSENT'
    """
    if call not in NUMBERS:
        return CallVerdict.ABSENT
    for clause in _by_call(isolated=isolated).get(call, ()):
        if all((arguments[t.argument] >> (32 if t.high else 0)) & t.mask == t.value for t in clause.tests):
            return clause.verdict
    return CallVerdict.REFUSED
