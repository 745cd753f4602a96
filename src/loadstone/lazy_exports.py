"""Names of a package that are imported when they are first asked for, so that a package costs what is used of it."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # typing is not imported for it: that alone would double the cost of `import loadstone`
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType
    from typing import Any

__all__ = ["homes_by_name", "imported"]


def homes_by_name(homes: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """The module each exported name lives in, from the names that each module has."""
    return {name: home for home, names in homes.items() for name in names}


def imported(package: ModuleType, homes: Mapping[str, str], name: str) -> Any:
    """The export ``name`` of ``package``, imported from its home and kept; what ``__getattr__`` returns (PEP 562).

    Threads that ask at once all get the same object: the import system makes a module once.

    Raises:
        AttributeError: the package does not export that name.
    """
    home = homes.get(name)
    if home is None:
        raise AttributeError(f"module {package.__name__!r} has no attribute {name!r}")
    __import__(home)  # importlib would bring in warnings
    value = getattr(sys.modules[home], name)
    setattr(package, name, value)
    return value
