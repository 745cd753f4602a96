"""What breaks in every library of folders and archives when one library is replaced by another."""

from __future__ import annotations

import os

from loadstone.core.image import Image
from loadstone.linker.answers import Replacement, replacing
from loadstone.linker.request import LoaderModel
from loadstone.linker.surveys.survey import explanations
from loadstone.quick_dataclass import replace

__all__ = ["replacing_everywhere"]


def replacing_everywhere(
    *targets: str | os.PathLike[str], old: str, new: Image, named: str = "", model: LoaderModel | None = None
) -> Replacement:
    """As :func:`loadstone.linker.answers.replacing`, for each library of folders and archives.

    A library counts once, as itself: what it needs counts where it is found in the same place. Errors as
    :func:`~loadstone.linker.surveys.survey`.
    """
    whole = Replacement(old, named or new.path or "", ())
    for label, explained in explanations(*targets, model=model, bindings=True):
        asked = replacing(explained, old, new, named=whole.new)
        own = explained.graph.root.path
        if own in asked.users:
            broken = (replace(item, consumer=label) for item in asked.broken if item.consumer == own)
            whole = replace(whole, broken=(*whole.broken, *broken), users=(*whole.users, label))
    return whole
