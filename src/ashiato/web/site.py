"""What all visits share: the home, the settings, templates and messages, and who is let in."""

from __future__ import annotations

import gettext
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ashiato.access.audit import record
from ashiato.web.catalogues import translations
from ashiato.web.page import Area, Route, areas

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from ashiato.core.settings import Settings
    from ashiato.lake.home import Home
    from ashiato.web.door import Door
    from ashiato.web.guiding import Incident
    from ashiato.web.visit import Language, Visit


@dataclass
class Site:
    """A home and its pages. `open_to_readers`: no sign-in (the demo). `incident`: what the guide of the demo leads
    through."""

    home: Home
    settings: Settings
    door: Door
    open_to_readers: bool = False
    incident: Incident | None = None
    areas: list[Area] = field(default_factory=areas)

    def __post_init__(self) -> None:
        from ashiato.access.signing_in import PasswordAuthenticator
        from ashiato.watch.standing import Standing
        from ashiato.web.live import Live
        from ashiato.web.rendering import Rendering
        from ashiato.web.turns import Turns

        self.words: dict[Language, gettext.NullTranslations] = {
            "en": translations("en"),
            "ja": translations("ja"),
        }
        self.rendering = Rendering(self)
        self.standing = Standing(self.home, self.settings)
        self.live = Live(self.home.ledger, self.settings)
        self.turns = Turns(self.settings.web)
        self.authenticator = PasswordAuthenticator(self.home.ledger, self.settings)

    @property
    def routes(self) -> list[Route]:
        return [route for area in self.areas for route in area.routes]

    def audit(
        self, visit: Visit, what: str, target: str, detail: Mapping[str, Any], connection: Connection | None
    ) -> None:
        """Into Ashiato's own audit log; the demo, where nobody is anybody, has none."""
        if self.open_to_readers:
            return
        who = visit.identity or "-"
        if connection is not None:
            record(connection, who, what, target, detail, visit.now)
            return
        with self.home.ledger.begin() as own:
            record(own, who, what, target, detail, visit.now)
