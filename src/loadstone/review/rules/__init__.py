"""The source rules, in one table: adding one means adding a file and a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from loadstone.core.claims import Claim
from loadstone.review.analyses import Facts, gather
from loadstone.review.ir import Program
from loadstone.review.rules import (
    address_resolved_by_name,
    archive_confined,
    branches_equally_safe,
    buffer_fits,
    buffer_kept,
    call_as_declared,
    callbacks_kept,
    checked_file_loaded,
    closed_then_forgotten,
    compatibility_tested,
    count_guarded,
    descriptor_still_open,
    download_verified,
    error_text_reported,
    failure_acted_on,
    failure_noticed,
    failure_test_correct,
    file_offset_compared,
    foreign_functions_typed,
    foreign_memory_returned,
    foreign_result_tested,
    function_followed_to_its_end,
    interface_current,
    interface_declared,
    library_closed_once,
    library_identity_complete,
    library_not_writable,
    library_released,
    links_not_followed,
    load_failure_acted_on,
    load_path_fixed,
    load_result_checked,
    loader_environment_fixed,
    lock_discipline,
    no_load_under_loader_lock,
    once_without_race,
    owner_not_copied,
    parameters_checked,
    platforms_covered,
    privileges_dropped_first,
    release_owned,
    resolved_symbol_tested,
    search_path_fixed,
    sections_guarded,
    shared_state_locked,
    signature_result_used,
    state_decided_under_lock,
    state_file_local,
    state_tested,
    symbol_fixed,
    symbol_holds_library,
    symbol_one_type,
    symbol_test_narrow,
    symbol_within_lifetime,
    symbols_bound_at_load,
    symbols_kept_local,
    taken_given_back,
    temporary_file_private,
    tool_called_safely,
    verification_decides,
)
from loadstone.review.rules.places import once
from loadstone.review.rules.rule import Rule

__all__ = ["RULES", "Rule", "ask"]

RULES: Final[tuple[Rule, ...]] = (
    library_released.RULE,
    library_closed_once.RULE,
    symbol_within_lifetime.RULE,
    symbol_holds_library.RULE,
    library_identity_complete.RULE,
    callbacks_kept.RULE,
    state_tested.RULE,
    failure_noticed.RULE,
    load_result_checked.RULE,
    resolved_symbol_tested.RULE,
    failure_test_correct.RULE,
    failure_acted_on.RULE,
    load_failure_acted_on.RULE,
    symbol_test_narrow.RULE,
    error_text_reported.RULE,
    symbols_bound_at_load.RULE,
    sections_guarded.RULE,
    shared_state_locked.RULE,
    count_guarded.RULE,
    state_decided_under_lock.RULE,
    once_without_race.RULE,
    lock_discipline.RULE,
    no_load_under_loader_lock.RULE,
    platforms_covered.RULE,
    compatibility_tested.RULE,
    branches_equally_safe.RULE,
    state_file_local.RULE,
    interface_declared.RULE,
    symbols_kept_local.RULE,
    parameters_checked.RULE,
    load_path_fixed.RULE,
    file_offset_compared.RULE,
    tool_called_safely.RULE,
    address_resolved_by_name.RULE,
    search_path_fixed.RULE,
    loader_environment_fixed.RULE,
    checked_file_loaded.RULE,
    links_not_followed.RULE,
    temporary_file_private.RULE,
    download_verified.RULE,
    signature_result_used.RULE,
    library_not_writable.RULE,
    privileges_dropped_first.RULE,
    release_owned.RULE,
    descriptor_still_open.RULE,
    owner_not_copied.RULE,
    foreign_functions_typed.RULE,
    foreign_result_tested.RULE,
    foreign_memory_returned.RULE,
    buffer_kept.RULE,
    buffer_fits.RULE,
    call_as_declared.RULE,
    closed_then_forgotten.RULE,
    taken_given_back.RULE,
    symbol_fixed.RULE,
    archive_confined.RULE,
    verification_decides.RULE,
    symbol_one_type.RULE,
    interface_current.RULE,
    function_followed_to_its_end.RULE,
)
"""Every source rule, in the order reports list them: the origin's six observations first."""


def ask(program: Program, rules: Sequence[Rule] = RULES, tables: tuple[str, ...] = ()) -> tuple[Claim, ...]:
    """Every answer of every rule for the units of one run, in a stable order.

    ``tables`` are paths of the user's own interface tables. Finding nothing at all to ask about is an empty tuple.
    """
    facts: Facts = gather(program, tables)
    return tuple(once((claim for rule in rules for claim in rule.ask(facts)), facts))
