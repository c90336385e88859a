"""One record: what it says in words, as AWS wrote it, its copies, where it came from and how late."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from ashiato.web.entities import pieces, telling
from ashiato.web.page import N_, Area, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from ashiato.trace.refs import Record
    from ashiato.web.visit import Visit

area = Area("record")

#: Characters of a record on the page; the export has all.
MOST_SHOWN: Final = 200_000
_TITLES: Final = {
    "cloudtrail": N_("What does this event say?"),
    "config_items": N_("What does this configuration item say?"),
    "vpc_flow_logs": N_("What does this flow record say?"),
}


@area.get("/record", title=N_("What does this record say?"), lake=True)
def record(visit: Visit) -> Response:
    """`?ref=` a reference (formats.refs)."""
    from ashiato.trace.opened import told

    ref = visit.one("ref")
    if not ref:
        return visit.render("record/ask.html")
    found = told(visit.lake, ref, visit.scope, telling(visit))
    if found is None:
        raise _unknown(visit)
    visit.audit("record", ref)
    return visit.render(
        "record/record.html",
        title=visit._(_TITLES[found.record.table]),
        record=found.record,
        item=found.item,
        lane=found.lane,
        names=_by_role(found.names),
        alerts=found.alerts,
        raw=_text(found.record.record),
        variants=[(_text(v), _differing(found.record.record, v)) for v in found.record.variants],
        resource=_resource(found.record),
        most=MOST_SHOWN,
        **pieces(),
    )


@area.get("/record/export", title=N_("A record as JSON"), lake=True)
def export(visit: Visit) -> Response:
    """The record with its copies and where it came from, as JSON."""
    from ashiato.trace.refs import record_of

    if not visit.one("ref"):
        return visit.redirect(visit.link("/record"))
    found = record_of(visit.lake, visit.one("ref"), visit.scope)
    if found is None:
        raise _unknown(visit)
    visit.audit("record.export", visit.one("ref"))
    answer = visit.json(found.as_json())
    answer.headers["Content-Disposition"] = 'attachment; filename="record.json"'
    return answer


@area.get("/record/{ref:path}", title=N_("What does this record say?"))
def named(visit: Visit) -> Response:
    """An address that can be typed."""
    return visit.redirect(visit.link("/record", ref=visit.path["ref"]))


def _unknown(visit: Visit) -> NotFound:
    return NotFound(
        visit._("There is no such record, or not for you"),
        remedy=visit._("It may have left with its retention, or belong to an account that you may not see."),
    )


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2, default=str)


def _differing(original: Mapping[str, Any], variant: Mapping[str, Any]) -> list[str]:
    """Names of the fields in which a copy differs."""
    return sorted(k for k in {*original, *variant} if original.get(k) != variant.get(k))


def _resource(record: Record) -> str | None:
    """The text that means the resource of a configuration item and no other."""
    if record.table != "config_items":
        return None
    parts = (record.record.get(n) for n in ("awsAccountId", "awsRegion", "resourceType", "resourceId"))
    return "/".join(str(p or "") for p in parts)


def _by_role(names: list[dict[str, str]]) -> list[tuple[str, list[dict[str, str]]]]:
    by_role: dict[str, list[dict[str, str]]] = {}
    for name in names:
        by_role.setdefault(name["role"], []).append(name)
    return list(by_role.items())
