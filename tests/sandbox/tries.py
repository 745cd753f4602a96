"""Tries to get out of the sandbox, as rows: each is C that gets out or does not, and the layers that must stop it.

A try got out when it succeeded, or failed for a reason that only what lies outside the sandbox can give.
"""

from __future__ import annotations

from dataclasses import dataclass

from loadstone.probe.linux.syscalls import NUMBERS

__all__ = ["LAYER_BITS", "TRIES", "Try", "source"]

LAYER_BITS = {"landlock": 1, "seccomp": 2, "namespaces": 4, "mounts": 8, "limits": 16}


@dataclass(frozen=True, slots=True)
class Try:
    """A name, an expression of C that is negative when it failed, and the layers of which any one must stop it."""

    name: str
    code: str
    layers: tuple[str, ...]


CALLS = """
    ptrace process_vm_readv process_vm_writev process_madvise process_mrelease pidfd_open pidfd_getfd pidfd_send_signal
    kcmp bpf seccomp perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register setns unshare mount
    umount2 pivot_root chroot move_mount open_tree open_tree_attr fsopen fsconfig fsmount fspick mount_setattr statmount
    listmount name_to_handle_at open_by_handle_at keyctl add_key request_key mq_open mq_unlink mq_timedsend mq_notify
    shmget shmat shmctl semget semop semctl msgget msgsnd msgrcv msgctl inotify_init inotify_init1 inotify_add_watch
    fanotify_init fanotify_mark chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes futimesat
    utimensat setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr removexattrat file_setattr
    flock quotactl quotactl_fd sync syncfs acct syslog settimeofday clock_settime adjtimex clock_adjtime sethostname
    setdomainname init_module finit_module delete_module kexec_load kexec_file_load iopl ioperm modify_ldt memfd_secret
    io_setup lookup_dcookie swapon migrate_pages move_pages
""".split()  # noqa: SIM905 - a list of a hundred quoted names would not be read

SOCKETS = {
    "unix stream": (1, 1, 0), "unix datagram": (1, 2, 0), "unix sequenced": (1, 5, 0), "netlink": (16, 3, 0),
    "vsock": (40, 1, 0), "alg": (38, 5, 0), "packet": (17, 3, 0), "xdp": (44, 3, 0), "bluetooth": (31, 3, 0),
    "can": (29, 3, 1), "tipc": (30, 5, 0), "kcm": (41, 5, 0), "rds": (21, 5, 0), "key": (15, 3, 2), "smc": (43, 1, 0),
    "sctp": (2, 1, 132), "mptcp": (2, 1, 262), "mptcp 6": (10, 1, 262), "raw": (2, 3, 1), "raw 6": (10, 3, 58),
    "udplite": (2, 2, 136), "sctp one to many": (2, 5, 132),
}  # fmt: skip

