"""A snapshot as one HTML page that needs nothing else: size, worst first, protections, versions, most needed.

Each part is a query in :data:`PARTS`. The page asks for nothing over the network; its content security policy allows
its own style only, by digest. Names come from files and go through ``loadstone.escape`` and the template's autoescape.
"""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import Any, Final

import jinja2
from markupsafe import Markup

from loadstone.escape import printable
from loadstone.fleet.questions import question_named
from loadstone.fleet.report.drawing import needed_graph
from loadstone.fleet.store import Store
from loadstone.quick_dataclass import dataclass

__all__ = ["PARTS", "ReportPart", "render"]


@dataclass(frozen=True, slots=True)
class ReportPart:
    """One table of the page: its anchor, title, a sentence, its query; ``bar`` is the column drawn as a bar.

    A row's first column names its subject, which ``subject`` is the heading of; ``evidence`` is a query for the files
    that show it, whose first column is that subject again, in the same words.
    """

    anchor: str
    title: str
    text: str
    subject: str
    query: str
    bar: str = ""
    evidence: str = ""


_WORST: Final = """
    SELECT p.package AS subject, count(DISTINCT c.file) AS files, count(*) AS findings,
           count(*) FILTER (c.severity IN ('high', 'critical')) AS severe,
           string_agg(DISTINCT c.rule, ', ' ORDER BY c.rule) FILTER (c.severity NOT IN ('note', 'low')) AS rules
    FROM claims c JOIN packages p USING (file) WHERE c.outcome = 'no' AND c.severity NOT IN ('note', 'low')
    GROUP BY p.package ORDER BY severe DESC, findings DESC, subject LIMIT 50"""

PARTS: Final = (
    ReportPart(
        "worst",
        "Worst first",
        "Packages by what the rules over binaries found, of medium severity or worse.",
        "package",
        _WORST,
        "findings",
        f"""
        SELECT p.package AS subject, p.path, c.rule, c.severity, c.message, c.start AS at_byte
        FROM claims c JOIN packages p USING (file) SEMI JOIN ({_WORST}) w ON w.subject = p.package
        WHERE c.outcome = 'no' AND c.severity NOT IN ('note', 'low')
        QUALIFY row_number() OVER (PARTITION BY p.package ORDER BY c.severity, p.path, c.rule) <= 20
        ORDER BY subject, p.path, c.rule""",
    ),
    ReportPart(
        "hardening",
        "Protections",
        "How many images have each protection.",
        "protection",
        """
        SELECT name || ' (' || machine || ')' AS subject, count(*) AS images,
               count(*) FILTER (state = 'present') AS present,
               count(*) FILTER (state = 'partial') AS partial, count(*) FILTER (state = 'absent') AS absent,
               round(100.0 * count(*) FILTER (state = 'present') / count(*), 1) AS percent
        FROM hardening GROUP BY name, machine HAVING count(*) FILTER (state IN ('present', 'partial', 'absent')) > 0
        ORDER BY percent, subject""",
        "percent",
        """
        SELECT h.name || ' (' || h.machine || ')' AS subject, p.package, p.path, h.state, h.detail
        FROM hardening h JOIN packages p USING (file) WHERE h.state IN ('partial', 'absent')
        QUALIFY row_number() OVER (PARTITION BY h.name, h.machine ORDER BY h.state, p.package, p.path) <= 10
        ORDER BY subject, h.state, p.package, p.path""",
    ),
    ReportPart(
        "versions",
        "Version needs",
        "The newest version of each library that files need, and how many need it.",
        "version",
        """
        SELECT library || ' ' || name AS subject, count(DISTINCT file) AS files FROM versions
        WHERE role = 'need' GROUP BY library, name ORDER BY files DESC, subject LIMIT 40""",
        "files",
        """
        SELECT v.library || ' ' || v.name AS subject, p.package, p.path FROM versions v JOIN packages p USING (file)
        WHERE v.role = 'need'
        QUALIFY row_number() OVER (PARTITION BY v.library, v.name ORDER BY p.package, p.path) <= 10
        ORDER BY subject, p.package, p.path""",
    ),
    ReportPart(
        "needed",
        "Most needed libraries",
        "By how many files ask for them by name, and who has them.",
        "library",
        """
        SELECT n.name AS subject, count(DISTINCT n.file) AS needed_by,
               coalesce((SELECT string_agg(DISTINCT p.package, ', ' ORDER BY p.package)
                         FROM files f JOIN packages p USING (file) WHERE f.identity = n.name),
                        'none here') AS provided_by
        FROM needs n WHERE n.kind = 'needed' GROUP BY n.name ORDER BY needed_by DESC, subject LIMIT 40""",
        "needed_by",
        """
        SELECT n.name AS subject, p.package, p.path FROM needs n JOIN packages p USING (file) WHERE n.kind = 'needed'
        QUALIFY row_number() OVER (PARTITION BY n.name ORDER BY p.package, p.path) <= 10
        ORDER BY subject, p.package, p.path""",
    ),
    ReportPart(
        "unresolved",
        "Found nowhere",
        "Dependencies that no file of the snapshot and no system at hand satisfies.",
        "library",
        """
        SELECT r.name AS subject, count(DISTINCT r.requester) AS asked_by FROM resolutions r
        WHERE r.chosen IS NULL AND r.kind = 'needed' GROUP BY r.name ORDER BY asked_by DESC, subject LIMIT 40""",
        "asked_by",
        """
        SELECT r.name AS subject, r.requester, r.source FROM resolutions r WHERE r.chosen IS NULL AND r.kind = 'needed'
        QUALIFY row_number() OVER (PARTITION BY r.name ORDER BY r.requester) <= 10 ORDER BY subject, r.requester""",
    ),
    ReportPart(
        "errors",
        "Could not be read",
        "Inputs that were quarantined, and files in packages that turned out not to be binaries.",
        "path",
        "SELECT path AS subject, error, message FROM errors ORDER BY subject LIMIT 200",
    ),
)
"""The page, part by part."""


