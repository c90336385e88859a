"""Settings as they are in force. They are changed in the settings file: what runs is what is written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ashiato.web.page import N_, Area, Nav

if TYPE_CHECKING:
    from starlette.responses import Response

    from ashiato.web.visit import Visit

area = Area("settings")


@area.get(
    "/settings",
    title=N_("What is set?"),
    least="admin",
    nav=Nav(N_("Settings"), 90),
    ability="audit",
    grouped=False,
)
def settings(visit: Visit) -> Response:
    from ashiato.core.settings_shown import shown

    wanted, own = visit.one("q").lower(), visit.one("own")
    found = [
        s
        for s in shown(visit.settings)
        if (not own or not s.usual) and (wanted in s.key.lower() or wanted in s.meaning.lower())
    ]
    return visit.render("settings/settings.html", found=found, wanted=visit.one("q"), own=own)
