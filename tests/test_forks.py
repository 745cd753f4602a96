"""Work shared with copies of this process: who does it shows nowhere, whatever becomes of a copy.

A process with threads is not copied, and the one that runs the tests may have some: each test has a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from loadstone.forks import forked

copies = pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="no process is copied here")

_BEGIN = """
import os, signal, sys, threading, time
from loadstone.forks import forked

main = os.getpid()
numbers = list(range(2500))

def no_child_is_left():
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return True
    return False

def met(number):
    '''Does not go on before two processes have come here.'''
    open(f"{sys.argv[1]}/{os.getpid()}", "w").close()
    while len(os.listdir(sys.argv[1])) < 2:
        time.sleep(0.01)
    return number, os.getpid()
"""


def run(code: str, folder: Path) -> None:
    """Run it in a process of its own; it must say nothing and succeed."""
    command = [sys.executable, "-c", _BEGIN + textwrap.dedent(code), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_one_process_does_it_in_order() -> None:
    assert forked(str, [3, 1, 2], processes=1) == ["3", "1", "2"]
    assert forked(str, [], processes=4) == []


@copies
def test_two_processes_share_the_work_and_the_order_stays(tmp_path: Path) -> None:
    run(
        """
        made = forked(met, numbers, processes=2)
        assert [number for number, _ in made] == numbers
        assert len({process for _, process in made}) == 2
        assert no_child_is_left()
        """,
        tmp_path,
    )


@copies
def test_what_a_killed_copy_did_not_do_is_done_here(tmp_path: Path) -> None:
    run(
        """
        def do(number):
            met(number)
            if os.getpid() != main:
                os.kill(os.getpid(), signal.SIGKILL)
            return -number

        assert forked(do, numbers, processes=2) == [-number for number in numbers]
        assert no_child_is_left()
        """,
        tmp_path,
    )


@copies
@pytest.mark.parametrize("made", ["1 / 0", "lambda: number", "exit()"])
def test_what_fails_in_a_copy_or_cannot_be_sent_is_done_here(tmp_path: Path, made: str) -> None:
    run(
        f"""
        def do(number):
            met(number)
            return ({made}) if os.getpid() != main else number

        assert forked(do, numbers, processes=2) == numbers
        """,
        tmp_path,
    )


@copies
def test_what_fails_everywhere_fails_here(tmp_path: Path) -> None:
    run(
        """
        def do(number):
            met(number)
            return [][number]

        try:
            forked(do, numbers, processes=2)
        except IndexError:
            assert no_child_is_left()
        else:
            raise AssertionError
        """,
        tmp_path,
    )


@copies
def test_an_interrupt_ends_the_copies(tmp_path: Path) -> None:
    run(
        """
        def do(number):
            met(number)
            if os.getpid() == main:
                raise KeyboardInterrupt
            time.sleep(600)

        try:
            forked(do, numbers, processes=3)
        except KeyboardInterrupt:
            assert no_child_is_left()
        else:
            raise AssertionError
        """,
        tmp_path,
    )


@copies
def test_an_object_that_both_have_is_the_same_afterwards(tmp_path: Path) -> None:
    run(
        """
        class Thing:
            pass

        things = [Thing() for _ in range(20)]

        def do(number):
            met(number)
            return things[number], Thing()

        made = forked(do, range(20), processes=2, alike=things)
        assert all(one is other for (one, _), other in zip(made, things))
        assert all(type(new) is Thing for _, new in made)
        """,
        tmp_path,
    )


@copies
def test_a_limit_of_processor_time_is_one_for_all_processes(tmp_path: Path) -> None:
    run(
        """
        class TimeUp(BaseException):
            pass

        def ring(number, frame):
            raise TimeUp

        def do(number):
            met(number)
            began = time.process_time()
            while os.getpid() != main and time.process_time() < began + 0.2:
                pass

        signal.signal(signal.SIGPROF, ring)
        signal.setitimer(signal.ITIMER_PROF, 0.2)
        try:
            forked(do, numbers, processes=2)
            while time.process_time() < 0.3:
                pass
        except TimeUp:
            assert no_child_is_left()
        else:
            raise AssertionError
        """,
        tmp_path,
    )


@copies
def test_a_process_with_threads_is_not_copied(tmp_path: Path) -> None:
    run(
        """
        held = threading.Event()
        thread = threading.Thread(target=held.wait)
        thread.start()
        assert set(forked(lambda _: os.getpid(), numbers, processes=2)) == {main}
        held.set()
        thread.join()
        """,
        tmp_path,
    )
