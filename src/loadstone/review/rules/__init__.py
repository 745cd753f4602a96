"""The source rules, in one table: adding one means adding a file and a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from loadstone.core.claims import Claim
from loadstone.forks import forked
from loadstone.review.analyses import Facts, gather
from loadstone.review.ir import Program
from loadstone.review.rules import (
    address_of_local,
    analysis_incomplete,
    broad_except_around_lookup,
    calling_convention_mismatch,
    check_then_act_race,
    child_pipes,
    collected_callback,
    command_injection,
    compatibility_checks,
    copyable_handle_owner,
    dangling_buffer,
    dangling_text,
    data_race,
    declared_interface,
    dll_search_path,
    double_checked_locking,
    double_close,
    errno_not_kept,
    event_loops,
    failure_checks,
    fixed_buffer_overflow,
    foreign_buffer_overflow,
    foreign_resource_leak,
    foreign_use_after_release,
    generated_code,
    given_back,
    ignored_failure,
    ignored_verification,
    input_run_as_code,
    internal_linkage,
    invalid_release,
    library_leak,
    lifecycle_guards,
    load_before_privilege_drop,
    load_from_shared_tmp,
    load_under_loader_lock,
    lock_misuse,
    mismatched_free,
    missing_platform_branch,
    mistaken_condition,
    obsolete_api,
    partial_library_identity,
    pointer_truncation,
    refcount_race,
    rtld_global,
    rtld_lazy,
    secrets_in_logs,
    swallowed_load_failure,
    symbol_outlives_library,
    symbol_type_confusion,
    symlink_following,
    synchronisation,
    text_overflow,
    thread_outlives_library,
    toctou_load,
    unchecked_dlopen,
    unchecked_dlsym,
    unchecked_file_offset,
    unchecked_foreign_result,
    undeclared_foreign_function,
    uneven_platform_branches,
    unread_dlerror,
    unsafe_signal_handler,
    unset_variable,
    untrusted_file_name,
    untrusted_format,
    untrusted_function_address,
    untrusted_load_path,
    untrusted_loader_environment,
    untrusted_symbol_name,
    unused_signature_result,
    unvalidated_parameter,
    unverified_download,
    use_after_close,
    use_after_close_descriptor,
    use_after_free,
    use_after_unload,
    weak_digest_comparison,
    world_writable_library,
    wrong_failure_test,
    zip_slip,
)
from loadstone.review.rules.places import once
from loadstone.review.rules.rule import Rule

__all__ = ["RULES", "Rule", "ask"]

RULES: Final[tuple[Rule, ...]] = (
    library_leak.RULE,
    double_close.RULE,
    use_after_unload.RULE,
    symbol_outlives_library.RULE,
    partial_library_identity.RULE,
    collected_callback.RULE,
    lifecycle_guards.RULE,
    failure_checks.RULE,
    unchecked_dlopen.RULE,
    unchecked_dlsym.RULE,
    wrong_failure_test.RULE,
    mistaken_condition.RULE,
    unset_variable.RULE,
    ignored_failure.RULE,
    swallowed_load_failure.RULE,
    broad_except_around_lookup.RULE,
    unread_dlerror.RULE,
    rtld_lazy.RULE,
    synchronisation.RULE,
    data_race.RULE,
    refcount_race.RULE,
    check_then_act_race.RULE,
    double_checked_locking.RULE,
    lock_misuse.RULE,
    load_under_loader_lock.RULE,
    missing_platform_branch.RULE,
    compatibility_checks.RULE,
    uneven_platform_branches.RULE,
    internal_linkage.RULE,
    declared_interface.RULE,
    rtld_global.RULE,
    unvalidated_parameter.RULE,
    untrusted_load_path.RULE,
    unchecked_file_offset.RULE,
    command_injection.RULE,
    generated_code.RULE,
    untrusted_function_address.RULE,
    dll_search_path.RULE,
    untrusted_loader_environment.RULE,
    toctou_load.RULE,
    symlink_following.RULE,
    load_from_shared_tmp.RULE,
    unverified_download.RULE,
    unused_signature_result.RULE,
    world_writable_library.RULE,
    load_before_privilege_drop.RULE,
    invalid_release.RULE,
    use_after_close_descriptor.RULE,
    use_after_free.RULE,
    address_of_local.RULE,
    copyable_handle_owner.RULE,
    undeclared_foreign_function.RULE,
    unchecked_foreign_result.RULE,
    errno_not_kept.RULE,
    mismatched_free.RULE,
    foreign_use_after_release.RULE,
    dangling_buffer.RULE,
    dangling_text.RULE,
    foreign_buffer_overflow.RULE,
    calling_convention_mismatch.RULE,
    use_after_close.RULE,
    foreign_resource_leak.RULE,
    untrusted_symbol_name.RULE,
    zip_slip.RULE,
    untrusted_file_name.RULE,
    input_run_as_code.RULE,
    child_pipes.RULE,
    event_loops.RULE,
    given_back.RULE,
    secrets_in_logs.RULE,
    ignored_verification.RULE,
    symbol_type_confusion.RULE,
    pointer_truncation.RULE,
    fixed_buffer_overflow.RULE,
    text_overflow.RULE,
    untrusted_format.RULE,
    unsafe_signal_handler.RULE,
    thread_outlives_library.RULE,
    weak_digest_comparison.RULE,
    obsolete_api.RULE,
    analysis_incomplete.RULE,
)
"""Every source rule, in the order reports list them: the origin's six observations first."""


_TOGETHER: Final = (
    (library_leak, double_close, invalid_release, use_after_close_descriptor, use_after_free, address_of_local),
    (unchecked_file_offset, fixed_buffer_overflow),
    (data_race, refcount_race, double_checked_locking),
)
"""Rules that share the costly part of their answer (lifetimes, numbers, shared state): one process asks them all."""


def _shared_out(rules: Sequence[Rule]) -> list[tuple[Rule, ...]]:
    """Which rules are asked by the same process; the costliest are begun first, so that nobody waits at the end."""
    together = [tuple(m.RULE for m in modules if m.RULE in rules) for modules in _TOGETHER]
    shared = {rule.id for group in together for rule in group}
    return [*filter(None, together), *((rule,) for rule in rules if rule.id not in shared)]


def ask(
    program: Program, rules: Sequence[Rule] = RULES, tables: tuple[str, ...] = (), processes: int = 1
) -> tuple[Claim, ...]:
    """Every answer of every rule for the units of one run, in a stable order.

    ``tables`` are paths of the user's own interface tables; up to ``processes`` share the work. Finding nothing at
    all to ask about is an empty tuple.
    """
    facts: Facts = gather(program, tables, processes)
    groups = _shared_out(rules)
    made = forked(lambda group: [rule.ask(facts) for rule in group], groups, processes=processes)
    answers = {
        r.id: claims for group, each in zip(groups, made, strict=True) for r, claims in zip(group, each, strict=True)
    }
    return tuple(once((claim for rule in rules for claim in answers[rule.id]), facts))
