"""What the code does, found out once and shared by all rules."""

from __future__ import annotations

from dataclasses import dataclass

from loadstone.review.ir import Program

__all__ = ["Facts", "gather"]


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the analyses found in one program."""

    program: Program


def gather(program: Program) -> Facts:
    """Run the analyses over the units of one run."""
    return Facts(program)
