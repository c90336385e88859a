"""Keys of the JSON documents of `ashiato alerts`; `tests/alerts/test_alerts_command.py` compares them."""

from __future__ import annotations

Keys = dict[str, tuple[str, str]]

ALERT: Keys = {
    "id": ("text", "`A-17`"),
    "state": ("text", "open, acknowledged, closed, planned, suppressed, withdrawn or merged"),
    "closed_as": ("text or null", "true, benign or false, once it is closed"),
    "level": ("text", "informational, low, medium, high or critical: the highest of its findings"),
    "rule": ("text", "the rule"),
    "title": ("text", "the rule's title"),
    "kind": ("text", "match, correlation, first_seen, rate or silence"),
    "account": ("text or null", "account, twelve digits"),
    "account_name": ("text or null", "its name in the settings"),
    "region": ("text or null", "region"),
    "principal": ("text or null", "who, as an ARN"),
    "group": ("object", "fields and values that the rule groups by"),
    "actor": ("text", "person, automation, service, service_for_user or unknown"),
    "tags": ("list of text", "the rule's tags"),
    "rarity": ("number or null", "0 common to 1 never seen"),
    "first": ("time", "of the first hit"),
    "last": ("time", "of the last hit"),
    "hits": ("number", "matching events, or matched windows"),
    "findings": ("number", "findings that stand: one a rule, group and hour"),
    "event_ids": ("list of text", "ids of their events, 1,000 at most"),
    "incident": ("text or null", "the incident that it is part of, `I-3`"),
    "held_by": (
        "text or null",
        "the suppression (`S-2`) or planned work (`P-3`, `ticket:…`) that expects it",
    ),
    "assignee": ("text or null", "whose it is"),
    "told": ("time or null", "when a channel was last told"),
    "amended": ("true or false", "whether later records changed what was first found"),
    "merged_into": ("text or null", "the alert that it became part of"),
    "follows": ("text or null", "an alert of the same kind that was closed before"),
    "raised": ("time", "when it was raised"),
    "changed": ("time", "when it last changed"),
}

DELIVERY: Keys = {
    "message": ("number", "number in the outbox, for `ashiato alerts retry`"),
    "key": ("text", "goes with the message; the same whenever it is sent again"),
    "kind": ("text", "alert, more (beyond the cap) or digest"),
    "alert": ("text or null", "the alert"),
    "channel": ("text", "channel"),
    "state": ("text", "pending, sending, sent, gathered, superseded or dead"),
    "level": ("text", "level at which it was told"),
    "attempts": ("number", "how often it was tried"),
    "created": ("time", "when it was put into the outbox"),
    "due": ("time or null", "when it is tried again"),
    "sent": ("time or null", "when the channel took it"),
    "error": ("text or null", "what the channel answered last"),
}

STORY: Keys = {
    "at": ("time", "time of the record"),
    "text": ("text", "the record in a sentence, in the language of the settings"),
    "event_id": ("text or null", "its event id"),
    "ref": ("text or null", "reference of the record, for `/record?ref=` and `ashiato trace`"),
    "search": ("mapping or null", "of a flow record: the parameters of `/search` that find it"),
    "level": ("text", "highest level that it was found at"),
    "alerts": ("list of text", "alerts that it is in"),
}


def under(prefix: str, keys: Keys) -> Keys:
    """The keys of a document inside another."""
    return {f"{prefix}{key}": told for key, told in keys.items()}


FINDING: Keys = {
    "uid": ("text", "id, made of rule, group and hour"),
    "level": ("text", "level"),
    "kind": ("text", "kind of rule"),
    "first": ("time", "of the first hit"),
    "last": ("time", "of the last hit"),
    "hits": ("number", "hits in its hour"),
    "standing": ("true or false", "false: later records contradicted it"),
    "live": ("true or false", "whether it was news, or found in history"),
    "held_by": ("text or null", "what expects it"),
    "actor": ("text", "who did it: person, automation, service …"),
    "group": ("object", "fields and values that the rule groups by"),
    "addresses": ("list of text", "source addresses"),
    "access_keys": ("list of text", "access keys"),
    "resources": ("list of text", "resources"),
    "rarity": ("number or null", "0 common to 1 never seen"),
    "explanation": ("object", "why it was raised, by the kind of rule"),
    "event_ids": ("list of text", "ids of its events"),
    "examples": ("list of objects", "its first records, 3 at most"),
    "delivered": ("time or null", "when AWS delivered the newest of its records"),
    "ingested": ("time or null", "when it was taken in"),
}

LISTED: Keys = {key: told for key, told in ALERT.items() if key != "event_ids"}

