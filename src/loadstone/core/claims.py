"""Claims: what Loadstone says about code, and how it knows.

A rule is a question asked at a site. Yes gives :class:`Evidence`, no gives :class:`Finding`, cannot tell gives
:class:`Undecided`, and a question without a site gives :class:`NotApplicable` - so the positive and the negative half
of a review come from one place and cannot disagree. Source rules, binary rules, linker diagnoses and probe
observations all end here; one verdict function, one SARIF writer and one set of reports serve them all.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from loadstone.core.counting import Share
from loadstone.core.practices import Practice
from loadstone.quick_dataclass import dataclass

__all__ = [
    "Claim",
    "Confidence",
    "Evidence",
    "Finding",
    "FlowStep",
    "Location",
    "LocationUnit",
    "NotApplicable",
    "Outcome",
    "Settler",
    "Severity",
    "Undecided",
]


class LocationUnit(StrEnum):
    """What a location counts: lines of text (from 1, last line included) or bytes of a file (from 0, end excluded)."""

    LINES = "lines"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file. ``start == end == 0`` with :attr:`LocationUnit.LINES` means the file as a whole.

    >>> str(Location.lines("a.c", 3, 5))
    'a.c:3-5'
    >>> str(Location.bytes("libz.so.1", 0x40, 56))
    'libz.so.1@0x40+56'
    """

    path: str
    start: int = 0
    end: int = 0
    unit: LocationUnit = LocationUnit.LINES

    @classmethod
    def lines(cls, path: str, start: int, end: int | None = None) -> Location:
        """Lines ``start`` to ``end``, both from 1 and included; one line when ``end`` is left out."""
        return cls(path, start, start if end is None else end)

    @classmethod
    def bytes(cls, path: str, offset: int, size: int = 1) -> Location:
        """``size`` bytes from ``offset`` in the file."""
        return cls(path, offset, offset + size, LocationUnit.BYTES)

    def __str__(self) -> str:
        if self.unit is LocationUnit.BYTES:
            return f"{self.path}@{self.start:#x}+{self.end - self.start}"
        if not self.start:
            return self.path
        return f"{self.path}:{self.start}" if self.end <= self.start else f"{self.path}:{self.start}-{self.end}"


class Outcome(StrEnum):
    """What a rule answered. The values are the words of the JSON contract."""

    YES = "yes"
    NO = "no"
    CANNOT_TELL = "cannot tell"
    NOT_APPLICABLE = "not applicable"


class Severity(StrEnum):
    """How bad a finding is if it is true; compare with :attr:`rank` (0 is least)."""

    NOTE = "note"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return _SEVERITIES.index(self)


_SEVERITIES = tuple(Severity)


class Confidence(StrEnum):
    """How sure a claim is, apart from how bad it would be."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


class Settler(StrEnum):
    """Which step would settle an undecided claim."""

    PROBE = "probe"
    FUZZ = "fuzz"
    HUMAN = "human"


@dataclass(frozen=True, slots=True)
class FlowStep:
    """One step of the path that shows a claim: a place and what happens there (``acquire``, ``use``, ``call`` ...)."""

    location: Location
    message: str
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What every answer to a rule has in common.

    ``rule`` is the rule's id, ``message`` a sentence for the reader, ``context`` the function, class or field the site
    belongs to, ``why`` the path that shows it, ``condition`` the build condition (``#if`` branch) it holds under.
    ``subject`` names what it is about where no line of source does: the dependency, the search path element, the symbol
    or the directory. It tells claims of one rule about one binary apart, whatever their sentences say.
    """

    outcome: ClassVar[Outcome]

    rule: str
    message: str
    location: Location
    practice: Practice | None = None
    confidence: Confidence = Confidence.CERTAIN
    context: str = ""
    condition: str = ""
    why: tuple[FlowStep, ...] = ()
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence(Claim):
    """Yes: a good practice is there. ``met`` of ``sites`` places have it; ``places`` are further lines that show it.

    ``share`` has the words of the message without its numbers, where a report may add up those of several files.
    """

    outcome: ClassVar[Outcome] = Outcome.YES

    met: int = 1
    sites: int = 1
    places: tuple[Location, ...] = ()
    share: Share | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Claim):
    """No: a weakness is at this place. ``cwe`` is its CWE number; ``blocking`` alone advises against loading."""

    outcome: ClassVar[Outcome] = Outcome.NO

    severity: Severity
    cwe: int | None = None
    fix: str = ""
    blocking: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided(Claim):
    """Cannot tell: ``reason`` says why, ``settled_by`` what would. ``blocking``: no verdict without an answer."""

    outcome: ClassVar[Outcome] = Outcome.CANNOT_TELL

    reason: str
    settled_by: Settler = Settler.HUMAN
    cwe: int | None = None
    blocking: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NotApplicable(Claim):
    """The question has no site here; said, never praised."""

    outcome: ClassVar[Outcome] = Outcome.NOT_APPLICABLE
