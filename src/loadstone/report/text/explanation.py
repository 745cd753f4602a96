"""The explanation as text: the answer, the reason that comes first with what to do, then the rest of it."""

from __future__ import annotations

from loadstone.core.counting import counted
from loadstone.core.trace import Binding, Diagnosis, Explanation, LoadVerdict, SearchStep, StepOutcome
from loadstone.escape import printable
from loadstone.report.text.style import Style, columns

__all__ = ["render", "step_rows", "verdict_line"]

_ANSWERS = {
    LoadVerdict.LOADS: "loads",
    LoadVerdict.LOADS_WITH_RISK: "loads, with risk",
    LoadVerdict.FAILS: "does not load",
    LoadVerdict.UNKNOWN: "cannot tell whether it loads",
}
_OTHER_SYSTEMS = (("dyld", "macOS"), ("Windows", "Windows"))
"""Loaders of one system each, whatever system asks."""
_SHOWN_STEPS = 12
_SHOWN_OTHERS = 8


def verdict_line(explanation: Explanation, style: Style) -> str:
    """The first line: target and answer."""
    paint = {LoadVerdict.LOADS: style.good, LoadVerdict.FAILS: style.bad}.get(explanation.verdict, style.warn)
    return f"{style.bold(printable(explanation.target))}: {style.bold(paint(_ANSWERS[explanation.verdict]))}"


def render(explanation: Explanation, style: Style, *, verbose: int = 0) -> str:
    """The whole text; ``verbose`` 1 adds every diagnosis and search step, 2 every symbol binding."""
    blocks = [_answer(explanation, style, verbose), _others(explanation, style, verbose)]
    if verbose > 1:
        blocks.append(_bindings(explanation, style))
    blocks.append(_assumed(explanation, style))
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _answer(explanation: Explanation, style: Style, verbose: int) -> list[str]:
    lines = [verdict_line(explanation, style)]
    trace = explanation.search
    if trace is not None and trace.path is not None and trace.path != explanation.target:
        lines.append(f"  {printable(trace.path)} {style.dim(f'({printable(trace.how)})')}")
    first = explanation.first_blocking
    if first is None:
        return [*lines, *_in_favour(explanation)]
    return [*lines, *_diagnosis(first, style, verbose, steps=True)]


def _in_favour(explanation: Explanation) -> list[str]:
    """What a favourable answer rests on."""
    if explanation.verdict is LoadVerdict.UNKNOWN:
        return []
    graph, bindings = explanation.graph, explanation.bindings
    libraries = len(graph.nodes) - 1
    where = next((f"on {system}: " for loader, system in _OTHER_SYSTEMS if explanation.loader.startswith(loader)), "")
    said = f"  {where}{libraries} {'dependency' if libraries == 1 else 'dependencies'} loaded"
    if bindings:
        bound = sum(b.provider is not None for b in bindings)
        said += f", {bound:,} of {len(bindings):,} imported symbols bound"
        optional = sum(b.provider is None and b.weak for b in bindings)
        if optional:
            said += f", {counted(optional, 'weak symbol')} undefined"
    return [said]


def _diagnosis(diagnosis: Diagnosis, style: Style, verbose: int, *, steps: bool) -> list[str]:
    mark = style.bad("!") if diagnosis.blocking else style.warn("-")
    cwe = f", CWE-{diagnosis.cwe}" if diagnosis.cwe else ""
    lines = [f"  {mark} {printable(diagnosis.explanation)} {style.dim(f'[{diagnosis.code}{cwe}]')}"]
    if diagnosis.advice:
        lines.append(f"    {style.bold('fix:')} {printable(diagnosis.advice)}")
    if diagnosis.loader_message and (diagnosis.blocking or verbose):
        first, *more = diagnosis.loader_message.split("\n")  # dyld's have several lines
        lines.append(f"    {style.dim('the loader says:')} {printable(first)}")
        lines += [f"      {printable(line)}" for line in more]
    if len(diagnosis.chain) > 1:
        lines.append(f"    {style.dim('dependency chain:')} {' -> '.join(printable(link) for link in diagnosis.chain)}")
    if verbose:
        lines += [f"    {style.dim('seen at:')} {printable(str(place))}" for place in diagnosis.evidence]
    if steps and diagnosis.steps:
        lines += [f"    {style.dim('looked at:')}", *step_rows(diagnosis.steps, style, all_steps=verbose > 0)]
    return lines


