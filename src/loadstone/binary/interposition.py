"""Exports that take the place of the C library's own: loaded early enough, they are called by everyone in the process.

Allocators and sanitizers do this on purpose; a library that does it by accident (a helper called ``dup2`` or ``error``)
changes code it has never heard of. Source of the names: POSIX.1-2017 and glibc's exports; ld.so(8) on the order of
lookup. CWE-439, CWE-912.
"""

from __future__ import annotations

from typing import Final

from loadstone.core.image import Image, ImageSymbol, SymbolKind
from loadstone.core.limits import MAX_DEPENDENCIES

__all__ = ["INTERPOSABLE", "purpose_of", "shadowing"]

_BY_PURPOSE: Final = {
    "memory allocation": """malloc calloc realloc reallocarray free cfree memalign aligned_alloc posix_memalign valloc
        pvalloc malloc_usable_size mallopt mallinfo mmap mmap64 munmap mprotect mremap sbrk brk madvise""",
    "dynamic loading": """dlopen dlmopen dlsym dlvsym dlclose dlerror dladdr dladdr1 dlinfo dl_iterate_phdr
        _dl_find_object __tls_get_addr""",
    "processes": """fork vfork _exit exit _Exit abort atexit at_quick_exit quick_exit execve execv execvp execvpe
        execl execle execlp fexecve posix_spawn posix_spawnp system popen pclose wait waitpid waitid kill raise
        getpid getppid ptrace prctl clone unshare setns""",
    "privilege": """getuid geteuid getgid getegid setuid seteuid setgid setegid setreuid setregid setresuid setresgid
        initgroups getgroups setgroups secure_getenv chroot getauxval capset""",
    "environment": "getenv setenv putenv unsetenv clearenv setlocale",
    "files": """open open64 openat openat64 creat close read write pread pwrite pread64 pwrite64 readv writev lseek
        lseek64 dup dup2 dup3 pipe pipe2 fcntl ioctl stat lstat fstat fstatat stat64 access faccessat unlink unlinkat
        rename renameat link symlink readlink realpath mkdir rmdir opendir readdir closedir chmod chown fsync truncate
        ftruncate mkstemp tmpfile fopen fopen64 fclose fread fwrite fflush fseek ftell fgets fputs puts printf fprintf
        sprintf snprintf vprintf vfprintf vsprintf vsnprintf scanf sscanf perror getline select poll epoll_wait""",
    "strings": """memcpy memmove memset memcmp memchr strlen strnlen strcpy strncpy strcat strncat strcmp strncmp
        strcasecmp strchr strrchr strstr strtok strtok_r strdup strndup strtol strtoul strtoll strtoull strtod atoi
        atol qsort bsearch strerror strerror_r""",
    "threads": """pthread_create pthread_join pthread_detach pthread_exit pthread_cancel pthread_self pthread_once
        pthread_mutex_init pthread_mutex_lock pthread_mutex_trylock pthread_mutex_unlock pthread_mutex_destroy
        pthread_cond_wait pthread_cond_timedwait pthread_cond_signal pthread_cond_broadcast pthread_rwlock_rdlock
        pthread_rwlock_wrlock pthread_rwlock_unlock pthread_key_create pthread_getspecific pthread_setspecific
        sem_init sem_wait sem_post pthread_atfork""",
    "signals": "signal sigaction sigprocmask pthread_sigmask sigaltstack setjmp longjmp siglongjmp alarm setitimer",
    "network": """socket connect accept accept4 bind listen send sendto sendmsg recv recvfrom recvmsg shutdown
        getaddrinfo getnameinfo gethostbyname setsockopt getsockopt""",
    "time and chance": """time gettimeofday clock_gettime nanosleep usleep sleep rand srand random srandom drand48
        getrandom getentropy arc4random""",
    "diagnostics": "error warn err warnx errx syslog openlog __stack_chk_fail __assert_fail __errno_location",
}

INTERPOSABLE: Final = {name: purpose for purpose, names in _BY_PURPOSE.items() for name in names.split()}
"""A name of the C library, and what it is for."""

_C_LIBRARIES: Final = (
    "libc.so", "libc.musl", "ld-", "libpthread.so", "libdl.so", "librt.so", "libm.so", "libresolv.so",
    "libSystem", "libsystem_", "libBrokenLocale.so", "libc_malloc_debug.so", "linux-vdso",
)  # fmt: skip


def purpose_of(name: str) -> str | None:
    """What the C library's function of that name is for; None when it is not one that matters here.

    >>> purpose_of("malloc")
    'memory allocation'
    """
    return INTERPOSABLE.get(name)


def shadowing(image: Image) -> tuple[ImageSymbol, ...]:
    """The exported functions that stand in for the C library's; none for the C library itself, or for a program."""
    if image.identity is None or image.identity.startswith(_C_LIBRARIES):
        return ()
    positions = (p for name in image.symbols.names if name in INTERPOSABLE for p in image.symbols.positions(name))
    found = {p: image.symbols[p] for p in positions}
    exported = (s for _, s in sorted(found.items()) if s.exported and s.kind in _FUNCTIONS)
    return tuple(exported)[:MAX_DEPENDENCIES]


_FUNCTIONS: Final = frozenset({SymbolKind.FUNCTION, SymbolKind.IFUNC})
