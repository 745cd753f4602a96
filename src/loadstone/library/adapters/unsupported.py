"""For platforms Loadstone has no adapter for: everything that only reads works, loading says why it does not."""

from __future__ import annotations

from typing import NoReturn

from loadstone.core.names import Platform
from loadstone.errors import Unsupported
from loadstone.library.adapters.base import BASE_NAMESPACE, LoadedLibrary, Opened
from loadstone.library.hints import LoadHint

__all__ = ["UnsupportedAdapter"]


class UnsupportedAdapter:
    """Every call that would reach a loader raises :class:`~loadstone.errors.Unsupported`."""

    platform = Platform.LINUX
    hints: LoadHint = LoadHint(0)
    has_namespaces = False
    has_permission_bits = True
    searches_files = True
    unmaps = False

    def __init__(self, system: str) -> None:
        self._system = system

    def _refuse(self) -> NoReturn:
        raise Unsupported(
            feature="loading libraries",
            reason=f"Loadstone knows no loader for the system {self._system!r}",
            advice="find, inspect and review work here; load on Linux, macOS or Windows",
        )

    def open(self, path: str, hints: int, namespace: int = BASE_NAMESPACE) -> Opened:  # noqa: ARG002  the protocol's
        self._refuse()

    def strengthen(self, opened: Opened, hints: int) -> None:  # noqa: ARG002
        self._refuse()

    def close(self, opened: Opened) -> None:  # noqa: ARG002
        self._refuse()

    def address(self, opened: Opened, symbol: str) -> int:  # noqa: ARG002
        self._refuse()

    def provider(self, address: int) -> str | None:  # noqa: ARG002
        self._refuse()

    def is_mapped(self, opened: Opened) -> bool:  # noqa: ARG002
        self._refuse()

    def is_writable(self, address: int) -> bool:  # noqa: ARG002
        self._refuse()

    def loaded(self) -> tuple[LoadedLibrary, ...]:
        self._refuse()