def step_rows(steps: tuple[SearchStep, ...], style: Style, *, all_steps: bool = False) -> list[str]:
    """A search as a table: rule, candidate, what came of it. Hardware subdirectories only when all are wanted."""
    shown = steps if all_steps else tuple(s for s in steps if not _is_hardware(s))
    cut = shown if all_steps else shown[:_SHOWN_STEPS]
    rows: list[tuple[str, ...]] = [(printable(s.rule), printable(s.candidate) or "-", _came_of(s)) for s in cut]
    lines = columns(rows, indent="      ")
    left_out = len(steps) - len(cut)
    if left_out:
        lines.append(style.dim(f"      and {left_out} more; -v shows them"))
    return lines


def _is_hardware(step: SearchStep) -> bool:
    return step.outcome is StepOutcome.ABSENT and any(
        part in step.candidate for part in ("/glibc-hwcaps/", "/tls/", "/x86_64/", "/haswell/")
    )


def _came_of(step: SearchStep) -> str:
    outcome = step.outcome.value
    return f"{outcome}: {printable(step.reason)}" if step.reason and step.outcome is not StepOutcome.ABSENT else outcome


def _others(explanation: Explanation, style: Style, verbose: int) -> list[str]:
    """Every diagnosis but the leading one; of those that one change mends, the first."""
    rest = [d for d in explanation.diagnoses if d is not explanation.first_blocking]
    if not rest:
        return []
    shown = rest if verbose else _of_other_causes(rest, explanation.first_blocking)[:_SHOWN_OTHERS]
    if not shown:
        return [style.dim(f"  and {len(rest)} more that the same change mends; -v shows them")]
    lines = [style.heading("Also" if explanation.first_blocking else "Mind")]
    for diagnosis in shown:
        lines += _diagnosis(diagnosis, style, verbose, steps=verbose > 0)
    if len(rest) > len(shown):
        lines.append(style.dim(f"  and {len(rest) - len(shown)} more; -v shows them"))
    return lines


def _of_other_causes(rest: list[Diagnosis], leading: Diagnosis | None) -> list[Diagnosis]:
    """The first of each code and advice."""
    known = {(leading.code, leading.advice)} if leading is not None else set()
    found = []
    for diagnosis in rest:
        cause = (diagnosis.code, diagnosis.advice)
        if cause not in known or not diagnosis.advice:
            known.add(cause)
            found.append(diagnosis)
    return found


def _bindings(explanation: Explanation, style: Style) -> list[str]:
    rows: list[tuple[str, ...]] = [
        (
            printable(binding.symbol + (f"@{binding.version}" if binding.version else "")),
            "->",
            _provider(binding),
        )
        for binding in explanation.bindings
    ]
    return [style.heading("Symbols"), *columns(rows)] if rows else []


def _provider(binding: Binding) -> str:
    """Whose definition it gets, and whose come too late."""
    if binding.provider is None:
        return "nothing (optional)" if binding.weak else "nothing"
    if not binding.shadowed:
        return printable(binding.provider)
    return f"{printable(binding.provider)} (before {', '.join(map(printable, binding.shadowed))})"


def _assumed(explanation: Explanation, style: Style) -> list[str]:
    said = "; ".join(printable(a) for a in explanation.assumptions)
    return [style.dim(f"Simulated: {printable(explanation.loader)}. Assumed: {said or 'nothing'}.")]
