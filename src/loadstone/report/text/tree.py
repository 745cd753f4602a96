"""The dependency tree as text, DOT or Mermaid: who needs whom, and because of which rule it was found where."""

from __future__ import annotations

from collections.abc import Iterator

from loadstone.core.trace import DependencyEdge, Explanation, StepOutcome
from loadstone.escape import printable
from loadstone.report.text.because import BECAUSE
from loadstone.report.text.explanation import verdict_line
from loadstone.report.text.style import Style

__all__ = ["render", "render_dot", "render_mermaid"]


def render(explanation: Explanation, style: Style, *, verbose: int = 0) -> str:
    """Each library once with its own needs below it; ``verbose`` 1 repeats those seen before, 2 shows every step."""
    lines = [verdict_line(explanation, style)]
    graph, first = explanation.graph, explanation.first_blocking
    if graph.root.image is None and first is not None:  # nothing to draw: why
        lines.append(f"  {printable(first.explanation)}")
    needs: dict[str, list[DependencyEdge]] = {}
    for edge in graph.edges:
        needs.setdefault(edge.requester, []).append(edge)
    lines += _branches(needs, _found_by(graph.edges), graph.root.path, style, verbose)
    missing = sum(edge.chosen is None and edge.kind.value not in ("auxiliary", "dlopen") for edge in graph.edges)
    libraries = len(graph.nodes) - 1
    found = f"{libraries} librar{'y' if libraries == 1 else 'ies'}"
    unmet = f"{found}, {missing} unresolved dependenc{'y' if missing == 1 else 'ies'}"
    lines += ["", style.bad(unmet) if missing else style.dim(found)]
    return "\n".join(lines) + "\n"


def _found_by(edges: tuple[DependencyEdge, ...]) -> dict[str, DependencyEdge]:
    """The edge that loaded each library: the first that chose it."""
    found: dict[str, DependencyEdge] = {}
    for edge in edges:
        if edge.chosen is not None:
            found.setdefault(edge.chosen, edge)
    return found


def _branches(
    needs: dict[str, list[DependencyEdge]], found_by: dict[str, DependencyEdge], root: str, style: Style, verbose: int
) -> Iterator[str]:
    """Depth first without recursion: a chain of 10,000 libraries is a tree too."""
    opened = {root}
    pending = [("", iter(_shown(needs.get(root, []), opened, verbose)))]
    waiting: dict[int, DependencyEdge | None] = {}
    while pending:
        prefix, edges = pending[-1]
        edge = waiting.pop(len(pending), None) or next(edges, None)
        if edge is None:
            pending.pop()
            continue
        following = next(edges, None)
        waiting[len(pending)] = following
        last = following is None
        yield f"{prefix}{'└── ' if last else '├── '}{_line(edge, found_by, opened, style)}"
        if verbose > 1:
            bar = "    " if last else "│   "
            yield from (f"{prefix}{bar}{style.dim(row)}" for row in _step_lines(edge))
        if edge.chosen is not None and edge.chosen not in opened:
            opened.add(edge.chosen)
            below = _shown(needs.get(edge.chosen, []), opened, verbose)
            pending.append((prefix + ("    " if last else "│   "), iter(below)))


def _shown(edges: list[DependencyEdge], opened: set[str], verbose: int) -> list[DependencyEdge]:
    """The edges worth a line: those that lead to something not shown above, unless all are wanted."""
    return edges if verbose else [e for e in edges if e.chosen is None or e.chosen not in opened]


def _line(edge: DependencyEdge, found_by: dict[str, DependencyEdge], opened: set[str], style: Style) -> str:
    name = printable(edge.name)
    kind = (
        "" if edge.kind.value == "needed" else f" ({', '.join(filter(None, (edge.kind.value, printable(edge.note))))})"
    )
    if edge.chosen is None:
        refused = next((s.reason for s in reversed(edge.steps) if s.outcome is StepOutcome.FATAL), "not found")
        return f"{style.bad(name)}{kind} {style.bad(printable(refused))}"
    if edge.chosen in opened:
        return f"{name}{kind} {style.dim('[above]')}"
    because = _because(found_by[edge.chosen])
    return f"{style.bold(name)}{kind} => {printable(edge.chosen)} {style.dim(f'[{because}]')}"


def _because(edge: DependencyEdge) -> str:
    words = BECAUSE.get(edge.how, edge.how)
    taken = next((s for s in reversed(edge.steps) if s.outcome is StepOutcome.TAKEN), None)
    if taken is not None and taken.rule in ("rpath", "runpath") and taken.source:
        element = taken.element or "the current directory"
        return f"{words} {printable(element)} of {printable(taken.source.rpartition('/')[2])}"
    return words


def _step_lines(edge: DependencyEdge) -> Iterator[str]:
    for step in edge.steps:
        reason = f" ({printable(step.reason)})" if step.reason else ""
        yield f"  {step.rule}: {printable(step.candidate) or '-'}: {step.outcome.value}{reason}"


def _leaf(path: str) -> str:
    return path.rpartition("/")[2] or path


def render_dot(explanation: Explanation) -> str:
    """The graph for Graphviz; what is missing stands in a red dashed box."""
    lines = ["digraph dependencies {", "  rankdir=LR;", "  node [shape=box, fontname=monospace];"]
    lines += [f"  {_quoted(n.path)} [label={_quoted(_leaf(n.path))}];" for n in explanation.graph.nodes]
    for edge in explanation.graph.edges:
        target = edge.chosen if edge.chosen is not None else f"missing: {edge.name}"
        if edge.chosen is None:
            lines.append(f"  {_quoted(target)} [label={_quoted(edge.name)}, color=red, style=dashed];")
        label = _quoted(_because(edge)) if edge.chosen else '"not found"'
        lines.append(f"  {_quoted(edge.requester)} -> {_quoted(target)} [label={label}];")
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(text: str) -> str:
    """A double-quoted string for DOT and Mermaid: both understand the escapes of JSON that can occur here."""
    import json  # noqa: PLC0415  a tree in text draws none

    return json.dumps(printable(text), ensure_ascii=False)


def render_mermaid(explanation: Explanation) -> str:
    """The graph for Mermaid, as Markdown pages show it."""
    numbers = {node.path: f"n{i}" for i, node in enumerate(explanation.graph.nodes)}
    lines = ["graph LR"]
    lines += [f'  {number}["{_mermaid(_leaf(path))}"]' for path, number in numbers.items()]
    missing: dict[str, str] = {}
    for edge in explanation.graph.edges:
        if edge.chosen is None and edge.name not in missing:
            missing[edge.name] = f"m{len(missing)}"
            lines.append(f'  {missing[edge.name]}["{_mermaid(edge.name)}"]:::missing')
        target = missing[edge.name] if edge.chosen is None else numbers.get(edge.chosen)
        requester = numbers.get(edge.requester)
        if target is not None and requester is not None:
            lines.append(f"  {requester} --> {target}")
    return "\n".join([*lines, "  classDef missing stroke:#c00,stroke-dasharray:4"]) + "\n"


def _mermaid(text: str) -> str:
    """Text inside a Mermaid label: quotes and angle brackets as entities."""
    return printable(text).replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
