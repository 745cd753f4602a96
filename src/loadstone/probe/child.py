"""The only code that runs beside foreign code: it does what the helper commands, one step a command, and says so.

It runs in a child forked from the helper, inside the sandbox. Once a library is loaded, nothing it says can be trusted;
the helper looks for itself. It ends by ``_exit`` alone, save for the command ``exit``, which is what it is for.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import resource
import signal
import socket
import threading
from collections.abc import Sequence
from time import monotonic, sleep
from typing import Any, Final, NamedTuple, NoReturn

from loadstone.probe.confine_linux import Sandbox, enter_sandbox
from loadstone.probe.foreign import Call, make
from loadstone.probe.linux.process import close_descriptors_but, restore_signals
from loadstone.probe.linux.syscalls import LIBC
from loadstone.probe.own_state import own_state
from loadstone.probe.protocol import MAX_TEXT, pack_record

__all__ = ["CHANNEL_LOST", "Orders", "run"]

CHANNEL_LOST: Final = 113
"""Exit status of a child whose channel was closed under it."""

_NOW: Final = 2  # RTLD_NOW
_LAZY: Final = 1
_GLOBAL: Final = 0x100  # RTLD_GLOBAL
_MAX_SHOWN: Final = 8
_MAX_WORDS: Final = 300
_PAUSE: Final = 0.002  # seconds for other threads
_CHANNEL_AT: Final = 900
"""Where the channel's descriptor is put, if there can be so many: out of the way of a library that counts from 3."""

_dlopen, _dlsym, _dlclose, _dlerror = LIBC.dlopen, LIBC.dlsym, LIBC.dlclose, LIBC.dlerror
_dlopen.restype, _dlopen.argtypes = ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_int)
_dlsym.restype, _dlsym.argtypes = ctypes.c_void_p, (ctypes.c_void_p, ctypes.c_char_p)
_dlclose.restype, _dlclose.argtypes = ctypes.c_int, (ctypes.c_void_p,)
_dlerror.restype, _dlerror.argtypes = ctypes.c_char_p, ()


class Orders(NamedTuple):
    """What a child is forked for. ``progress`` is a page shared with the helper: the index of the symbol at work."""

    nonce: bytes
    path: bytes
    file: int
    symbols: Sequence[bytes]
    sandbox: Sandbox
    progress: mmap.mmap
    threads: int = 0
    seconds: float = 0.0
    calls: Sequence[Call] = ()
    stride: int = 1  # cycles of one command to load and unload many times
    preload: Sequence[bytes] = ()  # loaded first and kept: what its host brings, sanitizers that cannot be loaded twice


def run(orders: Orders, channel: socket.socket, output: int) -> NoReturn:
    """Set up, then obey. Never returns, whatever happens."""
    status = CHANNEL_LOST
    try:
        channel = _arrange(channel, output, orders)

        def hand_over(listener: int) -> None:  # closed before the set-up is called done: it must not be seen open
            socket.send_fds(channel, [pack_record(orders.nonce, {"listener": True})], [listener])
            os.close(listener)

        layers, unnotified = enter_sandbox(orders.sandbox, hand_over)
        name = _reachable(orders)
        told = {"layers": layers, "unnotified": unnotified, "loaded_as": os.fsdecode(name), "state": own_state()}
        channel.send(pack_record(orders.nonce, {"done": "setup", **told}))
        _Child(orders, name, channel).obey()
    except OSError as error:
        _last_words(channel, orders, f"{error.strerror or error}")
    finally:
        os._exit(status)


def _last_words(channel: socket.socket, orders: Orders, words: str) -> None:
    try:
        channel.send(pack_record(orders.nonce, {"failed": words}))
    except OSError:
        os._exit(CHANNEL_LOST)


