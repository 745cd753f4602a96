"""What Apple silicon does with a file that has no signature, or that was changed after it was signed.

Source: XNU, bsd/kern/ubc_subr.c (cs_validate_page); Apple, TN3127 "Inside Code Signing: Requirements".
"""

from __future__ import annotations

from collections.abc import Iterator

from loadstone.binary.macho.facts import MachoFacts
from loadstone.core.claims import Severity
from loadstone.core.trace import Diagnosis
from loadstone.linker.walk import SimulatedLibrary
from loadstone.shell import quoted_path

__all__ = ["unsigned"]


def unsigned(member: SimulatedLibrary) -> Iterator[Diagnosis]:
    """On Apple silicon a process is killed that touches a page without a digest, or one that differs from it."""
    image = member.image
    facts = image.native if image is not None else None
    if not isinstance(facts, MachoFacts) or not facts.architecture.startswith("arm64"):
        return
    file = quoted_path(member.path)
    text, said, advice = "", "code signature invalid", f"codesign --sign - {file}"
    if facts.signature is None:
        text = "has no code signature, which arm64 requires"
    elif changed := next((d for d in facts.signature.directories if d.bad_pages), None):
        text = (
            f"was changed after it was signed: {changed.bad_pages} of its {changed.pages} pages differ from the"
            " signature, and arm64 kills the process that touches one"
        )
        said, advice = "Killed: 9 (Code Signature Invalid)", f"codesign --force --sign - {file}, if the change is known"
    if text:
        yield Diagnosis(
            code="macho-signature",
            blocking=True,
            subject=member.path,
            explanation=f"{member.path} {text}.",
            loader_message=said,
            advice=advice,
            chain=member.chain,
            severity=Severity.HIGH,
        )