BY_HAND = {
    "writes a file": ('open(FOLDER "/new", O_CREAT | O_WRONLY, 0600)', ("landlock", "mounts")),
    "appends": ('open(FOLDER "/victim", O_WRONLY | O_APPEND)', ("landlock", "mounts")),
    "truncates": ('truncate(FOLDER "/victim", 0)', ("landlock", "mounts")),
    "removes": ('unlink(FOLDER "/victim")', ("landlock", "mounts")),
    "renames": ('rename(FOLDER "/victim", FOLDER "/gone")', ("landlock", "mounts")),
    "makes a folder": ('mkdir(FOLDER "/folder", 0700)', ("landlock", "mounts")),
    "makes a link": ('symlink("/etc", FOLDER "/link")', ("landlock", "mounts")),
    "makes a FIFO": ('mkfifo(FOLDER "/fifo", 0600)', ("landlock", "mounts")),
    "reads a secret": ('open(FOLDER "/secret", O_RDONLY)', ("landlock", "mounts")),
    "lists a folder": ("open(FOLDER, O_RDONLY | O_DIRECTORY)", ("landlock", "mounts")),
    "reads through /proc": ('open("/proc/self/root" FOLDER "/secret", O_RDONLY)', ("landlock", "mounts")),
    "reads another's arguments": ('open("/proc/" VICTIM "/cmdline", O_RDONLY)', ("landlock", "mounts")),
    "reads another's memory": ('open("/proc/" VICTIM "/mem", O_RDWR)', ("landlock", "mounts")),
    "reads the terminal": ('open("/dev/tty", O_RDONLY)', ("landlock", "mounts")),
    "reads a mode change": ('syscall(SYS_fchmodat, AT_FDCWD, FOLDER "/victim", 0777, 0)', ("seccomp",)),
    "sets times": ('utimensat(AT_FDCWD, FOLDER "/victim", 0, 0)', ("seccomp",)),
    "sets an attribute": ('setxattr(FOLDER "/victim", "user.x", "y", 1, 0)', ("seccomp",)),
    "locks by fcntl": ("fcntl(0, F_SETLK, &(struct flock){.l_type = F_RDLCK})", ("seccomp",)),
    "takes a lease": ("fcntl(0, F_SETLEASE, F_RDLCK)", ("seccomp",)),
    "sets flags of a file": ("ioctl(0, 0x40086602, &(int){0})", ("seccomp",)),
    "types on a terminal": ('ioctl(0, 0x5412, "x")', ("seccomp",)),
    "connects by path": ("by_path(SOCK_STREAM)", ("seccomp",)),
    "connects a pair by path": ("pair_by_path()", ("seccomp",)),
    "connects by TCP": ("by_tcp(0)", ("landlock", "namespaces", "seccomp")),
    "opens fast by TCP": ("by_tcp(MSG_FASTOPEN)", ("namespaces", "seccomp")),
    "sends a datagram": ("by_udp()", ("namespaces", "seccomp")),
    "signals another": ("kill(atoi(VICTIM), SIGTERM)", ("landlock", "namespaces", "seccomp")),
    "limits another": ("prlimit(atoi(VICTIM), RLIMIT_NOFILE, &(struct rlimit){3, 3}, 0)", ("namespaces", "seccomp")),
    "slows another": ("setpriority(PRIO_PROCESS, atoi(VICTIM), 19)", ("namespaces", "seccomp")),
    "slows the user": ("setpriority(PRIO_USER, 0, 19)", ("seccomp",)),
    "binds another": ("sched_setaffinity(atoi(VICTIM), 8, (void *)&(long){1})", ("namespaces", "seccomp")),
    "schedules another": (
        "sched_setscheduler(atoi(VICTIM), SCHED_BATCH, &(struct sched_param){0})", ("namespaces", "seccomp"),
    ),
    "clones a user namespace": ("syscall(SYS_clone, 0x10000000 | SIGCHLD, 0, 0, 0, 0)", ("seccomp",)),
    "clones into its parent's family": ("syscall(SYS_clone, 0x8000 | SIGCHLD, 0, 0, 0, 0)", ("seccomp",)),
    "clones by memory": ("syscall(SYS_clone3, &(long[11]){0x10000000, 0, 0, 0, SIGCHLD}, 88)", ("seccomp",)),
    "hides": ("prctl(PR_SET_DUMPABLE, 0)", ("seccomp",)),
    "outlives its helper": ("prctl(PR_SET_PDEATHSIG, 0)", ("seccomp",)),
    "filters itself": ("prctl(PR_SET_SECCOMP, 2, 0)", ("seccomp",)),
    "lets all memory run": ("personality(0x0400000)", ("seccomp",)),
    "calls as a 32-bit program": ("(errno = 0, syscall(0x40000000 + 39))", ("seccomp",)),
    "makes a file without a name": ("open(FOLDER, O_TMPFILE | O_RDWR, 0600)", ("landlock", "mounts")),
    "makes a device": ('mknod(FOLDER "/device", S_IFCHR | 0600, makedev(1, 3))', ("landlock", "mounts")),
    "makes a device in its scratch": ('mknod("device", S_IFBLK | 0600, makedev(8, 0))', ("landlock", "mounts")),
    "links a file in": ('link(FOLDER "/secret", "secret")', ("landlock", "mounts")),
    "moves a file in": ('rename(FOLDER "/victim", "victim")', ("landlock", "mounts")),
    "moves a file out": ('(close(creat("mine", 0600)), rename("mine", FOLDER "/mine"))', ("landlock", "mounts")),
    "links by descriptor": (
        'linkat(open("mine", O_CREAT | O_RDWR, 0600), "", AT_FDCWD, FOLDER "/mine", AT_EMPTY_PATH)',
        ("landlock", "mounts"),
    ),
    "opens by what it resolves": (
        'syscall(SYS_openat2, AT_FDCWD, FOLDER "/victim", &(long long[3]){O_RDWR, 0, 0}, 24)', ("landlock", "mounts"),
    ),
    "exchanges two files": (
        '(close(creat("mine", 0600)), renameat2(AT_FDCWD, "mine", AT_FDCWD, FOLDER "/victim", 2))',
        ("landlock", "mounts"),
    ),
    "writes to its library": ("to_itself()", ("landlock",)),
    "climbs out of its folder": ('open("../../../../../../.." FOLDER "/secret", O_RDONLY)', ("landlock", "mounts")),
    "climbs by another's root": ('open("/proc/1/root" FOLDER "/secret", O_RDONLY)', ("landlock", "mounts")),
    "climbs by its parent's folder": ('open("/proc/1/cwd", O_RDONLY | O_DIRECTORY)', ("landlock",)),
    "asks for a file's size": ('stat(FOLDER "/victim", &(struct stat){0})', ("mounts",)),
    "asks whether there is a file": ('access(FOLDER "/secret", F_OK)', ("mounts",)),
    "asks what another runs": ('readlink("/proc/" VICTIM "/exe", (char[99]){0}, 99)', ("mounts", "landlock")),
    "asks whether another runs": ('access("/proc/" VICTIM "/stat", F_OK)', ("mounts",)),
    "lists what runs here": ('lists("/run")', ("mounts", "landlock")),
    "spares itself": ('open("/proc/self/oom_score_adj", O_WRONLY)', ("landlock", "mounts")),
    "writes its own memory": ('open("/proc/self/mem", O_RDWR)', ("landlock", "mounts")),
    "sets the system": ('open("/proc/sys/kernel/hostname", O_WRONLY)', ("landlock", "mounts")),
    "is told of signals": ("fcntl(0, F_SETOWN, atoi(VICTIM))", ("seccomp",)),
    "is told of signals by another way": ("ioctl(0, 0x8901, &(int){1})", ("seccomp",)),
    "is told of a folder": ("fcntl(0, F_NOTIFY, 2)", ("seccomp",)),
    "signals by handle": ("syscall(SYS_pidfd_send_signal, 0, SIGTERM, 0, 0)", ("seccomp",)),
    "signals a thread": ("syscall(SYS_tkill, atoi(VICTIM), SIGTERM)", ("landlock", "namespaces", "seccomp")),
    "queues a signal": (
        "syscall(SYS_rt_sigqueueinfo, atoi(VICTIM), SIGTERM, &(siginfo_t){.si_code = SI_QUEUE})",
        ("landlock", "namespaces", "seccomp"),
    ),
    "lets another trace it": ("prctl(PR_SET_PTRACER, -1)", ("seccomp",)),
    "changes its memory map": ("prctl(PR_SET_MM, PR_SET_MM_BRK, 0, 0, 0)", ("seccomp",)),
    "takes the processor for itself": ("sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){1})", ("limits",)),
    "opens what it likes": ("setrlimit(RLIMIT_NOFILE, &(struct rlimit){1 << 15, 1 << 15})", ("limits",)),
    "reads what the kernel says": ('open("/dev/kmsg", O_RDONLY)', ("landlock", "mounts")),
    "reads the kernel's memory": ('open("/proc/kcore", O_RDONLY)', ("landlock",)),
    "makes a virtual machine": ('open("/dev/kvm", O_RDWR)', ("landlock", "mounts")),
    "makes a file system": ('open("/dev/fuse", O_RDWR)', ("landlock", "mounts")),
    "makes an interface": ('open("/dev/net/tun", O_RDWR)', ("landlock", "mounts")),
    "makes a terminal": ('open("/dev/ptmx", O_RDWR)', ("landlock", "mounts")),
    "restarts the machine": ('open("/proc/sysrq-trigger", O_WRONLY)', ("landlock", "mounts")),
    "is run for what crashes": ('open("/proc/sys/kernel/core_pattern", O_WRONLY)', ("landlock", "mounts")),
    "leaves its control group": ('open("/sys/fs/cgroup/cgroup.procs", O_WRONLY)', ("landlock", "mounts")),
    "reads the first process": ('open("/proc/1/environ", O_RDONLY)', ("landlock", "mounts")),
    "is told of signals by a third way": ("fcntl(0, 15, &(int[2]){1, atoi(VICTIM)})", ("seccomp",)),
    "slows the user's disk": ("syscall(SYS_ioprio_set, 3, getuid(), 3 << 13)", ("seccomp",)),
    "shares a core": ("prctl(62, 1, 0, 0, 0)", ("seccomp",)),
    "connects a pair anew": ("pair_anew(SOCK_STREAM)", ("seccomp",)),
    "connects a sequenced pair anew": ("pair_anew(SOCK_SEQPACKET)", ("seccomp",)),
    "passes on where nobody listens": ("passed_on()", ("seccomp",)),
    "writes where it was called from": (
        "syscall(SYS_process_vm_writev, getppid(), &(struct iovec){&errno, 4}, 1, &(struct iovec){&errno, 4}, 1, 0)",
        ("seccomp",),
    ),
}  # fmt: skip

