"""Several threads, constructors that take their time or call back, forks, and a collector that runs hot.

Every test runs in a child: a fault of the machine would end it with a signal, which fails the test.
``LOADSTONE_TEST_SCALE`` multiplies the number of operations.
"""

from __future__ import annotations

import pytest
from tests.conftest import Compile
from tests.library.children import run_child
from tests.scale import SCALE

PLAIN = "int value(void) { return %d; }"

SLOW = """
#include <unistd.h>
int value(void) { return 3; }
__attribute__((constructor)) static void up(void) { usleep(2000); }
__attribute__((destructor)) static void down(void) { usleep(500); }
"""

REENTRANT = """
typedef int (*hook_type)(void);
extern hook_type loadstone_test_hook __attribute__((weak));
int value(void) { return 4; }
__attribute__((constructor)) static void up(void) {
  if (&loadstone_test_hook && loadstone_test_hook) loadstone_test_hook();
}
"""

HOOK = """
typedef int (*hook_type)(void);
hook_type loadstone_test_hook;
void set_hook(hook_type hook) { loadstone_test_hook = hook; }
"""

COUNTING = """
import ctypes, gc, os, random, sys, threading
from loadstone.errors import Closed, InUse, LoadstoneError
from loadstone.library import Library, LoadHint, UnloadState, adapters
from loadstone.library.lifetime.registry import registry

class Counting:
    '''The real adapter, with the system's opens and closes counted.'''
    def __init__(self, real):
        self.real, self.opens, self.closes, self.lock = real, 0, 0, threading.Lock()
    def __getattr__(self, name):
        return getattr(self.real, name)
    def open(self, *arguments):
        opened = self.real.open(*arguments)
        with self.lock:
            self.opens += 1
        return opened
    def close(self, opened):
        self.real.close(opened)
        with self.lock:
            self.closes += 1

counting = Counting(adapters.current())
adapters.current = lambda: counting

def run_all(work, count):
    failures = []
    barrier = threading.Barrier(count)
    def guarded(number):
        try:
            barrier.wait()
            work(number)
        except BaseException as error:
            failures.append(error)
            raise
    threads = [threading.Thread(target=guarded, args=(n,)) for n in range(count)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    assert not failures, failures
"""


def test_concurrent_first_loads_open_exactly_once(compile_library: Compile) -> None:
    path = compile_library(SLOW, "libslow.so")
    code = (
        COUNTING
        + """
for _ in range(20):
    handles = [Library(sys.argv[1]) for _ in range(8)]
    before = counting.opens
    run_all(lambda n: handles[n].load(), 8)
    assert counting.opens == before + 1, counting.opens - before
    outcomes = [handle.unload().state for handle in handles]
    assert outcomes == [UnloadState.HELD] * 7 + [UnloadState.CLOSED], outcomes
assert counting.opens == counting.closes
print("ok")
"""
    )
    assert run_child(code, path) == "ok"


def test_other_threads_run_while_a_constructor_takes_its_time(compile_library: Compile) -> None:
    source = "#include <unistd.h>\n__attribute__((constructor)) static void up(void) { usleep(300000); }"
    path = compile_library(source, "libsleepy.so")
    code = """
    import sys, threading, time
    from loadstone.library import Library
    ticks = 0
    done = threading.Event()
    def tick():
        global ticks
        while not done.wait(0.002):
            ticks += 1
    thread = threading.Thread(target=tick); thread.start()
    Library(sys.argv[1]).load()
    done.set(); thread.join()
    print(ticks > 10)
    """
    assert run_child(code, path) == "True"


