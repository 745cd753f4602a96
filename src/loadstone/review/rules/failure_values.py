"""Results of system functions that tell failure by a value of their own, and tests that can never see it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import every_expression, every_statement
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.lookups import word

__all__ = ["BlindTest", "FailureValue", "blind_tests", "failure_of", "sees"]


@dataclass(frozen=True, slots=True)
class FailureValue:
    """How a function fails: the value, in words, the test that sees it, and what its results are like.

    ``is_number``: success gives zero. ``is_negative``: failure gives a number below it. ``is_null``: failure gives a
    null handle, which nothing else is mistaken for.
    """

    told: str
    asks: str
    is_number: bool = False
    is_negative: bool = False
    is_null: bool = False


_POINTER: Final = FailureValue("(void *)-1", "result == (void *)-1")
_MAPPED: Final = FailureValue("MAP_FAILED", "result == MAP_FAILED")
_NEGATIVE: Final = FailureValue("-1", "result < 0")
_STATUS: Final = FailureValue("-1", "result != 0", is_number=True, is_negative=True)
_HANDLE: Final = FailureValue("INVALID_HANDLE_VALUE", "result == INVALID_HANDLE_VALUE")
_NO_HANDLE: Final = FailureValue("a null handle", "result == NULL", is_null=True)
_ERROR: Final = FailureValue("an error number, which is positive", "result != 0", is_number=True)

_FAILURES: Final = (
    dict.fromkeys(("mmap", "mmap64", "mremap"), _MAPPED)
    | dict.fromkeys(("shmat", "sbrk"), _POINTER)
    | dict.fromkeys(
        [
            *("CreateFile", "CreateFileA", "CreateFileW", "CreateFile2", "CreateFileTransactedW"),
            *("FindFirstFile", "FindFirstFileA", "FindFirstFileW", "FindFirstFileExA", "FindFirstFileExW"),
            *("FindFirstStreamW", "FindFirstVolumeA", "FindFirstVolumeW", "CreateToolhelp32Snapshot"),
            *("FindFirstChangeNotificationA", "FindFirstChangeNotificationW", "CreateMailslotA", "CreateMailslotW"),
            *("CreateNamedPipeA", "CreateNamedPipeW", "SetupDiGetClassDevsA", "SetupDiGetClassDevsW"),
        ],
        _HANDLE,
    )
    | dict.fromkeys(
        [
            *("OpenProcess", "OpenThread", "CreateThread", "CreateRemoteThread", "CreateEventA", "CreateEventW"),
            *("OpenEventW", "CreateMutexA", "CreateMutexW", "OpenMutexW", "CreateSemaphoreW", "CreateJobObjectW"),
            *("CreateFileMappingA", "CreateFileMappingW", "OpenFileMappingA", "OpenFileMappingW"),
            *("CreateWaitableTimerW", "CreateIoCompletionPort", "OpenSCManagerW", "OpenServiceW", "MapViewOfFile"),
            *("LoadLibraryA", "LoadLibraryW", "LoadLibraryExA", "LoadLibraryExW", "GetModuleHandleA"),
            *("GetModuleHandleW", "VirtualAlloc", "VirtualAllocEx", "FindResourceW", "LoadResource"),
        ],
        _NO_HANDLE,
    )
    | dict.fromkeys(
        [
            *("mount", "umount", "umount2", "pivot_root", "chroot", "setns", "unshare", "sethostname", "prctl"),
            *("chdir", "fchdir", "chmod", "fchmod", "chown", "fchown", "lchown", "rename", "unlink", "rmdir", "mkdir"),
            *("link", "symlink", "truncate", "ftruncate", "munmap", "mprotect", "msync", "madvise", "fsync"),
            *("setuid", "setgid", "seteuid", "setegid", "setreuid", "setregid", "setresuid", "setresgid"),
            *("setgroups", "initgroups", "bind", "listen", "connect", "setsockopt", "stat", "lstat", "fstat"),
            *("sigaction", "kill", "pipe", "pipe2", "setrlimit", "setenv", "unsetenv"),
        ],
        _STATUS,
    )
    | {"iconv_open": FailureValue("(iconv_t)-1", "result == (iconv_t)-1")}
    | dict.fromkeys(("signal", "sigset", "bsd_signal"), FailureValue("SIG_ERR", "result == SIG_ERR"))
    | dict.fromkeys(
        [
            "open",
            "open64",
            "openat",
            "creat",
            "shm_open",
            "memfd_create",
            "socket",
            "accept",
            "accept4",
            "epoll_create",
            "epoll_create1",
            "eventfd",
            "inotify_init",
            "inotify_init1",
            "timerfd_create",
            "signalfd",
            "mq_open",
            "dup",
            "mkstemp",
            "mkostemp",
        ],
        _NEGATIVE,
    )
    | dict.fromkeys(
        [
            "pthread_create",
            "pthread_join",
            "pthread_detach",
            "pthread_mutex_init",
            "pthread_mutex_lock",
            "pthread_mutex_unlock",
            "pthread_cond_init",
            "pthread_cond_wait",
            "pthread_cond_timedwait",
            "pthread_key_create",
            "pthread_setspecific",
            "pthread_once",
            "pthread_rwlock_init",
            "pthread_attr_init",
            "pthread_sigmask",
            "pthread_atfork",
            "posix_spawn",
            "posix_spawnp",
            "posix_memalign",
            "posix_fallocate",
            "posix_fadvise",
        ],
        _ERROR,
    )
)
"""How each function fails. Source: the manual pages of POSIX and of Linux, RETURN VALUE; Microsoft, Win32 API."""


def failure_of(symbol: str) -> FailureValue | None:
    """How a function of the system fails; None for any other function."""
    return _FAILURES.get(symbol)


_COMPARES: Final = frozenset({"==", "!=", "<", "<=", ">", ">="})


@dataclass(frozen=True, slots=True)
class BlindTest:
    """A test that no failure can change: which function, how it fails, and the lines of the call and of the test."""

    function: ir.Function
    api: str
    told: str
    asks: str
    given: int
    tested: int


def blind_tests(facts: Facts, unit: ir.Unit) -> Iterator[BlindTest]:
    """The results in a file whose only tests ask for a value that does not mean failure."""
    for function in unit.functions:
        for name, call in _given(function):
            if facts.is_defined(call.name) or call.name in _own_names(function):
                continue
            failure = _FAILURES[call.name]
            judged = [(line, sees(failure, asked)) for line, asked in _tests(function, name, call)]
            blind = [line for line, sees in judged if not sees]
            if blind and len(blind) == len(judged):
                yield BlindTest(function, call.name, failure.told, failure.asks, call.line, min(blind))


def _own_names(function: ir.Function) -> set[str]:
    """What a function declares: ``open = dlsym(library, "open")`` is no longer the system's."""
    declared = (s.target for s in every_statement(function.body) if isinstance(s, ir.Assign) and s.declares)
    return {t.name for t in declared if isinstance(t, ir.Name)} | {p.name for p in function.parameters}


