"""From cause to effect: operation → change → the first connection that the change let through."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from ashiato.core.scope import AccountScope
from ashiato.core.spans import shifted
from ashiato.lake.plans import PinnedLake
from ashiato.trace.connections import connection_document
from ashiato.trace.hosts import Host, hosts_of
from ashiato.trace.keys import Key, Window, footprints
from ashiato.trace.openings import OPENING, Let, let_through, openings
from ashiato.trace.reading import Asked
from ashiato.trace.subjects import Subject
from ashiato.trace.telling import Telling
from ashiato.words import sentence
from ashiato.words.messages import Message, Phrase

#: Openings that are followed to their first connection, and hosts that groups are taken from.
_MOST_OPENINGS: Final = 6
_MOST_HOSTS: Final = 2
_MOST_GROUPS: Final = 8
#: An opening this long before anything that is shown explains nothing of it.
_BEFORE: Final = timedelta(days=31)

# fmt: off
LET = Message("{operation}; {time} later {connection}", "{operation}。その {time}後、{connection}")
SECONDS = Message("{n} s", "{n} 秒")
MINUTES = Message("{n} min", "{n} 分")
HOURS = Message("{n} h", "{n} 時間")
DAYS = Message("{n} d", "{n} 日")
# fmt: on


def links(
    lake: PinnedLake,
    subject: Subject,
    host: Host,
    document: dict[str, Any],
    scope: AccountScope,
    telling: Telling,
) -> list[dict[str, Any]]:
    """The JSON of the links, newest first: {"from", "to", "how", "text", …}. Marks what is shown with `led_to` and
    `let_by`.

    `how`: `made` from an operation to the change that it made, `let` from a change (or the operation, where no item
    shows it) to a connection.
    """
    made = [
        {
            "from": c["causes"][0]["ref"], "to": c["ref"], "how": "made", "time": c["time"],
            "text": c["causes"][0]["text"], "connection": None,
        }
        for c in document["changes"]
        if c["causes"]
    ]  # fmt: skip
    for let in _lets(lake, subject, host, document, scope, telling):
        made += _of_let(let, document, telling)
    seen: dict[tuple[str, str, str], dict[str, Any]] = {}
    for link in made:
        seen.setdefault((link["from"], link["to"], link["how"]), link)
    return sorted(seen.values(), key=lambda link: (link["time"], link["to"]), reverse=True)


def _of_let(let: Let, document: dict[str, Any], telling: Telling) -> list[dict[str, Any]]:
    opening, connection = let.opening, let.connection
    said = sentence(opening.event, telling.language, telling.names).text
    made: list[dict[str, Any]] = []
    if opening.change is not None:
        made.append(
            {"from": opening.operation, "to": opening.change, "how": "made", "time": opening.opened, "text": said,
             "connection": None}
        )  # fmt: skip
    if connection is None:
        return made
    shown = connection_document(connection, telling)
    later = _span(opening.opened, connection.first)
    text = Phrase(LET, {"operation": said, "time": later, "connection": shown["text"]}).said(telling.language)
    made.append(
        {
            "from": opening.change or opening.operation, "to": shown["ref"], "how": "let", "time": connection.first,
            "text": text, "connection": shown,
        }
    )  # fmt: skip
    for other in document["connections"]:
        if shown["ref"] in other["refs"] or other["ref"] == shown["ref"]:
            other["let_by"] = {"operation": opening.operation, "change": opening.change, "text": text}
    for change in document["changes"]:
        if change["ref"] == opening.change:
            change["let"] = {"ref": shown["ref"], "text": shown["text"], "time": connection.first}
    return made


def _span(first: datetime, last: datetime) -> Phrase:
    seconds = max(0, int((last - first).total_seconds()))
    for message, unit, least in ((DAYS, 86400, 172_800), (HOURS, 3600, 7200), (MINUTES, 60, 60)):
        if seconds >= least:
            return Phrase(message, {"n": f"{seconds // unit:,}"})
    return Phrase(SECONDS, {"n": str(seconds)})


def _lets(
    lake: PinnedLake,
    subject: Subject,
    host: Host,
    document: dict[str, Any],
    scope: AccountScope,
    telling: Telling,
) -> list[Let]:
    hosts = [host] if host.spells else _hosts_shown(lake, subject, document, scope, telling)
    groups = dict.fromkeys(g for h in hosts for g in h.groups)
    groups |= dict.fromkeys(
        c["resource"] for c in document["changes"] if c["type"] == "AWS::EC2::SecurityGroup"
    )
    groups |= dict.fromkeys(
        r
        for o in document["operations"]
        if o["event_name"] in OPENING
        for r in o["resources"]
        if r.startswith("sg-")
    )
    if not groups:
        return []
    times = [o["time"] for o in document["operations"]] + [c["time"] for c in document["changes"]]
    times += [c["first"] for c in document["connections"]]
    if not times:
        return []
    found = [
        o
        for o in openings(lake, list(groups)[:_MOST_GROUPS], scope)
        if shifted(min(times), -_BEFORE) <= o.opened <= max(times)
    ]
    of_group = {g: h for h in hosts for g in h.groups}
    latest = sorted(found, key=lambda o: o.opened, reverse=True)[:_MOST_OPENINGS]
    return let_through(lake, latest, scope, telling, of_group)


def _hosts_shown(
    lake: PinnedLake, subject: Subject, document: dict[str, Any], scope: AccountScope, telling: Telling
) -> Sequence[Host]:
    """The hosts that the shown connections were recorded at: what let these happen is a matter of their groups."""
    named = dict.fromkeys(
        c["interface"] for c in document["connections"] if str(c["interface"] or "").startswith("eni-")
    )
    hosts = []
    for interface in list(named)[:_MOST_HOSTS]:
        if subject.kind != "address":
            break
        of_it = Subject("interface", interface, (Key("interface", interface),))
        asked = Asked(lake, of_it.keys, scope, Window())
        found = footprints(lake, of_it.keys, scope, Window(), ["config_items"])
        hosts.append(hosts_of(asked, of_it, found, telling))
    return [h for h in hosts if h.spells]
