"""`detections check`: what linting says of parsed rules, and the documents that are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ashiato.detect.ruleset import documents, read_path
from ashiato.detect.sigma_rules import parse

if TYPE_CHECKING:
    from ashiato.core.settings import Settings


def check_rules(settings: Settings, home: Path, paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Remarks on the rules at `paths`, or on every rule of the home: errors first, then by file."""
    from ashiato.detect.linting import lint

    found = [d for p in paths for d in read_path(p, p.name)] if paths else list(documents(settings, home))
    parsed = parse(found, settings.detect.lists)
    remarks = [
        {
            "severity": "error", "code": "not-evaluated", "rule": p.rule, "file": p.file, "line": None,
            "text": f"{p.title or 'a document'} cannot be evaluated: {p.reason}", "remedy": "",
        }
        for p in parsed.problems
    ]  # fmt: skip
    remarks += [asdict(r) for r in lint(list(parsed.sigma.values()))]
    order = {"error": 0, "warning": 1}
    return sorted(remarks, key=lambda r: (order.get(r["severity"], 2), str(r["file"]), str(r["rule"])))
