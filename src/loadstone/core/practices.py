"""The practices a review looks for: the origin review's six observations, and those the subject asked for since."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Practice"]


class Practice(StrEnum):
    """A kind of good practice; the first six are the origin's, in its order."""

    LIFECYCLE = "lifecycle"
    ERROR_HANDLING = "error handling"
    LOCKING = "locking"
    CONDITIONAL_COMPILATION = "conditional compilation"
    ENCAPSULATION = "encapsulation"
    INPUT_VALIDATION = "input validation"
    SEARCH_PATH = "search path hygiene"
    INTEGRITY = "integrity"
    PRIVILEGE = "privilege"
    OWNERSHIP = "resource ownership"
    TYPE_DECLARATIONS = "type declarations"
    HARDENING = "hardening"
    LOADABILITY = "loadability"
    RUNTIME = "run-time behaviour"
