"""What else is in a run changes no answer: a file alone, and the same file beside files it has nothing to do with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from loadstone.core.claims import Claim, Finding, Undecided
from loadstone.review import frontends, rules
from loadstone.review.analyses import gather
from loadstone.review.ir import Program, Unit
from loadstone.review.reached import read_together

CORPUS = Path(__file__).parent / "corpus"
CASES = Path(__file__).parent / "cases" / "f17"

SHIM = """\
#include <dlfcn.h>
#include <stdarg.h>
static int (*real_open)(const char *, int, ...);
int open(const char *path, int flags, ...) {
    if (real_open == 0) real_open = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
    return real_open(path, flags, 0);
}
"""

LOADER = """\
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>
void *load(const char *path) {
    int fd = open(path, O_RDONLY);
    char byte;
    if (fd < 0 || read(fd, &byte, 1) != 1) return 0;
    close(fd);
    return dlopen("/usr/lib/app/module.so", RTLD_NOW);
}
"""


FETCHES = """\
import ctypes
import hashlib
import hmac
from urllib.request import urlopen

PINNED = "aa" * 32


def fetch(name):
    with urlopen("http://voices.example/" + name) as reply:
        return reply.read()


class Voice:
    def __init__(self):
        self._engine = self._load(self._copy())

    def _copy(self):
        data = fetch("en.so")
        if {refused}:
            raise ValueError("damaged")
        with open("/opt/voices/en.so", "wb") as out:
            out.write(data)
        return "/opt/voices/en.so"

    def _load(self, path):
        return ctypes.CDLL(path)
