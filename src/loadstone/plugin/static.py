"""Plugins that are part of the host: they say about themselves what a file would, and need no file.

A host asks :func:`static_plugins` beside its catalogue, and treats what is built in like what was found in a folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from loadstone.core.fork_safe_lock import ForkSafeLock
from loadstone.plugin.once import Once
from loadstone.quick_dataclass import dataclass, field

__all__ = ["StaticPlugin", "register_static", "static_plugins"]


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class StaticPlugin:
    """A plugin of the host itself: the interface it implements, its name, its data, and what makes its instance.

    ``factory`` is a Python callable, or a function of a library that is loaded. Two are the same when their factories
    are.
    """

    iid: str
    class_name: str
    factory: Callable[[], Any]
    data: Mapping[str, Any] = field(default_factory=_nothing)

    def instance(self) -> Any:
        """What the factory made, at the first question; the same for everybody until the process ends.

        Raises what the factory raises; the next question then tries again. Thread-safe.
        """
        return _instances.get(self.factory, lambda: _Made(self.factory())).value


@dataclass(frozen=True, slots=True)
class _Made:
    """So that a factory may well give None."""

    value: Any


_instances: Final[Once[_Made]] = Once({})
_registered: Final[dict[Callable[[], Any], StaticPlugin]] = {}
_lock: Final = ForkSafeLock()
"""Guards the table of registered plugins."""


def register_static(plugin: StaticPlugin) -> bool:
    """Make a plugin of the host known; False when one with this factory was. Thread-safe.

    >>> codec = StaticPlugin("org.example.Codec/2", "Plain", factory=dict)
    >>> register_static(codec), register_static(codec)
    (True, False)
    >>> static_plugins("org.example.Codec/2")[0].instance()
    {}
    """
    with _lock:
        if plugin.factory in _registered:
            return False
        _registered[plugin.factory] = plugin
        return True


def static_plugins(iid: str | None = None) -> tuple[StaticPlugin, ...]:
    """The registered plugins, in the order they were registered; of one interface, when it is named. Thread-safe."""
    with _lock:
        return tuple(p for p in _registered.values() if iid is None or p.iid == iid)
