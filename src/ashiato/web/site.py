"""What all visits share: the home, the settings, templates and messages, and who is let in."""

from __future__ import annotations

import gettext
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ashiato.web.catalogues import translations
from ashiato.web.page import Area, Route, areas

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from ashiato.core.settings import Settings
    from ashiato.lake.home import Home
    from ashiato.web.door import Door
    from ashiato.web.rendering import Rendering
    from ashiato.web.visit import Language, Visit

_log = logging.getLogger("ashiato.web")


@dataclass
class Site:
    """A home and its pages. `open_to_readers`: no sign-in (the demo)."""

    home: Home
    settings: Settings
    door: Door
    open_to_readers: bool = False
    areas: list[Area] = field(default_factory=areas)

    def __post_init__(self) -> None:
        from ashiato.web.rendering import Rendering

        self.words: dict[Language, gettext.NullTranslations] = {
            "en": translations("en"),
            "ja": translations("ja"),
        }
        self.rendering: Rendering = Rendering(self)

    @property
    def routes(self) -> list[Route]:
        return [route for area in self.areas for route in area.routes]

    def audit(
        self, visit: Visit, what: str, target: str, detail: dict[str, Any], connection: Connection | None
    ) -> None:
        """Into Ashiato's own audit log."""
        del connection
        who = visit.identity.name if visit.identity else "-"
        _log.info("audit %s %s %s %s", who, what, target, detail)
