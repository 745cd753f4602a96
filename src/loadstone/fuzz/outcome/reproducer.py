"""``repro.py``: a finding as a program that needs nothing but Python.

What files and users said - paths, titles, symbols, prototypes - reaches the program as literals only, in ASCII. What
the roles of arguments mean is written in :class:`loadstone.fuzz.plan.Role`.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import shlex
from pathlib import Path
from typing import Final

from loadstone.core.fuzzing import FuzzFinding
from loadstone.escape import printable
from loadstone.fuzz.parts import SEPARATOR, as_text, cut
from loadstone.fuzz.plan import Argument, CallPlan, Campaign, Heap, Role

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
CHECK = {check}


def guarded(data, at_start=False):
    """The bytes with an inaccessible page behind them (or before them)."""
    page, libc = mmap.PAGESIZE, ctypes.CDLL(None)
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    whole = -(-max(len(data), 1) // page) * page
    area = mmap.mmap(-1, whole + 2 * page)
    start = ctypes.addressof(ctypes.c_char.from_buffer(area))
    libc.mprotect(start, page, 0)
    libc.mprotect(start + page + whole, page, 0)
    at = start + page if at_start else start + page + whole - len(data)
    ctypes.memmove(at, data, len(data))
    KEPT.append(area)
    return at


KEPT = []
NOTHING = ctypes.CFUNCTYPE(ctypes.c_int)(lambda *_: 0)


def integer(data, size, signed, position):
    stop = len(data) - 8 * position
    return int.from_bytes(data[max(0, stop - size) : max(0, stop)].ljust(size, b"\\0"), "little", signed=signed)


SEPARATOR = {separator!r}


{cut}

{as_text}

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
{calls}
    return result


def child():
    library = ctypes.CDLL(LIBRARY)
    for data in INPUTS:
        result = run(library, data, {at_start})
        if CHECK and CHECK(data, result):
            print("the check says:", CHECK(data, result), flush=True)
            os._exit(1)
    os._exit(0)


def main():
    with open(LIBRARY, "rb") as file:
        if hashlib.sha256(file.read()).hexdigest() != SHA256:
            print("this is not the library the finding is about")
            return 2
    with tempfile.TemporaryDirectory() as tempfile.tempdir:  # what is delivered as a path lies there
        pid = os.fork()
        if pid == 0:
            signal.alarm(HANG_S)
            child()
        _, status = os.waitpid(pid, 0)
    if status == 0:
        print("nothing happened" + PLAIN)
        return 0
    if os.WIFSIGNALED(status):
        print("ended by", signal.Signals(os.WTERMSIG(status)).name)
    else:
        print("exited with", os.WEXITSTATUS(status))
    return 1


if __name__ == "__main__":
    sys.exit(main())
'''


_CHECK: Final = 'runpy.run_path(os.path.join(os.path.dirname(os.path.abspath(__file__)), "hooks.py"))["check"]'
"""The campaign's hooks are kept beside the program when its check is what failed."""


_SOURCE_OF_CUT: Final = inspect.getsource(cut)
_SOURCE_OF_AS_TEXT: Final = inspect.getsource(as_text)


def script(found: FuzzFinding, campaign: Campaign) -> str:
    """The program's text. It uses ctypes alone, refuses another library, and calls in a child."""
    path = os.path.abspath(campaign.library)
    return _TEMPLATE.format(
        title=printable(found.title),
        library=path,
        prototype=printable(campaign.prototype),
        sha256=hashlib.sha256(Path(path).read_bytes()).hexdigest(),
        inputs=[data.hex() for data in found.inputs],
        at_start=found.guard == "under",
        check=_CHECK if found.kind == "check" else None,
        hang=max(1, round(campaign.hang_s)),
        calls="\n".join(_call(number, call) for number, call in enumerate(campaign.calls)) + "\n",
        separator=SEPARATOR,
        plain=_with_guard(found, path, campaign),
        cut=_SOURCE_OF_CUT,
        as_text=_SOURCE_OF_AS_TEXT,
    )


