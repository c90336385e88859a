"""What the engine of searches says, as messages: what is wrong with a search, and how to write it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ashiato.web.page import N_

if TYPE_CHECKING:
    from ashiato.search.refusals import SearchRefused
    from ashiato.web.visit import Visit

TABLES = {
    "cloudtrail": N_("CloudTrail events"),
    "config_items": N_("Configuration items"),
    "vpc_flow_logs": N_("Flow log records"),
}
#: By the codes of search.refusals.TEXTS.
REFUSALS = {
    "no_field": (
        N_("There is no field %(name)s"),
        N_('Put text that holds a colon in quotes: "%(text)s"'),
    ),
    "meant_field": (N_("There is no field %(name)s"), N_("Did you mean %(meant)s?")),
    "has_fields": (N_("%(name)s has fields of its own"), N_("Name one of them, such as %(meant)s")),
    "no_value": (N_("%(name)s is not followed by a value"), N_("Write %(name)s:VALUE, or %(name)s:* for any value")),
    "open_quote": (
        N_("A quotation mark is not closed"),
        N_('Write " at the end, or \\" for the mark itself'),
    ),
    "open_parenthesis": (N_("A parenthesis is not closed"), N_("Write ) after the last value")),
    "stray_parenthesis": (
        N_("A parenthesis stands alone"),
        N_("Parentheses list values of one field: eventName:(A, B)"),
    ),
    "or_between": (
        N_("OR joins values of one field only"),
        N_("Write eventName:(A, B), or choose SQL for conditions on several fields"),
    ),
    "nothing_negated": (
        N_("- is not followed by a condition"),
        N_("Write -eventName:GetObject, or put the text in quotes"),
    ),
    "not_a_number": (
        N_("%(name)s is a number, %(value)s is none"),
        N_("Write %(name)s:443, %(name)s:>1024 or %(name)s:1..1023"),
    ),
    "not_a_boolean": (
        N_("%(name)s is true or false, not %(value)s"),
        N_("Write %(name)s:true or %(name)s:false"),
    ),
    "not_a_time": (
        N_("%(value)s is no time"),
        N_("Write 2026-11-20, 2026-11-20T10:00 or 2026-11-20T10:00:00Z"),
    ),
    "not_a_network": (
        N_("%(value)s is no network"),
        N_("Write an address and the length of its prefix: 203.0.113.0/24"),
    ),
    "not_ordered": (
        N_("%(name)s is text: it cannot be compared by %(sign)s"),
        N_("Write %(name)s:VALUE, with * for any characters"),
    ),
    "too_long": (N_("The search is longer than %(most)s characters"), N_("Shorten it, or choose SQL")),
    "too_many": (
        N_("The search has more than %(most)s conditions or values"),
        N_("Shorten it, or choose SQL"),
    ),
    "bad_time": (
        N_("%(value)s is no time"),
        N_("Write a time such as 2026-11-20T10:00, or a span back from the newest record such as -24h, -7d, -30d"),
    ),
    "empty_span": (N_("The time range ends before it begins"), N_("Give a beginning before %(value)s")),
    "no_table": (
        N_("There is no table %(value)s"),
        N_("Choose cloudtrail, config_items or vpc_flow_logs"),
    ),
    "bad_cursor": (N_("This page of the search is not there"), N_("Begin at the first page")),
    "no_column": (N_("There is no column %(name)s"), N_("Did you mean %(meant)s?")),
}  # fmt: skip
#: Presets of the time range: what `from` is, and its words.
SPANS = (
    ("-1h", N_("1 hour")),
    ("-24h", N_("1 day")),
    ("-7d", N_("7 days")),
    ("-30d", N_("30 days")),
    ("-365d", N_("1 year")),
    ("all", N_("All time")),
)


def refusal(visit: Visit, refused: SearchRefused) -> tuple[str, str]:
    """What is wrong and how to write it, in the visitor's language."""
    what, remedy = REFUSALS[refused.code]
    return visit._(what, **refused.values), visit._(remedy, **refused.values)
