"""One record a library file: who has it loaded, what points into it, and when the system is asked.

State machine::

    idle -> loading -> loaded -> unloading -> idle
            loading -> idle        the system refused
            unloading -> loaded    somebody who could not wait has opened it meanwhile
            orphaned               a fork happened while another thread was loading or unloading it: the child's copy

Invariants, guarded by ``_lock`` unless said otherwise:

- ``opens`` counts the references the system gave and has not got back; ``opened`` is not None while it is positive.
- ``loans`` holds one entry for each handle that has loaded; in state loaded there is at least one.
- The system is called without any lock of ours: constructors may call back, other threads may load other libraries.
- In states loading and unloading one thread, the ``worker``, talks to the system; the others wait. Who must not wait
  opens for himself: the worker (a constructor that loads its own library), and every thread that is inside a system
  call of ours, because it holds the system's lock and the worker may wait for that. Each such reference is given back.
- The ledger needs no lock. Resolving adds its lease first and looks at the state second; unloading publishes its state
  first and looks at the ledger second. So one of the two always sees the other.
"""

from __future__ import annotations

import gc
import threading
import weakref
from enum import Enum, auto
from threading import get_ident

from loadstone.errors import Closed, Holder, InUse, LoadFailed, LoadstoneError
from loadstone.library.adapters.base import Adapter, Opened, SystemRefused
from loadstone.library.adapters.system_call import system_call
from loadstone.library.lifetime.ledger import Ledger
from loadstone.library.lifetime.outcome import UnloadOutcome, UnloadState
from loadstone.library.trust.policy import Assurance

TYPE_CHECKING = False  # typing is not imported for it: see tests/test_start_up.py
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import Protocol

    from loadstone.core.image import ImageSymbol
    from loadstone.files import FileStamp
    from loadstone.library.trust.preflight import Footprint
else:
    Protocol = object

__all__ = ["LibraryRecord", "LoadSource", "Loan", "RecordState"]


class RecordState(Enum):
    """Where a record is in its life."""

    IDLE = auto()
    LOADING = auto()
    LOADED = auto()
    UNLOADING = auto()
    ORPHANED = auto()


class LoadSource(Protocol):
    """Where the bytes come from: a path, or a sealed copy of what was there."""

    @property
    def path(self) -> str:
        """The file, as people know it."""

    @property
    def stamp(self) -> FileStamp | None:
        """What the file was when it was asked for; None for what is no file."""

    @property
    def namespace(self) -> int: ...

    def prepared(self) -> AbstractContextManager[str]:
        """The path to give to the system, valid until the context is left."""

    @property
    def footprint(self) -> Footprint:
        """The room it takes up, once it is prepared."""

    def confirm(self, opened: Opened) -> None:
        """Raise when what the system mapped is not what was prepared."""

    @property
    def assurance(self) -> Assurance: ...

    @property
    def unverified(self) -> tuple[str, ...]:
        """What the library needs and nothing vouches for; empty where nothing is vouched for anyway."""

    def exports_named(self, name: str, provider: str | None) -> tuple[ImageSymbol, ...]: ...

    def exported_names(self) -> tuple[str, ...]: ...

    def respelled(self) -> str:
        """Another path to the same file, one the system has not been given before."""


class Loan:
    """One handle's load. When the handle is gone, this load is never given back."""

    __slots__ = ("_handle", "_record", "name")

    def __init__(self, handle: object, name: str) -> None:
        self._handle = weakref.ref(handle)
        self._record: dict[str, LibraryRecord] = {}  # none or one; a dictionary, because its setdefault is atomic
        self.name: str = name

    @property
    def record(self) -> LibraryRecord | None:
        """What this handle stands for, once that is known."""
        return self._record.get("")

    def settle(self, record: LibraryRecord) -> LibraryRecord:
        """Stand for ``record``, unless another thread has settled on one before: then that is the answer."""
        return self._record.setdefault("", record)

    def release(self, record: LibraryRecord) -> None:
        """Stand for nothing again, unless it has been lent."""
        if self not in record.loans:
            self._record.pop("", None)

    def holder(self) -> Holder:
        """How to name this load to somebody who wants to unload."""
        return Holder("handle" if self._handle() is not None else "a handle dropped without unload,", self.name)


