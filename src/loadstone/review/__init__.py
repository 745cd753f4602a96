"""Review: questions asked of source code and of binaries, answered with evidence, findings, or neither.

Nothing that is reviewed is run, imported or loaded.
"""

from __future__ import annotations

from loadstone.review.binary import review_image

__all__ = ["review_image"]
