"""The rules of a home, kept in memory until a file of theirs, or what a person said of one, changes.

Reading them takes about a second; a page must not wait for that each time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from ashiato.detect.ruleset import RuleSet, load_rules, packs
from ashiato.ledger.detection_tables import rule_states

if TYPE_CHECKING:
    from ashiato.core.settings import Settings
    from ashiato.lake.home import Home

_lock = threading.Lock()
#: The last home's rules, under what they were made of.
_kept: tuple[object, RuleSet] | None = None


def rules_made_of(settings: Settings, home: Home) -> object:
    """Another one, compared by ==, once a file of the rules or what a person said of one has changed."""
    return home.folder, settings.detect, _said(home), tuple(_files(settings, home.folder))


def rules_of(settings: Settings, home: Home) -> RuleSet:
    """The rules of a home as they are now."""
    global _kept
    with _lock:
        made_of = rules_made_of(settings, home)
        if _kept is None or _kept[0] != made_of:
            _kept = made_of, load_rules(settings, home.folder, home.ledger)
        return _kept[1]


def _said(home: Home) -> object:
    c = rule_states.c
    rows = home.ledger.rows(sa.select(c.rule, c.enabled).where(c.enabled.is_not(None)).order_by(c.rule))
    return tuple((row.rule, row.enabled) for row in rows)


def _files(settings: Settings, home: Path) -> Iterator[tuple[str, int, int]]:
    for folder in (*(f.expanduser() for f in settings.detect.rules), *(f for _, f in packs(home))):
        for file in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
            try:
                found = file.stat()
            except OSError:
                continue
            yield str(file), found.st_mtime_ns, found.st_size
