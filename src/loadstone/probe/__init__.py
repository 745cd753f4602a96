"""Run-time testing of a library: load, resolve, unload and load again, in a confined child, and say what was seen.

``probe`` never loads anything in the caller's process and never forks it: a helper program is started once, forks a
child for every probe and watches it with the kernel as witness. ``claims`` turns what was seen into evidence, findings
and open questions. A probe is an observation of one run; it never says "safe".
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from loadstone.lazy_exports import imported

if TYPE_CHECKING:
    from loadstone.core.observations import CrashRecord as CrashRecord
    from loadstone.core.observations import Observation as Observation
    from loadstone.core.observations import ObservationKind as ObservationKind
    from loadstone.core.observations import Phase as Phase
    from loadstone.core.observations import ProbeOutcome as ProbeOutcome
    from loadstone.core.observations import ProbeReport as ProbeReport
    from loadstone.core.observations import Witness as Witness
    from loadstone.probe.calls import ProbeCall as ProbeCall
    from loadstone.probe.calls import read_calls as read_calls
    from loadstone.probe.judgement import claims as claims
    from loadstone.probe.parent import probe as probe
    from loadstone.probe.pool import close_helpers as close_helpers

_HOME_OF: Final = {
    "CrashRecord": "loadstone.core.observations",
    "Observation": "loadstone.core.observations",
    "ObservationKind": "loadstone.core.observations",
    "Phase": "loadstone.core.observations",
    "ProbeCall": "loadstone.probe.calls",
    "ProbeOutcome": "loadstone.core.observations",
    "ProbeReport": "loadstone.core.observations",
    "Witness": "loadstone.core.observations",
    "claims": "loadstone.probe.judgement",
    "close_helpers": "loadstone.probe.pool",
    "probe": "loadstone.probe.parent",
    "read_calls": "loadstone.probe.calls",
}

__all__ = [
    "CrashRecord",
    "Observation",
    "ObservationKind",
    "Phase",
    "ProbeCall",
    "ProbeOutcome",
    "ProbeReport",
    "Witness",
    "claims",
    "close_helpers",
    "probe",
    "read_calls",
]


def __getattr__(name: str) -> Any:
    return imported(sys.modules[__name__], _HOME_OF, name)