"""


def answers(units: Iterable[Unit]) -> set[tuple[str, str, str, int, str]]:
    """What is found and what is left open; the wording may name a file where two files have a lock of one name."""

    def said(claim: Claim) -> tuple[str, str, str, int, str]:
        weight = claim.severity.value if isinstance(claim, Finding) else ""
        return type(claim).__name__, claim.rule, claim.location.path, claim.location.start, weight

    claims = rules.ask(Program(tuple(units)))
    return {said(claim) for claim in claims if isinstance(claim, Finding | Undecided)}


def test_a_program_beside_others_is_answered_as_alone() -> None:
    files = sorted((CORPUS / "programs_py").glob("*.py"))[::8]
    units = [frontends.parse(path.name, path.read_bytes()) for path in files]
    together = answers(units)
    alone = set().union(*(answers([unit]) for unit in units))
    assert together == alone


def test_c_programs_beside_others_are_answered_as_alone() -> None:
    """Twins too: functions, structs and variables of one name in two files are two."""
    files = [CASES / f"{name}_{twin}.c" for name in ("quillpad", "weir", "heddle", "gantry") for twin in "ab"]
    units = [frontends.parse(path.name, path.read_bytes()) for path in files]
    together = answers(units)
    alone = set().union(*(answers([unit]) for unit in units))
    assert together == alone


UNPACKS = b"""\
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
static int unpack(char *path, size_t room, const char *from, size_t size) {
    int fd, good = 1;
    snprintf(path, room, "/tmp/engine-%d.so", (int)getuid());
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    if (fd < 0) return 0;
    while (size > 0) {
        ssize_t written = write(fd, from, size);
        if (written < 0) good = 0;
        if (written <= 0) break;
        from += written;
        size -= (size_t)written;
    }
    if (size > 0) good = 0;
    if (close(fd) != 0) good = 0;
    return good;
}
void *start(const char *image, size_t n) {
    char path[64];
    if (!unpack(path, sizeof path, image, n)) return 0;
    return dlopen(path, RTLD_NOW);
}
"""


def test_a_member_of_another_files_struct_does_not_decide_which_helper_is_followed() -> None:
    """A local variable has the name of a member that a file of the same folder uses where it loads a library."""
    host = frontends.parse("host.c", UNPACKS)
    other = frontends.parse(
        "other.c",
        b"#include <dlfcn.h>\nstruct part { unsigned size; void *lib; };\n"
        b'int fill(struct part *p) { p->lib = dlopen("/opt/x/part.so", RTLD_NOW); p->size = 1; return p->lib != 0; }\n',
    )
    alone = answers([host])
    assert ("Finding", "load-from-shared-tmp", "host.c") in {answer[:3] for answer in alone}
    assert {answer for answer in answers([host, other]) if answer[2] == "host.c"} == alone


def test_classes_of_one_name_in_two_programs_do_not_call_each_other() -> None:
    careless = FETCHES.format(refused="len(data) == 0")
    careful = FETCHES.format(refused="not hmac.compare_digest(hashlib.sha256(data).hexdigest(), PINNED)")
    units = [frontends.parse(name, text.encode()) for name, text in (("one.py", careless), ("two.py", careful))]
    assert {(rule, path) for kind, rule, path, _, _ in answers(units) if kind == "Finding"} == {
        ("unverified-download", "one.py")
    }


def test_a_function_of_the_system_stays_one_beside_a_library_that_interposes_it() -> None:
    loader, shim = frontends.parse("loader.c", LOADER.encode()), frontends.parse("shim.c", SHIM.encode())
    alone = answers([loader])
    beside = {answer for answer in answers([shim, loader]) if answer[2] == "loader.c"}
    assert beside == alone


def test_a_variable_is_no_function_of_another_file() -> None:
    """``static int (*run)(int)`` here, a function ``run`` and one ``lib`` there; in an initialiser too."""
    host = frontends.parse("host.c", (Path(__file__).parent / "cases" / "f02" / "closed_in_another.c").read_bytes())
    other = frontends.parse(
        "other.cpp", b"#include <dlfcn.h>\nvoid run() {}\nvoid *lib(bool b) { return b ? dlopen(0, 2) : 0; }\n"
    )
    alone = answers([host])
    assert ("Finding", "use-after-unload") in {answer[:2] for answer in alone}
    assert {answer for answer in answers([host, other]) if answer[2] == "host.c"} == alone


def test_a_module_that_is_imported_is_no_stranger() -> None:
    helper = frontends.parse("paths.py", b"import ctypes\ndef where(name):\n    return '/opt/x/' + name\n")
    host = frontends.parse(
        "host.py",
        b"import ctypes\nfrom flask import request\nfrom paths import where\n\n\ndef run():\n"
        b"    return ctypes.CDLL(where(request.args['name']))\n",
    )
    found = {(rule, path) for kind, rule, path, _, _ in answers([helper, host]) if kind == "Finding"}
    assert ("untrusted-load-path", "host.py") in found


UNTESTED = 'import ctypes, ctypes.util\n_path = ctypes.util.find_library("netfence")\n_lib = ctypes.CDLL(_path)\n'
TESTED = UNTESTED.replace("_lib", "if _path is None:\n    raise ImportError\n_lib")
PLAIN_LOCK = (
    "import ctypes, threading\nlib = ctypes.CDLL('libx.so')\nclass Scene:\n"
    "    def __init__(self):\n        self._lock = threading.Lock()\n"
    "    def reset(self):\n        with self._lock:\n            self.set(1)\n"
    "    def set(self, n):\n        with self._lock:\n            lib.set(n)\n"
)
PAIR = 'def genuine(data):\n    return False, "why"\n'
VERDICT = (
    "import ctypes\ndef genuine(data):\n    return bool(data)\n"
    "def load(p):\n    if not genuine(p):\n        raise OSError\n"
)


def rules_met(**files: str) -> set[tuple[str, str]]:
    units = tuple(frontends.parse(f"{name}.py", text.encode()) for name, text in files.items())
    return {(c.rule, c.location.path) for c in rules.ask(Program(units)) if isinstance(c, Finding)}


def test_a_test_in_an_unrelated_file_does_not_count() -> None:
    assert ("unchecked-dlopen", "one.py") in rules_met(one=UNTESTED, other=TESTED)


def test_a_reentrant_lock_in_an_unrelated_file_does_not_count() -> None:
    assert ("lock-misuse", "one.py") in rules_met(one=PLAIN_LOCK, other=PLAIN_LOCK.replace("Lock()", "RLock()"))


def test_a_tuple_returned_in_an_unrelated_file_does_not_count() -> None:
    assert ("ignored-verification", "one.py") not in rules_met(one=VERDICT, other=PAIR)


HOOKS = """\
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
struct hook { struct hook *next; char name[32]; void *so; int (*run)(void); };
static struct { pthread_mutex_t lock; struct hook *head; } registry = { PTHREAD_MUTEX_INITIALIZER, 0 };
int hooks_run(void) {
    struct hook *h;
    int n = 0;
    pthread_mutex_lock(&registry.lock);
    for (h = registry.head; h; h = h->next)
        n += h->run() == 0;
    pthread_mutex_unlock(&registry.lock);
    return n;
}
int hook_drop(const char *name) {
    struct hook **pp, *h = 0;
    pthread_mutex_lock(&registry.lock);
    for (pp = &registry.head; *pp != 0; pp = &(*pp)->next)
        if (strcmp((*pp)->name, name) == 0)
            break;
    if (*pp != 0) {
        h = *pp;
        *pp = h->next;
        dlclose(h->so);
    }
    pthread_mutex_unlock(&registry.lock);
    return h != 0;
}
"""

HOST = """\
#include <dlfcn.h>
void timers_drop(const void *owner);
struct slot { void *so; };
int slot_load(struct slot *s) { s->so = dlopen("/usr/lib/host/one.so", RTLD_NOW); return s->so != 0; }
void slot_drop(struct slot *s) {
    timers_drop(s);
    dlclose(s->so);
    s->so = 0;
}
"""

TIMERS = """\
#include <stdlib.h>
struct timer { struct timer *next; const void *owner; };
struct subscription { struct subscription *next; const void *owner; };
static struct timer *timers;
static struct subscription *subs;
void timers_drop(const void *owner) {
    struct timer **tp = &timers, *t;
    struct subscription **sp = &subs, *s;
    while ((t = *tp) != NULL) {
        if (t->owner == owner) {
            *tp = t->next;
            free(t);
        } else {
            tp = &t->next;
        }
    }
    while ((s = *sp) != NULL) {
        if (s->owner == owner) {
            *sp = s->next;
            free(s);
        } else {
            sp = &s->next;
        }
    }
}
"""


def test_members_of_one_name_in_two_files_are_not_one_list() -> None:
    """Objects whose struct is not known: what one file does under its lock says nothing of another's lists."""
    texts = {"host.c": HOST, "timers.c": TIMERS, "hooks.c": HOOKS}
    units = read_together((path, text.encode()) for path, text in texts.items())
    claims = rules.ask(Program(units), [r for r in rules.RULES if r.id == "data-race"])
    assert not [c for c in claims if isinstance(c, Finding)]


REPORT = """\
#include <stdio.h>
static FILE *report;
void begin(const char *path) { report = fopen(path, "w"); }
"""


def test_a_file_that_is_written_far_from_any_library_is_not_followed() -> None:
    sources = (("load.c", LOADER), ("report.c", REPORT))
    units = tuple(frontends.parse(path, text.encode(), wanted=frozenset({"begin"})) for path, text in sources)
    assert {site.spot.path for site in gather(Program(units)).sites} == {"load.c"}
