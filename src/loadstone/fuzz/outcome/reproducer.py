"""``repro.py``: a finding as a program that needs nothing but Python.

What files and users said - paths, titles, symbols, prototypes - reaches the program as literals only, in ASCII. What
the roles of arguments mean is decided in :mod:`loadstone.fuzz.meaning`.
"""

from __future__ import annotations

import inspect
import os
import shlex
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from loadstone.core.fuzzing import FuzzFinding
from loadstone.escape import printable
from loadstone.fuzz import meaning
from loadstone.fuzz.parts import SEPARATOR, as_text, cut, drawn, pieces, shares
from loadstone.fuzz.plan import Argument, CallPlan, Campaign, Heap

__all__ = ["script"]

_TEMPLATE = '''"""Shows what Loadstone found, in a child process.

Exits with 1 when it happens again, 0 when it does not, 2 when the library is another one.
"""

import ctypes, hashlib, mmap, os, runpy, signal, sys, tempfile

FINDING = {title!a}
FUNCTION = {prototype!a}
LIBRARY = {library!a}
SHA256 = {sha256!a}
INPUTS = [bytes.fromhex(text) for text in {inputs!a}]
HANG_S = {hang}
PLAIN = {plain!a}
SLACK = {slack}
SIGNAL = {signal!a}
CHECK = {check}


def guarded(data, at_start=False):
    """The bytes with an inaccessible page behind them (or before them)."""
    page, libc = mmap.PAGESIZE, ctypes.CDLL(None)
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    whole = -(-max(len(data) + SLACK, 1) // page) * page
    area = mmap.mmap(-1, whole + 2 * page)
    start = ctypes.addressof(ctypes.c_char.from_buffer(area))
    libc.mprotect(start, page, 0)
    libc.mprotect(start + page + whole, page, 0)
    at = start + page if at_start else start + page + whole - SLACK - len(data)
    ctypes.memmove(at, data, len(data))
    KEPT.append(area)
    return at


KEPT = []
DONE, HANDLED, OTHER = 0x9C, 0x9D, 0x9E
NOTHING = ctypes.CFUNCTYPE(ctypes.c_int)(lambda *_: 0)


SEPARATOR = {separator!r}


{functions}

def part(data, role, size, end, at_start):
    """(what is passed, what a length beside it says) of one part of an input."""
    if role == "path":
        path = os.path.join(tempfile.mkdtemp(), "input" + end)
        with open(path, "wb") as file:
            file.write(data)
        KEPT.append(ctypes.create_string_buffer(path.encode()))
        return ctypes.addressof(KEPT[-1]), len(path)
    if role in ("file", "descriptor"):
        file = os.memfd_create("input")
        os.write(file, data)
        os.lseek(file, 0, os.SEEK_SET)
        libc = ctypes.CDLL(None)
        libc.fdopen.restype = ctypes.c_void_p
        return (libc.fdopen(file, b"r+b") if role == "file" else file), len(data)
    data = as_text(data) if role == "cstring" else data[:size].ljust(size, b"\\0") if role == "record" else data
    return guarded(data, at_start), len(data)


def run(library, data, at_start):
    address, state, cells = guarded(data, at_start), {{}}, {{}}
    result = None
    left = iter(shares(data, {shares}))
{calls}
    return result


def child(file):
    library = ctypes.CDLL(LIBRARY)
    if not os.path.samestat(os.stat(LIBRARY), os.fstat(file.fileno())):  # it is no more the file that was hashed
        os._exit(OTHER)
    for data in INPUTS:
        result = run(library, data, {at_start})
        if CHECK and CHECK(data, result):
            print("the check says:", CHECK(data, result), flush=True)
            os._exit(1)
    os._exit(HANDLED if handles(SIGNAL) else DONE)


def handles(name):
    """Whether the library has taken a handler for that signal: what it hides is seen by a debugger alone."""
    with open("/proc/self/status") as file:
        caught = next((line.split()[1] for line in file if line.startswith("SigCgt:")), "0")
    return bool(name) and bool(int(caught, 16) >> (signal.Signals[name] - 1) & 1)


def main():
    with open(LIBRARY, "rb") as file, tempfile.TemporaryDirectory() as tempfile.tempdir:  # paths are delivered there
        if hashlib.sha256(file.read()).hexdigest() != SHA256:
            print("this is not the library the finding is about")
            return 2
        pid = os.fork()
        if pid == 0:
            signal.alarm(HANG_S)
            child(file)
        _, status = os.waitpid(pid, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == OTHER:
        print("another file took the library's place meanwhile")
        return 2
    if os.WIFSIGNALED(status):
        print("ended by", signal.Signals(os.WTERMSIG(status)).name)
        return 1
    if os.WEXITSTATUS(status) == DONE:
        print("nothing happened" + PLAIN)
        return 0
    if os.WEXITSTATUS(status) == HANDLED:
        print("it came back: the library has a handler of its own for", SIGNAL + "; a debugger shows what it hides")
        return 0
    print("exited with", os.WEXITSTATUS(status))
    return 1


if __name__ == "__main__":
    sys.exit(main())
'''


_CHECK: Final = 'runpy.run_path(os.path.join(os.path.dirname(os.path.abspath(__file__)), "hooks.py"))["check"]'
"""The campaign's hooks are kept beside the program when its check is what failed."""


