"""A campaign's own Python: inputs made acceptable, results judged, inputs made by a grammar. Worker's child only.

``fixup(data: bytes) -> bytes`` is applied to every input before it is used (a checksum, a length field); ``check(data:
bytes, result) -> str | None`` sees what the last call returned and says in words what is wrong with it; ``mutate(data:
bytes, max_size: int, random: random.Random) -> bytes`` makes a new input of one, every other time. The file is the
user's own and runs with the standard library only, in the confined child.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

__all__ = ["Hooks", "load_hooks"]


class Hooks(NamedTuple):
    """The functions a hooks file defines; None for those it does not."""

    fixup: Callable[[bytes], bytes] | None = None
    check: Callable[[bytes, object], str | None] | None = None
    mutate: Callable[[bytes, int, Random], bytes] | None = None


def load_hooks(source: str) -> Hooks:
    """Run the text of a hooks file and take its functions; nothing for ""."""
    names: dict[str, Any] = {"__name__": "hooks"}
    exec(compile(source, "hooks", "exec"), names)  # noqa: S102 - the user's own code, asked for by name
    return Hooks(names.get("fixup"), names.get("check"), names.get("mutate"))
