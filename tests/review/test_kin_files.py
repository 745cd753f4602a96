"""What stands in one file of Python is no answer for a namesake in another that it does not import."""

from __future__ import annotations

from loadstone.core.claims import Finding
from loadstone.review import frontends, rules
from loadstone.review.ir import Program

UNTESTED = 'import ctypes, ctypes.util\n_path = ctypes.util.find_library("netfence")\n_lib = ctypes.CDLL(_path)\n'
TESTED = UNTESTED.replace("_lib", "if _path is None:\n    raise ImportError\n_lib")
PLAIN_LOCK = (
    "import ctypes, threading\nlib = ctypes.CDLL('libx.so')\nclass Scene:\n"
    "    def __init__(self):\n        self._lock = threading.Lock()\n"
    "    def reset(self):\n        with self._lock:\n            self.set(1)\n"
    "    def set(self, n):\n        with self._lock:\n            lib.set(n)\n"
)
PAIR = 'def genuine(data):\n    return False, "why"\n'
VERDICT = "import ctypes\ndef genuine(data):\n    return bool(data)\ndef load(p):\n    if not genuine(p):\n        raise OSError\n"


def found(**files: str) -> set[tuple[str, str]]:
    units = tuple(frontends.parse(f"{name}.py", text.encode()) for name, text in files.items())
    return {(c.rule, c.location.path) for c in rules.ask(Program(units)) if isinstance(c, Finding)}


def test_a_test_in_an_unrelated_file_does_not_count() -> None:
    assert ("unchecked-dlopen", "one.py") in found(one=UNTESTED, other=TESTED)


def test_a_reentrant_lock_in_an_unrelated_file_does_not_count() -> None:
    assert ("lock-misuse", "one.py") in found(one=PLAIN_LOCK, other=PLAIN_LOCK.replace("Lock()", "RLock()"))


def test_a_tuple_returned_in_an_unrelated_file_does_not_count() -> None:
    assert ("ignored-verification", "one.py") not in found(one=VERDICT, other=PAIR)
