"""Where a trace goes on: the cursor `next`, a place in each lane."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from ashiato.core.errors import WrongUse
from ashiato.trace.reading import Place

LANES: Final = {"cloudtrail": "operations", "config_items": "changes", "vpc_flow_logs": "connections"}
_LONGEST: Final = 20_000


def cursor_of(places: Mapping[str, Place | None]) -> str | None:
    """The cursor of these places by lane; None where no lane goes on."""
    if not any(places.values()):
        return None
    listed = {lane: None if p is None else [p.time.isoformat(), p.tie] for lane, p in places.items()}
    text = json.dumps(listed, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode().rstrip("=")


def places_of(cursor: str | None) -> dict[str, Place | None] | None:
    """The places of a cursor. Raises WrongUse for a text that is none."""
    if cursor is None:
        return None
    try:
        if len(cursor) > _LONGEST:
            raise ValueError
        padded = cursor + "=" * (-len(cursor) % 4)
        read = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
        return {lane: _place(read.get(lane)) for lane in LANES.values()}
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise WrongUse(
            "the cursor is none of a trace's",
            where="--after",
            remedy="Give `next` of the page before, as it is.",
        ) from error


def _place(read: list[str] | None) -> Place | None:
    if read is None:
        return None
    time = datetime.fromisoformat(read[0])
    if time.tzinfo is None:
        raise ValueError
    return Place(time, str(read[1]))
