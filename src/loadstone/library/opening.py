"""From a name to a loaded record: candidates, checks, the record, the system, and why when it fails."""

from __future__ import annotations

import errno
import os
import stat
import sys
from functools import partial
from typing import TYPE_CHECKING, Final

from loadstone.core.names import candidates, has_directory
from loadstone.core.trace import Explanation
from loadstone.errors import (
    Attempt,
    LoadFailed,
    LoadstoneError,
    MalformedImage,
    NotFound,
    Unreadable,
    Unsupported,
)
from loadstone.escape import printable
from loadstone.files import file_id, file_stamp
from loadstone.library import adapters
from loadstone.library.adapters.base import BASE_NAMESPACE, Adapter, SystemRefused
from loadstone.library.hints import LoadHint
from loadstone.library.lifetime.record import LibraryRecord, LoadSource, Loan
from loadstone.library.lifetime.registry import registry
from loadstone.library.search.by_name import explicit_path, find
from loadstone.library.trust.path_source import PathSource, ProgramSource
from loadstone.library.trust.pin import pinned_digest
from loadstone.library.trust.places import check_place
from loadstone.library.trust.policy import Policy
from loadstone.library.trust.preflight import Footprint, footprint
from loadstone.library.trust.sealed import SealedSource
from loadstone.linker import explain

if TYPE_CHECKING:
    from loadstone.library.lifetime.namespace import Namespace

__all__ = ["open_library"]

_NO_FILE: Final = (0, 0)
"""Stands for the device and inode of a library that is no file."""

_MODULE_NOT_FOUND: Final = 126  # ERROR_MOD_NOT_FOUND


def open_library(
    name: str, version: str | None, hints: LoadHint, policy: Policy, namespace: Namespace | None, loan: Loan
) -> str:
    """Find the file, check it, and lend its record to ``loan``; the path it was found by. Errors as of load."""
    adapter = adapters.current()
    wanted = int(hints)
    if wanted & ~int(adapter.hints):
        raise _without_effect(wanted, adapter)
    try:
        path, found = _found(name, version, wanted, policy, namespace, adapter)
        record = loan.settle(found)
    except NotFound:
        if adapter.searches_files or policy.sha256 or policy.pins:
            raise
        return _open_hidden(name, version, wanted, adapter, loan).source.path
    try:
        record.load(loan, wanted)
    except SystemRefused as refused:
        raise _load_failed(name, (_attempt(record.source.path, refused),)) from None
    except MalformedImage as damage:
        raise _damaged(record.source.path, damage) from damage
    finally:
        loan.release(record)
    return path


def open_program(loan: Loan) -> str:
    """Lend the record of the running program to ``loan``; its path.

    Raises:
        LoadFailed: this system's loader has no name for it.
    """
    adapter = adapters.current()
    path = os.path.realpath("/proc/self/exe") if os.path.exists("/proc/self/exe") else sys.executable
    record = loan.settle(
        registry.record((_NO_FILE, BASE_NAMESPACE, "the program"), adapter, partial(ProgramSource, path))
    )
    try:
        record.load(loan, 0)
    except SystemRefused as refused:
        raise LoadFailed(name=path, system_text=refused.text, code=refused.code) from None
    finally:
        loan.release(record)
    return path


def _open_hidden(name: str, version: str | None, hints: int, adapter: Adapter, loan: Loan) -> LibraryRecord:
    """Let the system look for a library that is no file of its own: macOS's shared cache, Windows's API sets.

    The search goes on only while the system says that there is no such module; any other refusal is the answer (on
    Windows a missing dependency says so too).
    """
    attempts: list[Attempt] = []
    for candidate in candidates(name, version, adapter.platform):
        if not candidate.carries_version:
            continue
        make = partial(PathSource, candidate.name, Footprint(), None)
        record = loan.settle(registry.record((_NO_FILE, BASE_NAMESPACE, candidate.name), adapter, make))
        try:
            record.load(loan, hints)
        except SystemRefused as refused:
            attempts.append(_attempt(candidate.name, refused))
            if refused.code not in (None, _MODULE_NOT_FOUND):
                break
        else:
            return record
        finally:
            loan.release(record)
    raise _load_failed(name, tuple(attempts))


