"""What a sandbox is, on every system: named layers, each applied and then tried, for one process and its descendants.

Linux applies them inside the child (:mod:`loadstone.probe.confine_linux`). Windows and macOS can apply theirs from
outside, round a child that was started suspended or through a profile; they implement :class:`OuterSandbox`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

__all__ = ["Layer", "OuterSandbox", "Trial", "apply_layers"]


class Layer(NamedTuple):
    """A layer as it was found: ``active``, ``degraded`` or ``unavailable``, and the witness or the reason."""

    name: str
    state: str
    reason: str


class Trial(NamedTuple):
    """What a layer must refuse: a sentence for the reader, and whether it was refused; ``words`` are the system's."""

    attempt: str
    refused: bool
    words: str = ""


class OuterSandbox(Protocol):
    """A sandbox put round a child from outside, before its first instruction."""

    @property
    def layers(self) -> Sequence[str]:
        """The names of its layers, in the order they are applied."""
        ...

    def apply_layer(self, name: str, process: int) -> None:
        """Apply one layer round a suspended process. Raises OSError."""
        ...

    def try_layer(self, name: str, process: int) -> Trial:
        """Let the process attempt what the layer must refuse."""
        ...


def apply_layers(sandbox: OuterSandbox, process: int) -> list[Layer]:
    """Apply and try every layer; one that cannot be applied is reported, and the rest still is.

    A layer that let its trial pass is unavailable, whatever the call that applied it returned.
    """
    found = []
    for name in sandbox.layers:
        try:
            sandbox.apply_layer(name, process)
            trial = sandbox.try_layer(name, process)
        except OSError as error:
            found.append(Layer(name, "unavailable", error.strerror or str(error)))
            continue
        if trial.refused:
            found.append(Layer(name, "active", f"{trial.attempt}: {trial.words}".rstrip(": ")))
        else:
            found.append(Layer(name, "unavailable", f"it was applied, and yet allowed {trial.attempt}"))
    return found
