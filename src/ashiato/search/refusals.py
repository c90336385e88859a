"""What is wrong with a search: where it stands, and how to write it."""

from __future__ import annotations

from collections.abc import Mapping

from ashiato.core.errors import QueryRefused

#: Texts by code: what is wrong, and the correction. Pages translate them by the same codes.
TEXTS: Mapping[str, tuple[str, str]] = {
    "no_field": ("there is no field {name}", "Put text that holds a colon in quotes: \"{text}\""),
    "meant_field": ("there is no field {name}", "Did you mean {meant}?"),
    "has_fields": ("{name} has fields of its own", "Name one of them, such as {meant}"),
    "no_value": ("{name} is not followed by a value", "Write {name}:VALUE, or {name}:* for any value"),
    "open_quote": ("a quotation mark is not closed", "Write \" at the end, or \\\" for the mark itself"),
    "open_parenthesis": ("a parenthesis is not closed", "Write ) after the last value"),
    "stray_parenthesis": ("a parenthesis stands alone", "Parentheses list values of one field: eventName:(A, B)"),
    "or_between": (
        "OR joins values of one field only",
        "Write eventName:(A, B), or choose SQL for conditions on several fields",
    ),
    "nothing_negated": ("- is not followed by a condition", "Write -eventName:GetObject, or put the text in quotes"),
    "not_a_number": ("{name} is a number, {value} is none", "Write {name}:443, {name}:>1024 or {name}:1..1023"),
    "not_a_boolean": ("{name} is true or false, not {value}", "Write {name}:true or {name}:false"),
    "not_a_time": ("{value} is no time", "Write 2026-11-20, 2026-11-20T10:00 or 2026-11-20T10:00:00Z"),
    "not_a_network": ("{value} is no network", "Write an address and the length of its prefix: 203.0.113.0/24"),
    "not_ordered": ("{name} is text: it cannot be compared by {sign}", "Write {name}:VALUE, with * for any characters"),
    "too_long": ("the search is longer than {most} characters", "Shorten it, or choose SQL"),
    "too_many": ("the search has more than {most} conditions or values", "Shorten it, or choose SQL"),
    "bad_time": (
        "{value} is no time",
        "Write a time such as 2026-11-20T10:00, or a span back from the newest record such as -24h, -7d, -30d",
    ),
    "empty_span": ("the time range ends before it begins", "Give a beginning before {value}"),
    "no_table": ("there is no table {value}", "Choose cloudtrail, config_items or vpc_flow_logs"),
    "bad_cursor": ("this page of the search is not there", "Begin at the first page"),
    "no_column": ("there is no column {name}", "Did you mean {meant}?"),
}  # fmt: skip


class SearchRefused(QueryRefused):
    """A search that cannot be meant. `code` and `values` name the text, `start` and `end` the characters."""

    def __init__(self, code: str, start: int | None = None, end: int | None = None, **values: str) -> None:
        what, remedy = (text.format(**values) for text in TEXTS[code])
        where = None if start is None else f"character {start + 1}"
        super().__init__(what, where=where, remedy=remedy)
        self.code = code
        self.values = values
        self.start = start
        self.end = end if end is not None else start