_FUNCTIONS: Final = "\n\n".join(inspect.getsource(function) for function in (cut, as_text, pieces, shares, drawn))


def script(found: FuzzFinding, campaign: Campaign, sha256: str) -> str:
    """The program's text. It uses ctypes alone, refuses a library of another digest, and calls in a child."""
    path = os.path.abspath(campaign.library)
    return _TEMPLATE.format(
        title=printable(found.title),
        library=path,
        prototype=printable(campaign.prototype),
        sha256=sha256,
        inputs=[data.hex() for data in found.inputs],
        at_start=found.guard == "under",
        slack=found.slack,
        signal=found.signal if found.signal.startswith("SIG") else "",
        check=_CHECK if found.kind == "check" else None,
        hang=max(1, round(campaign.hang_s)),
        calls="\n".join(_call(number, call) for number, call in enumerate(campaign.calls)) + "\n",
        shares=[call.parts for call in campaign.calls if call.shares],
        separator=SEPARATOR,
        plain=_with_guard(found, path, campaign),
        functions=_FUNCTIONS,
    )


def _with_guard(found: FuzzFinding, path: str, campaign: Campaign) -> str:
    """Where only a guarded heap, or a stack that ends at a page, shows it: the command that has one."""
    on_stack = found.kind == "stack-buffer-overflow"
    if (found.heap == Heap.PLAIN and not on_stack) or found.guard or not found.folder:
        return ""
    command = ["loadstone", "fuzz", path, campaign.prototype, "--heap", found.heap, "--seeds", found.folder]
    without = "the stack of a thread" if on_stack else "a plain heap"
    return f": {without} may not show it; " + printable(shlex.join([*command, "--first", "--time", "10"]))


def _call(number: int, call: CallPlan) -> str:
    """The lines of one call inside ``run``."""
    types = ", ".join(_type(a) for a in call.arguments)
    result = {"int": "ctypes.c_int", "pointer": "ctypes.c_void_p", "double": "ctypes.c_double"}.get(call.returns)
    lines = [
        f"f{number} = getattr(library, {call.symbol!a})",
        f"f{number}.argtypes, f{number}.restype = [{types}], {result}",
    ]
    lines += ["low, high = next(left)"] if call.shares else ["low, high = 0, len(data)"]
    names = _Names("address + low", "high - low", "data[low:high]")
    called = [*_parts(call, names.data), f"result = f{number}({_arguments(call, names)})"]
    if call.repeat:
        lines.append(f"for low, high in [(low + i, low + j) for i, j in pieces(data[low:high], {call.parts})]:")
        lines += [f"    {line}" for line in called]
    else:
        lines += called
    lines += [f"state[{slot!a}] = cells[{slot!a}].value" for slot in call.stored]
    if call.into:
        lines.append(f"state[{call.into!a}] = result if isinstance(result, int) else None")
    if call.into or call.stored:
        lines += ["if None in state.values():", "    return result"]
    return "\n".join(f"    {line}" for line in lines)


def _parts(call: CallPlan, data: str) -> list[str]:
    """What each of several parameters takes of the input."""
    if not call.delivered:
        return []
    kinds = [(str(a.role), a.size, a.slot) for a in (call.arguments[i] for i in call.takers)]
    return [
        f"cuttings = cut({data}, {len(kinds)})",
        f"parts = [part(d, *kind, at_start) for d, kind in zip(cuttings, {kinds!a})]",
    ]


def _type(argument: Argument) -> str:
    return "ctypes.c_void_p" if argument.carrier == "pointer" else f"ctypes.c_{argument.carrier}"


class _Names(NamedTuple):
    """How the input, or the piece that is passed, is called in the program."""

    address: str
    size: str
    data: str


def _arguments(call: CallPlan, names: _Names) -> str:
    return ", ".join(_EXPRESSIONS[type(value)](value, names) for value in meaning.values_of(call))


def _drawn(value: meaning.Drawn, names: _Names) -> str:
    return f"drawn({names.data}, {value.size}, {value.signed}, {value.position})"


_EXPRESSIONS: Final[Mapping[type[meaning.PassedValue], Callable[[Any, _Names], str]]] = {
    meaning.InputPlace: lambda _, names: names.address,
    meaning.InputSize: lambda _, names: names.size,
    meaning.PartPlace: lambda value, _: f"parts[{value.part}][0]",
    meaning.PartSize: lambda value, _: f"parts[{value.part}][1]",
    meaning.Drawn: _drawn,
    meaning.Chosen: lambda value, names: f"{value.values!r}[{_drawn(value.by, names)} % {len(value.values)}]",
    meaning.ConstantNumber: lambda value, _: str(value.value),
    meaning.ConstantText: lambda value, _: f"ctypes.cast(ctypes.c_char_p({value.data!r}), ctypes.c_void_p)",
    meaning.Area: lambda value, _: f"guarded(bytes({value.size}))",
    meaning.Capacity: lambda value, _: f"ctypes.byref(ctypes.c_uint{8 * value.width}({value.value}))",
    meaning.HeldHandle: lambda value, _: f"state.get({value.slot!a})",
    meaning.StoredHandle: lambda value, _: f"ctypes.byref(cells.setdefault({value.slot!a}, ctypes.c_void_p()))",
    meaning.Callback: lambda _, __: "ctypes.cast(NOTHING, ctypes.c_void_p)",
}
"""Each kind of value as an expression of Python."""
