"""Locks over a fork: whoever held one is not there in the child, so the child finds it free."""

from __future__ import annotations

import os
import re

import pytest
from tests.library.children import run_child
from tests.own_source import sources

# Each of these makes its own locks anew after a fork, with what they guard.
THEIR_OWN = {"core/fork_safe_lock.py", "library/lifetime/record.py", "library/lifetime/registry.py"}

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

HOLDER = """
import os, threading
{setting}
entered, leave = threading.Event(), threading.Event()
def hold():
    {holding}
thread = threading.Thread(target=hold, daemon=True)
thread.start()
assert entered.wait(60)
child = os.fork()
if child == 0:
    import signal
    signal.alarm(20)  # a lock that nobody lets go of ends the child
    {asking}
    os._exit(7)
_, status = os.waitpid(child, 0)
leave.set()
thread.join()
print(os.waitstatus_to_exitcode(status))
"""


@needs_fork
@pytest.mark.parametrize(
    ("setting", "holding", "asking"),
    [
        pytest.param(
            "from loadstone.core.fork_safe_lock import ForkSafeLock\nlock = ForkSafeLock()",
            "lock.__enter__(); entered.set(); leave.wait(); lock.__exit__(None, None, None)",
            "lock.__enter__(); lock.__exit__(None, None, None)",
            id="a lock another thread holds",
        ),
        pytest.param(
            "from loadstone.plugin.once import Once\nonce = Once({})",
            "once.get(1, lambda: (entered.set(), leave.wait()))",
            "once.get(1, lambda: 2)",
            id="a thing another thread is making",
        ),
        pytest.param(
            "from loadstone.library import Namespace\nspace = Namespace()",
            "space._lock.__enter__(); entered.set(); leave.wait(); space._lock.__exit__(None, None, None)",
            "space.close()",
            id="a namespace",
        ),
    ],
)
def test_a_forked_child_goes_on(setting: str, holding: str, asking: str) -> None:
    assert run_child(HOLDER.format(setting=setting, holding=holding, asking=asking)) == "7"


@needs_fork
def test_who_forks_inside_lets_go_of_what_it_took() -> None:
    said = run_child(
        "import os\nfrom loadstone.core.fork_safe_lock import ForkSafeLock\nlock = ForkSafeLock()\n"
        "with lock:\n    child = os.fork()\n"
        "with lock:\n    pass\n"
        "if child == 0: os._exit(7)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    assert said == "7"


def test_every_lock_is_made_anew_in_a_child() -> None:
    """Neither a lock of the standard library nor its class is used, be it called or handed on (``default_factory``)."""
    bare = {home for home, text in sources() if re.search(r'(?<!")\bthreading\.R?Lock\b', text)}
    assert bare - THEIR_OWN == set(), "take a ForkSafeLock"
    assert bare >= THEIR_OWN
