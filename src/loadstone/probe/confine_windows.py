"""The sandbox on Windows: a job object, a restricted token and process mitigations. Tested with fakes; UNRUN.

The child is started suspended (CREATE_SUSPENDED), confined, tried and only then resumed, with a debugger attached: load
events, exceptions and exits arrive as debug events. Sources: Win32 "Job Objects", "Restricted Tokens",
"SetProcessMitigationPolicy", "Debugging Events". Nothing here was run on a real system.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from loadstone.core.observations import ProbeOutcome
from loadstone.probe.confine import Trial

__all__ = ["LAYERS", "JobLimits", "Win32", "WindowsSandbox", "outcome_of_exit"]

LAYERS: Final = ("job", "token", "mitigations")

_MEMORY: Final = 512 << 20
_PROCESSES: Final = 8

_EXCEPTIONS: Final[Mapping[int, str]] = {  # ntstatus.h
    0xC0000005: "access violation",
    0xC000001D: "illegal instruction",
    0xC0000094: "integer divide by zero",
    0xC00000FD: "stack overflow",
    0xC0000409: "fail fast",
    0xC0000374: "heap corruption",
    0x80000003: "breakpoint",
}
_QUOTA: Final = 0xC0000044  # STATUS_QUOTA_EXCEEDED
_NO_MEMORY: Final = 0xC0000017  # STATUS_NO_MEMORY


class JobLimits(NamedTuple):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION and the user-interface limits, in part."""

    memory: int = _MEMORY
    processes: int = _PROCESSES
    kill_on_close: bool = True
    no_desktop: bool = True


class Win32(Protocol):
    """The calls this needs; a real one goes through ctypes, tests give a fake. Each raises OSError."""

    def assign_job(self, process: int, limits: JobLimits) -> None:
        """CreateJobObjectW, SetInformationJobObject, AssignProcessToJobObject."""
        ...

    def restrict_token(self, process: int) -> None:
        """CreateRestrictedToken(DISABLE_MAX_PRIVILEGE), low integrity, NtSetInformationProcess."""
        ...

    def set_mitigations(self, process: int) -> None:
        """No child processes, no remote images, no win32k calls: UpdateProcThreadAttribute."""
        ...

    def attempt(self, process: int, what: str) -> Trial:
        """Have the suspended process try something by a remote call, and say what came of it."""
        ...


_TRIALS: Final = {
    "job": "start one process more than the limit",
    "token": "write to a folder of the user",
    "mitigations": "start a process",
}


class WindowsSandbox:
    """An :class:`~loadstone.probe.confine.OuterSandbox` of three layers."""

    def __init__(self, system: Win32, limits: JobLimits | None = None) -> None:
        self._system = system
        self._limits = limits or JobLimits()

    @property
    def layers(self) -> Sequence[str]:
        return LAYERS

    def apply_layer(self, name: str, process: int) -> None:
        """Raise one layer round a suspended process."""
        steps: dict[str, Callable[[], None]] = {
            "job": lambda: self._system.assign_job(process, self._limits),
            "token": lambda: self._system.restrict_token(process),
            "mitigations": lambda: self._system.set_mitigations(process),
        }
        steps[name]()

    def try_layer(self, name: str, process: int) -> Trial:
        """Let the process attempt what the layer must refuse."""
        return self._system.attempt(process, _TRIALS[name])


def outcome_of_exit(code: int, *, completed: bool, ended_by_us: bool) -> tuple[ProbeOutcome, str]:
    """The outcome of an ended child, and the exception's name if there was one.

    >>> outcome_of_exit(0xC0000005, completed=False, ended_by_us=False)
    (<ProbeOutcome.CRASH: 'crash'>, 'access violation')
    """
    if ended_by_us:
        return ProbeOutcome.HANG, ""
    if code in (_QUOTA, _NO_MEMORY):
        return ProbeOutcome.MEMORY_LIMIT, ""
    if code in _EXCEPTIONS:
        return ProbeOutcome.CRASH, _EXCEPTIONS[code]
    return (ProbeOutcome.OK if completed and code == 0 else ProbeOutcome.EXITED), ""
