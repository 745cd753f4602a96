"""How far libraries can travel, as text: the tag, what rules out a better one, the stable ABI."""

from __future__ import annotations

from collections import defaultdict

from loadstone.escape import printable
from loadstone.linker.surveys.portability import Portability
from loadstone.report.text.style import Style

__all__ = ["render"]

_SHOWN = 12
_SYMBOLS = 6


def render(found: Portability, style: Style, *, verbose: int = 0) -> str:
    """The whole text; ``verbose`` adds every version that is needed, by file."""
    lines = [f"qualifies for {style.bold(found.tag or 'no platform tag: it has no ELF libraries')}"]
    if found.claimed and not found.is_honest:
        lines[0] += style.bad(f", and says {', '.join(found.claimed)}")
    if found.spoilers:
        lines.append("what prevents a more portable tag:")
        for spoiler in found.spoilers if verbose else found.spoilers[:_SHOWN]:
            rest = 0 if verbose else len(spoiler.symbols) - _SYMBOLS
            more = f" and {rest} more" if rest > 0 else ""
            symbols = ", ".join(map(printable, spoiler.symbols if verbose else spoiler.symbols[:_SYMBOLS]))
            lines.append(f"  {printable(spoiler.file)}: {printable(spoiler.what)} {symbols}{more}".rstrip())
        if len(found.spoilers) > _SHOWN and not verbose:
            lines.append(style.dim(f"  and {len(found.spoilers) - _SHOWN} more; -v shows them"))
    for violation in found.stable_abi:
        since = f"of Python {'.'.join(map(str, violation.since))}" if violation.since else "none of the stable ABI"
        lines.append(
            f"{style.bad('!')} {printable(violation.file)} is marked abi3 and uses {violation.symbol}, {since}"
        )
    if verbose:
        lines += _needs(found, style)
    return "\n".join(lines) + "\n"


def _needs(found: Portability, style: Style) -> list[str]:
    by_file: dict[str, list[str]] = defaultdict(list)
    for use in found.needs:
        by_file[use.consumer].append(use.version)
    return [style.heading("Needs"), *(f"  {printable(f)}: {', '.join(map(printable, v))}" for f, v in by_file.items())]