def test_a_constructor_may_load_resolve_and_unload_its_own_library(compile_library: Compile) -> None:
    hook = compile_library(HOOK, "libhook.so")
    path = compile_library(REENTRANT, "libreentrant.so")
    code = (
        COUNTING
        + """
hook = Library(sys.argv[1], hints=LoadHint.EXPORT_EXTERNAL_SYMBOLS).load()
seen = []
def inner():
    own = Library(sys.argv[2])
    own.load()
    symbol = own.resolve("value")
    seen.append(symbol.address)
    del symbol
    seen.append(own.unload().state)
    return 0
callback = ctypes.CFUNCTYPE(ctypes.c_int)(inner)
hook.function("set_hook", restype=None, argtypes=[ctypes.c_void_p])(ctypes.cast(callback, ctypes.c_void_p))
library = Library(sys.argv[2]).load()
assert seen and seen[0] and seen[1] is UnloadState.HELD, seen
assert library.unload().state is UnloadState.CLOSED
hook.unload()
assert counting.opens == counting.closes, (counting.opens, counting.closes)
print("ok")
"""
    )
    assert run_child(code, hook, path) == "ok"


def test_constructors_that_load_each_other_in_two_threads_do_not_deadlock(compile_library: Compile) -> None:
    hook = compile_library(HOOK, "libhook.so")
    a = compile_library(REENTRANT + "int a;", "liba.so")
    b = compile_library(REENTRANT + "int b;", "libb.so")
    code = (
        COUNTING
        + """
hook = Library(sys.argv[1], hints=LoadHint.EXPORT_EXTERNAL_SYMBOLS).load()
paths = sys.argv[2:]
def inner():
    for path in paths:
        own = Library(path).load()
        own.unload()
    return 0
callback = ctypes.CFUNCTYPE(ctypes.c_int)(inner)
hook.function("set_hook", restype=None, argtypes=[ctypes.c_void_p])(ctypes.cast(callback, ctypes.c_void_p))
for _ in range(30):
    handles = [Library(paths[n % 2]) for n in range(4)]
    run_all(lambda n: handles[n].load(), 4)
    for handle in handles: handle.unload()
assert counting.opens == counting.closes + 1, (counting.opens, counting.closes)
print("ok")
"""
    )
    assert run_child(code, hook, a, b) == "ok"


STORM = (
    COUNTING
    + """
hook_path, *paths = sys.argv[2:]
count = int(sys.argv[1])
hook = Library(hook_path, hints=LoadHint.EXPORT_EXTERNAL_SYMBOLS).load()
def inner():
    own = Library(paths[4]).load()
    own.unload()
    return 0
callback = ctypes.CFUNCTYPE(ctypes.c_int)(inner)
hook.function("set_hook", restype=None, argtypes=[ctypes.c_void_p])(ctypes.cast(callback, ctypes.c_void_p))
expected = {path: value for value, path in enumerate(paths)}
shared = [Library(path) for path in paths]
gc.set_threshold(50)
refusals = [0] * 8

def work(number):
    rng = random.Random(number)
    own = [Library(path) for path in paths]
    held = []
    for _ in range(count):
        choice = rng.randrange(10)
        library = rng.choice(own if choice < 7 else shared)
        try:
            if choice in (0, 7):
                library.load()
            elif choice in (1, 2, 8):
                function = library.function("value", restype=ctypes.c_int, argtypes=[])
                assert function() in expected.values()
                if rng.random() < 0.2 and len(held) < 3:
                    held.append(function)
                del function
            elif choice in (3, 4, 9):
                library.unload()
            elif choice == 5:
                library.retarget(rng.choice(paths))
            elif held:
                assert held.pop()() in expected.values()
        except InUse as error:
            assert error.holders, error
            refusals[number] += 1
        except Closed:
            library.load()
        library = None
    held.clear()
    for library in own:
        while library.is_loaded:
            try:
                library.unload()
            except InUse as error:
                assert error.holders

run_all(work, 8)
gc.collect()
for library in shared:
    while library.is_loaded:
        library.unload()
hook.unload()
assert not registry.loaded(), registry.loaded()
assert counting.opens == counting.closes, (counting.opens, counting.closes)
maps = open("/proc/self/maps").read()
assert not any(path in maps for path in paths)
print("ok", counting.opens)
"""
)


