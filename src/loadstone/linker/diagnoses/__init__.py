"""Why a load fails or is at risk: one failure a table row, detection and words together.

:data:`REFUSED` leads from what the simulation refused to the function that explains it; :data:`RISKS` are questions
asked of a load that goes through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from loadstone.core.trace import Diagnosis
from loadstone.linker.diagnoses.auditors import auditors
from loadstone.linker.diagnoses.case import SimulatedLoad
from loadstone.linker.diagnoses.missing import missing
from loadstone.linker.diagnoses.refused import refused
from loadstone.linker.diagnoses.risks import RISKS
from loadstone.linker.diagnoses.symbols import undefined
from loadstone.linker.diagnoses.unusable import unusable
from loadstone.linker.diagnoses.versions import version_not_found
from loadstone.linker.graph import Refusal

__all__ = ["REFUSED", "RISKS", "SimulatedLoad", "auditors", "diagnose", "risks"]

REFUSED: Final[dict[str, Callable[[SimulatedLoad, Refusal], Diagnosis]]] = {
    "not-found": missing,
    "unusable-file": unusable,
    "version-not-found": version_not_found,
    "undefined-symbol": undefined,
    "undefined-lazy": undefined,
    "unversioned-provider": undefined,
}


def diagnose(case: SimulatedLoad, refusal: Refusal) -> Diagnosis:
    """One refusal explained."""
    return REFUSED.get(refusal.code, refused)(case, refusal)


def risks(case: SimulatedLoad) -> Iterator[Diagnosis]:
    """What could go wrong although the load goes through."""
    for detect in RISKS:
        yield from detect(case)
