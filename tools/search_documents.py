"""Keys of the JSON documents of `ashiato search`."""

from __future__ import annotations

from document_keys import Keys

_HEAD: Keys = {
    "table": ("text", "what was searched"),
    "q": ("text", "the conditions"),
    "from": ("time", "first moment of the time that was searched; null: from the beginning"),
    "to": ("time", "the moment after it; null: to the end"),
    "columns": ("list", "columns that are shown"),
    "rows": ("list", "records: their columns by name, and `ref`, which names the record"),
}
_COUNTED: Keys = {
    "next": ("text", "cursor of the next page, for --after; null after the last"),
    "reached": ("time", "where the time was over before the page was full: looked at up to there; else null"),
    "counts": ("object", "with --counts"),
    "counts.total": ("number", "records found"),
    "counts.exact": ("true or false", "all were counted"),
    "counts.counted_back_to": ("time", "where not exact: counted from the newest back to there"),
    "counts.bucket_seconds": ("number", "length of the histogram's parts"),
    "counts.histogram": ("list", "records by time"),
    "counts.histogram[].start": ("time", "beginning of a part"),
    "counts.histogram[].count": ("number", "records in it"),
    "counts.facets": ("list", "most frequent values by field"),
    "counts.facets[].field": ("text", "the field"),
    "counts.facets[].distinct": ("number", "how many different values there are"),
    "counts.facets[].values": ("list", "the 12 most frequent"),
    "counts.facets[].values[].value": ("text", "the value; null: records without one"),
    "counts.facets[].values[].count": ("number", "records that have it"),
}
_EXPORTED: Keys = {
    "count": ("number", "rows written"),
    "complete": ("true or false", "every row is here"),
    "reached": ("time", "where not complete: the time of the last row"),
}
#: Each call, and the keys of what it prints.
SEARCH: tuple[tuple[str, Keys], ...] = (
    ("ashiato search CONDITIONS --counts --json", _HEAD | _COUNTED),
    ("ashiato search CONDITIONS --all --json", _HEAD | _EXPORTED),
    ("ashiato search CONDITIONS --explain --json", {"sql": ("text", "the same search as a statement")}),
)
