"""A record against a system that only counts: who holds the library, with which hints, and whose its handle is."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import Any

import pytest

from loadstone.errors import Closed, Holder, InUse, Unreadable
from loadstone.library.adapters.base import Opened, SystemRefused
from loadstone.library.hints import LoadHint
from loadstone.library.lifetime.outcome import UnloadState
from loadstone.library.lifetime.record import LibraryRecord, Loan, RecordState
from loadstone.library.typed.life import Life

HANDLE = 0x1000


class CountingSystem:
    """Opens one library, under one handle; ``stays`` keeps it mapped, ``refuses`` is what is said to a new hint."""

    unmaps = True

    def __init__(self) -> None:
        self.references = 0
        self.given: list[int] = []
        self.strengthened: list[int] = []
        self.stays = False
        self.refuses = False
        self.constructor: Callable[[], None] | None = None

    def open(self, path: str, hints: int, namespace: int) -> Opened:
        self.references += 1
        if self.constructor:
            run, self.constructor = self.constructor, None
            run()
        self.given.append(hints)
        return Opened(HANDLE, path, 0, 0, namespace)

    def strengthen(self, _opened: Opened, hints: int) -> None:
        if self.refuses:
            raise SystemRefused("no")
        self.strengthened.append(hints)

    def close(self, _opened: Opened) -> None:
        assert self.references, "more is given back than was taken"
        self.references -= 1

    def is_mapped(self, _opened: Opened) -> bool:
        return self.stays or self.references > 0

    def loaded(self) -> tuple[()]:
        return ()


class PlainSource:
    path = "/nowhere/libany.so"
    namespace = 0

    @contextmanager
    def prepared(self) -> Iterator[str]:
        yield self.path

    refuses = False

    def confirm(self, _opened: Opened) -> None:
        if self.refuses:
            raise Unreadable(path=self.path, reason="replaced")


class Handle:
    pass


@pytest.fixture
def system() -> CountingSystem:
    return CountingSystem()


@pytest.fixture
def owners() -> dict[int, LibraryRecord]:
    return {}


@pytest.fixture
def record(system: CountingSystem, owners: dict[int, LibraryRecord]) -> LibraryRecord:
    source: Any = PlainSource()
    adapter: Any = system
    return LibraryRecord(adapter, source, owners)


def test_each_handle_has_one_loan_and_the_system_is_asked_once(record: LibraryRecord, system: CountingSystem) -> None:
    handles = [Handle(), Handle()]
    first, second = (Loan(handle, f"l{number}") for number, handle in enumerate(handles))
    record.load(first, 0)
    record.load(second, 0)
    assert (record.loans, record.opens, system.references) == ({first, second}, 1, 1)
    held = record.unload(first)
    assert (held.state, held.held_by) == (UnloadState.HELD, (Holder("handle", "l1"),))
    assert (record.loans, system.references) == ({second}, 1)
    assert record.unload(second).state is UnloadState.CLOSED
    assert (record.loans, record.opens, system.references) == (set(), 0, 0)
    assert record.is_resting


def test_a_loan_of_a_dropped_handle_says_so(record: LibraryRecord) -> None:
    kept, dropped = Handle(), Handle()
    mine, lost = Loan(kept, "kept"), Loan(dropped, "lost")
    record.load(mine, 0)
    record.load(lost, 0)
    del dropped
    gc.collect()  # PyPy notices only now
    assert record.unload(mine).held_by == (Holder("a handle dropped without unload,", "lost"),)


def test_hints_add_up_and_only_missing_ones_are_asked_for(record: LibraryRecord, system: CountingSystem) -> None:
    one, two, three = Handle(), Handle(), Handle()
    loans = Loan(one, ""), Loan(two, ""), Loan(three, "")
    record.load(loans[0], LoadHint.RESOLVE_ALL_SYMBOLS)
    record.load(loans[1], LoadHint.RESOLVE_ALL_SYMBOLS)
    assert (system.given, system.strengthened) == ([LoadHint.RESOLVE_ALL_SYMBOLS], [])
    both = LoadHint.RESOLVE_ALL_SYMBOLS | LoadHint.EXPORT_EXTERNAL_SYMBOLS
    record.load(loans[2], both)
    assert system.strengthened == [LoadHint.EXPORT_EXTERNAL_SYMBOLS]
    assert record.hints == both


def test_a_refused_hint_leaves_neither_loan_nor_hint(record: LibraryRecord, system: CountingSystem) -> None:
    one, two = Handle(), Handle()
    first, second = Loan(one, ""), Loan(two, "")
    record.load(first, 0)
    system.refuses = True
    with pytest.raises(SystemRefused):
        record.load(second, LoadHint.EXPORT_EXTERNAL_SYMBOLS)
    assert (record.loans, record.hints) == ({first}, 0)


def test_hints_end_with_the_library_and_not_before(record: LibraryRecord, system: CountingSystem) -> None:
    handle = Handle()
    loan = Loan(handle, "")
    record.load(loan, LoadHint.PREVENT_UNLOAD)
    system.stays = True
    outcome = record.unload(loan)
    assert outcome.state is UnloadState.RESIDENT
    assert "PREVENT_UNLOAD" in outcome.reason
    assert record.hints == LoadHint.PREVENT_UNLOAD
    system.stays = False
    again = Loan(handle, "")
    record.load(again, 0)
    assert record.unload(again).state is UnloadState.CLOSED
    assert record.hints == 0


@pytest.mark.parametrize("stays", [False, True])
def test_a_handle_is_owned_as_long_as_it_is_mapped(
    stays: bool, record: LibraryRecord, system: CountingSystem, owners: dict[int, LibraryRecord]
) -> None:
    handle = Handle()
    loan = Loan(handle, "")
    record.load(loan, 0)
    assert owners == {HANDLE: record}
    system.stays = stays
    record.unload(loan)
    assert owners == ({HANDLE: record} if stays else {})


def test_what_is_in_use_is_not_unloaded_and_nothing_changes(record: LibraryRecord, system: CountingSystem) -> None:
    handle, user = Handle(), Handle()
    loan = Loan(handle, "")
    record.load(loan, 0)
    record.ledger.add("function", "cos", user)
    with pytest.raises(InUse) as refused:
        record.unload(loan)
    assert [holder.name for holder in refused.value.holders] == ["cos"]
    assert (record.loans, system.references) == ({loan}, 1)
    del user
    assert record.unload(loan).state is UnloadState.CLOSED


def test_a_file_that_is_not_confirmed_is_given_back_and_owned_by_nobody(
    record: LibraryRecord, system: CountingSystem, owners: dict[int, LibraryRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PlainSource, "refuses", True)
    handle = Handle()
    with pytest.raises(Unreadable):
        record.load(Loan(handle, ""), 0)
    assert (system.references, owners, record.loans) == (0, {}, set())
    assert record.is_resting


def test_every_reference_is_given_back_where_a_constructor_loads_its_own_library(
    record: LibraryRecord, system: CountingSystem
) -> None:
    one, two = Handle(), Handle()
    outer, inner = Loan(one, "outer"), Loan(two, "inner")
    system.constructor = lambda: record.load(inner, 0)
    record.load(outer, 0)
    assert (record.opens, system.references, record.loans) == (2, 2, {outer, inner})
    assert record.unload(inner).state is UnloadState.HELD
    assert record.unload(outer).state is UnloadState.CLOSED
    assert (record.opens, record.opened, system.references) == (0, None, 0)


def test_what_was_given_out_ends_with_the_library(record: LibraryRecord) -> None:
    handle, life = Handle(), Life("any")
    loan = Loan(handle, "")
    record.load(loan, 0)
    record.ledger.lives.append(life)
    record.unload(loan)
    assert not life.enter()


def test_a_handle_that_was_lent_the_library_keeps_standing_for_it(record: LibraryRecord) -> None:
    handle = Handle()
    loan = Loan(handle, "")
    assert loan.settle(record) is record
    record.load(loan, 0)
    loan.release(record)
    assert loan.record is record
    record.unload(loan)
    loan.release(record)
    assert loan.record is None


def test_a_handle_stands_for_the_record_that_was_first(
    record: LibraryRecord, system: CountingSystem, owners: dict[int, LibraryRecord]
) -> None:
    adapter: Any = system
    source: Any = PlainSource()
    handle = Handle()
    loan = Loan(handle, "")
    assert loan.settle(record) is record
    assert loan.settle(LibraryRecord(adapter, source, owners)) is record  # another thread that came later
    assert loan.record is record


def test_a_handle_without_a_load_takes_nobody_elses(record: LibraryRecord, system: CountingSystem) -> None:
    handles = [Handle(), Handle()]
    lent, never = (Loan(handle, f"l{number}") for number, handle in enumerate(handles))
    life = Life("any")
    record.load(lent, 0)
    record.ledger.lives.append(life)
    assert not record.unload(never)
    assert (record.loans, system.references) == ({lent}, 1)
    assert life.enter()  # what the other handle gave out goes on


def test_a_handle_that_gave_its_load_back_finds_no_symbol_of_anothers(record: LibraryRecord) -> None:
    handles = [Handle(), Handle()]
    lent, returned = (Loan(handle, f"l{number}") for number, handle in enumerate(handles))
    record.load(lent, 0)
    record.load(returned, 0)
    record.unload(returned)
    record.state, record.worker = RecordState.UNLOADING, get_ident()  # seen from inside: a finaliser that asks
    with pytest.raises(Closed):
        record.address("any", returned)
