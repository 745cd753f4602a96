"""A header as a Python module: typed, readable, and complete without the header. See :func:`binding`."""

from __future__ import annotations

from loadstone.bind.module import binding

__all__ = ["binding"]
