"""What a rule over binaries is: a question, the reasons behind it, and the function that answers it for one image."""

from __future__ import annotations

from typing import ClassVar

from loadstone.core.claims import Confidence, Location
from loadstone.core.image import Image
from loadstone.quick_dataclass import dataclass
from loadstone.review.binary.places import Places
from loadstone.review.review_rule import ReviewRule

__all__ = ["BinaryRule", "Subject"]

_UNNAMED = "the bytes given"


@dataclass(frozen=True, slots=True)
class Subject:
    """The image under review, and the file system its paths are looked up in."""

    image: Image
    places: Places

    @property
    def path(self) -> str:
        """What the reader knows the image by."""
        return self.image.path or _UNNAMED

    def at(self, offset: int, size: int = 1) -> Location:
        """``size`` bytes at ``offset`` in the file."""
        return Location.bytes(self.path, offset, size)

    def table(self, kind: str) -> Location:
        """Where the segment of that kind stands in the file; the whole file when there is none."""
        for segment in self.image.segments:
            if segment.kind.removeprefix("PT_").upper() == kind:
                return self.at(segment.offset, max(segment.file_size, 1))
        return Location(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class BinaryRule(ReviewRule[Subject]):
    """One question about a binary. ``bad`` and ``good`` are commands that build one and the other."""

    confidence: ClassVar[Confidence] = Confidence.CERTAIN

    @property
    def applies_to(self) -> tuple[str, ...]:
        """The formats it is asked of."""
        return ("elf", "pe", "macho")
