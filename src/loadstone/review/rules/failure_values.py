"""Results of system functions that tell failure by a value of their own, and tests that can never see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from operator import eq, ge, gt, le, lt, ne
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement, stores_in
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.lookups import word

__all__ = ["BlindTest", "FailureValue", "blind_tests", "failure_of", "sees"]


@dataclass(frozen=True, slots=True)
class FailureValue:
    """How a function fails: the value, in words, the test that sees it, and results of both kinds.

    ``fails`` and ``works`` are examples of results; a null pointer is 0, INVALID_HANDLE_VALUE and MAP_FAILED are -1.
    """

    told: str
    asks: str
    fails: int
    works: int


_POINTER: Final = FailureValue("(void *)-1", "result == (void *)-1", -1, 4096)
_MAPPED: Final = FailureValue("MAP_FAILED", "result == MAP_FAILED", -1, 4096)
_NEGATIVE: Final = FailureValue("-1", "result < 0", -1, 3)
_STATUS: Final = FailureValue("-1", "result != 0", -1, 0)
_HANDLE: Final = FailureValue("INVALID_HANDLE_VALUE", "result == INVALID_HANDLE_VALUE", -1, 4096)
_NO_HANDLE: Final = FailureValue("a null handle", "result == NULL", 0, 4096)
_ERROR: Final = FailureValue("an error number, which is positive", "result != 0", 5, 0)
_NOT_ZERO: Final = FailureValue("a value other than zero", "result != 0", 1, 0)
_TRUTH: Final = FailureValue("zero", "result == 0", 0, 1)
_COUNT: Final = FailureValue("a count that is too small and never negative", "result != count", 0, 4096)
_SHELL: Final = FailureValue("a number up to 32", "(INT_PTR)result <= 32", 31, 33)
_ATTRIBUTES: Final = FailureValue("INVALID_FILE_ATTRIBUTES", "result == INVALID_FILE_ATTRIBUTES", -1, 32)

_FAILURES: Final = {
    name: failure
    for failure, names in (
        (_MAPPED, "mmap mmap64 mremap"),
        (_POINTER, "shmat sbrk"),
        (
            _HANDLE,
            (
                "CreateFile CreateFileA CreateFileW CreateFile2 CreateFileTransactedW FindFirstFile "
                "FindFirstFileA FindFirstFileW FindFirstFileExA FindFirstFileExW FindFirstStreamW "
                "FindFirstVolumeA FindFirstVolumeW CreateToolhelp32Snapshot FindFirstChangeNotificationA "
                "FindFirstChangeNotificationW CreateMailslotA CreateMailslotW CreateNamedPipeA CreateNamedPipeW "
                "SetupDiGetClassDevsA SetupDiGetClassDevsW"
            ),
        ),
        (
            _NO_HANDLE,
            (
                "OpenProcess OpenThread CreateThread CreateRemoteThread CreateEventA CreateEventW OpenEventW "
                "CreateMutexA CreateMutexW OpenMutexW CreateSemaphoreW CreateJobObjectW CreateFileMappingA "
                "CreateFileMappingW OpenFileMappingA OpenFileMappingW CreateWaitableTimerW CreateIoCompletionPort "
                "OpenSCManagerW OpenServiceW MapViewOfFile LoadLibraryA LoadLibraryW LoadLibraryExA "
                "LoadLibraryExW GetModuleHandleA GetModuleHandleW VirtualAlloc VirtualAllocEx FindResourceW "
                "LoadResource"
            ),
        ),
        (
            _STATUS,
            (
                "mount umount umount2 pivot_root chroot setns unshare sethostname prctl chdir fchdir chmod fchmod "
                "chown fchown lchown rename unlink rmdir mkdir link symlink truncate ftruncate munmap mprotect "
                "msync madvise fsync setuid setgid seteuid setegid setreuid setregid setresuid setresgid "
                "setgroups initgroups bind listen connect setsockopt stat lstat fstat sigaction kill pipe pipe2 "
                "setrlimit setenv unsetenv dlinfo socketpair sem_init sem_wait sem_post mlock getrlimit "
                "clock_gettime fseek fflush fclose remove"
            ),
        ),
        (FailureValue("(iconv_t)-1", "result == (iconv_t)-1", -1, 4096), "iconv_open"),
        (FailureValue("SIG_ERR", "result == SIG_ERR", -1, 4096), "signal sigset bsd_signal"),
        (
            _NEGATIVE,
            (
                "open open64 openat creat shm_open memfd_create socket accept accept4 epoll_create epoll_create1 "
                "eventfd inotify_init inotify_init1 timerfd_create signalfd mq_open dup dup2 dup3 mkstemp "
                "mkostemp readlink readlinkat asprintf vasprintf inotify_add_watch"
            ),
        ),
        (
            _ERROR,
            (
                "pthread_create pthread_join pthread_detach pthread_mutex_init pthread_mutex_lock "
                "pthread_mutex_unlock pthread_mutex_destroy pthread_cond_init pthread_cond_wait "
                "pthread_cond_timedwait pthread_cond_signal pthread_cond_broadcast pthread_key_create "
                "pthread_setspecific pthread_once pthread_rwlock_init pthread_rwlock_rdlock pthread_rwlock_wrlock "
                "pthread_attr_init pthread_sigmask pthread_atfork pthread_kill pthread_cancel pthread_setname_np "
                "posix_spawn posix_spawnp posix_memalign posix_fallocate posix_fadvise RegOpenKeyA RegOpenKeyW "
                "RegOpenKeyExA RegOpenKeyExW RegQueryValueExA RegQueryValueExW RegGetValueA RegGetValueW "
                "RegSetValueExA RegSetValueExW RegCreateKeyExA RegCreateKeyExW RegEnumKeyExA RegEnumKeyExW"
            ),
        ),
        (_NOT_ZERO, "dlclose atexit setvbuf"),
        (
            _TRUTH,
            (
                "dladdr dladdr1 FreeLibrary CloseHandle ReadFile WriteFile CreateProcessA CreateProcessW "
                "GetFileSizeEx VirtualProtect VirtualFree UnmapViewOfFile DuplicateHandle SetDllDirectoryA "
                "SetDllDirectoryW GetModuleHandleExA GetModuleHandleExW SetDefaultDllDirectories GetVersionExW"
            ),
        ),
        (_COUNT, "fread fwrite fread_unlocked fwrite_unlocked"),
        (_SHELL, "ShellExecuteA ShellExecuteW FindExecutableA FindExecutableW"),
        (_ATTRIBUTES, "GetFileAttributesA GetFileAttributesW"),
    )
    for name in names.split()
}
"""How each function fails. Source: the manual pages of POSIX and of Linux, RETURN VALUE; Microsoft, Win32 API."""


def failure_of(symbol: str) -> FailureValue | None:
    """How a function of the system fails; None for any other function."""
    return _FAILURES.get(symbol)


_COMPARES: Final[dict[str, Callable[[int, int], bool]]] = {
    "==": eq,
    "!=": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}
_SIGNS: Final = frozenset({"FAILED", "SUCCEEDED"})
"""Macros that ask whether a number is negative."""


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
    failures = _FAILURES | _handed_on(facts, unit)
    for function in unit.functions:
        for name, call in _given(function, failures):
            if call.name in _own_names(function) or (call.name in _FAILURES and facts.is_defined(call.name)):
                continue
            if call.name == "dup" and _frees_a_number(function, call):
                continue
            failure = failures[call.name]
            judged = [(line, sees(failure, asked)) for line, asked in _tests(function, name, call)]
            blind = [line for line, sees in judged if not sees]
            if blind and len(blind) == len(judged):
                yield BlindTest(function, call.name, failure.told, failure.asks, call.line, min(blind))


def _frees_a_number(function: ir.Function, call: ir.Call) -> bool:
    """``close(0); if (dup(fd) != 0) fail();``: the number that was freed is what is asked for (dup(2))."""
    closed = (c for c in calls_in(function.body) if c.name == "close" and c.arguments and c.line < call.line)
    return any(isinstance(uncast(c.arguments[0]), ir.Literal) for c in closed)


def _handed_on(facts: Facts, unit: ir.Unit) -> dict[str, FailureValue]:
    """The functions of a file that return what a function of the system gave, as it is."""
    found: dict[str, FailureValue] = {}
    for function in unit.functions:
        if function.name in _FAILURES:
            continue
        returned = [uncast(s.value) for s in every_statement(function.body) if isinstance(s, ir.Return)]
        given = {_given_by(function, value) for value in returned}
        name = min(given) if len(given) == 1 else ""
        if name in _FAILURES and not facts.is_defined(name) and name not in _own_names(function):
            found[function.name] = _FAILURES[name]
    return found


def _given_by(function: ir.Function, value: ir.Expression) -> str:
    """The function whose result a value is: called there, or stored once in the variable that it is."""
    if isinstance(value, ir.Name):
        stored = [s for s in stores_in(function.body) if word(s.target) == value.name and s.value is not None]
        value = uncast(stored[0].value) if len(stored) == 1 and not stored[0].operator else value
    return value.name if isinstance(value, ir.Call) else ""


def _own_names(function: ir.Function) -> set[str]:
    """What a function declares: ``open = dlsym(library, "open")`` is no longer the system's."""
    declared = (s.target for s in every_statement(function.body) if isinstance(s, ir.Assign) and s.declares)
    return {t.name for t in declared if isinstance(t, ir.Name)} | {p.name for p in function.parameters}


