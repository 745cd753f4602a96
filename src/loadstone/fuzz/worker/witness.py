"""Watch one replay: which values its comparing instructions met, which blocks it reached; from outside, by ptrace."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

from loadstone.fuzz.child.main import DEEPER
from loadstone.fuzz.plan import Compare, Operand
from loadstone.fuzz.worker.ends import CRASHES
from loadstone.fuzz.worker.solve import Seen
from loadstone.fuzz.worker.tracer import ChildStop, Traced
from loadstone.fuzz.worker.watched import Watched

__all__ = ["Met", "watch_blocks", "watch_compares"]

_LOOKS: Final = 12
"""Times one instruction is looked at: loops compare the same thing again and again."""
_MAX_STOPS: Final = 3000
_POLL_S: Final = 0.05


class Met(NamedTuple):
    """What one replay met: both sides of comparisons that differed, and how often each instruction compared."""

    seen: tuple[Seen, ...] = ()
    counts: frozenset[tuple[int, int]] = frozenset()


def watch_compares(traced: Traced, compares: Iterable[Compare], limit_s: float) -> Met:
    """The comparisons that a stopped child makes from here to its end, or for ``limit_s`` seconds."""
    known = {compare.address: compare for compare in compares}
    traced.arm({address: compare.byte for address, compare in known.items()})
    looks: Counter[int] = Counter()
    seen: list[Seen] = []
    end = time.monotonic() + limit_s
    traced.resume()
    while time.monotonic() < end and looks.total() < _MAX_STOPS:
        stop = traced.poll()
        if stop.running:
            signal.sigtimedwait([signal.SIGCHLD], _POLL_S)
        elif (address := _trapped(traced, stop)) is None:
            break
        else:
            looks[address] += 1
            met = _met(traced, known[address])
            if met:
                seen.append(met)
            if looks[address] < _LOOKS:
                if traced.step().signal != signal.SIGTRAP:
                    break
                traced.set_again(address, known[address].byte)
            traced.resume()
    return Met(tuple(seen), frozenset(looks.items()))


def watch_blocks(traced: Traced, watched: Watched, limit_s: float) -> list[tuple[int, ...]]:
    """The blocks that each input of a replay reaches, in order; of those only that came to their end in time.

    The child says before each input that one begins (:data:`~loadstone.fuzz.child.main.DEEPER`): what was reached by
    the one before is watched again.
    """
    runs: list[dict[int, int]] = []
    again = watched.anew()
    traced.arm(again.now())
    end = time.monotonic() + limit_s
    traced.resume()
    while time.monotonic() < end:
        stop = traced.poll()
        if stop.running:
            signal.sigtimedwait([signal.SIGCHLD], _POLL_S)
        elif (block := _trapped(traced, stop)) is not None:
            if runs:
                runs[-1][block] = watched.byte(block)
            traced.arm(again.reached(block))
            traced.resume()
        elif stop.signal == DEEPER:
            traced.arm(runs[-1] if runs else {})
            runs.append({})
            traced.resume()
        elif stop.signal is not None and stop.signal not in CRASHES:
            traced.resume(stop.signal)
        else:
            return [tuple(reached) for reached in runs]
    return [tuple(reached) for reached in runs[:-1]]


def _trapped(traced: Traced, stop: ChildStop) -> int | None:
    return traced.hit() if stop.signal == signal.SIGTRAP else None


def _met(traced: Traced, compare: Compare) -> Seen | None:
    registers = traced.registers() | {"": 0, "base": traced.base}
    left, right = (_value(traced, registers, side, compare.width) for side in (compare.left, compare.right))
    return (left, right) if left and right and left != right else None


def _value(traced: Traced, registers: dict[str, int], side: Operand, width: int) -> bytes:
    """The bytes of one side, least first; empty where it cannot be read."""
    number = side.offset + registers[side.register] + registers[side.index] * side.scale
    if side.memory:
        found = traced.read(number & 0xFFFFFFFFFFFFFFFF, width)
        return found if len(found) == width else b""
    return (number & ((1 << 8 * width) - 1)).to_bytes(width, "little")