def _with_guard(found: FuzzFinding, path: str, campaign: Campaign) -> str:
    """Where only a guarded heap shows it: the command that has one."""
    if found.heap == Heap.PLAIN or found.guard or not found.folder:
        return ""
    command = ["loadstone", "fuzz", path, campaign.prototype, "--heap", found.heap, "--seeds", found.folder]
    return ": a plain heap may not show it; " + printable(shlex.join([*command, "--first", "--time", "10"]))


def _call(number: int, call: CallPlan) -> str:
    """The lines of one call inside ``run``."""
    types = ", ".join(_type(a) for a in call.arguments)
    result = {"int": "ctypes.c_int", "pointer": "ctypes.c_void_p", "double": "ctypes.c_double"}.get(call.returns)
    lines = [
        f"f{number} = getattr(library, {call.symbol!a})",
        f"f{number}.argtypes, f{number}.restype = [{types}], {result}",
    ]
    if call.repeat:
        lines += [
            "count = 1 + (data[0] & 3 if data else 0)",
            "cuts = [len(data) * i // count for i in range(count + 1)]",
            "for low, high in zip(cuts, cuts[1:]):",
            *(f"    {line}" for line in _parts(call, "data[low:high]")),
            f"    result = f{number}({_arguments(call, 'address + low', 'high - low', 'data[low:high]')})",
        ]
    else:
        lines += _parts(call, "data")
        lines.append(f"result = f{number}({_arguments(call, 'address', 'len(data)', 'data')})")
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
        f"pieces = cut({data}, {len(kinds)})",
        f"parts = [part(d, *kind, at_start) for d, kind in zip(pieces, {kinds!a})]",
    ]


def _type(argument: Argument) -> str:
    return "ctypes.c_void_p" if argument.carrier == "pointer" else f"ctypes.c_{argument.carrier}"


def _arguments(call: CallPlan, address: str, size: str, data: str) -> str:
    return ", ".join(_argument(call, i, a, address, size, data) for i, a in enumerate(call.arguments))


def _argument(call: CallPlan, position: int, argument: Argument, address: str, size: str, data: str) -> str:
    takers = call.takers if call.delivered else ()
    if position in takers:
        return f"parts[{takers.index(position)}][0]"
    if argument.role is Role.LENGTH_OF and argument.of in takers:
        return f"parts[{takers.index(argument.of)}][1]"
    return _undelivered(call, position, argument, address, size, data)


def _undelivered(call: CallPlan, position: int, argument: Argument, address: str, size: str, data: str) -> str:
    match argument.role:
        case Role.BUFFER | Role.CSTRING | Role.RECORD | Role.PATH | Role.FILE | Role.DESCRIPTOR:
            return address
        case Role.LENGTH_OF:
            area = call.area_of(argument)
            return size if area is None else str(area)
        case Role.CAPACITY_OF:
            return f"ctypes.byref(ctypes.c_uint{8 * argument.size}({call.area_of(argument)}))"
        case Role.OUT:
            return f"guarded(bytes({argument.size}))"
        case Role.HANDLE:
            return f"state.get({argument.slot!a})"
        case Role.INTO:
            return f"ctypes.byref(cells.setdefault({argument.slot!a}, ctypes.c_void_p()))"
        case Role.CALLBACK:
            return "ctypes.cast(NOTHING, ctypes.c_void_p)"
        case Role.INTEGER:
            return f"integer({data}, {argument.size}, {argument.signed}, {position})"
        case Role.ONE_OF:
            number = f"integer({data}, {argument.size}, False, {position})"
            return f"{argument.values!r}[{number} % {len(argument.values)}]"
        case Role.CONST if argument.text is not None:
            return f"ctypes.cast(ctypes.c_char_p({argument.text.encode()!r}), ctypes.c_void_p)"
        case Role.CONST:
            return str(argument.value)