def _given(function: ir.Function, failures: Mapping[str, FailureValue]) -> Iterator[tuple[str, ir.Call]]:
    """The calls of such functions, with the variable or member that holds the result; empty where none does."""
    kept = set()
    pairs = [(s.target, s.value) for s in every_statement(function.body) if isinstance(s, ir.Assign)]
    pairs += [(e.target, e.value) for e in every_expression(function.body) if isinstance(e, ir.AssignmentExpression)]
    for target, value in pairs:
        call = uncast(value)
        if isinstance(call, ir.Call) and call.name in failures:
            kept.add(call)
            if word(target):
                yield word(target), call
    for part in every_expression(function.body):
        if isinstance(part, ir.Call) and part.name in failures and part not in kept:
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
        if isinstance(part, ir.Call) and part.name in _SIGNS and part.arguments and is_it(part.arguments[0]):
            yield part.line, ("<", ir.Literal(part.line, 0))
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
    operator, other = asked if asked is not None else ("!=", ir.Literal(0, 0))
    value = other.value if isinstance(other, ir.Literal) else -1 if _is_invalid(other) else ...
    if value not in {None, 0, -1}:
        return True
    compare, number = _COMPARES[operator], int(value or 0)
    return bool(compare(failure.fails, number) != compare(failure.works, number))


def _is_invalid(other: ir.Expression) -> bool:
    """``INVALID_HANDLE_VALUE``, by any name that says so: Python programs define their own."""
    return "INVALID" in word(other).upper()