@dataclass(frozen=True, slots=True)
class _Row:
    id: str
    cells: tuple[str, ...]
    share: float
    evidence: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class _Shown:
    part: ReportPart
    columns: tuple[str, ...]
    numbers: frozenset[int]
    rows: tuple[_Row, ...]


def render(store: Store, snapshot: str = "", before: str = "") -> str:
    """The page of a snapshot; with ``before`` also how protections changed since. Raises as :meth:`Store.snapshot`."""
    found = store.snapshot(snapshot)
    trend = _trend(before)
    style = _asset("page.css")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_asset("page.html.j2")).render(
        title=printable(", ".join(found.sources[:3]), 200),
        snapshot=found.name,
        created=found.created[:16].replace("T", " "),
        summary=[(said, f"{found.rows[table]:,}") for said, table in _SUMMARY],
        drawing=needed_graph(store, found.name),
        parts=[_shown(store, part, found.name, before) for part in (*trend, *PARTS)],
        style=Markup(style),  # noqa: S704 - our own file, nothing of the snapshot in it
        style_digest=f"sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}",
    )


_SUMMARY: Final = (
    ("inputs", "inputs"),
    ("paths", "packages"),
    ("distinct files", "files"),
    ("symbols", "symbols"),
    ("errors", "errors"),
)
"""What the page begins with, and the table whose rows it counts."""


def _trend(before: str) -> tuple[ReportPart, ...]:
    if not before:
        return ()
    asked = question_named("trend").query
    query = f"SELECT name || ' (' || machine || ')' AS subject, * EXCLUDE (name, machine) FROM ({asked})"
    return (ReportPart("trend", "Protections since", f"Compared with the snapshot {before}.", "protection", query),)


def _shown(store: Store, part: ReportPart, snapshot: str, before: str) -> _Shown:
    table = store.sql(part.query, None, snapshot, before)
    evidence: dict[str, list[tuple[str, ...]]] = {}
    for row in store.sql(part.evidence, None, snapshot, before).to_pylist() if part.evidence else ():
        subject, *cells = row.values()
        evidence.setdefault(str(subject), []).append(tuple(map(_text, cells)))
    most = max((float(value) for value in table[part.bar].to_pylist()), default=0) if part.bar else 0
    rows = tuple(
        _Row(
            f"{part.anchor}-{number}",
            tuple(map(_text, row.values())),
            float(row[part.bar]) / most if most else 0.0,
            tuple(evidence.get(str(next(iter(row.values()))), ())),
        )
        for number, row in enumerate(table.to_pylist())
    )
    numbers = frozenset(at for at, field in enumerate(table.schema) if _is_number(field))
    columns = (part.subject, *(name.replace("_", " ") for name in table.column_names[1:]))
    return _Shown(part, columns, numbers, rows)


def _is_number(field: Any) -> bool:
    return str(field.type).startswith(("int", "double", "decimal", "float"))


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, (int, float)) else printable(str(value), 400)


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
