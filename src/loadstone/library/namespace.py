"""Linker namespaces: a second, isolated set of libraries in the same process, each with its own variables.

glibc only. What lives in a namespace has its own C library: memory allocated there must be freed there. The number of
namespaces is limited by the static thread-local storage each C library takes: some ten in practice. Debuggers that list
only the program's own libraries do not see them. Source: dlmopen(3).
"""

from __future__ import annotations

from loadstone.library.adapters.base import NEW_NAMESPACE

__all__ = ["Namespace"]


class Namespace:
    """Pass one to :class:`Library` to load into it; the system makes it with the first load.

    A namespace cannot offer its symbols to others: the hint EXPORT_EXTERNAL_SYMBOLS fails there. Thread-safe.
    """

    __slots__ = ("__weakref__", "number")

    def __init__(self) -> None:
        self.number = NEW_NAMESPACE

    def __repr__(self) -> str:
        return f"<Namespace {self.number}>" if self.number != NEW_NAMESPACE else "<Namespace, nothing loaded yet>"
