"""One binary under review: its images put to the binary rules, as an outcome of the run."""

from __future__ import annotations

import os

from loadstone.binary import images
from loadstone.core.claims import Location
from loadstone.core.fingerprints import fingerprints
from loadstone.core.review import Limit, LimitKind, Result, ReviewedFile
from loadstone.errors import LoadstoneError
from loadstone.review.batch import BatchOutcome
from loadstone.review.binary import Places, review_image

__all__ = ["review_binary"]


def review_binary(path: str, source: str | os.PathLike[str] | bytes, places: Places | None = None) -> BatchOutcome:
    """What the binary rules say of every image in a file; that it cannot be read is a gap.

    Args:
        path: what the file is called in the report.
        source: the file, or its bytes.
        places: the file system its paths are judged in; this system's own when left out.
    """
    try:
        found = images(source, path=path)
    except LoadstoneError as error:
        return BatchOutcome(limits=(Limit(LimitKind.UNREADABLE, Location(path), error.message, gap=True),))
    claims = [claim for image in found for claim in review_image(image, places)]
    results = tuple(Result(c, f) for c, f in zip(claims, fingerprints(claims), strict=True))
    formats = "/".join(sorted({image.format.value for image in found}))
    return BatchOutcome(results, files=(ReviewedFile(path, formats, is_binary=True),))