TRIES = (
    *(Try(name, f"syscall({NUMBERS[name]}, -1L, 0, 0, 0, 0, 0)", ("seccomp",)) for name in CALLS if name in NUMBERS),
    *(Try(f"socket: {name}", "socket({}, {}, {})".format(*row), ("seccomp",)) for name, row in SOCKETS.items()),
    *(Try(name, code, layers) for name, (code, layers) in BY_HAND.items()),
)

_HEAD = r"""
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static struct sockaddr_un path_of(void) {
    struct sockaddr_un a = {AF_UNIX, FOLDER "/socket"};
    return a;
}
static struct sockaddr_in port_of(int port) {
    struct sockaddr_in a = {AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}};
    return a;
}
static long by_path(int kind) {
    struct sockaddr_un a = path_of();
    int s = socket(AF_UNIX, kind, 0);
    return s < 0 ? s : connect(s, (void *)&a, sizeof a);
}
static long pair_by_path(void) {
    struct sockaddr_un a = path_of();
    int s[2];
    strcat(a.sun_path, "-datagram");
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, s)) return -1;
    return sendto(s[0], "x", 1, 0, (void *)&a, sizeof a);
}
static long by_tcp(int flags) {
    struct sockaddr_in a = port_of(TCP_PORT);
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (s < 0) return s;
    return flags ? sendto(s, "x", 1, flags, (void *)&a, sizeof a) : connect(s, (void *)&a, sizeof a);
}
static long by_udp(void) {
    struct sockaddr_in a = port_of(UDP_PORT);
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    return s < 0 ? s : sendto(s, "x", 1, 0, (void *)&a, sizeof a);
}
static long pair_anew(int kind) {  /* a pair is connected for good: the kernel says so itself */
    struct sockaddr_un a = path_of();
    int s[2];
    if (socketpair(AF_UNIX, kind, 0, s)) return -1;
    close(s[1]);
    int done = connect(s[0], (void *)&a, sizeof a);
    if (done < 0) errno = EPERM;
    return done;
}
static long passed_on(void) {  /* a name of the machine's, taken by one of a pair: nobody can connect to it */
    struct sockaddr_un a = {AF_UNIX, "\0loadstone-tries"};
    int s[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, s)) return -1;
    int done = bind(s[0], (void *)&a, sizeof a) ? -1 : listen(s[0], 1);
    if (done < 0) errno = EPERM;
    return done;
}
static long lists(const char *folder) {
    DIR *found = opendir(folder);
    if (!found) return -1;
    for (struct dirent *one; (one = readdir(found));)
        if (one->d_name[0] != '.') return 0;
    errno = ENOENT;
    return -1;
}
static long to_itself(void) {  /* by the descriptor that it was opened by, or by its path */
    char name[64], where[4096];
    for (int i = 3; i < 1024; i++) {
        snprintf(name, sizeof name, "/proc/self/fd/%d", i);
        long size = readlink(name, where, sizeof where - 1);
        where[size > 0 ? size : 0] = 0;
        if (size > 0 && strstr(where, "tries")) return open(name, O_WRONLY | O_APPEND);
    }
    Dl_info info;
    return dladdr((void *)to_itself, &info) ? open(info.dli_fname, O_WRONLY | O_APPEND) : -1;
}
static int stopped(int error) {
    return error == EPERM || error == EACCES || error == ENOSYS || error == ENETUNREACH || error == ESRCH
        || error == ENOTCONN || error == ENXIO || error == EAFNOSUPPORT || error == EROFS || error == ENOENT
        || error == EXDEV;
}
static long attempt(int number) {
    switch (number) {
"""

