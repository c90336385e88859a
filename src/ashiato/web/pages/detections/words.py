"""What the pages of detections say of kinds and logs, and the figures that they share."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ashiato.web.page import N_, Area

if TYPE_CHECKING:
    from ashiato.detect.hits import RuleHits
    from ashiato.detect.rule import Rule
    from ashiato.detect.ruleset import RuleSet
    from ashiato.web.visit import Visit

area = Area("detections")

#: How far back hits are counted.
DAYS = 30

KINDS = {
    "match": N_("single records"),
    "correlation": N_("several records together"),
    "first_seen": N_("first seen"),
    "rate": N_("more than usual"),
}
LOGS = {
    "cloudtrail": N_("CloudTrail"),
    "config_items": N_("AWS Config"),
    "vpc_flow_logs": N_("VPC Flow Logs"),
}
ACTORS = {
    "person": N_("people"),
    "automation": N_("automation"),
    "service": N_("AWS services"),
    "service_for_user": N_("AWS services on somebody's behalf"),
    "unknown": N_("whoever is not known"),
}


def rules(visit: Visit) -> RuleSet:
    from ashiato.detect.loaded import rules_of

    return rules_of(visit.settings, visit.home)


def since_of(now: datetime) -> datetime:
    """The begin of the first of the days that are counted, UTC."""
    return (now - timedelta(days=DAYS - 1)).replace(hour=0, minute=0, second=0, microsecond=0)


def hits(visit: Visit, rule: str | None = None) -> dict[str, RuleHits]:
    """By rule, hits of the last days in the visitor's accounts."""
    from ashiato.detect.hits import hits_of

    with visit.ledger.engine.connect() as connection:
        return hits_of(connection, since_of(visit.now), visit.scope, rule=rule)


def title_of(visit: Visit, rule: Rule) -> str:
    """Its title in the visitor's language, where it has one."""
    own = rule.texts.get("title_ja") if visit.language == "ja" else None
    return str(own or rule.title)[:300]


def description_of(visit: Visit, rule: Rule) -> str:
    own = rule.texts.get("description_ja") if visit.language == "ja" else None
    return str(own or rule.description)[:4000]


def next_of(visit: Visit, rule: Rule) -> list[str]:
    """What to check next, as the rule says."""
    told: Any = rule.texts.get("next")
    steps = (told.get(visit.language) or told.get("en")) if isinstance(told, dict) else told
    if isinstance(steps, str):
        steps = [steps]
    return [str(s)[:600] for s in steps[:8]] if isinstance(steps, (list, tuple)) else []
