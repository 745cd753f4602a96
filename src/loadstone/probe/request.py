"""What the caller asks of the helper: one probe, as a frozen value on both sides of their socket."""

from __future__ import annotations

from loadstone.quick_dataclass import dataclass

__all__ = ["ProbeRequest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeRequest:
    """One course of one library.

    ``script`` names the course; ``timeout`` is in seconds, ``deadline`` a time of the monotonic clock that all
    processes share. ``symbols`` are resolved, ``cycles`` loads made by a soak, ``threads`` used for ``seconds``.
    ``require`` names layers without which nothing runs; ``run_times`` and ``preload`` are loaded first; ``readable``
    and ``home`` say what the library may read. ``calls`` is JSON of :mod:`loadstone.probe.calls`. ``scratch`` is the
    folder that scratch folders are made in.
    """

    script: str
    path: str
    symbols: tuple[str, ...] = ()
    timeout: float
    deadline: float
    cycles: int = 0
    require: tuple[str, ...] = ()
    run_times: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()
    home: str
    scratch: str = ""
    trace: bool = True
    notify: bool = True
    threads: int = 0
    seconds: float = 0
    calls: str = "[]"