_TAIL = r"""
    }
    return -1;
}
int got_past(int number) {
    int status, child = fork();
    if (!child) {
        alarm(5);
        errno = 0;
        _exit(attempt(number) >= 0 || !stopped(errno));
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}
int parse(const unsigned char *data, unsigned long size) { return size ? data[0] : 0; }
__attribute__((constructor)) static void start(void) {
    Dl_info info;  /* a file's name tells which layers stand: tries that none of them must stop are left out */
    if (!dladdr((void *)parse, &info)) return;
    const char *mark = strstr(info.dli_fname, "libtries-");
    int standing = mark ? atoi(mark + 9) : STANDING;
    for (int i = 0; i < (int)(sizeof layers / sizeof *layers); i++)
        if (standing >= 0 && (layers[i] & standing) && got_past(i)) *(volatile char *)(0x10000L * (i + 1)) = 1;
}
"""


def source() -> str:
    """All tries as one library: FOLDER, VICTIM, TCP_PORT, UDP_PORT and STANDING are given to the compiler."""
    bits = [sum(LAYER_BITS[layer] for layer in one.layers) for one in TRIES]
    head, tail = _HEAD.split("static long attempt", 1)
    table = f"static const int layers[] = {{{', '.join(map(str, bits))}}};\n"
    cases = "".join(f"    case {number}: return {one.code};\n" for number, one in enumerate(TRIES))
    return f"{head}{table}static long attempt{tail}{cases}{_TAIL}"