def _arrange(channel: socket.socket, output: int, orders: Orders) -> socket.socket:
    """Descriptors, signals, folder and environment as a fresh C program would have them."""
    signal.set_wakeup_fd(-1)
    restore_signals()
    os.setsid()
    os.umask(0o022)
    null = os.open(os.devnull, os.O_RDONLY)
    for number, source in ((0, null), (1, output), (2, output)):
        os.dup2(source, number)
    number = min(_CHANNEL_AT, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 1)
    os.dup2(channel.detach(), number, inheritable=False)
    close_descriptors_but(0, 1, 2, orders.file, number, *_opened(orders.sandbox))
    os.chdir(orders.sandbox.scratch)
    for name in ("HOME", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        os.environ[name] = orders.sandbox.scratch
    return socket.socket(fileno=number)


def _opened(sandbox: Sandbox) -> tuple[int, ...]:
    """What the sandbox still needs, and closes."""
    return (sandbox.tree,) if sandbox.tree >= 0 else ()


def _reachable(orders: Orders) -> bytes:
    """The name to load by: the path, if the confined child may open that very file by it, else its descriptor.

    Asked with stat and access, which are not watched: the sandbox is up already.
    """
    wanted = os.fstat(orders.file)
    try:
        there = os.stat(orders.path)
    except OSError:
        there = None
    same = there is not None and (there.st_dev, there.st_ino) == (wanted.st_dev, wanted.st_ino)
    if same and os.access(orders.path, os.R_OK):
        return orders.path
    return b"/proc/self/fd/%d" % orders.file


class _Child:
    """The state between commands: the handle, and the thread test's counts."""

    def __init__(self, orders: Orders, name: bytes, channel: socket.socket) -> None:
        self._orders = orders
        self._name = name
        self._channel = channel
        self._handle: int | None = None
        self._prepared = False
        self._called = 0
        self._results: dict[str, Any] = {}

    def obey(self) -> NoReturn:
        steps = {
            b"load": self._first_load,
            b"lazy": self._lazy,
            b"resolve": self._resolve,
            b"call": self._call,
            b"unload": self._unload,
            b"pause": self._pause,
            b"reload": self._reload,
            b"reloads": self._reloads,
            b"threads": self._threads,
        }
        while True:
            command = self._channel.recv(64)
            if command == b"exit":
                LIBC.exit(0)
            step = steps.get(command)
            if step is None:
                os._exit(CHANNEL_LOST)
            self._channel.send(pack_record(self._orders.nonce, {"done": command.decode(), **step()}))

    def _load(self, flags: int = _NOW) -> dict[str, Any]:
        if not self._prepared:
            self._prepared = True
            for name in self._orders.preload:
                if not _dlopen(name, _NOW | _GLOBAL):
                    return {"error": f"what was to be loaded before it cannot be: {_error()}"[:MAX_TEXT]}
        self._handle = _dlopen(self._name, flags)
        return {} if self._handle else {"error": _error()}

    def _first_load(self) -> dict[str, Any]:
        return {**self._load(), "state": own_state()}

    def _lazy(self) -> dict[str, Any]:
        return self._load(_LAZY)

    def _resolve(self) -> dict[str, Any]:
        handle, progress, count = self._handle, self._orders.progress, 0
        failed: list[tuple[str, str]] = []
        for index, name in enumerate(self._orders.symbols, start=1):
            progress[:4] = index.to_bytes(4, "little")
            if not _dlsym(handle, name) and (words := _dlerror()):  # a symbol may well be 0: versions are
                count += 1
                if len(failed) < _MAX_SHOWN:
                    failed.append((_shown(name), _shown(words)))
        progress[:4] = bytes(4)
        return {"unresolved": failed, "failures": count}

    def _call(self) -> dict[str, Any]:
        """The next of the calls."""
        call = self._orders.calls[self._called]
        self._called += 1
        self._orders.progress[4:8] = self._called.to_bytes(4, "little")
        address = _dlsym(self._handle, os.fsencode(call[0]))
        if not address:
            return {"error": _shown(_dlerror() or b"it is not a function")}
        shown = make(address, call, self._results)
        self._orders.progress[4:8] = bytes(4)
        return {"returned": shown[:_MAX_WORDS]}

    def _unload(self) -> dict[str, Any]:
        if _dlclose(self._handle):
            return {"error": _error()}
        self._handle = None
        return {}

    def _pause(self) -> dict[str, Any]:
        sleep(_PAUSE)
        return {}

    def _reload(self) -> dict[str, Any]:
        return self._load() or self._unload() or {"in_use": _bytes_in_use()}

    def _reloads(self) -> dict[str, Any]:
        for _ in range(self._orders.stride):
            trouble = self._load() or self._unload()
            if trouble:
                return trouble
        return {"in_use": _bytes_in_use()}

    def _threads(self) -> dict[str, Any]:
        counts = [0] * self._orders.threads
        end = monotonic() + self._orders.seconds
        workers = [threading.Thread(target=self._work, args=(counts, i, end), daemon=True) for i in range(len(counts))]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return {"cycles": sum(counts)}

    def _work(self, counts: list[int], index: int, end: float) -> None:
        while monotonic() < end:
            handle = _dlopen(self._name, _NOW)
            if not handle:
                continue
            for name in self._orders.symbols[:_MAX_SHOWN]:
                _dlsym(handle, name)
            results: dict[str, Any] = {}
            for call in self._orders.calls:
                address = _dlsym(handle, os.fsencode(call[0]))
                if address:
                    make(address, call, results)
            _dlclose(handle)
            counts[index] += 1


def _error() -> str:
    return (_dlerror() or b"the loader gave no reason").decode(errors="replace")[:MAX_TEXT]


def _shown(text: bytes) -> str:
    """As much of a name or of words as a record has room for, whatever they take in JSON."""
    return text.decode(errors="replace")[:_MAX_WORDS]


def _bytes_in_use() -> int | None:
    """What malloc says is allocated, where it says so (glibc 2.33 and newer; mallinfo(3))."""
    return _mallinfo().used if _mallinfo is not None else None


class _MallInfo(ctypes.Structure):
    _fields_ = (("before", ctypes.c_size_t * 7), ("used", ctypes.c_size_t), ("after", ctypes.c_size_t * 2))

    used: int


_mallinfo = getattr(LIBC, "mallinfo2", None)
if _mallinfo is not None:
    _mallinfo.restype, _mallinfo.argtypes = _MallInfo, ()
