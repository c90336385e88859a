"""What the pages of alerts and incidents say of states, levels and closings, and a line about an alert."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ashiato.web.page import N_, Area

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from ashiato.alerts.messages import Writer
    from ashiato.ledger.findings import Finding
    from ashiato.web.visit import Visit

area = Area("alerts")

STATES = {
    "open": N_("open"),
    "acknowledged": N_("acknowledged"),
    "closed": N_("closed"),
    "planned": N_("planned work"),
    "suppressed": N_("suppressed"),
    "withdrawn": N_("withdrawn"),
    "merged": N_("merged"),
}
CLOSINGS = {
    "true": N_("true: it was bad"),
    "benign": N_("benign: it was that, and allowed"),
    "false": N_("false: it was not that"),
}
CLOSED_AS = {"true": N_("true"), "benign": N_("benign"), "false": N_("false")}
HAPPENINGS = {
    "raised": N_("raised"),
    "told": N_("told"),
    "acknowledged": N_("acknowledged"),
    "closed": N_("closed"),
    "reopened": N_("reopened"),
    "note": N_("note"),
    "assigned": N_("assigned"),
    "related": N_("joined an incident"),
    "merged": N_("merged into another alert"),
    "took over": N_("took over another alert"),
    "split": N_("part of it became another alert"),
    "split off": N_("split off from another alert"),
    "level rose": N_("its level rose"),
    "amended": N_("amended by records that came later"),
    "withdrawn": N_("withdrawn: records that came later contradict it"),
    "suppressed": N_("suppressed"),
    "planned": N_("found to be planned work"),
    "opened again": N_("opened again"),
    "sent": N_("sent"),
    "given up": N_("sending was given up"),
}
SENDINGS = {
    "pending": N_("waiting"),
    "sending": N_("being sent"),
    "sent": N_("sent"),
    "gathered": N_("gathered into another message"),
    "superseded": N_("nothing to tell any more"),
    "dead": N_("given up"),
}


@dataclass(frozen=True)
class Line:
    """An alert in a list. `who`: what its group is called; `groups`: field and value that it is grouped by."""

    row: Any
    id: str
    incident: str | None
    level: str
    title: str
    sentence: str
    who: str
    groups: Sequence[tuple[str, str]]
    key: str | None


def said(visit: Visit, words: Mapping[str, str]) -> Callable[[str | None], str]:
    """A function that says a word in the visitor's language, as it is where it is none of these."""
    return lambda word: visit._(words[word]) if word and word in words else (word or "")


def words_of(visit: Visit) -> dict[str, Any]:
    """What the templates say states and closings with."""
    return {
        "state_said": said(visit, STATES),
        "closed_said": said(visit, CLOSED_AS),
        "happening_said": said(visit, HAPPENINGS),
        "sending_said": said(visit, SENDINGS),
        "closings": CLOSINGS,
    }


def writer_of(visit: Visit) -> Writer:
    """Sentences in the visitor's language."""
    from ashiato.alerts.messages import Writer

    return Writer(visit.settings, visit.language)


def lines_of(visit: Visit, connection: Connection, rows: Sequence[Any]) -> list[Line]:
    """Rows of `alerts` as lines of a list."""
    from ashiato.alerts.triage import leading

    told = leading(connection, [row.id for row in rows], visit.scope)
    writer = writer_of(visit)
    return [line_of(writer, row, told.get(row.id)) for row in rows]


def line_of(writer: Writer, row: Any, finding: Finding | None) -> Line:
    from ashiato.alerts.escaping import one_line
    from ashiato.alerts.ids import alert_id, incident_id
    from ashiato.ledger.findings import LEVELS

    group = json.loads(row.group_json)
    return Line(
        row=row,
        id=alert_id(row.id),
        incident=incident_id(row.incident),
        level=LEVELS[row.level],
        title=one_line(writer.title(row), 300),
        sentence=one_line(writer.sentence(row, finding)),
        who=one_line(writer.who(row), 200),
        groups=[(str(k), str(v)) for k, v in group.items() if v and v != row.account],
        key=finding.access_keys[0] if finding is not None and finding.access_keys else None,
    )


def group_kind(field: str) -> str:
    """The kind of entity that a field of a rule's group holds, for its chip."""
    name = field.rpartition(".")[2].lower()
    if "address" in name or name in ("srcaddr", "dstaddr"):
        return "address"
    if "accesskey" in name:
        return "access_key"
    if name in ("principal", "arn", "username"):
        return "principal"
    return "resource"
