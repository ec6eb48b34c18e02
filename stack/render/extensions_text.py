"""The table of `inferstack extensions`: what the catalogue has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from components.extensions.entry import Entry

HEADINGS: Final = ("name", "version", "licence", "on GKE", "what it is")


def render_extensions(entries: Iterable[Entry]) -> str:
    """The catalogue as a table, one extension a line. Ends with a newline."""
    rows = [HEADINGS, *(_row(entry) for entry in entries)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return (
        "\n".join([*lines, "", "Anything else: {name: NAME, chart: ..., repo: ..., version: ...}, or manifests."])
        + "\n"
    )


def extensions_json(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """The catalogue as plain JSON values."""
    return [
        {
            "name": entry.name,
            "version": entry.version,
            "licence": entry.licence().name,
            "what": entry.what,
            "built_in_on_gke": entry.built_in.what if entry.built_in else None,
            "namespace": entry.namespace,
            "charts": [{"release": c.release, "chart": c.chart, "repo": c.repo} for c in entry.charts],
            "manifests": list(entry.manifests),
            "needs": list(entry.needs),
            "warnings": list(entry.warnings),
        }
        for entry in entries
    ]


def _row(entry: Entry) -> tuple[str, ...]:
    return (
        entry.name, entry.version, entry.licence().name, "built in" if entry.built_in else "", entry.what,
    )  # fmt: skip