def _given(function: ir.Function) -> Iterator[tuple[str, ir.Call]]:
    """The calls of such functions, with the variable or member that holds the result; empty where none does."""
    kept = set()
    pairs = [(s.target, s.value) for s in every_statement(function.body) if isinstance(s, ir.Assign)]
    pairs += [(e.target, e.value) for e in every_expression(function.body) if isinstance(e, ir.AssignmentExpression)]
    for target, value in pairs:
        call = uncast(value)
        if isinstance(call, ir.Call) and call.name in _FAILURES:
            kept.add(call)
            if word(target):
                yield word(target), call
    for part in every_expression(function.body):
        if isinstance(part, ir.Call) and part.name in _FAILURES and part not in kept:
            yield "", part


def _tests(function: ir.Function, name: str, call: ir.Call) -> Iterator[tuple[int, tuple[str, ir.Expression] | None]]:
    """The tests of a result: the line, and what it is compared with; None where it is asked to be null or zero."""

    def is_it(part: ir.Expression) -> bool:
        bare = uncast(part)
        if isinstance(bare, ir.AssignmentExpression):
            return uncast(bare.value) is call or bool(name and word(bare.target) == name)
        return bare is call or bool(name and word(bare) == name)

    for statement in every_statement(function.body):
        if isinstance(statement, ir.If | ir.Loop) and statement.condition is not None and is_it(statement.condition):
            yield statement.condition.line, None
    for part in every_expression(function.body):
        if not isinstance(part, ir.Operation) or part.line < call.line:
            continue
        if part.operator in _COMPARES and len(part.operands) == 2:
            for one, other in (part.operands, part.operands[::-1]):
                if is_it(one):
                    yield part.line, (part.operator, uncast(other))
        elif part.operator in {"!", "&&", "||", "?:"}:
            asked = part.operands[:1] if part.operator == "?:" else part.operands
            yield from ((part.line, None) for one in asked if is_it(one))


def sees(failure: FailureValue, asked: tuple[str, ir.Expression] | None) -> bool:
    """Whether a test can come out otherwise because the call failed; what is not known may.

    Args:
        failure: How the function fails.
        asked: The operator and what the result is compared with; None where it is asked to be null or zero.
    """
    if asked is None:
        return failure.is_number or failure.is_null
    operator, other = asked
    value = other.value if isinstance(other, ir.Literal) else ...
    equality = operator in {"==", "!="}
    invalid = equality and (value == -1 or _is_invalid(other))
    if failure.is_null:
        return not invalid
    if value is None or (value == 0 and equality):
        return failure.is_number
    if failure.is_negative:
        return not (value == 0 and operator in {">", "<="})
    if failure.is_number:
        return not (value == -1 and equality) and not (value == 0 and operator in {"<", ">="})
    return True


def _is_invalid(other: ir.Expression) -> bool:
    """``INVALID_HANDLE_VALUE``, by any name that says so: Python programs define their own."""
    return "INVALID" in word(other).upper()
