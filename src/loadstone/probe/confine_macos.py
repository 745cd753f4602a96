"""The sandbox on macOS: a profile of its own, resource limits, a responsible process. Tested with fakes; UNRUN.

The profile denies by default and is applied by the child to itself (sandbox_init) before the library is loaded; crashes
arrive at the parent's exception port. Hardened-runtime rules may refuse to load a foreign library at all: that is
``denied``, not a fault of the library. Sources: sandbox(7), sandbox_init(3), getrlimit(2), mach/exception_types.h.
Nothing here was run on a real system.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from loadstone.core.observations import ProbeOutcome
from loadstone.probe.confine import Trial

__all__ = ["LAYERS", "MacSandbox", "Seatbelt", "outcome_of_exception", "profile"]

LAYERS: Final = ("limits", "sandbox")

_CRASHES: Final = {  # mach/exception_types.h
    1: "EXC_BAD_ACCESS",
    2: "EXC_BAD_INSTRUCTION",
    3: "EXC_ARITHMETIC",
    6: "EXC_BREAKPOINT",
    10: "EXC_CRASH",
}
_RESOURCE: Final = 11  # EXC_RESOURCE
_GUARD: Final = 12  # EXC_GUARD


def profile(scratch: str) -> str:
    r"""The sandbox profile: read everywhere, write below ``scratch`` only, no network, no other process.

    >>> print(profile('/tmp/a"b').splitlines()[-1])
    (allow file-write* (subpath "/tmp/a\"b"))
    """
    quoted = scratch.replace("\\", "\\\\").replace('"', '\\"')
    return "\n".join(
        (
            "(version 1)",
            "(deny default)",
            "(allow file-read* file-map-executable sysctl-read mach-lookup)",
            "(allow signal process-info* (target self))",
            "(deny network* process-fork process-exec*)",
            f'(allow file-write* (subpath "{quoted}"))',
        )
    )


class Seatbelt(Protocol):
    """The calls this needs; a real one goes through ctypes, tests give a fake. Each raises OSError."""

    def limit(self, process: int) -> None:
        """Setrlimit in the suspended child: data, file size, processor time, no core."""
        ...

    def apply(self, process: int, rules: str) -> None:
        """sandbox_init with the profile, in the suspended child."""
        ...

    def attempt(self, process: int, what: str) -> Trial:
        """Have the child try something, and say what came of it."""
        ...


_TRIALS: Final = {"limits": "take more memory than the limit", "sandbox": "write beside the scratch folder"}


class MacSandbox:
    """An :class:`~loadstone.probe.confine.OuterSandbox` of two layers."""

    def __init__(self, system: Seatbelt, scratch: str) -> None:
        self._system = system
        self._scratch = scratch

    @property
    def layers(self) -> Sequence[str]:
        return LAYERS

    def apply_layer(self, name: str, process: int) -> None:
        """Raise one layer in a suspended child."""
        if name == "limits":
            self._system.limit(process)
        else:
            self._system.apply(process, profile(self._scratch))

    def try_layer(self, name: str, process: int) -> Trial:
        """Let the child attempt what the layer must refuse."""
        return self._system.attempt(process, _TRIALS[name])


def outcome_of_exception(kind: int) -> tuple[ProbeOutcome, str]:
    """The outcome of a Mach exception, and its name.

    >>> outcome_of_exception(1)
    (<ProbeOutcome.CRASH: 'crash'>, 'EXC_BAD_ACCESS')
    """
    if kind == _RESOURCE:
        return ProbeOutcome.MEMORY_LIMIT, "EXC_RESOURCE"
    if kind == _GUARD:
        return ProbeOutcome.DENIED, "EXC_GUARD"
    return ProbeOutcome.CRASH, _CRASHES.get(kind, f"exception {kind}")