class LibraryRecord:
    """One library file in one namespace. Thread-safe; see the module for the invariants.

    ``owners`` is shared by all records: which of them a system handle belongs to. It also keeps a record that is
    loaded, or that stays resident, alive when no handle of ours is left.
    """

    __slots__ = (
        "__weakref__",
        "_changed",
        "_lock",
        "_owners",
        "_waiting",
        "adapter",
        "hints",
        "ledger",
        "loans",
        "opened",
        "opens",
        "source",
        "state",
        "target",
        "worker",
    )

    def __init__(self, adapter: Adapter, source: LoadSource, owners: dict[int, LibraryRecord]) -> None:
        self._lock = threading.RLock()  # a finaliser may call back in the middle of anything
        self._changed = threading.Condition(self._lock)
        self._waiting = 0
        self._owners = owners
        self.adapter: Adapter = adapter
        self.source: LoadSource = source
        self.state: RecordState = RecordState.IDLE
        self.worker: int | None = None
        self.target: str | None = None  # what it is being opened by
        self.opened: Opened | None = None
        self.opens: int = 0
        self.hints: int = 0
        self.loans: set[Loan] = set()
        self.ledger: Ledger = Ledger()

    @property
    def is_resting(self) -> bool:
        """Whether nothing of it is loaded, as far as we know."""
        return self.state is RecordState.IDLE and not self.opens

    # -- loading ---------------------------------------------------------------------------------------------------

    def load(self, loan: Loan, hints: int) -> None:
        """Lend the library to a handle; the first one makes the system open it.

        Raises:
            Refused: by the system.
            LoadFailed: a fork left the library half-way loaded in this process.
            LoadstoneError: the source does not vouch for the file.
        """
        with self._lock:
            settled = self._settled()
            state = self.state
            if not settled:
                pass
            elif state is RecordState.LOADED:
                self.loans.add(loan)
                missing = hints & ~self.hints
            else:
                self.state, self.worker = RecordState.LOADING, get_ident()
        if not settled:
            self._open_beside(loan, hints)
        elif state is RecordState.IDLE:
            self._open_first(loan, hints)
        elif missing:
            self._strengthen(loan, missing)

    def _settled(self) -> bool:
        """Wait, with ``_lock`` held, until nobody talks to the system; false for those who must not wait."""
        while self.state is RecordState.LOADING or self.state is RecordState.UNLOADING:
            if self.worker == get_ident() or system_call.depth:
                return False
            self._waiting += 1
            try:
                self._changed.wait()
            finally:
                self._waiting -= 1
        if self.state is RecordState.ORPHANED:
            raise LoadFailed(
                name=self.source.path,
                stage="after fork",
                system_text="another thread was loading or unloading it when this process was forked",
                advice="load libraries before forking, or start processes with the spawn method",
            )
        return True

    def _notify(self) -> None:
        """Wake those who wait, with ``_lock`` held; there are none nearly always."""
        if self._waiting:
            self._changed.notify_all()

    def _open_first(self, loan: Loan, hints: int) -> None:
        opened = None
        try:
            with self.source.prepared() as target:
                self.target = target
                opened = self._confirmed(self._open(target, hints))
        finally:
            with self._lock:
                if opened is not None:
                    self._taken(opened, loan, hints)
                self.target = self.worker = None
                self.state = RecordState.LOADED if self.opens else RecordState.IDLE
                self._notify()

    def _confirmed(self, opened: Opened) -> Opened:
        try:
            self.source.confirm(opened)
        except LoadstoneError:
            self._owners.pop(opened.handle, None)
            self._close(opened, 1)
            raise
        return opened

    def _open_beside(self, loan: Loan, hints: int) -> None:
        """Open although another thread, or a frame below this one, is loading or unloading the same library."""
        opened = self._open(self.target or self.source.path, hints)
        with self._lock:
            self._taken(opened, loan, hints)
            if self.state is RecordState.IDLE:
                self.state = RecordState.LOADED
                self._notify()

    def _open(self, target: str, hints: int) -> Opened:
        with system_call:
            opened = self.adapter.open(target, hints, self.source.namespace)
        owner = self._owners.setdefault(opened.handle, self)
        return opened if owner is self else self._open_replaced(opened, hints)

    def _open_replaced(self, stale: Opened, hints: int) -> Opened:
        """The system compares names before files, and answered with a file that has since been replaced."""
        self._close(stale, 1)
        with system_call:
            opened = self.adapter.open(self.source.respelled(), hints, self.source.namespace)
        if self._owners.setdefault(opened.handle, self) is self:
            return opened
        self._close(opened, 1)
        raise LoadFailed(
            name=self.source.path,
            system_text="the system answers with the file that had this name before",
            advice="unload the previous library first",
        )

    def _taken(self, opened: Opened, loan: Loan, hints: int) -> None:
        self.opened = opened
        self.opens += 1
        self.hints |= hints
        self.loans.add(loan)

    def _strengthen(self, loan: Loan, hints: int) -> None:
        opened = self.opened
        try:
            if opened is not None:
                self.adapter.strengthen(opened, hints)
        except SystemRefused:
            with self._lock:
                self.loans.discard(loan)
            raise
        with self._lock:
            self.hints |= hints

    # -- using -----------------------------------------------------------------------------------------------------

    def address(self, symbol: str, loan: Loan | None) -> tuple[int, Opened]:
        """Look a symbol up. The caller has put its lease into the ledger before.

        Raises:
            Closed: the handle's load was given back meanwhile.
            Refused: the system does not find it.
        """
        opened = self.opened
        if self.state is not RecordState.LOADED or opened is None:
            with self._lock:
                self._settled()
                opened = self.opened
                if opened is None or loan not in self.loans:
                    raise Closed(library=self.source.path, attempted=f"resolve {symbol!r}")
        return self.adapter.address(opened, symbol), opened

    # -- unloading -------------------------------------------------------------------------------------------------

    def unload(self, loan: Loan) -> UnloadOutcome:
        """Take a handle's load back; the last one makes the system close the library, unless something is alive.

        Raises:
            InUse: it was the last load, and the ledger is not empty. Nothing has changed then.
        """
        try:
            return self._unload(loan)
        except InUse:  # perhaps only in the eyes of the reference counts
            gc.collect()
        return self._unload(loan)

    def _unload(self, loan: Loan) -> UnloadOutcome:
        with self._lock:
            settled = self._settled()
            if not settled or self.loans != {loan}:
                self.loans.discard(loan)
                return _held(tuple(other.holder() for other in self.loans))
            self.state, self.worker = RecordState.UNLOADING, get_ident()
            if self.ledger:
                self.state, self.worker = RecordState.LOADED, None  # nobody waits: the lock was held all the while
                raise in_use(self.source.path, self.ledger)
            self.loans.discard(loan)
        self.ledger.end()
        return self._give_back()

    def _give_back(self) -> UnloadOutcome:
        """Close what the system gave, and what somebody may have opened and left meanwhile."""
        refused = ""
        opened = None
        while True:
            with self._lock:
                if not self.opens or self.loans:
                    break
                opened, count = self.opened, self.opens
                self.opened, self.opens = None, 0
            assert opened is not None
            self._owners.pop(opened.handle, None)
            refused = self._close(opened, count) or refused
        mapped = opened is not None and self.adapter.is_mapped(opened)
        with self._lock:
            self.worker = None
            self.state = RecordState.LOADED if self.opens else RecordState.IDLE
            held = tuple(loan.holder() for loan in self.loans)
            self._notify()
        if held:
            return _held(held)
        if mapped and opened is not None:
            self._owners.setdefault(opened.handle, self)
            return UnloadOutcome(UnloadState.RESIDENT, reason=refused or self._why_resident(opened))
        self.hints = 0
        return UnloadOutcome(UnloadState.CLOSED)

    def _why_resident(self, opened: Opened) -> str:
        from loadstone.library.lifetime.residence import why_resident  # noqa: PLC0415  it reads files

        return why_resident(self.adapter, opened, self.source.path, self.hints)

    def _close(self, opened: Opened, count: int) -> str:
        """Give references back; the system's words when it refuses one."""
        said = ""
        for _ in range(count):
            try:
                with system_call:
                    self.adapter.close(opened)
            except SystemRefused as refused:
                said = refused.text
        return said

    # -- fork ------------------------------------------------------------------------------------------------------

    def after_fork(self) -> None:
        """In the child only this thread is left: make locks anew; what another was doing is never finished."""
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._waiting = 0
        if self.worker is not None and self.worker != get_ident():
            self.state, self.worker = RecordState.ORPHANED, None


def _held(holders: tuple[Holder, ...]) -> UnloadOutcome:
    by = ", ".join(map(str, holders)) or "a load that is under way"
    return UnloadOutcome(UnloadState.HELD, holders, f"still loaded by {by}")


def in_use(path: str, ledger: Ledger) -> InUse:
    """The refusal that names what is alive."""
    holders = ledger.snapshot()
    named = next((holder.name for holder in holders if holder.name.isidentifier()), "")
    example = f" (for example: del {named})" if named else ""
    return InUse(
        library=path,
        holders=holders,
        advice=f"release it first{example}, or leave the library loaded",
    )
