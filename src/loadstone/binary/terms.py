"""The words the field has for protections: what checksec, ld, Windows and Apple call them, by format, fact and state.

A person greps for the term; the sentence beside it says what it rests on. Sources: checksec.sh; the manuals of GNU ld
and GCC; Intel CET and Arm's names of their extensions; Microsoft's link.exe and Windows security documentation; Apple's
code signing documentation.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from loadstone.core.image import CheckState, Format, HardeningFact

__all__ = ["TERMS", "with_terms"]

_States = tuple[str, str, str]  # present, partial, absent


def _switch(word: str) -> _States:
    return word, f"Partial {word}", f"No {word}"


_COMMON: Final = {
    "relro": ("Full RELRO", "Partial RELRO", "No RELRO"),
    "bind-now": ("BIND_NOW", "", "Lazy binding, no BIND_NOW"),
    "executable-stack": ("NX enabled", "", "NX disabled"),
    "rwx-segment": ("No RWX", "", "Has RWX"),
    "text-relocations": ("No TEXTREL", "", "TEXTREL"),
    "stack-protector": ("Stack canary found", "", "No stack canary found"),
    "fortify": ("FORTIFY_SOURCE", "FORTIFY_SOURCE, partly", "No FORTIFY_SOURCE"),
}

_BY_FORMAT: Final[dict[Format, dict[str, _States]]] = {
    Format.ELF: {
        **_COMMON,
        "pie": ("PIE enabled", "", "No PIE"),
        "ibt": _switch("IBT (CET)"),
        "shadow-stack": _switch("SHSTK (CET)"),
        "bti": _switch("BTI"),
        "pac": _switch("PAC"),
    },
    Format.PE: {
        **_COMMON,
        "pie": ("ASLR (DYNAMIC_BASE)", "", "No ASLR (DYNAMIC_BASE)"),
        "high-entropy-va": _switch("HIGH_ENTROPY_VA"),
        "executable-stack": ("DEP (NX_COMPAT)", "", "No DEP (NX_COMPAT)"),
        "stack-protector": ("GS stack canary", "", "No GS stack canary"),
        "control-flow-guard": ("CFG", "CFG, partly", "No CFG"),
        "extended-flow-guard": _switch("XFG"),
        "shadow-stack": ("CET shadow stack (SHSTK)", "", "No CET shadow stack (SHSTK)"),
        "safeseh": _switch("SafeSEH"),
        "restricted-import-search": _switch("DependentLoadFlags"),
        "signature": ("Authenticode", "", "No Authenticode"),
    },
    Format.MACHO: {
        **_COMMON,
        "relro": ("RELRO (__DATA_CONST)", "", "No RELRO (__DATA_CONST)"),
        "pie": ("PIE (ASLR)", "", "No PIE (ASLR)"),
        "pointer-authentication": _switch("PAC"),
        "signature": ("Code signature", "Ad-hoc code signature", "No code signature"),
        "hardened-runtime": _switch("Hardened runtime"),
        "library-validation": _switch("Library validation"),
    },
}

_STATES: Final = (CheckState.PRESENT, CheckState.PARTIAL, CheckState.ABSENT)

TERMS: Final = MappingProxyType(
    {
        (container, name, state): term
        for container, facts in _BY_FORMAT.items()
        for name, terms in facts.items()
        for state, term in zip(_STATES, terms, strict=True)
    }
)
"""The term for a fact of that format and name in that state; none where the question was not answered."""


def with_terms(container: Format, facts: Iterable[HardeningFact]) -> tuple[HardeningFact, ...]:
    """The facts, each with its term; one that brought a better word keeps it."""
    return tuple(
        HardeningFact(
            fact.name,
            fact.state,
            fact.detail,
            fact.location,
            fact.met,
            fact.sites,
            fact.term or TERMS.get((container, fact.name, fact.state), ""),
        )
        for fact in facts
    )
