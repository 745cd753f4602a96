"""What a source rule is: a question about the facts of one program."""

from __future__ import annotations

from loadstone.quick_dataclass import dataclass
from loadstone.review.analyses import Facts
from loadstone.review.ir import Language
from loadstone.review.review_rule import ReviewRule

__all__ = ["Rule"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(ReviewRule[Facts]):
    """One question about source code. ``bad`` and ``good`` are small programs in the first of ``languages``."""

    languages: tuple[Language, ...]

    @property
    def applies_to(self) -> tuple[str, ...]:
        """The languages it is asked of."""
        return tuple(language.value for language in self.languages)
