"""From what was watched to an outcome. Runs in the helper; pure but for what the watch already holds."""

from __future__ import annotations

import os
import signal
from typing import Final

from loadstone.core.observations import ObservationKind as Kind
from loadstone.core.observations import Phase
from loadstone.core.observations import ProbeOutcome as Outcome
from loadstone.probe.answer import CountedObservation, ProbeAnswer
from loadstone.probe.child import CHANNEL_LOST
from loadstone.probe.confine_linux import MEMORY_LIMIT
from loadstone.probe.observers.snapshot import signal_name
from loadstone.probe.scripts import Findings
from loadstone.probe.watch import Watch

__all__ = ["outcome_of", "settle"]

_AT_LIMIT: Final = MEMORY_LIMIT * 3 // 4
_FAULTS: Final = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGABRT, signal.SIGSYS})
"""Signals that are a crash even when the library handles them; others (SIGILL) probe for processor features."""


def outcome_of(watch: Watch) -> Outcome:
    """How the run ended, and whether that is the sandbox's doing: memory was refused that a host might well have."""
    outcome = _as_it_ended(watch)
    refused = any(kind is Kind.MEMORY_REFUSED for kind, *_ in watch.observations)
    return Outcome.DENIED if refused and outcome in _AFTER_REFUSAL else outcome


_AFTER_REFUSAL: Final = frozenset({Outcome.CRASH, Outcome.EXITED, Outcome.LOAD_ERROR, Outcome.MEMORY_LIMIT})
"""How a library ends that does not get the memory it asks for."""


def _as_it_ended(watch: Watch) -> Outcome:
    """The strongest reason first."""
    at_limit = watch.memory_peak >= _AT_LIMIT
    if watch.outcome is Outcome.HANG:
        return Outcome.MEMORY_LIMIT if at_limit else Outcome.HANG
    if watch.outcome is not None:
        return watch.outcome
    if watch.status is None:
        return Outcome.HANG
    if os.WIFSIGNALED(watch.status):
        return _by_signal(os.WTERMSIG(watch.status), at_limit=at_limit)
    code = os.WEXITSTATUS(watch.status)
    if any(crash.signal in _FAULTS for crash in watch.crashes):
        return Outcome.CRASH
    if watch.phase is Phase.SETUP:
        return Outcome.NOT_RUN
    if watch.phase is Phase.EXIT and code == 0:
        return Outcome.SLOW if watch.slow else Outcome.OK
    if at_limit:
        return Outcome.MEMORY_LIMIT
    if code == CHANNEL_LOST:
        return Outcome.LOST_CHANNEL
    replaced = watch.renamed if watch.unnotified else watch.exec_seen and watch.exit_status is None
    return Outcome.EXEC_REPLACED if replaced else Outcome.EXITED


def _by_signal(number: int, *, at_limit: bool) -> Outcome:
    if number == signal.SIGXCPU:
        return Outcome.HANG
    if number == signal.SIGXFSZ:
        return Outcome.OUTPUT_LIMIT
    return Outcome.MEMORY_LIMIT if at_limit else Outcome.CRASH


def _hidden(number: int, outcome: Outcome) -> Kind:
    """What a fault is that the library handled: an instruction that is not known is how processors are asked."""
    asks = number == signal.SIGILL and outcome in (Outcome.OK, Outcome.SLOW)
    return Kind.SIGNAL_SENT if asks else Kind.CRASH_HIDDEN


def settle(watch: Watch, found: Findings, symbol: str) -> ProbeAnswer:
    """The answer to the caller; ``symbol`` was being resolved or called at the end."""
    outcome = outcome_of(watch)
    deadly = os.WTERMSIG(watch.status) if watch.status is not None and os.WIFSIGNALED(watch.status) else None
    own = deadly if watch.outcome is None else None
    ended_it = next((seen for seen in reversed(watch.crashes) if seen.signal == own), None)
    crash = ended_it or next(iter(watch.crashes), None)
    if crash is not None and crash.signal != own:
        for (number, phase), times in watch.faults.items():
            text = f"{signal_name(number)} was raised and handled by the library itself"
            watch.note(_hidden(number, outcome), text, phase=phase, times=times)
    for number in sorted(watch.sent_by_itself):
        if not any(key[0] is Kind.SIGNAL_SENT and signal_name(number) in key[3].split() for key in watch.observations):
            watch.note(Kind.SIGNAL_SENT, f"{signal_name(number)} was sent by the library to its own process")
    if watch.forged:
        watch.note(Kind.FORGED_RECORD, f"{watch.forged} forged records were sent over the probe's own channel")
    if watch.output_size:
        shown = bytes(watch.output[:200]).decode(errors="replace")
        watch.note(Kind.OUTPUT, f"{watch.output_size:,} bytes of output: {shown!r}")
    if watch.memory_peak >= _AT_LIMIT and outcome is not Outcome.MEMORY_LIMIT:
        watch.note(Kind.MEMORY_PEAK, f"it used {watch.memory_peak >> 20} MiB of memory")
    if outcome is Outcome.NOT_RUN:
        watch.note(Kind.NOT_RUN, watch.words or "the child ended before it was set up", phase=Phase.SETUP)
    return ProbeAnswer(
        outcome=outcome,
        phase=watch.phase,
        signal=own if outcome not in (Outcome.OK, Outcome.SLOW) else None,
        crash=crash if outcome is Outcome.CRASH else None,
        symbol=symbol,
        stacks=tuple(watch.stacks) if outcome is Outcome.HANG else (),
        observations=tuple(CountedObservation(*key, count) for key, count in watch.observations.items()),
        layers=tuple(found.layers),
        traced=watch.traced,
        notified=watch.unnotified,
        loaded_as=found.loaded_as,
        mapped=tuple(sorted(watch.mapped)),
        objects=tuple(found.objects),
        unmapped=found.unmapped,
        kept=tuple(found.kept),
        blind=found.blind,
        shared=found.shared,
        unlisted=found.unlisted,
        cycles=found.cycles,
        series=tuple((name, tuple(looks)) for name, looks in found.series.items()),
    )
