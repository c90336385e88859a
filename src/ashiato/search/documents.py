"""Answers of searches as JSON documents, for the command line and for whoever asks the pages by token."""

from __future__ import annotations

from typing import Any

from ashiato.search.counting import Counts
from ashiato.search.exporting import heading
from ashiato.search.reading import Reader
from ashiato.search.rows import Page


def rows_document(reader: Reader, page: Page) -> dict[str, Any]:
    """`{"table", "q", "from", "to", "columns", "rows": [{column: value, "ref"}], "next", "reached"}`: `next` is the
    cursor of the page after, null at the end; `reached` is told where the time was over before the page was full."""
    return {
        **heading(reader),
        "rows": [{**row, "ref": ref} for row, ref in zip(page.rows, page.refs, strict=True)],
        "next": page.next or None,
        "reached": page.reached,
    }


def counts_document(counts: Counts) -> dict[str, Any]:
    """`{"total", "exact", "counted_back_to", "histogram": [{"start", "count"}], "bucket_seconds", "facets":
    [{"field", "distinct", "values": [{"value", "count"}]}]}`; not exact: counted from the newest back to there."""
    return {
        "total": counts.total,
        "exact": counts.exact,
        "counted_back_to": counts.reached,
        "bucket_seconds": counts.seconds,
        "histogram": [{"start": b.start, "count": b.count} for b in counts.buckets if b.counted],
        "facets": [
            {
                "field": facet.field,
                "distinct": facet.distinct,
                "values": [{"value": v.value, "count": v.count} for v in facet.values],
            }
            for facet in counts.facets
        ],
    }
