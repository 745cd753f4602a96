"""Small libraries that misbehave, each in one way, and clean ones that do not. The table says what must be seen."""

# ruff: noqa: E501, Q000, Q003 - rows of a table, with C in them
from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from loadstone.core.observations import ObservationKind as Kind
from loadstone.core.observations import Phase
from loadstone.core.observations import ProbeOutcome as Outcome

HEAD = r"""
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fenv.h>
#include <locale.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#define START __attribute__((constructor)) static void start(void)
#define STOP __attribute__((destructor)) static void stop(void)
int answer(void) { return 42; }
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One library: its source, and the outcome, phase and observations it must lead to.

    ``seen`` maps a kind to a word its detail must hold; ``needs`` is the observer without which it cannot be seen
    (then the case still runs, but the observation is not asked for); ``or_outcome`` is what it comes to without it; ``or_phase`` is where a thread may
    be caught as well.
    """

    name: str
    source: str
    outcome: Outcome
    phase: Phase
    seen: dict[Kind, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    timeout: float = 20.0
    compiler: str = "gcc"
    threads: bool = False
    signal: int | None = None
    crash: str = ""
    needs: str = "notification"
    or_outcome: Outcome | None = None
    or_phase: tuple[Phase, ...] = ()
    cycles: int = 16
    calls: tuple[str, ...] = ()


SPIN = 1.0  # seconds given to what never comes back

OUTSIDE = Path(f"/tmp/loadstone-was-here-{os.getpid()}")
"""Where one of them writes, if it can."""

NASTY = (
    # -- ends the process
    Case("aborts", "START { abort(); }", Outcome.CRASH, Phase.LOAD, signal=6, crash="abort"),
    Case("null_read", "START { *(volatile int *)8; }", Outcome.CRASH, Phase.LOAD, signal=11, crash="null page"),
    Case("null_call", "START { ((void (*)(void))0)(); }", Outcome.CRASH, Phase.LOAD, signal=11, crash="null page"),
    Case("divides", "volatile int zero; START { zero = 7 / zero; }", Outcome.CRASH, Phase.LOAD, signal=8),
    Case("kills_itself", "START { kill(getpid(), SIGKILL); }", Outcome.CRASH, Phase.LOAD, signal=9),
    Case("terminates_itself", "START { raise(SIGTERM); }", Outcome.CRASH, Phase.LOAD, {Kind.SIGNAL_SENT: "SIGTERM"}, signal=15, needs="crash stop"),
    Case("interrupts_its_group", "START { kill(0, SIGINT); }", Outcome.CRASH, Phase.LOAD, {Kind.SIGNAL_SENT: "SIGINT was sent to its own process group"}, signal=2),
    Case("hangs_up_on_itself", "START { kill(-getpgrp(), SIGHUP); }", Outcome.CRASH, Phase.LOAD, {Kind.SIGNAL_SENT: "SIGHUP was sent to its own process group"}, signal=1),
    Case("overflows_the_stack", "int f(int n) { volatile char b[4096]; b[0] = n; return f(n + 1) + b[0]; } START { f(0); }",
         Outcome.CRASH, Phase.LOAD, signal=11, crash="stack exhaustion", flags=("-O0",)),
    Case("exits_0", "START { exit(0); }", Outcome.EXITED, Phase.LOAD, {Kind.EXIT_CALLED: "status 0"}),
    Case("exits_at_once", "START { _exit(0); }", Outcome.EXITED, Phase.LOAD, {Kind.EXIT_CALLED: "status 0"}),
    Case("exits_3_at_unload", "STOP { _exit(3); }", Outcome.EXITED, Phase.UNLOAD, {Kind.EXIT_CALLED: "status 3"}),
    Case("execs", 'START { execl("/bin/true", "true", (char *)0); }', Outcome.EXEC_REPLACED, Phase.LOAD, {Kind.EXEC: "/bin/true"}),
    Case("thread_aborts", "static void *t(void *a) { abort(); } START { pthread_t p; pthread_create(&p, 0, t, 0); pthread_join(p, 0); }",
         Outcome.CRASH, Phase.LOAD, signal=6),
    # -- does not come back
    Case("hangs", "START { for (;;) pause(); }", Outcome.HANG, Phase.LOAD, timeout=SPIN),
    Case("spins", "volatile int on = 1; START { while (on); }", Outcome.HANG, Phase.LOAD, timeout=SPIN),
    Case("stops", "START { raise(SIGSTOP); }", Outcome.HANG, Phase.LOAD, timeout=SPIN),
    Case("deadlocks", "START { pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER; pthread_mutex_lock(&m); pthread_mutex_lock(&m); }",
         Outcome.HANG, Phase.LOAD, timeout=SPIN),
    Case("hangs_at_unload", "STOP { for (;;) pause(); }", Outcome.HANG, Phase.UNLOAD, timeout=SPIN),
    # -- leaves things behind
    Case("daemonises", "START { if (!fork()) { setsid(); if (!fork()) for (;;) pause(); _exit(0); } wait(0); }", Outcome.OK, Phase.EXIT,
         {Kind.PROCESS_STARTED: "process", Kind.SESSION_CHANGED: "setsid", Kind.DAEMON_LEFT: "left"}, cycles=1),
    Case("leaves_a_thread", "START { pthread_t p; pthread_create(&p, 0, (void *(*)(void *))pause, 0); }",
         Outcome.OK, Phase.EXIT, {Kind.THREAD_STARTED: "thread", Kind.THREAD_LEFT: "1 more thread", Kind.THREAD_GROWTH: "15 more"}),
    Case("thread_runs_on_after_unload", """
static void *t(void *a) { for (volatile int i = 0;; i++); }
START { pthread_t p; pthread_create(&p, 0, t, 0); } STOP { usleep(1000); }
""", Outcome.CRASH, Phase.UNLOAD, {Kind.THREAD_STARTED: "thread"}, or_phase=(Phase.RELOAD, Phase.EXIT)),
    Case("leaves_a_descriptor", 'START { (void)!dup(0); }', Outcome.OK, Phase.EXIT,
         {Kind.DESCRIPTOR_LEFT: "/dev/null", Kind.DESCRIPTOR_GROWTH: "15 more"}, needs="descriptors"),
    Case("leaks_memory", "void *keep; START { keep = malloc(1000); }", Outcome.OK, Phase.EXIT, {Kind.MEMORY_GROWTH: "bytes"}, needs="wait status"),
    Case("leaks_much", "START { memset(mmap(0, 1 << 20, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1, 1 << 20); }", Outcome.OK, Phase.EXIT,
         {Kind.MEMORY_GROWTH: "1,0"}, needs="maps"),
    Case("closes_what_is_not_its_own", "START { close(0); }", Outcome.OK, Phase.EXIT, {Kind.DESCRIPTOR_CLOSED: "descriptor 0"}, needs="descriptors"),
    Case("thread_of_a_library_that_stays", "static void *t(void *a) { for (;;) usleep(1000); } START { pthread_t p; pthread_create(&p, 0, t, 0); }",
         Outcome.OK, Phase.EXIT, {Kind.THREAD_KEPT: "still mapped"}, flags=("-Wl,-z,nodelete",), needs="maps"),
    # -- takes too much
    Case("reserves_more_than_there_is", "START { if (mmap(0, 3ul << 30, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED) abort(); }",
         Outcome.DENIED, Phase.LOAD, {Kind.MEMORY_REFUSED: "3,072 MiB"}, or_outcome=Outcome.CRASH),
    Case("is_slow", "START { usleep(700000); }", Outcome.SLOW, Phase.EXIT, {Kind.SLOW: "of 16 cycles"}, timeout=5.0, needs="wait status"),
    Case("needs_its_host", "int host_register(void); int (*slot)(void) = host_register;", Outcome.LOAD_ERROR, Phase.LOAD,
         {Kind.NEEDS_HOST: "host_register"}, needs="wait status"),
    Case("allocates_without_end", "START { for (;;) { char *p = malloc(1 << 20); memset(p, 1, 1 << 20); } }",
         Outcome.MEMORY_LIMIT, Phase.LOAD),
    Case("floods_output", "START { static char b[65536]; for (;;) (void)!write(1, b, sizeof b); }",
         Outcome.OUTPUT_LIMIT, Phase.LOAD, {Kind.OUTPUT: "bytes"}, needs="output"),
    Case("fills_the_disk", 'START { static char b[65536]; int f = open("big", O_CREAT | O_WRONLY, 0600); for (;;) (void)!write(f, b, sizeof b); }',
         Outcome.OUTPUT_LIMIT, Phase.LOAD, {Kind.FILE_WRITE: "big"}),
    # -- deceives
    Case("forges_records", """
static const char text[] = "{\\"done\\": \\"load\\"}";
START { for (int i = 3; i < 1024; i++) { send(i, text, sizeof text - 1, MSG_DONTWAIT); } _exit(0); }
""", Outcome.EXITED, Phase.LOAD, {Kind.FORGED_RECORD: "forged"}, needs="wait status"),
    Case("closes_all_descriptors", "START { for (int i = 0; i < 1024; i++) close(i); }", Outcome.LOST_CHANNEL, Phase.LOAD),
    Case("hides_its_crash", """
static void h(int s) { _exit(0); }
START { signal(SIGSEGV, h); *(volatile int *)8; }
""", Outcome.CRASH, Phase.LOAD, {Kind.CRASH_HIDDEN: "SIGSEGV"}, needs="crash stop", or_outcome=Outcome.EXITED),
    Case("survives_its_crash", """
static sigjmp_buf j; static void h(int s) { siglongjmp(j, 1); }
START { signal(SIGSEGV, h); if (!sigsetjmp(j, 1)) *(volatile int *)8; signal(SIGSEGV, SIG_DFL); }
""", Outcome.CRASH, Phase.EXIT, {Kind.CRASH_HIDDEN: "SIGSEGV"}, needs="crash stop", or_outcome=Outcome.OK),
    # -- touches what is not its own
    Case("opens_a_socket", """
START { int s = socket(AF_INET, SOCK_STREAM, 0); struct sockaddr_in a = {AF_INET, htons(4444), {htonl(0x7f000001)}};
        connect(s, (void *)&a, sizeof a); close(s); }
""", Outcome.OK, Phase.EXIT, {Kind.NETWORK: "127.0.0.1 port 4444"}),
    Case("reads_a_secret", 'START { int f = open("/etc/passwd", O_RDONLY); close(f); }', Outcome.OK, Phase.EXIT, {Kind.FILE_READ: "/etc/passwd"}),
    Case("writes_outside", f'START {{ int f = open("{OUTSIDE}", O_CREAT | O_WRONLY, 0600); if (f >= 0) close(f); }}',
         Outcome.OK, Phase.EXIT, {Kind.FILE_WRITE: str(OUTSIDE)}),
    Case("removes_a_file", 'START { unlink("/tmp/loadstone-not-there"); }', Outcome.OK, Phase.EXIT, {Kind.FILE_CHANGED: "unlink /tmp/loadstone"}),
    Case("changes_the_directory", 'START { (void)!chdir("/"); }', Outcome.OK, Phase.EXIT, {Kind.CWD_CHANGED: "/"}, needs="process state"),
    Case("changes_the_environment", 'START { setenv("LD_PRELOAD", "x.so", 1); }', Outcome.OK, Phase.EXIT,
         {Kind.ENVIRONMENT_CHANGED: "LD_PRELOAD=x.so"}, needs="process state"),
    Case("changes_the_umask", "START { umask(0); }", Outcome.OK, Phase.EXIT, {Kind.UMASK_CHANGED: "000"}, needs="process state"),
    Case("writable_code_in_passing", """
START { void *p = mmap(0, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); if (p != MAP_FAILED) munmap(p, 4096); }
""", Outcome.OK, Phase.EXIT, {Kind.CODE_WRITABLE: "mmap"}),
    Case("writable_code_that_stays", "void *keep; void luaJIT_setmode(void) {} START { keep = mmap(0, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }",
         Outcome.OK, Phase.EXIT, {Kind.CODE_WRITABLE: "run-time compiler, LuaJIT"}, needs="maps"),
    Case("installs_a_handler", "static void h(int s) {} START { signal(SIGUSR1, h); } STOP { signal(SIGUSR1, SIG_DFL); }", Outcome.OK, Phase.EXIT,
         {Kind.SIGNAL_HANDLER: "SIGUSR1"}, needs="signal table"),
    Case("blocks_a_signal", "START { sigset_t s; sigemptyset(&s); sigaddset(&s, SIGUSR2); sigprocmask(SIG_BLOCK, &s, 0); }", Outcome.OK, Phase.EXIT,
         {Kind.SIGNAL_MASK: "SIGUSR2"}, needs="signal table"),
    Case("maps_code_itself", """
START { int f = open("/bin/true", O_RDONLY); mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, f, 0); close(f); }
""", Outcome.OK, Phase.EXIT, {Kind.CODE_UNLISTED: "true"}, needs="link map"),
    Case("starts_a_thread_in_passing", "static void *t(void *a) { return 0; } START { pthread_t p; pthread_create(&p, 0, t, 0); pthread_join(p, 0); }",
         Outcome.OK, Phase.EXIT, {Kind.THREAD_STARTED: "thread"}),
    Case("starts_a_process", "START { if (!fork()) _exit(0); wait(0); }", Outcome.OK, Phase.EXIT, {Kind.PROCESS_STARTED: "process"}, cycles=1),
    Case("signals_its_parent", "START { kill(getppid() ? getppid() : 1, SIGTERM); }", Outcome.OK, Phase.EXIT, {Kind.SIGNAL_SENT: "SIGTERM"}),
    Case("calls_what_is_forbidden", "START { ptrace(PTRACE_TRACEME, 0, 0, 0); }", Outcome.OK, Phase.EXIT, {Kind.FORBIDDEN_CALL: "ptrace"}),
    Case("makes_a_call_the_sandbox_lacks", "START { inotify_init1(0); flock(0, LOCK_EX); }", Outcome.OK, Phase.EXIT, {Kind.CALL_REFUSED: "inotify_init1"}),
    Case("rounds_up_from_now_on", "START { fesetround(FE_UPWARD); }", Outcome.OK, Phase.EXIT,
         {Kind.PROCESS_CHANGED: "numbers are rounded another way"}, needs="wait status", flags=("-lm",)),
    Case("sets_the_locale", 'START { setlocale(LC_NUMERIC, "C.UTF-8"); }', Outcome.OK, Phase.EXIT,
         {Kind.PROCESS_CHANGED: "the locale became C.UTF-8 for LC_NUMERIC"}, needs="wait status"),
    Case("lowers_a_limit", "START { struct rlimit l; getrlimit(RLIMIT_NOFILE, &l); l.rlim_cur = 64; setrlimit(RLIMIT_NOFILE, &l); }", Outcome.OK, Phase.EXIT,
         {Kind.PROCESS_CHANGED: "the limit of open files became 64"}, needs="process state"),
    Case("blocks_every_signal", "START { sigset_t s; sigfillset(&s); sigprocmask(SIG_BLOCK, &s, 0); }", Outcome.OK, Phase.EXIT,
         {Kind.SIGNAL_MASK: "more are blocked"}, needs="signal table"),
    Case("talks", 'START { (void)!write(1, "\\033[2Jhello\\n", 10); }', Outcome.OK, Phase.EXIT, {Kind.OUTPUT: "hello"}, needs="output"),
    # -- fails later
    Case("crashes_at_unload", "STOP { *(volatile int *)8; }", Outcome.CRASH, Phase.UNLOAD, signal=11, crash="null page"),
    Case("crashes_at_the_second_load", """
START { if (getenv("LOADED_ONCE")) abort(); setenv("LOADED_ONCE", "1", 1); }
""", Outcome.CRASH, Phase.RELOAD, {Kind.ENVIRONMENT_CHANGED: "LOADED_ONCE"}, signal=6, needs="process state"),
    Case("crashes_at_exit_when_loaded", """
static void bye(int s, void *a) { abort(); }
START { on_exit(bye, 0); }
""", Outcome.CRASH, Phase.EXIT, needs="wait status"),
    Case("refuses_the_second_load", """
START { if (getenv("LOADED_ONCE")) _exit(5); setenv("LOADED_ONCE", "1", 1); }
""", Outcome.EXITED, Phase.RELOAD, {Kind.EXIT_CALLED: "status 5"}),
    Case("ifunc_crashes_at_load", """
typedef int fn(void); static fn *pick(void) { return *(fn **)8; }
int chosen(void) __attribute__((ifunc("pick"))); int use(void) { return chosen(); }
""", Outcome.CRASH, Phase.LOAD, signal=11, crash="IFUNC"),
    Case("ifunc_crashes_at_resolve", """
typedef int fn(void); static fn *pick(void) { return *(fn **)8; }
int chosen(void) __attribute__((ifunc("pick")));
""", Outcome.CRASH, Phase.RESOLVE, signal=11, crash="IFUNC"),
    Case("undefined_when_bound_now", "int missing(void); int use(void) { return missing(); }", Outcome.LOAD_ERROR, Phase.LOAD,
         {Kind.LOAD_ERROR: "missing", Kind.LAZY_UNDEFINED: "missing"}, flags=("-Wl,-z,lazy",), needs="wait status"),
    Case("needs_what_is_not_there", "int there(void);", Outcome.LOAD_ERROR, Phase.LOAD, {Kind.LOAD_ERROR: "libgone"},
         flags=("-Wl,--no-as-needed", "GONE"), needs="wait status"),
    # -- stays
    Case("marked_nodelete", "", Outcome.OK, Phase.EXIT, {Kind.NOT_UNLOADED: "DF_1_NODELETE (certain)"}, flags=("-Wl,-z,nodelete",), needs="maps"),
    Case("unique_symbol", "inline int &shared() { static int one; return one; } extern \"C\" int *get() { return &shared(); }", Outcome.OK, Phase.EXIT,
         {Kind.NOT_UNLOADED: "unique symbol"}, compiler="g++", needs="maps"),
    Case("thread_local_destructor", """
struct Held { int n = 1; ~Held() {} }; thread_local Held held;
__attribute__((constructor)) static void touch() { held.n = 2; }
""", Outcome.OK, Phase.EXIT, {Kind.NOT_UNLOADED: "thread-local"}, compiler="g++", needs="maps"),
    Case("opens_itself", """
START { Dl_info i; dladdr((void *)&answer, &i); dlopen(i.dli_fname, RTLD_NOW); }
""", Outcome.OK, Phase.EXIT, {Kind.NOT_UNLOADED: "dlopen"}, needs="maps"),
    Case("asks_to_stay", """
START { Dl_info i; dladdr((void *)&answer, &i); dlclose(dlopen(i.dli_fname, RTLD_NOW | RTLD_NODELETE)); }
""", Outcome.OK, Phase.EXIT, {Kind.NOT_UNLOADED: "dlopen"}, needs="maps"),
    # -- and threads
    Case("races", """
static volatile int ready; static int *volatile value;
int use(void) { if (!ready) { ready = 1; usleep(2000); value = calloc(1, sizeof *value); } return *value; }
""", Outcome.CRASH, Phase.THREADS, signal=11, threads=True, calls=("use",)),
    Case("main_thread_only", "START { if (getpid() != gettid()) abort(); }", Outcome.CRASH, Phase.THREADS, signal=6, threads=True),
)  # fmt: skip

CLEAN = (
    Case("closes_its_own_descriptor", 'static int fd; START { fd = open("/dev/null", O_WRONLY); } STOP { close(fd); }', Outcome.OK, Phase.EXIT),
    Case("asks_whether_it_is_there", "START { kill(getpid(), 0); }", Outcome.OK, Phase.EXIT),
    Case("empty", "", Outcome.OK, Phase.EXIT),
    Case("initialised", "static int n; START { n = 1; } STOP { n = 0; }", Outcome.OK, Phase.EXIT),
    Case("gives_memory_back", "static void *p; START { p = malloc(100000); } STOP { free(p); }", Outcome.OK, Phase.EXIT),
    Case("many_exports", "\n".join(f"int export_{i}(int a) {{ return a + {i}; }}" for i in range(300)), Outcome.OK, Phase.EXIT),
    Case("picks_by_ifunc", """
static int plain(void) { return 1; } typedef int fn(void); static fn *pick(void) { return plain; }
int chosen(void) __attribute__((ifunc("pick"))); int use(void) { return chosen(); }
""", Outcome.OK, Phase.EXIT),
    Case("thread_local_data", "__thread int mine = 3; int get(void) { return mine; }", Outcome.OK, Phase.EXIT),
    Case("asks_the_clock", "#include <time.h>\nSTART { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); getenv(\"HOME\"); }", Outcome.OK, Phase.EXIT),
    Case("plain_c_plus_plus", "struct A { virtual ~A() {} int v = 1; }; extern \"C\" int use() { A a; return a.v; }", Outcome.OK, Phase.EXIT, compiler="g++"),
    Case("safe_with_threads", "static int n; START { n++; } STOP { n--; }", Outcome.OK, Phase.EXIT, threads=True),
)  # fmt: skip

NOTICES_THE_TRACER = Case(
    "notices_the_tracer",
    r"""
START { char b[8192]; int f = open("/proc/self/status", O_RDONLY); b[read(f, b, sizeof b - 1)] = 0; close(f);
        if (!strstr(b, "TracerPid:\t0\n")) _exit(0); }
""",
    Outcome.EXITED,
    Phase.LOAD,
    {Kind.DIFFERS_UNTRACED: "not traced"},
    needs="crash stop",
    or_outcome=Outcome.OK,
)
"""Where it sees the helper's /proc: in one of its own the tracer, which is outside, has no number."""
