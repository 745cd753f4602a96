"""The result of the main job: everything found out about one target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadstone.core.claims import Claim
from loadstone.core.image import Image
from loadstone.core.trace import Explanation, Trace
from loadstone.core.verdict import Verdict
from loadstone.quick_dataclass import dataclass

if TYPE_CHECKING:
    from loadstone.core.observations import ProbeReport

__all__ = ["Examination"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """Everything found out about one target.

    ``location`` is how it was found; ``image`` what is in it (None when it could not be read as a binary);
    ``explanation`` whether it would load here; ``claims`` every evidence, finding and open question; ``reasons`` the
    claims that made the verdict; ``probe`` what was observed when it ran, if it was allowed to. ``disagreement`` says
    how the real loader contradicted the explanation, which is a fault of Loadstone; empty as it should be.
    """

    target: str
    verdict: Verdict
    reasons: tuple[Claim, ...]
    location: Trace
    image: Image | None = None
    explanation: Explanation | None = None
    claims: tuple[Claim, ...] = ()
    probe: ProbeReport | None = None
    disagreement: str = ""