#: (command, call, about, keys)
ALERTS: list[tuple[str, str, str, Keys]] = [
    ("list", "ashiato alerts list --json", "A list, newest last hit first.", under("[].", ALERT)),
    (
        "show",
        "ashiato alerts show A-17 --json",
        "What `list` says of it, and:",
        {
            **ALERT,
            "message": ("object", "what a channel is sent, in the language of the settings"),
            "message.subject": ("text", "subject"),
            "message.lines": ("list of text", "lines; the first says who did what, when, from where"),
            "message.link": ("text or null", "address of its page"),
            "story": ("list", "its records in time order"),
            **under("story[].", STORY),
            "finding_list": ("list", "its findings, the withdrawn ones too"),
            **under("finding_list[].", FINDING),
            "related": ("list of text", "the other alerts of its incident"),
            "history": ("list", "what happened to it, and what people did"),
            "history[].at": ("time", "when"),
            "history[].who": ("text or null", "who; null where nobody did it"),
            "history[].what": ("text", "raised, told, note, acknowledged, closed …"),
            "history[].detail": ("object", "more of it"),
            "deliveries": ("list", "its messages"),
            **under("deliveries[].", DELIVERY),
        },
    ),
    (
        "show",
        "ashiato alerts show I-3 --json",
        "",
        {
            "id": ("text", "`I-3`"),
            "level": ("text", "highest level of its alerts"),
            "first": ("time", "of the first hit"),
            "last": ("time", "of the last hit"),
            "dissolved": ("true or false", "true: nothing holds its alerts together any more"),
            "alerts": ("list", "its alerts, by their first hit"),
            **under("alerts[].", ALERT),
            "story": ("list", "their records in time order, each once"),
            **under("story[].", STORY),
        },
    ),
    (
        "precision",
        "ashiato alerts precision --json",
        "",
        {
            "[].rule": ("text", "the rule"),
            "[].title": ("text", "its title"),
            "[].alerts": ("number", "alerts, but merged ones"),
            "[].open": ("number", "open or acknowledged"),
            "[].planned": ("number", "attached to planned work"),
            "[].suppressed": ("number", "suppressed"),
            "[].withdrawn": ("number", "contradicted by later records"),
            "[].closed": ("number", "closed"),
            "[].true": ("number", "closed as true"),
            "[].benign": ("number", "closed as benign"),
            "[].false": ("number", "closed as false"),
            "[].precision": ("number or null", "true of all closed"),
            "[].noise": ("number or null", "false of all closed"),
        },
    ),
    (
        "digest",
        "ashiato alerts digest --json",
        "",
        {
            "period": ("text", "day or week"),
            "since": ("time", "begin"),
            "until": ("time", "end"),
            "open": ("number", "alerts that need somebody now"),
            "raised": ("list", "raised in this time; keys as in `list`, without `event_ids`"),
            **under("raised[].", LISTED),
            "grown": ("list", "raised before, with hits in this time, and still needing somebody"),
            **under("grown[].", LISTED),
            "older": ("list", "needing somebody since before"),
            **under("older[].", LISTED),
            "incidents": ("list", "incidents with hits in this time"),
            "incidents[].id": ("text", "`I-3`"),
            "incidents[].level": ("text", "highest level of its alerts"),
            "incidents[].alerts": ("number", "how many alerts"),
            "incidents[].first": ("time", "of the first hit"),
            "incidents[].last": ("time", "of the last hit"),
            "closed": ("number", "closed in this time"),
            "withdrawn": ("number", "withdrawn in this time"),
            "amended": ("number", "amended in this time"),
            "planned": ("number", "raised, and attached to planned work"),
            "suppressed": ("number", "raised, and suppressed"),
            "undelivered": ("number", "messages that were given up"),
        },
    ),
    *[
        (
            words,
            f"ashiato alerts {words} … --json",
            "",
            {
                "changed": ("list of text", "alerts that it changed"),
                "what": ("text", "what was done to them"),
            },
        )
        for words in ("ack", "close", "reopen", "note", "assign")
    ],
    (
        "suppress",
        "ashiato alerts suppress RULE … --json",
        "",
        {"id": ("text", "`S-2`"), "alerts": ("number", "open alerts that went with it")},
    ),
    (
        "suppressions",
        "ashiato alerts suppressions --json",
        "",
        {
            "[].id": ("text", "`S-2`"),
            "[].in_force": ("true or false", "whether it holds anything back now"),
            **{
                f"[].{name}": ("list of text", f"{name}, or patterns; empty: any")
                for name in ("rules", "principals", "accounts", "addresses", "resources")
            },
            "[].reason": ("text", "why"),
            "[].until": ("time", "when it ends by itself"),
            "[].by": ("text", "who made it"),
            "[].created": ("time", "when"),
            "[].ended": ("time or null", "when a person ended it"),
            "[].findings": ("number", "findings that it holds back"),
        },
    ),
    (
        "plan",
        "ashiato alerts plan TICKET … --json",
        "",
        {
            "id": ("text", "`P-3`"),
            "ticket": ("text", "the ticket"),
            "alerts": ("number", "open alerts that belong to it"),
        },
    ),
    (
        "plans",
        "ashiato alerts plans --json",
        "",
        {
            "[].id": ("text or null", "`P-3`; null where the settings announce it"),
            "[].ticket": ("text", "the ticket"),
            "[].from": ("time", "begin"),
            "[].to": ("time", "end"),
            "[].who": ("list of text", "principals, or patterns; empty: anybody"),
            "[].accounts": ("list of text", "accounts; empty: any"),
            "[].operations": ("list of text", "operations, or patterns; empty: any"),
            "[].by": ("text", "who announced it"),
            "[].ended": ("time or null", "when it was called off"),
            "[].alerts": ("list of text", "alerts that have something of it"),
            "[].in_force": ("true or false", "false: it is over or called off"),
        },
    ),
    (
        "test",
        "ashiato alerts test CHANNEL --json",
        "Status 3 with the service's answer where the channel did not take it.",
        {"channel": ("text", "the channel"), "sent": ("true", "it took the message")},
    ),
    (
        "undelivered",
        "ashiato alerts undelivered --json",
        "Status 1 where the list has entries.",
        under("[].", DELIVERY),
    ),
    (
        "retry",
        "ashiato alerts retry --json",
        "Status 1 where something failed again.",
        {
            "again": ("number", "messages that had been given up"),
            "sent": ("number", "messages sent"),
            "failed": ("number", "failed, and to be tried again"),
            "dead": ("number", "given up"),
            "gathered": ("number", "told in one message, beyond a channel's cap"),
            "superseded": ("number", "with nothing left to tell"),
        },
    ),
]
