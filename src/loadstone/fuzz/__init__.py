"""Coverage-guided fuzzing of a closed library, in a confined child.

``fuzz`` takes a library, a C prototype and the roles of its arguments, and needs neither source nor compiler. The names
arrive on first use: the worker process imports this package without any third-party module.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from loadstone.lazy_exports import imported

if TYPE_CHECKING:
    from loadstone.core.fuzzing import FuzzFinding as FuzzFinding
    from loadstone.core.fuzzing import FuzzProgress as FuzzProgress
    from loadstone.core.fuzzing import FuzzReport as FuzzReport
    from loadstone.fuzz.campaign import export_harness as export_harness
    from loadstone.fuzz.campaign import fuzz as fuzz
    from loadstone.fuzz.campaign import minimise as minimise
    from loadstone.fuzz.campaign import propose as propose
    from loadstone.fuzz.plan import Heap as Heap
    from loadstone.fuzz.plan import Role as Role

_HOME_OF: Final = {
    "FuzzFinding": "loadstone.core.fuzzing",
    "FuzzProgress": "loadstone.core.fuzzing",
    "FuzzReport": "loadstone.core.fuzzing",
    "Heap": "loadstone.fuzz.plan",
    "Role": "loadstone.fuzz.plan",
    "export_harness": "loadstone.fuzz.campaign",
    "fuzz": "loadstone.fuzz.campaign",
    "minimise": "loadstone.fuzz.campaign",
    "propose": "loadstone.fuzz.campaign",
}

__all__ = ["FuzzFinding", "FuzzProgress", "FuzzReport", "Heap", "Role", "export_harness", "fuzz", "minimise", "propose"]


def __getattr__(name: str) -> Any:
    return imported(sys.modules[__name__], _HOME_OF, name)
