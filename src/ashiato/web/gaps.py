"""Why a gap in evidence is known, in the visitor's language."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ashiato.web.visit import Visit

# As intake.coverage writes them.
_UNSEEN = re.compile(r"no digest of (?:trail )?(?P<trail>.+) came for this time")
_ENDED = re.compile(r"no digest of (?:trail )?(?P<trail>.+) came any more")
_FILE = re.compile(r"the digest names (?P<file>s3://.+), which never came", re.DOTALL)
_SKIPPED = re.compile(r"SKIPDATA at (?P<interface>.+): AWS left out records in (?P<count>[\d,]+) windows")


def gap_words(visit: Visit, why: str) -> str:
    """One sentence; what is of no known form as it is."""
    if found := _UNSEEN.fullmatch(why):
        return visit._("No digest of %(trail)s came for this time.", trail=found["trail"][:200])
    if found := _ENDED.fullmatch(why):
        return visit._("No digest of %(trail)s came any more.", trail=found["trail"][:200])
    if found := _FILE.fullmatch(why):
        return visit._("A digest names %(file)s, which never came.", file=found["file"][:300])
    if found := _SKIPPED.fullmatch(why):
        count = int(found["count"].replace(",", ""))
        return visit.ngettext(
            "AWS left out records of %(interface)s in %(num)s window (SKIPDATA).",
            "AWS left out records of %(interface)s in %(num)s windows (SKIPDATA).",
            count,
            interface=found["interface"][:100],
        )
    return why[:300]
