"""A symbol version that is needed is not offered: by whom, for which symbols, and what would offer it."""

from __future__ import annotations

import re

from loadstone.core.trace import Diagnosis
from loadstone.linker.diagnoses.case import SimulatedLoad, blocking, leaf
from loadstone.linker.graph import Refusal

__all__ = ["version_not_found"]

_GLIBC = re.compile(r"GLIBC_(\d+\.\d+)")
_SHOWN = 6


def version_not_found(case: SimulatedLoad, refusal: Refusal) -> Diagnosis:
    """Which symbols want the version, and the smallest release that has it."""
    consumer, provider = refusal.requester, refusal.opened
    assert consumer is not None
    assert provider is not None
    table = consumer.image.symbols
    users = sorted({s.name for s in table.imports if s.version is not None and s.version.name == refusal.name})
    shown = ", ".join(users[:_SHOWN]) + (f" and {len(users) - _SHOWN} more" if len(users) > _SHOWN else "")
    whose = f" for {shown}" if users else ", though no symbol of it uses it"
    text = f"{leaf(consumer.path)} needs the version {refusal.name}{whose}; {provider.path} does not have it."
    release = _GLIBC.fullmatch(refusal.name)
    if release:
        have = f"{case.model.release[0]}.{case.model.release[1]}"
        advice = (
            f"it needs glibc {release[1]} or newer, here is {have}: use a build for an older system, or a container"
        )
        return blocking(case, refusal, text, advice, code="glibc-too-old")
    other = _newer_copy(case, provider.path, refusal.name)
    advice = f"{other} has it: let that one be found first" if other else f"install a newer {leaf(provider.path)}"
    return blocking(case, refusal, text, advice)


def _newer_copy(case: SimulatedLoad, provider: str, version: str) -> str | None:
    """Another file of the provider's name, known to the cache, that has the version."""
    view = case.model.view
    for entry in case.model.cache.named(leaf(provider)):
        if entry.path != provider and view.exists(entry.path):
            image = view.image(view.open(entry.path))
            if any(d.name == version for d in image.version_definitions):
                return entry.path
    return None
