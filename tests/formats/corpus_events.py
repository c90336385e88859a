"""The corpora's CloudTrail events, raw, as AWS wrote them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def corpus_events(corpora: Path) -> Iterator[dict[str, Any]]:
    """Every event of the two CloudTrail corpora and of the EventBridge envelopes."""
    for folder in ("cloudtrail-invictus", "cloudtrail-stratus"):
        for path in sorted((corpora / folder).glob("*.json")):
            content = json.loads(path.read_text())
            yield from content["Records"] if isinstance(content, dict) else content
    for path in sorted((corpora / "eventbridge").glob("*.json")):
        content = json.loads(path.read_text())
        if isinstance(content, dict) and "CloudTrail" in str(content.get("detail-type")):
            yield content["detail"]
