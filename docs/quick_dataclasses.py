"""For the site: our dataclasses are read as the standard ones, so that their pages show how to make one.

The site's reader of Python code knows a dataclass by the name of the standard decorator.
"""

from __future__ import annotations

from typing import Any

from griffe import Class, ExprCall, ExprName, Extension

_OURS = "loadstone.quick_dataclass.dataclass"


class QuickDataclasses(Extension):
    """Gives our decorator the name of the standard one, before what makes their signatures looks for it."""

    def on_class_members(self, *, cls: Class, **_: Any) -> None:
        """Called for each class, once its members are known."""
        for decorator in cls.decorators:
            called = decorator.value
            name = called.function if isinstance(called, ExprCall) else called
            if isinstance(name, ExprName) and name.canonical_path == _OURS:
                name.name, name.parent = "dataclasses.dataclass", None
