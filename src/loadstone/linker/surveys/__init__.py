"""Many libraries at once: folders, wheels, packages and images, each file explained as its own system would load it."""

from __future__ import annotations

from loadstone.linker.survey_target import is_survey_target
from loadstone.linker.surveys.replacement import replacing_everywhere
from loadstone.linker.surveys.survey import (
    Survey,
    SurveyRow,
    explanations,
    portability,
    survey,
    survey_rows,
)

__all__ = [
    "Survey",
    "SurveyRow",
    "explanations",
    "is_survey_target",
    "portability",
    "replacing_everywhere",
    "survey",
    "survey_rows",
]
