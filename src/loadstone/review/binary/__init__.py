"""Rules over binaries: questions asked of an image, answered from its headers and from the file system around it.

Adding a rule is adding a file with ``RULES`` and a row in the table below. Nothing here reads bytes: facts and their
file offsets come from the image.
"""

from __future__ import annotations

from typing import Final

from loadstone.core.claims import Claim
from loadstone.core.image import Image
from loadstone.review.binary import (
    disclosure,
    guarded_file,
    hardening,
    intact,
    load_time_code,
    needed_names,
    planting,
    run_times,
    search_path,
    surface,
)
from loadstone.review.binary.places import FileAccess, Places, PretendedPlaces, SystemPlaces
from loadstone.review.binary.rule import BinaryRule, Subject

__all__ = ["RULES", "BinaryRule", "FileAccess", "Places", "PretendedPlaces", "SystemPlaces", "review_image"]

RULES: Final[tuple[BinaryRule, ...]] = (
    *intact.RULES,
    *search_path.RULES,
    *needed_names.RULES,
    *planting.RULES,
    *guarded_file.RULES,
    *hardening.RULES,
    *load_time_code.RULES,
    *surface.RULES,
    *run_times.RULES,
    *disclosure.RULES,
)


def review_image(image: Image, view: Places | None = None) -> tuple[Claim, ...]:
    """Ask every binary rule of an image.

    Args:
        image: what was read from the file.
        view: the file system its path and search path are judged in; this system's own when left out.

    Returns evidence, findings, open questions and what does not apply, in the order of the rules. Reads permissions
    only; the file is not opened. Thread-safe. CWE-427, CWE-426, CWE-693, CWE-732 and others, as each rule says.
    """
    subject = Subject(image, SystemPlaces() if view is None else view)
    return tuple(claim for rule in RULES for claim in rule.ask(subject))
