"""A trace as rows of one table: its three lanes and alerts, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ashiato.trace.as_text import entries

COLUMNS: Final = (
    "time",
    "arrived",
    "lane",
    "account",
    "region",
    "text",
    "result",
    "repeats",
    "causes",
    "ref",
)


def rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row for each operation, change and connection that is shown, and each alert."""
    made = [
        {
            "time": time,
            "arrived": row["arrived"],
            "lane": lane,
            "account": row["account"],
            "region": row["region"],
            "text": row["text"],
            "result": row.get("result") or row.get("status") or row.get("action"),
            "repeats": row.get("repeats") or row.get("records") or 1,
            "causes": " ".join(c["ref"] for c in row.get("causes", ())),
            "ref": row["ref"],
        }
        for time, lane, row in entries(document)
    ]
    made += [
        {
            "time": a["time"], "arrived": None, "lane": "alert", "account": a["account"], "region": a["region"],
            "text": a["title"], "result": a["status"], "repeats": a["hits"], "causes": "", "ref": a["id"],
        }
        for a in document["alerts"]
    ]  # fmt: skip
    return sorted(made, key=lambda row: row["time"], reverse=True)
