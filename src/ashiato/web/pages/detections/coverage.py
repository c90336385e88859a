"""Which techniques of MITRE ATT&CK the rules look for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ashiato.web.page import N_
from ashiato.web.pages.detections.words import DAYS, area, hits, rules

if TYPE_CHECKING:
    from starlette.responses import Response

    from ashiato.web.visit import Visit


@area.get("/detections/coverage", title=N_("Which techniques are looked for?"))
def coverage(visit: Visit) -> Response:
    from ashiato.detect.coverage import coverage as covered
    from ashiato.detect.coverage import techniques

    known = rules(visit)
    counted = hits(visit)
    hit: dict[str, int] = {}
    for id_, found in counted.items():
        for technique in techniques(known.listed[id_].rule.tags) if id_ in known.listed else ():
            hit[technique] = hit.get(technique, 0) + found.hits
    on = {row["technique"]: row for row in covered(r.rule for r in known.listed.values() if r.enabled)}
    rows = [
        {**row, "on": on.get(row["technique"], {}).get("rules", 0), "hits": hit.get(row["technique"], 0)}
        for row in covered(known.rules.values())
    ]
    most = max((row["rules"] for row in rows), default=1)
    return visit.render("detections/coverage.html", rows=rows, most=most, days=DAYS, on=len(on))
