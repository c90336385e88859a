"""Which techniques of MITRE ATT&CK rules look for: the table of `ashiato detections coverage`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ashiato.detect.rule import Rule
from ashiato.detect.technique_names import NAMES, current
from ashiato.ledger.findings import LEVELS

_TECHNIQUE = re.compile(r"attack\.(t\d{4}(?:\.\d{3})?)", re.IGNORECASE)


def techniques(tags: Iterable[str]) -> list[str]:
    """Ids of techniques (`T1685.002`) that a rule's tags name, sorted; revoked ids as what replaced them."""
    found = set()
    for tag in tags:
        match = _TECHNIQUE.fullmatch(tag)
        if match:
            id_ = match[1].upper()
            found.add(current(id_) or id_)
    return sorted(found)


def coverage(rules: Iterable[Rule]) -> list[dict[str, Any]]:
    """A row for each technique: `technique`, `name` ("" where it is not known here), `rules` (how many),
    `highest` (their highest level), `titles` (the highest first).

    Rules that raise nothing alone are left out: what they count towards is tagged itself.
    """
    by_technique: dict[str, list[Rule]] = {}
    for rule in rules:
        if rule.alone:
            for id_ in techniques(rule.tags):
                by_technique.setdefault(id_, []).append(rule)
    return [
        {
            "technique": id_,
            "name": NAMES.get(id_, ""),
            "rules": len(found),
            "highest": max((r.level for r in found), key=LEVELS.index),
            "titles": [r.title for r in sorted(found, key=lambda r: (-LEVELS.index(r.level), r.title))],
        }
        for id_, found in sorted(by_technique.items())
    ]