@pytest.mark.slow
def test_a_storm_of_operations_ends_with_as_many_closes_as_opens(compile_library: Compile) -> None:
    hook = compile_library(HOOK, "libhook.so")
    paths = [compile_library(PLAIN % n, f"libplain{n}.so") for n in range(3)]
    paths += [compile_library(SLOW, "libslow.so"), compile_library(REENTRANT, "libreentrant.so")]
    assert run_child(STORM, 250 * SCALE, hook, *paths, timeout=900).startswith("ok")


USE_AFTER_UNLOAD = """
import ctypes, gc, random, sys
from loadstone.errors import LoadstoneError
from loadstone.library import Library
paths, seed, sequences = sys.argv[3:], int(sys.argv[1]), int(sys.argv[2])
rng = random.Random(seed)
for _ in range(sequences):
    handles, kept = [], []
    for _ in range(rng.randrange(3, 12)):
        try:
            match rng.randrange(8):
                case 0: handles.append(Library(rng.choice(paths)))
                case 1: rng.choice(handles).load()
                case 2 | 3: kept.append(rng.choice(handles).function("value", restype=ctypes.c_int, argtypes=[]))
                case 4: rng.choice(kept)()
                case 5: rng.choice(handles).unload()
                case 6: kept.pop(rng.randrange(len(kept)))
                case 7: handles.pop(rng.randrange(len(handles)))
        except (LoadstoneError, IndexError, ValueError):
            pass
        for function in kept:
            function()
print("ok")
"""


@pytest.mark.parametrize("seed", range(4))
def test_no_sequence_of_public_calls_uses_a_library_after_its_unload(compile_library: Compile, seed: int) -> None:
    paths = [compile_library(PLAIN % n, f"libplain{n}.so") for n in range(3)]
    assert run_child(USE_AFTER_UNLOAD, seed, 400 * SCALE, *paths, timeout=600) == "ok"


def test_a_call_in_progress_in_another_thread_counts_as_alive(compile_library: Compile) -> None:
    source = "#include <unistd.h>\nint nap(void) { usleep(400000); return 5; }"
    path = compile_library(source, "libnap.so")
    code = """
    import ctypes, sys, threading, time
    from loadstone.errors import InUse
    from loadstone.library import Library
    library = Library(sys.argv[1]).load()
    answers = []
    def call():
        answers.append(library.function("nap", restype=ctypes.c_int, argtypes=[])())
    thread = threading.Thread(target=call); thread.start()
    while "function nap" not in map(str, library._loan.record.ledger.snapshot()):
        time.sleep(0.001)
    try:
        library.unload()
    except InUse as error:
        print("function nap" in map(str, error.holders))
    thread.join()
    print(answers, bool(library.unload()))
    """
    assert run_child(code, path).splitlines() == ["True", "[5] True"]


def test_a_child_of_fork_sees_a_consistent_state(compile_library: Compile) -> None:
    path = compile_library(PLAIN % 1, "libplain1.so")
    slow = compile_library(
        "#include <unistd.h>\n__attribute__((constructor)) static void up(void) { sleep(1); }", "libs.so"
    )
    code = """
    import ctypes, os, sys, threading, time
    from loadstone.errors import LoadFailed
    from loadstone.library import Library
    plain = Library(sys.argv[1]).load()
    slow = Library(sys.argv[2])
    thread = threading.Thread(target=slow.load); thread.start()
    while slow._loan.record is None or slow._loan.record.worker is None:
        time.sleep(0.001)
    child = os.fork()
    if child == 0:
        good = plain.function("value", restype=ctypes.c_int, argtypes=[])() == 1 and bool(plain.unload())
        try:
            Library(sys.argv[2]).load()
        except LoadFailed as error:
            good = good and error.stage == "after fork" and "spawn" in error.advice
        else:
            good = False
        os._exit(0 if good else 1)
    status = os.waitpid(child, 0)[1]
    thread.join()
    print(status, slow.is_loaded, bool(slow.unload()))
    """
    assert run_child(code, path, slow).splitlines() == ["0 True True"]