def _without_effect(hints: int, adapter: Adapter) -> Unsupported:
    names = ", ".join(str(hint.name) for hint in LoadHint(hints & ~int(adapter.hints)))
    return Unsupported(
        feature=f"the load hint {names}",
        reason=f"the loader of {adapter.platform} has nothing like it",
        advice="leave it out on this platform",
    )


def _found(
    name: str, version: str | None, hints: int, policy: Policy, namespace: Namespace | None, adapter: Adapter
) -> tuple[str, LibraryRecord]:
    """The path and the record of the first candidate that exists, or of what the search finds."""
    if version is None and os.path.isabs(name):
        try:
            return name, _record(name, policy, namespace, adapter)  # as given always comes first
        except Unreadable as error:
            if error.code not in (errno.ENOENT, errno.ENOTDIR):
                raise
    path = _located(name, version, hints, policy, adapter)
    return path, _record(path, policy, namespace, adapter)


def _located(name: str, version: str | None, hints: int, policy: Policy, adapter: Adapter) -> str:
    if has_directory(name, adapter.platform):
        member = bool(hints & LoadHint.LOAD_ARCHIVE_MEMBER)
        trace = explicit_path(name, version, adapter.platform, archive_member=member)
    else:
        trace = find(name, version, policy=policy)
    assert trace.path is not None  # both raise on a miss
    return trace.path


def _record(path: str, policy: Policy, namespace: Namespace | None, adapter: Adapter) -> LibraryRecord:
    """The record of the file at ``path``, checked as the policy wants it."""
    number = BASE_NAMESPACE if namespace is None else namespace.number
    pin = pinned_digest(path, policy)
    try:
        link = status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            status = os.stat(path)
        room = footprint(path, status)
        if adapter.has_permission_bits:
            check_place(path, policy, link)
        elif policy.require_owner is not None:
            raise _no_owners(adapter)
    except MalformedImage as damage:
        raise _damaged(path, damage) from damage
    except LoadstoneError:
        raise
    except OSError as error:
        raise Unreadable(path=path, reason=error.strerror or str(error), code=error.errno) from error

    def source() -> LoadSource:
        if pin:
            return SealedSource(path, pin, policy.pins, adapter, stamp, number)
        return PathSource(path, room, stamp, number)

    stamp = file_stamp(status)
    key = (file_id(status), number, (pin, policy.pins) if pin else None)
    record = registry.record(key, adapter, source)
    moved = record.source.path != path and not os.path.exists(record.source.path)
    if moved or record.source.stamp != stamp:  # rewritten, or another file that was given the inode of the last one
        return registry.renewed(key, adapter, source)
    return record


def _no_owners(adapter: Adapter) -> Unsupported:
    return Unsupported(feature="Policy(require_owner=...)", reason=f"files on {adapter.platform} have no owner numbers")


def _damaged(path: str, damage: MalformedImage) -> LoadFailed:
    return LoadFailed(
        name=path,
        stage="check",
        system_text=damage.message,
        explanation=_explained(path),
        advice=damage.advice,
    )


def _attempt(candidate: str, refused: SystemRefused) -> Attempt:
    return Attempt(candidate, refused.code, refused.text)


def _load_failed(name: str, attempts: tuple[Attempt, ...]) -> LoadFailed:
    last = attempts[-1]
    explanation = _explained(last.candidate)
    blocking = explanation.first_blocking if explanation else None
    advice = blocking.advice if blocking else f"`loadstone explain {last.candidate}` looks further"
    return LoadFailed(
        name=name,
        code=last.code,
        system_text=last.system_text,
        attempts=attempts,
        explanation=explanation,
        advice=printable(advice),
    )


def _explained(path: str) -> Explanation | None:
    """Why the loader would refuse it, in our words; None when that cannot be told."""
    try:
        return explain(path, as_library=True)
    except LoadstoneError:
        return None
