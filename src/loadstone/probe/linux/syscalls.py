"""System call numbers, and the raw call. Source: asm/unistd_64.h and asm-generic/unistd.h of the Linux 6.1 headers.

Only 64-bit processors whose register layout the rest of this package knows are listed. A number of None: that
processor has no such call.
"""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Iterable
from typing import Final

__all__ = ["AUDIT_ARCH", "LIBC", "NAMES", "NUMBERS", "PROCESSOR", "SystemCallMissing", "syscall"]

_TABLE: Final[dict[str, tuple[int, int | None]]] = {
    "accept": (43, 202),
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "alarm": (37, None),
    "bind": (49, 200),
    "bpf": (321, 280),
    "capget": (125, 90),
    "capset": (126, 91),
    "chdir": (80, 49),
    "chmod": (90, None),
    "chown": (92, None),
    "chroot": (161, 51),
    "clock_adjtime": (305, 266),
    "clock_nanosleep": (230, 115),
    "clock_settime": (227, 112),
    "clone": (56, 220),
    "clone3": (435, 435),
    "close_range": (436, 436),
    "connect": (42, 203),
    "creat": (85, None),
    "delete_module": (176, 106),
    "dup3": (292, 24),
    "epoll_pwait": (281, 22),
    "epoll_wait": (232, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "exit_group": (231, 94),
    "fanotify_init": (300, 262),
    "fchdir": (81, 50),
    "fchmodat": (268, 53),
    "fchownat": (260, 54),
    "fcntl": (72, 25),
    "finit_module": (313, 273),
    "flock": (73, 32),
    "fork": (57, None),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "futex": (202, 98),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "ioperm": (173, None),
    "iopl": (172, None),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "kill": (62, 129),
    "landlock_add_rule": (445, 445),
    "landlock_create_ruleset": (444, 444),
    "landlock_restrict_self": (446, 446),
    "lchown": (94, None),
    "link": (86, None),
    "linkat": (265, 37),
    "listen": (50, 201),
    "lookup_dcookie": (212, 18),
    "lsetxattr": (189, 6),
    "memfd_create": (319, 279),
    "migrate_pages": (256, 238),
    "mkdir": (83, None),
    "mkdirat": (258, 34),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "mmap": (9, 222),
    "modify_ldt": (154, None),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "move_pages": (279, 239),
    "mprotect": (10, 226),
    "msgrcv": (70, 188),
    "name_to_handle_at": (303, 264),
    "nanosleep": (35, 101),
    "nfsservctl": (180, 42),
    "open": (2, None),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "openat": (257, 56),
    "openat2": (437, 437),
    "pause": (34, None),
    "perf_event_open": (298, 241),
    "personality": (135, 92),
    "pidfd_getfd": (438, 438),
    "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424),
    "pivot_root": (155, 41),
    "pkey_mprotect": (329, 288),
    "poll": (7, None),
    "ppoll": (271, 73),
    "prlimit64": (302, 261),
    "process_madvise": (440, 440),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pselect6": (270, 72),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "read": (0, 63),
    "readv": (19, 65),
    "reboot": (169, 142),
    "recvfrom": (45, 207),
    "recvmsg": (47, 212),
    "rename": (82, None),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "request_key": (249, 218),
    "rmdir": (84, None),
    "rt_sigaction": (13, 134),
    "rt_sigqueueinfo": (129, 138),
    "rt_sigsuspend": (130, 133),
    "rt_sigtimedwait": (128, 137),
    "rt_tgsigqueueinfo": (297, 240),
    "seccomp": (317, 277),
    "select": (23, None),
    "semop": (65, 193),
    "sendmsg": (46, 211),
    "sendto": (44, 206),
    "setdomainname": (171, 162),
    "sethostname": (170, 161),
    "setitimer": (38, 103),
    "setns": (308, 268),
    "setpgid": (109, 154),
    "setsid": (112, 157),
    "settimeofday": (164, 170),
    "setxattr": (188, 5),
    "shmget": (29, 194),
    "socket": (41, 198),
    "socketpair": (53, 199),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "symlink": (88, None),
    "symlinkat": (266, 36),
    "syslog": (103, 116),
    "tgkill": (234, 131),
    "timer_create": (222, 107),
    "tkill": (200, 130),
    "truncate": (76, 45),
    "umask": (95, 166),
    "umount2": (166, 39),
    "unlink": (87, None),
    "unlinkat": (263, 35),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "utimensat": (280, 88),
    "vfork": (58, None),
    "vhangup": (153, 58),
    "wait4": (61, 260),
    "waitid": (247, 95),
    "write": (1, 64),
}

_COLUMNS: Final = {"x86_64": 0, "aarch64": 1}
_AUDIT_ARCHES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # linux/audit.h

PROCESSOR: Final = platform.machine()
AUDIT_ARCH: Final = _AUDIT_ARCHES.get(PROCESSOR)
"""How seccomp names this processor; None where this package does not know it."""


def _numbers() -> dict[str, int]:
    column = _COLUMNS.get(PROCESSOR)
    if column is None:
        return {}
    return {name: number for name, row in _TABLE.items() if (number := row[column]) is not None}


NUMBERS: Final = _numbers()
NAMES: Final = {number: name for name, number in NUMBERS.items()}
LIBC: Final = ctypes.CDLL(None, use_errno=True)
_SYSCALL: Final = LIBC.syscall
_SYSCALL.restype = ctypes.c_long


class SystemCallMissing(OSError):
    """This processor has no such system call, or this package does not know its number."""


def syscall(name: str, *arguments: object) -> int:
    """Make one system call; integers are passed as 64 bits, everything else as ctypes does.

    Raises OSError with the system's number and words when it fails. Thread-safe.
    """
    number = NUMBERS.get(name)
    if number is None:
        raise SystemCallMissing(38, f"no number known for {name} on {PROCESSOR}")
    result = int(_SYSCALL(ctypes.c_long(number), *_widened(arguments)))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), name)
    return result


def _widened(arguments: Iterable[object]) -> list[object]:
    return [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
