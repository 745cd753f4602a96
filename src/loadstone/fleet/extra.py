"""The libraries of the extra ``fleet``, imported where they are used, or an error that says how to get them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from loadstone.errors import Unsupported

__all__ = ["needed_for"]


def needed_for(feature: str, module: str) -> Any:
    """The module of that name.

    Raises:
        Unsupported: it is not installed; the advice has the command that installs it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise Unsupported(
            feature=feature,
            reason=f"the Python package {module.partition('.')[0]} cannot be imported: {error}",
            advice="install the extra: pip install 'loadstone[fleet]'",
        ) from error
