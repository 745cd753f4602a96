"""The examination as text. The first lines answer the question; what follows shows how it is known."""

from __future__ import annotations

from loadstone.core.claims import Claim, Evidence, Finding, NotApplicable, Undecided
from loadstone.core.examination import Examination
from loadstone.core.image import Image
from loadstone.core.practices import Practice
from loadstone.core.trace import DependencyEdge, Explanation
from loadstone.core.verdict import Verdict
from loadstone.escape import printable
from loadstone.report.text.because import BECAUSE
from loadstone.report.text.claims import claims_lines
from loadstone.report.text.style import Style, columns

__all__ = ["render"]

_SHOWN_DEPENDENCIES = 12


def render(result: Examination, style: Style, *, verbose: int = 0) -> str:
    """The whole text; ``verbose`` 1 adds what does not apply and every dependency, 2 the path behind each claim."""
    blocks = [
        _headline(result, style),
        _identity(result.image, style) if result.image else [],
        _dependencies(result.explanation, style, verbose) if result.explanation else [],
        _claims(result, style, verbose),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _headline(result: Examination, style: Style) -> list[str]:
    paint = {Verdict.LOAD: style.good, Verdict.LOAD_WITH_CARE: style.warn, Verdict.DO_NOT_LOAD: style.bad}
    verdict = style.bold(paint.get(result.verdict, style.warn)(result.verdict.value))
    lines = [f"{style.bold(printable(result.target))}: {verdict}"]
    if result.disagreement:
        lines.append(f"  {style.bad('INTERNAL ERROR')}: {printable(result.disagreement)}")
        lines.append("  please report it, with what `loadstone explain --format json` says of this target")
    if result.location.path is not None and result.location.path != result.target:
        step = result.location.steps[-1] if result.location.steps else None
        how = result.location.how
        reason = step.reason if step and step.reason else BECAUSE.get(how, how)
        lines.append(f"  {printable(result.location.path)} {style.dim(f'({printable(reason)})')}")
    if result.reasons:
        lines += claims_lines(result.reasons, style, subject=result.location.path or result.target, why=True)
    else:
        lines.append(f"  {_counted(result.claims)}")
    return lines


def _counted(claims: tuple[Claim, ...]) -> str:
    """What stands behind a verdict without reasons: how much was asked, and what was left open."""
    good = sum(isinstance(c, Evidence) for c in claims)
    minor = sum(isinstance(c, Finding) for c in claims)
    open_ = sum(isinstance(c, Undecided) for c in claims)
    parts = [f"{good} good practices seen", f"{minor} minor findings" if minor else "no findings"]
    if open_:
        parts.append(f"{open_} undecided")
    return ", ".join(parts)


def _identity(image: Image, style: Style) -> list[str]:
    rows = [
        ("name", printable(image.identity)) if image.identity else ("name", style.dim("none of its own")),
        ("format", f"{image.format.value.upper()} {image.bits}-bit {image.byte_order}-endian, {image.machine.name}"),
        ("kind", f"{image.kind}, {image.size:,} bytes"),
    ]
    if image.build_id:
        rows.append(("build id", image.build_id))
    if image.interpreter:
        rows.append(("loader", printable(image.interpreter)))
    rows += [(d.kind.value, printable(d.text) or "(empty: the current directory)") for d in image.search_dirs]
    exported = sum(1 for s in image.symbols if s.exported and s.name)
    rows.append(("symbols", f"{exported:,} exported, {len(image.imports):,} imported"))
    return [style.heading("Identity"), *columns(rows)]


def _dependencies(explanation: Explanation, style: Style, verbose: int) -> list[str]:
    """The target's own needs, each with the reason for the choice, and a count of what those pull in."""
    graph = explanation.graph
    if not graph.edges:
        return []
    own = graph.needs(graph.root.path)
    shown = own if verbose else own[:_SHOWN_DEPENDENCIES]
    lines = [style.heading("Dependencies"), *columns([_dependency(edge, style) for edge in shown])]
    if len(own) > len(shown):
        lines.append(style.dim(f"  and {len(own) - len(shown)} more; -v shows them"))
    further = len(graph.nodes) - 1 - len({edge.chosen for edge in own if edge.chosen})
    if further > 0:
        lines.append(style.dim(f"  {further} more through these; `loadstone tree` shows them all"))
    return lines


def _dependency(edge: DependencyEdge, style: Style) -> tuple[str, str, str]:
    if edge.chosen is None:
        return printable(edge.name), "->", style.bad("not found")
    because = BECAUSE.get(edge.how, edge.how)
    return printable(edge.name), "->", f"{printable(edge.chosen)}  {style.dim(f'because: {printable(because)}')}"


def _claims(result: Examination, style: Style, verbose: int) -> list[str]:
    """Every claim that is not already a reason, by practice, in the order of the practices."""
    said = set(map(id, result.reasons))
    rest = [c for c in result.claims if id(c) not in said and (verbose or not isinstance(c, NotApplicable))]
    lines: list[str] = []
    for practice in (*Practice, None):
        group = [c for c in rest if c.practice is practice]
        if group:
            lines += ["", style.heading((practice.value if practice else "other").capitalize())]
            ordered = sorted(group, key=lambda c: -c.severity.rank if isinstance(c, Finding) else 1)
            subject = result.location.path or result.target
            lines += claims_lines(ordered, style, subject=subject, fixes=verbose > 0, why=verbose > 1)
    return lines[1:]
