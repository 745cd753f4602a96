"""From a name to a loaded record: candidates, checks, the record, the system, and why when it fails."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from loadstone.core.names import has_directory
from loadstone.core.trace import Explanation
from loadstone.errors import (
    Attempt,
    LoadFailed,
    LoadstoneError,
    MalformedImage,
    Unreadable,
    Unsupported,
)
from loadstone.library import adapters
from loadstone.library.adapters.base import BASE_NAMESPACE, Adapter, Refused
from loadstone.library.hints import LoadHint
from loadstone.library.pin import pinned_digest
from loadstone.library.places import check_place
from loadstone.library.policy import Policy
from loadstone.library.preflight import footprint, identity
from loadstone.library.record import Loan, Record, Source
from loadstone.library.registry import registry
from loadstone.library.sealed import SealedSource
from loadstone.library.search import explicit_path, find
from loadstone.library.source import PathSource
from loadstone.linker import explain

if TYPE_CHECKING:
    from loadstone.library.namespace import Namespace

__all__ = ["open_library"]


def open_library(
    name: str, version: str | None, hints: LoadHint, policy: Policy, namespace: Namespace | None, loan: Loan
) -> Record:
    """Find the file, check it, and lend its record to ``loan``. Errors as :meth:`Library.load`."""
    adapter = adapters.current()
    wanted = int(hints)
    _check_hints(wanted, adapter)
    path = _located(name, version, wanted, policy, adapter)
    record = loan.settle(_record(path, policy, namespace, adapter))
    try:
        record.load(loan, wanted)
    except Refused as refused:
        raise _load_failed(name, path, refused) from None
    except MalformedImage as damage:
        raise _damaged(path, damage) from damage
    finally:
        loan.release(record)
    return record


def _check_hints(hints: int, adapter: Adapter) -> None:
    without_effect = hints & ~int(adapter.hints)
    if without_effect:
        names = ", ".join(str(h.name) for h in LoadHint(without_effect))
        raise Unsupported(
            feature=f"the load hint {names}",
            reason=f"the loader of {adapter.platform} has nothing like it",
            advice="leave it out on this platform",
        )


def _located(name: str, version: str | None, hints: int, policy: Policy, adapter: Adapter) -> str:
    """The path to load: the first candidate that exists, or what the search finds."""
    if has_directory(name, adapter.platform):
        member = bool(hints & LoadHint.LOAD_ARCHIVE_MEMBER)
        trace = explicit_path(name, version, adapter.platform, archive_member=member)
    else:
        trace = find(name, version, policy=policy)
    assert trace.path is not None  # both raise on a miss
    return trace.path


def _record(path: str, policy: Policy, namespace: Namespace | None, adapter: Adapter) -> Record:
    """The record of the file at ``path``, checked as the policy wants it."""
    number = BASE_NAMESPACE if namespace is None else namespace.number
    pin = pinned_digest(path, policy)
    try:
        status = os.stat(path)
        check_place(path, policy)
        room = footprint(path, status)
    except MalformedImage as damage:
        raise _damaged(path, damage) from damage
    except LoadstoneError:
        raise
    except OSError as error:
        raise Unreadable(path=path, reason=error.strerror or str(error), code=error.errno) from error

    def source() -> Source:
        return SealedSource(path, pin, policy.pins, adapter, number) if pin else PathSource(path, room, number)

    return registry.record((identity(status), number, pin), adapter, source)


def _damaged(path: str, damage: MalformedImage) -> LoadFailed:
    return LoadFailed(
        name=path,
        stage="check",
        system_text=damage.message,
        explanation=_explained(path),
        advice=damage.advice,
    )


def _load_failed(name: str, path: str, refused: Refused) -> LoadFailed:
    explanation = _explained(path)
    blocking = explanation.first_blocking if explanation else None
    return LoadFailed(
        name=name,
        code=refused.code,
        system_text=refused.text,
        attempts=(Attempt(path, refused.code, refused.text),),
        explanation=explanation,
        advice=blocking.advice if blocking else f"`loadstone explain {path}` looks further",
    )


def _explained(path: str) -> Explanation | None:
    """Why the loader would refuse it, in our words; None when that cannot be told."""
    try:
        return explain(path, as_library=True)
    except LoadstoneError:
        return None
