"""Linker namespaces: a second, isolated set of libraries in the same process, each with its own variables.

glibc only. What lives in a namespace has its own C library: memory allocated there must be freed there. The number of
namespaces is limited by the static thread-local storage each C library takes: some ten in practice. Debuggers that list
only the program's own libraries do not see them. Source: dlmopen(3).
"""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self

from loadstone.core.fork_safe_lock import ForkSafeLock
from loadstone.errors import LoadFailed, Unsupported
from loadstone.library import adapters
from loadstone.library.adapters.base import NEW_NAMESPACE, Opened, SystemRefused

__all__ = ["Namespace"]

_ANCHOR: Final = "libc.so.6"
"""What every namespace has anyway; holding it keeps the namespace's number from being given to another."""


class Namespace:
    """Pass one to :class:`Library` to load into it. The system makes it when it is first needed.

    :meth:`close`, or leaving ``with``, lets the system have its place back once nothing is loaded in it any more. A
    namespace cannot offer its symbols to others: the hint EXPORT_EXTERNAL_SYMBOLS fails there. Thread-safe.

    >>> with Namespace() as apart, Library("z", namespace=apart) as z:  # doctest: +SKIP
    ...     ...
    """

    __slots__ = ("__weakref__", "_anchor", "_lock")

    def __init__(self) -> None:
        self._lock = ForkSafeLock()  # guards _anchor; the anchor's start-up code calls nobody
        self._anchor: Opened | None = None

    def __repr__(self) -> str:
        return f"<Namespace {self._anchor.namespace}>" if self._anchor else "<Namespace, nothing loaded yet>"

    @property
    def number(self) -> int:
        """The system's number of it; asking makes it.

        Raises:
            Unsupported: this system's loader has no namespaces.
            LoadFailed: there are too many.
        """
        with self._lock:
            if self._anchor is None:
                self._anchor = _made()
            return self._anchor.namespace

    def close(self) -> None:
        """Give it back; what is still loaded in it keeps it until it is unloaded. Safe to call twice."""
        with self._lock:
            anchor, self._anchor = self._anchor, None
        if anchor is not None:
            adapters.current().close(anchor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()


def _made() -> Opened:
    adapter = adapters.current()
    if not adapter.has_namespaces:
        raise Unsupported(feature="a linker namespace", reason=f"the loader of {adapter.platform} here has none")
    try:
        return adapter.open(_ANCHOR, 0, NEW_NAMESPACE)
    except SystemRefused as refused:
        raise LoadFailed(
            name="a new linker namespace",
            stage="namespace",
            system_text=refused.text,
            advice="each takes static thread-local storage for a C library of its own: close namespaces not needed",
        ) from None
